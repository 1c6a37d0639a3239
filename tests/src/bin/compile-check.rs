//! The child process in which a component is compiled first, for tests.

fn main() -> std::process::ExitCode {
    sandbox::compile_checked()
}
