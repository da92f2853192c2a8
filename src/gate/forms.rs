//! Compiled forms of a project's own Python sources: which ones a run may use, and the guard that compiles, after a run, what was
//! lacking: in a fence in which nothing of the project is run and nothing can be written, since what a run compiles itself is
//! what its code wished.
//! Knows when, not how they are kept.

use super::grants::{environment, limits, place, required, writable};
use super::policy::load;
use super::{Project, Stop, World};
use crate::action::{Facts, Found};
use crate::decide::Policy;
use crate::event::Ended;
use crate::execute::forms::{Forms, PROGRAM};
use crate::execute::sandbox::{Order, Work, detached};
use crate::execute::{self, Environment, Level, Outcome, Place, Sink};
use rustix::process::nice;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time for all that is compiled after one run.
const PATIENCE: Duration = Duration::from_secs(120);
/// Sources that one process compiles, and bytes that it says of them at most.
const AT_ONCE: usize = 256;
const SAID: usize = 64 << 20;
/// How little of the machine that takes, as `nice` has it.
const LEAST: i32 = 19;
/// By this setting pytest compiles the same source to something else, and by the same name.
const HOOK: &str = "enable_assertion_pass_hook";
/// Where such a setting stands.
const SETTINGS: [&str; 5] = ["pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"];

/// The forms for the one Python that a command names.
#[derive(Debug)]
pub(super) struct Own {
    python: PathBuf,
    forms: Forms,
}

impl Own {
    /// `None` where a command names none or several, or one that lies where a command may write.
    pub(super) fn of(policy: &Policy, place: &Place, facts: &Facts) -> Option<Self> {
        let programs = facts.programs.values().filter_map(|found| match found {
            Found::Program(program) => execute::interpreter(&program.path),
            Found::Missing | Found::Unusable(_) => None,
        });
        let mut pythons: Vec<PathBuf> = programs.collect();
        pythons.sort();
        pythons.dedup();
        let [python] = pythons.as_slice() else { return None };
        let folders = [&place.project, &place.cwd];
        let hooked = folders.iter().any(|folder| SETTINGS.iter().any(|name| holds(&folder.join(name))));
        let forms = forms(policy, place, python).filter(|_| !hooked)?;
        Some(Self { python: python.clone(), forms })
    }

    /// What a run may use of them.
    pub(super) fn current(&self) -> Option<PathBuf> {
        self.forms.current()
    }

    /// Looks once more after the start is on record: what another command changed before that, this one has to run as it is.
    ///
    /// # Errors
    /// What was compiled of a source that changed cannot be taken away.
    pub(super) fn still(&self) -> Result<(), Stop> {
        let what = "cannot take away what was compiled of a source that has changed";
        self.forms.current().map(drop).ok_or_else(|| Stop::System {
            what: what.into(),
            cause: "its folder in `/dev/shm` cannot be changed: look at it, or remove it".into(),
        })
    }

    /// Has compiled what a run had to compile itself. That it cannot be done takes nothing from the run but the next one's time.
    pub(super) fn after(&self, project: &Project, outcome: &Outcome) {
        let lacking = match outcome.ended {
            Ended::Exited => self.forms.lacking(&outcome.compiled),
            Ended::Signalled | Ended::TimedOut | Ended::Limit | Ended::Cancelled => return,
        };
        if lacking.is_empty() {
            return;
        }
        let begun = self.forms.want(&lacking).and_then(|()| {
            let python = self.python.as_os_str();
            detached(&[OsStr::new("-C"), project.root.as_os_str(), OsStr::new("compile"), python])
        });
        if let Err(error) = begun {
            tracing::warn!(%error, "what the run compiled is not compiled for the next one");
        }
    }
}

fn holds(settings: &Path) -> bool {
    fs::read_to_string(settings).is_ok_and(|text| text.contains(HOOK))
}

/// Those for a Python. The policy says what can be read, and so what can be compiled.
fn forms(policy: &Policy, place: &Place, python: &Path) -> Option<Forms> {
    let (root, store) = (&place.project, place.reads.compiled.as_deref()?);
    let mut without = writable(root);
    without.push("/run".into());
    let without: Vec<&Path> = without.iter().map(PathBuf::as_path).collect();
    Forms::of(store, root, (python, &execute::libraries(python)), &without, policy.hash())
}

/// Compiles what the last run with this Python lacked: the work of a guard that nobody waits for.
///
/// # Errors
/// The project's or the fence's.
pub fn compile(world: &World, project: &Project, python: &Path) -> Result<(), Stop> {
    let policy = load(project)?;
    let mut place = place(world, project, &policy);
    place.cwd.clone_from(&project.root);
    let Some(forms) = forms(&policy, &place, python) else { return Ok(()) };
    let Some(making) = forms.make() else { return Ok(()) };
    let _as_it_was = nice(LEAST);
    let broken =
        |error: std::io::Error| Stop::System { what: "cannot keep what was compiled".into(), cause: error.to_string() };
    let begin = Instant::now();
    while let Some(wanted) = making.wanted() {
        for lacking in wanted.chunks(AT_ONCE) {
            let mut batch = making.begin(lacking);
            while !batch.is_empty() {
                let left = PATIENCE.saturating_sub(begin.elapsed());
                if left.is_zero() {
                    return Ok(());
                }
                let mut order = order(python, batch.words(&forms), left.min(policy.settings().limits.timeout));
                order.limits = limits(&policy);
                let (said, whole) = said(order, &place, &environment(world, &[]), required(&policy))?;
                making.keep(&mut batch, &said, whole).map_err(broken)?;
            }
        }
    }
    Ok(())
}

/// Alone: nothing of the project, of the person's, or of the environment has a say in it.
fn order(python: &Path, words: Vec<OsString>, timeout: Duration) -> Order {
    let mut argv: Vec<OsString> = ["python3", "-I", "-B", "-W", "ignore", "-c", PROGRAM].map(OsString::from).into();
    argv.extend(words);
    Order::new(Work::Argv { program: python.to_owned(), argv }, timeout)
}

/// What the program that compiles says, and whether it came to its end by itself.
fn said(order: Order, place: &Place, environment: &Environment, require: Level) -> Result<(Vec<u8>, bool), Stop> {
    let mut said = Said::default();
    let outcome = execute::prepare_order(order, place, environment, require)
        .and_then(|prepared| prepared.run(&mut said))
        .map_err(Stop::Execute)?;
    let whole = outcome.ended == Ended::Exited && outcome.exit_code == 0 && !said.over;
    Ok((said.bytes, whole))
}

#[derive(Default)]
struct Said {
    bytes: Vec<u8>,
    over: bool,
}

impl Sink for Said {
    fn stdout(&mut self, bytes: &[u8]) {
        self.over |= self.bytes.len().saturating_add(bytes.len()) > SAID;
        if !self.over {
            self.bytes.extend(bytes);
        }
    }

    fn stderr(&mut self, _: &[u8]) {}

    fn ends(&mut self) -> Option<&'static str> {
        self.over.then_some("output")
    }
}
