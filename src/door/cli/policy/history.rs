//! `guard policy replay` and `guard policy unused`: the log's past actions beside the policy as it stands.
//! Shows what the gate found.

use super::say;
use crate::decide::policy::duration;
use crate::decide::{Layer, Verdict};
use crate::door::cli::judged::{Said, said};
use crate::door::cli::text::{Paint, Tone};
use crate::door::cli::words::{self, count};
use crate::event::line::{printable, safe_json};
use crate::gate::{Change, Layers, Present, Project, Replay, Stop, World, present, replay, unused};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// How many changes, and how many actions that cannot be judged again, are shown.
const MOST: usize = 50;

/// Judge the log's past actions by the policy as it stands, and list what would change
///
/// Nothing is run. They are judged in the world as it is now: today's files, programs and environment, the folder they
/// were asked in. What a record no longer holds, since a part was redacted or its blob is gone, is listed with the reason.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard policy replay
  guard policy replay --since 2h
  guard policy replay --since 2026-11-20T08:00:00Z --json

Exit code 0, whether anything would change or not.")]
pub(crate) struct ReplayArgs {
    /// Only what was asked since then: `2h`, `3d`, a date, or a time as RFC 3339 has it (UTC where it names no zone)
    #[arg(long, value_name = "T", value_parser = since)]
    since: Option<DateTime<Utc>>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// List rules that matched nothing in the log's last records
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard policy unused
  guard policy unused --last 20000 --all")]
pub(crate) struct UnusedArgs {
    /// How many records to look at
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    last: u64,
    /// Rules of presets, packs and the machine's layer as well, not only the project's and the person's
    #[arg(long)]
    all: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

fn since(text: &str) -> Result<DateTime<Utc>, String> {
    if let Some(ago) = duration(text).and_then(|ago| chrono::TimeDelta::from_std(ago).ok()) {
        return Utc::now().checked_sub_signed(ago).ok_or_else(|| "that is before there were clocks".to_owned());
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(date.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    let plain = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).ok();
    time.or_else(|| plain.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()).map(|t| t.and_utc()))
        .ok_or_else(|| "write `2h`, `3d`, `2026-11-20` or `2026-11-20T08:00:00Z`".to_owned())
}

/// The policy, and the project whose log is looked at.
fn looked(world: &World, from: &Path) -> Result<(Present, Project), Stop> {
    // First, so that a project without a log is said to have none.
    let project = Project::find(world, from)?;
    Ok((present(world, from, Layers::All)?, project))
}

pub(super) fn run_replay(world: &World, from: &Path, args: ReplayArgs) -> Result<ExitCode, Stop> {
    let (present, project) = looked(world, from)?;
    let replay = replay(world, &present, &project.paths, args.since)?;
    let text = if args.json {
        replayed_json(&replay, args.since)
    } else {
        replayed(&replay, args.since, Paint::on(&std::io::stdout()))
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn stamp(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The rules that decide now, and those that did.
fn rules(change: &Change) -> (Vec<String>, Vec<Said>) {
    let then = change.past.rules.iter().filter(|rule| rule.verdict == change.past.verdict);
    let verdict = change.judgement.verdict().word();
    let decides = |said: &Said| said.verdict == verdict && said.answered_by.is_none();
    (then.map(|rule| rule.id.clone()).collect(), change.judgement.matches().iter().map(said).filter(decides).collect())
}

fn replayed(replay: &Replay, since: Option<DateTime<Utc>>, paint: Paint) -> String {
    let mut out = String::new();
    for change in replay.changes.iter().take(MOST) {
        let (then, now) = rules(change);
        let verdict = change.judgement.verdict();
        let (first, more) = (change.past.seq, change.seqs.len() - 1);
        let number = match change.seqs.last() {
            Some(last) if more > 0 => format!("#{first} and {more} more, the last #{last}"),
            Some(_) | None => format!("#{first}"),
        };
        let text = printable(&change.past.text.clone().unwrap_or_default());
        let _ = writeln!(
            out,
            "{} becomes {}: `{text}` {}",
            paint.word(&change.past.verdict),
            paint.verdict(verdict),
            paint.with(Tone::Faint, &format!("({number})"))
        );
        let _ = writeln!(out, "  then: {}", printable(&words::listed(&then, "and")));
        for said in now {
            let at = paint.with(Tone::Faint, &format!("({})", said.at));
            let _ = writeln!(out, "  now: {}: {} {at}", said.id, printable(&said.reason));
        }
    }
    if replay.changes.len() > MOST {
        let _ = writeln!(out, "and {} more; `--json` has them all", replay.changes.len() - MOST);
    }
    for lost in replay.lost.iter().take(MOST) {
        let _ = writeln!(out, "cannot be judged again: #{} `{}`: {}", lost.seq, printable(&lost.shown), lost.why);
    }
    if replay.lost.len() > MOST {
        let _ = writeln!(out, "and {} more that cannot be judged again", replay.lost.len() - MOST);
    }
    let when = since.map(|since| format!(" since {}", stamp(since))).unwrap_or_default();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for change in &replay.changes {
        let kind = format!("{} becomes {}", change.past.verdict, change.judgement.verdict().word());
        *kinds.entry(kind).or_default() += change.seqs.len();
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, number)| format!("{number} {kind}")).collect();
    let judged = count(replay.actions, "action", "actions");
    let _ = match kinds.as_slice() {
        [] => writeln!(out, "{judged}{when} judged again: nothing would change"),
        kinds => writeln!(out, "{judged}{when} judged again: {}", words::listed(kinds, "and")),
    };
    if replay.assumed > 0 {
        let number = count(replay.assumed, "action was", "actions were");
        let text = format!("{number} recorded without form or folder: taken as a line, in the project's root");
        let _ = writeln!(out, "{}", paint.with(Tone::Faint, &text));
    }
    if !replay.lost.is_empty() {
        let _ = writeln!(out, "{} cannot be judged again", count(replay.lost.len(), "action", "actions"));
    }
    out
}

fn replayed_json(replay: &Replay, since: Option<DateTime<Utc>>) -> String {
    let changes: Vec<Value> = replay
        .changes
        .iter()
        .map(|change| {
            let (then, now) = rules(change);
            json!({
                "command": change.past.text.clone().unwrap_or_default(), "argv": change.past.argv,
                "cwd": change.past.cwd, "task": change.past.task, "seqs": change.seqs, "then": change.past.verdict,
                "now": change.judgement.verdict().word(), "rules_then": then, "rules_now": now,
            })
        })
        .collect();
    let lost: Vec<Value> =
        replay.lost.iter().map(|lost| json!({ "seq": lost.seq, "command": lost.shown, "why": lost.why })).collect();
    let object = json!({
        "since": since.map(|since| since.to_rfc3339()), "actions": replay.actions, "assumed": replay.assumed,
        "changes": changes, "not_judged": lost,
    });
    format!("{}\n", safe_json(&object.to_string()))
}

pub(super) fn run_unused(world: &World, from: &Path, args: UnusedArgs) -> Result<ExitCode, Stop> {
    let (present, project) = looked(world, from)?;
    let own = [Layer::Project, Layer::Person];
    let all = [Layer::Project, Layer::Person, Layer::Machine, Layer::BuiltIn];
    let last = usize::try_from(args.last).unwrap_or(usize::MAX);
    let usage = unused(&present, &project.paths, last, if args.all { &all } else { &own })?;
    let rules: Vec<(Layer, Verdict, crate::decide::policy::RuleText)> =
        present.policy.rules().filter(|(_, _, text)| usage.unused.contains(&text.id)).collect();
    let mut out = String::new();
    if args.json {
        let list: Vec<Value> = rules
            .iter()
            .map(|(layer, verdict, text)| {
                json!({
                    "id": text.id, "verdict": verdict.word(), "layer": words::layer(*layer), "at": text.at,
                    "reason": text.reason,
                })
            })
            .collect();
        let object = json!({
            "records": usage.records, "actions": usage.actions, "from": usage.from.map(|from| from.to_rfc3339()),
            "actions_since_trust": usage.since_trust, "rules": usage.rules, "unused": list,
        });
        let _ = writeln!(out, "{}", safe_json(&object.to_string()));
        say(&out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let paint = Paint::on(&std::io::stdout());
    for (_, verdict, text) in &rules {
        let at = paint.with(Tone::Faint, &format!("({})", text.at));
        let _ = writeln!(out, "{} {}: {} {at}", paint.verdict(*verdict), text.id, printable(&text.reason));
    }
    let from = usage.from.map(|from| format!(" since {}", stamp(from))).unwrap_or_default();
    let looked =
        format!("{} ({}{from})", count(usage.records, "record", "records"), count(usage.actions, "action", "actions"));
    let whose = if args.all { "" } else { " of the project and the person" };
    let _ = match (usage.rules, usage.unused.len()) {
        (0, _) => writeln!(out, "there are no rules{whose}; looked at the last {looked}"),
        (all, 0) => writeln!(out, "each of {}{whose} matched in the last {looked}", count(all, "rule", "rules")),
        (all, none) => {
            writeln!(out, "{none} of {}{whose} matched nothing in the last {looked}", count(all, "rule", "rules"))
        }
    };
    if let Some(actions) = usage.since_trust {
        let text = format!(
            "the policy was trusted {} ago: newer rules have seen no more",
            count(actions, "action", "actions")
        );
        let _ = writeln!(out, "{}", paint.with(Tone::Faint, &text));
    }
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, expected) in [
            ("2026-11-20", "2026-11-20T00:00:00+00:00"),
            ("2026-11-20T08:00:00Z", "2026-11-20T08:00:00+00:00"),
            ("2026-11-20T08:00:00+02:00", "2026-11-20T06:00:00+00:00"),
            ("2026-11-20 08:00:00.5", "2026-11-20T08:00:00.500+00:00"),
            ("2026-11-20 08:00", "2026-11-20T08:00:00+00:00"),
        ] {
            assert_eq!(since(text).map(|time| time.to_rfc3339()), Ok(expected.to_owned()), "{text}");
        }
        let hour = Utc::now() - since("1h30m").unwrap();
        assert!((5399..=5401).contains(&hour.num_seconds()), "{hour}");
        for text in ["", "soon", "2026-13-01", "5", "-3h", "99999999999d", "2026-11-20T08"] {
            assert!(since(text).is_err(), "{text}");
        }
    }
}
