//! One command at a time, or as many as the policy says: taking a turn, waiting for it, and saying who has it.
//! Knows no locks: turns are `record`'s.

use super::desk::{Desk, now};
use super::{Answer, Stop, entries, load};
use crate::approve::Permit;
use crate::record::{Holder, Turn, Turned};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::time::{Duration, Instant};

/// How often a waiting guard looks whether it is its turn.
const LOOK: Duration = Duration::from_millis(20);
/// How long one is waited for in any case that ends: its command's end is on record and its guard puts away what is left, or
/// its guard was killed and what is left of it lets go when it notices.
const ENDING: Duration = Duration::from_secs(2);
/// Characters of a command that others are told.
const SHOWN: usize = 200;

/// What a caller does while other commands run in its project.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long it waits for its turn.
    pub limit: Duration,
    /// Told who runs, once the waiting begins.
    pub told: fn(&[Holder]),
}

impl Patience {
    /// None: where it is not the caller's turn, the command does not run.
    pub const NONE: Patience = Patience { limit: Duration::ZERO, told: |_| {} };
}

impl Desk<'_> {
    /// Takes the turn of what is permitted, unless it has it. True: others ran meanwhile, so what was judged before has to be
    /// judged again.
    pub(super) fn take_turn(&mut self, permit: &Permit, answer: &mut Answer) -> Result<bool, Stop> {
        if self.turn.is_some() {
            return Ok(false);
        }
        match self.wait_turn(entries::text(permit.action())) {
            Ok(waited) => Ok(waited),
            Err(stop) => Err(self.stopped(answer, stop)),
        }
    }

    fn wait_turn(&mut self, command: &str) -> Result<bool, Stop> {
        let most = self.policy.settings().limits.parallel;
        let holder = Holder {
            seq: None,
            pid: std::process::id(),
            since: now().timestamp(),
            command: self.clean(command).chars().take(SHOWN).collect(),
        };
        let begin = Instant::now();
        let mut waited = false;
        loop {
            let own = Holder { since: now().timestamp(), ..holder.clone() };
            let holders = match Turn::take(&self.project.paths, most, own).map_err(Stop::Log)? {
                Turned::Taken(turn) => {
                    self.turn = Some(turn);
                    break;
                }
                Turned::Held(holders) => holders,
            };
            self.log.refresh().map_err(Stop::Log)?;
            let ends = holders.iter().any(|holder| gone(holder) || self.ended(holder));
            let limit = if ends { self.patience.limit.max(ENDING) } else { self.patience.limit };
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(Stop::Busy { holders, most, waited: begin.elapsed() });
            }
            if !waited && !self.patience.limit.is_zero() {
                (self.patience.told)(&holders);
            }
            waited = true;
            if self.state().requests.halt.is_some() {
                break;
            }
            std::thread::sleep(left.min(LOOK));
        }
        if waited {
            // What ran meanwhile may have changed anything.
            self.log.refresh().map_err(Stop::Log)?;
            self.policy = load(self.project)?;
        }
        Ok(waited)
    }

    /// Whether the end of what it runs is on record.
    fn ended(&self, holder: &Holder) -> bool {
        holder.seq.is_some_and(|seq| !self.state().running.contains(&seq))
    }
}

/// Whether the guard that took a turn is no more.
fn gone(holder: &Holder) -> bool {
    let pid = i32::try_from(holder.pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
}
