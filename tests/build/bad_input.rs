//! Plans that are none, agents that misbehave, and a world that does not hold still: each has its message and its exit code, and the
//! next call goes on.

use super::{Scene, attempt, phase};
use crate::cli::agreed;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A file that the phase wants.
const GOOD: &str = "write = \"a.py\"\ncontent = \"A = 1\\n\"";
/// A phase that wants it.
const CHECKED: &str = "checks = { lint = \"cat a.py\" }";

/// One phase whose agent does these things at its first attempt, and what is wanted at the second.
fn once(more: &str, actions: &[&str]) -> Scene {
    let actions = attempt("1.1", "1", actions) + &attempt("1.1", "2", &[GOOD]);
    Scene::new("", &phase("1.1", "*.py", &format!("{CHECKED}\n{more}")), &actions)
}

/// How the first attempt ended, where the second is good.
#[track_caller]
fn attempted(scene: &Scene, first: &[&str], told: &str) {
    let done = scene.ends(&[], 0);
    assert!(done.stdout.contains(told), "{told}: {}", done.stdout);
    let second = ["1.1 2 agent pass", "1.1 2 lint pass"];
    assert_eq!(scene.steps(), [first, &second].concat());
    scene.whole();
}

/// Guard itself, in the background.
fn spawn(scene: &Scene, words: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(words)
        .current_dir(&scene.home.project)
        .env_clear()
        .env("PATH", crate::cli::path())
        .env("HOME", scene.home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[track_caller]
fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_plan_that_is_none_is_told_with_its_place_and_nothing_begins() {
    let agent = "version = 1\n[agent]\nkind = \"script\"\nfile = \"actions.toml\"\n";
    let cycle = phase("1.1", "*.py", &format!("{CHECKED}\nafter = [\"1.2\"]"))
        + &phase("1.2", "*.py", &format!("{CHECKED}\nafter = [\"1.1\"]"));
    for (plan, told) in [
        (String::new(), "plan.toml:1:1: no `version`"),
        (agent.to_owned(), "plan.toml:1:1: a plan without a phase"),
        (format!("{agent}{cycle}"), "plan.toml:11:10: a cycle: 1.1 comes after 1.2 comes after 1.1"),
        (
            format!("{agent}{}", phase("1.1", "*.py", &format!("{CHECKED}\nlimits = {{ agent_runs = 99 }}"))),
            "`agent_runs` is more than the policy's, 30",
        ),
    ] {
        let scene = Scene::of("", &plan);
        let done = scene.ends(&[], 78);
        assert!(
            done.stderr.contains(told) && done.stderr.contains("`guard plan check` shows the same"),
            "{}",
            done.stderr
        );
        assert_eq!(scene.events("phase_started").len(), 0);
        scene.home.write("plan.toml", &format!("{agent}{}", phase("1.1", "*.py", CHECKED)));
        scene.home.write("actions.toml", &attempt("1.1", "1", &[GOOD]));
        scene.ends(&[], 0);
    }
    let scene = Scene::new("", &phase("1.1", "*.py", CHECKED), "");
    let missing = scene.home.guard(&["loop", "no.toml"]);
    assert_eq!(missing.code, Some(78), "{}", missing.stderr);
    assert!(
        missing.stderr.contains("cannot read the plan") && missing.stderr.contains("no.toml"),
        "{}",
        missing.stderr
    );
    let unknown = scene.ends(&["--phase", "9.9"], 78);
    assert!(unknown.stderr.contains("the plan has no phase 9.9"), "{}", unknown.stderr);
}

#[test]
fn phases_are_chosen_and_one_waits_for_what_comes_before_it() {
    let phases = [
        phase("1.1", "a.py", CHECKED),
        phase("1.2", "b.py", "checks = { lint = \"cat b.py\" }\nafter = [\"1.1\"]"),
        phase("1.3", "c.py", "checks = { lint = \"cat c.py\" }"),
    ];
    let other = |name: &str| format!("write = \"{name}.py\"\ncontent = \"B = 1\\n\"");
    let actions =
        attempt("1.1", "1", &[GOOD]) + &attempt("1.2", "1", &[&other("b")]) + &attempt("1.3", "1", &[&other("c")]);
    let scene = Scene::new("", &phases.concat(), &actions);
    for words in [["--phase", "1.2"], ["--from", "1.2"]] {
        let early = scene.ends(&words, 78);
        assert!(early.stderr.contains("phase 1.2 comes after phase 1.1, which is not complete"), "{}", early.stderr);
        assert!(early.stderr.contains("begin with that one: `--from 1.1`"), "{}", early.stderr);
        assert_eq!(scene.ended(), [] as [&str; 0]);
    }
    scene.ends(&["--phase", "1.1"], 0);
    scene.ends(&["--from", "1.2"], 0);
    let complete = ["1.1", "1.2", "1.3"].map(|id| format!("[PHASE] [COMPLETE] [{id}: phase {id}] [PASS]"));
    assert_eq!(scene.ended(), complete);
}

#[test]
fn a_check_that_is_not_there_is_red_and_one_that_nothing_allows_waits_for_a_person() {
    let phases = phase("1.1", "*.py", "checks = { lint = \"sh no.sh\" }");
    let scene = Scene::new("", &phases, &attempt("1.1", "1", &[GOOD]));
    let failed = scene.ends(&[], 77);
    assert!(failed.stdout.contains("lint failed") && failed.stdout.contains("cannot open no.sh"), "{}", failed.stdout);
    assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 lint fail", "1.1 2 agent stuck", "1.1 3 agent stuck"]);

    let phases = phase("1.1", "*.py", "checks = { lint = \"nosuchtool .\" }");
    let scene = Scene::new("", &phases, &attempt("1.1", "1", &[GOOD]));
    let absent = scene.ends(&[], 78);
    assert!(absent.stderr.contains("plan.toml:11:19: the program `nosuchtool` is not there"), "{}", absent.stderr);
    assert_eq!(scene.steps(), [] as [&str; 0], "nothing begins");

    let phases = phase("1.1", "*", "checks = { lint = \"truncate -s 0 a.csv\" }");
    for answer in ["approve", "deny"] {
        let scene = Scene::new("", &phases, &attempt("1.1", "1", &[GOOD]));
        for _ in 0..2 {
            let waits = scene.ends(&[], 75);
            assert!(waits.stderr.contains("waits for a person: command-1;"), "{}", waits.stderr);
            assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 lint waits"]);
        }
        scene.answer(answer, "command-1");
        if answer == "approve" {
            // Allowed, it is the check that it was.
            scene.ends(&[], 0);
            assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 lint waits", "1.1 1 lint pass"]);
        } else {
            // A person mends the plan instead.
            scene.home.write("plan.toml", &scene.home.read("plan.toml").replace("truncate -s 0 a.csv", "cat a.py"));
            scene.ends(&["--replan"], 0);
        }
        scene.whole();
    }
}

#[test]
fn a_check_that_the_policy_denies_stops_the_loop_and_says_so() {
    let scene =
        Scene::new("", &phase("1.1", "*.py", "checks = { lint = \"rm -rf /\" }"), &attempt("1.1", "1", &[GOOD]));
    let refused = scene.ends(&[], 78);
    let told =
        "plan.toml:11:19: it is refused by policy: removes what is not below the project (rule `removes-outside`";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    assert_eq!(scene.events("phase_started").len(), 0, "nothing begins");
    scene.home.write("plan.toml", &scene.home.read("plan.toml").replace("rm -rf /", "cat a.py"));
    scene.ends(&[], 0);
}

#[test]
fn an_agent_that_prints_a_gigabyte_is_ended_and_the_next_attempt_goes_on() {
    let scene = once("", &["print_bytes = 1000000000"]);
    attempted(&scene, &["1.1 1 agent fail"], "the agent printed more than 256 MB, and was ended [1/2, 1/3 in all]");
    assert_eq!(scene.counted(), ["runtime 1/2, 1/3"]);
    let ended = &scene.events("agent_ended")[0].machine;
    assert_eq!((&ended["ended"], &ended["limit"]), (&"limit".into(), &"output".into()));
    assert!(scene.home.log().len() < 100_000, "what it printed is not in the log");
}

#[test]
fn an_agent_that_is_silent_is_ended_and_one_that_calls_guard_is_not_silent() {
    let calls: Vec<&str> = ["sleep = \"900ms\"", "exec = \"cat plan.toml\""].repeat(4);
    let quiet = [&calls[..], &["hang = true"]].concat();
    let scene = once("limits = { silence = \"2s\" }", &quiet);
    let told = "the agent printed nothing and asked for nothing for 2s, and was ended with all it had started";
    attempted(&scene, &["1.1 1 agent fail"], told);
    let ended = &scene.events("agent_ended")[0].machine;
    assert_eq!((&ended["limit"], &ended["calls"]), (&"silence".into(), &4.into()), "{ended}");
}

#[test]
fn an_agent_that_never_ends_is_ended_in_time_with_what_it_forked() {
    let scene = once("", &["fork = true", "hang = true"]);
    let plan = scene.home.read("plan.toml").replace("timeout = \"1min\"", "timeout = \"2s\"");
    scene.home.write("plan.toml", &plan);
    attempted(&scene, &["1.1 1 agent fail"], "the agent ran out of time, and was ended with all it had started");
    assert_eq!(scene.counted(), ["runtime 1/2, 1/3"]);
}

#[test]
fn an_agent_that_forks_away_and_ends_leaves_nothing_behind() {
    let scene = once("", &[GOOD, "fork = true"]);
    let begun = Instant::now();
    scene.ends(&[], 0);
    assert!(begun.elapsed() < Duration::from_secs(60), "nobody waits for what it left behind");
    assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 lint pass"]);
    assert_eq!(scene.status()["running"], 0);
}

#[test]
fn an_agent_that_does_nothing_is_red_by_its_checks_and_its_exit_code_is_told() {
    let scene = once("", &["exit = 3"]);
    let note = "note: the agent ended with 3; what it did is checked all the same";
    attempted(&scene, &["1.1 1 agent pass", "1.1 1 lint fail"], note);
}

#[test]
fn lines_of_an_agent_that_are_no_json_are_counted_and_end_nothing() {
    let lines = "print = \"{\\\"say\\\": 3, \\\"cost_usd\\\": -1}\"";
    let scene = once("", &["print = \"{\"", lines, "print_bytes = 2000000", GOOD]);
    let done = scene.ends(&[], 0);
    assert!(done.stdout.contains("lines that were not understood"), "{}", done.stdout);
    assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 lint pass"]);
}

#[test]
fn an_agent_that_changes_the_plan_stops_the_loop_and_a_person_takes_it_or_not() {
    let scene = Scene::new(
        "",
        &phase("1.1", "*", CHECKED),
        &attempt("1.1", "\"any\"", &[GOOD, "edit = \"plan.toml\"\nfind = \"cat a.py\"\nreplace = \"true\""]),
    );
    let plan = scene.home.read("plan.toml");
    for _ in 0..2 {
        let stopped = scene.ends(&[], 78);
        assert!(stopped.stderr.contains("the plan `plan.toml` has changed since the loop began"), "{}", stopped.stderr);
        assert!(stopped.stderr.contains("guard loop plan.toml --replan"), "{}", stopped.stderr);
        assert_eq!(scene.ended(), [] as [&str; 0]);
    }
    // As it was, it goes on; the run of the agent that was not taken note of is not lost.
    scene.home.write("plan.toml", &plan);
    scene.home.write("actions.toml", "");
    scene.ends(&[], 0);
    assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 lint pass"]);
    assert_eq!(scene.events("agent_started").len(), 1);

    // Taken as it is by then: the phase says something else, and begins anew.
    let changed = plan.replace("phase 1.1", "the same, said otherwise");
    scene.home.write("plan.toml", &changed);
    scene.ends(&[], 78);
    scene.home.write("actions.toml", &attempt("1.1", "1", &[]));
    scene.ends(&["--replan"], 0);
    assert_eq!(scene.ended().last().unwrap(), "[PHASE] [COMPLETE] [1.1: the same, said otherwise] [PASS]");
    // What stands elsewhere in the file is no other phase.
    scene.home.write("plan.toml", &format!("# looked at\n{changed}"));
    scene.ends(&[], 78);
    let same = scene.ends(&["--replan"], 0);
    assert!(same.stdout.contains("1 phase, 1 complete"), "{}", same.stdout);
    scene.whole();
}

#[test]
fn a_second_loop_and_one_inside_the_fence_are_refused() {
    let scene = once("", &[GOOD, "sleep = \"3s\""]);
    let mut first = spawn(&scene, &["loop", "plan.toml"]);
    until("the first begins", || !scene.events("agent_started").is_empty());
    let second = scene.ends(&[], 125);
    assert!(second.stderr.contains("another `guard loop` runs in this project"), "{}", second.stderr);
    assert_eq!(first.wait().unwrap().code(), Some(0));
    scene.ends(&[], 0);

    let guard = env!("CARGO_BIN_EXE_guard");
    let inside = scene.home.guard(&["run", "--", guard, "loop", "plan.toml"]);
    assert_eq!(inside.code, Some(126), "{}{}", inside.stdout, inside.stderr);
    assert_eq!(scene.events("phase_started").len(), 1);
}

#[test]
fn while_everything_is_halted_the_loop_begins_nothing_and_goes_on_after_a_person_resumed() {
    let scene = once("", &[GOOD]);
    assert_eq!(scene.home.guard(&["halt", "--reason", "to see"]).code, Some(0));
    let halted = scene.ends(&[], 77);
    assert!(halted.stderr.contains("`guard resume resume-1 --note TEXT`"), "{}", halted.stderr);
    assert_eq!(scene.events("phase_started").len(), 0);
    scene.resume("resume-1");
    scene.ends(&[], 0);
    assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 lint pass"]);
}

#[test]
fn a_halt_while_the_agent_works_ends_the_phase_and_its_work_is_kept() {
    let scene = once("", &[GOOD, "sleep = \"3s\"", "exec = \"cat a.py\""]);
    let mut first = spawn(&scene, &["loop", "plan.toml"]);
    until("it has written", || scene.home.project.join("a.py").exists());
    assert_eq!(scene.home.guard(&["halt", "--reason", "to see"]).code, Some(0));
    assert_eq!(first.wait().unwrap().code(), Some(77));
    assert_eq!(scene.ended(), ["[PHASE] [FAILED] [1.1: phase 1.1] [FAIL]"]);
    assert_eq!(scene.home.read("a.py"), "A = 1\n");
    scene.resume("resume-1");
    scene.ends(&[], 0);
    scene.whole();
}

/// A program that only a person lets run.
const ASKED: &str = "[[rule]]\nid = \"asked\"\nprogram = \"id\"\nverdict = \"ask\"\nreason = \"a person says\"\n";

#[test]
fn what_the_agent_asks_a_person_for_is_waited_for_and_no_attempt_is_spent() {
    let actions = attempt("1.1", "1", &["exec = \"id\"\nmust = true", GOOD]);
    let scene = Scene::new(ASKED, &phase("1.1", "*.py", CHECKED), &actions);
    for _ in 0..2 {
        let waits = scene.ends(&[], 75);
        assert!(waits.stdout.contains("phase 1.1 waits for a person: command-1"), "{}", waits.stdout);
        assert!(waits.stderr.contains("`guard approve command-1`"), "{}", waits.stderr);
        assert_eq!(scene.steps(), ["1.1 1 agent waits"]);
    }
    let shown = scene.home.guard(&["status"]).stdout;
    assert!(shown.contains("1.1") && shown.contains("command-1"), "{shown}");
    scene.answer("approve", "command-1");
    scene.ends(&[], 0);
    assert_eq!(scene.steps(), ["1.1 1 agent waits", "1.1 1 agent pass", "1.1 1 lint pass"]);
    assert_eq!(scene.counted(), [] as [&str; 0]);
    scene.whole();
}

#[test]
fn with_wait_it_goes_on_by_itself_once_a_person_has_answered_and_no_longer_than_it_may() {
    let actions = attempt("1.1", "1", &["exec = \"id\"\nmust = true", GOOD]);
    let scene = Scene::new(ASKED, &phase("1.1", "*.py", CHECKED), &actions);
    let begun = Instant::now();
    let short = scene.ends(&["--wait=2"], 75);
    assert!(begun.elapsed() >= Duration::from_secs(2), "{short:?}");

    let mut loops = spawn(&scene, &["loop", "plan.toml", "--wait", "--json"]);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(loops.try_wait().unwrap(), None);
    scene.answer("approve", "command-1");
    let output = loops.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let events: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    let expected = ["plan", "phase", "waiting", "step", "stepped", "step", "stepped", "complete", "end"];
    assert_eq!(events, expected);
    scene.whole();
}

#[test]
fn what_a_person_denies_is_told_to_the_agent_and_the_phase_goes_on() {
    let actions = attempt("1.1", "1", &["exec = \"id\"", GOOD]);
    let scene = Scene::new(ASKED, &phase("1.1", "*.py", CHECKED), &actions);
    scene.ends(&[], 75);
    scene.answer("deny", "command-1");
    scene.home.write("actions.toml", &attempt("1.1", "\"any\"", &[GOOD]));
    scene.ends(&[], 0);
    assert_eq!(scene.steps(), ["1.1 1 agent waits", "1.1 1 agent pass", "1.1 1 lint pass"]);
}

#[test]
fn told_to_stop_it_ends_what_runs_and_goes_on_in_the_next_call_with_the_same_attempt() {
    let scene = once("", &[GOOD, "sleep = \"20s\""]);
    let mut first = spawn(&scene, &["loop", "plan.toml"]);
    until("it has written", || scene.home.project.join("a.py").exists());
    let pid = rustix::process::Pid::from_child(&first);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(130));
    assert_eq!(scene.steps(), [] as [&str; 0]);
    scene.home.write("actions.toml", &attempt("1.1", "1", &[GOOD]));
    scene.ends(&[], 0);
    assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 lint pass"]);
    assert_eq!(scene.events("phase_ended")[0].machine["agent_runs"], 2, "a run that was stopped was one");
}

#[test]
fn budgets_are_looked_at_before_each_step() {
    let scene = Scene::new(
        "",
        &phase("1.1", "*.py", "checks = { lint = \"cat b.py\" }\nlimits = { agent_runs = 1 }"),
        &attempt("1.1", "1", &[GOOD]),
    );
    let failed = scene.ends(&[], 77);
    assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 lint fail"]);
    let told = "[PHASE_FAILED] Phase 1.1: phase 1.1\n- Error: budget\n- Attempts: none\n- Last error: spent of phase 1.1: runs of the agent: 1 of 1\n";
    assert!(failed.stdout.contains(told), "{}", failed.stdout);
    let report = scene.home.guard(&["escalations", "resume-1"]);
    assert!(report.stdout.contains("runs of the agent: 1 of 1"), "{}", report.stdout);

    let scene = Scene::new(
        "",
        &phase("1.1", "*.py", "checks = { lint = \"cat b.py\" }\nlimits = { cost = 0.5 }"),
        &attempt("1.1", "1", &[GOOD, "cost = 0.75"]),
    );
    scene.ends(&[], 77);
    assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 lint fail"]);
    let report = scene.home.guard(&["escalations", "resume-1"]);
    assert!(report.stdout.contains("cost: 0.75 of 0.50 US dollars"), "{}", report.stdout);
    assert_eq!(scene.events("phase_ended")[0].machine["cost"], 750_000);
}

#[test]
fn a_full_disk_stops_the_loop_and_with_room_again_the_same_call_goes_on() {
    use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
    let scene = once("", &[GOOD]);
    // A file system of its own, with the project as it is in it.
    let aside = scene.home.path().join("aside");
    super::copy(&scene.home.project, &aside);
    let options = c"size=4m";
    if mount("guard-test", &scene.home.project, "tmpfs", MountFlags::empty(), Some(options)).is_err() {
        eprintln!("skipped: mounting a tmpfs needs root");
        return;
    }
    super::copy(&aside, &scene.home.project);
    let filler = scene.home.project.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    drop(file);
    let full = scene.goes(&[]);
    std::fs::remove_file(&filler).unwrap();
    let second = scene.goes(&[]);
    let (steps, verified) = (scene.steps(), scene.home.guard(&["audit", "verify"]));
    unmount(&scene.home.project, UnmountFlags::DETACH).unwrap();
    assert!(full.code.is_some_and(|code| code != 0) && full.stderr.contains("room"), "{full:?}");
    assert_eq!(second.code, Some(0), "{}{}", second.stdout, second.stderr);
    assert_eq!(steps.last().map(String::as_str), Some("1.1 1 lint pass"), "{steps:?}");
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn on_a_terminal_it_shows_what_runs_and_ends_the_same() {
    let scene = once("", &[GOOD]);
    let shown = agreed(&scene.home, "export TERM=xterm; stty cols 300; guard loop plan.toml");
    assert_eq!(shown.code, Some(0), "{}", shown.stdout);
    for told in ["[0/1] phase 1.1, agent (attempt 1 of 3)", "[PHASE_COMPLETE] Phase 1.1", "every phase is complete"] {
        assert!(shown.stdout.contains(told), "{told}: {}", shown.stdout);
    }
    let unread = scene.home.guard(&["report", "1.1", "--markdown"]);
    assert!(unread.stdout.contains("| 1.1 | phase 1.1 | complete | 1 |"), "{}", unread.stdout);
}

#[test]
fn a_clock_that_jumps_ends_nothing_and_is_noted() {
    use guard::event::{Detail, Entry, Human};
    use guard::record::{Files, Log, Redactor, Secrets, find};
    struct Ahead;
    impl Files for Ahead {
        fn now(&self) -> chrono::DateTime<chrono::Utc> {
            chrono::Utc::now() + chrono::Duration::hours(2)
        }
    }
    let actions = attempt("1.1", "1", &["exec = \"id\"\nmust = true", GOOD]);
    let scene = Scene::new(ASKED, &phase("1.1", "*.py", CHECKED), &actions);
    scene.ends(&[], 75);
    // The clock was two hours ahead for one record, and jumped back.
    let paths = find(scene.home.state().parent().unwrap(), &scene.home.project).unwrap();
    let mut log = Log::open_with(Ahead, &paths).unwrap();
    let redactor = Redactor::new(log.tag_key(), Secrets::default());
    let human = Human::Labelled { label: "RETURN_CODE".into(), text: "0".into() };
    log.append(&redactor, vec![Entry { human, detail: Detail::ReturnCode { of: 1 } }]).unwrap();
    drop(log);

    scene.answer("approve", "command-1");
    scene.ends(&[], 0);
    assert_eq!(scene.steps(), ["1.1 1 agent waits", "1.1 1 agent pass", "1.1 1 lint pass"]);
    let ended = scene.events("phase_ended").pop().unwrap().machine;
    assert!(ended["behind_ms"].as_u64().is_some_and(|ms| ms > 3_600_000), "{ended}");
    assert!(ended["duration_ms"].as_u64().unwrap() < 60_000, "{ended}");
    scene.whole();
}
