//! Ways past the network of a fence. Each first succeeds without it, or the test would prove nothing, and then fails within.

use super::{inside, meeting, met, python, stage};
use crate::fence::stage::{Stage, root, unfenced};
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

/// A server outside that every test may try to reach.
struct Outside {
    port: u16,
    _listener: TcpListener,
}

impl Outside {
    fn at(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepting = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            for stream in accepting.incoming() {
                let Ok(mut stream) = stream else { return };
                std::thread::spawn(move || stream.read(&mut [0; 64]));
            }
        });
        Self { port, _listener: listener }
    }
}

/// Runs Python without a fence, where it must succeed, and within, where it must not; what was remembered of it.
fn held(code: &str) -> guard::execute::Traffic {
    let (status, said) = unfenced(&stage(), &python(code));
    assert_eq!(status, Some(0), "succeeds unfenced: {code}\n{said}");
    let stage = stage();
    let (outcome, kept) = stage.outcome(guard::execute::sandbox::Work::Line(python(code).into())).unwrap();
    assert_ne!(outcome.exit_code, 0, "held: {code}\n{}", String::from_utf8_lossy(&kept.err));
    outcome.traffic
}

#[test]
fn nothing_outside_is_connected_to() {
    let port = Outside::at("127.0.0.1").port;
    let refused = |code: &str, address: &str| {
        let traffic = held(code);
        let all: Vec<_> = traffic.refused.iter().map(|r| (r.call, r.address.as_str(), r.why)).collect();
        assert_eq!(all, [("connect", address, "it listens outside of this fence")], "{code}");
    };
    let here = format!("127.0.0.1:{port}");
    refused(&format!("socket.create_connection((\"127.0.0.1\", {port}))"), &here);
    // Non-blocking.
    refused(
        &format!(
            "s = socket.socket(); s.setblocking(False); e = s.connect_ex((\"127.0.0.1\", {port}))\n\
             assert e in (0, errno.EINPROGRESS), e\nselect.select([], [s], [], 5); s.getpeername()"
        ),
        &here,
    );
    // By another thread.
    refused(
        &format!(
            "s = socket.socket(); t = threading.Thread(target=s.connect, args=((\"127.0.0.1\", {port}),))\n\
             t.start(); t.join(); s.getpeername()"
        ),
        &here,
    );
    // By another process, from a socket handed over.
    refused(
        &format!(
            "a, b = socket.socketpair()\n\
             if os.fork() == 0:\n    c = socket.socket(); socket.send_fds(b, [b\"x\"], [c.fileno()]); os._exit(0)\n\
             s = socket.socket(fileno=socket.recv_fds(a, 1, 1)[1][0]); s.connect((\"127.0.0.1\", {port}))"
        ),
        &here,
    );
    // IPv4 within IPv6, and the wildcard as a destination.
    refused(&format!("socket.socket(socket.AF_INET6).connect((\"::ffff:127.0.0.1\", {port}))"), &here);
    refused(&format!("socket.socket().connect((\"0.0.0.0\", {port}))"), &here);
    refused(&format!("socket.socket(socket.AF_INET6).connect((\"::ffff:0.0.0.0\", {port}))"), &here);
    let six = Outside::at("::1").port;
    refused(&format!("socket.socket(socket.AF_INET6).connect((\"::\", {six}))"), &format!("[::1]:{six}"));
    // Other addresses of the loopback: a stub resolver tunnels names.
    let stub = Outside::at("127.0.0.53").port;
    refused(&format!("socket.create_connection((\"127.0.0.53\", {stub}))"), &format!("127.0.0.53:{stub}"));
    // A server for everybody is no more the fence's own.
    let all = Outside::at("0.0.0.0").port;
    refused(&format!("socket.create_connection((\"127.0.0.1\", {all}))"), &format!("127.0.0.1:{all}"));
}

#[test]
fn an_address_beyond_the_loopback_is_refused_whatever_listens_there() {
    let (outcome, _) = stage()
        .outcome(guard::execute::sandbox::Work::Line(
            python("for to in [\"192.0.2.1\", \"10.0.0.1\"]:\n    print(socket.socket().connect_ex((to, 80)))").into(),
        ))
        .unwrap();
    let all: Vec<_> = outcome.traffic.refused.iter().map(|r| (r.address.as_str(), r.why)).collect();
    assert_eq!(all, [("192.0.2.1:80", "no rule opens this address"), ("10.0.0.1:80", "no rule opens this address")]);
}

#[test]
fn no_other_protocol_goes_round_it() {
    let port = Outside::at("127.0.0.1").port;
    held(&format!("socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).connect((\"127.0.0.1\", {port}))"));
    for call in ["s.sendto(b\"x\", 0x20000000, to)", "s.sendmsg([b\"x\"], [], 0x20000000, to)"] {
        held(&format!("s = socket.socket(); to = (\"127.0.0.1\", {port})\n{call}; s.getpeername()"));
    }
    // A connection that is put off until something is sent.
    held(&format!(
        "s = socket.socket(); s.setsockopt(socket.IPPROTO_TCP, 30, 1); s.connect((\"127.0.0.1\", {port})); s.send(b\"x\")"
    ));
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    held(&format!("socket.socket(type=socket.SOCK_DGRAM).sendto(b\"x\", (\"127.0.0.1\", {udp}))"));
    held(&format!("s = socket.socket(type=socket.SOCK_DGRAM); s.connect((\"127.0.0.1\", {udp})); s.send(b\"x\")"));
    held("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)");
    held("socket.socket(socket.AF_VSOCK)");
    if root() {
        held("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)");
        held("socket.socket(socket.AF_PACKET, socket.SOCK_RAW)");
    }
}

#[test]
fn no_socket_chooses_the_way_to_an_address_that_is_let_be() {
    for option in [
        "2, 1, 25, b\"lo\"",
        "2, 1, 62, 1",
        "2, 0, 4, b\"\\x01\" * 4",
        "2, 0, 50, struct.pack(\"!I\", 1)",
        "10, 41, 6, b\"\"",
        "10, 41, 57, b\"\"",
        "10, 41, 76, struct.pack(\"!I\", 1)",
    ] {
        held(&format!("family, *option = {option}\nsocket.socket(family).setsockopt(*option)"));
    }
}

#[test]
fn an_address_that_changes_during_the_call_changes_nothing() {
    let port = Outside::at("127.0.0.1").port;
    // Another thread writes the outside's port over the fence's own, again and again.
    let code = format!(
        r#"
own = socket.socket(); own.bind(("127.0.0.1", 0)); own.listen(512)
threading.Thread(target=lambda: [own.accept()[0].close() for _ in iter(int, 1)], daemon=True).start()
mine, theirs = own.getsockname()[1], {port}
address = bytearray(struct.pack("=H", 2) + struct.pack("!H", mine) + socket.inet_aton("127.0.0.1") + bytes(8))
raw = (ctypes.c_char * 16).from_buffer(address)
libc = ctypes.CDLL(None)
ends = [struct.pack("!H", mine), struct.pack("!H", theirs)]
def flip():
    while True:
        for end in ends * 50: address[2:4] = end
threading.Thread(target=flip, daemon=True).start()
reached = False
until = time.time() + 3
while time.time() < until and not reached:
    s = socket.socket()
    if libc.connect(s.fileno(), raw, 16) == 0:
        try: reached = s.getpeername()[1] == theirs
        except OSError: pass
    s.close()
sys.stdout.flush()
os._exit(0 if reached else 1)"#
    );
    held(&code);
}

#[test]
fn a_descriptor_that_changes_during_the_call_changes_nothing() {
    let port = Outside::at("127.0.0.1").port;
    // The number means a socket of another kind by turns; none of them may get there.
    let code = format!(
        r#"
a, b = socket.socket(), socket.socket(socket.AF_INET6)
n = os.dup(a.fileno())
def flip():
    while True: os.dup2(b.fileno(), n); time.sleep(0.0001); os.dup2(a.fileno(), n); time.sleep(0.0001)
threading.Thread(target=flip, daemon=True).start()
raw = struct.pack("=H", 2) + struct.pack("!H", {port}) + socket.inet_aton("127.0.0.1") + bytes(8)
libc = ctypes.CDLL(None)
until = time.time() + 2
done = False
while time.time() < until and not done: done = libc.connect(n, raw, 16) == 0
os._exit(0 if done else 1)"#
    );
    held(&code);
}

#[test]
fn a_port_that_somebody_else_took_is_not_the_fence_s_any_more() {
    // It listens, ends that, and another takes the port; then the same with a port that it only bound.
    for rest in ["s.listen(); s.close()", "pass"] {
        let mut stage = stage();
        let meeting = meeting(&mut stage);
        let code = format!(
            "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n\
             s.bind((\"127.0.0.1\", 0)); port = s.getsockname()[1]\n{rest}\n\
             m = socket.create_connection((\"127.0.0.1\", {})); m.sendall(b\"%d\\n\" % port); m.recv(1)\n\
             print(errno.errorcode[socket.socket().connect_ex((\"127.0.0.1\", port))])",
            meeting.local_addr().unwrap().port()
        );
        let seen = std::thread::scope(|scope| {
            let run = scope.spawn(|| inside(&stage, &code));
            let (port, mut stream) = met(&meeting);
            // The standard library sets SO_REUSEADDR.
            let _taken = TcpListener::bind(("127.0.0.1", port.parse().unwrap())).unwrap();
            std::io::Write::write_all(&mut stream, b"x").unwrap();
            run.join().unwrap()
        });
        assert_eq!((seen.code, seen.out.as_str()), (0, "EPERM\n"), "{rest}: {seen:?}");
    }
}

#[test]
fn a_port_of_somebody_else_is_not_shared() {
    // Both ask for SO_REUSEPORT: half of the connections would come here, and half of the fence's own go there.
    let code = "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); \
        s.bind((\"127.0.0.1\", 0)); t = socket.socket(); t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); \
        t.bind(s.getsockname())";
    held(code);
}

#[test]
fn nothing_is_opened_to_other_machines() {
    for code in [
        "s = socket.socket(); s.listen(); assert s.getsockname()[0] == \"0.0.0.0\", s.getsockname()",
        "s = socket.socket(socket.AF_INET6); s.listen(); assert s.getsockname()[0] == \"::\", s.getsockname()",
        "s = socket.socket(); s.bind((\"\", 0)); assert s.getsockname()[0] == \"0.0.0.0\", s.getsockname()",
        "s = socket.socket(socket.AF_INET6); s.bind((\"::\", 0)); assert s.getsockname()[0] == \"::\", s.getsockname()",
        // A socket that was connected, and so has a port, and is then told to forget its peer.
        "l = socket.socket(); l.bind((\"127.0.0.1\", 0)); l.listen(); s = socket.socket(); s.connect(l.getsockname()); \
         r = ctypes.CDLL(None).connect(s.fileno(), bytes(16), 16); assert r == 0; s.listen(); \
         assert s.getsockname()[0] == \"0.0.0.0\"",
    ] {
        held(code);
    }
    if root() {
        // What guard may and the command may not.
        let port = (600..1000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap();
        held(&format!("socket.socket().bind((\"127.0.0.1\", {port}))"));
    }
}

/// Found by a review: the folder was looked up once by guard, and once more when the socket was made.
#[test]
fn a_folder_that_changes_during_the_call_makes_no_socket_elsewhere() {
    let mut stage = stage();
    stage.timeout = std::time::Duration::from_secs(30);
    let code = r#"
import tempfile
place, project = tempfile.mkdtemp(), os.getcwd() + "/sub"
os.mkdir(place + "/real"); os.symlink(project, place + "/link"); os.symlink(place + "/real", place + "/d")
def flip():
    while True:
        for to in (project, place + "/real"): os.symlink(to, place + "/new"); os.rename(place + "/new", place + "/d")
threading.Thread(target=flip, daemon=True).start()
until, made = time.time() + 5, 0
while time.time() < until and not os.path.exists(project + "/s"):
    try: socket.socket(socket.AF_UNIX).bind(place + "/d/s"); os.unlink(place + "/real/s"); made += 1
    except OSError: pass
sys.stdout.write(str((made > 0, os.listdir(project)))); sys.stdout.flush()
os._exit(0)"#;
    let seen = inside(&stage, code);
    assert_eq!((seen.code, seen.out.as_str()), (0, "(True, [])"), "{seen:?}");
}

#[test]
fn local_sockets_of_others_are_out_of_reach() {
    let open = Stage::new();
    let at = open.root.path().join("s");
    let _listener = UnixListener::bind(&at).unwrap();
    let path = at.to_str().unwrap();
    for code in [
        format!("socket.socket(socket.AF_UNIX).connect(\"{path}\")"),
        format!("os.symlink(\"{path}\", \"link\"); socket.socket(socket.AF_UNIX).connect(\"link\")"),
        format!("os.chdir(\"{}\"); socket.socket(socket.AF_UNIX).connect(\"s\")", open.root.path().display()),
        format!(
            "import tempfile; d = tempfile.mkdtemp(); os.symlink(\"{path}\", d + \"/l\"); \
             socket.socket(socket.AF_UNIX).connect(d + \"/l\")"
        ),
        "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind(os.getcwd() + \"/d\")".to_owned(),
        // In the project: others would meet it there.
        "socket.socket(socket.AF_UNIX).bind(\"here\")".to_owned(),
    ] {
        held(&code);
    }
    let name = format!("guard-test-{}", std::process::id());
    let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    held(&format!("socket.socket(socket.AF_UNIX).connect(\"\\0{name}\")"));
    held(&format!("socket.socket(socket.AF_UNIX).bind(\"\\0{name}-2\")"));
    held("socket.socket(socket.AF_UNIX).bind(\"\")");
}

#[test]
fn a_local_name_that_changes_during_the_call_leads_nowhere_else() {
    let open = Stage::new();
    let at = open.root.path().join("s");
    let listener = UnixListener::bind(&at).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            drop(stream)
        }
    });
    let code = format!(
        r#"
import tempfile
d = tempfile.mkdtemp()
own = socket.socket(socket.AF_UNIX); own.bind(d + "/own"); own.listen(512)
threading.Thread(target=lambda: [own.accept()[0].close() for _ in iter(int, 1)], daemon=True).start()
os.symlink("{}", d + "/a"); os.symlink(d + "/own", d + "/b"); os.symlink(d + "/own", d + "/l")
def flip():
    while True:
        for n in "ab":
            os.symlink(os.readlink(d + "/" + n), d + "/new"); os.rename(d + "/new", d + "/l")
threading.Thread(target=flip, daemon=True).start()
reached = False
until = time.time() + 2
while time.time() < until and not reached:
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(d + "/l"); reached = not s.getpeername().startswith(d)
    except OSError: pass
    s.close()
os._exit(0 if reached else 1)"#,
        at.display()
    );
    held(&code);
}

#[test]
fn what_is_refused_is_remembered_each_once_and_not_without_end() {
    let code = "for port in range(1, 41):\n    for _ in range(2): socket.socket().connect_ex((\"192.0.2.1\", port))";
    let work = guard::execute::sandbox::Work::Line(python(code).into());
    let (outcome, _) = stage().outcome(work).unwrap();
    let traffic = outcome.traffic;
    assert_eq!((traffic.refused.len(), traffic.refused_more), (16, 48));
    assert!(traffic.refused.iter().all(|refused| refused.times == 2), "{traffic:?}");
}
