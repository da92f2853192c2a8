//! What a person says yes or no to: a statement bound to exactly what would be done, as the bytes that are signed.
//! Knows no keys and no requests' meaning.

use crate::event::line::hex;
use crate::event::{Halt, Mode, Open, Round};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may be done, once.
    Approve,
    /// It may not.
    Deny,
}

impl Decision {
    /// The word that is signed.
    pub fn word(self) -> &'static str {
        match self {
            Decision::Approve => "approve",
            Decision::Deny => "deny",
        }
    }
}

/// What would be done, as a person is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    log: String,
    name: String,
    kind: String,
    nonce: String,
    content: String,
    uid: u32,
}

/// The signed bytes: the fields in this order, as JSON without white space.
#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    log: &'a str,
    name: &'a str,
    nonce: &'a str,
    kind: &'a str,
    content: &'a str,
    asked_by: u32,
    uses: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    approver: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'a str>,
}

impl Statement {
    /// The statement of a request of the log called `log`.
    pub fn of_request(log: &str, open: &Open) -> Statement {
        let asked = &open.asked;
        Statement {
            log: log.to_owned(),
            name: asked.name.clone(),
            kind: asked.kind.clone(),
            nonce: asked.nonce.clone(),
            content: asked.content.clone(),
            uid: asked.uid,
        }
    }

    /// The statement of a rule that would allow what a request asks from now on; `rule`: what it says.
    pub fn of_rule(log: &str, open: &Open, rule: &str) -> Statement {
        let request = Statement::of_request(log, open);
        let content = Sha256::new().chain_update(&request.content).chain_update("\n").chain_update(rule).finalize();
        Statement { kind: "rule".into(), content: hex(&content), ..request }
    }

    /// The statement of going on after a halt.
    pub fn of_halt(log: &str, halt: &Halt) -> Statement {
        Statement {
            log: log.to_owned(),
            name: halt.name.clone(),
            kind: "resume".into(),
            nonce: halt.nonce.clone(),
            content: halt.content.clone(),
            uid: halt.uid,
        }
    }

    /// The statement of closing an iteration without a check: as it is now, with every file that it names.
    pub fn of_iteration(log: &str, round: &Round, uid: u32) -> Statement {
        let mut content = Sha256::new();
        for file in round.files.keys() {
            content.update((file.len() as u64).to_le_bytes());
            content.update(file);
        }
        content.update(round.more.to_le_bytes());
        Statement {
            log: log.to_owned(),
            name: format!("iteration-{}", round.seq),
            kind: "iteration".into(),
            nonce: format!("{}:{}", round.seq, round.last.unwrap_or_default()),
            content: hex(&content.finalize()),
            uid,
        }
    }

    /// The statement of setting the mode: after the record `seq`, which set the one before.
    pub fn of_mode(log: &str, mode: Mode, seq: u64, uid: u32) -> Statement {
        Statement {
            log: log.to_owned(),
            name: format!("mode-{}", mode.word()),
            kind: "mode".into(),
            nonce: seq.to_string(),
            content: hex(&Sha256::digest(mode.word())),
            uid,
        }
    }

    /// A change of who may approve: `content` is the SHA-256 of what the list would become, `nonce` of what it is.
    pub fn of_approvers(name: &str, nonce: String, content: String, uid: u32) -> Statement {
        Statement { log: String::new(), name: name.to_owned(), kind: "approver".into(), nonce, content, uid }
    }

    /// What is asked: `command`, `rule`, `resume`, …
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name that people say.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a person types to say that they looked at this very statement: `7f3a-91bc`.
    pub fn digest(&self) -> String {
        let hash = hex(&Sha256::digest(self.written(None)));
        let (first, rest) = hash.split_at_checked(4).unwrap_or_default();
        format!("{first}-{}", rest.get(..4).unwrap_or_default())
    }

    /// The bytes that an approver signs.
    pub fn to_sign(&self, decision: Decision, approver: &str) -> Vec<u8> {
        self.written(Some((decision, approver)))
    }

    fn written(&self, answer: Option<(Decision, &str)>) -> Vec<u8> {
        let written = Written {
            v: 1,
            log: &self.log,
            name: &self.name,
            nonce: &self.nonce,
            kind: &self.kind,
            content: &self.content,
            asked_by: self.uid,
            uses: 1,
            approver: answer.map(|(_, approver)| approver),
            decision: answer.map(|(decision, _)| decision.word()),
        };
        // Texts and numbers can always be written.
        serde_json::to_vec(&written).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_statement_changes_what_is_signed_and_its_digest() {
        let statement = |parts: [&str; 5], uid| Statement {
            log: parts[0].into(),
            name: parts[1].into(),
            kind: parts[2].into(),
            nonce: parts[3].into(),
            content: parts[4].into(),
            uid,
        };
        let plain = statement(["l", "command-1", "command", "n", "c"], 1);
        assert_eq!(
            String::from_utf8(plain.to_sign(Decision::Approve, "ada")).unwrap(),
            r#"{"v":1,"log":"l","name":"command-1","nonce":"n","kind":"command","content":"c","asked_by":1,"uses":1,"approver":"ada","decision":"approve"}"#
        );
        assert_ne!(plain.to_sign(Decision::Deny, "ada"), plain.to_sign(Decision::Approve, "ada"));
        assert_ne!(plain.to_sign(Decision::Approve, "eve"), plain.to_sign(Decision::Approve, "ada"));
        for at in 0..5 {
            let mut parts = ["l", "command-1", "command", "n", "c"];
            parts[at] = "x";
            assert_ne!(statement(parts, 1).digest(), plain.digest());
        }
        assert_ne!(statement(["l", "command-1", "command", "n", "c"], 2).digest(), plain.digest());
        assert_eq!(plain.digest().len(), 9);
    }
}
