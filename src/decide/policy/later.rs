//! A part of the settings that few calls look at: in the compiled form it stays bytes, or behind the rest, until somebody does.
//! Knows nothing of what it is.

use super::compiled::Section;
use serde::de::{DeserializeOwned, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

/// A value, or what it is read from when it is looked at.
#[derive(Clone)]
pub struct Later<T> {
    source: Source,
    value: OnceLock<T>,
}

#[derive(Clone)]
enum Source {
    Bytes(Vec<u8>),
    Section(Section),
}

impl<T> Later<T> {
    /// What stands in a section of its own.
    pub(super) fn of(section: Section) -> Self {
        Self { source: Source::Section(section), value: OnceLock::new() }
    }

    /// Whether it was looked at.
    #[cfg(test)]
    pub(super) fn is_read(&self) -> bool {
        self.value.get().is_some()
    }
}

impl<T> From<T> for Later<T> {
    fn from(value: T) -> Self {
        Self { source: Source::Bytes(Vec::new()), value: OnceLock::from(value) }
    }
}

impl<T: DeserializeOwned> Deref for Later<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.get_or_init(|| {
            let read = match &self.source {
                Source::Bytes(bytes) => postcard::from_bytes(bytes),
                Source::Section(section) => section
                    .read()
                    .ok_or(postcard::Error::DeserializeBadEncoding)
                    .and_then(|bytes| postcard::from_bytes(&bytes)),
            };
            read.unwrap_or_else(|error| broken(&error))
        })
    }
}

/// Nothing is judged by what guard itself wrote, whose checksum is right, and cannot be read: a hook takes this for a refusal, and every other
/// call ends.
#[expect(clippy::panic, reason = "a fault of guard's own, and whoever looks at a setting has no answer but its value")]
fn broken(error: &postcard::Error) -> ! {
    panic!(
        "a compiled policy is whole and cannot be read ({error}), so nothing is judged by it: remove the folder `policy` from the project's state, \
         and report this"
    )
}

impl<T: DeserializeOwned + PartialEq> PartialEq for Later<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: DeserializeOwned + Eq> Eq for Later<T> {}

impl<T: DeserializeOwned + fmt::Debug> fmt::Debug for Later<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: DeserializeOwned + Serialize> Serialize for Later<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return (**self).serialize(serializer);
        }
        serializer.serialize_bytes(&postcard::to_stdvec(&**self).map_err(S::Error::custom)?)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Later<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return T::deserialize(deserializer).map(Self::from);
        }
        deserializer.deserialize_bytes(Bytes).map(|bytes| Self { source: Source::Bytes(bytes), value: OnceLock::new() })
    }
}

/// Takes bytes as they come.
struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        if bytes.is_empty() { Err(E::custom("no bytes")) } else { Ok(bytes.to_vec()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_when_it_is_looked_at_and_not_before() {
        let words = Later::from(vec!["a".to_owned(), "b".to_owned()]);
        let kept: Later<Vec<String>> = postcard::from_bytes(&postcard::to_stdvec(&words).unwrap()).unwrap();
        assert!(!kept.is_read());
        assert_eq!(kept.len(), 2);
        assert!(kept.is_read());
        assert_eq!(kept, words);
        assert_eq!(serde_json::to_string(&kept).unwrap(), r#"["a","b"]"#);
        assert!(postcard::from_bytes::<Later<Vec<String>>>(&[0]).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_nobodys_value_and_says_what_to_do() {
        let bytes = postcard::to_stdvec(&vec![0xff_u8; 11]).unwrap();
        let broken: Later<Vec<String>> = postcard::from_bytes(&bytes).unwrap();
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| broken.len())).unwrap_err();
        let said = looked.downcast_ref::<String>().unwrap();
        assert!(
            said.starts_with("a compiled policy is whole and cannot be read (") && said.contains("remove"),
            "{said}"
        );
    }
}
