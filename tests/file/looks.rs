//! Reading and listing.

use super::{scene, sha256, with};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn a_file_is_read_whole_or_by_its_lines() {
    let home = scene();
    home.write("a.py", "one\ntwo\nthree\n");
    let lines = |lines: &[&str]| home.guard(&[&["file", "read", "a.py"], lines].concat());
    assert_eq!(lines(&[]).stdout, "one\ntwo\nthree\n");
    for (part, expected) in [("2:2", "two\n"), ("2", "two\n"), ("2:", "two\nthree\n"), (":1", "one\n"), ("9:", "")] {
        assert_eq!(lines(&["--lines", part]).stdout, expected, "{part}");
    }
    for part in ["0:1", "3:2", "x", "1:2:3", "-1"] {
        assert_eq!(lines(&["--lines", part]).code, Some(125), "{part}");
    }
    let object: serde_json::Value = serde_json::from_str(&lines(&["--json", "--lines", "1:1"]).stdout).unwrap();
    let expected = serde_json::json!({
        "path": "a.py", "len": 14, "sha256": sha256(&home, "a.py"), "text": "one\n", "binary": false, "masked": false,
    });
    assert_eq!(object, expected);
    let log = home.log();
    assert!(
        log.lines().last().unwrap().contains(
            "[FILE] [READ] [a.py] [SUCCESS] {\"v\":1,\"event\":\"file_read\",\"len\":14,\"from\":1,\"to\":1}"
        )
    );
}

#[test]
fn what_is_no_text_is_told_apart() {
    let home = scene();
    fs::write(home.project.join("a.png"), b"\x89PNG\r\n\0\0").unwrap();
    fs::write(home.project.join("latin"), b"caf\xe9\n").unwrap();
    for name in ["a.png", "latin"] {
        let read = home.guard(&["file", "read", name]);
        assert_eq!((read.code, read.stdout.as_str()), (Some(1), ""));
        assert!(read.stderr.contains("not text") && read.stderr.contains(&sha256(&home, name)), "{}", read.stderr);
        let object: serde_json::Value =
            serde_json::from_str(&home.guard(&["file", "read", name, "--json"]).stdout).unwrap();
        assert_eq!((&object["binary"], &object["text"]), (&true.into(), &serde_json::Value::Null));
    }
}

#[test]
fn of_a_dotenv_only_names_are_shown() {
    let home = scene();
    home.write(".env", "API_KEY=geheim\nURL='a\nb=c'\n");
    home.write(".env.example", "API_KEY=put yours here\n");
    let read = home.guard(&["file", "read", ".env"]);
    assert_eq!((read.code, read.stdout.as_str()), (Some(0), "API_KEY=[masked]\nURL=[masked]\nb=[masked]\n"));
    let object = home.guard(&["file", "read", ".env", "--json"]).stdout;
    assert!(object.contains("\"masked\":true") && object.contains("\"sha256\":null"), "{object}");
    symlink(".env", home.project.join("alias")).unwrap();
    assert_eq!(home.guard(&["file", "read", "alias"]).stdout, read.stdout, "by another name as well");
    assert_eq!(home.guard(&["file", "read", ".env.example"]).stdout, "API_KEY=put yours here\n");
}

#[test]
fn a_file_is_read_up_to_the_policy_s_size() {
    let home = with("[limits]\nfile_size = \"1KiB\"\n");
    home.write("big", &"0123456789\n".repeat(200));
    let read = home.guard(&["file", "read", "big"]);
    assert_eq!(read.code, Some(125));
    assert!(read.stderr.contains("has 2200 bytes, and at most 1024 are read at once"), "{}", read.stderr);
    assert_eq!(home.guard(&["file", "read", "big", "--lines", "199:"]).stdout, "0123456789\n0123456789\n");
    assert_eq!(home.guard(&["file", "read", "big", "--lines", "1:150"]).code, Some(125));
}

#[test]
fn what_is_hidden_or_outside_is_not_read() {
    let home = scene();
    fs::write(home.path().join("outside"), "secret").unwrap();
    symlink("../outside", home.project.join("link")).unwrap();
    symlink("/etc", home.project.join("etc")).unwrap();
    fs::hard_link(home.path().join("outside"), home.project.join("hard")).unwrap();
    for (path, rule) in [
        ("../outside", "guard:reads-outside"),
        ("link", "guard:reads-outside"),
        ("etc/passwd", "guard:reads-outside"),
        ("/etc/passwd", "guard:reads-outside"),
        ("hard", "guard:changes-linked"),
        ("build_audit.log", "guard:reads-hidden"),
    ] {
        let read = home.guard(&["file", "read", path]);
        assert_eq!((read.code, read.stdout.as_str()), (Some(126), ""), "{path}");
        assert!(read.stderr.contains(rule), "{path}: {}", read.stderr);
        let log = home.log();
        let last = log.lines().last().unwrap();
        assert!(last.contains("[FILE] [READ]") && last.contains("[DENIED]") && last.contains(rule), "{last}");
    }
}

/// What is too long to be shown is not read through first: that would take hours.
#[test]
fn a_file_of_a_terabyte_is_refused_at_once() {
    let home = scene();
    let file = fs::File::create(home.project.join("sparse")).unwrap();
    if file.set_len(1 << 40).is_err() {
        return;
    }
    let read = home.guard(&["file", "read", "sparse"]);
    assert!(read.code == Some(125) && read.stderr.contains("`sparse` has 1099511627776 bytes"), "{}", read.stderr);
}

#[test]
fn files_are_listed_by_patterns() {
    let home = scene();
    for name in ["services/a.py", "services/deep/b.py", "tests/test_a.py", "c.toml", ".git/config", "__pycache__/a.pyc"]
    {
        home.write(name, "x");
    }
    symlink("/etc", home.project.join("etc")).unwrap();
    let list = |more: &[&str]| home.guard(&[&["file", "list"], more].concat()).stdout;
    assert_eq!(list(&["*.py"]), "services/a.py\nservices/deep/b.py\ntests/test_a.py\n");
    assert_eq!(list(&["services/*.py"]), "services/a.py\n");
    assert_eq!(list(&["services/**", "*.toml"]), "c.toml\nguard.toml\nservices/a.py\nservices/deep/b.py\n");
    assert_eq!(list(&["*.pyc"]), "");
    assert_eq!(list(&["*.pyc", "--all"]), "__pycache__/a.pyc\n");
    assert!(!list(&[]).contains(".git/") && !list(&[]).contains("build_audit.log") && list(&[]).contains("etc\n"));
    let few = home.guard(&["file", "list", "--most", "1", "--json"]).stdout;
    assert!(few.contains("\"more\":true"), "{few}");
    let wrong = home.guard(&["file", "list", "[a"]);
    assert!(wrong.code == Some(125) && wrong.stderr.contains("not a pattern"), "{}", wrong.stderr);
}
