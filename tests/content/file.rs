//! `guard file check`: the checks alone, on files as they stand.

use super::scene;

#[test]
fn files_are_checked_as_they_stand_and_nothing_is_changed_or_recorded() {
    let home = scene("[[content]]\npaths = \"**/*.py\"\nchecks = \"imports\"\n");
    home.write("a.py", "import nowhere\n");
    home.write("sub/b.json", "{\n \"é\": é}\n");
    home.write("sub/c.yaml", "a: 1\n");
    home.write("build/d.py", "def f(:\n");
    home.write("tests/fixtures/e.py", "def f(:\n");
    let log = home.log();
    let check = |arguments: &[&str]| {
        let done = home.guard(&[&["file", "check"], arguments].concat());
        (done.code, done.stdout, done.stderr)
    };
    let found =
        "a.py:1:8: no module 'nowhere' (imports)\nsub/b.json:2:7: expected value (syntax)\n5 files: 2 findings\n";
    assert_eq!(check(&["."]), (Some(1), found.to_owned(), String::new()));
    assert_eq!(check(&["sub/c.yaml"]), (Some(0), "1 file: nothing was found\n".to_owned(), String::new()));
    let object = "{\"checked\":2,\"findings\":[{\"check\":\"syntax\",\"column\":7,\"line\":2,\"message\":\"expected value\",\"path\":\"sub/b.json\"}]}\n";
    assert_eq!(check(&["--json", "sub"]), (Some(1), object.to_owned(), String::new()));
    // What builds make is not looked at, even by name.
    assert_eq!(check(&["build/d.py"]).0, Some(0));
    home.write("t.yaml", &format!("token: ghp_{}\n", "a1B2".repeat(9)));
    let (code, told, _) = check(&["t.yaml"]);
    assert_eq!(code, Some(1));
    assert!(told.starts_with("t.yaml: holds a secret: ") && told.ends_with("(secrets)\n1 file: 1 finding\n"), "{told}");
    assert!(!told.contains("a1B2"), "{told}");
    assert!(check(&["--json", "t.yaml"]).1.contains("\"check\":\"secrets\""));
    std::fs::remove_file(home.project.join("t.yaml")).unwrap();
    // What no command may read is not looked at.
    assert_eq!(check(&["build_audit.log"]), (Some(0), "0 files: nothing was found\n".to_owned(), String::new()));
    let (code, _, said) = check(&["nowhere.py"]);
    assert_eq!(
        (code, said.starts_with("guard: `nowhere.py` cannot be looked at: No such file")),
        (Some(125), true),
        "{said}"
    );
    for outside in ["/etc/passwd", "..", "/proc/self/root/etc/passwd"] {
        let (code, _, said) = check(&[outside]);
        assert_eq!((code, said.contains("is not in the project")), (Some(125), true), "{outside}: {said}");
    }
    std::os::unix::fs::symlink("/etc/passwd", home.project.join("out.py")).unwrap();
    assert_eq!(check(&["out.py"]).0, Some(125));
    rustix::fs::mknodat(rustix::fs::CWD, home.project.join("pipe.py"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    assert_eq!(check(&["pipe.py"]).0, Some(125));
    assert_eq!(check(&["."]).0, Some(1));
    assert_eq!(check(&[]).0, Some(125));
    assert_eq!(home.log(), log);
}
