//! Answers that nobody gets: a full disk behind standard output, a reader that went away.

use super::{Home, path};
use std::process::{Command, Stdio};

/// What a line of bash with `guard` on its path came to: exit code, and standard error.
fn bash(home: &Home, line: &str) -> (Option<i32>, String) {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_guard")).parent().unwrap().display().to_string();
    let mut command = Command::new("bash");
    command.args(["-c", &format!("set -o pipefail; {line}")]).current_dir(&home.project).env_clear();
    command.env("PATH", format!("{folder}:{}", path())).env("HOME", home.path()).stdin(Stdio::null());
    let output = command.stdout(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_the_command_s_own_code_is_told() {
    let home = Home::with("python");
    let full = "guard: cannot write to standard output or error: No space left on device (os error 28)";
    for (line, told) in [
        ("guard exec -- python3 -c 'print(1)' > /dev/full", ": the command itself ended with exit code 0\n"),
        (
            "guard exec -- python3 -c 'print(1, flush=True); exit(3)' > /dev/full",
            ": the command itself ended with exit code 3\n",
        ),
        (
            "guard exec --json -- python3 -c 'print(1); exit(3)' > /dev/full",
            ": the command itself ended with exit code 3\n",
        ),
        ("guard exec --json -- sudo ls > /dev/full", "\n"),
    ] {
        assert_eq!(bash(&home, line), (Some(125), format!("{full}{told}")), "{line}");
    }
    let code = "import sys; sys.stderr.write('x'); sys.stderr.flush()";
    assert_eq!(bash(&home, &format!("guard exec -- python3 -c \"{code}\" 2> /dev/full")).0, Some(125));
    let log = home.log();
    assert!(log.contains("RETURN_CODE: 3 ") && !log.contains("RETURN_CODE: 125 "), "the log knows what was: {log}");

    let full = "guard: cannot write to standard output: No space left on device (os error 28)\n";
    for line in [
        "check -- ls",
        "check --json -- ls",
        "audit tail",
        "audit tail --json",
        "audit show 1",
        "audit show 1 --json",
        "audit search DENIED",
        "audit export",
        "audit verify",
        "audit recover",
        "init",
        "completions bash",
        "--help",
        "--version",
        "exec --help",
        "doctor",
    ] {
        assert_eq!(bash(&home, &format!("guard {line} > /dev/full")), (Some(125), full.to_owned()), "{line}");
    }
}

#[test]
fn a_reader_that_goes_away_is_told_nothing_and_the_code_is_that_of_any_pipeline() {
    let home = Home::with("python");
    home.write("big", &"a line\n".repeat(300_000));
    home.write("say.py", "import os\ntry:\n    while True: os.write(1, b'y\\n')\nexcept OSError: os._exit(7)\n");
    home.trust(super::PATIENT);
    for _ in 0..200 {
        home.guard(&["exec", "--", "sudo", "ls"]);
    }
    // A program that knows that its output is closed gives its own code.
    assert_eq!(bash(&home, "guard exec -- cat big | head -1"), (Some(141), String::new()));
    assert_eq!(bash(&home, "guard exec -- python3 say.py | head -1"), (Some(7), String::new()));
    for line in ["audit export", "audit export --format text", "audit tail -n 1000", "audit tail -n 1000 --json"] {
        assert_eq!(bash(&home, &format!("guard {line} | head -1")), (Some(141), String::new()), "{line}");
    }
    // A pipe whose reader is gone before anything is written.
    for words in ["audit verify", "audit show 1", "check -- ls", "check --json -- ls", "exec --json -- true", "--help"]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_guard"));
        command
            .args(words.split(' '))
            .current_dir(&home.project)
            .env_clear()
            .env("PATH", path())
            .env("HOME", home.path());
        let output = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(141), Vec::new()), "{words}");
    }
}
