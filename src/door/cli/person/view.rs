//! A request or a halt as a person sees it, whole: everything it is bound to, and nothing a terminal would obey.
//! Decides nothing.

use super::span;
use crate::approve::{Statement, Strength};
use crate::door::cli::judged;
use crate::door::cli::migration::view as migration;
use crate::door::cli::text::{Paint, rules};
use crate::event::Open;
use crate::event::line::{printable, visible};
use crate::gate::{About, Asked, AskedChange, AskedMigration, AskedQuery, NewRule, Shown};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Bytes of a view that can be approved: no person reads more.
const LONGEST: usize = 64 << 10;

/// The view, and whether something of what would be run is not in it: it had to be cut, or a mask hides it. `full`: it is
/// not cut, however long.
pub(super) fn text(shown: &Shown, full: bool, paint: Paint) -> (String, bool) {
    let what = match &shown.about {
        About::Command(_) | About::Query(_) => "to approve it",
        About::Change(_) => "to approve them",
        About::Migration(_) => "to approve it",
        About::Halt(_) => "to go on",
    };
    let longest = if full { usize::MAX } else { LONGEST };
    ending(about(shown, paint), (hides(shown), longest), what, &shown.statement, shown.required)
}

/// The same, for an answer that holds always: with the rule that would be added.
pub(super) fn with_rule(shown: &Shown, rule: &NewRule, paint: Paint) -> (String, bool) {
    let mut text = about(shown, paint);
    let _ = writeln!(text, "  allowed always, by this rule in {}:", crate::gate::shown(rule.path()));
    for line in rule.text("(whoever approves)").lines() {
        let _ = writeln!(text, "    {}", visible(line));
    }
    if !rule.files().is_empty() {
        let _ = writeln!(text, "  note: then these files may hold anything: {}", visible(&rule.files().join(" ")));
    }
    ending(text, (hides(shown), LONGEST), "to allow it always", rule.statement(), rule.required())
}

fn about(shown: &Shown, paint: Paint) -> String {
    match &shown.about {
        About::Command(asked) => command(shown, asked, paint),
        About::Change(asked) => change(shown, asked, paint),
        About::Query(asked) => write(shown, asked),
        About::Migration(asked) => migrated(shown, asked, paint),
        About::Halt(report) => report.to_string(),
    }
}

/// Whether a mask hides something of what would be run.
fn hides(shown: &Shown) -> bool {
    match &shown.about {
        About::Command(asked) => asked.hides,
        About::Change(asked) => asked.cut,
        About::Query(asked) => asked.masked,
        About::Migration(asked) => migration::hides(&asked.migration, &asked.redactor),
        About::Halt(_) => false,
    }
}

fn ending(
    mut text: String,
    (hidden, longest): (bool, usize),
    what: &str,
    statement: &Statement,
    required: Strength,
) -> (String, bool) {
    let _ = writeln!(text, "digest: {}", statement.digest());
    let _ = writeln!(text, "{what} takes at least: {required}");
    if text.len() <= longest {
        return (text, hidden);
    }
    let end = (0..=longest).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    text += "\n… (cut: it is too long to be shown at once; `--full` shows and approves all of it)\n";
    (text, true)
}

fn command(shown: &Shown, asked: &Asked, paint: Paint) -> String {
    let now = Utc::now().timestamp();
    let request = &asked.open.asked;
    let mut text = format!("{}: {}\n", shown.statement.name(), state(&asked.open, now));
    let _ = writeln!(text, "  command:   {}", printable(&asked.text).replace('\n', "\n             "));
    let _ = writeln!(text, "  folder:    {}", visible(&asked.cwd));
    let _ = writeln!(text, "  asked by:  uid {}", request.uid);
    if let Some(reason) = &asked.reason {
        let _ = writeln!(text, "  they say:  {}", visible(reason));
    }
    text += "  what it would run, and the rules that ask:\n";
    let view = seen(asked);
    for line in judged::text::tree(&view, &asked.judgement, paint).lines() {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "  {}", judged::text::grant(&view, &asked.judgement));
    let _ = writeln!(text, "  variables: {}", visible(&asked.variables.join(" ")));
    if !asked.files.is_empty() {
        let _ = writeln!(text, "  only while these files stay as they are: {}", visible(&asked.files.join(" ")));
    }
    if asked.hides {
        text += "  note: what is masked as a secret here hides more than one word; that cannot be approved\n";
    } else if asked.masked {
        text += "  note: secrets in it are masked here; what runs is the whole\n";
    }
    if asked.changed {
        text += "  note: what it rests on has changed since: it can no longer be used\n";
    }
    text
}

fn migrated(shown: &Shown, asked: &AskedMigration, paint: Paint) -> String {
    let now = Utc::now().timestamp();
    let mut text = format!("{}: {}\n", shown.statement.name(), state(&asked.open, now));
    let _ = writeln!(text, "  asked by:  uid {}", asked.open.asked.uid);
    text += &migration::text(&asked.migration, &|text| asked.redactor.redact(text), paint);
    text
}

fn change(shown: &Shown, asked: &AskedChange, paint: Paint) -> String {
    let now = Utc::now().timestamp();
    let mut text = format!("{}: {}\n", shown.statement.name(), state(&asked.open, now));
    let _ = writeln!(
        text,
        "  made by:   {}{}",
        printable(&asked.command).replace('\n', "\n             "),
        asked.of.map(|of| format!(" (record {of})")).unwrap_or_default()
    );
    let _ = writeln!(text, "  asked by:  uid {}", asked.open.asked.uid);
    if let Some(reason) = &asked.reason {
        let _ = writeln!(text, "  they say:  {}", visible(reason));
    }
    text += "  what it would change, and the rules that ask:\n";
    text += &rules(asked.rules.iter(), paint);
    text += &asked.diff;
    let name = shown.statement.name();
    if asked.cut {
        let _ = writeln!(text, "… (cut: `guard show {name} --full` shows all of it)");
    }
    if !asked.unseen.is_empty() {
        let copies = crate::gate::shown(&asked.copies);
        let _ = writeln!(text, "  not shown, and to be approved unseen with `--unseen`; the copies lie in `{copies}`:");
        for file in &asked.unseen {
            let _ = writeln!(text, "    {file}");
        }
    }
    text
}

fn write(shown: &Shown, asked: &AskedQuery) -> String {
    let mut text = format!("{}: {}\n", shown.statement.name(), state(&asked.open, Utc::now().timestamp()));
    let _ = writeln!(text, "  database:  {} ({})", visible(&asked.database), visible(&asked.server));
    let _ = writeln!(text, "  statement: {}", printable(&asked.text).replace('\n', "\n             "));
    let _ = writeln!(text, "  asked by:  uid {}", asked.open.asked.uid);
    text += "  what it would do, and the rules that ask:\n";
    for asks in &asked.rules {
        let _ = writeln!(text, "    {} {}: {}", asks.verdict, asks.id, visible(&asks.reason));
    }
    text += "  it is committed at once, and guard cannot undo it\n";
    if asked.masked {
        text += "  note: something in it is masked here as a secret; that cannot be approved\n";
    }
    if asked.changed {
        text += "  note: the policy is another since: it can no longer be used\n";
    }
    text
}

fn state(open: &Open, now: i64) -> String {
    match &open.approved {
        Some(approved) => {
            let (who, left) = (visible(&approved.by.who), span(approved.until - now));
            format!("approved by {who} ({}), to be used within {left}", approved.by.strength)
        }
        None => format!("waits for an answer, {} more", span(open.asked.expires - now)),
    }
}

/// What was judged, without secrets.
fn seen(asked: &Asked) -> judged::View {
    judged::view(&asked.judgement, &asked.facts).cleaned(&|text| clean(asked, text))
}

fn clean(asked: &Asked, text: &str) -> String {
    asked.redactor.command(text).text
}

/// The same as an object.
pub(super) fn object(shown: &Shown) -> Value {
    let mut object = json!({
        "name": shown.statement.name(),
        "kind": shown.statement.kind(),
        "digest": shown.statement.digest(),
        "required": shown.required.name(),
    });
    let about = match &shown.about {
        About::Halt(report) => json!({ "report": report }),
        About::Migration(asked) => {
            let mut object = migration::object(&asked.migration, &|text| asked.redactor.redact(text));
            if let Some(members) = object.as_object_mut() {
                members.insert("uid".into(), asked.open.asked.uid.into());
                let until = asked.open.approved.as_ref().map_or(asked.open.asked.expires, |approved| approved.until);
                members.insert("expires".into(), json!(time(until)));
                let by = asked.open.approved.as_ref().map(|approved| approved.by.who.clone());
                members.insert("approved_by".into(), json!(by));
            }
            object
        }
        About::Change(asked) => json!({
            "command": asked.command,
            "of": asked.of,
            "files": asked.changed.files,
            "more": asked.changed.more,
            "diff": asked.diff,
            "cut": asked.cut,
            "unseen": asked.unseen,
            "copies": crate::gate::shown(&asked.copies),
            "uid": asked.open.asked.uid,
            "reason": asked.reason,
            "expires": time(asked.open.approved.as_ref().map_or(asked.open.asked.expires, |approved| approved.until)),
            "approved_by": asked.open.approved.as_ref().map(|approved| approved.by.who.clone()),
            "rules": asked.rules.iter().map(|found| json!({
                "id": found.id, "verdict": found.verdict.word(), "reason": found.reason, "at": found.at,
            })).collect::<Vec<_>>(),
        }),
        About::Query(asked) => json!({
            "database": asked.database,
            "server": asked.server,
            "statement": asked.text,
            "masked": asked.masked,
            "uid": asked.open.asked.uid,
            "changed": asked.changed,
            "expires": time(asked.open.approved.as_ref().map_or(asked.open.asked.expires, |approved| approved.until)),
            "approved_by": asked.open.approved.as_ref().map(|approved| approved.by.who.clone()),
            "rules": asked.rules.iter().map(|asks| json!({
                "id": asks.id, "verdict": asks.verdict, "reason": asks.reason,
            })).collect::<Vec<_>>(),
        }),
        About::Command(asked) => json!({
            "command": asked.text,
            "masked": asked.masked,
            "hidden": asked.hides,
            "cwd": asked.cwd,
            "uid": asked.open.asked.uid,
            "reason": asked.reason,
            "variables": asked.variables,
            "files": asked.files,
            "changed": asked.changed,
            "expires": time(asked.open.approved.as_ref().map_or(asked.open.asked.expires, |approved| approved.until)),
            "approved_by": asked.open.approved.as_ref().map(|approved| approved.by.who.clone()),
            "rules": asked.judgement.matches().iter().map(|found| json!({
                "id": found.id, "verdict": found.verdict.word(), "reason": clean(asked, &found.reason), "at": found.at,
            })).collect::<Vec<_>>(),
            "commands": seen(asked).parts,
        }),
    };
    if let (Value::Object(members), Value::Object(more)) = (&mut object, about) {
        members.extend(more);
    }
    object
}

/// A time of seconds since 1970 as RFC 3339 has it.
pub(super) fn time(seconds: i64) -> Option<String> {
    DateTime::<Utc>::from_timestamp(seconds, 0).map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}
