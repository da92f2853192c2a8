//! Paths: what a command reads and writes, where that leads, and where redirections may write.
//! Knows no rules of a policy.

use super::hit::Hit;
use super::{Ground, built_in};
use crate::action::shell::{Access, Arguments, Command, Effect, Touch, Word};
use crate::decide::policy::{Bases, PathPattern};
use std::path::{Component, Path, PathBuf};

/// What is done to paths, as conditions ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touched {
    /// `reads`
    Read,
    /// `writes_to`: created, changed or removed.
    Written,
    /// `removes`: removed, or renamed away.
    Removed,
}

impl Touched {
    fn is(self, effect: Effect) -> bool {
        match self {
            Touched::Read => effect.read,
            Touched::Written => effect.written || effect.removed,
            Touched::Removed => effect.removed,
        }
    }
}

/// A place a command touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// What is done to it.
    pub(super) effect: Effect,
    /// Where it is; `None`: only the run will tell.
    pub(super) path: Option<PathBuf>,
    /// Whether links were followed.
    pub(super) certain: bool,
    /// Whether it is a pattern that the shell turns into file names.
    pub(super) pattern: bool,
    /// Whether it is touched only if another place turns out to be a folder.
    pub(super) perhaps: bool,
}

/// The places a command touches, and its arguments: what every rule looks at, found once.
#[derive(Debug, Clone)]
pub(super) struct Places<'c> {
    /// Its arguments, sorted.
    pub(super) arguments: Arguments<'c>,
    /// Redirections, and what the table of effects says of its program.
    known: Vec<Place>,
    /// Whether that is all: the program stands in the table.
    pub(super) complete: bool,
}

impl<'c> Places<'c> {
    /// The places that `command`, whose program goes by `names`, touches.
    pub(super) fn new(ground: Ground<'_>, command: &'c Command, names: &[String]) -> Places<'c> {
        let redirected = command.redirects.iter().filter_map(|redirect| {
            let (read, written) = match redirect.access {
                Access::Read => (true, false),
                Access::Write => (false, true),
                Access::ReadWrite => (true, true),
                Access::Duplicate => return None,
            };
            Some(place(ground, command, &redirect.target, Effect { read, written, removed: false }))
        });
        let mut known: Vec<Place> = redirected.collect();
        let touches = names.iter().find_map(|name| command.touches_as(name));
        let complete = touches.is_some() || names.is_empty();
        for touch in touches.unwrap_or_default() {
            touched(ground, command, &touch, &mut known);
        }
        Places { arguments: command.arguments(), known, complete }
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Those that are touched in that way.
    pub(super) fn of(&self, touched: Touched) -> impl Iterator<Item = &Place> {
        self.known.iter().filter(move |place| touched.is(place.effect))
    }
}

/// Adds the places of one touch: the path, and the entry in it where it is a folder or may be one.
fn touched(ground: Ground<'_>, command: &Command, touch: &Touch<'_>, places: &mut Vec<Place>) {
    let own = place(ground, command, &touch.word, touch.effect);
    let Some((entry, pattern)) = touch.entry() else {
        places.push(own);
        return;
    };
    let text = touch.word.value.as_deref().unwrap_or_default();
    let spelled = text.ends_with('/') || matches!(text.rsplit('/').next(), Some("." | ".."));
    let folder = spelled || own.path.as_deref().is_some_and(|path| ground.facts.folders.contains(path));
    let (path, certain) = match (own.path.as_deref(), resolve(ground, command, &entry)) {
        // A pattern names nothing that could be looked up.
        (Some(path), _) if pattern || own.pattern => {
            (entry.rsplit('/').next().map(|name| path.join(name)), own.certain)
        }
        (_, resolved) => resolved,
    };
    let pattern = pattern || own.pattern;
    places.push(Place { effect: touch.effect, path, certain, pattern, perhaps: !folder });
    if !folder {
        places.push(own);
    }
}

/// The places that count for a rule that allows: all that is touched in that way, and of a program that is not in the table
/// every operand, if the rule names it.
pub(super) fn counted(
    ground: Ground<'_>,
    command: &Command,
    places: &Places<'_>,
    names_program: bool,
    touched: Touched,
) -> Vec<Place> {
    let named = names_program && !places.complete;
    let operands = if named { operands(ground, command, &places.arguments, false) } else { Vec::new() };
    // Where nothing else of the line can make a folder of it, it is none if facts do not say so.
    let line = ground.shell.commands().len() > 1;
    let all = places.of(touched).cloned().chain(operands);
    all.filter(|place| line || !(place.perhaps && place.certain)).collect()
}

/// The operands of a program that is not in the table, for a rule that names it and so knows what it does to them.
/// `loose`: values of flags count as well (`--output=FILE`, `of=FILE`, `-oFILE`).
pub(super) fn operands(ground: Ground<'_>, command: &Command, arguments: &Arguments<'_>, loose: bool) -> Vec<Place> {
    let any = Effect { read: true, written: true, removed: true };
    let mut places: Vec<Place> = arguments.operands().map(|word| place(ground, command, word, any)).collect();
    if !loose {
        return places;
    }
    for word in command.args() {
        let Some(text) = word.value.as_deref() else { continue };
        let value = text.split_once('=').map(|(_, value)| value);
        // `-o/etc/x`: whatever letter it is, a path that is spelled out is one.
        let attached = text.strip_prefix('-').filter(|rest| !rest.starts_with('-')).and_then(|rest| {
            let at = rest.find(['/', '~'])?;
            rest.get(at..)
        });
        let next = (!text.starts_with('-')).then_some(text);
        for text in [value, attached, next].into_iter().flatten().filter(|text| !text.is_empty()) {
            let (path, certain) = resolve(ground, command, text);
            places.push(Place { effect: any, path, certain, pattern: word.glob, perhaps: false });
        }
    }
    places
}

fn place(ground: Ground<'_>, command: &Command, word: &Word, effect: Effect) -> Place {
    match word.value.as_deref() {
        Some(text) => {
            let (path, certain) = resolve(ground, command, text);
            Place { effect, path, certain: certain && !word.many, pattern: word.glob, perhaps: false }
        }
        None => Place { effect, path: None, certain: false, pattern: false, perhaps: false },
    }
}

/// Where a path leads: as facts say, or else by its letters alone, which is not certain.
fn resolve(ground: Ground<'_>, command: &Command, text: &str) -> (Option<PathBuf>, bool) {
    if let Some(path) = ground.facts.path(command, text) {
        return (Some(path.to_owned()), true);
    }
    let Some(located) = command.located(text) else { return (None, false) };
    (Some(normal(&ground.facts.cwd.join(located))), false)
}

/// A path without `.` and `..`, links not followed.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::Normal(_) => normal.push(component),
        }
    }
    if normal.as_os_str().is_empty() { PathBuf::from("/") } else { normal }
}

/// Whether a shell pattern may become a path that is meant: it is compared with the plain names among the patterns.
pub(super) fn may_become(pattern: &Path, patterns: &[PathPattern], bases: Bases<'_>) -> bool {
    let pattern = pattern.to_string_lossy();
    patterns.iter().filter_map(|wanted| wanted.plain(bases)).any(|wanted| {
        let wanted = wanted.to_string_lossy();
        covers(pattern.as_bytes(), wanted.as_bytes())
    })
}

/// Whether `path` is above a place that is meant, so that what removes it removes that as well.
pub(super) fn above(path: &Path, patterns: &[PathPattern], bases: Bases<'_>) -> bool {
    patterns.iter().filter_map(|wanted| wanted.plain(bases)).any(|wanted| wanted.starts_with(path))
}

/// Whether the shell pattern could match `text` or a folder above it; `[…]` counts as any text, to be loose.
fn covers(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (None, None | Some(b'/')) => return true,
            // A part `**` may stand for no folder at all.
            (Some(b'*'), _) if pattern.get(p..p + 3) == Some(b"**/") => {
                p += 3;
                retry = Some((p, t));
            }
            (Some(b'*' | b'['), _) => {
                p += 1;
                if pattern.get(p - 1) == Some(&b'[') {
                    p += pattern.get(p..).unwrap_or_default().iter().position(|b| *b == b']').map_or(0, |at| at + 1);
                }
                retry = Some((p, t));
            }
            (Some(b'?'), Some(_)) => (p, t) = (p + 1, t + 1),
            (Some(a), Some(b)) if a == b => (p, t) = (p + 1, t + 1),
            (_, _) => match retry {
                Some((back, from)) if from < text.len() => {
                    retry = Some((back, from + 1));
                    (p, t) = (back, from + 1);
                }
                Some(_) | None => return false,
            },
        }
    }
}

/// Files that may be written to although they lie outside: they keep nothing.
const SINKS: &[&str] = &["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty", "/dev/zero", "/dev/full"];

/// Names in the project that guard rests on; by the last two a harness asks guard, or runs programs of their choice.
pub(in crate::decide) const GUARDS: &[&str] =
    &["guard.toml", "guard-tests.toml", "build_audit.log", ".claude/settings.json", ".claude/settings.local.json"];

/// What guard's own rules say of a command's redirections.
pub(super) fn redirects(ground: Ground<'_>, command: &Command, at: Option<usize>, hits: &mut Vec<Hit>) {
    for redirect in &command.redirects {
        let target = &redirect.target;
        let text = target.value.as_deref().unwrap_or(&target.prefix);
        let quoted = || format!("`{}`", super::shown(&target.text));
        if text.starts_with("/dev/tcp/") || text.starts_with("/dev/udp/") {
            hits.push(Hit::own(&built_in::NETWORK_FILE, quoted(), at));
            continue;
        }
        let writes = match redirect.access {
            Access::Write | Access::ReadWrite => true,
            Access::Read => false,
            // `2>&1` names a descriptor; anything else would be a file.
            Access::Duplicate => {
                !target.literal().is_some_and(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
            }
        };
        // A descriptor of the command's own; with anything after the number it would be a path.
        let descriptor = text.strip_prefix("/dev/fd/").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        if !writes || SINKS.contains(&text) && target.value.is_some() || descriptor {
            continue;
        }
        let place = place(ground, command, target, Effect::default());
        let Some(path) = place.path.filter(|_| place.certain && !place.pattern) else {
            hits.push(Hit::own(&built_in::WRITES_UNKNOWN, quoted(), at));
            continue;
        };
        if let Ok(relative) = path.strip_prefix(&ground.facts.project) {
            let guards = GUARDS.iter().any(|name| relative == Path::new(name));
            if guards || relative.components().any(|part| part.as_os_str() == ".git") {
                hits.push(Hit::own(&built_in::WRITES_PROTECTED, quoted(), at));
            }
        } else if !path.starts_with("/tmp") {
            hits.push(Hit::own(&built_in::WRITES_OUTSIDE, quoted(), at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_taken_out_of_a_path_and_never_lead_above_the_root() {
        for (path, expected) in [("/a/./b/../c", "/a/c"), ("/../../a", "/a"), ("/a/..", "/"), ("/", "/")] {
            assert_eq!(normal(Path::new(path)), Path::new(expected));
        }
    }

    #[test]
    fn a_shell_pattern_covers_what_it_may_become_and_what_lies_below_that() {
        let table = [
            ("/p/*.toml", "/p/guard.toml", true),
            ("/p/*", "/p/.git/config", true),
            ("/p/gu[a-z]rd.toml", "/p/guard.toml", true),
            ("/p/guard.tom?", "/p/guard.toml", true),
            ("/p/*.py", "/p/guard.toml", false),
            ("/p/src/*", "/p/guard.toml", false),
            ("/p/guard", "/p/guard.toml", false),
            ("/p/gu[", "/p/guard.toml", true),
            ("/p/**/*.toml", "/p/guard.toml", true),
            ("/p/**/x", "/p/a/b/x", true),
            ("/p/**/x", "/p/y", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(covers(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
