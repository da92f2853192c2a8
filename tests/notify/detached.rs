//! The guard that sends: nobody waits for it, nothing that ends its caller ends it, and what it leaves the next one sends.

use super::{PATIENCE, Server, ask, reached, sent, until, waiting};
use crate::cli::{Home, path};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A shell that calls guard as an agent's would, in a process group of its own.
fn shell(home: &Home, line: &str) -> Command {
    // Whoever runs the tests may ignore what the calls are ended by.
    let mut shell = Command::new("env");
    shell.args(["--default-signal=INT,TERM,HUP,QUIT", "bash", "-c", line]).current_dir(&home.project).process_group(0);
    shell.env_clear().env("PATH", path()).env("HOME", home.path()).env("GUARD", env!("CARGO_BIN_EXE_guard"));
    shell
}

fn kill_group(child: &mut Child, signal: &str) {
    let group = format!("-{}", child.id());
    assert!(Command::new("kill").args([signal, "--", &group]).status().unwrap().success());
    let _code = child.wait().unwrap();
}

/// Processes that send for this home's project.
fn senders(home: &Home) -> Vec<u32> {
    let own = home.project.display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let id: u32 = entry.unwrap().file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        (words.iter().any(|word| word == "deliver") && words.iter().any(|word| *word == own)).then_some(id)
    });
    processes.collect()
}

#[test]
fn the_caller_is_back_while_the_server_still_withholds_its_answer() {
    let server = Server::start();
    let home = reached(&server);
    // Every stream of the caller's is at its end as well, descriptors that guard merely inherited included.
    let output = shell(&home, "\"$GUARD\" exec -c 'truncate -s 0 data.csv' 3>&1 4>&2").output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", String::from_utf8_lossy(&output.stderr));
    let post = server.post();
    assert_eq!((waiting(&home).len(), senders(&home).len()), (1, 1));
    post.answer("200 OK");
    server.quiet(&home);
}

#[test]
fn neither_the_caller_s_end_nor_its_terminal_s_nor_its_group_s_ends_the_sending() {
    for signal in ["-INT", "-HUP", "-KILL"] {
        let server = Server::start();
        let home = reached(&server);
        let mut call = shell(&home, "\"$GUARD\" exec -c 'truncate -s 0 data.csv'; : >\"$HOME/back\"; exec sleep 600");
        let mut child = call.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let post = server.post();
        // A shell whose command outlives SIGINT goes on to its next one, and would sleep its whole sleep.
        until("guard is back", || home.path().join("back").exists());
        kill_group(&mut child, signal);
        let [sender] = senders(&home)[..] else { panic!("{signal}: {:?}", senders(&home)) };
        let stat = std::fs::read_to_string(format!("/proc/{sender}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let (parent, group, session) = (fields[1], fields[2], fields[3]);
        let shell = child.id().to_string();
        assert!(parent != shell && group != shell && session == group, "{stat}");
        post.answer("200 OK");
        server.quiet(&home);
        assert!(!home.log().contains("[NOTIFY]"), "{signal}");
    }
}

#[test]
fn a_server_that_takes_its_time_holds_up_no_other_notice() {
    let server = Server::start();
    let home = reached(&server);
    ask(&home);
    let first = server.post();
    ask(&home);
    let second = server.post();
    assert_eq!((first.json()["name"].clone(), second.json()["name"].clone()), ("command-1".into(), "command-2".into()));
    second.answer("200 OK");
    until("the second is sent", || waiting(&home).len() == 1);
    first.answer("200 OK");
    server.quiet(&home);
}

#[test]
fn what_a_killed_sender_leaves_the_next_one_sends_as_the_same_delivery() {
    let server = Server::start();
    let home = reached(&server);
    ask(&home);
    let first = server.post();
    for sender in senders(&home) {
        assert!(Command::new("kill").args(["-KILL", &sender.to_string()]).status().unwrap().success());
    }
    until("the sender is gone", || senders(&home).is_empty());
    assert_eq!(waiting(&home).len(), 1);
    // As after a reboot: nothing sends until something is to be told again.
    ask(&home);
    let posts = [server.post(), server.post()];
    let ids = posts.each_ref().map(|post| post.headers["guard-delivery"].clone());
    assert!(ids.contains(&first.headers["guard-delivery"]) && ids[0] != ids[1], "{ids:?}");
    for post in posts {
        post.answer("200 OK");
    }
    server.quiet(&home);
}

#[test]
fn two_senders_at_once_send_everything_once() {
    let server = Server::start();
    let home = reached(&server);
    let asks = 6;
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..asks).map(|_| scope.spawn(|| ask(&home))).collect();
        for call in calls {
            call.join().unwrap();
        }
    });
    let first = server.post();
    // Called by anybody, it sends what waits and no more.
    let mut agents: Vec<Child> = (0..4)
        .map(|_| {
            let mut agent = Command::new(env!("CARGO_BIN_EXE_guard"));
            agent.arg("deliver").current_dir(&home.project).env_clear().env("HOME", home.path()).spawn().unwrap()
        })
        .collect();
    let mut ids = vec![first.headers["guard-delivery"].clone()];
    first.answer("200 OK");
    while ids.len() < asks {
        let post = server.post();
        ids.push(post.headers["guard-delivery"].clone());
        post.answer("200 OK");
    }
    for agent in &mut agents {
        assert_eq!(agent.wait().unwrap().code(), Some(0));
    }
    server.quiet(&home);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), asks);
}

#[test]
fn what_cannot_be_read_is_recorded_and_holds_nothing_up() {
    let server = Server::start();
    let home = reached(&server);
    ask(&home);
    server.post().answer("200 OK");
    sent(&home);
    std::fs::write(home.state().join("notices/0-cut.webhook.json"), "{\"channel\":\"webh").unwrap();
    ask(&home);
    server.post().answer("200 OK");
    let (human, machine) = super::failure(&home);
    assert_eq!(human, "[GUARD] [NOTIFY] [a notice: unknown] [FAIL]");
    assert_eq!(machine["cause"], "what waited in the state folder cannot be read");
}

#[test]
fn an_agent_that_asks_without_end_does_not_fill_the_disk_or_the_process_table() {
    let server = Server::start();
    let home = reached(&server);
    ask(&home);
    let withheld = server.post();
    let folder = home.state().join("notices");
    let text = std::fs::read(&waiting(&home)[0]).unwrap();
    for number in 1..256 {
        // Whole from the first, as guard puts them: a sender that looks in between would take what is empty for broken, and away.
        let (part, notice) = (folder.join("part"), folder.join(format!("9-{number}.webhook.json")));
        std::fs::write(&part, &text).unwrap();
        std::fs::rename(&part, &notice).unwrap();
    }
    let full = ask(&home);
    assert!(
        full.stderr.contains("a person was not told: cannot keep a notice to be sent: 256 wait already"),
        "{full:?}"
    );
    for number in 1..256 {
        std::fs::remove_file(folder.join(format!("9-{number}.webhook.json"))).unwrap();
    }
    // The eight that are sent at once fill the first sender's hands: what comes then has one more waiting for it.
    let mut held: Vec<_> = (1..8).map(|_| server.post()).collect();
    for _ in 0..5 {
        ask(&home);
    }
    until("one sends and one waits", || senders(&home).len() == 2);
    held.push(withheld);
    held.into_iter().for_each(|post| post.answer("200 OK"));
    for _ in 0..5 {
        server.posts.recv_timeout(PATIENCE).unwrap().answer("200 OK");
    }
    server.quiet(&home);
}
