//! Holes that a review found, each with the way it was used.

use super::{Home, done, path};
use std::fs;
use std::process::{Command, Stdio};

/// A shell that reads its script from a pipe would run what a fenced program wrote into that pipe.
#[test]
fn a_command_cannot_write_into_the_pipe_it_reads_from() {
    let home = Home::with("python");
    home.write(
        "inject.py",
        "import os\ntry:\n    fd = os.open('/proc/self/fd/0', os.O_WRONLY | os.O_NONBLOCK)\n    \
         os.write(fd, b'touch escaped; touch ../escaped\\n')\nexcept OSError as error:\n    print(error)\n",
    );
    let script = format!("{} exec -- python3 inject.py\necho next\n", env!("CARGO_BIN_EXE_guard"));
    let mut shell = assert_cmd::Command::new("sh");
    shell.current_dir(&home.project).env_clear().env("PATH", path()).env("HOME", home.path()).write_stdin(script);
    let found = done(&mut shell);
    assert!(found.stdout.ends_with("next\n"), "what follows in the script is left to the shell: {}", found.stdout);
    assert!(!home.project.join("escaped").exists() && !home.path().join("escaped").exists());
}

#[test]
fn a_command_takes_from_a_pipe_only_what_it_reads() {
    let home = Home::with("python");
    let script =
        "printf 'one\\ntwo\\nthree\\n' | { \"$GUARD\" exec -- python3 -c \"import os; print(os.read(0, 4))\"; cat; }";
    let mut shell = assert_cmd::Command::new("bash");
    shell
        .args(["-c", script])
        .env("GUARD", env!("CARGO_BIN_EXE_guard"))
        .env("HOME", home.path())
        .current_dir(&home.project);
    assert_eq!(done(&mut shell).stdout, "b'one\\n'\ntwo\nthree\n");
}

#[test]
fn much_input_arrives_whole_from_pipes_and_from_files_without_a_name() {
    let home = Home::with("python");
    let count = "import sys; data = sys.stdin.buffer.read(); print(len(data), data[:3], data[-3:])";
    let big = "x".repeat(3_000_000) + "end";
    let found = done(home.command(&["exec", "--", "python3", "-c", count]).write_stdin(big.clone()));
    assert_eq!(found.stdout, "3000003 b'xxx' b'end'\n", "{}", found.stderr);
    // The shell keeps a here-document in a file it has unlinked, or in a pipe.
    home.write("run.sh", &format!("\"$GUARD\" exec -- python3 -c \"{count}\" <<'EOF'\n{big}\nEOF\n"));
    let mut shell = assert_cmd::Command::new("bash");
    shell.arg("run.sh").env("GUARD", env!("CARGO_BIN_EXE_guard")).env("HOME", home.path()).current_dir(&home.project);
    assert_eq!(done(&mut shell).stdout, "3000004 b'xxx' b'nd\\n'\n");
}

/// `git config extensions.worktreeConfig true` makes git obey `.git/config.worktree`, which need not exist yet.
#[test]
fn a_command_cannot_make_gits_settings_of_a_work_tree() {
    let home = Home::with("python");
    let git = |words: &[&str]| {
        Command::new("git").args(words).current_dir(&home.project).stdout(Stdio::null()).status().unwrap()
    };
    assert!(git(&["init", "-q"]).success() && git(&["config", "extensions.worktreeConfig", "true"]).success());
    home.write(
        "plant.py",
        "open('.git/config.worktree', 'w').write('[core]\\n\\tfsmonitor = touch planted; false\\n')\n",
    );
    let found = home.guard(&["exec", "--", "python3", "plant.py"]);
    assert_eq!(found.code, Some(126), "{}", found.stderr);
    git(&["status"]);
    assert!(!home.project.join("planted").exists());
}

/// A fenced command can put a pipe, a device or an endless file where guard looks for secrets.
#[test]
fn an_env_file_that_is_no_plain_small_file_neither_hangs_guard_nor_goes_unmasked() {
    let home = Home::with("python");
    let env = home.project.join(".env");
    for (what, make) in [("plain", "mkfifo .env"), ("plain", "ln -s /dev/zero .env"), ("larger", "truncate -s 8G .env")]
    {
        assert!(Command::new("sh").args(["-c", make]).current_dir(&home.project).status().unwrap().success());
        let found = home.guard(&["exec", "--", "true"]);
        assert_eq!(found.code, Some(125), "{make}: {}", found.stderr);
        assert!(found.stderr.contains(".env") && found.stderr.contains(what), "{make}: {}", found.stderr);
        fs::remove_file(&env).unwrap();
    }
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
}

#[test]
fn the_working_folder_is_no_secret_and_equal_secrets_have_equal_tags() {
    let home = Home::with("python");
    home.trust("[[rule]]\nid = \"reads-env\"\nprogram = \"python3\"\nverdict = \"allow\"\nreason = \"it needs them\"\ndotenv = true\n");
    home.write(".env", "API_KEY=kanarienvogel-7351\n");
    let mut command = home.command(&[
        "exec",
        "--",
        "python3",
        "-c",
        "import os; print(os.getcwd(), open('.env').read())",
        "kanarienvogel-7351",
    ]);
    assert_eq!(done(command.env("PWD", &home.project)).code, Some(0));
    let log = home.log();
    assert!(log.contains(home.project.to_str().unwrap()), "{log}");
    let tags: std::collections::BTreeSet<&str> =
        log.split("‹redacted:").skip(1).map(|rest| rest.split('›').next().unwrap()).collect();
    assert_eq!(tags.len(), 1, "{tags:?}");
}

/// A second name, a link or a pipe in the policy's place.
#[test]
fn a_policy_that_could_be_changed_by_another_name_or_never_ends_is_refused() {
    let home = Home::with("python");
    let policy = home.project.join("guard.toml");
    let text = fs::read(&policy).unwrap();
    for make in [
        "ln guard.toml second",
        "mv guard.toml real.toml; ln -s real.toml guard.toml",
        "rm guard.toml; mkfifo guard.toml",
    ] {
        assert!(Command::new("sh").args(["-c", make]).current_dir(&home.project).status().unwrap().success());
        let found = home.guard(&["exec", "--", "true"]);
        assert_eq!(found.code, Some(78), "{make}: {}", found.stderr);
        for name in ["guard.toml", "second", "real.toml"] {
            let _not_there = fs::remove_file(home.project.join(name));
        }
        fs::write(&policy, &text).unwrap();
        assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    }
}

#[test]
fn a_path_behind_a_descriptors_name_is_judged_as_a_path() {
    let home = Home::with("python");
    for line in ["echo x > /dev/fd/../../../../etc/x", "echo x > /dev/fd/9/../../etc/x"] {
        assert_eq!(home.guard(&["check", "-c", line]).code, Some(126), "{line}");
    }
    assert_eq!(home.guard(&["check", "-c", "echo x > /dev/fd/2"]).code, Some(0));
}

#[test]
fn the_callers_terminal_is_as_it_was_when_a_command_is_over() {
    let home = Home::with("python");
    home.write(
        "raw.py",
        "import fcntl, os, termios\nold = termios.tcgetattr(0)\nold[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG)\n\
         termios.tcsetattr(0, termios.TCSANOW, old)\nfcntl.fcntl(0, fcntl.F_SETFL, os.O_NONBLOCK)\nprint('changed')\n",
    );
    let line = format!("{} exec -- python3 raw.py; stty -a", env!("CARGO_BIN_EXE_guard"));
    let mut command = assert_cmd::Command::new("script");
    command.args(["--quiet", "--command", &line, "/dev/null"]).env("HOME", home.path()).env("SHELL", "/bin/sh");
    let found = done(command.env("PATH", path()).current_dir(&home.project).write_stdin(""));
    assert!(found.stdout.contains("changed"), "{}", found.stdout);
    for setting in [" echo ", " icanon ", "isig "] {
        assert!(found.stdout.contains(setting), "no `{setting}` in: {}", found.stdout);
    }
}

/// Every way to reach the terminal on standard input that is known, each of which wrote `ESCAPED` to it. The last one is
/// the stop character, which the kernel sends to a terminal opened only for reading.
const WAYS: &str = r#"
import fcntl, os, sys, termios
print('typed', sys.stdin.readline().strip())
def tried(what, way):
    try:
        way()
        print('OPEN', what)
    except (OSError, termios.error):
        print('held', what)
def opened(path):
    return lambda: os.write(os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK), b'ESCAPED')
tried('write', lambda: os.write(0, b'ESCAPED'))
tried('own descriptor', opened('/proc/self/fd/0'))
tried('descriptor', opened('/dev/fd/0'))
tried('stdin', opened('/dev/stdin'))
tried('tty', opened('/dev/tty'))
tried('name', opened(sys.argv[1]))
def session():
    if os.fork() == 0:
        try:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            os.write(os.open('/dev/tty', os.O_WRONLY), b'ESCAPED')
            os._exit(0)
        except OSError:
            os._exit(1)
    if os.wait()[1]: raise OSError
tried('session', session)
def stop():
    for byte in b'ESCAPED':
        now = termios.tcgetattr(0)
        now[6][termios.VSTOP] = bytes([byte])
        termios.tcsetattr(0, termios.TCSANOW, now)
        termios.tcflow(0, termios.TCIOFF)
tried('stop character', stop)
tried('held up', lambda: termios.tcflow(0, termios.TCOOFF))
tried('mode', lambda: os.chmod('/proc/self/fd/0', 0o666))
"#;

/// Text and escape sequences for the person at the terminal, although standard output and error go through guard.
#[test]
fn a_terminal_that_is_read_from_cannot_be_written_to() {
    let home = Home::with("python");
    home.write("ways.py", WAYS);
    let guard = env!("CARGO_BIN_EXE_guard");
    // The second has another session than the terminal's: there it could be made the command's own.
    for (start, own) in [("", ""), ("setsid --wait ", "own descriptor|descriptor|stdin|mode")] {
        let line = format!("{start}{guard} exec -- python3 ways.py $(tty) > out 2>&1; stty -a");
        let mut command = assert_cmd::Command::new("script");
        command.args(["--quiet", "--command", &line, "/dev/null"]).env("HOME", home.path()).env("SHELL", "/bin/sh");
        let found = done(command.env("PATH", path()).current_dir(&home.project).write_stdin("hello\n"));
        let said = home.read("out");
        assert!(said.starts_with("typed hello\n"), "{start}{said}");
        assert!(!found.stdout.contains("ESCAPED"), "{start}{}", found.stdout);
        // There it is a pipe of guard's own, which may be opened.
        let open: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("OPEN ")).collect();
        assert_eq!((open.join("|"), said.lines().count()), (own.to_owned(), 11), "{start}{said}");
        assert!(found.stdout.contains("stop = ^S"), "{}", found.stdout);
    }
}

/// A project within a project: its policy and its log are as safe from the outer one's commands as the outer's own.
#[test]
fn a_command_changes_neither_policy_nor_log_of_a_project_within_the_project() {
    let home = Home::with("python");
    home.write("apps/inner/a.py", "");
    let inner = home.guard(&["init", "--preset", "python", "apps/inner"]);
    assert_eq!(inner.code, Some(0), "{}", inner.stderr);
    let (policy, log) = ("apps/inner/guard.toml", "apps/inner/build_audit.log");
    let before = (home.read(policy), home.read(log));
    home.write(
        "attack.py",
        "import os, shutil\n\
         def attempt(what, *arguments):\n    try:\n        what(*arguments)\n        print('done', arguments)\n    \
         except OSError as error:\n        pass\n\
         for name in 'apps/inner/guard.toml', 'apps/inner/build_audit.log':\n    \
         attempt(lambda name: open(name, 'a').write('x'), name)\n    attempt(os.remove, name)\n    \
         attempt(os.rename, name, name + '.old')\n\
         attempt(os.rename, 'apps/inner', 'apps/moved')\n\
         attempt(os.rename, 'apps', 'moved')\n\
         attempt(shutil.rmtree, 'apps')\n\
         print('log:', open('apps/inner/build_audit.log').read())\n",
    );
    let done = home.guard(&["exec", "--", "python3", "attack.py"]);
    // The log is out of its sight; what it did to the policy is judged when it has ended, and dropped.
    assert!(done.code == Some(126) && done.stdout.ends_with("log: \n"), "{}{}", done.stdout, done.stderr);
    assert!(!done.stdout.contains("build_audit.log'"), "{}", done.stdout);
    assert_eq!((home.read(policy), home.read(log)), before);
    // A project within that is gone is in nobody's way.
    fs::remove_dir_all(home.project.join("apps")).unwrap();
    assert_eq!(home.guard(&["exec", "--", "python3", "-c", "print(1)"]).code, Some(0));
}

/// Found by `guard exec` on a script in the outer project: a hook of an inner one would run later, outside every fence.
#[test]
fn a_command_changes_neither_hooks_nor_settings_of_git_in_a_project_within_the_project() {
    let home = Home::with("python");
    home.write("apps/inner/.git/config", "[core]\n");
    home.write("apps/inner/.git/hooks/sample", "");
    let inner = home.guard(&["init", "--preset", "python", "apps/inner"]);
    assert_eq!(inner.code, Some(0), "{}", inner.stderr);
    home.write(
        "attack.py",
        "import os\n\
         def attempt(what, *arguments):\n    try:\n        what(*arguments)\n        print('done', arguments)\n    \
         except OSError as error:\n        pass\n\
         attempt(open, 'apps/inner/.git/hooks/pre-commit', 'w')\n\
         attempt(open, 'apps/inner/.git/config', 'a')\n\
         attempt(os.rename, 'apps/inner/.git', 'apps/inner/git')\n",
    );
    let done = home.guard(&["exec", "--", "python3", "attack.py"]);
    assert_eq!(done.code, Some(126), "{}", done.stderr);
    assert_eq!(home.read("apps/inner/.git/config"), "[core]\n");
    assert!(!home.project.join("apps/inner/.git/hooks/pre-commit").exists());
}

/// Found by putting a pipe in the place of the compiled policy: guard waited for it for ever.
#[test]
fn a_pipe_in_the_place_of_the_compiled_policy_is_not_waited_for() {
    let home = Home::with("python");
    assert_eq!(home.guard(&["check", "-c", "ls"]).code, Some(0));
    let (paths, mut replaced) = (home.state().join("policy"), 0);
    for entry in fs::read_dir(paths).unwrap() {
        let path = entry.unwrap().path();
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        replaced += 1;
    }
    assert_eq!((replaced, home.guard(&["check", "-c", "ls"]).code), (1, Some(0)));
}
