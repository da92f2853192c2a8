"""Runs commands as one user, on a kernel of which parts were taken away: an order a line in, an answer a line out.

launch.py USER-ID full|no-landlock|masked-proc|no-namespaces
"""

import ctypes
import fcntl
import json
import os
import struct
import subprocess
import sys
import tempfile
import termios
import time

UID, WITHOUT = int(sys.argv[1]), sys.argv[2]
LIBC = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_MOUNTS = 0x10000000, 0x20000


def must(result):
    """A call of the C library that has to succeed."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mask_proc():
    """Covers a part of `/proc`, as container engines do."""
    own, group = os.getuid(), os.getgid()
    must(LIBC.unshare(NEW_MOUNTS if own == 0 else NEW_USER | NEW_MOUNTS))
    if own:
        for name, line in [("setgroups", "deny"), ("uid_map", f"{own} {own} 1"), ("gid_map", f"{group} {group} 1")]:
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(line)
    must(LIBC.mount(b"none", b"/", None, 1 << 14 | 1 << 18, None))
    must(LIBC.mount(b"none", b"/proc/bus", b"tmpfs", 0, None))


def refuse(code):
    """Installs a seccomp filter: (code, jump if true, jump if false, operand) each."""
    text = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in code))
    program = struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(text))
    if os.getuid():
        must(LIBC.prctl(38, 1, 0, 0, 0))
    must(LIBC.prctl(22, 2, ctypes.c_char_p(program), 0, 0))


LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE, UNKNOWN, UNSUPPORTED = 0x7FFF0000, 0x50001, 0x50026, 0x5005F
# What container engines refuse by default: unshare, clone with a flag for a namespace; clone3 is unknown.
NO_NAMESPACES = [
    (LOAD, 0, 0, 0),
    (EQUAL, 4, 0, 272),
    (EQUAL, 4, 0, 435),
    (EQUAL, 0, 4, 56),
    (LOAD, 0, 0, 16),
    (ANY_BIT, 0, 2, 0x7E020000),
    (RETURN, 0, 0, REFUSE),
    (RETURN, 0, 0, UNKNOWN),
    (RETURN, 0, 0, ALLOW),
]
NO_LANDLOCK = [(LOAD, 0, 0, 0), (EQUAL, 0, 1, 444), (RETURN, 0, 0, UNSUPPORTED), (RETURN, 0, 0, ALLOW)]

if WITHOUT == "masked-proc":
    mask_proc()
elif WITHOUT == "no-namespaces":
    refuse(NO_NAMESPACES)
elif WITHOUT == "no-landlock":
    refuse(NO_LANDLOCK)
if UID != os.getuid():
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)


def own_terminal():
    """What makes standard input the terminal of a session of its own."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def shown(terminal):
    """What was written to a terminal, or typed into it, which it echoes."""
    os.set_blocking(terminal, False)
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        return ""


def run(order):
    """Runs a command to its end, or asks it to end after a while and leaves it then."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        # A descriptor that whoever starts guard left open.
        left = os.open(order["left"], os.O_WRONLY)
        os.dup2(left, 9)
        os.close(left)
        terminal, end = os.openpty()
        with_terminal = order["terminal"]
        process = subprocess.Popen(
            order["argv"],
            cwd=order["cwd"],
            env=order["env"],
            stdin=end if with_terminal else subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=(9,),
            preexec_fn=own_terminal if with_terminal else os.setsid,
        )
        try:
            code = process.wait(order["limit"])
        except subprocess.TimeoutExpired:
            process.terminate()
            time.sleep(0.3)
            code = 124
        said = shown(terminal)
        for descriptor in (9, terminal, end):
            os.close(descriptor)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read(65536).decode(errors="replace"))
    return {"code": code, "out": texts[0], "err": texts[1], "terminal": said}


def start(order):
    """Starts a process that goes on."""
    process = subprocess.Popen(
        order["argv"], cwd=order["cwd"], env=order["env"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    return {"pid": process.pid}


for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(start(asked) if asked["goes_on"] else run(asked)), flush=True)
