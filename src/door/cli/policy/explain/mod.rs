//! `guard policy explain`: a rule as it is written and meant, or a command with every rule that speaks of it.

mod command;
mod rule;

use super::say;
use crate::action::shell::{Asked, quoted};
use crate::decide::policy::{Written, nearest};
use crate::door::cli::text::{Paint, Tone};
use crate::gate::{Layers, Present, Stop, World, present};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Explain a rule, or what the policy says of a command and why
///
/// One word that is a rule's id, of any layer or guard's own, shows the rule: its file and line, when it matches, what it
/// gives, its examples. Anything else is judged as a command: every rule that matched, which answered which, which nearly
/// matched and by what condition they did not, and what it would get. Nothing is run; the policy counts as it stands,
/// trusted or not.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard policy explain guard:not-listed
  guard policy explain pip install requests
  guard policy explain -c 'pytest -q | tee report.txt'

Exit code 0, whatever the verdict; 78: the policy is invalid.")]
pub(crate) struct Explain {
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// What the task is called, for rules that look at it
    #[arg(long, value_name = "LABEL")]
    task: Option<String>,
    /// A line for bash
    #[arg(short = 'c', value_name = "COMMAND LINE", conflicts_with = "words", allow_hyphen_values = true)]
    line: Option<OsString>,
    /// The id of a rule, or a program and its arguments
    #[arg(
        value_name = "ID|COMMAND",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required_unless_present = "line"
    )]
    words: Vec<OsString>,
}

pub(super) fn run(world: &World, from: &Path, args: Explain) -> Result<ExitCode, Stop> {
    let present = present(world, from, Layers::All)?;
    let paint = Paint::on(&std::io::stdout());
    let id = match args.words.as_slice() {
        [only] if args.line.is_none() => only.to_str(),
        _ => None,
    };
    if let Some(found) = id.and_then(|id| rule::find(&present, id)) {
        let text = if args.json { found.json() } else { found.text(paint) + &untrusted(present.trusted, paint) };
        say(&text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let near = id.and_then(|id| near(&present, id));
    let asked = match (args.line, id) {
        (Some(line), _) => Asked::Line(line),
        (None, Some(line)) if line.contains(char::is_whitespace) => Asked::Line(line.into()),
        (None, _) => Asked::Argv(args.words.clone()),
    };
    let mut note = String::new();
    if let (Some(id), Some(near)) = (id, &near) {
        let _ = writeln!(note, "no rule is called `{id}`; did you mean {near}? Taken as a command:");
    }
    let note = paint.with(Tone::Faint, &note);
    let about = command::Explained::new(world, from, present, asked, args.task)?;
    say(&if args.json { about.json() } else { note + &about.text(paint) })?;
    Ok(ExitCode::SUCCESS)
}

/// The ids nearest to `id`, if some are near enough to be meant.
fn near(present: &Present, id: &str) -> Option<String> {
    let ids: Vec<String> = present.policy.rules().map(|(_, _, text)| text.id).collect();
    let own = crate::decide::own_rules().map(|own| own.id).chain([rule::WHITELIST]);
    let all: Vec<&str> = ids.iter().map(String::as_str).chain(own).collect();
    let within = |known: &&&str| id.len() > 3 && known.contains(id);
    let mut found: Vec<&str> = nearest(id, &all).into_iter().collect();
    found.extend(all.iter().filter(within).take(4));
    found.dedup();
    let found: Vec<String> = found.into_iter().map(str::to_owned).collect();
    (!found.is_empty()).then(|| crate::door::cli::words::listed(&crate::door::cli::words::quoted(&found), "or"))
}

fn untrusted(trusted: bool, paint: Paint) -> String {
    if trusted {
        return String::new();
    }
    let text = "guard.toml is not trusted as it stands: it counts after `guard policy trust`\n";
    paint.with(Tone::Question, text)
}

/// A condition of a rule in words.
fn condition(written: &Written, key: &crate::decide::policy::Key, allowing: bool) -> Option<String> {
    let values = written.values(key.name);
    let condition = key.condition.filter(|_| written.has(key.name))?;
    let words = if allowing { condition.allowing } else { condition.refusing };
    let values = if key.takes_words_as_they_are() { in_order(values) } else { meant(values) };
    Some(words.replace("{}", &values))
}

/// Words as they follow each other.
fn in_order(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    if quoted.is_empty() { "none".to_owned() } else { format!("`{}`", quoted.join(" ")) }
}

/// Longest list that is said whole.
const SAID: usize = 8;

/// A list of patterns in words: what is meant, and what is not.
fn meant(values: &[String]) -> String {
    let plain: Vec<&str> = values.iter().map(String::as_str).filter(|value| !value.starts_with('!')).collect();
    let except: Vec<&str> = values.iter().filter_map(|value| value.strip_prefix('!')).collect();
    match (plain.is_empty(), except.is_empty()) {
        (false, true) => some(&plain),
        (true, _) => format!("anything but {}", some(&except)),
        (false, false) => format!("{}, but not {}", some(&plain), some(&except)),
    }
}

fn some(values: &[&str]) -> String {
    let word = |value: &&str| match *value {
        "**" => "what lies in the project".to_owned(),
        value => format!("`{value}`"),
    };
    let most = if values.len() > SAID { SAID - 2 } else { values.len() };
    let mut said: Vec<String> = values.iter().take(most).map(word).collect();
    if values.len() > most {
        said.push(format!("one of {} more", values.len() - most));
    }
    crate::door::cli::words::listed(&said, "or")
}

fn json(value: &serde_json::Value) -> String {
    format!("{}\n", crate::event::line::safe_json(&value.to_string()))
}
