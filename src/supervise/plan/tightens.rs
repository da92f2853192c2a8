//! Whether a plan's limits only tighten: a phase's the plan's, and all of them the policy's.
//! Knows settings and the plan; gathers nothing.

use super::{Limits, Plan};
use crate::decide::policy::{ATTEMPTS, Attempts, Fault, Settings};
use std::fmt::Display;
use std::time::Duration;

/// Every limit of the plan that would loosen what the policy says, or, in a phase, what the plan says.
pub fn tightens(plan: &Plan, settings: &Settings) -> Vec<Fault> {
    let mut faults = Vec::new();
    let policy = Around {
        whose: "the policy's",
        wall: Some(settings.r#loop.wall),
        agent_runs: Some(settings.r#loop.agent_runs),
        cost: None,
        silence: Some(settings.r#loop.silence),
        attempts: attempts(&settings.attempts),
    };
    policy.holds(plan, None, &plan.limits, &mut faults);
    let whole = Around {
        whose: "the plan's",
        wall: plan.limits.wall,
        agent_runs: plan.limits.agent_runs,
        cost: plan.limits.cost,
        silence: plan.limits.silence,
        attempts: plan.limits.attempts.slots(),
    };
    for (number, phase) in plan.phases.iter().enumerate() {
        // What loosens both is told once, of the one that is nearer.
        let before = faults.len();
        whole.holds(plan, Some(number), &phase.limits, &mut faults);
        let told: Vec<(usize, usize)> = faults.iter().skip(before).map(|fault| (fault.line, fault.column)).collect();
        let mut more = Vec::new();
        policy.holds(plan, Some(number), &phase.limits, &mut more);
        faults.extend(more.into_iter().filter(|fault| !told.contains(&(fault.line, fault.column))));
    }
    if plan.agent.timeout > settings.run.timeout {
        let most = shown(settings.run.timeout);
        let fault = plan.fault(None, "agent.timeout", 0, format!("`timeout` is more than the policy's, {most}"));
        faults.push(fault.help("lower it; `timeout` in `[run]` of the policy says how long an agent may run"));
    }
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults
}

/// What limits have to keep within.
struct Around {
    whose: &'static str,
    wall: Option<Duration>,
    agent_runs: Option<u32>,
    cost: Option<f64>,
    silence: Option<Duration>,
    attempts: [Option<u32>; 8],
}

impl Around {
    fn holds(&self, plan: &Plan, phase: Option<usize>, limits: &Limits, faults: &mut Vec<Fault>) {
        let mut looser = |place: &'static str, most: Option<&dyn Display>| {
            if let Some(most) = most {
                let key = place.rsplit('.').next().unwrap_or(place);
                let message = format!("`{key}` is more than {}, {most}", self.whose);
                let help = format!("lower it, or raise {}", self.raised(place));
                faults.push(plan.fault(phase, place, 0, message).help(help));
            }
        };
        let longer =
            |own: Option<Duration>, most: Option<Duration>| most.filter(|most| own.is_some_and(|own| own > *most));
        looser("limits.wall", longer(limits.wall, self.wall).map(shown).as_ref().map(|most| most as &dyn Display));
        let more = |own: Option<u32>, most: Option<u32>| most.filter(|most| own.is_some_and(|own| own > *most));
        let runs = more(limits.agent_runs, self.agent_runs);
        looser("limits.agent_runs", runs.as_ref().map(|most| most as &dyn Display));
        let dearer = self.cost.filter(|most| limits.cost.is_some_and(|own| own > *most));
        looser("limits.cost", dearer.as_ref().map(|most| most as &dyn Display));
        let silence = longer(limits.silence, self.silence).map(shown);
        looser("limits.silence", silence.as_ref().map(|most| most as &dyn Display));
        for ((key, own), most) in ATTEMPTS.iter().zip(limits.attempts.slots()).zip(self.attempts) {
            looser(key.name, more(own, most).as_ref().map(|most| most as &dyn Display));
        }
    }

    /// Where what it says would be raised.
    fn raised(&self, place: &str) -> &'static str {
        match (self.whose, place.starts_with("limits.")) {
            ("the plan's", _) => "it in the plan's `limits` first",
            (_, true) => "it in `[loop]` of the policy first",
            (_, false) => "it in `[attempts]` of the policy first",
        }
    }
}

/// The policy's budgets in the order of its keys.
fn attempts(policy: &Attempts) -> [Option<u32>; 8] {
    let Attempts { total, syntax, import, r#type, test, runtime, database, denials } = *policy;
    [total, syntax, import, r#type, test, runtime, database, denials].map(Some)
}

/// A duration as it is written: `1h 30min`.
fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
        (duration.subsec_millis().into(), "ms"),
    ];
    let said: Vec<String> =
        parts.into_iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number}{unit}")).collect();
    said.join(" ")
}
