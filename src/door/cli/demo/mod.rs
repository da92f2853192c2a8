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

const PROJECT: [(&str, &str); 9] = [
    ("guard.toml", include_str!("shop.toml")),
    ("orders.py", ORDERS),
    ("test_orders.py", include_str!("test_orders.py")),
    ("escape.py", include_str!("escape.py")),
    ("undermine.py", include_str!("undermine.py")),
    ("daemon.py", include_str!("daemon.py")),
    ("prices.csv", PRICES),
    ("plan.toml", include_str!("plan.toml")),
    ("agent.toml", include_str!("agent.toml")),
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
const UNSIGNED: &str = "an answer without a terminal is a signature, and there is no `ssh-keygen` to sign with";
const DAYS: [&str; 3] = ["day-1.csv", "day-2.csv", "day-3.csv"];
const FILL: [&str; 3] = ["exec", "-c", "for day in 1 2 3; do echo 101.5 > day-$day.csv; done"];
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
    limited(&mut stage)?;
    changing(&mut stage, key.as_deref())?;
    built(&mut stage, key.is_some())?;
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
        stage.left_out(UNSIGNED);
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

/// What an allowed program cannot do, and what it does in vain.
fn confined(stage: &mut Stage) -> Result<(), String> {
    let policy = stage.read("guard.toml")?;
    stage.scene("Fenced: a program that is allowed tries to get out. The kernel says no, whatever the program does.");
    if stage.has_python() {
        let door = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no port to listen on: {error}"))?;
        let port = door.local_addr().map_err(|error| error.to_string())?.port().to_string();
        let outside = stage.outside();
        let escape = ["exec", "--", "python3", "escape.py", &outside, &port];
        stage.call(&Call::new(&escape).ends(0).says("0 of 6 ways out"))?;
        stage.check("no connection arrived", no_visitor(&door));
        stage.check("the folder outside is unchanged", stage.outside_is_unchanged());
    }

    stage.scene(
        "Judged: inside, a program can change all of the project. What it changed is judged before it comes out.",
    );
    if stage.has_python() {
        let undermine = Call::new(&["exec", "--", "python3", "undermine.py"]);
        stage.call(&undermine.ends(126).says("its changes were refused and dropped"))?;
        stage.check("the real guard.toml is as it was", stage.has("guard.toml", &policy));
        stage.check("there is no git hook", !stage.root().join(".git").exists());
    }
    Ok(())
}

/// A command that would never end, with a daemon.
fn limited(stage: &mut Stage) -> Result<(), String> {
    stage.scene("Limited: a command starts a daemon and hangs. At its time limit both are gone.");
    if !stage.has_python() {
        return Ok(());
    }
    let mark = format!("demo-{}", std::process::id());
    let hang = ["exec", "--timeout", "2", "--", "python3", "daemon.py", &mark];
    let (printed, seen) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| (0..30).map(|_| processes(&mark)).max());
        let printed = stage.call(&Call::new(&hang).ends(124).says("timed out"));
        (printed, watch.join().ok().flatten().unwrap_or(0))
    });
    stage.check("the daemon lived", printed?.contains("the daemon's heart beats"));
    let left = processes(&mark);
    stage.check(&format!("{seen} processes were seen while it ran, {left} are left"), seen > 1 && left == 0);
    Ok(())
}

/// Changes that wait for a person, come in, and are taken back.
fn changing(stage: &mut Stage, key: Option<&str>) -> Result<(), String> {
    stage.scene("Held: a command changes more files than a round may. It has run, and its changes wait for a person.");
    let name = name_in(&stage.call(&Call::new(&FILL).ends(75).says("its changes wait"))?, "change-");
    stage.check("none of them is in the project", DAYS.iter().all(|day| !stage.root().join(day).exists()));

    stage.scene("Taken back: the person lets the changes in, and thinks again.");
    let Some(key) = key else {
        stage.left_out(UNSIGNED);
        return Ok(());
    };
    let shown = stage.call(&Call::new(&["show", &name]).ends(0).says("+101.5"))?;
    let approve = ["approve", &name, "--digest", &digest(&shown), "--key", key];
    let approved = stage.call(&Call::new(&approve).ends(0).says("is in the project"))?;
    stage.check("all three are there", DAYS.iter().all(|day| stage.has(day, "101.5\n")));
    let (_, record) = approved.split_once("as record ").unwrap_or_default();
    let record = record.lines().next().unwrap_or_default();
    stage.call(&Call::new(&["undo", record]).ends(0).says("taken back"))?;
    stage.check("none of them is", DAYS.iter().all(|day| !stage.root().join(day).exists()));
    Ok(())
}

/// A plan that an agent works through.
fn built(stage: &mut Stage, approved: bool) -> Result<(), String> {
    stage.scene("Built: a plan says what to make. An agent works at it until the tests say it is right.");
    if !stage.has_python() {
        return Ok(());
    }
    if approved {
        // What was approved above changed a file, which takes room until a check is green.
        stage.call(&Call::new(&TESTS).ends(0).says("OK"))?;
        stage.call(&Call::new(&["iteration", "close"]).ends(0).says("closed"))?;
    }
    stage.say("This demo has no model: its agent does what `agent.toml` says, wrong first.");
    stage.call(&Call::new(&["loop", "plan.toml"]).ends(0).says("[PHASE_COMPLETE] Phase 1.1: Fees"))?;
    stage.call(&Call::new(&["report", "1.1"]).ends(0).says("complete"))?;
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
        halt = name_in(&printed, "resume-");
    }
    stage.call(&Call::new(&["exec", "--", "ls"]).ends(77).says("nothing runs until a person resumes"))?;

    stage.scene("Escalated: the agent says what it thinks is wrong; the person finds everything in one report.");
    let analysis = "the formula in the docstring and the test disagree with mine: which of them holds?";
    stage.call(&Call::new(&["escalate", "--analysis", analysis]).ends(0).says(&halt))?;
    stage.call(&Call::new(&["escalations", &halt]).ends(0).says("[ESCALATION] shop").only(outline))?;

    stage.scene("Resumed: the person has looked, and says so. Every count begins anew.");
    let Some(key) = key else {
        stage.left_out(UNSIGNED);
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

/// The first request that a message names whose name begins so.
fn name_in(printed: &str, begin: &str) -> String {
    let mut words = printed.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    words.find(|word| word.starts_with(begin)).unwrap_or("none").to_owned()
}

/// How many processes run the daemon's script with this mark, seen from outside of the fence; takes a little time.
fn processes(mark: &str) -> usize {
    std::thread::sleep(Duration::from_millis(50));
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| {
            line.ends_with(format!("\0daemon.py\0{mark}\0").as_bytes()) && !line.windows(6).any(|w| w == b"\0exec\0")
        })
        .count()
}

/// Whether nobody has connected so far.
fn no_visitor(door: &TcpListener) -> bool {
    door.set_nonblocking(true).is_ok() && door.accept().is_err()
}
