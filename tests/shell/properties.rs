//! Properties that hold for any text.

use super::shown;
use guard::action::Shell;
use guard::action::shell::Command;
use proptest::prelude::*;
use std::os::unix::ffi::OsStringExt;

/// Pieces of shell, so that random texts come near its grammar.
fn fragment() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "a",
        "rm -rf /",
        " ",
        "\n",
        ";",
        "&&",
        "||",
        "|",
        "&",
        "(",
        ")",
        "{ ",
        "; }",
        "$(",
        "`",
        "\"",
        "'",
        "$x",
        "${x:-",
        "}",
        "$((",
        "))",
        "<<E\n",
        "\nE\n",
        "<<<",
        "<",
        ">",
        ">&",
        "if ",
        "; then ",
        "; fi",
        "for i in ",
        "; do ",
        "; done",
        "case x in ",
        " esac",
        ";;",
        "[[ ",
        " ]]",
        "((",
        "f() ",
        "x=",
        "a[1]=",
        "=(",
        "\\",
        "#",
        "*",
        "{a,b}",
        "~",
        "$'",
        "!",
        "eval ",
        "sh -c ",
        "env ",
        "xargs ",
        "cd ",
        "export ",
        "trap ",
        "é",
        "\t",
        "time ",
        "coproc ",
        "<(",
        "2>",
        "{x}>",
        "-",
        "--",
        "declare -i ",
        "read ",
        "exec ",
        "\\\n",
        "${!x}",
        "${x@P}",
        "find . -exec ",
        " \\;",
        " +",
        "alias ",
        "\r",
        "function ",
        "$[",
        "]",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat())
}

/// A simple command of plain words.
fn simple() -> impl Strategy<Value = Vec<String>> {
    let word = "[a-z][a-z0-9./-]{0,6}( [a-z])?|-[a-z]{1,2}|[$*'\"{}~ ]{1,3}";
    ("[a-z]{3,6}x", prop::collection::vec(word, 0..4))
        .prop_map(|(program, rest)| std::iter::once(program).chain(rest).collect())
}

/// A word quoted in one of several ways.
fn quoted(word: &str, way: usize) -> String {
    match way % 4 {
        0 => format!("'{}'", word.replace('\'', "'\\''")),
        1 => format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`")),
        2 => word.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\{c}") }).collect(),
        _ => format!("$'{}'", word.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

fn values(command: &Command) -> Vec<String> {
    command.words.iter().filter_map(|word| word.value.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_taken_apart_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = std::ffi::OsString::from_vec(bytes);
        Shell::from_line(text.clone());
        Shell::from_argv(vec!["sh".into(), "-c".into(), text.clone()]);
        Shell::from_argv(vec![text]);
    }

    #[test]
    fn any_pieces_of_shell_are_taken_apart_without_a_panic(text in fragment()) {
        let shell = Shell::from_line(text.clone().into());
        for command in shell.commands().iter().chain(shell.suspects()) {
            prop_assert!(shell.text().get(command.span.clone()).is_some(), "{:?}", command.span);
        }
        prop_assert_eq!(Shell::from_line(text.into()), shell);
    }

    #[test]
    fn quoting_changes_nothing(words in simple(), ways in prop::collection::vec(0_usize..4, 5)) {
        let text: Vec<String> = words.iter().zip(ways.iter().cycle()).map(|(word, way)| quoted(word, *way)).collect();
        let shell = Shell::from_line(text.join(" ").into());
        prop_assert_eq!(shell.commands().len(), 1);
        prop_assert_eq!(values(&shell.commands()[0]), words);
    }

    #[test]
    fn an_argument_vector_and_its_text_say_the_same(words in simple()) {
        let vector = Shell::from_argv(words.iter().map(Into::into).collect());
        let line = Shell::from_line(vector.text().into());
        prop_assert_eq!(values(&line.commands()[0]), values(&vector.commands()[0]));
    }

    #[test]
    fn wrapping_keeps_the_command_among_the_commands(words in simple(), ways in prop::collection::vec(0_usize..3, 1..4)) {
        let mut text: String = words.iter().map(|word| quoted(word, 0)).collect::<Vec<_>>().join(" ");
        for way in ways {
            text = match way {
                0 => format!("sh -c {}", quoted(&text, 0)),
                1 => format!("eval {}", quoted(&text, 1)),
                _ => format!("timeout 5 bash -c {}", quoted(&text, 3)),
            };
        }
        for outer in ["{}", "true; {}", "{ {}; }", "( {} )", "$( {} )", "echo \"$({})\"", "a && {}", "{} | b", "if {}; then :; fi",
            "f() { {}; }", "while {}; do :; done", "cat <({})", "! {}", "x=$({}) y", "! { {} & }", "case x in x) {};; esac"]
        {
            let shell = Shell::from_line(outer.replace("{}", &text).into());
            let found = shell.commands().iter().any(|command| values(command) == words);
            prop_assert!(found, "{outer}: {:?}", shell.commands().iter().map(shown).collect::<Vec<_>>());
        }
    }

    #[test]
    fn adding_a_command_in_front_removes_none(text in fragment()) {
        let alone = Shell::from_line(text.clone().into());
        let behind = Shell::from_line(format!("true; {text}").into());
        if alone.faults().is_empty() && behind.faults().is_empty() {
            let all: Vec<Vec<String>> = behind.commands().iter().map(values).collect();
            for command in alone.commands() {
                prop_assert!(all.contains(&values(command)), "{:?}", command.words);
            }
        }
    }

    #[test]
    fn continuation_between_words_changes_nothing(words in simple()) {
        let text = words.iter().map(|word| quoted(word, 0)).collect::<Vec<_>>().join(" \\\n ");
        let shell = Shell::from_line(text.into());
        prop_assert_eq!(values(&shell.commands()[0]), words);
    }
}
