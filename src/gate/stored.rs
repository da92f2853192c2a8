//! The stored copy of a request: exactly what would be done, kept whole in the state folder until it is used. What a person
//! approves is this copy, and it is what runs.
//! Knows no approvals.

use super::grants::{environment, writable};
use super::{Project, Request, Stop, Waiting, World, held, trust};
use crate::action::shell::Asked;
use crate::action::{Facts, Found};
use crate::event::line::{carry, hex, uncarry};
use crate::record::TagKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Files that are listed of those whose content is bound to an approval, and bytes of each that are read.
const FILES: usize = 64;
const LONGEST: u64 = 256 << 20;

/// A command as it was asked. Texts carry any bytes, as the log's do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    v: u32,
    /// Never the same twice, so that the hash of a copy tells nothing of what it holds.
    salt: String,
    argv: Option<Vec<String>>,
    line: Option<String>,
    cwd: String,
    timeout_ms: Option<u64>,
    task: Option<String>,
    reason: Option<String>,
    /// What the command finds in its environment, values as well.
    environment: Vec<(String, String)>,
    /// Hash of the policy that asks.
    policy: String,
    /// Program words, and the files they were found as.
    programs: BTreeMap<String, String>,
    /// Plain files that it names and that a command could change, and SHA-256 of each.
    files: BTreeMap<String, String>,
}

impl Stored {
    /// What would be stored of a request.
    pub(super) fn of(
        world: &World,
        request: &Request,
        granted: &[String],
        policy: &str,
        facts: &Facts,
        salt: String,
    ) -> Stored {
        let (argv, line) = match &request.asked {
            Asked::Argv(argv) => (Some(argv.iter().map(|word| carried(word)).collect()), None),
            Asked::Line(line) => (None, Some(carried(line))),
        };
        let passed: BTreeSet<OsString> =
            environment(world, granted).variables.into_iter().map(|(name, _)| name).collect();
        let variables = world.environment.iter().filter(|(name, _)| passed.contains(name));
        let mut stored = Stored {
            v: 1,
            salt,
            argv,
            line,
            cwd: carried(world.cwd.as_os_str()),
            timeout_ms: request.timeout.and_then(|limit| u64::try_from(limit.as_millis()).ok()),
            task: request.task.clone(),
            reason: request.reason.clone(),
            environment: variables.map(|(name, value)| (carried(name), carried(value))).collect(),
            policy: policy.to_owned(),
            programs: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        (stored.programs, stored.files) = bound(facts);
        stored
    }

    /// What makes two requests the same, whoever asks them and why.
    pub(super) fn same(&self, key: &TagKey) -> String {
        let asked = (&self.argv, &self.line, &self.cwd, self.timeout_ms, &self.task, &self.policy);
        key.seal(&serde_json::to_vec(&asked).unwrap_or_default())
    }

    /// Whether programs, files and policy are still what they were.
    pub(super) fn holds(&self, policy: &str, facts: &Facts) -> bool {
        let (programs, files) = bound(facts);
        self.policy == policy && self.programs == programs && self.files == files
    }

    /// The request it holds.
    pub(super) fn request(&self) -> Request {
        let asked = match (&self.argv, &self.line) {
            (Some(argv), _) => Asked::Argv(argv.iter().map(|word| uncarried(word)).collect()),
            (None, line) => Asked::Line(uncarried(line.as_deref().unwrap_or_default())),
        };
        Request {
            asked,
            timeout: self.timeout_ms.map(Duration::from_millis),
            task: self.task.clone(),
            reason: self.reason.clone(),
            waiting: None::<Waiting>,
            dry_run: false,
            step: None,
        }
    }

    /// The world it was asked in.
    pub(super) fn world(&self) -> World {
        let environment = self.environment.iter().map(|(name, value)| (uncarried(name), uncarried(value)));
        World::new(environment.collect(), PathBuf::from(uncarried(&self.cwd)))
    }

    /// Names of the variables it would find, without their values.
    pub(super) fn variables(&self) -> Vec<String> {
        self.environment.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Files whose content it is bound to.
    pub(super) fn files(&self) -> impl Iterator<Item = &String> {
        self.files.keys()
    }

    /// Its bytes, and their hash.
    pub(super) fn written(&self) -> (Vec<u8>, String) {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        let hash = hex(&Sha256::digest(&bytes));
        (bytes, hash)
    }

    /// Keeps it under a request's name, durably.
    pub(super) fn keep(&self, project: &Project, name: &str) -> Result<String, Stop> {
        keep_bytes(project, name, &self.written().0)
    }

    /// The stored copy of a request and the hash of its bytes; `None`: there is none.
    pub(super) fn load(project: &Project, name: &str) -> Result<Option<(Stored, String)>, Stop> {
        let Some((bytes, hash)) = bytes(project, name)? else { return Ok(None) };
        let stored = serde_json::from_slice(&bytes).map_err(|error| Stop::System {
            what: format!("cannot read `{}`", super::shown(&path(project, name))),
            cause: error.to_string(),
        })?;
        Ok(Some((stored, hash)))
    }

    /// Erases what a rule allows by now and nobody ran within the time a request waits.
    pub(super) fn erase_old(project: &Project, name: &str, after: Duration) {
        let made = std::fs::metadata(path(project, name)).and_then(|found| found.modified());
        if made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > after)) {
            Stored::erase(project, name);
        }
    }

    /// Erases what is kept under a name. What stays behind is of no use: its request is done with.
    pub(super) fn erase(project: &Project, name: &str) {
        if name.starts_with(held::KIND) {
            return held::erase(project, name);
        }
        // What was run, or not, can be looked at later.
        if super::migration::is_named(name) {
            return;
        }
        if let Err(error) = std::fs::remove_file(path(project, name)) {
            tracing::warn!(%error, name, "a stored request is not erased");
        }
    }
}

/// Keeps bytes under a request's name, durably; their hash.
pub(super) fn keep_bytes(project: &Project, name: &str, bytes: &[u8]) -> Result<String, Stop> {
    folder(&project.paths.state.join("requests"))?;
    trust::keep(&path(project, name), bytes)?;
    Ok(hex(&Sha256::digest(bytes)))
}

/// What is kept under a request's name, and its hash; `None`: nothing.
pub(super) fn bytes(project: &Project, name: &str) -> Result<Option<(Vec<u8>, String)>, Stop> {
    let path = path(project, name);
    match std::fs::read(&path) {
        Ok(bytes) => {
            let hash = hex(&Sha256::digest(&bytes));
            Ok(Some((bytes, hash)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Stop::System { what: format!("cannot read `{}`", super::shown(&path)), cause: error.to_string() })
        }
    }
}

/// A folder of the state that only this user may enter.
pub(super) fn folder(path: &Path) -> Result<(), Stop> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Stop::System {
        what: format!("cannot make `{}`", super::shown(path)),
        cause: error.to_string(),
    })
}

fn path(project: &Project, name: &str) -> PathBuf {
    project.paths.state.join("requests").join(format!("{name}.json"))
}

/// The programs an action names, as they were found, and the files it names that a command could have changed meanwhile.
fn bound(facts: &Facts) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let places = writable(&facts.project);
    let (mut programs, mut files) = (BTreeMap::new(), BTreeSet::new());
    for (word, found) in &facts.programs {
        let found = match found {
            Found::Program(program) => {
                files.insert(program.real.clone());
                carried(program.real.as_os_str())
            }
            Found::Missing => "missing".to_owned(),
            Found::Unusable(_) => "unusable".to_owned(),
        };
        programs.insert(word.clone(), found);
    }
    files.extend(facts.paths.values().cloned());
    files.retain(|file| places.iter().any(|place| file.starts_with(place)));
    let mut hashes = files.iter().filter_map(|file| Some((carried(file.as_os_str()), hash(file)?)));
    let mut named: BTreeMap<String, String> = hashes.by_ref().take(FILES).collect();
    // What is too much to be listed is bound all the same.
    let (mut rest, mut more) = (Sha256::new(), 0_u64);
    for (path, hash) in hashes {
        more += 1;
        rest.update(format!("{path}\0{hash}\0"));
    }
    if more > 0 {
        named.insert(format!("and {more} more"), hex(&rest.finalize()));
    }
    (programs, named)
}

/// SHA-256 of a plain file, or of what tells it apart where it is too large to be read; `None`: no plain file.
fn hash(path: &Path) -> Option<String> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).ok()?;
    let found = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    if found.len() > LONGEST {
        // Its time of change, which no program can set.
        return Some(format!("{} bytes, {}, {}.{}", found.len(), found.ino(), found.ctime(), found.ctime_nsec()));
    }
    let (mut hash, mut buffer, mut file) = (Sha256::new(), vec![0; 64 * 1024], file.take(LONGEST));
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(hex(&hash.finalize())),
            got => hash.update(buffer.get(..got)?),
        }
    }
}

pub(super) fn carried(text: &OsStr) -> String {
    carry(text.as_bytes()).into_owned()
}

pub(super) fn uncarried(text: &str) -> OsString {
    OsString::from_vec(uncarry(text))
}
