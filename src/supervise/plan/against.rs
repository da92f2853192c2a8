//! What a plan comes to in a project: its commands, queries and names, judged by the policy as it stands.
//! Runs nothing, asks no database, and writes no record.

use super::{AgentKind, CheckKind, Data, Phase, Plan};
use crate::action::query;
use crate::action::shell::{Asked, Kind};
use crate::action::{Action, Found};
use crate::decide::policy::{Database, Fault, Policy, nearest};
use crate::decide::{Judgement, Match, Verdict, judge_query};
use crate::event::Mode;
use crate::gate::{Examined, Request, World, examine_in};
use std::ffi::OsString;
use std::path::Path;

/// What speaks against running a plan.
#[derive(Debug, Default)]
pub struct Against {
    /// What could never work.
    pub faults: Vec<Fault>,
    /// What will need a person, or may need one.
    pub warnings: Vec<Fault>,
}

/// Looks at a plan in the project at `root`, in the world as it is, by `policy`. `file`: the plan's path from the root, if
/// it lies in the project.
pub fn against(plan: &Plan, world: &World, root: &Path, file: Option<&Path>, policy: &Policy) -> Against {
    let world = World { cwd: root.to_owned(), ..world.clone() };
    let mut look = Look { plan, world, root, policy, found: Against::default() };
    look.agent();
    let runs = plan.limits.agent_runs.unwrap_or(policy.settings().r#loop.agent_runs);
    if plan.phases.len() > runs as usize {
        let message = format!("{} phases, and `agent_runs` is {runs}", plan.phases.len());
        let help =
            "each phase takes one run of the agent at least: raise `agent_runs`, in `[loop]` of the policy as well";
        look.found.faults.push(plan.fault(None, "limits.agent_runs", 0, message).help(help));
    }
    for (number, phase) in plan.phases.iter().enumerate() {
        look.phase(number, phase);
        if let Some(file) = file.filter(|file| phase.may_touch(file)) {
            let message = format!("phase {} may touch the plan, `{}`", phase.id, file.display());
            let help = "a plan that changes stops the loop: take it out with `!` in front";
            look.found.warnings.push(plan.fault(Some(number), "files", 0, message).help(help));
        }
    }
    let mut found = look.found;
    for list in [&mut found.faults, &mut found.warnings] {
        list.sort_by_key(|fault| (fault.line, fault.column));
    }
    found
}

struct Look<'a> {
    plan: &'a Plan,
    world: World,
    root: &'a Path,
    policy: &'a Policy,
    found: Against,
}

impl Look<'_> {
    fn fault(&mut self, phase: Option<usize>, key: &'static str, number: usize, message: String, help: String) {
        self.found.faults.push(self.plan.fault(phase, key, number, message).help(help));
    }

    /// The agent's program or file is there. What it does is judged when it asks.
    fn agent(&mut self) {
        let agent = &self.plan.agent;
        let (program, key) = match agent.kind {
            AgentKind::Command => (agent.run.first().cloned().unwrap_or_default(), "agent.run"),
            AgentKind::Claude | AgentKind::Codex => (agent.kind.word().to_owned(), "agent.kind"),
            AgentKind::Script => {
                let file = agent.file.clone().unwrap_or_default();
                if !self.root.join(&file).is_file() {
                    let help = "name a file of actions, from the project's root".to_owned();
                    self.fault(None, "agent.file", 0, format!("no file `{file}` is there"), help);
                }
                return;
            }
        };
        let examined = self.examined(Asked::Argv(vec![OsString::from(&program)]), None);
        for (program, cause) in missing(&examined) {
            let help = "install it, or name it by its path".to_owned();
            self.fault(None, key, 0, format!("the agent's program `{program}` {cause}"), help);
        }
    }

    fn phase(&mut self, number: usize, phase: &Phase) {
        for kind in CheckKind::ALL {
            for (nth, line) in phase.checks.of(kind).iter().enumerate() {
                self.line(number, kind.word(), nth, line, phase.mode);
            }
        }
        if let Some(run) = &phase.dry_run {
            let line = run.line(run.duration);
            let judgement = self.line(number, "dry_run.command", 0, &line, phase.mode);
            let limit = judgement.grant().timeout;
            if run.duration.is_some_and(|duration| duration > limit) && judgement.verdict() != Verdict::Deny {
                let message = format!("it runs longer than the policy lets it, {} s", limit.as_secs_f64());
                let help = "shorten `duration`, or give a rule for it a `timeout` (docs/policy.md)".to_owned();
                self.fault(Some(number), "dry_run.command", 0, message, help);
            }
        }
        for (nth, migration) in phase.migrations.iter().enumerate() {
            match &migration.database {
                Some(name) => {
                    self.database(number, "migration.database", nth, name);
                }
                None if self.databases().len() != 1 => {
                    let message =
                        format!("a migration without `database`, and the policy has {}", self.databases().len());
                    self.fault(Some(number), "migration", nth, message, "name the database".to_owned());
                }
                None => {}
            }
        }
        for (nth, data) in phase.data.iter().enumerate() {
            self.data(number, nth, data, phase.mode);
        }
    }

    fn examined(&self, asked: Asked, mode: Option<Mode>) -> Examined {
        let request =
            Request { asked, timeout: None, task: None, reason: None, waiting: None, dry_run: false, step: None };
        examine_in(&self.world, self.root, request, self.policy, mode)
    }

    /// Judges a line of a phase.
    fn line(&mut self, phase: usize, key: &'static str, number: usize, line: &str, mode: Option<Mode>) -> Judgement {
        let examined = self.examined(Asked::Line(line.into()), mode);
        for (program, cause) in missing(&examined) {
            let help = "install it, or take it out of the plan".to_owned();
            self.fault(Some(phase), key, number, format!("the program `{program}` {cause}"), help);
        }
        let judgement = examined.judgement;
        let rule =
            judgement.matches().iter().find(|found| found.verdict == judgement.verdict() && found.overruled.is_none());
        let help = rule.map_or_else(String::new, |rule| rule.instead.clone().unwrap_or_else(|| asks(rule)));
        let why = rule.map_or_else(String::new, |rule| format!(": {} (rule `{}`, {})", rule.reason, rule.id, rule.at));
        match judgement.verdict() {
            Verdict::Allow => {}
            Verdict::Ask => {
                let message = format!("a person will be asked{why}");
                let warning = self.plan.fault(Some(phase), key, number, message);
                self.found.warnings.push(warning.help(help));
            }
            Verdict::Deny => self.fault(Some(phase), key, number, format!("it is refused by policy{why}"), help),
        }
        judgement
    }

    fn databases(&self) -> &[Database] {
        &self.policy.settings().databases
    }

    /// The database of that name.
    fn database(&mut self, phase: usize, key: &'static str, number: usize, name: &str) -> Option<Database> {
        let known: Vec<&str> = self.databases().iter().map(|database| database.name.as_str()).collect();
        let help = match nearest(name, &known) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if known.is_empty() => "the policy has none: add a [[database]] with that `name`".to_owned(),
            None => format!("known: {}", known.join(", ")),
        };
        let found = self.databases().iter().find(|database| database.name == name).cloned();
        if found.is_none() {
            self.fault(Some(phase), key, number, format!("no database is called `{name}`"), help);
        }
        found
    }

    fn data(&mut self, phase: usize, number: usize, data: &Data, mode: Option<Mode>) {
        let Some(database) = self.database(phase, "data.database", number, &data.database) else { return };
        if let Some(mode) = mode.filter(|mode| mode.is_for_tests() && database.test_url_env.is_none()) {
            let message = format!("`{}` has no database for tests, which mode `{}` asks", database.name, mode.word());
            let help = "give it `test_url_env` in the policy, or the phase another mode".to_owned();
            self.fault(Some(phase), "data.database", number, message, help);
        }
        let query = match query::read(database.engine, &data.query) {
            Ok(query) => query,
            Err(unread) => {
                let help = unread.instead.clone().unwrap_or_else(|| "see docs/database.md".to_owned());
                return self.fault(
                    Some(phase),
                    "data.query",
                    number,
                    format!("it is not read as a query: {}", unread.why),
                    help,
                );
            }
        };
        if !query.kind().reads_only() {
            let help = "what changes data belongs into the work, or into a migration".to_owned();
            return self.fault(Some(phase), "data.query", number, "a data validation only reads".to_owned(), help);
        }
        let judgement = judge_query(&query, None, self.policy);
        let Some(rule) = judgement.matches.iter().find(|found| found.verdict == judgement.verdict) else { return };
        let help = rule.instead.clone().unwrap_or_else(|| asks(rule));
        let why = format!("{} (rule `{}`, {})", rule.reason, rule.id, rule.at);
        match judgement.verdict {
            Verdict::Allow => {}
            Verdict::Ask => {
                let warning =
                    self.plan.fault(Some(phase), "data.query", number, format!("a person will be asked: {why}"));
                self.found.warnings.push(warning.help(help));
            }
            Verdict::Deny => {
                self.fault(Some(phase), "data.query", number, format!("it is refused by policy: {why}"), help)
            }
        }
    }
}

/// What to do about a rule that says nothing itself.
fn asks(rule: &Match) -> String {
    match rule.verdict {
        Verdict::Ask => "the loop waits for the answer; a rule in `guard.toml` can give it beforehand".to_owned(),
        Verdict::Allow | Verdict::Deny => "write another command, or change the rule".to_owned(),
    }
}

/// Programs that are not there, or cannot be executed, and which of the two.
fn missing(examined: &Examined) -> Vec<(String, String)> {
    let Action::Shell(shell) = examined.judgement.action();
    let mut missing = Vec::new();
    for command in shell.commands() {
        let own = command.program_word().filter(|_| command.kind == Kind::External);
        let around =
            command.wrappers.iter().filter(|wrapper| wrapper.kind == Kind::External).map(|wrapper| &wrapper.word);
        for word in own.into_iter().chain(around) {
            let cause = match examined.facts.found(command, word) {
                Some(Found::Missing) => "is not there".to_owned(),
                Some(Found::Unusable(cause)) => format!("cannot be executed: {cause}"),
                Some(Found::Program(_)) | None => continue,
            };
            if !missing.iter().any(|(known, _)| *known == word.text) {
                missing.push((word.text.clone(), cause));
            }
        }
    }
    missing
}
