//! However it ends, the person's terminal is as it was.

use super::{Screen, home};
use crate::fence::stage::Stage;
use guard::execute::sandbox::{Order, Work};
use guard::execute::{Level, Sink, prepare_order};
use rustix::process::Signal;
use std::process::Command;
use std::time::Duration;

/// The settings before anything ran: those that every new terminal has.
fn usual() -> String {
    let home = home();
    let mut screen = Screen::of(&home, |command| {
        command.arg("true");
    });
    screen.end();
    screen.settings()
}

#[test]
fn the_terminal_is_as_it_was_in_every_ending() {
    let (home, usual) = (home(), usual());
    let wait = "echo ready; while :; do sleep 0.1; done";
    let raw = "stty raw -echo; echo ready; while :; do sleep 0.1; done";
    let deaf = "trap '' TERM HUP INT; stty raw -echo; echo ready; while :; do sleep 0.1; done";
    let cases: [(&[&str], Option<Signal>, &str, i32); 8] = [
        (&["-c", "echo ready; exit 7"], None, "", 7),
        (&["-c", "stty raw -echo; echo ready; kill -9 $$"], None, "", 137),
        (&["-c", wait], None, "\x03", 130),
        (&["--timeout", "1", "-c", raw], None, "", 124),
        (&["--timeout", "1", "-c", deaf], None, "", 124),
        (&["-c", raw], Some(Signal::TERM), "", 143),
        (&["-c", deaf], Some(Signal::HUP), "", 129),
        (&["-c", wait], Some(Signal::INT), "", 130),
    ];
    for (words, signal, keys, code) in cases {
        let mut screen = Screen::guard(&home, &[&["exec", "--tty"], words].concat());
        screen.until("ready");
        if signal.is_some() || !keys.is_empty() {
            assert_ne!(screen.settings(), usual, "{words:?}: while it runs keys go through");
        }
        screen.types(keys);
        signal.into_iter().for_each(|signal| screen.signal(signal));
        let (status, shown) = screen.end();
        assert_eq!((status.code(), screen.settings()), (Some(code), usual.clone()), "{words:?}: {shown}");
    }
    // Nothing ran at all.
    for (words, code) in [(&["--", "./no-such-program"][..], 127), (&["--", "./guard.toml"], 126)] {
        let mut screen = Screen::guard(&home, &[&["exec", "--tty"], words].concat());
        let (status, shown) = screen.end();
        assert_eq!((status.code(), screen.settings()), (Some(code), usual.clone()), "{words:?}: {shown}");
    }
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

/// Signals that guard passes on to nobody: they end it as ever, and the terminal is put back first.
#[test]
fn the_terminal_is_as_it_was_when_another_signal_ends_guard() {
    use std::os::unix::process::ExitStatusExt;
    let (home, usual) = (home(), usual());
    for signal in [Signal::USR1, Signal::ALARM, Signal::ABORT] {
        let mut screen = Screen::guard(&home, &["exec", "--tty", "-c", "echo ready; sleep 600"]);
        screen.until("ready");
        screen.settles(&usual, false);
        screen.signal(signal);
        let (status, _) = screen.end();
        assert_eq!((status.signal(), screen.settings()), (Some(signal.as_raw()), usual.clone()));
    }
}

#[test]
fn whoever_stops_guard_has_the_terminal_as_it_was_until_it_goes_on() {
    let (home, usual) = (home(), usual());
    let mut screen = Screen::of(&home, |command| {
        // A shell that controls jobs: a guard alone in its session would not be stopped.
        command.args(["bash", "--norc", "--noediting", "-i"]).env("PS1", "> ");
    });
    screen.until("> ");
    let shells = screen.settings();
    screen.types(&format!("{} exec --tty -c 'echo rea''dy; cat'\r", env!("CARGO_BIN_EXE_guard")));
    screen.until("\r\nready");
    let raw = screen.settings();
    assert_ne!((&raw, &raw), (&usual, &shells));
    screen.types("one\r");
    screen.until("one\r\none\r\n");
    let children = format!("/proc/{0}/task/{0}/children", screen.child.id());
    let guard: i32 = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
    let guard = rustix::process::Pid::from_raw(guard).unwrap();
    rustix::process::kill_process(guard, Signal::TSTP).unwrap();
    screen.until("Stopped");
    screen.until("> ");
    screen.resize(33, 77);
    screen.types("stty -a | grep -o ' icanon'\r");
    screen.until("\r\n icanon");
    screen.types("fg\r");
    screen.settles(&raw, true);
    screen.types("two\r");
    screen.until("two\r\ntwo\r\n");
    screen.types("\x04");
    screen.until("> ");
    screen.types("echo code $?; exit\r");
    screen.until("code 0");
    screen.end();
}

/// Nobody reads what is shown: the time limit holds all the same, and the person is given their terminal back before anybody does.
#[test]
fn a_terminal_that_stands_still_does_not_keep_the_command_or_the_keys() {
    let (home, usual) = (home(), usual());
    let mut screen = Screen::guard(&home, &["exec", "--tty", "--timeout", "2", "-c", "yes"]);
    screen.settles(&usual, false);
    screen.settles(&usual, true);
    let (status, _) = screen.end();
    assert_eq!(status.code(), Some(124));
    // Standard output goes to somebody who does not read: Ctrl-C ends the command, and then is a signal again.
    let mut screen = Screen::of(&home, |command| {
        let line = format!("{} exec --tty -c 'yes' | sleep 600", env!("CARGO_BIN_EXE_guard"));
        command.args(["bash", "-c", &line]);
    });
    screen.settles(&usual, false);
    screen.types("\x03");
    screen.settles(&usual, true);
    screen.types("\x03");
    screen.end();
    assert_eq!(screen.settings(), usual);
}

struct Panics;

impl Sink for Panics {
    fn terminal(&self) -> bool {
        true
    }
    fn stdout(&mut self, _: &[u8]) {
        "x".parse::<u8>().expect("as guard itself might");
    }
    fn stderr(&mut self, _: &[u8]) {}
}

/// The one that panics below: it needs a process of its own.
#[test]
fn panicking_one() {
    if std::env::var_os("GUARD_TEST_PANICS").is_none() {
        return;
    }
    let stage = Stage::new();
    let work = Work::Line("echo now; sleep 600".into());
    let order = Order { terminal: true, ..Order::new(work, Duration::from_secs(60)) };
    let prepared = prepare_order(order, &stage.place, &stage.environment, Level::Landlock).unwrap();
    // The process ends here, as one that aborts does: nothing that is dropped later puts anything back.
    std::panic::set_hook(Box::new(|_| std::process::exit(3)));
    let _ended = prepared.run(&mut Panics);
}

#[test]
fn the_terminal_is_as_it_was_when_guard_panics() {
    let (home, usual) = (home(), usual());
    let mut screen = Screen::of(&home, |command: &mut Command| {
        let words = ["--exact", "tty::endings::panicking_one", "--nocapture", "--test-threads=1"];
        command.arg(std::env::current_exe().unwrap()).args(words).env("GUARD_TEST_PANICS", "1");
    });
    let (status, shown) = screen.end();
    assert_eq!((status.code(), screen.settings()), (Some(3), usual), "{shown}");
}
