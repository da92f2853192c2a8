//! Making a folder a project, and trusting its policy: what only a person does, outside every fence.
//! Knows no questions and no terminals: doors ask.

use super::{POLICY_FILE, Project, Stop, World, entries, policy, project, secrets, trust};
use crate::decide::policy::PRESETS;
use crate::decide::{Layer, Source};
use crate::record::{self, Created, LOG_NAME, Log, Paths};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The `guard.toml` that `guard init` writes, with `{preset}` and `{observe}` to fill in.
const TEMPLATE: &str = include_str!("../../policy/guard.toml.in");

/// What a new project is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Name of the preset it extends.
    pub preset: String,
    /// Whether what would be asked is run.
    pub observe: bool,
}

/// What `init` found or made.
#[derive(Debug)]
pub enum Initialised {
    /// It was a project before: nothing changed.
    Already {
        /// The project's root.
        root: PathBuf,
    },
    /// A new project.
    Fresh {
        /// Its root, without symbolic links.
        root: PathBuf,
        /// The log's name.
        log_id: String,
        /// The log's seed in hex: to be shown once and kept nowhere here.
        seed: String,
        /// Whether a `guard.toml` was there already.
        policy_kept: bool,
        /// Whether git was told to leave the log alone.
        excluded: bool,
    },
}

/// Makes `root` a project. A `guard.toml` that is there is kept and trusted as it stands.
pub fn init(world: &World, root: &Path, setup: &Setup) -> Result<Initialised, Stop> {
    let folder = |error: std::io::Error| Stop::Folder { path: root.to_owned(), cause: error.to_string() };
    let state_root = world.state_root().ok_or(Stop::NoHome)?;
    if crate::execute::sandbox::inside(&state_root) {
        return Err(Stop::Fenced);
    }
    let preset =
        TEMPLATE.replace("{preset}", &setup.preset).replace("{observe}", if setup.observe { "true" } else { "false" });
    if !PRESETS.iter().any(|preset| preset.name == setup.preset) {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        return Err(Stop::Usage {
            what: format!("no preset is called `{}`", project::shown(Path::new(&setup.preset))),
            help: format!("there are: {}", names.join(", ")),
        });
    }
    fs::create_dir_all(root).map_err(folder)?;
    let root = fs::canonicalize(root).map_err(folder)?;
    let policy_file = root.join(POLICY_FILE);
    let policy_kept = policy_file.symlink_metadata().is_ok();
    let config_root = world.config_root();
    if let Ok(paths) = record::find(&state_root, &root)
        && policy_kept
        && paths.log.symlink_metadata().is_ok()
        && trust::trusted(&paths.state)?.is_some()
    {
        return Ok(Initialised::Already { root });
    }
    let text = if policy_kept { policy::project_text(&root)? } else { preset };
    let mut sources = policy::outer_layers(config_root.as_deref())?;
    sources.push(Source { layer: Layer::Project, name: POLICY_FILE.into(), text: text.clone() });
    let checked = policy::build(&sources)?;

    // The log last: with it the project counts as made, and its seed is shown this once.
    if !policy_kept {
        write_new(&policy_file, &text)?;
    }
    let excluded = exclude(&root)?;
    let made = record::create(&state_root, &root, &root.join(LOG_NAME), checked.hash()).map_err(Stop::Log);
    let Created { state, log_id, seed } = made.inspect_err(|_| {
        if !policy_kept {
            let _left_behind = fs::remove_file(&policy_file);
        }
    })?;
    let paths = Paths { log: root.join(LOG_NAME), state };
    trust::trust(
        world,
        &Project { root: root.clone(), paths, state_root, config_root, nested: Vec::new() },
        text.as_bytes(),
    )?;
    Ok(Initialised::Fresh { root, log_id, seed, policy_kept, excluded })
}

/// What trusting the project's policy would change, and the text that would be trusted.
#[derive(Debug)]
pub struct Proposal {
    /// The file as it stands, checked.
    pub text: String,
    /// The difference from what is trusted now; empty where there is none.
    pub difference: String,
    /// The text that is trusted now, if one ever was.
    pub trusted: Option<String>,
    hash: String,
}

/// Reads and checks the project's policy, to show a person what would be trusted.
pub fn propose_trust(project: &Project) -> Result<Proposal, Stop> {
    let text = policy::project_text(&project.root)?;
    let mut sources = policy::outer_layers(project.config_root.as_deref())?;
    sources.push(Source { layer: Layer::Project, name: POLICY_FILE.into(), text: text.clone() });
    let checked = policy::build(&sources)?;
    let trusted = trust::trusted(&project.paths.state)?;
    let known = trusted.as_deref().unwrap_or_default();
    let difference = if known == text.as_bytes() { String::new() } else { policy::changes(known, &text) };
    let trusted = trusted.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Proposal { text, difference, trusted, hash: checked.hash().to_owned() })
}

/// Trusts exactly what was proposed, and records it.
pub fn trust_project(world: &World, project: &Project, proposal: &Proposal) -> Result<(), Stop> {
    let mut log = Log::open(&project.paths).map_err(Stop::Log)?;
    trust::trust(world, project, proposal.text.as_bytes())?;
    let redactor = secrets::redactor(world, project, log.tag_key())?;
    log.append(&redactor, entries::policy_trusted(&proposal.hash)).map_err(Stop::Log)?;
    Ok(())
}

fn write_new(path: &Path, text: &str) -> Result<(), Stop> {
    let fault = |error: std::io::Error| Stop::System {
        what: format!("cannot write `{}`", project::shown(path)),
        cause: error.to_string(),
    };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(fault)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)
}

/// Adds the log to git's own exclude list, where there is a repository and it is not there yet.
fn exclude(root: &Path) -> Result<bool, Stop> {
    let git = root.join(".git");
    if !git.is_dir() {
        return Ok(false);
    }
    let path = git.join("info/exclude");
    let fault = |error: std::io::Error| Stop::System {
        what: format!("cannot write `{}`", project::shown(&path)),
        cause: error.to_string(),
    };
    let mut text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(fault(error)),
    };
    let line = format!("/{LOG_NAME}");
    if text.lines().any(|present| present == line) {
        return Ok(true);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&line);
    text.push('\n');
    fs::create_dir_all(git.join("info")).and_then(|()| fs::write(&path, text)).map_err(fault)?;
    Ok(true)
}
