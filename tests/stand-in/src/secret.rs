//! A secret of a stand-in's merchant.

/// A shared secret. It cannot be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, to be signed with.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(text.to_owned())
    }
}
