//! `guard agent replay` does in the fence what its file says, by calling guard.

use super::{GUARD, attempt, brief, replayed, scene};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn each_action_is_a_call_of_guard_and_its_result_a_line() {
    let actions = attempt(&[
        "say = \"the limit first\"",
        "write = \"risk.py\"\ncontent = \"LIMIT = 3\\n\"\nreason = \"the goal\"",
        "edit = \"risk.py\"\nfind = \"= 3\"\nreplace = \"= 2\"",
        "exec = \"cat risk.py; exit 4\"",
        "exec = [\"cat\", \"a b\"]",
        "exec = \"rm -rf /\"",
        "cost = 0.25",
        "sleep = \"10ms\"",
        "exit = 3",
        "say = \"never\"",
    ]);
    let home = scene("", &actions);
    home.write("a b", "with a blank\n");
    let ran = replayed(&home, &brief("1.1", 1));
    let expected = "\
{\"say\":\"the limit first\"}
{\"code\":0,\"did\":\"write\",\"what\":\"risk.py\"}
{\"code\":0,\"did\":\"edit\",\"what\":\"risk.py\"}
{\"code\":4,\"did\":\"exec\",\"what\":\"cat risk.py; exit 4\"}
{\"code\":0,\"did\":\"exec\",\"what\":\"cat a b\"}
{\"code\":126,\"did\":\"exec\",\"what\":\"rm -rf /\"}
{\"cost_usd\":0.25}
{\"did\":\"sleep\",\"seconds\":0.01}
{\"code\":3,\"did\":\"exit\"}
";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), expected), "{}", ran.stderr);
    assert_eq!(home.read("risk.py"), "LIMIT = 2\n");
    let printed = ["LIMIT = 2\n", "with a blank\n", "refused by policy"];
    assert!(printed.iter().all(|text| ran.stderr.contains(text)), "{}", ran.stderr);
    let log = home.log();
    assert!(log.contains("\"calls\":5") && log.contains("Created risk.py: the goal"), "{log}");
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn the_brief_chooses_what_is_done() {
    let actions = "[[attempt]]\nphase = \"1.1\"\nattempt = 2\ndo = [{ say = \"two\" }]\n\
                   [[attempt]]\nphase = \"1.1\"\nattempt = \"any\"\ndo = [{ say = \"any\" }]\n\
                   [[attempt]]\nphase = \"1.2\"\nattempt = 1\ndo = [{ say = \"other\" }]\n";
    let home = scene("", actions);
    for (phase, attempt, said) in [
        ("1.1", 1, "{\"say\":\"any\"}\n"),
        ("1.1", 2, "{\"say\":\"two\"}\n"),
        ("1.2", 1, "{\"say\":\"other\"}\n"),
        ("1.2", 2, ""),
        ("2.1", 1, ""),
    ] {
        let ran = replayed(&home, &brief(phase, attempt));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), said), "{phase} {attempt}: {}", ran.stderr);
    }
    let by_hand = home.guard(&["run", "--", GUARD, "agent", "replay", "actions.toml", "--phase=1.1", "--attempt=2"]);
    assert_eq!((by_hand.code, by_hand.stdout.as_str()), (Some(0), "{\"say\":\"two\"}\n"), "{}", by_hand.stderr);
}

#[test]
fn a_call_that_must_succeed_ends_it_where_it_does_not() {
    let home =
        scene("", &attempt(&["exec = \"true\"\nmust = true", "exec = \"false\"\nmust = true", "say = \"never\""]));
    let ran = replayed(&home, &brief("1.1", 1));
    let expected = "\
{\"code\":0,\"did\":\"exec\",\"what\":\"true\"}
{\"code\":1,\"did\":\"exec\",\"what\":\"false\"}
{\"failed\":\"line 7: `exec` had to succeed, and ended with 1\"}
";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), expected), "{}", ran.stderr);
}

#[test]
fn a_database_is_asked_by_name() {
    let table = "[[database]]\nname = \"shop\"\nkind = \"sqlite\"\nurl_env = \"SHOP_URL\"\n";
    let query = |sql: &str| format!("db = {{ database = \"shop\", sql = \"{sql}\" }}");
    let home = scene(table, &attempt(&[&query("SELECT name FROM items"), &query("DELETE FROM items")]));
    home.write(".env", "SHOP_URL=sqlite:///shop.db\n");
    let database = rusqlite::Connection::open(home.project.join("shop.db")).unwrap();
    database.execute_batch("CREATE TABLE items (name TEXT); INSERT INTO items VALUES ('spade')").unwrap();
    let ran = replayed(&home, &brief("1.1", 1));
    let codes: Vec<_> = ran.stdout.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(codes, ["{\"code\":0", "{\"code\":75"], "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("spade"), "{}", ran.stderr);
    let left: i64 = database.query_row("SELECT count(*) FROM items", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
}

/// Processes that `fork` left behind in this home's fence.
fn left_behind(home: &crate::cli::Home) -> usize {
    let whose = home.path().as_os_str().as_encoded_bytes();
    let holds = |all: &[u8], part: &[u8]| all.windows(part.len()).any(|window| window == part);
    let all = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    all.filter(|process| {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        command.starts_with(b"sh\0-c\0trap '' HUP INT TERM")
            && holds(&fs::read(process.join("environ")).unwrap_or_default(), whose)
    })
    .count()
}

fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_it_leaves_behind_ends_with_it_however_it_ends() {
    let home = scene("", &attempt(&["fork = true", "say = \"forked\"", "hang = true"]));
    let mut guard = Command::new(GUARD)
        .args(["run", "--", GUARD, "agent", "replay", "actions.toml", "--phase=1.1", "--attempt=1"])
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", crate::cli::path())
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("it is seen while it is there", || left_behind(&home) == 1);
    guard.kill().unwrap();
    guard.wait().unwrap();
    until("it ends with guard", || left_behind(&home) == 0);

    let home = scene("", &attempt(&["fork = true", "exit = 0"]));
    let ran = replayed(&home, &brief("1.1", 1));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("\"did\":\"fork\",\"error\":null"), "{}", ran.stdout);
    assert_eq!(left_behind(&home), 0);
}

#[test]
fn one_that_never_ends_is_ended_in_time() {
    let home = scene("[run]\ntimeout = \"2s\"\n", &attempt(&["fork = true", "hang = true"]));
    let begun = Instant::now();
    let ran = replayed(&home, &brief("1.1", 1));
    assert_eq!(ran.code, Some(124), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.ends_with("{\"did\":\"hang\"}\n"), "{}", ran.stdout);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(left_behind(&home), 0);
}
