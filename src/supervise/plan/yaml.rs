//! A plan in YAML as the same tree that TOML makes, with the place of every part.
//! Only what YAML and TOML can both say: one document, no anchors, aliases or tags, and every key a text.

use crate::decide::compose::scalar;
use crate::decide::policy::Reader;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// How deep a plan goes at most.
const DEEPEST: usize = 16;

/// Reads `text`. `None`: it is no YAML that a plan can be written in, and what is wrong was recorded.
pub(super) fn document<'t>(text: &'t str, reader: &mut Reader<'_>) -> Option<DeTable<'t>> {
    let mut offsets: Vec<usize> = text.char_indices().map(|(offset, _)| offset).collect();
    offsets.push(text.len());
    let bytes = |index: usize| offsets.get(index).copied().unwrap_or(text.len());
    // Line breaks in YAML 1.1, but not in 1.2: a comment would end for one tool and go on for another.
    if let Some(at) = text.find(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}']) {
        let message = "a character that tools read differently, as a line's end or as none";
        reader.fault(at..at + 1, message, "take it out");
        return None;
    }
    let mut tree = Tree { text, open: Vec::new(), whole: None, sound: true, reader };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, Span { start, end })) => tree.take(event, bytes(start.index())..bytes(end.index()))?,
            Err(error) => {
                let at = bytes(error.marker().index());
                tree.reader.fault(at..at, error.info().to_owned(), "this is not YAML 1.2: see https://yaml.org");
                return None;
            }
        }
    }
    let Some(whole) = tree.whole.filter(|_| tree.sound) else { return tree.sound.then(DeTable::new) };
    let span = whole.span();
    match whole.into_inner() {
        DeValue::Table(table) => Some(table),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_) => {
            reader.fault(span, "a plan is keys and their values", "begin with `version: 1`");
            None
        }
    }
}

/// What was read so far.
struct Tree<'r, 's, 't> {
    text: &'t str,
    open: Vec<Open<'t>>,
    whole: Option<Spanned<DeValue<'t>>>,
    /// Whether all of it can be read as a plan.
    sound: bool,
    reader: &'r mut Reader<'s>,
}

/// A list or mapping that is not complete yet, and where it begins.
struct Open<'t> {
    part: Part<'t>,
    at: Range<usize>,
}

enum Part<'t> {
    List(DeArray<'t>),
    /// With the key whose value comes next.
    Mapping(DeTable<'t>, Option<Spanned<Cow<'t, str>>>),
}

/// What stands for a part that was refused, so that what is behind it is read as well.
const REFUSED: DeValue<'static> = DeValue::Boolean(false);

impl<'t> Tree<'_, '_, 't> {
    /// Takes the next event. `None`: what follows could only be misread.
    fn take(&mut self, event: Event<'t>, span: Range<usize>) -> Option<()> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) if self.whole.is_some() => {
                self.refuse(span, "a second document", "a plan is one: take the `---` out");
                return None;
            }
            Event::DocumentStart(_) => {}
            Event::Alias(_) => {
                self.refuse(span.clone(), "an alias", "write it out: a plan says everything where it stands");
                self.put(REFUSED, span)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.marks(anchor, tag.as_deref(), &span);
                let value = self.scalar(text, style, &span);
                self.put(value, span)?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.marks(anchor, tag.as_deref(), &span);
                self.begin(Part::List(DeArray::new()), span)?;
            }
            Event::MappingStart(anchor, tag) => {
                self.marks(anchor, tag.as_deref(), &span);
                self.begin(Part::Mapping(DeTable::new(), None), span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { part, at } = self.open.pop()?;
                match part {
                    Part::List(list) => self.put(DeValue::Array(list), at)?,
                    Part::Mapping(table, _) => self.put(DeValue::Table(table), at)?,
                }
            }
        }
        Some(())
    }

    fn refuse(&mut self, span: Range<usize>, message: impl Into<String>, help: &str) {
        self.reader.fault(span, message, help);
        self.sound = false;
    }

    /// Refuses what only YAML can say of a part.
    fn marks(&mut self, anchor: usize, tag: Option<&Tag>, span: &Range<usize>) {
        if anchor > 0 {
            self.refuse(span.clone(), "an anchor", "write what it stands for where it is meant");
        }
        if tag.is_some() {
            self.refuse(span.clone(), "a tag", "leave it out: quotes make a text, and a plan has no other types");
        }
    }

    fn begin(&mut self, part: Part<'t>, at: Range<usize>) -> Option<()> {
        let is_key = self.open.last().is_some_and(|open| matches!(open.part, Part::Mapping(_, None)));
        if is_key {
            self.refuse(at, "a key that is no text", "keys are words");
            return None;
        }
        if self.open.len() >= DEEPEST {
            self.refuse(at, format!("more than {DEEPEST} levels deep"), "a plan has few");
            return None;
        }
        // Where it ends is not known yet; messages point at its beginning.
        self.open.push(Open { part, at: at.start..at.start });
        Some(())
    }

    /// What a scalar is: only what YAML 1.1 and 1.2 both take for a number or a truth value is one.
    fn scalar(&mut self, text: Cow<'t, str>, style: ScalarStyle, span: &Range<usize>) -> DeValue<'t> {
        let names = self.open.last().is_some_and(|open| matches!(open.part, Part::Mapping(_, None)));
        match scalar(text.clone(), style) {
            Value::Bool(flag) if !names => DeValue::Boolean(flag),
            // As it is written: 1.50 stays that.
            Value::Number(_) if !names => {
                let written = self.text.get(span.clone()).map(DeValue::parse);
                written.and_then(Result::ok).map_or(DeValue::String(text), Spanned::into_inner)
            }
            Value::Null if !names => {
                self.refuse(
                    span.clone(),
                    "nothing, where a value belongs",
                    "leave the key out, or put a text in quotes",
                );
                REFUSED
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                self.refuse(span.clone(), format!("`{text}` is a key that is no text"), "put it in quotes");
                DeValue::String(text)
            }
            Value::String(_) | Value::Array(_) | Value::Object(_) => DeValue::String(text),
        }
    }

    fn put(&mut self, value: DeValue<'t>, span: Range<usize>) -> Option<()> {
        let Some(open) = self.open.last_mut() else {
            self.whole = Some(Spanned::new(span, value));
            return Some(());
        };
        match (&mut open.part, value) {
            (Part::List(list), value) => list.push(Spanned::new(span, value)),
            (Part::Mapping(_, key @ None), DeValue::String(name)) => *key = Some(Spanned::new(span, name)),
            (Part::Mapping(_, None), _) => {
                self.refuse(span, "a key that is no text", "keys are words");
                return None;
            }
            (Part::Mapping(table, key), value) => {
                let name = key.take()?;
                if table.contains_key(name.get_ref().as_ref()) {
                    let message = format!("`{}` stands twice", name.get_ref());
                    self.refuse(name.span(), message, "keep one of them");
                } else {
                    table.insert(name, Spanned::new(span, value));
                }
            }
        }
        Some(())
    }
}
