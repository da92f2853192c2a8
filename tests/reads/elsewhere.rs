//! What is mounted a second time: closed there as well. Found by a review: with `mount --bind / /x`, `/x/etc/shadow` and
//! guard's own state could be read.

use super::called::reading;
use crate::fence::ending::said;
use crate::fence::rungs::{MASKED, behind};
use crate::fence::stage::root;
use crate::fence::tricks::{WHOLE, forbids_mounts, forbids_namespaces, without_landlock};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A folder that nothing private covers, to mount on.
fn folder() -> tempfile::TempDir {
    let base = std::env::var_os("GUARD_TEST_BASE");
    let base = base.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), Into::into);
    tempfile::tempdir_in(base).unwrap()
}

#[test]
fn what_is_hidden_or_closed_is_so_at_its_other_names_on_every_rung() {
    let folder = folder();
    let at = folder.path().display().to_string();
    for name in ["all", "logs"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("who"), "").unwrap();
    let line = format!(
        "for file in $PWD/../home/notes $PWD/../home/.tools/credentials $PWD/../state/key $PWD/build_audit.log $PWD/.env \
         /etc/fstab /var/log/dpkg.log MORE; do head -c 1 {at}/all/$file; done; cat {at}/who; ls {at}/logs; \
         head -c 4 {at}/all/usr/bin/env | wc -c; cat ../home/.settings | grep -c echo; grep -c ^root: /etc/passwd; exit 3"
    );
    // Landlock alone knows files and not their names: what is open is so under each.
    let more =
        "$PWD/guard.toml $PWD/../home/.tools/bin/tool /etc/passwd /proc/self/status /proc/1/cmdline /tmp/.. /dev/zero";
    // What is not read here can be read outside.
    let twice = format!(
        "mount --rbind / {at}/all && mount --bind /var/log {at}/logs && mount --bind /var/log/dpkg.log {at}/who && \
         head -c 1 {at}/all/etc/passwd {at}/who {at}/all/proc/self/status >/dev/null && test -n \"$(ls {at}/logs)\" || exit 9; "
    );
    for (trick, level, end) in [
        (WHOLE.to_owned(), "full", "Exited 3"),
        (MASKED.to_owned(), "partial", "partial 1\nExited 3"),
        (without_landlock(), "partial", "partial 1\nExited 3"),
        (forbids_namespaces(), "landlock", "landlock 2\nExited 3"),
        (forbids_mounts(), "landlock", "landlock 2\nExited 3"),
    ] {
        let line = line.replace("MORE", if level == "landlock" { "" } else { more });
        let mut command = behind(&trick.replacen("exec ", &format!("{twice}exec "), 1), level, &line);
        let text = said(&mut command.env("GUARD_TEST_HOMELY", "1").spawn().unwrap());
        assert_eq!(text, format!("4\n1\n1\n{end}"), "{level}: {trick}");
    }
}

/// The command line, with mounts of every kind around and in its project.
#[test]
fn a_project_is_there_under_one_name_and_works_whatever_is_mounted_twice() {
    if !root() {
        return;
    }
    let home =
        reading("[[rule]]\nid = \"cat\"\nprogram = \"cat\"\nverdict = \"allow\"\nwrites = false\nreason = \"r\"\n");
    home.write("inner/file", "inner\n");
    home.write(".env", "KEY=1\n");
    for name in ["project/mnt", "twice", "part", "tool"] {
        fs::create_dir(home.path().join(name)).unwrap();
    }
    fs::write(home.path().join("key"), "key\n").unwrap();
    let guard = env!("CARGO_BIN_EXE_guard");
    let run = |mounts: &str, file: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c"]);
        command.arg(format!("{mounts} && cat \"$1\" >/dev/null && exec \"$0\" exec -- cat \"$1\"")).args([guard, file]);
        command.current_dir(&home.project).env_clear().env("PATH", crate::cli::path()).env("HOME", home.path());
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let bind = "mount --bind . ../twice";
    for (mounts, file) in [
        ("mount --rbind / mnt", "mnt/etc/passwd"),
        ("mount --bind /etc mnt", "mnt/passwd"),
        (bind, "../twice/build_audit.log"),
        (bind, "../twice/.env"),
        (bind, "../twice/inner/file"),
        ("mount --bind inner ../part", "../part/file"),
        ("mount --bind .. ../part", "../part/key"),
        ("mount --bind / ../part && mount --bind /usr/bin ../tool", "../part/etc/hosts"),
    ] {
        let (code, out, err) = run(mounts, file);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{mounts}: {file}: {err}");
        let (code, out, err) = run(mounts, "inner/file");
        assert_eq!((code, out.as_str()), (Some(0), "inner\n"), "{mounts}: {err}");
    }
}
