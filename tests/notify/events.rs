//! What a person is told of, and of what only once: requests, and whatever halts.

use super::{Post, Server, configure, reached, webhook};
use crate::cli::{Home, done};
use serde_json::json;

/// Event, name, title, and the text without its last sentence, whose command is the last.
fn told(post: Post) -> [String; 5] {
    let got = post.json();
    let part = |key: &str| got[key].as_str().unwrap().to_owned();
    let text = part("text");
    let (said, look) = text.split_once("\n\nLook at it with `").unwrap();
    let look = look.split('`').next().unwrap().to_owned();
    let told = [part("event"), part("name"), part("title"), said.to_owned(), look];
    post.answer("200 OK");
    told
}

#[test]
fn a_request_is_told_once_however_often_it_is_repeated() {
    let server = Server::start();
    let home = reached(&server);
    let ask = |command: &str| home.guard(&["exec", "--reason", "make room", "-c", command]).code;
    assert_eq!([ask("truncate -s 0 a.csv"), ask("truncate -s 0 a.csv")], [Some(75); 2]);
    let why = "This waits for an answer:\n\ntruncate -s 0 a.csv\n\n\
               guard:not-listed: neither the whitelist nor a rule allows `truncate`\nWhoever asks says: make room";
    let title = "guard: command-1 waits for a person";
    assert_eq!(told(server.post()), ["request", "command-1", title, why, "guard show command-1"]);
    server.quiet(&home);
    assert_eq!(ask("truncate -s 0 b.csv"), Some(75));
    assert_eq!(told(server.post())[1], "command-2");
    server.quiet(&home);
}

#[test]
fn who_waits_for_the_answer_hears_at_once_that_nobody_was_told() {
    let home = Home::with("default");
    configure(&home, "[notify]\ncommand = 5\n");
    let waited = home.guard(&["exec", "--wait=1", "-c", "truncate -s 0 a.csv"]);
    assert_eq!(waited.code, Some(75));
    let untold = waited.stderr.find("guard: a person was not told: the configuration is invalid").unwrap();
    let waits = waited.stderr.find("waiting for their answer").unwrap();
    assert!(untold < waits && waited.stderr.matches("was not told").count() == 1, "{}", waited.stderr);
}

#[test]
fn a_harness_s_request_is_told_as_well() {
    let server = Server::start();
    let home = reached(&server);
    let question = json!({
        "session_id": "a", "transcript_path": "/dev/null", "cwd": home.project, "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_use_id": "b",
        "tool_input": { "command": "truncate -s 0 a.csv", "description": "make room" },
    });
    let hook = || done(home.command(&["hook", "claude"]).write_stdin(question.to_string()));
    assert_eq!(hook().code, Some(2));
    let [event, name, _, said, _] = told(server.post());
    assert_eq!((event.as_str(), name.as_str()), ("request", "command-1"));
    assert!(said.ends_with("Whoever asks says: make room"), "{said}");
    configure(&home, "[notify]\ncommand = 5\n");
    assert!(!hook().stderr.contains("was not told"));
    let other = question.to_string().replace("a.csv", "b.csv");
    let untold = done(home.command(&["hook", "claude"]).write_stdin(other));
    assert_eq!(untold.code, Some(2));
    assert!(untold.stderr.contains("a person was not told: the configuration is invalid"), "{}", untold.stderr);
    server.quiet(&home);
}

#[test]
fn an_agent_that_stops_calls_a_person_once() {
    let server = Server::start();
    let home = reached(&server);
    let analysis = "the fixture is wrong";
    assert_eq!(home.guard(&["escalate", "--analysis", analysis]).code, Some(0));
    let said = format!("Nothing runs until a person has looked at it.\n\nnone\n\nWhoever stopped says: {analysis}");
    let title = "guard: halted: project: the agent stopped and asks";
    assert_eq!(told(server.post()), ["escalation", "resume-1", title, &said, "guard escalations resume-1"]);
    assert_eq!(home.guard(&["escalate", "--analysis", "and more"]).code, Some(0));
    assert_eq!(home.guard(&["exec", "-c", "truncate -s 0 a.csv"]).code, Some(77));
    server.quiet(&home);
}

#[test]
fn the_failures_and_the_refusals_that_halt_call_a_person() {
    let server = Server::start();
    let home = Home::with("python");
    configure(&home, &(webhook(&server.url()) + "events = \"escalation\"\n"));
    home.write("broken.py", "def f(:\n");
    home.trust("[[rule]]\nid = \"own\"\nprogram = \"python3\"\nargs = \"broken.py\"\nverdict = \"allow\"\nreason = \"a test\"\ncheck = \"syntax\"\n");
    let mut codes = Vec::new();
    while codes.last() != Some(&Some(77)) && codes.len() < 9 {
        codes.push(home.guard(&["exec", "--", "python3", "broken.py"]).code);
    }
    assert!(codes.len() > 2 && codes.pop() == Some(Some(77)), "{codes:?}");
    let [event, name, title, said, look] = told(server.post());
    assert_eq!((event, look), ("escalation".into(), format!("guard escalations {name}")));
    assert!(title.starts_with("guard: halted: project: syntax errors after "), "{title}");
    assert!(said.contains("SyntaxError"), "{said}");
    server.quiet(&home);

    let home = reached(&server);
    let mut codes = Vec::new();
    while codes.last() != Some(&Some(77)) && codes.len() < 9 {
        codes.push(home.guard(&["exec", "--", "sudo", "ls"]).code);
    }
    assert!(codes.len() > 2 && codes.pop() == Some(Some(77)), "{codes:?}");
    let [event, _, title, said, _] = told(server.post());
    assert_eq!(event, "escalation");
    assert!(title.contains("asked ") && said.contains("sudo"), "{title}: {said}");
    server.quiet(&home);
}

/// APPROVALS: what reaches the agent or the wire never approves: neither the digest a person types nor what it stands for.
#[test]
fn nothing_that_is_sent_would_approve_or_resume() {
    let server = Server::start();
    let home = reached(&server);
    assert_eq!(home.guard(&["exec", "-c", "truncate -s 0 a.csv"]).code, Some(75));
    assert_eq!(home.guard(&["halt"]).code, Some(0));
    let posts = [server.post(), server.post()];
    let log = home.log();
    let secrets: Vec<&str> = ["\"nonce\":\"", "\"content\":\"", "\"same\":\""]
        .iter()
        .flat_map(|key| log.split(key).skip(1).map(|rest| rest.split('"').next().unwrap()))
        .collect();
    assert!(secrets.len() >= 5, "{log}");
    let shown = home.guard(&["show", "command-1"]).stdout;
    let digests: Vec<&str> = shown
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
        .filter(|word| word.len() == 9 && word.as_bytes()[4] == b'-')
        .collect();
    for post in posts {
        let body = &post.body;
        assert!(!secrets.iter().chain(&digests).any(|secret| body.contains(secret)), "{body}");
        for word in ["guard approve", "guard resume", "guard deny", "://", "digest"] {
            assert!(!body.contains(word), "{body}");
        }
        post.answer("200 OK");
    }
    server.quiet(&home);
}

#[test]
fn the_end_of_a_plan_is_told_once_and_only_where_something_was_done() {
    let server = Server::start();
    let home = reached(&server);
    home.write("a.py", "A = 1\n");
    home.write(
        "plan.toml",
        "version = 1\n[agent]\nkind = \"command\"\nrun = [\"true\"]\n[[phase]]\nid = \"1.1\"\ndescription = \"the first\"\n\
         files = [\"a.py\"]\n[phase.checks]\nlint = \"cat a.py\"\n",
    );
    for _ in 0..2 {
        let done = home.guard(&["loop", "plan.toml"]);
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    }
    let text = "Every phase is complete:\n\n1.1: the first";
    assert_eq!(told(server.post()), ["end", "loop", "guard: plan.toml is done", text, "guard report --all"]);
    server.quiet(&home);
}
