//! The house rules that a compiler does not check: order of rooms, headers, lengths, tables.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms in the order data goes through them; a room imports only from rooms before it.
const ROOMS: [&str; 11] =
    ["action", "event", "decide", "failfast", "approve", "execute", "record", "notify", "gate", "supervise", "door"];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, into: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                into.push((path, text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    for (path, _) in &mut files {
        *path = path.strip_prefix(&root).unwrap().to_owned();
    }
    files.sort();
    files
}

/// The part of a file before its unit tests.
fn body(text: &str) -> &str {
    text.split("\n#[cfg(test)]").next().unwrap()
}

#[test]
fn every_file_opens_with_a_header() {
    let bare: Vec<_> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(path, _)| path).collect();
    assert_eq!(bare, Vec::<PathBuf>::new());
}

#[test]
fn rooms_import_only_from_rooms_before_them() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(room) = path.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned()) else {
            continue;
        };
        let Some(own) = ROOMS.iter().position(|name| *name == room) else { continue };
        for later in &ROOMS[own + 1..] {
            for (number, line) in body(&text).lines().enumerate() {
                if !line.trim_start().starts_with("//") && line.contains(&format!("crate::{later}")) {
                    wrong.push(format!("{}:{}: {room} imports {later}", path.display(), number + 1));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_rooms_of_the_library_are_the_rooms_of_the_house() {
    let lib = sources().into_iter().find(|(path, _)| path == Path::new("lib.rs")).unwrap().1;
    let declared: Vec<_> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).map(str::to_owned).collect();
    assert_eq!(declared, ROOMS);
}

#[test]
fn files_are_short() {
    let mut lengths: Vec<_> = sources().iter().map(|(path, text)| (body(text).lines().count(), path.clone())).collect();
    lengths.sort();
    let long: Vec<_> = lengths.iter().filter(|(length, _)| *length > 500).collect();
    assert_eq!(long, Vec::<&(usize, PathBuf)>::new(), "at 500 lines a file is two rooms");
    let front = |path: &PathBuf| path.ends_with("mod.rs") && path.components().count() == 2;
    let fronts: Vec<_> = lengths.iter().filter(|(length, path)| front(path) && *length > 120).collect();
    assert_eq!(fronts, Vec::<&(usize, PathBuf)>::new(), "a room's front door has at most 120 lines");
    let median = lengths[lengths.len() / 2].0;
    assert!(median < 250, "the median file has {median} lines");
    let ninth = lengths[lengths.len() * 9 / 10].0;
    assert!(ninth <= 400, "one file in ten has more than {ninth} lines");
}

#[test]
fn unsafe_code_lives_in_the_sandbox_alone_and_says_why() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<_> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap();
            if !code.contains("unsafe {") && !code.contains("unsafe fn") && !code.contains("unsafe impl") {
                continue;
            }
            let said = lines[number.saturating_sub(8)..=number]
                .iter()
                .any(|near| near.contains("SAFETY:") || near.contains("# Safety"));
            if !path.starts_with("execute/sandbox") || !said {
                wrong.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn nothing_is_silenced_or_left_undone() {
    let banned = ["#[allow(", "#![allow(", "todo!(", "unimplemented!(", "#[ignore"];
    let mut found = Vec::new();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            if banned.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn doors_do_not_know_each_other() {
    let doors = ["cli", "hook", "mcp", "web"];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Ok(inside) = path.strip_prefix("door") else { continue };
        let own =
            inside.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
        for other in doors.iter().filter(|door| **door != own.trim_end_matches(".rs") && own != "mod.rs") {
            if body(&text).contains(&format!("door::{other}")) {
                wrong.push(format!("{}: knows {other}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
