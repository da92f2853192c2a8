//! The list of approvers: adding to it and taking from it, which after the first takes an approver's own signature.
//! Knows no terminals and makes no signatures: doors do.

use super::person::Proof;
use super::{Project, Stop, World, entries, policy, secrets, signers, stored, trust};
use crate::approve::ssh::{Signers, line, with, without};
use crate::approve::{Decision, Statement, Strength};
use crate::event::line::hex;
use crate::event::{By, Detail};
use crate::record::Log;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// Who may approve here, and where their own list lies.
#[derive(Debug)]
pub struct Approvers {
    /// Everybody, the machine's first.
    pub signers: Signers,
    /// The person's list.
    pub path: PathBuf,
    project: Option<Project>,
}

/// A change of the list that somebody must agree to.
#[derive(Debug)]
pub struct Revision {
    /// What is agreed to.
    pub statement: Statement,
    /// The least that takes.
    pub required: Strength,
    /// Everybody who may agree.
    pub approvers: Approvers,
    text: String,
    detail: (String, Vec<String>, bool),
}

/// Reads who may approve: in a project as its commands are judged, elsewhere for this user.
pub fn approvers(world: &World, from: &std::path::Path) -> Result<Approvers, Stop> {
    let project = match Project::find(world, from) {
        Ok(project) => Some(project),
        Err(Stop::NoProject { .. } | Stop::NotInitialised { .. }) => None,
        Err(stop) => return Err(stop),
    };
    let state_root = world.state_root().ok_or(Stop::NoHome)?;
    if crate::execute::sandbox::inside(&state_root) {
        return Err(Stop::Fenced);
    }
    let own = project.as_ref().and_then(|project| project.config_root.clone());
    let root = own.or_else(|| world.config_root()).ok_or(Stop::NoHome)?;
    Ok(Approvers { signers: signers::load(Some(&root))?, path: signers::own_list(&root), project })
}

/// What adding a key would make of the list; `key`: the text of a `.pub` file.
pub fn add_approver(world: &World, from: &std::path::Path, name: &str, key: &str) -> Result<Revision, Stop> {
    let usage = |what: String, help: &str| Stop::Usage { what, help: help.to_owned() };
    let added = line(name, key).map_err(|error| usage(error.to_string(), error.help()))?;
    let approvers = approvers(world, from)?;
    let parsed = Signers::parse(&added, "KEY").map_err(|faults| Stop::Signers { faults })?;
    let keys: Vec<String> = parsed.iter().map(|signer| signer.fingerprint()).collect();
    if let Some(known) = approvers.signers.iter().find(|signer| keys.contains(&signer.fingerprint())) {
        let what = format!("that key is an approver's already: `{}` ({})", known.name(), known.place());
        return Err(usage(what, "remove it first, if it is to have another name"));
    }
    revision(approvers, name, keys, true, |text| with(text, &added))
}

/// What taking away a name would make of the list.
pub fn remove_approver(world: &World, from: &std::path::Path, name: &str) -> Result<Revision, Stop> {
    let approvers = approvers(world, from)?;
    let own = super::shown(&approvers.path);
    let (mine, others): (Vec<_>, Vec<_>) = approvers
        .signers
        .iter()
        .filter(|signer| signer.name() == name)
        .partition(|signer| signer.place().starts_with(&own));
    let keys: Vec<String> = mine.iter().map(|signer| signer.fingerprint()).collect();
    if keys.is_empty() {
        let (what, help) = match others.first() {
            Some(other) => (
                format!("`{}` is the machine's approver ({})", super::shown(name.as_ref()), other.place()),
                "root changes that list",
            ),
            None => {
                (format!("no approver is called `{}`", super::shown(name.as_ref())), "`guard approver list` names them")
            }
        };
        return Err(Stop::Usage { what, help: help.into() });
    }
    revision(approvers, name, keys, false, |text| without(text, name).0)
}

fn revision(
    approvers: Approvers,
    name: &str,
    keys: Vec<String>,
    added: bool,
    change: impl Fn(&str) -> String,
) -> Result<Revision, Stop> {
    let own = rustix::process::geteuid().as_raw();
    let old = policy::read_layer(&approvers.path, own)?.unwrap_or_default();
    let text = change(&old);
    let hash = |text: &str| hex(&Sha256::digest(text));
    let statement = Statement::of_approvers(name, hash(&old), hash(&text), rustix::process::getuid().as_raw());
    let required = if approvers.signers.is_empty() { Strength::Terminal } else { Strength::Signature };
    Ok(Revision { statement, required, approvers, text, detail: (name.to_owned(), keys, added) })
}

/// Makes the change, if the proof holds, and records it where that is in a project.
pub fn revise_approvers(world: &World, revision: Revision, proof: Proof) -> Result<(), Stop> {
    let Revision { statement, required, approvers, text, detail: (name, keys, added) } = revision;
    let by = match proof {
        Proof::Terminal if required == Strength::Terminal => By {
            who: format!("uid {}", rustix::process::getuid().as_raw()),
            strength: Strength::Terminal.name().into(),
            key: None,
            signature: None,
        },
        Proof::Terminal => {
            return Err(Stop::TooWeak { given: Strength::Terminal.name(), required: required.name() });
        }
        Proof::Signature(signature) => {
            signers::verified(&approvers.signers, &statement, Decision::Approve, &signature)?
        }
    };
    if let Some(folder) = approvers.path.parent() {
        stored::folder(folder)?;
    }
    trust::keep(&approvers.path, text.as_bytes())?;
    let Some(project) = approvers.project else { return Ok(()) };
    let mut log = Log::open(&project.paths).map_err(Stop::Log)?;
    let redactor = secrets::redactor(world, &project, log.tag_key())?;
    let target = format!("{name} {}", keys.join(" "));
    let detail = Detail::ApproverChanged { name, keys, added, by };
    let action = if added { "ADD" } else { "REMOVE" };
    log.append(&redactor, vec![entries::approval(action, &target, "SUCCESS", detail)]).map_err(Stop::Log)?;
    Ok(())
}
