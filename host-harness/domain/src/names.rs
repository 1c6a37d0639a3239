//! The wire names of enumerations.

/// Implements the conversion between an enumeration and its names, as they are stored and sent.
macro_rules! names {
    ($type:ident { $($case:ident $name:literal,)* }) => {
        impl $type {
            /// All variants.
            pub const ALL: &'static [$type] = &[$($type::$case,)*];

            /// Returns the name, in kebab-case.
            pub fn name(self) -> &'static str {
                match self { $($type::$case => $name,)* }
            }

            /// Returns the variant with a name.
            pub fn from_name(name: &str) -> Option<$type> {
                match name { $($name => Some($type::$case),)* _ => None }
            }
        }
    };
}

pub(crate) use names;
