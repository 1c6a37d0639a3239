//! The cases of version 1.0.0 that are values by themselves. Most of them cross the border in both directions.

use wasmtime::component::{ComponentType, Lift, Lower};

macro_rules! contract_enum {
    ($name:ident { $($case:ident $wit:literal,)* }) => {
        #[derive(ComponentType, Lift, Lower, Clone, Copy)]
        #[component(enum)]
        #[repr(u8)]
        pub enum $name { $(#[component(name = $wit)] $case,)* }

        impl From<domain::$name> for $name {
            fn from(value: domain::$name) -> $name {
                match value { $(domain::$name::$case => $name::$case,)* }
            }
        }

        impl From<$name> for domain::$name {
            fn from(value: $name) -> domain::$name {
                match value { $($name::$case => domain::$name::$case,)* }
            }
        }
    };
}

contract_enum! {
    SettingKind {
        Text "text",
        Secret "secret",
        TextBlock "text-block",
        SecretBlock "secret-block",
        Choice "choice",
        Url "url",
        Flag "flag",
        Integer "integer",
    }
}

contract_enum! {
    CallbackProof {
        Signature "signature",
        Lookup "lookup",
        Caller "caller",
    }
}

contract_enum! {
    HttpMethod {
        Get "get",
        Post "post",
        Put "put",
        Patch "patch",
        Delete "delete",
    }
}

contract_enum! {
    EventKind {
        Payment "payment",
        Refund "refund",
        Chargeback "chargeback",
        ChargebackReversal "chargeback-reversal",
        Hold "hold",
        HoldRelease "hold-release",
        Declined "declined",
    }
}

contract_enum! {
    Recurrence {
        Single "single",
        First "first",
        Repeat "repeat",
    }
}

contract_enum! {
    NoAnswer {
        Unavailable "unavailable",
        Unsupported "unsupported",
    }
}

contract_enum! {
    PartyKind {
        Individual "individual",
        SoleProprietor "sole-proprietor",
        Company "company",
    }
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Repeatable {
    #[component(name = "never")]
    Never,
    #[component(name = "within")]
    Within(u32),
    #[component(name = "always")]
    Always,
}

impl From<domain::Repeatable> for Repeatable {
    fn from(value: domain::Repeatable) -> Repeatable {
        match value {
            domain::Repeatable::Never => Repeatable::Never,
            domain::Repeatable::Within(seconds) => Repeatable::Within(seconds),
            domain::Repeatable::Always => Repeatable::Always,
        }
    }
}

impl From<Repeatable> for domain::Repeatable {
    fn from(value: Repeatable) -> domain::Repeatable {
        match value {
            Repeatable::Never => domain::Repeatable::Never,
            Repeatable::Within(seconds) => domain::Repeatable::Within(seconds),
            Repeatable::Always => domain::Repeatable::Always,
        }
    }
}
