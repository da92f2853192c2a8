//! What changed files hold: checked before a change is kept, by real commands in real projects.

mod checks;
mod harmless;
mod file;
mod hostile;
mod imports;
mod properties;
mod types;

use crate::cli::{Done, Home};

/// A project whose policy lets a command change as many files as it likes, with `policy` behind it.
fn scene(policy: &str) -> Home {
    let home = Home::with("default");
    home.trust(&format!("[iteration]\nfiles = 1000\n{policy}"));
    home
}

/// A command that writes these bytes to a file of the project.
fn writes(home: &Home, path: &str, content: &[u8]) -> Done {
    let bytes: String = content.iter().map(|byte| format!("\\{byte:03o}")).collect();
    let folder = std::path::Path::new(path).parent().unwrap().display().to_string();
    let folder = if folder.is_empty() { String::new() } else { format!("mkdir -p '{folder}'; ") };
    home.guard(&["exec", "-c", &format!("{folder}printf '{bytes}' > '{path}'")])
}

/// What of a refusal tells of contents, a line each: `guard:content-syntax: …`.
fn said(done: &Done) -> Vec<String> {
    let lines = done.stderr.lines().filter_map(|line| Some((line.find("guard:content-")?, line)));
    lines.map(|(at, line)| line[at..].trim_end_matches(" (built in)").to_owned()).collect()
}
