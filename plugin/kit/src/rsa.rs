//! Signatures of a payment system with its private RSA key: RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2), verified with the public
//! key or the certificate that it hands out.
//!
//! The numbers are those of `num-bigint`. The crate `rsa` raises to a power in constant time, as private keys need it; that takes
//! twice the fuel, 7,800,000 units with a key of 2048 bits. Here nothing is secret.

use num_bigint::BigUint;
use pkcs1::{ALGORITHM_OID, RsaPublicKey};
use sha2::Digest;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::UintRef;
use x509_cert::der::referenced::OwnedToRef;
use x509_cert::spki::SubjectPublicKeyInfoRef;

/// The shortest modulus, in bits. NIST SP 800-131A disallows shorter ones.
pub const MODULUS_BITS_MIN: u64 = 2048;
/// The longest modulus, in bits. Beyond 3072 the host must give the provider more fuel than the default: see
/// [`PublicKey::verify`].
pub const MODULUS_BITS_MAX: u64 = 4096;
/// The longest PEM text, in characters.
const PEM_CHARS_MAX: usize = 16_384;

/// The hash function under a signature, which the payment system says beside its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hash {
    /// SHA1withRSA, for payment systems that still have it: collisions of SHA-1 help who chooses a text that is then signed, and
    /// the payment system chooses here.
    Sha1,
    /// SHA256withRSA.
    Sha256,
    /// SHA512withRSA: Sber's usual one.
    Sha512,
}

impl Hash {
    /// Returns the digest of the concatenated parts after what names the function: `DigestInfo` of RFC 8017, section 9.2.
    fn digest_info<P: AsRef<[u8]>>(self, parts: &[P]) -> Vec<u8> {
        match self {
            Hash::Sha1 => digest_info::<sha1::Sha1, P>(b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14", parts),
            Hash::Sha256 => digest_info::<sha2::Sha256, P>(
                b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
                parts,
            ),
            Hash::Sha512 => digest_info::<sha2::Sha512, P>(
                b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
                parts,
            ),
        }
    }
}

fn digest_info<H: Digest, P: AsRef<[u8]>>(name: &[u8], parts: &[P]) -> Vec<u8> {
    let mut hash = H::new();
    for part in parts {
        hash.update(part.as_ref());
    }
    [name, &hash.finalize()].concat()
}

/// A payment system's public key.
pub struct PublicKey {
    modulus: BigUint,
    /// The length of the modulus and of every signature, in bytes.
    bytes: usize,
    /// Odd, and 3 at least.
    exponent: u32,
}

impl PublicKey {
    /// Parses a key in PEM (RFC 7468): `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`. The modulus has [`MODULUS_BITS_MIN`] to
    /// [`MODULUS_BITS_MAX`] bits.
    ///
    /// Of a certificate only its key counts. Its issuer and its time are not checked: the operator entered it as the key of the
    /// payment system, and a component knows neither a clock nor authorities.
    ///
    /// # Errors
    /// What is wrong, as a sentence for the operator.
    pub fn parse(pem: &str) -> Result<PublicKey, String> {
        if pem.len() > PEM_CHARS_MAX {
            return Err(format!("It has {} characters; a key or a certificate has at most {PEM_CHARS_MAX} here.", pem.len()));
        }
        let (label, der) = pem_rfc7468::decode_vec(pem.as_bytes())
            .map_err(|_| "It is not PEM; copy it whole, from -----BEGIN to -----END and the hyphens after it.")?;
        let key = match label {
            "PUBLIC KEY" => SubjectPublicKeyInfoRef::from_der(&der).ok().and_then(of_info),
            "RSA PUBLIC KEY" => RsaPublicKey::from_der(&der).ok().and_then(of_numbers),
            "CERTIFICATE" => Certificate::from_der(&der)
                .ok()
                .and_then(|certificate| of_info(certificate.tbs_certificate().subject_public_key_info().owned_to_ref())),
            label if label.ends_with("PRIVATE KEY") => {
                return Err(
                    "It is a private key, which must not leave its owner; enter the payment system's public key.".to_owned()
                );
            }
            _ => return Err("It is neither PUBLIC KEY nor RSA PUBLIC KEY nor CERTIFICATE.".to_owned()),
        };
        let (modulus, exponent) = key.ok_or("It holds no RSA key that can be read.")?;
        let bits = modulus.bits();
        if !(MODULUS_BITS_MIN..=MODULUS_BITS_MAX).contains(&bits) {
            return Err(format!("The key has {bits} bits; it must have {MODULUS_BITS_MIN} to {MODULUS_BITS_MAX}."));
        }
        Ok(PublicKey { modulus, bytes: bits.div_ceil(8) as usize, exponent })
    }

    /// Reports whether a signature is that of the concatenated parts. Text is taken as UTF-8.
    ///
    /// With the exponent 65537 it takes 3,900,000 units of fuel for 2048 bits, 8,700,000 for 3072, and some 15,000,000 for 4096, of
    /// the 10,000,000 that a callback has by default. Check what is cheap first.
    pub fn verify<P: AsRef<[u8]>>(&self, hash: Hash, parts: &[P], signature: &[u8]) -> bool {
        // What was signed is built and compared whole. Nothing of the signature is parsed, which is where verifiers went wrong.
        self.recover(signature).is_some_and(|encoded| encoded == encode(&hash.digest_info(parts), self.bytes))
    }

    /// Returns what was signed (RSAVP1), or `None` if it can't be a signature by this key.
    fn recover(&self, signature: &[u8]) -> Option<Vec<u8>> {
        if signature.len() != self.bytes {
            return None;
        }
        let number = BigUint::from_bytes_be(signature);
        if number >= self.modulus {
            return None;
        }
        let mut power = number.clone();
        for bit in (0..self.exponent.ilog2()).rev() {
            power = &power * &power % &self.modulus;
            if self.exponent >> bit & 1 == 1 {
                power = power * &number % &self.modulus;
            }
        }
        let digits = power.to_bytes_be();
        Some([vec![0; self.bytes.checked_sub(digits.len())?], digits].concat())
    }
}

/// Pads to a number of bytes (EMSA-PKCS1-v1_5 of RFC 8017, section 9.2): 0, 1, bytes of ones, 0, and the information.
fn encode(digest_info: &[u8], bytes: usize) -> Vec<u8> {
    let ones = vec![0xff; bytes.saturating_sub(digest_info.len() + 3)];
    [&[0, 1], ones.as_slice(), &[0], digest_info].concat()
}

/// Returns the key, if it is for RSA in general. A key for PSS signs nothing by PKCS #1 v1.5.
fn of_info(info: SubjectPublicKeyInfoRef<'_>) -> Option<(BigUint, u32)> {
    if info.algorithm.oid != ALGORITHM_OID {
        return None;
    }
    RsaPublicKey::from_der(info.subject_public_key.as_bytes()?).ok().and_then(of_numbers)
}

/// Returns the modulus and the exponent, if a key can have them.
fn of_numbers(key: RsaPublicKey<UintRef<'_>>) -> Option<(BigUint, u32)> {
    let modulus = BigUint::from_bytes_be(key.modulus.as_bytes());
    let exponent = u32::try_from(BigUint::from_bytes_be(key.public_exponent.as_bytes())).ok()?;
    (modulus.bit(0) && exponent % 2 == 1 && exponent >= 3).then_some((modulus, exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! data {
        ($name:literal) => {
            include_str!(concat!("../../../tests/data/rsa/", $name))
        };
    }

    const TEXT: &str = data!("text.txt");

    fn key(pem: &str) -> PublicKey {
        PublicKey::parse(pem).unwrap()
    }

    /// Returns the keys' bits, hash functions and signatures of `signatures.txt`.
    fn signatures() -> Vec<(&'static str, Hash, Vec<u8>)> {
        let line = |line: &'static str| {
            let [bits, hash, signature] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
            let hash = match hash {
                "sha1" => Hash::Sha1,
                "sha256" => Hash::Sha256,
                "sha512" => Hash::Sha512,
                other => panic!("{other}"),
            };
            (bits, hash, hex::decode(signature).unwrap())
        };
        data!("signatures.txt").lines().map(line).collect()
    }

    #[test]
    fn signatures_of_another_tool_hold_by_their_key_and_hash_alone() {
        let keys = [("2048", key(data!("2048.pem"))), ("4096", key(data!("4096.pem")))];
        for (bits, hash, signature) in signatures() {
            for (key_bits, key) in &keys {
                for other in [Hash::Sha1, Hash::Sha256, Hash::Sha512] {
                    let want = *key_bits == bits && other == hash;
                    assert_eq!(key.verify(other, &[TEXT], &signature), want, "{bits} {hash:?} by {key_bits} {other:?}");
                }
            }
        }
    }

    #[test]
    fn a_key_has_three_forms() {
        let signature = |bits| signatures().into_iter().find(|(of, hash, _)| *of == bits && *hash == Hash::Sha512).unwrap().2;
        let (first, last) = TEXT.split_at(10);
        for (pem, bits) in [
            (data!("2048.pem"), "2048"),
            (data!("2048-pkcs1.pem"), "2048"),
            (data!("2048-certificate.pem"), "2048"),
            (data!("4096-certificate.pem"), "4096"),
            (data!("2048.pem").trim_end(), "2048"),
        ] {
            assert!(key(pem).verify(Hash::Sha512, &[first, last], &signature(bits)));
        }
    }

    #[test]
    fn whatever_is_changed_does_not_hold() {
        let key = key(data!("2048.pem"));
        let (_, hash, signature) =
            signatures().into_iter().find(|(bits, hash, _)| *bits == "2048" && *hash == Hash::Sha512).unwrap();
        assert!(key.verify(hash, &[TEXT], &signature));
        assert!(!key.verify(hash, &[&TEXT.replace("123456", "123457")], &signature));
        assert!(!key.verify(hash, &[TEXT, ""], &[]));
        let changed: [fn(&mut Vec<u8>); 5] = [
            |bytes| bytes.truncate(255),
            |bytes| bytes.push(0),
            |bytes| bytes.insert(0, 0),
            |bytes| bytes.fill(0),
            |bytes| bytes.fill(0xff),
        ];
        for (at, change) in changed.iter().enumerate() {
            let mut changed = signature.clone();
            change(&mut changed);
            assert!(!key.verify(hash, &[TEXT], &changed), "change {at}");
        }
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(!key.verify(hash, &[TEXT], &changed), "byte {at}");
        }
    }

    /// What verifiers took that parse the padding instead of building it.
    #[test]
    fn forged_padding_does_not_hold() {
        let key = key(data!("2048.pem"));
        for line in data!("forged.txt").lines() {
            let (how, signature) = line.split_once(' ').unwrap();
            let signature = hex::decode(signature).unwrap();
            assert_eq!(signature.len(), 256);
            for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha512] {
                assert!(!key.verify(hash, &[TEXT], &signature), "{how} {hash:?}");
            }
        }
    }

    #[test]
    fn keys_that_protect() {
        let cut = data!("2048.pem").replace("-----END PUBLIC KEY-----", "");
        let short = data!("2048-certificate.pem")
            .lines()
            .filter(|line| line.len() != 64 || !line.starts_with("MII"))
            .collect::<Vec<_>>();
        for (pem, want) in [
            (data!("1024.pem"), "has 1024 bits; it must have 2048 to 4096"),
            (data!("8192.pem"), "has 8192 bits; it must have 2048 to 4096"),
            (data!("ec.pem"), "no RSA key"),
            (data!("pss.pem"), "no RSA key"),
            (&data!("2048.pem").replace("PUBLIC KEY", "PRIVATE KEY"), "It is a private key"),
            (&data!("2048.pem").replace("PUBLIC KEY", "CERTIFICATE"), "no RSA key"),
            (&data!("2048.pem").replace("PUBLIC KEY", "X509 CRL"), "neither PUBLIC KEY"),
            (&short.join("\n"), "no RSA key"),
            (&cut, "It is not PEM"),
            ("", "It is not PEM"),
            ("MIIBIjANBgkq", "It is not PEM"),
            (&"x".repeat(20_000), "It has 20000 characters"),
        ] {
            let message = PublicKey::parse(pem).map(drop).unwrap_err();
            assert!(message.contains(want), "{message}: {pem}");
        }
    }

    #[test]
    fn a_cut_key_is_refused_at_every_place() {
        for pem in [data!("2048.pem"), data!("2048-certificate.pem")] {
            let (label, der) = pem_rfc7468::decode_vec(pem.as_bytes()).unwrap();
            for length in 0..der.len() {
                let cut = pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, &der[..length]).unwrap();
                assert!(PublicKey::parse(&cut).is_err(), "{label} {length}");
            }
        }
    }
}
