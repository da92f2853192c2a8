//! What bash's builtins do to the shell that runs them.
//! Knows their arguments as far as they run code, set variables or change the folder.

use super::command::{Assign, Command, Kind, Word, Wrapper};
use super::flags::Tri;
use super::simple::Lookup;
use super::walk::Walk;

/// The builtins of bash 5.2, sorted, and whether they change nothing but the shell's own variables, folder and flow. What
/// they assign is found as an assignment, what `trap` runs as a command; `command` is what is left of it without one.
const BUILTINS: &[(&str, bool)] = &[
    (".", false),
    (":", true),
    ("[", true),
    ("alias", false),
    ("bg", true),
    ("bind", false),
    ("break", true),
    ("builtin", false),
    ("caller", true),
    ("cd", true),
    ("command", true),
    ("compgen", true),
    ("complete", false),
    ("compopt", false),
    ("continue", true),
    ("declare", true),
    ("dirs", true),
    ("disown", true),
    ("echo", true),
    ("enable", false),
    ("eval", false),
    ("exec", false),
    ("exit", true),
    ("export", true),
    ("false", true),
    ("fc", false),
    ("fg", true),
    ("getopts", true),
    ("hash", true),
    ("help", true),
    ("history", true),
    ("jobs", true),
    ("kill", false),
    ("let", true),
    ("local", true),
    ("logout", true),
    ("mapfile", true),
    ("popd", true),
    ("printf", true),
    ("pushd", true),
    ("pwd", true),
    ("read", true),
    ("readarray", true),
    ("readonly", true),
    ("return", true),
    ("set", true),
    ("shift", true),
    ("shopt", true),
    ("source", false),
    ("suspend", true),
    ("test", true),
    ("times", true),
    ("trap", true),
    ("true", true),
    ("type", true),
    ("typeset", true),
    ("ulimit", true),
    ("umask", true),
    ("unalias", true),
    ("unset", true),
    ("wait", true),
];

pub(super) fn is_builtin(name: &str) -> bool {
    find(name).is_some()
}

/// Whether `name` is a builtin of bash that changes nothing but the shell itself.
pub fn is_harmless_builtin(name: &str) -> bool {
    find(name).is_some_and(|(_, harmless)| *harmless)
}

fn find(name: &str) -> Option<&'static (&'static str, bool)> {
    BUILTINS.binary_search_by(|(known, _)| (*known).cmp(name)).ok().and_then(|at| BUILTINS.get(at))
}

impl Walk<'_> {
    /// Runs a builtin: what it wraps, or itself with what it does to the shell.
    pub(super) fn builtin(&mut self, name: &str, mut command: Command) {
        let span = command.span.clone();
        match name {
            "command" => return self.wrapped_builtin(command, &["-p", "--"], &["-v", "-V"], Lookup::NoFunctions),
            "builtin" => return self.wrapped_builtin(command, &["--"], &[], Lookup::Builtins),
            "exec" => return self.exec(command),
            "eval" => {
                let words = command.args().to_vec();
                let words = match words.split_first() {
                    Some((first, rest)) if first.literal() == Some("--") => rest.to_vec(),
                    _ => words,
                };
                let before = self.wrappers.clone();
                self.wrappers = command.wrappers.clone();
                self.wrappers.push(Wrapper { word: first(&command), kind: Kind::Builtin });
                let stdin = std::mem::replace(&mut self.scope.stdin, command.stdin.clone());
                let set: Vec<String> = command.assigns.iter().map(|assign| assign.name.clone()).collect();
                for assign in &command.assigns {
                    self.scope.set(&assign.name, assign.value.value.clone());
                }
                if command.redirects.is_empty() && command.assigns.is_empty() {
                    self.code(&words, "eval", &span);
                } else {
                    self.emit(command);
                    self.code(&words, "eval", &span);
                }
                for name in set {
                    self.scope.set(&name, None);
                }
                self.wrappers = before;
                self.scope.stdin = stdin;
                return;
            }
            "source" | "." => {
                self.unproven(format!("`{name}` of a file, which guard does not read"), &span);
                self.scope.forget();
            }
            "trap" => self.trap(&command),
            "cd" | "pushd" | "popd" => self.move_to(name, &command),
            "export" | "declare" | "typeset" | "local" | "readonly" => self.declare(name, &mut command),
            "read" | "mapfile" | "readarray" | "getopts" | "printf" | "wait" => {
                if name == "wait" && command.args().is_empty() {
                    self.waited();
                }
                self.reads(name, &mut command);
            }
            "let" => {
                for word in command.args().to_vec() {
                    match word.literal() {
                        Some(text) => {
                            let before = self.assigned.len();
                            self.arithmetic_text(text, &span);
                            for name in self.assigned.get(before..).unwrap_or(&[]) {
                                command.assigns.push(Assign { name: name.clone(), value: Word::default() });
                            }
                        }
                        None => self.unproven("`let` on text that only the run will tell", &span),
                    }
                }
            }
            "unset" => self.unset(&command),
            "set" => self.set_options(&command),
            "shift" => self.scope.positional = None,
            "test" | "[" => self.test_names(&command),
            "jobs" if command.has_flag("-x") != Tri::No => self.unproven("`jobs -x` of a command", &span),
            "alias" => self.alias(&command),
            "shopt" => {
                let safe = |word: &Word| {
                    word.literal()
                        .is_some_and(|name| !matches!(name, "lastpipe" | "expand_aliases" | "posix" | "keyword"))
                };
                if !command.args().iter().all(safe) {
                    self.unproven("`shopt` of an option that changes how the rest is run", &span);
                }
            }
            "enable" | "fc" | "bind" | "complete" | "compgen" if !command.args().is_empty() => {
                self.unproven(format!("`{name}`, which may run or replace commands"), &span);
            }
            "history" if ["-a", "-n", "-r", "-w"].iter().any(|flag| command.has_flag(flag) != Tri::No) => {
                self.unproven("`history` that writes or reads a file", &span);
            }
            "hash" if command.has_flag("-p") != Tri::No => {
                self.unproven("`hash -p`, which names another file for a command", &span);
            }
            _ => {}
        }
        self.printed(name, &command);
        self.emit(command);
    }

    /// `command`, `builtin`: what follows their options, found elsewhere.
    fn wrapped_builtin(&mut self, mut command: Command, options: &[&str], shows: &[&str], lookup: Lookup) {
        let word = first(&command);
        let mut rest = command.args().to_vec();
        while let Some(option) = rest.first().and_then(Word::literal).filter(|text| text.starts_with('-')) {
            let option = option.to_owned();
            if shows.contains(&option.as_str()) || (!shows.is_empty() && option.contains(['v', 'V'])) {
                // It only tells what would be run, unless an argument is not known.
                return self.emit(command);
            }
            if !options.contains(&option.as_str()) {
                let span = command.span.clone();
                self.unproven(format!("an option `{option}` of `{}`", word.text), &span);
            }
            rest.remove(0);
            if option == "--" {
                break;
            }
        }
        if rest.is_empty() {
            return self.emit(command);
        }
        command.words = rest;
        command.wrappers.push(Wrapper { word, kind: Kind::Builtin });
        if command.wrappers.len() > super::walk::LAYERS {
            let span = command.span.clone();
            return self.too_deep(&span);
        }
        self.run(command, lookup);
    }

    fn exec(&mut self, mut command: Command) {
        let word = first(&command);
        let mut rest = command.args().to_vec();
        while let Some(option) = rest.first().and_then(Word::literal).filter(|text| text.starts_with('-')) {
            let option = option.to_owned();
            rest.remove(0);
            if option == "--" {
                break;
            }
            if option.ends_with('a') && !rest.is_empty() {
                rest.remove(0);
            } else if !option.bytes().skip(1).all(|b| matches!(b, b'c' | b'l')) {
                let span = command.span.clone();
                self.unproven(format!("an option `{option}` of `exec`"), &span);
            }
        }
        if rest.is_empty() {
            // Its redirections hold for the rest of the shell.
            if command.stdin != self.scope.stdin {
                self.scope.stdin = command.stdin.clone();
            }
            return self.emit(command);
        }
        command.words = rest;
        command.wrappers.push(Wrapper { word, kind: Kind::Builtin });
        if command.wrappers.len() > super::walk::LAYERS {
            let span = command.span.clone();
            return self.too_deep(&span);
        }
        self.run(command, Lookup::Files);
    }

    fn trap(&mut self, command: &Command) {
        let mut args = command.args();
        if args.first().and_then(Word::literal) == Some("--") {
            args = args.get(1..).unwrap_or(&[]);
        }
        let Some((code, signals)) = args.split_first() else { return };
        match code.literal() {
            Some("" | "-") => {}
            Some(option) if option.starts_with('-') => {}
            Some(_) if signals.is_empty() => {}
            _ => {
                let span = command.span.clone();
                let code = [code.clone()];
                self.apart_body(|walk| walk.code(&code, "trap", &span));
            }
        }
    }

    fn move_to(&mut self, name: &str, command: &Command) {
        let mut target = None;
        let mut plain = name == "cd";
        for word in command.args() {
            match word.literal() {
                Some("-L" | "--") => {}
                Some(text) if target.is_none() && (!text.starts_with('-') || text.is_empty()) => {
                    target = Some(text.to_owned());
                }
                _ => plain = false,
            }
        }
        let before = self.scope.cwd.clone();
        let target = match target {
            Some(target) => Some(target),
            None if command.args().is_empty() => self.value("HOME"),
            None => None,
        };
        let searched = self.environment.contains_key("CDPATH") || self.assigned.iter().any(|name| name == "CDPATH");
        let found = target.filter(|_| plain && !searched);
        self.scope.cwd = match found {
            Some(target) if target.is_empty() => before.clone(),
            Some(target) => self.scope.folder(&target),
            None => None,
        };
        for name in ["PWD", "OLDPWD"] {
            self.scope.set(name, None);
        }
        if before != self.scope.cwd {
            self.left = Some(before);
        }
    }

    fn set_options(&mut self, command: &Command) {
        let span = command.span.clone();
        let mut option_name = false;
        for word in command.args() {
            let Some(text) = word.literal() else {
                self.scope.positional = None;
                self.unproven("`set` of options that only the run will tell", &span);
                return;
            };
            if std::mem::take(&mut option_name) {
                match text {
                    "errexit" => self.scope.errexit = true,
                    "posix" | "keyword" | "braceexpand" | "noexec" => {
                        self.unproven(format!("`set -o {text}`, which changes how the rest is read"), &span);
                    }
                    _ => {}
                }
                continue;
            }
            if text == "--" || !text.starts_with(['-', '+']) {
                self.scope.positional = None;
                return;
            }
            for letter in text.chars().skip(1) {
                match letter {
                    'o' => option_name = true,
                    'e' => self.scope.errexit = text.starts_with('-'),
                    'k' | 'B' | 'n' => {
                        self.unproven(format!("`set {text}`, which changes how the rest is read"), &span);
                    }
                    _ => {}
                }
            }
        }
    }

    /// `[ -v 'a[$(cmd)]' ]` evaluates the index.
    fn test_names(&mut self, command: &Command) {
        let span = command.span.clone();
        let mut after = false;
        for word in command.args().to_vec() {
            if std::mem::take(&mut after) {
                match word.literal() {
                    Some(target) => self.index_of(target, &span),
                    None => self.unproven("a test of a variable whose name only the run will tell", &span),
                }
            }
            after = matches!(word.literal(), Some("-v" | "-R"));
        }
    }

    fn alias(&mut self, command: &Command) {
        let span = command.span.clone();
        for word in command.args().to_vec() {
            let shown = word.value.as_deref().unwrap_or(&word.prefix);
            if let Some((_, text)) = shown.split_once('=') {
                self.unproven("an alias, which changes what later words mean", &span);
                self.suspect_text(text, span.clone());
            }
        }
    }

    /// Keeps what `echo` and `printf` print for the next command of the pipeline.
    fn printed(&mut self, name: &str, command: &Command) {
        self.piped = None;
        if !matches!(name, "echo" | "printf") || command.redirects.iter().any(|r| r.access != super::Access::Duplicate)
        {
            return;
        }
        let words: Option<Vec<&str>> = command.args().iter().map(Word::literal).collect();
        if let Some(words) = words {
            let words = words.into_iter().skip_while(|word| word.starts_with('-') || word.starts_with('%'));
            let text = words.collect::<Vec<_>>().join(" ");
            self.piped = Some(text.replace("\\n", "\n"));
        }
    }

    pub(super) fn too_deep(&mut self, span: &std::ops::Range<usize>) {
        let message = format!("wrappers deeper than {} levels", super::walk::LAYERS);
        self.fault(super::FaultKind::TooBig, message, Some(span.clone()));
    }
}

/// The program word of a command that has one.
pub(super) fn first(command: &Command) -> Word {
    command.words.first().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_calls_nothing_harmless_that_runs_other_text() {
        assert!(BUILTINS.is_sorted_by(|a, b| a.0 < b.0));
        for name in
            ["eval", "exec", "source", ".", "enable", "alias", "bind", "kill", "builtin", "fc", "complete", "ls"]
        {
            assert!(!is_harmless_builtin(name), "{name}");
        }
        assert!(is_harmless_builtin("cd") && is_harmless_builtin("["));
    }
}
