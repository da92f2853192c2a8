//! Arguments, sorted once: which words are flags, which are values of flags, which are operands.
//! Knows by the table of `valued` which flags take the next word; nothing of what they mean.

use super::flags::{matches, may_become};
use super::valued::{self, Valued};
use super::{Command, Tri, Word};

/// The arguments of a command, sorted.
#[derive(Debug, Clone)]
pub struct Arguments<'c> {
    valued: Valued,
    parts: Vec<Part<'c>>,
    open_ended: bool,
    /// Whether letters of flags may stand together.
    bundled: bool,
    settled: usize,
}

/// What a word among the arguments is, in order.
#[derive(Debug, Clone, Copy)]
enum Part<'c> {
    /// A word that begins with a dash, or could.
    Flag(Flag<'c>),
    /// The value of the flag before it.
    Value(&'c Word),
    /// Anything else, and everything after `--`.
    Operand(&'c Word),
}

#[derive(Debug, Clone, Copy)]
struct Flag<'c> {
    word: &'c Word,
    /// Its text, where that is known, up to the letter that has the rest of the word for its value.
    own: Option<&'c str>,
    /// Whether it is a flag that is known as a whole, so that it abbreviates no other (`--log`, `--log-file`).
    whole: bool,
    /// Where its value would begin, if it or one of its letters takes one.
    value: Option<usize>,
    /// That letter.
    letter: Option<char>,
    /// The first operand before it.
    first: Option<&'c str>,
    /// Whether it may, for all that is known, take the next word as its value.
    doubtful: bool,
}

impl<'c> Arguments<'c> {
    /// Sorts the arguments of `command`; `value_flags` take the next word, beside those that are known of the program.
    pub(super) fn new(command: &'c Command, value_flags: &[&str]) -> Arguments<'c> {
        let name = command.name();
        let bundled = !valued::is_unbundled(name);
        let valued = Valued::of(name);
        let mut sorted =
            Arguments { valued, parts: Vec::new(), open_ended: command.open_ended, bundled, settled: usize::MAX };
        let (mut first, mut ended, mut value_next, mut operands) = (None, false, false, 0);
        for word in command.args() {
            if std::mem::take(&mut value_next) {
                sorted.parts.push(Part::Value(word));
                continue;
            }
            let part = match word.literal() {
                _ if ended => Part::Operand(word),
                None if word.prefix.is_empty() || word.prefix.starts_with('-') || word.many => {
                    sorted.settled = sorted.settled.min(operands);
                    Part::Flag(Flag { word, own: None, whole: false, value: None, letter: None, first, doubtful: true })
                }
                None => Part::Operand(word),
                Some("--") => {
                    ended = true;
                    continue;
                }
                Some(text) if text.starts_with('-') && text != "-" => {
                    let takes_value = |flag: &str| valued.takes_value(first, flag) || value_flags.contains(&flag);
                    let mut flag = Flag::new(word, text, first, bundled, takes_value);
                    value_next = flag.value == Some(text.len());
                    flag.whole |= valued::is_whole(name, text.split('=').next().unwrap_or(text));
                    flag.doubtful = flag.value.is_none() && !text.contains('=') && !valued::is_plain(name, text);
                    if flag.doubtful {
                        sorted.settled = sorted.settled.min(operands);
                    }
                    Part::Flag(flag)
                }
                Some(_) => Part::Operand(word),
            };
            if let Part::Operand(word) = part {
                operands += 1;
                first = first.or(word.literal());
            }
            sorted.parts.push(part);
        }
        sorted.settled = sorted.settled.min(operands);
        sorted
    }

    /// Whether `flag` (`-v`, `--volumes`, `-delete`) is among them: alone, bundled (`-fv`), with a value
    /// (`--name=value`, `-ovalue`), never after `--`, never as the value of another flag that is known to take one.
    /// An abbreviation (`--vol`), an unknown word that may be a flag and an open end are [`Tri::Unknown`].
    pub fn has_flag(&self, flag: &str) -> Tri {
        let mut answer = if self.open_ended { Tri::Unknown } else { Tri::No };
        for part in &self.parts {
            let Part::Flag(found) = part else { continue };
            answer = answer.max(match found.own {
                Some(own) if found.whole => match own.split('=').next() == Some(flag) {
                    true => Tri::Yes,
                    false => Tri::No,
                },
                Some(own) => matches(own, flag, self.bundled),
                None if may_become(&found.word.prefix, flag) => Tri::Unknown,
                None => Tri::No,
            });
        }
        answer
    }

    /// The values of `flag`, where it is known to take one, in bundles as well (`-xzf FILE`).
    pub(super) fn values(&self, flag: &str) -> Vec<Word> {
        let mut values = Vec::new();
        for (number, part) in self.parts.iter().enumerate() {
            let Part::Flag(found) = part else { continue };
            let attached = |rest: &str| {
                let value = found.word.value.as_ref().map(|_| rest.strip_prefix('=').unwrap_or(rest).to_owned());
                Word { value, prefix: String::new(), ..found.word.clone() }
            };
            match (found.own.zip(found.word.literal()), found.value) {
                (Some((own, text)), Some(at)) if found.is(own, flag) => match text.get(at..) {
                    Some("") | None => values.extend(match self.parts.get(number + 1) {
                        Some(Part::Value(word)) => Some((*word).clone()),
                        Some(Part::Flag(_) | Part::Operand(_)) | None => None,
                    }),
                    Some(rest) => values.push(attached(rest)),
                },
                (Some(_), _) => {}
                (None, _) => {
                    let rest = found.word.prefix.strip_prefix(flag);
                    let rest = rest.filter(|rest| !flag.starts_with("--") || rest.starts_with('='));
                    let takes_value = || self.valued.takes_value(found.first, flag);
                    values.extend(rest.filter(|_| takes_value()).map(attached));
                }
            }
        }
        values
    }

    /// The words that are flags, or could be, as written.
    pub fn flags(&self) -> impl Iterator<Item = &'c Word> + use<'c, '_> {
        self.parts.iter().filter_map(|part| match part {
            Part::Flag(flag) => Some(flag.word),
            Part::Value(_) | Part::Operand(_) => None,
        })
    }

    /// Those that are neither flags nor values of flags; unknown words count.
    pub fn operands(&self) -> impl Iterator<Item = &'c Word> + use<'c, '_> {
        self.parts.iter().filter_map(Part::operand)
    }

    /// The operands, and of each whether the flag right before it may have it for its value.
    pub fn operands_and_doubts(&self) -> impl Iterator<Item = (&'c Word, bool)> + use<'c, '_> {
        let before = std::iter::once(None).chain(self.parts.iter().map(Some));
        let doubts = before.map(|part| matches!(part, Some(Part::Flag(flag)) if flag.doubtful));
        let operands = self.parts.iter().zip(doubts);
        operands.filter_map(|(part, doubt)| part.operand().map(|word| (word, doubt)))
    }

    /// How many of the operands are operands for certain: those before the first flag that may, for all that is known,
    /// take the next word as its value.
    pub fn settled(&self) -> usize {
        self.settled
    }
}

impl<'c> Part<'c> {
    fn operand(&self) -> Option<&'c Word> {
        match self {
            Part::Operand(word) => Some(word),
            Part::Flag(flag) if flag.own.is_none() && !flag.word.prefix.starts_with('-') => Some(flag.word),
            Part::Flag(_) | Part::Value(_) => None,
        }
    }
}

impl<'c> Flag<'c> {
    /// Whether `flag` is what takes the value.
    fn is(&self, own: &str, flag: &str) -> bool {
        match self.letter {
            Some(letter) => flag.strip_prefix('-').is_some_and(|name| name.chars().eq([letter])),
            None => own.split('=').next() == Some(flag),
        }
    }

    fn new(
        word: &'c Word,
        text: &'c str,
        first: Option<&'c str>,
        bundled: bool,
        takes_value: impl Fn(&str) -> bool,
    ) -> Flag<'c> {
        let flag = Flag { word, own: Some(text), whole: false, value: None, letter: None, first, doubtful: false };
        if text.starts_with("--") {
            let name = text.split('=').next().unwrap_or(text);
            let whole = takes_value(name);
            let value = whole.then_some(name.len());
            return Flag { whole, value, ..flag };
        }
        if takes_value(text) {
            return Flag { value: Some(text.len()), ..flag };
        }
        if !bundled {
            return flag;
        }
        // `-vf FILE`, `-tc`: a letter that takes a value has the rest of the word for it, or else the next word.
        let mut single = String::from("-");
        for (at, letter) in text.char_indices().skip(1) {
            single.truncate(1);
            single.push(letter);
            if takes_value(&single) {
                let end = at + letter.len_utf8();
                return Flag { own: text.get(..end), value: Some(end), letter: Some(letter), ..flag };
            }
        }
        flag
    }
}
