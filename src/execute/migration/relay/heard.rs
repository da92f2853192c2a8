//! What a relay lets through: each statement as it is about to be run, held against what may be, and in which order.
//! Knows no connection.

use crate::action::migration::Step;

/// What is let through.
#[derive(Debug, Clone)]
pub enum Rule {
    /// Whatever stays within the database.
    Tried {
        /// Whether code that guard does not read may run as well: the server is one for such trials.
        opaque: bool,
    },
    /// Reads, and these statements in this order, with what begins and ends transactions between them.
    Approved(Vec<String>),
}

/// Why nothing more was let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Something was sent that may not be.
    Refused(String),
    /// Something that was let through has not come about.
    Failed(String),
}

/// What was heard.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Statements that were let through and are more than reads, in order.
    pub steps: Vec<Step>,
    /// What it was stopped by.
    pub stopped: Option<Stopped>,
    /// Approved statements that were sent.
    pub sent: usize,
}

/// What a connection has open.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Open {
    /// Statements were run since the server was last ready, and are more than reads.
    pub(super) works: bool,
    /// What they did is not known to be committed.
    pub(super) unsaved: bool,
}

impl Heard {
    /// Whether a statement may pass on a connection. The error: why not.
    pub(super) fn may(&self, rule: &Rule, step: &Step, open: Open) -> Result<(), String> {
        let undoes = undoes(step);
        match &self.stopped {
            Some(Stopped::Failed(_)) if step.only_reads() || undoes => return Ok(()),
            Some(Stopped::Failed(why) | Stopped::Refused(why)) => return Err(why.clone()),
            None => {}
        }
        if step.only_reads() {
            return Ok(());
        }
        let sends = |what: &str| Err(format!("it sends what {what}: `{}`", brief(&step.text)));
        match rule {
            Rule::Tried { opaque } => match step.beyond() {
                Some(beyond) => sends(&format!("reaches out of its database: {beyond}")),
                None if step.is_opaque() && !opaque => sends("guard cannot read"),
                None => Ok(()),
            },
            Rule::Approved(all) if step.transaction().is_some() && !self.is_amid(all) => {
                if undoes && open.unsaved {
                    sends("takes back what was approved")
                } else {
                    Ok(())
                }
            }
            Rule::Approved(all) if all.get(self.sent).is_some_and(|next| *next == step.text) => Ok(()),
            Rule::Approved(_) => sends("was not shown"),
        }
    }

    /// A statement passes.
    pub(super) fn passes(&mut self, rule: &Rule, step: Step, open: &mut Open) {
        if step.only_reads() || self.stopped.is_some() {
            return;
        }
        if step.transaction().is_none() {
            *open = Open { works: true, unsaved: true };
        }
        match rule {
            Rule::Tried { .. } => self.steps.push(step),
            Rule::Approved(all) => {
                if step.transaction().is_none() || self.is_amid(all) {
                    self.sent += 1;
                    self.steps.push(step);
                }
            }
        }
    }

    /// What begins and ends transactions around all of it is nobody's matter; in between, it decides what becomes of what.
    fn is_amid(&self, all: &[String]) -> bool {
        (1..all.len()).contains(&self.sent)
    }

    pub(super) fn stop(&mut self, stopped: Stopped) {
        self.stopped.get_or_insert(stopped);
    }
}

fn undoes(step: &Step) -> bool {
    step.transaction().is_some_and(|word| matches!(word, "ROLLBACK" | "ABORT"))
}

fn brief(text: &str) -> String {
    let brief: String = text.chars().take(120).collect();
    if brief.len() < text.len() { format!("{brief}…") } else { brief }
}
