//! Writes what was found as TOML, with a mark at each place that only a person can fill.
//! Knows the form of a plan.

use super::{Draft, Found};
use std::fmt::Write as _;
use std::time::Duration;

/// What marks a place.
const MARK: &str = "FILL IN";

/// The plan, and how many places are marked.
pub(super) fn toml(found: &Found, name: &str) -> (String, usize) {
    let mut page = Page { out: String::new(), gaps: 0 };
    page.line("# From a document in Markdown. Fill in what is marked, then: guard plan check FILE");
    page.line(&format!("# {}", name.replace(|c: char| c.is_control(), " ")));
    page.line("version = 1");
    if let Some(title) = &found.title {
        page.line(&format!("title = {}", text(title)));
    }
    page.line("\n[agent]");
    page.gap("kind = \"\"", "\"command\", \"claude\", \"codex\" or \"script\" (docs/plan.md)");
    for phase in &found.phases {
        page.phase(phase);
    }
    (page.out, page.gaps)
}

struct Page {
    out: String,
    gaps: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
    }

    /// A value that is a fault until it is filled.
    fn gap(&mut self, line: &str, what: &str) {
        self.line(&format!("{line}  # {MARK}: {what}"));
        self.gaps += 1;
    }

    fn phase(&mut self, phase: &Draft) {
        self.line(&format!("\n[[phase]]\nid = {}", text(&phase.id)));
        match phase.description.is_empty() {
            false => self.line(&format!("description = {}", text(&phase.description))),
            true => self.gap("description = \"\"", "what the phase is, in a line"),
        }
        if !phase.goal.is_empty() {
            self.line(&format!("goal = {}", text(&phase.goal)));
        }
        if !phase.accept.is_empty() {
            self.line("accept = [");
            for (criterion, done) in &phase.accept {
                self.line(&format!("    {},{}", text(criterion), if *done { "  # its box was checked" } else { "" }));
            }
            self.line("]");
        }
        self.list("after", &phase.after);
        match phase.files.is_empty() {
            false => self.list("files", &phase.files),
            true => self.gap("files = []", "globs over the files it may touch"),
        }
        if let Some(mode) = phase.mode {
            self.line(&format!("mode = {}", text(mode.word())));
        }
        let checks =
            [("lint", &phase.lint), ("types", &phase.types), ("format", &phase.format), ("tests", &phase.tests)];
        let checked = checks.iter().any(|(_, lines)| !lines.is_empty());
        let proved = checked || phase.dry_run.is_some();
        if checked || !proved {
            self.line("[phase.checks]");
        }
        for (key, lines) in checks {
            self.list(key, lines);
        }
        if !proved {
            self.gap("tests = []", "what must be green before the phase is complete");
        }
        if let Some(run) = &phase.dry_run {
            self.line(&format!("[phase.dry_run]\ncommand = {}", text(&run.command)));
            if let Some(duration) = run.duration {
                self.line(&format!("duration = {}", text(&shown(duration))));
            }
        }
    }

    fn list(&mut self, key: &str, texts: &[String]) {
        let texts: Vec<String> = texts.iter().map(|one| text(one)).collect();
        match texts.iter().map(String::len).sum::<usize>() {
            0 => {}
            1..90 => self.line(&format!("{key} = [{}]", texts.join(", "))),
            90.. => self.line(&format!("{key} = [\n    {},\n]", texts.join(",\n    "))),
        }
    }
}

fn shown(duration: Duration) -> String {
    if duration.subsec_millis() > 0 {
        format!("{}ms", duration.as_millis())
    } else {
        format!("{}s", duration.as_secs())
    }
}

/// A text as TOML writes it.
fn text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
