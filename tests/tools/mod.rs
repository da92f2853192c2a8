//! Real tools in transactions: what a fenced run leaves in the project is what a plain run at the same place leaves, and
//! the next command sees it.

mod build;
mod compiled;
mod forms;
mod git;
mod large;
mod moves;
mod python;

use crate::changes::scene::{Tree, tree};
use crate::cli::{Done, Home, path};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A project in which the tools may work, with what `rules` add.
fn home(rules: &str) -> Home {
    let home = Home::with("python");
    home.trust(&format!("[iteration]\nfiles = 1000\nfolder = 1000\n{rules}"));
    home
}

/// A rule that allows programs, by its other keys.
fn allow(id: &str, programs: &str, keys: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\nprogram = [{programs}]\nverdict = \"allow\"\nreason = \"tried\"\n{keys}")
}

/// The folder of cargo and rustc themselves, which need no rustup.
fn rust() -> PathBuf {
    Path::new(env!("CARGO")).parent().unwrap().to_owned()
}

/// `PATH` of fenced and plain runs alike.
fn paths() -> String {
    format!("{}:{}", rust().display(), path())
}

fn there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").env("PATH", paths()).output();
    found.is_ok_and(|output| output.status.success())
}

/// A line of bash under guard. Nothing but the command's own exit code 0, and nothing withheld.
fn fenced(home: &Home, line: &str) -> Done {
    let done = crate::cli::done(home.command(&["exec", "-c", line]).env("PATH", paths()));
    assert_eq!(done.code, Some(0), "{line}: {}{}", done.stdout, done.stderr);
    assert!(!done.stderr.contains("its changes"), "{line}: {}", done.stderr);
    done
}

/// The same line of bash with nothing around it, in what its commands find inside.
fn plain(home: &Home, line: &str) -> Done {
    let mut command = assert_cmd::Command::new("bash");
    command.args(["--noprofile", "--norc", "-c", line]).current_dir(&home.project).env_clear();
    command.env("PATH", paths()).env("HOME", home.path()).env("LANG", "C.UTF-8");
    command.env("GIT_OPTIONAL_LOCKS", "0").env("PYTHONDONTWRITEBYTECODE", "1");
    let done = crate::cli::done(&mut command);
    assert_eq!(done.code, Some(0), "{line}: {}{}", done.stdout, done.stderr);
    done
}

/// What stands in the project besides guard's own two files. Nothing of a transaction's is among it.
fn stands(home: &Home) -> Tree {
    let mut tree = tree(&home.project);
    for own in ["guard.toml", "build_audit.log"] {
        tree.remove(Path::new(own));
    }
    assert!(tree.keys().all(|path| !path.to_string_lossy().contains(".guard-")), "guard left something behind");
    let left = fs::read_dir(home.state().join("transactions")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "a transaction was left in the state");
    tree
}

/// Runs the lines under guard and then, from where they began, plainly: what stood after each way.
fn both(home: &Home, lines: &[&str]) -> (Tree, Tree) {
    let before = home.path().join("before");
    let _none = fs::remove_dir_all(&before);
    let copy = |from: &Path, to: &Path| {
        let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
        assert!(copied.success());
    };
    copy(&home.project, &before);
    lines.iter().for_each(|line| drop(fenced(home, line)));
    let guarded = stands(home);
    let log = fs::read(home.project.join("build_audit.log")).unwrap();
    fs::remove_dir_all(&home.project).unwrap();
    copy(&before, &home.project);
    fs::write(home.project.join("build_audit.log"), log).unwrap();
    lines.iter().for_each(|line| drop(plain(home, line)));
    (guarded, stands(home))
}

/// Paths that are not the same in both.
fn differing(a: &Tree, b: &Tree) -> Vec<PathBuf> {
    a.keys().chain(b.keys()).filter(|path| a.get(*path) != b.get(*path)).cloned().collect()
}

/// Paths, kinds and modes, without what the files hold.
fn outline(tree: &Tree) -> Vec<(&Path, &'static str, u32)> {
    tree.iter().map(|(path, (kind, mode, _))| (path.as_path(), *kind, *mode)).collect()
}
