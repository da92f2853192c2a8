//! What is sent through a command and a webhook, how often it is tried, and what is recorded.

use super::{SECRET, Server, ask, asking, configure, failure, folder, reached, sent, waiting, webhook};
use crate::cli::{Home, done};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A program that keeps what it is given.
fn keeper(home: &Home) -> PathBuf {
    let path = home.path().join("keep");
    let kept = home.path().display().to_string();
    let script = format!("#!/bin/sh\ncat > {kept}/stdin\nenv | sort > {kept}/env\necho \"$@\" > {kept}/arguments\n");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The whole message about the only request of a home, as it must be.
fn message(home: &Home, got: &Value) -> Value {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned();
    let name = got["name"].as_str().unwrap();
    let time = got["time"].as_str().unwrap();
    assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
    let text = got["text"].as_str().unwrap();
    let (said, look) = text.split_once("\n\nLook at it with `guard ").unwrap();
    assert_eq!((name, look.split('`').next().unwrap()), ("command-1", "show command-1"));
    let expected = "This waits for an answer:\n\ntruncate -s 0 data.csv\n\n";
    assert!(said.starts_with(expected) && said.len() > expected.len(), "{text}");
    assert!(look.ends_with(&format!("` in `{}` on `{host}`.\n", home.project.display())), "{text}");
    json!({
        "v": 1, "event": "request", "name": name, "host": host, "time": time,
        "project": { "name": "project", "log_id": home.state().file_name().unwrap().to_str() },
        "title": format!("guard: {name} waits for a person"), "text": text,
    })
}

#[test]
fn a_command_gets_the_notice_and_nothing_of_the_caller_s_but_what_a_desktop_needs() {
    let home = Home::with("default");
    configure(&home, &format!("[notify]\ncommand = [\"{}\", \"a b\", \"$HOME\"]\n", keeper(&home).display()));
    let mut call = home.command(&["exec", "-c", "truncate -s 0 data.csv"]);
    call.env("DISPLAY", ":7")
        .env("AWS_SECRET_ACCESS_KEY", "canary-of-the-caller")
        .env("PATH", "/usr/bin:/bin:/nowhere");
    assert_eq!(asking(done(&mut call)).stdout, "");
    sent(&home);
    let kept = |name: &str| fs::read_to_string(home.path().join(name)).unwrap();
    let got: Value = serde_json::from_str(&kept("stdin")).unwrap();
    assert_eq!(got, message(&home, &got));
    assert_eq!(kept("arguments"), "a b $HOME\n");
    let text = got["text"].as_str().unwrap().trim_end();
    let mut expected = format!(
        "DISPLAY=:7\nGUARD_NOTICE_TEXT={text}\nGUARD_NOTICE_TITLE={}\nHOME={}\nLANG=C.UTF-8\n\
         PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\n",
        got["title"].as_str().unwrap(),
        home.path().display()
    );
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        lines.retain(|line| !line.starts_with("_=") && !line.starts_with("OLDPWD="));
        lines.sort();
        lines
    };
    assert_eq!(sorted(&kept("env")), sorted(&std::mem::take(&mut expected)));
    assert!(!home.log().contains("[NOTIFY]"));
}

#[test]
fn a_post_is_signed_stamped_and_says_everything() {
    let server = Server::start();
    let home = reached(&server);
    let mut call = home.command(&["exec", "-c", "truncate -s 0 data.csv"]);
    // A proxy of the caller's choice would read along.
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy", "https_proxy"] {
        call.env(name, "http://127.0.0.1:9");
    }
    assert_eq!(asking(done(&mut call)).stdout, "");
    let post = server.post();
    let got = post.json();
    assert_eq!(got, message(&home, &got));
    assert_eq!(post.head, "POST /hook?token=URLTOKEN HTTP/1.1");
    let header = |name: &str| post.headers[name].clone();
    let stamp = header("guard-timestamp");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(stamp.parse().unwrap()) < 60, "{stamp}");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("v1:{stamp}:{}", post.body).as_bytes());
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(header("guard-signature"), format!("v1={expected}"));
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("user-agent"), format!("guard/{}", env!("CARGO_PKG_VERSION")));
    let name = got["name"].as_str().unwrap();
    let random = header("guard-delivery").strip_prefix(&format!("{name}-")).unwrap().to_owned();
    assert!(random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()), "{random}");
    post.answer("204 No Content");
    server.quiet(&home);
    assert!(!home.log().contains("[NOTIFY]"));
}

#[test]
fn what_fails_twice_arrives_at_the_third_try_as_the_same_delivery() {
    let server = Server::start();
    let home = reached(&server);
    ask(&home);
    let mut tries = Vec::new();
    for status in ["500 Oops", "429 Slow Down", "200 OK"] {
        let post = server.post();
        tries.push((post.headers["guard-delivery"].clone(), post.body.clone()));
        post.answer(status);
    }
    tries.dedup();
    assert_eq!(tries.len(), 1);
    server.quiet(&home);
    assert!(!home.log().contains("[NOTIFY]"));
}

#[test]
fn three_failures_are_recorded_and_it_is_not_tried_again() {
    let server = Server::start();
    let home = reached(&server);
    ask(&home);
    for _ in 0..3 {
        server.post().answer("503 Gone Fishing");
    }
    let (human, machine) = failure(&home);
    let name = machine["name"].as_str().unwrap();
    assert_eq!((name, human.as_str()), ("command-1", "[GUARD] [NOTIFY] [command-1: webhook] [FAIL]"));
    assert_eq!(
        machine,
        json!({ "v": 1, "event": "notify_failed", "name": name, "channel": "webhook", "tries": 3,
                "cause": "it answered 503" })
    );
    assert_eq!(home.guard(&["deliver"]).code, Some(0));
    server.quiet(&home);
}

#[test]
fn what_another_try_cannot_mend_is_tried_once() {
    for (status, cause) in [
        ("400 Bad Request", "it answered 400"),
        ("410 Gone", "it answered 410"),
        ("302 Found\r\nlocation: /elsewhere", "it answered 302, and redirects are not followed"),
    ] {
        let server = Server::start();
        let home = reached(&server);
        ask(&home);
        server.post().answer(status);
        let (_, machine) = failure(&home);
        assert_eq!((&machine["tries"], &machine["cause"]), (&json!(1), &json!(cause)));
        server.quiet(&home);
    }
}

#[test]
fn a_server_that_is_not_there_and_one_that_never_answers_are_failures() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let home = Home::with("default");
    configure(&home, &webhook(&format!("http://{nobody}/")));
    ask(&home);
    let (_, machine) = failure(&home);
    assert_eq!(machine["tries"], json!(3));
    let cause = machine["cause"].as_str().unwrap();
    assert!(cause.contains("127.0.0.1") && cause.contains("onnect"), "{cause}");

    let server = Server::start();
    let home = Home::with("default");
    configure(&home, &webhook(&server.url()).replace("60s", "200ms"));
    ask(&home);
    let _withheld: Vec<_> = (0..3).map(|_| server.post()).collect();
    let (_, machine) = failure(&home);
    assert_eq!((&machine["tries"], &machine["cause"]), (&json!(3), &json!("no answer from `127.0.0.1` within 0.2 s")));
}

#[test]
fn a_name_is_looked_up_and_in_clear_goes_to_this_machine_alone() {
    let server = Server::start();
    let home = Home::with("default");
    configure(&home, &webhook(&format!("http://localhost:{}/", server.address.port())));
    ask(&home);
    let post = server.post();
    assert_eq!(post.headers["host"], format!("localhost:{}", server.address.port()));
    post.answer("200 OK");
    server.quiet(&home);

    let home = Home::with("default");
    configure(&home, &webhook("https://no-such-host.invalid/"));
    ask(&home);
    assert_eq!(failure(&home).1["cause"], json!("the name `no-such-host.invalid` is not known"));
}

#[test]
fn a_command_that_fails_is_tried_thrice_and_one_that_is_not_there_once() {
    let home = Home::with("default");
    let count = home.path().join("count");
    let line = format!("echo x >> {}; echo no bus >&2; exit 3", count.display());
    configure(&home, &format!("[notify]\ncommand = [\"sh\", \"-c\", \"{line}\"]\nretry = \"10ms\"\n"));
    ask(&home);
    let (human, machine) = failure(&home);
    assert!(human.ends_with(": command] [FAIL]"), "{human}");
    assert_eq!((&machine["tries"], &machine["cause"]), (&json!(3), &json!("it ended with exit code 3: no bus")));
    assert_eq!(fs::read_to_string(count).unwrap(), "x\nx\nx\n");

    // Nor is one found where the caller's PATH says.
    let home = Home::with("default");
    let keeper = keeper(&home);
    configure(&home, "[notify]\ncommand = \"keep\"\n");
    let mut call = home.command(&["exec", "-c", "truncate -s 0 data.csv"]);
    call.env("PATH", format!("{}:/usr/bin:/bin", keeper.parent().unwrap().display()));
    asking(done(&mut call));
    let (_, machine) = failure(&home);
    assert_eq!(machine["tries"], json!(1));
    assert!(machine["cause"].as_str().unwrap().starts_with("it cannot be started: No such file"), "{machine}");
}

#[test]
fn one_channel_s_failure_is_not_the_other_s() {
    let server = Server::start();
    let home = Home::with("default");
    configure(&home, &(webhook(&server.url()) + "command = \"false\"\n"));
    ask(&home);
    server.post().answer("200 OK");
    let (human, _) = failure(&home);
    assert!(human.ends_with(": command] [FAIL]"), "{human}");
    server.quiet(&home);
}

#[test]
fn what_is_not_wanted_is_not_told_and_without_a_configuration_nothing_is_kept() {
    let server = Server::start();
    let home = Home::with("default");
    ask(&home);
    assert!(!home.state().join("notices").exists());
    configure(&home, &(webhook(&server.url()) + "events = \"escalation\"\n"));
    ask(&home);
    assert!(!home.state().join("notices").exists());
    fs::remove_file(folder(&home).join("config.toml")).unwrap();
    ask(&home);
    assert_eq!(waiting(&home), Vec::<PathBuf>::new());
    server.quiet(&home);
}

#[test]
fn what_is_denied_or_runs_is_told_to_nobody() {
    let server = Server::start();
    let home = reached(&server);
    assert_eq!(home.guard(&["exec", "--", "ls"]).code, Some(0));
    assert_eq!(home.guard(&["exec", "--", "sudo", "ls"]).code, Some(126));
    assert_eq!(home.guard(&["check", "-c", "truncate -s 0 data.csv"]).code, Some(75));
    server.quiet(&home);
    assert!(!home.state().join("notices").exists());
}

#[test]
fn a_test_goes_through_every_channel_at_once_and_says_what_came_of_each() {
    let server = Server::start();
    let home = Home::with("default");
    let none = home.guard(&["notify", "test"]);
    assert_eq!(none.code, Some(125));
    assert!(none.stderr.contains("nobody is told when a person is needed"), "{}", none.stderr);

    configure(&home, &(webhook(&server.url()) + &format!("command = \"{}\"\n", keeper(&home).display())));
    let test = |status: &'static str| {
        std::thread::scope(|scope| {
            let call = scope.spawn(|| home.guard(&["notify", "test"]));
            let post = server.post();
            let got = post.json();
            assert_eq!((&got["event"], &got["project"], &got["name"]), (&json!("test"), &Value::Null, &json!("test")));
            post.answer(status);
            call.join().unwrap()
        })
    };
    let keep = format!("command: `{}`: sent\n", keeper(&home).display());
    let fine = test("200 OK");
    assert_eq!((fine.code, fine.stdout), (Some(0), format!("{keep}webhook: `127.0.0.1`: sent\n")));
    let broken = test("500 Oops");
    let said = format!("{keep}webhook: `127.0.0.1`: FAILED: it answered 500\n");
    assert_eq!((broken.code, broken.stdout), (Some(125), said));
    assert!(fs::read_to_string(home.path().join("stdin")).unwrap().contains("\"event\":\"test\""));
    assert!(!home.log().contains("NOTIFY"));
}
