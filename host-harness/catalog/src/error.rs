//! What can go wrong. Whatever it is, the lock is the old one or the new one, and each names components that are whole.

use std::io;
use std::path::PathBuf;

/// Why a provider was not loaded, or the catalog was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refuses. After a change, [`Catalog::lock`](crate::Catalog::lock) says whether it was made.
    #[error("cannot {operation} {}: {reason}; see to the disk and to the folder's rights", path.display())]
    Disk {
        /// What was tried, such as `write`.
        operation: &'static str,
        /// The file or the folder.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// The lock is no TOML, or holds what a lock does not.
    #[error("{} cannot be used: {reason}\nCorrect it there, or put back a copy of it", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line and the column.
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
    /// A name cannot stand in a URL.
    #[error("{0:?} is no name of a provider; it is a-z, 0-9 and -, at most 64 of them, and does not begin with -")]
    Name(String),
    /// The lock has no provider of the name.
    #[error("there is no provider {name} in {}; publish one first", path.display())]
    Unknown {
        /// The name.
        name: String,
        /// The lock.
        path: PathBuf,
    },
    /// There is no version to go back to.
    #[error("{0} has no version before this one to go back to; publish the one that you want")]
    NoPrevious(String),
    /// A component is not in the catalog: it was never staged, or was removed since, as nothing referred to it.
    #[error("there is no {}; stage the component again, or read the lock anew", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// A component's bytes are not those that were staged.
    #[error(
        "{} is not what is locked: its SHA-256 is {found}, and the lock says {locked}; put the right file back, or stage it again",
        path.display()
    )]
    DigestMismatch {
        /// The component.
        path: PathBuf,
        /// In lower-case hexadecimal, as are both.
        locked: String,
        /// Of the file as it is.
        found: String,
    },
    /// The lock says of a component what is not so.
    #[error("{} has the {what} {found}, and the lock says {locked}; correct the lock, or publish the component again", path.display())]
    MetadataMismatch {
        /// The component.
        path: PathBuf,
        /// `id`, `version` or `size-bytes`.
        what: &'static str,
        /// What the lock says.
        locked: String,
        /// What is so.
        found: String,
    },
    /// The sandbox does not load the component.
    #[error("{} is not loaded: {reason}", path.display())]
    Sandbox {
        /// The component.
        path: PathBuf,
        /// Why.
        reason: sandbox::Error,
    },
}
