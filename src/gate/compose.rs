//! docker-compose before it runs: which files it reads, what `docker-compose config` makes of them inside a fence, and
//! that nothing of it leads out of the project.
//! Knows no keys of a configuration; judging them is `decide`'s.

use super::grants::{environment, place, required, writable};
use super::{Project, Stop, World, files};
use crate::action::Facts;
use crate::decide::compose::{Call, Findings, Task, project_name, references, steering};
use crate::decide::{Judgement, Policy, Verdict, configured};
use crate::event::{Composition, Ended, SourceFile, line::hex};
use crate::execute::{Environment, Outcome, Sink, prepare_config};
use crate::record::Redactor;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Names docker-compose looks for by itself, in both versions.
const OWN: [&str; 8] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];
/// How many of them make a folder docker-compose's; the others only change it.
const MAIN: usize = 4;
/// Bytes of the longest file that is looked into.
const LONGEST: u64 = 1 << 20;
/// Files that may name each other.
const MOST: usize = 64;
/// Time for printing a configuration.
const PATIENCE: Duration = Duration::from_secs(20);

/// A call whose configuration was judged.
pub(super) struct Configured {
    pub(super) judgement: Judgement,
    /// What the log keeps of it; `None`: not docker-compose's runner.
    pub(super) composition: Option<Composition>,
}

/// Has the configuration of an allowed call printed and judged; any other judgement passes through.
pub(super) fn judged(
    world: &World,
    project: &Project,
    judgement: Judgement,
    (facts, policy, redactor): (&Facts, &Policy, &Redactor),
) -> Result<Configured, Stop> {
    let call = match (judgement.verdict(), judgement.call()) {
        (Verdict::Allow, Some(call)) => call.clone(),
        (Verdict::Allow | Verdict::Ask | Verdict::Deny, _) => return Ok(Configured { judgement, composition: None }),
    };
    let mut look = Look { root: &facts.project, found: BTreeMap::new(), elsewhere: Vec::new() };
    look.interpreter(call.program(), &writable(&project.root));
    let (folder, named) = look.files(&call, &facts.cwd)?;
    look.dotenv(&call, &folder);
    look.sources(&folder, &named);
    let Look { found, elsewhere, .. } = look;
    let mut guarded = project.protected();
    guarded.extend(project.hidden());
    let nothing = project.paths.state.join("empty.env");
    std::fs::write(&nothing, "").map_err(|error| Stop::System {
        what: format!("cannot write `{}`", super::shown(&nothing)),
        cause: error.to_string(),
    })?;
    let mut findings = Findings { folder: folder.clone(), elsewhere, config: String::new(), guarded, nothing };
    if findings.elsewhere.is_empty() {
        let limit = judgement.grant().timeout.min(PATIENCE);
        findings.config = printed(world, project, (&call, &named, &folder), policy, (&judgement.grant().env, limit))?;
        // Named files that changed meanwhile: the log would say what was not read.
        if found.iter().any(|(path, bytes)| files::small(path, LONGEST).ok().flatten().as_ref() != Some(bytes)) {
            return Err(Stop::Configuration { cause: "its files changed while they were read".into() });
        }
    }
    let judgement = configured(judgement, &findings, facts, policy);
    let composition = judgement.composed().map(|composed| Composition {
        project: composed.name.clone(),
        config: digest(redactor, composed.text.as_bytes()),
        files: found.iter().map(|(path, bytes)| source(facts, redactor, path, bytes)).collect(),
    });
    Ok(Configured { judgement, composition })
}

/// What docker-compose gets that runs outside: nothing of the caller's.
pub(super) fn outside(world: &World, project: &Project) -> Environment {
    Environment::outside(world.environment.iter().cloned(), own_home(&writable(&project.root)).as_deref())
}

fn source(facts: &Facts, redactor: &Redactor, path: &Path, bytes: &[u8]) -> SourceFile {
    let path = path.strip_prefix(&facts.project).unwrap_or(path).to_string_lossy().into_owned();
    SourceFile { path, sha256: digest(redactor, bytes) }
}

/// The hash of a text, unless there are secrets in it: a hash of a short secret gives it away.
fn digest(redactor: &Redactor, bytes: &[u8]) -> Option<String> {
    let clean = redactor.redact(&String::from_utf8_lossy(bytes)).is_none();
    clean.then(|| hex(&Sha256::digest(bytes)))
}

/// A look at the files of one call.
struct Look<'a> {
    root: &'a Path,
    /// What was read, by path.
    found: BTreeMap<PathBuf, Vec<u8>>,
    elsewhere: Vec<String>,
}

impl Look<'_> {
    /// A script is what its interpreter makes of it: that must not lie where commands write either.
    fn interpreter(&mut self, program: &Path, writable: &[PathBuf]) {
        let start = std::fs::File::open(program).and_then(|mut file| {
            let mut start = [0; 256];
            let len = std::io::Read::read(&mut file, &mut start)?;
            Ok(start.get(..len).unwrap_or_default().to_vec())
        });
        let Ok(start) = start else { return };
        let Some(line) = start.strip_prefix(b"#!").and_then(|rest| rest.split(|byte| *byte == b'\n').next()) else {
            return;
        };
        let line = String::from_utf8_lossy(line).into_owned();
        let Some(path) = line.split_whitespace().next().map(Path::new) else { return };
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if !real.is_absolute() || [path, &real].iter().any(|path| writable.iter().any(|place| path.starts_with(place)))
        {
            self.elsewhere.push(format!("`{}` is run by `{line}`, which commands can change", program.display()));
        }
    }

    /// The folder docker-compose takes for its project's, and the files that are named by `-f`.
    fn files(&mut self, call: &Call, cwd: &Path) -> Result<(PathBuf, Vec<PathBuf>), Stop> {
        let mut named = Vec::new();
        for file in call.files() {
            let path = cwd.join(file);
            let real =
                path.canonicalize().map_err(|error| Stop::Configuration { cause: format!("`{file}`: {error}") })?;
            if !real.starts_with(self.root) {
                self.elsewhere.push(format!("`-f {file}` leads out of the project"));
            }
            named.push(real);
        }
        if let Some(folder) = named.first().and_then(|first| first.parent()) {
            return Ok((folder.to_owned(), named));
        }
        let above = cwd.ancestors().take_while(|folder| folder.starts_with(self.root));
        let holds = |folder: &&Path| OWN.iter().take(MAIN).any(|name| folder.join(name).symlink_metadata().is_ok());
        let folder = above.into_iter().find(holds).ok_or_else(|| Stop::Configuration {
            cause: format!(
                "there is no `docker-compose.yml` or `compose.yaml` in `{}` or above it in the project",
                super::shown(cwd)
            ),
        })?;
        Ok((folder.to_owned(), named))
    }

    /// What `.env` sets that steers docker-compose itself.
    fn dotenv(&mut self, call: &Call, folder: &Path) {
        let Some(bytes) = self.read("`.env`", &folder.join(".env")) else { return };
        for (name, value) in steering(&String::from_utf8_lossy(&bytes)) {
            let said = match name {
                "COMPOSE_FILE" | "COMPOSE_PATH_SEPARATOR" => !call.files().is_empty(),
                "COMPOSE_PROJECT_NAME" => call.name().is_some() || project_name(folder).as_ref() == Some(&value),
                "COMPOSE_PROFILES" => call.task() == Task::Ps || call.task() == Task::Logs,
                _ => false,
            };
            if !said {
                self.elsewhere.push(format!("`.env` sets `{name}`, which guard does not follow"));
            }
        }
    }

    /// Every compose file, and what they name.
    fn sources(&mut self, folder: &Path, named: &[PathBuf]) {
        let mut waiting: Vec<(String, PathBuf)> = named.iter().map(|path| ("`-f`".to_owned(), path.clone())).collect();
        if named.is_empty() {
            let there = OWN.iter().map(|name| folder.join(name)).filter(|path| path.symlink_metadata().is_ok());
            waiting.extend(there.map(|path| ("a compose file".to_owned(), path)));
        }
        while let Some((said, path)) = waiting.pop() {
            if self.found.len() > MOST {
                self.elsewhere.push(format!("it is spread over more than {MOST} files"));
                return;
            }
            let Some(bytes) = self.read(&said, &path) else { continue };
            let text = match std::str::from_utf8(&bytes) {
                Ok(text) => references(text),
                Err(_) => Err("it is not UTF-8".to_owned()),
            };
            let references = match text {
                Ok(references) => references,
                Err(cause) => {
                    self.elsewhere.push(format!("`{}` cannot be relied on: {cause}", self.name(&path)));
                    continue;
                }
            };
            let base = path.parent().unwrap_or(folder);
            for reference in references {
                let said = format!("{} `{}`", reference.named, reference.path);
                if reference.path.contains('$') {
                    self.elsewhere.push(format!("{said}: only docker-compose knows where that is"));
                    continue;
                }
                // Relative to the file that names it, or to the project: both are looked at.
                for at in [base.join(&reference.path), folder.join(&reference.path)] {
                    if self.found.contains_key(&at) {
                        continue;
                    }
                    if reference.compose {
                        waiting.push((said.clone(), at));
                    } else {
                        self.read(&said, &at);
                    }
                }
            }
        }
    }

    /// Reads a file of the project and remembers it. `None`: it is not there, is a folder, or cannot be used.
    fn read(&mut self, said: &str, path: &Path) -> Option<Vec<u8>> {
        if let Some(known) = self.found.get(path) {
            return Some(known.clone());
        }
        // What is not there is docker-compose's to report; but it must not appear outside either.
        let found = path.canonicalize();
        let there = match &found {
            Ok(real) => real.clone(),
            Err(_) => path.ancestors().find_map(|above| above.canonicalize().ok()).unwrap_or_default(),
        };
        if !there.starts_with(self.root) {
            self.elsewhere.push(format!("{said} leads out of the project, to `{}`", super::shown(&there)));
            return None;
        }
        found.ok()?;
        match files::small(path, LONGEST) {
            Ok(bytes) => {
                let bytes = bytes?;
                self.found.insert(path.to_owned(), bytes.clone());
                Some(bytes)
            }
            Err(cause) => {
                self.elsewhere.push(format!("{said}: {cause}"));
                None
            }
        }
    }

    fn name(&self, path: &Path) -> String {
        super::shown(path.strip_prefix(self.root).unwrap_or(path))
    }
}

/// What `docker-compose config` prints, inside a fence.
fn printed(
    world: &World,
    project: &Project,
    (call, named, folder): (&Call, &[PathBuf], &Path),
    policy: &Policy,
    (granted, limit): (&[String], Duration),
) -> Result<String, Stop> {
    let home = own_home(&writable(&project.root));
    let mut environment = environment(world, granted).for_config();
    let mut programs: Vec<PathBuf> = [call.program().to_owned()].into_iter().collect();
    programs.extend(call.program().canonicalize().ok().and_then(|real| real.parent().map(Path::to_owned)));
    if let Some(home) = home {
        programs.extend([".local/lib", ".docker/cli-plugins"].map(|own| home.join(own)));
        environment.variables.retain(|(name, _)| name != "HOME");
        environment.variables.push(("HOME".into(), home.into_os_string()));
    }
    let bounds = (&place(world, project, policy), &environment, required(policy));
    let outcome = prepare_config(call, named, folder, programs, limit, bounds)
        .and_then(|prepared| prepared.run(&mut Unseen))
        .map_err(Stop::Execute)?;
    match outcome.ended {
        Ended::Exited if outcome.exit_code == 0 => {}
        Ended::Cancelled => return Err(Stop::Cancelled { code: outcome.exit_code }),
        Ended::Exited | Ended::Signalled | Ended::TimedOut | Ended::Limit => {
            return Err(Stop::Configuration { cause: said(&outcome, limit) });
        }
    }
    let kept = [outcome.stdout.head.as_slice(), outcome.stdout.tail.as_slice()].concat();
    if kept.len() as u64 != outcome.stdout.len {
        return Err(Stop::Configuration { cause: format!("it has {} bytes", outcome.stdout.len) });
    }
    String::from_utf8(kept).map_err(|_| Stop::Configuration { cause: "it is not UTF-8".into() })
}

/// Why there is no configuration: docker-compose's own last words.
fn said(outcome: &Outcome, limit: Duration) -> String {
    if outcome.ended == Ended::TimedOut {
        return format!("it took longer than {} s", limit.as_secs_f64());
    }
    let (bytes, _) = outcome.stderr.excerpt(8192);
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<String> = text.lines().map(crate::event::line::printable).collect();
    let last = lines.get(lines.len().saturating_sub(8)..).unwrap_or_default().join("\n  ");
    if last.is_empty() { format!("it ended with {}", outcome.exit_code) } else { last }
}

/// The user's home folder by the user database, where no command can write there. The caller's `HOME` would choose
/// docker's configuration and plugins.
fn own_home(writable: &[PathBuf]) -> Option<PathBuf> {
    let home = super::homes::of_database()?;
    let real = home.canonicalize().ok()?;
    let free = |path: &Path| !writable.iter().any(|place| path.starts_with(place));
    (free(&real) && free(&home)).then_some(home)
}

struct Unseen;

impl Sink for Unseen {
    fn stdout(&mut self, _: &[u8]) {}
    fn stderr(&mut self, _: &[u8]) {}
}
