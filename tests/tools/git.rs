//! Git where it is not one plain repository: submodules, work trees, repositories in one another, a `.git` that is a link.

use super::{allow, both, fenced, home, plain, stands};
use crate::cli::Home;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// A project that is a repository, with git allowed to do what git's own commands do.
fn repository() -> Home {
    let home = home(&allow("git", "\"git\"", "writes = \"git\"\n"));
    let config = "[user]\nname = a\nemail = a@b\n[protocol \"file\"]\nallow = always\n[init]\ndefaultBranch = main\n";
    fs::write(home.path().join(".gitconfig"), config).unwrap();
    plain(
        &home,
        "git init -q; printf '/guard.toml\\n/build_audit.log\\n' > .git/info/exclude; echo a > a; git add .; git commit -qm 1",
    );
    home
}

/// Beside the project, outside of what a command sees.
const LIBRARY: &str = "git init -q ../lib; cd ../lib; echo 1 > l; git add .; git commit -qm 1; cd -; git submodule --quiet add $PWD/../lib sub; git commit -qm sub; \
    cd ../lib; echo 2 > l; git commit -qam 2; cd -; cd sub; git fetch -q";

fn refused(home: &Home, line: &str, by: &str) {
    let before = stands(home);
    let done = home.guard(&["exec", "-c", line]);
    assert_ne!(done.code, Some(0), "{line}");
    assert!(done.stderr.contains(by), "{line}: {}", done.stderr);
    assert_eq!(stands(home), before, "{line}");
}

/// Heads of what stands there, which is all that a person sees of it.
fn heads(home: &Home, folder: &str) -> String {
    plain(
        home,
        &format!("cd {folder}; git log --all --format=%s%d; git status --short; git submodule status | cut -c1"),
    )
    .stdout
}

#[test]
fn submodules_are_updated_and_committed_to_and_only_a_person_adds_one() {
    let home = repository();
    plain(&home, LIBRARY);
    let works = [
        "cd sub && git switch -q --detach origin/main && cd .. && git add sub && git commit -qm newer",
        "cd sub && echo x > y && git add y && git commit -qm within",
        "git submodule update",
        "git submodule status",
    ];
    let (guarded, plainly) = both(&home, &works);
    // Commits carry the time; names of objects follow from that.
    let without = |tree: &crate::changes::scene::Tree| {
        let kept = |path: &&std::path::PathBuf| !path.to_string_lossy().contains(".git");
        tree.keys().filter(kept).cloned().collect::<Vec<_>>()
    };
    assert_eq!(without(&guarded), without(&plainly));
    assert_eq!(guarded[Path::new("sub/l")], plainly[Path::new("sub/l")]);
    assert_eq!(heads(&home, "."), "newer (HEAD -> main)\nsub\n1\n \n");
    fenced(
        &home,
        "cd sub && git switch -q main && git switch -qc topic && echo z > z && git add z && git commit -qm topic",
    );
    assert!(heads(&home, "sub").starts_with("topic (HEAD -> topic)\n"), "{}", heads(&home, "sub"));
    plain(&home, "git clone -q sub more");
    refused(&home, "git submodule add file://$PWD/more other", "guard:changes-git");
}

#[test]
fn a_work_tree_is_committed_to_and_its_settings_are_a_person_s() {
    let home = repository();
    plain(&home, "git worktree add -q inner 2>&1");
    let (guarded, plainly) = both(
        &home,
        &[
            "cd inner && echo z > z && git add z && git commit -qm inner",
            "cd inner && echo y > z && git stash -q && git stash pop -q",
        ],
    );
    assert_eq!(guarded[Path::new("inner/z")], plainly[Path::new("inner/z")]);
    assert_eq!(guarded[Path::new("inner/.git")], plainly[Path::new("inner/.git")]);
    fenced(&home, "cd inner && git commit -qam again");
    assert_eq!(
        plain(&home, "cd inner; git log --format=%s%d; git status --short").stdout,
        "again (HEAD -> inner)\ninner\n1 (main)\n"
    );
    for line in [
        "git worktree add -q second",
        "echo /elsewhere > .git/worktrees/inner/gitdir",
        "echo ../../../evil > .git/worktrees/inner/commondir",
        "mkdir .git/worktrees/inner/hooks; echo x > .git/worktrees/inner/hooks/pre-commit",
        "printf '[core]\\nfsmonitor = evil\\n' > .git/worktrees/inner/config.worktree",
        "echo 'gitdir: ../evil' > inner/.git",
        "git worktree remove --force inner",
    ] {
        // From a program, so that nothing but the changes can be judged.
        home.write("run.py", "import subprocess, sys\nsubprocess.run(['bash', '-c', sys.argv[1]])\n");
        refused(&home, &format!("git status; python3 run.py {}", quoted(line)), "guard:changes-git");
    }
}

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', "'\\''"))
}

#[test]
fn a_repository_within_another_is_committed_to_by_itself() {
    let home = repository();
    plain(&home, "git init -q nested; cd nested; echo n > n; git add n; git commit -qm n");
    fenced(&home, "cd nested && echo m > n && git commit -qam m");
    fenced(&home, "echo b > a && git commit -qam 2");
    assert_eq!(plain(&home, "git -C nested log --format=%s; git log --format=%s").stdout, "m\nn\n2\n1\n");
    assert_eq!(plain(&home, "cd nested; git status --short").stdout, "");
    refused(&home, "git init -q made", "guard:changes-git");
}

/// What a linked `.git` leads to is a repository by what it holds, not by its name: it is read, and only a person writes it.
#[test]
fn a_linked_repository_is_read_and_not_written() {
    let home = repository();
    fs::rename(home.project.join(".git"), home.project.join("real")).unwrap();
    symlink("real", home.project.join(".git")).unwrap();
    plain(&home, "printf '/real\\n/guard.toml\\n/build_audit.log\\n' > real/info/exclude");
    assert_eq!(
        fenced(&home, "git log --format=%s; echo c > a; git diff --stat | tail -n 1").stdout.lines().next(),
        Some("1")
    );
    assert_eq!(home.read("a"), "c\n");
    refused(&home, "git commit -qam c", "guard:changes-git");
    refused(&home, "rm .git; ln -s other .git", "guard:changes-git");
    assert_eq!(fs::read_link(home.project.join(".git")).unwrap(), Path::new("real"));
}
