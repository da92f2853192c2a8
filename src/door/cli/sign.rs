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
        if !file.is_file() {
            return Err(SignError::NoFile(file.to_owned()));
        }
        let public = |path: &Path| path.extension().is_some_and(|extension| extension == "pub");
        let mut beside = file.as_os_str().to_owned();
        beside.push(".pub");
        for path in [file, Path::new(&beside)].into_iter().filter(|path| public(path)) {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if let Some(line) = text.lines().find(|line| wanted.approvers.of_line(line, wanted.now).is_some()) {
                return Ok(line.to_owned());
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approve::ssh::line;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Child;
    use std::time::{Duration, Instant};
    use tempfile::TempDir;

    const STATEMENT: &[u8] = b"sha256 00ff\ndecision allow\n";

    /// A folder with keys of the real `ssh-keygen`, and a real `ssh-agent` that ends with it.
    struct Desk {
        folder: TempDir,
        agent: Option<Child>,
    }

    impl Drop for Desk {
        fn drop(&mut self) {
            if let Some(mut agent) = self.agent.take() {
                agent.kill().unwrap();
                agent.wait().unwrap();
            }
        }
    }

    impl Desk {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), agent: None }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn key(&self, name: &str, kind: &str, passphrase: &str) -> String {
            let file = self.path(name);
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", kind, "-N", passphrase, "-C", name, "-f"]).arg(&file);
            assert!(command.status().expect("install openssh-client").success());
            fs::read_to_string(file.with_extension("pub")).unwrap()
        }

        /// Starts the agent with `keys` in it.
        fn agent(&mut self, keys: &[&str]) {
            let socket = self.path("agent");
            let agent =
                Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap();
            self.agent = Some(agent);
            let start = Instant::now();
            // It is there a moment before it listens.
            while std::os::unix::net::UnixStream::connect(&socket).is_err() {
                assert!(start.elapsed() < Duration::from_secs(10), "the agent does not start");
                std::thread::sleep(Duration::from_millis(5));
            }
            keys.iter().for_each(|key| self.add(key));
        }

        fn add(&self, key: &str) {
            let mut command = Command::new("ssh-add");
            command.arg("-q").arg(self.path(key)).env("SSH_AUTH_SOCK", self.path("agent"));
            assert!(command.status().unwrap().success());
        }

        fn world(&self) -> World {
            let mut environment =
                vec![("HOME".into(), self.folder.path().into()), ("PATH".into(), "/nonexistent".into())];
            if self.agent.is_some() {
                environment.push(("SSH_AUTH_SOCK".into(), self.path("agent").into()));
            }
            World::new(environment, self.folder.path().to_owned())
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.folder.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    fn approvers(keys: &[(&str, &str)]) -> Signers {
        let text: String = keys.iter().map(|(name, key)| line(name, key).unwrap()).collect();
        Signers::parse(&text, "approvers").unwrap()
    }

    fn now() -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn wanted(approvers: &Signers, least: Strength) -> Wanted<'_> {
        Wanted { approvers, least, now: now() }
    }

    #[test]
    fn a_key_in_a_file_signs_and_nothing_is_left_behind() {
        let desk = Desk::new();
        let anna = approvers(&[("anna", &desk.key("anna", "ed25519", ""))]);
        let before = desk.names();
        let file = desk.path("anna");
        let signature = sign(&desk.world(), STATEMENT, Key::File(&file), wanted(&anna, Strength::Signature)).unwrap();
        assert_eq!(anna.verify(STATEMENT, &signature, now()).unwrap().name(), "anna");
        assert_eq!(desk.names(), before);
    }

    #[test]
    fn a_passphrase_is_asked_by_openssh_and_a_wrong_one_is_told() {
        let desk = Desk::new();
        let anna = approvers(&[("anna", &desk.key("anna", "ed25519", "right one"))]);
        let file = desk.path("anna");
        for (answer, signs) in [("right one", true), ("wrong one", false)] {
            let ask = desk.path("ask");
            fs::write(&ask, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
            fs::set_permissions(&ask, fs::Permissions::from_mode(0o700)).unwrap();
            let mut world = desk.world();
            world.environment.push(("SSH_ASKPASS".into(), ask.into()));
            world.environment.push(("SSH_ASKPASS_REQUIRE".into(), "force".into()));
            let found = sign(&world, STATEMENT, Key::File(&file), wanted(&anna, Strength::Signature));
            match found {
                Ok(signature) => assert!(signs && anna.verify(STATEMENT, &signature, now()).is_ok()),
                Err(SignError::Failed(words)) => {
                    assert!(
                        !signs && (words.contains("incorrect passphrase") || words.contains("says why above")),
                        "{words}"
                    );
                }
                Err(other) => panic!("{other}"),
            }
        }
    }

    #[test]
    fn the_first_key_of_the_agent_that_is_an_approvers_signs() {
        let mut desk = Desk::new();
        desk.key("stranger", "ed25519", "");
        let (ben, anna) = (desk.key("ben", "ecdsa", ""), desk.key("anna", "ed25519", ""));
        desk.agent(&["stranger", "ben", "anna"]);
        // The agent alone has the private halves.
        for name in ["stranger", "ben", "anna"] {
            fs::remove_file(desk.path(name)).unwrap();
        }
        let before = desk.names();
        let both = approvers(&[("anna", &anna), ("ben", &ben)]);
        let signature = sign(&desk.world(), STATEMENT, Key::Agent, wanted(&both, Strength::Signature)).unwrap();
        assert_eq!(both.verify(STATEMENT, &signature, now()).unwrap().name(), "ben");
        let only = approvers(&[("anna", &anna)]);
        let signature = sign(&desk.world(), STATEMENT, Key::Agent, wanted(&only, Strength::Signature)).unwrap();
        assert_eq!(only.verify(STATEMENT, &signature, now()).unwrap().name(), "anna");
        let file = desk.path("anna.pub");
        let signature = sign(&desk.world(), STATEMENT, Key::File(&file), wanted(&both, Strength::Signature)).unwrap();
        assert_eq!(both.verify(STATEMENT, &signature, now()).unwrap().name(), "anna");
        assert_eq!(desk.names(), before);
    }

    #[test]
    fn an_agent_without_a_key_that_may_approve_is_told_from_no_agent() {
        let mut desk = Desk::new();
        let anna = approvers(&[("anna", &desk.key("anna", "ed25519", ""))]);
        desk.key("ben", "ed25519", "");
        let found = |desk: &Desk| {
            sign(&desk.world(), STATEMENT, Key::Agent, wanted(&anna, Strength::Signature)).unwrap_err().to_string()
        };
        assert_eq!(found(&desk), "no ssh-agent: `SSH_AUTH_SOCK` is not set");
        desk.agent(&[]);
        assert_eq!(found(&desk), "the ssh-agent holds no keys");
        desk.add("ben");
        assert_eq!(found(&desk), "none of the 1 keys of the ssh-agent may approve this");
        let agent = desk.agent.as_mut().unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
        let gone = found(&desk);
        assert!(gone.starts_with("the ssh-agent does not answer: ") && gone.contains("connecting"), "{gone}");
    }

    #[test]
    fn a_key_weaker_than_what_is_wanted_or_no_longer_valid_is_not_chosen() {
        let mut desk = Desk::new();
        let anna = desk.key("anna", "ed25519", "");
        desk.agent(&["anna"]);
        let strong = approvers(&[("anna", &anna)]);
        let found = sign(&desk.world(), STATEMENT, Key::Agent, wanted(&strong, Strength::SecurityKey));
        assert!(matches!(found, Err(SignError::NoneMay { held: 1, least: Strength::SecurityKey })), "{found:?}");
        let expired = Signers::parse(&format!("anna valid-before=\"20260101Z\" {anna}"), "approvers").unwrap();
        let found = sign(&desk.world(), STATEMENT, Key::Agent, wanted(&expired, Strength::Signature));
        assert!(matches!(found, Err(SignError::NoneMay { held: 1, least: Strength::Signature })), "{found:?}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let desk = Desk::new();
        let nobody = Signers::default();
        let nowhere = Tools { world: &desk.world(), places: &[desk.folder.path()] };
        let found = nowhere.sign(STATEMENT, Key::Agent, wanted(&nobody, Strength::Signature)).unwrap_err();
        assert_eq!(found.to_string(), "`ssh-keygen` is not installed: it is in none of /usr/bin, /bin, /usr/local/bin");
        assert_eq!(found.help().as_deref(), Some("install the package `openssh-client`"));
        let file = desk.path("none");
        let found = sign(&desk.world(), STATEMENT, Key::File(&file), wanted(&nobody, Strength::Signature)).unwrap_err();
        assert_eq!(found.to_string(), format!("no file `{}` to sign with", file.display()));
        fs::write(&file, "no key\n").unwrap();
        let found = sign(&desk.world(), STATEMENT, Key::File(&file), wanted(&nobody, Strength::Signature)).unwrap_err();
        assert!(matches!(found, SignError::Failed(_)), "{found}");
    }

    /// What the test below looks at: one signature, asked for at the terminal of `script`.
    #[test]
    fn prompted_one() {
        let Some(folder) = std::env::var_os("GUARD_TEST_PROMPTED").map(PathBuf::from) else { return };
        let world = World::new(std::env::vars_os().collect(), folder.clone());
        let nobody = Signers::default();
        let found = sign(&world, STATEMENT, Key::File(&folder.join("anna")), wanted(&nobody, Strength::Signature));
        let modes = rustix::termios::tcgetattr(std::io::stdin()).unwrap().local_modes;
        eprintln!("[{}]", found.map_or_else(|error| error.to_string(), |text| text.replace('\n', "|")));
        eprintln!("[echo {}]", modes.contains(rustix::termios::LocalModes::ECHO));
    }

    #[test]
    fn a_passphrase_is_typed_at_the_terminal_and_an_interrupt_leaves_the_terminal_as_it_was() {
        let desk = Desk::new();
        let anna = approvers(&[("anna", &desk.key("anna", "ed25519", "right one"))]);
        let before = desk.names();
        let program = std::env::current_exe().unwrap();
        // `exec`: a shell that stays between would die of the interrupt itself, where it does not ignore it.
        let line = format!(
            "exec env --default-signal=INT {} --exact door::cli::sign::tests::prompted_one --nocapture",
            program.display()
        );
        for (typed, says) in [("right one\n", "[-----BEGIN"), ("\u{3}", "[interrupted: nothing was signed]")] {
            let mut script = Command::new("script")
                .args(["-qec", &line, "/dev/null"])
                .env("GUARD_TEST_PROMPTED", desk.folder.path())
                .env_remove("SSH_ASKPASS")
                .env_remove("SSH_ASKPASS_REQUIRE")
                .env_remove("SSH_AUTH_SOCK")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let (mut stdin, mut stdout) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
            let mut told = String::new();
            let mut some = [0; 1024];
            while !told.contains("passphrase") {
                let count = stdout.read(&mut some).unwrap();
                assert!(count > 0, "{told}");
                told.push_str(&String::from_utf8_lossy(&some[..count]));
            }
            // The prompt is there a moment before echo is off.
            std::thread::sleep(Duration::from_millis(300));
            stdin.write_all(typed.as_bytes()).unwrap();
            stdout.read_to_string(&mut told).unwrap();
            assert!(script.wait().unwrap().success(), "{told}");
            assert!(told.contains(says) && told.contains("[echo true]"), "{told}");
            assert!(!told.contains("right one"), "the passphrase is not echoed: {told}");
            if let Some((signature, _)) = told.split_once("[-----").and_then(|(_, rest)| rest.split_once(']')) {
                let signature = format!("-----{}", signature.replace('|', "\n"));
                assert_eq!(anna.verify(STATEMENT, &signature, now()).unwrap().name(), "anna");
            }
        }
        assert_eq!(desk.names(), before);
    }

    #[test]
    fn a_program_of_the_callers_path_or_preload_is_not_run() {
        let desk = Desk::new();
        let fake = desk.path("ssh-keygen");
        fs::write(&fake, "#!/bin/sh\necho fake\n").unwrap();
        fs::set_permissions(&fake, fs::Permissions::from_mode(0o700)).unwrap();
        let mut world = desk.world();
        world.environment.push(("PATH".into(), desk.folder.path().into()));
        world.environment.push(("LD_PRELOAD".into(), desk.path("evil.so").into()));
        let tools = Tools { world: &world, places: &PLACES.map(Path::new) };
        let command = tools.command("ssh-keygen").unwrap();
        assert!(PLACES.iter().any(|place| Path::new(command.get_program()).starts_with(place)));
        let passed: Vec<_> = command.get_envs().filter(|(name, _)| *name == "PATH" || *name == "LD_PRELOAD").collect();
        assert_eq!(passed, [(OsStr::new("PATH"), Some(OsStr::new("/usr/bin:/bin:/usr/local/bin")))]);
    }
}
