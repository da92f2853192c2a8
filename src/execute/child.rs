//! A program of the system's that must end in time, with what it is given on its standard input and the start of what it says.
//! Knows nothing of what is asked or told.

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// Where programs are looked for: never where the caller's environment says.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Bytes of what it says that are kept.
const KEPT: usize = 1 << 16;
/// How often it is looked at.
const TICK: Duration = Duration::from_millis(5);
/// How long what it started and left behind may hold its output open.
const LINGER: Duration = Duration::from_millis(200);

/// Which of its streams is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    Stdout,
    Stderr,
}

/// Why a program came to nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It could not be started.
    Start(std::io::Error),
    /// It did not end in time, and was killed with its process group.
    Late,
}

/// Runs `command` in a process group of its own and waits for it.
pub(crate) fn run(
    mut command: Command,
    input: &[u8],
    heard: Heard,
    limit: Duration,
) -> Result<(ExitStatus, Vec<u8>), Trouble> {
    let begun = Instant::now();
    // A file in memory: nothing has to be waited for that does not read it.
    let mut stdin = File::from(memfd_create("input", MemfdFlags::CLOEXEC).map_err(|e| Trouble::Start(e.into()))?);
    stdin.write_all(input).and_then(|()| stdin.rewind()).map_err(Trouble::Start)?;
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| Trouble::Start(e.into()))?;
    command.stdin(stdin).process_group(0).current_dir("/");
    match heard {
        Heard::Stdout => command.stdout(writer).stderr(Stdio::null()),
        Heard::Stderr => command.stdout(Stdio::null()).stderr(writer),
    };
    let mut child = command.spawn().map_err(Trouble::Start)?;
    // It holds the pipe's other end as long as it is there.
    drop(command);
    let said = listen(File::from(reader));
    let mut kept = Vec::new();
    loop {
        while let Ok(part) = said.try_recv() {
            keep(&mut kept, &part);
        }
        match child.try_wait().map_err(Trouble::Start)? {
            Some(status) => {
                let ended = Instant::now();
                while let Ok(part) = said.recv_timeout(LINGER.saturating_sub(ended.elapsed())) {
                    keep(&mut kept, &part);
                }
                return Ok((status, kept));
            }
            None if begun.elapsed() < limit => std::thread::sleep(TICK),
            None => {
                if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                    let _gone = kill_process_group(group, Signal::KILL);
                }
                let _reaped = child.wait();
                return Err(Trouble::Late);
            }
        }
    }
}

fn listen(mut from: File) -> Receiver<Vec<u8>> {
    let (tell, said) = sync_channel(8);
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count) = from.read(&mut buffer) {
            let part = buffer.get(..count).unwrap_or_default().to_vec();
            if count == 0 || tell.send(part).is_err() {
                break;
            }
        }
    });
    said
}

fn keep(kept: &mut Vec<u8>, part: &[u8]) {
    let room = KEPT.saturating_sub(kept.len());
    kept.extend(part.iter().take(room));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str, input: &[u8]) -> Result<(Option<i32>, usize), Trouble> {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        let (status, said) = run(command, input, Heard::Stdout, Duration::from_secs(2))?;
        Ok((status.code(), said.len()))
    }

    #[test]
    fn input_is_whole_output_is_bounded_and_nothing_is_waited_for_that_stays_behind() {
        let large = vec![b'x'; 1 << 20];
        assert_eq!(shell("wc -c | grep -q 1048576", &large).unwrap(), (Some(0), 0));
        assert_eq!(shell("true", &large).unwrap(), (Some(0), 0));
        assert_eq!(shell("head -c 1000000 /dev/zero; exit 3", b"").unwrap(), (Some(3), KEPT));
        assert_eq!(shell("sleep 60 & printf x", b"").unwrap(), (Some(0), 1));
    }

    #[test]
    fn what_does_not_end_is_killed_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let line = format!("sleep 600 & echo $! > {}; wait", path.display());
        assert!(matches!(shell(&line, b""), Err(Trouble::Late)));
        let pid = std::fs::read_to_string(path).unwrap();
        let there = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        let begun = Instant::now();
        while !there().is_empty() && !there().contains(") Z ") {
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", there());
            std::thread::sleep(TICK);
        }
    }
}
