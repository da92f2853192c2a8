//! The same tests as an ordinary user, from a run as root.

use crate::fence::stage::root;
use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

const NOBODY: u32 = 65534;

#[test]
fn the_limits_hold_for_an_ordinary_user_too() {
    if !root() || std::env::var_os("GUARD_TEST_BASE").is_some() {
        return;
    }
    let base = tempfile::tempdir_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("target")).unwrap();
    chown(base.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    fs::set_permissions(base.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(std::env::current_exe().unwrap())
        // What goes by way of a home of its own is as root's.
        .args(["limits::amounts::", "limits::memory::what", "--test-threads=2"])
        .env("GUARD_TEST_BASE", base.path())
        .env("HOME", base.path())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("what_is_held_by_one_process_for_too_long_is_stopped ... ok"), "{said}");
    assert!(said.contains("a_command_has_no_more_processes_than_it_may ... ok"), "{said}");
}
