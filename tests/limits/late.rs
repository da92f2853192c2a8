//! The first process keeps the time and is told to stop; what keeps it from either ends all the same.

use crate::cli::Home;
use crate::cli::ladder::behind;
use crate::fence::ending::{children, eventually, living, said, small_guard};
use crate::fence::tricks::{WHOLE, old_landlock};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

/// Found by a review: looking at thousands of processes it was late, and nobody looked at the clock but it.
#[test]
fn a_first_process_that_does_not_keep_the_time_is_ended_by_guard() {
    let mark = format!("94{}.5", std::process::id());
    let mut command = small_guard(&format!("sleep {mark}"));
    let mut child = command.env("GUARD_TEST_TIMEOUT", "1000").spawn().unwrap();
    eventually("it runs", || living(&format!("sleep\0{mark}")) > 0);
    let begin = Instant::now();
    // `env` became the small guard.
    for first in children(child.id()) {
        assert!(Command::new("kill").args(["-STOP", &first.to_string()]).status().unwrap().success());
    }
    assert_eq!(said(&mut child), "TimedOut 124");
    assert!((4..10).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    assert_eq!(living(&format!("sleep\0{mark}")), 0);
}

/// Found by a review: where Landlock does not keep signals within the fence, a signal that is already waiting makes the kernel
/// drop guard's own.
#[test]
fn a_flood_of_signals_does_not_keep_guard_s_from_being_heard() {
    let home = Home::with("default");
    home.write(
        "flood",
        "#!/usr/bin/python3 -S\nimport os, signal\nfor n in (2, 3, 10, 15): signal.signal(n, signal.SIG_IGN)\nfor _ in range(3):\n    \
         if os.fork() == 0:\n        while True:\n            for n in (2, 3, 10, 15):\n                \
         try: os.kill(1, n)\n                except OSError: pass\nwhile True: os.write(1, b'y' * 4096)\n",
    );
    fs::set_permissions(home.project.join("flood"), fs::Permissions::from_mode(0o755)).unwrap();
    home.trust(
        "[limits]\noutput = \"100KB\"\n[[rule]]\nid = \"flood\"\nprogram = \"./flood\"\nverdict = \"allow\"\nreason = \"r\"\n",
    );
    for trick in [WHOLE.to_owned(), old_landlock(5)] {
        let begin = Instant::now();
        let found = behind(&home, &trick, &["exec", "--", "./flood"]);
        assert_eq!((found.code, found.stdout.len()), (Some(137), 100_000), "{}", found.stderr);
        assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    }
}
