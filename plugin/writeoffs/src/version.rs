//! The versions of EnterpriseData.

/// A version of the format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum Version {
    V1_8,
    V1_17,
    V1_19,
    V1_20,
    V1_22,
}

impl Version {
    /// All supported versions.
    pub const ALL: [Version; 5] = [Version::V1_17, Version::V1_19, Version::V1_20, Version::V1_22, Version::V1_8];

    /// Returns the version's number, such as `1.17`.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V1_8 => "1.8",
            Version::V1_17 => "1.17",
            Version::V1_19 => "1.19",
            Version::V1_20 => "1.20",
            Version::V1_22 => "1.22",
        }
    }

    /// Reports whether the version can express any VAT rate, as a structure. Before 1.17 a rate is one of a list of names.
    pub(crate) fn has_any_rate(self) -> bool {
        self >= Version::V1_17
    }
}
