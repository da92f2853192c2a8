//! A log that was damaged or is in the wrong place: each case has its own words, names the file, and runs nothing.

use super::*;
use guard::record::read::{Reader, find_record};
use guard::record::verify::Verdict;
use guard::record::{LogError, Mended, find, recover, relink};
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};

fn open_error(ground: &Ground) -> LogError {
    Log::open(&ground.paths).unwrap_err()
}

/// The error is this one, names the log or its state, and says what to do.
macro_rules! assert_error {
    ($error:expr, $pattern:pat) => {
        let error = $error;
        assert!(matches!(error, $pattern), "{error:?}");
        assert!(error.to_string().contains('/'), "{error}");
        assert!(error.help().is_some(), "{error}");
    };
}

fn filled() -> Ground {
    let ground = Ground::new();
    let mut log = ground.open();
    let redactor = plain(&log);
    for i in 0..5 {
        log.append(&redactor, vec![note(&format!("number {i}"))]).unwrap();
    }
    ground
}

#[test]
fn a_missing_log() {
    let ground = filled();
    let text = fs::read(&ground.paths.log).unwrap();
    fs::remove_file(&ground.paths.log).unwrap();
    assert_error!(open_error(&ground), LogError::Missing { records: 6, .. });
    assert_error!(
        create(&ground.state_root, &ground.project, &ground.paths.log, "p").unwrap_err(),
        LogError::Missing { records: 6, .. }
    );
    fs::write(&ground.paths.log, text).unwrap();
    assert_eq!(ground.open().head().0, 6);
}

#[test]
fn a_log_cut_anywhere_after_an_acknowledged_record() {
    let ground = filled();
    let whole = fs::read(&ground.paths.log).unwrap();
    for keep in (0..whole.len()).step_by(37).chain([whole.len() - 1]) {
        fs::write(&ground.paths.log, &whole[..keep]).unwrap();
        assert_error!(open_error(&ground), LogError::Shorter { .. } | LogError::Edited { .. });
        assert_eq!(ground.verify().verdict, Verdict::Tampered, "cut at {keep}");
    }
}

#[test]
fn a_log_with_one_byte_changed_is_found_out_wherever_it_is() {
    let ground = filled();
    let whole = fs::read(&ground.paths.log).unwrap();
    for at in (0..whole.len()).step_by(11) {
        let mut changed = whole.clone();
        changed[at] = if changed[at] == b'5' { b'6' } else { b'5' };
        fs::write(&ground.paths.log, &changed).unwrap();
        assert_eq!(ground.verify().verdict, Verdict::Tampered, "byte {at}");
    }
}

#[test]
fn an_edited_last_record_stops_the_next_guard() {
    let ground = filled();
    let text = ground.text();
    let end = text.len();
    let last = text.trim_end().rfind('\n').unwrap();
    fs::write(&ground.paths.log, &text[..=last]).unwrap();
    let mut forged = text[last + 1..].to_owned();
    let hash = forged.rfind(' ').unwrap() - 10;
    forged.replace_range(hash..hash + 1, if &forged[hash..=hash] == "0" { "1" } else { "0" });
    fs::write(&ground.paths.log, format!("{}{forged}", &text[..=last])).unwrap();
    assert_eq!(fs::metadata(&ground.paths.log).unwrap().len(), end as u64);
    assert_error!(open_error(&ground), LogError::Edited { .. });
}

#[test]
fn records_forged_after_the_last_one_stop_the_next_guard() {
    let ground = filled();
    let text = ground.text();
    let (_, seal) = line::split(text.lines().last().unwrap().as_bytes()).unwrap();
    let mut bytes = text.clone().into_bytes();
    let begin = bytes.len();
    line::Draft::new(&note("forged").human, &note("forged").detail, &[]).unwrap().write(
        &mut bytes,
        chrono::Utc::now(),
        (None, None),
    );
    let hash = guard::record::chain(&seal.hash, &bytes[begin..]);
    line::seal(&mut bytes, &line::Seal { seq: seal.seq + 1, hash, mac: [0; 16] });
    fs::write(&ground.paths.log, &bytes).unwrap();
    assert_error!(open_error(&ground), LogError::Edited { seq: 7, what: "its MAC does not hold", .. });
    assert_eq!(ground.verify().flaw.unwrap().what, "its MAC does not hold");
}

#[test]
fn a_symbolic_link_a_hard_link_a_folder_and_a_pipe_in_its_place() {
    let ground = filled();
    let aside = ground.project.join("aside");
    fs::hard_link(&ground.paths.log, &aside).unwrap();
    assert_error!(open_error(&ground), LogError::HardLinked { links: 2, .. });
    fs::remove_file(&ground.paths.log).unwrap();
    symlink(&aside, &ground.paths.log).unwrap();
    assert_error!(open_error(&ground), LogError::Link { .. });
    assert_eq!(every_reader(&ground), ["is a symbolic link"; 5]);
    fs::remove_file(&ground.paths.log).unwrap();
    fs::create_dir(&ground.paths.log).unwrap();
    assert_error!(open_error(&ground), LogError::NotAFile { is: "a folder", .. });
    assert_eq!(every_reader(&ground), ["is a folder, not a plain file"; 5]);
    fs::remove_dir(&ground.paths.log).unwrap();
    // A reader of a pipe that nobody writes to would wait for ever.
    rustix::fs::mkfifoat(rustix::fs::CWD, &ground.paths.log, 0o600.into()).unwrap();
    assert_error!(open_error(&ground), LogError::NotAFile { is: "a pipe", .. });
    assert_eq!(every_reader(&ground), ["is a pipe, not a plain file"; 5]);
}

/// What everything that reads a log without opening it for writing says about one that is no plain file.
fn every_reader(ground: &Ground) -> Vec<String> {
    let Paths { log, state } = &ground.paths;
    let proof = Proof { log: log.clone(), state: Some(state.clone()), seed: None, head: None, workers: 1 };
    let keys = state.join("keys");
    let aside = state.join("keys.aside");
    fs::rename(&keys, &aside).unwrap();
    let recovered = recover(&ground.paths, Some(&ground.key())).unwrap_err();
    fs::rename(&aside, &keys).unwrap();
    let errors = [
        verify(&proof).unwrap_err(),
        Reader::last(log, 1).unwrap_err(),
        find_record(log, 1).unwrap_err(),
        recovered,
        relink(&ground.state_root, &ground.project).unwrap_err(),
    ];
    errors.map(|error| error.to_string().split("` ").nth(1).unwrap().to_owned()).to_vec()
}

/// The seed proves every line there is; which was the last it cannot know.
#[test]
fn a_log_that_was_cut_together_with_its_key_state_is_not_called_whole() {
    let ground = filled();
    let mut log = ground.open();
    let redactor = plain(&log);
    for n in 0..40 {
        log.append(&redactor, vec![note(&n.to_string())]).unwrap();
    }
    let (whole, all) = (fs::read(&ground.paths.log).unwrap(), log.head().0);
    let cut = |lines: usize| {
        let ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        fs::write(&ground.paths.log, &whole[..ends.take(lines).last().unwrap()]).unwrap();
    };
    assert_eq!(ground.verify().verdict, Verdict::Whole);
    fs::remove_file(ground.paths.state.join("keys")).unwrap();
    assert_eq!(ground.verify().verdict, Verdict::Unended, "whole as it is, nothing says so");

    cut(10);
    let found = ground.verify();
    assert_eq!(found.verdict, Verdict::Tampered);
    assert!(found.flaw.unwrap().what.starts_with("the log ends before record #"));
    assert_error!(recover(&ground.paths, Some(&ground.key())).unwrap_err(), LogError::Shorter { has: 10, .. });

    // Behind the snapshot nothing remembers anything.
    cut(usize::try_from(all).unwrap() - 1);
    let found = ground.verify();
    assert_eq!(found.verdict, Verdict::Unended);
    assert!(found.notes.iter().any(|note| note.starts_with("the snapshot vouches that there were ")), "{found:?}");
    for name in ["snapshot.0", "snapshot.1"] {
        fs::remove_file(ground.paths.state.join(name)).unwrap();
    }
    cut(10);
    assert_eq!(ground.verify().verdict, Verdict::Unended);
    let head = line::split(whole.split(|b| *b == b'\n').nth(20).unwrap()).unwrap().1;
    let proof = Proof {
        log: ground.paths.log.clone(),
        state: None,
        seed: Some(ground.key()),
        head: Some((head.seq, head.hash)),
        workers: 1,
    };
    assert_eq!(verify(&proof).unwrap().verdict, Verdict::Tampered, "a head that was noted elsewhere tells");
    fs::write(&ground.paths.log, &whole).unwrap();
    assert_eq!(verify(&proof).unwrap().verdict, Verdict::Whole);
}

#[test]
fn a_log_that_is_linked_or_replaced_while_it_is_open() {
    let ground = filled();
    let mut log = ground.open();
    let redactor = plain(&log);
    let aside = ground.project.join("aside");
    fs::hard_link(&ground.paths.log, &aside).unwrap();
    assert_error!(log.append(&redactor, vec![note("x")]).unwrap_err(), LogError::HardLinked { .. });
    fs::remove_file(&aside).unwrap();
    log.append(&redactor, vec![note("x")]).unwrap();
    fs::copy(&ground.paths.log, &aside).unwrap();
    fs::rename(&aside, &ground.paths.log).unwrap();
    assert_error!(log.append(&redactor, vec![note("x")]).unwrap_err(), LogError::Replaced { .. });
    fs::remove_file(&ground.paths.log).unwrap();
    assert_error!(log.append(&redactor, vec![note("x")]).unwrap_err(), LogError::Replaced { .. });
}

#[test]
fn a_log_shortened_while_it_is_open() {
    let ground = filled();
    let mut log = ground.open();
    let redactor = plain(&log);
    fs::OpenOptions::new().write(true).open(&ground.paths.log).unwrap().set_len(300).unwrap();
    assert_error!(log.append(&redactor, vec![note("x")]).unwrap_err(), LogError::Shorter { .. });
}

#[test]
fn garbage_appended_by_somebody_is_vouched_for_and_told() {
    let ground = filled();
    for garbage in ["half a line", "a line\nand another\n", "\n\n\n", &"long ".repeat(50_000)] {
        let old = ground.text_lossy();
        fs::write(&ground.paths.log, format!("{old}{garbage}")).unwrap();
        let mut log = ground.open();
        let redactor = plain(&log);
        log.append(&redactor, vec![note("next")]).unwrap();
        assert_eq!(log.state(), ground.refolded().state());
    }
    let report = ground.verify();
    assert_eq!((report.verdict, report.tears, report.flaw), (Verdict::Torn, 4, None));
}

#[test]
fn garbage_in_one_key_slot_is_nothing_and_in_both_needs_the_seed() {
    let ground = filled();
    let keys = fs::OpenOptions::new().write(true).open(ground.paths.state.join("keys")).unwrap();
    keys.write_all_at(&[0xee; 512], 512).unwrap();
    assert_eq!(ground.open().head().0, 6);
    keys.write_all_at(&[0xee; 512], 1024).unwrap();
    assert_error!(open_error(&ground), LogError::Keys { .. });
    assert_eq!(ground.verify_with(false).verdict, Verdict::Undecided);
    assert_error!(recover(&ground.paths, None).unwrap_err(), LogError::Keys { .. });
    assert!(matches!(
        recover(&ground.paths, Some(&guard::record::Key::new([1; 32]))).unwrap_err(),
        LogError::Edited { seq: 1, .. }
    ));
    assert_eq!(recover(&ground.paths, Some(&ground.key())).unwrap(), [Mended::Keys(6)]);
    let mut log = ground.open();
    let redactor = plain(&log);
    log.append(&redactor, vec![note("again")]).unwrap();
    assert_eq!(ground.verify().verdict, Verdict::Whole);
}

#[test]
fn a_key_file_that_is_gone_garbage_or_open_to_others() {
    let ground = filled();
    let path = ground.paths.state.join("keys");
    let good = fs::read(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_error!(open_error(&ground), LogError::Keys { .. });
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    for bad in [&b""[..], &good[..1000], &[0; 2048]] {
        fs::write(&path, bad).unwrap();
        assert_error!(open_error(&ground), LogError::Keys { .. });
    }
    fs::remove_file(&path).unwrap();
    assert_error!(open_error(&ground), LogError::Keys { .. });
    assert_eq!(recover(&ground.paths, Some(&ground.key())).unwrap(), [Mended::Keys(6)]);
    assert_eq!(ground.open().head().0, 6);
}

#[test]
fn a_key_state_behind_the_log_catches_up() {
    let ground = Ground::new();
    let path = ground.paths.state.join("keys");
    let old = fs::read(&path).unwrap();
    let mut log = ground.open();
    let redactor = plain(&log);
    for _ in 0..40 {
        log.append(&redactor, vec![note("x")]).unwrap();
    }
    fs::write(&path, old).unwrap();
    assert_eq!(ground.verify().notes, ["key state: 40 records behind, as after a crash"]);
    ground.open().append(&redactor, vec![note("y")]).unwrap();
    let report = ground.verify();
    assert_eq!((report.verdict, report.notes.len()), (Verdict::Whole, 0));
}

#[test]
fn a_garbage_stale_foreign_or_missing_snapshot_loses_nothing() {
    let ground = Ground::new();
    let mut log = ground.open();
    let redactor = plain(&log);
    for i in 0..100 {
        log.append(&redactor, vec![if i % 3 == 0 { start("x") } else { note("y") }]).unwrap();
    }
    let expected = log.state().clone();
    assert_eq!(expected.running.len(), 34);
    let names = ["snapshot.0", "snapshot.1"].map(|n| ground.paths.state.join(n));
    assert!(names.iter().all(|n| n.exists()), "both were written");
    let other = filled();
    let mut foreign = other.open();
    for _ in 0..20 {
        foreign.append(&redactor, vec![note("z")]).unwrap();
    }
    let foreign = fs::read(other.paths.state.join("snapshot.1")).unwrap();
    for content in [Some(&b"garbage"[..]), Some(&[]), Some(&foreign), None] {
        for name in &names {
            match content {
                Some(bytes) => fs::write(name, bytes).unwrap(),
                None => fs::remove_file(name).unwrap(),
            }
        }
        assert_eq!(ground.open().state(), &expected);
    }
}

#[test]
fn a_read_only_log_and_an_append_only_one() {
    let ground = filled();
    let chattr = |flag: &str| {
        let done = std::process::Command::new("chattr").arg(flag).arg(&ground.paths.log).output();
        done.is_ok_and(|o| o.status.success())
    };
    if !chattr("+a") {
        eprintln!("skipped: `chattr +a` needs root and a file system that knows it");
        return;
    }
    let mut log = ground.open();
    let redactor = plain(&log);
    let appended = log.append(&redactor, vec![note("x")]);
    drop(fs::OpenOptions::new().append(true).open(&ground.paths.log).unwrap().write_at(b"torn", 0));
    let again = ground.open().append(&redactor, vec![note("after a tear")]);
    assert!(chattr("-a"));
    appended.unwrap();
    again.unwrap();
    assert_eq!(ground.verify().verdict, Verdict::Torn);
    assert!(chattr("+i"));
    let error = Log::open(&ground.paths);
    assert!(chattr("-i"));
    assert_error!(error.unwrap_err(), LogError::ReadOnly { .. });
}

#[test]
fn a_lock_held_too_long_is_told() {
    struct Hasty;
    impl guard::record::Files for Hasty {
        fn patience(&self) -> std::time::Duration {
            std::time::Duration::from_millis(30)
        }
    }
    let ground = filled();
    let mut log = Log::open_with(Hasty, &ground.paths).unwrap();
    let redactor = Redactor::new(log.tag_key(), Secrets::default());
    let lock = fs::File::open(ground.paths.state.join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_error!(log.append(&redactor, vec![note("x")]).unwrap_err(), LogError::Busy { .. });
    drop(lock);
    log.append(&redactor, vec![note("x")]).unwrap();
}

#[test]
fn a_moved_project_is_linked_again_and_a_copied_one_is_not() {
    let ground = filled();
    let there = ground.project.with_file_name("moved here");
    let copy = ground.project.with_file_name("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(&ground.paths.log, copy.join(LOG_NAME)).unwrap();
    assert_error!(find(&ground.state_root, &copy).unwrap_err(), LogError::Unknown { .. });
    assert!(relink(&ground.state_root, &copy).unwrap_err().to_string().contains("this is a copy"));
    fs::rename(&ground.project, &there).unwrap();
    assert_error!(find(&ground.state_root, &there).unwrap_err(), LogError::Unknown { .. });
    let (paths, mended) = relink(&ground.state_root, &there).unwrap();
    assert_eq!(mended, Mended::Moved(ground.project.clone()));
    assert_eq!(find(&ground.state_root, &there).unwrap(), paths);
    assert_eq!(Log::open(&paths).unwrap().head().0, 6);
}

#[test]
fn projects_with_spaces_newlines_and_bytes_that_are_no_text_in_their_path() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let state_root = folder.path().join("state");
    for name in [&b"a project"[..], b"new\nline", b"not \xff\xfe text", b"new", b"\x1b[2J"] {
        let project = folder.path().join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir(&project).unwrap();
        let log = project.join(LOG_NAME);
        let created = create(&state_root, &project, &log, "p").unwrap();
        let paths = find(&state_root, &project).unwrap();
        assert_eq!(paths, Paths { log, state: created.state });
        assert_eq!(Log::open(&paths).unwrap().head().0, 1);
    }
    assert_error!(find(&state_root, folder.path()).unwrap_err(), LogError::NotCreated { .. });
}

#[test]
fn a_clock_that_goes_backwards_is_noted_and_the_times_in_the_log_are_not() {
    struct Clock(std::cell::Cell<i64>);
    impl guard::record::Files for Clock {
        fn now(&self) -> chrono::DateTime<chrono::Utc> {
            let now = self.0.get();
            self.0.set(now - 3600);
            chrono::DateTime::from_timestamp(now, 0).unwrap()
        }
    }
    let ground = Ground::new();
    let clock = Clock(std::cell::Cell::new(chrono::Utc::now().timestamp() + 7200));
    let mut log = Log::open_with(clock, &ground.paths).unwrap();
    let redactor = Redactor::new(log.tag_key(), Secrets::default());
    for _ in 0..3 {
        log.append(&redactor, vec![note("x")]).unwrap();
    }
    let lines: Vec<_> =
        ground.text().lines().map(|t| line::parse(line::split(t.as_bytes()).unwrap().0).unwrap()).collect();
    assert_eq!(lines.iter().map(|l| l.behind_ms).collect::<Vec<_>>(), [None, None, Some(3_600_000), Some(7_200_000)]);
    assert_eq!(lines[1].time, lines[3].time);
    assert_eq!(ground.verify().verdict, Verdict::Whole);
}
