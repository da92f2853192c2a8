//! What adapters start is told as they say, and heard as they say.

use super::{GUARD, attempt, brief, scene};
use crate::cli::Home;
use guard::supervise::agent::{ADAPTERS, Brief, Given, Heard, Last, adapter};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs an agent of this kind in the fence of `guard run`, as the loop does, and hears it.
fn heard(home: &Home, kind: &str, run: &[&str], brief: &Brief) -> (Option<i32>, Heard) {
    let adapter = adapter(kind).unwrap();
    let run: Vec<String> = run.iter().map(|word| (*word).to_owned()).collect();
    let file = home.project.join("actions.toml");
    let given = Given { run: &run, file: Some(&file), guard: GUARD.as_ref() };
    let mut guard = Command::new(GUARD)
        .args(["run", "--"])
        .args(adapter.argv(given, brief).unwrap())
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", crate::cli::path())
        .env("HOME", home.path())
        .envs(adapter.env(brief))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    guard.stdin.take().unwrap().write_all(adapter.stdin(brief).as_bytes()).unwrap();
    let (mut listening, mut buffer) = (adapter.listen(), vec![0; 65_536]);
    let mut printed = guard.stdout.take().unwrap();
    while let Some(got) = printed.read(&mut buffer).ok().filter(|got| *got > 0) {
        listening.hear(&buffer[..got]);
    }
    (guard.wait().unwrap().code(), listening.end())
}

#[test]
fn the_scripted_agent_is_heard() {
    let home =
        scene("", &attempt(&["cost = 0.5", "say = \"done\"", "exec = \"false\"", "print = \"{\"", "cost = 0.25"]));
    let expected = Heard { cost_usd: Some(0.5), said: "done".into(), malformed: 2, lines: 5, ..Heard::default() };
    assert_eq!(heard(&home, "script", &[], &brief("1.1", 1)), (Some(0), expected));
}

#[test]
fn a_flood_is_heard_to_its_end() {
    let home = scene("", &attempt(&["print_bytes = 300000000", "say = \"all\"", "exit = 7"]));
    let expected = Heard { said: "all".into(), malformed: 1, lines: 3, ..Heard::default() };
    assert_eq!(heard(&home, "script", &[], &brief("1.1", 1)), (Some(7), expected));
}

#[test]
fn a_program_finds_the_same_object_on_standard_input_and_in_its_environment() {
    let home = scene("[run]\nenv = [\"GUARD_TASK\", \"GUARD_PHASE\", \"GUARD_ATTEMPT\"]\n", "");
    let line = "task = sys.stdin.read(); e = os.environ; \
                print('same', task == e['GUARD_TASK'], len(task.encode()) > 100_000, e['GUARD_PHASE'], e['GUARD_ATTEMPT'])";
    let last = Last { output: "\u{1}".repeat(1_000_000), ..Last::default() };
    // As long as it gets.
    let brief = Brief { last: Some(last), stuck: Some("é".repeat(30_000)), ..brief("1.1", 3) };
    assert!(brief.json().len() > 100_000, "{}", brief.json().len());
    let (code, heard) = heard(&home, "command", &["python3", "-c", &format!("import os, sys; {line}")], &brief);
    assert_eq!((code, heard.said.as_str()), (Some(0), "same True True 1.1 3"));
}

#[test]
fn the_program_that_the_page_shows_keeps_to_the_contract() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/agents.md")).unwrap();
    let program = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(program.lines().count() <= 20, "{program}");
    let home = scene("", "");
    home.write("agent.py", program);
    let (code, first) = heard(&home, "command", &["python3", "agent.py"], &brief("1.1", 1));
    let expected = Heard { cost_usd: Some(0.01), said: "limit.py is written".into(), lines: 2, ..Heard::default() };
    assert_eq!((code, first), (Some(0), expected));
    assert_eq!(home.read("limit.py"), "LIMIT = 3\n");
    let last = Last { message: "assert 3 == 2".into(), ..Last::default() };
    let (code, _) = heard(&home, "command", &["python3", "agent.py"], &Brief { last: Some(last), ..brief("1.1", 2) });
    assert_eq!((code, home.read("limit.py").as_str()), (Some(0), "LIMIT = 2\n"));
    assert!(home.log().contains("Modified limit.py: assert 3 == 2"), "{}", home.log());
}

#[test]
fn the_page_tells_of_every_kind_and_every_key() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/agents.md")).unwrap();
    for adapter in ADAPTERS {
        assert!(page.contains(&format!("\n## `{}`", adapter.name)), "{}", adapter.name);
    }
    let full = serde_json::to_value(super::full()).unwrap();
    let mut keys = Vec::new();
    super::keys(&full, &mut keys);
    assert!(keys.len() > 35, "{keys:?}");
    let absent: Vec<_> = keys.iter().filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert_eq!(absent, Vec::<&String>::new());
}

#[test]
fn the_folder_of_adapters_is_their_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/supervise/agent/adapters");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "mod")
        .collect();
    files.sort();
    let mut names: Vec<_> = ADAPTERS.iter().map(|adapter| adapter.name).collect();
    names.sort();
    assert_eq!(files, names);
}
