//! Commands with a terminal of their own, and guard at a person's: real terminals, real shells.

mod attacks;
mod endings;
mod inside;
mod progress;

use crate::cli::{Home, path};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{read, write};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const LONGEST: Duration = Duration::from_secs(60);

/// A terminal with a program at it, and whoever looks at it and types.
struct Screen {
    person: OwnedFd,
    own: File,
    name: String,
    child: Child,
    /// All that was shown.
    shown: String,
}

/// A project whose policy only observes: what is tried here runs.
fn home() -> Home {
    let home = Home::bare();
    assert_eq!(home.guard(&["init", "--observe"]).code, Some(0));
    home
}

impl Screen {
    /// Guard at a terminal of 30 rows and 100 columns.
    fn guard(home: &Home, words: &[&str]) -> Self {
        Self::of(home, |command| {
            command.arg(env!("CARGO_BIN_EXE_guard")).args(words);
        })
    }

    /// Whatever `says` adds to the words of a program that begins a session at the terminal.
    fn of(home: &Home, says: impl FnOnce(&mut Command)) -> Self {
        let new = || {
            let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
            grantpt(&person).and_then(|()| unlockpt(&person)).unwrap();
            let name = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
            (person, name)
        };
        // The first in a fence has that name: what leads to one of them is not to lead to the other.
        let first = new();
        let (person, name) = if first.1 == "/dev/pts/0" {
            let second = new();
            drop(first);
            second
        } else {
            first
        };
        let own = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(&name).unwrap();
        let end = || Stdio::from(own.try_clone().unwrap());
        let mut command = Command::new("setsid");
        command.arg("--ctty").current_dir(&home.project).env_clear().stdin(end()).stdout(end()).stderr(end());
        command.env("PATH", path()).env("HOME", home.path()).env("LANG", "C.UTF-8").env("TERM", "xterm");
        says(&mut command);
        let size = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&person, size).unwrap();
        let child = command.spawn().unwrap();
        Self { person, own, name, child, shown: String::new() }
    }

    fn types(&self, keys: &str) {
        write(&self.person, keys.as_bytes()).unwrap();
    }

    fn resize(&self, ws_row: u16, ws_col: u16) {
        tcsetwinsize(&self.person, Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    }

    /// Takes what is shown within `time`.
    fn look(&mut self, time: Duration) {
        let mut fds = [PollFd::new(&self.person, PollFlags::IN)];
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(time.subsec_nanos()) };
        // Interrupted by whatever else these tests start: looked at again by whoever waits.
        if poll(&mut fds, Some(&wait)).unwrap_or(0) > 0 {
            let mut bytes = [0; 65536];
            let len = read(&self.person, &mut bytes).unwrap_or(0);
            self.shown += &String::from_utf8_lossy(&bytes[..len]);
        }
    }

    /// Waits until `text` is shown, behind what was shown when this was asked for the last time.
    #[track_caller]
    fn until(&mut self, text: &str) {
        let begin = Instant::now();
        while !self.shown.contains(text) {
            assert!(begin.elapsed() < LONGEST, "no `{text}` in {:?}", self.shown);
            self.look(Duration::from_millis(100));
        }
        let end = self.shown.find(text).unwrap() + text.len();
        self.shown.drain(..end);
    }

    /// Waits for the end; all that is left to be shown.
    #[track_caller]
    fn end(&mut self) -> (ExitStatus, String) {
        let begin = Instant::now();
        loop {
            let ended = self.child.try_wait().unwrap();
            self.look(Duration::from_millis(if ended.is_some() { 0 } else { 50 }));
            if let Some(status) = ended {
                return (status, std::mem::take(&mut self.shown));
            }
            assert!(begin.elapsed() < LONGEST, "it does not end: {:?}", self.shown);
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The terminal's settings.
    fn settings(&self) -> String {
        format!("{:?}", tcgetattr(&self.own).unwrap())
    }

    /// Waits until the settings are, or are not, these.
    #[track_caller]
    fn settles(&self, settings: &str, same: bool) {
        let begin = Instant::now();
        while (self.settings() == settings) != same {
            assert!(begin.elapsed() < LONGEST, "{} is not: {settings}", self.settings());
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
