import ctypes, errno, fcntl, mmap, os, signal, socket, struct, subprocess, sys, termios, threading, time

MARK, FIRST = sys.argv[1], os.getppid()
LIBC = ctypes.CDLL(None, use_errno=True)


def call(number, *words):
    """A system call of x86_64."""
    given = [ctypes.c_long(word) if isinstance(word, int) else word for word in words]
    got = LIBC.syscall(ctypes.c_long(number), *given)
    if got < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got


def machine(code):
    """A function of four numbers from the processor's own language."""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex(code))
    kind = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_uint] * 4)
    return page, kind(ctypes.addressof(ctypes.c_char.from_buffer(page)))


def bash(text):
    """Runs lines of bash, which see the same values, and ends as they do."""
    env = dict(os.environ, FIRST=str(FIRST), **{name: str(value) for name, value in VALUES.items()})
    code = subprocess.call(["/bin/bash", "--noprofile", "--norc", "-c", text, MARK], env=env, close_fds=False)
    sys.exit(code if code >= 0 else 128 - code)


