//! Compiled forms of a project's own sources: made by guard apart from the project, used by the runs after, and never in place of a
//! source that has changed.

use super::{fenced, home, plain};
use crate::cli::Home;
use guard::execute::forms::PROGRAM;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LONGEST: Duration = Duration::from_secs(60);

/// The folders in which forms of this project are kept.
fn folders(home: &Home) -> Vec<PathBuf> {
    let store = format!("/dev/shm/guard-{}/forms", rustix::process::geteuid().as_raw());
    let project = fs::canonicalize(&home.project).unwrap();
    let sets = fs::read_dir(store).into_iter().flatten().flatten();
    let at = sets.map(|set| set.path().join("tree").join(project.strip_prefix("/").unwrap()));
    at.filter(|folder| folder.is_dir()).collect()
}

/// Runs `line`, which compiles `names` or takes them compiled, until all are kept. Whoever else runs on the machine may have
/// them removed in between.
fn until_kept(home: &Home, line: &str, names: &[&str]) {
    let begin = Instant::now();
    let is_there = |folder: &PathBuf| {
        let there: Vec<String> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.iter().all(|name| {
            let (stem, kind) = name.split_once(' ').unwrap_or((name, ""));
            there.iter().any(|file| {
                file.starts_with(&format!("{stem}.cpython-"))
                    && file.ends_with(".pyc")
                    && file.contains("-pytest-") == (kind == "pytest")
            })
        })
    };
    loop {
        fenced(home, line);
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(5) {
            if folders(home).iter().any(is_there) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(begin.elapsed() < LONGEST, "{names:?} are not kept in {:?}", folders(home));
    }
}

/// Whether the module came from a compiled form, by what `python3 -v` says.
fn came_compiled(said: &str, module: &str) -> bool {
    let matches = said.lines().any(|line| line.contains(".pyc matches /") && line.ends_with(&format!("/{module}.py")));
    let anew = said.lines().any(|line| line.starts_with("# created") && line.contains(&format!("/{module}.")));
    assert_ne!(matches, anew, "{module}: {said}");
    matches
}

/// What a run of pytest has to compile itself, by what is left where it puts that.
const ANEW: &str = "; find $PYTHONPYCACHEPREFIX.upper -name 'test_own*.pyc' | wc -l";

#[test]
fn sources_come_compiled_once_a_run_has_compiled_them() {
    let home = home("");
    home.write("own.py", "said = 'source'\n");
    home.write("pkg/__init__.py", "");
    home.write("pkg/mod.py", "import own\nsaid = own.said\n");
    home.write("broken.py", "def :\n");
    let line = "python3 -v -c 'import pkg.mod; print(pkg.mod.said)'";
    let first = fenced(&home, line);
    assert!(!came_compiled(&first.stderr, "own") && !came_compiled(&first.stderr, "pkg/mod"));
    until_kept(&home, line, &["own"]);
    let again = fenced(&home, line);
    assert!(came_compiled(&again.stderr, "own") && came_compiled(&again.stderr, "pkg/mod"));
    assert_eq!(again.stdout, "source\n");
    // A source that changes is compiled anew, and the others are not.
    home.write("own.py", "said = 'changed'\n");
    let changed = fenced(&home, line);
    assert!(!came_compiled(&changed.stderr, "own") && came_compiled(&changed.stderr, "pkg/mod"));
    assert_eq!(changed.stdout, "changed\n");
    until_kept(&home, line, &["own"]);
    assert!(came_compiled(&fenced(&home, line).stderr, "own"));
    let left = plain(&home, "find . -name '*.pyc' -o -name __pycache__").stdout;
    assert_eq!(left, "", "nothing is ever left in the project");
}

/// What pytest says of a test that fails is what it says where it has compiled the test itself.
#[test]
fn tests_come_compiled_as_pytest_compiles_them() {
    let home = home("");
    home.write("helper.py", "def one(): return 1\n");
    home.write(
        "test_own.py",
        "from helper import one\n\ndef test_right(): assert one() == 1\n\ndef test_wrong(): assert one() == 2, 'why'\n",
    );
    let line = "pytest -q -p no:cacheprovider test_own.py | sed 's/in [0-9.]*s//'";
    let bare = plain(&home, line).stdout;
    assert!(bare.contains("where 1 = one()") && bare.contains("1 failed, 1 passed"), "{bare}");
    let anew = format!("{line}{ANEW}");
    let first = fenced(&home, &anew).stdout;
    assert_eq!(first, format!("{bare}1\n"));
    until_kept(&home, line, &["test_own pytest", "helper"]);
    assert_eq!(fenced(&home, &anew).stdout, format!("{bare}0\n"));
}

/// Python and pytest compare a form with its source's size and time in seconds, and both can be set.
#[test]
fn a_source_that_changes_and_keeps_its_size_and_time_is_compiled_anew() {
    let home = home("");
    let own = home.project.join("own.py");
    let change = "import os, sys\nfor name in ('own.py', 'test_own.py'):\n    found = os.stat(name)\n    \
                  text = open(name).read().replace(*sys.argv[1:3])\n    open(name, 'w').write(text)\n    \
                  os.utime(name, ns=(found.st_atime_ns, found.st_mtime_ns))\n";
    home.write("change.py", change);
    home.write("own.py", "said = 'one'\n");
    home.write("test_own.py", "def test_own(): print('one', end=' ')\n");
    let line =
        "python3 -c 'import own; print(own.said)'; pytest -qs -p no:cacheprovider test_own.py | grep -o '^[a-z]*'";
    // Without a fence both are led astray.
    let bare = |line: &str| plain(&home, &format!("unset PYTHONDONTWRITEBYTECODE; {line}")).stdout;
    assert_eq!(bare(line), "one\none\n");
    plain(&home, "python3 change.py one two");
    assert_eq!(bare(line), "one\none\n", "or this shows nothing");
    plain(&home, "rm -r __pycache__; python3 change.py two one");
    // By a command, and by whoever else changes files.
    until_kept(&home, line, &["own", "test_own pytest"]);
    assert_eq!(fenced(&home, line).stdout, "one\none\n");
    fenced(&home, "python3 change.py one two");
    assert_eq!(fenced(&home, line).stdout, "two\ntwo\n");
    until_kept(&home, line, &["own", "test_own pytest"]);
    plain(&home, "python3 change.py two six");
    assert_eq!(fenced(&home, line).stdout, "six\nsix\n");
    // One file in place of another.
    until_kept(&home, line, &["own", "test_own pytest"]);
    let time = fs::metadata(&own).unwrap().modified().unwrap();
    home.write("other.py", "said = 'ten'\n");
    File::options().write(true).open(home.project.join("other.py")).unwrap().set_modified(time).unwrap();
    fs::rename(home.project.join("other.py"), &own).unwrap();
    assert_eq!(fenced(&home, "python3 -c 'import own; print(own.said)'").stdout, "ten\n");
}

/// A command may put what it likes where Python looks for compiled forms, and what it likes there is gone with it.
#[test]
fn what_a_run_puts_in_place_of_a_form_is_no_form_of_the_next() {
    let home = home("");
    home.write("own.py", "said = 'source'\n");
    let forge = "import importlib.util, marshal, os, struct, sys\n\
        for name in ('own.py', 'new.py'):\n    path = os.path.abspath(name)\n    found = os.stat(path)\n    \
        form = importlib.util.cache_from_source(path)\n    os.makedirs(os.path.dirname(form), exist_ok=True)\n    \
        if os.path.exists(form): os.remove(form)\n    \
        open(form, 'wb').write(importlib.util.MAGIC_NUMBER + struct.pack('<III', 0, int(found.st_mtime), found.st_size)\n        \
        + marshal.dumps(compile(\"said = 'forged'\", path, 'exec')))\nimport own, new\nprint(own.said, new.said)\n";
    home.write("forge.py", forge);
    until_kept(&home, "python3 -c 'import own'", &["own"]);
    home.write("new.py", "said = 'source'\n");
    assert_eq!(fenced(&home, "python3 forge.py").stdout, "forged forged\n");
    let line = "python3 -c 'import own, new; print(own.said, new.said)'";
    assert_eq!(fenced(&home, line).stdout, "source source\n");
    until_kept(&home, line, &["own", "new"]);
    assert_eq!(fenced(&home, line).stdout, "source source\n");
}

/// What lies in the project has no say in how it is compiled, and nothing of it runs meanwhile.
#[test]
fn the_project_has_no_say_in_how_it_is_compiled() {
    let home = home("");
    let takes_over = "import builtins\nreal = builtins.compile\n\
        builtins.compile = lambda source, path, *a, **k: real(\"said = 'forged'\", path, 'exec')\n";
    for name in ["ast.py", "sitecustomize.py", "usercustomize.py", "_pytest/__init__.py"] {
        home.write(name, takes_over);
    }
    home.write("own.py", "said = 'source'\n");
    home.write("test_own.py", "import own\ndef test_own(): assert own.said == 'source'\n");
    // As a person would start it, it is taken over.
    home.write("program.py", PROGRAM);
    let said = plain(&home, "python3 program.py python $PWD/own.py | tr -dc '[:alpha:]'").stdout;
    assert!(said.contains("forged") && !said.contains("source"), "or this shows nothing: {said}");
    let line = "python3 -v -c 'import own; print(own.said)'";
    until_kept(&home, line, &["own"]);
    let done = fenced(&home, line);
    assert!(came_compiled(&done.stderr, "own"));
    assert_eq!(done.stdout, "source\n");
}

/// pytest's setting changes what a test is compiled to, not what that is called.
#[test]
fn a_setting_that_changes_how_pytest_compiles_is_followed_at_once() {
    let home = home("");
    home.write("conftest.py", "def pytest_assertion_pass(item, lineno, orig, expl): print('passed', orig)\n");
    home.write("test_own.py", "def test_own(): assert 1 + 1 == 2\n");
    let line = "pytest -qs -p no:cacheprovider test_own.py";
    until_kept(&home, line, &["test_own pytest", "conftest pytest"]);
    assert!(!fenced(&home, line).stdout.contains("passed 1 + 1"));
    home.write("pytest.ini", "[pytest]\nenable_assertion_pass_hook = true\n");
    assert!(fenced(&home, line).stdout.contains("passed 1 + 1 == 2"));
}

/// Whoever else runs on the machine may have forms removed at any moment. Once that came between the making of a fence's steps and their taking,
/// and was told as the failure of another step, which nothing runs without.
#[test]
fn forms_that_come_and_go_while_a_fence_is_built_keep_nothing_from_running() {
    let home = home("");
    home.write("own.py", "said = 'source'\n");
    let line = "python3 -c 'import own; print(own.said)'";
    until_kept(&home, line, &["own"]);
    let project = fs::canonicalize(&home.project).unwrap();
    let depth = project.components().count() - 1;
    let trees: Vec<PathBuf> =
        folders(&home).iter().filter_map(|at| at.ancestors().nth(depth).map(PathBuf::from)).collect();
    assert!(!trees.is_empty() && trees.iter().all(|tree| tree.ends_with("tree")), "{trees:?}");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for tree in &trees {
                    let away = tree.with_extension("away");
                    let _none = fs::rename(tree, &away);
                    std::thread::sleep(Duration::from_micros(100));
                    let _made_anew = fs::rename(&away, tree).or_else(|_| fs::remove_dir_all(&away));
                    std::thread::sleep(Duration::from_micros(100));
                }
            }
        });
        let ran: Vec<String> = (0..30).map(|_| fenced_or_not(&home, line)).collect();
        over.store(true, Ordering::Relaxed);
        assert!(ran.iter().all(|said| said == "source\n"), "{ran:?}");
    });
}

/// What it printed, or said instead.
fn fenced_or_not(home: &Home, line: &str) -> String {
    let done = crate::cli::done(home.command(&["exec", "-c", line]).env("PATH", super::paths()));
    if done.code == Some(0) { done.stdout } else { done.stderr }
}
