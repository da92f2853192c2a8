//! The same tests as an ordinary user, from a run as root.

use crate::fence::stage::root;
use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

const NOBODY: u32 = 65534;

#[test]
fn the_network_holds_for_an_ordinary_user_too() {
    if !root() || std::env::var_os("GUARD_TEST_BASE").is_some() {
        return;
    }
    let base = tempfile::tempdir_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("target")).unwrap();
    chown(base.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    fs::set_permissions(base.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(std::env::current_exe().unwrap())
        .args(["network::attacks", "network::servers", "--test-threads=2"])
        .env("GUARD_TEST_BASE", base.path())
        .env("HOME", base.path())
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("attacks::nothing_outside_is_connected_to ... ok"), "{said}");
}
