//! Every key of a policy file: where it stands, what it takes, what it is for, and in words when a condition holds.
//! The one list of them: readers, the JSON Schema and explanations are made from it. Reads nothing itself.

mod alpha;
mod databases;
mod form;

pub(crate) use alpha::{ALPHA, ALPHA_GROUP};
pub(crate) use databases::{DATABASE, SQL};
pub(crate) use form::Form;

use super::content;
use super::rule_table::{CHECKS, NETWORKS, RUNNERS, STDINS, VERDICTS, WRITES};
use super::settings::{KINDS, REQUIRES, SUPERVISIONS};
use super::strength::Strength;

/// One key of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// As it is written.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) form: Form,
    /// Whether its table is a fault without it.
    pub(crate) required: bool,
    /// What it is for: a sentence that editors show.
    pub(crate) about: &'static str,
    /// For a condition of a rule.
    pub(crate) condition: Option<Condition>,
    /// Whether only an allowed command can use it.
    pub(crate) gives: bool,
}

/// A condition in words; `{}` stands for what is listed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition {
    /// When it holds for an allowing rule.
    pub(crate) allowing: &'static str,
    /// When it holds for a rule that asks or denies.
    pub(crate) refusing: &'static str,
}

pub(crate) const fn key(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, required: false, about, condition: None, gives: false }
}

pub(crate) const fn required(key: Key) -> Key {
    Key { required: true, ..key }
}

const fn when(name: &'static str, form: Form, about: &'static str, holds: &'static str) -> Key {
    apart(name, form, about, holds, holds)
}

const fn apart(
    name: &'static str,
    form: Form,
    about: &'static str,
    allowing: &'static str,
    refusing: &'static str,
) -> Key {
    Key { condition: Some(Condition { allowing, refusing }), ..key(name, form, about) }
}

const fn gives(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { gives: true, ..key(name, form, about) }
}

pub(crate) fn words<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
    table.iter().map(|(word, _)| *word).collect()
}

/// A policy file.
pub(crate) static POLICY: &[Key] = &[
    required(key("version", Form::Version, "The version of the format: 1.")),
    key("extends", Form::Presets, "The presets and packs it builds on; `default` always is one of them."),
    key(
        "supervision",
        Form::Word(|| words(SUPERVISIONS)),
        "Whether a person can be asked; unattended, what would be asked is refused.",
    ),
    key(
        "observe",
        Form::Boolean,
        "Run what would be asked, fenced and recorded, to see what the policy would do. What is denied never runs.",
    ),
    key("shell", Form::Table(SHELL), "Which programs are known at all."),
    key(
        "limits",
        Form::Table(LIMITS),
        "What one command may use. What the machine's policy sets can only be tightened.",
    ),
    key("attempts", Form::Table(ATTEMPTS), "Failures in a row before guard halts."),
    key(
        "loop",
        Form::Table(LOOP),
        "What a build loop may spend. What the machine's policy sets can only be tightened; a plan only tightens it.",
    ),
    key("approvals", Form::Table(APPROVALS), "How a person is asked, and what counts as their answer."),
    key("iteration", Form::Table(ITERATION), "What one round of changes may touch."),
    key("coupled", Form::Tables(COUPLED), "Files that belong to one change: an iteration may hold more of them."),
    key("uncoupled", Form::Tables(COUPLED), "Files that never count as coupled, whatever `[[coupled]]` says."),
    key("fence", Form::Table(FENCE), "The fence that commands need."),
    key("run", Form::Table(RUN), "What an agent's harness gets in the fence of `guard run`."),
    key(
        "content",
        Form::Tables(CONTENT),
        "What changed files must hold before a change is kept. Tables of all layers add up.",
    ),
    key("database", Form::Tables(DATABASE), "A database that can be asked by name: `guard db query --db NAME`."),
    key("sql", Form::Tables(SQL), "What queries may name. Tables of all layers add up; what any forbids is forbidden."),
    key("alpha", Form::Table(ALPHA), "What queries may not find out about markets and trades."),
    key("service", Form::Tables(SERVICE), "Something that listens and can be opened to a rule's commands by name."),
    key(
        "rule",
        Form::Tables(RULE),
        "What a command must look like, what is said of it, and what it gets if it is allowed.",
    ),
];

/// `[shell]`.
pub(crate) static SHELL: &[Key] = &[key(
    "whitelist",
    Form::Regex,
    "A regular expression over the name of the program that was found: the whole name, or all but a version. \
     What is on it needs no rule to be allowed.",
)];

/// `[limits]`.
pub(crate) static LIMITS: &[Key] = &[
    key("timeout", Form::Duration, "Time for one command."),
    key("memory", Form::Size, "Resident memory of all of a command's processes."),
    key("memory_window", Form::Duration, "How long `memory` may be exceeded."),
    key("file_size", Form::Size, "The largest file a command may leave behind."),
    key("total_write", Form::Size, "What a command may write in all."),
    key("undo", Form::Size, "What is kept of what changes replaced, over all of them, so that they can be undone."),
    key("output", Form::Size, "What a command may print in all."),
    key("cpu", Form::Duration, "Processor time of all of a command's processes together."),
    key("processes", Form::Number, "Processes and threads that a command may have at once."),
    key("open_files", Form::Number, "Files that one process may hold open."),
    key("parallel", Form::Number, "Commands that may run at once in a project."),
];

/// `[attempts]`.
pub(crate) static ATTEMPTS: &[Key] = &[
    key("total", Form::Number, "Failures over all categories."),
    key("syntax", Form::Number, "Syntax errors."),
    key("import", Form::Number, "Import errors."),
    key("type", Form::Number, "Type errors."),
    key("test", Form::Number, "Failing tests."),
    key("runtime", Form::Number, "Errors of a dry run."),
    key("database", Form::Number, "Errors of a database."),
    key("denials", Form::Number, "Refusals of the same target."),
];

/// `[loop]`.
pub(crate) static LOOP: &[Key] = &[
    key(
        "install",
        Form::Boolean,
        "Whether guard mends an import error itself, by installing what `requirements.txt` names; not by default.",
    ),
    key(
        "silence",
        Form::Duration,
        "Time for which an agent may neither print nor ask for anything; 10 min by default.",
    ),
    key("agent_runs", Form::Number, "Runs of the agent, over all phases of a plan; 30 by default."),
    key("wall", Form::Duration, "Time for a plan, waiting for a person not counted; 8 h by default."),
];

/// `[approvals]`.
pub(crate) static APPROVALS: &[Key] = &[
    key("request", Form::Duration, "How long a request waits for an answer."),
    key("use", Form::Duration, "How long an approval waits for its use."),
    key("waiting", Form::Number, "Requests that may wait at once."),
    key(
        "command",
        Form::Word(|| words(&Strength::WORDS)),
        "The least an answer to a command must be; left out: a signature once there is an approver, else a terminal.",
    ),
    key("resume", Form::Word(|| words(&Strength::WORDS)), "The same for going on after a halt."),
];

/// `[iteration]`.
pub(crate) static ITERATION: &[Key] = &[
    key("files", Form::Number, "Files that one iteration may change, unless every two of them are coupled."),
    key("folder", Form::Number, "Files of one folder that one iteration may change, coupled or not."),
    key(
        "outputs",
        Form::Texts,
        "Path globs over what builds and installations make: it does not count as files, and its links may lead to installed programs.",
    ),
];

/// `[[coupled]]` and `[[uncoupled]]`.
pub(crate) static COUPLED: &[Key] = &[
    required(key("name", Form::Text, "What the files are to each other: \"a class and its test\".")),
    required(key(
        "files",
        Form::Texts,
        "Patterns from the project's root: files of two of them belong together where a `{name}` holds the same in both; \
         `{**name}/` holds folders, `*`, `?` and `**` hold anything, \
         and `|` stands between patterns of one place.",
    )),
];

/// `[fence]`.
pub(crate) static FENCE: &[Key] = &[
    key("require", Form::Word(|| words(REQUIRES)), "The weakest fence in which a command may run."),
    key(
        TOOLCHAIN,
        Form::Words,
        "Files and folders of the home (\"~/.cargo\") and of the system's closed folders (\"/etc/odbc.ini\") that \
         commands may read; with `!` in front, what they may not read wherever it lies (\"!services/.env\" in the \
         project). Lists of all layers add up; where the machine's policy has one, no other opens anything.",
    ),
];

/// `[run]`.
pub(crate) static RUN: &[Key] = &[
    key("env", Form::Texts, "Variables of guard's environment that the agent's harness gets."),
    key("hosts", Form::Texts, "Hosts it may connect to by TLS on port 443: those of its model."),
    key(
        "folders",
        Form::Words,
        "Files and folders that it may write to: its sessions and credentials (\"~/.claude\").",
    ),
    key(
        "settings",
        Form::Words,
        "Files and folders in these that stay read-only: its settings, hooks and servers (\"~/.claude/settings.json\"). \
         Each must be there. Lists of all layers add up; of the others the machine's, where it has one, is the only one.",
    ),
    key("timeout", Form::Duration, "How long it may run: 24 h unless it is given."),
    key("memory", Form::Size, "Resident memory of all of its processes: 4 GB unless it is given."),
];

/// The list in `[fence]` of what may be read.
pub(crate) const TOOLCHAIN: &str = "toolchain";

/// `[[content]]`.
pub(crate) static CONTENT: &[Key] = &[
    required(key("paths", Form::Texts, "Path globs over the changed files that are meant.")),
    key("checks", Form::SomeOf(|| words(content::CHECKS)), "What is checked there."),
    key(
        "except",
        Form::SomeOf(|| words(content::CHECKS)),
        "What is not checked there, whichever table before wants it; only what the machine's policy wants stays.",
    ),
];

/// `[[service]]`.
pub(crate) static SERVICE: &[Key] = &[
    required(key("name", Form::Text, "The name by which rules open it.")),
    required(key("address", Form::Address, "Its address and port; names are not looked up.")),
    required(key("kind", Form::Word(|| words(KINDS)), "What it is.")),
    key(
        "url_env",
        Form::Text,
        "The environment variable whose URL says as whom commands connect: its posture is checked as that user.",
    ),
    key("trusted", Form::Boolean, "Whether it is opened without a check of its posture."),
];

/// `[[rule]]`.
pub(crate) static RULE: &[Key] = &[
    required(key("id", Form::Id, "Its name, in lower-case letters, digits and dashes; no two rules share one.")),
    when(
        "program",
        Form::Texts,
        "The program: a name (version aside), a glob over names, or its file's path.",
        "its program is {}",
    ),
    when(
        "subcommand",
        Form::Texts,
        "How its operands begin: \"stash drop\"; with `!` in front, how they do not.",
        "its operands begin with {}",
    ),
    when(
        "flags_any",
        Form::Texts,
        "Flags of which one must be there, bundled or not; \"--mode=live\" looks at the value, a glob.",
        "one of its flags is {}",
    ),
    when("flags_all", Form::Texts, "Flags that must all be there.", "its flags hold each of {}"),
    when("flags_none", Form::Texts, "Flags of which none may be there.", "none of its flags is {}"),
    apart(
        "args",
        Form::Texts,
        "Globs over its arguments; an allowing rule needs every operand to match.",
        "every operand is {}",
        "one of its arguments is {}",
    ),
    apart(
        "exactly",
        Form::Words,
        "Its arguments, all of them, in this order and as they are; an allowing rule means the command alone: nothing \
         set, redirected, before, behind or around it, and a program that is named by its file only by that name.",
        "its arguments are exactly {}, and nothing stands beside it",
        "its arguments are exactly {}",
    ),
    apart(
        "reads",
        Form::Texts,
        "Globs over the paths it reads, links followed: input redirections, and what its program is known to read.",
        "every path it reads is {}",
        "it reads {}",
    ),
    apart(
        "writes_to",
        Form::Texts,
        "Globs over the paths it creates, changes or removes, links followed: output redirections, and what its \
         program is known to do. \"!**\" is everything outside the project.",
        "every path it writes to is {}",
        "it writes to {}",
    ),
    apart(
        "removes",
        Form::Texts,
        "Globs over the paths it removes or renames away, links followed.",
        "every path it removes is {}",
        "it removes {}",
    ),
    when("operands_most", Form::Count, "How many operands it has at most; 0: none.", "it has at most {} operands"),
    when(
        "names_files",
        Form::Boolean,
        "Whether an operand behind the subcommand names something that is there.",
        "that an operand names something that is there is {}",
    ),
    apart(
        "code",
        Form::Texts,
        "Globs over program text it is handed: `python -c`, a here-document for `python -`.",
        "all program text it is handed is {}",
        "program text it is handed is {}",
    ),
    when(
        "beside",
        Form::Texts,
        "Programs one of which may run at the same time: in the background, in its pipeline, in rounds of `xargs -P`.",
        "beside it may run {}",
    ),
    apart(
        "assigns",
        Form::Texts,
        "Globs over the variables set for it; \"PAGER=cat\" looks at the value as well.",
        "every variable set for it is {}",
        "a variable set for it is {}",
    ),
    when("wrapped", Form::Texts, "What stands around it: \"xargs\", \"sudo\".", "it is started by {}"),
    when(
        "stdin",
        Form::Word(|| words(STDINS)),
        "Where its standard input comes from; `code`: it takes its program text from there.",
        "its standard input is {}",
    ),
    when(
        "unprovable",
        Form::Boolean,
        "Whether something about it only the run will tell.",
        "that only the run will tell something about it is {}",
    ),
    apart(
        "url",
        Form::Texts,
        "Globs over the hosts of addresses among its arguments.",
        "every host it names is {}",
        "a host it names is {}",
    ),
    when(
        "folder",
        Form::Texts,
        "Globs over the folder it starts in: from the project's root, which is \".\", or absolute.",
        "it starts in the folder {}",
    ),
    when("task", Form::Texts, "Globs over the caller's label of the task, which the caller chooses.", "the task is {}"),
    when("mode", Form::Texts, "Globs over the project's mode.", "the project's mode is {}"),
    when("phase", Form::Texts, "Globs over the plan's phase.", "the plan's phase is {}"),
    when(
        "in_plan",
        Form::Boolean,
        "Whether the open phase of the plan names every path of `writes_to` that is written to, letter for letter: what a \
         plan says so is not asked once more.",
        "that the open phase names what it writes to is {}",
    ),
    required(key(
        "verdict",
        Form::Word(|| words(VERDICTS)),
        "What it says; the strictest rule that matches wins, and what nothing matches is asked.",
    )),
    required(key("reason", Form::Text, "Why it is there: a fragment without a full stop, shown with every refusal.")),
    key("instead", Form::Text, "What to do in its place."),
    key("hits", Form::Texts, "Command lines that it must match, tried whenever the policy is read."),
    key("misses", Form::Texts, "Command lines that it must not match."),
    gives("timeout", Form::Timeout, "Time for the command: \"5min\", or \"--duration + 1min, at most 6min\"."),
    gives("network", Form::Word(|| words(NETWORKS)), "What it may reach."),
    gives("hosts", Form::Texts, "The hosts it may reach, with `network = \"hosts\"`."),
    gives("services", Form::Texts, "Names of [[service]] tables that are opened to it."),
    gives(
        "writes",
        Form::BooleanOrWord(|| words(WRITES)),
        "What it may write: nothing, the project, parts of `.git`, or a virtual environment.",
    ),
    gives("env", Form::Texts, "Names of variables it gets besides the usual ones."),
    gives(
        "dotenv",
        Form::Boolean,
        "Whether it may read the project's `.env` and `.env.NAME` files, which are unreadable otherwise.",
    ),
    gives("check", Form::Word(|| words(CHECKS)), "What it checks: its success is evidence, its failure an attempt."),
    gives("runner", Form::Word(|| words(RUNNERS)), "Runs it by guard itself, outside the fence."),
];

/// A file of cases.
pub(crate) static CASES: &[Key] = &[key("case", Form::Tables(CASE), "A command and the verdict it must get.")];

/// `[[case]]`.
pub(crate) static CASE: &[Key] = &[
    key("name", Form::Text, "What a person calls the case."),
    key("command", Form::Text, "A line for bash."),
    key("argv", Form::Texts, "A program and its arguments, instead of `command`."),
    required(key("expect", Form::Word(|| words(VERDICTS)), "The verdict it must get.")),
    key("rule", Form::Text, "The rule that must be among those that decide."),
    key("task", Form::Text, "What the caller calls the task."),
];

/// A person's or a machine's configuration of guard.
pub(crate) static CONFIG: &[Key] = &[key("notify", Form::Table(NOTIFY), "Who is told what a person has to see.")];

/// `[notify]`.
pub(crate) static NOTIFY: &[Key] = &[
    key(
        "command",
        Form::Texts,
        "A program and its arguments, started with the notice on its standard input; no shell.",
    ),
    key("webhook", Form::Text, "An address that the notice is posted to."),
    key("secret_file", Form::Text, "The file with the key that posts are signed with, in the configuration's folder."),
    key(
        "ca_file",
        Form::Text,
        "A PEM file of authorities trusted besides the system's, in the configuration's folder.",
    ),
    key("events", Form::Texts, "What is told: \"request\", \"escalation\"; left out, both."),
    key("timeout", Form::Duration, "Time for one try: 10 s for a webhook, 30 s for a command unless it is given."),
    key("retry", Form::Duration, "Pause before the second of three tries, a quarter of that before the third: 1 s."),
];

impl Key {
    /// The key of that name in `table`.
    pub(crate) fn of(table: &'static [Key], name: &str) -> Option<&'static Key> {
        table.iter().find(|key| key.name == name)
    }

    /// Whether its words mean themselves: no patterns, and their order counts.
    pub(crate) fn takes_words_as_they_are(&self) -> bool {
        matches!(self.form, Form::Words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_once_in_its_table_and_says_what_it_is_for() {
        for table in [
            POLICY, SHELL, LIMITS, ATTEMPTS, LOOP, ITERATION, COUPLED, FENCE, RUN, SERVICE, RULE, CASES, CASE, CONFIG,
            NOTIFY,
        ] {
            let mut names: Vec<&str> = table.iter().map(|key| key.name).collect();
            names.sort_unstable();
            let known = names.len();
            names.dedup();
            assert_eq!(names.len(), known);
            assert!(table.iter().all(|key| key.about.ends_with(['.', ':'])));
            assert!(table.iter().filter_map(|key| key.condition).all(|c| c.allowing.contains("{}")));
        }
    }
}
