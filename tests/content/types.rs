//! Types, by the real mypy: what it did not say before is refused.

use super::{said, scene, writes};
use crate::cli::{Home, tools};

#[test]
fn mypy_refuses_what_a_change_breaks_where_it_is_and_where_it_is_imported() {
    if !tools().join("mypy").exists() {
        eprintln!("skipped: no mypy in {}", tools().display());
        return;
    }
    let home = scene("[[content]]\npaths = \"**/*.py\"\nchecks = \"types\"\n");
    home.write("shared/models.py", "def price() -> int:\n    return 1\n\nwrong: int = 'before'\n");
    home.write("services/orders.py", "from shared.models import price\n\ntotal: int = price()\n");
    let types = "guard:content-types: does not agree with the types: ";
    // What was wrong before does not count; what is new does, in the file itself and in what imports it.
    let done =
        writes(&home, "shared/models.py", b"def price() -> int:\n    return 1\n\nx = 1\nwrong: int = 'before'\n");
    assert_eq!((done.code, said(&done)), (Some(0), vec![]), "{}", done.stderr);
    let done = writes(&home, "shared/models.py", b"def price() -> str:\n    return 1\n");
    let expected = format!(
        "{types}`services/orders.py:3:14: Incompatible types in assignment (expression has type \"str\", variable has type \"int\") [assignment]`, \
         `shared/models.py:2:12: Incompatible return value type (got \"int\", expected \"str\") [return-value]`"
    );
    assert_eq!((done.code, said(&done)), (Some(126), vec![expected]), "{}", done.stderr);
    let done = writes(&home, "services/new.py", b"from shared.models import price\n\nprice().upper()\n");
    let expected = format!("{types}`services/new.py:3:1: \"int\" has no attribute \"upper\" [attr-defined]`");
    assert_eq!((done.code, said(&done)), (Some(126), vec![expected]), "{}", done.stderr);
    let done = writes(&home, "services/new.py", b"from shared.models import price\n\nprint(price() + 1)\n");
    assert_eq!((done.code, said(&done)), (Some(0), vec![]), "{}", done.stderr);
    // Nothing of mypy's own is left in the project.
    let mut names: Vec<_> = std::fs::read_dir(&home.project).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["build_audit.log", "guard.toml", "services", "shared"]);
    // One that breaks off is said, and lets nothing through.
    home.write("mypy.ini", "[mypy]\nplugins = nowhere\n");
    let done = writes(&home, "services/new.py", b"print(1)\n");
    assert_eq!(done.code, Some(126), "{}", done.stderr);
    assert!(said(&done)[0].contains("mypy could not tell, which the policy wants: it ended with 2"), "{}", done.stderr);
}

#[test]
fn mypy_that_takes_too_long_lets_nothing_through_and_what_cannot_be_read_keeps_nobody_up() {
    if !tools().join("mypy").exists() {
        eprintln!("skipped: no mypy in {}", tools().display());
        return;
    }
    let home = scene("[[content]]\npaths = \"**/*.py\"\nchecks = \"types\"\n");
    // Somebody's old script that names the module.
    home.write("old.py", "import price\nprint 'python 2'\n");
    home.write("my-scripts/__init__.py", "");
    home.write("my-scripts/run.py", "import price\n");
    let write = |home: &Home, text: &str| {
        home.write("new.txt", text);
        home.guard(&["file", "write", "price.py", "--from", "new.txt", "--reason", "prices", "--json"])
    };
    let done = write(&home, "price: int = 1\n");
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    home.trust("[limits]\ntimeout = \"100ms\"\n");
    let done = write(&home, "price: int = 2\n");
    assert_eq!((done.code, home.read("price.py").as_str()), (Some(126), "price: int = 1\n"), "{}", done.stderr);
    assert!(done.stdout.contains("it took longer than"), "{} {}", done.stdout, done.stderr);
}
