//! Posts over TLS, to a real server: no certificate counts that nobody vouches for.

use super::{ask, configure, failure, folder, sent, webhook};
use crate::cli::Home;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const SERVER: &str = "
import http.server, ssl, sys
class Keep(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        open(sys.argv[1] + '/got', 'ab').write(body + b'\\n')
        self.send_response(200)
        self.end_headers()
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Keep)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + '/own.pem', sys.argv[1] + '/own.key')
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
";

/// A server with a certificate of its own making for `localhost`.
struct Secure {
    process: Child,
    port: u16,
}

impl Secure {
    fn start(home: &Home) -> Secure {
        let folder = home.path().display().to_string();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &format!("{folder}/own.key"), "-out", &format!("{folder}/own.pem")])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut server = Command::new("python3");
        server.args(["-c", SERVER, &folder]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = server.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Secure { process, port: line.trim().parse().unwrap() }
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

#[test]
fn a_certificate_counts_only_where_somebody_vouches_for_it_and_for_its_own_name() {
    let home = Home::with("default");
    let server = Secure::start(&home);
    let config = webhook(&format!("https://localhost:{}/", server.port));
    configure(&home, &config);
    ask(&home);
    let (_, machine) = failure(&home);
    assert_eq!(machine["tries"], 1, "{machine}");
    let cause = machine["cause"].as_str().unwrap();
    assert!(cause.starts_with("the certificate of `localhost` is not trusted: "), "{cause}");
    assert!(!home.path().join("got").exists());

    fs::copy(home.path().join("own.pem"), folder(&home).join("own.pem")).unwrap();
    configure(&home, &(config.clone() + "ca_file = \"own.pem\"\n"));
    ask(&home);
    sent(&home);
    let got = fs::read_to_string(home.path().join("got")).unwrap();
    assert!(got.contains("\"event\":\"request\"") && got.lines().count() == 1, "{got}");

    configure(&home, &(config.replace("localhost", "127.0.0.1") + "ca_file = \"own.pem\"\n"));
    let test = home.guard(&["notify", "test"]);
    assert_eq!(test.code, Some(125));
    assert!(test.stdout.contains("the certificate of `127.0.0.1` is not trusted: "), "{}", test.stdout);

    configure(&home, &(config.replace("https", "http") + "retry = \"1s\"\n").replace("retry = \"10ms\"\n", ""));
    let clear = home.guard(&["notify", "test"]);
    assert_eq!(clear.code, Some(125), "{}", clear.stdout);
}
