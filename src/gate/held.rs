//! Changes that wait for a person: kept as they were read, under the name of their request, until they are brought in.
//! What a person approves is this copy. Knows no approvals.

use super::origin::Origin;
use super::project::shown;
use super::stored::{carried, folder, uncarried};
use super::{Project, Stop, trust};
use crate::action::ChangeSet;
use crate::decide::policy::Writes;
use crate::event::Requests;
use crate::event::line::hex;
use crate::execute::change::{Journal, Kept, Transaction, remove_folder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The kind of their requests.
pub(super) const KIND: &str = "change";
/// Their list, and what is known of them besides.
const LIST: &str = "list.json";
const ABOUT: &str = "about.json";

/// Changes that are kept for a person.
pub(super) struct Held {
    /// What would change.
    pub(super) set: ChangeSet,
    /// What is known of them besides.
    pub(super) about: About,
    /// SHA-256 of `about`, which holds that of the list, which holds that of every file.
    pub(super) content: String,
    /// Where the new contents lie, by the paths of the set.
    pub(super) upper: PathBuf,
}

/// What is known of kept changes besides the list of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    v: u32,
    /// SHA-256 of the list.
    list: String,
    /// What the command might write.
    pub(super) area: Writes,
    /// Sequence number of its start; `None`: no command made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) of: Option<u64>,
    command: String,
    /// Why the caller wanted it.
    pub(super) reason: Option<String>,
    /// What the caller called the task.
    pub(super) task: Option<String>,
    /// Rules that asked of the command itself and were answered.
    pub(super) answered: Vec<String>,
}

impl About {
    /// Of changes from `origin`.
    pub(super) fn new(origin: &Origin<'_>) -> Self {
        let Origin { text, of, area, answered, caller, file: _ } = origin;
        Self {
            v: 1,
            list: String::new(),
            area: *area,
            of: *of,
            command: carried(text.as_ref()),
            reason: caller.reason.map(str::to_owned),
            task: caller.task.map(str::to_owned),
            answered: answered.clone(),
        }
    }

    /// The command that made them.
    pub(super) fn command(&self) -> OsString {
        uncarried(&self.command)
    }
}

/// Keeps what a transaction holds under a request's name, durably; the hash that stands for it.
pub(super) fn keep(
    project: &Project,
    name: &str,
    transaction: Transaction,
    list: &Journal,
    about: &About,
) -> Result<String, Stop> {
    let all = project.paths.state.join("held");
    folder(&all)?;
    let to = all.join(name);
    let (list, hash) = list.written();
    let (about, content) = written(&About { list: hash, ..about.clone() });
    // A guard that was killed before its record may have left one of that name, which nobody knows.
    let _none = remove_folder(&to);
    let Kept { folder: from, lock: _held } = transaction.keep();
    let moved =
        trust::keep(&from.join(LIST), &list).and_then(|()| trust::keep(&from.join(ABOUT), &about)).and_then(|()| {
            std::fs::rename(&from, &to)
                .and_then(|()| std::fs::File::open(&all)?.sync_all())
                .map_err(|e| trouble(&to, &e))
        });
    if moved.is_err() {
        let _ = remove_folder(&from);
    }
    moved.map(|()| content)
}

fn written(about: &About) -> (Vec<u8>, String) {
    let bytes = serde_json::to_vec(about).unwrap_or_default();
    let hash = hex(&Sha256::digest(&bytes));
    (bytes, hash)
}

/// What is kept under a request's name, whole; `None`: nothing is, or it is not what was kept.
pub(super) fn load(project: &Project, name: &str) -> Result<Option<Held>, Stop> {
    let folder = place(project, name);
    let bytes = match std::fs::read(folder.join(ABOUT)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(trouble(&folder, &error)),
    };
    let Ok(about) = serde_json::from_slice::<About>(&bytes) else { return Ok(None) };
    let Ok((list, hash)) = Journal::read(&folder.join(LIST)) else { return Ok(None) };
    let Some(set) = list.set().filter(|_| hash == about.list) else { return Ok(None) };
    Ok(Some(Held { set, about, content: hex(&Sha256::digest(&bytes)), upper: folder.join("upper") }))
}

/// Removes what is kept for requests that are not open: left by a guard that was stopped between its record and the removal.
/// Whoever calls holds the log's lock, under which such changes are kept.
pub(super) fn sweep(project: &Project, requests: &Requests) {
    let Ok(entries) = std::fs::read_dir(project.paths.state.join("held")) else { return };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        if requests.open(&name).is_none() {
            erase(project, &name);
        }
    }
}

/// Removes what is kept under a request's name. What stays behind is of no use: its request is done with.
pub(super) fn erase(project: &Project, name: &str) {
    if let Err(error) = remove_folder(&place(project, name)) {
        tracing::warn!(%error, name, "kept changes are not removed");
    }
}

fn place(project: &Project, name: &str) -> PathBuf {
    project.paths.state.join("held").join(name)
}

fn trouble(path: &Path, error: &io::Error) -> Stop {
    Stop::System { what: format!("cannot keep changes in `{}`", shown(path)), cause: error.to_string() }
}
