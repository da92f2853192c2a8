//! The same tests as an ordinary user, from a run as root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

const NOBODY: u32 = 65534;

#[test]
fn what_an_ordinary_user_s_commands_changed_is_read_too() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let base = tempfile::tempdir_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("target")).unwrap();
    chown(base.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(std::env::current_exe().unwrap())
        .args(["changes::", "--test-threads=2"])
        .env("GUARD_TEST_BASE", base.path())
        .env("HOME", base.path())
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("overlay::what_is_made_changed_and_removed_is_listed ... ok"), "{said}");
}
