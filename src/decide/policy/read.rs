//! Reads tables of a text key by key, and remembers every fault on the way.
//! Knows types and spans; which keys there are is said by whoever reads.

use super::Source;
use super::fault::{Fault, nearest};
use super::keys::{Form, Key};
use super::quantity;
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Faults of one source that are told.
pub(crate) const MOST: usize = 1000;

/// A value and the bytes it stands in.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it stands.
    pub(crate) span: Range<usize>,
}

/// One table of a source.
#[derive(Clone, Copy)]
pub(crate) struct Table<'t, 's> {
    entries: &'t DeTable<'s>,
    /// Its name in messages: `[limits]`.
    name: &'static str,
}

/// How a source is written, for advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notation {
    /// `key = value`
    Toml,
    /// `key: value`
    Yaml,
}

/// Reads one source and collects its faults.
pub(crate) struct Reader<'s> {
    source: &'s Source,
    notation: Notation,
    faults: Vec<Fault>,
}

impl<'s> Reader<'s> {
    /// A reader of `source`.
    pub(crate) fn new(source: &'s Source) -> Reader<'s> {
        Reader::of(source, Notation::Toml)
    }

    /// A reader of `source`, which is written like that.
    pub(crate) fn of(source: &'s Source, notation: Notation) -> Reader<'s> {
        Reader { source, notation, faults: Vec::new() }
    }

    /// A key with a value, as this source writes it.
    pub(crate) fn shows(&self, key: &str, value: &str) -> String {
        match self.notation {
            Notation::Toml => format!("{key} = {value}"),
            Notation::Yaml => format!("{key}: {value}"),
        }
    }

    /// How a table is begun.
    fn begins(&self, name: &str, key: &str) -> String {
        match self.notation {
            Notation::Toml => format!("write it as {name} on a line of its own"),
            Notation::Yaml => format!("write its keys below `{key}:`, further in"),
        }
    }

    /// The faults found so far.
    pub(crate) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// How many faults were found so far.
    pub(crate) fn found(&self) -> usize {
        self.faults.len()
    }

    /// Records a fault. Of very many only the first are kept: each looks for its line.
    pub(crate) fn fault(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        if self.faults.len() >= MOST {
            return;
        }
        self.faults.push(Fault::at(self.source, span, message).help(help));
    }

    /// The source's name and the line `at` stands in: `guard.toml:12`.
    pub(crate) fn place(&self, at: &Range<usize>) -> String {
        let before = self.source.text.get(..at.start).unwrap_or_default();
        format!("{}:{}", self.source.name, before.matches('\n').count() + 1)
    }

    /// Parses the text as TOML. `None`: it is not, and all that is wrong was recorded.
    pub(crate) fn document(&mut self) -> Option<DeTable<'s>> {
        let (document, errors) = DeTable::parse_recoverable(&self.source.text);
        let whole = errors.is_empty();
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            self.fault(span, error.message().trim().replace('\n', ": "), "this is not TOML 1.1: see https://toml.io");
        }
        whole.then(|| document.into_inner())
    }

    /// Reports every key of `table` that is not in `known`.
    pub(crate) fn only(&mut self, table: Table<'_, '_>, known: &[Key]) {
        let known: Vec<&str> = known.iter().map(|key| key.name).collect();
        for key in table.entries.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let help = match nearest(name, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known in {}: {}", table.name, known.join(", ")),
            };
            self.fault(key.span(), format!("unknown key `{name}` in {}", table.name), help);
        }
    }

    /// Reports every key that `table` must have and has not; `what` it is and where its head stands.
    pub(crate) fn required(&mut self, table: Table<'_, '_>, keys: &[Key], head: &Range<usize>, what: &str) {
        for key in keys.iter().filter(|key| key.required && !table.has(key.name)) {
            let name = key.name;
            let help = match matches!(key.form, Form::Table(_) | Form::Tables(_)) {
                true => format!("add `{name}` and its keys"),
                false => format!("add `{}`", self.shows(name, key.form.sketch())),
            };
            self.fault(head.clone(), format!("{what} without `{name}`"), help);
        }
    }

    /// The table below `key`.
    pub(crate) fn table<'t, 'd>(
        &mut self,
        from: Table<'t, 'd>,
        key: &str,
        name: &'static str,
    ) -> Option<Table<'t, 'd>> {
        let value = from.entries.get(key)?;
        match value.get_ref().as_table() {
            Some(entries) => Some(Table { entries, name }),
            None => {
                let help = self.begins(name, key);
                self.wrong(value, key, "a table", &help);
                None
            }
        }
    }

    /// The tables of `[[key]]`, in order.
    pub(crate) fn tables<'t, 'd>(
        &mut self,
        from: Table<'t, 'd>,
        key: &str,
        name: &'static str,
    ) -> Vec<(Table<'t, 'd>, Range<usize>)> {
        let Some(value) = from.entries.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            let help = match self.notation {
                Notation::Toml => format!("write each as {name} on a line of its own"),
                Notation::Yaml => format!("write each below `{key}:` with `- ` in front"),
            };
            self.wrong(value, key, "a list of tables", &help);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_table() {
                Some(entries) => tables.push((Table { entries, name }, item.span())),
                None => {
                    let help = self.begins(name, key);
                    self.wrong(item, key, "a table", &help);
                }
            }
        }
        tables
    }

    /// A string.
    pub(crate) fn string(&mut self, table: Table<'_, '_>, key: &str) -> Option<At<String>> {
        let value = table.entries.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(At { value: text.to_owned(), span: value.span() }),
            None => {
                let help = format!("write `{}`", self.shows(key, "\"…\""));
                self.wrong(value, key, "a string", &help);
                None
            }
        }
    }

    /// A list of strings; a single string counts as a list of one. Empty lists are faults: they would say nothing.
    pub(crate) fn strings(&mut self, table: Table<'_, '_>, key: &str) -> Option<Vec<At<String>>> {
        let value = table.entries.get(key)?;
        if let Some(text) = value.get_ref().as_str() {
            return Some(vec![At { value: text.to_owned(), span: value.span() }]);
        }
        let Some(array) = value.get_ref().as_array() else {
            let help = format!("write `{}`", self.shows(key, "[\"…\"]"));
            self.wrong(value, key, "a list of strings", &help);
            return None;
        };
        if array.is_empty() {
            self.fault(value.span(), format!("`{key}` is empty"), format!("leave `{key}` out, or name something"));
            return None;
        }
        let mut strings = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                Some(text) => strings.push(At { value: text.to_owned(), span: item.span() }),
                None => self.wrong(item, key, "a string", "put it in quotes"),
            }
        }
        Some(strings)
    }

    /// A list of strings that may be empty.
    pub(crate) fn words(&mut self, table: Table<'_, '_>, key: &str) -> Option<Vec<String>> {
        Some(self.paths(table, key)?.into_iter().map(|at| at.value).collect())
    }

    /// The same, each with its place.
    pub(crate) fn paths(&mut self, table: Table<'_, '_>, key: &str) -> Option<Vec<At<String>>> {
        let value = table.entries.get(key)?;
        let Some(array) = value.get_ref().as_array() else {
            let help = format!("write `{}`, or `[]` for none", self.shows(key, "[\"…\"]"));
            self.wrong(value, key, "a list of strings", &help);
            return None;
        };
        let mut words = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                Some(text) => words.push(At { value: text.to_owned(), span: item.span() }),
                None => self.wrong(item, key, "a string", "put it in quotes"),
            }
        }
        Some(words)
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, table: Table<'_, '_>, key: &str) -> Option<At<bool>> {
        let value = table.entries.get(key)?;
        match value.get_ref().as_bool() {
            Some(flag) => Some(At { value: flag, span: value.span() }),
            None => {
                self.wrong(value, key, "`true` or `false`", "without quotes");
                None
            }
        }
    }

    /// A whole number from `least` up.
    pub(crate) fn integer(&mut self, table: Table<'_, '_>, key: &str, least: u32) -> Option<At<u32>> {
        let value = table.entries.get(key)?;
        let number = value.get_ref().as_integer();
        let number = number.and_then(|n| u32::from_str_radix(&n.as_str().replace('_', ""), n.radix()).ok());
        match number.filter(|n| *n >= least) {
            Some(number) => Some(At { value: number, span: value.span() }),
            None => {
                self.wrong(value, key, &format!("a whole number from {least} up"), "without quotes or unit");
                None
            }
        }
    }

    /// A duration above zero.
    pub(crate) fn duration(&mut self, table: Table<'_, '_>, key: &str) -> Option<At<Duration>> {
        let value = table.entries.get(key)?;
        match value.get_ref().as_str().and_then(quantity::duration).filter(|d| !d.is_zero()) {
            Some(duration) => Some(At { value: duration, span: value.span() }),
            None => {
                self.wrong(value, key, "a duration", "write it as \"60s\", \"5min\" or \"1m30s\"");
                None
            }
        }
    }

    /// A size above zero, in bytes.
    pub(crate) fn size(&mut self, table: Table<'_, '_>, key: &str) -> Option<At<u64>> {
        let value = table.entries.get(key)?;
        match value.get_ref().as_str().and_then(quantity::size).filter(|bytes| *bytes > 0) {
            Some(bytes) => Some(At { value: bytes, span: value.span() }),
            None => {
                self.wrong(value, key, "a size", "write it as \"10MB\" (decimal) or \"1GiB\" (binary)");
                None
            }
        }
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&mut self, table: Table<'_, '_>, key: &str, words: &[(&str, T)]) -> Option<At<T>> {
        let value = table.entries.get(key)?;
        let text = value.get_ref().as_str();
        if let Some((_, chosen)) = text.and_then(|text| words.iter().find(|(word, _)| *word == text)) {
            return Some(At { value: *chosen, span: value.span() });
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let help = match text.and_then(|text| nearest(text, &known)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("one of \"{}\"", known.join("\", \"")),
        };
        match text {
            Some(text) => self.fault(value.span(), format!("`{key}` cannot be \"{text}\""), help),
            None => self.wrong(value, key, "a string", &help),
        }
        None
    }

    /// Some of a few words.
    pub(crate) fn choices<T: Copy>(&mut self, table: Table<'_, '_>, key: &str, words: &[(&str, T)]) -> Vec<T> {
        let mut chosen = Vec::new();
        for At { value, span } in self.strings(table, key).unwrap_or_default() {
            if let Some((_, word)) = words.iter().find(|(word, _)| *word == value) {
                chosen.push(*word);
                continue;
            }
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let help = match nearest(&value, &known) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("one of \"{}\"", known.join("\", \"")),
            };
            self.fault(span, format!("`{key}` cannot hold \"{value}\""), help);
        }
        chosen
    }

    /// A number above zero, whole or not.
    pub(crate) fn amount(&mut self, table: Table<'_, '_>, key: &str) -> Option<At<f64>> {
        let value = table.entries.get(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(whole) => whole.as_str().parse::<f64>().ok(),
            DeValue::Float(number) => number.as_str().replace('_', "").parse::<f64>().ok(),
            DeValue::String(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => None,
            DeValue::Array(_) | DeValue::Table(_) => None,
        };
        match number.filter(|number| number.is_finite() && *number > 0.0) {
            Some(number) => Some(At { value: number, span: value.span() }),
            None => {
                self.wrong(value, key, "a number above 0", "without quotes or unit");
                None
            }
        }
    }

    /// Lists of texts, numbers and truth values, each as it is written.
    pub(crate) fn rows(&mut self, table: Table<'_, '_>, key: &str) -> Option<Vec<At<Vec<String>>>> {
        let value = table.entries.get(key)?;
        let help = format!("write `{}`: a list for each row", self.shows(key, "[[\"…\", 1], [\"…\", 2]]"));
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(value, key, "a list of rows", &help);
            return None;
        };
        let mut rows = Vec::new();
        for row in array.iter() {
            let Some(cells) = row.get_ref().as_array().filter(|cells| !cells.is_empty()) else {
                self.wrong(row, key, "a list of rows", &help);
                continue;
            };
            let mut texts = Vec::new();
            for cell in cells.iter() {
                match cell.get_ref() {
                    DeValue::String(text) => texts.push(text.to_string()),
                    DeValue::Integer(whole) => texts.push(whole.to_string()),
                    DeValue::Float(number) => texts.push(number.to_string()),
                    DeValue::Boolean(flag) => texts.push(flag.to_string()),
                    DeValue::Datetime(time) => texts.push(time.to_string()),
                    DeValue::Array(_) | DeValue::Table(_) => {
                        self.wrong(cell, key, "texts and numbers", "a value inside a row is no list and no table");
                    }
                }
            }
            rows.push(At { value: texts, span: row.span() });
        }
        Some(rows)
    }

    /// Whether `key` holds a list.
    pub(crate) fn is_list(&self, table: Table<'_, '_>, key: &str) -> bool {
        table.entries.get(key).is_some_and(|value| value.get_ref().is_array())
    }

    /// Whether `key` holds a table, for keys that take either that or a number.
    pub(crate) fn is_table(&self, table: Table<'_, '_>, key: &str) -> bool {
        table.entries.get(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// Whether `key` holds a boolean, for keys that take either that or a word.
    pub(crate) fn is_boolean(&self, table: Table<'_, '_>, key: &str) -> bool {
        table.entries.get(key).is_some_and(|value| value.get_ref().is_bool())
    }

    /// The span of `key` itself, for faults about a whole entry.
    pub(crate) fn key(&self, table: Table<'_, '_>, key: &str) -> Option<Range<usize>> {
        table.entries.get_key_value(key).map(|(key, _)| key.span())
    }

    fn wrong(&mut self, value: &Spanned<DeValue<'_>>, key: &str, expected: &str, help: &str) {
        let found = match value.get_ref().type_str() {
            "array" => "a list",
            "integer" => "a whole number",
            "float" => "a fraction",
            "boolean" => "`true` or `false`",
            "datetime" => "a date",
            "table" => "a table",
            _ => "a string",
        };
        let message = if expected.starts_with(found) || value.get_ref().is_str() && expected.starts_with("a ") {
            format!("`{key}` must be {expected}")
        } else {
            format!("`{key}` must be {expected}, found {found}")
        };
        self.fault(value.span(), message, help);
    }
}

/// The outermost table of a document; `name`: what messages call it.
pub(crate) fn root<'t, 's>(document: &'t DeTable<'s>, name: &'static str) -> Table<'t, 's> {
    Table { entries: document, name }
}

impl Table<'_, '_> {
    /// Whether `key` is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }
}
