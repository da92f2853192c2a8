//! What the targets share: the policy they judge by, the world they judge in, and the time a call may take.

use guard::action::{Action, Shell};
use guard::decide::{Judgement, Layer, Policy, Source, example_facts, judge};
use guard::event::State;
use std::sync::LazyLock;

/// Milliseconds of this thread's own time that one call may take. Instrumented code takes two to twelve times as long as
/// the program, which may take 100 (measured on what was found: 147 ms for 12, 114 for 50, 116 for 68).
const MOST: i64 = 400;

static PYTHON: LazyLock<Policy> = LazyLock::new(|| {
    let text = "version = 1\nextends = [\"python\"]\n".to_owned();
    Policy::load(&[Source { layer: Layer::Project, name: "guard.toml".into(), text }]).expect("the preset is sound")
});

/// Judges under the preset `python`, in the world of examples.
#[allow(dead_code, reason = "not every target judges")]
pub fn judged(shell: Shell) -> Judgement {
    let facts = example_facts(&shell);
    judge(Action::Shell(shell), &facts, &State::default(), &PYTHON)
}

/// Runs `call` and fails where it takes too long. The machine may be busy: what counts is this thread's own time.
pub fn timed<T>(call: impl FnOnce() -> T) -> T {
    LazyLock::force(&PYTHON);
    let before = now();
    let done = call();
    let took = now() - before;
    assert!(took <= MOST * 1_000_000, "one call took {} ms", took / 1_000_000);
    done
}

/// Nanoseconds of this thread's own time.
fn now() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a value of that type on this stack.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(failed, 0);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
