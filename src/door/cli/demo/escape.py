"""Tries six ways out of the fence and says what came of each."""

import os
import signal
import socket
import sys
from pathlib import Path

OUTSIDE, PORT = Path(sys.argv[1]), int(sys.argv[2])


def write_outside():
    (OUTSIDE / "planted.txt").write_text("here\n")


def chmod_outside():
    os.chmod(OUTSIDE / "notes.txt", 0o777)


def connect_out():
    socket.create_connection(("127.0.0.1", PORT), timeout=2).close()


def rewrite_log():
    with open("build_audit.log", "r+", encoding="utf-8") as log:
        log.write("[2000-01-01")
    if not os.path.getsize("build_audit.log"):
        raise OSError("it is not there")


def read_state():
    state = OUTSIDE.parent / "state" / "guard"
    if not any(path.is_file() and path.read_bytes() for path in state.rglob("*")):
        raise OSError("it is not there")


def kill_guard():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and b"guard" in (entry / "cmdline").read_bytes().split(b"\0")[0]:
            os.kill(int(entry.name), signal.SIGKILL)
            return
    raise OSError("no such process to be seen")


def main():
    ways = [write_outside, chmod_outside, connect_out, rewrite_log, read_state, kill_guard]
    out = 0
    for way in ways:
        name = way.__name__.replace("_", " ")
        try:
            way()
            out += 1
            print(f"{name:14} WORKED")
        except OSError as error:
            print(f"{name:14} stopped: {error.strerror or error}")
    print(f"{out} of {len(ways)} ways out")


main()
