//! The narrowest rule that allows what is asked: that there is one, that it allows exactly that, and when there is none.

use super::world::{argv_in, line, policy};
use guard::action::shell::{Shell, quoted};
use guard::decide::Layer::{Person, Project};
use guard::decide::policy::embedded;
use guard::decide::{Narrow, Policy, TooWide, Verdict, example_environment, example_facts, lasting, narrowest, toml};
use proptest::prelude::*;
use std::sync::LazyLock;

const ID: &str = "always-command-1";

/// Everything that ships, attended.
fn settings() -> String {
    let names: Vec<&str> = embedded().map(|preset| preset.name).collect();
    format!("extends = {names:?}\nsupervision = \"attended\"\n")
}

static SHIPPED: LazyLock<Policy> = LazyLock::new(|| policy(&[(Project, &settings())]));

/// The narrowest rule for a line.
fn narrow(text: &str) -> Result<Narrow, TooWide> {
    let shell = Shell::from_line_in(text.into(), &example_environment());
    narrowest(&line(&SHIPPED, text), &example_facts(&shell), &SHIPPED)
}

/// The shipped policy, and that rule in the person's layer.
fn with(narrow: &Narrow) -> Policy {
    let (conditions, examples) = lasting(ID, narrow);
    policy(&[(Person, &format!("{conditions}reason = {}\n{examples}", toml("r"))), (Project, &settings())])
}

fn by_rule(policy: &Policy, text: &str) -> bool {
    line(policy, text).matches().iter().any(|found| found.id == ID)
}

#[test]
fn what_a_shipped_rule_asks_is_allowed_by_a_rule_or_said_to_have_none() {
    let (mut lines, mut rules) = (Vec::new(), String::new());
    for preset in embedded() {
        let text: toml::Table = toml::from_str(preset.text).unwrap();
        let asking = text.get("rule").and_then(|rules| rules.as_array()).into_iter().flatten();
        for rule in asking.filter(|rule| rule["verdict"].as_str() == Some("ask")) {
            for hit in rule.get("hits").and_then(|hits| hits.as_array()).into_iter().flatten() {
                let hit = hit.as_str().unwrap();
                if line(&SHIPPED, hit).verdict() == Verdict::Ask
                    && let Ok(narrow) = narrow(hit)
                {
                    let id = format!("{ID}-{}", lines.len());
                    let (conditions, examples) = lasting(&id, &narrow);
                    rules += &format!("{conditions}reason = \"r\"\n{examples}");
                    lines.push((id, hit.to_owned()));
                }
            }
        }
    }
    let policy = policy(&[(Person, &rules), (Project, &settings())]);
    assert_eq!(guard::decide::check_examples(&policy), Ok(()));
    let mut asked = Vec::new();
    for (id, hit) in &lines {
        let judgement = line(&policy, hit);
        assert!(judgement.matches().iter().any(|found| found.id == *id), "{hit}");
        if judgement.verdict() != Verdict::Allow {
            let asks = judgement.matches().iter().find(|found| found.overruled.is_none());
            asked.push((hit.as_str(), asks.map(|found| found.id.clone()).unwrap_or_default()));
        }
    }
    // What docker-compose would run outside the fence is for a person to say each time.
    asked.retain(|(hit, _)| !hit.starts_with("docker"));
    assert_eq!((lines.len() > 250, asked), (true, vec![]), "{}", lines.len());
}

#[test]
fn there_is_no_rule_for_what_could_do_anything_else_as_well() {
    let table = [
        ("bash deploy.sh", "`bash` is a shell"),
        ("zsh deploy.sh", "`zsh` is a shell"),
        ("python deploy.py", "`python` is an interpreter"),
        ("python3.11 deploy.py", "`python3.11` is an interpreter"),
        ("python -c 'print(1)'", "`python` is an interpreter"),
        ("node x.js", "`node` is an interpreter"),
        ("awk '{print}' x", "`awk` is an interpreter"),
        ("sed -n p x", "`sed` is an interpreter"),
        ("find . -name x", "`find` is a program that runs others"),
        ("uv sync", "`uv` is a program that runs others"),
        ("busybox", "`busybox` is a program that runs others"),
        ("sh -c 'truncate -s 0 x'", "it is started by `sh`"),
        ("env truncate -s 0 x", "it is started by `env`"),
        ("sudo truncate -s 0 x", "`sudo` is a program that runs others"),
        ("sudo -l", "`sudo` is a program that runs others"),
        ("eval truncate -s 0 x", "it is started by `eval`"),
        ("guard approve command-1", "`guard` is guard itself"),
        ("truncate -s 0 x; truncate -s 0 y", "it is not one plain command"),
        ("truncate -s 0 x &", "it is not one plain command"),
        ("cd x && truncate -s 0 x", "it is not one plain command"),
        ("! truncate -s 0 x", "it is not one plain command"),
        ("truncate -s 0 'x", "it is not one plain command"),
        ("truncate -s 0 $X", "only the run will tell what it is"),
        ("truncate -s 0 *", "only the run will tell what it is"),
        ("$X -s 0 x", "only the run will tell what it is"),
        ("X=1 truncate -s 0 x", "it sets `X`"),
        ("truncate -s 0 x > y", "its input or output is redirected"),
        ("truncate -s 0 x <<< y", "its input or output is redirected"),
        ("./truncate -s 0 x", "`./truncate` lies where commands can write"),
        ("/tmp/truncate -s 0 x", "`/tmp/truncate` lies where commands can write"),
        ("umask 077", "it starts no program of its own"),
        ("X=1", "it starts no program of its own"),
        ("'/usr/bin/a[b]' x", "`/usr/bin/a[b]` cannot be written in a rule as it is"),
    ];
    for (text, expected) in table {
        let said = narrow(text).map_err(|cause| cause.to_string());
        assert!(said.as_ref().is_err_and(|said| said.starts_with(expected)), "{text}: {said:?}");
    }
}

#[test]
fn a_program_that_is_missing_or_called_by_another_name_gets_no_rule() {
    let shell = Shell::from_argv(["rmmod", "x"].map(Into::into).to_vec());
    let mut facts = example_facts(&shell);
    let change = |facts: &mut guard::action::Facts, to: guard::action::Found| {
        facts.programs.values_mut().for_each(|found| *found = to.clone());
    };
    let program =
        guard::action::Program { path: "/usr/sbin/rmmod".into(), real: "/usr/bin/kmod".into(), writable: false };
    for (found, expected) in [
        (guard::action::Found::Missing, TooWide::Missing),
        (guard::action::Found::Unusable("x".into()), TooWide::Missing),
        (guard::action::Found::Program(program), TooWide::Renamed("/usr/bin/kmod".into())),
    ] {
        change(&mut facts, found.clone());
        let judgement = argv_in(&SHIPPED, &["rmmod", "x"], |facts| change(facts, found));
        assert_eq!(narrowest(&judgement, &facts, &SHIPPED), Err(expected));
    }
}

#[test]
fn a_rule_says_what_the_rules_that_ask_look_at() {
    let found = narrow("pip install --index-url https://pypi.example/simple x").unwrap();
    assert_eq!(found.url, ["pypi.example"]);
    let found = narrow("cp /etc/hostname x").unwrap();
    assert_eq!(found.reads, ["/etc/hostname"]);
    let found = narrow("truncate -s 0 x").unwrap();
    let expected = Narrow {
        program: "/usr/bin/truncate".into(),
        exactly: ["-s", "0", "x"].map(str::to_owned).into(),
        folder: "/project".into(),
        reads: vec![],
        writes_to: vec![],
        removes: vec![],
        url: vec![],
        proved: false,
        mode: None,
        phase: None,
    };
    assert_eq!(found, expected);
}

#[test]
fn a_rule_holds_in_the_mode_and_phase_in_which_it_was_asked() {
    let words = ["truncate", "-s", "0", "x"];
    let in_mode = |policy: &Policy, mode: Option<&str>, phase: Option<&str>| {
        argv_in(policy, &words, |facts| {
            facts.mode = mode.map(str::to_owned);
            facts.phase = phase.map(str::to_owned);
        })
    };
    let judgement = in_mode(&SHIPPED, Some("paper"), Some("build"));
    let shell = Shell::from_argv(words.map(Into::into).to_vec());
    let facts =
        guard::action::Facts { mode: Some("paper".into()), phase: Some("build".into()), ..example_facts(&shell) };
    let policy = with(&narrowest(&judgement, &facts, &SHIPPED).unwrap());
    assert_eq!(guard::decide::check_examples(&policy), Ok(()));
    let verdict = |mode, phase| in_mode(&policy, mode, phase).verdict();
    assert_eq!(verdict(Some("paper"), Some("build")), Verdict::Allow);
    for (mode, phase) in [(Some("live"), Some("build")), (Some("paper"), Some("x")), (None, None)] {
        assert_eq!(verdict(mode, phase), Verdict::Ask);
    }
    let odd = guard::action::Facts { mode: Some("p*".into()), ..facts };
    assert_eq!(narrowest(&judgement, &odd, &SHIPPED), Err(TooWide::Unwritable("p*".into())));
}

/// Words of commands of which a person is asked.
const ASKED: &[&[&str]] = &[
    &["truncate", "-s", "0", "data.csv"],
    &["terraform", "apply", "-auto-approve"],
    &["git", "push", "origin", "main"],
    &["cp", "/etc/hostname", "x"],
    &["frobnicate"],
    &["frobnicate", "it's", "*", "", "$HOME", "a\nb", "é"],
];

/// What a rule for these words makes of the policy.
static RULED: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let line = |words: &&[&str]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    ASKED.iter().map(|words| with(&narrow(&line(words)).unwrap())).collect()
});

/// One change of a command line.
fn changed(words: &[&str], how: usize, at: usize, word: &str) -> String {
    let mut words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let at = at % words.len();
    match how {
        0 => words[at] = quoted(word),
        1 => words.insert(at + 1, quoted(word)),
        2 => drop(words.remove(at)),
        3 => words[at].push_str(&quoted(word)),
        4 => {
            const BEFORE: &[&str] =
                &["env", "nice", "sudo", "xargs", "timeout 5", "X=1", "!", "command", "time", "cd x;"];
            words.insert(0, BEFORE[at % BEFORE.len()].to_owned());
        }
        5 => {
            const BEHIND: &[&str] = &["> x", "2>&1", "< x", "<<< x", "| cat", "&", "; ls", "&& ls", "$X", "*"];
            words.push(BEHIND[at % BEHIND.len()].to_owned());
        }
        6 => words[0] = format!("{}/{}", ["/opt", "/tmp", ".", "/usr/local/bin"][at % 4], words[0]),
        _ => words = vec!["sh".into(), "-c".into(), quoted(&words.join(" "))],
    }
    words.join(" ")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_differs_from_what_was_asked_is_not_allowed_by_the_rule(
        asked in 0..ASKED.len(),
        how in 0..8_usize,
        at in 0..20_usize,
        word in "[a-z0-9*$'\" =./-]{1,6}",
    ) {
        let words = ASKED[asked];
        let text = changed(words, how, at, &word);
        let same = Shell::from_line(text.clone().into());
        let same = same.commands().first().is_some_and(|command| {
            let own: Vec<_> = command.words.iter().map(|word| word.literal().unwrap_or_default()).collect();
            own == words && same.commands().len() == 1 && how < 3
        });
        prop_assert_eq!(by_rule(&RULED[asked], &text), same, "{}", text);
    }
}
