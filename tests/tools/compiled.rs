//! Compiled forms of Python's modules: those of libraries are used, and none of the project's, which a command could have forged.

use super::{fenced, home, plain};
use std::fs;

/// Puts a compiled form beside a module that says something else than its source, and is never compared with it.
const FORGE: &str = r#"import importlib.util, os, py_compile, sys
for source in sys.argv[1:]:
    text = open(source).read()
    open(source, 'w').write("said = 'forged'\n")
    py_compile.compile(source, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    open(source, 'w').write(text)
"#;

/// SANDBOX: a forged unchecked-hash `.pyc` in `__pycache__` ran in place of its source.
#[test]
fn a_forged_compiled_form_runs_without_a_fence_and_never_within() {
    let home = home("");
    home.write("forge.py", FORGE);
    home.write("own.py", "said = 'source'\n");
    home.write("pkg/__init__.py", "said = 'source'\n");
    home.write("main.py", "import own, pkg\nprint(own.said, pkg.said)\n");
    home.write("test_own.py", "import own\ndef test_own(): assert own.said == 'source'\n");
    // Forged from within, by commands whose changes come in: nobody looks at what compiles anew by itself.
    plain(&home, "python3 forge.py own.py pkg/__init__.py");
    assert_eq!(plain(&home, "python3 main.py").stdout, "forged forged\n");
    for line in [
        "python3 main.py",
        "python3 -m main",
        "cd pkg && python3 ../main.py",
        "cd /proc/self/cwd && python3 main.py",
        "python3 -c 'import sys; sys.path.insert(0, \"/proc/self/cwd\"); import main'",
    ] {
        assert_eq!(fenced(&home, line).stdout, "source source\n", "{line}");
    }
    fenced(&home, "pytest -q test_own.py");
    // As a library of an environment within the project, which is the project's all the same.
    plain(
        &home,
        "python3 -m venv --without-pip .venv && cp own.py $(echo .venv/lib/python3.*/site-packages)/library.py",
    );
    plain(&home, "python3 forge.py .venv/lib/python3.*/site-packages/library.py");
    home.write("load.py", "import glob, sys\nsys.path.insert(0, glob.glob('.venv/lib/*/site-packages')[0])\nimport library\nprint(library.said)\n");
    let line = "python3 load.py";
    assert_eq!(plain(&home, line).stdout, "forged\n");
    assert_eq!(fenced(&home, line).stdout, "source\n");
}

/// What a command puts where compiled forms are looked for is gone with it, and cannot replace a library's.
#[test]
fn no_command_leaves_a_compiled_form_for_the_next() {
    let home = home("");
    home.write("own.py", "said = 'source'\n");
    let line = "import importlib.util, os, json.tool, sys\n\
        at = importlib.util.cache_from_source\n\
        os.makedirs(os.path.dirname(at(os.path.abspath('own.py'))), exist_ok=True)\n\
        open(at(os.path.abspath('own.py')), 'w').write('x'); print('own')\n\
        for library in (json.tool.__file__, os.__file__):\n    try: open(at(library), 'a').write('x')\n    except OSError as error: print(error.errno)\n";
    home.write("leave.py", line);
    assert_eq!(fenced(&home, "python3 leave.py").stdout, "own\n30\n30\n");
    assert_eq!(fenced(&home, "python3 -c 'import own; print(own.said)'").stdout, "source\n");
}

/// Whether `said`, which is what `python3 -v` says, took each of `modules` from its compiled form, and compiled nothing.
fn came_compiled(said: &str, modules: &[&str]) {
    for module in modules {
        let compiled = |line: &str| line.contains(".pyc matches /") && line.ends_with(&format!("/{module}.py"));
        assert!(said.lines().any(compiled), "{module}: {said}");
        let anew = format!("/{module}.py'");
        let compiled = said.lines().any(|line| line.starts_with("# code object from") && line.ends_with(&anew));
        assert!(!compiled, "{module}");
    }
    assert!(!said.contains("# wrote"), "nothing is compiled");
}

/// Each module that is imported from the library comes from its compiled form, and a script's libraries too: in the run that
/// keeps where they are, and in those after it.
#[test]
fn compiled_forms_of_libraries_are_used() {
    let home = home("");
    for _ in 0..2 {
        let line = "python3 -v -c 'import argparse, json.decoder, email.mime.text'";
        came_compiled(&fenced(&home, line).stderr, &["argparse", "json/decoder", "email/mime/text"]);
        let modules = ["_pytest/config/__init__", "pluggy/_hooks", "argparse"];
        came_compiled(&fenced(&home, "python3 -v -m pytest --version").stderr, &modules);
    }
}

/// A package that is installed is found compiled, and one that was removed is no trouble.
#[test]
fn what_is_kept_follows_the_libraries() {
    let home = home("");
    let outside = home.path().join("env");
    plain(&home, &format!("python3 -m venv --without-pip {}", outside.display()));
    let python = outside.join("bin/python3");
    let site = fs::read_dir(outside.join("lib")).unwrap().next().unwrap().unwrap().path().join("site-packages");
    home.trust(&format!("[fence]\ntoolchain = [\"{}\"]\n", outside.display()));
    let run = |code: &str| fenced(&home, &format!("{} -v -c '{code}'", python.display())).stderr;
    came_compiled(&run("import json"), &["json/__init__"]);
    for n in 0..3 {
        let package = site.join(format!("made{n}"));
        fs::create_dir(&package).unwrap();
        fs::write(package.join("__init__.py"), "said = 1\n").unwrap();
        plain(&home, &format!("{} -m compileall -q {}", python.display(), package.display()));
        came_compiled(&run(&format!("import made{n}")), &[&format!("made{n}/__init__")]);
    }
    // Removed where it does not show in the folder of all packages, and compiled by the run itself.
    fs::remove_dir_all(site.join("made2/__pycache__")).unwrap();
    assert!(run("import made2").contains("# code object from"));
    came_compiled(&run("import made1"), &["made1/__init__"]);
}

/// Where nothing can be laid over what is kept, the links are made in each run.
#[test]
fn compiled_forms_are_used_where_there_are_no_overlays() {
    let home = home("[fence]\nrequire = \"no-overlay\"\n");
    let arguments = ["exec", "--", "python3", "-v", "-c", "import argparse"];
    let found = crate::cli::ladder::behind(&home, &crate::fence::tricks::without_overlays(), &arguments);
    assert_eq!(found.code, Some(0), "{}", found.stderr);
    came_compiled(&found.stderr, &["argparse"]);
}
