//! Starting commands: what runs, where, with what, and what does not start at all.

use super::stage::{Kept, Stage, exited};
use guard::event::Ended;
use guard::execute::sandbox::Work;
use guard::execute::{ExecuteError, Level, Sink, prepare_order};
use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

fn script(path: &Path, text: &[u8], mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_command_runs_and_its_output_and_code_come_through() {
    let stage = Stage::new();
    assert_eq!(stage.line("echo out; echo err >&2; exit 3"), exited(3, "out\n", "err\n"));
    assert_eq!(stage.argv("/bin/echo", &["a  b", "", "$HOME\n"]).unwrap(), exited(0, "a  b  $HOME\n\n", ""));
    let (outcome, kept) = stage.outcome(Work::Line("head -c 100000 /dev/zero | tr '\\0' '\\377'".into())).unwrap();
    assert_eq!(kept.out, vec![0xff; 100_000], "bytes are untouched");
    assert_eq!(outcome.stdout.head, kept.out);
    assert_eq!(outcome.fence.level, Level::Full);
    assert_eq!(outcome.fence.missing, Vec::<String>::new());
}

/// The fence's first process begins on another processor than guard's, and gives that up before anything else runs.
#[test]
fn a_command_may_use_the_processors_that_guard_may() {
    let allowed = |status: &str| status.lines().find_map(|line| line.strip_prefix("Cpus_allowed:").map(str::to_owned));
    let stage = Stage::new();
    let own = || allowed(&fs::read_to_string("/proc/thread-self/status").unwrap()).unwrap();
    let inside = || allowed(&stage.line("cat /proc/self/status").out).unwrap();
    assert_eq!(inside(), own());
    let mut one = CpuSet::new();
    one.set(sched_getcpu());
    sched_setaffinity(None, &one).unwrap();
    assert_eq!(inside(), own());
}

#[test]
fn a_signal_of_its_own_is_128_and_its_number() {
    let (outcome, _) = Stage::new().outcome(Work::Line("kill -SEGV $$".into())).unwrap();
    assert_eq!((outcome.ended, outcome.exit_code, outcome.signal), (Ended::Signalled, 139, Some(11)));
    let (outcome, _) = Stage::new().outcome(Work::Line("exit 139".into())).unwrap();
    assert_eq!((outcome.ended, outcome.exit_code, outcome.signal), (Ended::Exited, 139, None));
}

#[test]
fn what_cannot_be_executed_says_why_and_builds_no_fence() {
    let stage = Stage::new();
    let at = |name: &str| stage.place.project.join(name);
    script(&at("plain"), b"#!/bin/sh\n", 0o644);
    script(&at("binary"), b"\x7fELF\0\0\0nonsense", 0o755);
    script(&at("lost"), b"#!/no/such/interpreter\n", 0o755);
    symlink("loop", at("loop")).unwrap();
    let error = |name: &str| match stage.argv(at(name), &[]).unwrap_err() {
        ExecuteError::NoProgram(name) => ("127".to_owned(), name.rsplit('/').next().unwrap().to_owned()),
        ExecuteError::NotExecutable { cause, .. } => ("126".to_owned(), cause),
        other @ (ExecuteError::Fence { .. } | ExecuteError::AlreadyFenced | ExecuteError::System { .. }) => {
            panic!("{other}")
        }
    };
    assert_eq!(error("missing"), ("127".into(), "missing".into()));
    assert_eq!(error("sub"), ("126".into(), "it is a folder".into()));
    assert_eq!(error("plain").0, "126");
    assert_eq!(error("loop").0, "126");
    assert!(error("loop").1.contains("Too many levels of symbolic links"));
    assert_eq!(error("binary"), ("126".into(), "Exec format error (os error 8)".into()));
    assert_eq!(error("lost"), ("126".into(), "No such file or directory (os error 2)".into()));
    let hidden = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    script(&hidden, b"#!/bin/sh\n", 0o755);
    let refused = stage.argv(&hidden, &[]).unwrap_err().to_string();
    assert!(refused.ends_with("the fence has its own `/tmp/`"), "{refused}");
}

#[test]
fn a_script_without_an_interpreter_is_run_by_sh_as_any_shell_would() {
    let stage = Stage::new();
    let path = stage.place.project.join("a script");
    script(&path, b"echo $0 $# \"$2\"\nexit 7\n", 0o755);
    let name = path.display();
    assert_eq!(stage.argv(&path, &["x", "y z"]).unwrap(), exited(7, &format!("{name} 2 y z\n"), ""));
}

#[test]
fn a_line_runs_without_startup_files_and_without_functions_of_the_caller() {
    let mut stage = Stage::new();
    script(&stage.place.project.join("evil"), b"echo evil\n", 0o755);
    let evil = stage.place.project.join("evil").into_os_string();
    stage.environment.variables.retain(|(name, _)| name != "HOME");
    stage.environment.variables.push(("HOME".into(), stage.place.project.clone().into_os_string()));
    fs::rename(&evil, stage.place.project.join(".bashrc")).unwrap();
    assert_eq!(stage.line("echo $-; type -t ls"), exited(0, "hBc\nfile\n", ""));
}

#[test]
fn nothing_runs_before_its_release_and_nothing_after_a_drop() {
    let stage = Stage::new();
    let marker = stage.place.project.join("ran");
    let order = || stage.order(Work::Line("touch ran".into()));
    let (first, _kept) = order();
    let mut prepared = prepare_order(first, &stage.place, &stage.environment, Level::Full).unwrap();
    assert_eq!(prepared.ready().unwrap().level, Level::Full);
    std::thread::sleep(Duration::from_millis(100));
    assert!(!marker.exists());
    drop(prepared);
    let (second, _kept) = order();
    drop(prepare_order(second, &stage.place, &stage.environment, Level::Full).unwrap());
    std::thread::sleep(Duration::from_millis(100));
    assert!(!marker.exists());
    let (third, transaction) = order();
    prepare_order(third, &stage.place, &stage.environment, Level::Full).unwrap().run(&mut Kept::default()).unwrap();
    stage.take_in(transaction);
    assert!(marker.exists());
}

#[test]
fn output_arrives_while_the_command_still_runs() {
    struct Clock(Instant, Vec<(Duration, Vec<u8>)>);
    impl Sink for Clock {
        fn stdout(&mut self, bytes: &[u8]) {
            self.1.push((self.0.elapsed(), bytes.to_vec()));
        }
        fn stderr(&mut self, bytes: &[u8]) {
            self.stdout(bytes);
        }
    }
    let stage = Stage::new();
    let mut clock = Clock(Instant::now(), Vec::new());
    let (order, _kept) = stage.order(Work::Line("echo a; sleep 0.5; echo b >&2".into()));
    prepare_order(order, &stage.place, &stage.environment, Level::Full).unwrap().run(&mut clock).unwrap();
    let [(first, a), (second, b)] = clock.1.try_into().unwrap();
    assert_eq!((a, b), (b"a\n".to_vec(), b"b\n".to_vec()));
    assert!(second - first > Duration::from_millis(400), "{first:?} {second:?}");
}

#[test]
fn a_command_whose_output_nobody_takes_ends_as_in_any_pipeline() {
    struct First(Vec<u8>);
    impl Sink for First {
        fn stdout(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
        fn stderr(&mut self, _: &[u8]) {}
        fn stdout_closed(&self) -> bool {
            self.0.len() > 10
        }
    }
    let stage = Stage::new();
    let (order, _kept) = stage.order(Work::Argv { program: "/usr/bin/yes".into(), argv: vec!["yes".into()] });
    let prepared = prepare_order(order, &stage.place, &stage.environment, Level::Full).unwrap();
    let outcome = prepared.run(&mut First(Vec::new())).unwrap();
    assert_eq!((outcome.ended, outcome.exit_code, outcome.signal), (Ended::Signalled, 141, Some(13)));
}

#[test]
fn projects_at_odd_places_and_with_odd_names_work() {
    let shm = tempfile::tempdir_in("/dev/shm").unwrap();
    let tmp = tempfile::tempdir().unwrap();
    let var = tempfile::tempdir_in("/var/tmp").unwrap();
    let home = Stage::new();
    let names =
        [OsStr::new("with space"), OsStr::new("new\nline"), OsStr::from_bytes(b"\xff\xfe"), OsStr::new("'\"$(x)")];
    // Only root may make folders in `/run`.
    let run = tempfile::tempdir_in("/run").ok();
    let bases = [home.root.path(), tmp.path(), var.path(), shm.path()].into_iter();
    for base in bases.chain(run.as_ref().map(tempfile::TempDir::path)) {
        for name in names {
            let stage = Stage::in_folder(base, name);
            let seen = stage
                .line("echo x > sub/file && cat sub/file && ! cat build_audit.log | grep log; touch $XDG_CACHE_HOME");
            assert_eq!(seen, exited(0, "x\n", ""), "{:?}", stage.place.project);
            assert_eq!(fs::read_to_string(stage.place.project.join("sub/file")).unwrap(), "x\n");
            // Where the project lies in a private folder, so does what is beside it.
            stage.line("echo x > ../outside");
            assert_eq!(fs::read_to_string(stage.outside()).unwrap(), "untouched");
            assert!(stage.place.caches.join("xdg").exists());
        }
    }
}

#[test]
fn the_working_folder_is_the_asked_one_and_must_lie_in_the_project() {
    let mut stage = Stage::new();
    stage.place.cwd = stage.place.project.join("sub");
    assert_eq!(stage.line("pwd -P").out, format!("{}\n", stage.place.cwd.display()));
    stage.place.cwd = "/etc".into();
    let refused = stage.argv("/bin/true", &[]).unwrap_err().to_string();
    assert_eq!(refused, "cannot build the fence: `/etc`: the working folder lies outside the project");
}

#[test]
fn a_project_that_may_not_be_written_is_read_only() {
    let mut stage = Stage::new();
    stage.writes = false;
    assert_ne!(stage.line("touch x").code, 0);
    assert_ne!(stage.line("grep log build_audit.log").code, 0);
    assert_eq!(stage.line("touch /tmp/x $XDG_CACHE_HOME && cat guard.toml").out, "policy");
}

#[test]
fn temporary_files_are_private_and_gone_afterwards() {
    let stage = Stage::new();
    let seen = stage.line("ls -A /tmp /dev/shm; touch /tmp/guard-x /var/tmp/guard-y /dev/shm/guard-z; ls /tmp");
    assert_eq!(seen.out, "/dev/shm:\n\n/tmp:\nguard-x\nguard-y\n");
    assert_eq!(stage.line("ls -A /tmp").out, "");
    assert!(!Path::new("/tmp/guard-x").exists());
}

#[test]
fn ordinary_work_is_not_disturbed() {
    let stage = Stage::new();
    let python = "import multiprocessing, subprocess, threading, tempfile, os\n\
        with multiprocessing.Pool(2) as pool: print(pool.map(abs, [-1, -2]))\n\
        threading.Thread(target=print, args=(3,)).start()\n\
        print(subprocess.check_output([\"echo\", \"4\"]), len(os.urandom(8)))\n\
        m, s = os.openpty(); print(os.isatty(s))\n\
        tempfile.TemporaryFile().write(b\"x\")";
    fs::write(stage.place.project.join("work.py"), python).unwrap();
    let seen = stage.argv("/usr/bin/python3", &["work.py"]).unwrap();
    assert_eq!(seen, exited(0, "[1, 2]\n3\nb'4\\n' 8\nTrue\n", ""));
    assert_eq!(
        stage.line("diff <(echo a) <(echo a) && echo x | cat && cat <<< y >/dev/stdout"),
        exited(0, "x\ny\n", "")
    );
    fs::remove_dir_all(stage.place.project.join(".git")).unwrap();
    let git =
        std::process::Command::new("git").args(["init", "-q"]).current_dir(&stage.place.project).status().unwrap();
    assert!(git.success());
    let line = "git status --porcelain | wc -l && git add work.py && git -c user.name=a -c user.email=a@b commit -qm x && git log --oneline | wc -l";
    assert_eq!(stage.line(line).out, "3\n1\n");
}

/// Not a test: says whether it runs inside a fence.
#[test]
#[ignore = "started by another test"]
fn am_i_inside() {
    let Some(state) = std::env::var_os("GUARD_TEST_STATE") else { return };
    println!("inside: {}", guard::execute::sandbox::inside(Path::new(&state)));
}

#[test]
fn only_a_process_in_a_fence_knows_itself_inside_whatever_its_environment_says() {
    let mut stage = Stage::new();
    let state = stage.root.path().join("state");
    assert!(!guard::execute::sandbox::inside(&state));
    assert!(!guard::execute::sandbox::inside(Path::new("/no/such/state")));
    let test = std::env::current_exe().unwrap();
    let args = ["--exact", "fence::running::am_i_inside", "--ignored", "--nocapture"];
    for state in [state, stage.root.path().join("never made"), "/no/such/state".into()] {
        stage.environment.variables.push(("GUARD_TEST_STATE".into(), state.clone().into_os_string()));
        let seen = stage.argv(&test, &args).unwrap();
        assert!(seen.out.contains("inside: true"), "{state:?} {seen:?}");
        stage.environment.variables.pop();
    }
    // No new privileges alone are no fence: containers have them too.
    let line = format!("exec {} {}", test.display(), args.join(" "));
    let alone = std::process::Command::new("setpriv")
        .args(["--no-new-privs", "bash", "-c", &line])
        .env("GUARD_TEST_STATE", stage.root.path().join("state"))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&alone.stdout).contains("inside: false"));
}
