//! What programs do to the paths among their arguments: read, written, removed.
//! Knows words, by the table; not where they lead, nor what a policy thinks of it.

mod rows;
mod table;

use super::{Arguments, Command, Tri, Word};
use rows::Operands;
pub(super) use rows::Row;
use std::borrow::Cow;
use table::TABLE;

/// What is done to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effect {
    /// Its content is read.
    pub read: bool,
    /// It is created or changed, or something below it is.
    pub written: bool,
    /// It is removed, or renamed away.
    pub removed: bool,
}

/// One path that a command touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch<'c> {
    /// What is done to it.
    pub effect: Effect,
    /// The word that names it, or the part of one that does. An unknown one: some path, if any.
    pub word: Cow<'c, Word>,
    /// Where `word` turns out to be a folder, what is touched is the entry in it with the last component of this.
    pub named: Option<&'c Word>,
}

impl Touch<'_> {
    /// The entry that is touched where the word is a folder, and whether its name is a pattern. `None`: the folder
    /// itself, or a name that only the run will tell.
    pub fn entry(&self) -> Option<(String, bool)> {
        let (folder, name) = (self.word.value.as_deref()?, self.named?);
        let Some(known) = name.value.as_deref() else { return Some((joined(folder, "*"), true)) };
        match known.trim_end_matches('/').rsplit('/').next() {
            None | Some("" | "." | "..") => None,
            Some(last) => Some((joined(folder, last), name.glob)),
        }
    }
}

fn joined(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.strip_suffix('/').unwrap_or(folder))
}

impl Command {
    /// The paths it touches, redirections aside, if its program is one of those in the table.
    pub fn touches(&self) -> Option<Vec<Touch<'_>>> {
        self.touches_as(self.name())
    }

    /// The same, for a program that goes by `name`.
    pub fn touches_as(&self, name: &str) -> Option<Vec<Touch<'_>>> {
        let rows = rows(name);
        if rows.is_empty() {
            return None;
        }
        let rewritten = if name == "tar" { dashed(self) } else { None };
        let rewritten = if self.open_ended { Some(continued(rewritten.as_ref().unwrap_or(self))) } else { rewritten };
        match rewritten {
            None => Some(sorted(self, rows)),
            Some(command) => Some(sorted(&command, rows).into_iter().map(|touch| owned(touch, self)).collect()),
        }
    }

    /// Calls `each` with every text among its words that may name a path, for whoever looks them up.
    pub fn path_texts(&self, mut each: impl FnMut(&str)) {
        let redirected = self.redirects.iter().map(|redirect| &redirect.target);
        let assigned = self.assigns.iter().map(|assign| &assign.value);
        for word in self.args().iter().chain(redirected).chain(assigned) {
            let Some(value) = word.value.as_deref().filter(|_| !word.many) else { continue };
            each(value);
            if let Some((_, rest)) = value.split_once('=') {
                each(rest);
            }
            if let Some(attached) = value.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
                let mut letters = attached.chars();
                letters.next();
                if letters.as_str().contains('/') {
                    each(letters.as_str());
                }
            }
        }
        for touch in self.touches().unwrap_or_default() {
            if let Some(value) = touch.word.value.as_deref().filter(|_| !touch.word.many) {
                each(value);
            }
            if let Some((entry, _)) = touch.entry() {
                each(&entry);
            }
        }
    }
}

/// The rows of a program.
pub(super) fn rows(name: &str) -> &'static [Row] {
    let at = TABLE.binary_search_by(|(known, _)| (*known).cmp(name)).ok();
    at.and_then(|at| TABLE.get(at)).map_or(&[], |(_, rows)| rows)
}

/// Whether `flag` of the program of these rows takes a path, so that the next word is its value; `first` is its first
/// operand so far.
pub(super) fn take_path(rows: &[Row], first: Option<&str>, flag: &str) -> bool {
    let of = |row: &&Row| row.subcommand.first().is_none_or(|word| first == Some(word));
    rows.iter().filter(of).any(|row| row.flags.iter().any(|(known, _)| *known == flag) || row.target.contains(&flag))
}

/// `tar xzf a.tgz` as `tar -xzf a.tgz`; none where it is not written in the old way.
fn dashed(command: &Command) -> Option<Command> {
    let bundle = command.args().first()?.literal()?;
    if bundle.starts_with('-') || bundle.is_empty() {
        return None;
    }
    // In the old way the values follow in the order of the letters, wherever `f` stands.
    let mut letters: String = bundle.chars().filter(|c| *c != 'f').collect();
    if bundle.contains('f') {
        letters.push('f');
    }
    let mut command = command.clone();
    *command.words.get_mut(1)? = Word::known(&format!("-{letters}"));
    Some(command)
}

/// The command with a word for those that only the run will add.
fn continued(command: &Command) -> Command {
    let mut command = command.clone();
    command.words.push(Word { text: "…".to_owned(), many: true, ..Word::default() });
    command
}

/// A touch of a rewritten command as one of `command`.
fn owned<'c>(touch: Touch<'_>, command: &'c Command) -> Touch<'c> {
    let named = touch.named.and_then(|name| command.words.iter().find(|word| *word == name));
    Touch { effect: touch.effect, word: Cow::Owned(touch.word.into_owned()), named }
}

/// The touches by the first row that certainly applies, and by those before it that may.
fn sorted<'c>(command: &'c Command, rows: &'static [Row]) -> Vec<Touch<'c>> {
    let arguments = command.arguments();
    let operands: Vec<&Word> = arguments.operands().collect();
    let mut touches = Vec::new();
    for row in rows {
        let applies = row.applies(&arguments, &operands);
        if applies != Tri::No {
            let behind = operands.get(row.subcommand.len()..).unwrap_or_default();
            touches.extend(row.touches(command, &arguments, behind));
        }
        if applies == Tri::Yes {
            break;
        }
    }
    touches
}

fn touch(effect: Effect, word: Cow<'_, Word>) -> Touch<'_> {
    Touch { effect, word, named: None }
}

/// The values of a flag; where it is only perhaps there, one that is not known.
fn given<'c>(arguments: &Arguments<'c>, flag: &str) -> Vec<Cow<'c, Word>> {
    let values = arguments.values(flag);
    if values.is_empty() && arguments.has_flag(flag) == Tri::Unknown {
        return vec![Cow::Owned(Word { text: flag.to_owned(), ..Word::default() })];
    }
    values.into_iter().map(Cow::Owned).collect()
}

/// Puts relative paths below `folder`, which the program goes to first.
fn below(touches: &mut [Touch<'_>], folder: &Word) {
    for touch in touches {
        let Some(value) = touch.word.value.as_deref() else { continue };
        if value.starts_with('/') {
            continue;
        }
        let value = folder.literal().map(|folder| joined(folder, value));
        touch.word = Cow::Owned(Word { value, ..touch.word.clone().into_owned() });
    }
}

impl Row {
    /// Whether it is the row for this command.
    fn applies(&self, arguments: &Arguments<'_>, operands: &[&Word]) -> Tri {
        let any = |flags: &[&str]| flags.iter().map(|flag| arguments.has_flag(flag)).max();
        let named = self.subcommand.iter().enumerate().map(|(number, wanted)| match operands.get(number) {
            Some(word) => match word.literal() {
                Some(text) if text == *wanted => Tri::Yes,
                Some(_) => Tri::No,
                None => Tri::Unknown,
            },
            None => Tri::No,
        });
        let without = match any(self.without) {
            Some(Tri::Yes) => Tri::No,
            Some(Tri::Unknown) => Tri::Unknown,
            Some(Tri::No) | None => Tri::Yes,
        };
        named.min().unwrap_or(Tri::Yes).min(any(self.with).unwrap_or(Tri::Yes)).min(without)
    }

    /// What a command touches if this is its row; `operands` are those behind the subcommand.
    fn touches<'c>(&self, command: &'c Command, arguments: &Arguments<'c>, operands: &[&'c Word]) -> Vec<Touch<'c>> {
        let mut touches = Vec::new();
        for (flag, effect) in self.flags {
            touches.extend(given(arguments, flag).into_iter().map(|word| touch(*effect, word)));
        }
        let mut target = None;
        for flag in self.target {
            target = given(arguments, flag).pop().or(target);
        }
        self.operands(command, arguments, operands, target, &mut touches);
        let nothing = touches.iter().all(|touch| !touch.effect.written && !touch.effect.removed);
        if let (Some(effect), true) = (self.otherwise, nothing) {
            touches.push(touch(effect, Cow::Owned(Word::known("."))));
        }
        touches.retain(|touch| touch.effect != Effect::default());
        for flag in self.folder {
            for folder in given(arguments, flag) {
                below(&mut touches, &folder);
            }
        }
        touches
    }

    fn operands<'c>(
        &self,
        command: &'c Command,
        arguments: &Arguments<'c>,
        operands: &[&'c Word],
        target: Option<Cow<'c, Word>>,
        touches: &mut Vec<Touch<'c>>,
    ) {
        let each = |touches: &mut Vec<Touch<'c>>, operands: &[&'c Word], effect: Effect| {
            touches.extend(operands.iter().map(|word| touch(effect, Cow::Borrowed(*word))));
        };
        match self.operands {
            Operands::Nothing => {}
            Operands::All(effect) => each(touches, operands, effect),
            Operands::After(effect, unless) => {
                let replaced = unless.iter().any(|flag| arguments.has_flag(flag) == Tri::Yes);
                each(touches, operands.get(usize::from(!replaced)..).unwrap_or_default(), effect);
            }
            Operands::Each(effects, rest) => {
                for (number, word) in operands.iter().enumerate() {
                    each(touches, std::slice::from_ref(word), *effects.get(number).unwrap_or(&rest));
                }
            }
            Operands::Keyed(keys) => {
                for (key, effect) in keys {
                    for word in command.args() {
                        let known = word.value.as_deref().unwrap_or(&word.prefix);
                        let Some(rest) = known.strip_prefix(key) else { continue };
                        let value = word.value.as_ref().map(|_| rest.to_owned());
                        touches.push(touch(*effect, Cow::Owned(Word { value, ..word.clone() })));
                    }
                }
            }
            Operands::Dashed(effect) => {
                let at = command.args().iter().position(|word| word.literal() == Some("--"));
                let rest = at.and_then(|at| command.args().get(at + 1..)).unwrap_or_default();
                touches.extend(rest.iter().map(|word| touch(effect, Cow::Borrowed(word))));
            }
            Operands::Into(source) => {
                let (sources, target) = match (target, operands.split_last()) {
                    (Some(target), _) => (operands, target),
                    (None, Some((target, sources))) if !sources.is_empty() => (sources, Cow::Borrowed(*target)),
                    // A link or a download with one operand lands here, by its own name.
                    (None, _) => (operands, Cow::Owned(Word::known("."))),
                };
                self.into(sources, target, source, touches);
            }
            Operands::Here(source) => {
                let target = target.unwrap_or_else(|| Cow::Owned(Word::known(".")));
                self.into(operands, target, source, touches);
            }
            Operands::Roots(effect) => {
                let sets = super::find::sets(command, effect.removed);
                touches.extend(sets.into_iter().map(|word| touch(effect, Cow::Owned(word))));
            }
        }
    }

    fn into<'c>(&self, sources: &[&'c Word], target: Cow<'c, Word>, source: Effect, touches: &mut Vec<Touch<'c>>) {
        // `host:path` of rsync and scp lies elsewhere.
        let local = |word: &Word| {
            !self.remote || !word.value.as_deref().unwrap_or(&word.prefix).split('/').next().unwrap_or("").contains(':')
        };
        for word in sources.iter().filter(|word| local(word)) {
            if source != Effect::default() {
                touches.push(touch(source, Cow::Borrowed(*word)));
            }
        }
        if local(&target) {
            for word in sources {
                touches.push(Touch { effect: rows::WRITTEN, word: target.clone(), named: Some(*word) });
            }
        }
    }
}

#[cfg(test)]
mod tests;
