"""Starts a daemon in a session of its own, then hangs."""

import os
import signal
import time


def beat():
    """Gives a sign of life twice a second, deaf to polite requests."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        print("the daemon's heart beats", flush=True)
        time.sleep(0.5)


if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        beat()
    os._exit(0)

print("the daemon runs; now waiting for ever", flush=True)
while True:
    time.sleep(3600)
