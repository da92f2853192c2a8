//! Whatever else is asked: a message, an exit code, and nothing half done.

use super::{given, scene, write};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;

#[test]
fn what_is_no_file_is_told_and_left_alone() {
    let home = scene();
    fs::create_dir(home.project.join("folder")).unwrap();
    let _listens = UnixListener::bind(home.project.join("socket")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        home.project.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    home.write("plain", "x");
    let long = "x/".repeat(2048) + "x";
    let name = "x".repeat(300);
    for (path, says) in [
        ("", "the path is empty"),
        (".", " a folder"),
        ("folder", "`folder` is a folder"),
        ("folder/", " is a folder"),
        ("socket", "no file, but a socket"),
        ("pipe", "no file, but a pipe"),
        ("plain/x", "something on the way is not a folder"),
        ("plain/", "it ends with `/`, as folders do"),
        ("none/", "it ends with `/`, as folders do"),
        (long.as_str(), "longer than a path can be"),
        (name.as_str(), "longer than a path can be"),
    ] {
        for arguments in [
            &["file", "write", path, "--reason", "r"][..],
            &["file", "edit", path, "--old", "x", "--new", "y", "--reason", "r"],
            &["file", "delete", path, "--reason", "r"],
            &["file", "move", path, "to", "--reason", "r"],
            &["file", "read", path],
        ] {
            let done = given(&home, arguments, "new");
            assert_eq!(done.code, Some(125), "{arguments:?}: {}", done.stderr);
            assert!(done.stderr.contains(says), "{arguments:?}: {}", done.stderr);
            assert!(done.stderr.contains("help: "), "{arguments:?}: {}", done.stderr);
        }
    }
    for arguments in [
        &["file", "delete", "none"][..],
        &["file", "edit", "none", "--old", "x", "--new", "y"],
        &["file", "move", "none", "to"],
    ] {
        let done = home.guard(&[arguments, &["--reason", "r"]].concat());
        assert!(done.code == Some(125) && done.stderr.contains("`none` is not there"), "{}", done.stderr);
    }
    assert!(!home.project.join("to").exists() && !home.log().contains("change_committed"));
}

#[test]
fn a_device_is_told_and_left_alone() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = scene();
    let device = rustix::fs::makedev(1, 3);
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        home.project.join("null"),
        rustix::fs::FileType::CharacterDevice,
        mode,
        device,
    )
    .unwrap();
    let done = write(&home, "null", "x");
    assert!(done.code == Some(125) && done.stderr.contains("no file, but a character device"), "{}", done.stderr);
}

#[test]
fn names_that_are_no_text_are_names() {
    let home = scene();
    for name in [&b"caf\xe9.txt"[..], b"new\nline", b"-dash", b"a b'c\"$(x)"] {
        let name = OsStr::from_bytes(name);
        let path = std::path::Path::new("./").join(name);
        let mut command = home.command(&["file", "write", "--reason", "r", "--"]);
        assert_eq!(crate::cli::done(command.arg(&path).write_stdin("x")).code, Some(0), "{name:?}");
        assert_eq!(fs::read(home.project.join(name)).unwrap(), b"x");
        let mut command = home.command(&["file", "delete", "--reason", "r", "--"]);
        assert_eq!(crate::cli::done(command.arg(&path)).code, Some(0), "{name:?}");
    }
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn content_that_is_no_text_is_written_whole_and_not_edited() {
    let home = scene();
    let mut command = home.command(&["file", "write", "a.bin", "--reason", "r"]);
    assert_eq!(crate::cli::done(command.write_stdin(&b"\0\xff\n"[..])).code, Some(0));
    assert_eq!(fs::read(home.project.join("a.bin")).unwrap(), b"\0\xff\n");
    let edited = home.guard(&["file", "edit", "a.bin", "--old", "x", "--new", "y", "--reason", "r"]);
    assert!(edited.code == Some(125) && edited.stderr.contains("`a.bin` is not text (UTF-8)"), "{}", edited.stderr);
    let mut command = home.command(&["file", "edit", "a.bin", "--reason", "r"]);
    let patched = crate::cli::done(command.write_stdin(&b"\xff"[..]));
    assert!(patched.code == Some(125) && patched.stderr.contains("the diff on standard input is not text"));
}

#[test]
fn a_folder_that_nobody_may_write_to_is_told_apart() {
    let home = scene();
    home.write("shut/a.py", "a\n");
    let immutable = |flag: &str| {
        let path = home.project.join("shut/a.py");
        std::process::Command::new("chattr")
            .arg(flag)
            .arg(path)
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    if immutable("+i") {
        let failed = write(&home, "shut/a.py", "b\n");
        immutable("-i");
        assert_eq!((failed.code, home.read("shut/a.py").as_str()), (Some(125), "a\n"), "{}", failed.stderr);
        assert!(
            failed.stderr.contains("tried twice") && failed.stderr.contains("Operation not permitted"),
            "{}",
            failed.stderr
        );
    }
}

/// `guard ARGUMENTS…` as an ordinary user, in a project of theirs; `None`: this is not root, and nobody else can be.
fn as_nobody(folder: &std::path::Path, arguments: &[&str], input: &str) -> crate::cli::Done {
    let mut command = assert_cmd::Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--groups=65533", env!("CARGO_BIN_EXE_guard")]).args(arguments);
    command.current_dir(folder.join("p")).env_clear().env("PATH", crate::cli::path()).env("HOME", folder);
    crate::cli::done(command.write_stdin(input))
}

#[test]
fn what_its_caller_may_not_write_to_guard_does_not_write_to_for_them() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let base = tempfile::tempdir_in(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target")).unwrap();
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (folder, project) = (base.path(), base.path().join("p"));
    fs::create_dir_all(project.join("shut")).unwrap();
    for name in ["shut/a.txt", "fixed.txt"] {
        fs::write(project.join(name), "old\n").unwrap();
        chown(project.join(name), Some(65534), Some(65534)).unwrap();
    }
    for path in [folder, &project, &project.join("shut")] {
        chown(path, Some(65534), Some(65534)).unwrap();
    }
    assert_eq!(as_nobody(folder, &["init", "--preset", "python"], "").code, Some(0));
    fs::set_permissions(project.join("shut"), fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(project.join("fixed.txt"), fs::Permissions::from_mode(0o444)).unwrap();
    for path in ["shut/a.txt", "shut/new.txt", "fixed.txt"] {
        let failed = as_nobody(folder, &["file", "write", path, "--reason", "r"], "new\n");
        assert_eq!(failed.code, Some(125), "{path}: {}", failed.stderr);
        assert!(
            failed.stderr.contains("tried twice") && failed.stderr.contains("guard has no right to"),
            "{}",
            failed.stderr
        );
    }
    for path in ["shut/a.txt", "fixed.txt"] {
        assert_eq!(fs::read_to_string(project.join(path)).unwrap(), "old\n");
    }
    assert!(!project.join("shut/new.txt").exists());
    assert_eq!(as_nobody(folder, &["file", "write", "open.txt", "--reason", "r"], "new\n").code, Some(0));
    // Somebody else's, which the caller may write to by a group of theirs: those of the group may afterwards too.
    let shared = project.join("shared.txt");
    fs::write(&shared, "old\n").unwrap();
    chown(&shared, Some(0), Some(65533)).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o664)).unwrap();
    let written = as_nobody(folder, &["file", "write", "shared.txt", "--reason", "r"], "new\n");
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    let found = shared.metadata().unwrap();
    assert_eq!((found.gid(), found.mode() & 0o7777), (65533, 0o664));
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let home = crate::cli::Home::bare();
    let script = "mount -t tmpfs -o size=1m none \"$P\"; cd \"$P\"; printf 'version = 1\\nextends = [\"python\"]\\n' > guard.toml\n\
                  \"$G\" init > /dev/null; echo old > a.txt; head -c 500000 /dev/zero > filler\n\
                  head -c 700000 /dev/zero | tr '\\0' x | \"$G\" file write a.txt --reason r 2>&1 || echo \"code $?\"\n\
                  cat a.txt; ls -A | tr '\\n' ' '; rm filler\n\
                  echo new | \"$G\" file write a.txt --reason r > /dev/null; cat a.txt; \"$G\" audit verify | head -n 1 | cut -c 1-5";
    let mut command = std::process::Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "--propagation", "private", "sh", "-euc", script]).current_dir("/").env_clear();
    command.env("PATH", crate::cli::path()).env("HOME", home.path());
    let output = command.env("G", env!("CARGO_BIN_EXE_guard")).env("P", &home.project).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("tried twice") && said.contains("No space left on device"), "{said}{errors}");
    let rest = said.split_once("code 125\n").map(|(_, rest)| rest);
    assert_eq!(rest, Some("old\na.txt build_audit.log filler guard.toml new\nwhole\n"), "{said}{errors}");
}
