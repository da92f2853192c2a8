//! `guard check`: the same judgement, nothing run, nothing written.

use super::Home;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(tree(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn check_gives_the_verdict_as_exit_code_and_leaves_everything_as_it_was() {
    let home = Home::with("python-trading");
    assert_eq!(home.guard(&["check", "--", "ls"]).code, Some(0));
    let before = tree(home.path());
    for (line, code) in [
        ("pytest tests/", 0),
        ("mypy services/", 0),
        ("truncate -s 0 data.csv", 75),
        ("docker-compose down -v", 126),
        ("", 126),
    ] {
        let done = home.guard(&["check", "-c", line]);
        assert_eq!(done.code, Some(code), "{line}: {}{}", done.stdout, done.stderr);
    }
    assert_eq!(tree(home.path()), before);
}

#[test]
fn check_names_every_rule_that_matched() {
    let home = Home::with("python-trading");
    let done = home.guard(&["check", "-c", "pytest tests/ && docker-compose down -v && sudo true"]);
    assert!(done.stdout.starts_with("deny: "), "{}", done.stdout);
    assert!(done.stdout.matches("deny ").count() >= 2 && done.stdout.contains("  allow "), "{}", done.stdout);
}

#[test]
fn a_project_is_the_nearest_ancestor_with_a_policy() {
    let home = Home::with("python");
    home.write("a/b/c.txt", "");
    let deep = home.project.join("a/b");
    let done = home.guard(&["-C", deep.to_str().unwrap(), "exec", "--", "ls"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), "c.txt\n"), "{}", done.stderr);
    let outside = home.guard(&["-C", home.path().to_str().unwrap(), "check", "--", "ls"]);
    assert_eq!(outside.code, Some(78));
    assert!(outside.stderr.contains("guard init"), "{}", outside.stderr);
}

/// What `guard check -c LINE` prints, with the places of programs and what presets say left out: both change.
fn printed(home: &Home, line: &str) -> String {
    let done = home.guard(&["check", "-c", line]);
    assert_eq!(done.stderr, "");
    super::lasting(home, &done.stdout)
}

/// A policy whose rules say the same whatever becomes of the presets.
fn small() -> Home {
    let home = Home::with("default");
    home.trust(
        "\n[[rule]]\nid = \"shows\"\nprogram = \"cat\"\nverdict = \"allow\"\nreason = \"shows a file\"\nwrites = true\n\
         [[rule]]\nid = \"no-nested\"\nprogram = \"mv\"\nverdict = \"deny\"\nreason = \"moves nothing\"\n\
         instead = \"cp\"\n",
    );
    home
}

#[test]
fn one_simple_command_takes_a_few_lines() {
    let home = small();
    insta::assert_snapshot!("refused", printed(&home, "mv a b"));
    let allowed = home.guard(&["check", "--", "cat", "x"]).stdout;
    let lines: Vec<&str> = allowed.lines().collect();
    assert_eq!(lines[0], "allow: `cat x`");
    assert!(lines.contains(&"  allow shows: shows a file (guard.toml:32)"), "{allowed}");
    let last = lines.last().unwrap();
    assert!(last.starts_with("  runs /") && last.contains(" fenced, for at most 60 s"), "{allowed}");
    assert!(lines.len() <= 4, "{allowed}");
}

#[test]
fn a_line_is_shown_as_it_stands_with_what_decided_each_part() {
    let home = small();
    insta::assert_snapshot!(
        "tree",
        printed(&home, "cd src && X=1 cat a > out.txt | (mv b c || cat \"$(mv d e)\") & true")
    );
    insta::assert_snapshot!("loop", printed(&home, "for f in a b; do env mv $f x; done; $Y z"));
    insta::assert_snapshot!("syntax", printed(&home, "cat 'x"));
}

#[test]
fn json_has_the_same_structure_under_commands() {
    let home = small();
    let done = home.guard(&["check", "--json", "-c", "cat < a && nice mv b c | $X"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(126), ""));
    let mut found: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let mut commands = found["commands"].take();
    assert_eq!(found["verdict"], "deny");
    fn plain(part: &mut serde_json::Value, project: &str) {
        for run in part["runs"].as_array_mut().unwrap() {
            let program = run["program"].take();
            run["program"] = program["path"]
                .as_str()
                .map_or(serde_json::Value::Null, |path| path.rsplit('/').next().unwrap().into());
            for read in run["reads"].as_array_mut().unwrap() {
                *read = read.as_str().unwrap().replace(project, "PROJECT").into();
            }
            let rules = run["rules"].as_array().unwrap().iter();
            let own = rules.filter(|rule| !rule["at"].as_str().unwrap().starts_with("policy/"));
            let ids: Vec<_> = own.map(|rule| rule["id"].clone()).collect();
            run["rules"] = ids.into();
        }
        for rule in part["rules"].as_array_mut().unwrap() {
            rule["reason"] = "".into();
            rule["instead"] = "".into();
        }
        for inner in part["parts"].as_array_mut().unwrap() {
            plain(inner, project);
        }
    }
    for part in commands.as_array_mut().unwrap() {
        plain(part, &home.project.display().to_string());
    }
    insta::assert_snapshot!("json", serde_json::to_string_pretty(&commands).unwrap());
}

#[test]
fn hostile_text_cannot_act_on_the_terminal_and_a_long_line_does_not_flood_it() {
    let home = small();
    let done = home.guard(&["check", "-c", "cat '\u{1b}[2J\u{202e}' ; mv \u{1b}]0;x"]);
    assert!(!done.stdout.contains(['\u{1b}', '\u{202e}']), "{:?}", done.stdout);
    let many = format!("{} mv a b", "cat x;".repeat(400));
    let done = home.guard(&["check", "-c", &many]);
    assert!(done.stdout.lines().count() < 20, "{}", done.stdout);
    assert!(done.stdout.contains("400 allowed commands are left out"), "{}", done.stdout);
}

#[test]
fn colours_are_for_terminals_only() {
    let home = small();
    assert!(!home.guard(&["check", "--", "mv", "a", "b"]).stdout.contains('\u{1b}'));
    let seen = super::terminal(&home, &["check", "--", "mv", "a", "b"], "");
    assert!(seen.stdout.contains("\u{1b}[1;31mdeny\u{1b}[0m"), "{:?}", seen.stdout);
}
