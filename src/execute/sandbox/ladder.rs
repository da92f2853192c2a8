//! The ladder: which parts of the fence a kernel lacks, what that leaves, and whether the caller accepts it.
//! Knows nothing of how a fence is built.

use super::mends::{LANDLOCK, OVERLAY, PROC, USER_NAMESPACES};
use super::start::{Standing, trouble};
use crate::execute::{ExecuteError, Level};

/// Rungs of the ladder, from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rung {
    /// All namespaces.
    Namespaces,
    /// No pid namespace, the machine's own `/proc`.
    SharedProcesses,
    /// Landlock and seccomp alone.
    Alone,
    /// Nothing: not a rung that is stepped down to, but one that is ordered.
    Outside,
}

impl Standing {
    /// What stands, as the log calls it.
    pub(super) fn level(&self) -> Level {
        match self.rung {
            Rung::Namespaces if self.landlock > 0 && self.overlay => Level::Full,
            Rung::Namespaces | Rung::SharedProcesses => Level::Partial,
            Rung::Alone => Level::Landlock,
            Rung::Outside => Level::None,
        }
    }

    /// Fails unless what is left is still what the caller requires.
    pub(super) fn accept(&self, what: &str, cause: &str, mend: &str) -> Result<(), ExecuteError> {
        if self.level() <= self.require {
            return Ok(());
        }
        Err(ExecuteError::Fence { what: what.to_owned(), cause: cause.to_owned(), mend: mend.to_owned() })
    }

    /// Steps down one rung because of `cause`, if the caller accepts that.
    pub(super) fn step_down(&mut self, what: &str, cause: &str) -> Result<(), ExecuteError> {
        self.take_down()?;
        let mend = match self.rung {
            Rung::Namespaces => {
                self.rung = Rung::SharedProcesses;
                let mend = if what.contains("proc") { PROC } else { USER_NAMESPACES };
                self.missing.push(format!(
                    "a pid namespace with a fresh `/proc` ({what}: {cause}), so other processes and their command lines \
                     can be seen: {mend}"
                ));
                if self.landlock < 6 {
                    self.missing.push(format!("a bar to signals for processes outside: {LANDLOCK}"));
                }
                mend
            }
            Rung::SharedProcesses if !self.order.writable.is_empty() || self.order.calls.is_some() => {
                return Err(ExecuteError::Fence {
                    what: what.to_owned(),
                    cause: format!("{cause}; without a mount namespace nothing outside the project can be kept apart"),
                    mend: USER_NAMESPACES.to_owned(),
                });
            }
            Rung::SharedProcesses => {
                self.rung = Rung::Alone;
                self.order.layer = None;
                self.missing.push(format!(
                    "a mount namespace ({what}: {cause}), so modes, owners and times of files outside can be changed, \
                     `/tmp` is not to be had, and the project is read-only: {USER_NAMESPACES}"
                ));
                USER_NAMESPACES
            }
            Rung::Alone | Rung::Outside => {
                return Err(ExecuteError::Fence {
                    what: what.to_owned(),
                    cause: cause.to_owned(),
                    mend: LANDLOCK.to_owned(),
                });
            }
        };
        self.accept(what, cause, mend)?;
        if self.rung == Rung::Alone && self.landlock < 3 {
            return Err(ExecuteError::Fence {
                what: "fence without namespaces".to_owned(),
                cause: format!("Landlock version {} does not cover truncation", self.landlock),
                mend: LANDLOCK.to_owned(),
            });
        }
        Ok(())
    }

    /// Takes down what stands so far, so that it can be built once more.
    fn take_down(&mut self) -> Result<(), ExecuteError> {
        if let Some(fenced) = self.fenced.take() {
            self.deed = fenced.end();
        }
        let layer = self.order.layer.as_ref();
        layer.map_or(Ok(()), |layer| layer.renew().map_err(|e| trouble("lay the overlay once more", &e.to_string())))
    }

    /// Goes on without what is kept of compiled forms, which protects nothing: that of libraries is made anew inside.
    pub(super) fn without_kept(&mut self) -> Result<(), ExecuteError> {
        self.place.reads.compiled = None;
        self.place.reads.forms = None;
        self.take_down()
    }

    /// Goes on with a read-only project because of `cause`, if the caller accepts that.
    pub(super) fn without_layer(&mut self, what: &str, cause: &str) -> Result<(), ExecuteError> {
        if let Some(fenced) = self.fenced.take() {
            self.deed = fenced.end();
        }
        self.order.layer = None;
        self.overlay = false;
        self.missing.push(format!("an overlay for the project ({what}: {cause}), so it is read-only: {OVERLAY}"));
        self.accept(what, cause, OVERLAY)
    }
}
