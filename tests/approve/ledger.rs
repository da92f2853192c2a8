//! Logs that say what cannot have been: each is written with guard's own keys, so that every seal in it holds, and named by
//! `verify` all the same.

use guard::event::{By, Cause, Closing, Detail, Entry, Escalated, Human, Requested};
use guard::record::verify::{Proof, Verdict, verify};
use guard::record::{LOG_NAME, Log, Paths, Redactor, Secrets, create};

/// Seconds since 1970 that have not come, and that are over.
const LATER: i64 = 4_000_000_000;
const OVER: i64 = 1_000_000_000;

fn entry(detail: Detail) -> Entry {
    Entry { human: Human::Labelled { label: "RETURN_CODE".into(), text: "0".into() }, detail }
}

fn asked(name: &str, expires: i64) -> Detail {
    Detail::Requested(Box::new(Requested {
        name: name.into(),
        kind: "command".into(),
        nonce: "00".repeat(16),
        content: "11".repeat(32),
        same: name.into(),
        targets: vec!["22".repeat(16)],
        policy: "policy-hash".into(),
        uid: 0,
        expires,
    }))
}

fn by() -> By {
    By { who: "anna".into(), strength: "signature".into(), key: None, signature: None }
}

fn approved(name: &str, until: i64) -> Detail {
    Detail::Approved { name: name.into(), by: by(), until }
}

fn denied(name: &str) -> Detail {
    Detail::Denied { name: name.into(), by: by(), reason: None }
}

fn closed(name: &str) -> Detail {
    Detail::Closed { name: name.into(), how: Closing::Expired }
}

fn used(name: &str) -> Detail {
    Detail::Consumed { name: name.into() }
}

fn began(approval: Option<&str>) -> Detail {
    Detail::ShellStart {
        rules: Vec::new(),
        policy: "policy-hash".into(),
        cwd: ".".into(),
        asked: None,
        task: None,
        reason: None,
        timeout_ms: 1,
        observed: false,
        composition: None,
        approval: approval.map(str::to_owned),
        step: None,
    }
}

fn halted(name: &str) -> Detail {
    Detail::Escalated(Box::new(Escalated {
        name: name.into(),
        cause: Cause::Person,
        category: None,
        attempts: None,
        nonce: "00".repeat(16),
        content: "11".repeat(32),
        uid: 0,
        said: None,
    }))
}

fn resumed(name: &str) -> Detail {
    Detail::Resumed { name: name.into(), by: by(), note: None }
}

/// What `verify` says of a log of these records, with and without the seed.
fn said(records: &[Detail]) -> Option<String> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let project = folder.path().join("project");
    std::fs::create_dir_all(&project).unwrap();
    let log = project.join(LOG_NAME);
    let created = create(&folder.path().join("state"), &project, &log, "policy-hash").unwrap();
    let paths = Paths { log, state: created.state };
    let mut open = Log::open(&paths).unwrap();
    let redactor = Redactor::new(open.tag_key(), Secrets::default());
    let mut running = Vec::new();
    for detail in records {
        running.push(open.start(&redactor, vec![entry(detail.clone())]).unwrap());
    }
    let proof = Proof { log: paths.log.clone(), state: Some(paths.state.clone()), seed: None, head: None, workers: 2 };
    let found = verify(&proof).unwrap();
    assert_eq!(found.verdict == Verdict::Whole, found.flaw.is_none(), "{found:?}");
    found.flaw.map(|flaw| flaw.what)
}

#[test]
fn what_was_asked_answered_and_used_in_order_is_whole() {
    let whole: [&[Detail]; 8] = [
        &[asked("command-1", LATER), approved("command-1", LATER), used("command-1"), began(Some("command-1"))],
        &[asked("command-1", LATER), denied("command-1"), asked("command-2", LATER), closed("command-2")],
        &[asked("command-1", LATER), approved("command-1", OVER), closed("command-1")],
        &[asked("command-1", OVER), closed("command-1")],
        &[asked("command-1", LATER), halted("resume-2"), approved("command-1", LATER), resumed("resume-2")],
        &[halted("resume-1"), resumed("resume-1"), began(None)],
        &[began(None), halted("resume-1")],
        // Guard died between the two: the approval is used up.
        &[asked("command-1", LATER), approved("command-1", LATER), used("command-1")],
    ];
    for records in whole {
        assert_eq!(said(records), None, "{records:?}");
    }
}

#[test]
fn what_is_out_of_order_expired_or_twice_is_named() {
    let wrong: [(&[Detail], &str); 21] = [
        (&[approved("command-1", LATER)], "it approves `command-1`, which does not wait"),
        (&[asked("command-1", OVER), approved("command-1", LATER)], "it approves `command-1`, which had expired"),
        (
            &[asked("command-1", LATER), approved("command-1", LATER), approved("command-1", LATER)],
            "`command-1` was approved before",
        ),
        (&[asked("command-1", LATER), denied("command-1"), approved("command-1", LATER)], "which does not wait"),
        (&[asked("command-1", LATER), closed("command-1"), approved("command-1", LATER)], "which does not wait"),
        (&[asked("command-1", LATER), approved("command-2", LATER)], "it approves `command-2`, which does not wait"),
        (&[asked("command-1", LATER), asked("command-1", LATER)], "`command-1` was asked before"),
        (&[asked("command-1", LATER), denied("command-1"), asked("command-1", LATER)], "`command-1` was asked before"),
        (&[denied("command-1")], "it ends `command-1`, which does not wait"),
        (&[asked("command-1", LATER), denied("command-1"), denied("command-1")], "which does not wait"),
        (&[closed("command-1")], "it ends `command-1`, which does not wait"),
        (&[used("command-1")], "it uses `command-1`, which nobody approved"),
        (&[asked("command-1", LATER), used("command-1")], "it uses `command-1`, which nobody approved"),
        (
            &[asked("command-1", LATER), approved("command-1", OVER), used("command-1")],
            "it uses `command-1` after its approval expired",
        ),
        (
            &[asked("command-1", LATER), approved("command-1", LATER), used("command-1"), used("command-1")],
            "or which was used before",
        ),
        (&[began(Some("command-1"))], "it began by `command-1`, which was not used for it"),
        (
            &[asked("command-1", LATER), approved("command-1", LATER), began(Some("command-1"))],
            "it began by `command-1`, which was not used for it",
        ),
        (
            &[
                asked("command-1", LATER),
                approved("command-1", LATER),
                used("command-1"),
                began(Some("command-1")),
                began(Some("command-1")),
            ],
            "it began by `command-1`, which was not used for it",
        ),
        (&[halted("resume-1"), began(None)], "a command began while everything was halted (`resume-1`)"),
        (&[halted("resume-1"), halted("resume-2")], "it halts `resume-2` while `resume-1` was halted"),
        (&[halted("resume-1"), resumed("resume-2")], "it resumes `resume-2`, which was not halted"),
    ];
    for (records, expected) in wrong {
        let found = said(records);
        assert!(found.as_ref().is_some_and(|found| found.contains(expected)), "{records:?}: {found:?}");
    }
}

#[test]
fn an_approved_command_that_began_while_everything_was_halted_is_named() {
    let records = [
        asked("command-1", LATER),
        approved("command-1", LATER),
        halted("resume-2"),
        used("command-1"),
        began(Some("command-1")),
    ];
    assert_eq!(said(&records), Some("a command began while everything was halted (`resume-2`)".to_owned()));
    assert!(said(&[resumed("resume-1")]).is_some_and(|said| said.contains("which was not halted")));
}
