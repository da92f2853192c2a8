//! Who may loosen what: layers, supervision, observation.

use super::world::{answer, argv, argv_in, line, policy, preset};
use guard::action::{Found, Program};
use guard::decide::Layer::{Machine, Person, Project};
use guard::decide::Verdict::{Allow, Ask, Deny};
use guard::decide::policy::{Require, Supervision};
use std::time::Duration;

const ALLOWS: &str =
    "[[rule]]\nid = \"mine\"\nprogram = \"git\"\nsubcommand = \"push\"\nverdict = \"allow\"\nreason = \"r\"\n";

#[test]
fn nothing_that_matches_is_asked_and_the_default_preset_is_always_there() {
    let empty = policy(&[]);
    assert_eq!(answer(&argv(&empty, &["frobnicate"])), (Ask, vec!["guard:not-listed"]));
    assert_eq!(answer(&argv(&empty, &["ls", "-l"])), (Allow, vec!["reads"]));
    assert_eq!(answer(&argv(&empty, &["sudo", "ls"])).0, Deny);
}

#[test]
fn an_ask_of_a_pack_is_answered_by_the_project_the_person_or_the_machine_and_still_reported() {
    for layer in [Project, Person, Machine] {
        let judgement = argv_of(&[(layer, ALLOWS)], &["git", "push"]);
        assert_eq!(answer(&judgement), (Allow, vec!["mine", "git-publishes"]));
        assert_eq!(judgement.matches()[1].overruled.as_deref(), Some("mine"));
    }
}

#[test]
fn an_ask_of_a_person_or_the_machine_is_not_answered() {
    let asks = "[[rule]]\nid = \"theirs\"\nprogram = \"git\"\nverdict = \"ask\"\nreason = \"r\"\n";
    for layer in [Person, Machine] {
        let judgement = argv_of(&[(layer, asks), (Project, ALLOWS)], &["git", "push"]);
        assert_eq!(answer(&judgement), (Ask, vec!["theirs", "mine", "git-publishes"]));
    }
}

#[test]
fn no_layer_overrides_a_deny_of_another() {
    let denies = "[[rule]]\nid = \"never\"\nprogram = \"git\"\nverdict = \"deny\"\nreason = \"r\"\n";
    for (first, second) in [(Machine, Project), (Machine, Person), (Project, Machine), (Person, Project)] {
        let judgement = argv_of(&[(first, denies), (second, ALLOWS)], &["git", "push"]);
        assert_eq!(answer(&judgement).0, Deny);
        assert_eq!(judgement.matches()[0].id, "never");
    }
    let allows = "[[rule]]\nid = \"mine\"\nprogram = \"sudo\"\nverdict = \"allow\"\nreason = \"r\"\n";
    assert_eq!(argv_of(&[(Project, allows)], &["sudo", "ls"]).verdict(), Deny);
}

#[test]
fn a_rule_that_does_not_look_at_addresses_answers_no_ask_about_one() {
    let broad =
        "extends = [\"python\"]\n[[rule]]\nid = \"mine\"\nprogram = \"pip\"\nverdict = \"allow\"\nreason = \"r\"\n";
    let words = ["pip", "install", "git+https://github.com/a/b"];
    assert_eq!(argv_of(&[(Project, broad)], &words).verdict(), Ask);
    let exact = broad.replace("verdict", "url = \"github.com\"\nverdict");
    assert_eq!(argv_of(&[(Project, &exact)], &words).verdict(), Allow);
    let other = broad.replace("verdict", "url = \"example.com\"\nverdict");
    assert_eq!(argv_of(&[(Project, &other)], &words).verdict(), Ask);
}

#[test]
fn a_rule_that_allows_a_wrapper_or_python_answers_nothing_about_what_it_starts() {
    for program in ["env", "sh", "timeout", "python", "xargs"] {
        let text = format!(
            "extends = [\"python\"]\n[[rule]]\nid = \"mine\"\nprogram = \"{program}\"\nverdict = \"allow\"\nreason = \"r\"\n"
        );
        let policy = policy(&[(Person, &text)]);
        for command in
            ["env git push", "sh -c 'git push'", "timeout 5 git push", "python -m pip install .", "xargs git push"]
        {
            assert_eq!(line(&policy, command).verdict(), Ask, "{program}: {command}");
        }
    }
}

#[test]
fn the_machine_s_limits_can_only_be_tightened() {
    let machine = "supervision = \"unattended\"\nobserve = false\n[limits]\ntimeout = \"30s\"\nparallel = 2\n\
                   output = \"1MB\"\ncpu = \"10s\"\nprocesses = 9\nopen_files = 9\n\
                   [attempts]\ntest = 2\n[loop]\ninstall = false\nwall = \"1h\"\nagent_runs = 5\n[fence]\nrequire = \"full\"\n";
    let project = "supervision = \"attended\"\nobserve = true\n[limits]\ntimeout = \"10min\"\nparallel = 1\n\
                   memory = \"2GB\"\noutput = \"1GB\"\ncpu = \"5s\"\nprocesses = 10\nopen_files = 8\n[attempts]\ntest = 9\nruntime = 7\n[loop]\ninstall = true\nwall = \"9h\"\nagent_runs = 4\nsilence = \"1h\"\n[fence]\nrequire = \"landlock\"\n";
    let both = policy(&[(Machine, machine), (Project, project)]);
    let settings = both.settings();
    assert_eq!(settings.limits.timeout, Duration::from_secs(30));
    assert_eq!((settings.limits.parallel, settings.limits.memory), (1, 2_000_000_000));
    assert_eq!((settings.limits.output, settings.limits.cpu), (1_000_000, Duration::from_secs(5)));
    assert_eq!((settings.limits.processes, settings.limits.open_files), (9, 8));
    assert_eq!((settings.attempts.test, settings.attempts.runtime), (2, 7));
    let [hour, day] = [1, 9].map(|hours| Duration::from_secs(hours * 3600));
    let found = &settings.r#loop;
    assert_eq!((found.install, found.wall, found.agent_runs, found.silence), (false, hour, 4, hour));
    assert_eq!((settings.require, settings.supervision), (Require::Full, Supervision::Unattended));
    assert!(!settings.observe);
    let alone = policy(&[(Project, project)]);
    let settings = alone.settings();
    assert_eq!((settings.limits.timeout, settings.require), (Duration::from_secs(600), Require::Landlock));
    assert!(settings.observe && settings.attempts.test == 9);
    assert!(settings.r#loop.install && settings.r#loop.wall == day);
}

#[test]
fn no_rule_but_the_machine_s_own_exceeds_the_machine_s_limit_of_time() {
    let rule = "[[rule]]\nid = \"long\"\nprogram = \"x\"\nverdict = \"allow\"\nreason = \"r\"\ntimeout = \"5min\"\n";
    let limit = "[limits]\ntimeout = \"30s\"\n";
    let machine = argv_of(&[(Machine, &format!("{limit}{rule}"))], &["x"]);
    assert_eq!(machine.grant().timeout, Duration::from_secs(300));
    let project = argv_of(&[(Machine, limit), (Project, rule)], &["x"]);
    assert_eq!(project.grant().timeout, Duration::from_secs(30));
    let alone = argv_of(&[(Project, &format!("{limit}{rule}"))], &["x"]);
    assert_eq!(alone.grant().timeout, Duration::from_secs(300));
}

#[test]
fn a_machine_s_whitelist_cannot_be_widened() {
    let list = |pattern: &str| format!("[shell]\nwhitelist = '{pattern}'\n");
    let both = policy(&[(Machine, &list("^(a|b)")), (Project, &list("^(b|c)"))]);
    let verdicts = ["a", "b", "c"].map(|name| argv(&both, &[name]).verdict());
    assert_eq!(verdicts, [Ask, Allow, Ask]);
}

#[test]
fn unattended_turns_each_ask_into_a_refusal_that_says_what_asked() {
    let judgement = argv_of(&[(Project, "supervision = \"unattended\"")], &["frobnicate"]);
    assert_eq!(answer(&judgement), (Deny, vec!["guard:unattended", "guard:not-listed"]));
    assert_eq!(
        judgement.matches()[0].reason,
        "a person would have to say so, and nobody is there: `guard:not-listed` asks: neither the whitelist nor a \
         rule allows `frobnicate`"
    );
    assert_eq!(argv_of(&[(Project, "supervision = \"unattended\"")], &["ls"]).verdict(), Allow);
}

#[test]
fn observing_is_said_beside_the_verdict_and_changes_none() {
    let judgement = argv_of(&[(Project, "observe = true")], &["frobnicate"]);
    assert_eq!((judgement.verdict(), judgement.observe()), (Ask, true));
    assert_eq!(argv_of(&[(Project, "observe = true")], &["sudo", "x"]).verdict(), Deny);
}

#[test]
fn names_are_those_of_the_file_that_was_found_never_of_the_text() {
    let python = preset("python");
    let at = |path: &str, real: &str, writable: bool| {
        Found::Program(Program { path: path.into(), real: real.into(), writable })
    };
    let judged = |word: &str, found: Found| {
        let judgement = argv_in(&python, &[word, "x"], |facts| {
            facts.programs.insert(word.to_owned(), found);
        });
        let id = judgement.matches()[0].id.clone();
        (judgement.verdict(), id)
    };
    let table = [
        ("python", at("/usr/bin/python", "/usr/bin/python3.11", false), Allow, "guard:whitelist"),
        ("python3.11", at("/usr/bin/python3.11", "/usr/bin/python3.11", false), Allow, "guard:whitelist"),
        // POLICY: explicit paths are what they resolve to.
        ("python/../../bin/sh", at("/bin/sh", "/usr/bin/dash", false), Ask, "guard:not-listed"),
        ("./python", at("/project/python", "/project/python", true), Ask, "guard:program-in-project"),
        ("python", at("/project/bin/python", "/project/bin/python", true), Ask, "guard:program-in-project"),
        ("pytest", at("/tmp/pytest", "/usr/bin/pytest", true), Ask, "guard:program-in-project"),
        ("ls", at("/project/ls", "/usr/bin/rm", true), Ask, "guard:program-in-project"),
        ("pythonx", at("/usr/bin/pythonx", "/usr/bin/pythonx", false), Ask, "guard:not-listed"),
        ("pip-evil", at("/usr/bin/pip-evil", "/usr/bin/pip-evil", false), Ask, "guard:not-listed"),
        ("black_hole.sh", at("/usr/bin/black_hole.sh", "/usr/bin/black_hole.sh", false), Ask, "guard:not-listed"),
        ("x", at("/usr/bin/x", "/usr/bin/sudo", false), Deny, "more-rights"),
        ("python", Found::Missing, Deny, "guard:no-program"),
        ("python", Found::Unusable("is a folder".into()), Deny, "guard:not-executable"),
    ];
    for (word, found, verdict, id) in table {
        assert_eq!(judged(word, found.clone()), (verdict, id.to_owned()), "{word} {found:?}");
    }
}

#[test]
fn a_program_in_the_project_is_allowed_by_its_path_only() {
    let rule = |program: &str| {
        format!("[[rule]]\nid = \"mine\"\nprogram = \"{program}\"\nverdict = \"allow\"\nreason = \"r\"\n")
    };
    let found =
        Found::Program(Program { path: "/project/run.sh".into(), real: "/project/run.sh".into(), writable: true });
    for (program, expected) in [("./run.sh", Allow), ("/project/run.sh", Allow), ("run.sh", Ask), ("./other.sh", Ask)] {
        let judgement = argv_in(&policy(&[(Project, &rule(program))]), &["./run.sh"], |facts| {
            facts.programs.insert("./run.sh".into(), found.clone());
        });
        assert_eq!(judgement.verdict(), expected, "{program}");
    }
}

#[test]
fn an_argument_vector_names_the_file_that_will_be_started() {
    let started = |words: &[&str]| argv(&policy(&[]), words).program().map(std::path::Path::to_owned);
    assert_eq!(started(&["ls"]), Some("/usr/bin/ls".into()));
    assert_eq!(started(&["env", "ls"]), Some("/usr/bin/env".into()));
    assert_eq!(started(&["timeout", "5", "sh", "-c", "ls"]), Some("/usr/bin/timeout".into()));
    assert_eq!(line(&policy(&[]), "ls").program(), None);
}

#[test]
fn task_mode_and_phase_are_labels_that_must_be_there() {
    let text = "[[rule]]\nid = \"mine\"\nprogram = \"x\"\nmode = \"paper\"\nphase = \"2.*\"\nverdict = \"allow\"\nreason = \"r\"\n";
    let policy = policy(&[(Project, text)]);
    let judged = |mode: Option<&str>, phase: Option<&str>| {
        let judgement = argv_in(&policy, &["x"], |facts| {
            facts.mode = mode.map(str::to_owned);
            facts.phase = phase.map(str::to_owned);
        });
        judgement.verdict()
    };
    assert_eq!(judged(Some("paper"), Some("2.3")), Allow);
    assert_eq!(judged(Some("live"), Some("2.3")), Ask);
    assert_eq!(judged(Some("paper"), None), Ask);
}

fn argv_of(layers: &[(guard::decide::Layer, &str)], words: &[&str]) -> guard::decide::Judgement {
    argv(&policy(layers), words)
}
