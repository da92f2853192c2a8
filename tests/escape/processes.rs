//! Ways to other processes, to the fence's first one, and out of an end.

use super::row::{Effect, Row, Who, bash, gets, python, root_gets};

const PIDS: &str = "pid namespace";
const SECCOMP: &str = "seccomp";
const FIRST: &str = "first process is not dumpable";

const fn forges(name: &'static str, by: &'static str, text: &'static str) -> Row {
    Row { effect: Effect::Forged, ..python(name, by, text) }
}

pub(crate) const ROWS: &[Row] = &[
    bash("kill a process outside", PIDS, "kill -KILL $VICTIM"),
    bash("stop a process outside", PIDS, "kill -STOP $VICTIM"),
    bash("renice a process outside", PIDS, "renice -n 7 -p $VICTIM"),
    bash("limit a process outside", "pid namespace, seccomp", "prlimit --pid $VICTIM --nofile=64:64"),
    bash("bind a process outside to one processor", "pid namespace, seccomp", "taskset -pc 0 $VICTIM"),
    bash("schedule a process outside as idle", "pid namespace, seccomp", "chrt -i -p 0 $VICTIM"),
    bash("have a process outside be killed first (oom_score_adj)", PIDS, "echo 500 > /proc/$VICTIM/oom_score_adj"),
    bash("read the environment of a process outside", PIDS, "cat /proc/$VICTIM/environ"),
    bash("read guard's environment", FIRST, "cat /proc/$FIRST/environ"),
    bash("read the caller's environment", "scrubbed environment", "env"),
    bash(
        "read the environments of all processes",
        PIDS,
        "grep -aohs \"CALLER=[a-z-]*\" /proc/[0-9]*/environ /proc/[0-9]*/task/*/environ",
    ),
    python(
        "read the memory of a process outside",
        PIDS,
        "\
at, end = map(int, open('/proc/%d/stat' % VICTIM).read().split()[49:51])
m = open('/proc/%d/mem' % VICTIM, 'rb'); m.seek(at); print(m.read(end - at))",
    ),
    python(
        "read the memory of a process outside (process_vm_readv)",
        "pid namespace, seccomp",
        "\
at, end = map(int, open('/proc/%d/stat' % VICTIM).read().split()[49:51])
b = ctypes.create_string_buffer(end - at)
call(310, VICTIM, (ctypes.c_ulong * 2)(ctypes.addressof(b), end - at), 1, (ctypes.c_ulong * 2)(at, end - at), 1, 0)
print(b.raw)",
    ),
    python(
        "change the memory of a process outside (process_vm_writev)",
        "pid namespace, seccomp",
        "\
at, end = map(int, open('/proc/%d/stat' % VICTIM).read().split()[49:51])
b = ctypes.create_string_buffer(b'changed')
call(311, VICTIM, (ctypes.c_ulong * 2)(ctypes.addressof(b), 7), 1, (ctypes.c_ulong * 2)(at, 7), 1, 0)",
    ),
    python(
        "change the memory of a process outside by /proc",
        PIDS,
        "\
at = int(open('/proc/%d/stat' % VICTIM).read().split()[49])
m = open('/proc/%d/mem' % VICTIM, 'r+b', 0); m.seek(at); m.write(b'changed')",
    ),
    python(
        "trace a process outside",
        "pid namespace, seccomp",
        "\
at = int(open('/proc/%d/stat' % VICTIM).read().split()[49])
call(101, 16, VICTIM, 0, 0); os.waitpid(VICTIM, 0x40000000)
call(101, 4, VICTIM, at, 0x4141414141414141); call(101, 17, VICTIM, 0, 0)",
    ),
    gets("trace one's parent", SECCOMP, "call(101, 0x4206, FIRST, 0, 0)"),
    gets("have oneself traced", SECCOMP, "call(101, 0, 0, 0, 0)"),
    gets(
        "compare descriptors with a process outside (kcmp)",
        "pid namespace, seccomp",
        "call(312, os.getpid(), VICTIM, 1, 0, 0)",
    ),
    root_gets(
        "advise on the memory of a process outside",
        "pid namespace, seccomp",
        "\
f = call(434, VICTIM, 0)
at = int(open('/proc/%d/stat' % VICTIM).read().split()[49])
call(440, f, (ctypes.c_ulong * 2)(at & ~4095, 4096), 1, 20, 0)",
    ),
    python(
        "take a descriptor of a process outside (pidfd_getfd)",
        "pid namespace, seccomp",
        "\
os.write(call(438, call(434, VICTIM, 0), 8, 0), b'x')",
    ),
    bash("write by a descriptor of a process outside", PIDS, "echo x > /proc/$VICTIM/fd/8"),
    bash("write by the root of a process outside", PIDS, "echo x > /proc/$VICTIM/root$OUT/file"),
    gets("open the memory of the first process", FIRST, "open('/proc/%d/mem' % FIRST, 'r+b', 0)"),
    gets(
        "read the memory of the first process (process_vm_readv)",
        SECCOMP,
        "\
at = int(open('/proc/%d/maps' % FIRST).read().split('-')[0], 16)
b = ctypes.create_string_buffer(8)
call(310, FIRST, (ctypes.c_ulong * 2)(ctypes.addressof(b), 8), 1, (ctypes.c_ulong * 2)(at, 8), 1, 0)",
    ),
    gets("see the descriptors of the first process", FIRST, "os.readlink('/proc/%d/fd/0' % FIRST)"),
    gets("signal the first process", "Landlock, pid namespace", "os.kill(FIRST, 0)"),
    gets("limit the first process", SECCOMP, "call(302, FIRST, 0, (ctypes.c_ulong * 2)(900, 900), 0)"),
    gets("slow the first process down", SECCOMP, "call(141, 0, FIRST, 19)"),
    gets("bind the first process to one processor", SECCOMP, "call(203, FIRST, 128, (ctypes.c_ulong * 16)(1))"),
    gets("take a descriptor of the first process (pidfd_getfd)", SECCOMP, "call(438, call(434, FIRST, 0), 1, 0)"),
    forges(
        "forge the exit code: kill the first process",
        PIDS,
        "\
import contextlib
with contextlib.suppress(OSError): os.kill(FIRST, signal.SIGKILL)
sys.exit(5)",
    ),
    forges(
        "forge the exit code: signal the first process",
        "first process listens to guard alone",
        "\
import contextlib
for name in (signal.SIGUSR1, signal.SIGINT, signal.SIGTERM):
    with contextlib.suppress(OSError): os.kill(FIRST, name)
time.sleep(0.1)
sys.exit(5)",
    ),
    bash("leave a daemon (setsid)", PIDS, "setsid bash -c 'sleep 30; true' $0 </dev/null >/dev/null 2>&1 & sleep 0.1"),
    python(
        "leave a daemon (forked twice)",
        PIDS,
        "\
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(30)
    os._exit(0)
os.wait()",
    ),
    python("leave a daemon that holds the output", PIDS, "os.fork() or time.sleep(30)"),
    python(
        "leave a daemon that forks all the time",
        PIDS,
        "\
if os.fork() == 0:
    os.setsid(); end = time.time() + 2
    while time.time() < end:
        time.sleep(0.05)
        if os.fork(): os._exit(0)
    os._exit(0)
time.sleep(0.05)",
    ),
    python(
        "leave a daemon as somebody's foster child",
        PIDS,
        "\
call(157, 36, 1, 0, 0, 0)
if os.fork() == 0:
    call(157, 36, 1, 0, 0, 0)
    if os.fork() == 0: os.setsid(); time.sleep(30)
    time.sleep(30)
time.sleep(0.05); os._exit(0)",
    ),
    python(
        "leave a process stopped",
        PIDS,
        "\
child = os.fork()
if child == 0: os.kill(os.getpid(), signal.SIGSTOP)
os.waitpid(child, 2)",
    ),
    python(
        "leave 300 daemons",
        PIDS,
        "\
for _ in range(300):
    if os.fork() == 0: os.setsid(); time.sleep(30); os._exit(0)",
    ),
    Row {
        limit: 300,
        ..python("outlive the time limit: stop oneself", "first process", "os.kill(os.getpid(), signal.SIGSTOP)")
    },
    Row {
        limit: 300,
        ..python(
            "outlive the time limit: ignore TERM",
            "first process",
            "\
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True: time.sleep(30)",
        )
    },
    Row {
        limit: 300,
        ..python(
            "outlive the time limit: a stopped child and a session of its own",
            "first process",
            "\
if os.fork() == 0: os.setsid(); os.kill(os.getpid(), signal.SIGSTOP)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True: time.sleep(30)",
        )
    },
    Row {
        then: "ipcs -m | grep -q $KEY && touch $OUT/left; ipcrm -M $KEY",
        ..python(
            "leave shared memory of System V",
            "IPC namespace",
            "LIBC.shmget(int(KEY, 16), 4096, 0o1666) < 0 and 1/0",
        )
    },
    Row {
        then: "python3 -c 'import ctypes, sys; n = sys.argv[1].encode(); c = ctypes.CDLL(None); sys.exit(c.mq_open(n, 0) < 0 or c.mq_unlink(n))' /$NAME && touch $OUT/left",
        ..python(
            "leave a message queue",
            "IPC namespace",
            "LIBC.mq_open(b'/' + NAME.encode(), 0o102, 0o666, None) < 0 and 1/0",
        )
    },
    python(
        "run a program from memory (memfd, fexecve)",
        "the fence holds it too",
        "\
f = os.memfd_create('bash', 0)
os.write(f, open('/bin/bash', 'rb').read())
os.execve(f, ['bash', '-c', 'echo x > ' + OUT + '/file'], {})",
    ),
    Row {
        who: Who::Ordinary,
        needs: "test -e $OUT/suid-touch",
        ..bash("use a set-uid program", "no new privileges, nosuid", "$OUT/suid-touch $OUT/roots")
    },
    Row {
        who: Who::Ordinary,
        needs: "test -e $OUT/able-touch",
        ..bash("use a program with capabilities", "no new privileges, nosuid", "$OUT/able-touch $OUT/roots")
    },
    root_gets("enter the mounts of process 1 (nsenter)", "no capabilities, seccomp", "bash('nsenter -t 1 -m true')"),
    root_gets("enter the mounts of a process outside (setns)", "seccomp", "call(308, call(434, VICTIM, 0), 0x20000)"),
];
