//! What a person can do where the kernel does not build the whole fence.
//! Knows no rungs.

use super::init::Stage;
use super::sys::Errno;
use crate::execute::ExecuteError;
use std::io;

pub(super) const USER_NAMESPACES: &str = "allow user namespaces: `sysctl -w user.max_user_namespaces=15000`, on Ubuntu also \
    `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, in a container a seccomp profile that lets them pass";
pub(super) const LANDLOCK: &str = "use a kernel with Landlock (5.13, better 6.12) and `landlock` in its `lsm=` list";
pub(super) const OVERLAY: &str = "keep guard's state (`XDG_STATE_HOME`) on a file system that overlayfs can write to (ext4, xfs, \
    btrfs, tmpfs), with Linux 5.11 or later, and mount nothing inside the project; or let `[fence] require = \"no-overlay\"` \
    run commands that change nothing";
pub(super) const PROC: &str =
    "in a container, give it an unmasked `/proc` (docker: `--security-opt systempaths=unconfined`)";

/// No fence: a stage failed.
pub(super) fn refused(stage: i32, error: Errno) -> ExecuteError {
    let (what, mend) = of(stage);
    let cause = io::Error::from_raw_os_error(error).to_string();
    ExecuteError::Fence { what: what.to_owned(), cause, mend: mend.to_owned() }
}

/// What failed in a stage, and the mend.
fn of(stage: i32) -> (&'static str, &'static str) {
    match stage {
        s if s == Stage::Folder as i32 => ("enter the working folder", "run the command in a folder it may enter"),
        s if s == Stage::Capabilities as i32 => ("drop capabilities", "see `guard doctor`"),
        s if s == Stage::Landlock as i32 => ("apply Landlock's rules", LANDLOCK),
        s if s == Stage::Seccomp as i32 => ("install the seccomp filter", "use a kernel with CONFIG_SECCOMP_FILTER"),
        s if s == Stage::Limits as i32 => ("set resource limits", "see `guard doctor`"),
        s if s == Stage::Terminal as i32 => ("make a terminal for the command", "run it without `--tty`"),
        s if s == Stage::Descriptors as i32 => ("arrange descriptors", "use Linux 5.11 or later"),
        _ => ("start the command", "see `guard doctor`"),
    }
}
