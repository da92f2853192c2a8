//! `guard demo`: a small real project and a scripted agent, in a temporary folder; every line comes from a real call.
//! Knows nothing that a user of the command line could not do.

mod stage;

use super::text;
use crate::gate::World;
use stage::{Call, Stage};
use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Duration;

/// Show what guard does, in a temporary folder, in less than half a minute
///
/// Needs nothing but guard. What needs python3 or OpenSSH's `ssh-keygen` is left out where that is not installed, and said
/// to be. Exits with 0 only if everything that was shown went as told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard demo")]
pub(crate) struct Args {
    /// Leave the temporary folder for a look around
    #[arg(long)]
    keep: bool,
}

const PROJECT: [(&str, &str); 6] = [
    ("guard.toml", include_str!("shop.toml")),
    ("orders.py", ORDERS),
    ("test_orders.py", include_str!("test_orders.py")),
    ("escape.py", include_str!("escape.py")),
    ("daemon.py", include_str!("daemon.py")),
    ("prices.csv", PRICES),
];
const ORDERS: &str = include_str!("orders.py");
const PRICES: &str = "day,price\n2025-01-02,101.5\n";

/// What the agent breaks in `orders.py`, into what, and what it is told each time.
const RIGHT: &str = "balance * risk / stop";
const WRONG: [(&str, &str); 3] = [
    ("balance * risk * stop", "after 2 more failures"),
    ("balance / risk / stop", "one more failure halts everything"),
    ("balance * (risk + stop)", "that was the last attempt"),
];

const TESTS: [&str; 6] = ["exec", "--", "python3", "-m", "unittest", "-q"];
const EMPTY: [&str; 3] = ["exec", "-c", "truncate --size 0 prices.csv"];

pub(crate) fn run(world: &World, args: Args) -> ExitCode {
    match play(world, args.keep) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => text::failure("the demo cannot go on", &error),
    }
}

fn play(world: &World, keep: bool) -> Result<bool, String> {
    let mut stage = Stage::set(world, &PROJECT, keep)?;
    let key = stage.approver()?;

    stage.scene("A folder becomes a project: a policy, a log, and the log's seed for somebody to keep.");
    let seed = stage.seed_file();
    stage.call(&Call::new(&["init", "--seed-file", &seed]).ends(0).says("guard now watches over"))?;

    stage.scene("Allowed: the agent runs the project's tests. Output and exit code are the command's own.");
    if stage.has_python() {
        stage.call(&Call::new(&TESTS).ends(0).says("OK"))?;
    }

    stage.scene("Refused: it wants a package of the system. The rule says why, and what to do instead.");
    stage.call(&Call::new(&["exec", "--", "apt-get", "install", "nginx"]).ends(126).says("refused by policy"))?;

    asked(&mut stage, key.as_deref())?;
    confined(&mut stage)?;
    failing(&mut stage, key.as_deref())?;

    stage.scene("Recorded: all of it stands in a log that is proved whole with the seed.");
    let what = "DENIED|TIMEOUT|RETRY|APPROV|ESCALATION";
    stage.call(&Call::new(&["audit", "search", what]).ends(0).says("[apt-get install nginx] [DENIED]"))?;
    stage.call(&Call::new(&["audit", "verify", "--seed", &seed]).ends(0).says("whole"))?;

    stage.scene("Changed: somebody edits one word of the log.");
    stage.edit_log()?;
    stage.call(&Call::new(&["audit", "verify", "--seed", &seed]).ends(1).says("tampered"))?;
    Ok(stage.end())
}

/// What no rule knows, and a person's answer.
fn asked(stage: &mut Stage, key: Option<&str>) -> Result<(), String> {
    stage.scene("Asked: a command that no rule knows waits for a person. The agent is told to go on meanwhile.");
    stage.call(&Call::new(&EMPTY).ends(75).says("a person has to allow this"))?;
    stage.check("the file is as it was", stage.has("prices.csv", PRICES));

    stage.scene("Approved: the person looks at the request and signs it. The agent repeats the command, and it runs.");
    let Some(key) = key else {
        stage.left_out("an answer without a terminal is a signature, and there is no `ssh-keygen` to sign with");
        return Ok(());
    };
    stage.say("This demo has no person: it signs with an SSH key that it made in its own folder.");
    let shown = stage.call(&Call::new(&["show", "command-1"]).ends(0).says("waits for an answer"))?;
    let approve = ["approve", "command-1", "--digest", &digest(&shown), "--key", key];
    stage.call(&Call::new(&approve).ends(0).says("may run once"))?;
    stage.call(&Call::new(&EMPTY).ends(0))?;
    stage.check("the file is empty now", stage.has("prices.csv", ""));
    stage.call(&Call::new(&EMPTY).ends(75).says("a person has to allow this"))?;
    Ok(())
}

/// What an allowed program cannot do, and how it ends.
fn confined(stage: &mut Stage) -> Result<(), String> {
    stage.scene("Fenced: a program that is allowed tries to get out. The kernel says no, whatever the program does.");
    if stage.has_python() {
        let door = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no port to listen on: {error}"))?;
        let port = door.local_addr().map_err(|error| error.to_string())?.port().to_string();
        let outside = stage.outside();
        let escape = ["exec", "--", "python3", "escape.py", &outside, &port];
        stage.call(&Call::new(&escape).ends(0).says("0 of 7 ways out"))?;
        stage.check("no connection arrived", no_visitor(&door));
        stage.check("the folder outside is unchanged", stage.outside_is_unchanged());
    }

    stage.scene("Limited: a command starts a daemon and hangs. At its time limit both are gone.");
    if stage.has_python() {
        stage
            .call(&Call::new(&["exec", "--timeout", "2", "--", "python3", "daemon.py"]).ends(124).says("timed out"))?;
        let beats = stage.heartbeats();
        std::thread::sleep(Duration::from_millis(600));
        stage.check(
            &format!("the daemon's heart beat {beats} times, and has stopped"),
            beats > 0 && stage.heartbeats() == beats,
        );
    }
    Ok(())
}

/// Three failures, the halt, and how it goes on.
fn failing(stage: &mut Stage, key: Option<&str>) -> Result<(), String> {
    stage.scene("Failing: the agent breaks the code and tries three times. After the third failure everything halts.");
    if !stage.has_python() {
        return Ok(());
    }
    let mut halt = String::new();
    for (wrong, says) in WRONG {
        stage.write("orders.py", &ORDERS.replace(RIGHT, wrong))?;
        let printed = stage.call(&Call::new(&TESTS).ends(1).says(says).only(by_guard))?;
        halt = halt_in(&printed);
    }
    stage.call(&Call::new(&["exec", "--", "ls"]).ends(77).says("nothing runs until a person resumes"))?;

    stage.scene("Escalated: the agent says what it thinks is wrong; the person finds everything in one report.");
    let analysis = "the formula in the docstring and the test disagree with mine: which of them holds?";
    stage.call(&Call::new(&["escalate", "--analysis", analysis]).ends(0).says(&halt))?;
    stage.call(&Call::new(&["escalations", &halt]).ends(0).says("[ESCALATION] shop").only(outline))?;

    stage.scene("Resumed: the person has looked, and says so. Every count begins anew.");
    let Some(key) = key else {
        stage.left_out("an answer without a terminal is a signature, and there is no `ssh-keygen` to sign with");
        return Ok(());
    };
    let shown = stage.call(&Call::new(&["show", &halt]).ends(0).says(&halt).only(|line| line.starts_with("digest")))?;
    let digest = digest(&shown);
    let resume = ["resume", &halt, "--note", "the docstring holds", "--digest", &digest, "--key", key];
    stage.call(&Call::new(&resume).ends(0).says("every count begins anew"))?;
    stage.write("orders.py", ORDERS)?;
    stage.call(&Call::new(&TESTS).ends(0).says("OK"))?;
    Ok(())
}

/// Lines of guard's own, and not of the command it ran.
fn by_guard(line: &str) -> bool {
    ["guard: ", "  hint: "].into_iter().any(|begin| line.starts_with(begin))
}

/// A report without what the command printed.
fn outline(line: &str) -> bool {
    let below = line.trim_start();
    !line.starts_with(' ')
        || below.starts_with(|first: char| first.is_ascii_digit())
        || below.starts_with("the formula")
}

/// The digest that `guard show` prints.
fn digest(shown: &str) -> String {
    shown.lines().find_map(|line| line.strip_prefix("digest: ")).unwrap_or("none").to_owned()
}

/// The halt that a message names.
fn halt_in(printed: &str) -> String {
    let mut words = printed.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    words.find(|word| word.starts_with("resume-")).unwrap_or("resume-0").to_owned()
}

/// Whether nobody has connected so far.
fn no_visitor(door: &TcpListener) -> bool {
    door.set_nonblocking(true).is_ok() && door.accept().is_err()
}
