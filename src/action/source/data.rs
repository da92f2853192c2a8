//! JSON, TOML and YAML: whether a text is such, and where not.
//! Builds nothing from them, so neither depth nor aliases cost anything.

use super::{Fault, MOST, fault};
use saphyr_parser::Parser;
use serde::de::IgnoredAny;
use toml::de::DeTable;

/// What keeps a text from being JSON (RFC 8259); a byte order mark in front is passed over.
pub(super) fn json(text: &str) -> Vec<Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut stream = serde_json::Deserializer::from_str(text);
    // Passes over whatever is nested without going into it.
    let read = <IgnoredAny as serde::Deserialize>::deserialize(&mut stream).and_then(|_| stream.end());
    let Err(error) = read else { return Vec::new() };
    // Lines are counted, columns are bytes of them; 0 stands for the end of the line before.
    let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let bytes = line.as_bytes().get(..error.column().saturating_sub(1)).unwrap_or(line.as_bytes());
    let column = String::from_utf8_lossy(bytes).chars().count() as u64 + 1;
    let said = error.to_string();
    let what = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
    let what = if text.trim().is_empty() { "it is empty, which is no JSON" } else { what };
    vec![Fault { line: (error.line() as u64).max(1), column, what: what.to_owned() }]
}

/// The same for JSON with comments and with commas behind the last item.
pub(super) fn jsonc(text: &str) -> Vec<Fault> {
    let mut plain = text.as_bytes().to_vec();
    // A comma behind a value with nothing behind it yet, and whether a value ended last.
    let (mut comma, mut value): (Option<usize>, bool) = (None, false);
    let mut at = 0;
    while let Some(byte) = plain.get(at).copied() {
        let after = plain.get(at + 1).copied();
        match (byte, after) {
            (b'"', _) => {
                (comma, value) = (None, true);
                at += 1;
                while let Some(inner) = plain.get(at).copied().filter(|inner| *inner != b'"' && *inner != b'\n') {
                    at += if inner == b'\\' { 2 } else { 1 };
                }
            }
            (b'/', Some(b'/')) => {
                let rest = plain.get(at..).unwrap_or_default();
                let len = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                blank(&mut plain, at, len);
                at += len;
                continue;
            }
            (b'/', Some(b'*')) => {
                let rest = plain.get(at + 2..).unwrap_or_default();
                let Some(len) = rest.windows(2).position(|pair| pair == b"*/") else {
                    return vec![fault(text, at, "a comment that does not end")];
                };
                blank(&mut plain, at, len + 4);
                at += len + 4;
                continue;
            }
            (b',', _) => (comma, value) = (value.then_some(at), false),
            (b'}' | b']', _) => {
                if let Some(comma) = comma.take() {
                    blank(&mut plain, comma, 1);
                }
                value = true;
            }
            (b' ' | b'\t' | b'\r' | b'\n', _) => {}
            (b'{' | b'[' | b':', _) => (comma, value) = (None, false),
            _ => (comma, value) = (None, true),
        }
        at += 1;
    }
    // Blanked whole characters only.
    String::from_utf8(plain).map_or_else(|_| Vec::new(), |plain| json(&plain))
}

/// Makes blanks of bytes, so that lines stay where they are.
fn blank(bytes: &mut [u8], from: usize, len: usize) {
    for byte in bytes.iter_mut().skip(from).take(len).filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// What keeps a text from being TOML 1.1.
pub(super) fn toml(text: &str) -> Vec<Fault> {
    let (_, errors) = DeTable::parse_recoverable(text);
    let told = errors.into_iter().take(MOST).map(|error| {
        let at = error.span().map_or(0, |span| span.start);
        fault(text, at, error.message().trim().replace('\n', ": "))
    });
    told.collect()
}

/// What keeps a text from being YAML 1.2, in any number of documents, with any tags. What looks like a template of YAML
/// (Helm, Jinja, ERB) is not judged.
pub(super) fn yaml(text: &str) -> Vec<Fault> {
    for event in Parser::new_from_str(text) {
        if let Err(error) = event {
            if is_template(text) {
                return Vec::new();
            }
            let mark = error.marker();
            return vec![Fault {
                line: mark.line().max(1) as u64,
                column: mark.col() as u64 + 1,
                what: error.info().to_owned(),
            }];
        }
    }
    Vec::new()
}

/// Whether a text holds what only templates hold. GitHub's `${{ … }}` is an ordinary scalar.
fn is_template(text: &str) -> bool {
    let bytes = text.as_bytes();
    let opens = bytes
        .windows(2)
        .enumerate()
        .any(|(at, pair)| pair == b"{{" && at.checked_sub(1).and_then(|before| bytes.get(before)) != Some(&b'$'));
    opens || ["{%", "<%", "{#"].iter().any(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(faults: Vec<Fault>) -> Vec<String> {
        faults.into_iter().map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.what)).collect()
    }

    #[test]
    fn json_is_told_from_what_is_not_with_its_place() {
        let sound =
            ["{}", " [1, -2.5e3, \"a\\u00e9\", null, true]\n", "\u{feff}{\"a\": {}}", "{\"a\": 1, \"a\": 2}", "7"];
        for text in sound {
            assert_eq!(told(json(text)), [] as [&str; 0], "{text}");
        }
        let table = [
            ("{\n  \"é\": 1,\n}", "3:1: key must be a string"),
            ("{\"é\" 1}", "1:6: expected `:`"),
            ("[1, 2", "1:5: EOF while parsing a list"),
            ("{} {}", "1:4: trailing characters"),
            ("", "1:1: it is empty, which is no JSON"),
            ("{\"a\": NaN}", "1:7: expected value"),
            ("// a\n{}", "1:1: expected value"),
            ("{'a': 1}", "1:2: key must be a string"),
        ];
        let said: Vec<String> = table.iter().flat_map(|(text, _)| told(json(text))).collect();
        assert_eq!(said, table.map(|(_, expected)| expected));
    }

    #[test]
    fn json_with_comments_may_have_them_and_commas_at_the_end() {
        let sound = [
            "{\n  // one\n  \"a\": \"/* no */ // no\", /* two\n lines */\n  \"b\": [1, 2, ], // é\n}\n",
            "{\"a\": \"\\\"//\"}",
            "{}",
        ];
        for text in sound {
            assert_eq!(told(jsonc(text)), [] as [&str; 0], "{text}");
        }
        let table = [
            ("{ // a\n \"b\" 1}", "2:6: expected `:`"),
            ("{} /* a", "1:4: a comment that does not end"),
            ("[,]", "1:2: expected value"),
            ("[1,,]", "1:4: expected value"),
            ("{\"a\n\": 1}", "1:3: control character (\\u0000-\\u001F) found while parsing a string"),
        ];
        let said: Vec<String> = table.iter().flat_map(|(text, _)| told(jsonc(text))).collect();
        assert_eq!(said, table.map(|(_, expected)| expected));
    }

    #[test]
    fn toml_is_told_from_what_is_not() {
        assert_eq!(told(toml("a = 1\n[b.c]\nd = [\n 1, # x\n]\n")), [] as [&str; 0]);
        assert_eq!(
            told(toml("a = 1\n[b\nc = \"é\" x\n")).first().map(String::as_str),
            Some("2:3: unclosed table, expected `]`")
        );
        assert_eq!(told(toml("a = 1\na = 2\n")).len(), 1);
    }

    #[test]
    fn yaml_has_many_documents_any_tags_and_templates_of_it_are_let_be() {
        let sound = [
            "a: 1\n---\nb: !Ref x\nc: !!python/object:a.B {}\n---\n- 1\n",
            "a: &x {b: 1}\nc: *x\n<<: *x\n",
            "on: push\njobs:\n  a:\n    if: ${{ github.ref == 'x' }}\n    run: |\n      echo: \"{{\n",
            "{{- if .Values.x }}\na: {{ .Values.a | quote }}\n{{- end }}\n",
            "a: {% if x %}b{% endif %}\n",
            "",
            "# only a comment\n",
        ];
        for text in sound {
            assert_eq!(told(yaml(text)), [] as [&str; 0], "{text}");
        }
        for text in
            ["a: [1, 2\nb: 3\n", "a: 1\n  b: 2\n", "a: *nowhere\n", "a: \"x\n", "\tb: 1\n  c: 2\n", "a: ${{ x\nb: [\n"]
        {
            assert_eq!(yaml(text).len(), 1, "{text}");
        }
        assert_eq!(told(yaml("é: 1\né b: *x\n")), ["2:6: while parsing node, found unknown anchor"]);
    }
}
