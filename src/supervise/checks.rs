//! Commands of a phase: checks, and the dry run; what came of them is read from the log, so that it is known after an
//! interruption as well.
//! Knows no databases.

use super::build::{Build, End};
use super::fault::LoopFault;
use super::next::Bounds;
use super::plan::{self, DryRun, Phase};
use super::show::{Show, Told};
use super::steps::{Step, Work};
use crate::action::shell::Asked;
use crate::decide::Verdict;
use crate::decide::policy::Check;
use crate::event::line::hex;
use crate::event::{AGENT, DRY_RUN, Ended, INSTALL, PhaseStep, Proves, StepEnd, StepResult, StepRun, Working};
use crate::execute::Sink;
use crate::failfast::Category;
use crate::gate::{self, Answer, Failing, Patience, Request, Stop};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

/// Bytes of a dry run's log, or output, that are looked at: the last ones.
const LOOKED: u64 = 8 << 20;
/// How often a green check may change what the others looked at before that counts as red.
const RESTLESS: u32 = 3;
/// What is installed where an import fails.
const REQUIRED: &str = "pip install -r requirements.txt";

impl Build<'_> {
    /// Runs a command of a step; `check`: what it proves where no rule says so.
    pub(super) fn command(
        &mut self,
        phase: &Phase,
        step: &Step,
        (line, check): (&str, Option<Check>),
        working: &Working,
        bounds: &Bounds,
        time: Option<Duration>,
    ) -> Result<Option<End>, LoopFault> {
        let left = bounds.left(working);
        self.show.tell(&Told::Step {
            phase: phase.id.clone(),
            step: step.name.clone(),
            attempt: working.attempt,
            budget: self.budget(working),
            what: line.to_owned(),
            limit_ms: time.and_then(|time| u64::try_from(time.as_millis()).ok()),
        });
        let named = gate::Step { name: step.name.clone(), check };
        let answer = self.execute(phase, line, named, left);
        self.refused(phase, step, line, working, answer)
    }

    fn execute(&mut self, phase: &Phase, line: &str, step: gate::Step, left: Duration) -> Answer {
        let request = Request {
            asked: Asked::Line(line.into()),
            timeout: Some(left.max(Duration::from_secs(1))),
            task: Some(format!("phase {}", phase.id)),
            reason: None,
            waiting: None,
            dry_run: false,
            step: Some(step),
        };
        let mut watch = Watch { show: self.show };
        let patience = Patience { limit: Duration::from_secs(60), told: |_| {} };
        let mut answer = gate::exec(self.world, self.project, request, patience, &mut watch);
        self.outcome = answer.outcome.take_if(|outcome| outcome.ended != Ended::Cancelled);
        answer
    }

    /// Why a command did not run, or was told to stop; nothing: it ran, and the log says how it ended.
    fn refused(
        &mut self,
        phase: &Phase,
        step: &Step,
        line: &str,
        working: &Working,
        answer: Answer,
    ) -> Result<Option<End>, LoopFault> {
        if let Some(outcome) = &answer.outcome {
            return Ok(Some(End::Interrupted { code: outcome.exit_code }));
        }
        if self.outcome.is_some() {
            // It ran, and the log says what came of it; what guard could not do after that is no check's result.
            if let Some(stop) = answer.stop {
                self.show.tell(&Told::Note { text: stop.to_string() });
            }
            return Ok(None);
        }
        match answer.stop {
            // The next look sees that.
            Some(Stop::Halted { .. }) => return Ok(None),
            Some(stop) => return Err(stop.into()),
            None => {}
        }
        if answer.halted.is_some() {
            return Ok(None);
        }
        let files = self.fingerprint(phase);
        match (&answer.judgement, answer.request) {
            (Some(judgement), Some(name)) if judgement.verdict() == Verdict::Ask => {
                let waits =
                    PhaseStep { result: StepResult::Waits, asks: vec![name], ..stepped(working, &step.name, files) };
                self.noted(phase, waits, None)?;
                Ok(None)
            }
            (judgement, _) => Err(LoopFault::Refused {
                phase: phase.id.clone(),
                step: step.name.clone(),
                what: line.to_owned(),
                reason: judgement
                    .as_ref()
                    .and_then(|judgement| judgement.matches().first())
                    .map_or_else(|| "nothing allows it".to_owned(), |rule| format!("`{}`: {}", rule.id, rule.reason)),
            }),
        }
    }

    /// Takes note of a run that has ended and that no step was recorded of yet; false: there is none, or it says too little and is
    /// run again.
    pub(super) fn take_note(&mut self, phase: &Phase, steps: &[Step], working: &Working) -> Result<bool, LoopFault> {
        let Some(run) = &working.run else { return Ok(false) };
        let Some(ended) = run.ended.as_deref() else { return Ok(false) };
        if run.step == AGENT {
            let state = self.state()?;
            self.agent_ended(phase, working, (run, ended), &state)?;
            return Ok(true);
        }
        if run.step == INSTALL {
            let step = PhaseStep {
                run: Some(run.seq),
                duration_ms: ended.duration_ms,
                ..stepped(working, INSTALL, String::new())
            };
            return match ended.exit_code {
                0 => self.noted(phase, step, None).map(|()| true),
                code => self.not_installed(phase, step, format!("`{REQUIRED}` ended with {code}")).map(|()| true),
            };
        }
        let Some(step) = steps.iter().find(|step| step.name == run.step) else { return Ok(false) };
        match &step.work {
            Work::Check(_, line) => self.checked(phase, (step, line), working, (run, ended)).map(|()| true),
            Work::DryRun(dry) => self.dry_ran(phase, (step, dry), working, (run, ended)),
            Work::Data(_) | Work::Migration(_) => Ok(false),
        }
    }

    fn checked(
        &mut self,
        phase: &Phase,
        (step, line): (&Step, &str),
        working: &Working,
        (run, ended): (&StepRun, &StepEnd),
    ) -> Result<(), LoopFault> {
        self.outcome = None;
        let files = self.fingerprint(phase);
        let base =
            PhaseStep { run: Some(run.seq), duration_ms: ended.duration_ms, ..stepped(working, &step.name, files) };
        let tests = ended.check.as_ref().and_then(|check| check.ran);
        match ended.check.as_deref() {
            Some(check) if check.proves == Proves::Green => {
                let moved = working.passed.last().is_some_and(|passed| passed.files != base.files);
                self.restless += u32::from(moved);
                if self.restless > RESTLESS {
                    let message = format!("each run of `{}` changes files that other checks looked at", step.name);
                    let error = error(&step.name, &message, &[]);
                    let red = PhaseStep { message: Some(message.clone()), error: Some(error), ..base };
                    return self.red(phase, red, Some((Category::Test, line.to_owned(), message)));
                }
                self.noted(phase, PhaseStep { tests, ..base }, None)
            }
            Some(check) if check.proves == Proves::Failure => {
                if check.category.as_deref() == Some(Category::Import.word()) && self.may_install(working) {
                    return self.install(phase, working, check.message.as_deref().unwrap_or_default());
                }
                let message = check.message.clone().unwrap_or_else(|| format!("ended with {}", ended.exit_code));
                let error = error(&step.name, &message, &check.tests);
                let category = check.category.clone();
                self.red(phase, PhaseStep { message: Some(message), error: Some(error), category, ..base }, None)
            }
            check => {
                let message = format!("ended with {}, and shows nothing that it looked at", ended.exit_code);
                let error = error(&step.name, &message, &[]);
                let category =
                    check.and_then(|check| Category::of(check.category.as_deref()?)).unwrap_or(Category::Test);
                let red = PhaseStep { message: Some(message.clone()), error: Some(error), ..base };
                self.red(phase, red, Some((category, line.to_owned(), message)))
            }
        }
    }

    /// Whether guard may mend an import error by itself: the policy says so, and it was not tried in this phase.
    fn may_install(&self, working: &Working) -> bool {
        self.settings.r#loop.install && !working.installed && self.project.root.join("requirements.txt").is_file()
    }

    /// Installs what the project requires; the check is run again then. Where that is not allowed, or not possible, the agent is
    /// told of it and of the import: `message`.
    fn install(&mut self, phase: &Phase, working: &Working, message: &str) -> Result<(), LoopFault> {
        self.show.tell(&Told::Step {
            phase: phase.id.clone(),
            step: INSTALL.to_owned(),
            attempt: working.attempt,
            budget: self.budget(working),
            what: REQUIRED.to_owned(),
            limit_ms: None,
        });
        let step = gate::Step { name: INSTALL.to_owned(), check: None };
        let answer = self.execute(phase, REQUIRED, step, Duration::from_secs(600));
        if self.outcome.is_some() || answer.outcome.is_some() {
            return Ok(());
        }
        let why = match (&answer.stop, &answer.judgement) {
            (Some(stop), _) => stop.to_string(),
            (None, Some(judgement)) => {
                let rule = judgement.matches().first().map(|rule| format!("`{}`: {}", rule.id, rule.reason));
                rule.unwrap_or_else(|| "nothing allows it".to_owned())
            }
            (None, None) => "it did not run".to_owned(),
        };
        let step = stepped(working, INSTALL, String::new());
        self.not_installed(phase, step, format!("{message}; `{REQUIRED}` was not run: {why}"))
    }

    /// What the project requires is not there: the agent's turn. The import that failed was counted already.
    fn not_installed(&mut self, phase: &Phase, step: PhaseStep, message: String) -> Result<(), LoopFault> {
        let category = Some(Category::Import.word().to_owned());
        let files = self.fingerprint(phase);
        self.red(phase, PhaseStep { files, message: Some(message), category, ..step }, None)
    }

    fn dry_ran(
        &mut self,
        phase: &Phase,
        (step, dry): (&Step, &DryRun),
        working: &Working,
        (run, ended): (&StepRun, &StepEnd),
    ) -> Result<bool, LoopFault> {
        // Where a rule calls it a check, its failure was counted when it ended.
        let counted = ended.check.as_deref().filter(|check| check.proves == Proves::Failure);
        let outcome = self.outcome.take();
        // What it printed is not known after an interruption: it is run again, unless it has counted.
        if outcome.is_none() && counted.is_none() {
            return Ok(false);
        }
        let files = self.fingerprint(phase);
        let base =
            PhaseStep { run: Some(run.seq), duration_ms: ended.duration_ms, ..stepped(working, &step.name, files) };
        let (Some(outcome), None) = (outcome, counted) else {
            let message = counted.and_then(|check| check.message.clone()).unwrap_or_else(|| "it failed".to_owned());
            let error = error(DRY_RUN, &message, &[]);
            let category = counted.and_then(|check| check.category.clone());
            let red = PhaseStep { message: Some(message), error: Some(error), category, ..base };
            return self.red(phase, red, None).map(|()| true);
        };
        let printed = {
            let (out, _) = outcome.stdout.excerpt(LOOKED as usize);
            let (err, _) = outcome.stderr.excerpt(LOOKED as usize);
            format!("{}\n{}", String::from_utf8_lossy(&out), String::from_utf8_lossy(&err))
        };
        let text = match &dry.log {
            Some(log) => match written(&self.project.root.join(log), self.log_from) {
                Ok(text) => text,
                Err(error) => {
                    let message = format!("its log `{log}` cannot be read: {error}");
                    let failing = (Category::Runtime, step.shown(), format!("{message}\n\n{printed}"));
                    let red = PhaseStep { message: Some(message), ..base };
                    return self.red(phase, red, Some(failing)).map(|()| true);
                }
            },
            None => printed.clone(),
        };
        let wrong = match &ended.limit {
            Some(limit) => Some(format!("was ended at a limit: {limit}")),
            None if ended.exit_code != 0 => Some(format!("ended with {}", ended.exit_code)),
            None => unexpected(dry, &text),
        };
        let Some(message) = wrong else { return self.noted(phase, base, None).map(|()| true) };
        let error = error(DRY_RUN, &message, &[]);
        let red = PhaseStep { message: Some(message.clone()), error: Some(error), ..base };
        let failing = (Category::Runtime, step.shown(), format!("{message}\n\n{printed}"));
        self.red(phase, red, Some(failing)).map(|()| true)
    }

    /// Records a red step, with what of it counts.
    pub(super) fn red(
        &mut self,
        phase: &Phase,
        step: PhaseStep,
        failing: Option<(Category, String, String)>,
    ) -> Result<(), LoopFault> {
        let rule = format!("plan:{}", step.step);
        let failing = failing.map(|(category, command, error)| Failing { category, rule, command, error });
        let category =
            step.category.clone().or_else(|| failing.as_ref().map(|failing| failing.category.word().to_owned()));
        let result = if step.result == StepResult::Pass { StepResult::Fail } else { step.result };
        self.noted(phase, PhaseStep { result, category, ..step }, failing)
    }

    /// Records a step, and tells of it.
    pub(super) fn noted(&mut self, phase: &Phase, step: PhaseStep, failing: Option<Failing>) -> Result<(), LoopFault> {
        let (name, result, duration_ms, message) =
            (step.step.clone(), step.result, step.duration_ms, step.message.clone());
        let counted = step.run;
        let stepped = gate::record_step(self.world, self.project, step, failing.as_ref())?;
        let attempts = match (stepped.attempts, result) {
            (None, StepResult::Fail) => counted.and_then(|run| self.spent(run)),
            (attempts, _) => attempts,
        };
        if let Some(stop) = stepped.untold {
            self.show.tell(&Told::Note { text: format!("a person could not be told: {stop}") });
        }
        self.show.tell(&Told::Stepped { phase: phase.id.clone(), step: name, result, duration_ms, message, attempts });
        Ok(())
    }
}

/// A step that has ended well, so far.
pub(super) fn stepped(working: &Working, step: &str, files: String) -> PhaseStep {
    PhaseStep {
        of: working.seq,
        step: step.to_owned(),
        attempt: working.attempt,
        result: StepResult::Pass,
        run: None,
        duration_ms: 0,
        files,
        category: None,
        message: None,
        error: None,
        tests: None,
        asks: Vec::new(),
        cost: None,
        check: None,
    }
}

/// A fingerprint of what is wrong, the same whatever digits stand in it: lines, times and numbers of processes differ from run to run.
pub(super) fn error(step: &str, message: &str, tests: &[String]) -> String {
    let plain: String = message.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    let mut all = Sha256::new();
    all.update(step);
    all.update([0]);
    all.update(plain);
    for test in tests {
        all.update([0]);
        all.update(test);
    }
    hex(&all.finalize()).chars().take(32).collect()
}

/// What a dry run's log must hold and does not, or must not hold and does.
fn unexpected(dry: &DryRun, text: &str) -> Option<String> {
    let found = |pattern: &str| {
        let pattern = plan::expression(pattern).ok()?;
        text.lines().find(|line| pattern.is_match(line.as_bytes())).map(str::to_owned)
    };
    if let Some((pattern, line)) = dry.lacks.iter().find_map(|pattern| Some((pattern, found(pattern)?))) {
        return Some(format!("its log holds what it must not (`{pattern}`): {}", line.trim()));
    }
    let missing = dry.holds.iter().find(|pattern| found(pattern).is_none())?;
    Some(format!("its log does not hold `{missing}`"))
}

/// What was written to a log behind its first `from` bytes, so far as it is looked at; of one that is shorter now, all of it.
fn written(path: &Path, from: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let from = if len < from { 0 } else { from };
    file.seek(SeekFrom::Start(from.max(len.saturating_sub(LOOKED))))?;
    let mut bytes = Vec::new();
    file.take(LOOKED).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

struct Watch<'a> {
    show: &'a mut dyn Show,
}

impl Sink for Watch<'_> {
    fn begins(&mut self, limit: Duration) {
        self.show.limit(limit);
    }

    fn stdout(&mut self, bytes: &[u8]) {
        self.show.output(bytes);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.show.output(bytes);
    }

    fn ends(&mut self) -> Option<&'static str> {
        self.show.pulse();
        None
    }
}
