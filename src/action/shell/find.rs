//! `find`: the commands behind `-exec` and its kin, and the set of files that an action gets.
//! Knows find's expression as far as `-name` narrows what comes behind it.

use super::builtin::first;
use super::command::{Command, Kind, Word, Wrapper};
use super::flags::base_name;
use super::simple::Lookup;
use super::unwrap::replace;
use super::walk::Walk;

/// Tests and actions with a value, by their whole names or beginnings (`-newer…`).
const VALUED: &[&str] = &[
    "-amin",
    "-anewer",
    "-atime",
    "-cmin",
    "-cnewer",
    "-context",
    "-ctime",
    "-fls",
    "-fprint",
    "-fprint0",
    "-fstype",
    "-gid",
    "-group",
    "-ilname",
    "-inum",
    "-ipath",
    "-iregex",
    "-iwholename",
    "-links",
    "-lname",
    "-maxdepth",
    "-mindepth",
    "-mmin",
    "-mtime",
    "-path",
    "-perm",
    "-printf",
    "-regex",
    "-regextype",
    "-samefile",
    "-size",
    "-type",
    "-uid",
    "-used",
    "-user",
    "-wholename",
    "-xtype",
];

/// Tests and actions without one.
const PLAIN: &[&str] = &[
    "-a",
    "-and",
    "-daystart",
    "-delete",
    "-depth",
    "-empty",
    "-executable",
    "-false",
    "-follow",
    "-ls",
    "-mount",
    "-nogroup",
    "-noleaf",
    "-nouser",
    "-print",
    "-print0",
    "-prune",
    "-quit",
    "-readable",
    "-true",
    "-writable",
    "-xdev",
];

/// `find`, `fd`: every command that they start, and themselves.
pub(super) fn find(walk: &mut Walk<'_>, mut command: Command) {
    let bare = command.without_words();
    let name = base_name(command.program().unwrap_or("")).to_owned();
    let is_find = name == "find";
    let mut at = 1;
    while let Some(word) = command.words.get(at) {
        at += 1;
        let found = match word.literal() {
            Some("-exec" | "-ok") if is_find => Some(false),
            Some("-execdir" | "-okdir") if is_find => Some(true),
            Some("-x" | "--exec" | "-X" | "--exec-batch") if !is_find => Some(false),
            _ => None,
        };
        let Some(in_folder) = found else { continue };
        let action = at - 1;
        let rest = command.words.get(at..).unwrap_or(&[]);
        let end = ends(rest);
        at += end + 1;
        let mut inner = bare.clone();
        inner.wrappers.push(Wrapper { word: first(&command), kind: Kind::External });
        inner.words = rest.get(..end).unwrap_or(&[]).to_vec();
        inner.open_ended = rest.get(end).and_then(Word::literal) == Some("+");
        inner.redirects.clear();
        inner.assigns.clear();
        if in_folder {
            inner.cwd = None;
        }
        if is_find && !in_folder {
            files(&mut inner, set_for(&command, action));
        } else {
            replace(&mut inner.words, "{}");
        }
        if !is_find {
            inner.open_ended = true;
        }
        if !inner.words.is_empty() {
            walk.run(inner, Lookup::Files);
        }
    }
    walk.emit(command);
}

/// Where the command of an action ends among the words behind it.
fn ends(rest: &[Word]) -> usize {
    let ends = |word: &Word| matches!(word.literal(), Some(";" | "+"));
    let end = rest.iter().position(ends).unwrap_or(rest.len());
    // `+` ends it only behind `{}`.
    if rest.get(end).and_then(Word::literal) == Some("+") {
        let batch = end > 0 && rest.get(end - 1).and_then(Word::literal) == Some("{}");
        if !batch {
            let semicolon = rest.iter().position(|word| word.literal() == Some(";"));
            return semicolon.unwrap_or(rest.len());
        }
    }
    end
}

/// Puts the files that an action gets where `{}` stands; a program is never among them.
fn files(inner: &mut Command, sets: Vec<Word>) {
    let known = !sets.is_empty() && sets.iter().all(|set| set.value.is_some());
    let program = inner.words.first().is_some_and(|word| word.text.contains("{}"));
    let alone = |word: &&Word| word.literal() == Some("{}");
    let times = inner.words.iter().filter(alone).count();
    let parts = inner.words.iter().filter(|word| word.value.as_deref().is_some_and(|v| v.contains("{}"))).count();
    if !known || program || times == 0 || parts != times {
        return replace(&mut inner.words, "{}");
    }
    let mut words = Vec::new();
    for word in std::mem::take(&mut inner.words) {
        if alone(&&word) {
            words.extend(sets.iter().cloned());
        } else {
            words.push(word);
        }
    }
    inner.words = words;
    inner.open_ended = false;
}

/// What the action `-delete`, or the first one, gets: every root, narrowed by names where that is certain.
pub(super) fn sets(command: &Command, narrowed: bool) -> Vec<Word> {
    let delete = command.words.iter().position(|word| word.literal() == Some("-delete"));
    match delete.filter(|_| narrowed) {
        Some(at) => set_for(command, at),
        None => roots(command).0,
    }
}

/// The files that the action at word `action` gets, as patterns below the roots. At least these words stand for them.
fn set_for(command: &Command, action: usize) -> Vec<Word> {
    let (roots, start) = roots(command);
    let tests = command.words.get(start..action).unwrap_or(&[]);
    let Some(names) = names(tests).filter(|names| names.iter().all(|name| !name.trim_matches('*').is_empty())) else {
        return roots;
    };
    let mut sets = Vec::new();
    for root in roots {
        let Some(folder) = root.literal().map(str::to_owned) else {
            sets.push(root);
            continue;
        };
        for name in &names {
            let folder = folder.trim_end_matches('/');
            let prefix = format!("{folder}/");
            let value = Some(format!("{prefix}**/{name}"));
            sets.push(Word { value, prefix, text: name.clone(), glob: true, many: false });
        }
    }
    sets
}

/// The folders it starts from, and where its expression begins.
fn roots(command: &Command) -> (Vec<Word>, usize) {
    let mut at = 1;
    while let Some("-H" | "-L" | "-P" | "-O0" | "-O1" | "-O2" | "-O3") = command.words.get(at).and_then(Word::literal) {
        at += 1;
    }
    let start = at;
    let begins = |word: &Word| {
        let shown = word.value.as_deref().unwrap_or(&word.prefix);
        shown.starts_with('-') || matches!(shown, "(" | "!" | ")" | ",")
    };
    while command.words.get(at).is_some_and(|word| !begins(word)) {
        at += 1;
    }
    let roots = command.words.get(start..at).unwrap_or(&[]).to_vec();
    if roots.is_empty() { (vec![Word::known(".")], at) } else { (roots, at) }
}

/// The patterns of which one certainly fits the name of whatever gets behind `tests`. `None`: it may be anything.
fn names(tests: &[Word]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut named = false;
    let mut negated = false;
    let mut words = tests.iter();
    while let Some(word) = words.next() {
        match word.literal()? {
            "-o" | "-or" => {
                if !std::mem::take(&mut named) {
                    return None;
                }
                continue;
            }
            "!" | "-not" => {
                negated = !negated;
                continue;
            }
            "(" if negated => return None,
            "(" | ")" => continue,
            test @ ("-name" | "-iname") => {
                let pattern = words.next()?.value.as_deref().filter(|_| !word.many)?;
                // A pattern with `/` fits no name.
                if !negated && !pattern.contains('/') {
                    let any_case = |c: char| if c.is_alphabetic() { '?' } else { c };
                    let lower = test == "-iname";
                    names.push(if lower { pattern.chars().map(any_case).collect() } else { pattern.to_owned() });
                    named = true;
                }
            }
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                for word in words.by_ref() {
                    if matches!(word.literal(), Some(";" | "+")) {
                        break;
                    }
                }
            }
            "-fprintf" => {
                words.next()?;
                words.next()?;
            }
            test if VALUED.binary_search(&test).is_ok() || test.starts_with("-newer") => {
                words.next()?;
            }
            test if PLAIN.binary_search(&test).is_ok() => {}
            _ => return None,
        }
        negated = false;
    }
    named.then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(line: &str) -> Vec<String> {
        let command = Command { words: line.split(' ').map(Word::known).collect(), ..Command::default() };
        let at = command.words.iter().position(|word| word.literal() == Some("-delete")).unwrap();
        set_for(&command, at).into_iter().map(|word| word.value.unwrap_or_default()).collect()
    }

    #[test]
    fn the_tables_are_sorted_so_that_they_can_be_searched() {
        assert!(VALUED.is_sorted() && PLAIN.is_sorted());
    }

    #[test]
    fn names_narrow_what_an_action_gets() {
        let table: [(&str, &[&str]); 9] = [
            ("find . -name *.pyc -delete", &["./**/*.pyc"]),
            ("find src tests -type f -name *.pyc -delete", &["src/**/*.pyc", "tests/**/*.pyc"]),
            ("find -name a -delete", &["./**/a"]),
            ("find . ( -name a -o -name b ) -delete", &["./**/a", "./**/b"]),
            ("find . -name a -o -name b -delete", &["./**/a", "./**/b"]),
            ("find . -not -path ./venv/* -name a -delete", &["./**/a"]),
            ("find . -iname a.b -delete", &["./**/?.?"]),
            ("find / -exec rm x ; -name a -delete", &["/**/a"]),
            ("find -L . -maxdepth 2 -name a -print -delete", &["./**/a"]),
        ];
        for (line, expected) in table {
            assert_eq!(set(line), expected, "{line}");
        }
    }

    #[test]
    fn what_may_be_anything_is_the_whole_root() {
        for line in [
            "find . -delete",
            "find . -type f -delete",
            "find . -name a -o -delete",
            "find . ( -name a -o -type f ) -delete",
            "find . ! -name a -delete",
            "find . -not ( -name a ) -delete",
            "find . -name * -delete",
            "find . -name a , -delete",
            "find . -newer -name -delete",
            "find . -strange a -name b -delete",
        ] {
            assert_eq!(set(line), ["."], "{line}");
        }
    }
}
