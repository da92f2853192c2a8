//! The right to change a database. Knows no SQL and no servers.

use super::Approval;
use crate::decide::{QueryJudgement, Verdict};

/// The right to open one transaction that writes. Only [`settle_write`] makes one.
#[derive(Debug)]
pub struct WritePermit {
    approval: Option<Approval>,
}

impl WritePermit {
    /// The name of the request that a person approved, where it is written by one.
    pub fn approval(&self) -> Option<&str> {
        self.approval.as_ref().map(Approval::name)
    }
}

/// Turns a judgement of a write into the permission to begin it: what the policy allows, and what asks, by a person's word.
/// `None`: it may not be.
pub fn settle_write(judged: &QueryJudgement, approval: Option<Approval>) -> Option<WritePermit> {
    match judged.verdict {
        Verdict::Allow => Some(WritePermit { approval: None }),
        Verdict::Ask => approval.map(|approval| WritePermit { approval: Some(approval) }),
        Verdict::Deny => None,
    }
}
