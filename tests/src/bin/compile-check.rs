//! The child process that compiles a component first, for tests.

fn main() -> std::process::ExitCode {
    sandbox::compile_checked()
}
