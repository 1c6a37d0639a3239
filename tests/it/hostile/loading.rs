//! Components that are refused before they are called.

use end_to_end::guest::Guest;
use sandbox::Limits;

use super::{Call, case, check, patient, sandbox, within};

#[test]
fn non_providers_are_refused() {
    let package = "package billing:payments@1.0.0;";
    let renamed = |to: &str| Guest::good().change(package, &format!("package {to};"));
    let import = |imports: &str, core: &str| {
        let poll = "package wasi:io@0.2.0 { interface poll { poll: func(); } }";
        let world = "world provider {";
        let guest = Guest::good().change(world, &format!("{poll}\n{world} {imports}"));
        guest.code("imports", core)
    };
    let poll = r#"(import "wasi:io/poll@0.2.0" "poll" (func))"#;
    check(
        sandbox(),
        vec![
            case("imports", import("import wasi:io/poll@0.2.0;", poll), Call::Load, "load: imports wasi:io/poll@0.2.0"),
            case(
                "imports two",
                import("import wasi:io/poll@0.2.0; import now: func();", &format!(r#"{poll} (import "$root" "now" (func))"#)),
                Call::Load,
                "load: imports wasi:io/poll@0.2.0, now",
            ),
            case("no version", renamed("billing:payments"), Call::Load, "load: unknown billing:payments/payment-provider"),
            case(
                "the next version",
                renamed("billing:payments@2.0.0"),
                Call::Load,
                "load: unknown billing:payments/payment-provider@2.0.0",
            ),
            case(
                "another patch",
                renamed("billing:payments@1.0.1"),
                Call::Load,
                "load: unknown billing:payments/payment-provider@1.0.1",
            ),
            case(
                "another thing",
                renamed("other:things@1.0.0"),
                Call::Load,
                "load: no contract but other:things/payment-provider@1.0.0",
            ),
            case(
                "a field of another type",
                Guest::good().change("status: u16,", "status: u32,"),
                Call::Load,
                "load: shape of merchant.handle-callback",
            ),
            case(
                "a field of another name",
                Guest::good().change("action: string,", "address: string,"),
                Call::Load,
                "load: shape of merchant.create-link",
            ),
            case(
                "a case more",
                Guest::good().change("enum event-kind {", "enum event-kind { other,"),
                Call::Load,
                "load: shape of merchant.handle-callback",
            ),
            case(
                "a function of another name",
                Guest::good()
                    .change("describe: func()", "described: func()")
                    .code("more", r#"(func (export "{contract}#described") (result i32) unreachable)"#),
                Call::Load,
                "load: shape of describe",
            ),
            case(
                "a function that is missing",
                Guest::good().change("finish: func() -> result<export-totals, list<problem>>;", ""),
                Call::Load,
                "load: shape of writeoff-export.finish",
            ),
            within(
                patient().with_component_bytes_max(1_000),
                case("a large file", Guest::good(), Call::Load, "load: too large component"),
            ),
        ],
    );
}

/// The message for an administrator whose component was built for an earlier draft.
#[test]
fn component_of_another_draft_is_refused_with_advice() {
    let old = Guest::good().change("status: u16,", "status: u32,").build();
    let said = sandbox().load(&old, Limits::default()).unwrap_err().to_string();
    assert!(
        said.contains("built for an earlier draft of the contract") && said.contains("rebuild it with this version's wit/"),
        "{said}"
    );
}
