//! A rule as its file has it: the lines, and the values under each key.
//! Knows TOML, and nothing of what the values mean.

use super::Source;
use super::preset::embedded;
use toml::de::{DeTable, DeValue};

/// A rule as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its lines, comments between them included.
    pub text: String,
    values: Vec<(String, Vec<String>)>,
}

impl Written {
    /// The rule `id` in one of `sources`, or in a preset.
    pub fn find(sources: &[Source], id: &str) -> Option<Written> {
        let presets = embedded().map(|preset| preset.text);
        sources.iter().map(|source| source.text.as_str()).chain(presets).find_map(|text| Written::find_in(text, id))
    }

    /// The rule `id` in one text.
    pub fn find_in(text: &str, id: &str) -> Option<Written> {
        within(text, id)
    }

    /// Whether the rule has `key`, with whatever value.
    pub fn has(&self, key: &str) -> bool {
        self.values.iter().any(|(name, _)| name == key)
    }

    /// What stands under `key`, each value as text; empty where the rule has no such key.
    pub fn values(&self, key: &str) -> &[String] {
        let found = self.values.iter().find(|(name, _)| name == key);
        found.map_or(&[], |(_, values)| values.as_slice())
    }
}

fn within(text: &str, id: &str) -> Option<Written> {
    let (document, _) = DeTable::parse_recoverable(text);
    let rules = document.get_ref().get("rule")?.get_ref().as_array()?;
    let rule = rules.iter().find(|rule| {
        let found = rule.get_ref().as_table().and_then(|table| table.get("id")?.get_ref().as_str());
        found == Some(id)
    })?;
    let table = rule.get_ref().as_table()?;
    let start = rule.span().start;
    let end = table.values().map(|value| value.span().end).chain([rule.span().end]).max()?;
    let line_start = text.get(..start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text.get(end..)?.find('\n').map_or(text.len(), |newline| end + newline);
    let values = table.iter().map(|(key, value)| {
        let one = |value: &DeValue<'_>| match value {
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => String::new(),
        };
        let values = match value.get_ref().as_array() {
            Some(items) => items.iter().map(|item| one(item.get_ref())).collect(),
            None => vec![one(value.get_ref())],
        };
        let name: &str = key.get_ref();
        (name.to_owned(), values)
    });
    Some(Written { text: text.get(line_start..line_end)?.to_owned(), values: values.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Layer;

    #[test]
    fn a_rule_is_shown_as_it_was_written_and_nothing_beside_it() {
        let text = "version = 1\n# before\n[[rule]] # head\nid = \"a\"\n# why\nhits = [\n  \"x\", # one\n  \"[y]\",\n]\n\n# next\n[[rule]]\nid = \"b\"\n";
        let source = Source { layer: Layer::Project, name: "guard.toml".into(), text: text.into() };
        let written = Written::find(std::slice::from_ref(&source), "a").unwrap();
        assert_eq!(written.text, "[[rule]] # head\nid = \"a\"\n# why\nhits = [\n  \"x\", # one\n  \"[y]\",\n]");
        assert_eq!(written.values("hits"), ["x", "[y]"]);
        assert_eq!(written.values("misses"), [] as [&str; 0]);
        assert_eq!(Written::find(&[source], "b").unwrap().text, "[[rule]]\nid = \"b\"");
        assert!(Written::find(&[], "no-such-rule").is_none());
    }

    #[test]
    fn every_rule_of_every_preset_is_found() {
        for preset in embedded() {
            let ids = preset.text.lines().filter_map(|line| line.strip_prefix("id = \"")?.strip_suffix('"'));
            for id in ids {
                let written = Written::find(&[preset.source()], id).unwrap();
                assert!(written.text.starts_with("[[rule]]") && written.text.contains(&format!("id = \"{id}\"")));
                assert_eq!(written.text.matches("[[rule]]").count(), 1, "{id}");
            }
        }
    }
}
