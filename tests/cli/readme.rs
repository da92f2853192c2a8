//! The README's tour, run as it stands: every `console` block, in order, in one new project. What asks a person for a digest
//! runs on a terminal, where it is typed.

use super::Home;
use guard::decide::{Layer, Policy, Source, check_examples};
use std::process::Command;

#[test]
fn the_readmes_tour_runs_as_written() {
    let readme = include_str!("../../README.md");
    let home = Home::bare();
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_guard")).parent().unwrap().to_owned();
    let mut steps = 0;
    let mut last_code = 0;
    for block in readme.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        for step in block.split("$ ").skip(1) {
            let (line, told) = step.split_once('\n').unwrap();
            if told.contains("leave it: ") {
                let done = super::agreed(&home, line);
                last_code = done.code.unwrap();
                assert!(matches(&done.stdout, told), "$ {line}\ntold:\n{told}\nprinted:\n{}", done.stdout);
                steps += 1;
                continue;
            }
            let done = Command::new("bash")
                .args(["-c", &format!("(exit {last_code}); {line}")])
                .current_dir(&home.project)
                .env_clear()
                .env("PATH", format!("{}:{}", bin.display(), super::path()))
                .env("HOME", home.path())
                .output()
                .unwrap();
            last_code = done.status.code().unwrap();
            let printed = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            assert!(matches(&printed, told), "$ {line}\ntold:\n{told}\nprinted:\n{printed}");
            steps += 1;
        }
    }
    assert!(steps >= 25, "{steps} steps");
}

#[test]
fn the_settings_that_the_pages_show_are_sound_policies() {
    for page in [
        include_str!("../../docs/approvals.md"),
        include_str!("../../docs/failfast.md"),
        include_str!("../../docs/run.md"),
    ] {
        let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(blocks.len(), 1, "{page}");
        for block in blocks {
            let text = if block.contains("version = 1") { block.into() } else { format!("version = 1\n{block}") };
            let sources = [Source { layer: Layer::Project, name: "guard.toml".into(), text }];
            let policy = Policy::load(&sources).unwrap_or_else(|faults| panic!("{faults}"));
            assert_eq!(check_examples(&policy), Ok(()));
        }
    }
}

/// Whether `printed` is what was told, where `…` stands for anything; a line of its own for any lines.
fn matches(printed: &str, told: &str) -> bool {
    let mut rest = printed.trim_end();
    let parts: Vec<&str> = told.trim_end().split('…').collect();
    for (number, part) in parts.iter().enumerate() {
        let part = if number > 0 { part.trim_start_matches('\n') } else { part };
        let Some(at) = rest.find(part) else { return false };
        if number == 0 && at != 0 {
            return false;
        }
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || told.trim_end().ends_with('…')
}
