//! Going through a plan: phase by phase, step by step, each time by what the log says by then. So the same call goes on where
//! an earlier one was ended, however that was.
//! Knows no doors; what a step does lies beside this file.

use super::agent::Heard;
use super::fault::LoopFault;
use super::files::Files;
use super::next::{Bounds, Next, next};
use super::plan::{self, NotAPlan, Phase, Plan};
use super::show::{Show, Told};
use super::steps::{self, Step, Work};
use crate::decide::policy::Settings;
use crate::event::{Cause, PhaseStarted, State, Working};
use crate::execute::Outcome;
use crate::gate::{self, Project, Stop, World};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a plan is gone through.
#[derive(Debug, Clone)]
pub struct Options {
    /// The plan's file.
    pub plan: PathBuf,
    /// This phase alone.
    pub phase: Option<String>,
    /// From this phase on.
    pub from: Option<String>,
    /// Whether a plan is taken that is another than the one that was begun.
    pub replan: bool,
    /// What is done while a person is asked.
    pub waits: Waits,
}

/// What is done while a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// The loop ends, and goes on with the next call.
    No,
    /// It waits so long; `None`: as long as it takes.
    For(Option<Duration>),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Every phase is complete.
    Complete,
    /// A phase failed: a person resumes.
    Person {
        /// What they resume.
        halt: String,
    },
    /// A person is asked.
    Waiting {
        /// The requests.
        requests: Vec<String>,
    },
    /// Guard was told to stop.
    Interrupted {
        /// 128 and the signal.
        code: i32,
    },
}

impl End {
    /// The exit code.
    pub fn exit_code(&self) -> i32 {
        match self {
            End::Complete => 0,
            End::Person { .. } => 77,
            End::Waiting { .. } => 75,
            End::Interrupted { code } => *code,
        }
    }
}

/// One call of the loop.
pub(super) struct Build<'a> {
    pub(super) world: &'a World,
    pub(super) project: &'a Project,
    pub(super) plan: Plan,
    /// The plan's file.
    path: PathBuf,
    /// The same from the project's root.
    relative: String,
    pub(super) show: &'a mut dyn Show,
    pub(super) settings: Settings,
    pub(super) waits: Waits,
    files: Files,
    /// What was heard of the agent that ran last.
    pub(super) heard: Option<Heard>,
    /// What the agent said last.
    pub(super) said: String,
    /// How the command that ran last ended.
    pub(super) outcome: Option<Outcome>,
    /// How often a green step changed files in this attempt.
    pub(super) restless: u32,
    /// Failed attempts that count.
    pub(super) used: u32,
    /// Bytes of the dry run's log that stood there before it ran.
    pub(super) log_from: u64,
}

/// Goes through a plan as far as that is possible without a person.
///
/// # Errors
/// Where the plan or the project does not allow it.
pub fn run(world: &World, project: &Project, options: &Options, show: &mut dyn Show) -> Result<End, LoopFault> {
    let held = gate::hold_loop(project)?;
    let Some(_held) = held else { return Err(LoopFault::Busy) };
    let path = std::fs::canonicalize(&options.plan)
        .map_err(|error| LoopFault::Unreadable { path: options.plan.clone(), cause: error.to_string() })?;
    let relative = path.strip_prefix(&project.root).unwrap_or(&path).to_string_lossy().into_owned();
    let plan = plan::load(&path, &relative).map_err(|wrong| match wrong {
        NotAPlan::Unreadable { path, cause } => LoopFault::Unreadable { path, cause },
        NotAPlan::Faulty { faults } => LoopFault::Invalid { faults },
    })?;
    let policy = gate::load(project)?;
    let within = path.strip_prefix(&project.root).ok();
    let against = plan::against(&plan, world, &project.root, within, &policy);
    let settings = policy.settings().clone();
    let mut faults = plan::tightens(&plan, &settings);
    faults.extend(against.faults);
    if !faults.is_empty() {
        return Err(LoopFault::Invalid { faults });
    }
    for warning in against.warnings {
        let place = format!("{}:{}", warning.file, warning.line);
        show.tell(&Told::Note { text: format!("{place}: {}", warning.message) });
    }
    let files = Files::new(project.root.clone(), world.home(), settings.iteration.clone());
    let mut build = Build {
        world,
        project,
        plan,
        path,
        relative,
        show,
        settings,
        waits: options.waits,
        files,
        heard: None,
        said: String::new(),
        outcome: None,
        restless: 0,
        used: 0,
        log_from: 0,
    };
    build.go(options)
}

fn bytes(path: &Path) -> Result<Vec<u8>, LoopFault> {
    let fault = |error: std::io::Error| LoopFault::Unreadable { path: path.to_owned(), cause: error.to_string() };
    let mut bytes = Vec::new();
    File::open(path).map_err(fault)?.take(plan::LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(fault)?;
    Ok(bytes)
}

/// Whether a phase is complete as the plan says it now.
fn is_complete(state: &State, phase: &Phase) -> bool {
    let ending = state.phases.ended.get(&phase.id);
    ending.is_some_and(|ending| ending.complete && ending.sha256 == phase.hash())
}

impl Build<'_> {
    fn go(&mut self, options: &Options) -> Result<End, LoopFault> {
        let state = self.state()?;
        self.is_same_plan(&state, options.replan)?;
        let phases = self.chosen(options)?;
        let told = Told::Plan {
            plan: self.relative.clone(),
            phases: phases.iter().map(|phase| (phase.id.clone(), phase.description.clone())).collect(),
            complete: phases.iter().filter(|phase| is_complete(&state, phase)).map(|phase| phase.id.clone()).collect(),
        };
        self.show.tell(&told);
        // Nothing that runs here reads what the caller types.
        super::agent_run::give("")?;
        if let Some(open) = &state.phases.open
            && let Some(end) = self.leave(open, options.replan)?
        {
            return Ok(end);
        }
        let mut worked = false;
        for phase in &phases {
            if is_complete(&self.state()?, phase) {
                continue;
            }
            self.is_ready(phase)?;
            worked = true;
            if let Some(end) = self.phase(phase)? {
                return Ok(end);
            }
        }
        if worked {
            self.tell_end(&phases);
        }
        Ok(End::Complete)
    }

    /// Has a person told that all of it is done. What cannot be told is said, and stops nothing.
    fn tell_end(&mut self, phases: &[Phase]) {
        let lines: String = phases.iter().map(|phase| format!("{}: {}\n", phase.id, phase.description)).collect();
        if let Err(stop) = gate::tell_end(self.world, self.project, &self.relative, &lines) {
            self.show.tell(&Told::Note { text: format!("a person could not be told: {stop}") });
        }
    }

    /// The phases that are asked for, in the order they are worked on.
    fn chosen(&self, options: &Options) -> Result<Vec<Phase>, LoopFault> {
        let order: Vec<Phase> = self.plan.order().into_iter().cloned().collect();
        let at =
            |id: &String| order.iter().position(|phase| phase.id == *id).ok_or_else(|| LoopFault::NoPhase(id.clone()));
        match (&options.phase, &options.from) {
            (Some(id), _) => Ok(order.get(at(id)?).cloned().into_iter().collect()),
            (None, Some(id)) => Ok(order.split_at(at(id)?).1.to_vec()),
            (None, None) => Ok(order),
        }
    }

    /// Whether the phases that it comes after are complete.
    fn is_ready(&self, phase: &Phase) -> Result<(), LoopFault> {
        let state = self.state()?;
        let missing = phase.after.iter().find(|id| {
            let before = self.plan.phase(id);
            !before.is_some_and(|before| is_complete(&state, before))
        });
        match missing {
            Some(after) => Err(LoopFault::After { phase: phase.id.clone(), after: after.clone() }),
            None => Ok(()),
        }
    }

    /// Whether the plan is the one that was begun.
    fn is_same_plan(&self, state: &State, replan: bool) -> Result<(), LoopFault> {
        let Some(known) = &state.phases.plan else { return Ok(()) };
        if replan || known.path == self.relative && known.sha256 == self.plan.hash {
            return Ok(());
        }
        match &state.phases.open {
            _ if known.path == self.relative => Err(LoopFault::Changed { plan: self.relative.clone() }),
            Some(open) => Err(LoopFault::Another { open: known.path.clone(), phase: open.phase.clone() }),
            None => Ok(()),
        }
    }

    /// Whether the plan's file is still what it was when this call began.
    fn is_unchanged(&self) -> Result<(), LoopFault> {
        let same = plan::sha256(&bytes(&self.path)?) == self.plan.hash;
        if same { Ok(()) } else { Err(LoopFault::Changed { plan: self.relative.clone() }) }
    }

    /// Ends a phase that was begun and that the plan does not hold any more as it was.
    fn leave(&mut self, open: &Working, replan: bool) -> Result<Option<End>, LoopFault> {
        let still = self.plan.phase(&open.phase).is_some_and(|phase| phase.hash() == open.sha256);
        if still || !replan {
            return Ok(None);
        }
        self.abandon(open, "the plan was changed")?;
        Ok(None)
    }

    /// What all records add up to.
    pub(super) fn state(&self) -> Result<State, Stop> {
        let standing = gate::standing(self.world, self.project)?;
        match standing.unfinished {
            Some(stop) => Err(stop),
            None => Ok(standing.state),
        }
    }

    /// Works on a phase until it is complete; else how the loop ends.
    fn phase(&mut self, phase: &Phase) -> Result<Option<End>, LoopFault> {
        let steps = steps::of(phase);
        let mut told = false;
        loop {
            self.is_unchanged()?;
            let state = self.state()?;
            self.used = state.attempts.total();
            let open = state.phases.open.as_deref();
            let open = open.filter(|open| open.phase == phase.id && open.sha256 == phase.hash());
            if open.is_some() && !std::mem::replace(&mut told, true) {
                self.tell_phase(phase, true);
            }
            if let Some(working) = open
                && self.take_note(phase, &steps, working)?
            {
                continue;
            }
            if let Some(halt) = &state.requests.halt {
                return self.failed(&state, halt).map(Some);
            }
            let Some(working) = open else {
                self.begin(phase, &state)?;
                told = true;
                continue;
            };
            let files = self.fingerprint(phase);
            let waits = |name: &str| state.requests.open(name).is_some_and(|open| open.approved.is_none());
            let next = next(working, &steps, &files, waits);
            let bounds = self.bounds(phase, &state);
            if let Next::Agent | Next::Step(_) = next
                && let Some(budget) = bounds.spent(working, next == Next::Agent)
            {
                gate::stop(
                    self.world,
                    self.project,
                    Cause::Budget,
                    Some(format!("spent of phase {}: {budget}", phase.id)),
                )?;
                continue;
            }
            let end = match next {
                Next::Agent => self.agent(phase, working, &state, &bounds)?,
                Next::Step(step) => self.step(phase, step, working, &state, &bounds)?,
                Next::Wait(names) => self.wait(phase, names)?,
                Next::Complete => {
                    self.complete(phase, working)?;
                    return Ok(None);
                }
            };
            if end.is_some() {
                return Ok(end);
            }
        }
    }

    fn begin(&mut self, phase: &Phase, state: &State) -> Result<(), LoopFault> {
        self.tell_phase(phase, false);
        if let Some(text) = super::brief::still_open(state, self.settings.iteration.files) {
            self.show.tell(&Told::Note { text });
        }
        self.restless = 0;
        let log = phase.dry_run.as_ref().and_then(|run| run.log.clone());
        gate::begin_phase(
            self.world,
            self.project,
            PhaseStarted {
                plan: self.relative.clone(),
                plan_sha256: self.plan.hash.clone(),
                phase: phase.id.clone(),
                sha256: phase.hash(),
                description: phase.description.clone(),
                files: phase.files.iter().cloned().chain(log).collect(),
                mode: phase.mode,
                attempts: self.attempts(phase),
            },
        )?;
        Ok(())
    }

    fn tell_phase(&mut self, phase: &Phase, resumed: bool) {
        let (id, description) = (phase.id.clone(), phase.description.clone());
        self.show.tell(&Told::Phase { phase: id, description, resumed });
    }

    /// Budgets of attempts that are less than the policy's.
    fn attempts(&self, phase: &Phase) -> BTreeMap<String, u32> {
        let policy = &self.settings.attempts;
        let least = phase.limits.attempts.within(&self.plan.limits.attempts.within(policy));
        let all = [
            ("total", least.total, policy.total),
            ("syntax", least.syntax, policy.syntax),
            ("import", least.import, policy.import),
            ("type", least.r#type, policy.r#type),
            ("test", least.test, policy.test),
            ("runtime", least.runtime, policy.runtime),
            ("database", least.database, policy.database),
            ("denials", least.denials, policy.denials),
        ];
        let less = all.into_iter().filter(|(_, own, policy)| own < policy);
        less.map(|(name, own, _)| (name.to_owned(), own)).collect()
    }

    /// What the phase may still spend: by its own budgets, the plan's over all its phases, and the policy's.
    fn bounds(&self, phase: &Phase, state: &State) -> Bounds {
        let (own, all, policy) = (&phase.limits, &self.plan.limits, &self.settings.r#loop);
        let others = || {
            let ended = state.phases.ended.iter().filter(|(id, _)| self.plan.phase(id).is_some());
            ended.map(|(_, ending)| ending)
        };
        let millis = others().fold(0_u64, |sum, ending| sum.saturating_add(ending.spent_ms));
        let runs = others().fold(0_u32, |sum, ending| sum.saturating_add(ending.agent_runs));
        let cost = others().fold(0_u64, |sum, ending| sum.saturating_add(ending.cost));
        let wall = all.wall.map_or(policy.wall, |wall| wall.min(policy.wall));
        let wall = wall.saturating_sub(Duration::from_millis(millis));
        let agent_runs = all.agent_runs.map_or(policy.agent_runs, |most| most.min(policy.agent_runs));
        let agent_runs = agent_runs.saturating_sub(runs);
        let cost_in_all = all.cost.map(|most| millionths(most).saturating_sub(cost));
        let own_cost = own.cost.map(millionths);
        Bounds {
            wall: own.wall.map_or(wall, |own| own.min(wall)),
            agent_runs: own.agent_runs.map_or(agent_runs, |own| own.min(agent_runs)),
            cost: [own_cost, cost_in_all].into_iter().flatten().min(),
        }
    }

    /// How long an agent may be silent.
    pub(super) fn silence(&self, phase: &Phase) -> Duration {
        let policy = self.settings.r#loop.silence;
        phase.limits.silence.or(self.plan.limits.silence).map_or(policy, |own| own.min(policy))
    }

    /// The fingerprint of the project's files, as far as a phase's checks rest on them.
    pub(super) fn fingerprint(&mut self, phase: &Phase) -> String {
        let log = phase.dry_run.as_ref().and_then(|run| run.log.as_deref());
        let aside = |path: &Path| log.is_some_and(|log| path == Path::new(log));
        self.files.fingerprint(&|path| phase.may_touch(path), &aside)
    }

    /// Runs a step besides the agent's.
    fn step(
        &mut self,
        phase: &Phase,
        step: &Step,
        working: &Working,
        state: &State,
        bounds: &Bounds,
    ) -> Result<Option<End>, LoopFault> {
        match &step.work {
            Work::Check(kind, line) => {
                self.command(phase, step, (line, Some(steps::proves(*kind))), working, bounds, None)
            }
            Work::DryRun(run) => {
                let time = run.duration_after(working.dry_runs);
                let log = run.log.as_ref().map(|log| self.project.root.join(log));
                self.log_from = log.and_then(|log| log.metadata().ok()).map_or(0, |found| found.len());
                self.command(phase, step, (&run.line(time), None), working, bounds, time)
            }
            Work::Data(data) => self.data(phase, step, data, working),
            Work::Migration(migration) => self.migration(phase, step, migration, working, state),
        }
    }

    /// Waits for a person, if that is wanted.
    fn wait(&mut self, phase: &Phase, names: Vec<String>) -> Result<Option<End>, LoopFault> {
        self.show.tell(&Told::Waiting { phase: phase.id.clone(), requests: names.clone() });
        let Waits::For(limit) = self.waits else { return Ok(Some(End::Waiting { requests: names })) };
        for name in &names {
            match gate::wait(self.world, self.project, name, limit) {
                Ok(true) | Err(Stop::Approval { .. } | Stop::Halted { .. }) => {}
                Ok(false) => return Ok(Some(End::Waiting { requests: names })),
                Err(stop) => return Err(stop.into()),
            }
        }
        Ok(None)
    }
}

/// Millionths of so many US dollars.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cost is finite and not negative; the cast saturates"
)]
pub(super) fn millionths(dollars: f64) -> u64 {
    (dollars * 1e6).max(0.0) as u64
}
