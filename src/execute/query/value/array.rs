//! Arrays in PostgreSQL's text form: `{1,NULL,"a b"}`, `{{1},{2}}`, `[0:1]={1,2}`.
//! Pure.

use super::{Form, json};

/// Depth of the deepest array: PostgreSQL's own bound.
const DEEPEST: usize = 6;

/// What stands next in an array.
enum Part {
    Open,
    Close,
    Next,
    Null,
    Element(Vec<u8>),
}

/// The parts of an array's text, one at a time.
struct Parts<'a> {
    rest: &'a [u8],
    delimiter: u8,
}

impl<'a> Parts<'a> {
    fn new(text: &'a [u8], delimiter: u8) -> Option<Self> {
        // Bounds other than from 1 on stand before it.
        let rest = match text.first()? {
            b'[' => text.get(text.iter().position(|byte| *byte == b'=')? + 1..)?,
            _ => text,
        };
        Some(Self { rest, delimiter })
    }

    /// `None`: it is malformed, or over.
    fn next(&mut self) -> Option<Part> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        match first {
            b'{' => Some(Part::Open),
            b'}' => Some(Part::Close),
            byte if *byte == self.delimiter => Some(Part::Next),
            b'"' => {
                let mut element = Vec::new();
                loop {
                    let (byte, rest) = self.rest.split_first()?;
                    self.rest = rest;
                    match byte {
                        b'"' => return Some(Part::Element(element)),
                        b'\\' => {
                            let (byte, rest) = self.rest.split_first()?;
                            self.rest = rest;
                            element.push(*byte);
                        }
                        byte => element.push(*byte),
                    }
                }
            }
            first => {
                let mut element = vec![*first];
                while let Some((byte, rest)) = self.rest.split_first() {
                    if *byte == b'}' || *byte == self.delimiter {
                        break;
                    }
                    self.rest = rest;
                    element.push(*byte);
                }
                Some(if element == b"NULL" { Part::Null } else { Part::Element(element) })
            }
        }
    }
}

/// Appends the array as JSON; `None`: it is none, and what was appended is nothing.
pub(super) fn write(text: &[u8], form: &Form, delimiter: u8, out: &mut Vec<u8>) -> Option<()> {
    let mut parts = Parts::new(text, delimiter)?;
    let mut depth = 0;
    // Whether an element or an array just ended; and whether one must come, because a delimiter stands there.
    let (mut ended, mut due) = (false, false);
    loop {
        let part = parts.next()?;
        let fits = match part {
            Part::Open => !ended,
            Part::Close => depth > 0 && !due,
            Part::Next => depth > 0 && ended,
            Part::Null | Part::Element(_) => depth > 0 && !ended,
        };
        if !fits {
            return None;
        }
        (ended, due) = match part {
            Part::Open => (false, false),
            Part::Next => (false, true),
            Part::Close | Part::Null | Part::Element(_) => (true, false),
        };
        match part {
            Part::Open if depth == DEEPEST => return None,
            Part::Open => {
                depth += 1;
                out.push(b'[');
            }
            Part::Close => {
                out.push(b']');
                depth -= 1;
                if depth == 0 {
                    return parts.rest.is_empty().then_some(());
                }
            }
            Part::Next => out.push(b','),
            Part::Null => out.extend(b"null"),
            Part::Element(element) => json(form, &element, out),
        }
    }
}

/// The elements of an array of one dimension; `None`: it is none.
pub(crate) fn elements(text: &str) -> Option<Vec<Option<String>>> {
    let mut parts = Parts::new(text.as_bytes(), b',')?;
    let Part::Open = parts.next()? else { return None };
    let mut elements = Vec::new();
    loop {
        match parts.next()? {
            Part::Close => return parts.rest.is_empty().then_some(elements),
            Part::Next => {}
            Part::Null => elements.push(None),
            Part::Element(element) => elements.push(Some(String::from_utf8(element).ok()?)),
            Part::Open => return None,
        }
    }
}

/// An array of one dimension as PostgreSQL reads it.
pub(crate) fn literal<'a>(elements: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut text = String::from("{");
    for element in elements {
        if text.len() > 1 {
            text.push(',');
        }
        match element {
            None => text.push_str("NULL"),
            Some(element) => {
                text.push('"');
                for letter in element.chars() {
                    if matches!(letter, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(letter);
                }
                text.push('"');
            }
        }
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(form: Form, delimiter: u8, text: &str) -> Option<String> {
        let mut out = Vec::new();
        write(text.as_bytes(), &form, delimiter, &mut out)?;
        let text = String::from_utf8(out).unwrap();
        serde_json::from_str::<serde::de::IgnoredAny>(&text).expect(&text);
        Some(text)
    }

    #[test]
    fn arrays_are_nested_quoted_and_hold_nulls() {
        for (text, json) in [
            ("{}", "[]"),
            ("{1,NULL,3.50}", "[1,null,3.50]"),
            ("{{1,2},{3,NaN}}", "[[1,2],[3,\"NaN\"]]"),
            ("[0:1]={1,2}", "[1,2]"),
            ("[1:1][-2:-1]={{1,2}}", "[[1,2]]"),
        ] {
            assert_eq!(of(Form::Number, b',', text).as_deref(), Some(json));
        }
        assert_eq!(
            of(Form::Text, b',', r#"{"NULL",NULL,"a,\"b\\}","",null}"#).unwrap(),
            r#"["NULL",null,"a,\"b\\}","","null"]"#
        );
        assert_eq!(of(Form::Text, b';', "{(1,1),(0,0);(2,2),(1,1)}").unwrap(), r#"["(1,1),(0,0)","(2,2),(1,1)"]"#);
        assert_eq!(of(Form::Json, b',', r#"{"{\"a\": 1}",NULL}"#).unwrap(), r#"[{"a": 1},null]"#);
        for wrong in [
            "",
            "1",
            "{1",
            "{1}}",
            "{1}x",
            "{\"a}",
            "[0:1]",
            "{{{{{{{1}}}}}}}",
            "}{",
            "{,}",
            "{1,}",
            "{{1}{2}}",
            "{\"a\"\"b\"}",
        ] {
            assert_eq!(of(Form::Number, b',', wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(given in prop::collection::vec(prop::option::of(any::<String>()), 0..8)) {
            let text = literal(given.iter().map(Option::as_deref));
            prop_assert_eq!(elements(&text), Some(given));
        }

        #[test]
        fn nothing_that_is_no_array_ends_in_anything_but_a_refusal(text in "[\\[\\]{}\",\\\\a1 =:]{0,24}") {
            let mut out = Vec::new();
            if write(text.as_bytes(), &Form::Text, b',', &mut out).is_some() {
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok(), "{}", String::from_utf8_lossy(&out));
            }
            let _read = elements(&text);
        }
    }
}
