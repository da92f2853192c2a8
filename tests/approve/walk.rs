//! A scripted agent and a person on a real project, from the first question to the resume: every answer, exit code and
//! record of it.

use crate::cli::{Done, Home, agreed, done, path, tools};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const AGENT: &str = include_str!("agent.py");

const RISK: &str = "\"\"\"Risk rules.\"\"\"\n\n\ndef share(balance: float, risk: float) -> float:\n    \"\"\"The part of a balance that may be lost.\"\"\"\n    return balance + risk\n";
const TEST: &str = "\"\"\"Tests of risk rules.\"\"\"\n\nfrom services.risk import share\n\n\ndef test_share() -> None:\n    \"\"\"One percent of a thousand is ten.\"\"\"\n    assert share(1000, 0.01) == 10\n";
const LEDGER: &str = "day,units\n2026-11-20,3\n";
const FILE: &str = "services/risk.py";

/// The project, its person (an approver with a key) and what its agent was told so far.
struct Walk {
    home: Home,
    told: PathBuf,
    seen: usize,
    recorded: usize,
}

impl Walk {
    fn begin() -> Self {
        assert!(tools().join("pytest").exists(), "no pytest in {}: run scripts/test", tools().display());
        let home = Home::bare();
        for (name, text) in [
            ("services/__init__.py", "\"\"\"Services.\"\"\"\n"),
            (FILE, RISK),
            ("tests/__init__.py", "\"\"\"Tests.\"\"\"\n"),
            ("tests/test_risk.py", TEST),
            ("data/ledger.dat", LEDGER),
            ("data/prices.dat", LEDGER),
            ("../agent.py", AGENT),
        ] {
            home.write(name, text);
        }
        let init = home.guard(&["init", "--preset", "python", "--seed-file", "../seed"]);
        assert_eq!(init.code, Some(0), "{}", init.stderr);
        for name in ["anna", "eve"] {
            let key = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
                .arg(home.path().join(name))
                .status();
            assert!(key.expect("`ssh-keygen`: install openssh-client, as scripts/test does").success());
        }
        let added = agreed(&home, "guard approver add anna ../anna.pub");
        assert_eq!(added.code, Some(0), "{}", added.stdout);
        let told = home.path().join("told");
        fs::write(&told, "").unwrap();
        let mut walk = Self { home, told, seen: 0, recorded: 0 };
        assert_eq!(walk.recorded(), ["[GUARD] [INIT] [build_audit.log] [SUCCESS]", &walk.added()]);
        walk
    }

    fn added(&self) -> String {
        let list = self.home.guard(&["approver", "list", "--json"]).stdout;
        let list: Value = serde_json::from_str(&list).unwrap();
        format!("[APPROVAL] [ADD] [anna {}] [SUCCESS]", list["approvers"][0]["key"].as_str().unwrap())
    }

    /// Sets the agent to work, as a harness does: outside any fence.
    fn agent(&self, goals: &Value) -> Child {
        Command::new("python3")
            .arg(self.home.path().join("agent.py"))
            .args([env!("CARGO_BIN_EXE_guard"), &goals.to_string()])
            .arg(&self.told)
            .current_dir(&self.home.project)
            .env_clear()
            .env("PATH", path())
            .env("HOME", self.home.path())
            .spawn()
            .unwrap()
    }

    /// Calls of guard by the agent since this was asked last: its arguments, the exit code, and the answer without what
    /// differs from one run to the next.
    fn told(&mut self) -> Vec<Value> {
        let text = fs::read_to_string(&self.told).unwrap();
        let new: Vec<&str> = text.lines().skip(self.seen).collect();
        self.seen += new.len();
        new.into_iter()
            .map(|line| {
                let told: Value = serde_json::from_str(line).unwrap();
                let words: Vec<&str> = told["words"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                let answer = if told["answer"].is_null() { told["stdout"].clone() } else { lasting(&told["answer"]) };
                json!([words.join(" "), told["code"], answer])
            })
            .collect()
    }

    /// The person's parts of the records since this was asked last.
    fn recorded(&mut self) -> Vec<String> {
        let log = self.home.log();
        let new: Vec<String> = log.lines().skip(self.recorded).map(human).collect();
        self.recorded += new.len();
        new
    }

    /// Waits until the person has something of that name to answer.
    fn until(&self, what: &[&str], holds: impl Fn(&Done) -> bool) {
        let begun = Instant::now();
        loop {
            let found = self.home.guard(what);
            if holds(&found) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{what:?}: {found:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn waits_for(&self, name: &str) {
        self.until(&["pending", "--json"], |found| {
            let pending: Value = serde_json::from_str(&found.stdout).unwrap();
            pending["requests"]
                .as_array()
                .unwrap()
                .iter()
                .any(|request| request["name"] == name && request["approved_by"].is_null())
        });
    }

    /// The person's answer, signed with a key: `approve`, `deny` or `resume`, its name, and what they add.
    fn answers(&self, words: &[&str], key: &str) -> Done {
        let shown = self.home.guard(&["show", words[1], "--json"]);
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        assert_eq!(shown["required"], "signature", "{shown}");
        let (digest, key) = (shown["digest"].as_str().unwrap(), format!("../{key}"));
        self.home.guard(&[words, &["--digest", digest, "--key", &key]].concat())
    }
}

fn said(code: i32, stdout: &str) -> Done {
    Done { code: Some(code), stdout: stdout.into(), stderr: String::new() }
}

/// The part of a line that a person reads, without its time; what a command printed is left out.
fn human(line: &str) -> String {
    let (human, _) = line.split_once("] ").unwrap().1.split_once(" {\"v\":").unwrap();
    let label = human.split_once(':').map_or(human, |(label, _)| label);
    if ["STDOUT", "STDERR"].contains(&label) { label.to_owned() } else { human.to_owned() }
}

/// An answer without hash, time and what the check printed; of rules their verdicts and names.
fn lasting(answer: &Value) -> Value {
    let mut answer = answer.clone();
    let Some(members) = answer.as_object_mut().filter(|members| members.contains_key("rules")) else { return answer };
    for (key, value) in members {
        match key.as_str() {
            "rules" => {
                let rules = value.as_array().unwrap().iter();
                *value = rules
                    .map(|rule| {
                        json!(format!("{} {}", rule["verdict"].as_str().unwrap(), rule["id"].as_str().unwrap()))
                    })
                    .collect();
            }
            "log" => *value = value["seq"].clone(),
            "fence" => *value = value["level"].clone(),
            "duration_ms" => *value = json!(value.is_number()),
            "stdout" | "stderr"
                if value.as_str().is_some_and(|text| text.contains("===") || text.contains(" passed in ")) =>
            {
                *value = json!("pytest's");
            }
            _ => {}
        }
    }
    answer
}

/// A whole answer: nothing but what is said differs from one where nothing ran.
fn answer(said: Value) -> Value {
    let mut answer = json!({
        "verdict": null, "exit_code": null, "signal": null, "timed_out": false, "limit": null, "rules": [], "request": null,
        "stdout": null, "stderr": null, "truncated": false, "duration_ms": false, "fence": null, "log": null, "error": null,
        "proves": null, "category": null, "failures": null, "attempts": null, "hint": null, "halted": null,
        "changes": null,
    });
    answer.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
    answer
}

fn asked(seq: u64, name: &str) -> Value {
    answer(json!({
        "verdict": "ask", "exit_code": 75, "rules": ["ask guard:not-listed"], "request": name, "log": seq,
        "hint": format!(
            "a person has been asked (`{name}`): go on with something else, and repeat the same command once they have \
             answered; `guard wait {name}` waits for that"
        ),
    }))
}

/// What ran by a person's word, and changed a file.
fn ran(seq: u64, name: &str, path: &str, content: &str) -> Value {
    let sha256 = guard::event::line::hex(&<sha2::Sha256 as sha2::Digest>::digest(content));
    let file = json!({ "path": path, "change": "modify", "kind": "file", "sha256": sha256 });
    answer(json!({
        "verdict": "allow", "exit_code": 0, "rules": ["ask guard:not-listed"], "request": name, "log": seq, "stdout": "",
        "stderr": "", "duration_ms": true, "fence": "full",
        "changes": {
            "committed": true, "withheld": null, "files": [file], "more": 0, "rules": [], "cause": null, "request": null,
            "seq": seq, "notes": [],
        },
    }))
}

fn changed(path: &str) -> [String; 1] {
    [format!("[FILE] [COMMIT] [{path}] [SUCCESS]")]
}

fn requested(name: &str, command: &str) -> [String; 2] {
    [format!("[APPROVAL] [REQUEST] [{name}: {command}] [PENDING]"), format!("[SHELL] [EXEC] [{command}] [PENDING]")]
}

fn run(command: &str, code: u8, result: &str) -> [String; 5] {
    [
        format!("SHELL_EXEC: {command}"),
        format!("RETURN_CODE: {code}"),
        "STDOUT".into(),
        "STDERR".into(),
        format!("[SHELL] [EXEC] [{command}] [{result}]"),
    ]
}

fn approval(action: &str, name: &str, result: &str) -> [String; 1] {
    [format!("[APPROVAL] [{action}] [{name}] [{result}]")]
}

#[test]
fn an_agent_is_answered_stopped_and_resumed_by_a_person() {
    let mut walk = Walk::begin();
    asks_and_runs(&mut walk);
    is_denied(&mut walk);
    fails_and_goes_on(&mut walk);
    runs_in_other_ways(&mut walk);

    let verified = walk.home.guard(&["audit", "verify", "--seed", "../seed"]);
    assert!(verified.code == Some(0) && verified.stdout.starts_with("whole: 62 records\n"), "{verified:?}");
    let export = walk.home.guard(&["audit", "export"]);
    let exported: Vec<Value> = export.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exported.len(), 62);
    let of = |event: &str| -> Vec<&Value> {
        exported.iter().map(|line| &line["detail"]).filter(|detail| detail["event"] == event).collect()
    };
    for event in ["approved", "denied", "resumed", "approver_changed"] {
        for detail in of(event) {
            let strength = if event == "approver_changed" { "terminal" } else { "signature" };
            assert_eq!(detail["by"]["strength"], strength, "{detail}");
        }
    }
    let names = |event| of(event).iter().map(|detail| detail["name"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(names("approved"), ["command-1", "command-4", "command-5"]);
    assert_eq!(names("consumed"), names("approved"));
    assert_eq!(names("denied"), ["command-2"]);
    assert_eq!(
        (names("escalated"), names("analysed"), names("resumed")),
        (vec!["resume-3"], vec!["resume-3"], vec!["resume-3"])
    );
    let proved: Vec<_> = of("shell_end")
        .iter()
        .filter(|detail| detail["check"].is_object())
        .map(|detail| detail["check"]["proves"].clone())
        .collect();
    assert_eq!(proved, ["failure", "failure", "failure", "green"]);
}

/// Ask, approve by a signature, run by repeating.
fn asks_and_runs(walk: &mut Walk) {
    let command = "truncate -s 0 data/ledger.dat";
    let words: Vec<&str> = ["--reason", "it is made anew", "--"].into_iter().chain(command.split(' ')).collect();
    let mut agent = walk.agent(&json!([{ "words": words }]));
    walk.waits_for("command-1");
    let shown = walk.home.guard(&["show", "command-1"]).stdout;
    for line in [format!("  command:   {command}"), "  they say:  it is made anew".into()] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    let refused = walk.answers(&["approve", "command-1"], "eve");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(126), ""), "{}", refused.stderr);
    assert!(refused.stderr.starts_with("guard: the signature does not count: "), "{}", refused.stderr);
    // There is an approver, so that a terminal alone is too little; nobody is asked for a digest that would not help.
    let unsigned = agreed(&walk.home, "guard approve command-1");
    assert_eq!((unsigned.code, unsigned.stdout.contains("Type `")), (Some(125), false), "{}", unsigned.stdout);
    assert!(unsigned.stdout.starts_with("guard: no ssh-agent: "), "{}", unsigned.stdout);
    assert_eq!(walk.home.read("data/ledger.dat"), LEDGER);
    let approved = walk.answers(&["approve", "command-1"], "anna");
    assert_eq!(approved, said(0, "approved: `command-1` may run once\n"));
    assert!(agent.wait().unwrap().success());
    let exec = format!("exec --json --reason it is made anew -- {command}");
    assert_eq!(
        walk.told(),
        [
            json!([exec, 75, asked(4, "command-1")]),
            json!(["wait command-1 --json", 0, { "name": "command-1", "answer": "approved" }]),
            json!([exec, 0, ran(13, "command-1", "data/ledger.dat", "")]),
        ]
    );
    assert_eq!(walk.home.read("data/ledger.dat"), "");
    let expected = [
        &requested("command-1", command)[..],
        &approval("APPROVE", "command-1", "SUCCESS"),
        &approval("CONSUME", "command-1", "SUCCESS"),
        &run(command, 0, "SUCCESS"),
        // The first change begins an iteration.
        &["[GUARD] [ITERATION] [data/ledger.dat] [STARTED]".to_owned()],
        &changed("data/ledger.dat"),
    ];
    assert_eq!(walk.recorded(), expected.concat());
}

/// Ask, deny, and the same in other quotes.
fn is_denied(walk: &mut Walk) {
    let (command, other) = ("truncate -s 0 data/prices.dat", "truncate   -s '0' \"data/prices.dat\"");
    let words: Vec<&str> = ["--"].into_iter().chain(command.split(' ')).collect();
    let mut agent = walk.agent(&json!([{ "words": words, "others": [["-c", other]] }]));
    walk.waits_for("command-2");
    let denied = walk.answers(&["deny", "command-2", "--reason", "prices are bought"], "anna");
    assert_eq!(denied, said(0, "denied: `command-2`\n"));
    assert!(agent.wait().unwrap().success());
    let help = "reach the goal another way, or tell the person why it is needed";
    assert_eq!(
        walk.told(),
        [
            json!([format!("exec --json -- {command}"), 75, asked(15, "command-2")]),
            json!([
                "wait command-2 --json",
                126,
                answer(json!({
                    "verdict": "deny", "exit_code": 126, "hint": help,
                    "error": { "message": "`command-2`: a person denied it", "help": help },
                }))
            ]),
            json!([
                format!("exec --json -c {other}"),
                126,
                answer(json!({
                    "verdict": "deny", "exit_code": 126, "log": 17,
                    "rules": ["deny guard:denied-by-person", "ask guard:not-listed"],
                    "attempts": { "used": 1, "budget": 3, "total_used": 1, "total_budget": 3 },
                    "hint": format!("{help}: it stays denied until they trust a changed policy; this was refused before, and asking again counts: 1 of 3, then everything is halted"),
                }))
            ]),
        ]
    );
    assert_eq!(walk.home.read("data/prices.dat"), LEDGER);
    let refused = [format!("[SHELL] [EXEC] [{other}] [DENIED]")];
    let expected = [&requested("command-2", command)[..], &approval("DENY", "command-2", "DENIED"), &refused];
    assert_eq!(walk.recorded(), expected.concat());
}

/// Three failing runs with an edit after each, the halt, its report, a resume, and a green run.
fn fails_and_goes_on(walk: &mut Walk) {
    let edit = |old: &str, new: &str| json!([FILE, format!("balance {old} risk"), format!("balance {new} risk")]);
    let edits = json!([edit("+", "-"), edit("-", "/"), edit("/", "*")]);
    let mut agent = walk.agent(&json!([{ "words": ["--task", "risk-share", "--", "pytest", "-q"], "edits": edits }]));
    walk.until(&["escalations", "resume-3"], |report| report.stdout.contains("three formulas failed alike"));

    let status = walk.home.guard(&["status"]);
    assert_eq!(status.code, Some(77), "{}", status.stderr);
    assert!(
        status.stdout.starts_with("halted (resume-3): project: test errors after 3 attempts\n"),
        "{}",
        status.stdout
    );
    let report = walk.home.guard(&["escalations", "resume-3"]);
    assert_eq!((report.code, outline(&report.stdout)), (Some(0), REPORT.to_owned()), "{}", report.stdout);

    let refused = walk.answers(&["resume", "resume-3"], "eve");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(126), ""), "{}", refused.stderr);
    assert_eq!(walk.home.guard(&["exec", "--", "ls"]).code, Some(77));
    let resumed = walk.answers(&["resume", "resume-3", "--note", "a share is a product"], "anna");
    assert_eq!(resumed, said(0, "resumed: `resume-3`; every count begins anew\n"));
    assert!(agent.wait().unwrap().success());
    let again = walk.home.guard(&["resume", "resume-3"]);
    assert_eq!(again.code, Some(125), "{}", again.stdout);
    assert!(again.stderr.starts_with("guard: `resume-3`: it was resumed before\n"), "{}", again.stderr);

    let exec = "exec --json --task risk-share -- pytest -q";
    let failed = |seq: u64, used: u32, message: &str, hint: &str, halted: Option<&str>| {
        let spent = json!({ "used": used, "budget": 3, "total_used": used, "total_budget": 3 });
        let answer = answer(json!({
            "verdict": "allow", "exit_code": 1, "rules": ["allow tests", "allow guard:whitelist"], "log": seq,
            "stdout": "pytest's", "stderr": "", "duration_ms": true, "fence": "full", "proves": "failure", "category": "test",
            "failures": [{ "file": "tests/test_risk.py", "line": 8, "message": message }],
            "attempts": spent, "hint": hint, "halted": halted,
        }));
        json!([exec, 1, answer])
    };
    let stop = "stop here, and tell the person what you think is wrong with `guard escalate --analysis TEXT`; they decide how it goes on";
    let wrong = "three formulas failed alike, so the test may be wrong: tests/test_risk.py:8: assert 100000.0 == 10";
    let budget = |used: u32| json!({ "used": used, "budget": 3 });
    let none = |budget: u32| json!({ "used": 0, "budget": budget });
    assert_eq!(
        walk.told(),
        [
            failed(
                22,
                1,
                "assert 1000.01 == 10",
                "begin at tests/test_risk.py:8; attempt 1 of 3 in category test, 1 of 3 in all: after 2 more failures everything is halted and a person is called",
                None
            ),
            failed(
                27,
                2,
                "assert 999.99 == 10",
                "begin at tests/test_risk.py:8; attempt 2 of 3 in category test, 2 of 3 in all: one more failure halts everything and calls a person",
                None
            ),
            failed(
                33,
                3,
                "assert 100000.0 == 10",
                "that was the last attempt: everything is halted (`resume-3`) and a person is called; stop here, and tell them what you think is wrong with `guard escalate --analysis TEXT`",
                Some("resume-3")
            ),
            json!([
                "exec --json -- ls",
                77,
                answer(json!({
                    "verdict": "halted", "exit_code": 77, "log": 34, "hint": stop, "halted": "resume-3",
                    "error": { "message": "halted (`resume-3`): nothing runs until a person resumes", "help": stop },
                }))
            ]),
            json!(["status --json", 77, {
                "halted": { "name": "resume-3", "cause": "failures", "category": "test" },
                "attempts": {
                    "syntax": none(3), "import": none(2), "type": none(3), "test": budget(3), "runtime": none(2),
                    "database": none(1),
                },
                "total": budget(3), "denials": budget(1), "requests": [], "runs": 4, "running": 0, "denied": 1, "asked": 2,
                "timed_out": 0, "lost": 0, "unfinished": null, "records": 34, "mode": null, "phase": null, "phases": [],
                "iteration": { "seq": 12, "what": null, "files": ["data/ledger.dat"], "more": 0, "changed": 13, "green": null },
            }]),
            json!([
                format!("escalate --analysis {wrong}"),
                0,
                "already halted (`resume-3`): what you say is added to the report\n"
            ]),
            json!(["wait resume-3 --json", 0, { "name": "resume-3", "answer": "resumed" }]),
            json!([
                exec,
                0,
                answer(json!({
                    "verdict": "allow", "exit_code": 0, "rules": ["allow tests", "allow guard:whitelist"], "log": 42,
                    "stdout": "pytest's", "stderr": "", "duration_ms": true, "fence": "full", "proves": "green",
                }))
            ]),
        ]
    );
    let pytest = "pytest -q";
    let halted = ["[SHELL] [EXEC] [ls] [HALTED]".to_owned()];
    let expected = [
        &run(pytest, 1, "RETRY 1/3")[..],
        &run(pytest, 1, "RETRY 2/3"),
        &run(pytest, 1, "FAIL 3/3"),
        &["[ESCALATION] [HALT] [resume-3: project: test errors after 3 attempts] [ESCALATED]".to_owned()],
        &halted,
        &["[ESCALATION] [ANALYSE] [resume-3] [SUCCESS]".to_owned()],
        &halted,
        &["[ESCALATION] [RESUME] [resume-3] [SUCCESS]".to_owned()],
        &run(pytest, 0, "PASS"),
    ];
    assert_eq!(walk.recorded(), expected.concat());
    let report = walk.home.guard(&["escalations", "resume-3"]).stdout;
    assert!(report.trim_end().ends_with(" UTC by anna (signature): a share is a product"), "{report}");
}

const REPORT: &str = "\
[ESCALATION] project: test errors after 3 attempts
---
Phase: none is open
Error Category: Test
Files Modified: data/ledger.dat, services/risk.py (changed since TIME)
Last Error:
Self-Correction Attempts:
  1. pytest -q → assert 1000.01 == 10 (record #22)
  2. pytest -q → assert 999.99 == 10 (record #27)
  3. pytest -q → assert 100000.0 == 10
Recommendation:
  three formulas failed alike, so the test may be wrong: tests/test_risk.py:8: assert 100000.0 == 10
---
Name: resume-3
Time: TIME UTC
Task: risk-share
Last Command: pytest -q
Unverified:
  test: tests over .
  what `pytest -q` checks
  the files above: no check was green since they changed
To go on: guard resume resume-3 --note TEXT
To undo: guard undo SEQ, with the records of changes that `guard audit tail` shows; or git restore
";

/// A report without its times and what pytest printed.
fn outline(report: &str) -> String {
    let (head, rest) = report.split_once("Last Error:\n").unwrap();
    let (printed, tail) = rest.split_once("Self-Correction Attempts:\n").unwrap();
    assert!(printed.contains("assert share(1000, 0.01) == 10") && printed.contains("1 failed in"), "{report}");
    let text = format!("{head}Last Error:\nSelf-Correction Attempts:\n{tail}");
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").unwrap();
    time.replace_all(&text, "TIME").into_owned()
}

/// `exec --wait` while the person answers, and `run-approved`.
fn runs_in_other_ways(walk: &mut Walk) {
    let (waits, by_name) = ("truncate -s 3 data/ledger.dat", "truncate -s 3 data/prices.dat");
    let words = |first: &[&'static str], command: &'static str| -> Vec<&str> {
        first.iter().copied().chain(["--"]).chain(command.split(' ')).collect()
    };
    let mut agent = walk.agent(&json!([
        { "words": words(&["--wait=60"], waits) },
        { "words": words(&[], by_name), "approved_by_name": true },
    ]));
    for name in ["command-4", "command-5"] {
        walk.waits_for(name);
        let approved = walk.answers(&["approve", name], "anna");
        assert_eq!(approved, said(0, &format!("approved: `{name}` may run once\n")));
    }
    assert!(agent.wait().unwrap().success());
    assert_eq!(
        walk.told(),
        [
            json!([format!("exec --json --wait=60 -- {waits}"), 0, ran(52, "command-4", "data/ledger.dat", "\0\0\0")]),
            json!([format!("exec --json -- {by_name}"), 75, asked(54, "command-5")]),
            json!(["wait command-5 --json", 0, { "name": "command-5", "answer": "approved" }]),
            json!(["run-approved command-5 --json", 0, ran(62, "command-5", "data/prices.dat", "day")]),
        ]
    );
    assert_eq!((walk.home.read("data/ledger.dat"), walk.home.read("data/prices.dat")), ("\0\0\0".into(), "day".into()));
    let way = |name: &str, command: &str, path: &str| {
        [
            &requested(name, command)[..],
            &approval("APPROVE", name, "SUCCESS"),
            &approval("CONSUME", name, "SUCCESS"),
            &run(command, 0, "SUCCESS"),
            &changed(path),
        ]
        .concat()
    };
    assert_eq!(
        walk.recorded(),
        [way("command-4", waits, "data/ledger.dat"), way("command-5", by_name, "data/prices.dat")].concat()
    );
    let again = done(&mut walk.home.command(&["run-approved", "command-5"]));
    assert_eq!(again.code, Some(125), "{}", again.stderr);
    assert!(again.stderr.starts_with("guard: `command-5`: its approval was used before"), "{}", again.stderr);
}
