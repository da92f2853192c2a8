//! What is denied stays so, however it is dressed up: over every example of every denying rule of the presets.

use super::{judged, python, trading};
use guard::action::Shell;
use guard::action::shell::Kind;
use guard::decide::{Policy, Verdict};
use proptest::prelude::*;
use std::sync::OnceLock;

/// The examples that are denied under `policy`; whether each is one plain command that may stand behind a wrapper.
fn denied(policy: &Policy) -> Vec<(String, bool)> {
    let rules = policy.rules().zip(policy.examples()).filter(|((_, verdict, _), _)| *verdict == Verdict::Deny);
    let hits = rules.flat_map(|(_, examples)| &examples.hits).map(|example| example.line.clone());
    let kept = hits.filter(|line| judged(policy, line).verdict() == Verdict::Deny && !line.contains("<<"));
    kept.map(|line| (line.clone(), is_plain(&line))).collect()
}

fn is_plain(line: &str) -> bool {
    let shell = Shell::from_line(line.into());
    match shell.commands() {
        [only] => {
            only.kind == Kind::External
                && only.wrappers.is_empty()
                && only.assigns.is_empty()
                && only.redirects.is_empty()
        }
        _ => false,
    }
}

fn examples() -> &'static [(&'static Policy, String, bool)] {
    static EXAMPLES: OnceLock<Vec<(&'static Policy, String, bool)>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let of = |policy: &'static Policy| denied(policy).into_iter().map(move |(line, plain)| (policy, line, plain));
        of(python()).chain(of(trading())).collect()
    })
}

/// Around any line; `'{}'` stands where it is quoted once more.
const AROUND: &[&str] = &[
    "true; {}",
    "true;{}",
    "true\n{}",
    "true && {}",
    "false || {}",
    "({})",
    "{ {}; }",
    "echo $({})",
    "echo \"a $({}) b\"",
    "cat <({})",
    "X=$({})",
    "[[ -n $({}) ]]",
    "if true; then {}; fi",
    "for x in a; do {}; done",
    "while true; do {}; done",
    "case a in a) {};; esac",
    "f() { {}; }; f",
    "sh -c '{}'",
    "bash -ec '{}'",
    "env bash -c '{}'",
    "eval '{}'",
    "trap '{}' EXIT",
    "bash <<< '{}'",
    "sh -c 'sh -c \"true\"; {}'",
    "env -S \"sh -c\" '{}'",
    "timeout 5 sh -c '{}'",
    "find . -exec sh -c '{}' \\;",
    "echo $((a[$({})]))",
];

/// Around one plain command.
const BEFORE: &[&str] = &[
    "env {}",
    "env -i X=1 {}",
    "X=1 {}",
    "command {}",
    "exec {}",
    "time {}",
    "nice -n 5 {}",
    "nohup {} &",
    "timeout -k 1 5 {}",
    "setsid {}",
    "stdbuf -o0 {}",
    "ionice -c 3 {}",
    "xargs {}",
    "busybox env {}",
    "! {}",
    "coproc {}",
];

/// The same words, spelled otherwise.
fn spelled(line: &str, how: usize) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let simple =
        |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,+@".contains(c));
    if !words.iter().all(simple) {
        return None;
    }
    let each = |spell: &dyn Fn(&str) -> String| words.iter().map(|word| spell(word)).collect::<Vec<_>>();
    Some(match how {
        0 => each(&|word| format!("'{word}'")).join(" "),
        1 => each(&|word| format!("\"{word}\"")).join(" "),
        2 => each(&|word| word.chars().flat_map(|c| ['\\', c]).collect()).join(" "),
        3 => each(&|word| word.chars().map(|c| format!("{c}''")).collect()).join(" "),
        4 => words.join(" \\\n"),
        5 => each(&|word| word.chars().map(|c| format!("{c}\\\n")).collect()).join(" "),
        6 => each(&|word| format!("$'{word}'")).join("\t"),
        7 => format!("{{{}}}", words.join(",")),
        _ => words.join("${IFS}"),
    })
}

fn wrapped(around: &str, line: &str) -> String {
    let quoted = line.replace('\'', "'\\''");
    around.replace("'{}'", &format!("'{quoted}'")).replace("{}'", &format!("{quoted}'")).replace("{}", line)
}

#[test]
fn there_are_enough_examples_to_speak_of() {
    let plain = examples().iter().filter(|(_, _, plain)| *plain).count();
    assert!(examples().len() > 150 && plain > 100, "{} of {}", plain, examples().len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_around_a_denied_line_never_makes_it_allowed(which in any::<prop::sample::Index>(), how in 0..AROUND.len()) {
        let (policy, line, _) = which.get(examples());
        let dressed = wrapped(AROUND[how], line);
        prop_assert_ne!(judged(policy, &dressed).verdict(), Verdict::Allow, "{}", dressed);
    }

    #[test]
    fn wrappers_of_a_denied_command_never_make_it_allowed(which in any::<prop::sample::Index>(), how in 0..BEFORE.len(), again in 0..BEFORE.len()) {
        let (policy, line, plain) = which.get(examples());
        prop_assume!(*plain);
        let once = BEFORE[how].replace("{}", line);
        prop_assert_ne!(judged(policy, &once).verdict(), Verdict::Allow, "{}", once);
        let twice = format!("sh -c '{}'", BEFORE[again].replace("{}", &line.replace('\'', "'\\''")));
        prop_assert_ne!(judged(policy, &twice).verdict(), Verdict::Allow, "{}", twice);
    }

    #[test]
    fn spelling_never_makes_a_denied_command_allowed(which in any::<prop::sample::Index>(), how in 0usize..9, how_else in 0..AROUND.len()) {
        let (policy, line, plain) = which.get(examples());
        let spelled = spelled(line, how).filter(|_| *plain);
        prop_assume!(spelled.is_some());
        let spelled = spelled.unwrap();
        prop_assert_ne!(judged(policy, &spelled).verdict(), Verdict::Allow, "{}", spelled);
        let dressed = wrapped(AROUND[how_else], &spelled);
        prop_assert_ne!(judged(policy, &dressed).verdict(), Verdict::Allow, "{}", dressed);
    }
}
