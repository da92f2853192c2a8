//! What an agent inside the fence can try to make room for another file. Nothing that it can call resets the count.

use super::*;
use crate::cli::done;

/// What a harness that is a line of bash comes to.
fn harness(home: &Home, line: &str) -> Done {
    done(&mut home.command(&["run", "--", "bash", "-c", line]))
}

/// An agent that has changed two files, and would like a third.
fn working() -> Home {
    let home = scene(&["a.py", "b.py", "c.py"], "");
    comes_in(&home, &["a.py", "b.py"]);
    home
}

#[test]
fn an_agent_works_in_iterations_by_itself() {
    let home = scene(&["a.py", "b.py"], "[iteration]\nfiles = 1\n");
    let ran = harness(
        &home,
        "guard iteration start 'first thing' && guard exec -c 'echo 7 >> a.py' && ! guard exec -c 'echo 7 >> b.py' \
         && ! guard iteration close && guard exec -- true && guard iteration close && guard exec -c 'echo 7 >> b.py' \
         && guard iteration status",
    );
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.ends_with(
            "  b.py\ncannot be closed yet: no check was green that began after its last change (record \
         #23)\n"
        ) || ran.stdout.contains("  b.py\ncannot be closed yet"),
        "{}",
        ran.stdout
    );
}

#[test]
fn nothing_that_an_agent_calls_resets_the_count() {
    let home = working();
    let before = counted(&home);
    for call in [
        "guard iteration close",
        "guard iteration close --person",
        "guard iteration close --person --digest 0000-0000",
        "guard iteration close --json --person",
        "guard iteration -C . close --person",
        "guard -C . iteration close --person",
        "script -qec 'guard iteration close --person' /dev/null",
        "guard iteration start another",
        "guard undo 5",
        "guard resume resume-1",
        "guard init",
        "guard policy trust",
        "guard halt",
        "guard exec -- guard iteration close",
        "guard exec -c 'guard iteration close --person'",
        "guard exec -- env -u GUARD_RUN_FOR guard iteration close",
        "GUARD_RUN_FOR= guard iteration close --person",
    ] {
        let ran = harness(&home, call);
        assert_ne!(ran.code, Some(0), "{call}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(counted(&home), before, "{call}");
    }
    stays_out(&home, &["c.py"], "guard:iteration-full");
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn nothing_that_a_fenced_command_does_to_files_resets_the_count() {
    let home = working();
    let before = counted(&home);
    home.write("try.py", "import subprocess, sys\nsubprocess.run(['bash', '-c', sys.argv[1]])\n");
    let state = home.state().display().to_string();
    for line in [
        format!("rm -rf {state}"),
        format!("rm -f {state}/snapshot.0 {state}/snapshot.1"),
        format!("mkdir -p {state}; echo > {state}/snapshot.0"),
        "rm -f build_audit.log".into(),
        "echo > build_audit.log".into(),
        "mv build_audit.log away".into(),
        "printf '[iteration]\\nfiles = 100\\n' >> guard.toml".into(),
        "rm guard.toml".into(),
        format!("{} iteration close", env!("CARGO_BIN_EXE_guard")),
        format!("HOME=/tmp/h {} init; {} iteration close", env!("CARGO_BIN_EXE_guard"), env!("CARGO_BIN_EXE_guard")),
    ] {
        home.guard(&["exec", "--", "python3", "try.py", &line]);
        assert_eq!(counted(&home), before, "{line}");
    }
    stays_out(&home, &["c.py"], "guard:iteration-full");
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

/// One file is put in the place of another, by link or name, so that it would be taken for one that is open.
#[test]
fn a_file_by_another_name_is_another_file() {
    let home = working();
    for line in [
        "ln -f a.py c2.py; echo 7 >> c2.py",
        "ln -sf c.py a.py; echo 7 >> a.py",
        "mkdir d; ln -s ../c.py d/a.py; echo 7 >> d/a.py",
        "cp a.py A.PY",
        "echo 7 > './sub/../c.py' || echo 7 > c.py",
        "mv a.py c3.py; echo x > a.py",
    ] {
        let told = exec(&home, &["-c", line]);
        if told["changes"].is_object() {
            assert_ne!(told["changes"]["committed"], true, "{line}: {told}");
        }
        assert_eq!(home.read("c.py"), "1\n", "{line}");
    }
    assert_eq!(counted(&home).0, ["a.py", "b.py"]);
}
