//! Programs that run other programs: the command within is found and handed on in their place.
//! Knows the table of wrappers and how its rows are applied.

use super::builtin::first;
use super::command::{Access, Assign, Command, Kind, Redirect, Word, Wrapper};
use super::flags::base_name;
use super::parameter::is_name;
use super::simple::Lookup;
use super::walk::{LAYERS, Walk};
use super::wrappers::{FOREIGN, INTERPRETERS, Row, SHELLS, Special, Then, row, special};
use super::{interpret, launch};

/// What a wrapper's own arguments turned out to say.
struct Opened {
    /// The index of the first word of the command within.
    command: usize,
    assigns: Vec<Assign>,
    redirects: Vec<Redirect>,
    folder: Option<String>,
    text: Option<Word>,
    /// What `xargs -I` replaces.
    replaced: Option<String>,
    /// Whether the text of `watch` is a program and its arguments after all.
    exec: bool,
    doubt: Option<String>,
}

/// Hands on a command that is a file: what it wraps, or itself.
pub(super) fn external(walk: &mut Walk<'_>, command: Command) {
    if command.wrappers.len() > LAYERS {
        let span = command.span.clone();
        return walk.too_deep(&span);
    }
    let program = command.program().unwrap_or("").to_owned();
    let name = base_name(&program);
    if SHELLS.contains(&name) || FOREIGN.contains(&name) {
        return launch::shell(walk, command, FOREIGN.contains(&name));
    }
    if let Some((_, letters, long)) = INTERPRETERS.iter().find(|(known, _, _)| *known == name) {
        return interpret::code(walk, command, letters, long);
    }
    let mut command = command;
    command.read_argument_files();
    match special(name) {
        Some(Special::Find) => return super::find::find(walk, command),
        Some(Special::Applet) => return launch::applet(walk, command),
        Some(Special::Parallel) => return launch::parallel(walk, command),
        Some(Special::Awk) => return super::script::awk(walk, command),
        Some(Special::Sed) => return super::script::sed(walk, command),
        Some(Special::Runner) => return launch::runner(walk, command),
        Some(Special::Loader) => return launch::loader(walk, command),
        None if name == "git" => launch::git(walk, &command),
        None => {}
    }
    match row(name) {
        Some(row) => wrapped(walk, command, row),
        None => walk.emit(command),
    }
}

fn wrapped(walk: &mut Walk<'_>, mut command: Command, row: &Row) {
    let span = command.span.clone();
    if row.name == "env"
        && let Err(doubt) = launch::split_env(&mut command)
    {
        walk.unproven(doubt, &span);
    }
    let opened = open(&command, row);
    if let Some(doubt) = &opened.doubt {
        walk.unproven(format!("{doubt} of `{}`", first(&command).text), &span);
        // Any word might be the program.
        for at in opened.command..command.words.len().min(opened.command + 4) {
            walk.suspect_words(command.words.get(at..).unwrap_or(&[]), &span);
        }
        return walk.emit(command);
    }
    for assign in &opened.assigns {
        walk.dangerous_assign(assign, &span);
    }
    let wrapper = Wrapper { word: first(&command), kind: Kind::External };
    if row.opaque {
        let mut shown = command.clone();
        shown.redirects.extend(opened.redirects.iter().cloned());
        walk.emit(shown);
    }
    let words = command.words.split_off(opened.command.min(command.words.len()));
    let mut inner = command.without_words();
    inner.wrappers.push(wrapper);
    inner.words = words;
    inner.assigns.extend(opened.assigns);
    inner.redirects.extend(opened.redirects);
    inner.kind = Kind::External;
    if let Some(folder) = &opened.folder {
        let scope = super::scope::Scope { cwd: command.cwd.clone(), ..super::scope::Scope::new() };
        inner.cwd = scope.folder(folder);
    }
    if let Some(text) = opened.text {
        return launch::line(walk, inner, &[text], false);
    }
    if inner.words.is_empty() && row.name == "xargs" {
        // POSIX: without a command it is `echo`.
        inner.words.push(Word::known("echo"));
    }
    if inner.words.is_empty() {
        // Nothing to run: it stands for itself.
        if !row.opaque {
            command.assigns = inner.assigns;
            command.redirects = inner.redirects;
            walk.emit(command);
        }
        return;
    }
    match row.then {
        Then::Line if !opened.exec => {
            let words = std::mem::take(&mut inner.words);
            launch::line(walk, inner, &words, false);
        }
        Then::Command | Then::Line => walk.run(inner, Lookup::Files),
        Then::Open => {
            match &opened.replaced {
                Some(mark) => replace(&mut inner.words, mark),
                None => inner.open_ended = true,
            }
            let several = row.name == "xargs"
                && ["-P", "--max-procs"]
                    .iter()
                    .any(|flag| command.flag_values(flag).iter().any(|n| n.literal() != Some("1")));
            let found = walk.found_by(|walk| walk.run(inner, Lookup::Files));
            if several {
                walk.overlap(found.clone(), found);
            }
        }
    }
}

/// Makes every word that holds `mark` unknown from there on.
pub(super) fn replace(words: &mut [Word], mark: &str) {
    for word in words {
        let known = word.value.as_deref().unwrap_or("");
        if let Some(at) = known.find(mark).filter(|_| !mark.is_empty()) {
            word.prefix = known.get(..at).unwrap_or("").to_owned();
            word.value = None;
        }
    }
}

/// Reads a wrapper's options and operands.
fn open(command: &Command, row: &Row) -> Opened {
    let mut opened = Opened {
        command: 1,
        assigns: Vec::new(),
        redirects: Vec::new(),
        folder: None,
        text: None,
        replaced: None,
        exec: false,
        doubt: None,
    };
    let mut operands = row.operands;
    let mut options = true;
    while let Some(word) = command.words.get(opened.command) {
        let Some(text) = word.literal() else {
            if let Some((name, _)) = word.prefix.split_once('=').filter(|_| row.assigns && !word.many) {
                let value = Word { text: word.text.clone(), ..Word::default() };
                opened.assigns.push(Assign { name: name.to_owned(), value });
                opened.command += 1;
                options = false;
                continue;
            }
            if operands > 0 && (!word.prefix.is_empty() && !word.prefix.starts_with('-')) && !word.many {
                operands -= 1;
                opened.command += 1;
                continue;
            }
            // An operand may be anything but an option; a program may not.
            opened.doubt = (options || operands > 0).then(|| "an argument that only the run will tell".to_owned());
            if opened.doubt.is_some() && operands == 0 && row.long.is_empty() && row.short.is_empty() {
                opened.doubt = None;
            }
            return opened;
        };
        if options && text == "--" {
            options = false;
            opened.command += 1;
            continue;
        }
        if options && text.starts_with('-') && (text.len() > 1 || row.name == "env") {
            opened.command += 1;
            if text == "-" {
                continue;
            }
            let text = text.to_owned();
            option(command, row, &text, &mut opened);
            if opened.doubt.is_some() {
                return opened;
            }
            if opened.text.is_some() && operands == 0 {
                return opened;
            }
            continue;
        }
        if row.assigns
            && let Some((name, value)) = text.split_once('=')
        {
            let value = Word { value: Some(value.to_owned()), text: value.to_owned(), ..Word::default() };
            opened.assigns.push(Assign { name: name.to_owned(), value });
            opened.command += 1;
            options = false;
            continue;
        }
        if operands == 0 {
            return opened;
        }
        operands -= 1;
        opened.command += 1;
        if row.operands_written {
            opened.redirects.push(Redirect { access: Access::Write, target: word.clone() });
        }
        // `flock FILE -c TEXT`: options may follow; GNU tools stop at the first operand otherwise.
        options = !row.text.is_empty();
    }
    opened
}

/// Reads one option, whose word is behind the cursor already.
fn option(command: &Command, row: &Row, text: &str, opened: &mut Opened) {
    let unknown = || Some(format!("an option `{text}`"));
    if let Some(long) = text.strip_prefix("--") {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let flag = format!("--{name}");
        let valued = row.long_valued.contains(&name) || row.text.contains(&flag.as_str());
        if row.name == "xargs" && matches!(name, "replace" | "eof" | "max-lines") {
            if name == "replace" {
                opened.replaced = Some(value.unwrap_or("{}").to_owned());
            }
            return;
        }
        if row.name == "watch" && name == "exec" {
            opened.exec = true;
            return;
        }
        if !valued {
            // Some take a value only behind `=` (`sudo --preserve-env=A`, `watch --differences=permanent`).
            let known = row.long.contains(&name) || (row.name == "watch" && name == "differences");
            if !known {
                opened.doubt = unknown();
            }
            return;
        }
        match value {
            Some(value) => valued_option(row, &flag, Word::known(value), opened),
            None => next_value(command, row, &flag, opened),
        }
        return;
    }
    let mut letters = text.chars().skip(1);
    while let Some(letter) = letters.next() {
        let flag = format!("-{letter}");
        let rest: String = letters.clone().collect();
        if row.valued.contains(letter) || row.text.contains(&flag.as_str()) {
            if row.name == "xargs" && letter == 'I' {
                let mark = if rest.is_empty() {
                    command.words.get(opened.command).and_then(Word::literal).map(str::to_owned)
                } else {
                    Some(rest.clone())
                };
                opened.replaced = mark;
                if opened.replaced.is_none() {
                    opened.doubt = unknown();
                }
            }
            match rest.is_empty() {
                true => next_value(command, row, &flag, opened),
                false => valued_option(row, &flag, Word::known(&rest), opened),
            }
            return;
        }
        if row.attached.contains(letter) {
            if row.name == "xargs" && letter == 'i' {
                opened.replaced = Some(if rest.is_empty() { "{}".to_owned() } else { rest });
            }
            return;
        }
        if row.name == "watch" && letter == 'x' {
            opened.exec = true;
            continue;
        }
        if !row.short.contains(letter) {
            opened.doubt = unknown();
            return;
        }
    }
}

/// The value of an option that is the next word.
fn next_value(command: &Command, row: &Row, flag: &str, opened: &mut Opened) {
    let Some(word) = command.words.get(opened.command) else { return };
    opened.command += 1;
    if word.many {
        opened.doubt = Some(format!("the value of `{flag}`, which only the run will tell,"));
        return;
    }
    valued_option(row, flag, word.clone(), opened);
}

fn valued_option(row: &Row, flag: &str, value: Word, opened: &mut Opened) {
    if row.text.contains(&flag) {
        opened.text = Some(value);
    } else if row.writes.contains(&flag) {
        opened.redirects.push(Redirect { access: Access::Write, target: value });
    } else if row.folder.contains(&flag) {
        match value.literal() {
            Some(folder) => opened.folder = Some(folder.to_owned()),
            None => opened.doubt = Some(format!("the folder of `{flag}`, which only the run will tell,")),
        }
    }
}

impl Walk<'_> {
    /// Notes an assignment that a wrapper makes.
    pub(super) fn dangerous_assign(&mut self, assign: &Assign, span: &std::ops::Range<usize>) {
        let place = self.place(span);
        let before = self.fixed.replace(place);
        if is_name(&assign.name) || assign.name.starts_with("BASH_FUNC_") {
            self.dangerous(&assign.name, &assign.value);
        }
        self.fixed = before;
    }
}
