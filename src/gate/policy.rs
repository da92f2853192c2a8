//! Reading the policy's layers, with the rules of trust, and keeping its compiled form.
//! Knows nothing of what a policy means.

use super::owned::{self, Unfit};
use super::{Project, Stop, trust};
use crate::decide::policy::{Change, Rows, difference};
use crate::decide::{Layer, Policy, Source, examined};
use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// Bytes of the longest policy file.
const LONGEST: u64 = 1 << 20;

/// The policy in force for a project: every layer, the project's only as it was trusted.
pub fn load(project: &Project) -> Result<Policy, Stop> {
    let sources = layers(project)?;
    let hash = Policy::hash_of(&sources);
    let cached = project.paths.state.join("policy").join(&hash);
    if let Some(policy) = Compiled::open(&cached).and_then(|rows| Policy::from_compiled(Arc::new(rows)).ok())
        && policy.hash() == hash
    {
        return Ok(policy);
    }
    let policy = build(&sources)?;
    // A cache that cannot be written costs time, not safety.
    if let Err(error) = keep_compiled(&cached, &policy) {
        tracing::warn!(%error, "the compiled policy is not kept");
    }
    Ok(policy)
}

/// The file of a compiled policy; never changed, only replaced.
#[derive(Debug)]
struct Compiled {
    file: fs::File,
    length: u64,
}

impl Compiled {
    fn open(path: &Path) -> Option<Self> {
        // A pipe in its place is not waited for; one has no length, so it is replaced.
        let file = fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).ok()?;
        let length = file.metadata().ok()?.len();
        Some(Self { file, length })
    }
}

impl Rows for Compiled {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, from: u64, buffer: &mut [u8]) -> bool {
        self.file.read_exact_at(buffer, from).is_ok()
    }
}

/// Loads and checks sources whole: syntax, meaning and every rule's own examples.
pub fn build(sources: &[Source]) -> Result<Policy, Stop> {
    examined(sources).map_err(|faults| Stop::PolicyInvalid { faults })
}

/// What changed between the trusted text and the one that stands there, as `+` and `-` lines.
pub(super) fn changes(known: &[u8], text: &str) -> String {
    let known = String::from_utf8_lossy(known);
    let mut lines = String::new();
    for change in difference(&known, text) {
        let (sign, line) = match change {
            Change::Same(_) => continue,
            Change::Removed(line) => ('-', line),
            Change::Added(line) => ('+', line),
        };
        lines.push_str(&format!("  {sign}{}\n", crate::event::line::printable(line)));
    }
    if lines.is_empty() { "  only line endings or the end of the file\n".into() } else { lines }
}

/// Every layer's text. The project's file is compared with its trusted copy byte by byte.
pub fn layers(project: &Project) -> Result<Vec<Source>, Stop> {
    let mut sources = outer_layers(project.config_root.as_deref())?;
    let text = project_text(&project.root)?;
    let known = trust::trusted(&project.paths.state)?.unwrap_or_default();
    if known != text.as_bytes() {
        return Err(Stop::Untrusted { difference: changes(&known, &text) });
    }
    sources.push(Source { layer: Layer::Project, name: super::POLICY_FILE.into(), text });
    Ok(sources)
}

/// The machine's and the person's layers, where there are any.
pub fn outer_layers(config_root: Option<&Path>) -> Result<Vec<Source>, Stop> {
    let machine = Path::new(super::world::MACHINE).join("policy.toml");
    let mut sources = Vec::new();
    if let Some(text) = read_layer(&machine, 0)? {
        sources.push(Source { layer: Layer::Machine, name: machine.display().to_string(), text });
    }
    if let Some(root) = config_root {
        let path = root.join("policy.toml");
        let own = rustix::process::geteuid().as_raw();
        if let Some(text) = read_layer(&path, own)? {
            sources.push(Source { layer: Layer::Person, name: super::project::shown(&path), text });
        }
    }
    Ok(sources)
}

/// The project's `guard.toml` as it stands.
pub fn project_text(root: &Path) -> Result<String, Stop> {
    policy_text(&root.join(super::POLICY_FILE))
}

/// A policy file's text. It must be a plain file with one name: through a second one, or through what a link points
/// to, a command could change it. A pipe is not waited for, and nothing endless is read.
pub fn policy_text(path: &Path) -> Result<String, Stop> {
    let fault = |cause: String| Stop::PolicyUnreadable { path: path.to_owned(), cause };
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW);
    let file = options.open(path).map_err(|error| fault(error.to_string()))?;
    let found = file.metadata().map_err(|error| fault(error.to_string()))?;
    if !found.is_file() {
        return Err(fault("it is not a plain file".into()));
    }
    if found.nlink() != 1 {
        return Err(fault(format!(
            "it has {} names (hard links), so a command could change it by another",
            found.nlink()
        )));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len().min(LONGEST)).unwrap_or_default() + 1);
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| fault(error.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(fault(format!("it is larger than {LONGEST} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| fault(format!("not UTF-8 from byte {}", error.utf8_error().valid_up_to())))
}

/// A layer's text, if it is there and its owner's alone.
pub(super) fn read_layer(path: &Path, owner: u32) -> Result<Option<String>, Stop> {
    owned::text(path, owner).map_err(|unfit| match unfit {
        Unfit::Unreadable(cause) => Stop::PolicyUnreadable { path: path.to_owned(), cause },
        Unfit::Loose(cause) => Stop::LoosePolicy { path: path.to_owned(), cause },
    })
}

fn keep_compiled(path: &Path, policy: &Policy) -> Result<(), Stop> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .map_err(|error| Stop::System { what: "cannot make the policy cache".into(), cause: error.to_string() })?;
    }
    trust::keep(path, &policy.compile())
}
