//! Projects in uncommon places: file systems of other kinds, read-only ones, paths that few tools can take.

use super::{Done, Home, path};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

const POLICY: &str = "version = 1\n[iteration]\nfiles = 10\nfolder = 10\n[[rule]]\nid = \"shells\"\nprogram = [\"sh\", \"cat\"]\nverdict = \"allow\"\nreason = \"tests\"\nwrites = true\n";

/// Runs a script in a mount namespace of its own, with guard as `$G`, the project as `$P` and the home as `$HOME`.
fn mounted(home: &Home, script: &str) -> Done {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "--propagation", "private", "sh", "-euc", script]).current_dir("/");
    command.env_clear().env("PATH", path()).env("HOME", home.path()).env("LANG", "C.UTF-8");
    command.env("G", env!("CARGO_BIN_EXE_guard")).env("P", &home.project).env("POLICY", POLICY);
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    Done {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A project is made, changed by commands, changed back, and looked at.
const LIFE: &str = "cd \"$P\"; printf '%s' \"$POLICY\" > guard.toml; mkdir d; echo old > d/kept; echo gone > d/gone\n\
                    \"$G\" init > /dev/null\n\
                    \"$G\" exec -c 'echo new > d/made; rm d/gone; sh -c \"exit 0\"'; cat d/made; ls d | tr '\\n' ' '\n\
                    \"$G\" exec -c 'mv d e'; ls e | tr '\\n' ' '; test ! -e d\n\
                    seq=$(grep -n change_committed build_audit.log | head -n 1 | sed 's/.* #\\([0-9]*\\) .*/\\1/')\n\
                    \"$G\" exec -c 'mv e d'; \"$G\" undo \"$seq\" > /dev/null; ls d | tr '\\n' ' '; cat d/gone\n\
                    \"$G\" audit verify | head -n 1 | cut -d: -f1";

#[test]
fn a_project_on_another_file_system_is_changed_as_any() {
    for (name, mount) in [
        ("tmpfs", "mount -t tmpfs none \"$P\""),
        // Without attributes of users, as many network file systems are.
        ("ramfs", "mount -t ramfs none \"$P\""),
        (
            "overlay",
            "mkdir \"$HOME/low\" \"$HOME/up\"; mount -t tmpfs none \"$HOME/up\"; mkdir \"$HOME/up/u\" \"$HOME/up/w\"; \
             mount -t overlay -o \"lowerdir=$HOME/low,upperdir=$HOME/up/u,workdir=$HOME/up/w\" none \"$P\"",
        ),
        // What a command writes is kept apart on one file system and comes into another.
        ("state on tmpfs", "mkdir -p \"$HOME/.local/state\"; mount -t tmpfs none \"$HOME/.local/state\""),
    ] {
        let home = Home::bare();
        let came = mounted(&home, &format!("{mount}\n{LIFE}"));
        assert_eq!(
            (came.code, came.stdout.as_str()),
            (Some(0), "new\nkept made kept made gone kept gone\nwhole\n"),
            "{name}: {}",
            came.stderr
        );
    }
}

#[test]
fn where_no_overlay_can_be_had_the_project_is_read_only_or_nothing_runs() {
    let script = "cd \"$P\"; printf '%s' \"$POLICY\" > guard.toml; \"$G\" init > /dev/null\n\
                  \"$G\" exec -c 'echo x > made' || echo \"code $?\"; \"$G\" exec -- cat guard.toml > /dev/null || echo \"code $?\"\n\
                  printf '[fence]\\nrequire = \"no-overlay\"\\n' >> guard.toml; rm -rf \"$HOME/.local/state/guard\" build_audit.log\n\
                  \"$G\" init > /dev/null; \"$G\" exec -c 'echo x > made' || echo \"code $?\"; test ! -e made\n\
                  \"$G\" exec -- cat guard.toml | head -n 1";
    for (mount, cause) in [
        // An overlay cannot take another's changes, as in a container whose home lies in its image.
        (
            "mkdir -p \"$HOME/.local/state\" \"$HOME/low\" \"$HOME/up\"; mount -t tmpfs none \"$HOME/up\"; mkdir \"$HOME/up/u\" \"$HOME/up/w\"\n\
             mount -t overlay -o \"lowerdir=$HOME/low,upperdir=$HOME/up/u,workdir=$HOME/up/w\" none \"$HOME/.local/state\"\n",
            "lay an overlay over",
        ),
        // As on NFS: an overlay lies there, and `mv d e` fails in it with an input/output error.
        (
            "mkdir -p \"$HOME/.local/state\"; mount -t ramfs none \"$HOME/.local/state\"\n",
            "lay an overlay: the file system of guard's state keeps no `user.*` attributes",
        ),
    ] {
        let home = Home::bare();
        let came = mounted(&home, &format!("{mount}{script}"));
        assert_eq!(came.stdout, "code 125\ncode 125\ncode 1\nversion = 1\n", "{}", came.stderr);
        assert!(came.stderr.contains(&format!("cannot build the fence: {cause}")), "{}", came.stderr);
        assert!(came.stderr.contains("so it is read-only"), "{}", came.stderr);
        assert!(came.stderr.contains("made: Read-only file system"), "{}", came.stderr);
    }
}

#[test]
fn a_read_only_project_runs_nothing_since_nothing_could_be_recorded() {
    let home = Home::bare();
    let script = "cd \"$P\"; printf '%s' \"$POLICY\" > guard.toml; \"$G\" init > /dev/null\n\
                  mount --bind \"$P\" \"$P\"; mount -o remount,bind,ro \"$P\"; cd \"$P\"\n\
                  \"$G\" exec -c 'echo ran' || echo \"code $?\"; \"$G\" check -c 'sh x'; \"$G\" status | head -n 1";
    let came = mounted(&home, script);
    assert!(came.stdout.starts_with("code 125\nallow: "), "{}{}", came.stdout, came.stderr);
    assert!(
        came.stderr.contains("build_audit.log") && came.stderr.contains("Read-only file system"),
        "{}",
        came.stderr
    );
    assert!(!came.stdout.contains("ran\n"));
    let home = Home::bare();
    let script =
        "mount --bind \"$P\" \"$P\"; mount -o remount,bind,ro \"$P\"; cd \"$P\"; \"$G\" init || echo \"code $?\"";
    let came = mounted(&home, script);
    assert_eq!(came.stdout, "code 125\n");
    assert!(came.stderr.contains("Read-only file system"), "{}", came.stderr);
}

#[test]
fn a_project_may_lie_at_any_path() {
    let long = "d".repeat(255);
    let names: [&[u8]; 7] =
        [b"with space", b"new\nline", b"\xff\xfe", b"-rf", b"'\"$(x)`*?[", long.as_bytes(), b"a:b,c\\d=e"];
    for name in names {
        let home = Home::with_project(Path::new(OsStr::from_bytes(name)));
        let shown = String::from_utf8_lossy(name).into_owned();
        let came = mounted(&home, LIFE);
        assert_eq!(
            (came.code, came.stdout.as_str()),
            (Some(0), "new\nkept made kept made gone kept gone\nwhole\n"),
            "{shown}: {}",
            came.stderr
        );
        let ran = home.guard(&["run", "--", "bash", "-c", "guard exec -c 'echo run > d/run'; cat d/run"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "run\n"), "{shown}: {}", ran.stderr);
    }
}
