//! Services that a rule opens, with real servers.

use crate::cli::{Done, Home, done};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server that ends with its test.
struct Server {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // PostgreSQL ends its children at an INT.
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn up(port: u16) {
    for _ in 0..400 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("no server at {port}");
}

fn redis(settings: &[&str]) -> Option<Server> {
    let program = Path::new("/usr/bin/redis-server");
    if !program.exists() {
        eprintln!("redis-server is not installed: nothing is tried");
        return None;
    }
    let (port, folder) = (free(), tempfile::tempdir().unwrap());
    let child = Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(folder.path())
        .args(settings)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server { child, port, folder };
    up(port);
    Some(server)
}

/// As an ordinary user where the tests run as root: PostgreSQL refuses that.
fn ordinary(program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    command
}

fn postgres(logins: &str) -> Option<Server> {
    let bin = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin"));
    let Some(bin) = bin.into_iter().find(|bin| bin.join("initdb").exists()) else {
        eprintln!("postgresql is not installed: nothing is tried");
        return None;
    };
    let (port, folder) = (free(), tempfile::tempdir().unwrap());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(folder.path(), Some(65534), Some(65534)).unwrap();
    }
    let data: PathBuf = folder.path().join("data");
    let made = ordinary(&bin.join("initdb"))
        .args(["-U", "owner", "-A", "trust", "--no-sync", "-D"])
        .arg(&data)
        .current_dir("/")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let rules = format!("local all owner trust\n{logins}\n");
    std::fs::write(data.join("pg_hba.conf"), rules).unwrap();
    let child = ordinary(&bin.join("postgres"))
        .args(["-F", "-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-k"])
        .arg(folder.path())
        .arg("-D")
        .arg(&data)
        .current_dir("/")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server { child, port, folder };
    up(port);
    let sql = "CREATE USER bare PASSWORD 'p@ss'; CREATE USER filer PASSWORD 'p@ss'; GRANT pg_read_server_files TO filer; \
        CREATE USER maker CREATEROLE PASSWORD 'p@ss'; CREATE ROLE inner_one NOLOGIN; GRANT pg_execute_server_program TO inner_one; \
        CREATE USER nested NOINHERIT PASSWORD 'p@ss'; ALTER USER owner PASSWORD 'p@ss'; GRANT inner_one TO nested;";
    for _ in 0..100 {
        let asked = ordinary(Path::new("/usr/bin/psql"))
            .args([
                "-h",
                &server.folder.path().display().to_string(),
                "-p",
                &port.to_string(),
                "-U",
                "owner",
                "-d",
                "postgres",
                "-c",
                sql,
            ])
            .current_dir("/")
            .output()
            .unwrap();
        if asked.status.success() {
            return Some(server);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no answer from PostgreSQL");
}

/// A project whose python3 gets the service `db`.
fn home(kind: &str, port: u16, more: &str) -> Home {
    let home = Home::with("python");
    home.trust(&format!(
        "[[service]]\nname = \"db\"\naddress = \"127.0.0.1:{port}\"\nkind = \"{kind}\"\n{more}\n[[rule]]\nid = \"with-db\"\n\
         program = \"python3\"\nverdict = \"allow\"\nservices = [\"db\"]\nreason = \"works on its database\"\n"
    ));
    home
}

const TALK: &str = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); \
    s.sendall(b'PING\\r\\n'); print(s.recv(100))";

fn talk(home: &Home, port: u16, url: &str) -> Done {
    let port = port.to_string();
    let mut command = home.command(&["exec", "--", "python3", "-c", TALK, &port]);
    done(command.env("DB_URL", url))
}

fn refused(done: &Done, cause: &str) {
    let head = format!("guard: the service `db` is not opened: {cause}\n  help: ");
    assert!(done.code == Some(125) && done.stderr.starts_with(&head), "{done:?}");
}

#[test]
fn a_protected_redis_is_opened_exactly_and_an_open_one_is_not() {
    let Some(server) = redis(&[]) else { return };
    let port = server.port;
    let other = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = home("redis", port, "");
    let spoken = talk(&closed, port, "");
    assert_eq!((spoken.code, spoken.stdout.as_str()), (Some(0), "b'+PONG\\r\\n'\n"), "{}", spoken.stderr);
    assert!(talk(&closed, other, "").code != Some(0), "only the exact port");
    drop(server);
    refused(&talk(&closed, port, ""), "it is down: Connection refused (os error 111)");

    let open = redis(&["--enable-protected-configs", "yes"]).unwrap();
    let why = "its `CONFIG SET dir` moves where it writes: set `enable-protected-configs no`, or rename `CONFIG`";
    refused(&talk(&home("redis", open.port, ""), open.port, ""), why);
    let accepted = talk(&home("redis", open.port, "trusted = true"), open.port, "");
    assert_eq!(accepted.stdout, "b'+PONG\\r\\n'\n", "{}", accepted.stderr);

    let modules = redis(&["--enable-module-command", "yes"]).unwrap();
    let why = "it loads modules: set `enable-module-command no`, or rename `MODULE`";
    refused(&talk(&home("redis", modules.port, ""), modules.port, ""), why);

    let secret = redis(&["--requirepass", "hush"]).unwrap();
    let named = home("redis", secret.port, "url_env = \"DB_URL\"");
    assert_eq!(talk(&named, secret.port, "redis://:hush@localhost").code, Some(0));
    let wrong = talk(&named, secret.port, "redis://:no@localhost");
    assert!(wrong.code == Some(125) && wrong.stderr.contains("its posture cannot be checked: WRONGPASS"), "{wrong:?}");
}

#[test]
fn a_redis_that_is_open_without_the_login_or_does_not_tell_how_it_is_set_is_not_opened() {
    // The user of the URL is bare, and everybody else is not.
    let bare = ["--user", "app", "on", ">hush", "~*", "+@all", "-config", "-module"];
    let Some(server) = redis(&[&bare[..], &["--enable-protected-configs", "yes"]].concat()) else { return };
    let named = home("redis", server.port, "url_env = \"DB_URL\"");
    let why = "its `CONFIG SET dir` moves where it writes: set `enable-protected-configs no`, or rename `CONFIG`";
    refused(&talk(&named, server.port, "redis://app:hush@localhost"), why);

    let shut = redis(&[&bare[..], &["--enable-protected-configs", "yes", "--requirepass", "other"]].concat()).unwrap();
    let named = home("redis", shut.port, "url_env = \"DB_URL\"");
    assert_eq!(talk(&named, shut.port, "redis://app:hush@localhost").code, Some(0));

    for (right, protected) in [("+config|set", "yes"), ("-config", "yes"), ("+config|set", "no")] {
        let user = ["--user", "default", "on", "nopass", "~*", "+@all", "-config", right];
        let silent = redis(&[&user[..], &["--enable-protected-configs", protected]].concat()).unwrap();
        let answer = talk(&home("redis", silent.port, ""), silent.port, "");
        if (right, protected) == ("+config|set", "yes") {
            refused(&answer, why);
        } else {
            assert_eq!(answer.code, Some(0), "{right} {protected}: {}", answer.stderr);
        }
    }
}

#[test]
fn postgresql_is_opened_to_a_bare_user_alone() {
    let logins = "host all all 127.0.0.1/32 scram-sha-256";
    let Some(server) = postgres(logins) else { return };
    let port = server.port;
    let named = home("postgres", port, "url_env = \"DB_URL\"");
    let url = |who: &str| format!("postgres://{who}@localhost/postgres");
    let spoken = talk(&named, port, &url("bare:p%40ss"));
    assert_eq!(spoken.code, Some(0), "{}", spoken.stderr);
    for (who, role) in [
        ("owner", "owner (superuser)"),
        ("filer", "pg_read_server_files"),
        ("maker", "maker (createrole)"),
        ("nested", "pg_execute_server_program"),
    ] {
        let why =
            format!("its user `{who}` is or can become `{role}`: files and programs of the server are open to it");
        refused(&talk(&named, port, &url(&format!("{who}:p%40ss"))), &why);
    }
    let wrong = talk(&named, port, &url("bare:no"));
    refused(&wrong, "its posture cannot be checked: password authentication failed for user \"bare\"");
    refused(
        &talk(&named, port, &url("bare")),
        "its posture cannot be checked: it asks for a password, and its URL has none",
    );
    refused(&talk(&named, port, ""), "its posture cannot be checked: `DB_URL` is not set");
    refused(&talk(&named, port, "nonsense"), "its posture cannot be checked: `DB_URL` is not a URL");
    let unnamed = home("postgres", port, "");
    let why = "its posture cannot be checked: guard has no user to look as: name the variable with its URL as the service's `url_env`";
    refused(&talk(&unnamed, port, &url("bare:p%40ss")), why);
    assert_eq!(talk(&home("postgres", port, "trusted = true"), port, "").code, Some(0));
    // Something else that listens there.
    let Some(other) = redis(&[]) else { return };
    let strange = talk(&home("postgres", other.port, "url_env = \"DB_URL\""), other.port, &url("bare"));
    assert!(strange.code == Some(125) && strange.stderr.contains("its posture cannot be checked"), "{strange:?}");
}

#[test]
fn a_postgresql_that_lets_anybody_in_is_not_opened_whoever_the_url_names() {
    let open = "it lets anybody in without a password";
    for (logins, cause) in [
        ("host all bare 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust", open),
        ("host all all 127.0.0.1/32 trust", open),
        ("host all all 127.0.0.1/32 password", "its posture cannot be checked: it asks for the password in clear text"),
    ] {
        let Some(server) = postgres(logins) else { return };
        let named = home("postgres", server.port, "url_env = \"DB_URL\"");
        refused(&talk(&named, server.port, "postgres://bare:p%40ss@localhost/postgres"), cause);
    }
    // Nobody else is let in at all.
    let Some(server) = postgres("host all bare 127.0.0.1/32 scram-sha-256") else { return };
    let named = home("postgres", server.port, "url_env = \"DB_URL\"");
    assert_eq!(talk(&named, server.port, "postgres://bare:p%40ss@localhost/postgres").code, Some(0));
}

#[test]
fn other_kinds_are_opened_where_a_person_trusts_them() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = std::io::Write::write_all(&mut stream, b"here");
        }
    });
    for kind in ["tcp", "http", "questdb"] {
        refused(
            &talk(&home(kind, port, ""), port, ""),
            "its posture cannot be checked: guard knows no way for its kind",
        );
        let trusted = talk(&home(kind, port, "trusted = true"), port, "");
        assert_eq!((trusted.code, trusted.stdout.as_str()), (Some(0), "b'here'\n"), "{}", trusted.stderr);
    }
    let nobody = free();
    refused(&talk(&home("tcp", nobody, "trusted = true"), nobody, ""), "it is down: Connection refused (os error 111)");
}

#[test]
fn an_empty_list_of_services_and_an_unknown_name_are_faults_of_the_policy() {
    for (services, fault) in [("[]", "services"), ("[\"nobody\"]", "nobody")] {
        let home = Home::with("python");
        let text = home.read("guard.toml");
        let rule = format!(
            "[[rule]]\nid = \"x\"\nprogram = \"python3\"\nverdict = \"allow\"\nservices = {services}\nreason = \"is a test\"\n"
        );
        home.write("guard.toml", &(text + &rule));
        let done = home.guard(&["exec", "--", "python3", "-c", "1"]);
        assert!(done.code == Some(78) && done.stderr.contains(fault), "{done:?}");
    }
}
