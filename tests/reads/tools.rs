//! Real tools that live in homes still run: each is taken from this machine, where it is there.

use crate::cli::{Home, done, path};
use std::path::PathBuf;
use std::process::Command;

/// The first program of that name along the caller's `PATH` that lies in a home.
fn at_home(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let homes = ["/root", "/home"];
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file() && homes.iter().any(|home| file.starts_with(home)))
}

#[test]
fn what_version_managers_installed_in_the_home_runs_fenced() {
    let home = Home::with("python");
    let mut tried = Vec::new();
    for (name, arguments) in [
        ("python3", &["--version"][..]),
        ("pip", &["--version"]),
        ("cargo", &["--version"]),
        ("rustc", &["--version"]),
        ("npm", &["--version"]),
        ("node", &["--version"]),
    ] {
        let Some(program) = at_home(name) else { continue };
        let caller = std::env::vars().filter(|(name, _)| ["PYENV_ROOT", "NVM_DIR"].contains(&name.as_str()));
        // As the caller has it, unfenced: rustup looks at HOME.
        let bare = Command::new(&program).args(arguments).output().unwrap();
        if !bare.status.success() {
            continue;
        }
        let folder = program.parent().unwrap().display();
        let mut command = home.command(&[&["exec", "--", name], arguments].concat());
        command.env("PATH", format!("{folder}:{}", path())).envs(caller);
        for name in ["CARGO_HOME", "RUSTUP_HOME"] {
            let own = format!(".{}", name.trim_end_matches("_HOME").to_lowercase());
            command.env(name, std::env::var_os("HOME").map(PathBuf::from).unwrap().join(own));
        }
        let fenced = done(&mut command);
        assert_eq!(fenced.stdout, String::from_utf8_lossy(&bare.stdout), "{name}: {}", fenced.stderr);
        assert_eq!(fenced.code, Some(0), "{name}: {}", fenced.stderr);
        tried.push(name);
    }
    eprintln!("tried: {tried:?}");
}

#[test]
fn git_knows_who_one_is_and_the_system_s_tools_find_what_they_need() {
    let home = Home::with("python");
    std::fs::write(home.path().join(".gitconfig"), "[user]\n\tname = A Person\n\temail = a@example.org\n").unwrap();
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        assert!(command.args(words).current_dir(&home.project).env("HOME", home.path()).status().unwrap().success());
    };
    git(&["init", "-q"]);
    for (words, out) in [
        (&["git", "config", "user.name"][..], "A Person\n"),
        (&["git", "status", "--porcelain"], "?? .gitignore\n?? build_audit.log\n?? guard.toml\n"),
        (&["whoami"], "root\n"),
        (&["id", "-un"], "root\n"),
    ] {
        let found = home.guard(&[&["exec", "--"], words].concat());
        if !rustix::process::geteuid().is_root() && out == "root\n" {
            continue;
        }
        let lines = |text: &str| {
            text.lines().filter(|line| !line.contains(".gitignore")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(&found.stdout), lines(out), "{words:?}: {}", found.stderr);
    }
}
