//! The table as `docs/escapes.md` has it.

use super::launcher::User;
use super::{Found, RUNGS, TOPICS, Table};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// What the C library says, and what it is called.
const SAID: [(&str, &str); 16] = [
    ("Read-only file system", "EROFS"),
    ("Permission denied", "EACCES"),
    ("Operation not permitted", "EPERM"),
    ("No such file or directory", "ENOENT"),
    ("Function not implemented", "ENOSYS"),
    ("No such process", "ESRCH"),
    ("Invalid cross-device link", "EXDEV"),
    ("Device or resource busy", "EBUSY"),
    ("Connection refused", "ECONNREFUSED"),
    ("No such device or address", "ENXIO"),
    ("Bad file descriptor", "EBADF"),
    ("Network is unreachable", "ENETUNREACH"),
    ("Invalid argument", "EINVAL"),
    ("Input/output error", "EIO"),
    ("Inappropriate ioctl for device", "ENOTTY"),
    ("Operation not supported", "EOPNOTSUPP"),
];

/// Why an escape did not work, as far as the system said.
pub(super) fn reason(code: i32, said: &str) -> String {
    if matches!(code, 159 | -31) {
        return "killed".to_owned();
    }
    let mut found: Vec<_> = SAID.iter().filter_map(|(text, name)| Some((said.find(text)?, *name))).collect();
    found.sort_unstable();
    match found.first() {
        Some((_, name)) => (*name).to_owned(),
        None => "no trace".to_owned(),
    }
}

fn cell(table: &Table, name: &'static str, rung: &'static str) -> String {
    let say = |user| match table.get(&(name, rung, user)) {
        Some(Found::Held(said)) => Some(said.clone()),
        Some(Found::Works(_)) => Some("**works**".to_owned()),
        Some(Found::Untried) | None => None,
    };
    match (say(User::Root), say(User::Ordinary)) {
        (Some(root), Some(user)) if root == user => root,
        (Some(root), Some(user)) => format!("{root}; user {user}"),
        (Some(root), None) => format!("{root} (root)"),
        (None, Some(user)) => format!("{user} (user)"),
        (None, None) => "–".to_owned(),
    }
}

/// The tables, one a topic.
pub(super) fn rendered(table: &Table) -> String {
    let mut text = String::new();
    for (topic, rows) in TOPICS {
        write!(
            text,
            "## {topic}\n\n| escape | found | held by | full | no Landlock | masked `/proc` | no namespaces |\n"
        )
        .unwrap();
        text += "|---|---|---|---|---|---|---|\n";
        for row in rows {
            write!(text, "| {} | {} | {} |", row.name, row.source, row.by).unwrap();
            for (rung, _) in RUNGS {
                write!(text, " {} |", cell(table, row.name, rung)).unwrap();
            }
            text += "\n";
        }
        text += "\n";
    }
    text
}

fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    release.split('.').take(2).collect::<Vec<_>>().join(".")
}

const BEGIN: &str = "<!-- tried -->\n";
const END: &str = "<!-- end of what is tried -->";

/// Compares the page with what was found, or renews it where `GUARD_WRITE_ESCAPES` is set.
///
/// What works must be as it stands there, whatever the kernel. What the system says of the rest depends on it, and at races on
/// chance: it is renewed with the page.
pub(super) fn compare(table: &Table) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/escapes.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (stands, after) = rest.split_once(END).unwrap();
    let found = format!("\nOn Linux {}.\n\n{}", kernel(), rendered(table));
    if std::env::var_os("GUARD_WRITE_ESCAPES").is_some() {
        fs::write(&path, [before, BEGIN, &found, END, after].concat()).unwrap();
        return;
    }
    let tried = |user| table.keys().any(|(_, _, by)| *by == user);
    let whole = tried(User::Root) && tried(User::Ordinary);
    if !whole {
        return;
    }
    let cells = |text: &str| text.lines().filter(|line| line.starts_with("| ")).map(verdicts).collect::<Vec<_>>();
    let (stands, found) = (cells(stands), cells(&found));
    let differ: Vec<_> = stands.iter().zip(&found).filter(|(a, b)| a != b).collect();
    assert!(
        differ.is_empty() && stands.len() == found.len(),
        "docs/escapes.md is out of date (GUARD_WRITE_ESCAPES=1 renews it): {differ:#?}"
    );
}

/// A line of the table with nothing of its cells but who succeeds.
fn verdicts(line: &str) -> String {
    let cell = |text: &str| match (text.contains("user **works**"), text.contains("**works**")) {
        (true, _) => "the user".to_owned(),
        (false, true) => "works".to_owned(),
        (false, false) => "held".to_owned(),
    };
    line.split(" | ")
        .enumerate()
        .map(|(n, text)| if n < 3 { text.to_owned() } else { cell(text) })
        .collect::<Vec<_>>()
        .join(" | ")
}
