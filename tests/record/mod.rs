//! The audit log on a real file system: created, appended, reopened, damaged, and read back.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at the first surprise"
)]

mod append;
mod audit;
mod damage;
mod docs;
mod faults;
mod full;
mod texts;

use guard::event::line;
use guard::event::{Detail, Entry, Human};
use guard::record::verify::{Proof, Report, verify};
use guard::record::{Key, LOG_NAME, Log, Paths, Redactor, Secrets, create};
use std::path::PathBuf;
use tempfile::TempDir;

/// A project with a log of its own in a temporary folder.
struct Ground {
    _folder: TempDir,
    state_root: PathBuf,
    project: PathBuf,
    paths: Paths,
    seed: [u8; 32],
}

impl Ground {
    fn new() -> Ground {
        Ground::unmade().make()
    }

    /// Without its log.
    fn unmade() -> Ground {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        let state_root = folder.path().join("state/guard");
        std::fs::create_dir_all(&project).unwrap();
        let log = project.join(LOG_NAME);
        let paths = Paths { log, state: PathBuf::new() };
        Ground { _folder: folder, state_root, project, paths, seed: [0; 32] }
    }

    fn make(mut self) -> Ground {
        let created = create(&self.state_root, &self.project, &self.paths.log, "policy-hash").unwrap();
        self.seed = line::unhex(created.seed.as_bytes()).unwrap();
        self.paths.state = created.state;
        self
    }

    fn open(&self) -> Log {
        Log::open(&self.paths).unwrap()
    }

    /// The log with its state rebuilt from all records.
    fn refolded(&self) -> Log {
        for name in ["snapshot.0", "snapshot.1"] {
            let _ = std::fs::remove_file(self.paths.state.join(name));
        }
        self.open()
    }

    fn key(&self) -> Key {
        Key::new(self.seed)
    }

    fn verify(&self) -> Report {
        self.verify_with(true)
    }

    fn verify_with(&self, seed: bool) -> Report {
        let Paths { log, state } = self.paths.clone();
        verify(&Proof { log, state: Some(state), seed: seed.then(|| self.key()), head: None, workers: 2 }).unwrap()
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.paths.log).unwrap()
    }

    fn text_lossy(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.paths.log).unwrap()).into_owned()
    }
}

fn plain(log: &Log) -> Redactor {
    Redactor::new(log.tag_key(), Secrets::default())
}

fn note(text: &str) -> Entry {
    Entry {
        human: Human::Labelled { label: "RETURN_CODE".into(), text: text.into() },
        detail: Detail::ReturnCode { of: 1 },
    }
}

fn start(command: &str) -> Entry {
    Entry {
        human: Human::Labelled { label: "SHELL_EXEC".into(), text: command.into() },
        detail: Detail::ShellStart {
            rules: Vec::new(),
            policy: "policy-hash".into(),
            cwd: ".".into(),
            asked: None,
            task: None,
            reason: None,
            timeout_ms: 60_000,
            observed: false,
            composition: None,
            approval: None,
            step: None,
        },
    }
}

/// All plain files below a folder.
fn walk(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}
