//! How a call goes from inside to outside: one message with the words, the folder and three descriptors, and one back. In the
//! same way it goes on to a guard that waits outside, its folder held by a fourth.
//! Whoever is inside may write anything: nothing is believed, and nothing is longer than it may be.

use super::Answer;
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, IsTerminal, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The version of what is said.
const VERSION: u8 = 1;
/// Bytes of the longest call.
const LONGEST: u32 = 1 << 20;
/// Words of the longest call.
const WORDS: usize = 16_384;
/// Bytes of the longest text that comes back.
const SAID: u32 = 64 << 10;

/// What somebody inside asks.
#[derive(Debug)]
pub(super) struct Asked {
    /// The arguments after the program's name.
    pub(super) words: Vec<OsString>,
    /// The folder it is asked in, as it is seen there.
    pub(super) cwd: PathBuf,
    /// Standard input, output and error.
    pub(super) streams: [OwnedFd; 3],
}

/// What a guard that waited is handed.
#[derive(Debug)]
pub(super) struct Handed {
    /// The arguments after the program's name.
    pub(super) words: Vec<OsString>,
    /// The folder it is done in.
    pub(super) folder: OwnedFd,
    /// Standard input, output and error.
    pub(super) streams: [OwnedFd; 3],
}

/// Asks.
pub(super) fn ask(socket: &UnixStream, words: &[OsString], cwd: &Path) -> io::Result<()> {
    // What is typed at a terminal is for whoever is in its foreground, and guard outside cannot tell when that is.
    let terminal = words.iter().take_while(|word| *word != "--").any(|word| word == "--tty");
    let stdin = if io::stdin().is_terminal() && !terminal {
        File::open("/dev/null")?.into()
    } else {
        io::stdin().as_fd().try_clone_to_owned()?
    };
    let streams = [stdin, io::stdout().as_fd().try_clone_to_owned()?, io::stderr().as_fd().try_clone_to_owned()?];
    send(socket, (words, cwd), &[streams[0].as_fd(), streams[1].as_fd(), streams[2].as_fd()])
}

/// What is asked through `socket`, whole by `until`.
///
/// # Errors
/// Whatever is not as it should be.
pub(super) fn asked(socket: &UnixStream, until: Instant) -> io::Result<Asked> {
    let (words, cwd, streams) = received::<3>(socket, Some(until))?;
    Ok(Asked { words, cwd, streams })
}

/// Hands what was asked on to a guard that waits for it, to be done in `folder`.
pub(super) fn hand(socket: &UnixStream, asked: &Asked, folder: BorrowedFd<'_>) -> io::Result<()> {
    let [stdin, stdout, stderr] = &asked.streams;
    send(socket, (&asked.words, &asked.cwd), &[stdin.as_fd(), stdout.as_fd(), stderr.as_fd(), folder])
}

/// What is handed on through `socket`, however long that takes.
///
/// # Errors
/// Whatever is not as it should be; that nothing is to come any more.
pub(super) fn handed(socket: &UnixStream) -> io::Result<Handed> {
    let (words, _, [stdin, stdout, stderr, folder]) = received::<4>(socket, None)?;
    Ok(Handed { words, folder, streams: [stdin, stdout, stderr] })
}

fn send(socket: &UnixStream, (words, cwd): (&[OsString], &Path), passed: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut body = vec![VERSION];
    for word in std::iter::once(cwd.as_os_str()).chain(words.iter().map(OsString::as_os_str)) {
        body.extend(word.as_bytes());
        body.push(0);
    }
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or_else(|| io::Error::other("the command is too long"))?.to_le_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(passed)) {
        return Err(io::Error::other("the descriptors do not fit"));
    }
    let sent = retry_on_intr(|| sendmsg(socket, &[IoSlice::new(&length)], &mut control, SendFlags::NOSIGNAL))?;
    if sent != length.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    (&mut &*socket).write_all(&body)
}

/// Words, folder and descriptors, of which three are streams.
type Received<const N: usize> = (Vec<OsString>, PathBuf, [OwnedFd; N]);

/// One message with `N` descriptors, whole by `until`; without, it may take as long as it likes.
fn received<const N: usize>(socket: &UnixStream, until: Option<Instant>) -> io::Result<Received<N>> {
    let wrong = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
    let wait = || {
        let Some(until) = until else { return Ok(()) };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { socket.set_read_timeout(Some(left)) }
    };
    wait()?;
    let mut length = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got =
        retry_on_intr(|| recvmsg(socket, &mut [IoSliceMut::new(&mut length)], &mut control, RecvFlags::CMSG_CLOEXEC))?;
    let mut passed = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            passed.extend(rights);
        }
    }
    let passed = <[OwnedFd; N]>::try_from(passed).map_err(|_| wrong("other streams came with it than belong to it"))?;
    let length = u32::from_le_bytes(length);
    if got.bytes != 4 || length > LONGEST {
        return Err(wrong("its length is wrong"));
    }
    for stream in passed.iter().take(3) {
        if fcntl_getfl(stream)?.contains(OFlags::PATH) {
            return Err(wrong("a stream is a name and not opened (`O_PATH`)"));
        }
    }
    let mut body = vec![0; length as usize];
    let mut at = 0;
    while let Some(rest) = body.get_mut(at..).filter(|rest| !rest.is_empty()) {
        wait()?;
        match (&mut &*socket).read(rest)? {
            0 => return Err(wrong("it is cut off")),
            len => at += len,
        }
    }
    if body.iter().filter(|byte| **byte == 0).count() > WORDS {
        return Err(wrong("it has too many words"));
    }
    let body = body.strip_prefix(&[VERSION]).filter(|rest| rest.len() + 1 == length as usize);
    let body =
        body.and_then(|body| body.strip_suffix(&[0])).ok_or_else(|| wrong("it is cut off, or of another version"))?;
    let mut words = body.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec()));
    let cwd = PathBuf::from(words.next().unwrap_or_default());
    Ok((words.collect(), cwd, passed))
}

/// Answers.
pub(super) fn reply(socket: &UnixStream, answer: &Answer) -> io::Result<()> {
    let mut end = answer.said.len().min(SAID as usize);
    while !answer.said.is_char_boundary(end) {
        end -= 1;
    }
    let said = answer.said.get(..end).unwrap_or_default().as_bytes();
    let length = u32::try_from(said.len()).unwrap_or(0).to_le_bytes();
    (&mut &*socket).write_all(&[&[answer.code], &length[..], said].concat())
}

/// The answer.
pub(super) fn answer(socket: &UnixStream) -> io::Result<Answer> {
    let mut head = [0; 5];
    (&mut &*socket).read_exact(&mut head)?;
    let [code, length @ ..] = head;
    let mut said = vec![0; u32::from_le_bytes(length).min(SAID) as usize];
    (&mut &*socket).read_exact(&mut said)?;
    Ok(Answer { code, said: String::from_utf8_lossy(&said).into_owned() })
}

/// What tells a called guard for whom it acts: the caller's process, and the project.
pub(super) fn join(pid: i32, root: &Path) -> OsString {
    let mut text = OsString::from(format!("{pid}:"));
    text.push(root);
    text
}

/// The two parts of it.
pub(super) fn split(text: &OsStr) -> Option<(i32, PathBuf)> {
    let bytes = text.as_bytes();
    let at = bytes.iter().position(|byte| *byte == b':')?;
    let pid = std::str::from_utf8(bytes.get(..at)?).ok()?.parse().ok()?;
    Some((pid, PathBuf::from(OsStr::from_bytes(bytes.get(at + 1..)?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `asked` makes of `bytes`, with the three standard streams or without.
    fn taken(bytes: &[u8], streams: bool) -> Result<(Vec<OsString>, PathBuf), String> {
        let (theirs, own) = UnixStream::pair().unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let null = std::fs::File::open("/dev/null").unwrap();
        let fds = [null.as_fd(); 3];
        if streams {
            assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
        }
        sendmsg(&theirs, &[IoSlice::new(bytes)], &mut control, SendFlags::empty()).unwrap();
        drop(theirs);
        asked(&own, Instant::now() + std::time::Duration::from_secs(10))
            .map(|asked| (asked.words, asked.cwd))
            .map_err(|error| error.to_string())
    }

    fn message(body: &[u8]) -> Vec<u8> {
        [&u32::try_from(body.len()).unwrap().to_le_bytes()[..], body].concat()
    }

    #[test]
    fn what_is_asked_comes_through_as_it_was() {
        let words: Vec<OsString> = ["exec", "", "-c", "a\nb", "\u{e4}"].map(OsString::from).to_vec();
        let words = [words, vec![OsString::from_vec(vec![0xff, b'x'])]].concat();
        let (theirs, own) = UnixStream::pair().unwrap();
        ask(&theirs, &words, Path::new("/p q")).unwrap();
        let got = asked(&own, Instant::now() + std::time::Duration::from_secs(10)).unwrap();
        assert_eq!((&got.words, got.cwd.as_path()), (&words, Path::new("/p q")));
        let folder = File::open("/proc").unwrap();
        let asked = Asked { words: words.clone(), cwd: got.cwd, streams: got.streams };
        hand(&theirs, &asked, folder.as_fd()).unwrap();
        let handed = handed(&own).unwrap();
        assert_eq!(handed.words, words);
        assert_eq!(rustix::fs::fstat(&handed.folder).unwrap().st_dev, rustix::fs::fstat(&folder).unwrap().st_dev);
        let said = Answer { code: 77, said: "\u{e4}".repeat(100_000) };
        let writer = std::thread::spawn(move || reply(&own, &said));
        let read = answer(&theirs).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!((read.code, read.said), (77, "\u{e4}".repeat(32_768)));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        assert_eq!(taken(&message(b"\x01/p\0exec\0"), true), Ok((vec!["exec".into()], "/p".into())));
        assert_eq!(taken(&message(b"\x01/p\0"), true), Ok((vec![], "/p".into())));
        for (bytes, streams) in [
            (message(b"\x01/p\0exec\0"), false),
            (message(b"\x02/p\0exec\0"), true),
            (message(b"\x01/p\0exec"), true),
            (message(b""), true),
            (vec![200, 0, 0, 0, 1, b'/', 0], true),
            (vec![0xff; 4], true),
            (vec![1, 0], true),
        ] {
            assert!(taken(&bytes, streams).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn for_whom_a_guard_acts_is_read_as_it_was_written() {
        let root = Path::new("/a:b/c");
        assert_eq!(split(&join(12, root)), Some((12, root.to_owned())));
        assert_eq!(split(OsStr::new("x:/a")), None);
        assert_eq!(split(OsStr::new("12")), None);
    }
}
