//! A person's signature over a statement, made by OpenSSH's own `ssh-keygen`: it knows passphrases, agents and security
//! keys. Knows no private key; whether a signature counts is said elsewhere.

use crate::approve::Strength;
use crate::approve::ssh::{NAMESPACE, Signers};
use crate::event::line::printable;
use crate::execute::{Beside, beside};
use crate::gate::World;
use chrono::{DateTime, Utc};
use rustix::fs::{MemfdFlags, memfd_create};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{IsTerminal, Write, stderr};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where OpenSSH's programs are looked for. The caller's `PATH` may hold a project's folders.
const PLACES: [&str; 3] = ["/usr/bin", "/bin", "/usr/local/bin"];

/// The key that signs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key<'a> {
    /// A file of a private key, or of a public key whose private half an agent holds.
    File(&'a Path),
    /// The first key of the agent that is an approver's.
    Agent,
}

/// Who may sign, how strongly at least, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The approvers.
    pub(super) approvers: &'a Signers,
    /// The least that the signature must be worth; only an agent's keys are chosen by it.
    pub(super) least: Strength,
    /// The present.
    pub(super) now: DateTime<Utc>,
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignError {
    #[error("`{program}` is not installed: it is in none of {}", PLACES.join(", "))]
    NoProgram { program: &'static str },
    #[error("no file `{}` to sign with", printable(&.0.to_string_lossy()))]
    NoFile(PathBuf),
    #[error("no ssh-agent: `SSH_AUTH_SOCK` is not set")]
    NoAgent,
    #[error("the ssh-agent does not answer: {0}")]
    SilentAgent(String),
    #[error("the ssh-agent holds no keys")]
    EmptyAgent,
    #[error("none of the {held} keys of the ssh-agent may approve this")]
    NoneMay { held: usize, least: Strength },
    #[error("interrupted: nothing was signed")]
    Interrupted,
    #[error("`ssh-keygen` did not sign: {0}")]
    Failed(String),
    #[error("cannot run `{program}`: {cause}")]
    System { program: &'static str, cause: String },
}

impl SignError {
    /// What to do about it.
    pub(super) fn help(&self) -> Option<String> {
        match self {
            Self::NoProgram { .. } => Some("install the package `openssh-client`".to_owned()),
            Self::NoFile(_) => {
                Some("name a private key, or the `.pub` file of a key that the ssh-agent holds".to_owned())
            }
            Self::NoAgent | Self::SilentAgent(_) => {
                Some("start one with `eval \"$(ssh-agent)\"`, or sign with `--key FILE`".to_owned())
            }
            Self::EmptyAgent => Some("add a key with `ssh-add`, or sign with `--key FILE`".to_owned()),
            Self::NoneMay { least, .. } => Some(format!(
                "add an approver's key with `ssh-add`; one of strength `{least}` is needed, and `guard approver list` shows whose keys count"
            )),
            Self::Interrupted | Self::Failed(_) | Self::System { .. } => None,
        }
    }
}

/// Has `statement` signed; the text of the signature file. The terminal is `ssh-keygen`'s meanwhile, for a passphrase or
/// to ask for a touch.
pub(super) fn sign(world: &World, statement: &[u8], key: Key<'_>, wanted: Wanted<'_>) -> Result<String, SignError> {
    Tools { world, places: &PLACES.map(Path::new) }.sign(statement, key, wanted)
}

/// The approver whose key would sign, since the statement names them; empty where it is nobody's, so that the signature
/// will say whose it is not.
pub(super) fn approver(world: &World, key: Key<'_>, wanted: Wanted<'_>) -> Result<String, SignError> {
    let line = Tools { world, places: &PLACES.map(Path::new) }.public(key, wanted)?;
    Ok(wanted.approvers.of_line(&line, wanted.now).map(|signer| signer.name().to_owned()).unwrap_or_default())
}

/// OpenSSH's programs, and the environment they run in.
struct Tools<'a> {
    world: &'a World,
    places: &'a [&'a Path],
}

impl Tools<'_> {
    fn sign(&self, statement: &[u8], key: Key<'_>, wanted: Wanted<'_>) -> Result<String, SignError> {
        let mut command = self.command("ssh-keygen")?;
        // `-q`: no word but of what goes wrong. Without a file named it signs its standard input.
        command.args(["-q", "-Y", "sign", "-n", NAMESPACE]);
        match key {
            Key::File(file) => {
                if !file.is_file() {
                    return Err(SignError::NoFile(file.to_owned()));
                }
                run(command.arg("-f").arg(file), statement)
            }
            Key::Agent => {
                let public = in_memory(&self.chosen(wanted)?)?;
                let path = format!("/proc/self/fd/{}", public.as_raw_fd());
                run(command.args(["-U", "-f", &path]), statement)
            }
        }
    }

    /// The public key's line: of the file itself, of the `.pub` file beside it, or of what the private key holds.
    fn public(&self, key: Key<'_>, wanted: Wanted<'_>) -> Result<String, SignError> {
        let Key::File(file) = key else { return self.chosen(wanted) };
        let beside = PathBuf::from(format!("{}.pub", file.display()));
        for path in [file, &beside] {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if let Some(line) = text.lines().find(|line| wanted.approvers.of_line(line, wanted.now).is_some()) {
                return Ok(line.to_owned());
            }
        }
        if !file.is_file() {
            return Err(SignError::NoFile(file.to_owned()));
        }
        let mut command = self.command("ssh-keygen")?;
        run(command.arg("-y").arg("-f").arg(file), b"")
    }

    /// The line of the agent's first key that may approve.
    fn chosen(&self, wanted: Wanted<'_>) -> Result<String, SignError> {
        if self.world.variable("SSH_AUTH_SOCK").is_none() {
            return Err(SignError::NoAgent);
        }
        let mut command = self.command("ssh-add")?;
        let done = beside(command.arg("-L").stderr(Stdio::piped()), b"").map_err(|error| system("ssh-add", &error))?;
        if done.interrupted {
            return Err(SignError::Interrupted);
        }
        let held = String::from_utf8_lossy(&done.stdout);
        match done.status.code() {
            Some(0) => {}
            // `ssh-add(1)`: 1 if the command fails, 2 if the agent cannot be reached.
            Some(1) => return Err(SignError::EmptyAgent),
            Some(_) | None => return Err(SignError::SilentAgent(words(&done))),
        }
        let may = |line: &&str| {
            wanted.approvers.of_line(line, wanted.now).is_some_and(|signer| signer.strength() >= wanted.least)
        };
        let found = held.lines().find(may).map(|line| format!("{line}\n"));
        found.ok_or_else(|| SignError::NoneMay { held: held.lines().count(), least: wanted.least })
    }

    fn command(&self, program: &'static str) -> Result<Command, SignError> {
        let found = self.places.iter().map(|place| place.join(program)).find(|path| path.is_file());
        let mut command = Command::new(found.ok_or(SignError::NoProgram { program })?);
        // What would load code into it stays behind, like the caller's `PATH`: a project may have set both.
        let kept = self.world.environment.iter().filter(|(name, _)| !name.as_encoded_bytes().starts_with(b"LD_"));
        command.env_clear().envs(kept.map(|(name, value)| (name, value))).env("PATH", path(self.places));
        Ok(command)
    }
}

fn path(places: &[&Path]) -> std::ffi::OsString {
    places.iter().map(|place| place.as_os_str()).collect::<Vec<&OsStr>>().join(OsStr::new(":"))
}

/// A file that has no name and goes with guard; `ssh-keygen` inherits it, as its descriptor stays open in programs.
fn in_memory(text: &str) -> Result<File, SignError> {
    let made = memfd_create("key", MemfdFlags::empty()).map_err(std::io::Error::from).map(File::from);
    let written = made.and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file));
    written.map_err(|error| system("ssh-keygen", &error))
}

fn run(command: &mut Command, statement: &[u8]) -> Result<String, SignError> {
    // On a terminal a person reads it while it happens: "confirm user presence".
    let live = stderr().is_terminal();
    command.stderr(if live { Stdio::inherit() } else { Stdio::piped() });
    let done = beside(command, statement).map_err(|error| system("ssh-keygen", &error))?;
    if done.interrupted {
        return Err(SignError::Interrupted);
    }
    if !done.status.success() {
        let said = if live { format!("it says why above ({})", done.status) } else { words(&done) };
        return Err(SignError::Failed(said));
    }
    String::from_utf8(done.stdout).map_err(|_| SignError::Failed("what it printed is no signature".to_owned()))
}

/// The program's own words, on one line.
fn words(done: &Beside) -> String {
    let said = String::from_utf8_lossy(&done.stderr);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { done.status.to_string() } else { printable(&lines.join("; ")) }
}

fn system(program: &'static str, error: &std::io::Error) -> SignError {
    SignError::System { program, cause: error.to_string() }
}
