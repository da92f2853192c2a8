//! What a run compiled is told, and what is kept of it lies below the next run's: as root and as an ordinary user.

use super::stage::Stage;
use guard::execute::sandbox::Work;
use guard::execute::{Environment, Reads, libraries};
use std::fs;
use std::path::{Path, PathBuf};

/// What a run in `stage` says, and the names of what it compiled of the project.
fn run(stage: &Stage, line: &str) -> (String, Vec<String>) {
    let (outcome, kept) = stage.outcome(Work::Line(line.into())).unwrap();
    assert_eq!(outcome.exit_code, 0, "{}", String::from_utf8_lossy(&kept.err));
    let project = stage.place.project.strip_prefix("/").unwrap();
    let name = |path: &PathBuf| path.strip_prefix(project).unwrap().to_string_lossy().into_owned();
    let mut names: Vec<String> = outcome.compiled.iter().map(name).collect();
    names.sort();
    (String::from_utf8_lossy(&kept.out).into_owned(), names)
}

#[test]
fn what_was_compiled_is_told_unless_it_was_kept() {
    let mut stage = Stage::new();
    let root = fs::canonicalize(stage.root.path()).unwrap();
    stage.place.project = fs::canonicalize(&stage.place.project).unwrap();
    stage.place.cwd.clone_from(&stage.place.project);
    stage.place.caches = PathBuf::from(format!("/tmp/guard-caches-{}", std::process::id()));
    stage.environment = Environment::new(std::env::vars_os(), &[], &stage.place.caches);
    let forms = root.join("forms");
    let python = libraries(Path::new("/usr/bin/python3"));
    assert!(!python.is_empty());
    stage.place.reads =
        Reads { libraries: python, compiled: Some(root.join("store")), forms: Some(forms.clone()), ..Reads::default() };
    for (name, text) in [("own.py", "said = 'source'\n"), ("pkg/__init__.py", ""), ("pkg/mod.py", "import own\n")] {
        fs::create_dir_all(stage.place.project.join(name).parent().unwrap()).unwrap();
        fs::write(stage.place.project.join(name), text).unwrap();
    }
    let line = "/usr/bin/python3 -c 'import json.tool, pkg.mod, own; print(own.said)'";
    let (said, names) = run(&stage, line);
    let tag = names[0].strip_prefix("own.").unwrap().to_owned();
    assert!(tag.starts_with("cpython-") && tag.ends_with(".pyc"), "{tag}");
    assert_eq!(said, "source\n");
    assert_eq!(names, [format!("own.{tag}"), format!("pkg/__init__.{tag}"), format!("pkg/mod.{tag}")]);
    // One that says something else, so that it shows: nobody but guard could put it there.
    let form = forms.join(stage.place.project.strip_prefix("/").unwrap()).join(format!("own.{tag}"));
    fs::create_dir_all(form.parent().unwrap()).unwrap();
    let make = "import importlib.util, marshal, os, struct, sys\nfound = os.stat(sys.argv[1])\n\
                open(sys.argv[2], 'wb').write(importlib.util.MAGIC_NUMBER + struct.pack('<III', 0, int(found.st_mtime), found.st_size)\n    \
                + marshal.dumps(compile(\"said = 'kept'\", sys.argv[1], 'exec')))\n";
    let made = std::process::Command::new("/usr/bin/python3")
        .args(["-c", make])
        .arg(stage.place.project.join("own.py"))
        .arg(&form)
        .status();
    assert!(made.unwrap().success());
    assert_eq!(run(&stage, line), ("kept\n".into(), vec![format!("pkg/__init__.{tag}"), format!("pkg/mod.{tag}")]));
    // What a run does to it is gone with the run.
    let spoils = format!(
        "{line}; for form in $(find $PYTHONPYCACHEPREFIX -name 'own.*.pyc'); do echo spoiled > $form; done; {line}"
    );
    let (said, names) = run(&stage, &spoils);
    assert_eq!((said.as_str(), names.len()), ("kept\nsource\n", 3));
    assert_eq!(run(&stage, line).0, "kept\n");
    // Nobody asks.
    stage.place.reads.forms = None;
    assert_eq!(run(&stage, line), ("source\n".into(), Vec::new()));
}
