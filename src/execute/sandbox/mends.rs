//! What a person can do where the kernel does not build the whole fence.
//! Knows no rungs.

pub(super) const USER_NAMESPACES: &str = "allow user namespaces: `sysctl -w user.max_user_namespaces=15000`, on Ubuntu also \
    `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, in a container a seccomp profile that lets them pass";
pub(super) const LANDLOCK: &str = "use a kernel with Landlock (5.13, better 6.12) and `landlock` in its `lsm=` list";
pub(super) const OVERLAY: &str = "keep guard's state (`XDG_STATE_HOME`) on a file system that overlayfs can write to (ext4, xfs, \
    btrfs, tmpfs), with Linux 5.11 or later, and mount nothing inside the project; or let `[fence] require = \"no-overlay\"` \
    run commands that change nothing";
pub(super) const PROC: &str =
    "in a container, give it an unmasked `/proc` (docker: `--security-opt systempaths=unconfined`)";
pub(super) const ASKING: &str = "use Linux 5.6 or later, and in a container a seccomp profile that lets `seccomp` pass";
