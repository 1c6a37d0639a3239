//! Sealing: what is kept or handed out so that nobody can read or change it without the key.

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

/// The key, 32 bytes that lie beside the database and not in it. It cannot be printed, and its bytes are wiped with it.
#[derive(Clone)]
pub struct Key {
    cipher: XChaCha20Poly1305,
    /// Chooses the nonces of tokens. It holds hashes of the key, which do not tell it.
    mac: Hmac<Sha256>,
}

/// The machine has no randomness to give.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct NoRandomness;

impl Key {
    /// The key of 64 hexadecimal digits; `None` for any other text.
    pub fn parse(text: &str) -> Option<Key> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text, bytes.as_mut()).ok()?;
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(bytes.as_ref()).ok()?;
        let cipher = XChaCha20Poly1305::new_from_slice(bytes.as_ref()).ok()?;
        Some(Key { cipher, mac })
    }

    /// Seals some bytes. What is sealed for one purpose cannot be opened for another.
    ///
    /// # Errors
    /// Where there is no randomness.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, NoRandomness> {
        let nonce = XNonce::try_generate().map_err(|_| NoRandomness)?;
        Ok(self.seal_with(&nonce, purpose, plain))
    }

    fn seal_with(&self, nonce: &XNonce, purpose: &str, plain: &[u8]) -> Vec<u8> {
        // It fails for gigabytes alone.
        let sealed = self.cipher.encrypt(nonce, Payload { msg: plain, aad: purpose.as_bytes() }).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`Key::seal`] made, wiped when it is dropped; `None` where it was made with another key or for another purpose, or was changed.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let nonce = XNonce::try_from(nonce).ok()?;
        self.cipher.decrypt(&nonce, Payload { msg: sealed, aad: purpose.as_bytes() }).ok().map(Zeroizing::new)
    }

    /// A text for an address or a cookie that says `text` to this host alone, until a second of the epoch. The same arguments give
    /// the same token: its nonce is a keyed hash of them.
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

    /// What a token says; `None` where it is not this host's, or over.
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
        assert_ne!(sealed, key.seal("settings/a", b"secret").unwrap(), "nothing tells that two are the same");
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
            assert_ne!(token.get(..32), other.get(..32), "another nonce");
        }
        assert_eq!(key.open_token("order", &token, 99).as_deref(), Some("42"));
        assert_eq!(key.open_token("order", &token, 100), None);
        assert_eq!(key.open_token("cabinet", &token, 99), None);
        assert_eq!(key.open_token("order", "nonsense", 99), None);
    }
}
