//! The caller's terminal on standard input: as it was before, when a command is over.
//! Knows nothing of what a command does with it.

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::getpgrp;
use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// Settings of the terminal, and the flags of the descriptor, to be put back when dropped.
pub(super) struct Terminal {
    settings: Termios,
    flags: OFlags,
}

impl Terminal {
    /// `None`: standard input is no terminal.
    pub(super) fn remember() -> Option<Self> {
        Some(Self { settings: tcgetattr(stdin()).ok()?, flags: fcntl_getfl(stdin()).ok()? })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = fcntl_setfl(stdin(), self.flags);
        // From the background this would stop guard.
        if tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp()) {
            let _ = tcsetattr(stdin(), OptionalActions::Now, &self.settings);
        }
    }
}
