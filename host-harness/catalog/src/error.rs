//! The errors of the catalog. After any of them the lock is the old one or the new one, and each names whole components.

use std::io;
use std::path::PathBuf;

/// Why a provider was not loaded, or the catalog was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refused an operation. After a change, [`Catalog::lock`](crate::Catalog::lock) shows whether the change was
    /// made.
    #[error("cannot {operation} {}: {reason}; see to the disk and to the folder's rights", path.display())]
    Disk {
        /// The operation, such as `write`.
        operation: &'static str,
        /// The file or the folder.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// The lock is not TOML, or holds what a lock cannot hold.
    #[error(
        "{} cannot be used: {reason}. Correct it there, put back a copy of it, or start `host-harness serve` once with \
        --restore-lock, which writes it again as it was last",
        path.display()
    )]
    Lock {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line and column.
        reason: String,
    },
    /// A version cannot be written into the lock.
    #[error("{name} cannot be locked: {reason}")]
    InvalidVersion {
        /// The provider's name.
        name: String,
        /// What is wrong with the version.
        reason: String,
    },
    /// A name that cannot be used in a URL.
    #[error("{0:?} is no name of a provider; it is a-z, 0-9 and -, at most 64 of them, and does not begin with -")]
    Name(String),
    /// The lock has no provider of this name.
    #[error("there is no provider {name} in {}; add it by `host-harness swap NAME FILE`", path.display())]
    Unknown {
        /// The name.
        name: String,
        /// The lock.
        path: PathBuf,
    },
    /// There is no previous version to roll back to.
    #[error("{0} has no version before this one to go back to; give the one that you want with `host-harness swap NAME FILE`")]
    NoPrevious(String),
    /// A component is not in the catalog: it was never staged, or it was removed because nothing referred to it.
    #[error(
        "there is no {}; put the file back and send SIGHUP, or give the component again with `host-harness swap NAME FILE`",
        path.display()
    )]
    Missing {
        /// Where it was expected.
        path: PathBuf,
    },
    /// A component's bytes are not those that were staged.
    #[error(
        "{} is not what is locked: its SHA-256 is {found}, and the lock says {locked}; put the right file back and send SIGHUP, or \
        give the component again with `host-harness swap NAME FILE`",
        path.display()
    )]
    DigestMismatch {
        /// The component.
        path: PathBuf,
        /// The locked SHA-256, in lower-case hexadecimal.
        locked: String,
        /// The SHA-256 of the present file, in lower-case hexadecimal.
        found: String,
    },
    /// The component does not match what the lock says of it.
    #[error(
        "{} has the {what} {found}, and the lock says {locked}; correct the lock, or give the component again with `host-harness \
        swap NAME FILE`",
        path.display()
    )]
    MetadataMismatch {
        /// The component.
        path: PathBuf,
        /// `id`, `version` or `size-bytes`.
        what: &'static str,
        /// What the lock says.
        locked: String,
        /// What the component is.
        found: String,
    },
    /// The sandbox did not load the component.
    #[error("{} is not loaded: {reason}", path.display())]
    Sandbox {
        /// The component.
        path: PathBuf,
        /// Why.
        reason: sandbox::Error,
    },
}
