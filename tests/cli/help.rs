//! Help, completions and man pages: generated from one definition, and kept as snapshots.

use super::Home;

/// The help of every command that is listed anywhere, from `path` on, each below its call.
fn helps(home: &Home, path: &[&str], whole: &mut String) {
    let words: Vec<_> = path.iter().copied().chain(["--help"]).collect();
    let found = home.guard(&words);
    assert_eq!((found.code, found.stderr.as_str()), (Some(0), ""), "{path:?}");
    assert!(found.stdout.contains("Example"), "no example in `guard {}`:\n{}", words.join(" "), found.stdout);
    *whole += &format!("$ guard {}\n{}\n", words.join(" "), found.stdout);
    let listed =
        found.stdout.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| *name != "help") {
        helps(home, &[path, &[name]].concat(), whole);
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let mut whole = String::new();
    helps(&Home::bare(), &[], &mut whole);
    assert!(whole.contains("\n$ guard approver add --help\n"), "commands of commands are among them");
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
