//! `guard run`: a harness in the fence, and guard called from inside. The harnesses are scripts that try what they may and
//! what they may not.

mod attacks;
mod calls;
mod ending;
mod given;
mod spare;
mod users;

use crate::cli::{Done, Home, PATIENT, done};

/// Rules under which an agent can do something: a shell runs, and what is called `ask` waits for a person.
const RULES: &str = "
[[rule]]
id = \"shells\"
program = [\"sh\", \"sleep\", \"ls\", \"true\", \"python3\"]
verdict = \"allow\"
reason = \"tests\"
writes = true

[[rule]]
id = \"asked\"
program = \"id\"
verdict = \"ask\"
reason = \"a person says\"
";

/// A project in which an agent can work, its harness's folders as [`given`] says.
fn scene(run: &str) -> Home {
    let home = Home::bare();
    home.write("guard.toml", &format!("version = 1\nsupervision = \"attended\"\n{PATIENT}{run}\n{RULES}"));
    let made = home.guard(&["init"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    home
}

/// What came of a harness that is a line of bash.
fn harness(home: &Home, line: &str) -> Done {
    done(&mut home.command(&["run", "--", "bash", "-c", line]))
}

/// The events of a log, in their order, without what began it.
fn events(home: &Home) -> Vec<String> {
    let log = home.log();
    let event = |line: &str| line.split_once("\"event\":\"")?.1.split_once('"').map(|(event, _)| event.to_owned());
    log.lines().filter_map(event).skip(1).collect()
}
