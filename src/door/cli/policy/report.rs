//! `guard policy check` and `guard policy trust`: what they print about policy texts.
//! Takes texts and a place to write; where texts lie and what is trusted is the gate's.

use crate::decide::policy::{Change, Layer, Policy, Require, Supervision, difference};
use crate::decide::{Source, Verdict, examined};
use std::io::{self, Write};

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// The policy holds.
    Sound,
    /// It has faults, all of which were written: exit code 78.
    Faulty,
}

/// Loads `sources`, runs the examples of every rule, and writes what is in force, or every fault.
///
/// # Errors
/// Only those of `out`.
pub fn check(sources: &[Source], out: &mut dyn Write) -> io::Result<Checked> {
    match examined(sources) {
        Ok(policy) => {
            summary(&policy, sources, out)?;
            Ok(Checked::Sound)
        }
        Err(faults) => {
            writeln!(out, "{faults}")?;
            let number = faults.0.len();
            writeln!(out, "\n{number} {}: nothing is allowed until mended", plural(number, "fault", "faults"))?;
            Ok(Checked::Faulty)
        }
    }
}

fn summary(policy: &Policy, sources: &[Source], out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let from = if names.is_empty() { "embedded defaults".to_owned() } else { names.join(", ") };
    writeln!(out, "policy {} is sound: {from}", policy.hash().get(..16).unwrap_or(policy.hash()))?;
    let rules: Vec<_> = policy.rules().collect();
    let say = |wanted: Verdict| rules.iter().filter(|(_, verdict, _)| *verdict == wanted).count();
    let of = |wanted: Layer| rules.iter().filter(|(layer, _, _)| *layer == wanted).count();
    let examples: usize = policy.examples().iter().map(|of| of.hits.len() + of.misses.len()).sum();
    let (allow, ask, deny) = (say(Verdict::Allow), say(Verdict::Ask), say(Verdict::Deny));
    writeln!(out, "rules: {} ({allow} allow, {ask} ask, {deny} deny), {examples} examples hold", rules.len())?;
    let (packs, machine, person) = (of(Layer::BuiltIn), of(Layer::Machine), of(Layer::Person));
    writeln!(out, "from: {packs} presets, {machine} machine, {person} person, {} project", of(Layer::Project))?;
    let settings = policy.settings();
    for whitelist in &settings.whitelists {
        writeln!(out, "whitelist: {} ({})", whitelist.pattern(), whitelist.at())?;
    }
    let supervision = match settings.supervision {
        Supervision::Attended => "attended",
        Supervision::Unattended => "unattended: what would be asked is refused",
    };
    writeln!(out, "supervision: {supervision}")?;
    if settings.observe {
        writeln!(out, "observe: what would be asked runs, fenced and recorded")?;
    }
    let require = match settings.require {
        Require::Full => "full",
        Require::NoOverlay => "no-overlay",
        Require::Landlock => "landlock",
    };
    writeln!(out, "fence: {require}")?;
    writeln!(out, "timeout: {} s", settings.limits.timeout.as_secs_f64())?;
    for note in policy.notes() {
        writeln!(out, "note: {note}")?;
    }
    Ok(())
}

/// Writes the difference between the trusted text and the present one, three lines around each change.
/// Without `old` the whole text is new.
///
/// # Errors
/// Only those of `out`.
pub(super) fn write_difference(name: &str, old: Option<&str>, new: &str, out: &mut dyn Write) -> io::Result<()> {
    const AROUND: usize = 3;
    let changes = difference(old.unwrap_or_default(), new);
    let changed: Vec<bool> = changes.iter().map(|change| !matches!(change, Change::Same(_))).collect();
    if !changed.contains(&true) {
        return writeln!(out, "{name}: unchanged");
    }
    writeln!(out, "--- {name} {}", if old.is_some() { "as trusted" } else { "never trusted" })?;
    writeln!(out, "+++ {name} as it is now")?;
    let mut skipping = false;
    let (mut before, mut after) = (0, 0);
    for (number, change) in changes.iter().enumerate() {
        let from = number.saturating_sub(AROUND);
        let near = changed.iter().skip(from).take(number - from + AROUND + 1).any(|changed| *changed);
        match change {
            Change::Same(_) => (before, after) = (before + 1, after + 1),
            Change::Removed(_) => before += 1,
            Change::Added(_) => after += 1,
        }
        if !near {
            skipping = true;
            continue;
        }
        if std::mem::take(&mut skipping) || number == 0 {
            writeln!(out, "@@ line {} @@", before.max(after))?;
        }
        match change {
            Change::Same(line) => writeln!(out, " {}", visible(line))?,
            Change::Removed(line) => writeln!(out, "-{}", visible(line))?,
            Change::Added(line) => writeln!(out, "+{}", visible(line))?,
        }
    }
    Ok(())
}

/// A line without characters that could hide or fake what a person reads on a terminal.
fn visible(line: &str) -> String {
    line.chars().map(|c| if hides(c) { format!("\\u{{{:x}}}", u32::from(c)) } else { c.to_string() }).collect()
}

fn hides(c: char) -> bool {
    let directions = ['\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{2060}', '\u{feff}'];
    c.is_control() && c != '\t'
        || directions.contains(&c)
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

fn plural(number: usize, one: &'static str, many: &'static str) -> &'static str {
    if number == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_difference_shows_what_changed_with_a_few_lines_around_it() {
        let old = "version = 1\na\nb\nc\nd\ne\nf\n";
        let new = "version = 1\na\nb\nc\nd\nX\nf\n";
        assert_eq!(
            written(|out| write_difference("guard.toml", Some(old), new, out)),
            "--- guard.toml as trusted\n+++ guard.toml as it is now\n@@ line 3 @@\n b\n c\n d\n-e\n+X\n f\n"
        );
    }

    #[test]
    fn characters_that_would_hide_a_change_are_spelled_out() {
        let text = written(|out| write_difference("guard.toml", None, "a = \"\u{202e}\u{1b}[2K\"\n", out));
        assert!(text.contains("+a = \"\\u{202e}\\u{1b}[2K\""), "{text}");
    }

    #[test]
    fn an_unchanged_text_says_so() {
        assert_eq!(written(|out| write_difference("g", Some("a"), "a\n", out)), "g: unchanged\n");
    }
}
