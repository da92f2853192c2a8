//! Named hosts, through guard's proxy.

use super::python;
use crate::cli::{Home, path};
use crate::fence::stage::Stage;
use guard::execute::sandbox::{Reach, Work};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Whether the package index can be reached from here; says so where not.
fn reachable() -> bool {
    let open = ("pypi.org", 443).to_socket_addrs().ok().and_then(|mut all| all.next());
    let open = open.is_some_and(|at| TcpStream::connect_timeout(&at, Duration::from_secs(5)).is_ok());
    if !open {
        eprintln!("pypi.org cannot be reached from here: nothing is fetched in this test");
    }
    open
}

fn stage(hosts: &[&str]) -> Stage {
    Stage { reach: Reach { hosts: hosts.iter().map(|h| (*h).to_owned()).collect(), ..Reach::own() }, ..Stage::new() }
}

#[test]
fn pip_fetches_from_the_index_and_the_log_says_from_where() {
    if !reachable() {
        return;
    }
    let home = Home::with("python");
    let done = home.guard(&["exec", "--timeout", "50", "--", "pip", "download", "--no-deps", "six"]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let wheels = std::fs::read_dir(&home.project).unwrap().flatten();
    assert!(wheels.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("six-")), "{}", path());
    let log = home.log();
    assert!(log.contains("[NETWORK] [CONNECT] [pypi.org:443] [SUCCESS]"), "{log}");
}

/// Says something to the proxy that the environment names, and prints the first line of its answer.
fn ask(stage: &Stage, request: &str, then: &str) -> (String, guard::execute::Traffic) {
    let code = format!(
        "import urllib.parse\nto = urllib.parse.urlsplit(os.environ[\"HTTPS_PROXY\"])\n\
         s = socket.create_connection((to.hostname, to.port), 30)\ns.sendall(b\"{request}\\r\\n\\r\\n\")\n\
         answer = s.recv(4096).decode(); print(answer.splitlines()[0], \"|\", answer.splitlines()[-1])\n{then}"
    );
    let (outcome, kept) = stage.outcome(Work::Line(python(&code).into())).unwrap();
    let said = String::from_utf8_lossy(&kept.out).into_owned() + &String::from_utf8_lossy(&kept.err);
    (said, outcome.traffic)
}

#[test]
fn hosts_that_no_rule_opens_and_other_ports_are_refused() {
    let stage = stage(&["pypi.org", "localhost"]);
    for (request, answer, refused) in [
        ("CONNECT example.com:443 HTTP/1.1", "403 Forbidden | guard: no rule opens this host", Some("example.com:443")),
        ("CONNECT pypi.org:80 HTTP/1.1", "403 Forbidden | guard: no rule opens this host", Some("pypi.org:80")),
        ("CONNECT 127.0.0.1:443 HTTP/1.1", "403 Forbidden | guard: no rule opens this host", Some("127.0.0.1:443")),
        // A name that leads to this machine.
        (
            "CONNECT localhost:443 HTTP/1.1",
            "403 Forbidden | guard: its addresses are not of the internet at large",
            Some("localhost:443"),
        ),
        ("GET http://pypi.org/ HTTP/1.1", "400 Bad Request | guard: only `CONNECT` is answered: use https", None),
    ] {
        let (said, traffic) = ask(&stage, request, "");
        assert_eq!(said, format!("HTTP/1.1 {answer}\n"), "{request}");
        let all: Vec<_> = traffic.refused.iter().map(|r| r.address.as_str()).collect();
        assert_eq!(all, refused.into_iter().collect::<Vec<_>>(), "{request}");
    }
}

#[test]
fn tls_that_names_another_host_gets_nowhere() {
    if !reachable() {
        return;
    }
    let stage = stage(&["pypi.org"]);
    let shake = |name: &str| {
        format!(
            "import ssl\nc = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE\n\
             try: c.wrap_socket(s, server_hostname=\"{name}\"); print(\"through\")\n\
             except (OSError, ssl.SSLError): print(\"closed\")"
        )
    };
    let (said, traffic) = ask(&stage, "CONNECT pypi.org:443 HTTP/1.1", &shake("pypi.org"));
    assert!(said.contains("200 Connection established") && said.ends_with("through\n"), "{said}");
    assert_eq!((traffic.reached, traffic.refused), (vec![("pypi.org:443".to_owned(), 1)], Vec::new()));
    let (said, traffic) = ask(&stage, "CONNECT pypi.org:443 HTTP/1.1", &shake("files.pythonhosted.org"));
    assert!(said.ends_with("closed\n"), "{said}");
    let why: Vec<_> = traffic.refused.iter().map(|r| (r.address.as_str(), r.why)).collect();
    assert_eq!((why, traffic.reached), (vec![("pypi.org:443", "the TLS inside names another host")], Vec::new()));
}

#[test]
fn the_proxy_hears_nobody_but_its_fence() {
    let mut stage = stage(&["pypi.org"]);
    let meeting = super::meeting(&mut stage);
    let code = format!(
        "m = socket.create_connection((\"127.0.0.1\", {}))\n\
         m.sendall(os.environ[\"HTTPS_PROXY\"].encode() + b\"\\n\"); m.recv(1)",
        meeting.local_addr().unwrap().port()
    );
    std::thread::scope(|scope| {
        let run = scope.spawn(|| super::inside(&stage, &code));
        let (way, mut done) = super::met(&meeting);
        let mut stream = TcpStream::connect(way.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let _ = std::io::Write::write_all(&mut stream, b"CONNECT pypi.org:443 HTTP/1.1\r\n\r\n");
        // Closed, or never taken.
        let answered = std::io::Read::read(&mut stream, &mut [0; 64]).is_ok_and(|len| len > 0);
        std::io::Write::write_all(&mut done, b"x").unwrap();
        assert_eq!((answered, run.join().unwrap().code), (false, 0));
    });
}
