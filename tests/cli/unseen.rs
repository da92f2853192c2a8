//! Changes that a person is asked about and cannot see whole: told plainly, and only agreed to in so many words.

use super::{Home, agreed};
use std::fs;

/// A project whose commands must ask about every second file.
fn asking() -> Home {
    let home = Home::with("python");
    home.trust("[iteration]\nfiles = 1\n");
    home
}

/// Has the changes of a program kept.
fn held(home: &Home, program: &str) -> String {
    home.write("work.py", program);
    let done = home.guard(&["exec", "--", "python3", "work.py"]);
    assert_eq!(done.code, Some(75), "{}", done.stderr);
    done.stderr
}

#[test]
fn a_binary_file_is_approved_by_its_hash_and_an_explicit_word_only() {
    let home = asking();
    held(&home, "open('bin', 'wb').write(bytes(range(256)) * 40)\nopen('text', 'w').write('t\\n')\n");
    let hash = "sha256 ";
    let shown = home.guard(&["show", "change-1"]).stdout;
    assert!(shown.contains("binary, 10240 bytes") && shown.contains("--unseen"), "{shown}");
    let sum = shown.split(hash).nth(1).unwrap().chars().take_while(char::is_ascii_hexdigit).count();
    assert_eq!(sum, 64, "the whole hash: {shown}");
    let copies = home.state().join("held/change-1/upper");
    assert!(shown.contains(copies.to_str().unwrap()), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&home.guard(&["show", "--json", "change-1"]).stdout).unwrap();
    assert_eq!(json["unseen"].as_array().unwrap().len(), 1);
    let refused = agreed(&home, "guard approve change-1");
    assert_eq!(refused.code, Some(125), "{}", refused.stdout);
    assert!(refused.stdout.contains("bin: binary, 10240 bytes, sha256 "), "{}", refused.stdout);
    assert!(refused.stdout.contains("guard approve change-1 --unseen"), "{}", refused.stdout);
    assert!(!home.project.join("bin").exists());
    let done = agreed(&home, "guard approve change-1 --unseen");
    assert_eq!(done.code, Some(0), "{}", done.stdout);
    assert_eq!(fs::read(home.project.join("bin")).unwrap().len(), 10240);
}

#[test]
fn a_zero_byte_hides_nothing_and_what_is_shown_is_what_was_judged() {
    let home = asking();
    held(&home, "open('run', 'w').write('#!/bin/sh\\n# \\0\\nevil\\n')\nopen('text', 'w').write('t\\n')\n");
    let shown = home.guard(&["show", "change-1"]).stdout;
    assert!(shown.contains("+# \\u{0}") && shown.contains("+evil"), "{shown}");
    // The copy is another by now: nothing of it is shown as what a person agrees to.
    fs::write(home.state().join("held/change-1/upper/run"), "#!/bin/sh\n# \0\ngood\n").unwrap();
    let forged = home.guard(&["show", "change-1"]);
    assert!(forged.code == Some(125) && forged.stderr.contains("is not what was judged"), "{forged:?}");
    assert!(home.guard(&["pending"]).stdout.contains("nothing waits"));
    assert!(!home.project.join("run").exists());
}

#[test]
fn an_honest_change_of_any_length_can_be_read_whole_and_approved() {
    let home = asking();
    held(&home, "for n in 'ab': open(n, 'w').write(''.join(f'line {i} of {n}\\n' for i in range(9000)))\n");
    let shown = home.guard(&["show", "change-1"]).stdout;
    assert!(shown.contains("guard show change-1 --full") && !shown.contains("+line 8999 of b"), "{}", shown.len());
    let full = home.guard(&["show", "change-1", "--full"]).stdout;
    assert!(
        full.contains("+line 8999 of a") && full.contains("+line 8999 of b") && !full.contains("cut"),
        "{}",
        full.len()
    );
    let refused = agreed(&home, "guard approve change-1");
    assert_eq!(refused.code, Some(125), "{}", refused.stdout);
    assert!(refused.stdout.contains("guard approve change-1 --full"), "{}", refused.stdout);
    let done = agreed(&home, "guard approve change-1 --full");
    assert_eq!(done.code, Some(0));
    assert_eq!(home.read("b").lines().count(), 9000);
}

#[test]
fn what_was_left_out_is_told_to_whoever_approves_and_no_rule_allows_changes_always() {
    let home = asking();
    held(&home, "import os\nos.mkfifo('pipe')\nfor n in 'ab': open(n, 'w').write(n)\nos.link('a', 'c')\n");
    let shown = home.guard(&["show", "change-1"]).stdout;
    assert!(shown.contains("left out pipe (pipe or socket)"), "{shown}");
    let always = agreed(&home, "guard approve change-1 --always");
    assert!(always.stdout.contains("no rule can allow `change-1` always: it is changes"), "{}", always.stdout);
    assert!(always.stdout.contains("without `--always` allows it once"), "{}", always.stdout);
    let done = agreed(&home, "guard approve change-1");
    assert!(done.stdout.contains("pipes and sockets are not committed: `pipe`"), "{}", done.stdout);
    assert!(done.stdout.contains("hard links are committed as files of their own"), "{}", done.stdout);
    assert_eq!(home.read("c"), "a");
}

#[test]
fn what_is_kept_of_requests_that_nobody_knows_goes_with_the_next() {
    let home = asking();
    let lost = home.state().join("held/change-9/upper");
    fs::create_dir_all(&lost).unwrap();
    fs::write(lost.join("f"), "x").unwrap();
    held(&home, "for n in 'ab': open(n, 'w').write(n)\n");
    let names: Vec<_> =
        fs::read_dir(home.state().join("held")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["change-1"]);
}
