//! The ladder: where the kernel refuses namespaces or a fresh `/proc`, guard says so, and runs nothing below the level
//! required.

use super::ending::{eventually, living, said, small_guard};
use std::process::{Command, Stdio};

/// The small guard where user namespaces are used up, as where they are forbidden.
const NO_NAMESPACES: &str = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"";
/// The small guard where a part of `/proc` is masked, as in containers.
pub(crate) const MASKED: &str = "mount -t tmpfs none /proc/bus && exec \"$0\" \"$@\"";

/// The small guard behind `trick`, requiring `level`.
pub(crate) fn behind(trick: &str, level: &str, line: &str) -> Command {
    let guard = small_guard(line);
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--propagation", "private", "sh", "-c", trick]);
    command.arg(guard.get_program()).args(guard.get_args());
    command.env("GUARD_TEST_LINE", line).env("GUARD_TEST_LEVEL", level);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
    command
}

/// What it printed.
fn run(trick: &str, level: &str, line: &str) -> String {
    said(&mut behind(trick, level, line).spawn().unwrap())
}

#[test]
fn below_the_level_required_nothing_runs() {
    for level in ["full", "partial"] {
        let text = run(NO_NAMESPACES, level, "echo ran");
        assert_eq!(text, "cannot build the fence: make namespaces: No space left on device (os error 28)");
    }
    let text = run(MASKED, "full", "echo ran");
    assert_eq!(text, "cannot build the fence: mount a fresh `/proc`: Operation not permitted (os error 1)");
}

#[test]
fn with_a_masked_proc_the_mounts_still_hold_and_the_tree_still_ends() {
    let mark = format!("91{}.5", std::process::id());
    let line = format!(
        "echo x > ../outside; chmod 777 ../outside; cat build_audit.log; echo x > guard.toml; \
         for i in 1 2 3; do setsid -f sleep {mark}; done; ls /tmp | wc -l; kill -0 $PPID; echo $?; exit 4"
    );
    let text = run(MASKED, "partial", &line);
    assert_eq!(text, "0\n1\npartial 1\nExited 4");
    assert_eq!(living(&format!("sleep\0{mark}")), 0);
}

#[test]
fn without_namespaces_landlock_and_seccomp_hold_what_they_can() {
    let mark = format!("92{}.5", std::process::id());
    let line = format!(
        "echo x > ../outside; echo x >> guard.toml; touch .git/hooks/x; mv .git g; cat build_audit.log; cat ../state/key; \
         echo x > .git/commondir; exec 3<>/dev/tcp/127.0.0.1/1; for i in 1 2 3; do setsid -f sleep {mark}; done; \
         kill -0 $PPID; echo $?; echo y > sub/y; touch $TMPDIR/z && echo z; \
         cat ../outside; echo; cat guard.toml; echo; ls .git; exit 4"
    );
    let text = run(NO_NAMESPACES, "landlock", &line);
    assert_eq!(text, "1\nz\nuntouched\npolicy\nconfig\nhooks\nlandlock 2\nExited 4");
    assert_eq!(living(&format!("sleep\0{mark}")), 0);
}

#[test]
fn a_terminal_is_read_and_not_written_on_every_rung() {
    let line = "read word; echo got $word; test -t 0 && echo terminal; \
        for at in '&0' /proc/self/fd/0 /dev/tty $(readlink /proc/self/fd/0); do eval \"echo WRITTEN >$at\"; done";
    for (trick, level, end) in [
        ("exec \"$0\" \"$@\"", "full", "Exited 1"),
        (MASKED, "partial", "partial 1\nExited 1"),
        (NO_NAMESPACES, "landlock", "landlock 2\nExited 1"),
    ] {
        let guard = small_guard(line);
        let words: Vec<_> = guard.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let mut command = Command::new("script");
        command.args([
            "--quiet",
            "--command",
            "unshare --user --map-root-user --mount sh -c \"$TRICK\" $WORDS 2>/dev/null",
        ]);
        command.arg("/dev/null").env("TRICK", trick).env("WORDS", format!("env {}", words.join(" ")));
        command.env("GUARD_TEST_LINE", line).env("GUARD_TEST_LEVEL", level).env("SHELL", "/bin/sh");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"hello\n").unwrap();
        let text = said(&mut child);
        assert_eq!(text, format!("hello\ngot hello\nterminal\n{end}"), "{level}");
    }
}

#[test]
fn without_a_pid_namespace_a_killed_guard_takes_its_tree_along() {
    let mark = format!("93{}.5", std::process::id());
    let line = format!("setsid -f sleep {mark}; sleep {mark}");
    let guard = small_guard(&line);
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", "2", "unshare", "--user", "--map-root-user", "sh", "-c", NO_NAMESPACES]);
    command.arg(guard.get_program()).args(guard.get_args());
    command.env("GUARD_TEST_LINE", &line).env("GUARD_TEST_LEVEL", "landlock");
    command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    let mut child = command.spawn().unwrap();
    eventually("it runs", || living(&format!("sleep\0{mark}")) >= 2);
    child.wait().unwrap();
    eventually("the tree is gone", || living(&format!("sleep\0{mark}")) == 0);
}

#[test]
fn a_command_has_a_terminal_of_its_own_on_every_rung() {
    let line = "test -t 0 && test -t 1 && test -t 2 && stty size; echo x >/dev/tty; \
        setsid sh -c 'echo y >/dev/tty' 2>/dev/null || echo alone; echo z >&2; exit 4";
    for (trick, level, end) in [
        ("exec \"$0\" \"$@\"", "full", "Exited 4"),
        (MASKED, "partial", "partial 1\nExited 4"),
        (NO_NAMESPACES, "landlock", "landlock 2\nExited 4"),
    ] {
        let guard = small_guard(line);
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "--propagation", "private", "sh", "-c", trick]);
        command.arg(guard.get_program()).args(guard.get_args()).env("GUARD_TEST_TERMINAL", "1");
        command.env("GUARD_TEST_LINE", line).env("GUARD_TEST_LEVEL", level);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
        assert_eq!(said(&mut command.spawn().unwrap()), format!("24 80\nx\nalone\nz\n{end}"), "{level}");
    }
}
