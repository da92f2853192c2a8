//! Long texts, outputs and secrets, in a real log: what stands on the line, what in a blob, and what nowhere.

use super::*;
use guard::execute::Capture;
use guard::record::verify::Verdict;
use guard::record::{Stored, blob_path};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs;

fn capture(bytes: &[u8]) -> Capture {
    const HALF: usize = 4 * 1024 * 1024;
    let head = bytes[..bytes.len().min(HALF)].to_vec();
    let rest = &bytes[head.len()..];
    let tail = rest[rest.len().saturating_sub(HALF)..].to_vec();
    Capture { head, tail, len: bytes.len() as u64, sha256: Sha256::digest(bytes).into() }
}

fn hash(bytes: &[u8]) -> String {
    line::hex(&Sha256::digest(bytes))
}

#[test]
fn a_megabyte_of_command_is_short_on_its_line_and_whole_in_its_blob() {
    let ground = Ground::new();
    let mut log = ground.open();
    let redactor = plain(&log);
    let command = format!("echo {}\u{1b}\"end", "word [x] \u{202e}".repeat(100_000));
    let mut entry = start(&command);
    if let Detail::ShellStart { reason, .. } = &mut entry.detail {
        *reason = Some("why ".repeat(20_000));
    }
    log.append(&redactor, vec![entry]).unwrap();
    let text = ground.text();
    let written = text.lines().last().unwrap();
    assert!(written.len() < line::LONGEST, "{}", written.len());
    let read = line::parse(line::split(written.as_bytes()).unwrap().0).unwrap();
    let longs: Vec<_> = read.long.iter().map(|l| (l.at.as_str(), l.len)).collect();
    assert_eq!(longs, [("text", command.len() as u64), ("/reason", 80_000)]);
    for (long, whole) in read.long.iter().zip([command, "why ".repeat(20_000)]) {
        assert_eq!(long.sha256, hash(whole.as_bytes()));
        assert_eq!(fs::read_to_string(blob_path(&ground.paths.state, &long.sha256)).unwrap(), whole);
    }
    let Human::Labelled { text: shown, .. } = read.human else { panic!() };
    assert!(shown.starts_with("echo word [x]") && shown.ends_with("\u{1b}\"end"), "{shown}");
    assert_eq!(log.state(), ground.refolded().state());
    assert_eq!(ground.verify().verdict, Verdict::Whole);
}

#[test]
fn a_hundred_rules_fit_and_a_hundred_thousand_are_refused() {
    let ground = Ground::new();
    let mut log = ground.open();
    let redactor = plain(&log);
    let with = |count: usize| {
        let mut entry = start(&"x".repeat(20_000));
        if let Detail::ShellStart { rules, .. } = &mut entry.detail {
            *rules = (0..count)
                .map(|i| guard::event::RuleHit { id: format!("rule-{i}"), verdict: "allow".into() })
                .collect();
        }
        vec![entry]
    };
    log.append(&redactor, with(100)).unwrap();
    let error = log.append(&redactor, with(100_000)).unwrap_err();
    assert!(matches!(error, guard::record::LogError::TooLong { .. }), "{error}");
    assert_eq!(ground.verify().verdict, Verdict::Whole);
}

#[test]
fn outputs_of_every_size() {
    let ground = Ground::new();
    let log = ground.open();
    let redactor = plain(&log);
    let store = |bytes: &[u8]| log.store_output(&redactor, &capture(bytes)).unwrap();
    let stored = |shown: &str, bytes: &[u8]| Stored {
        shown: shown.into(),
        len: bytes.len() as u64,
        sha256: Some(hash(bytes)),
        blob: None,
    };
    assert_eq!(store(b""), Stored::default());
    assert_eq!(store(b"3 passed\n"), stored("3 passed", b"3 passed\n"));
    let binary = b"\xff\xfe\0\x1b[2J";
    let shown = store(binary);
    assert_eq!(line::uncarry(&shown.shown), binary);

    let long = format!("{}\n3 failed, 9 passed in 1.70s\n\n", "line of a test\n".repeat(10_000));
    let kept = store(long.as_bytes());
    assert_eq!(
        kept,
        Stored { blob: Some(hash(long.as_bytes())), ..stored("3 failed, 9 passed in 1.70s", long.as_bytes()) }
    );
    assert_eq!(fs::read_to_string(blob_path(&ground.paths.state, &kept.blob.unwrap())).unwrap(), long);

    let huge = "0123456789abcdef\n".repeat(1_200_000);
    let kept = store(huge.as_bytes());
    let blob = fs::read_to_string(blob_path(&ground.paths.state, &kept.blob.clone().unwrap())).unwrap();
    assert!(blob.len() < 8 * 1024 * 1024 + 100 && blob.len() > 8 * 1024 * 1024 - 40_000, "{}", blob.len());
    let cut = blob.lines().find(|l| l.starts_with("‹cut: ")).unwrap();
    let cut: usize = cut.trim_start_matches("‹cut: ").split(' ').next().unwrap().parse().unwrap();
    let marks = format!("\n‹cut: {cut} bytes›\n").len();
    assert_eq!(blob.len() - marks + cut, huge.len());
    assert_eq!(kept.shown, "0123456789abcdef");
}

#[test]
fn no_canary_from_any_source_reaches_log_or_blob_in_any_form() {
    let ground = Ground::new();
    let mut log = ground.open();
    // Every source has a canary of its own.
    let canaries: Vec<String> =
        (0..8).map(|i| hash(format!("{i} {:?}", ground.seed).as_bytes())[..20].to_owned()).collect();
    let c = |i: usize| canaries[i].as_str();
    let mut secrets = Secrets::default();
    let environment: Vec<(OsString, OsString)> = vec![
        ("AWS_SECRET_ACCESS_KEY".into(), c(0).into()),
        ("DATABASE_URL".into(), format!("postgres://app:{}@db/x", c(1)).into()),
        ("HOME".into(), "/home/someone".into()),
    ];
    secrets.environment(&environment);
    secrets.dotenv(
        format!("# x\nexport API_TOKEN=\"{}\" # c\nMULTI_SECRET='first\n{}\nlast'\nMODE=dev\n", c(2), c(3)).as_bytes(),
    );
    secrets.pgpass(format!("db:5432:app:me:{}\n", c(4)).as_bytes());
    secrets.netrc(format!("machine h\n login me\n password {}\n", c(5)).as_bytes());
    let redactor = Redactor::new(log.tag_key(), secrets);

    let forms = |s: &str| {
        let b64 = |text: String| {
            let out = std::process::Command::new("python3")
                .args(["-c", "import base64,sys; print(base64.b64encode(sys.argv[1].encode()).decode())", &text])
                .output()
                .unwrap();
            String::from_utf8(out.stdout).unwrap().trim().to_owned()
        };
        vec![
            s.to_owned(),
            line::hex(s.as_bytes()),
            line::hex(s.as_bytes()).to_uppercase(),
            b64(s.to_owned()),
            b64(format!("x{s}y")),
            b64(format!("xx{s}")),
            format!("'{s}'"),
            format!("\"{s}\""),
        ]
    };
    let mut all: Vec<(String, String)> = Vec::new();
    for i in 0..6 {
        all.extend(forms(c(i)).into_iter().map(|form| (c(i).to_owned(), form)));
    }
    // Two more are known to nobody, but stand where secrets stand.
    all.push((c(6).into(), format!("mysql -p{} db", c(6))));
    all.push((c(7).into(), format!("https://u:{}@h/", c(7))));
    for (i, (_, form)) in all.iter().enumerate() {
        let text = format!("cmd {form} end");
        let mut entry = start(&text);
        if let Detail::ShellStart { reason, task, cwd, .. } = &mut entry.detail {
            (*reason, *task, *cwd) = (Some(text.clone()), Some(text.clone()), text.clone());
        }
        let human =
            Human::Fields { skill: text.clone(), action: text.clone(), target: text.clone(), result: text.clone() };
        log.append(&redactor, vec![entry, Entry { human, detail: Detail::PoisonCleared { cause: text.clone() } }])
            .unwrap();
        // An output whose middle is gone is cut anywhere.
        let mut gap = capture(text.repeat(500).as_bytes());
        let tail = gap.head.split_off(gap.head.len() / 2 + i);
        gap = Capture { tail: tail[i..].to_vec(), len: gap.len + 1_000_000, ..gap };
        for capture in [capture(text.as_bytes()), capture(text.repeat(200).as_bytes()), gap] {
            let stored = log.store_output(&redactor, &capture).unwrap();
            assert_eq!(stored.sha256, None, "a hash of a short secret gives it away");
            log.append(&redactor, vec![note(&stored.shown)]).unwrap();
        }
        log.append(&redactor, vec![note(&format!("{} {text}", "long ".repeat(5_000)))]).unwrap();
    }
    drop(log);
    let mut places = walk(&ground.paths.state.join("blobs"));
    assert!(places.len() > 50);
    places.push(ground.paths.log.clone());
    places.extend(walk(&ground.paths.state));
    for place in places {
        let bytes = fs::read(&place).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for (canary, form) in &all {
            // Quotes around a mask may stay.
            let core = form.trim_matches(['\'', '"']).trim_matches('=');
            let core = if form.len() > canary.len() + 8 && form.contains(canary) { canary } else { core };
            assert!(!text.contains(core), "{core} ({form}) is in {}", place.display());
        }
    }
    assert_eq!(ground.verify().verdict, Verdict::Whole);
}
