//! Ways to listeners outside, and sockets that no command needs.

use super::row::{Row, bash, gets, python, root_gets};

const SECCOMP: &str = "seccomp";

pub(crate) const ROWS: &[Row] = &[
    bash("connect by TCP", SECCOMP, "echo x > /dev/tcp/127.0.0.1/$TCP"),
    python(
        "connect by TCP to another address of this machine",
        SECCOMP,
        "\
socket.create_connection(('0.0.0.0', TCP), 2)",
    ),
    Row {
        needs: "test -e /proc/net/if_inet6",
        ..python("connect by TCP over IPv6", SECCOMP, "socket.socket(socket.AF_INET6).connect(('::1', TCP6))")
    },
    Row {
        needs: "test -e /proc/net/if_inet6",
        ..python(
            "connect by TCP to a mapped address",
            SECCOMP,
            "\
socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', TCP))",
        )
    },
    python(
        "connect without waiting",
        SECCOMP,
        "\
s = socket.socket(); s.setblocking(False)
try: s.connect(('127.0.0.1', TCP))
except BlockingIOError: pass
time.sleep(0.1)",
    ),
    python(
        "connect while the address changes",
        SECCOMP,
        "\
# What was looked at is not what is used, where the address is read twice.
good = struct.pack('<H', 2) + struct.pack('>H', 1) + bytes([127, 0, 0, 1]) + bytes(8)
bad = struct.pack('<H', 2) + struct.pack('>H', TCP) + bytes([127, 0, 0, 1]) + bytes(8)
page = ctypes.create_string_buffer(good, 16)
end = time.time() + 0.3
def swap():
    while time.time() < end: ctypes.memmove(page, bad, 16); ctypes.memmove(page, good, 16)
threading.Thread(target=swap).start()
while time.time() < end:
    s = socket.socket()
    try: call(42, s.fileno(), page, 16)
    except OSError as error: said = error
    s.close()
print(said, file=sys.stderr)",
    ),
    Row {
        needs: "test -e /proc/sys/net/mptcp",
        source: "measured: Landlock's rules are for TCP",
        ..python(
            "connect by MPTCP",
            SECCOMP,
            "\
socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).connect(('127.0.0.1', TCP))",
        )
    },
    Row {
        source: "measured: Landlock's rules are for connect",
        ..python("connect by TCP Fast Open", SECCOMP, "socket.socket().sendto(b'x', 0x20000000, ('127.0.0.1', TCP))")
    },
    python(
        "connect by TCP Fast Open with sendmsg",
        "seccomp",
        "\
socket.socket().sendmsg([b'x'], [], 0x20000000, ('127.0.0.1', TCP))",
    ),
    python("send by UDP", SECCOMP, "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', UDP))"),
    python(
        "send by UDP after connecting",
        SECCOMP,
        "\
s = socket.socket(type=socket.SOCK_DGRAM); s.connect(('127.0.0.1', UDP)); s.send(b'x')",
    ),
    python(
        "send by UDP with sendmsg",
        SECCOMP,
        "\
socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('127.0.0.1', UDP))",
    ),
    gets(
        "listen on every address",
        SECCOMP,
        "\
s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen()
sys.exit(s.getsockname()[0] != '0.0.0.0')",
    ),
    gets(
        "listen without bind",
        SECCOMP,
        "\
s = socket.socket(); s.listen()
sys.exit(s.getsockname()[0] != '0.0.0.0')",
    ),
    python(
        "connect to a socket in the file system",
        SECCOMP,
        "socket.socket(socket.AF_UNIX).connect(OUT + '/stream.sock')",
    ),
    python(
        "connect to an abstract socket",
        "seccomp, Landlock",
        "socket.socket(socket.AF_UNIX).connect('\\0' + ABSTRACT)",
    ),
    python(
        "send to a socket in the file system",
        SECCOMP,
        "\
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', OUT + '/datagram.sock')",
    ),
    python(
        "send to a socket in the file system from a pair",
        SECCOMP,
        "\
socket.socketpair(type=socket.SOCK_DGRAM)[0].sendto(b'x', OUT + '/datagram.sock')",
    ),
    python(
        "send to a socket in the file system from a pair with sendmsg",
        SECCOMP,
        "\
socket.socketpair(type=socket.SOCK_DGRAM)[0].sendmsg([b'x'], [], 0, OUT + '/datagram.sock')",
    ),
    python("use the ssh agent", SECCOMP, "socket.socket(socket.AF_UNIX).connect(OUT + '/agent.sock')"),
    python("use the Docker socket", SECCOMP, "socket.socket(socket.AF_UNIX).connect(OUT + '/docker.sock')"),
    python(
        "connect by the ABI of i386",
        "seccomp",
        "\
page, enter = machine('5389f889f387cacd805bc3')
place = mmap.mmap(-1, 4096, flags=0x22 | 0x40)
at = ctypes.addressof(ctypes.c_char.from_buffer(place))
place.write(struct.pack('<H', 2) + struct.pack('>H', TCP) + bytes([127, 0, 0, 1]) + bytes(8))
s = enter(359, 2, 1, 0)
sys.exit(s < 0 or enter(362, s, at, 16) < 0)",
    ),
    Row {
        needs: "python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).syscall(0x40000000 + 39) < 0)'",
        ..gets("call by the ABI of x32", "seccomp", "call(0x40000000 + 41, 2, 1, 0)")
    },
    Row {
        source: "measured: open in bwrap, firejail, nsjail, minijail, landrun, srt",
        ..gets("make a vsock", SECCOMP, "socket.socket(40, socket.SOCK_STREAM)")
    },
    root_gets("make a packet socket", SECCOMP, "socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300)"),
    root_gets("make a raw socket", SECCOMP, "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"),
    gets("make a netlink socket", SECCOMP, "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0))"),
    Row {
        source: "CVE-2022-32250, CVE-2023-32233 (nf_tables)",
        ..gets("speak to the firewall", SECCOMP, "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12).bind((0, 0))")
    },
    Row {
        source: "measured: asynchronous calls pass by seccomp",
        ..gets("set up an io_uring", SECCOMP, "call(425, 4, ctypes.create_string_buffer(256))")
    },
];
