//! Any bytes as a line of the audit log: read without a panic, in time; what can be read comes out the same when written.

#![no_main]

mod common;

use guard::event::line::{self, Draft, Machine};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let body = line::split(data).map_or(data, |(body, _)| body);
    let parsed = common::timed(|| {
        let _event = line::event(body);
        let _shown = line::visible(&line::carry(data));
        line::parse(body)
    });
    let Ok(read) = parsed else { return };
    let human = line::human(&read.human);
    assert!(!human.contains(" {\""), "a text looks like the machine's part");
    assert!(!human.chars().any(line::is_hidden), "something hidden is shown");
    // Guard writes no time before 1970.
    if read.time.timestamp() < 0 {
        return;
    }
    let Machine::Known(detail) = &read.machine else { return };
    let Ok(draft) = Draft::new(&read.human, detail, &read.long) else { return };
    let mut written = Vec::new();
    draft.write(&mut written, read.time, (read.behind_ms, read.mode));
    assert_eq!(line::parse(&written), Ok(read));
});
