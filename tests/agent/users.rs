//! The same as an ordinary user, from a run as root: guard's own process cannot be looked at then, not even by itself in
//! every way.

use crate::fence::stage::root;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Output};

const NOBODY: u32 = 65534;

#[test]
fn an_ordinary_user_s_harness_calls_guard_too() {
    if !root() {
        return;
    }
    let base = tempfile::tempdir_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("target")).unwrap();
    let project = base.path().join("project");
    let agent = base.path().join(".agent");
    fs::create_dir(&project).unwrap();
    fs::create_dir(&agent).unwrap();
    fs::write(agent.join("settings.json"), "{}").unwrap();
    let run = "[run]\nfolders = [\"~/.agent\"]\nsettings = [\"~/.agent/settings.json\"]\n";
    fs::write(project.join("guard.toml"), format!("version = 1\n{run}{}", super::RULES)).unwrap();
    for path in [base.path(), &project, &agent, &project.join("guard.toml"), &agent.join("settings.json")] {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let guard = |arguments: &[&str]| -> Output {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_guard")]).args(arguments);
        command.env_clear().env("HOME", base.path()).env("PATH", "/usr/local/bin:/usr/bin:/bin").current_dir(&project);
        command.output().unwrap()
    };
    assert!(guard(&["init"]).status.success());
    let line = "guard exec -- sh -c 'echo kept > made; exit 3'; echo $?; echo x > direct; echo x > ~/.agent/new; \
                echo x > ~/.agent/settings.json; guard approve command-1; echo $?";
    let ran = guard(&["run", "--", "bash", "-c", line]);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "3\n126\n", "{said}");
    assert_eq!(fs::read_to_string(project.join("made")).unwrap(), "kept\n");
    assert!(!project.join("direct").exists() && agent.join("new").exists());
    assert_eq!(fs::read_to_string(agent.join("settings.json")).unwrap(), "{}");
}
