//! What else a command may use: processes, processor time, files, output, what it writes.

use super::{came, ended, python, quick, run, stopped};
use crate::fence::stage::{Stage, root};
use guard::event::Ended;
use guard::execute::Limits;
use std::time::{Duration, Instant};

#[test]
fn a_flood_of_output_is_stopped_and_passed_on_up_to_the_limit() {
    let limits = Limits { output: 3_000_000, ..quick() };
    for line in ["yes", "yes >&2", "trap '' TERM; while :; do printf '%09999d'; done"] {
        let (outcome, kept) = run(&Stage::new(), limits.clone(), line);
        assert_eq!((outcome.ended, outcome.exit_code), (Ended::Limit, 137), "{line}");
        assert_eq!(outcome.limit.as_deref(), Some("output"), "{line}");
        assert_eq!(kept.out.len() + kept.err.len(), 3_000_000, "{line}");
        assert_eq!(outcome.stdout.len + outcome.stderr.len, 3_000_000, "{line}");
    }
    let exact = run(&Stage::new(), limits, "head -c 3000000 /dev/zero");
    assert_eq!((exact.0.ended, exact.0.exit_code, exact.1.out.len()), (Ended::Exited, 0, 3_000_000));
}

#[test]
fn a_process_holds_no_more_files_open_than_it_may() {
    let limits = Limits { open_files: 40, ..quick() };
    let program = "import os\nkept = []\ntry:\n    while True: kept.append(os.open('/dev/null', os.O_RDONLY))\n\
                   except OSError as error: print(kept[-1] + 1, error.errno)\n";
    assert_eq!(came(&python(&Stage::new(), limits, program)), ended("40 24\n"));
}

/// A hole takes no room, but its length is what others will read.
#[test]
fn a_file_grows_no_larger_than_all_that_may_be_written() {
    let limits = Limits { total_write: 5_000_000, ..quick() };
    let stage = Stage::new();
    let program = "import os\nfor way in (lambda f: f.truncate(6_000_000), lambda f: os.pwrite(f.fileno(), b'x', 5_000_000)):\n    \
                   for at in ('sparse', '/tmp/sparse'):\n        with open(at, 'wb') as f:\n            try: way(f)\n            \
                   except OSError as error: print(at, error.errno)\n";
    let refused = "sparse 27\n/tmp/sparse 27\n".repeat(2);
    assert_eq!(came(&python(&stage, limits.clone(), program)), ended(&refused));
    let killed = run(&stage, limits, "exec truncate -s 6000000 sparse");
    assert_eq!(came(&killed), stopped("total-write"));
}

#[test]
fn what_is_written_in_all_is_bounded_where_there_is_one_place_for_it() {
    let stage = Stage::new();
    let limits = Limits { total_write: 5_000_000, ..quick() };
    let program = "import os, time\nos.makedirs('a/b')\nfor n in range(100):\n    \
                   open(f'a/b/{n}', 'wb').write(b'x' * 1_000_000); time.sleep(0.1)\n";
    assert_eq!(came(&python(&stage, limits.clone(), program)), stopped("total-write"));
    let written = std::fs::read_dir(stage.place.project.join("a/b")).unwrap().count();
    assert!((5..90).contains(&written), "{written}");
    let little = "import time\nfor _ in range(20):\n    open('one', 'wb').write(b'x' * 1_000_000); time.sleep(0.1)\n";
    assert_eq!(came(&python(&Stage::new(), limits, little)), ended(""));
}

/// Found by a review: names were counted, so what had none was not.
#[test]
fn what_has_no_name_any_more_is_written_all_the_same() {
    let limits = Limits { total_write: 5_000_000, ..quick() };
    let hold = "import os, sys, time\nkept = []\nfor n in range(100):\n    ";
    let fill = "\n    os.write(fd, b'x' * 1_000_000); kept.append(fd); time.sleep(0.1)\n";
    for open in [
        "fd = os.open('gone', os.O_RDWR | os.O_CREAT); os.remove('gone')",
        "fd = os.open('.', os.O_RDWR | os.O_TMPFILE)",
        // The parent has it, and has forgotten its child.
        "fd = os.open('gone', os.O_RDWR | os.O_CREAT); os.remove('gone')\n    if n == 3 and os.fork(): time.sleep(20); os._exit(0)",
    ] {
        assert_eq!(
            came(&python(&Stage::new(), limits.clone(), &format!("{hold}{open}{fill}"))),
            stopped("total-write"),
            "{open}"
        );
    }
    // Many names of nothing.
    let empty =
        "import os, time\nfor n in range(4000):\n    open(str(n), 'w').close()\n    if n % 40 == 0: time.sleep(0.05)\n";
    assert_eq!(came(&python(&Stage::new(), limits.clone(), empty)), stopped("total-write"));
    // What is closed is gone, and memory is no disk.
    let little = "import os, time\nfor n in range(30):\n    fd = os.open('gone', os.O_RDWR | os.O_CREAT); os.remove('gone')\n    \
                  os.write(fd, b'x' * 1_000_000); os.close(fd); time.sleep(0.05)\n\
                  kept = [os.memfd_create(str(n)) for n in range(9)]\nfor fd in kept: os.write(fd, b'x' * 1_000_000)\n\
                  time.sleep(1)\nprint('little')\n";
    assert_eq!(came(&python(&Stage::new(), limits, little)), ended("little\n"));
}

#[test]
fn processor_time_is_that_of_all_processes_together() {
    let limits = Limits { cpu: Duration::from_secs(3), ..quick() };
    // Nobody of them uses a third of it, and most are gone when it is looked at.
    let program = "import os, time\nfor _ in range(200):\n    if os.fork() == 0:\n        end = time.process_time() + 0.3\n        \
                   while time.process_time() < end: pass\n        os._exit(0)\n    if _ % 4 == 3:\n        for _ in range(4): os.wait()\n";
    assert_eq!(came(&python(&Stage::new(), limits.clone(), program)), stopped("cpu"));
    // Orphans are on the first process's account.
    let orphans = "for n in $(seq 200); do (timeout 0.3 sh -c 'while :; do :; done' & ) ; sleep 0.1; done";
    assert_eq!(came(&run(&Stage::new(), limits.clone(), orphans)).2, Some("cpu"));
    assert_eq!(came(&run(&Stage::new(), limits, "sleep 4; echo idle")), ended("idle\n"));
}

/// An ordinary user's are counted by the kernel, fork by fork; root's by looking, and by the kernel not far above.
#[test]
fn a_command_has_no_more_processes_than_it_may() {
    let limits = Limits { processes: 60, ..quick() };
    let storm = "import os, time\nmade = 0\ntry:\n    while made < 2000:\n        if os.fork() == 0: time.sleep(15); os._exit(0)\n        \
                 made += 1\nexcept BlockingIOError: pass\nprint(made < 370, flush=True)\ntime.sleep(3)\nprint(made, flush=True)\nos._exit(0)\n";
    let (outcome, kept) = python(&Stage::new(), limits.clone(), storm);
    let said = String::from_utf8_lossy(&kept.out).into_owned();
    if root() {
        assert_eq!((outcome.ended, outcome.limit.as_deref()), (Ended::Limit, Some("processes")), "{said}");
        if own_highest() {
            assert!(!said.contains("False"), "{said}");
        }
    } else {
        // Beside these: bash is gone, this program is there.
        assert_eq!((outcome.ended, said.as_str()), (Ended::Exited, "True\n59\n"));
    }
    // Threads count as well, and what ends makes room, however many there have been.
    let threads = "import threading, time\ntry:\n    for n in range(100): threading.Thread(target=time.sleep, args=(8,), daemon=True).start()\n\
                   except RuntimeError: print('no more')\ntime.sleep(4)\n";
    let done = python(&Stage::new(), limits.clone(), threads);
    assert_eq!(came(&done), if root() { stopped("processes") } else { ended("no more\n") });
    let many = run(&Stage::new(), limits, "for n in $(seq 1200); do /bin/true || exit 9; done; echo through");
    assert_eq!(came(&many), ended("through\n"));
}

/// Whether the kernel has a highest process id for each pid namespace (Linux 6.14).
fn own_highest() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(6), Some(14))
}

#[test]
fn the_highest_process_id_of_a_fence_is_its_own() {
    let before = std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
    let limits = Limits { processes: 1000, ..quick() };
    let inside =
        run(&Stage::new(), limits, "cat /proc/sys/kernel/pid_max; echo 99 2>/dev/null > /proc/sys/kernel/pid_max");
    let said = String::from_utf8_lossy(&inside.1.out).into_owned();
    assert_eq!(said, if own_highest() { "1302\n".to_owned() } else { before.clone() });
    assert_ne!(inside.0.exit_code, 0, "it cannot be changed from inside");
    assert_eq!(std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap(), before);
}

/// 300 daemons, each in a session of its own, deaf to TERM: none is left once the command has ended. How long that takes is
/// measured by `cargo bench --bench fence`.
#[test]
fn a_storm_of_daemons_ends_with_its_command() {
    let stage = Stage::new();
    let name = format!("98765.{}", std::process::id());
    let storm = format!(
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nfor n in range(300):\n    \
         if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n            open(f'alive/{{n}}', 'w')\n            \
         os.execv('/bin/sleep', ['sleep', '{name}'])\n        os._exit(0)\n    os.wait()\n\
         while len(os.listdir('alive')) < 300: time.sleep(0.01)\nprint('all')\n"
    );
    std::fs::create_dir(stage.place.project.join("alive")).unwrap();
    assert_eq!(came(&python(&stage, quick(), &storm)), ended("all\n"));
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let left = lines.filter(|line| line.windows(name.len()).any(|part| part == name.as_bytes())).count();
    assert_eq!(left, 0);
}

/// Orphans that end are the first process's to reap, and each wakes it: that must not keep it from looking at the clock.
#[test]
fn a_storm_of_orphans_does_not_outlast_the_time_limit() {
    let mut stage = Stage::new();
    stage.timeout = Duration::from_secs(2);
    let begin = Instant::now();
    let (outcome, _) = run(&stage, quick(), "for n in 1 2 3 4; do (while :; do (/bin/true & ); done) & done; wait");
    assert_eq!((outcome.ended, outcome.exit_code), (Ended::TimedOut, 124));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}
