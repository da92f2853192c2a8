//! Calls of guard from inside: judged, run and recorded outside, and only those that are an agent's.

use super::{events, harness, scene};
use std::fs;

#[test]
fn a_command_of_an_agent_is_judged_run_and_recorded_outside() {
    let home = scene("");
    let line =
        "echo early > direct; guard exec -- sh -c 'echo kept > made; echo said; echo wrong >&2; exit 3'; echo $?";
    let ran = harness(&home, line);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "said\n3\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("direct: Read-only file system") && ran.stderr.contains("wrong\n"), "{}", ran.stderr);
    assert_eq!(home.read("made"), "kept\n");
    assert!(!home.project.join("direct").exists());
    let expected = [
        "agent_started",
        "shell_start",
        "return_code",
        "output",
        "output",
        "shell_end",
        "iteration_started",
        "change_committed",
        "agent_ended",
    ];
    assert_eq!(events(&home), expected);
    assert!(home.log().contains("\"calls\":1"), "{}", home.log());
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn streams_folder_and_words_go_through_as_they_are() {
    let home = scene("");
    fs::create_dir(home.project.join("a b")).unwrap();
    let line = "cd 'a b' && printf 'one\\ntwo' | guard exec -- sh -c 'cat; pwd; printf \"<%s>\" \"$@\" >&2' sh 'x  y' '' \
                \"it's\" | tail -n 1; guard exec -- true $'\\xff'";
    let ran = harness(&home, line);
    assert_eq!(ran.stdout, format!("one\ntwo{}\n", home.project.join("a b").display()).split_off(4), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("<x  y><><it's>guard: refused by policy"), "{}", ran.stderr);
    assert!(ran.stderr.contains("is not UTF-8"), "{}", ran.stderr);
}

#[test]
fn files_of_the_harness_s_own_can_be_its_streams() {
    let home = scene("");
    let line = "echo given > /tmp/in; guard exec -- sh -c 'cat; echo wrong >&2' < /tmp/in > /tmp/out 2> /tmp/err; cat /tmp/out /tmp/err; \
                while read -r line; do echo \"read $line\"; guard exec -- true; done <<< $'one\\ntwo'; rm /tmp/in";
    assert_eq!(harness(&home, line).stdout, "given\nwrong\nread one\nread two\n");
}

#[test]
fn a_person_is_told_of_what_is_asked_from_inside() {
    let home = scene("");
    let told = home.path().join("told");
    let config = home.path().join(".config/guard");
    fs::create_dir_all(&config).unwrap();
    let text = format!("[notify]\ncommand = [\"/bin/sh\", \"-c\", \"echo told > {}\"]\n", told.display());
    fs::write(config.join("config.toml"), text).unwrap();
    let ran = harness(&home, "guard exec -- id; echo $?");
    assert_eq!(ran.stdout, "75\n", "{}", ran.stderr);
    let begun = std::time::Instant::now();
    while !told.exists() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{}", home.log());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn calls_may_be_made_at_once_and_each_gets_its_own_answer() {
    let home = scene("[limits]\nparallel = 20");
    let line = "for n in $(seq 20); do (guard exec -- sh -c \"sleep 0.2; exit $n\"; echo $n $? >> /tmp/all) & done; wait; \
                sort -n /tmp/all";
    let expected: String = (1..=20).map(|n| format!("{n} {n}\n")).collect();
    assert_eq!(harness(&home, line).stdout, expected);
}

#[test]
fn what_is_a_person_s_cannot_be_reached_and_is_recorded() {
    let home = scene("");
    let calls = [
        "init",
        "approve command-1",
        "deny command-1",
        "resume command-1",
        "halt",
        "approver add x /dev/null",
        "policy trust",
        "undo 1",
        "hook uninstall claude",
        "notify test",
        "pending",
        "audit tail",
        "doctor",
        "run -- true",
        "-C / status",
        "status -C /",
        "exec -C / -- true",
    ];
    let line: String = calls.iter().map(|call| format!("guard {call}; echo $?; ")).collect();
    let ran = harness(&home, &format!("{line} guard exec -- id; echo $?; guard approve command-7; echo $?"));
    assert_eq!(ran.stdout, format!("{}75\n126\n", "126\n".repeat(calls.len())), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("is not for an agent").count(), calls.len() + 1, "{}", ran.stderr);
    let waits = home.guard(&["pending"]);
    assert!(waits.stdout.contains("command-"), "{}", waits.stdout);
    let refused: Vec<String> = events(&home).into_iter().filter(|event| event == "call_refused").collect();
    assert_eq!(refused.len(), calls.len() + 1);
    assert!(home.log().contains("[AGENT] [CALL] [guard policy trust] [DENIED]"), "{}", home.log());
    assert!(!home.log().contains("\"approved\"") && !home.log().contains("policy_trusted"), "{}", home.log());
}

#[test]
fn an_agent_may_ask_wait_look_and_escalate() {
    let home = scene("");
    let ran = harness(
        &home,
        "guard check -c 'rm -rf /' >/dev/null; echo $?; guard wait nothing-1; echo $?; guard status | head -n 1; \
         guard escalate --analysis 'the plan is wrong'; guard exec -- true; echo $?; guard --version | cut -d' ' -f1",
    );
    assert_eq!(ran.stdout.lines().next(), Some("126"), "{}", ran.stderr);
    assert!(ran.stdout.contains("open: nothing is halted\n"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("77\nguard\n"), "{}", ran.stdout);
    // A harness is not begun either until a person has resumed.
    let again = harness(&home, "true");
    assert_eq!(again.code, Some(77), "{}", again.stderr);
}

#[test]
fn a_harness_s_hook_is_answered_from_outside() {
    let home = scene("");
    let ask = |command: &str| {
        let question = serde_json::json!({
            "hook_event_name": "PreToolUse", "cwd": home.project, "tool_name": "Bash", "tool_input": {"command": command},
        });
        harness(&home, &format!("guard hook claude <<'X'\n{question}\nX\necho $?"))
    };
    assert!(ask("rm -rf /").stdout.contains("\"deny\""), "{}", ask("rm -rf /").stdout);
    let allowed = ask("ls");
    assert!(allowed.stdout.contains("exec -c ls") && allowed.stdout.ends_with("0\n"), "{}", allowed.stdout);
}

#[test]
fn guard_acts_in_the_project_alone_that_the_harness_was_started_in() {
    let home = scene("");
    let nested = home.project.join("nested");
    fs::create_dir(&nested).unwrap();
    fs::write(nested.join("guard.toml"), format!("version = 1\n{}", super::RULES)).unwrap();
    let made = home.command(&["init"]).current_dir(&nested).output().unwrap();
    assert!(made.status.success());
    let ran = harness(
        &home,
        "cd nested; guard exec -- true; echo $?; cd /tmp; guard exec -- true; echo $?; cd /; guard status; echo $?",
    );
    assert_eq!(ran.stdout, "125\n125\n125\n");
    assert!(ran.stderr.contains("is another project than the one this agent works in"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`/tmp` is none of it"), "{}", ran.stderr);
}
