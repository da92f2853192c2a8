//! Real programs that listen and connect within one fence.

use super::{inside, python, stage};
use crate::fence::stage::exited;

#[test]
fn a_server_and_its_client_meet_on_the_loopback() {
    let code = r#"
import http.server, socketserver, urllib.request
open("page", "w").write("hello")
server = socketserver.ThreadingTCPServer(("", 0), http.server.SimpleHTTPRequestHandler)
http.server.SimpleHTTPRequestHandler.log_message = lambda *a: None
threading.Thread(target=server.serve_forever, daemon=True).start()
port = server.server_address[1]
for host in ["127.0.0.1", "localhost", "0.0.0.0"]:
    print(urllib.request.urlopen(f"http://{host}:{port}/page").read().decode())
server.shutdown()
server.server_close()
print(socket.socket().connect_ex(("127.0.0.1", port)) in (errno.ECONNREFUSED, errno.EPERM))"#;
    assert_eq!(inside(&stage(), code), exited(0, "hello\nhello\nhello\nTrue\n", ""));
}

#[test]
fn a_module_serves_another_process_and_is_waited_for() {
    let line = "echo hello > page; python3 -u -m http.server 0 >said 2>&1 & \
        for i in $(seq 200); do port=$(sed -n 's/.* port \\([0-9]*\\) .*/\\1/p' said); \
        test -n \"$port\" && curl -sf http://127.0.0.1:$port/page && exit 0; sleep 0.05; done; cat said; exit 1";
    assert_eq!(stage().line(line), exited(0, "hello\n", ""));
}

#[test]
fn both_families_connect_in_every_way_that_programs_use() {
    let code = r#"
import asyncio
def serve(listener):
    while True:
        peer, _ = listener.accept()
        peer.sendall(peer.recv(10).upper())
        peer.close()
def listen(family, at):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if at is not None:
        s.bind(at)
    s.listen()
    threading.Thread(target=serve, args=(s,), daemon=True).start()
    return s.getsockname()[:2]
def say(family, at, wait=True):
    s = socket.socket(family)
    s.setblocking(wait)
    error = s.connect_ex(at)
    if error == errno.EINPROGRESS:
        select.select([], [s], [])
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    s.setblocking(True)
    # Somebody else may have that port in the other family: then it is that which is out of reach.
    if error: return "none" if error in (errno.ECONNREFUSED, errno.EPERM) else errno.errorcode[error]
    s.sendall(b"x")
    return s.recv(10).decode()
four, six = socket.AF_INET, socket.AF_INET6
host, port = listen(four, ("127.0.0.1", 0)); print(host, say(four, (host, port)), say(four, (host, port), False))
host, port = listen(four, ("0.0.0.0", 0)); print(host, say(four, ("127.0.0.1", port)), say(six, ("::ffff:127.0.0.1", port)))
host, port = listen(four, None); print(host, say(four, ("127.0.0.1", port)))
host, port = listen(six, ("::1", 0)); print(host, say(six, ("::1", port)), say(six, ("::1", port), False), say(four, ("127.0.0.1", port)))
host, port = listen(six, ("::", 0)); print(host, say(six, ("::1", port)), say(four, ("127.0.0.1", port)), say(six, ("::", port)))
host, port = listen(six, None); print(host, say(six, ("::1", port)), say(four, ("127.0.0.1", port)))
host, port = listen(four, ("127.0.0.7", 0)); print(host, say(four, ("127.0.0.7", port)), say(four, ("127.0.0.1", port)))
async def echo():
    async def answer(reader, writer):
        writer.write((await reader.read(10)).upper()); await writer.drain(); writer.close()
    server = await asyncio.start_server(answer, "localhost", 0)
    reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
    writer.write(b"a"); print((await reader.read()).decode())
asyncio.run(echo())"#;
    let expected = "127.0.0.1 X X\n127.0.0.1 X X\n127.0.0.1 X\n::1 X X none\n::ffff:127.0.0.1 X X X\n\
        ::ffff:127.0.0.1 X X\n127.0.0.7 X none\nA\n";
    assert_eq!(inside(&stage(), code), exited(0, expected, ""));
}

#[test]
fn a_port_is_had_again_once_it_is_free() {
    let code = r#"
port = 0
for round in range(50):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.listen()
    port = s.getsockname()[1]
    c = socket.create_connection(("127.0.0.1", port))
    p, _ = s.accept()
    s.close()
    c.sendall(b"x"); assert p.recv(1) == b"x"
    p.close(); c.close()
print("done")"#;
    assert_eq!(inside(&stage(), code), exited(0, "done\n", ""));
}

#[test]
fn a_connection_that_waits_stalls_nothing_and_ends_with_its_command() {
    // A full queue: the third connection waits for minutes.
    let code = r#"
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
kept = []
def wait():
    c = socket.socket(); kept.append(c)
    try: c.connect(s.getsockname())
    except OSError: pass
for _ in range(8): threading.Thread(target=wait, daemon=True).start()
time.sleep(0.3)
t = socket.socket(); t.bind(("127.0.0.1", 0)); t.listen()
start = time.time()
for _ in range(20):
    c = socket.create_connection(t.getsockname()); t.accept()[0].close(); c.close()
print(time.time() - start < 5)
sys.stdout.flush()
os._exit(0)"#;
    let start = std::time::Instant::now();
    assert_eq!(inside(&stage(), code), exited(0, "True\n", ""));
    assert!(start.elapsed().as_secs() < 15);
}

#[test]
fn a_socket_that_is_told_to_wait_during_its_connection_stalls_nothing() {
    // Somebody else flips whether it waits, which is for seven seconds where it does.
    let code = r#"
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
kept = []
for _ in range(3):
    c = socket.socket(); c.setblocking(False); c.connect_ex(s.getsockname()); kept.append(c)
tried = {}
def attempt(n):
    while True:
        c = socket.socket(); c.setsockopt(6, 7, 2); os.set_blocking(c.fileno(), False); tried[n] = c
        c.connect_ex(s.getsockname()); c.close()
def flip():
    while True:
        for c in list(tried.values()):
            for on in [True, False]:
                try: os.set_blocking(c.fileno(), on)
                except (OSError, ValueError): pass
for n in range(4): threading.Thread(target=attempt, args=(n,), daemon=True).start()
threading.Thread(target=flip, daemon=True).start()
worst = 0
for _ in range(20):
    start = time.time(); t = socket.socket(); t.bind(("127.0.0.1", 0)); t.close()
    worst = max(worst, time.time() - start); time.sleep(0.1)
print(worst < 3 or worst)
sys.stdout.flush()
os._exit(0)"#;
    let start = std::time::Instant::now();
    assert_eq!(inside(&stage(), code), exited(0, "True\n", ""));
    assert!(start.elapsed().as_secs() < 20);
}

#[test]
fn managers_and_fork_servers_of_multiprocessing_work() {
    let code = r#"
import multiprocessing
def double(n): return 2 * n
if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        shared = manager.dict()
        p = multiprocessing.Process(target=shared.update, args=({"a": 1},)); p.start(); p.join()
        print(dict(shared))
    with multiprocessing.get_context("forkserver").Pool(2) as pool:
        print(pool.map(double, [1, 2]))
"#;
    let line = format!("cat > job.py <<\\EOF\n{code}\nEOF\npython3 job.py");
    assert_eq!(stage().line(&line), exited(0, "{'a': 1}\n[2, 4]\n", ""));
}

#[test]
fn local_sockets_have_the_names_they_were_given() {
    let code = r#"
import tempfile
for at in [tempfile.mkdtemp() + "/s", "/dev/shm/s", "/var/tmp/s"]:
    s = socket.socket(socket.AF_UNIX); s.bind(at); s.listen()
    c = socket.socket(socket.AF_UNIX); c.connect(at)
    p, _ = s.accept(); c.sendall(b"x")
    print(s.getsockname() == at, c.getpeername() == at, p.recv(1), oct(os.stat(at).st_mode))
os.chdir("/tmp")
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind("rel"); s.listen()
c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); c.connect("rel"); print(c.getpeername(), os.path.exists("/tmp/rel"))
for call, at in [(s.bind, "/tmp/again"), (socket.socket(socket.AF_UNIX).bind, "/tmp/rel"), (socket.socket(socket.AF_UNIX).connect, "/tmp/none")]:
    try: call(at)
    except OSError as e: print(errno.errorcode[e.errno])"#;
    let expected = "True True b'x' 0o140755\nTrue True b'x' 0o140755\nTrue True b'x' 0o140755\nrel True\n\
        EINVAL\nEADDRINUSE\nENOENT\n";
    assert_eq!(inside(&stage(), code), exited(0, expected, ""));
}

#[test]
fn tests_with_a_server_pass() {
    let Some(tools) = std::env::var_os("GUARD_TEST_TOOLS") else { return };
    // Root's own tools may be out of an ordinary user's reach.
    if !std::process::Command::new(std::path::Path::new(&tools).join("pytest"))
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success())
    {
        return;
    }
    let test = "import socket, threading\n\
        def test_echo():\n\
        \x20   s = socket.create_server((\"127.0.0.1\", 0))\n\
        \x20   def serve():\n\
        \x20       p, _ = s.accept()\n\
        \x20       p.sendall(p.recv(9))\n\
        \x20   threading.Thread(target=serve, daemon=True).start()\n\
        \x20   c = socket.create_connection(s.getsockname())\n\
        \x20   c.sendall(b\"hi\")\n\
        \x20   assert c.recv(9) == b\"hi\"\n";
    let stage = stage();
    std::fs::write(stage.place.project.join("test_echo.py"), test).unwrap();
    let seen = stage.line(&format!("{}/pytest -q test_echo.py", tools.to_string_lossy()));
    assert!(seen.code == 0 && seen.out.contains("1 passed"), "{seen:?}");
}

#[test]
fn without_a_network_nothing_of_this_is_there() {
    let mut none = stage();
    none.reach = guard::execute::sandbox::Reach::default();
    let code = "socket.socket().bind((\"127.0.0.1\", 0))";
    let seen = none.line(&python(code));
    assert!(seen.code != 0 && seen.err.contains("PermissionError"), "{seen:?}");
}
