//! The line that tells the time of a silent command.

use super::{Screen, home};
use crate::cli::{done, path};

#[test]
fn a_silent_command_s_time_is_told_and_gone_at_the_end() {
    let home = home();
    let mut screen = Screen::guard(&home, &["exec", "--timeout", "50", "-c", "echo begin; sleep 4; echo end; exit 6"]);
    screen.until("begin\r\n");
    screen.until("guard: 3 s so far, 46 s left");
    let (status, shown) = screen.end();
    assert_eq!(status.code(), Some(6));
    let (before, after) = shown.rsplit_once("\r\u{1b}[2K").expect("it is cleared");
    assert!(
        !before.contains("end") && after.trim_start_matches("\u{1b}[1A").trim_start_matches('\r') == "end\r\n",
        "{shown:?}"
    );
    assert!(!shown.contains("\u{1b}[3"), "it has no colours: {shown:?}");
}

#[test]
fn a_short_command_and_one_in_the_middle_of_a_line_are_left_alone() {
    let home = home();
    for (words, expected) in [
        (&["exec", "-c", "echo a; sleep 1; echo b"][..], "a\r\nb\r\n"),
        (&["exec", "-c", "printf 'name? '; sleep 4; echo x"], "name? x\r\n"),
        (
            &[
                "exec",
                "-c",
                "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do echo $i; sleep 0.2; done | tr -d '\\n'",
            ],
            "12345678910111213141516",
        ),
    ] {
        let mut screen = Screen::guard(&home, words);
        let (_, shown) = screen.end();
        if words[2].contains("tr -d") {
            assert!(shown.ends_with(expected), "{shown:?}");
        } else {
            assert_eq!(shown, expected);
        }
    }
}

/// In pipes, in files, as an object, with a terminal of its own: nobody is told.
#[test]
fn nothing_is_told_where_it_would_be_in_the_way() {
    let home = home();
    let found = done(&mut home.command(&["exec", "-c", "sleep 3; echo x"]));
    assert_eq!((found.stdout.as_str(), found.stderr.as_str()), ("x\n", ""));
    let guard = env!("CARGO_BIN_EXE_guard");
    for line in [
        format!("{guard} exec -c 'sleep 3; echo x' | cat"),
        format!("{guard} exec -c 'sleep 3; echo x' 2>err; cat err"),
        format!("{guard} exec --tty -c 'sleep 3; echo x'"),
        format!("{guard} exec --json -c 'sleep 3; echo x' | grep -o stdout...x"),
    ] {
        let mut screen = Screen::of(&home, |command| {
            command.args(["bash", "-c", &line]).env("PATH", path());
        });
        let expected = if line.contains("--json") { "stdout\":\"x\r\n" } else { "x\r\n" };
        assert_eq!(screen.end().1, expected, "{line}");
    }
}
