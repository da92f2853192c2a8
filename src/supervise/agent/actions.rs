//! A scripted agent's file: what it does, attempt by attempt. Read, never done, here.
//! Knows no files.

use crate::decide::policy::duration;
use serde::Deserialize;
use std::ops::Range;
use std::time::Duration;
use toml::{Spanned, Value};

/// The word for every attempt that has no actions of its own.
const ANY: &str = "any";

/// All actions of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Actions(Vec<Attempt>);

/// What is done in one attempt at one phase.
#[derive(Debug, Clone, PartialEq)]
struct Attempt {
    phase: String,
    /// None: in any other attempt.
    attempt: Option<u64>,
    steps: Vec<Step>,
}

/// One action.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is done.
    pub act: Act,
    /// Whether it ends the run where its call of guard fails.
    pub must: bool,
    /// The line in the file, from 1.
    pub line: usize,
}

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A call of guard.
    Call(Call),
    /// Something the agent says, as its `say`.
    Say(String),
    /// A line that is printed as it stands.
    Print(String),
    /// A line of that many bytes.
    PrintBytes(u64),
    /// What the run is said to have cost so far, in US dollars.
    Cost(f64),
    /// Nothing, for a while.
    Sleep(Duration),
    /// The end, with an exit code.
    Exit(u8),
    /// Nothing, for ever.
    Hang,
    /// A process that goes on by itself and ignores that it is to end.
    Fork,
}

/// A call of guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The kind of action: `exec`, `write`, `edit`, `db`.
    pub kind: &'static str,
    /// What it is about, in a line.
    pub what: String,
    /// The words after `guard`.
    pub words: Vec<String>,
    /// Standard input; none: there is nothing on it.
    pub input: Option<String>,
}

/// Why a file is not one of actions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unread {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    attempt: Vec<RawAttempt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAttempt {
    phase: Spanned<String>,
    attempt: Spanned<Value>,
    #[serde(default, rename = "do")]
    steps: Vec<Spanned<RawStep>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    exec: Option<Spanned<Value>>,
    write: Option<String>,
    content: Option<String>,
    edit: Option<String>,
    find: Option<String>,
    replace: Option<String>,
    reason: Option<String>,
    db: Option<RawDb>,
    say: Option<String>,
    print: Option<String>,
    print_bytes: Option<u64>,
    cost: Option<f64>,
    sleep: Option<Spanned<String>>,
    exit: Option<u8>,
    hang: Option<Spanned<bool>>,
    fork: Option<Spanned<bool>>,
    must: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDb {
    database: String,
    sql: String,
    #[serde(default)]
    test: bool,
}

/// What is wrong, and where in the text.
struct Wrong(Range<usize>, String);

impl Actions {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first thing in it that is wrong.
    pub fn read(text: &str) -> Result<Self, Unread> {
        let at = |span: &Range<usize>| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count();
        let raw: RawFile = toml::from_str(text).map_err(|error| Unread {
            line: error.span().map_or(1, |span| at(&span)),
            what: error.message().trim().replace('\n', ", "),
        })?;
        let mut all: Vec<Attempt> = Vec::new();
        for raw in raw.attempt {
            let span = raw.phase.span();
            let attempt = attempt(raw, &at).map_err(|Wrong(span, what)| Unread { line: at(&span), what })?;
            if all.iter().any(|other| other.phase == attempt.phase && other.attempt == attempt.attempt) {
                let what = format!("phase `{}` has actions for this attempt already", attempt.phase);
                return Err(Unread { line: at(&span), what });
            }
            all.push(attempt);
        }
        Ok(Self(all))
    }

    /// What is done in an attempt: its own actions, else those of any attempt at the phase, else none.
    pub fn of(&self, phase: &str, attempt: u64) -> &[Step] {
        let of = |wanted: Option<u64>| self.0.iter().find(|own| own.phase == phase && own.attempt == wanted);
        of(Some(attempt)).or_else(|| of(None)).map_or(&[], |own| &own.steps)
    }
}

fn attempt(raw: RawAttempt, at: &dyn Fn(&Range<usize>) -> usize) -> Result<Attempt, Wrong> {
    let number = match raw.attempt.get_ref() {
        Value::Integer(number) if *number > 0 => Ok(u64::try_from(*number).ok()),
        Value::String(word) if word == ANY => Ok(None),
        Value::Integer(_)
        | Value::String(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_) => Err(format!("`attempt` is a number from 1, or `\"{ANY}\"`")),
    };
    let number = number.map_err(|what| Wrong(raw.attempt.span(), what))?;
    let steps = raw.steps.into_iter().map(|raw| {
        let span = raw.span();
        step(raw.into_inner(), &span).map(|(act, must)| Step { act, must, line: at(&span) })
    });
    Ok(Attempt { phase: raw.phase.into_inner(), attempt: number, steps: steps.collect::<Result<_, _>>()? })
}

const ONE: &str = "an action is one of `exec`, `write`, `edit`, `db`, `say`, `print`, `print_bytes`, `cost`, `sleep`, `exit`, \
                   `hang`, `fork`";

fn step(raw: RawStep, span: &Range<usize>) -> Result<(Act, bool), Wrong> {
    let here = |what: &str| Wrong(span.clone(), what.to_owned());
    let reason = raw.reason.clone().unwrap_or_else(|| "by a script".to_owned());
    let (content, find, replace) = (raw.content, raw.find, raw.replace);
    let stray = match (&raw.write, &raw.edit) {
        (None, _) if content.is_some() => Some("`content` is of `write`"),
        (_, None) if find.is_some() || replace.is_some() => Some("`find` and `replace` are of `edit`"),
        (None, None) if raw.reason.is_some() => Some("`reason` is of `write` and `edit`"),
        (_, _) => None,
    };
    if let Some(stray) = stray {
        return Err(here(stray));
    }
    let mut acts = Vec::new();
    if let Some(asked) = raw.exec {
        acts.push(Act::Call(exec(asked)?));
    }
    if let Some(path) = raw.write {
        let content = content.ok_or_else(|| here("`write` needs `content`"))?;
        acts.push(Act::Call(write(path, content, &reason)));
    }
    if let Some(path) = raw.edit {
        let (Some(find), Some(replace)) = (find, replace) else {
            return Err(here("`edit` needs `find` and `replace`"));
        };
        acts.push(Act::Call(edit(path, find, replace, reason)));
    }
    acts.extend(raw.db.map(|raw| Act::Call(db(raw))));
    acts.extend(raw.say.map(Act::Say));
    acts.extend(raw.print.map(Act::Print));
    acts.extend(raw.print_bytes.map(Act::PrintBytes));
    if let Some(cost) = raw.cost {
        acts.push(Act::Cost(cost));
    }
    if let Some(text) = raw.sleep {
        let long = duration(text.get_ref());
        acts.push(Act::Sleep(long.ok_or_else(|| Wrong(text.span(), "`sleep` is a time, as `2s`".to_owned()))?));
    }
    acts.extend(raw.exit.map(Act::Exit));
    acts.extend(flag(raw.hang, Act::Hang)?);
    acts.extend(flag(raw.fork, Act::Fork)?);
    let mut acts = acts.into_iter();
    match (acts.next(), acts.next(), raw.must) {
        (None, _, _) | (_, Some(_), _) => Err(here(ONE)),
        (Some(act @ Act::Call(_)), None, must) => Ok((act, must.unwrap_or(false))),
        (Some(_), None, Some(_)) => Err(here("`must` is of `exec`, `write`, `edit` and `db`")),
        (Some(act), None, None) => Ok((act, false)),
    }
}

fn flag(raw: Option<Spanned<bool>>, act: Act) -> Result<Option<Act>, Wrong> {
    match raw {
        None => Ok(None),
        Some(flag) if *flag.get_ref() => Ok(Some(act)),
        Some(flag) => Err(Wrong(flag.span(), "what is not done is left out".to_owned())),
    }
}

fn exec(asked: Spanned<Value>) -> Result<Call, Wrong> {
    let wrong =
        || Wrong(asked.span(), "`exec` is a line for bash, or a list of a program and its arguments".to_owned());
    let call = |words: Vec<String>, what: String| Call { kind: "exec", what, words, input: None };
    match asked.get_ref() {
        Value::String(line) => Ok(call(vec!["exec".into(), "-c".into(), line.clone()], line.clone())),
        Value::Array(all) if !all.is_empty() => {
            let argv: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
            let argv = argv.ok_or_else(wrong)?;
            let words = ["exec", "--"].into_iter().chain(argv.iter().copied()).map(str::to_owned).collect();
            Ok(call(words, argv.join(" ")))
        }
        Value::Array(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Table(_) => Err(wrong()),
    }
}

fn write(path: String, content: String, reason: &str) -> Call {
    let words = ["file", "write", &format!("--reason={reason}"), "--", &path].map(str::to_owned).to_vec();
    Call { kind: "write", what: path, words, input: Some(content) }
}

fn edit(path: String, find: String, replace: String, reason: String) -> Call {
    // With `=`, so that a text may look like an option.
    let (old, new) = (format!("--old={find}"), format!("--new={replace}"));
    let words = ["file", "edit", &old, &new, &format!("--reason={reason}"), "--", &path].map(str::to_owned).to_vec();
    Call { kind: "edit", what: path, words, input: None }
}

fn db(raw: RawDb) -> Call {
    let mut words = vec!["db".to_owned(), "query".into(), format!("--db={}", raw.database)];
    words.extend(raw.test.then(|| "--test".to_owned()));
    words.extend(["--".to_owned(), raw.sql.clone()]);
    Call { kind: "db", what: raw.sql, words, input: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
[[attempt]]
phase = "1.1"
attempt = 1
[[attempt.do]]
say = "first the test"
[[attempt.do]]
write = "tests/test_a.py"
content = "def test_a():\n    assert True\n"
reason = "the criterion"
must = true
[[attempt.do]]
exec = "pytest tests/ | tail -n 1"
[[attempt.do]]
exec = ["pytest", "-q", "a b"]
[[attempt.do]]
edit = "-a.py"
find = "-1"
replace = "--new"
[[attempt.do]]
db = { database = "trades", sql = "SELECT 1", test = true }
[[attempt.do]]
sleep = "1m30s"

[[attempt]]
phase = "1.1"
attempt = "any"
do = [{ cost = 0.5 }, { print = "{" }, { print_bytes = 10 }, { fork = true }, { hang = true }, { exit = 3 }]
"#;

    fn call(kind: &'static str, what: &str, words: &[&str], input: Option<&str>) -> Act {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Act::Call(Call { kind, what: what.to_owned(), words, input: input.map(str::to_owned) })
    }

    #[test]
    fn an_attempt_does_what_its_file_says_in_that_order() {
        let actions = Actions::read(FILE).unwrap();
        let content = "def test_a():\n    assert True\n";
        let write = ["file", "write", "--reason=the criterion", "--", "tests/test_a.py"];
        let edit = ["file", "edit", "--old=-1", "--new=--new", "--reason=by a script", "--", "-a.py"];
        let steps = [
            (Act::Say("first the test".into()), false, 5),
            (call("write", "tests/test_a.py", &write, Some(content)), true, 7),
            (call("exec", "pytest tests/ | tail -n 1", &["exec", "-c", "pytest tests/ | tail -n 1"], None), false, 12),
            (call("exec", "pytest -q a b", &["exec", "--", "pytest", "-q", "a b"], None), false, 14),
            (call("edit", "-a.py", &edit, None), false, 16),
            (call("db", "SELECT 1", &["db", "query", "--db=trades", "--test", "--", "SELECT 1"], None), false, 20),
            (Act::Sleep(Duration::from_secs(90)), false, 22),
        ];
        let steps = steps.map(|(act, must, line)| Step { act, must, line });
        assert_eq!(actions.of("1.1", 1), steps);
    }

    #[test]
    fn another_attempt_is_any_and_another_phase_is_nothing() {
        let actions = Actions::read(FILE).unwrap();
        let any: Vec<_> = actions.of("1.1", 7).iter().map(|step| step.act.clone()).collect();
        let expected =
            [Act::Cost(0.5), Act::Print("{".into()), Act::PrintBytes(10), Act::Fork, Act::Hang, Act::Exit(3)];
        assert_eq!(any, expected);
        assert_eq!(actions.of("1.2", 1), []);
        assert_eq!(Actions::read("").unwrap(), Actions::default());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let attempt = "[[attempt]]\nphase = \"1.1\"\nattempt = 1\n";
        for (text, line, what) in [
            ("x = 1", 1, "unknown field `x`, expected `attempt`"),
            ("[[attempt]]\nattempt = 1", 1, "missing field `phase`"),
            ("[[attempt]]\nphase = \"1.1\"\nattempt = 0", 3, "`attempt` is a number from 1, or `\"any\"`"),
            ("[[attempt]]\nphase = \"1.1\"\nattempt = \"all\"", 3, "`attempt` is a number from 1, or `\"any\"`"),
            ("[[attempt]\n", 1, "unclosed array table, expected `]`"),
            (&format!("{attempt}[[attempt.do]]\nmust = true"), 4, ONE),
            (&format!("{attempt}\n[[attempt.do]]\nsay = \"a\"\nexit = 1"), 5, ONE),
            (&format!("{attempt}[[attempt.do]]\nwrite = \"a\""), 4, "`write` needs `content`"),
            (&format!("{attempt}[[attempt.do]]\nedit = \"a\"\nfind = \"b\""), 4, "`edit` needs `find` and `replace`"),
            (&format!("{attempt}[[attempt.do]]\nexec = \"a\"\ncontent = \"b\""), 4, "`content` is of `write`"),
            (
                &format!("{attempt}[[attempt.do]]\nsay = \"a\"\nreplace = \"b\""),
                4,
                "`find` and `replace` are of `edit`",
            ),
            (&format!("{attempt}[[attempt.do]]\nsay = \"a\"\nreason = \"b\""), 4, "`reason` is of `write` and `edit`"),
            (
                &format!("{attempt}[[attempt.do]]\nsay = \"a\"\nmust = true"),
                4,
                "`must` is of `exec`, `write`, `edit` and `db`",
            ),
            (
                &format!("{attempt}[[attempt.do]]\nexec = []"),
                5,
                "`exec` is a line for bash, or a list of a program and its arguments",
            ),
            (
                &format!("{attempt}[[attempt.do]]\nexec = [\"a\", 1]"),
                5,
                "`exec` is a line for bash, or a list of a program and its arguments",
            ),
            (&format!("{attempt}[[attempt.do]]\nsleep = \"2\""), 5, "`sleep` is a time, as `2s`"),
            (&format!("{attempt}[[attempt.do]]\nhang = false"), 5, "what is not done is left out"),
            (&format!("{attempt}{attempt}"), 5, "phase `1.1` has actions for this attempt already"),
        ] {
            let unread = Actions::read(text).unwrap_err();
            assert_eq!((unread.line, unread.what.as_str()), (line, what), "{text}");
        }
    }
}
