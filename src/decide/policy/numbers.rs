//! Numbers as one run of bytes, so that loading thousands of them is one copy.
//! Knows nothing of what they count.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Rows of `N` numbers each.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Numbers<const N: usize>(Vec<u8>);

impl<const N: usize> Numbers<N> {
    /// Bytes of a row.
    pub(super) const ROW: usize = N * size_of::<u32>();

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.0.len() / Self::ROW
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: [u32; N]) {
        self.0.extend(row.iter().flat_map(|number| number.to_le_bytes()));
    }

    /// Row number `at`.
    pub(super) fn get(&self, at: usize) -> Option<[u32; N]> {
        row(&self.0, at)
    }

    /// All rows, to be kept.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Row number `at` of those in `bytes`.
pub(super) fn row<const N: usize>(bytes: &[u8], at: usize) -> Option<[u32; N]> {
    let bytes = bytes.get(at.checked_mul(Numbers::<N>::ROW)?..)?.get(..Numbers::<N>::ROW)?;
    let mut row = [0; N];
    for (number, bytes) in row.iter_mut().zip(bytes.as_chunks().0) {
        *number = u32::from_le_bytes(*bytes);
    }
    Some(row)
}

impl<const N: usize> Default for Numbers<N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<const N: usize> fmt::Debug for Numbers<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.len()).filter_map(|at| self.get(at))).finish()
    }
}

impl<const N: usize> Serialize for Numbers<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Numbers<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Rows)
    }
}

/// Takes whole rows.
struct Rows<const N: usize>;

impl<const N: usize> Visitor<'_> for Rows<N> {
    type Value = Numbers<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rows of {N} numbers")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Numbers<N>, E> {
        if bytes.len().is_multiple_of(Numbers::<N>::ROW) {
            Ok(Numbers(bytes.to_vec()))
        } else {
            Err(E::invalid_length(bytes.len(), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_added_and_no_half_of_one_does() {
        let mut rows = Numbers::<2>::default();
        let added = [[1, 2], [0, u32::MAX], [70_000, 3]];
        added.iter().for_each(|row| rows.push(*row));
        let mut bytes = postcard::to_stdvec(&rows).unwrap();
        let read: Numbers<2> = postcard::from_bytes(&bytes).unwrap();
        assert_eq!((read.len(), &read), (3, &rows));
        assert_eq!(
            (0..4).map(|at| read.get(at)).collect::<Vec<_>>(),
            [Some(added[0]), Some(added[1]), Some(added[2]), None]
        );
        assert_eq!(
            (read.get(usize::MAX), format!("{read:?}").as_str()),
            (None, "[[1, 2], [0, 4294967295], [70000, 3]]")
        );
        bytes[0] -= 1;
        assert!(postcard::from_bytes::<Numbers<2>>(&bytes).is_err());
    }
}
