//! What somebody inside can do with the connection itself, and at weaker fences.

use super::{events, harness, scene};
use crate::fence::tricks::forbids_namespaces;
use std::process::Command;

/// Python that speaks to guard as its program does.
const PRELUDE: &str = "import array, os, socket, struct, sys, time\n\
    def connect():\n    s = socket.socket(socket.AF_UNIX); s.connect('/run/guard/supervisor'); return s\n\
    def ask(body, streams=(0, 1, 2), length=None, s=None):\n    s = s or connect()\n    \
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', streams))] if streams else []\n    \
    try:\n        s.sendmsg([struct.pack('<I', len(body) if length is None else length)], rights)\n        s.sendall(body)\n        \
    s.shutdown(socket.SHUT_WR) if length is not None else None\n    except BrokenPipeError: pass\n    \
    try: head = s.recv(5)\n    except ConnectionResetError: return 125\n    \
    said = s.recv(9999).decode() if head and head[0] == 125 else ''\n    \
    if 'O_PATH' in said: print('named', end=' ')\n    return head[0] if head else None\n\
    def words(*all, cwd=os.getcwd()): return b'\\x01' + b''.join(w.encode() + b'\\0' for w in (cwd, *all))\n";

fn python(home: &crate::cli::Home, program: &str) -> crate::cli::Done {
    harness(home, &format!("python3 - <<'X'\n{PRELUDE}{program}\nX"))
}

#[test]
fn whatever_is_said_to_guard_only_what_is_an_agent_s_is_done() {
    let home = scene("");
    let ran = python(
        &home,
        "print(ask(words('exec', '--', 'sh', '-c', 'exit 9')))\n\
         print(ask(words('approve', 'command-1')), ask(words()), ask(words('', 'approve')), ask(words('exec\\n', 'approve')))\n\
         print(ask(words('exec', '--', 'true', cwd='/')), ask(words('exec', '--', 'true', cwd=os.getcwd() + '/../..')))\n\
         print(ask(words('exec', '--', 'true', cwd='relative')), ask(words('exec', '--', 'true', cwd='')))\n\
         print(ask(b''), ask(b'\\x01'), ask(b'\\x02/\\0exec\\0'), ask(words('status'), streams=()), ask(words('status'), streams=(0,)))\n\
         print(ask(words(*['x'] * 20000)), ask(words('status'), length=2 ** 32 - 1), ask(words('status'), length=4 << 20), ask(b'x' * 1000, length=3))\n\
         print(ask(words('status'), streams=(0, 1, 2, 0)), ask(words('status'), streams=tuple([0] * 200)))",
    );
    assert_eq!(
        ran.stdout.lines().collect::<Vec<_>>(),
        ["9", "126 125 126 126", "125 125", "125 125", "125 125 125 125 125", "125 125 125 125", "125 125",],
        "{}",
        ran.stderr
    );
    let begun = events(&home).iter().filter(|event| *event == "shell_start").count();
    assert_eq!(begun, 1);
}

#[test]
fn connections_that_say_nothing_keep_nobody_else_from_guard_for_long() {
    let home = scene("");
    let ran = python(
        &home,
        "idle = [connect() for _ in range(60)]\nprint(ask(words('exec', '--', 'true')))\n\
         try:\n    for _ in range(60): idle.append(connect())\nexcept OSError as error: print(type(error).__name__)\n\
         for s in idle: s.close()\ntime.sleep(0.5)\nprint(ask(words('exec', '--', 'true')))",
    );
    assert_eq!(ran.stdout, "0\nConnectionRefusedError\n0\n", "{}", ran.stderr);
}

#[test]
fn strange_streams_harm_nobody() {
    let home = scene("");
    let ran = python(
        &home,
        "null, path, folder = os.open('/dev/full', os.O_RDWR), os.open('/tmp', os.O_PATH), os.open('/', os.O_RDONLY)\n\
         print(ask(words('exec', '--', 'sh', '-c', 'echo x'), streams=(null, null, null)))\n\
         print(ask(words('exec', '--', 'sh', '-c', 'echo x'), streams=(path, path, path)))\n\
         print(ask(words('exec', '--', 'sh', '-c', 'echo x'), streams=(folder, folder, folder)))\n\
         s = connect(); print(ask(words('exec', '--', 'sh', '-c', 'echo x'), streams=(s.fileno(),) * 3, s=s) is None)\n\
         print(ask(words('exec', '--', 'sh', '-c', 'exit 4')))",
    );
    assert!(ran.stdout.ends_with("\n4\n"), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn a_name_that_is_not_opened_reads_nothing_with_guard_s_rights() {
    let home = scene("");
    // Closed by Landlock alone to whoever is inside, who may still name it.
    let ran = python(
        &home,
        "for name in ('/etc/shadow', '/etc/hostname'):\n    \
         print(ask(words('exec', '--', 'cat'), streams=(os.open(name, os.O_PATH), 1, 2)))\n\
         print(ask(words('exec', '--', 'cat'), streams=(os.open('/tmp/w', os.O_WRONLY | os.O_CREAT), 1, 2)))",
    );
    assert_eq!(ran.stdout, "named 125\nnamed 125\n125\n", "{}", ran.stderr);
    assert!(ran.stderr.contains("opened for writing alone"), "{}", ran.stderr);
}

#[test]
fn no_descriptor_of_a_command_reaches_the_harness() {
    // A file of the layer that takes changes could be written to after they were judged.
    let home = scene("");
    let ran = python(
        &home,
        "a, b = socket.socketpair()\nb.sendall(b'given\\n')\n\
         line = 'read x; echo $x; exec 5<>made; python3 -c \"import socket, array; socket.socket(fileno=0).sendmsg([b\\'x\\'], \
         [(1, 1, array.array(\\'i\\', [5]))])\" 2>&1 | tail -n 1'\n\
         print(ask(words('exec', '-c', line), streams=(a.fileno(), 1, 2)))\n\
         b.setblocking(False)\ntry: print(b.recvmsg(9, 99))\nexcept BlockingIOError: print('nothing')",
    );
    assert_eq!(ran.stdout, "given\nOSError: [Errno 88] Socket operation on non-socket\n0\nnothing\n", "{}", ran.stderr);
}

#[test]
fn a_call_that_feeds_itself_ends_with_the_run() {
    let home = scene("");
    // Input and output of the command are the two ends of one pipe, and its error output holds its caller's own connection.
    let ran = python(
        &home,
        "r, w = os.pipe(); a, b = socket.socketpair(); s = connect()\n\
         b.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [s.fileno()]))])\n\
         body = words('exec', '--', 'sh', '-c', 'while :; do echo aaaaaaaaaaaaaaaa; done')\n\
         s.sendmsg([struct.pack('<I', len(body))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [r, w, a.fileno()]))])\n\
         s.sendall(body); time.sleep(2)",
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let again = home.guard(&["exec", "--", "sh", "-c", "echo free"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), "free\n"), "{}", again.stderr);
}

#[test]
fn what_an_agent_sets_for_guard_counts_for_nothing() {
    let home = scene("");
    let line = "export GUARD_RUN_FOR=1:/ XDG_STATE_HOME=/tmp/s XDG_CONFIG_HOME=/tmp/c HOME=/tmp LD_PRELOAD=/tmp/x.so PATH=$PATH:/tmp; \
                guard exec -- sh -c 'echo $HOME'; guard status | head -n 1";
    let ran = harness(&home, line);
    assert_eq!(ran.stdout, format!("{}\nopen: nothing is halted\n", home.path().display()), "{}", ran.stderr);
}

#[test]
fn the_supervisor_and_its_guards_are_out_of_reach() {
    let home = scene("");
    let line = "guard exec -- sleep 2 & sleep 0.5; ps ax -o args= | grep -v ^ps | grep -c 'guard exec -- slee[p]'; \
                kill -9 -1; echo survived";
    let ran = harness(&home, line);
    // The guard inside that hands the call over is there, beside the harness and the fence's first process, which hold the
    // words of it; the one outside that does it is not.
    assert_eq!(ran.stdout, "3\nsurvived\n", "{}", ran.stderr);
    // Its own processes are all that it could end.
    assert_eq!(events(&home).last().map(String::as_str), Some("agent_ended"));
}

#[test]
fn without_namespaces_there_is_no_harness() {
    let home = scene("[fence]\nrequire = \"landlock\"\n");
    let output = Command::new("sh")
        .args(["-c", &forbids_namespaces(), env!("CARGO_BIN_EXE_guard"), "run", "--", "true"])
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", crate::cli::path())
        .env("HOME", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(said.contains("without a mount namespace"), "{said}");
}
