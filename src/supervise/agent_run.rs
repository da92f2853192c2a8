//! The agent's part of an attempt: it is told, runs in the fence, and what it leaves behind is looked at.
//! Knows no checks.

use super::agent::{Given, Heard, Listening, adapter};
use super::build::{Build, End, millionths};
use super::checks::stepped;
use super::fault::LoopFault;
use super::next::Bounds;
use super::plan::Phase;
use super::said;
use super::show::{Show, Told};
use crate::event::{AGENT, Ended, PhaseStep, State, StepEnd, StepResult, StepRun, Working};
use crate::execute::Sink;
use crate::failfast::Category;
use crate::gate::{self, Agent};
use rustix::fs::{MemfdFlags, SeekFrom, memfd_create, seek};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Bytes that an agent may print in one run.
const PRINTED: u64 = 256_000_000;
/// The limit that an agent is ended at which neither prints nor calls guard.
const SILENT: &str = "silence";

impl Build<'_> {
    /// Runs the agent once.
    pub(super) fn agent(
        &mut self,
        phase: &Phase,
        working: &Working,
        state: &State,
        bounds: &Bounds,
    ) -> Result<Option<End>, LoopFault> {
        let kind = self.plan.agent.kind.word();
        let adapter = adapter(kind).ok_or_else(|| LoopFault::Agent(format!("there is no kind `{kind}`")))?;
        let brief = self.brief(phase, working, state, bounds);
        let guard = std::env::current_exe().and_then(std::fs::canonicalize);
        let guard = guard.map_err(|error| LoopFault::Agent(format!("guard's own program is not found: {error}")))?;
        let file = self.plan.agent.file.as_ref().map(|file| self.project.root.join(file));
        let given = Given { run: &self.plan.agent.run, file: file.as_deref(), guard: &guard };
        let argv = adapter.argv(given, &brief).map_err(|what| LoopFault::Agent(what.to_owned()))?;
        let timeout = self.plan.agent.timeout.min(bounds.left(working));
        self.show.tell(&Told::Step {
            phase: phase.id.clone(),
            step: AGENT.to_owned(),
            attempt: working.attempt,
            budget: self.budget(working),
            what: argv.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "),
            limit_ms: u64::try_from(timeout.as_millis()).ok(),
        });
        self.restless = 0;
        give(&adapter.stdin(&brief))?;
        let agent = Agent {
            argv,
            timeout: Some(timeout),
            output: Some(PRINTED),
            variables: adapter.env(&brief),
            attempt: Some(working.attempt),
        };
        let silence = self.silence(phase);
        let log = self.project.paths.log.clone();
        let mut watch =
            Watch { show: self.show, heard: adapter.listen(), log, known: 0, active: Instant::now(), silence };
        let answer = gate::run(self.world, self.project, agent, &mut watch);
        let heard = watch.heard.end();
        give("")?;
        self.heard = Some(heard);
        match (answer.stop, answer.outcome) {
            (Some(stop), _) => Err(stop.into()),
            (None, Some(outcome)) if outcome.ended == Ended::Cancelled => {
                Ok(Some(End::Interrupted { code: outcome.exit_code }))
            }
            (None, _) => Ok(None),
        }
    }

    /// Looks at what a run of the agent left behind, and records it.
    pub(super) fn agent_ended(
        &mut self,
        phase: &Phase,
        working: &Working,
        (run, ended): (&StepRun, &StepEnd),
        state: &State,
    ) -> Result<(), LoopFault> {
        let heard = self.heard.take().unwrap_or_default();
        self.said.clone_from(&heard.said);
        let files = self.fingerprint(phase);
        let asks: Vec<String> = {
            let open = state.requests.open.values();
            let new = open.filter(|open| open.seq > run.seq && open.approved.is_none());
            new.map(|open| open.asked.name.clone()).collect()
        };
        let step = PhaseStep {
            run: Some(run.seq),
            duration_ms: ended.duration_ms,
            cost: heard.cost_usd.map(millionths),
            ..stepped(working, AGENT, files.clone())
        };
        if let Some(limit) = &ended.limit {
            let message = self.over_limit(phase, limit);
            let step = PhaseStep { result: StepResult::Fail, message: Some(message.clone()), ..step };
            return self.red(phase, step, Some((Category::Runtime, AGENT.to_owned(), message)));
        }
        if !asks.is_empty() {
            return self.noted(phase, PhaseStep { result: StepResult::Waits, asks, ..step }, None);
        }
        if let Some(stuck) = stuck(working, &files) {
            let message = failed_itself(&heard, ended).map_or(stuck.clone(), |why| format!("{stuck}; {why}"));
            let step = PhaseStep { result: StepResult::Stuck, message: Some(message.clone()), ..step };
            let category = working.red.as_ref().and_then(|red| Category::of(red.category.as_deref()?));
            return self.red(phase, step, Some((category.unwrap_or(Category::Runtime), AGENT.to_owned(), message)));
        }
        if let Some(why) = failed_itself(&heard, ended) {
            self.show.tell(&Told::Note { text: format!("{why}; what it did is checked all the same") });
        }
        if heard.malformed > 0 {
            let text = format!("the agent printed {} lines that were not understood", heard.malformed);
            self.show.tell(&Told::Note { text });
        }
        self.noted(phase, step, None)
    }

    fn over_limit(&self, phase: &Phase, limit: &str) -> String {
        match limit {
            SILENT => {
                let silence = said(self.silence(phase));
                format!(
                    "the agent printed nothing and asked for nothing for {silence}, and was ended with all it had started"
                )
            }
            "timeout" => "the agent ran out of time, and was ended with all it had started".to_owned(),
            "output" => format!("the agent printed more than {} MB, and was ended", PRINTED / 1_000_000),
            other => format!("the agent was ended at a limit: {other}"),
        }
    }
}

/// Why the agent itself says, or shows, that it failed.
fn failed_itself(heard: &Heard, ended: &StepEnd) -> Option<String> {
    match (&heard.failed, ended.exit_code) {
        (Some(why), _) => Some(format!("the agent failed: {}", why.lines().next().unwrap_or_default())),
        (None, 0) => None,
        (None, code) => Some(format!("the agent ended with {code}")),
    }
}

/// Whether the files show that an attempt leads nowhere: `files` is their fingerprint after it.
fn stuck(working: &Working, files: &str) -> Option<String> {
    let red = working.red.as_ref()?;
    if red.files == files {
        return Some(format!("nothing was changed since `{}` was red: {}", red.step, red.message));
    }
    let known = working.tried.iter().rev().find(|(tried, _)| tried == files);
    known.map(|_| {
        "the files are as they were in an earlier attempt, which was red: a change was undone, or made again".to_owned()
    })
}

/// Gives the next process a text as its standard input; nothing: none.
pub(super) fn give(text: &str) -> Result<(), LoopFault> {
    let fault = |error: rustix::io::Errno| LoopFault::Agent(format!("its standard input cannot be made: {error}"));
    if text.is_empty() {
        let null =
            rustix::fs::open("/dev/null", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).map_err(fault)?;
        return rustix::stdio::dup2_stdin(null).map_err(fault);
    }
    let file = memfd_create("brief", MemfdFlags::CLOEXEC).map_err(fault)?;
    let mut file = File::from(file);
    let written = file.write_all(text.as_bytes());
    written.map_err(|error| LoopFault::Agent(format!("its standard input cannot be made: {error}")))?;
    seek(&file, SeekFrom::Start(0)).map_err(fault)?;
    rustix::stdio::dup2_stdin(&file).map_err(fault)
}

/// Listens to an agent, and ends it when it has been silent for too long: calls of guard, which the log shows, count.
struct Watch<'a> {
    show: &'a mut dyn Show,
    heard: Listening,
    log: PathBuf,
    known: u64,
    active: Instant,
    silence: Duration,
}

impl Sink for Watch<'_> {
    fn begins(&mut self, limit: Duration) {
        self.show.limit(limit);
    }

    fn stdout(&mut self, bytes: &[u8]) {
        self.active = Instant::now();
        self.heard.hear(bytes);
        self.show.output(bytes);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.active = Instant::now();
        self.show.output(bytes);
    }

    fn ends(&mut self) -> Option<&'static str> {
        self.show.pulse();
        let len = std::fs::metadata(&self.log).map_or(0, |found| found.len());
        if std::mem::replace(&mut self.known, len) != len {
            self.active = Instant::now();
        }
        (self.active.elapsed() > self.silence).then_some(SILENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Red;

    #[test]
    fn an_attempt_that_changes_nothing_or_goes_back_is_stuck() {
        let mut working = Working::default();
        assert_eq!(stuck(&working, "a"), None);
        working.red = Some(Red {
            step: "tests".into(),
            attempt: 1,
            category: Some("test".into()),
            message: "assert 2 == 3".into(),
            error: None,
            run: None,
            files: "b".into(),
        });
        working.tried = vec![("a".into(), "e1".into()), ("b".into(), "e2".into())];
        assert_eq!(stuck(&working, "b").unwrap(), "nothing was changed since `tests` was red: assert 2 == 3");
        assert!(stuck(&working, "a").unwrap().starts_with("the files are as they were in an earlier attempt"));
        assert_eq!(stuck(&working, "c"), None);
    }
}
