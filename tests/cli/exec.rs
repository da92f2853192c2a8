//! `guard exec`: what passes through, what is refused, what is recorded.

use super::{Home, done};

#[test]
fn output_and_exit_code_are_the_commands_own() {
    let home = Home::with("python");
    let done = home.guard(&[
        "exec",
        "--",
        "python3",
        "-c",
        "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)",
    ]);
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(7), "out\n", "err\n"));
}

#[test]
fn output_bytes_are_untouched() {
    let home = Home::with("python");
    let output =
        home.command(&["exec", "--", "python3", "-c", "import os; os.write(1, bytes(range(256)))"]).output().unwrap();
    assert_eq!(output.stdout, (0..=255).collect::<Vec<u8>>());
}

#[test]
fn standard_input_reaches_the_command() {
    let home = Home::with("python");
    let done = done(home.command(&["exec", "--", "cat"]).write_stdin("typed\n"));
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), "typed\n"), "{}", done.stderr);
}

#[test]
fn a_signal_becomes_128_and_its_number() {
    let home = Home::with("python");
    home.write("crash.py", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)");
    let done = home.guard(&["exec", "--", "python3", "crash.py"]);
    assert_eq!(done.code, Some(139), "{}", done.stderr);
}

#[test]
fn a_run_stands_in_the_log_in_the_owners_words() {
    let home = Home::with("python");
    assert_eq!(
        home.guard(&["exec", "--task", "greeting", "--reason", "to see", "--", "python3", "-c", "print(1)"]).code,
        Some(0)
    );
    let log = home.log();
    let human: Vec<_> =
        log.lines().skip(1).map(|line| line.split_once("] ").unwrap().1.split_once(" {").unwrap().0).collect();
    assert_eq!(
        human,
        [
            "SHELL_EXEC: python3 -c 'print(1)'",
            "RETURN_CODE: 0",
            "STDOUT: 1",
            "STDERR: ",
            "[SHELL] [EXEC] [python3 -c 'print(1)'] [SUCCESS]",
        ]
        .map(str::to_owned)
        .to_vec(),
        "{log}"
    );
    assert!(log.contains("\"task\":\"greeting\"") && log.contains("\"reason\":\"to see\""), "{log}");
}

#[test]
fn a_refusal_names_rule_place_reason_and_remedy_and_runs_nothing() {
    let home = Home::with("python-trading");
    let done = home.guard(&["exec", "--", "docker-compose", "down", "-v"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(126), ""));
    for part in ["refused by policy", "docker-compose down -v", "policy/pack/docker-compose.toml:", "instead:"] {
        assert!(done.stderr.contains(part), "no `{part}` in: {}", done.stderr);
    }
    let log = home.log();
    let last = log.lines().last().unwrap();
    assert!(last.contains("[SHELL] [EXEC] [docker-compose down -v] [DENIED]"), "{last}");
}

#[test]
fn what_no_rule_knows_waits_for_a_person() {
    let home = Home::with("python");
    let done = home.guard(&["exec", "-c", "truncate -s 0 data.csv"]);
    assert_eq!(done.code, Some(75), "{}", done.stderr);
    assert!(done.stderr.contains("a person has to allow this"), "{}", done.stderr);
    assert!(home.log().lines().last().unwrap().contains("[PENDING]"));
    assert!(!home.project.join("data.csv").exists());
}

#[test]
fn every_command_of_a_line_must_be_allowed() {
    let home = Home::with("python");
    home.trust(super::PATIENT);
    assert_eq!(home.guard(&["exec", "-c", "python3 -c 'print(1)' | cat && echo done"]).code, Some(0));
    for line in [
        "python3 -c 'print(1)'; sudo true",
        "echo $(sudo true)",
        "python=1 sudo true",
        "python3 -c 1\nsudo true",
        "cat <(sudo true)",
        "env X=1 timeout 5 sudo true",
    ] {
        let done = home.guard(&["exec", "-c", line]);
        assert_eq!(done.code, Some(126), "{line}: {}", done.stderr);
    }
}

#[test]
fn a_line_runs_in_bash_without_start_up_files_or_exported_functions() {
    let home = Home::with("python");
    home.write("evil.sh", "echo from-bash-env\n");
    let mut command = home.command(&["exec", "-c", "echo \"$BASH_VERSION\"; true"]);
    command.env("BASH_ENV", home.project.join("evil.sh")).env("BASH_FUNC_true%%", "() { echo from-function; }");
    let done = done(&mut command);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.starts_with("5.") && done.stdout.lines().count() == 1, "{}", done.stdout);
}

#[test]
fn a_command_may_write_to_the_project_and_nowhere_else() {
    let home = Home::with("python");
    let outside = home.path().join("outside.txt");
    let script = format!(
        "open('inside.txt', 'w').write('x')\ntry:\n    open({outside:?}, 'w')\nexcept OSError as error:\n    print('stopped')\n"
    );
    home.write("write.py", &script);
    let done = home.guard(&["exec", "--", "python3", "write.py"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), "stopped\n"), "{}", done.stderr);
    assert_eq!(home.read("inside.txt"), "x");
    assert!(!outside.exists());
}

#[test]
fn a_timeout_ends_the_command_with_124_and_is_recorded() {
    let home = Home::with("python");
    let done = home.guard(&["exec", "--timeout", "0.5", "--", "python3", "-c", "import time; time.sleep(60)"]);
    assert_eq!(done.code, Some(124), "{}", done.stderr);
    assert!(done.stderr.contains("timed out"), "{}", done.stderr);
    assert!(home.log().lines().last().unwrap().contains("[TIMEOUT]"));
}

#[test]
fn guard_exec_inside_a_fence_says_that_it_is_fenced_already() {
    let home = Home::with("python");
    let guard = env!("CARGO_BIN_EXE_guard");
    let code =
        format!("import subprocess, sys; sys.exit(subprocess.run([{guard:?}, 'exec', '--', 'true']).returncode)");
    home.write("again.py", &code);
    let done = home.guard(&["exec", "--", "python3", "again.py"]);
    assert_eq!(done.code, Some(125), "{}", done.stderr);
    assert!(done.stderr.contains("already fenced: run it directly"), "{}", done.stderr);
}

#[test]
fn a_hundred_guards_at_once_are_all_recorded_and_the_chain_is_whole() {
    let home = Home::with("python");
    home.trust("\n[limits]\nparallel = 100\n");
    let calls: Vec<_> = (0..100)
        .map(|_| {
            std::process::Command::new(env!("CARGO_BIN_EXE_guard"))
                .args(["exec", "--", "true"])
                .current_dir(&home.project)
                .env_clear()
                .env("PATH", super::path())
                .env("HOME", home.path())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut call in calls {
        assert_eq!(call.wait().unwrap().code(), Some(0));
    }
    assert_eq!(home.log().lines().filter(|line| line.contains("[SHELL] [EXEC] [true] [SUCCESS]")).count(), 100);
    let verified = home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn secrets_of_the_environment_never_reach_the_log() {
    let home = Home::with("python");
    home.trust("[[rule]]\nid = \"reads-env\"\nprogram = \"python3\"\nverdict = \"allow\"\nreason = \"it needs them\"\ndotenv = true\n");
    let canary = "kanarienvogel-7351-zitronengelb";
    home.write(".env", &format!("API_KEY={canary}\n"));
    home.write(
        "leak.py",
        "print(open('.env').read())\nimport base64; print(base64.b64encode(open('.env','rb').read()).decode())\n",
    );
    let done = home.guard(&["exec", "--", "python3", "leak.py"]);
    assert!(done.stdout.contains(canary), "the caller gets the output itself");
    assert!(!home.log().contains(canary), "{}", home.log());
    assert!(home.log().contains("redacted"), "{}", home.log());
}

/// SANDBOX.md, "A read-only subfolder (`.git/hooks`) is bypassed by renaming its parent".
#[test]
fn a_command_cannot_plant_a_hook_or_change_gits_settings() {
    let plant = "import os, pathlib\n\
        def tried(what):\n    try:\n        what()\n        print('WORKED')\n    except OSError:\n        print('stopped')\n\
        tried(lambda: pathlib.Path('.git/hooks/post-checkout').write_text('x'))\n\
        tried(lambda: pathlib.Path('.git/config').write_text('[core]\\nfsmonitor = evil\\n'))\n\
        tried(lambda: os.rename('.git', '.git2'))\n\
        tried(lambda: os.rename('.git/hooks', '.git/hooks2'))\n";
    let home = Home::with("python");
    home.write("plant.py", plant);
    for repository in [false, true] {
        if repository {
            done(assert_cmd::Command::new("git").args(["init", "-q"]).arg(&home.project));
        }
        let found = home.guard(&["exec", "--", "python3", "plant.py"]);
        // What it writes is not in the project before it is judged.
        let (said, code) = if repository { ("WORKED\n", 126) } else { ("stopped\n", 0) };
        assert!(found.stdout.starts_with(said) && found.code == Some(code), "{repository}: {found:?}");
        assert!(!home.project.join(".git/hooks/post-checkout").exists(), "{found:?}");
    }
    assert!(!home.read(".git/config").contains("evil"));
    let found = home.guard(&["exec", "--", "git", "status", "--short"]);
    assert_eq!(
        (found.code, found.stdout.as_str()),
        (Some(0), "?? build_audit.log\n?? guard.toml\n?? plant.py\n"),
        "{}",
        found.stderr
    );
    assert!(!home.project.join(".git2").exists());
}

#[test]
fn a_reader_that_goes_away_ends_the_command_as_in_any_pipeline() {
    let home = Home::with("python");
    let script = "\"$GUARD\" exec --timeout 30 -- python3 -c \"print(*['y'] * 9**6, sep=chr(10))\" | head -n 2; echo \"${PIPESTATUS[0]}\"";
    let mut command = assert_cmd::Command::new("bash");
    command.args(["-c", script]).env("GUARD", env!("CARGO_BIN_EXE_guard")).env("HOME", home.path());
    let found = done(command.current_dir(&home.project));
    assert_eq!(found.stdout, "y\ny\n1\n", "{}", found.stderr);
}

/// A line for bash in the project, outside any fence.
fn shell(home: &Home, line: &str) -> std::process::Command {
    let mut command = std::process::Command::new("bash");
    command.args(["-c", line]).current_dir(&home.project).env("HOME", home.path());
    command
}

/// A descriptor that is not open is the next file's: what is printed would stand in the log.
#[test]
fn a_stream_that_is_closed_is_not_taken_by_a_file_of_guards() {
    let home = Home::with("python");
    let closed = format!(r#"exec 0<&- 1>&- 2>&-; "{}" exec -- python3 -c 'print("out")'"#, env!("CARGO_BIN_EXE_guard"));
    let before = home.log();
    let ended = shell(&home, &closed).output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let log = home.log();
    assert!(log.starts_with(&before) && log.contains("STDOUT: out"), "{log}");
    let verified = home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn a_reader_that_goes_away_ends_nothing_halfway() {
    let home = Home::with("python");
    let line = format!(
        r#"set -o pipefail; "{}" exec -- python3 -c 'print("a\n" * 100000)' | head -n 1"#,
        env!("CARGO_BIN_EXE_guard")
    );
    let done = shell(&home, &line).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "a\n");
    let log = home.log();
    assert!(log.contains("RETURN_CODE: "), "the end is recorded: {log}");
}
