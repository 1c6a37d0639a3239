//! `providers.lock`: its content as values, and as text.

use std::collections::BTreeMap;

use domain::ProviderName;
use sandbox::{Limits, Provider};
use serde::{Deserialize, Deserializer, Serialize, de};

const SHA256_CHARS: usize = 64;

const HEADER: &str = "\
# The providers of this host: which component each is, and under which limits it runs. `previous` is what one goes back to, and
# `kept` are older ones with which operations under way began.
# The components lie in components/, each under its SHA-256, and are not loaded where they differ from it.
# This may be edited by hand while the host runs; the host keeps what it says, and not how.

";

/// The providers by name.
pub type Lock = BTreeMap<ProviderName, LockedProvider>;

/// A provider's entry in the lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockedProvider {
    /// The version that is loaded.
    pub current: Version,
    /// The version to roll back to.
    pub previous: Option<Version>,
    /// Older versions with which operations began that have not ended. They go on with them.
    pub kept: Vec<Version>,
}

impl LockedProvider {
    /// Returns the entry of a version that has no others.
    pub fn new(current: Version) -> LockedProvider {
        LockedProvider { current, previous: None, kept: Vec::new() }
    }

    /// Returns all versions.
    pub fn versions(&self) -> impl Iterator<Item = &Version> {
        [&self.current].into_iter().chain(&self.previous).chain(&self.kept)
    }
}

/// A component, and the limits that it runs under.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Version {
    /// The provider's own id, by the component's description.
    pub id: String,
    /// The provider's own version, by the component's description.
    pub version: String,
    /// The SHA-256 of the component, in lower-case hexadecimal.
    #[serde(deserialize_with = "sha256")]
    pub sha256: String,
    /// The component's size.
    pub size_bytes: u64,
    /// The component's limits. Those that the lock omits are the sandbox's defaults.
    #[serde(default, with = "limits")]
    pub limits: Limits,
}

impl Version {
    /// Returns the version of a loaded provider: its component and its limits.
    pub fn of(provider: &Provider) -> Version {
        Version {
            id: provider.description().id.clone(),
            version: provider.description().version.clone(),
            sha256: provider.sha256().to_owned(),
            size_bytes: provider.size_bytes() as u64,
            limits: *provider.limits(),
        }
    }

    /// Returns the version as it would be read after it was written, or why it cannot be written.
    pub(crate) fn as_locked(&self) -> Result<Version, String> {
        let text = toml::to_string(self).map_err(|error| error.to_string())?;
        toml::from_str(&text).map_err(|error| error.message().to_owned())
    }
}

/// Parses a lock. The error is one line that says what is wrong and where.
pub fn read(text: &str) -> Result<Lock, String> {
    let File { providers } = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let what = error.message().replace('\n', ", ");
        format!("line {}, column {column}: {what}", before.matches('\n').count() + 1)
    })?;
    let locked = |entry: Entry| {
        let Entry { id, version, sha256, size_bytes, limits, previous, kept } = entry;
        LockedProvider { current: Version { id, version, sha256, size_bytes, limits }, previous, kept }
    };
    Ok(providers.into_iter().map(|(Name(name), entry)| (name, locked(entry))).collect())
}

/// Formats a lock, sorted by name.
pub fn write(lock: &Lock) -> Result<String, toml::ser::Error> {
    let entry = |LockedProvider { current, previous, kept }: &LockedProvider| {
        let Version { id, version, sha256, size_bytes, limits } = current.clone();
        Entry { id, version, sha256, size_bytes, limits, previous: previous.clone(), kept: kept.clone() }
    };
    let providers = lock.iter().map(|(name, locked)| (Name(name.clone()), entry(locked))).collect();
    Ok(HEADER.to_owned() + &toml::to_string(&File { providers })?)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    providers: BTreeMap<Name, Entry>,
}

/// A [`Version`], and the others.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Entry {
    id: String,
    version: String,
    #[serde(deserialize_with = "sha256")]
    sha256: String,
    size_bytes: u64,
    #[serde(default, with = "limits")]
    limits: Limits,
    previous: Option<Version>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kept: Vec<Version>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Name(ProviderName);

impl TryFrom<String> for Name {
    type Error = crate::Error;

    fn try_from(name: String) -> Result<Name, crate::Error> {
        ProviderName::new(name.as_str()).map(Name).map_err(|_| crate::Error::Name(name))
    }
}

/// Reports whether a text is a SHA-256 as the lock writes it.
pub fn is_sha256(text: &str) -> bool {
    text.len() == SHA256_CHARS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn sha256<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_sha256(&text) { Ok(text) } else { Err(de::Error::custom("a SHA-256 is 64 digits of lower-case hexadecimal")) }
}

/// Limits, with times in whole milliseconds. All of them are written, so that another version of the host has the same limits.
mod limits {
    use std::time::Duration;

    use sandbox::Limits;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
    struct Table {
        memory_bytes_max: usize,
        fuel_max: u64,
        export_fuel_max: u64,
        time_ms_max: u64,
        input_bytes_max: usize,
        output_bytes_max: usize,
        component_bytes_max: usize,
    }

    impl Default for Table {
        fn default() -> Table {
            Limits::default().into()
        }
    }

    impl From<Limits> for Table {
        fn from(limits: Limits) -> Table {
            let Limits {
                component_bytes_max,
                memory_bytes_max,
                fuel_max,
                export_fuel_max,
                time_max,
                input_bytes_max,
                output_bytes_max,
                ..
            } = limits;
            // A limit below a millisecond becomes a millisecond, not zero.
            let time_ms_max = u64::try_from(time_max.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
            Table {
                memory_bytes_max,
                fuel_max,
                export_fuel_max,
                time_ms_max,
                input_bytes_max,
                output_bytes_max,
                component_bytes_max,
            }
        }
    }

    pub fn serialize<S: Serializer>(limits: &Limits, serializer: S) -> Result<S::Ok, S::Error> {
        Table::from(*limits).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limits, D::Error> {
        let table = Table::deserialize(deserializer)?;
        Ok(Limits::default()
            .with_component_bytes_max(table.component_bytes_max)
            .with_memory_bytes_max(table.memory_bytes_max)
            .with_fuel_max(table.fuel_max)
            .with_export_fuel_max(table.export_fuel_max)
            .with_time_max(Duration::from_millis(table.time_ms_max))
            .with_input_bytes_max(table.input_bytes_max)
            .with_output_bytes_max(table.output_bytes_max))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const GOOD: &str = r#"
[providers.pay-1]
id = "chronopay"
version = "1.0.0"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
size-bytes = 10
[providers.pay-1.limits]
fuel-max = 7
[providers.pay-1.previous]
id = "other"
version = "0.9"
sha256 = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
size-bytes = 11
"#;

    #[test]
    fn limits_that_are_left_out_are_the_defaults() {
        let lock = read(GOOD).unwrap();
        let LockedProvider { current, previous: Some(previous), .. } = &lock["pay-1"] else { panic!("{lock:?}") };
        assert_eq!(current.limits, Limits::default().with_fuel_max(7));
        assert_eq!((current.id.as_str(), current.version.as_str(), current.size_bytes), ("chronopay", "1.0.0", 10));
        assert_eq!(
            (previous.id.as_str(), previous.sha256.as_str(), previous.limits),
            ("other", &*"f".repeat(64), Limits::default())
        );
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn what_is_written_is_read_again_and_is_sorted() {
        let limits = Limits::default()
            .with_component_bytes_max(1)
            .with_memory_bytes_max(2)
            .with_fuel_max(3)
            .with_export_fuel_max(4)
            .with_time_max(Duration::from_millis(5))
            .with_input_bytes_max(6)
            .with_output_bytes_max(7);
        assert_eq!(format!("{limits:?}").matches("_max: ").count(), 7, "a lock has every limit that there is");
        let mut lock = read(GOOD).unwrap();
        let locked = lock["pay-1"].clone();
        let odd = Version { id: "a\"b\n".into(), limits, ..locked.current.clone() };
        lock.insert("0".parse().unwrap(), LockedProvider { kept: vec![odd.clone()], ..LockedProvider::new(odd) });
        lock.insert("z".parse().unwrap(), locked);
        let text = write(&lock).unwrap();
        assert_eq!(read(&text).unwrap(), lock);
        let at = |name: &str| text.find(&format!("[providers.{name}]\n")).unwrap();
        assert!(text.starts_with("# The providers of this host") && at("0") < at("pay-1") && at("pay-1") < at("z"), "{text}");
        assert!(text.contains("time-ms-max = 5\n"), "{text}");
        assert_eq!(write(&read(&text).unwrap()).unwrap(), text);
    }

    #[test]
    fn a_version_that_cannot_be_locked_says_why() {
        let version = read(GOOD).unwrap()["pay-1"].current.clone();
        assert_eq!(version.as_locked().unwrap(), version);
        let limits = |limits| Version { limits, ..version.clone() }.as_locked();
        let short = limits(Limits::default().with_time_max(Duration::from_micros(1))).unwrap();
        assert_eq!(short.limits.time_max, Duration::from_millis(1), "no limit becomes none");
        let most = Limits::default().with_fuel_max(u64::MAX).with_memory_bytes_max(usize::MAX);
        assert_eq!(limits(most).unwrap().limits, most);
        let reason = Version { sha256: "0".into(), ..version.clone() }.as_locked().unwrap_err();
        assert!(reason.contains("64 digits"), "{reason}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let changed = |from: &str, to: &str| {
            assert!(GOOD.contains(from), "{from}");
            read(&GOOD.replacen(from, to, 1)).unwrap_err()
        };
        for (from, to, line, what) in [
            ("id = \"chronopay\"", "id = 5", 3, "string"),
            ("id = \"chronopay\"\n", "", 2, "missing field `id`"),
            ("size-bytes = 10", "size-bytes = -1", 6, "-1"),
            ("size-bytes = 10", "size-bytes = 10\nsize = 10", 7, "unknown field `size`"),
            ("fuel-max = 7", "fuel = 7", 8, "unknown field `fuel`"),
            ("fuel-max = 7", "fuel-max = 7.5", 8, "7.5"),
            ("\"0000", "\"000", 5, "64 digits of lower-case hexadecimal"),
            ("\"0000", "\"000A", 5, "64 digits of lower-case hexadecimal"),
            ("\"ffff", "\"fff", 12, "64 digits of lower-case hexadecimal"),
            ("[providers.pay-1]", "[providers.Pay-1]", 2, "\"Pay-1\" is no name of a provider"),
            ("[providers.pay-1.previous]", "[providers.pay-1.next]", 9, "unknown field `next`"),
            ("[providers.pay-1.previous]", "[provider.pay-1]", 9, "unknown field `provider`"),
            ("id = \"chronopay\"", "id = \"chronopay", 3, "string"),
        ] {
            let error = changed(from, to);
            assert!(error.contains(what) && error.contains(&format!("line {line},")), "{to}: {error}");
            assert!(!error.contains('\n'), "it is one line: {error}");
        }
    }
}
