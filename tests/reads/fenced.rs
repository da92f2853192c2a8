//! What a fence hides, whoever built it: as root, and started anew as an ordinary user by the tests of the fence. Each thing
//! that cannot be read inside can be read outside.

use crate::fence::stage::{Stage, root, unfenced};
use guard::execute::ExecuteError;
use guard::execute::sandbox::Work;
use std::fs;
use std::os::unix::fs::symlink;

/// `cat FILE` outside and inside: what it says inside, and with which code.
fn inside(stage: &Stage, file: &str) -> (i32, String) {
    let (code, said) = unfenced(stage, &format!("cat {file}"));
    assert_eq!(code, Some(0), "unfenced `{file}` can be read: {said}");
    let seen = stage.line(&format!("cat {file}"));
    (seen.code, format!("{}{}", seen.out, seen.err))
}

#[test]
fn a_home_is_hidden_but_for_what_is_open() {
    let stage = Stage::with_home();
    for file in [".ssh/id", "notes"] {
        let expected = format!("cat: ../home/{file}: No such file or directory\n");
        assert_eq!(inside(&stage, &format!("../home/{file}")), (1, expected));
    }
    assert_eq!(inside(&stage, "../home/.settings"), (0, "#!/bin/sh\necho content of .settings\n".into()));
    assert_eq!(inside(&stage, "../home/link"), (0, "#!/bin/sh\necho content of linked\n".into()));
    assert_eq!(
        inside(&stage, "../home/.tools/credentials"),
        (1, "cat: ../home/.tools/credentials: Permission denied\n".into())
    );
    let seen =
        stage.line("ls -A ../home; readlink ../home/link; ../home/.tools/bin/tool; touch ../home/x ../home/.tools/x");
    assert_eq!(seen.out, ".settings\n.tools\nelsewhere\nlink\nelsewhere/linked\ncontent of tool\n");
    let refused = seen.err.lines().filter(|line| line.ends_with("Read-only file system")).count();
    assert_eq!((seen.code, refused), (1, 2), "{}", seen.err);
}

#[test]
fn a_project_in_a_home_is_there_and_nothing_beside_it() {
    let mut stage = Stage::with_home();
    let home = fs::canonicalize(stage.root.path()).unwrap();
    stage.place.reads.homes = vec![home.clone(), home.join("home"), "/".into(), "/usr".into(), "/no/such/home".into()];
    let seen = stage.line("ls -A ..; pwd; echo x > sub/y; cat sub/y; cat ../outside");
    let project = stage.place.project.display();
    assert_eq!(seen.out, format!("home\nproject\nstate\n{project}\nx\n"));
    assert_eq!(seen.err, "cat: ../outside: No such file or directory\n");
    // Its caches lie beside it, and are there alone.
    assert_eq!(stage.line("ls -A ../state; touch $XDG_CACHE_HOME").out, "caches\n");
    assert_eq!(unfenced(&stage, "cat ../outside"), (Some(0), "untouched".into()));
}

#[test]
fn a_program_in_a_hidden_home_says_what_would_open_it() {
    let stage = Stage::with_home();
    let home = fs::canonicalize(stage.root.path()).unwrap().join("home");
    fs::copy(home.join(".tools/bin/tool"), home.join("tool")).unwrap();
    let script = stage.place.project.join("script");
    fs::write(&script, format!("#!{} -x\n", home.join("tool").display())).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    symlink(home.join("tool"), stage.place.project.join("linked")).unwrap();
    let (tool, home) = (home.join("tool"), home.display().to_string());
    let expected = format!(
        "commands do not see `{}`, which lies in the home `{home}`: a person may add its folder to `toolchain` in \
         `[fence]`",
        tool.display()
    );
    for program in [&tool, &script, &stage.place.project.join("linked")] {
        match stage.argv(program, &[]) {
            Err(ExecuteError::NotExecutable { cause, .. }) => assert_eq!(cause, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn dotenv_files_are_unreadable_unless_the_order_says_so() {
    let mut stage = Stage::with_home();
    for file in [".env", "sub/.env.live"] {
        assert_eq!(inside(&stage, file), (1, format!("cat: {file}: Permission denied\n")));
    }
    assert_eq!(inside(&stage, ".env.example"), (0, "#!/bin/sh\necho content of .env.example\n".into()));
    // By another name, or in another place.
    let tricks = "ln .env hard; ln -s .env soft; cat soft; mv .env moved; cp .env copy; mv sub away && cat away/.env.live; \
        cat /proc/self/cwd/.env; rm -f .env; chmod 777 .env; ls hard moved copy";
    assert_eq!(stage.line(tricks).out, "");
    assert_eq!(fs::read_to_string(stage.place.project.join(".env")).unwrap(), "#!/bin/sh\necho content of .env\n");
    assert!(stage.place.project.join("sub/.env.live").exists(), "what cannot be read cannot be moved");
    // What a command makes itself is its own.
    assert_eq!(stage.line("echo A=1 > sub/.env; cat sub/.env").out, "A=1\n");
    stage.dotenv = true;
    assert_eq!(stage.line("cat .env sub/.env.live | wc -l").out, "4\n");
    stage.writes = false;
    assert_eq!(stage.line("cat .env | wc -l").out, "2\n");
    stage.dotenv = false;
    assert_ne!(stage.line("cat .env").code, 0);
}

#[test]
fn what_root_alone_may_read_of_the_system_is_closed_and_what_programs_need_is_open() {
    let mut stage = Stage::new();
    let closed = [
        "/etc/shadow",
        "/etc/gshadow",
        "/etc/sudoers",
        "/etc/ssh/ssh_host_ed25519_key",
        "/etc/ssl/private/ssl-cert-snakeoil.key",
        "/etc/crontab",
        "/etc/fstab",
        "/var/log/dpkg.log",
        "/var/lib/systemd/random-seed",
        "/var/lib/dpkg/../systemd/catalog/database",
        "/var/backups/dpkg.status.0",
        "/sys/firmware/acpi/tables/DSDT",
        "/sys/kernel/tracing/trace",
    ];
    let readable: Vec<&str> = closed.into_iter().filter(|file| fs::File::open(file).is_ok()).collect();
    assert!(readable.len() >= if root() { 3 } else { 1 }, "{readable:?}");
    for writes in [true, false] {
        stage.writes = writes;
        for file in &readable {
            assert_eq!(inside(&stage, file).1, format!("cat: {file}: Permission denied\n"), "{file}");
        }
        let open = [
            "/etc/passwd",
            "/etc/hosts",
            "/etc/os-release",
            "/etc/ssl/certs/ca-certificates.crt",
            "/var/lib/dpkg/status",
        ];
        for file in open.into_iter().filter(|file| fs::File::open(file).is_ok()) {
            assert_eq!(stage.line(&format!("cat {file} >/dev/null")).err, "", "{file}");
        }
        let seen = stage.line("getent passwd root | cut -d: -f1; ls / >/dev/null; date +%Z; nproc >/dev/null; cat /dev/stdin < guard.toml");
        assert_eq!((seen.out.lines().next(), seen.err.as_str()), (Some("root"), ""));
        assert!(seen.out.ends_with("\npolicy"), "{}", seen.out);
    }
    // A list may open more.
    stage.place.reads.open = readable.iter().map(Into::into).collect();
    for file in readable.into_iter().filter(|file| file.starts_with("/etc")) {
        assert_eq!(stage.line(&format!("cat {file} >/dev/null")).err, "", "{file}");
    }
}

#[test]
fn what_a_policy_shuts_is_unreadable_wherever_it_lies() {
    let mut stage = Stage::new();
    let outside = fs::canonicalize(stage.outside()).unwrap();
    let folder = stage.root.path().join("dump");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("data"), "data").unwrap();
    stage.place.reads.shut = vec![outside, fs::canonicalize(&folder).unwrap(), "/no/such".into()];
    assert_eq!(inside(&stage, "../outside"), (1, "cat: ../outside: Permission denied\n".into()));
    assert_eq!(inside(&stage, "../dump/data"), (1, "cat: ../dump/data: No such file or directory\n".into()));
}

/// Found by a review: an editor that replaces the file takes the cover along.
#[test]
fn a_dotenv_file_that_is_replaced_during_a_run_is_covered_or_said() {
    for writes in [true, false] {
        let mut stage = Stage::with_home();
        stage.writes = writes;
        let project = stage.place.project.clone();
        let reader = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(500));
            fs::write(project.join("new"), "KEY=new").unwrap();
            fs::rename(project.join("new"), project.join(".env")).unwrap();
        });
        let line = "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do cat .env 2>/dev/null; sleep 0.1; done; true";
        let (outcome, kept) = stage.outcome(Work::Line(line.into())).unwrap();
        reader.join().unwrap();
        let missing: Vec<&str> = outcome.fence.missing.iter().map(String::as_str).collect();
        if writes {
            assert_eq!((kept.out.as_slice(), missing.as_slice()), (&b""[..], &[][..]));
        } else {
            assert!(!kept.out.is_empty(), "the cover is gone");
            assert!(
                matches!(missing.as_slice(), [one] if one.contains("/.env` was removed or replaced from outside")),
                "{missing:?}"
            );
        }
    }
}
