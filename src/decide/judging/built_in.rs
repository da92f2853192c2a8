//! Guard's own rules: what holds under every policy, with its wording, and what of a shell is harmless.
//! Knows no policy.

use crate::action::Shell;
use crate::action::shell::{Asked, Command, is_harmless_builtin};
use crate::decide::{Verdict, changes, query};

/// A rule of guard's own.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::decide) struct BuiltIn {
    pub(in crate::decide) id: &'static str,
    pub(in crate::decide) verdict: Verdict,
    /// Why; what it was found at is put in the place of `{}`.
    reason: &'static str,
    instead: Option<&'static str>,
}

impl BuiltIn {
    /// The wording, which no other rule has.
    pub(in crate::decide) fn wording(&self) -> &'static str {
        self.reason
    }

    /// Id, reason, advice and place, for a match.
    pub(in crate::decide) fn said(&self, what: &str) -> (String, String, Option<String>, String) {
        let reason = self.reason.replace("{}", what);
        (self.id.to_owned(), reason, self.instead.map(str::to_owned), "built in".to_owned())
    }
}

/// A rule of guard's own, for whoever asks about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnRule {
    /// `guard:…`; several may share one.
    pub id: &'static str,
    /// What it says.
    pub verdict: Verdict,
    /// Why; `{}` stands for what it was found at.
    pub reason: &'static str,
    /// What to do instead.
    pub instead: Option<&'static str>,
}

/// Every rule of guard's own but the whitelist, which is the policy's.
pub fn own_rules() -> impl Iterator<Item = OwnRule> {
    let all: [&'static BuiltIn; 30] = [
        &EMPTY,
        &NOT_TEXT,
        &TOO_BIG,
        &SYNTAX,
        &BOMB,
        &UNPROVEN,
        &WRITES_UNKNOWN,
        &NOT_LISTED,
        &TELLS,
        &BUILTIN,
        &BUILTIN_ASKS,
        &PROGRAM_IN_PROJECT,
        &NO_PROGRAM,
        &NO_PROGRAM_YET,
        &NOT_EXECUTABLE,
        &NOT_EXECUTABLE_YET,
        &WRAPPER,
        &WRITES_OUTSIDE,
        &WRITES_PROTECTED,
        &FOR_A_PERSON,
        &NETWORK_FILE,
        &NOT_ALONE,
        &RUNNER,
        &NOT_PASSED_ON,
        &CONFIGURATION,
        &UNATTENDED,
        &DENIED_BY_PERSON,
        &ASSIGNMENT,
        &FUNCTION,
        &DAMAGED,
    ];
    all.into_iter().chain(changes::own()).chain(query::own()).map(|own| OwnRule {
        id: own.id,
        verdict: own.verdict,
        reason: own.reason,
        instead: own.instead,
    })
}

/// A rule of guard's own, for the tables of them.
pub(in crate::decide) const fn rule(
    id: &'static str,
    verdict: Verdict,
    reason: &'static str,
    instead: Option<&'static str>,
) -> BuiltIn {
    BuiltIn { id, verdict, reason, instead }
}

pub(super) static EMPTY: BuiltIn = rule(
    "guard:empty",
    Verdict::Deny,
    "there is no command: {}",
    Some("name a program: guard exec -- PROGRAM ARGUMENTS"),
);
pub(super) static NOT_TEXT: BuiltIn = rule(
    "guard:not-text",
    Verdict::Deny,
    "the command is not text: {}",
    Some("write it in UTF-8 without NUL; put other bytes into a file"),
);
pub(super) static DENIED_BY_PERSON: BuiltIn = rule(
    "guard:denied-by-person",
    Verdict::Deny,
    "a person denied it: {}",
    Some(
        "reach the goal another way, or tell the person why it is needed: it stays denied until they trust a changed policy",
    ),
);
pub(super) static TOO_BIG: BuiltIn = rule(
    "guard:too-big",
    Verdict::Deny,
    "the command is more than guard takes apart: {}",
    Some("put it into a script in the project and run that"),
);
pub(super) static SYNTAX: BuiltIn = rule(
    "guard:syntax",
    Verdict::Deny,
    "a shell would refuse it: {}",
    Some("mend the quotes and brackets; `guard exec -- PROGRAM ARGUMENTS` needs no quoting"),
);
pub(super) static BOMB: BuiltIn = rule(
    "guard:fork-bomb",
    Verdict::Deny,
    "starts copies of itself without end: {}",
    Some("call the function once, and not in the background"),
);
pub(super) static UNPROVEN: BuiltIn = rule(
    "guard:unproven",
    Verdict::Ask,
    "only the run will tell: {}",
    Some("write it out, without variables and substitutions that decide what runs"),
);
pub(super) static NOT_LISTED: BuiltIn =
    rule("guard:not-listed", Verdict::Ask, "neither the whitelist nor a rule allows {}", None);
pub(super) static TELLS: BuiltIn =
    rule("guard:tells", Verdict::Allow, "an installed program only tells what it is: {}", None);
pub(super) static PROGRAM_IN_PROJECT: BuiltIn = rule(
    "guard:program-in-project",
    Verdict::Ask,
    "{} lies where commands can write, so that its name proves nothing",
    Some("use the installed program, or have a person allow this file by its path"),
);
static NO_PROGRAM: BuiltIn =
    rule("guard:no-program", Verdict::Deny, "no such program: {}", Some("check the spelling, or have it installed"));
static NO_PROGRAM_YET: BuiltIn = rule(
    "guard:no-program",
    Verdict::Ask,
    "no such program: {}, unless the line makes it",
    Some("check the spelling; run what makes it first, on its own"),
);
static NOT_EXECUTABLE: BuiltIn =
    rule("guard:not-executable", Verdict::Deny, "cannot execute {}", Some("name an executable file"));
static NOT_EXECUTABLE_YET: BuiltIn = rule(
    "guard:not-executable",
    Verdict::Ask,
    "cannot execute {}, unless the line changes it",
    Some("name an executable file"),
);
pub(super) static WRAPPER: BuiltIn =
    rule("guard:wrapper", Verdict::Ask, "starts another program by {}, which is not known", Some("run it directly"));
pub(super) static BUILTIN_ASKS: BuiltIn = rule("guard:builtin", Verdict::Ask, "no rule knows the shell's own {}", None);
pub(super) static WRITES_OUTSIDE: BuiltIn = rule(
    "guard:writes-outside",
    Verdict::Deny,
    "writes outside the project: {}",
    Some("write below the project or to /tmp"),
);
static FOR_A_PERSON: BuiltIn = rule(
    "guard:for-a-person",
    Verdict::Deny,
    "{} is for a person to say",
    Some(
        "tell the person; yourself call `guard status`, `escalate`, `wait`, `run-approved`, `check` or `exec`, without `-C`",
    ),
);
pub(super) static WRITES_PROTECTED: BuiltIn = rule(
    "guard:writes-protected",
    Verdict::Deny,
    "writes to what guard or git rests on: {}",
    Some("leave it to a person; `guard` and `git` change their own files"),
);
pub(super) static NETWORK_FILE: BuiltIn = rule(
    "guard:dev-tcp",
    Verdict::Deny,
    "opens a connection by a redirection: {}",
    Some("have the service named in the policy"),
);
pub(super) static WRITES_UNKNOWN: BuiltIn = rule(
    "guard:unproven",
    Verdict::Ask,
    "only the run will tell where it writes: {}",
    Some("write the file's name out"),
);
pub(super) static NOT_ALONE: BuiltIn = rule(
    "guard:alone",
    Verdict::Ask,
    "one of its commands is run by guard itself, outside the fence",
    Some("ask for that command on its own"),
);
pub(super) static RUNNER: BuiltIn = rule(
    "guard:runner",
    Verdict::Allow,
    "guard runs it itself, outside the fence; its configuration is judged when it runs",
    None,
);
pub(super) static NOT_PASSED_ON: BuiltIn = rule(
    "guard:runner",
    Verdict::Ask,
    "guard runs docker-compose itself, and only in forms it knows: {}",
    Some("docker-compose up -d, down, ps, logs or restart, with services' names"),
);
pub(super) static CONFIGURATION: BuiltIn = rule(
    "guard:configuration",
    Verdict::Ask,
    "its configuration: {}",
    Some("change the configuration, or have a person look at it"),
);
pub(in crate::decide) static DAMAGED: BuiltIn = rule(
    "guard:damaged",
    Verdict::Deny,
    "the compiled policy cannot be read: {}",
    Some("have a person run `guard policy check`"),
);
pub(in crate::decide) static UNATTENDED: BuiltIn = rule(
    "guard:unattended",
    Verdict::Deny,
    "a person would have to say so, and nobody is there: {}",
    Some("do without it, or have a person run it"),
);
pub(super) static ASSIGNMENT: BuiltIn =
    rule("guard:assignment", Verdict::Allow, "sets variables or redirects, and starts nothing", None);
pub(super) static FUNCTION: BuiltIn =
    rule("guard:function", Verdict::Allow, "calls a function of the line, whose commands are judged beside it", None);
pub(super) static BUILTIN: BuiltIn = rule("guard:builtin", Verdict::Allow, "the shell's own {} is harmless", None);

/// The rule for a program that is not there: nothing can run, except in a line that might make it first.
pub(super) fn missing(shell: &Shell) -> &'static BuiltIn {
    match shell.asked() {
        Asked::Argv(_) => &NO_PROGRAM,
        Asked::Line(_) => &NO_PROGRAM_YET,
    }
}

/// The rule for a program that cannot be executed.
pub(super) fn unusable(shell: &Shell) -> &'static BuiltIn {
    match shell.asked() {
        Asked::Argv(_) => &NOT_EXECUTABLE,
        Asked::Line(_) => &NOT_EXECUTABLE_YET,
    }
}

/// Whether a builtin of bash needs no rule. `exec` without a program only redirects.
pub(super) fn is_harmless(command: &Command) -> bool {
    let name = command.name();
    is_harmless_builtin(name) || name == "exec" && command.args().is_empty()
}

/// Whether a command only asks its program what it is.
pub(super) fn only_tells(command: &Command) -> bool {
    !command.open_ended && matches!(command.args(), [only] if matches!(only.literal(), Some("--version" | "--help")))
}

/// Programs that start the command behind them and do nothing else that a rule would have to know. Sorted.
const WRAPPERS: &[&str] = &[
    "awk", "bash", "busybox", "chronic", "dash", "env", "find", "gawk", "ionice", "ksh", "mawk", "nawk", "nice",
    "nohup", "parallel", "sed", "setsid", "sh", "stdbuf", "time", "timeout", "watch", "xargs", "zsh",
];

/// Whether a wrapper needs no rule.
pub(super) fn is_plain_wrapper(name: &str) -> bool {
    WRAPPERS.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_never_holds_what_runs_elsewhere() {
        assert!(WRAPPERS.is_sorted());
        for name in ["sudo", "su", "doas", "pkexec", "ssh", "docker", "python"] {
            assert!(!is_plain_wrapper(name), "{name}");
        }
    }
}
