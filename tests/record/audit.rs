//! Looking at the log: `guard audit` and what stands behind it.

use super::*;
use guard::door::cli::audit::report::{self as audit, AuditError, Format, Given};
use guard::record::verify::Verdict;
use std::fs;

fn filled() -> Ground {
    let ground = Ground::new();
    let mut log = ground.open();
    let redactor = plain(&log);
    for i in 0..600 {
        log.append(&redactor, vec![note(&format!("number {i}"))]).unwrap();
    }
    ground
}

fn run(f: impl FnOnce(&mut dyn std::io::Write) -> Result<u8, AuditError>) -> (u8, String) {
    let mut out = Vec::new();
    let code = f(&mut out).unwrap();
    (code, String::from_utf8(out).unwrap())
}

#[test]
fn tail_shows_the_last_lines_and_follows_what_is_appended() {
    let ground = filled();
    let text = ground.text();
    let log = &ground.paths.log;
    for count in [0, 1, 7, 400, 100_000] {
        let expected: String =
            text.lines().rev().take(count).collect::<Vec<_>>().into_iter().rev().map(|l| format!("{l}\n")).collect();
        assert_eq!(run(|out| audit::tail(log, count, Format::Text, None, out)), (0, expected), "{count}");
    }
    let mut rounds = 0;
    let mut more = || {
        rounds += 1;
        // The first round ends in the middle of a line, which is shown only when it is whole.
        let mut file = fs::OpenOptions::new().append(true).open(log).unwrap();
        std::io::Write::write_all(&mut file, if rounds == 1 { b"half " } else { b"line\n" }).unwrap();
        rounds < 3
    };
    let (_, shown) = run(|out| audit::tail(log, 1, Format::Text, Some(&mut more), out));
    assert_eq!(shown.lines().skip(1).collect::<Vec<_>>(), ["half line"]);
}

#[test]
fn export_gives_one_json_object_a_line_and_the_text_as_it_stands() {
    let ground = filled();
    assert_eq!(run(|out| audit::export(&ground.paths.log, Format::Text, out)), (0, ground.text()));
    let (_, json) = run(|out| audit::export(&ground.paths.log, Format::Jsonl, out));
    let objects: Vec<serde_json::Value> = json.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let seqs: Vec<_> = objects.iter().map(|o| o["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=603).collect::<Vec<u64>>());
    assert_eq!(objects[0]["detail"]["event"], "created");
    assert_eq!(objects[1]["label"], "RETURN_CODE");
    assert_eq!(objects[1]["text"], "number 0");
    assert_eq!(objects[255]["detail"], serde_json::json!({ "event": "checkpoint", "records": 255 }));
}

#[test]
fn search_finds_by_pattern_and_not_in_seals() {
    let ground = filled();
    let find = |pattern: &str| run(|out| audit::search(&ground.paths.log, pattern, Format::Text, out));
    let (code, found) = find(r"number 59\d\b");
    assert_eq!((code, found.lines().count()), (0, 10));
    let (_, seal) = line::split(ground.text().lines().last().unwrap().as_bytes()).map(|(b, s)| (b.len(), s)).unwrap();
    assert_eq!(find(&line::hex(&seal.hash)), (1, String::new()));
    let bad = audit::search(&ground.paths.log, "(", Format::Text, &mut Vec::new()).unwrap_err();
    assert!(matches!(bad, AuditError::Usage(_)));
}

#[test]
fn show_finds_any_record_and_says_what_it_belongs_to() {
    let ground = filled();
    let mut log = ground.open();
    let redactor = plain(&log);
    let begun = log.start(&redactor, vec![start("pytest \u{1b}[31m tests")]).unwrap();
    let end = Entry { human: note("1").human, detail: Detail::ReturnCode { of: begun.seq() } };
    let last = log.append(&redactor, vec![end]).unwrap().last;
    for seq in 1..=last {
        let (code, shown) = run(|out| audit::show(&ground.paths, seq, false, false, out));
        assert!(code == 0 && shown.starts_with(&format!("#{seq}  ")), "{shown}");
        let (_, json) = run(|out| audit::show(&ground.paths, seq, false, true, out));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["seq"], seq);
    }
    let (_, shown) = run(|out| audit::show(&ground.paths, last, false, false, out));
    assert!(shown.contains(&format!("begun by #{}  SHELL_EXEC: pytest \\u{{1b}}[31m tests", begun.seq())), "{shown}");
    assert!(
        audit::show(&ground.paths, last + 1, false, false, &mut Vec::new())
            .unwrap_err()
            .to_string()
            .contains("no record")
    );
    log.append(&redactor, vec![start(&"very \u{1b}long\n ".repeat(4_000))]).unwrap();
    let (_, shown) = run(|out| audit::show(&ground.paths, last + 1, true, false, out));
    assert!(shown.matches("very \\u{1b}long\n").count() == 4_000, "the whole text, safe for a terminal");
}

#[test]
fn a_foreign_line_cannot_act_on_the_terminal_it_is_shown_on() {
    let ground = filled();
    let mut bytes = fs::read(&ground.paths.log).unwrap();
    bytes.extend(b"\x1b]0;owned\x07 \xe2\x80\xae\xff\n");
    fs::write(&ground.paths.log, &bytes).unwrap();
    for format in [Format::Text, Format::Jsonl] {
        let (_, shown) = run(|out| audit::tail(&ground.paths.log, 1, format, None, out));
        assert!(!shown.trim_end().contains(line::is_hidden), "{shown:?}");
        assert!(shown.contains("owned"));
    }
}

#[test]
fn verify_says_what_it_proved_and_its_exit_code_is_the_verdict() {
    let ground = filled();
    let seed = line::hex(&ground.seed);
    let prove = |given: &Given| run(|out| audit::prove(&ground.paths.log, Some(&ground.paths.state), given, out));
    let with = Given { seed: Some(format!("{seed}\n")), ..Given::default() };
    let (code, said) = prove(&with);
    assert_eq!((code, said.lines().next().unwrap()), (0, "whole: 603 records"));
    assert!(said.contains("macs: checked with the seed"));
    let (code, said) = prove(&Given::default());
    assert!(code == 0 && said.contains("macs: not checked"), "{said}");

    let head = said.lines().find_map(|l| l.strip_prefix("head: ")).unwrap().to_owned();
    assert_eq!(prove(&Given { head: Some(head.clone()), ..Given::default() }).0, 0);
    let ahead = head.replace("603:", "604:");
    assert_eq!(prove(&Given { head: Some(ahead), ..Given::default() }).0, 1);
    let other = head.replace(&head[4..8], "0000");
    assert_eq!(prove(&Given { head: Some(other), ..Given::default() }).0, 1);
    // Without state, seed or head nothing tells whether the end is missing.
    assert_eq!(run(|out| audit::prove(&ground.paths.log, None, &Given::default(), out)).0, 3);
    // The seed alone proves what is there.
    let (code, said) = run(|out| audit::prove(&ground.paths.log, None, &with, out));
    assert!(code == 4 && said.starts_with("whole as far as it goes: 603 records, each proved by the seed; "), "{said}");
    let both = Given { head: Some(head.clone()), ..with.clone() };
    assert_eq!(run(|out| audit::prove(&ground.paths.log, None, &both, out)).0, 0);

    let wrong = Given { seed: Some("00".repeat(32)), ..Given::default() };
    let (code, said) = prove(&wrong);
    assert!(code == 1 && said.contains("the seed given is"), "{said}");
    assert!(
        audit::prove(&ground.paths.log, None, &Given { seed: Some("xyz".into()), ..Given::default() }, &mut Vec::new())
            .is_err()
    );

    let text = ground.text();
    fs::write(&ground.paths.log, text.replace("number 300 ", "number 301 ")).unwrap();
    let (code, said) = prove(&with);
    assert!(code == 1 && said.contains("build_audit.log:303: record #303: its hash does not hold"), "{said}");
    let (_, json) = prove(&Given { json: true, ..with });
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["verdict"], &json["flaw"]["seq"]), (&"tampered".into(), &303.into()));
}

#[test]
fn verify_finds_a_blob_that_is_missing_or_changed_and_a_start_without_an_end() {
    let ground = Ground::new();
    let mut log = ground.open();
    let redactor = plain(&log);
    let held = log.start(&redactor, vec![start(&"x".repeat(20_000))]).unwrap();
    log.remember();
    assert_eq!(ground.verify().running, [2]);
    drop(held);
    assert_eq!(ground.verify().notes, ["record #2 has no end; the next guard will record it as lost"]);
    log.bury(&redactor).unwrap();
    let report = ground.verify();
    assert_eq!((report.verdict, report.running, report.notes), (Verdict::Whole, vec![], vec![]));
    let blob = walk(&ground.paths.state.join("blobs")).remove(0);
    fs::write(&blob, "changed").unwrap();
    assert!(ground.verify().flaw.unwrap().what.ends_with("was changed"));
    fs::remove_file(&blob).unwrap();
    assert!(ground.verify().flaw.unwrap().what.contains("is missing"));
}

#[test]
fn a_log_of_many_parts_is_proved_and_a_change_in_any_is_placed() {
    let ground = Ground::new();
    let mut log = ground.open();
    let redactor = plain(&log);
    for _ in 0..100 {
        log.append(&redactor, (0..120).map(|i| note(&format!("{i} {}", "text ".repeat(40)))).collect()).unwrap();
    }
    let bytes = fs::read(&ground.paths.log).unwrap();
    assert!(bytes.len() > 4 * 1024 * 1024);
    assert_eq!(ground.verify().verdict, Verdict::Whole);
    for part in 0..20 {
        let at = bytes.len() / 20 * part + 5_000;
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&ground.paths.log, &changed).unwrap();
        let line = bytes[..at].iter().filter(|b| **b == b'\n').count() as u64 + 1;
        let flaw = ground.verify().flaw.unwrap();
        // A line that is no record any more is missed by the record after it.
        assert!(flaw.line == line || flaw.line == line + 1, "{flaw:?}, changed in line {line}");
    }
}

#[test]
fn mending_looks_first() {
    let ground = filled();
    let mend = |seed: Option<&str>| run(|out| audit::mend(&ground.paths, seed, out));
    assert_eq!(mend(None), (0, "nothing to mend\n".into()));
    let keys = ground.paths.state.join("keys");
    let mut bytes = fs::read(&keys).unwrap();
    bytes[1536..1546].copy_from_slice(b"disk died\0");
    fs::write(&keys, &bytes).unwrap();
    assert!(Log::open(&ground.paths).unwrap_err().to_string().contains("disk died"));
    let (code, said) = mend(None);
    assert_eq!((code, said.as_str()), (0, "the bar is lifted, and that is recorded; it said: disk died\n"));
    assert_eq!(ground.open().head().0, 604);
    let text = ground.text();
    fs::write(&ground.paths.log, text.replace("number 300 ", "number 301 ")).unwrap();
    bytes = fs::read(&keys).unwrap();
    bytes[1536] = b'x';
    fs::write(&keys, &bytes).unwrap();
    let (code, said) = mend(None);
    assert!(code == 1 && said.ends_with("nothing was mended\n"), "{said}");
    assert!(Log::open(&ground.paths).is_err());
}
