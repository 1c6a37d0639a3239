//! Sealing: protects stored data and tokens from being read or changed without the key.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 24;
const TIME_BYTES: usize = 8;

/// The key, 32 bytes that are stored beside the database and not in it. It cannot be printed, and is wiped from memory when
/// dropped.
#[derive(Clone)]
pub struct Key {
    cipher: XChaCha20Poly1305,
    /// Derives the nonces of tokens. It holds hashes of the key, from which the key cannot be derived.
    mac: Hmac<Sha256>,
}

/// The system cannot provide randomness.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct NoRandomness;

impl Key {
    /// Parses a key of 64 hexadecimal digits. `None` for any other text.
    pub fn parse(text: &str) -> Option<Key> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text, bytes.as_mut()).ok()?;
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(bytes.as_ref()).ok()?;
        let cipher = XChaCha20Poly1305::new_from_slice(bytes.as_ref()).ok()?;
        Some(Key { cipher, mac })
    }

    /// Seals bytes for a purpose. They cannot be opened for another one.
    ///
    /// # Errors
    /// If the system cannot provide randomness.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, NoRandomness> {
        let nonce = XNonce::try_generate().map_err(|_| NoRandomness)?;
        Ok(self.seal_with(&nonce, purpose, plain))
    }

    fn seal_with(&self, nonce: &XNonce, purpose: &str, plain: &[u8]) -> Vec<u8> {
        // It fails only for inputs of gigabytes.
        let sealed = self.cipher.encrypt(nonce, Payload { msg: plain, aad: purpose.as_bytes() }).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    /// Opens bytes that [`Key::seal`] returned; they are wiped when dropped. `None` if they were sealed with another key or for
    /// another purpose, or were changed.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let nonce = XNonce::try_from(nonce).ok()?;
        self.cipher.decrypt(&nonce, Payload { msg: sealed, aad: purpose.as_bytes() }).ok().map(Zeroizing::new)
    }

    /// Returns a token for a URL or a cookie, from which only this host can read `text`. It expires at `until`, in seconds
    /// since the epoch. The same arguments give the same token, since its nonce is a keyed hash of them.
    pub fn seal_token(&self, purpose: &str, text: &str, until: u64) -> String {
        let plain = [&until.to_be_bytes(), text.as_bytes()].concat();
        let mut mac = self.mac.clone();
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(&plain);
        let hash = mac.finalize().into_bytes();
        let mut nonce = XNonce::default();
        nonce.iter_mut().zip(hash).for_each(|(byte, of_hash)| *byte = of_hash);
        URL_SAFE_NO_PAD.encode(self.seal_with(&nonce, purpose, &plain))
    }

    /// Returns the text of a token, or `None` if it is not this host's or has expired.
    pub fn open_token(&self, purpose: &str, token: &str, now: u64) -> Option<String> {
        let plain = self.open(purpose, &URL_SAFE_NO_PAD.decode(token).ok()?)?;
        let (until, text) = plain.split_first_chunk::<TIME_BYTES>()?;
        if now >= u64::from_be_bytes(*until) {
            return None;
        }
        String::from_utf8(text.to_vec()).ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use zeroize::ZeroizeOnDrop;

    use super::*;

    #[test]
    fn the_cipher_wipes_its_key() {
        fn is_wiped<T: ZeroizeOnDrop>(_: &T) {}
        is_wiped(&Key::parse(&"ab".repeat(32)).unwrap().cipher);
    }

    #[test]
    fn only_the_same_key_opens_for_the_same_purpose() {
        let key = Key::parse(&"ab".repeat(32)).unwrap();
        let sealed = key.seal("settings/a", b"secret").unwrap();
        assert_eq!(key.open("settings/a", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(key.open("settings/b", &sealed), None);
        assert_eq!(Key::parse(&"ac".repeat(32)).unwrap().open("settings/a", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            *changed.get_mut(at).unwrap() ^= 1;
            assert_eq!(key.open("settings/a", &changed), None, "{at}");
            assert_eq!(key.open("settings/a", sealed.get(..at).unwrap()), None, "{at}");
        }
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
        assert_ne!(sealed, key.seal("settings/a", b"secret").unwrap(), "equal inputs are not recognizable");
        for bad in ["", "ab", &"zz".repeat(32), &"ab".repeat(33)] {
            assert!(Key::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{key:?}"), "Key(…)");
    }

    #[test]
    fn a_token_ends() {
        let key = Key::parse(&"ab".repeat(32)).unwrap();
        let token = key.seal_token("order", "42", 100);
        assert_eq!(token, key.seal_token("order", "42", 100));
        for other in
            [key.seal_token("order", "42", 101), key.seal_token("order", "43", 100), key.seal_token("orde", "r42", 100)]
        {
            assert_ne!(token.get(..32), other.get(..32), "the nonce differs");
        }
        assert_eq!(key.open_token("order", &token, 99).as_deref(), Some("42"));
        assert_eq!(key.open_token("order", &token, 100), None);
        assert_eq!(key.open_token("cabinet", &token, 99), None);
        assert_eq!(key.open_token("order", "nonsense", 99), None);
    }
}
