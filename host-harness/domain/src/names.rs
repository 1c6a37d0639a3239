//! The names of enumerations.

/// Gives an enumeration its names, as they are kept and told.
macro_rules! names {
    ($type:ident { $($case:ident $name:literal,)* }) => {
        impl $type {
            /// All of them.
            pub const ALL: &'static [$type] = &[$($type::$case,)*];

            /// Its name in kebab-case.
            pub fn name(self) -> &'static str {
                match self { $($type::$case => $name,)* }
            }

            /// The one of a name.
            pub fn from_name(name: &str) -> Option<$type> {
                match name { $($name => Some($type::$case),)* _ => None }
            }
        }
    };
}

pub(crate) use names;
