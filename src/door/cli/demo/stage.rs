//! The demo's temporary folder, its calls of guard, and the count of what went as told.

use crate::approve::ssh::line;
use crate::door::cli::words;
use crate::gate::World;
use std::fs;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// One call of guard and what it must come to.
pub(super) struct Call<'a> {
    arguments: Vec<&'a str>,
    code: i32,
    says: &'a str,
    only: fn(&str) -> bool,
}

impl<'a> Call<'a> {
    pub(super) fn new(arguments: &[&'a str]) -> Self {
        Self { arguments: arguments.to_vec(), code: 0, says: "", only: |_| true }
    }

    pub(super) fn ends(mut self, code: i32) -> Self {
        self.code = code;
        self
    }

    pub(super) fn says(mut self, words: &'a str) -> Self {
        self.says = words;
        self
    }

    /// Shows only these lines of what guard prints.
    pub(super) fn only(mut self, lines: fn(&str) -> bool) -> Self {
        self.only = lines;
        self
    }
}

pub(super) struct Stage {
    folder: PathBuf,
    guard: PathBuf,
    colour: bool,
    keep: bool,
    python: bool,
    as_told: usize,
    failed: usize,
    left_out: usize,
    began: Instant,
}

impl Stage {
    /// Makes the folder, writes the project into it, and looks whether python3 is there.
    pub(super) fn set(world: &World, files: &[(&str, &str)], keep: bool) -> Result<Self, String> {
        let version = Command::new("python3").arg("--version").output();
        let python = version.is_ok_and(|output| output.status.success());
        let guard = std::env::current_exe().map_err(|error| format!("cannot find guard itself: {error}"))?;
        let base = world.variable("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        let folder = base.join(format!("guard-demo-{}", std::process::id()));
        let fault = |error: std::io::Error| format!("cannot write below `{}`: {error}", base.display());
        fs::create_dir(&folder).map_err(fault)?;
        let colour = std::io::stdout().is_terminal() && world.variable("NO_COLOR").is_none();
        let stage =
            Self { folder, guard, colour, keep, python, as_told: 0, failed: 0, left_out: 0, began: Instant::now() };
        for sub in [stage.root(), PathBuf::from(stage.outside())] {
            fs::create_dir(sub).map_err(fault)?;
        }
        fs::write(Path::new(&stage.outside()).join("notes.txt"), OUTSIDE).map_err(fault)?;
        for (name, text) in files {
            fs::write(stage.root().join(name), text).map_err(fault)?;
        }
        Ok(stage)
    }

    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("shop")
    }

    pub(super) fn outside(&self) -> String {
        self.folder.join("somebody-elses").to_string_lossy().into_owned()
    }

    pub(super) fn seed_file(&self) -> String {
        self.folder.join("seed").to_string_lossy().into_owned()
    }

    /// Makes an SSH key, and its owner the one approver, as whoever sets up a machine would: by OpenSSH's own list of signers
    /// in guard's configuration folder. The key's file; `None`: there is no `ssh-keygen`.
    pub(super) fn approver(&self) -> Result<Option<String>, String> {
        let fault = |error: &dyn std::fmt::Display| format!("cannot make a key to approve with: {error}");
        let key = self.folder.join("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "the demo", "-f"])
            .arg(&key)
            .output();
        match made {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(&error)),
            Ok(output) if !output.status.success() => {
                return Err(fault(&String::from_utf8_lossy(&output.stderr).trim()));
            }
            Ok(_) => {}
        }
        let public = fs::read_to_string(key.with_extension("pub")).map_err(|error| fault(&error))?;
        let line = line("demo", &public).map_err(|error| fault(&error))?;
        let folder = self.folder.join("config/guard");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| fault(&error))?;
        let list = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("allowed_signers"));
        list.and_then(|mut list| list.write_all(line.as_bytes())).map_err(|error| fault(&error))?;
        Ok(Some(key.to_string_lossy().into_owned()))
    }

    /// Whether python3 is there; else says that this scene is left out.
    pub(super) fn has_python(&mut self) -> bool {
        if !self.python {
            self.left_out("there is no python3 on the PATH (Debian: `apt-get install python3`)");
        }
        self.python
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), String> {
        fs::write(self.root().join(name), text).map_err(|error| format!("cannot write `{name}`: {error}"))
    }

    pub(super) fn read(&self, name: &str) -> Result<String, String> {
        fs::read_to_string(self.root().join(name)).map_err(|error| format!("cannot read `{name}`: {error}"))
    }

    pub(super) fn has(&self, name: &str, text: &str) -> bool {
        fs::read_to_string(self.root().join(name)).is_ok_and(|found| found == text)
    }

    pub(super) fn outside_is_unchanged(&self) -> bool {
        let folder = PathBuf::from(self.outside());
        let names = fs::read_dir(&folder).map(|entries| entries.count());
        let kept = fs::read_to_string(folder.join("notes.txt"));
        names.is_ok_and(|count| count == 1) && kept.is_ok_and(|text| text == OUTSIDE)
    }

    /// Changes one word of a record.
    pub(super) fn edit_log(&self) -> Result<(), String> {
        let path = self.root().join("build_audit.log");
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        fs::write(&path, text.replacen("DENIED", "PASSED", 1)).map_err(|error| error.to_string())
    }

    pub(super) fn scene(&self, told: &str) {
        say(&format!("\n{}\n", self.paint("1", told)));
    }

    /// What a viewer should know beside what guard prints.
    pub(super) fn say(&self, told: &str) {
        say(&format!("  ({told})\n"));
    }

    /// Says that something is not shown, and why.
    pub(super) fn left_out(&mut self, why: &str) {
        self.left_out += 1;
        say(&format!("  {} {why}\n", self.paint("33", "left out:")));
    }

    /// Calls guard, shows what it printed, compares with what was told, and gives it.
    pub(super) fn call(&mut self, call: &Call) -> Result<String, String> {
        let typed = call.arguments.iter().map(|word| quoted(&word.replace(&*self.folder.to_string_lossy(), "..")));
        say(&format!("  $ guard {}\n", typed.collect::<Vec<_>>().join(" ")));
        let output = Command::new(&self.guard)
            .args(&call.arguments)
            .current_dir(self.root())
            .env("XDG_STATE_HOME", self.folder.join("state"))
            .env("XDG_CACHE_HOME", self.folder.join("cache"))
            .env("XDG_CONFIG_HOME", self.folder.join("config"))
            .stdin(std::process::Stdio::null())
            .output()
            .map_err(|error| format!("cannot start guard: {error}"))?;
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed).into_owned();
        let mut cut = false;
        for line in printed.lines() {
            let shown = (call.only)(line);
            if shown {
                say(&format!("    {}\n", shortened(line)));
            } else if !cut {
                say("    …\n");
            }
            cut = !shown;
        }
        let code = output.status.code();
        let told = code == Some(call.code) && printed.contains(call.says);
        let got = code.map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"));
        self.check(&if told { got } else { format!("{got}, where {} and `{}` were told", call.code, call.says) }, told);
        Ok(printed)
    }

    pub(super) fn check(&mut self, what: &str, held: bool) {
        if held {
            self.as_told += 1;
            say(&format!("  {} {what}\n", self.paint("32", "ok")));
        } else {
            self.failed += 1;
            say(&format!("  {} {what}\n", self.paint("1;31", "NOT AS TOLD")));
        }
    }

    /// Sums up and clears away; whether all went as told.
    pub(super) fn end(&mut self) -> bool {
        let seconds = self.began.elapsed().as_secs_f64();
        let left_out = match self.left_out {
            0 => String::new(),
            scenes => format!(", {} left out", words::count(scenes, "scene was", "scenes were")),
        };
        let sum =
            format!("\n{} things went as told, {} did not{left_out}, in {seconds:.1} s\n", self.as_told, self.failed);
        say(&self.paint("1", &sum));
        if self.keep {
            say(&format!("the folder is `{}`\n", self.folder.display()));
        }
        self.failed == 0
    }

    fn paint(&self, number: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{number}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.keep {
            let _left_behind = fs::remove_dir_all(&self.folder);
        }
    }
}

const OUTSIDE: &str = "nobody's business\n";

fn say(text: &str) {
    let _gone = std::io::stdout().lock().write_all(text.as_bytes());
}

fn quoted(word: &str) -> String {
    if word.contains([' ', '|', '*', '(']) { format!("'{word}'") } else { word.to_owned() }
}

/// A line of the log is long; its human part says enough here.
fn shortened(line: &str) -> String {
    match line.find(" {\"v\":") {
        Some(end) => format!("{} …", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}
