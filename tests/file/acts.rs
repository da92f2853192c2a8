//! Writing, editing, deleting, moving: what comes of each, on disk and in the log.

use super::{changes, given, scene, sha256, write};
use crate::cli::agreed;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

#[test]
fn a_file_is_made_with_its_folders_and_the_log_says_why() {
    let home = scene();
    let made = given(
        &home,
        &["file", "write", "services/deep/risk.py", "--reason", "position sizing: phase 2"],
        "\"\"\"Risk.\"\"\"\nx = 1\n",
    );
    assert_eq!((made.code, made.stderr.as_str()), (Some(0), ""), "{}", made.stderr);
    let seq = changes(&home)[0];
    assert_eq!(
        made.stdout,
        format!(
            "  create services (folder)\n  create services/deep (folder)\n  create services/deep/risk.py\n  \
             record {seq}; `guard undo {seq}` takes it back\n"
        )
    );
    assert_eq!(home.read("services/deep/risk.py"), "\"\"\"Risk.\"\"\"\nx = 1\n");
    let log = home.log();
    let last = log.lines().last().unwrap();
    assert!(last.contains("] Created services/deep/risk.py: position sizing: phase 2 {"), "{last}");
    assert!(last.contains("\"reason\":\"position sizing: phase 2\""), "{last}");
    let again = write(&home, "services/deep/risk.py", "\"\"\"Risk.\"\"\"\nx = 2\n");
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(home.log().lines().last().unwrap().contains("] Modified services/deep/risk.py: a test {"));
    assert!(agreed(&home, &format!("guard undo {}", changes(&home)[0])).stdout.contains("taken back"));
    assert_eq!(home.read("services/deep/risk.py"), "\"\"\"Risk.\"\"\"\nx = 1\n");
    agreed(&home, &format!("guard undo {seq}"));
    assert!(!home.project.join("services").exists());
}

#[test]
fn what_is_replaced_keeps_its_mode_owner_and_attributes() {
    let home = scene();
    home.write("run.sh", "old\n");
    let path = home.project.join("run.sh");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
    let marked = rustix::fs::setxattr(&path, "user.origin", b"upstream", rustix::fs::XattrFlags::empty()).is_ok();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(65534), Some(65533)).unwrap();
    }
    let before = path.metadata().unwrap();
    assert_eq!(write(&home, "run.sh", "new\n").code, Some(0));
    let after = path.metadata().unwrap();
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    assert_ne!(after.ino(), before.ino(), "it is another file, renamed into place");
    if marked {
        let mut value = [0; 16];
        let len = rustix::fs::getxattr(&path, "user.origin", &mut value).unwrap();
        assert_eq!(&value[..len], b"upstream");
    }
}

/// acl(5): where there is a list, the group's bits of a mode bound it. The same mode without the list would give the group what
/// only one person had.
#[test]
fn an_access_control_list_stays_whoever_replaces_the_file() {
    const LIST: &str = "system.posix_acl_access";
    let home = scene();
    let list = |path: &str| {
        let mut value = [0; 256];
        let len = rustix::fs::getxattr(home.project.join(path), LIST, &mut value).ok()?;
        Some((value[..len].to_vec(), home.project.join(path).metadata().unwrap().mode() & 0o7777))
    };
    // user::rw-, user:65534:rw-, group::---, mask::rw-, other::---
    let entries = [(1, 6, u32::MAX), (2, 6, 65534), (4, 0, u32::MAX), (0x10, 6, u32::MAX), (0x20, 0, u32::MAX)];
    let bytes = entries.iter().flat_map(|(tag, rights, id): &(u16, u16, u32)| {
        [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat()
    });
    let bytes: Vec<u8> = 2_u32.to_le_bytes().into_iter().chain(bytes).collect();
    home.write("a.txt", "old\n");
    let set = rustix::fs::setxattr(home.project.join("a.txt"), LIST, &bytes, rustix::fs::XattrFlags::empty());
    if set == Err(rustix::io::Errno::OPNOTSUPP) {
        return;
    }
    set.unwrap();
    let before = list("a.txt");
    assert_eq!(before.as_ref().map(|(_, mode)| *mode), Some(0o660));
    assert_eq!(write(&home, "a.txt", "new\n").code, Some(0));
    assert_eq!(list("a.txt"), before);
    assert_eq!(home.guard(&["exec", "-c", "echo more >> a.txt"]).code, Some(0));
    assert_eq!(list("a.txt"), before);
    // A new file in its place has a mode of its own.
    assert_eq!(home.guard(&["exec", "-c", "cat a.txt a.txt > b.txt; mv b.txt a.txt"]).code, Some(0));
    assert!(list("a.txt").is_some_and(|(_, mode)| mode == 0o644));
    assert_eq!(home.guard(&["exec", "-c", "chmod 660 a.txt"]).code, Some(0));
    assert_eq!(list("a.txt"), before);
    assert_eq!(home.guard(&["file", "move", "a.txt", "sub/b.txt", "--reason", "r"]).code, Some(0));
    assert_eq!(list("sub/b.txt"), before);
    assert_eq!(home.guard(&["exec", "-c", "mv sub/b.txt a.txt"]).code, Some(0));
    assert_eq!(list("a.txt"), before);
    assert_eq!(home.guard(&["file", "delete", "a.txt", "--reason", "r"]).code, Some(0));
    agreed(&home, &format!("guard undo {}", changes(&home)[0]));
    assert_eq!(list("a.txt"), before);
}

#[test]
fn a_text_is_replaced_exactly_or_not_at_all() {
    let home = scene();
    home.write("a.py", "one = 1\ntwo = 1\n");
    let edit = |more: &[&str]| home.guard(&[&["file", "edit", "a.py", "--reason", "r"], more].concat());
    let many = edit(&["--old", "= 1", "--new", "= 2"]);
    assert_eq!(many.code, Some(125));
    assert!(
        many.stderr.contains("`a.py`: the text to be replaced stands there 2 times, at lines 1, 2"),
        "{}",
        many.stderr
    );
    assert!(edit(&["--old", "three", "--new", "x"]).stderr.contains("is not there"));
    assert_eq!(home.read("a.py"), "one = 1\ntwo = 1\n");
    assert_eq!(edit(&["--old", "one = 1", "--new", "one = 3"]).code, Some(0));
    assert_eq!(home.read("a.py"), "one = 3\ntwo = 1\n");
    assert_eq!(edit(&["--all", "--old", " = ", "--new", "="]).code, Some(0));
    assert_eq!(home.read("a.py"), "one=3\ntwo=1\n");
    assert_eq!(edit(&["--old", "-x", "--new=-y"]).code, Some(125), "text that looks like a flag is text");
}

#[test]
fn a_diff_is_applied_line_by_line_or_not_at_all() {
    let home = scene();
    home.write("a.py", "one\ntwo\nthree\n");
    let patch = |diff: &str| given(&home, &["file", "edit", "a.py", "--reason", "r"], diff);
    let unfit = patch("@@ -1,2 +1,2 @@\n one\n-2\n+zwei\n");
    assert_eq!(unfit.code, Some(125));
    assert!(unfit.stderr.contains("expects `2` at line 2, where `two` stands"), "{}", unfit.stderr);
    assert_eq!(home.read("a.py"), "one\ntwo\nthree\n");
    let fit = patch("--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n");
    assert_eq!(fit.code, Some(0), "{}", fit.stderr);
    assert_eq!(home.read("a.py"), "one\nzwei\nthree\n");
    // What git prints is what is applied.
    fs::write(home.project.join("b"), "one\nzwei\ndrei\n").unwrap();
    let git =
        std::process::Command::new("git").args(["diff", "--no-index", "a.py", "b"]).current_dir(&home.project).output();
    let fit = patch(&String::from_utf8(git.unwrap().stdout).unwrap());
    assert_eq!((fit.code, home.read("a.py").as_str()), (Some(0), "one\nzwei\ndrei\n"), "{}", fit.stderr);
    // Its lines' CR too.
    home.write("a.py", "one\r\ntwo\r\n");
    fs::write(home.project.join("b"), "one\r\n2\r\n").unwrap();
    let git =
        std::process::Command::new("git").args(["diff", "--no-index", "a.py", "b"]).current_dir(&home.project).output();
    let fit = patch(&String::from_utf8(git.unwrap().stdout).unwrap());
    assert_eq!((fit.code, home.read("a.py").as_str()), (Some(0), "one\r\n2\r\n"), "{}", fit.stderr);
}

#[test]
fn files_are_deleted_and_moved_and_come_back() {
    let home = scene();
    home.write("a.py", "a\n");
    symlink("a.py", home.project.join("link")).unwrap();
    let moved = home.guard(&["file", "move", "a.py", "lib/b.py", "--reason", "a better name"]);
    assert_eq!(moved.code, Some(0), "{}", moved.stderr);
    assert!(!home.project.join("a.py").exists());
    assert_eq!(home.read("lib/b.py"), "a\n");
    assert!(home.log().lines().last().unwrap().contains("] Moved a.py to lib/b.py: a better name {"));
    let taken = home.guard(&["file", "move", "link", "lib/b.py", "--reason", "r"]);
    assert!(taken.code == Some(125) && taken.stderr.contains("`lib/b.py` is there already"), "{}", taken.stderr);
    assert_eq!(home.guard(&["file", "delete", "link", "--reason", "it leads to nothing"]).code, Some(0));
    assert!(home.project.join("link").symlink_metadata().is_err());
    assert_eq!(home.guard(&["file", "delete", "lib/b.py", "--reason", "r"]).code, Some(0));
    assert!(!home.project.join("lib/b.py").exists());
    assert!(home.log().lines().last().unwrap().contains("] Deleted lib/b.py: r {"));
    for seq in changes(&home) {
        agreed(&home, &format!("guard undo {seq}"));
    }
    assert_eq!(home.read("a.py"), "a\n");
    assert_eq!(fs::read_link(home.project.join("link")).unwrap().to_str(), Some("a.py"));
}

#[test]
fn a_change_is_made_only_of_what_its_caller_saw() {
    let home = scene();
    home.write("a.py", "a\n");
    let seen = sha256(&home, "a.py");
    let write = |expect: &str, content: &str| {
        given(&home, &["file", "write", "a.py", "--reason", "r", "--expect", expect], content)
    };
    assert_eq!(write(&seen, "b\n").code, Some(0));
    let late = write(&seen, "c\n");
    assert_eq!(late.code, Some(125));
    assert!(late.stderr.contains("`a.py` is not what was expected: its SHA-256 is"), "{}", late.stderr);
    assert!(late.stderr.contains("hint: read the file as it is now"), "{}", late.stderr);
    assert!(write("none", "c\n").stderr.contains("is not what was expected"));
    assert_eq!(home.read("a.py"), "b\n");
    assert_eq!(write("xyz", "c\n").code, Some(125));
    let new = given(&home, &["file", "write", "new", "--reason", "r", "--expect", "none"], "n");
    assert_eq!(new.code, Some(0), "{}", new.stderr);
    let gone = given(&home, &["file", "write", "none", "--reason", "r", "--expect", &seen], "n");
    assert!(gone.code == Some(125) && gone.stderr.contains("`none` is not there"), "{}", gone.stderr);
}

#[test]
fn a_change_without_a_reason_or_without_a_change_leaves_no_record() {
    let home = scene();
    home.write("a.py", "a\n");
    let before = home.log();
    for reason in [&[][..], &["--reason", " "]] {
        let done = given(&home, &[&["file", "write", "a.py"], reason].concat(), "b\n");
        assert_eq!(done.code, Some(125));
        assert!(done.stderr.contains("a change of a file needs a reason"), "{}", done.stderr);
    }
    let same = write(&home, "a.py", "a\n");
    assert_eq!((same.code, same.stdout.as_str()), (Some(0), "unchanged: it is like that already\n"));
    assert_eq!((home.read("a.py").as_str(), home.log()), ("a\n", before));
}

#[test]
fn a_dry_run_shows_what_would_change() {
    let home = scene();
    home.write("a.py", "one\n");
    let dry = home.guard(&["file", "edit", "a.py", "--old", "one", "--new", "two", "--reason", "r", "--dry-run"]);
    assert_eq!(dry.code, Some(0));
    assert!(
        dry.stderr.contains("dry run: nothing was changed: verdict: allow") && dry.stderr.contains("-one\n+two"),
        "{}",
        dry.stderr
    );
    assert_eq!(home.read("a.py"), "one\n");
}

#[test]
fn a_machine_reads_what_came_of_it() {
    let home = scene();
    let made = given(&home, &["file", "write", "a.py", "--reason", "r", "--json"], "a\n");
    let object: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!((&object["verdict"], &object["exit_code"]), (&"allow".into(), &0.into()));
    assert_eq!(object["changes"]["files"][0]["sha256"], sha256(&home, "a.py"));
    assert_eq!((&object["changes"]["committed"], &object["changes"]["seq"]), (&true.into(), &changes(&home)[0].into()));
    let refused = given(&home, &["file", "write", "../a.py", "--reason", "r", "--json"], "a\n");
    let object: serde_json::Value = serde_json::from_str(&refused.stdout).unwrap();
    assert_eq!((&object["verdict"], &object["exit_code"]), (&"deny".into(), &126.into()));
    assert_eq!(object["changes"]["rules"][0]["id"], "guard:writes-outside");
}

#[test]
fn the_content_of_another_file_of_the_project_is_taken_and_of_no_other() {
    let home = scene();
    home.write("example", "A=1\n");
    fs::write(home.path().join("outside"), "secret").unwrap();
    let from = |from: &str| home.guard(&["file", "write", "copy", "--from", from, "--reason", "r"]);
    assert_eq!(from("example").code, Some(0));
    assert_eq!(home.read("copy"), "A=1\n");
    let outside = home.path().join("outside");
    for path in [outside.to_str().unwrap(), "../outside", "/etc/passwd", "/proc/self/environ"] {
        let refused = from(path);
        assert_eq!(refused.code, Some(126), "{path}: {}", refused.stderr);
    }
    assert_eq!(home.read("copy"), "A=1\n");
}
