//! What an agent should do next: one sentence for every refusal and failure. Never a command or digest that would
//! approve anything.
//! Knows no layout.

use super::{Answer, Changes};
use crate::decide::{Judgement, Verdict};
use crate::event::{Ended, Spent, Why};
use crate::execute::Traffic;
use crate::failfast::{Failed, Finding};

/// What to do next; `None` where all went as asked.
pub fn hint(answer: &Answer) -> Option<String> {
    let halted = answer.halted.as_ref().map(|name| {
        format!(
            "{}: everything is halted (`{name}`) and a person is called; stop here, and tell \
             them what you think is wrong with `guard escalate --analysis TEXT`",
            match answer.outcome.as_ref().and_then(|outcome| outcome.limit.as_deref()) {
                Some("memory") => "it held too much memory",
                Some(_) | None => "that was the last attempt",
            }
        )
    });
    if halted.is_some() {
        return halted;
    }
    if let Some(stop) = &answer.stop {
        return stop.help();
    }
    if let Some(outcome) = &answer.outcome {
        let failed = match &answer.finding {
            Some(Finding::Failed(failed)) => Some(failure(failed, answer.attempts)),
            Some(Finding::Unproved(Some(counts))) if counts.is_green() => Some(
                "that proves nothing for the failures before it: run the same check by its own name, with nothing around it"
                    .to_owned(),
            ),
            Some(Finding::Unproved(_)) => {
                Some("it ended with 0 and shows no test that ran: run the tests that failed, without options that leave tests out".to_owned())
            }
            Some(Finding::Green(_)) | None => None,
        };
        let slow = (outcome.ended == Ended::TimedOut)
            .then(|| "make it faster, run a part of it, or have a person raise the rule's `timeout`".to_owned());
        let much = outcome.limit.as_ref().map(|limit| {
            format!("make it use less, or have a person raise `{}` in `[limits]`", limit.replace('-', "_"))
        });
        let failed = match (&answer.lacked, failed) {
            (Some(lacked), Some(failed)) => Some(format!("{lacked}; {failed}")),
            (lacked, failed) => lacked.clone().or(failed),
        };
        let changed = || answer.changes.as_ref().and_then(changed);
        return failed.or(slow).or(much).or_else(changed).or_else(|| refused(&outcome.traffic));
    }
    let judgement = answer.judgement.as_ref()?;
    match judgement.verdict() {
        Verdict::Allow => None,
        Verdict::Ask => Some(match &answer.request {
            Some(name) => format!(
                "a person has been asked (`{name}`): go on with something else, and repeat the same command once they \
                 have answered; `guard wait {name}` waits for that"
            ),
            None if answer.unasked => {
                "so many requests wait for a person already that this one was not put before them: wait for an answer first".into()
            }
            None => "a person has to allow it".into(),
        }),
        Verdict::Deny => Some(refusal(judgement, answer.attempts)),
    }
}

/// What a command should do that was refused a connection.
fn refused(traffic: &Traffic) -> Option<String> {
    let first = traffic.refused.first()?;
    Some(format!(
        "`{} {}` was refused ({}): a command reaches the ports that it listens on itself, and beyond that what its rule names as \
         `services` or `hosts`",
        first.call, first.address, first.why
    ))
}

/// What to do about changes that are not in the project.
fn changed(changes: &Changes) -> Option<String> {
    let instead =
        changes.rules.iter().filter(|rule| rule.verdict != Verdict::Allow).find_map(|rule| rule.instead.clone());
    Some(match changes.withheld? {
        Why::Deny => instead.unwrap_or_else(|| "do it without those changes, or have a person make them".into()),
        Why::Ask => match &changes.request {
            Some(name) => format!(
                "a person has been asked (`{name}`): go on with something else; `guard wait {name}` waits for their answer, \
                 which brings the changes in"
            ),
            None => {
                "so many requests wait for a person already that this one was not put before them: wait for an answer \
                     first"
                    .into()
            }
        },
        Why::Conflict => "look at what stands there now, and run the command again".into(),
        Why::Error => "nothing of it is in the project: mend what is said above, and run the command again".into(),
        Why::Ended | Why::DryRun | Why::Halted => return None,
    })
}

fn failure(failed: &Failed, spent: Option<Spent>) -> String {
    let place = failed.failures.first().and_then(|failure| {
        let file = failure.file.as_ref()?;
        Some(failure.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}")))
    });
    let begin = place.map_or_else(|| "begin with the first error".to_owned(), |place| format!("begin at {place}"));
    format!("{begin}; {}", left(spent, failed.category.word()))
}

fn left(spent: Option<Spent>, category: &str) -> String {
    let Some(Spent { used, budget, total_used, total_budget }) = spent else {
        return format!("it is a failure of category {category}");
    };
    let left = budget.saturating_sub(used).min(total_budget.saturating_sub(total_used));
    let more = match left {
        0 => "no further attempt is left".to_owned(),
        1 => "one more failure halts everything and calls a person".to_owned(),
        more => format!("after {more} more failures everything is halted and a person is called"),
    };
    format!("attempt {used} of {budget} in category {category}, {total_used} of {total_budget} in all: {more}")
}

fn refusal(judgement: &Judgement, spent: Option<Spent>) -> String {
    let decided = judgement.matches().iter().filter(|found| found.verdict == Verdict::Deny);
    let instead = decided.filter_map(|found| found.instead.clone()).next();
    let instead = instead
        .unwrap_or_else(|| "use what the policy allows, or have a person do it or add a rule to guard.toml".to_owned());
    match spent {
        Some(Spent { used, budget, .. }) if used < budget => {
            format!(
                "{instead}; this was refused before, and asking again counts: {used} of {budget}, then everything is halted"
            )
        }
        Some(_) | None => instead,
    }
}
