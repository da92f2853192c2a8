//! One part of the log, checked on its own: the record before it stands in the file, so parts need not wait for
//! each other.

use super::Flaw;
use crate::event::Detail;
use crate::event::line::{self, LONGEST, Line, Machine};
use crate::record::scan::hash_region;
use crate::record::seal::chain;
use crate::record::{Key, Point, blob_path};
use sha2::{Digest, Sha256};
use std::io::Read as _;
use std::os::fd::BorrowedFd;
use std::path::Path;

/// What a part begins with.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) index: u64,
    pub(super) bytes: Vec<u8>,
    /// Where it stands in the log.
    pub(super) offset: u64,
    /// The record before it.
    pub(super) before: Point,
    /// The key of the record after that.
    pub(super) key: Option<Key>,
}

/// What matters beyond a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// A command started.
    Start(u64),
    /// The command of that start ended, or is lost.
    End(u64, u64),
    /// A person was asked or answered, an answer was used, everything was halted, or an iteration began or closed; and the time on the clock in seconds
    /// since 1970.
    Person(u64, i64, Box<Detail>),
}

/// What a part came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) index: u64,
    pub(super) lines: u64,
    pub(super) last: Point,
    pub(super) tears: u64,
    pub(super) marks: Vec<Mark>,
    /// The first bad line, counted from the part's beginning.
    pub(super) flaw: Option<Flaw>,
    /// Which of the wanted heads were seen.
    pub(super) seen: Vec<u64>,
}

/// What all parts share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) fd: BorrowedFd<'a>,
    pub(super) log: &'a Path,
    pub(super) state: Option<&'a Path>,
    /// Heads that must be met.
    pub(super) heads: &'a [(u64, [u8; 32])],
}

/// Checks a part.
pub(super) fn check(common: Common<'_>, part: Part) -> Outcome {
    let Part { index, bytes, offset, before, key } = part;
    let mut run = Run { common, at: before, key, out: Outcome { index, ..Outcome::default() } };
    let mut begin = offset;
    for text in bytes.split_inclusive(|b| *b == b'\n') {
        run.out.lines += 1;
        if let Some(text) = text.strip_suffix(b"\n")
            && let Err(what) = run.line(text, begin)
        {
            run.out.flaw = Some(Flaw { line: run.out.lines, seq: run.at.seq + 1, what });
            break;
        }
        begin += text.len() as u64;
    }
    run.out.last = run.at;
    run.out
}

struct Run<'a> {
    common: Common<'a>,
    at: Point,
    key: Option<Key>,
    out: Outcome,
}

impl Run<'_> {
    /// One line without its newline. A line without a seal is left for a later record to vouch for.
    fn line(&mut self, text: &[u8], begin: u64) -> Result<(), String> {
        let Some((body, seal)) = line::split(text) else { return Ok(()) };
        if text.len() >= LONGEST {
            return Err("it is too long".into());
        }
        if seal.seq != self.at.seq + 1 {
            return Err(format!("its number is #{}", seal.seq));
        }
        if chain(&self.at.hash, body) != seal.hash {
            return Err("its hash does not hold".into());
        }
        if let Some(key) = &mut self.key {
            if key.mac(&seal.hash) != seal.mac {
                return Err("its MAC does not hold".into());
            }
            key.ratchet();
        }
        for (seq, hash) in self.common.heads {
            if *seq == seal.seq && *hash != seal.hash {
                return Err("it is not the record that was acknowledged".into());
            }
            if *seq == seal.seq {
                self.out.seen.push(*seq);
            }
        }
        let stamp = std::str::from_utf8(body).ok().and_then(line::parse_time);
        let micros = stamp.map(|(time, _)| time.timestamp_micros()).ok_or("it has no time")?;
        if micros < self.at.micros {
            return Err("its time is before the previous record's".into());
        }
        let torn = begin - self.at.end;
        self.meaning(seal.seq, body, torn)?;
        self.at = Point { seq: seal.seq, hash: seal.hash, end: begin + text.len() as u64 + 1, micros };
        Ok(())
    }

    /// What the record says, as far as it can be checked.
    fn meaning(&mut self, seq: u64, body: &[u8], torn: u64) -> Result<(), String> {
        let event = line::event(body);
        let plain = !is_checked(event);
        let silent = event == Some(b"output") && !body.windows(8).any(|w| w == b"\"blob\":\"");
        if torn == 0 && (plain || silent) && body.last() == Some(&b'}') {
            return Ok(());
        }
        let approved = event == Some(b"shell_start") && body.windows(12).any(|w| w == b"\"approval\":\"");
        if torn == 0 && event == Some(b"shell_start") && !approved && body.last() == Some(&b'}') {
            self.out.marks.push(Mark::Start(seq));
            return Ok(());
        }
        let Line { time, machine, long, behind_ms, .. } =
            line::parse(body).map_err(|e| format!("it cannot be read: {e}"))?;
        // Whether something had expired was decided by the clock, which may have gone back since an earlier record.
        let behind = behind_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or_default();
        let at = time.timestamp_millis().saturating_sub(behind).div_euclid(1000);
        for text in &long {
            self.blob(&text.sha256)?;
        }
        let mut vouched = torn == 0;
        match machine {
            Machine::Known(Detail::ShellStart { approval: None, .. } | Detail::AgentStarted(_)) => {
                self.out.marks.push(Mark::Start(seq))
            }
            Machine::Known(
                detail @ (Detail::ShellStart { approval: Some(_), .. }
                | Detail::QueryStart(_)
                | Detail::MigrationStart(_)),
            ) => {
                self.out.marks.push(Mark::Person(seq, at, Box::new(detail)));
                self.out.marks.push(Mark::Start(seq));
            }
            Machine::Known(
                detail @ (Detail::Requested(_)
                | Detail::Approved { .. }
                | Detail::Denied { .. }
                | Detail::Consumed { .. }
                | Detail::Closed { .. }
                | Detail::RuleAdded { .. }
                | Detail::Escalated(_)
                | Detail::IterationStarted(_)
                | Detail::IterationClosed(_)
                | Detail::ChangeCommitted(_)
                | Detail::MigrationDone(_)
                | Detail::Resumed { .. }),
            ) => self.out.marks.push(Mark::Person(seq, at, Box::new(detail))),
            Machine::Known(
                Detail::ShellEnd { of, .. } | Detail::Lost { of } | Detail::ShellError { of: Some(of), .. },
            ) => {
                self.out.marks.push(Mark::End(seq, of));
            }
            Machine::Known(Detail::MigrationEnd(ended)) => self.out.marks.push(Mark::End(seq, ended.of)),
            Machine::Known(Detail::QueryEnd(ended)) => self.out.marks.push(Mark::End(seq, ended.of)),
            Machine::Known(Detail::AgentEnded(ended)) => self.out.marks.push(Mark::End(seq, ended.of)),
            Machine::Known(Detail::Output { blob: Some(blob), .. }) => self.blob(&blob)?,
            Machine::Known(Detail::Recovered { bytes, sha256 }) => {
                let Common { fd, log, .. } = self.common;
                let found = hash_region(fd, log, self.at.end, bytes.min(torn)).map_err(|e| e.to_string())?;
                if bytes + 1 != torn || line::hex(&found) != sha256 {
                    return Err("the torn line before it is not the one it vouches for".into());
                }
                vouched = true;
                self.out.tears += 1;
            }
            Machine::Known(
                Detail::Created { .. }
                | Detail::PolicyTrusted { .. }
                | Detail::ReturnCode { .. }
                | Detail::Output { blob: None, .. }
                | Detail::ShellRefused { .. }
                | Detail::Unfenced { .. }
                | Detail::ConnectionRefused { .. }
                | Detail::HostReached { .. }
                | Detail::CallRefused { .. }
                | Detail::ChangeWithheld(_)
                | Detail::ChangeFinished(_)
                | Detail::FileChanged { .. }
                | Detail::FileRefused { .. }
                | Detail::FileRead(_)
                | Detail::QueryResult { .. }
                | Detail::QueryError { .. }
                | Detail::QueryRefused(_)
                | Detail::ModeSet(_)
                | Detail::PhaseStarted(_)
                | Detail::PhaseStep(_)
                | Detail::PhaseEnded(_)
                | Detail::MigrationProposed(_)
                | Detail::MigrationRefused(_)
                | Detail::Analysed { .. }
                | Detail::ApproverChanged { .. }
                | Detail::ShellError { of: None, .. }
                | Detail::LogFull {}
                | Detail::PoisonCleared { .. }
                | Detail::NotifyFailed { .. }
                | Detail::Checkpoint { .. },
            )
            | Machine::Unknown(_) => {}
        }
        if vouched { Ok(()) } else { Err(format!("{torn} bytes before it that no record vouches for")) }
    }

    /// Whether the blob is there and is what its name says.
    fn blob(&self, sha256: &str) -> Result<(), String> {
        let Some(state) = self.common.state else { return Ok(()) };
        if line::unhex::<32>(sha256.as_bytes()).is_none() {
            return Err("a blob's name is no hash".into());
        }
        let mut file = std::fs::File::open(blob_path(state, sha256))
            .map_err(|e| format!("its blob `{sha256}` is missing: {e}"))?;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
        loop {
            let got = file.read(&mut buffer).map_err(|e| format!("its blob `{sha256}` cannot be read: {e}"))?;
            if got == 0 {
                break;
            }
            hash.update(buffer.get(..got).unwrap_or_default());
        }
        if line::hex(&hash.finalize()) == sha256 { Ok(()) } else { Err(format!("its blob `{sha256}` was changed")) }
    }
}

/// Whether what a record of this event says can be checked, so that it has to be read.
fn is_checked(event: Option<&[u8]>) -> bool {
    matches!(
        event,
        None | Some(
            b"created"
                | b"shell_start"
                | b"shell_end"
                | b"shell_error"
                | b"agent_started"
                | b"agent_ended"
                | b"lost"
                | b"recovered"
                | b"output"
                | b"requested"
                | b"approved"
                | b"denied"
                | b"consumed"
                | b"closed"
                | b"escalated"
                | b"resumed"
                | b"iteration_started"
                | b"iteration_closed"
                | b"change_committed"
                | b"query_start"
                | b"query_end"
                | b"migration_start"
                | b"migration_end"
                | b"migration_done"
                | b"rule_added"
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{By, Detail};
    use serde_json::Value;

    #[test]
    fn what_the_ledger_looks_at_is_read() {
        let by = By { who: "anna".into(), strength: "terminal".into(), key: None, signature: None };
        let name = || "command-1".to_owned();
        for detail in [
            Detail::RuleAdded { name: name(), rule: String::new(), text: String::new(), by },
            Detail::Consumed { name: name() },
        ] {
            let value: Value = serde_json::to_value(&detail).unwrap();
            assert!(is_checked(value["event"].as_str().map(str::as_bytes)), "{value}");
        }
        assert!(!is_checked(Some(b"note")));
    }
}
