//! Putting a part into a JSON text, or taking one out, in the layout the text has.
//! Knows no settings.

use super::spans::{Child, children, root};
use std::ops::Range;

/// Puts `part`, indented by tabs from nothing, at the end of the object or list at `container`.
pub(super) fn append(text: &str, container: Range<usize>, part: &str) -> String {
    let unit = unit(text);
    let laid = |indent: &str| part.replace('\t', &unit).replace('\n', &format!("\n{indent}"));
    if let Some(last) = children(text, container.clone()).pop() {
        let added = match indent(text, last.whole.start) {
            Some(indent) => format!(",\n{indent}{}", laid(indent)),
            None => format!(", {}", compact(part)),
        };
        return replaced(text, last.whole.end..last.whole.end, &added);
    }
    let (open, close) =
        if text.get(container.clone()).is_some_and(|text| text.starts_with('{')) { ('{', '}') } else { ('[', ']') };
    let outer: String = line(text, container.start).chars().take_while(|c| c.is_whitespace()).collect();
    let inner = format!("{outer}{unit}");
    replaced(text, container, &format!("{open}\n{inner}{}\n{outer}{close}", laid(&inner)))
}

/// Takes the child of `container` with that number out, with its comma.
pub(super) fn remove(text: &str, container: Range<usize>, number: usize) -> String {
    let all = children(text, container.clone());
    let at = |number: usize| all.get(number).map(|child: &Child| child.whole.clone());
    match (number.checked_sub(1).and_then(at), at(number), at(number + 1)) {
        (_, None, _) => text.to_owned(),
        (Some(before), Some(own), _) => replaced(text, before.end..own.end, ""),
        (None, Some(own), Some(next)) => replaced(text, own.start..next.start, ""),
        (None, Some(_), None) => replaced(text, container.start + 1..container.end - 1, ""),
    }
}

fn replaced(text: &str, range: Range<usize>, by: &str) -> String {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    format!("{before}{by}{after}")
}

/// The line up to `at`.
fn line(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    before.rsplit('\n').next().unwrap_or_default()
}

/// The white space before `at`, where that is all there is on its line.
fn indent(text: &str, at: usize) -> Option<&str> {
    let line = line(text, at);
    (line.len() < at && line.chars().all(char::is_whitespace)).then_some(line)
}

/// One step of indentation, as the text has it; two blanks where it has none.
fn unit(text: &str) -> String {
    let first = children(text, root(text)).into_iter().next();
    let unit = first.and_then(|child| indent(text, child.whole.start)).filter(|unit| !unit.is_empty());
    unit.unwrap_or("  ").to_owned()
}

/// The part on one line.
fn compact(part: &str) -> String {
    part.lines().map(|line| line.trim_start_matches('\t')).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_goes_in_as_the_text_is_laid_out_and_comes_out_again() {
        let part = "\"k\": [\n\t1\n]";
        for (text, with) in [
            ("{\n    \"a\": 1\n}\n", "{\n    \"a\": 1,\n    \"k\": [\n        1\n    ]\n}\n"),
            ("{\n\t\"a\": 1\n}", "{\n\t\"a\": 1,\n\t\"k\": [\n\t\t1\n\t]\n}"),
            ("{\"a\":1}", "{\"a\":1, \"k\": [ 1 ]}"),
            ("{}\n", "{\n  \"k\": [\n    1\n  ]\n}\n"),
        ] {
            let made = append(text, root(text), part);
            assert_eq!(made, with);
            let number = children(&made, root(&made)).len() - 1;
            assert_eq!(remove(&made, root(&made), number), text);
        }
    }

    #[test]
    fn the_first_of_several_leaves_with_its_own_comma() {
        let text = "[\n  1,\n  2\n]";
        assert_eq!(remove(text, root(text), 0), "[\n  2\n]");
        assert_eq!(remove(text, root(text), 5), text);
    }
}
