//! `guard doctor`: what the kernel enforces here, each line a forbidden thing that was really tried inside a fence.
//! Knows no probes, only how they are told.

use super::stated::{Stated, stated};
use super::turn;
use crate::door::cli::hook::{Found, State};
use crate::event::line::printable;
use crate::execute::sandbox::{Examination, Topic, examine};
use crate::execute::{ExecuteError, Level};
use crate::gate::{Reach, Stop, Worth, shown};
use crate::notify::{By, Channel, Event};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

/// Probes the fence in a folder made below `base` (on a real file system, outside `/tmp`) and writes what was found to
/// `out`, as text or as one JSON object, the hooks that were found, what approvals are worth, and who is told. True if
/// everything held, no hook is silent and no configuration is broken.
pub(super) fn doctor(
    base: &Path,
    (hooks, worth, reach, required): (&[Found], &Result<Worth, Stop>, &Reach, &Result<Level, Stop>),
    json: bool,
    out: &mut dyn Write,
) -> io::Result<bool> {
    let mut found = examine(base);
    if let Ok(found) = &mut found {
        found.findings.push(turn::probe(base));
    }
    let held = found.as_ref().is_ok_and(|found| found.findings.iter().all(|finding| finding.held));
    let sound = held && hooks.iter().all(|hook| hook.state != State::Silent) && reach.broken.is_empty();
    if json {
        let mut object = object(&found, sound);
        if let Value::Object(members) = &mut object {
            members.insert("require".into(), required.as_ref().map_or(Value::Null, |level| level.name().into()));
            members.insert("hooks".into(), hooks.iter().map(hook).collect());
            members.insert("approvals".into(), super::approvals::object(worth));
            members.insert("notify".into(), notify(reach));
        }
        writeln!(out, "{object}")?;
    } else {
        text(&found, required, out)?;
        for hook in hooks {
            let settings = hook.settings.as_deref().map(|path| format!(" by `{}`", shown(path))).unwrap_or_default();
            writeln!(out, "hook: claude: {}{settings}: {}", hook.state.word(), printable(&hook.said))?;
        }
        out.write_all(super::approvals::text(worth).as_bytes())?;
        told(reach, out)?;
    }
    Ok(sound)
}

fn hook(found: &Found) -> Value {
    let settings = found.settings.as_deref().map(shown);
    json!({ "harness": "claude", "state": found.state.word(), "settings": settings, "said": found.said })
}

/// Who is told, in words.
fn told(reach: &Reach, out: &mut dyn Write) -> io::Result<()> {
    for channel in &reach.channels {
        let events: Vec<&str> = channel.events.iter().copied().map(Event::word).collect();
        writeln!(out, "notify: {}: {}: {}", channel.name, printable(&target(channel)), events.join(", "))?;
    }
    for stop in &reach.broken {
        writeln!(out, "notify: broken: {stop}")?;
    }
    if reach.channels.is_empty() {
        let file = reach.file.as_deref().map(|file| format!(" in `{}`", shown(file))).unwrap_or_default();
        writeln!(
            out,
            "notify: nobody is told when a person is needed: `[notify]`{file} would name a command or a webhook"
        )?;
    }
    Ok(())
}

fn notify(reach: &Reach) -> Value {
    let channel = |channel: &Channel| json!({ "name": channel.name, "to": target(channel), "events": channel.events });
    let channels: Vec<Value> = reach.channels.iter().map(channel).collect();
    let broken: Vec<String> = reach.broken.iter().map(ToString::to_string).collect();
    json!({ "channels": channels, "broken": broken })
}

/// Where a channel leads: a program, or a host, since the rest of an address may be a secret.
pub(in crate::door::cli) fn target(channel: &Channel) -> String {
    match &channel.by {
        By::Command(argv) => format!("`{}`", argv.first().map_or("", String::as_str)),
        By::Webhook(webhook) => format!("`{}`", webhook.host()),
    }
}

fn text(
    found: &Result<Examination, ExecuteError>,
    required: &Result<Level, Stop>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            writeln!(out, "error: {error}")?;
            if let Some(mend) = mend(error) {
                writeln!(out, "hint: {mend}")?;
            }
            return writeln!(out, "nothing runs: without a fence guard refuses every command");
        }
    };
    let level = found.fence.level;
    writeln!(out, "fence: {}: {}", level.name(), meaning(level))?;
    match required {
        Ok(required) if level <= *required => {
            writeln!(out, "require: {}: the policy here takes no less: commands run", required.name())?;
        }
        Ok(required) => {
            writeln!(out, "require: {}: the policy here takes no less: nothing runs", required.name())?;
        }
        Err(stop) => writeln!(out, "require: cannot tell: {}", printable(&stop.to_string()))?,
    }
    for missing in &found.fence.missing {
        writeln!(out, "missing: {missing}")?;
    }
    writeln!(out, "held, OPEN: tried just now, inside a fence. yes, part, no: enforced or not, and not tried")?;
    let stated = stated(found);
    for topic in Topic::ALL {
        writeln!(out, "\n{}", topic.word())?;
        for finding in found.findings.iter().filter(|finding| finding.topic == topic) {
            let word = if finding.held { "held" } else { "OPEN" };
            writeln!(out, "{word}  {:<42} {:<26} {}", finding.tried, finding.by, finding.said)?;
        }
        for line in stated.iter().filter(|line| line.topic == topic) {
            writeln!(out, "{:<5} {:<42} {}", line.extent.word(), line.what, printable(&line.said))?;
        }
    }
    let open = found.findings.iter().filter(|finding| !finding.held).count();
    match open {
        0 => writeln!(out, "\nall {} held", found.findings.len()),
        _ => writeln!(out, "\n{open} of {} did not hold", found.findings.len()),
    }
}

fn object(found: &Result<Examination, ExecuteError>, sound: bool) -> Value {
    match found {
        Ok(found) => json!({
            "sound": sound,
            "level": found.fence.level.name(),
            "meaning": meaning(found.fence.level),
            "missing": found.fence.missing,
            "stated": stated(found).iter().map(Stated::object).collect::<Vec<_>>(),
            "probes": found.findings.iter().map(|finding| json!({
                "topic": finding.topic.word(), "tried": finding.tried, "by": finding.by, "held": finding.held, "said": finding.said,
            })).collect::<Vec<_>>(),
        }),
        Err(error) => json!({ "sound": false, "level": null, "error": error.to_string(), "mend": mend(error) }),
    }
}

fn mend(error: &ExecuteError) -> Option<&str> {
    match error {
        ExecuteError::Fence { mend, .. } => Some(mend),
        ExecuteError::NoProgram(_)
        | ExecuteError::NotExecutable { .. }
        | ExecuteError::AlreadyFenced
        | ExecuteError::System { .. } => None,
    }
}

/// What a level means to the person who relies on it.
fn meaning(level: Level) -> &'static str {
    match level {
        Level::Full => {
            "a command sees the system read-only, writes to its project and private folders, reaches no network \
             but what its rule opens and no process outside, and ends with everything it started"
        }
        Level::Partial => {
            "a command sees the system read-only and reaches no network but what its rule opens; one layer is \
             missing, named below; policies that require `full` run nothing here"
        }
        Level::Landlock => {
            "files outside are not written, but their modes and times can be changed and processes outside are seen; \
             policies that require more run nothing here"
        }
        Level::None => "nothing holds a command: only time and end are kept",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> std::path::PathBuf {
        std::env::var_os("GUARD_TEST_BASE")
            .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/target").into(), std::path::PathBuf::from)
    }

    fn worth() -> Result<Worth, Stop> {
        let terminal = crate::approve::Strength::Terminal;
        Ok(Worth { approvers: 0, strongest: None, command: terminal, resume: terminal, agent: None })
    }

    #[test]
    fn text_and_json_say_the_same() {
        let (mut lines, mut object, nobody) = (Vec::new(), Vec::new(), Reach::default());
        assert!(doctor(&base(), (&[], &worth(), &nobody, &Ok(Level::Full)), false, &mut lines).unwrap());
        assert!(doctor(&base(), (&[], &worth(), &nobody, &Ok(Level::Full)), true, &mut object).unwrap());
        let (lines, object): (String, Value) =
            (String::from_utf8(lines).unwrap(), serde_json::from_slice(&object).unwrap());
        assert!(lines.starts_with("fence: full: a command sees the system read-only"), "{lines}");
        assert!(lines.contains("\nall 43 held\napprovals: 0 approvers; "), "{lines}");
        let nobody = "nobody is told when a person is needed: `[notify]` would name a command or a webhook";
        assert!(lines.ends_with(&format!("\nnotify: {nobody}\n")), "{lines}");
        let probes = object["probes"].as_array().unwrap();
        assert_eq!((object["sound"].clone(), object["level"].clone(), probes.len()), (json!(true), json!("full"), 43));
        for probe in probes {
            assert!(lines.contains(probe["tried"].as_str().unwrap()));
        }
        for line in object["stated"].as_array().unwrap() {
            let text = ["enforced", "what", "said"].map(|key| line[key].as_str().unwrap());
            assert!(lines.contains(&format!("\n{:<5} {:<42} {}\n", text[0], text[1], text[2])), "{line}");
        }
        for topic in Topic::ALL {
            assert!(lines.contains(&format!("\n\n{}\nheld  ", topic.word())), "{lines}");
        }
        assert!(lines.contains("\nrequire: full: the policy here takes no less: commands run\n"), "{lines}");
        assert!(lines.lines().all(|line| line.chars().count() < 240), "{lines}");
    }

    #[test]
    fn a_base_that_is_not_there_is_an_error_and_not_sound() {
        let mut lines = Vec::new();
        let nobody = Reach::default();
        assert!(
            !doctor(Path::new("/no/such/folder"), (&[], &worth(), &nobody, &Ok(Level::Full)), false, &mut lines)
                .unwrap()
        );
        assert!(
            String::from_utf8(lines).unwrap().starts_with("error: prepare the probes in `/no/such/folder`: No such")
        );
    }
}
