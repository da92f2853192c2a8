//! A program of the person's own, run beside guard and unfenced: it has the terminal, and guard outlives it.
//! Knows nothing of what it is for; what an agent asks for never runs here.

use super::sandbox::{Hold, Steering};
use super::terminal::Terminal;
use rustix::io::retry_on_intr;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};

/// The most bytes that are kept of what it writes.
const KEPT: u64 = 1 << 20;

/// What came of a program that ran beside guard.
#[derive(Debug)]
pub struct Beside {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output, at most 1 MiB.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, at most 1 MiB, where `command` pipes that.
    pub stderr: Vec<u8>,
    /// Whether guard was told to stop meanwhile (Ctrl-C).
    pub interrupted: bool,
}

/// Runs `command` with `input` on its standard input until it ends. Signals to guard are passed on to it, so that it can
/// put the terminal back as it was before guard goes.
///
/// # Errors
/// The system's, where it cannot be started or waited for.
pub fn beside(command: &mut Command, input: &[u8]) -> io::Result<Beside> {
    let _as_it_was = Terminal::remember();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    // Not before: what is held back is inherited.
    let hold = Hold::new();
    let mut steering = Steering::new(i32::try_from(child.id()).unwrap_or_default(), &hold);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = std::thread::scope(|scope| {
        // It may end without reading everything.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        let errors = scope.spawn(move || stderr.map_or_else(Vec::new, kept::<ChildStderr>));
        (stdout.map_or_else(Vec::new, kept), errors.join().unwrap_or_default())
    });
    // Seen to end, and still there: a signal that comes now reaches nobody else.
    let pid = Pid::from_child(&child);
    let _ended = retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
    let told = steering.first().is_some();
    steering.release();
    let status = child.wait()?;
    // A terminal interrupts both, and the program may be quicker than the signal to guard.
    let interrupted = told || status.signal() == Some(libc::SIGINT);
    Ok(Beside { status, stdout, stderr, interrupted })
}

fn kept<R: Read>(from: R) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read before an error is told.
    let _ = from.take(KEPT).read_to_end(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::time::{Duration, Instant};

    #[test]
    fn what_goes_in_comes_out_and_more_than_a_pipe_holds_blocks_nothing() {
        let input = vec![b'x'; 300_000];
        let mut command = Command::new("/bin/sh");
        let done = beside(command.args(["-c", "tee /dev/stderr; exit 3"]).stderr(Stdio::piped()), &input).unwrap();
        assert_eq!((done.status.code(), done.interrupted), (Some(3), false));
        assert!(done.stdout == input && done.stderr == input);
        let deaf = beside(Command::new("/bin/true").stderr(Stdio::piped()), &input).unwrap();
        assert!(deaf.status.success());
        assert_eq!(beside(&mut Command::new("/nonexistent"), b"").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    /// The one that is interrupted below; signals are a process's, so it needs one of its own.
    #[test]
    fn interrupted_one() {
        if std::env::var_os("GUARD_TEST_INTERRUPTED").is_none() {
            return;
        }
        // It is given its input once signals are passed on to it: ready before that, it could be interrupted alone.
        let script = "trap 'echo bye; exit 7' INT; read -r go; echo ready >&2; while :; do sleep 0.05; done";
        let done = beside(Command::new("/bin/sh").args(["-c", script]), b"go\n").unwrap();
        eprintln!("{:?} {} {:?}", done.status.code(), done.interrupted, String::from_utf8_lossy(&done.stdout));
    }

    #[test]
    fn an_interrupt_ends_the_program_first_and_guard_can_tell() {
        let mut other = Command::new("env")
            .arg("--default-signal=INT")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "execute::beside::tests::interrupted_one", "--nocapture"])
            .env("GUARD_TEST_INTERRUPTED", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = String::new();
        let mut stderr = other.stderr.take().unwrap();
        let start = Instant::now();
        while !told.contains("ready") && start.elapsed() < Duration::from_secs(20) {
            let mut some = [0; 256];
            let count = stderr.read(&mut some).unwrap();
            told.push_str(&String::from_utf8_lossy(&some[..count]));
        }
        rustix::process::kill_process(Pid::from_child(&other), rustix::process::Signal::INT).unwrap();
        stderr.read_to_string(&mut told).unwrap();
        let status = other.wait().unwrap();
        assert!(told.contains("Some(7) true \"bye\\n\""), "{told}");
        assert_eq!((status.code(), status.signal()), (Some(0), None));
    }
}
