//! Reads `[[rule]]`: every key, checked, with all faults of all rules.
//! Knows the keys; what they mean when a command is judged is said in `judging`.

use super::Layer;
use super::glob::{Glob, PathPattern, Pattern};
use super::keys::RULE;
use super::quantity;
use super::read::{At, Reader, Table};
use super::rule::{
    Check, Conditions, Example, Examples, Flag, Gives, Network, ProgramName, Rule, RuleText, Runner, StdinIs,
    Subcommand, Timeout, Writes,
};
use crate::decide::Verdict;
use std::ops::Range;

/// A rule as one source has it.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    /// The rule.
    pub(crate) rule: Rule,
    /// What people read of it.
    pub(crate) text: RuleText,
    /// Its examples.
    pub(crate) examples: Examples,
    /// Where its id stands.
    pub(crate) id_span: Range<usize>,
    /// The services it opens, for a check over all sources.
    pub(crate) services: Vec<At<String>>,
}

/// The words of `verdict`.
pub(crate) const VERDICTS: &[(&str, Verdict)] =
    &[("allow", Verdict::Allow), ("ask", Verdict::Ask), ("deny", Verdict::Deny)];
/// The words of `stdin`.
pub(crate) const STDINS: &[(&str, StdinIs)] =
    &[("code", StdinIs::Code), ("pipe", StdinIs::Pipe), ("file", StdinIs::File), ("text", StdinIs::Text)];
/// The words of `network`.
pub(crate) const NETWORKS: &[(&str, Network)] =
    &[("none", Network::None), ("loopback", Network::Loopback), ("hosts", Network::Hosts)];
/// The words of `check`.
pub(crate) const CHECKS: &[(&str, Check)] =
    &[("test", Check::Test), ("type", Check::Type), ("syntax", Check::Syntax), ("format", Check::Format)];
/// The words of `writes`, beside `true` and `false`.
pub(crate) const WRITES: &[(&str, Writes)] = &[("git", Writes::Git), ("venv", Writes::Venv)];
/// The words of `runner`.
pub(crate) const RUNNERS: &[(&str, Runner)] = &[("compose", Runner::Compose)];

/// Reads all rules of one source.
pub(crate) fn read(reader: &mut Reader<'_>, root: Table<'_, '_>, layer: Layer) -> Vec<Read> {
    let tables = reader.tables(root, "rule", "[[rule]]");
    tables.into_iter().filter_map(|(table, span)| rule(reader, table, span, layer)).collect()
}

fn rule(reader: &mut Reader<'_>, table: Table<'_, '_>, span: Range<usize>, layer: Layer) -> Option<Read> {
    reader.only(table, RULE);
    reader.required(table, RULE, &span, "a rule");
    let id = id(reader, table);
    let verdict = reader.choice(table, "verdict", VERDICTS);
    let reason = reader.string(table, "reason");
    let instead = reader.string(table, "instead").map(|at| at.value);
    let when = conditions(reader, table);
    if when.is_empty() && id.is_some() && !RULE.iter().any(|key| key.condition.is_some() && table.has(key.name)) {
        let help = "say what it looks for: `program`, `args`, `writes_to`, …";
        reader.fault(span.clone(), "a rule without a condition would match every command", help);
    }
    if verdict.as_ref().is_some_and(|at| at.value == Verdict::Allow) && !when.is_empty() && !table.has("program") {
        let help = "add `program`, or ask or deny instead";
        reader.fault(span.clone(), "an allowing rule without `program` would allow every program", help);
    }
    let (gives, services) = gives(reader, table, verdict.as_ref().map(|at| at.value));
    let examples = Examples { hits: examples(reader, table, "hits"), misses: examples(reader, table, "misses") };
    let (id, verdict, reason) = (id?, verdict?.value, reason?.value);
    let at = reader.place(&id.span);
    let text = RuleText { id: id.value, reason, instead, at };
    Some(Read {
        rule: Rule { layer, verdict, only_program: when.only_program(), when, gives },
        text,
        examples,
        id_span: id.span,
        services,
    })
}

fn id(reader: &mut Reader<'_>, table: Table<'_, '_>) -> Option<At<String>> {
    let id = reader.string(table, "id")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.value.is_empty() || !id.value.chars().all(plain) {
        let help = "lower-case letters, digits and dashes; `guard:` in front is kept for built-in rules";
        reader.fault(id.span, format!("`{}` cannot be an id", id.value), help);
        return None;
    }
    Some(id)
}

fn examples(reader: &mut Reader<'_>, table: Table<'_, '_>, key: &str) -> Vec<Example> {
    let lines = reader.strings(table, key).unwrap_or_default();
    lines.into_iter().map(|at| Example { line: at.value, span: at.span }).collect()
}

fn conditions(reader: &mut Reader<'_>, table: Table<'_, '_>) -> Conditions {
    Conditions {
        programs: each(reader, table, "program", program),
        subcommands: each(reader, table, "subcommand", subcommand),
        flags_any: each(reader, table, "flags_any", flag),
        flags_all: each(reader, table, "flags_all", flag),
        flags_none: each(reader, table, "flags_none", flag),
        args: each(reader, table, "args", Pattern::read),
        exactly: reader.words(table, "exactly"),
        reads: each(reader, table, "reads", PathPattern::read),
        writes_to: each(reader, table, "writes_to", PathPattern::read),
        removes: each(reader, table, "removes", PathPattern::read),
        operands_most: reader.integer(table, "operands_most", 0).map(|at| at.value as usize),
        names_files: reader.boolean(table, "names_files").map(|at| at.value),
        code: each(reader, table, "code", Pattern::read),
        beside: each(reader, table, "beside", program),
        assigns: each(reader, table, "assigns", Pattern::read),
        wrapped: each(reader, table, "wrapped", name),
        stdin: reader.choice(table, "stdin", STDINS).map(|at| at.value),
        unprovable: reader.boolean(table, "unprovable").map(|at| at.value),
        url: each(reader, table, "url", Pattern::read),
        folder: each(reader, table, "folder", PathPattern::read),
        task: each(reader, table, "task", Pattern::read),
        mode: each(reader, table, "mode", Pattern::read),
        phase: each(reader, table, "phase", Pattern::read),
        in_plan: reader.boolean(table, "in_plan").map(|at| at.value),
    }
}

/// Reads each string under `key` by `one`, whose error is a fragment.
pub(super) fn each<T>(
    reader: &mut Reader<'_>,
    table: Table<'_, '_>,
    key: &str,
    one: impl Fn(&str) -> Result<T, String>,
) -> Vec<T> {
    let mut values = Vec::new();
    for text in reader.strings(table, key).unwrap_or_default() {
        match one(&text.value) {
            Ok(value) => values.push(value),
            Err(cause) => {
                let message = format!("`{}` in `{key}` cannot be used: {cause}", text.value);
                reader.fault(text.span, message, advice(key));
            }
        }
    }
    values
}

fn advice(key: &str) -> &'static str {
    match key {
        "program" => "a name without version (\"python\"), a glob (\"mkfs*\") or a path (\"./run.sh\")",
        "subcommand" => "the words as they follow the program: \"stash drop\"",
        "flags_any" | "flags_all" | "flags_none" => {
            "one flag as it is written, with its value if that matters: \"--mode=live\""
        }
        "beside" => "a name without version (\"pytest\"), or a glob",
        "wrapped" => "a wrapper's name: \"xargs\"",
        "timeout" => "write it as \"60s\", \"5min\", or \"--duration + 1min, at most 6min\" to follow a flag",
        "services" => "the `name` of a [[service]]",
        "hosts" => "a host name: \"pypi.org\"",
        "env" => "a variable's name: \"DATABASE_URL_TEST\"",
        _ => "`*` is any text, `?` a character, `[ab]` a choice; a backslash takes a character as it is",
    }
}

fn program(text: &str) -> Result<ProgramName, String> {
    if text.contains('/') {
        return PathPattern::read(text).map(ProgramName::Path);
    }
    if text.contains(['*', '?', '[', '{']) && text != "[" {
        return Glob::word(text).map(ProgramName::Glob);
    }
    name(text).map(ProgramName::Name)
}

fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_whitespace) || text.contains('/') {
        return Err("it is not one name".to_owned());
    }
    Ok(text.to_owned())
}

fn subcommand(text: &str) -> Result<Subcommand, String> {
    let (negated, rest) = match text.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let words: Vec<Glob> = rest.split_whitespace().map(Glob::word).collect::<Result<_, _>>()?;
    if words.is_empty() { Err("it is empty".to_owned()) } else { Ok(Subcommand { negated, words }) }
}

/// `60s`, or `--duration + 1min, at most 6min`.
fn timeout(text: &str) -> Result<Timeout, String> {
    let fixed = |text: &str| quantity::duration(text).filter(|duration| !duration.is_zero());
    let wrong = || "it is not a duration".to_owned();
    if !text.starts_with('-') {
        return fixed(text).map(Timeout::Fixed).ok_or_else(wrong);
    }
    let (flag, rest) = text.split_once('+').ok_or_else(wrong)?;
    let (plus, most) = rest.split_once(", at most").ok_or_else(wrong)?;
    let flag = self::flag(flag.trim())?;
    let (plus, most) = (fixed(plus).ok_or_else(wrong)?, fixed(most).ok_or_else(wrong)?);
    Ok(Timeout::Flag { flag: flag.name, plus, most })
}

fn flag(text: &str) -> Result<Flag, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(Glob::word(value)?)),
        None => (text, None),
    };
    if !name.starts_with(['-', '+']) || name.len() < 2 || name == "--" || name.contains(char::is_whitespace) {
        return Err("it is not one flag".to_owned());
    }
    Ok(Flag { name: name.to_owned(), value })
}

fn gives(reader: &mut Reader<'_>, table: Table<'_, '_>, verdict: Option<Verdict>) -> (Gives, Vec<At<String>>) {
    if verdict.is_some_and(|verdict| verdict != Verdict::Allow) {
        for key in RULE.iter().filter(|key| key.gives).map(|key| key.name) {
            if let Some(span) = reader.key(table, key) {
                let help = format!("leave `{key}` out, or set `verdict = \"allow\"`");
                reader.fault(span, format!("`{key}` is for allowed commands only"), help);
            }
        }
    }
    let services = reader.strings(table, "services").unwrap_or_default();
    let gives = Gives {
        timeout: each(reader, table, "timeout", timeout).pop(),
        network: reader.choice(table, "network", NETWORKS).map(|at| at.value),
        hosts: table.has("hosts").then(|| each(reader, table, "hosts", host)),
        services: table.has("services").then(|| services.iter().map(|at| at.value.clone()).collect()),
        writes: writes(reader, table),
        env: table.has("env").then(|| each(reader, table, "env", variable)),
        dotenv: reader.boolean(table, "dotenv").map(|at| at.value),
        check: reader.choice(table, "check", CHECKS).map(|at| at.value),
        runner: reader.choice(table, "runner", RUNNERS).map(|at| at.value),
    };
    if let (Some(span), true) = (reader.key(table, "hosts"), gives.network != Some(Network::Hosts)) {
        reader.fault(span, "`hosts` without `network = \"hosts\"`", "add it, or leave `hosts` out");
    }
    if let (Some(span), true, None) =
        (reader.key(table, "network"), gives.network == Some(Network::Hosts), &gives.hosts)
    {
        reader.fault(span, "`network = \"hosts\"` without `hosts`", "name them: `hosts = [\"pypi.org\"]`");
    }
    (gives, services)
}

fn writes(reader: &mut Reader<'_>, table: Table<'_, '_>) -> Option<Writes> {
    if reader.is_boolean(table, "writes") {
        let whole = reader.boolean(table, "writes")?.value;
        return Some(if whole { Writes::Project } else { Writes::Nothing });
    }
    reader.choice(table, "writes", WRITES).map(|at| at.value)
}

pub(super) fn host(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if text.is_empty() || text.starts_with(['.', '-']) || !text.chars().all(plain) {
        return Err("it is not a host name".to_owned());
    }
    Ok(text.to_ascii_lowercase())
}

pub(super) fn variable(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) || !text.chars().all(plain) {
        return Err("it is not a variable's name".to_owned());
    }
    Ok(text.to_owned())
}
