//! What a command finds: a terminal like the person's, with their keys, their size and control of jobs.

use super::{LONGEST, Screen, home};
use crate::cli::{Home, done};
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn a_command_has_a_terminal_of_its_own_with_the_size_of_the_window() {
    let home = home();
    let line = "tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all; echo to-tty >/dev/tty; stty -a | grep -o -- \
                '-\\?iutf8'; env | grep COLUMNS; echo $TERM; exit 3";
    let mut screen = Screen::of(&home, |command| {
        let line = format!(
            "stty iutf8 erase '^H'; export COLUMNS=7; exec {} exec --tty -c '{}'",
            guard(),
            line.replace('\'', "'\\''")
        );
        command.args(["bash", "-c", &line]);
    });
    let (status, shown) = screen.end();
    assert_eq!(shown, "/dev/pts/0\r\n30 100\r\nall\r\nto-tty\r\niutf8\r\nxterm\r\n");
    assert_eq!(status.code(), Some(3));
    assert_ne!(screen.name, "/dev/pts/0", "the person's has another name, or this shows nothing");
}

fn guard() -> &'static str {
    env!("CARGO_BIN_EXE_guard")
}

#[test]
fn without_the_option_output_is_no_terminal() {
    let home = home();
    let mut screen = Screen::guard(&home, &["exec", "-c", "test -t 1 || echo none; test -t 0 && echo input"]);
    let (status, shown) = screen.end();
    assert_eq!((status.code(), shown.as_str()), (Some(0), "none\r\ninput\r\n"));
}

#[test]
fn a_window_that_changes_its_size_changes_the_command_s() {
    let home = home();
    // Python's `print` must not be interrupted by another: what is written at once is not.
    let sizes = "import os, signal\n\
        signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b'%d %d\\n' % tuple(os.get_terminal_size(1))))\n\
        os.write(1, b'ready\\n')\nwhile True:\n    signal.pause()\n";
    home.write("sizes.py", sizes);
    let mut screen = Screen::guard(&home, &["exec", "--tty", "--", "python3", "sizes.py"]);
    screen.until("ready");
    for (rows, columns) in [(41, 141), (12, 20)] {
        screen.resize(rows, columns);
        screen.until(&format!("{columns} {rows}\r\n"));
    }
    screen.types("\x03");
    assert_eq!(screen.end().0.code(), Some(130));
}

#[test]
fn keys_signal_as_at_any_terminal() {
    let home = home();
    for (key, name, code) in [("\x03", "INT", 130), ("\x1c", "QUIT", 131)] {
        let mut screen = Screen::guard(&home, &["exec", "--tty", "--", "sh", "-c", "echo ready; exec sleep 600"]);
        screen.until("ready");
        screen.types(key);
        assert_eq!(screen.end().0.code(), Some(code), "{name}");
        // A command that takes it goes on.
        let line = format!("trap 'echo got {name}; exit 5' {name}; echo ready; while :; do sleep 0.1; done");
        let mut screen = Screen::guard(&home, &["exec", "--tty", "--", "sh", "-c", &line]);
        screen.until("ready");
        screen.types(key);
        screen.until(&format!("got {name}"));
        assert_eq!(screen.end().0.code(), Some(5), "{name}");
    }
    let mut screen = Screen::guard(&home, &["exec", "--tty", "--", "cat"]);
    screen.types("a line\r");
    screen.until("a line\r\na line\r\n");
    screen.types("\x04");
    assert_eq!(screen.end().0.code(), Some(0));
}

#[test]
fn a_shell_controls_its_jobs() {
    let home = home();
    let mut screen = Screen::guard(&home, &["exec", "--tty", "--", "bash", "--norc", "--noediting", "-i"]);
    screen.types("PS1='at 'work'> '\r");
    screen.until("at work> ");
    // It says itself that it is in front: its line is shown before the shell has read it, and a key that signals throws away
    // what nobody has read.
    home.write("job.sh", "echo runs\nexec sleep 600\n");
    screen.types("sh job.sh\r");
    screen.until("\r\nruns\r\n");
    screen.types("\x1a");
    screen.until("Stopped");
    screen.until("at work> ");
    screen.types("jobs\r");
    screen.until("[1]+  Stopped                 sh job.sh\r\nat work> ");
    screen.types("fg\r");
    screen.until("fg\r\nsh job.sh\r\n");
    interrupt(&mut screen);
    screen.types("echo code $?\r");
    screen.until("\r\ncode 130\r\n");
    screen.types("sleep 600 & kill %1; wait; exit 9\r");
    assert_eq!(screen.end().0.code(), Some(9));
}

/// The shell names the job before that is in front, and a key that comes till then reaches the shell alone: typed until the
/// shell has come back.
fn interrupt(screen: &mut Screen) {
    let begin = Instant::now();
    while !screen.shown.contains("at work> ") {
        assert!(begin.elapsed() < LONGEST, "no prompt in {:?}", screen.shown);
        screen.types("\x03");
        (0..5).for_each(|_| screen.look(Duration::from_millis(100)));
    }
    screen.until("at work> ");
}

#[test]
fn interactive_programs_work() {
    let home = home();
    home.write("text.txt", &"a line of it\n".repeat(200));
    let mut screen = Screen::guard(&home, &["exec", "--tty", "--", "python3", "-q"]);
    screen.until(">>> ");
    screen.types("6 * 7\r");
    screen.until("\r\n42\r\n");
    screen.types("import os; os.get_terminal_size()\r");
    screen.until("columns=100, lines=30");
    screen.types("exit(4)\r");
    assert_eq!(screen.end().0.code(), Some(4));
    // As far as they are installed.
    for (program, argument, keys, shows) in [
        ("less", "text.txt", "q", "a line of it"),
        ("vim", "text.txt", ":q!\r", "a line of it"),
        ("vi", "text.txt", ":q!\r", "a line of it"),
        ("top", "-d9", "q", "top - "),
    ] {
        if !["/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(program).exists()) {
            continue;
        }
        let mut screen = Screen::guard(&home, &["exec", "--tty", "--", program, argument]);
        screen.until(shows);
        screen.types(keys);
        assert_eq!(screen.end().0.code(), Some(0), "{program}");
    }
}

/// As `ssh -tt` and `docker run -t`: for programs that ask for a terminal where there is nobody.
#[test]
fn without_a_terminal_of_the_caller_there_is_one_of_usual_size_and_input_is_typed() {
    let home = home();
    let typed = |input: &str, line: &str| {
        let mut command = home.command(&["exec", "--tty", "-c", line]);
        let found = done(command.write_stdin(input));
        assert_eq!(found.stderr, "");
        (found.code, found.stdout)
    };
    assert_eq!(typed("", "tty; stty size"), (Some(0), "/dev/pts/0\r\n24 80\r\n".to_owned()));
    assert_eq!(typed("hello\n", "cat"), (Some(0), "hello\r\n".to_owned()));
    assert_eq!(typed("half", "cat"), (Some(0), "half".to_owned()));
    let lines: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
    let (code, found) = typed(&lines, "cat");
    assert_eq!(code, Some(0));
    assert_eq!(found.len(), lines.len() + 20_000, "each with a carriage return");
}

#[test]
fn what_is_printed_is_recorded_as_one_stream_without_its_secrets() {
    let home = home();
    let line = "echo out; echo err >&2; echo AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEK1";
    let mut screen = Screen::guard(&home, &["exec", "--tty", "-c", line]);
    let (status, shown) = screen.end();
    assert_eq!(status.code(), Some(0));
    assert!(shown.starts_with("out\r\nerr\r\n") && shown.contains("wJalrXUtnFEMI"), "{shown}");
    let log = home.log();
    let told = |kind: &str| log.lines().find(|line| line.contains(&format!("] {kind}: "))).unwrap().to_owned();
    let stdout = told("STDOUT");
    assert!(stdout.contains("out\\r\\nerr\\r\\n") && !stdout.contains("wJalrXUtnFEMI"), "{stdout}");
    assert!(told("STDERR").contains("\"len\":0"), "{log}");
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn a_terminal_and_one_object_at_the_end_exclude_each_other() {
    let home = home();
    let found = home.guard(&["exec", "--tty", "--json", "--", "touch", "made"]);
    assert_eq!((found.code, found.stderr.as_str()), (Some(125), ""));
    let object: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert!(object["error"]["message"].as_str().unwrap().contains("exclude each other"), "{object}");
    assert!(!home.project.join("made").exists());
}

/// More than fits between the two ends at once, and the end of it too.
#[test]
fn all_that_is_printed_comes_however_much_and_however_late() {
    let home: Home = home();
    for line in
        ["seq 200000; printf last", "seq 200000 & wait; (sleep 0.2; printf last >/dev/tty) </dev/null >/dev/null 2>&1"]
    {
        let found = done(home.command(&["exec", "--tty", "-c", line]).write_stdin(""));
        assert_eq!(found.code, Some(0), "{}", found.stderr);
        let expected: String = (1..=200_000).map(|n| format!("{n}\r\n")).collect();
        assert!(found.stdout == expected + "last", "{line}: {} bytes", found.stdout.len());
    }
}
