//! Reads YAML into a tree, as the tools that print and read compose files mean it.
//! Knows nothing of what the tree says. Whatever tools read differently is refused.

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::collections::HashMap;

/// Nodes of a tree at most, those of aliases counted each time.
const MOST: usize = 100_000;
/// How deep a tree goes at most.
const DEEPEST: usize = 64;

/// Reads every document of `text`.
///
/// # Errors
/// Why it cannot be relied on, as a fragment: it is not YAML, or it is written so that tools may read it differently.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, String> {
    // Line breaks in YAML 1.1, but not in 1.2: a comment would end for one tool and go on for another.
    if let Some(c) = text.chars().find(|c| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')) {
        return Err(format!("it holds U+{:04X}, which tools read differently", u32::from(c)));
    }
    let mut reader = Reader { documents: Vec::new(), open: Vec::new(), anchors: HashMap::new(), nodes: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        reader.take(event).map_err(|cause| format!("line {}: {cause}", span.start.line()))?;
    }
    Ok(reader.documents)
}

struct Reader {
    documents: Vec<Value>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
}

/// A list or mapping that is not complete yet, and its anchor (0: none).
struct Open {
    part: Part,
    anchor: usize,
    from: usize,
}

enum Part {
    List(Vec<Value>),
    Mapping(Map<String, Value>, Option<String>),
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Alias(anchor) => {
                let (value, nodes) = self.anchors.get(&anchor).cloned().ok_or("an alias of itself")?;
                self.count(nodes)?;
                self.put(value)
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1)?;
                let own = tag.is_some_and(|tag| !is_plain(&tag));
                if own {
                    return Err("a tag that guard does not know".to_owned());
                }
                let value = scalar(text, style);
                if anchor > 0 {
                    self.anchors.insert(anchor, (value.clone(), 1));
                }
                self.put(value)
            }
            Event::SequenceStart(anchor, tag) => self.begin(Part::List(Vec::new()), anchor, tag),
            Event::MappingStart(anchor, tag) => self.begin(Part::Mapping(Map::new(), None), anchor, tag),
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop().ok_or("an end without a beginning")?;
                let value = match open.part {
                    Part::List(list) => Value::Array(list),
                    Part::Mapping(_, Some(key)) => return Err(format!("`{key}` has no value")),
                    Part::Mapping(map, None) => Value::Object(map),
                };
                if open.anchor > 0 {
                    self.anchors.insert(open.anchor, (value.clone(), self.nodes - open.from));
                }
                self.put(value)
            }
        }
    }

    fn begin(&mut self, part: Part, anchor: usize, tag: Option<Cow<'_, Tag>>) -> Result<(), String> {
        self.count(1)?;
        if tag.is_some_and(|tag| !is_plain(&tag)) {
            return Err("a tag that guard does not know".to_owned());
        }
        if self.open.len() >= DEEPEST {
            return Err(format!("it is more than {DEEPEST} levels deep"));
        }
        self.open.push(Open { part, anchor, from: self.nodes });
        Ok(())
    }

    fn count(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MOST { Err(format!("it has more than {MOST} parts")) } else { Ok(()) }
    }

    fn put(&mut self, value: Value) -> Result<(), String> {
        match self.open.last_mut().map(|open| &mut open.part) {
            None => self.documents.push(value),
            Some(Part::List(list)) => list.push(value),
            Some(Part::Mapping(map, key)) => match key.take() {
                None => *key = Some(key_text(value)?),
                Some(name) => {
                    if map.contains_key(&name) && name != "<<" {
                        return Err(format!("`{name}` stands twice"));
                    }
                    map.insert(name, value);
                }
            },
        }
        Ok(())
    }
}

/// Tags that say how compose merges files, or that a text is a text: none changes what is read.
fn is_plain(tag: &Tag) -> bool {
    let core = tag.handle == "tag:yaml.org,2002:" && matches!(tag.suffix.as_str(), "str" | "map" | "seq");
    core || tag.handle == "!" && matches!(tag.suffix.as_str(), "reset" | "override")
}

fn key_text(key: Value) -> Result<String, String> {
    match key {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Null => Ok("null".to_owned()),
        Value::Array(_) | Value::Object(_) => Err("a key that is not a word".to_owned()),
    }
}

/// What a scalar is: only what YAML 1.1 and 1.2 both take for a number, a truth value or nothing is one.
pub(crate) fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    let plain = match style {
        ScalarStyle::Plain => true,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Literal | ScalarStyle::Folded => false,
    };
    let number = || {
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if whole && (digits == "0" || !digits.starts_with('0')) {
            return text.parse::<i64>().ok().map(Number::from);
        }
        let (before, after) = digits.split_once('.')?;
        let all = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if all(before) && all(after) { text.parse().ok().and_then(Number::from_f64) } else { None }
    };
    match (plain, &*text) {
        (true, "" | "null" | "~") => Value::Null,
        (true, "true") => Value::Bool(true),
        (true, "false") => Value::Bool(false),
        (true, _) => number().map_or_else(|| Value::String(text.clone().into_owned()), Value::Number),
        (false, _) => Value::String(text.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_are_what_docker_compose_means_by_them() {
        let text = "a: [1e3, '12:30', 0x10, 010, 1.5, -7, 0, yes, true, null, ~, '', 2020-01-01, 1_000, \"\\u00e4\"]\n";
        let expected = json!({"a": ["1e3", "12:30", "0x10", "010", 1.5, -7, 0, "yes", true, null, null, "",
            "2020-01-01", "1_000", "ä"]});
        assert_eq!(documents(text), Ok(vec![expected]));
        let folded = "k:\n- 'line\n\n  break'\n- a very long\n  text\n- |-\n  x\n  y\n";
        assert_eq!(documents(folded), Ok(vec![json!({"k": ["line\nbreak", "a very long text", "x\ny"]})]));
        assert_eq!(documents("{\"a\": [1, {\"b\": null}]}"), Ok(vec![json!({"a": [1, {"b": null}]})]));
    }

    #[test]
    fn anchors_are_followed_and_documents_told_apart() {
        let text = "x: &a {env_file: /etc/x}\ny: *a\n---\nz: 1\n";
        let expected = json!({"x": {"env_file": "/etc/x"}, "y": {"env_file": "/etc/x"}});
        assert_eq!(documents(text), Ok(vec![expected, json!({"z": 1})]));
    }

    #[test]
    fn what_tools_read_differently_is_refused() {
        let refused = [
            "# a comment\u{2028}env_file: /etc/shadow\n",
            "\u{85}a: 1",
            "\u{feff}a: 1",
            "a: 1\na: 2\n",
            "a: !!binary L2V0Yy9zaGFkb3c=\n",
            "a: !!python/object x\n",
            "? [a]\n: 1\n",
            "a: *b\n",
            "a: [\n",
        ];
        for text in refused {
            assert!(documents(text).is_err(), "{text:?}: {:?}", documents(text));
        }
    }

    #[test]
    fn a_tree_that_grows_without_end_is_refused() {
        // The "billion laughs": each level names the one before ten times.
        let mut text = "l0: &l0 [x]\n".to_owned();
        for level in 1..12 {
            let names = vec![format!("*l{}", level - 1); 10].join(", ");
            text += &format!("l{level}: &l{level} [{names}]\n");
        }
        assert!(documents(&text).unwrap_err().contains("more than"), "{:?}", documents(&text).is_ok());
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(documents(&deep).is_err());
    }
}
