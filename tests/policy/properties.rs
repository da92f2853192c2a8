//! What holds for every command: an answer, always the same one, never milder for a deny more, blind to spelling.

use super::world::{answer, argv, line, policy, preset};
use guard::decide::Layer::Project;
use guard::decide::{Policy, Verdict};
use proptest::prelude::*;
use std::sync::OnceLock;

fn trading() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| preset("python-trading"))
}

/// Pieces that lines are put together from: programs, flags, paths, and everything that has a meaning in a shell.
const PIECES: &[&str] = &[
    "rm",
    "ls",
    "python",
    "git",
    "docker-compose",
    "pip",
    "sudo",
    "env",
    "xargs",
    "sh -c",
    "timeout 5",
    "find . -exec",
    "-rf",
    "-v",
    "--mode",
    "live",
    "down",
    "push",
    "install",
    "main.py",
    "--",
    "-c",
    "-m",
    "pytest",
    "cd",
    "kill -9",
    "/",
    "..",
    "~",
    "/etc/passwd",
    "build/x.o",
    "*.py",
    "guard.toml",
    ".git",
    "$X",
    "\"$X\"",
    "$(echo rm)",
    "`ls`",
    "<(ls)",
    ">",
    ">>",
    "<",
    "2>&1",
    "<<<",
    "|",
    "&&",
    "||",
    ";",
    "&",
    "\n",
    "(",
    ")",
    "{",
    "}",
    "if",
    "then",
    "fi",
    "for f in a b; do",
    "done",
    "'",
    "\"",
    "\\",
    "X=1",
    "PATH=/tmp",
    "LD_PRELOAD=x",
    "f() {",
    "[",
    "]",
    "[[",
    "]]",
    "!",
    "$((1+1))",
    "{a,b}",
    "é",
    "\u{0}",
    "#",
    "case x in",
    "esac",
    "eval",
    "exec",
    "trap",
    "alias",
    "source",
];

fn lines() -> impl Strategy<Value = String> {
    let pieces = proptest::collection::vec(proptest::sample::select(PIECES), 0..12);
    (pieces, any::<bool>()).prop_map(|(pieces, spaced)| pieces.join(if spaced { " " } else { "" }))
}

/// Commands whose answers differ, with what is quoted or reordered in them kept apart.
const COMMANDS: &[&[&str]] = &[
    &["rm", "-r", "-f", "/"],
    &["rm", "-r", "build"],
    &["rm", "-f", "build/x.o"],
    &["docker-compose", "down", "-v"],
    &["docker-compose", "up", "-d"],
    &["git", "push", "--force"],
    &["git", "log", "--oneline"],
    &["python", "main.py", "--mode=live"],
    &["python", "main.py", "--mode=paper"],
    &["pip", "install", "--user", "x"],
    &["pip", "list"],
    &["chmod", "-R", "777", "/etc"],
    &["kill", "-9", "1"],
    &["sort", "-o", "x", "y"],
    &["frobnicate", "--all"],
    &["pytest", "-n", "4", "tests"],
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_gets_an_answer_and_always_the_same(text in lines()) {
        let judgement = line(trading(), &text);
        prop_assert!(!judgement.matches().is_empty());
        prop_assert_eq!(&judgement, &line(trading(), &text));
        let standing = judgement.matches().iter().filter(|found| found.overruled.is_none()).map(|found| found.verdict);
        prop_assert_eq!(standing.max(), Some(judgement.verdict()));
        let sorted = judgement.matches().is_sorted_by_key(|found| (found.overruled.is_some(), std::cmp::Reverse(found.verdict)));
        prop_assert!(sorted);
        prop_assert!(judgement.matches().iter().all(|found| !found.reason.is_empty() && !found.at.is_empty()));
    }

    #[test]
    fn any_text_gets_an_answer(text in "\\PC{0,80}") {
        prop_assert!(!line(trading(), &text).matches().is_empty());
    }

    #[test]
    fn any_arguments_get_an_answer(words in proptest::collection::vec("\\PC{0,12}", 0..6)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        prop_assert!(!argv(trading(), &words).matches().is_empty());
    }

    #[test]
    fn a_deny_more_never_makes_an_answer_milder(text in lines(), conditions in denies()) {
        let extended = policy(&[(Project, &format!("extends = [\"python-trading\"]\n{conditions}"))]);
        let (before, after) = (line(trading(), &text), line(&extended, &text));
        prop_assert!(after.verdict() >= before.verdict(), "{} {:?}", text, conditions);
        // That nothing knows a command is said only while nothing does.
        let unknown = ["guard:not-listed", "guard:builtin", "guard:wrapper"];
        for found in before.matches().iter().filter(|found| !unknown.contains(&found.id.as_str())) {
            prop_assert!(after.matches().iter().any(|other| other.id == found.id));
        }
    }

    #[test]
    fn quotes_and_escapes_change_nothing(which in 0..COMMANDS.len(), spelling in proptest::collection::vec(0u8..5, 6)) {
        let words = COMMANDS[which];
        let spelled: Vec<String> = words.iter().zip(spelling).map(|(word, how)| spell(word, how)).collect();
        let (plain, spelled) = (line(trading(), &words.join(" ")), line(trading(), &spelled.join(" ")));
        prop_assert_eq!(answer(&plain), answer(&spelled));
        prop_assert_eq!(plain.grant(), spelled.grant());
    }

    #[test]
    fn the_order_of_flags_changes_nothing(which in 0..COMMANDS.len(), seed in any::<u64>()) {
        let words = COMMANDS[which];
        // Flags without a value of their own may stand in any order among themselves.
        let free = |word: &&&str| word.starts_with('-') && !["-o", "-n"].contains(&**word);
        let mut flags: Vec<&str> = words.iter().filter(free).copied().collect();
        if !flags.is_empty() {
            let turn = usize::try_from(seed % flags.len() as u64).unwrap();
            flags.rotate_left(turn);
        }
        let mut flags = flags.into_iter();
        let turned: Vec<&str> =
            words.iter().map(|word| if free(&word) { flags.next().unwrap() } else { word }).collect();
        let (plain, turned) = (line(trading(), &words.join(" ")), line(trading(), &turned.join(" ")));
        prop_assert_eq!(answer(&plain), answer(&turned));
    }

    #[test]
    fn what_is_denied_stays_so_however_it_is_wrapped(which in 0..COMMANDS.len(), how in 0usize..WRAPPED.len()) {
        let plain = COMMANDS[which].join(" ");
        let wrapped = WRAPPED[how].replace("{}", &plain);
        let (plain, wrapped) = (line(trading(), &plain), line(trading(), &wrapped));
        prop_assert!(plain.verdict() == Verdict::Allow || wrapped.verdict() != Verdict::Allow);
        if plain.verdict() == Verdict::Deny {
            prop_assert_eq!(wrapped.verdict(), Verdict::Deny);
        }
    }
}

const WRAPPED: &[&str] = &[
    "true; {}",
    "true && {}",
    "true | {}",
    "{} &",
    "! {}",
    "({})",
    "{ {}; }",
    "env {}",
    "env X=1 {}",
    "sh -c '{}'",
    "bash -c \"{}\"",
    "echo $({})",
    "echo `{}`",
    "cat <({})",
    "timeout 5 {}",
    "nice -n 5 {}",
    "nohup {}",
    "command {}",
    "exec {}",
    "eval '{}'",
    "time {}",
    "f() { {}; }; f",
    "if true; then {}; fi",
    "for x in a; do {}; done",
    "case a in a) {};; esac",
    "xargs {}",
    "find . -exec {} \\;",
    "setsid {}",
    "stdbuf -o0 {}",
    "X=$({})",
    "sh <<'E'\n{}\nE",
    "bash <<< '{}'",
    "echo \"a $({}) b\"",
    "sudo {}",
    "[[ -n $({}) ]]",
    "while false; do {}; done",
    "trap '{}' EXIT",
];

fn spell(word: &str, how: u8) -> String {
    match how {
        0 => word.to_owned(),
        1 => format!("'{word}'"),
        2 => format!("\"{word}\""),
        3 => word.chars().flat_map(|c| ['\\', c]).collect(),
        _ => word.chars().map(|c| format!("{c}''")).collect(),
    }
}

fn denies() -> impl Strategy<Value = String> {
    let program =
        proptest::sample::select(vec!["program = \"git\"", "program = \"*\"", "program = [\"rm\", \"python\"]", ""]);
    let more = proptest::sample::select(vec![
        "flags_any = [\"-f\", \"--force\"]",
        "args = \"*\"",
        "writes_to = \"**\"",
        "assigns = \"*\"",
        "unprovable = true",
        "subcommand = \"!push\"",
        "stdin = \"pipe\"",
        "wrapped = \"env\"",
        "flags_none = \"-x\"",
    ]);
    (program, more).prop_map(|(program, more)| {
        format!("[[rule]]\nid = \"added\"\n{program}\n{more}\nverdict = \"deny\"\nreason = \"r\"\n")
    })
}
