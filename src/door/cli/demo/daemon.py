"""Starts a daemon in a session of its own, then hangs."""

import os
import signal
import time


def beat():
    """Writes a sign of life ten times a second, deaf to polite requests."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        with open("heartbeat", "a", encoding="utf-8") as heart:
            heart.write(".")
        time.sleep(0.1)


if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        beat()
    os._exit(0)

print("the daemon runs; now waiting for ever", flush=True)
while True:
    time.sleep(3600)
