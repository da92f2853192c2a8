//! The grant: what an allowed action gets, the least of its commands.
//! Knows no fence; it names what the rules give.

use super::hit::{By, Hit, Part};
use super::{Ground, built_in};
use crate::action::Shell;
use crate::action::shell::{Access, Command, Kind};
use crate::decide::policy::{Check, Gives, Layer, Network, Rule, Timeout, Writes, duration};
use crate::decide::{Grant, Verdict};
use std::time::Duration;

/// What one command gets.
struct Share {
    timeout: Duration,
    network: Network,
    /// Whether a rule says so.
    reaches: bool,
    hosts: Vec<String>,
    services: Vec<String>,
    writes: Writes,
    env: Vec<String>,
    dotenv: bool,
    /// Whether a shipped rule says that it only reads: it neither needs nor limits what the others get.
    quiet: bool,
}

/// What the action gets if it runs.
pub(super) fn grant(ground: Ground<'_>, hits: &[Hit]) -> Grant {
    let commands = ground.shell.commands();
    let allowing = allowing(ground, hits);
    let mut shares = Vec::new();
    let mut redirected = false;
    for (number, command) in commands.iter().enumerate() {
        redirected |= command.redirects.iter().any(|redirect| match redirect.access {
            Access::Write | Access::ReadWrite => true,
            Access::Read | Access::Duplicate => false,
        });
        let takes_part = match command.kind {
            Kind::External => true,
            Kind::Builtin => !built_in::is_harmless(command),
            Kind::Function | Kind::None => false,
        };
        if takes_part {
            shares.push(share(ground, command, allowing.get(number).map_or(&[], Vec::as_slice)));
        }
    }
    let only_reads = !redirected && shares.iter().all(|share| share.quiet);
    let held = shares.iter().any(|share| !share.quiet && share.writes == Writes::Nothing);
    let loud: Vec<&Share> = shares.iter().filter(|share| !share.quiet).collect();
    // Where all of them only read, those count for the network that were given one: `npm view x | head`.
    let reached = |share: &&Share| if loud.is_empty() { share.reaches } else { !share.quiet };
    let reaching: Vec<&Share> = shares.iter().filter(reached).collect();
    let area = match loud.iter().map(|share| share.writes).min() {
        _ if only_reads || held => Writes::Nothing,
        Some(least) => least,
        None => Writes::Project,
    };
    let default = limit(ground, ground.policy.settings().limits.timeout);
    let shortest = |shares: &mut dyn Iterator<Item = &Share>| shares.map(|share| share.timeout).min();
    let (check, runner) = alone(ground, &allowing);
    Grant {
        timeout: shortest(&mut loud.iter().copied()).or(shortest(&mut shares.iter())).unwrap_or(default),
        writes: area != Writes::Nothing,
        area,
        network: reaching.iter().map(|share| share.network).min().unwrap_or(Network::None),
        hosts: common(reaching.iter().map(|share| &share.hosts)),
        services: common(reaching.iter().map(|share| &share.services)),
        runner,
        env: common(loud.iter().map(|share| &share.env)),
        // Whatever else the line runs would read them as well.
        dotenv: !shares.is_empty() && shares.iter().all(|share| share.dotenv),
        check,
        checks: commands.iter().enumerate().filter_map(|(number, command)| ground.checking(number, command)).collect(),
    }
}

/// The rules that allow each command itself, the most specific layer first.
fn allowing<'p>(ground: Ground<'p>, hits: &[Hit]) -> Vec<Vec<&'p Rule>> {
    let mut rules: Vec<Vec<&Rule>> = ground.shell.commands().iter().map(|_| Vec::new()).collect();
    for hit in hits {
        match (&hit.by, hit.part) {
            (By::Rule(number, _), Part::Guise(_)) if hit.verdict == Verdict::Allow => {
                let of_command = hit.command.and_then(|command| rules.get_mut(command));
                if let (Some(of_command), Some(rule)) = (of_command, ground.policy.rule(*number)) {
                    of_command.push(rule);
                }
            }
            (By::Rule(..) | By::Whitelist(_) | By::Own(..), _) => {}
        }
    }
    for of_command in &mut rules {
        of_command.sort_by_key(|rule| std::cmp::Reverse(rule.layer));
    }
    rules
}

fn share(ground: Ground<'_>, command: &Command, rules: &[&Rule]) -> Share {
    let given = specific(rules, |gives| gives.timeout.as_ref().and_then(|timeout| asked(command, timeout)));
    let timeout = match given.map(|(layer, timeouts)| (layer, timeouts.into_iter().min())) {
        Some((Layer::Machine, Some(timeout))) => timeout,
        Some((_, Some(timeout))) => limit(ground, timeout),
        Some((_, None)) | None => limit(ground, ground.policy.settings().limits.timeout),
    };
    let writes = specific(rules, |gives| gives.writes);
    let quiet = matches!(&writes, Some((Layer::BuiltIn, all)) if all.contains(&Writes::Nothing));
    let network = specific(rules, |gives| gives.network).and_then(|(_, all)| all.into_iter().min());
    Share {
        timeout,
        network: network.unwrap_or_default(),
        reaches: network.is_some() || specific(rules, |gives| gives.services.clone()).is_some(),
        hosts: lists(rules, |gives| gives.hosts.clone()),
        services: lists(rules, |gives| gives.services.clone()),
        writes: writes.and_then(|(_, all)| all.into_iter().min()).unwrap_or_default(),
        env: lists(rules, |gives| gives.env.clone()),
        dotenv: specific(rules, |gives| gives.dotenv).is_some_and(|(_, all)| all.into_iter().all(|yes| yes)),
        quiet,
    }
}

/// How long a rule lets a command run; `None`: the flag it follows is not there, or not a duration.
fn asked(command: &Command, timeout: &Timeout) -> Option<Duration> {
    match timeout {
        Timeout::Fixed(timeout) => Some(*timeout),
        Timeout::Flag { flag, plus, most } => {
            let values = command.flag_values(flag);
            let [value] = values.as_slice() else { return None };
            Some(duration(value.literal()?)?.saturating_add(*plus).min(*most))
        }
    }
}

/// What the most specific layer that says anything says.
fn specific<T>(rules: &[&Rule], get: impl Fn(&Gives) -> Option<T>) -> Option<(Layer, Vec<T>)> {
    let layer = rules.iter().find(|rule| get(&rule.gives).is_some())?.layer;
    let of_layer = rules.iter().filter(|rule| rule.layer == layer);
    Some((layer, of_layer.filter_map(|rule| get(&rule.gives)).collect()))
}

fn lists(rules: &[&Rule], get: impl Fn(&Gives) -> Option<Vec<String>>) -> Vec<String> {
    specific(rules, get).map(|(_, lists)| common(lists.iter())).unwrap_or_default()
}

/// What is in all lists, in the order of the first.
fn common<'l>(mut lists: impl Iterator<Item = &'l Vec<String>>) -> Vec<String> {
    let first = lists.next().cloned().unwrap_or_default();
    lists.fold(first, |kept, list| kept.into_iter().filter(|item| list.contains(item)).collect())
}

/// The machine's limit of time holds for every other layer.
fn limit(ground: Ground<'_>, timeout: Duration) -> Duration {
    ground.policy.settings().ceiling.map_or(timeout, |ceiling| timeout.min(ceiling))
}

/// What only a command that stands alone gets: its exit code is then the action's (`pytest || true` proves nothing). A
/// check may have gone to its folder before (`cd src && pytest`).
fn alone(ground: Ground<'_>, allowing: &[Vec<&Rule>]) -> (Option<Check>, Option<crate::decide::policy::Runner>) {
    let rules = allowing.last().map_or(&[] as &[&Rule], Vec::as_slice);
    let check = specific(rules, |gives| gives.check).and_then(|(_, all)| all.first().copied());
    let runner = specific(rules, |gives| gives.runner).and_then(|(_, all)| all.first().copied());
    match (stands_alone(ground.shell), ends_alone(ground.shell)) {
        (true, _) => (check, runner),
        (false, true) => (check, None),
        (false, false) => (None, None),
    }
}

/// Whether nothing stands before the last command but `cd`s that must succeed, and nothing around or behind it.
fn ends_alone(shell: &Shell) -> bool {
    let Some((last, before)) = shell.commands().split_last() else { return false };
    let goes = |command: &Command| command.kind == Kind::Builtin && command.name() == "cd";
    let mut at = 0;
    for command in before.iter().chain([last]) {
        let glue = if at == 0 { "" } else { "&&" };
        if shell.text().get(at..command.span.start).is_none_or(|text| text.trim() != glue) {
            return false;
        }
        at = command.span.end;
    }
    let plain = |command: &Command| command.wrappers.is_empty() && command.redirects.is_empty();
    before.iter().all(|command| goes(command) && plain(command) && command.assigns.is_empty())
        && last.wrappers.is_empty()
        && last.cwd.is_some()
        && shell.text().get(at..).is_some_and(|rest| rest.trim().is_empty())
}

/// Whether the action is one command and nothing else: no list, no pipeline, no `!`, no wrapper.
pub(super) fn stands_alone(shell: &Shell) -> bool {
    match shell.commands() {
        [command] => command.wrappers.is_empty() && command.text(shell).trim() == shell.text().trim(),
        _ => false,
    }
}
