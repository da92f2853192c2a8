//! What a command's network was let through to, and what not: what is remembered of it.
//! Knows no sockets.

use crate::event::line::brief;

/// As many different refusals, and as many hosts, as are remembered one by one.
const MOST: usize = 16;

/// The network of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// What was refused, each once, in the order of the first.
    pub refused: Vec<Refused>,
    /// How often more was refused than is listed.
    pub refused_more: u64,
    /// Hosts that were reached through the proxy, as `host:port`, with how many connections.
    pub reached: Vec<(String, u64)>,
}

/// A call that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// `connect`, `bind` or `listen`.
    pub call: &'static str,
    /// For which address, path or host, on one line and not without end.
    pub address: String,
    /// Why, as a fragment.
    pub why: &'static str,
    /// How often.
    pub times: u64,
}

impl Traffic {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn refuse(&mut self, call: &'static str, address: &str, why: &'static str) {
        // The fence's own word, which goes to a person's terminal.
        let address = brief(address);
        let listed = self.refused.len();
        let same = |old: &&mut Refused| old.call == call && old.address == address && old.why == why;
        match self.refused.iter_mut().find(same) {
            Some(old) => old.times += 1,
            None if listed < MOST => self.refused.push(Refused { call, address, why, times: 1 }),
            None => self.refused_more += 1,
        }
    }

    pub(super) fn reached(&mut self, host: &str) {
        match self.reached.iter_mut().find(|(old, _)| old == host) {
            Some((_, times)) => *times += 1,
            None => self.reached.push((host.to_owned(), 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_refusal_is_counted_and_too_many_are_only_counted() {
        let mut traffic = Traffic::default();
        assert!(traffic.is_empty());
        for port in 0..20 {
            for _ in 0..3 {
                traffic.refuse("connect", &format!("127.0.0.1:{port}"), "why");
            }
        }
        assert_eq!((traffic.refused.len(), traffic.refused_more), (MOST, 12));
        assert!(traffic.refused.iter().all(|refused| refused.times == 3));
        let mut forged = Traffic::default();
        forged.refuse("bind", &format!("/x\nguard: allowed{}", "y".repeat(300)), "why");
        assert_eq!(forged.refused[0].address, format!("/x\\nguard: allowed{}…", "y".repeat(182)));
        traffic.reached("a:443");
        traffic.reached("a:443");
        assert_eq!(traffic.reached, [("a:443".to_owned(), 2)]);
    }
}
