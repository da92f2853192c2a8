//! Two at once, a folder swapped for a link, a guard that is killed: a file is one of its versions, and the log names it.

use super::{changes, scene, sha256, write, writer};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn of_two_who_saw_the_same_one_is_first() {
    let home = scene();
    home.write("a.py", "0\n");
    for round in 0..15 {
        let seen = sha256(&home, "a.py");
        let both = ["x", "y"].map(|who| writer(&home, "a.py", &format!("{who}{round}\n"), &["--expect", &seen]));
        let codes = both.map(|mut child| child.wait().unwrap().code());
        assert_eq!(BTreeSet::from(codes), BTreeSet::from([Some(0), Some(125)]), "{round}");
        assert_eq!(home.read("a.py"), format!("{}{round}\n", if codes[0] == Some(0) { "x" } else { "y" }));
    }
    assert_eq!(changes(&home).len(), 15);
}

#[test]
fn a_folder_that_becomes_a_link_meanwhile_leads_nobody_out() {
    let home = scene();
    let outside = home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("a.py"), "theirs\n").unwrap();
    (0..500).for_each(|n| fs::write(outside.join(format!("their-name-{n}")), "").unwrap());
    home.write("sub/a.py", "ours\n");
    symlink(&outside, home.project.join("link")).unwrap();
    let (sub, link) = (home.project.join("sub"), home.project.join("link"));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let exchange = rustix::fs::RenameFlags::EXCHANGE;
                let _ = rustix::fs::renameat_with(rustix::fs::CWD, &sub, rustix::fs::CWD, &link, exchange);
            }
        });
        for round in 0..30 {
            let done = write(&home, "sub/a.py", &format!("{round}\n"));
            assert!(matches!(done.code, Some(0 | 125 | 126)), "{}", done.stderr);
            let listed = home.guard(&["file", "list", "--most", "9999"]).stdout;
            assert!(listed.contains("guard.toml") && !listed.contains("their-name"), "{listed}");
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(fs::read_to_string(outside.join("a.py")).unwrap(), "theirs\n");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 501);
}

#[test]
fn a_guard_that_is_killed_leaves_a_version_that_the_log_names() {
    let home = scene();
    home.write("a.py", "0\n");
    let mut written = 0;
    for round in 1..=40_u64 {
        let before = home.read("a.py");
        let mut child = writer(&home, "a.py", &format!("{round}\n"), &[]);
        std::thread::sleep(Duration::from_millis(round * 2));
        child.kill().unwrap();
        child.wait().unwrap();
        // The next guard brings in what is on record, and drops what is not.
        assert_eq!(home.guard(&["status"]).code, Some(0));
        let (now, log) = (home.read("a.py"), home.log());
        let recorded = log.contains(&format!("\"sha256\":\"{}\"", sha256(&home, "a.py")));
        assert!(now == before || now == format!("{round}\n") && recorded, "{round}: {now}");
        assert_eq!(fs::metadata(home.project.join("a.py")).unwrap().nlink(), 1, "{round}");
        written += u32::from(now != before);
    }
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
    assert!(changes(&home).len() as u32 == written, "{written}");
    let left = fs::read_dir(&home.project).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    assert_eq!(
        left.collect::<BTreeSet<_>>(),
        BTreeSet::from(["a.py", "build_audit.log", "guard.toml"].map(String::from))
    );
}
