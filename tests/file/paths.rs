//! Where actions may be done: below the project, by whatever way it is written, and nowhere else (SKILL 1, "Creating files
//! outside the project directory structure").

use super::{given, scene, write};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn what_leads_out_of_the_project_is_neither_written_nor_removed() {
    let home = scene();
    let outside = home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "theirs").unwrap();
    symlink(&outside, home.project.join("link")).unwrap();
    symlink("../outside/file", home.project.join("file")).unwrap();
    symlink("/proc/self/root", home.project.join("root")).unwrap();
    home.write("sub/x", "");
    let whole = outside.join("new");
    let magic = format!("/proc/self/root{}", home.project.join("new").display());
    let by_root = format!("root{}", whole.display());
    let paths = [
        "../outside/file",
        "sub/../../outside/file",
        "link/file",
        "link/new",
        "link/deep/new",
        "file",
        "/etc/passwd",
        "/etc/guard-was-here",
        "/usr/x",
        "/root/x",
        whole.to_str().unwrap(),
        &magic,
        &by_root,
        "..",
        "/",
    ];
    for path in paths {
        for arguments in [
            &["file", "write", path, "--reason", "r"][..],
            &["file", "edit", path, "--old", "theirs", "--new", "mine", "--reason", "r"],
            &["file", "move", "sub/x", path, "--reason", "r"],
        ] {
            // A link is moved to or deleted itself.
            if path == "file" && arguments[1] == "move" {
                continue;
            }
            let refused = given(&home, arguments, "mine");
            assert_eq!(refused.code, Some(126), "{arguments:?}: {}{}", refused.stdout, refused.stderr);
            assert!(refused.stderr.contains("guard:writes-outside"), "{arguments:?}: {}", refused.stderr);
        }
    }
    for path in ["../outside/file", "link/file", "root/etc/passwd"] {
        let refused = home.guard(&["file", "delete", path, "--reason", "r"]);
        assert!(refused.stderr.contains("guard:writes-outside"), "{path}: {}", refused.stderr);
    }
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "theirs");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert!(!fs::exists("/etc/guard-was-here").unwrap());
    assert!(home.log().contains("\"why\":\"deny\",\"rules\":[{\"id\":\"guard:writes-outside\""));
}

#[test]
fn the_project_wins_below_a_forbidden_root_for_itself_alone() {
    // A project below /root, as a build machine's may lie: `Home` is made where cargo puts it, so that one is made here.
    let Ok(folder) = tempfile::tempdir_in("/root") else { return };
    let project = folder.path().join("p");
    fs::create_dir(&project).unwrap();
    let guard = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_guard"));
        let command = command.args(arguments).current_dir(&project).env_clear();
        crate::cli::done(command.env("PATH", crate::cli::path()).env("HOME", folder.path()).write_stdin("x"))
    };
    assert_eq!(guard(&["init", "--preset", "python"]).code, Some(0));
    assert_eq!(guard(&["file", "write", "a.py", "--reason", "r"]).code, Some(0));
    let refused = guard(&["file", "write", "../a.py", "--reason", "r"]);
    assert!(refused.code == Some(126) && !folder.path().join("a.py").exists(), "{}", refused.stderr);
}

#[test]
fn links_within_the_project_are_followed_to_the_file_itself() {
    let home = scene();
    home.write("real/a.py", "a\n");
    symlink("real", home.project.join("short")).unwrap();
    symlink("real/a.py", home.project.join("alias.py")).unwrap();
    assert_eq!(write(&home, "short/a.py", "b\n").code, Some(0));
    assert_eq!(home.read("real/a.py"), "b\n");
    assert_eq!(write(&home, "alias.py", "c\n").code, Some(0));
    assert_eq!(home.read("real/a.py"), "c\n");
    assert!(home.project.join("alias.py").symlink_metadata().unwrap().is_symlink());
    assert_eq!(write(&home, "short/new.py", "n\n").code, Some(0));
    assert_eq!(home.read("real/new.py"), "n\n");
    let whole = home.project.join("real/a.py");
    assert_eq!(write(&home, whole.to_str().unwrap(), "d\n").code, Some(0), "as harnesses write paths");
    let from = home
        .command(&["file", "write", "a.py", "--reason", "r"])
        .current_dir(home.project.join("real"))
        .write_stdin("e\n")
        .ok();
    assert!(from.is_ok());
    assert_eq!(home.read("real/a.py"), "e\n");
}

#[test]
fn what_guard_and_git_rest_on_and_secrets_are_left_alone() {
    let home = scene();
    for name in ["sub/.git/config", ".claude/settings.json", "id_rsa", ".git/config"] {
        home.write(name, "x");
    }
    for path in [
        "guard.toml",
        "build_audit.log",
        ".claude/settings.json",
        ".git/config",
        ".git/hooks/pre-commit",
        "sub/.git/config",
        ".env",
        "sub/.env.production",
        "id_rsa",
        "sub/guard.toml",
    ] {
        let before = fs::read(home.project.join(path)).ok();
        let refused = write(&home, path, "mine\n");
        assert_eq!(refused.code, Some(126), "{path}: {}", refused.stderr);
        if path != "build_audit.log" {
            assert_eq!(fs::read(home.project.join(path)).ok(), before, "{path}");
        }
    }
    assert_eq!(write(&home, ".env.example", "KEY=\n").code, Some(0));
}

/// A text that does not fit, a diff that does not, a hash that is another: each message would tell something of what stands
/// there, and a copy all of it.
#[test]
fn what_no_command_may_read_is_not_told_by_errors_nor_copied() {
    let home = scene();
    home.write(".env", "PASSWORD=hunter2\n");
    fs::write(home.path().join("outside"), "PASSWORD=hunter2\n").unwrap();
    fs::hard_link(home.path().join("outside"), home.project.join("hard")).unwrap();
    let hash = "0".repeat(64);
    for path in [".env", "hard", "build_audit.log"] {
        let diff = "@@ -1 +1 @@\n-x\n+y\n";
        for (arguments, input) in [
            (vec!["file", "edit", path, "--old", "PASSWORD=hunter1", "--new", "x"], ""),
            (vec!["file", "edit", path], diff),
            (vec!["file", "write", path, "--expect", &hash], "x"),
            (vec!["file", "write", "copy.txt", "--from", path], ""),
            (vec!["file", "move", path, "copy.txt"], ""),
        ] {
            let refused = given(&home, &[&arguments[..], &["--reason", "r"]].concat(), input);
            assert_eq!(refused.code, Some(126), "{arguments:?}: {}", refused.stderr);
            let said = format!("{}{}", refused.stdout, refused.stderr);
            assert!(!said.contains("hunter") && !said.contains("SHA-256") && !said.contains("line"), "{said}");
        }
        assert!(!home.project.join("copy.txt").exists());
    }
    let shown = given(&home, &["file", "write", "copy.txt", "--from", ".env", "--reason", "r", "--dry-run"], "");
    assert!(shown.code == Some(126) && !shown.stderr.contains("hunter"), "{}", shown.stderr);
}

#[test]
fn a_file_with_other_names_is_left_alone() {
    let home = scene();
    fs::write(home.path().join("outside"), "theirs").unwrap();
    fs::hard_link(home.path().join("outside"), home.project.join("hard")).unwrap();
    for arguments in [
        &["file", "write", "hard", "--reason", "r"][..],
        &["file", "edit", "hard", "--old", "theirs", "--new", "x", "--reason", "r"],
        &["file", "write", "copy", "--from", "hard", "--reason", "r"],
    ] {
        let refused = given(&home, arguments, "mine");
        assert!(
            refused.code == Some(126) && refused.stderr.contains("guard:changes-linked"),
            "{arguments:?}: {}",
            refused.stderr
        );
    }
    assert_eq!(fs::read_to_string(home.path().join("outside")).unwrap(), "theirs");
    // Another name is gone, and what it named stays.
    assert_eq!(home.guard(&["file", "delete", "hard", "--reason", "r"]).code, Some(0));
    assert_eq!(fs::read_to_string(home.path().join("outside")).unwrap(), "theirs");
}

/// A mount namespace of its own, so that nothing stays mounted. A file can be a mount as well as a folder (mount(8), "Bind mounts").
#[test]
fn what_is_mounted_over_a_file_or_a_folder_is_outside() {
    let home = scene();
    fs::create_dir(home.path().join("outside")).unwrap();
    fs::write(home.path().join("outside/theirs"), "theirs\n").unwrap();
    home.write("folder/x", "x\n");
    home.write("over", "ours\n");
    home.write("free", "free\n");
    assert_eq!(write(&home, "over", "ours by guard\n").code, Some(0));
    let seq = super::changes(&home)[0];
    let script = "cd \"$P\"; mount --bind ../outside folder; mount --bind ../outside/theirs over\n\
                  for path in folder/theirs over; do \"$G\" file read $path && exit 1\n\
                  for act in 'write PATH' 'edit PATH --old theirs --new mine' 'delete PATH' 'move PATH copy' 'move free PATH' \\\n\
                  'write copy --from PATH' 'write folder/new'; do\n\
                  echo mine | \"$G\" file $(echo \"$act\" | sed \"s,PATH,$path,\") --reason r > /dev/null && exit 1\n\
                  done; done 2> errors\n\
                  umount over; mount --bind over over\n\
                  \"$G\" undo \"$S\" 2> undone && exit 1; \"$G\" file list --most 9999 > listed; \"$G\" status > /dev/null";
    let mut command = std::process::Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "--propagation", "private", "sh", "-uc", script]).current_dir("/").env_clear();
    command.env("PATH", crate::cli::path()).env("HOME", home.path()).env("S", seq.to_string());
    let output = command.env("G", env!("CARGO_BIN_EXE_guard")).env("P", &home.project).output().unwrap();
    assert!(output.status.success(), "{output:?} {}", home.read("errors"));
    let errors = home.read("errors");
    let times = |what: &str| errors.matches(what).count();
    assert_eq!((times("guard: refused"), times("another file system is mounted on the way")), (16, 16), "{errors}");
    assert!(home.read("undone").contains("cannot replace `over`"), "{}", home.read("undone"));
    let listed = home.read("listed");
    assert!(listed.contains("over\n") && !listed.contains("theirs") && !home.project.join("copy").exists(), "{listed}");
    assert_eq!(fs::read_to_string(home.path().join("outside/theirs")).unwrap(), "theirs\n");
    // Nothing is left half done: it goes on where nothing is mounted.
    assert_eq!(home.guard(&["undo", &seq.to_string()]).code, Some(0));
    assert_eq!(home.read("over"), "ours\n");
}
