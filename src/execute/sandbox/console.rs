//! The person's terminal while a command has one of its own: what is typed goes to the command key by key, the size of the
//! window is passed on, and the settings are put back, however guard ends.
//! Knows neither fences nor what is typed.

#![expect(unsafe_code, reason = "signal handlers, and terminal settings from within them")]

use crate::execute::ExecuteError;
use libc::{c_int, termios, winsize};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read, write};
use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering};
use std::thread;
use std::time::Duration;

/// Rows and columns where there is no window to ask.
const USUAL: (u16, u16) = (24, 80);
/// Bytes typed at once.
const TYPED: usize = 1024;
/// How long after the command's end the person has their terminal back, even if nobody takes what is left of its output.
const LATE: Duration = Duration::from_millis(300);
/// Signals that end guard at once; those that it passes on to the fence are not among them.
const ENDING: [c_int; 7] =
    [libc::SIGABRT, libc::SIGALRM, libc::SIGUSR1, libc::SIGUSR2, libc::SIGVTALRM, libc::SIGXCPU, libc::SIGXFSZ];

/// The settings of the person's terminal; null: it has not been changed. Never freed, as handlers may be reading them.
static SETTINGS: AtomicPtr<Settings> = AtomicPtr::new(ptr::null_mut());
/// Whether they are changed at present.
static CHANGED: AtomicBool = AtomicBool::new(false);
/// Guard's end of the command's terminal; -1: there is none.
static OTHER: AtomicI32 = AtomicI32::new(-1);

struct Settings {
    before: termios,
    raw: termios,
}

/// Both terminals tied to each other for as long as this lives.
#[derive(Debug)]
pub(in crate::execute) struct Console {
    _end: OwnedFd,
    old: Vec<Old>,
}

struct Old(c_int, libc::sigaction);

impl std::fmt::Debug for Old {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Old({})", self.0)
    }
}

impl Console {
    /// Gives the command's terminal the person's settings and size, and has keys go to it until `reports` has something to
    /// tell: then the person has theirs back, even if nobody takes what the command printed.
    pub(in crate::execute) fn tie(end: &OwnedFd, reports: &File) -> Result<Self, ExecuteError> {
        let copy = || end.try_clone().map_err(|error| trouble(&error));
        let (typing, kept) = (copy()?, copy()?);
        let reports = reports.try_clone().map_err(|error| trouble(&error))?;
        let settings = tcgetattr(rustix::stdio::stdin());
        let theirs = match &settings {
            Ok(settings) => Ok(settings.clone()),
            // Nobody sees what is typed: an echo of it would be taken for output.
            Err(_) => tcgetattr(end).map(|mut usual| {
                usual.local_modes.remove(LocalModes::ECHO);
                usual.input_modes.insert(InputModes::IUTF8);
                usual
            }),
        };
        theirs.and_then(|theirs| tcsetattr(end, OptionalActions::Now, &theirs)).map_err(|error| trouble(&error))?;
        OTHER.store(kept.as_raw_fd(), Ordering::SeqCst);
        let mut console = Self { _end: kept, old: Vec::new() };
        console.handle(libc::SIGWINCH, resized, libc::SA_RESTART);
        pass_size(kept_size().unwrap_or(winsize { ws_row: USUAL.0, ws_col: USUAL.1, ws_xpixel: 0, ws_ypixel: 0 }));
        if settings.is_ok() {
            remember();
            restored_by_panics();
            for signal in ENDING {
                console.handle(signal, ending, 0);
            }
            enter();
        }
        thread::spawn(move || {
            type_on(&typing, &reports);
            // Before that, what is left of the output is shown as it is meant.
            thread::sleep(LATE);
            leave();
        });
        Ok(console)
    }

    /// Installs a handler, unless the signal is ignored or handled by somebody else.
    fn handle(&mut self, signal: c_int, handler: extern "C" fn(c_int), flags: c_int) {
        let mut before = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: zeroed is a valid `sigaction`; the handlers only call what is safe in one.
        unsafe {
            libc::sigaction(signal, ptr::null(), before.as_mut_ptr());
            let before = before.assume_init();
            if before.sa_sigaction != libc::SIG_DFL {
                return;
            }
            let mut new: libc::sigaction = MaybeUninit::zeroed().assume_init();
            new.sa_sigaction = handler as *const () as usize;
            new.sa_flags = flags;
            libc::sigaction(signal, &raw const new, ptr::null_mut());
            self.old.push(Old(signal, before));
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        leave();
        for Old(signal, before) in self.old.drain(..) {
            // SAFETY: `before` is what sigaction gave.
            unsafe { libc::sigaction(signal, &raw const before, ptr::null_mut()) };
        }
        OTHER.store(-1, Ordering::SeqCst);
    }
}

fn trouble(cause: &dyn std::fmt::Display) -> ExecuteError {
    ExecuteError::System { what: "tie the command's terminal to this one".to_owned(), cause: cause.to_string() }
}

/// Gives the terminal back as it was, if it is not. Safe in a signal handler.
fn leave() {
    if !CHANGED.swap(false, Ordering::SeqCst) || in_background() {
        return;
    }
    // SAFETY: the settings are never freed; both calls are safe in a signal handler.
    unsafe {
        if let Some(settings) = SETTINGS.load(Ordering::SeqCst).as_ref() {
            // Keys that came too late for the command, and answers of the terminal to what it printed, are for nobody else.
            libc::tcflush(0, libc::TCIFLUSH);
            libc::tcsetattr(0, libc::TCSANOW, &raw const settings.before);
        }
    }
}

/// Has keys go to the command, one by one. Safe in a signal handler. From the background this stops guard until it is in front.
fn enter() {
    // SAFETY: the settings are never freed; the call is safe in a signal handler.
    unsafe {
        if let Some(settings) = SETTINGS.load(Ordering::SeqCst).as_ref() {
            CHANGED.store(true, Ordering::SeqCst);
            libc::tcsetattr(0, libc::TCSANOW, &raw const settings.raw);
        }
    }
}

/// From there the terminal is somebody else's: to change it would stop guard.
fn in_background() -> bool {
    // SAFETY: plain system calls.
    let (front, own) = unsafe { (libc::tcgetpgrp(0), libc::getpgrp()) };
    front >= 0 && front != own
}

fn remember() {
    let mut now = MaybeUninit::<termios>::zeroed();
    // SAFETY: zeroes are valid settings, and the calls fill them or leave them.
    let settings = unsafe {
        if libc::tcgetattr(0, now.as_mut_ptr()) != 0 {
            return;
        }
        let before = now.assume_init();
        let mut raw = before;
        libc::cfmakeraw(&raw mut raw);
        Settings { before, raw }
    };
    SETTINGS.store(Box::into_raw(Box::new(settings)), Ordering::SeqCst);
}

fn restored_by_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            before(panic);
        }));
    });
}

/// The size of the window that guard is in.
fn kept_size() -> Option<winsize> {
    (0..3).find_map(|fd| {
        let mut size = MaybeUninit::<winsize>::zeroed();
        // SAFETY: zeroes are a valid size, which the call fills or leaves.
        unsafe { (libc::ioctl(fd, libc::TIOCGWINSZ, size.as_mut_ptr()) == 0).then(|| size.assume_init()) }
    })
}

fn pass_size(size: winsize) {
    let other = OTHER.load(Ordering::SeqCst);
    if other >= 0 {
        // SAFETY: a valid size. The kernel tells whoever is in front there, if it is another one.
        unsafe { libc::ioctl(other, libc::TIOCSWINSZ, &raw const size) };
    }
}

extern "C" fn resized(_: c_int) {
    aside(|| {
        if let Some(size) = kept_size() {
            pass_size(size);
        }
    });
}

/// Guard is about to stand still: whoever comes to the front has the terminal as it was.
pub(super) fn rest() {
    aside(leave);
}

/// Guard goes on after standing still, with the window as it is now.
pub(super) fn go_on() {
    if OTHER.load(Ordering::SeqCst) >= 0 {
        aside(enter);
        resized(libc::SIGWINCH);
    }
}

/// In a signal handler: what it interrupts may be about to read the C library's `errno`.
fn aside(does: impl FnOnce()) {
    // SAFETY: the pointer to this thread's errno is always valid.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        does();
        *errno = before;
    }
}

/// Puts the terminal back and lets the signal do what it does.
extern "C" fn ending(signal: c_int) {
    leave();
    // SAFETY: both calls are safe in a signal handler; the signal comes again when it returns.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Types what comes on standard input, and at its end what means the end, until there is a report or nobody to type for.
fn type_on(end: &OwnedFd, reports: &File) {
    let stdin = rustix::stdio::stdin();
    let mut bytes = [0; TYPED];
    let mut open = true;
    let mut fresh = true;
    loop {
        let mut fds = vec![PollFd::new(reports, PollFlags::IN)];
        if open {
            fds.push(PollFd::from_borrowed_fd(stdin, PollFlags::IN));
        }
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return,
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        if ready.next().unwrap_or(true) {
            return;
        }
        if !ready.next().unwrap_or(false) {
            continue;
        }
        match read(stdin, &mut bytes) {
            Ok(len @ 1..) => {
                let typed = bytes.get(..len).unwrap_or_default();
                fresh = typed.ends_with(b"\n");
                if !type_all(end, reports, typed) {
                    return;
                }
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) | Err(_) => {
                open = false;
                // In the middle of a line the first one only ends what was typed of it.
                let key = tcgetattr(end).map_or(4, |now| now.special_codes[SpecialCodeIndex::VEOF]);
                let (once, twice) = ([key], [key, key]);
                if !type_all(end, reports, if fresh { &once } else { &twice }) {
                    return;
                }
            }
        }
    }
}

/// False: there is a report, or nobody to type for.
fn type_all(end: &OwnedFd, reports: &File, mut typed: &[u8]) -> bool {
    while !typed.is_empty() {
        let mut fds = [PollFd::new(reports, PollFlags::IN), PollFd::from_borrowed_fd(end.as_fd(), PollFlags::OUT)];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return false,
        }
        let [report, _] = fds.map(|fd| !fd.revents().is_empty());
        if report {
            return false;
        }
        match write(end, typed) {
            Ok(len) => typed = typed.get(len..).unwrap_or_default(),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return false,
        }
    }
    true
}
