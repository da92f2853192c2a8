//! A program that answers for a person: by a terminal of its own, by the ssh-agent, by guard's files, by other processes.
//! Every way is shown to work outside of a fence, where it can, and within none does. What is left outside, at strength
//! `terminal`, is said by the record and by `guard doctor`.

use super::scene::{ASKED, Scene};
use crate::cli::path;
use guard::approve::ssh::NAMESPACE;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const ATTACK: &str = include_str!("attack.py");
const CANARY: &str = "canary-of-the-caller-8841";

/// Ends with its test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A real ssh-agent with Anna's key, its socket outside of the project.
fn agent(scene: &Scene) -> Ends {
    let socket = scene.key("agent");
    let mut agent = Command::new("ssh-agent");
    let agent = Ends(agent.args(["-D", "-a", &socket]).stdout(Stdio::null()).spawn().unwrap());
    until(|| UnixStream::connect(&socket).is_ok());
    if Path::new(&scene.key("anna")).exists() {
        let mut add = Command::new("ssh-add");
        let added = add.args(["-q", &scene.key("anna")]).env("SSH_AUTH_SOCK", &socket).status();
        assert!(added.unwrap().success());
    }
    agent
}

fn until(mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it takes too long");
        sleep(Duration::from_millis(20));
    }
}

/// What everything that must not change is like.
fn ground(scene: &Scene) -> BTreeMap<String, Vec<u8>> {
    let state = scene.home.state();
    let config = scene.home.path().join(".config/guard");
    let mut found = BTreeMap::new();
    for folder in [state.join("requests"), state.join("escalations"), config] {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            found.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    for file in [state.join("trusted.toml"), state.join("config-root"), scene.home.project.join("guard.toml")] {
        found.insert(file.display().to_string(), fs::read(&file).unwrap());
    }
    let index = fs::read_dir(state.parent().unwrap()).unwrap().count();
    found.insert("projects".into(), index.to_string().into_bytes());
    found
}

/// Has the attack run while a request waits and, from the moment it is ready, everything is halted.
fn attacked(scene: &Scene, fenced: bool) -> (Vec<String>, Vec<String>) {
    let agent = agent(scene);
    scene.desk.key("eve", &["ed25519"]);
    let (name, other) = (scene.ask(&ASKED), scene.ask(&["truncate", "-s", "4", "made"]));
    let home = &scene.home;
    let (state, config) = (home.state(), home.path().join(".config/guard"));
    // Where keys are; anywhere else a fenced program reads them as it reads the rest of the system.
    let keys = home.path().join(".ssh");
    fs::create_dir_all(&keys).unwrap();
    fs::copy(scene.key("eve"), keys.join("id_ed25519")).unwrap();
    let identity = |path: &Path| fs::metadata(path).map_or([0, 0], |found| [found.dev(), found.ino()]);
    let files = [
        home.project.join("build_audit.log"),
        home.project.join("guard.toml"),
        scene.copy(&name),
        state.join("trusted.toml"),
        state.join("keys"),
        config.join("allowed_signers"),
    ];
    let identities: BTreeMap<String, [u64; 2]> =
        files.iter().map(|path| (path.display().to_string(), identity(path))).collect();
    // Another's: a process of this user outside, with something to hide.
    let victim = Ends(Command::new("sleep").arg("300").env("CANARY", CANARY).spawn().unwrap());
    // A person's: what is typed into it, or printed on it, looks like theirs and like guard's.
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&screen).and_then(|()| unlockpt(&screen)).unwrap();
    let terminal = ptsname(&screen, Vec::new()).unwrap().into_string().unwrap();
    let identities: BTreeMap<String, [u64; 2]> =
        identities.into_iter().chain([(terminal.clone(), identity(Path::new(&terminal)))]).collect();
    let plan = json!({
        "guard": env!("CARGO_BIN_EXE_guard"), "home": home.path(), "state": state, "config": config,
        "agent": scene.key("agent"), "request": name, "other": other, "halt": "resume-3", "canary": CANARY,
        "pids": [victim.0.id(), agent.0.id()], "terminals": [terminal], "identities": identities, "key": keys.join("id_ed25519"),
        "namespace": NAMESPACE,
        // As if it had been seen somewhere.
        "digest": scene.digest(&name), "eve": format!("{}.pub", scene.key("eve")),
    });
    home.write("plan.json", &plan.to_string());
    home.write("attack.py", ATTACK);
    let mut command = match fenced {
        true => Command::new(env!("CARGO_BIN_EXE_guard")),
        false => Command::new("/usr/bin/python3"),
    };
    let words: &[&str] = if fenced { &["exec", "--", "python3", "attack.py"] } else { &["attack.py"] };
    command.args(words).current_dir(&home.project).env_clear().env("PATH", path()).env("HOME", home.path());
    command.env("SSH_AUTH_SOCK", scene.key("agent")).env("CANARY", CANARY).stdin(Stdio::piped());
    let mut attack = Ends(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let (mut told, said) = (attack.0.stdin.take().unwrap(), BufReader::new(attack.0.stdout.take().unwrap()));
    let mut said = said.lines().map(Result::unwrap);
    assert_eq!(said.next().as_deref(), Some("ready"));
    let halt = scene.halt();
    let before = ground(scene);
    writeln!(told, "{halt} {}", scene.digest(&halt)).unwrap();
    let result: Value = serde_json::from_str(&said.last().unwrap()).unwrap();
    until(|| attack.0.try_wait().unwrap().is_some());
    if fenced {
        assert_eq!(ground(scene), before);
        assert_eq!(scene.status()["halted"]["name"], halt.as_str());
        let answers = ["[APPROVAL] [APPROVE]", "[APPROVAL] [DENY]", "[APPROVAL] [CONSUME]", "[RESUME]", "[TRUST]"];
        let answers = answers.iter().chain(&["[APPROVAL] [ADD]", "[APPROVAL] [CLOSE]", "[ESCALATION] [ANALYSE]"]);
        assert_eq!(answers.map(|text| scene.logged(text)).collect::<Vec<_>>(), [0; 8]);
        assert_eq!(scene.pending()["requests"].as_array().unwrap().len(), 2);
        assert!(!scene.made());
        scene.whole();
    }
    let words = |key: &str| result[key].as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_owned()).collect();
    (words("worked"), words("tried"))
}

/// What needs no more than this user's rights, and so works outside of a fence.
const OUTSIDE: [&str; 19] = [
    "approves",
    "asks the ssh-agent",
    "halts",
    "lists the state",
    "lists what waits",
    "prints on a terminal",
    "reads a private key",
    "reads an environment",
    "reads descriptors",
    "reads memory",
    "reads the digest",
    "reads the log",
    "reads the statement",
    "reads the stored copy",
    "resumes",
    "signals",
    "writes the keys of the log",
    "writes the stored copy",
    "writes the trusted policy",
];

#[test]
fn a_fenced_program_answers_for_nobody_where_a_terminal_is_enough() {
    let (worked, _) = attacked(&Scene::open(), false);
    // Into a terminal that is not one's own only root types.
    let types = rustix::process::geteuid().is_root().then_some("types into a terminal");
    let ways = OUTSIDE.into_iter().chain(types);
    let missing: Vec<_> = ways.filter(|way| !worked.iter().any(|found| found == way)).collect();
    assert!(missing.is_empty(), "outside of a fence these work: {missing:?}");
    let (worked, tried) = attacked(&Scene::open(), true);
    assert_eq!((worked, tried.len()), (Vec::<String>::new(), 37));
}

#[test]
fn a_fenced_program_answers_for_nobody_where_a_signature_is_needed() {
    let (worked, _) = attacked(&Scene::signed(), false);
    let found = |way: &str| worked.iter().any(|found| found == way);
    // An ssh-agent signs for whoever asks it: a signature proves no person where a program can reach one.
    assert!(["asks the ssh-agent", "approves", "resumes", "adds an approver"].into_iter().all(found), "{worked:?}");
    let (worked, tried) = attacked(&Scene::signed(), true);
    assert_eq!((worked, tried.len()), (Vec::<String>::new(), 37));
}

#[test]
fn an_answer_at_a_terminal_is_recorded_as_worth_no_more_and_doctor_says_so() {
    let scene = Scene::open();
    let name = scene.ask(&ASKED);
    // What any program of this user can do: a terminal of its own, and the digest typed as it is shown.
    let done = scene.typed("approve", &name);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let log = scene.home.log();
    let line = log.lines().find(|line| line.contains("[APPROVAL] [APPROVE]")).unwrap();
    assert!(line.contains("\"strength\":\"terminal\"") && !line.contains("\"key\""), "{line}");
    let doctor = |scene: &Scene, words: &[&str]| scene.home.guard(&[&["doctor"], words].concat()).stdout;
    let said = doctor(&scene, &[]);
    let expected = "approvals: 0 approvers; a command takes `terminal`, going on after a halt `terminal`\nnote: anyone who \
                    runs programs outside a fence as this user can answer at a terminal: it proves no person; `guard \
                    approver add NAME KEY.pub` has answers signed\n";
    assert!(said.contains(expected), "{said}");
    let object: Value = serde_json::from_str(&doctor(&scene, &["--json"])).unwrap();
    let notes = &object["approvals"]["notes"];
    assert_eq!((notes.as_array().unwrap().len(), &object["approvals"]["command"]), (1, &json!("terminal")));

    let scene = Scene::signed();
    let said = doctor(&scene, &[]);
    let expected = "approvals: 1 approver, the strongest of strength `signature`; a command takes `signature`, going on \
                    after a halt `signature`\n";
    assert!(said.contains(expected) && !said.contains("ssh-agent"), "{said}");
    let _agent = agent(&scene);
    let with = |words: &[&str]| {
        let mut command = scene.home.command(words);
        crate::cli::done(command.env("SSH_AUTH_SOCK", scene.key("agent"))).stdout
    };
    assert!(with(&["doctor"]).contains("sign, unless the key is a security key's (`sk-`)"), "{said}");
    let object: Value = serde_json::from_str(&with(&["doctor", "--json"])).unwrap();
    assert_eq!(object["approvals"]["agent"], scene.key("agent"));
    scene.home.trust("\n[approvals]\nresume = \"terminal\"\ncommand = \"security-key\"\n");
    let said = doctor(&scene, &[]);
    assert!(said.contains("can answer at a terminal") && said.contains("nobody can answer where a command"), "{said}");
}
