//! Guard's own rules: what holds under every policy.

use super::world::{answer, argv_in, line, policy, preset};
use guard::action::shell::Shell;
use guard::action::{Action, Facts, Found, Program};
use guard::decide::Layer::Project;
use guard::decide::Verdict::{Allow, Ask, Deny};
use guard::decide::{Judgement, example_environment, example_facts, judge};
use guard::event::State;

/// The strictest match's id.
fn first(judgement: &Judgement) -> &str {
    &judgement.matches()[0].id
}

#[test]
fn redirections_write_below_the_project_or_nowhere() {
    let policy = preset("default");
    let table = [
        ("echo x > a.txt", Allow, "tells"),
        ("echo x >> src/new/a.txt", Allow, "tells"),
        ("echo x > /tmp/a", Allow, "tells"),
        ("echo x > /dev/null 2>&1", Allow, "tells"),
        ("echo x >&2", Allow, "tells"),
        ("ls &> /dev/stderr", Allow, "reads"),
        ("cat < /etc/hosts", Allow, "reads"),
        ("echo x > /etc/passwd", Deny, "guard:writes-outside"),
        ("echo x > ../a", Deny, "guard:writes-outside"),
        ("echo x > src/../../a", Deny, "guard:writes-outside"),
        ("cd / && echo x > a", Deny, "guard:writes-outside"),
        ("echo x > /projectile/a", Deny, "guard:writes-outside"),
        ("echo x > /tmpfile", Deny, "guard:writes-outside"),
        ("echo x > /dev/sda", Deny, "guard:writes-outside"),
        ("echo x > ~/.bashrc", Deny, "guard:writes-outside"),
        ("ls <> /etc/passwd", Deny, "guard:writes-outside"),
        ("> /etc/passwd", Deny, "guard:writes-outside"),
        ("exec 3> /etc/passwd", Deny, "guard:writes-outside"),
        ("f() { ls; } > /etc/passwd; f", Deny, "guard:writes-outside"),
        ("{ ls; } > /etc/passwd", Deny, "guard:writes-outside"),
        ("env time -o /etc/x ls", Deny, "guard:writes-outside"),
        ("echo x > guard.toml", Deny, "guard:writes-protected"),
        ("echo x > ./build_audit.log", Deny, "guard:writes-protected"),
        ("cd src && echo x > ../guard.toml", Deny, "guard:writes-protected"),
        // SANDBOX: any component `.git` is protected, freshly made ones included.
        ("echo x > .git/hooks/pre-commit", Deny, "guard:writes-protected"),
        ("echo x > sub/.git/config", Deny, "guard:writes-protected"),
        ("echo x > .claude/settings.local.json", Deny, "guard:writes-protected"),
        ("cat < /dev/tcp/127.0.0.1/80", Deny, "guard:dev-tcp"),
        ("exec 3<> /dev/udp/1.1.1.1/53", Deny, "guard:dev-tcp"),
        ("echo x > $OUT", Ask, "guard:unproven"),
        ("echo x > *.txt", Ask, "guard:unproven"),
        ("echo x > /dev/tcp/$H/80", Deny, "guard:dev-tcp"),
    ];
    for (text, verdict, id) in table {
        let judgement = line(&policy, text);
        assert_eq!((judgement.verdict(), first(&judgement)), (verdict, id), "{text}: {:?}", answer(&judgement));
    }
}

#[test]
fn a_redirection_that_was_not_looked_up_is_asked() {
    let policy = preset("default");
    let shell = Shell::from_line("echo x > a.txt".into());
    let facts = Facts { paths: Default::default(), ..example_facts(&shell) };
    let judgement = judge(Action::Shell(shell), &facts, &State::default(), &policy);
    assert_eq!((judgement.verdict(), first(&judgement)), (Ask, "guard:unproven"));
}

#[test]
fn a_link_out_of_the_project_is_where_it_leads() {
    let policy = preset("default");
    let shell = Shell::from_line("echo x > link/a".into());
    let mut facts = example_facts(&shell);
    facts.paths.insert("link/a".into(), "/etc/a".into());
    let judgement = judge(Action::Shell(shell), &facts, &State::default(), &policy);
    assert_eq!((judgement.verdict(), first(&judgement)), (Deny, "guard:writes-outside"));
}

#[test]
fn builtins_of_the_shell_are_harmless_or_asked() {
    let policy = preset("default");
    for text in
        ["cd src", "true", "export A=1", "set -e", "read x < a", "type ls", "command -v ls", "exec > log.txt", ":"]
    {
        assert_eq!(line(&policy, text).verdict(), Allow, "{text}: {:?}", answer(&line(&policy, text)));
    }
    for text in
        ["source x", ". x", "alias ls=rm", "enable -f x.so y", "eval \"$X\"", "kill 1234", "builtin eval \"$X\""]
    {
        assert_eq!(line(&policy, text).verdict(), Ask, "{text}: {:?}", answer(&line(&policy, text)));
    }
}

#[test]
fn a_program_that_is_missing_stays_so_in_a_line_only_where_no_command_can_make_it() {
    let policy = preset("python");
    let judged = |text: &str, path: Option<&str>| {
        let shell = Shell::from_line_in(text.into(), &example_environment());
        let mut facts = example_facts(&shell);
        for found in facts.programs.values_mut() {
            *found = Found::Missing;
        }
        match path {
            Some(path) => facts.environment.insert("PATH".into(), path.into()),
            None => facts.environment.remove("PATH"),
        };
        let judgement = judge(Action::Shell(shell), &facts, &State::default(), &policy);
        (judgement.verdict(), first(&judgement).to_owned())
    };
    let allowed = |id: &str| (Allow, id.to_owned());
    let missing = (Ask, "guard:no-program".to_owned());
    assert_eq!(judged("black .", Some("/usr/bin:/bin")), allowed("guard:whitelist"));
    assert_eq!(judged("frob || true", Some("/usr/bin")), (Ask, "guard:not-listed".to_owned()));
    for path in ["/usr/bin:/project/bin", "/usr/bin:/tmp/x", "/usr/bin:", "bin", "/usr/bin::/bin"] {
        assert_eq!(judged("black .", Some(path)), missing, "{path}");
    }
    assert_eq!(judged("black .", None), missing);
    assert_eq!(judged("./black .", Some("/usr/bin")), missing);
    assert_eq!(judged("PATH=/usr/bin:/opt/x; black .", Some("/usr/bin")).0, Ask);
}

#[test]
fn a_wrapper_must_be_known_installed_and_its_own() {
    let policy = preset("default");
    for text in ["env ls", "timeout 5 ls", "nice -n 5 ls", "nohup ls", "xargs ls", "stdbuf -o0 ls", "sh -c ls"] {
        assert_eq!(line(&policy, text).verdict(), Allow, "{text}: {:?}", answer(&line(&policy, text)));
    }
    for text in ["strace ls", "fakeroot ls", "valgrind ls"] {
        assert_ne!(line(&policy, text).verdict(), Allow, "{text}: {:?}", answer(&line(&policy, text)));
    }
    let own = Found::Program(Program { path: "/project/env".into(), real: "/project/env".into(), writable: true });
    let judgement = argv_in(&policy, &["env", "ls"], |facts| {
        facts.programs.insert("env".into(), own);
    });
    assert_eq!((judgement.verdict(), first(&judgement)), (Ask, "guard:program-in-project"));
}

#[test]
fn what_only_the_run_will_tell_is_asked_and_what_may_be_denied_too() {
    let policy = preset("default");
    let table = [
        ("$X", "guard:unproven"),
        ("rm -rf \"$X\"", "removes-outside"),
        ("find . | xargs rm", "removes-outside"),
        ("rm guard.*", "guard-files"),
        ("cat $(ls)", "reads"),
        ("git --unknown status push", "git-publishes"),
    ];
    for (text, id) in table {
        let judgement = line(&policy, text);
        let verdict = if id == "reads" { Allow } else { Ask };
        assert_eq!((judgement.verdict(), first(&judgement)), (verdict, id), "{text}: {:?}", answer(&judgement));
    }
    let judgement = line(&policy, "rm -rf \"$X\"");
    assert_eq!(
        judgement.matches()[0].reason,
        "only the run will tell whether it removes what is not below the project"
    );
}

#[test]
fn a_runner_s_command_stands_alone() {
    let policy = preset("python-trading");
    assert_eq!(line(&policy, "docker-compose ps").verdict(), Allow);
    for text in
        ["docker-compose ps; ls", "timeout 5 docker-compose ps", "! docker-compose ps", "echo $(docker-compose ps)"]
    {
        let judgement = line(&policy, text);
        assert_eq!((judgement.verdict(), first(&judgement)), (Ask, "guard:alone"), "{text}");
        assert_eq!(judgement.grant().runner, None);
    }
}

#[test]
fn what_is_only_suspected_is_denied_but_never_allowed() {
    let policy = preset("python");
    // After an error in the line nothing is certain, yet what is forbidden is named.
    let judgement = line(&policy, "rm -rf / 'unterminated");
    assert_eq!(judgement.verdict(), Deny);
    assert!(judgement.matches().iter().all(|found| found.verdict != Allow), "{:?}", answer(&judgement));
    let judgement = line(&policy, "python -c 'import os; os.system(\"rm -rf /\")'");
    assert_eq!((judgement.verdict(), first(&judgement)), (Deny, "removes-outside"));
}

#[test]
fn every_condition_is_strict_to_allow_and_loose_to_deny() {
    // Condition, command, what an allowing rule makes of it, what a denying one does.
    let table = [
        ("subcommand = \"a b\"", "x a b c", Allow, Deny),
        ("subcommand = \"a b\"", "x a c", Ask, Ask),
        ("subcommand = \"a\"", "x a -v", Allow, Deny),
        ("subcommand = \"a\"", "x -v a", Ask, Deny),
        ("subcommand = \"a\"", "x -v=b a", Allow, Deny),
        ("subcommand = \"!a\"", "x -v b a", Ask, Deny),
        ("subcommand = \"a\"", "x --new v a", Ask, Ask),
        ("subcommand = \"a\"", "x \"$Y\"", Ask, Ask),
        ("subcommand = \"!a\"", "x b", Allow, Deny),
        ("subcommand = \"!a\"", "x", Ask, Ask),
        ("flags_any = [\"-v\", \"--volumes\"]", "x -fv", Allow, Deny),
        ("flags_any = [\"-v\", \"--volumes\"]", "x -- -v", Ask, Ask),
        ("flags_any = \"--volumes\"", "x --vol", Ask, Ask),
        ("flags_all = [\"-a\", \"-b\"]", "x -ba", Allow, Deny),
        ("flags_all = [\"-a\", \"-b\"]", "x -b", Ask, Ask),
        ("flags_none = \"-a\"", "x -b", Allow, Deny),
        ("flags_none = \"-a\"", "x -ba", Ask, Ask),
        ("flags_any = \"--mode=li*\"", "x --mode live", Allow, Deny),
        ("flags_any = \"--mode=li*\"", "x --mode=paper", Ask, Ask),
        ("flags_any = \"--mode=li*\"", "x --mode \"$M\"", Ask, Ask),
        ("args = \"*.py\"", "x a.py b.py", Allow, Deny),
        ("args = \"*.py\"", "x a.py b.sh", Ask, Deny),
        ("args = \"!*.sh\"", "x a.py b.sh", Ask, Deny),
        ("writes_to = \"**\"", "x a /tmp/b", Ask, Deny),
        ("writes_to = \"**\"", "x a > b", Allow, Deny),
        ("writes_to = \"/etc/**\"", "x --out=/etc/y", Ask, Deny),
        ("writes_to = \"/etc/**\"", "x -o/etc/y", Ask, Deny),
        ("reads = \"a.txt\"", "x < a.txt", Allow, Deny),
        ("assigns = \"FOO\"", "FOO=1 x", Allow, Deny),
        ("assigns = \"FOO\"", "FOO=1 BAR=2 x", Ask, Deny),
        ("assigns = \"FOO=1\"", "env FOO=1 x", Allow, Deny),
        ("assigns = \"FOO=1\"", "FOO=2 x", Ask, Ask),
        ("assigns = \"FOO=1\"", "FOO=$Y x", Ask, Deny),
        ("wrapped = \"timeout\"", "timeout 5 x", Allow, Deny),
        ("wrapped = \"timeout\"", "x", Ask, Ask),
        ("stdin = \"pipe\"", "ls | x", Allow, Deny),
        ("stdin = \"text\"", "x <<< a", Allow, Deny),
        ("stdin = \"file\"", "x < a", Allow, Deny),
        ("stdin = \"file\"", "x", Ask, Ask),
        ("unprovable = true", "x $Y", Allow, Deny),
        ("unprovable = true", "x y", Ask, Ask),
        ("unprovable = false", "x y", Allow, Deny),
        ("url = \"h.example\"", "x https://h.example/y", Allow, Deny),
        ("url = \"h.example\"", "x https://h.example/y https://i.example", Ask, Deny),
        ("url = \"!h.example\"", "x https://u@i.example/y", Allow, Deny),
    ];
    for (condition, text, allowing, denying) in table {
        for (verdict, expected) in [("allow", allowing), ("deny", denying)] {
            let rule = format!(
                "[[rule]]\nid = \"r\"\nprogram = \"x\"\n{condition}\nverdict = \"{verdict}\"\nreason = \"r\"\n"
            );
            let judgement = line(&policy(&[(Project, &rule)]), text);
            assert_eq!(judgement.verdict(), expected, "{verdict} {condition}: {text}: {:?}", answer(&judgement));
        }
    }
}

#[test]
fn code_from_the_standard_input_is_told_apart_from_data() {
    let rule = "[[rule]]\nid = \"r\"\nprogram = [\"python\", \"sh\", \"perl\"]\nstdin = \"code\"\nverdict = \"deny\"\nreason = \"r\"\n";
    let policy = policy(&[(Project, rule)]);
    let is = |text: &str| line(&policy, text).matches().iter().any(|found| found.id == "r");
    for text in ["python -", "python <<E\nx\nE", "echo x | python", "python < a.py", "curl x | sh", "cat a | perl"] {
        assert!(is(text), "{text}");
    }
    for text in ["python a.py < data", "echo x | python a.py", "python -c x", "sh -c ls", "sh a.sh"] {
        assert!(!is(text), "{text}");
    }
}

#[test]
fn a_module_that_python_runs_is_judged_by_its_own_name_however_it_is_spelled() {
    let policy = preset("python");
    let is = |text: &str| line(&policy, text).matches().iter().any(|found| found.id == "pip-builds");
    for flags in [
        "-m pip",
        "-mpip",
        "-Im pip",
        "-Impip",
        "-W ignore -m pip",
        "-Wignore -m pip",
        "-X dev -u -m pip",
        "-I -s -m pip",
    ] {
        assert!(is(&format!("python3.11 {flags} install .")), "{flags}");
    }
    for text in [
        "python -c pip install .",
        "python a.py -m pip install .",
        "python -Wm pip install .",
        "python - -m pip install .",
    ] {
        assert!(!is(text), "{text}");
    }
    // What a module is called allows nothing: the working folder may hold a file of that name.
    assert_eq!(line(&preset("default"), "python -m cat x").verdict(), Ask);
    assert_eq!(line(&policy, "python -m pytest tests").grant().check, None);
}

#[test]
fn an_installed_program_may_tell_what_it_is() {
    let policy = preset("default");
    for text in ["frob --version", "frob --help", "cd src && frob --version | head -1"] {
        let judgement = line(&policy, text);
        let ids: Vec<&str> = judgement.matches().iter().map(|found| found.id.as_str()).collect();
        assert_eq!((text, judgement.verdict(), ids.contains(&"guard:tells")), (text, Allow, true));
    }
    for text in [
        "frob --version x",
        "frob --help --version",
        "frob -V",
        "frob --version=1",
        "frob",
        "./frob --version",
        "/tmp/frob --help",
        "$X --version",
        "xargs frob --version",
        "frob --version $x",
    ] {
        assert_ne!((text, line(&policy, text).verdict()), (text, Allow));
    }
    let judgement = argv_in(&policy, &["frob", "--version"], |facts| facts.programs.clear());
    assert_ne!(judgement.verdict(), Allow);
    let judgement = line(&policy, "frob --version > /etc/x");
    assert_eq!(judgement.verdict(), Deny);
}
