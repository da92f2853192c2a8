//! Each check, hit once and let through once.

use super::{said, scene, writes};

/// Writes a file that stands there as `before` (if at all); exit code, and what is said of it.
fn written(policy: &str, path: &str, before: Option<&[u8]>, after: &[u8]) -> (Option<i32>, Vec<String>) {
    let home = scene(policy);
    if let Some(before) = before {
        let path = home.project.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, before).unwrap();
    }
    let done = writes(&home, path, after);
    let stands = std::fs::read(home.project.join(path)).ok();
    let expected = if done.code == Some(0) { Some(after) } else { before };
    assert_eq!(stands.as_deref(), expected, "{}", done.stderr);
    (done.code, said(&done))
}

#[test]
fn each_check_is_hit_once_and_let_through_once() {
    let explained = "[[content]]\npaths = \"**/*.py\"\nchecks = \"explained\"\n";
    type Row = (&'static str, &'static str, Option<&'static [u8]>, &'static [u8], Option<&'static [u8]>, &'static str);
    let table: [Row; 10] = [
        // Policy, file, what stood there, what is refused, what is let through, what is said.
        (
            "",
            "a.py",
            None,
            b"def f(:\n    pass\n",
            Some(b"def f():\n    pass\n"),
            "guard:content-syntax: leaves a file that cannot be read as what it is: `a.py:1:7: expected a parameter or the end of the parameter list`, `a.py:1:8: expected ')', found newline`",
        ),
        (
            "",
            "a.json",
            Some(b"{}"),
            b"{\n  \"a\" 1\n}",
            Some(b"{\"a\": 1}"),
            "guard:content-syntax: leaves a file that cannot be read as what it is: `a.json:2:7: expected ':'`",
        ),
        (
            "",
            "a.toml",
            None,
            b"a = 1\nb = \n",
            Some(b"a = 1\n"),
            "guard:content-syntax: leaves a file that cannot be read as what it is: `a.toml:2:5: string values must be quoted, expected literal string`",
        ),
        (
            "",
            "deep/a.yml",
            None,
            b"a: [1, 2\nb: 3\n",
            Some(b"a: [1, 2]\nb: 3\n"),
            "guard:content-syntax: leaves a file that cannot be read as what it is: `deep/a.yml:2:2: illegal placement of ':' indicator`",
        ),
        (
            explained,
            "a.py",
            None,
            b"x = 1\n",
            Some(b"'''Numbers.'''\nx = 1\n"),
            "guard:content-explained: adds what nothing explains: `a.py:1:1: no docstring and no comment stands in front of the module`",
        ),
        (
            "",
            "requirements.txt",
            Some(b"old\n"),
            b"old\nrequests>=2\n",
            Some(b"old\nrequests==2.32.3\n"),
            "guard:content-pinned: requires what is not pinned: `requirements.txt:2:1: 'requests>=2' is not one exact version`",
        ),
        (
            "",
            "a.rs",
            None,
            b"a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> other\n",
            Some(b"a\nb\nc\n"),
            "guard:content-markers: leaves the marks of an unfinished merge: `a.rs:2:1: '<<<<<<<' is left of a merge`, `a.rs:6:1: '>>>>>>>' is left of a merge`",
        ),
        (
            "",
            "a.txt",
            Some(b"a\n"),
            b"a\nb\0",
            Some(b"a\nb"),
            "guard:content-text: does not leave a text as what it was: `a.txt:2:2: a NUL byte, in what was text`",
        ),
        (
            "",
            "a.txt",
            Some(b"a\r\nb\r\n"),
            b"a\r\nc\n",
            Some(b"a\r\nc\r\n"),
            "guard:content-endings: changes how lines end: `a.txt:2:2: a line that ends in LF, where the file's lines ended in CRLF`",
        ),
        (
            "",
            "shared/models.py",
            Some(b"class Order:\n    id: int\n    price: float\n"),
            b"class Order:\n    id: str\n",
            Some(b"class Order:\n    id: int\n    price: float\n    note: str = ''\n"),
            "guard:content-fields: changes fields that others rest on: `shared/models.py:2:5: field 'Order.id' is 'str' and was 'int'`, `shared/models.py:3:5: field 'Order.price' is gone`",
        ),
    ];
    for (policy, path, before, refused, passes, expected) in table {
        let asks = expected.starts_with("guard:content-fields");
        let code = if asks { 75 } else { 126 };
        assert_eq!(written(policy, path, before, refused), (Some(code), vec![expected.to_owned()]));
        if let Some(passes) = passes {
            assert_eq!(written(policy, path, before, passes), (Some(0), vec![]), "{path}");
        }
    }
}

#[test]
fn what_was_not_looked_at_where_it_came_from_is_looked_at_where_it_goes() {
    let home = scene("[[content]]\npaths = \"services/**\"\nchecks = \"explained\"\n");
    home.write("tests/fixtures/bad.py", "def f(:\n");
    home.write("build/made.py", "return 1\n");
    home.write("plain.py", "x = 1\n");
    home.write("services/old.py", "x = 2\n");
    for (from, to, code) in [
        ("tests/fixtures/bad.py", "services/bad.py", Some(126)),
        ("build/made.py", "made.py", Some(126)),
        ("plain.py", "services/plain.py", Some(126)),
        ("services/old.py", "services/new.py", Some(0)),
        ("tests/fixtures/bad.py", "tests/fixtures/worse.py", Some(0)),
    ] {
        let done = home.guard(&["exec", "--", "mv", from, to]);
        assert_eq!(done.code, code, "{from}: {}", done.stderr);
        assert_eq!(said(&done).len(), usize::from(code != Some(0)), "{from}: {}", done.stderr);
        assert_eq!(home.project.join(to).exists(), code == Some(0), "{from}");
    }
    // The same by `guard file`.
    let done = home.guard(&["file", "move", "plain.py", "services/plain.py", "--reason", "it is one"]);
    assert_eq!((done.code, said(&done).len()), (Some(126), 1), "{}", done.stderr);
}

#[test]
fn constraints_pin_what_they_pin() {
    let home = scene("");
    home.write("pins/all.txt", "requests==2.32.3\nflask>=3\n");
    let done = writes(&home, "requirements.txt", b"-c pins/all.txt\nrequests\nflask\n");
    let expected =
        "guard:content-pinned: requires what is not pinned: `requirements.txt:3:1: 'flask' is not one exact version`";
    assert_eq!((done.code, said(&done)), (Some(126), vec![expected.to_owned()]));
    assert_eq!(writes(&home, "requirements.txt", b"-c pins/all.txt\nrequests\n").code, Some(0));
}

#[test]
fn a_link_of_a_language_s_name_leads_to_what_is_such() {
    let home = scene("");
    let done = home.guard(&["exec", "-c", "printf 'def f(:\\n' > a.txt; ln -s a.txt b.py"]);
    assert_eq!((done.code, said(&done).len()), (Some(126), 1), "{}", done.stderr);
    let done =
        home.guard(&["exec", "-c", "printf 'x = 1\\n' > a.txt; ln -s a.txt b.py; ln -s nowhere c.py; ln -s /etc d.py"]);
    assert_eq!(said(&done), [] as [&str; 0], "{}", done.stderr);
}
