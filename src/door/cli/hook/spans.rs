//! Where the parts of a JSON text lie, so that one part can be changed and every other byte stays.
//! Knows no settings; the text must have been found to be JSON before.

use std::ops::Range;

/// One member of an object, or one item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Child {
    /// Its key, in an object.
    pub(super) key: Option<String>,
    /// All of it, the key too.
    pub(super) whole: Range<usize>,
    /// Its value.
    pub(super) value: Range<usize>,
}

/// The value a text is, without the white space around it.
pub(super) fn root(text: &str) -> Range<usize> {
    let from = blank(text.as_bytes(), 0);
    from..end(text.as_bytes(), from)
}

/// What stands in the object or list at `container`, in order; nothing in any other value.
pub(super) fn children(text: &str, container: Range<usize>) -> Vec<Child> {
    let bytes = text.as_bytes();
    let object = match bytes.get(container.start) {
        Some(b'{') => true,
        Some(b'[') => false,
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    let mut at = blank(bytes, container.start + 1);
    while at + 1 < container.end {
        let from = at;
        let mut key = None;
        if object {
            let end = end(bytes, at);
            key = text.get(at..end).and_then(|text| serde_json::from_str(text).ok());
            at = blank(bytes, blank(bytes, end) + 1);
        }
        let value = at..end(bytes, at);
        at = value.end;
        found.push(Child { key, whole: from..at, value });
        // Over the comma.
        at = blank(bytes, blank(bytes, at) + 1);
    }
    found
}

/// The last member called `key`: the one that counts.
pub(super) fn member(text: &str, object: Range<usize>, key: &str) -> Option<Child> {
    children(text, object).into_iter().rev().find(|child| child.key.as_deref() == Some(key))
}

/// The first place from `at` on that is no white space.
fn blank(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// The end of the value that begins at `at`.
fn end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (index, byte) in rest.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if quoted => {
                quoted = false;
                if depth == 0 {
                    return at + index + 1;
                }
            }
            _ if quoted => {}
            b'"' => quoted = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return at + index + depth,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return at + index,
            byte if depth == 0 && byte.is_ascii_whitespace() => return at + index,
            _ => {}
        }
    }
    at + rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_whatever_stands_in_strings() {
        let text = " {\"a\\\"}\" : [1, \"],{\" ,{}] ,\n\"b\":-1e3,\"c\":{\"d\":null}}\n";
        let whole = root(text);
        assert_eq!(text.get(whole.clone()), Some(text.trim()));
        let values = |range: Range<usize>| -> Vec<(Option<String>, String)> {
            children(text, range)
                .into_iter()
                .map(|child| (child.key, text.get(child.value).unwrap().to_owned()))
                .collect()
        };
        let named = |key: &str, value: &str| (Some(key.to_owned()), value.to_owned());
        assert_eq!(
            values(whole.clone()),
            [named("a\"}", "[1, \"],{\" ,{}]"), named("b", "-1e3"), named("c", "{\"d\":null}")]
        );
        let list = member(text, whole.clone(), "a\"}").unwrap().value;
        assert_eq!(values(list).into_iter().map(|(_, value)| value).collect::<Vec<_>>(), ["1", "\"],{\"", "{}"]);
        assert_eq!(values(member(text, whole, "c").unwrap().value), [named("d", "null")]);
    }

    #[test]
    fn empty_containers_have_no_parts() {
        for text in ["{}", "[]", "{ }", " [\n] ", "1", "\"{\""] {
            assert_eq!(children(text, root(text)), [], "{text}");
        }
    }
}
