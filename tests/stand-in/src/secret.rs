//! A secret of the stand-in's merchant.

/// A shared secret, which cannot be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Returns the secret itself, for signing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(text.to_owned())
    }
}
