//! The policy's own rules about paths, asked of what really changed: `writes_to` of everything that was made or changed or
//! is gone, `removes` of what is gone. Rules that look at anything else of a command were asked when it was judged.

use super::{Ground, Listed, shown};
use crate::action::Change;
use crate::decide::policy::{Bases, Has, PathPattern, Rule, meant, path_meant};
use crate::decide::{Match, Verdict};

/// Every rule that asks or denies and means a changed path.
pub(super) fn matches(ground: Ground<'_>) -> Vec<Match> {
    let has = Has { paths: true, ..Has::default() };
    let numbers = ground.policy.candidates(std::iter::empty(), has);
    numbers.into_iter().filter_map(|number| matched(ground, number)).collect()
}

fn matched(ground: Ground<'_>, number: usize) -> Option<Match> {
    let Some(rule) = ground.policy.rule(number) else {
        return Some(super::said(&crate::decide::judging::DAMAGED, &format!("rule {number}")));
    };
    if rule.verdict == Verdict::Allow || !is_about_paths(rule) || !labels(ground, rule) {
        return None;
    }
    let mut listed = Listed::default();
    for change in ground.set.changes.iter().filter(|change| means(ground, rule, change)) {
        listed.add(&shown(&change.path), 1);
    }
    let text = ground.policy.text(number).filter(|_| listed.all > 0)?;
    if ground.facts.answered.contains(&text.id) && rule.verdict == Verdict::Ask {
        return None;
    }
    Some(Match {
        id: text.id,
        verdict: rule.verdict,
        reason: format!("{}: {listed}", text.reason),
        instead: text.instead,
        at: text.at,
        command: None,
        overruled: None,
    })
}

/// Whether a rule looks at written or removed paths, and at nothing else but labels.
fn is_about_paths(rule: &Rule) -> bool {
    if rule.when.writes_to.is_empty() && rule.when.removes.is_empty() {
        return false;
    }
    let mut rest = rule.when.clone();
    for list in [&mut rest.writes_to, &mut rest.removes] {
        list.clear();
    }
    for list in [&mut rest.task, &mut rest.mode, &mut rest.phase] {
        list.clear();
    }
    rest.in_plan = None;
    rest.is_empty()
}

fn labels(ground: Ground<'_>, rule: &Rule) -> bool {
    let holds = |patterns: &[_], label: &Option<String>| {
        patterns.is_empty() || label.as_deref().is_some_and(|label| meant(patterns, label))
    };
    let (when, facts) = (&rule.when, ground.facts);
    holds(&when.task, &facts.task) && holds(&when.mode, &facts.mode) && holds(&when.phase, &facts.phase)
}

fn means(ground: Ground<'_>, rule: &Rule, change: &Change) -> bool {
    let facts = ground.facts;
    let bases = Bases { project: &facts.project, home: facts.home.as_deref() };
    let path = facts.project.join(&change.path);
    let holds = |patterns: &[PathPattern]| patterns.is_empty() || path_meant(patterns, &path, bases);
    // What stood there and is replaced by something of another kind is gone as well.
    let kinds = |node: &crate::action::Node| std::mem::discriminant(node);
    let gone = match (&change.before, &change.after) {
        (Some(before), Some(after)) => kinds(before) != kinds(after),
        (before, _) => before.is_some(),
    };
    let planned = || {
        let files = facts.phase_files.iter().flatten();
        files.into_iter().any(|file| std::path::Path::new(file) == change.path)
    };
    let in_plan = rule.when.in_plan.is_none_or(|wanted| wanted == planned());
    in_plan && holds(&rule.when.writes_to) && (rule.when.removes.is_empty() || gone && holds(&rule.when.removes))
}
