//! What the program says that compiles sources.
//! Pure: parses bytes, trusts none of them.

/// A compiled form without its head's times and sizes; empty where the source could not be compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'b> {
    /// The file name that Python looks for.
    pub(super) name: &'b [u8],
    /// Which Python's it is.
    pub(super) magic: [u8; 4],
    pub(super) code: &'b [u8],
}

/// The whole frames at the start of `bytes`, in their order: `None` for a source that could not be compiled.
pub(super) fn frames(mut bytes: &[u8]) -> Vec<Option<Frame<'_>>> {
    let mut frames = Vec::new();
    while let Some((frame, rest)) = one(bytes) {
        frames.push(frame);
        bytes = rest;
    }
    frames
}

fn one(bytes: &[u8]) -> Option<(Option<Frame<'_>>, &[u8])> {
    let (name, bytes) = length(bytes)?;
    let (form, bytes) = length(bytes)?;
    let (name, bytes) = bytes.split_at_checked(name)?;
    let (form, rest) = bytes.split_at_checked(form)?;
    let frame = form.split_first_chunk().map(|(magic, code)| Frame { name, magic: *magic, code });
    Some((frame, rest))
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_frames_are_read_and_the_rest_is_left() {
        let said = |name: &[u8], form: &[u8]| {
            let lengths = [name.len(), form.len()].map(|len| u32::try_from(len).unwrap().to_le_bytes());
            [&lengths.concat(), name, form].concat()
        };
        let frame = Frame { name: b"a.x.pyc", magic: *b"abcd", code: b"code" };
        let bytes = [said(b"a.x.pyc", b"abcdcode"), said(b"", b""), said(b"n", b"abc"), said(b"n", b"abcd")].concat();
        let last = Some(Frame { name: b"n", magic: *b"abcd", code: b"" });
        assert_eq!(frames(&bytes), [Some(frame), None, None, last]);
        for cut in 1..said(b"n", b"abcd").len() {
            assert_eq!(frames(bytes.get(..bytes.len() - cut).unwrap()).len(), 3, "{cut}");
        }
        assert_eq!(frames(&[255; 64]), []);
        assert_eq!(frames(b""), []);
    }
}
