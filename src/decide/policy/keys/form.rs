//! What keys take.

use super::Key;

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// The format's version.
    Version,
    /// Any text.
    Text,
    /// An id of a rule.
    Id,
    /// A regular expression.
    Regex,
    /// An address and port.
    Address,
    /// One text or a list of them, never empty.
    Texts,
    /// A list of words as they are, maybe none.
    Words,
    /// The same of preset names.
    Presets,
    /// `true` or `false`.
    Boolean,
    /// A whole number from 1 up.
    Number,
    /// A whole number from 0 up.
    Count,
    /// A number above 0, whole or not.
    Amount,
    /// A duration.
    Duration,
    /// A duration, or one that follows a flag.
    Timeout,
    /// A size.
    Size,
    /// One of a few words.
    Word(fn() -> Vec<&'static str>),
    /// Some of a few words.
    SomeOf(fn() -> Vec<&'static str>),
    /// `true`, `false`, or one of a few words.
    BooleanOrWord(fn() -> Vec<&'static str>),
    /// A table of its own.
    Table(&'static [Key]),
    /// A list of tables.
    Tables(&'static [Key]),
    /// A whole number from 0 up, or a table.
    CountOrTable(&'static [Key]),
    /// Lists of texts, numbers and truth values.
    Rows,
}

impl Form {
    /// What a value of it looks like, for advice.
    pub(crate) fn sketch(self) -> &'static str {
        match self {
            Form::Version | Form::Number | Form::Amount => "1",
            Form::Count | Form::CountOrTable(_) => "0",
            Form::Boolean | Form::BooleanOrWord(_) => "true",
            Form::Duration | Form::Timeout => "\"60s\"",
            Form::Size => "\"10MB\"",
            Form::Words => "[\"…\"]",
            Form::Rows => "[[\"…\"]]",
            Form::Text | Form::Id | Form::Regex | Form::Address | Form::Texts | Form::Presets => "\"…\"",
            Form::Word(_) | Form::SomeOf(_) | Form::Table(_) | Form::Tables(_) => "\"…\"",
        }
    }
}
