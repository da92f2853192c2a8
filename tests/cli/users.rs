//! The main job as an ordinary user, with a home of its own; run as root, which makes the user's processes.

use super::{Done, path};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

/// Nobody in particular: no name, no group, no rights.
const USER: u32 = 65_534;

struct Ordinary {
    folder: tempfile::TempDir,
}

impl Ordinary {
    /// A home in a folder that everybody may enter and no fence makes private; the checkout may lie elsewhere.
    fn new() -> Self {
        let folder = tempfile::tempdir_in("/srv").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let own = Self { folder };
        fs::copy(env!("CARGO_BIN_EXE_guard"), own.guard()).unwrap();
        fs::create_dir_all(own.project()).unwrap();
        for made in [own.home(), own.project()] {
            chown(made, Some(USER), Some(USER)).unwrap();
        }
        own
    }

    fn guard(&self) -> PathBuf {
        self.folder.path().join("guard")
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn project(&self) -> PathBuf {
        self.home().join("project")
    }

    fn call(&self, arguments: &[&str]) -> Done {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(self.guard()).args(arguments);
        command.current_dir(self.project()).env_clear().env("PATH", path()).env("HOME", self.home());
        let output = command.output().unwrap();
        Done {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap()) == 0
}

#[test]
fn an_ordinary_user_gets_the_same_fence_and_the_same_log() {
    if !is_root() {
        eprintln!("skipped: an_ordinary_user_gets_the_same_fence_and_the_same_log (every other test runs as one)");
        return;
    }
    let user = Ordinary::new();
    let made = user.call(&["init", "--preset", "python", "--seed-file", "../seed"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let escapes = "import os, socket\n\
        def tried(what):\n    try:\n        what()\n        print('WORKED')\n    except OSError as error:\n        print('stopped')\n\
        tried(lambda: open(os.path.expanduser('~/outside'), 'w'))\n\
        tried(lambda: os.chmod('/usr/bin/true', 0o777))\n\
        tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(('127.0.0.1', 1)))\n\
        tried(lambda: open('build_audit.log', 'a'))\n\
        open('inside', 'w').write('x')\n";
    fs::write(user.project().join("escapes.py"), escapes).unwrap();
    chown(user.project().join("escapes.py"), Some(USER), Some(USER)).unwrap();
    let done = user.call(&["exec", "--json", "--", "/usr/bin/python3", "escapes.py"]);
    let object: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(object["stdout"], "stopped\nstopped\nstopped\nstopped\n", "{object}");
    assert_eq!((&object["exit_code"], &object["fence"]["level"]), (&serde_json::json!(0), &serde_json::json!("full")));
    assert!(user.project().join("inside").exists() && !user.home().join("outside").exists());

    let policy = fs::read(user.project().join("guard.toml")).unwrap();
    fs::write(user.project().join("policy.py"), "open('guard.toml', 'a').write('x')\n").unwrap();
    let dropped = user.call(&["exec", "--", "/usr/bin/python3", "policy.py"]);
    assert_eq!(dropped.code, Some(126), "{}", dropped.stderr);
    assert_eq!(fs::read(user.project().join("guard.toml")).unwrap(), policy);

    let late = user.call(&["exec", "--timeout", "0.5", "--", "sleep", "60"]);
    assert_eq!(late.code, Some(124), "{}", late.stderr);
    let verified = user.call(&["audit", "verify", "--seed", "../seed"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}
