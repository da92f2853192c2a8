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
/// Needs nothing but guard and python3. Exits with 0 only if everything went as told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard demo")]
pub(crate) struct Args {
    /// Leave the temporary folder for a look around
    #[arg(long)]
    keep: bool,
}

const PROJECT: [(&str, &str); 4] = [
    ("orders.py", include_str!("orders.py")),
    ("test_orders.py", include_str!("test_orders.py")),
    ("escape.py", include_str!("escape.py")),
    ("daemon.py", include_str!("daemon.py")),
];

pub(crate) fn run(world: &World, args: Args) -> ExitCode {
    match play(world, args.keep) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => text::failure("the demo cannot go on", &error),
    }
}

fn play(world: &World, keep: bool) -> Result<bool, String> {
    let mut stage = Stage::set(world, &PROJECT, keep)?;
    let door = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no port to listen on: {error}"))?;
    let port = door.local_addr().map_err(|error| error.to_string())?.port().to_string();

    stage.scene("A folder becomes a project: a policy, a log, and the log's seed for somebody to keep.");
    let seed = stage.seed_file();
    stage.call(
        &Call::new(&["init", "--preset", "python", "--seed-file", &seed]).ends(0).says("guard now watches over"),
    )?;

    stage.scene("Allowed: the agent runs the project's tests. Output and exit code are the command's own.");
    stage.call(&Call::new(&["exec", "--", "python3", "-m", "unittest", "-q"]).ends(0).says("OK"))?;

    stage.scene("Refused: it wants a package of the system. The rule says why, and what to do instead.");
    stage.call(&Call::new(&["exec", "--", "apt-get", "install", "nginx"]).ends(126).says("refused by policy"))?;

    stage.scene("Asked: a command that no rule knows waits for a person.");
    stage
        .call(&Call::new(&["exec", "-c", "truncate --size 0 orders.py"]).ends(75).says("a person has to allow this"))?;
    stage.check("the file is as it was", stage.has("orders.py", PROJECT[0].1));

    stage.scene("Fenced: a program that is allowed tries to get out. The kernel says no, whatever the program does.");
    let outside = stage.outside();
    stage.call(&Call::new(&["exec", "--", "python3", "escape.py", &outside, &port]).ends(0).says("0 of 7 ways out"))?;
    stage.check("no connection arrived", no_visitor(&door));
    stage.check("the folder outside is unchanged", stage.outside_is_unchanged());

    stage.scene("Limited: a command starts a daemon and hangs. At its time limit both are gone.");
    stage.call(&Call::new(&["exec", "--timeout", "2", "--", "python3", "daemon.py"]).ends(124).says("timed out"))?;
    let beats = stage.heartbeats();
    std::thread::sleep(Duration::from_millis(600));
    stage.check(
        &format!("the daemon's heart beat {beats} times, and has stopped"),
        beats > 0 && stage.heartbeats() == beats,
    );

    stage.scene("Recorded: all of it stands in a log that is proved whole with the seed.");
    stage.call(&Call::new(&["audit", "tail"]).ends(0).says("[DENIED]"))?;
    stage.call(&Call::new(&["audit", "verify", "--seed", &seed]).ends(0).says("whole"))?;

    stage.scene("Changed: somebody edits one word of the log.");
    stage.edit_log()?;
    stage.call(&Call::new(&["audit", "verify", "--seed", &seed]).ends(1).says("tampered"))?;
    Ok(stage.end())
}

/// Whether nobody has connected so far.
fn no_visitor(door: &TcpListener) -> bool {
    door.set_nonblocking(true).is_ok() && door.accept().is_err()
}
