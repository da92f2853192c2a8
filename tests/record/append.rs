//! Appending and reopening, when all goes well.

use super::*;
use guard::record::{LogError, chain, find};

#[test]
fn a_new_log_holds_its_first_record_and_is_found_by_the_projects_path() {
    let ground = Ground::new();
    let text = ground.text();
    let (body, seal) = line::split(text.trim_end().as_bytes()).unwrap();
    assert_eq!(seal.seq, 1);
    assert_eq!(seal.hash, chain(&[0; 32], body));
    assert_eq!(seal.mac, Key::new(ground.seed).mac(&seal.hash));
    let line::Machine::Known(Detail::Created { log_id, policy, seed_fingerprint, .. }) =
        line::parse(body).unwrap().machine
    else {
        panic!("{text}")
    };
    assert_eq!(policy, "policy-hash");
    assert_eq!(seed_fingerprint, Key::new(ground.seed).fingerprint());
    assert_eq!(ground.paths.state, ground.state_root.join(log_id));
    assert_eq!(find(&ground.state_root, &ground.project).unwrap(), ground.paths);
}

#[test]
fn entries_get_consecutive_numbers_in_one_chain_and_the_next_guard_goes_on_from_there() {
    let ground = Ground::new();
    let mut log = ground.open();
    let redactor = plain(&log);
    let one = log.append(&redactor, vec![note("a"), note("b")]).unwrap();
    assert_eq!((one.first, one.last), (2, 3));
    let two = ground.open().append(&redactor, vec![note("c")]).unwrap();
    assert_eq!((two.first, two.last), (4, 4));
    let three = log.append(&redactor, vec![note("d")]).unwrap();
    assert_eq!((three.first, three.last), (5, 5));
    assert_eq!(log.head(), (5, three.hash.clone()));
    assert_eq!(log.state(), ground.open().state());

    let (mut hash, mut key) = ([0; 32], Key::new(ground.seed));
    for (at, text) in ground.text().lines().enumerate() {
        let (body, seal) = line::split(text.as_bytes()).unwrap();
        hash = chain(&hash, body);
        assert_eq!((seal.seq, seal.hash, seal.mac), (at as u64 + 1, hash, key.mac(&hash)));
        key.ratchet();
    }
    assert_eq!(line::hex(&hash), three.hash);
}

#[test]
fn creating_a_log_twice_changes_nothing_and_says_so() {
    let ground = Ground::new();
    let before = ground.text();
    let again = create(&ground.state_root, &ground.project, &ground.paths.log, "other").unwrap_err();
    assert!(matches!(again, LogError::AlreadyCreated { .. }), "{again}");
    assert_eq!(ground.text(), before);
}

#[test]
fn a_start_is_durable_before_the_keys_have_gone_on_and_nobody_minds_that_they_had_not() {
    let ground = Ground::new();
    let (mut log, before) = (ground.open(), std::fs::read(ground.paths.state.join("keys")).unwrap());
    let redactor = plain(&log);
    let started = log.start(&redactor, vec![start("sleep 1000")]).unwrap();
    let keys = || std::fs::read(ground.paths.state.join("keys")).unwrap();
    assert!(keys() == before && ground.text().lines().count() == 2, "what waits for the record goes on first");
    // Its guard is killed here.
    drop(log);
    let mut other = ground.open();
    assert_eq!((other.head().0, other.state().running.contains(&2)), (2, true));
    other.append(&redactor, vec![note("after")]).unwrap();
    drop(started);
    assert_ne!(keys(), before);
    // Where nobody is, its guard does it itself.
    let mut log = ground.open();
    let (started, before) = (log.start(&redactor, vec![start("sleep 1000")]).unwrap(), keys());
    log.remember();
    assert_ne!(keys(), before);
    drop(started);
    assert_eq!(ground.open().head().0, 4);
}

#[test]
fn a_command_counts_as_running_while_its_start_is_held_and_as_lost_when_its_guard_is_gone() {
    let ground = Ground::new();
    let mut log = ground.open();
    let redactor = plain(&log);
    let started = log.start(&redactor, vec![start("sleep 1000")]).unwrap();
    assert_eq!(started.seq(), 2);
    let mut other = ground.open();
    assert_eq!(other.bury(&redactor).unwrap(), Vec::<u64>::new());
    assert_eq!(other.state().running.iter().copied().collect::<Vec<_>>(), [2]);
    drop(started);
    assert_eq!(other.bury(&redactor).unwrap(), [2]);
    assert!(ground.text().contains("[SHELL] [EXEC] [sleep 1000] [LOST] {\"v\":1,\"event\":\"lost\",\"of\":2}"));
    assert_eq!(other.bury(&redactor).unwrap(), Vec::<u64>::new());
    assert_eq!((other.state().running.len(), other.state().lost), (0, 1));
    drop(log.start(&redactor, vec![start("sleep 1000")]).unwrap());
    assert_eq!(std::fs::read_dir(ground.paths.state.join("run")).unwrap().count(), 1, "the same slot");
}
