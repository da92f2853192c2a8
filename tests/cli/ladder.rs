//! The ladder, as whoever calls guard meets it: parts of the kernel are really taken away, and then it is said which level is
//! reached, what is missing and how to mend it, and nothing runs below what the policy requires.

use super::{Done, Home, path};
use crate::fence::rungs::MASKED;
use crate::fence::tricks::{
    WHOLE, forbids_mounts, forbids_namespaces, old_landlock, old_landlock_alone, without_anything, without_landlock,
};
use std::process::Command;

/// Runs the real guard behind `trick`.
pub(crate) fn behind(home: &Home, trick: &str, arguments: &[&str]) -> Done {
    let mut command = Command::new("sh");
    let trick = if trick == MASKED {
        format!("exec unshare --user --map-root-user --mount --propagation private sh -c '{MASKED}' \"$0\" \"$@\"")
    } else {
        trick.to_owned()
    };
    command.args(["-c", &trick, env!("CARGO_BIN_EXE_guard")]).args(arguments).current_dir(&home.project);
    command
        .env_clear()
        .env("XDG_CACHE_HOME", base())
        .env("PATH", path())
        .env("HOME", home.path())
        .env("LANG", "C.UTF-8");
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    Done {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Where doctor tries things: the path of a socket is short, so in a folder not far from the root.
fn base() -> std::path::PathBuf {
    let own = std::env::var_os("GUARD_TEST_BASE").map(Into::into);
    own.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/target").into())
}

/// What was reached, and the first words of each part that is said to be missing.
fn reached(found: &Done) -> (String, Vec<String>) {
    let object: serde_json::Value = serde_json::from_str(&found.stdout).expect("one object");
    let missing = object["fence"]["missing"].as_array().cloned().unwrap_or_default();
    let words =
        |text: &serde_json::Value| text.as_str().unwrap().split([':', '(', ',']).next().unwrap().trim().to_owned();
    (object["fence"]["level"].as_str().unwrap_or("none").to_owned(), missing.iter().map(words).collect())
}

/// What is missing first depends on what is required.
const LACKS_BOTH: &str = "use a kernel with Landlock | seccomp profile that lets them pass";
const PID: &str = "a pid namespace with a fresh `/proc`";
const MOUNT: &str = "a mount namespace";
const LANDLOCK: &str = "Landlock";
const SIGNALS: &str = "a bar to signals for processes outside";

#[test]
fn each_part_that_is_taken_away_leads_to_the_next_level_and_is_named() {
    let home = Home::with("default");
    home.trust("[fence]\nrequire = \"landlock\"\n");
    let table: [(&str, String, &str, &[&str]); 8] = [
        ("all is there", WHOLE.into(), "full", &[]),
        ("a masked /proc", MASKED.into(), "partial", &[PID]),
        ("no Landlock", without_landlock(), "partial", &[LANDLOCK]),
        ("the first Landlock", old_landlock(1), "full", &[]),
        ("no namespaces", forbids_namespaces(), "landlock", &[PID, MOUNT]),
        ("namespaces without rights", forbids_mounts(), "landlock", &[PID, MOUNT]),
        ("no namespaces and Landlock 5", old_landlock_alone(5), "landlock", &[PID, SIGNALS, MOUNT]),
        ("no namespaces and Landlock 3", old_landlock_alone(3), "landlock", &[PID, SIGNALS, MOUNT]),
    ];
    for (name, trick, level, missing) in table {
        let found = behind(&home, &trick, &["exec", "--json", "--", "echo", "ran"]);
        assert_eq!(
            reached(&found),
            (level.into(), missing.iter().map(|&m| m.to_owned()).collect()),
            "{name}: {found:?}"
        );
        assert_eq!(found.code, Some(0), "{name}");
        let seen = behind(&home, &trick, &["exec", "--", "cat", "guard.toml", "build_audit.log"]);
        assert!(seen.stdout.contains("require") && !seen.stdout.contains("[SHELL]"), "{name}: {seen:?}");
    }
}

#[test]
fn below_the_level_that_the_policy_requires_nothing_runs_and_the_mend_is_said() {
    let home = Home::with("default");
    let tricks = [
        ("full", WHOLE.to_owned(), ""),
        ("partial", MASKED.to_owned(), "unmasked `/proc`"),
        ("partial", without_landlock(), "use a kernel with Landlock"),
        ("landlock", forbids_namespaces(), "seccomp profile that lets them pass"),
        ("landlock", forbids_mounts(), "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("none", old_landlock_alone(2), LACKS_BOTH),
        ("none", without_anything(), LACKS_BOTH),
    ];
    let levels = ["none", "landlock", "partial", "full"];
    let rank = |level: &str| levels.iter().position(|known| *known == level).unwrap();
    for (require, least) in [("full", "full"), ("no-overlay", "partial"), ("landlock", "landlock")] {
        home.trust(&format!("[fence]\nrequire = \"{require}\"\n"));
        let before = home.read("guard.toml");
        for (level, trick, mend) in &tricks {
            let found = behind(&home, trick, &["exec", "--", "echo", "ran"]);
            if rank(level) >= rank(least) {
                assert_eq!(
                    (found.code, found.stdout.as_str()),
                    (Some(0), "ran\n"),
                    "{require} {level}: {}",
                    found.stderr
                );
            } else {
                assert_eq!((found.code, found.stdout.as_str()), (Some(125), ""), "{require} {level}: {}", found.stderr);
                assert!(found.stderr.contains("cannot build the fence"), "{require} {level}: {}", found.stderr);
                let mends = mend.split(" | ").any(|mend| found.stderr.contains(mend));
                assert!(mends, "{require} {level}: {}", found.stderr);
            }
        }
        home.write("guard.toml", &before.replace(&format!("[fence]\nrequire = \"{require}\"\n"), ""));
    }
}

#[test]
fn doctor_says_which_level_stands_and_what_does_not_hold_there() {
    let home = Home::with("default");
    for (level, trick, missing) in [
        ("full", WHOLE.to_owned(), vec![]),
        ("full", old_landlock(1), vec![]),
        ("partial", MASKED.to_owned(), vec![PID]),
        ("partial", without_landlock(), vec![LANDLOCK]),
        ("landlock", forbids_namespaces(), vec![PID, MOUNT]),
    ] {
        let found = behind(&home, &trick, &["doctor"]);
        assert!(found.stdout.starts_with(&format!("fence: {level}: ")), "{level}: {found:?}");
        let said: Vec<&str> = found.stdout.lines().filter_map(|line| line.strip_prefix("missing: ")).collect();
        assert_eq!(said.len(), missing.len(), "{level}: {said:?}");
        assert!(said.iter().zip(&missing).all(|(said, missing)| said.starts_with(missing)), "{level}: {said:?}");
        let open: Vec<&str> = found.stdout.lines().filter(|line| line.starts_with("OPEN")).collect();
        let expected: &[&str] = match (level, missing.first()) {
            // The last cannot be tried: there is no place to write so much to.
            ("landlock", _) => &[
                "OPEN  change the mode of a file outside",
                "OPEN  see a process outside",
                "OPEN  make a file larger than it may be",
            ],
            (_, Some(&LANDLOCK)) => &["OPEN  write to a named pipe outside"],
            (_, Some(&PID)) => &["OPEN  see a process outside"],
            _ => &[],
        };
        assert!(
            open.len() == expected.len()
                && open.iter().zip(expected).all(|(open, expected)| open.starts_with(expected)),
            "{level}: {}",
            found.stdout
        );
        assert_eq!(found.code, Some(i32::from(!open.is_empty())), "{level}: {}", found.stdout);
        let transactions = "\nno    transactions                               there is no overlay: the project is read-only to commands\n";
        assert_eq!(found.stdout.contains(transactions), level == "landlock", "{}", found.stdout);
        let required = match level {
            "full" => "commands run",
            _ => "nothing runs",
        };
        let required = format!("\nrequire: full: the policy here takes no less: {required}\n");
        assert!(found.stdout.contains(&required), "{}", found.stdout);
    }
    let found = behind(&home, &without_anything(), &["doctor"]);
    assert!(found.stdout.contains("nothing runs: without a fence guard refuses every command"), "{found:?}");
    assert_eq!(found.code, Some(1));
}
