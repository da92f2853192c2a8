"""Every way that a program might take to answer for a person. Prints which of them worked, as JSON.

Run by the tests: outside of every fence, where it must work, and within, where nothing may.
"""
import ctypes, errno, fcntl, glob, json, os, re, select, signal, socket, subprocess, sys, termios, time

plan = json.load(open("plan.json"))
GUARD, HOME, STATE, CONFIG = plan["guard"], plan["home"], plan["state"], plan["config"]
PROJECT, AGENT, REQUEST, HALT = os.getcwd(), plan["agent"], plan["request"], plan["halt"]
CANARY = plan["canary"].encode()
ROOT = os.path.dirname(STATE)
libc = ctypes.CDLL(None, use_errno=True)
worked, said = {}, {}


def environments():
    base = {"PATH": os.environ["PATH"], "HOME": HOME, "LANG": "C.UTF-8"}
    yield base
    yield dict(base, SSH_AUTH_SOCK=AGENT)
    yield dict(base, XDG_STATE_HOME=os.path.dirname(ROOT), XDG_CONFIG_HOME=os.path.dirname(CONFIG))
    yield dict(base, XDG_STATE_HOME="/proc/self/root" + os.path.dirname(ROOT))
    yield dict(base, XDG_STATE_HOME="/proc/1/root" + os.path.dirname(ROOT))
    yield dict(base, XDG_STATE_HOME=PROJECT + "/linked")
    yield dict(base, HOME=PROJECT, XDG_CONFIG_HOME=PROJECT + "/evil")
    yield dict(base, HOME="/tmp", XDG_STATE_HOME="/tmp/state", XDG_CONFIG_HOME="/tmp/config")
    yield dict(base, XDG_STATE_HOME="/nonexistent", GUARD_FENCED="0")


def folders():
    yield PROJECT
    yield PROJECT + "/sub"
    yield "/proc/self/cwd"


def terminal(argv, env, cwd):
    """Runs a program on a terminal of its own, and types whatever it asks for."""
    master, slave = os.openpty()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(slave, fd)
            os.chdir(cwd)
            os.execve(argv[0], argv, env)
        finally:
            os._exit(99)
    os.close(slave)
    out, typed, end = b"", False, time.time() + 20
    while time.time() < end:
        ready, _, _ = select.select([master], [], [], 0.2)
        if ready:
            try:
                more = os.read(master, 65536)
            except OSError:
                break
            if not more:
                break
            out += more
        asked = re.search(rb"Type `([^`]+)`", out) or re.search(rb"\[?(yes)\b", out)
        if asked and not typed:
            typed = True
            os.write(master, asked.group(1) + b"\n")
    os.close(master)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), out.decode(errors="replace")


def attempt(name, works):
    try:
        worked[name] = bool(works())
    except OSError as error:
        worked[name] = False
        said[name] = repr(error)


def guard(name, *words, typed=True):
    """One of guard's own commands, by every environment and folder, until one works."""
    def works():
        for cwd in folders():
            for env in environments():
                if typed:
                    code, out = terminal([GUARD, *words], env, cwd)
                else:
                    done = subprocess.run([GUARD, *words], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
                    code, out = done.returncode, done.stdout.decode(errors="replace")
                said[name] = out[-300:]
                if code == 0:
                    return True
        return False
    attempt(name, works)


def processes():
    own = os.getpid()
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if pid != own]


def paths(target):
    """A path, and what may lead to it."""
    yield target
    yield "/proc/self/root" + target
    for pid in processes():
        yield f"/proc/{pid}/root{target}"
        yield f"/proc/{pid}/cwd/{os.path.relpath(target, PROJECT)}"
    link = PROJECT + "/link"
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink(target, link)
    yield link
    yield "link/../" + os.path.relpath(target, PROJECT)
    hard = PROJECT + "/hard"
    try:
        os.link(target, hard)
        yield hard
    except OSError:
        pass


def reads(target, wanted):
    def works():
        for path in paths(target):
            try:
                if wanted in open(path, "rb").read():
                    return True
            except OSError:
                pass
        return False
    return works


def writes(target):
    def works():
        for path in paths(target):
            for flags in (os.O_WRONLY | os.O_APPEND, os.O_RDWR, os.O_WRONLY | os.O_CREAT):
                try:
                    os.close(os.open(path, flags, 0o600))
                    if os.path.samestat(os.stat(path), plan_stat(target)):
                        return True
                except OSError:
                    pass
        return False
    return works


class Stat:
    def __init__(self, device, inode):
        self.st_dev, self.st_ino = device, inode


def plan_stat(target):
    return Stat(*plan["identities"][target])


def lists(folder):
    def works():
        for path in paths(folder):
            try:
                if os.listdir(path):
                    return True
            except OSError:
                pass
        return False
    return works


def environ():
    for pid in processes():
        for name in ("environ", "cmdline"):
            try:
                if CANARY in open(f"/proc/{pid}/{name}", "rb").read():
                    return True
            except OSError:
                pass
    return False


def memory():
    for pid in plan["pids"] + [os.getppid()]:
        try:
            with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
                for line in maps:
                    if "[stack]" in line:
                        start, end = (int(part, 16) for part in line.split()[0].split("-"))
                        mem.seek(start)
                        return len(mem.read(end - start)) > 0
        except (OSError, ValueError):
            pass
    return False


def descriptors():
    for pid in plan["pids"] + [os.getppid()]:
        for fd in glob.glob(f"/proc/{pid}/fd/*"):
            try:
                os.readlink(fd)
                return True
            except OSError:
                pass
    return False


def sockets():
    found = [AGENT, "/proc/self/root" + AGENT]
    try:
        for line in open("/proc/net/unix").readlines()[1:]:
            words = line.split()
            if len(words) > 7:
                found.append("\0" + words[7][1:] if words[7].startswith("@") else words[7])
    except OSError:
        pass
    os.path.lexists("a") or os.symlink(AGENT, "a")
    for path in found + ["a"]:
        try:
            talk = socket.socket(socket.AF_UNIX)
            talk.settimeout(2)
            talk.connect(path)
            if path in found[:2] + ["a"]:
                # Ask for its keys: SSH_AGENTC_REQUEST_IDENTITIES.
                talk.sendall(b"\0\0\0\x01\x0b")
                return len(talk.recv(4)) == 4
        except OSError:
            pass
    return False


def signals():
    for pid in plan["pids"]:
        try:
            os.kill(pid, 0)
            return True
        except OSError:
            pass
    return False


def typing():
    """Into a person's terminal: the plan's by its name, or whatever else leads to it."""
    return on_terminals(lambda fd: fcntl.ioctl(fd, termios.TIOCSTI, b"y"))


def prints():
    """Onto a person's terminal, where it might ask the terminal itself to answer."""
    return on_terminals(lambda fd: os.write(fd, b"\x05"))


def on_terminals(does):
    for path in [*plan["terminals"], "/dev/tty", "/dev/console", *glob.glob("/dev/pts/[0-9]*")]:
        for way in paths(path):
            try:
                fd = os.open(way, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            except OSError:
                continue
            try:
                found = os.fstat(fd)
                # Of the same number there may be another here: one of this program's own.
                if any((found.st_dev, found.st_ino) == tuple(plan["identities"][it]) for it in plan["terminals"]):
                    does(fd)
                    return True
            except OSError:
                pass
            finally:
                os.close(fd)
    return False


def call(number, *arguments):
    return lambda: libc.syscall(number, *arguments) == 0


def in_child(number, *arguments):
    def works():
        child = os.fork()
        if child == 0:
            os._exit(0 if libc.syscall(number, *arguments) == 0 else 1)
        return os.waitpid(child, 0)[1] == 0
    return works


def mounts():
    if not in_child(165, b"none", b"/mnt", b"tmpfs", 0, None)():
        return False
    # Without a fence it is the machine's own, where each would be copied into every fence from then on.
    return in_child(166, b"/mnt", 2)()


def enters():
    for pid in plan["pids"] + [1]:
        try:
            fd = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
        except OSError:
            continue
        if in_child(308, fd, 0)():
            return True
    return False


def traces():
    for pid in plan["pids"]:
        if libc.ptrace(0x4206, pid, 0, 0) == 0:
            libc.ptrace(17, pid, 0, 0)
            return True
    return False


def nested():
    """A configuration, a state and a project of its own, in which it is an approver, for the request of the real one."""
    evil = PROJECT + "/evil"
    os.makedirs(evil + "/.config/guard", 0o700, exist_ok=True)
    kind, key = open(plan["eve"]).read().split()[:2]
    with open(evil + "/.config/guard/allowed_signers", "w") as signers:
        signers.write(f'eve namespaces="{plan["namespace"]}" {kind} {key}\n')
    base = {"PATH": os.environ["PATH"], "HOME": evil}
    words = [GUARD, "approve", REQUEST, "--digest", plan["digest"], "--key", plan["eve"][:-4]]
    for env in (dict(base, XDG_STATE_HOME=os.path.dirname(ROOT)), base):
        if env is base:
            terminal([GUARD, "init"], env, PROJECT)
        code, said["makes a project of its own"] = terminal(words, env, PROJECT)
        if code == 0:
            return True
    return False


os.makedirs("sub", exist_ok=True)
os.path.lexists("linked") or os.symlink(os.path.dirname(ROOT), "linked")
# What a fenced program writes is not in the project before it has ended.
print("ready", flush=True)
HALT, HALT_DIGEST = sys.stdin.readline().split()

attempt("reads the log", reads(PROJECT + "/build_audit.log", b"[APPROVAL] [REQUEST]"))
attempt("writes the log", writes(PROJECT + "/build_audit.log"))
attempt("writes the policy", writes(PROJECT + "/guard.toml"))
attempt("lists the state", lists(STATE))
attempt("reads the stored copy", reads(f"{STATE}/requests/{REQUEST}.json", b"salt"))
attempt("writes the stored copy", writes(f"{STATE}/requests/{REQUEST}.json"))
attempt("writes the trusted policy", writes(f"{STATE}/trusted.toml"))
attempt("writes the keys of the log", writes(f"{STATE}/keys"))
attempt("lists the configuration", lists(CONFIG))
attempt("writes the approvers", writes(f"{CONFIG}/allowed_signers"))
attempt("reads a private key", reads(plan["key"], b"OPENSSH PRIVATE KEY"))
attempt("reads an environment", environ)
attempt("reads memory", memory)
attempt("reads descriptors", descriptors)
attempt("asks the ssh-agent", sockets)
attempt("signals", signals)
attempt("traces", traces)
attempt("types into a terminal", typing)
attempt("prints on a terminal", prints)
attempt("mounts", mounts)
attempt("makes a user namespace", in_child(272, 0x10000000))
attempt("makes a mount namespace", in_child(272, 0x20000))
attempt("enters a namespace", enters)
attempt("makes a project of its own", nested)
guard("reads the digest", "show", REQUEST, typed=False)
guard("reads the statement", "show", REQUEST, "--statement", "anna", typed=False)
guard("lists what waits", "pending", typed=False)
guard("halts", "halt", typed=False)
guard("approves", "approve", REQUEST)
guard("resumes", "resume", HALT, "--note", "never mind")
guard("resumes by the agent", "resume", HALT, "--digest", HALT_DIGEST, "--agent", typed=False)
guard("adds an approver", "approver", "add", "eve", plan["eve"])
guard("trusts a policy", "policy", "trust")
guard("approves by the agent", "approve", REQUEST, "--digest", plan["digest"], "--agent", typed=False)
guard("approves by a key of its own", "approve", REQUEST, "--digest", plan["digest"], "--key", plan["eve"][:-4],
      typed=False)
guard("runs what waits", "run-approved", REQUEST, typed=False)
guard("denies", "deny", plan["other"])
print(json.dumps({"worked": sorted(name for name in worked if worked[name]), "tried": sorted(worked), "said": said}))
