//! A lasting rule as its file has it: the narrowest conditions as TOML.
//! Knows nothing of files, nor who asks for it.

use super::Narrow;
use crate::action::shell::quoted;
use crate::event::line::is_hidden;
use std::fmt::Write as _;

/// A rule of these conditions that allows, without its reason, in two parts: what it looks for, and what shows that it does.
pub fn lasting(id: &str, narrow: &Narrow) -> (String, String) {
    let mut rule = format!("[[rule]]\nid = {}\nprogram = {}\n", toml(id), toml(&narrow.program));
    let list = |words: &[String]| format!("[{}]", words.iter().map(|word| toml(word)).collect::<Vec<_>>().join(", "));
    // Writing into a `String` cannot fail.
    let _ = writeln!(rule, "exactly = {}\nfolder = {}", list(&narrow.exactly), toml(&narrow.folder));
    let places = [("reads", &narrow.reads), ("writes_to", &narrow.writes_to), ("removes", &narrow.removes)];
    for (key, values) in places.into_iter().chain([("url", &narrow.url)]).filter(|(_, values)| !values.is_empty()) {
        let _ = writeln!(rule, "{key} = {}", list(values));
    }
    if narrow.proved {
        rule += "unprovable = false\n";
    }
    for (key, value) in [("mode", &narrow.mode), ("phase", &narrow.phase)] {
        if let Some(value) = value {
            let _ = writeln!(rule, "{key} = {}", toml(value));
        }
    }
    rule += "verdict = \"allow\"\n";
    // Where links lead is not known in the world of examples.
    if places.iter().any(|(_, values)| !values.is_empty()) {
        return (rule, String::new());
    }
    let words = std::iter::once(&narrow.program).chain(&narrow.exactly);
    let line = words.map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    (rule, format!("hits = [{}]\n", toml(&line)))
}

/// A text as TOML has it, nothing of it hidden.
pub fn toml(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out += "\\n",
            '\t' => out += "\\t",
            _ if is_hidden(c) => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_comes_back_from_its_toml(text in "\\PC{0,20}|[\"'\\\\\n\t\u{0}-\u{1f}\u{202e}a]{0,20}") {
            let read: toml::Table = toml::from_str(&format!("x = {}", toml(&text))).unwrap();
            prop_assert_eq!(read["x"].as_str(), Some(text.as_str()));
            prop_assert!(!toml(&text).contains(is_hidden));
        }
    }
}
