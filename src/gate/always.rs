//! A lasting rule: the narrowest that allows what a person is asked, proved by judging again, and added to their policy.
//! Knows no terminals; what such a rule must look at is `decide`'s.

use super::desk::{Desk, now};
use super::person::{Proof, open, proved, required, unusable, waits};
use super::stored::{Stored, folder};
use super::{Project, Stop, World, build, entries, held, layers, policy, trust};
use crate::approve::{Decision, Statement, Strength, Unusable};
use crate::decide::{self, Judgement, Layer, Policy, Source, Verdict, lasting, toml};
use crate::event::Detail;
use crate::event::line::visible;
use crate::record::Receipt;
use std::path::{Path, PathBuf};

/// The person's policy, in their configuration folder.
const FILE: &str = "policy.toml";

/// A rule that would allow what a request asks, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRule {
    name: String,
    id: String,
    path: PathBuf,
    /// What it looks for, and its examples: all of it that a person agrees to.
    conditions: String,
    examples: String,
    files: Vec<String>,
    statement: Statement,
    required: Strength,
}

impl NewRule {
    /// What a person says yes to: the request, and what the rule says.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The least their answer must be.
    pub fn required(&self) -> Strength {
        self.required
    }

    /// The rule's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The file it goes to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Files whose content the request is bound to, and the rule is not.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The rule as it would be written if `who` approved it now.
    pub fn text(&self, who: &str) -> String {
        let day = now().format("%Y-%m-%d");
        let reason = toml(&format!("{} approved it always ({}, {day})", visible(who), self.name));
        let head = format!("# {day}: what `{}` asked, approved always", self.name);
        format!("{head}\n{}reason = {reason}\n{}", self.conditions, self.examples)
    }
}

/// The narrowest rule that allows what a request asks.
///
/// # Errors
/// Why there is none, or that the request does not wait as it was asked.
pub fn narrowest(world: &World, project: &Project, name: &str) -> Result<NewRule, Stop> {
    proposed(&mut Desk::open(world, project)?, name)
}

/// Adds the rule to the person's policy, if the proof holds. The request needs no approval from then on.
///
/// # Errors
/// A proof that does not count, or a rule that is not the one of now; nothing is changed by then.
pub fn add_rule(world: &World, project: &Project, rule: &NewRule, proof: Proof) -> Result<Receipt, Stop> {
    let mut desk = Desk::open(world, project)?;
    let rule = match proposed(&mut desk, &rule.name)? {
        same if same.statement == rule.statement => same,
        _ => return Err(unusable(&rule.name, Unusable::Changed)),
    };
    let by = proved(&desk, &rule.statement, Decision::Approve, proof)?;
    let text = rule.text(&by.who);
    let (sources, old, new) = added(project, &rule.path, &text)?;
    build(&sources)?;
    let (name, id) = (rule.name.clone(), rule.id.clone());
    let target = format!("{name}: {id}");
    let detail = Detail::RuleAdded { name, rule: id, text, by };
    let entry = entries::approval("ALWAYS", &target, "SUCCESS", detail);
    let mut kept = false;
    let written = desk.log.append_when(&desk.redactor, |state| {
        waits(state, &rule.name, now().timestamp())?;
        if !kept {
            keep(&rule.path, old.as_deref(), &new)?;
            kept = true;
        }
        Ok::<_, Stop>(vec![entry.clone()])
    });
    let written = written.map_err(Stop::Log).and_then(|written| written);
    if written.is_err() && kept {
        // What is not recorded must not hold.
        match &old {
            Some(old) => trust::keep(&rule.path, old.as_bytes())?,
            None => std::fs::remove_file(&rule.path).map_err(|error| unwritten(&rule.path, &error))?,
        }
    }
    written
}

fn proposed(desk: &mut Desk<'_>, name: &str) -> Result<NewRule, Stop> {
    let none = |cause: String| Stop::NoRule { name: name.to_owned(), cause };
    let open = open(desk, name)?;
    if let Some(approved) = &open.approved {
        return Err(Stop::Answered { name: name.to_owned(), by: approved.by.who.clone() });
    }
    if open.asked.kind == held::KIND || open.asked.kind == super::migration::KIND {
        return Err(none("it is changes that were made already, and rules allow commands".into()));
    }
    if open.asked.kind == super::query::KIND {
        return Err(none("it is a write to a database, and rules allow commands".into()));
    }
    let stored = Stored::load(desk.project, name)?.filter(|(_, content)| *content == open.asked.content);
    let (stored, _) = stored.ok_or_else(|| unusable(name, Unusable::Changed))?;
    let (world, request) = (stored.world(), stored.request());
    let judged = desk.judge(&world, &request).map_err(|(_, stop)| stop)?;
    if !stored.holds(desk.policy.hash(), &judged.facts) {
        return Err(unusable(name, Unusable::Changed));
    }
    match judged.judgement.verdict() {
        Verdict::Ask => {}
        Verdict::Allow => return Err(none("the policy allows it already".into())),
        Verdict::Deny => return Err(none(format!("it is denied: {}", standing(&judged.judgement)))),
    }
    let narrow = decide::narrowest(&judged.judgement, &judged.facts, &desk.policy);
    let narrow = narrow.map_err(|cause| none(cause.to_string()))?;
    let root = desk.project.config_root.clone().ok_or(Stop::NoHome)?;
    let path = root.join(FILE);
    if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
        let place = super::shown(&path);
        return Err(none(format!("`{place}` is a link: a rule is only added to the file itself")));
    }
    let id = free(&desk.policy, name);
    let (conditions, examples) = lasting(&id, &narrow);
    let statement = Statement::of_rule(&desk.log_id(), &open, &format!("{conditions}{examples}"));
    let required = required(desk, statement.kind())?;
    let files = stored.files().cloned().collect();
    let rule = NewRule { name: name.to_owned(), id, path, conditions, examples, files, statement, required };
    let said = entries::text(judged.judgement.action());
    if [said, &rule.conditions, &rule.examples].iter().any(|text| desk.clean(text) != **text) {
        return Err(none("there is a secret in it, which a rule would keep in the open".into()));
    }
    let (sources, ..) = added(desk.project, &rule.path, &rule.text("a person"))?;
    let before = std::mem::replace(&mut desk.policy, build(&sources)?);
    let again = desk.judge(&world, &request);
    desk.policy = before;
    let again = again.map_err(|(_, stop)| stop)?.judgement;
    let by_it = again.matches().iter().any(|found| found.id == rule.id);
    match again.verdict() {
        Verdict::Allow if by_it => Ok(rule),
        Verdict::Allow | Verdict::Ask | Verdict::Deny => {
            Err(none(format!("no rule of a person's answers what asks: {}", standing(&again))))
        }
    }
}

/// What decided, in words.
fn standing(judgement: &Judgement) -> String {
    let mut found = judgement.matches().iter();
    let found = found.find(|found| found.verdict == judgement.verdict() && found.overruled.is_none());
    found.map(|found| format!("`{}`, {} ({})", found.id, found.reason, found.at)).unwrap_or_default()
}

/// An id that no rule has yet: requests of other projects may have had the same name.
fn free(policy: &Policy, name: &str) -> String {
    let plain = format!("always-{name}");
    let more = (2_u32..).map(|number| format!("{plain}-{number}"));
    let mut ids = std::iter::once(plain.clone()).chain(more);
    ids.find(|id| policy.rules().all(|(.., text)| text.id != *id)).unwrap_or(plain)
}

/// All layers with the rule added to the person's; that file's text as it is, and as it would be.
fn added(project: &Project, path: &Path, rule: &str) -> Result<(Vec<Source>, Option<String>, String), Stop> {
    let mut sources = layers(project)?;
    let place = sources.iter().position(|source| source.layer == Layer::Person);
    let old = place.and_then(|place| sources.get(place)).map(|source| source.text.clone());
    let mut new = old.clone().unwrap_or_else(|| "version = 1\n".into());
    if !new.ends_with('\n') {
        new.push('\n');
    }
    new = format!("{new}\n{rule}");
    match place.and_then(|place| sources.get_mut(place)) {
        Some(source) => source.text.clone_from(&new),
        None => {
            let before = sources.iter().position(|source| source.layer == Layer::Project).unwrap_or(sources.len());
            let source = Source { layer: Layer::Person, name: super::shown(path), text: new.clone() };
            sources.insert(before, source);
        }
    }
    Ok((sources, old, new))
}

/// Puts the new text in the place of the old in one step, if that still stands there.
fn keep(path: &Path, old: Option<&str>, new: &str) -> Result<(), Stop> {
    let own = rustix::process::geteuid().as_raw();
    if policy::read_layer(path, own)?.as_deref() != old {
        let cause = "it was changed meanwhile".into();
        return Err(Stop::PolicyUnreadable { path: path.to_owned(), cause });
    }
    if let Some(root) = path.parent() {
        folder(root)?;
    }
    trust::keep(path, new.as_bytes())
}

fn unwritten(path: &Path, error: &std::io::Error) -> Stop {
    Stop::System { what: format!("cannot take `{}` back", super::shown(path)), cause: error.to_string() }
}
