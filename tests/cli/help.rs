//! Help, completions and man pages: generated from one definition, and kept as snapshots.

use super::Home;

/// Every subcommand a person can call, each with its own help.
const COMMANDS: [&[&str]; 29] = [
    &[],
    &["init"],
    &["exec"],
    &["check"],
    &["policy"],
    &["policy", "check"],
    &["policy", "trust"],
    &["policy", "explain"],
    &["policy", "test"],
    &["policy", "replay"],
    &["policy", "unused"],
    &["policy", "schema"],
    &["audit"],
    &["audit", "tail"],
    &["audit", "show"],
    &["audit", "search"],
    &["audit", "export"],
    &["audit", "verify"],
    &["audit", "recover"],
    &["hook"],
    &["hook", "claude"],
    &["hook", "install"],
    &["hook", "uninstall"],
    &["notify"],
    &["notify", "test"],
    &["doctor"],
    &["demo"],
    &["completions"],
    &["man"],
];

#[test]
fn every_command_has_help_with_an_example() {
    let home = Home::bare();
    let mut whole = String::new();
    for command in COMMANDS {
        let words: Vec<_> = command.iter().copied().chain(["--help"]).collect();
        let found = home.guard(&words);
        assert_eq!((found.code, found.stderr.as_str()), (Some(0), ""), "{command:?}");
        assert!(found.stdout.contains("Example"), "no example in `guard {}`:\n{}", words.join(" "), found.stdout);
        whole += &format!("$ guard {}\n{}\n", words.join(" "), found.stdout);
    }
    insta::assert_snapshot!("help", whole);
}

#[test]
fn completions_are_made_for_every_shell() {
    let home = Home::bare();
    for shell in ["bash", "zsh", "fish"] {
        let found = home.guard(&["completions", shell]);
        assert_eq!(found.code, Some(0), "{}", found.stderr);
        assert!(found.stdout.contains("verify"), "{shell}");
    }
}

#[test]
fn man_pages_are_made_for_every_command() {
    let home = Home::bare();
    assert_eq!(home.guard(&["man", "pages"]).code, Some(0));
    for page in ["guard.1", "guard-exec.1", "guard-audit-verify.1"] {
        assert!(home.read(&format!("pages/{page}")).contains(".TH"), "{page}");
    }
}

#[test]
fn a_usage_error_is_125_since_2_could_be_a_commands_own_code() {
    let home = Home::bare();
    let found = home.guard(&["exec", "--no-such-flag"]);
    assert_eq!(found.code, Some(125));
    assert!(found.stderr.contains("--no-such-flag"), "{}", found.stderr);
}
