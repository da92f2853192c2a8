//! Memory: what all processes hold together, however it is held, and for how long.

use super::{came, ended, python, quick, run, stopped};
use crate::cli::Home;
use crate::fence::stage::Stage;
use guard::execute::sandbox::{Order, Work};
use guard::execute::{Limits, Sink, prepare_order};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A program that could go on for long, were it let.
const HOLD: &str = "import time; time.sleep(15); print('held')\n";

fn small() -> Limits {
    Limits { memory: 200_000_000, ..quick() }
}

#[test]
fn what_is_held_by_one_process_for_too_long_is_stopped() {
    let begin = Instant::now();
    let stage = Stage::new();
    let done = python(&stage, small(), &format!("kept = bytearray(b'x') * 300_000_000\n{HOLD}"));
    assert_eq!(came(&done), stopped("memory"));
    assert!(begin.elapsed() < Duration::from_secs(12), "{:?}", begin.elapsed());
}

/// It ignores TERM as well: after the grace it is killed.
#[test]
fn what_is_held_by_many_processes_together_is_stopped() {
    let program = "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nfor _ in range(9):\n    \
                   if os.fork() == 0: break\nkept = bytearray(b'x') * 40_000_000\n";
    assert_eq!(came(&python(&Stage::new(), small(), &format!("{program}{HOLD}"))), stopped("memory"));
}

#[test]
fn what_is_held_in_shared_memory_is_stopped() {
    let program = "import mmap\nkept = mmap.mmap(-1, 300_000_000)\nkept.write(b'x' * 300_000_000)\n";
    assert_eq!(came(&python(&Stage::new(), small(), &format!("{program}{HOLD}"))), stopped("memory"));
}

/// Files in `/tmp` and `/dev/shm` are memory, mapped or not.
#[test]
fn what_is_held_as_files_in_memory_is_stopped() {
    let program =
        "for at, much in (('/tmp/a', 150), ('/dev/shm/b', 150)):\n    open(at, 'wb').write(b'x' * much * 1_000_000)\n";
    assert_eq!(came(&python(&Stage::new(), small(), &format!("{program}{HOLD}"))), stopped("memory"));
}

/// Found by a review: a file that nobody maps is in no process, and one without a name in no folder.
#[test]
fn what_is_held_as_files_that_nobody_maps_is_stopped() {
    let program = "import os\nkept = [os.memfd_create(str(n)) for n in range(10)]\n\
                   for fd in kept:\n    for _ in range(30): os.write(fd, b'x' * 1_000_000)\n";
    assert_eq!(came(&python(&Stage::new(), small(), &format!("{program}{HOLD}"))), stopped("memory"));
    let segments = "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\nfor n in range(10):\n    \
                    number = libc.shmget(0, 30_000_000, 0o1600)\n    at = libc.shmat(number, None, 0)\n    \
                    assert number >= 0\n    ctypes.memset(at, 1, 30_000_000); libc.shmdt(ctypes.c_void_p(at))\n";
    assert_eq!(came(&python(&Stage::new(), small(), &format!("{segments}{HOLD}"))), stopped("memory"));
    // Shared by several, it is there once.
    let shared = "import os, time\nkept = os.memfd_create('x')\nfor _ in range(120): os.write(kept, b'x' * 1_000_000)\n\
                  for _ in range(8):\n    if os.fork() == 0: time.sleep(3); os._exit(0)\nfor _ in range(8): os.wait()\nprint('shared')\n";
    assert_eq!(came(&python(&Stage::new(), small(), shared)), ended("shared\n"));
}

#[test]
fn what_is_held_by_a_process_that_lets_nobody_look_is_stopped() {
    let program =
        "import ctypes\nassert ctypes.CDLL(None).prctl(4, 0, 0, 0, 0) == 0\nkept = bytearray(b'x') * 300_000_000\n";
    assert_eq!(came(&python(&Stage::new(), small(), &format!("{program}{HOLD}"))), stopped("memory"));
}

/// Pages that a parent and its children share are there once: adding up what each has resident would make them 1 GB.
#[test]
fn what_processes_share_counts_once() {
    let program = "import os, time\nkept = bytearray(b'x') * 120_000_000\nfor _ in range(8):\n    if os.fork() == 0:\n        \
                   time.sleep(3); os._exit(0)\nfor _ in range(8): os.wait()\nprint('shared')\n";
    assert_eq!(came(&python(&Stage::new(), small(), program)), ended("shared\n"));
    let program = "import os, time, mmap\nkept = mmap.mmap(-1, 120_000_000)\nkept.write(b'x' * 120_000_000)\n\
                   for _ in range(8):\n    if os.fork() == 0:\n        sum(kept[::4096]); time.sleep(3); os._exit(0)\n\
                   for _ in range(8): os.wait()\nprint('shared')\n";
    assert_eq!(came(&python(&Stage::new(), small(), program)), ended("shared\n"));
}

#[test]
fn what_stays_just_below_is_let_go_on() {
    let program = "import time\nkept = bytearray(b'x') * 150_000_000\ntime.sleep(4)\nprint('below')\n";
    assert_eq!(came(&python(&Stage::new(), small(), program)), ended("below\n"));
}

#[test]
fn what_peaks_for_less_than_the_window_is_let_go_on() {
    let limits = Limits { memory_window: Duration::from_secs(4), ..small() };
    let program = "import time\nfor _ in range(2):\n    kept = bytearray(b'x') * 300_000_000\n    time.sleep(1.5)\n    \
                   del kept\n    time.sleep(2)\nprint('peaked')\n";
    assert_eq!(came(&python(&Stage::new(), limits, program)), ended("peaked\n"));
}

/// Much more than may be held at all is not waited for: the kernel gives one process no more of it.
#[test]
fn what_one_process_asks_for_at_once_is_bounded_by_the_kernel() {
    let program = "import mmap\nfor size in (3 << 30, 5 << 30):\n    try:\n        \
                   mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close(); print(size >> 30, 'had')\n    \
                   except OSError as error: print(size >> 30, error.errno)\n";
    assert_eq!(came(&python(&Stage::new(), small(), program)), ended("3 had\n5 12\n"));
}

/// Reserves gigabytes and touches little: V8, the JVM, Go.
#[test]
fn what_reserves_address_space_and_leaves_it_alone_runs() {
    let stage = Stage::new();
    for (tool, line) in [
        ("node", "node -e 'new WebAssembly.Memory({initial: 1, maximum: 65536}); console.log(1)'"),
        ("java", "java -version 2>/dev/null && echo 1"),
        (
            "python3",
            "python3 -c 'import threading; [threading.Thread(target=print).start() for _ in range(1)]; print(1)' | tail -n 1",
        ),
    ] {
        let there =
            std::process::Command::new(tool).arg("--version").output().is_ok_and(|found| found.status.success());
        if there {
            assert_eq!(came(&run(&stage, small(), line)), ended("1\n"), "{tool}");
        }
    }
}

/// Nobody who keeps guard's output waiting keeps the command from being stopped.
#[test]
fn a_reader_that_stands_still_does_not_stop_the_watch() {
    struct Stalled(Duration, bool);
    impl Sink for Stalled {
        fn stdout(&mut self, _: &[u8]) {
            if !std::mem::replace(&mut self.1, true) {
                std::thread::sleep(self.0);
            }
        }
        fn stderr(&mut self, _: &[u8]) {}
    }
    let stage = Stage::new();
    let beat = "import sys, time\nprint('x', flush=True)\nkept = bytearray(b'x') * 300_000_000\n\
                for n in range(100):\n    open('beat', 'a').write('.'); time.sleep(0.1)\n";
    std::fs::write(stage.place.project.join("program.py"), beat).unwrap();
    let (order, transaction) = stage.order(Work::Line("python3 program.py".into()));
    let order = Order { limits: small(), ..order };
    let prepared = prepare_order(order, &stage.place, &stage.environment, stage.require).unwrap();
    let outcome = prepared.run(&mut Stalled(Duration::from_secs(8), false)).unwrap();
    assert_eq!(outcome.limit.as_deref(), Some("memory"));
    stage.take_in(transaction);
    let beats = std::fs::metadata(stage.place.project.join("beat")).unwrap().len();
    assert!(beats < 75, "it went on while the reader stood still: {beats}");
}

#[test]
fn a_command_that_holds_too_much_halts_everything_and_a_person_is_called() {
    for (check, name) in [(false, "hold.py"), (true, "test_hold.py")] {
        let home = Home::with("python");
        home.trust("\n[limits]\nmemory = \"200MB\"\nmemory_window = \"1s\"\n");
        home.write(name, &format!("kept = bytearray(b'x') * 300_000_000\n{HOLD}"));
        let argv: &[&str] = if check { &["pytest", "-q"] } else { &["python3", "hold.py"] };
        let done = home.guard(&[&["exec", "--json", "--"], argv].concat());
        let object: Value = serde_json::from_str(&done.stdout).unwrap();
        let said = |key: &str| object[key].clone();
        assert_eq!((done.code, said("exit_code"), said("limit")), (Some(137), json!(137), json!("memory")), "{object}");
        assert_eq!(
            (said("category"), said("proves"), said("halted")),
            (json!("runtime"), json!("failure"), json!("resume-1"))
        );
        assert_eq!(said("attempts"), json!({"used": 1, "budget": 2, "total_used": 1, "total_budget": 3}));
        assert!(
            said("hint").as_str().unwrap().starts_with("it held too much memory: everything is halted (`resume-1`)")
        );
        assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(77));
        let log = home.log();
        assert!(log.contains("\"ended\":\"limit\",\"exit_code\":137,\"limit\":\"memory\""), "{log}");
        assert!(
            log.contains("\"event\":\"escalated\",\"name\":\"resume-1\",\"cause\":\"memory\",\"category\":\"runtime\"")
        );
        let report = home.guard(&["escalations", "resume-1"]).stdout;
        assert!(
            report.starts_with("[ESCALATION] project: a command was stopped for the memory it held\n---\n"),
            "{report}"
        );
        assert!(
            report.contains("\nError Category: Runtime\n") && report.contains("stopped at a limit: memory"),
            "{report}"
        );
        assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
    }
}
