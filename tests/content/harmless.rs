//! What looks wrong and is not: nothing of it is refused.

use super::{said, scene, writes};

#[test]
fn what_only_looks_broken_is_let_be() {
    let home = scene("[[content]]\npaths = \"tests/bad/**\"\nexcept = [\"syntax\", \"markers\"]\n");
    let stands = [
        ("old.py", "print 'python 2'\nexec code in names\n"),
        ("latin.txt", "plain\n"),
        ("mixed.txt", "a\r\nb\n"),
        ("half.json", "{\"a\": \n"),
    ];
    for (path, text) in stands {
        home.write(path, text);
    }
    let table: [(&str, &[u8]); 24] = [
        // Broken before: it may stay so, and be mended step by step.
        ("old.py", b"print 'python 2, still'\nprint `x`\n"),
        ("half.json", b"{\"a\": 1,\n"),
        ("mixed.txt", b"a\nb\r\nc\n"),
        // Broken on purpose, or somebody else's.
        ("tests/bad/broken.py", b"def f(:\n"),
        ("tests/fixtures/broken.json", b"{"),
        ("pkg/testdata/x.yaml", b"a: [\n"),
        ("vendor/lib/x.py", b"print 'a'\n"),
        ("conflict.patch", b"<<<<<<< HEAD\n=======\n>>>>>>> b\n"),
        ("README.md", b"```\n<<<<<<< HEAD\n=======\n>>>>>>> b\n```\n"),
        ("merge_test.py", b"TEXT = '''\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> c\n'''\n"),
        // Templates.
        ("templates/setup.py.j2", b"name = {{ name }}\n{% if x %}\n"),
        ("{{cookiecutter.name}}/setup.py", b"name = {{ cookiecutter.name }}\n{% if x %}\n"),
        ("chart/templates/deploy.yaml", b"{{- if .Values.x }}\na: {{ .Values.a }}\n{{- end }}\n"),
        (".github/workflows/ci.yml", b"on: push\njobs:\n  a:\n    if: ${{ x }}\n"),
        // Other languages, or the same with more.
        ("book.ipynb", b"{not json"),
        ("tsconfig.json", b"{\n  // comment\n  \"a\": [1,],\n}\n"),
        (".vscode/settings.json", b"{ /* a */ \"b\": 1, }\n"),
        ("cfn.yaml", b"---\na: !Ref x\n---\nb: !Sub\n  - c\n  - {d: e}\n"),
        ("a.unknown", b"\x01\x02{[("),
        ("data.jsonl", b"{}\n{}\n"),
        // Outputs, whatever they hold.
        ("build/lib/x.py", b"def f(:\n"),
        // Other encodings.
        ("latin.py", b"# -*- coding: latin-1 -*-\nx = '\xe9'\n"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\n\xff"),
        ("empty.py", b""),
    ];
    for (path, content) in table {
        let done = writes(&home, path, content);
        assert_eq!((done.code, said(&done)), (Some(0), vec![]), "{path}: {}", done.stderr);
    }
    // A broken file may go, and move.
    for line in ["mv old.py older.py", "rm older.py half.json", "chmod 600 mixed.txt"] {
        let done = home.guard(&["exec", "-c", line]);
        assert_eq!((done.code, said(&done)), (Some(0), vec![]), "{line}: {}", done.stderr);
    }
}

#[test]
fn what_git_brings_back_is_not_judged_again() {
    let home = scene("");
    let git = |line: &str| {
        let line = format!("git init -qb main; git config user.name a; git config user.email a@b; {line}");
        let done =
            std::process::Command::new("bash").args(["-euc", &line]).current_dir(&home.project).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(
        "echo build_audit.log >.gitignore; echo a >a.py; git add .; git commit -qm 1; git switch -qc other; echo 'def f(:' >bad.py; git add .; git commit -qm 2; git switch -q main",
    );
    let done = home.guard(&["exec", "--", "git", "switch", "other"]);
    assert_eq!((done.code, said(&done)), (Some(0), vec![]), "{}", done.stderr);
    assert_eq!(home.read("bad.py"), "def f(:\n");
}

#[test]
fn what_the_machine_wants_no_project_takes_away_and_what_a_version_says_counts() {
    let home = scene("");
    home.write("pyproject.toml", "[project]\nname = \"x\"\nrequires-python = \">=3.9\"\n");
    let done = writes(&home, "a.py", b"match x:\n    case 1: pass\n");
    let expected = "guard:content-syntax: leaves a file that cannot be read as what it is: `a.py:1:1: cannot use 'match' statement on Python 3.9 (syntax was added in Python 3.10)`";
    assert_eq!((done.code, said(&done)), (Some(126), vec![expected.to_owned()]));
    home.write("pyproject.toml", "[project]\nname = \"x\"\nrequires-python = \">=3.10\"\n");
    assert_eq!(writes(&home, "a.py", b"match x:\n    case 1: pass\n").code, Some(0));
}
