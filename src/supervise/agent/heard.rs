//! Hearing an agent: its standard output, line by line, whatever it prints.
//! Knows no agent: what a line means its adapter knows.

use serde_json::{Map, Value};

/// Bytes of the longest line that is taken for one; a longer one is dropped and counted.
pub const LINE: usize = 1 << 20;
/// Bytes of what an agent said that are kept.
pub const SAID: usize = 8 * 1024;
/// Bytes of a session's name that are kept.
const NAME: usize = 200;

/// What was heard from an agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    /// US dollars that the run cost; none: it was not told.
    pub cost_usd: Option<f64>,
    /// The agent's name for its session.
    pub session: Option<String>,
    /// The last thing it said: [`SAID`] bytes at most.
    pub said: String,
    /// Turns it took with its model.
    pub turns: Option<u64>,
    /// Why it failed, as it says itself.
    pub failed: Option<String>,
    /// Lines that were too long, no UTF-8, or not what the agent's kind prints; and figures that cannot be.
    pub malformed: u64,
    /// Lines in all.
    pub lines: u64,
}

impl Heard {
    /// A running total of US dollars: it never goes back, so that none can make a budget grow.
    pub(super) fn cost(&mut self, value: &Value) {
        match value.as_f64() {
            Some(cost) if cost.is_finite() && cost >= self.cost_usd.unwrap_or(0.0) => self.cost_usd = Some(cost),
            Some(_) | None => self.malformed += 1,
        }
    }

    pub(super) fn say(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.said = super::excerpt(text.trim(), SAID);
        }
    }

    pub(super) fn fail(&mut self, why: &str) {
        self.failed = Some(super::excerpt(why.trim(), SAID));
    }

    pub(super) fn name(&mut self, session: &str) {
        self.session = Some(super::excerpt(session, NAME));
    }
}

/// What a line means to an adapter.
pub(super) type Hear = fn(&mut Heard, &str);

/// An agent that is listened to.
#[derive(Debug, Clone)]
pub struct Listening {
    hear: Hear,
    heard: Heard,
    line: Vec<u8>,
    /// The line at hand is too long: it is dropped to its end.
    dropping: bool,
}

impl Listening {
    pub(super) fn new(hear: Hear) -> Self {
        Self { hear, heard: Heard::default(), line: Vec::new(), dropping: false }
    }

    /// Takes what was printed, in whatever pieces it comes. [`LINE`] bytes at most are kept between two calls.
    pub fn hear(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (piece, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
            self.piece(piece);
            self.line_over();
            bytes = rest.split_first().map_or(&[], |(_, rest)| rest);
        }
        self.piece(bytes);
    }

    /// What was heard so far.
    pub fn so_far(&self) -> &Heard {
        &self.heard
    }

    /// What was heard in all: the agent prints no more.
    pub fn end(mut self) -> Heard {
        if !self.line.is_empty() || self.dropping {
            self.line_over();
        }
        self.heard
    }

    fn piece(&mut self, piece: &[u8]) {
        if self.dropping || self.line.len() + piece.len() > LINE {
            self.dropping = true;
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(piece);
        }
    }

    fn line_over(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.heard.lines += 1;
        if std::mem::take(&mut self.dropping) {
            self.heard.malformed += 1;
            return;
        }
        match std::str::from_utf8(&line) {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => (self.hear)(&mut self.heard, line.trim()),
            Err(_) => self.heard.malformed += 1,
        }
    }
}

/// The object of a line of JSON Lines; none, and counted: it is no object.
pub(super) fn object(heard: &mut Heard, line: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Some(object),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | Err(_) => {
            heard.malformed += 1;
            None
        }
    }
}

/// A text of an object.
pub(super) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_dropped_and_the_next_one_heard() {
        let mut listening = Listening::new(|heard, line| heard.say(line));
        let mut most = 0;
        for _ in 0..64 {
            listening.hear(&[b'x'; 65_536]);
            most = most.max(listening.line.capacity());
        }
        assert!(most <= 2 * LINE, "{most}");
        listening.hear(b"\nafter\n");
        let expected = Heard { said: "after".into(), malformed: 1, lines: 2, ..Heard::default() };
        assert_eq!(*listening.so_far(), expected);
        // The longest line that is one, and one byte more; what is kept of it is bounded.
        let longest = Listening::new(|heard, line| heard.say(line));
        for (bytes, malformed) in [(LINE, 0), (LINE + 1, 1)] {
            let mut listening = longest.clone();
            listening.hear(&vec![b'y'; bytes]);
            let heard = listening.end();
            assert_eq!((heard.lines, heard.malformed), (1, malformed), "{bytes}");
            assert!(heard.said.len() <= SAID);
        }
    }
}
