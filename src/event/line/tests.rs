//! The written form, attacked: whatever stands in a text, the line reads back to exactly what was written.

use super::*;
use crate::event::{Ended, RuleHit};
use proptest::prelude::*;

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_795_271_535_123_456).unwrap()
}

fn written(human: &Human, detail: &Detail) -> String {
    let mut out = Vec::new();
    Draft::new(human, detail, &[]).unwrap().write(&mut out, time(), (None, None));
    seal(&mut out, &Seal { seq: 4211, hash: [0xab; 32], mac: [0xcd; 16] });
    String::from_utf8(out).unwrap()
}

fn labelled(label: &str, text: &str) -> Human {
    Human::Labelled { label: label.into(), text: text.into() }
}

fn fields(target: &str) -> Human {
    Human::Fields { skill: "SHELL".into(), action: "EXEC".into(), target: target.into(), result: "FAIL".into() }
}

#[test]
fn a_line_looks_as_the_owner_drew_it() {
    let hash = "ab".repeat(32);
    let mac = "cd".repeat(16);
    assert_eq!(
        written(&labelled("STDERR", ""), &Detail::Output { of: 4211, len: 0, sha256: None, blob: None }),
        format!(
            "[2026-11-21 14:32:15.123456] STDERR:  {{\"v\":1,\"event\":\"output\",\"of\":4211,\"len\":0}} #4211 {hash} {mac}\n"
        )
    );
    let end = Detail::ShellEnd {
        of: 1,
        ended: Ended::Exited,
        exit_code: 1,
        limit: None,
        duration_ms: 12,
        fence: "full".into(),
        missing: Vec::new(),
        check: None,
    };
    assert_eq!(
        written(&fields("pytest tests/test_risk.py [x]"), &end),
        format!(
            "[2026-11-21 14:32:15.123456] [SHELL] [EXEC] [pytest tests/test_risk.py \\[x\\]] [FAIL] \
             {{\"v\":1,\"event\":\"shell_end\",\"of\":1,\"ended\":\"exited\",\"exit_code\":1,\"duration_ms\":12,\
             \"fence\":\"full\"}} #4211 {hash} {mac}\n"
        )
    );
}

#[test]
fn no_text_can_forge_a_record_a_field_or_the_machine_part() {
    let forged = "x {\"v\":1,\"event\":\"log_full\"} #9 \n[2026-01-01 00:00:00.000000] [GUARD] [A] [B] [C] {\"v\":1}";
    for human in [labelled("STDOUT", forged), labelled(forged, ""), fields(forged), labelled("[a] [b", "] [c]")] {
        let line = written(&human, &Detail::ReturnCode { of: 3 });
        assert_eq!(line.matches('\n').count(), 1);
        let (body, seal) = split(line.trim_end_matches('\n').as_bytes()).unwrap();
        assert_eq!(seal.seq, 4211);
        let read = parse(body).unwrap();
        assert_eq!((read.human, read.machine), (human, Machine::Known(Detail::ReturnCode { of: 3 })));
    }
}

#[test]
fn a_record_of_another_version_is_still_a_readable_line() {
    let json = "{\"v\":1,\"event\":\"moon_landing\",\"who\":7}";
    let read = parse(format!("[2026-11-21 14:32:15.123456] [GUARD] [X] [y] [z] {json}").as_bytes()).unwrap();
    assert_eq!(read.machine, Machine::Unknown(json.into()));
    assert_eq!(human(&read.human), "[GUARD] [X] [y] [z]");
    let json = "{\"v\":2,\"event\":\"log_full\"}";
    let read = parse(format!("[2026-11-21 14:32:15.123456] A: b {json}").as_bytes()).unwrap();
    assert_eq!(read.machine, Machine::Unknown(json.into()));
}

#[test]
fn notes_of_the_clock_and_of_long_texts_come_back() {
    let long = vec![Long { at: "/reason".into(), len: 70_000, sha256: "00".repeat(32) }];
    let detail = Detail::ReturnCode { of: 8 };
    let mut out = Vec::new();
    Draft::new(&fields("t"), &detail, &long).unwrap().write(&mut out, time(), (Some(1500), Some(Mode::Paper)));
    let machine = Machine::Known(detail);
    let line = Line { time: time(), behind_ms: Some(1500), mode: Some(Mode::Paper), human: fields("t"), machine, long };
    assert_eq!((parse(&out), event(&out)), (Ok(line), None));
}

#[test]
fn the_mode_stands_before_every_event_and_is_none_of_its_fields() {
    let detail = Detail::ReturnCode { of: 8 };
    for (_, mode) in Mode::WORDS {
        let mut out = Vec::new();
        Draft::new(&fields("t"), &detail, &[]).unwrap().write(&mut out, time(), (None, Some(mode)));
        let note = format!(" {{\"v\":1,\"mode\":\"{}\",\"event\":\"return_code\",\"of\":8}}", mode.word());
        assert!(String::from_utf8_lossy(&out).ends_with(&note), "{note}");
        let machine = Machine::Known(detail.clone());
        let line = Line { time: time(), behind_ms: None, mode: Some(mode), human: fields("t"), machine, long: vec![] };
        assert_eq!((parse(&out), event(&out)), (Ok(line), Some(b"return_code".as_slice())));
        // One that a later version knows keeps nobody from reading the record.
        let later = String::from_utf8(out).unwrap().replace(mode.word(), "moonlit");
        let read = parse(later.as_bytes()).unwrap();
        assert_eq!((read.mode, read.machine), (None, Machine::Known(detail.clone())));
    }
}

#[test]
fn what_is_not_a_line_is_not_read_as_one() {
    let good = written(&fields("t"), &Detail::LogFull {});
    let good = good.trim_end().as_bytes();
    assert!(split(good).is_some());
    for cut in 1..good.len() {
        assert_eq!(split(&good[..good.len() - cut]), None, "{cut} bytes short");
    }
    for (from, to) in [("#4211", "#04211"), ("#4211", "#99999999999999999999999"), ("#4211", "4211"), ("abab", "ABAB")]
    {
        let bad = String::from_utf8_lossy(good).replacen(from, to, 1);
        assert_eq!(split(bad.as_bytes()), None, "{to}");
    }
    for bad in ["", "[2026-11-21 14:32:15.123456] x", "[2026-13-21 14:32:15.123456] [A] [B] [C] [D] {\"v\":1}"] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let hostile = prop::collection::vec(
        prop::sample::select(vec![
            "\\",
            "[",
            "]",
            "] [",
            "{",
            "{\"",
            " {\"v\":1",
            "\"",
            ":",
            ": ",
            "\n",
            "\r",
            "\u{1b}[2J",
            "\u{202e}",
            "#1 ",
            " ",
            "\u{0}",
            "\u{7f}",
            "\u{10ffff}",
            "\u{10ff80}",
            "e",
            "\u{fe0f}",
        ]),
        0..12,
    );
    prop_oneof![any::<String>(), hostile.prop_map(|parts| parts.concat())]
}

proptest! {
    #[test]
    fn every_entry_comes_back(a in any_text(), b in any_text(), c in any_text(), d in any_text(), which in any::<bool>()) {
        let human = if which {
            Human::Fields { skill: a, action: b, target: c.clone(), result: d.clone() }
        } else {
            Human::Labelled { label: a, text: b }
        };
        let detail = Detail::ShellStart {
            rules: vec![RuleHit { id: c.clone(), verdict: d.clone() }],
            policy: c.clone(),
            cwd: d.clone(),
            asked: None,
            task: Some(c),
            reason: Some(d),
            timeout_ms: u64::MAX,
            observed: true,
            composition: None, approval: None, step: None };
        let line = written(&human, &detail);
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert!(!line.trim_end_matches('\n').contains(is_hidden));
        let (body, seal) = split(line.trim_end_matches('\n').as_bytes()).unwrap();
        prop_assert_eq!(seal, Seal { seq: 4211, hash: [0xab; 32], mac: [0xcd; 16] });
        prop_assert_eq!(event(body), Some(b"shell_start".as_slice()));
        prop_assert_eq!(parse(body), Ok(Line { time: time(), behind_ms: None, mode: None, human, machine: Machine::Known(detail), long: vec![] }));
    }

    #[test]
    fn no_bytes_make_the_reader_fail(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = split(&bytes);
        let _ = parse(&bytes);
    }
}
