//! The limits of every call.

/// Calls at once; more wait, within their own time. A call holds a connection, a thread of the resolver at its begin, and an
/// answer in memory.
pub const CALLS_MAX: usize = 64;

/// Threads that run the calls. They wait for the network nearly always; two keep one call's decoding from delaying the others.
pub const THREADS: usize = 2;

/// Bytes of an answer's status line and headers. Answers of payment systems have some hundred; servers allow 8 to 64 KiB.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Headers of an answer. Servers allow about 100.
pub const HEADERS_MAX: usize = 100;

/// Addresses of one name that are tried, each for its share of the time that is left. With more, a share would be too short.
pub const ADDRESSES_MAX: usize = 8;

/// Bytes that a coding may add to an answer: headers, block headers of data that does not compress, checksums. What has no end
/// and decodes to nothing ends here.
pub const CODING_BYTES_MAX: usize = 64 * 1024;
