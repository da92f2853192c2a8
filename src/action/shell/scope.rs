//! What a shell holds while it runs: variables, functions, the folder it is in.
//! Knows only what is certain; whatever could have changed is unknown.

use super::command::{Assumed, Stdin};
use std::collections::HashMap;
use std::rc::Rc;

/// How many variables are followed; further ones stay unknown.
const VARIABLES: usize = 32;
/// Variables that bash sets by itself, whatever they are set to.
const RESTLESS: &[&str] = &[
    "COLUMNS",
    "COMP_WORDS",
    "COPROC",
    "DIRSTACK",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "HOSTNAME",
    "HOSTTYPE",
    "LINENO",
    "LINES",
    "MACHTYPE",
    "MAPFILE",
    "OLDPWD",
    "OPTARG",
    "OPTERR",
    "OPTIND",
    "OSTYPE",
    "PIPESTATUS",
    "PPID",
    "PWD",
    "RANDOM",
    "REPLY",
    "SECONDS",
    "SHELLOPTS",
    "SHLVL",
    "SRANDOM",
    "UID",
    "_",
];

/// The longest value that is followed (bytes).
const VALUE: usize = 4096;
/// How many functions are followed; with more, nothing is proved.
pub(super) const FUNCTIONS: usize = 48;

/// The state of a shell at one point of the text.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// Variables that the text has set; `None`: to something unknown.
    pub(super) variables: Vec<(Rc<str>, Option<Rc<str>>)>,
    /// Whether a variable that the text has not set may be set all the same.
    pub(super) forgot: bool,
    /// As [`super::Command::cwd`].
    pub(super) cwd: Option<String>,
    /// What the folder rests on.
    pub(super) assumed: Vec<Assumed>,
    /// Variables that hold some name that fits a pattern (`for f in *.py`).
    pub(super) patterns: Vec<(Rc<str>, Rc<str>)>,
    pub(super) functions: Vec<Function>,
    /// `$1` and those after it; `None`: unknown.
    pub(super) positional: Option<Vec<String>>,
    /// The standard input that commands inherit.
    pub(super) stdin: Stdin,
    /// `set -e` is in force for certain.
    pub(super) errexit: bool,
}

/// A function that the text defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: Rc<str>,
    /// Whether it is certainly defined by now.
    pub(super) sure: bool,
    /// Whether a call may change the folder.
    pub(super) moves: bool,
}

impl Scope {
    pub(super) fn new() -> Self {
        Scope {
            variables: Vec::new(),
            forgot: false,
            cwd: Some(String::new()),
            assumed: Vec::new(),
            patterns: Vec::new(),
            functions: Vec::new(),
            positional: Some(Vec::new()),
            stdin: Stdin::Inherited,
            errexit: false,
        }
    }

    /// The value of a variable, where it is certain.
    pub(super) fn value(&self, name: &str, environment: &HashMap<String, String>) -> Option<String> {
        if let Some((_, value)) = self.variables.iter().find(|(known, _)| **known == *name) {
            return value.as_deref().map(str::to_owned);
        }
        if self.forgot {
            return None;
        }
        // bash never takes this one from its environment.
        if name == "IFS" {
            return Some(" \t\n".to_owned());
        }
        environment.get(name).filter(|_| !is_restless(name)).cloned()
    }

    pub(super) fn set(&mut self, name: &str, value: Option<String>) {
        let value = value.filter(|value| value.len() <= VALUE && !is_restless(name));
        self.patterns.retain(|(known, _)| **known != *name);
        let room = self.variables.len() < VARIABLES;
        match self.variables.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, old)) => *old = value.map(Rc::from),
            None if room => self.variables.push((Rc::from(name), value.map(Rc::from))),
            None => self.forgot = true,
        }
    }

    /// The pattern that a variable's value fits, where that is all that is known of it.
    pub(super) fn pattern(&self, name: &str) -> Option<String> {
        self.patterns.iter().find(|(known, _)| **known == *name).map(|(_, pattern)| pattern.as_ref().to_owned())
    }

    /// Sets a variable to some name that fits `pattern`.
    pub(super) fn set_pattern(&mut self, name: &str, pattern: &str) {
        self.set(name, None);
        if !is_restless(name) && pattern.len() <= VALUE && self.patterns.len() < VARIABLES {
            self.patterns.push((Rc::from(name), Rc::from(pattern)));
        }
    }

    /// What holds after either this or `other` was reached.
    pub(super) fn merge(&mut self, other: &Scope) {
        self.patterns.retain(|known| other.patterns.contains(known));
        for assumed in &other.assumed {
            if !self.assumed.contains(assumed) {
                self.assumed.push(assumed.clone());
            }
        }
        for (name, value) in &mut self.variables {
            let same = other.variables.iter().any(|(known, old)| known == name && old == value);
            if !same {
                *value = None;
            }
        }
        for (name, _) in &other.variables {
            if !self.variables.iter().any(|(known, _)| known == name) {
                self.set(name, None);
            }
        }
        self.forgot |= other.forgot;
        if self.cwd != other.cwd {
            self.cwd = None;
        }
        if self.positional != other.positional {
            self.positional = None;
        }
        for function in &mut self.functions {
            function.sure &= other.functions.iter().any(|known| known.name == function.name && known.sure);
        }
        for function in &other.functions {
            if !self.functions.iter().any(|known| known.name == function.name) {
                self.functions.push(Function { sure: false, ..function.clone() });
            }
        }
        self.errexit &= other.errexit;
    }

    /// Forgets everything that a text guard does not know could have changed.
    pub(super) fn forget(&mut self) {
        self.variables.clear();
        self.patterns.clear();
        self.forgot = true;
        self.cwd = None;
        self.positional = None;
        self.errexit = false;
        for function in &mut self.functions {
            function.sure = false;
        }
    }

    /// The folder after `cd target`, as bash reckons: by names, without a look at links.
    pub(super) fn folder(&self, target: &str) -> Option<String> {
        let folder = if target.starts_with('/') { normal("/", target) } else { normal(self.cwd.as_deref()?, target) };
        // Longer than a path can be.
        Some(folder).filter(|folder| folder.len() <= VALUE)
    }
}

fn is_restless(name: &str) -> bool {
    RESTLESS.contains(&name) || name.starts_with("BASH") || name.starts_with("EPOCH")
}

/// `base/path` without `.`, and without `..` where that is certain.
fn normal(base: &str, path: &str) -> String {
    let absolute = base.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&"..") | None if absolute => {}
                Some(&"..") | None => parts.push(".."),
                Some(_) => {
                    parts.pop();
                }
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}
