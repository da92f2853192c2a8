//! Commands that leave as much as they can behind, or go on while guard looks at what they left.

use crate::cli::{Done, Home, done};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A home in memory, where there is the right to mount one: what is measured is guard, not the disk.
struct Memory {
    home: Home,
    root: PathBuf,
}

impl Memory {
    fn new(size: &str) -> Option<Self> {
        let home = Home::bare();
        let root = home.path().join("memory");
        fs::create_dir(&root).unwrap();
        let options = format!("size={size},nr_inodes=1m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&root).status().unwrap();
        if !mounted.success() {
            // That takes root, as which `.ci/run` tests.
            assert!(!rustix::process::geteuid().is_root());
            return None;
        }
        fs::create_dir(root.join("project")).unwrap();
        let memory = Self { home, root };
        assert_eq!(memory.guard(&["init", "--preset", "python"]).code, Some(0));
        Some(memory)
    }

    fn guard(&self, arguments: &[&str]) -> Done {
        let mut command = self.home.command(arguments);
        done(command.current_dir(self.project()).env("XDG_STATE_HOME", self.root.join("state")))
    }

    fn project(&self) -> PathBuf {
        self.root.join("project")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.project().join(name), text).unwrap();
    }

    /// Transactions that were left behind.
    fn left(&self) -> usize {
        let projects = fs::read_dir(self.root.join("state/guard")).unwrap().flatten();
        projects.map(|project| fs::read_dir(project.path().join("transactions")).map_or(0, Iterator::count)).sum()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("-l").arg(&self.root).status();
    }
}

/// Names in the project, without guard's own two files.
fn names(project: &Path) -> Vec<String> {
    let own = |name: &String| name != "guard.toml" && name != "build_audit.log";
    let names = fs::read_dir(project).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(own).collect();
    names.sort();
    names
}

#[test]
fn a_tree_of_a_hundred_thousand_folders_is_read_and_dropped_and_guard_answers_meanwhile() {
    let Some(memory) = Memory::new("1g") else { return };
    memory.write("tree.py", "import os\nfor a in range(100):\n    for b in range(1000): os.makedirs(f't/{a}/{b}')\n");
    std::thread::scope(|scope| {
        let begin = Instant::now();
        let run = scope.spawn(|| memory.guard(&["exec", "--dry-run", "--json", "--", "python3", "tree.py"]));
        let mut slowest = Duration::ZERO;
        while !run.is_finished() {
            let asked = Instant::now();
            assert_eq!(memory.guard(&["check", "--", "ls"]).code, Some(0));
            slowest = slowest.max(asked.elapsed());
            std::thread::sleep(Duration::from_millis(200));
        }
        let done = run.join().unwrap();
        let object: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!((done.code, object["changes"]["withheld"].as_str()), (Some(0), Some("dry_run")), "{}", done.stderr);
        println!("read and dropped in {:?}, the slowest answer meanwhile {slowest:?}", begin.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(90), "{:?}", begin.elapsed());
        assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    });
    assert_eq!((names(&memory.project()), memory.left()), (vec!["tree.py".to_owned()], 0));
}

/// What fills the disk of guard's state and of the project ends with an error, and the next command finds room.
#[test]
fn a_command_that_fills_the_disk_is_told_so_and_leaves_room() {
    let Some(memory) = Memory::new("8m") else { return };
    memory.write("old", "old\n");
    memory.write("fill.py", "import sys\ntry:\n    with open('big', 'wb', buffering=0) as f:\n        while True: f.write(b'x' * 65536)\nexcept OSError as error: print(error.errno); sys.exit(9)\n");
    let full = memory.guard(&["exec", "--", "python3", "fill.py"]);
    assert_ne!(full.code, Some(0), "{}", full.stderr);
    assert!(full.stdout.contains("28") || full.stderr.contains("No space left"), "{}{}", full.stdout, full.stderr);
    assert_eq!(names(&memory.project()), ["fill.py", "old"]);
    let next = memory.guard(&["exec", "-c", "echo new > old"]);
    assert_eq!(
        (next.code, fs::read_to_string(memory.project().join("old")).unwrap().as_str()),
        (Some(0), "new\n"),
        "{}",
        next.stderr
    );
    assert_eq!(memory.left(), 0);
    assert_eq!(memory.guard(&["audit", "verify"]).code, Some(0));
}

/// Daemons, deaf to TERM, in sessions of their own: one rewrites a file, one renames folders to and fro, one swaps a name
/// between a file, a link out of the project and a pipe.
const RACERS: &str = r"import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.makedirs('d/deep', exist_ok=True)
out, alive = os.pipe()
def daemon(work):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for fd in (0, 1, 2): os.dup2(os.open('/dev/null', os.O_RDWR), fd)
            n = 0
            while True:
                try: work(n)
                except OSError: pass
                if n == 1: os.write(alive, b'x')
                n += 1
        os._exit(0)
    os.wait()
def rewrite(n): open('text', 'w').write(f'begin {n}\n' + str(n) * 20000 + f'\nend {n}\n')
def rename(n):
    a, b, c = f'a{os.getpid()}', 'b', f'd/deep/c{os.getpid()}'
    os.mkdir(a); open(a + '/x', 'w').write('x'); os.rename(a, b); os.rename(b, c)
    os.remove(c + '/x'); os.rmdir(c)
def swap(n):
    for make in (lambda: open('new', 'w').write('plain'), lambda: os.symlink('/etc/passwd', 'new'), lambda: os.mkfifo('new')):
        make(); os.rename('new', 'swapped')
for work in (rewrite, rename, swap): daemon(work)
for _ in range(3): os.read(out, 1)
";

#[test]
fn who_still_writes_when_the_command_ends_is_gone_before_its_changes_are_read() {
    let home = Home::with("python");
    home.trust("[iteration]\nfiles = 1000\nfolder = 1000\n");
    home.write("race.py", RACERS);
    let mut seen = Vec::new();
    for _ in 0..8 {
        let begin = Instant::now();
        let done = home.guard(&["exec", "--", "python3", "race.py"]);
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
        // A link out of the project, if that is what stood there at the end, is refused with everything beside it.
        assert!(matches!(done.code, Some(0 | 126)), "{:?}: {}", done.code, done.stderr);
        if done.code == Some(126) {
            assert!(done.stderr.contains("guard:changes-link"), "{}", done.stderr);
        }
        let swapped = home.project.join("swapped");
        if let Ok(found) = swapped.symlink_metadata() {
            assert!(found.is_file(), "{found:?}");
        }
        // What was judged is what came in, and nobody changes it any more.
        let text = || fs::read(home.project.join("text")).unwrap_or_default();
        let then = text();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(text(), then);
        assert!(names(&home.project).iter().all(|name| !name.contains(".guard-")), "{:?}", names(&home.project));
        assert_eq!(fs::read_dir(home.state().join("transactions")).map_or(0, Iterator::count), 0);
        seen.push(done.code);
    }
    println!("{seen:?}");
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}
