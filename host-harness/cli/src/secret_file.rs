//! Secrets in files that only their owner may read, created if they do not exist.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::Failure;

/// 256 bits: too many to guess.
const SECRET_BYTES: usize = 32;

/// The secret of a file.
pub struct Secret {
    pub text: String,
    /// Whether there was no such file, and it was made.
    pub is_new: bool,
}

/// Returns the secret of a file, trimmed. If there is no such file, creates it with a new secret of 64 hexadecimal digits,
/// readable by its owner alone.
pub fn load_or_generate(path: &Path) -> Result<Secret, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => {
            let mut bytes = [0; SECRET_BYTES];
            getrandom::fill(&mut bytes).map_err(|error| Failure::Usage(format!("no randomness for a secret: {error}")))?;
            let secret = hex::encode(bytes);
            let written = file.write_all(secret.as_bytes()).and_then(|()| file.sync_all());
            written.map_err(|error| Failure::of_data(path, &error))?;
            Ok(Secret { text: secret, is_new: true })
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::of_data(path, &error))?;
            Ok(Secret { text: text.trim().to_owned(), is_new: false })
        }
        Err(error) => Err(Failure::of_data(path, &error)),
    }
}

/// The fewest characters of a password or token that a program shows: it protects money, and nobody has to remember it.
const PASSWORD_CHARS_MIN: usize = 16;

/// Returns the user name and password of a file, as `USER:PASSWORD`.
pub fn credentials(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    let text = Zeroizing::new(text);
    let line = text.trim_end_matches(['\r', '\n']);
    let is_usable = |(user, password): (&str, &str)| {
        !user.is_empty() && password.chars().count() >= PASSWORD_CHARS_MIN && !line.contains(char::is_control)
    };
    if !line.split_once(':').is_some_and(is_usable) {
        let why =
            "it is not one line of USER:PASSWORD, the password of 16 characters or more; `openssl rand -hex 16` makes one";
        return Err(Failure::file(path, why));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

/// Returns the token of a file, trimmed: one line that a header can hold.
pub fn token(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    let text = Zeroizing::new(text);
    let token = text.trim();
    if token.len() < PASSWORD_CHARS_MIN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let why = "it is not one line of 16 or more ASCII characters without spaces; `openssl rand -hex 32` makes one";
        return Err(Failure::file(path, why));
    }
    Ok(Zeroizing::new(token.to_owned()))
}
