//! One way out: what it is called, where it was found, what it does, and how it is seen that it worked.

/// What an escape is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// Lines of bash.
    Bash(&'static str),
    /// Lines of Python, behind those of `prelude.py`.
    Python(&'static str),
}

impl Text {
    /// As Python.
    pub(crate) fn python(self) -> String {
        match self {
            Self::Bash(text) => format!("bash({})", serde_json::json!(text)),
            Self::Python(text) => text.to_owned(),
        }
    }

    fn is_about(self, part: &str) -> bool {
        match self {
            Self::Bash(text) | Self::Python(text) => text.contains(part),
        }
    }
}

/// How it is seen that an escape worked, besides the traces outside that are always looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Something outside is not as it was: a file, a process, a listener, a terminal; or what must not be read was said.
    Trace,
    /// The program got what it must not have, which shows only inside, and ended with 0.
    Got,
    /// The program ended with 5, and its caller heard something else.
    Forged,
}

/// Who can be expected to succeed with it where there is no fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Both,
    Root,
    Ordinary,
}

/// A way out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// "measured" for what was found in other sandboxes or in ours, else a CVE or a tool.
    pub(crate) source: &'static str,
    /// What is meant to stop it at level full.
    pub(crate) by: &'static str,
    pub(crate) text: Text,
    pub(crate) effect: Effect,
    pub(crate) who: Who,
    /// A line of bash that succeeds where the escape can be tried at all.
    pub(crate) needs: &'static str,
    /// A line of bash that somebody runs in the project afterwards, outside.
    pub(crate) then: &'static str,
    /// Milliseconds after which it is asked to end; 0: the usual time.
    pub(crate) limit: u32,
    /// Whether it runs at a terminal.
    pub(crate) terminal: bool,
    /// Whether it changes what another one tried in the same fence is about.
    pub(crate) alone: bool,
}

impl Row {
    /// Whether it can be tried in one fence with others: it changes nothing that another is about, and needs no own end.
    pub(crate) fn may_share(&self) -> bool {
        let changes = [".git", "guard.toml", "build_audit.log", "$PROJECT"];
        self.then.is_empty()
            && self.limit == 0
            && !self.terminal
            && !self.alone
            && self.effect != Effect::Forged
            && !changes.iter().any(|part| self.text.is_about(part))
    }
}

const fn row(name: &'static str, by: &'static str, text: Text) -> Row {
    Row {
        name,
        source: "measured",
        by,
        text,
        effect: Effect::Trace,
        who: Who::Both,
        needs: "",
        then: "",
        limit: 0,
        terminal: false,
        alone: false,
    }
}

pub(crate) const fn bash(name: &'static str, by: &'static str, text: &'static str) -> Row {
    row(name, by, Text::Bash(text))
}

pub(crate) const fn python(name: &'static str, by: &'static str, text: &'static str) -> Row {
    row(name, by, Text::Python(text))
}

/// A Python program that ends with 0 if it got what it must not have.
pub(crate) const fn gets(name: &'static str, by: &'static str, text: &'static str) -> Row {
    Row { effect: Effect::Got, ..python(name, by, text) }
}

/// As [`gets`], for what only root gets where there is no fence.
pub(crate) const fn root_gets(name: &'static str, by: &'static str, text: &'static str) -> Row {
    Row { who: Who::Root, ..gets(name, by, text) }
}
