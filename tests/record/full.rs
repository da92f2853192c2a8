//! A disk that is really full: a small tmpfs, where this user may mount one.

use super::*;
use guard::record::LogError;
use guard::record::verify::Verdict;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::fs;
use std::path::Path;

/// A file system of its own, unmounted at the end.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path, kib: u32) -> Option<Small> {
        fs::create_dir_all(at).unwrap();
        let options = std::ffi::CString::new(format!("size={kib}k")).unwrap();
        mount("guard-test", at, "tmpfs", MountFlags::empty(), Some(options.as_c_str())).ok()?;
        Some(Small(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

fn fill(at: &Path) -> PathBuf {
    let path = at.join("filler");
    let mut file = fs::File::create(&path).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    path
}

#[test]
fn on_a_full_disk_the_reserve_takes_one_last_record_and_what_was_begun_can_still_end() {
    let ground = Ground::unmade();
    let Some(_small) = Small::mount(&ground.project, 2048) else {
        eprintln!("skipped: mounting a tmpfs needs root");
        return;
    };
    let ground = ground.make();
    let mut log = ground.open();
    let redactor = plain(&log);
    let begun = log.start(&redactor, vec![start("before")]).unwrap();
    let filler = fill(&ground.project);

    // What the reserve holds beyond the ends of commands still goes.
    let refused = loop {
        match log.append(&redactor, vec![start("another")]) {
            Ok(_) => {}
            Err(e) => break e,
        }
    };
    assert!(matches!(refused, LogError::Full { .. }), "{refused}");
    assert!(refused.to_string().contains("build_audit.log") && refused.help().unwrap().contains("free space"));
    for _ in 0..3 {
        assert!(matches!(log.append(&redactor, vec![start("again")]), Err(LogError::Full { .. })));
        assert!(matches!(ground.open().append(&redactor, vec![start("x")]), Err(LogError::Full { .. })));
    }
    assert_eq!(ground.text().matches("\"event\":\"log_full\"").count(), 1);
    assert!(ground.text().lines().last().unwrap().contains("[GUARD] [LOG_FULL] [no room left] [FAIL]"));

    log.append(&redactor, vec![note("the end of what was begun")]).unwrap();
    drop(begun);
    let before = ground.verify();
    assert_eq!((before.verdict, &before.flaw), (Verdict::Whole, &None));

    fs::remove_file(filler).unwrap();
    log.append(&redactor, vec![start("room again")]).unwrap();
    let after = ground.verify();
    assert_eq!((after.verdict, after.records), (Verdict::Whole, before.records + 1));
    assert_eq!(log.state(), ground.refolded().state());
}

#[test]
fn a_full_disk_under_the_state_folder_acknowledges_nothing_it_cannot_keep() {
    let ground = Ground::unmade();
    let Some(_small) = Small::mount(&ground.state_root, 2048) else {
        eprintln!("skipped: mounting a tmpfs needs root");
        return;
    };
    let ground = ground.make();
    let mut log = ground.open();
    let redactor = plain(&log);
    let _filler = fill(&ground.state_root);
    // Keys are overwritten in place and need no room; a blob does.
    for _ in 0..40 {
        log.append(&redactor, vec![note("x")]).unwrap();
    }
    let error = log.append(&redactor, vec![note(&"long ".repeat(10_000))]).unwrap_err();
    assert!(matches!(error, LogError::Full { .. }), "{error}");
    assert_eq!(ground.open().state(), log.state());
    assert_eq!(ground.verify().verdict, Verdict::Whole);
}

#[test]
fn creating_a_log_on_a_full_disk_leaves_nothing_behind_that_stops_the_next_try() {
    let ground = Ground::unmade();
    let Some(_small) = Small::mount(&ground.project, 64) else {
        eprintln!("skipped: mounting a tmpfs needs root");
        return;
    };
    let filler = fill(&ground.project);
    let error = create(&ground.state_root, &ground.project, &ground.paths.log, "p").unwrap_err();
    assert!(matches!(error, LogError::Full { .. }), "{error}");
    assert_eq!(walk(&ground.project), std::slice::from_ref(&filler));
    fs::remove_file(filler).unwrap();
    create(&ground.state_root, &ground.project, &ground.paths.log, "p").unwrap();
}

#[test]
fn a_read_only_file_system_is_named() {
    let ground = Ground::unmade();
    let Some(small) = Small::mount(&ground.project, 1024) else {
        eprintln!("skipped: mounting a tmpfs needs root");
        return;
    };
    let ground = ground.make();
    rustix::mount::mount_remount(&small.0, MountFlags::RDONLY, c"").unwrap();
    let error = Log::open(&ground.paths).unwrap_err();
    assert!(matches!(error, LogError::ReadOnly { .. }), "{error}");
    assert_eq!(ground.verify().verdict, Verdict::Whole);
}
