//! What `guard doctor` says without trying it: what guard itself does, and what nothing here enforces.
//! Knows no probes.

use crate::execute::Level;
use crate::execute::sandbox::{Cgroup, Examination, Topic, cgroup, counts_root};
use serde_json::{Value, json};

/// How far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Yes,
    Part,
    No,
}

impl Extent {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Part => "part",
            Self::No => "no",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) topic: Topic,
    pub(super) extent: Extent,
    pub(super) what: &'static str,
    pub(super) said: String,
}

impl Stated {
    pub(super) fn object(&self) -> Value {
        json!({ "topic": self.topic.word(), "enforced": self.extent.word(), "what": self.what, "said": self.said })
    }
}

/// All of it, for the fence that stands here.
pub(super) fn stated(found: &Examination) -> Vec<Stated> {
    use Extent::{No, Part, Yes};
    let mut all = Vec::new();
    let mut say = |topic, extent, what, said: &str| all.push(Stated { topic, extent, what, said: said.to_owned() });
    let overlay = found.fence.level == Level::Full
        || found.fence.level == Level::Partial
            && !found.fence.missing.iter().any(|missing| missing.contains("overlay"));
    if overlay {
        say(
            Topic::Changes,
            Yes,
            "judging what changed",
            "by guard, once the command has ended: all comes in, or waits, or goes",
        );
        say(
            Topic::Changes,
            Part,
            "`guard undo`",
            "content, modes, links; not owners, times, nor what was larger than `undo`",
        );
        say(Topic::Changes, Part, "moving a folder", "`rename` of one that was there fails (EXDEV); `mv` makes a copy");
    } else {
        say(Topic::Changes, No, "transactions", "there is no overlay: the project is read-only to commands");
    }
    say(
        Topic::Changes,
        No,
        "what acts later",
        "a Makefile or a test that a command wrote acts when somebody uses it outside",
    );
    say(
        Topic::Reads,
        Yes,
        "what is mounted twice",
        "hidden under each of its names, as `/proc/self/mountinfo` tells them",
    );
    say(
        Topic::Reads,
        Part,
        "`.env` files",
        "those found at the start, or at `init` and `policy trust`; not what others make meanwhile",
    );
    say(Topic::Reads, No, "files elsewhere", "what is in no home and no closed folder is read as this user may");
    say(
        Topic::Network,
        Yes,
        "services",
        "PostgreSQL and Redis: looked at before each command; others need `trusted = true`",
    );
    say(Topic::Network, Part, "hosts", "TLS with the rule's hosts on port 443, by name; not what is said inside it");
    say(Topic::Network, No, "what a service is told", "whoever may connect to it says what it likes");
    say(
        Topic::Processes,
        Part,
        "an agent under `guard run`",
        "fenced; what it runs without `guard` is neither judged nor recorded",
    );
    say(Topic::Terminal, Yes, "`--tty`", "a terminal of the fence's own; what types into one is refused there, too");
    say(Topic::Terminal, No, "escape sequences", "what a command prints reaches your terminal as it is");
    say(
        Topic::Limits,
        Part,
        "memory",
        "by looking, once a second; not what pipes hold, is swapped out, or sent along a socket",
    );
    say(Topic::Limits, Part, "processor time", "by looking; not of children whose parent ignores their end");
    let (extent, said) = if !rustix::process::geteuid().is_root() {
        (Yes, "an ordinary user's are counted by the kernel, fork by fork")
    } else if counts_root() {
        (Part, "root's are stopped by looking; the kernel refuses 300 more")
    } else {
        (
            Part,
            "this kernel (before 6.14) does not count root's: too many are stopped at the next look; be an ordinary user",
        )
    };
    say(Topic::Limits, extent, "processes", said);
    let written = if overlay {
        "by looking; not what this user's processes map and have closed, or hide from being looked at"
    } else {
        "each file alone: there is no one place that all is written to"
    };
    say(Topic::Limits, Part, "all that is written", written);
    let said = match cgroup() {
        Cgroup::None => {
            "none of version 2 with controllers here; and guard uses none: it was never tried on one".to_owned()
        }
        Cgroup::Foreign(folder) => format!("`{}` is not this user's; and guard uses none", folder.display()),
        Cgroup::Delegated(folder, controllers) => {
            format!("`{}` could be used ({}); guard uses none", folder.display(), controllers.join(", "))
        }
    };
    say(Topic::Limits, No, "control groups", &said);
    all
}
