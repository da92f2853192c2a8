//! `guard policy trust`: a changed policy counts only after a person has looked at the change.

use super::{Home, terminal};

#[test]
fn a_policy_changed_since_it_was_trusted_stops_everything_and_shows_the_change() {
    let home = Home::with("python");
    let changed = home.read("guard.toml") + "\n[limits]\ntimeout = \"5s\"\n";
    home.write("guard.toml", &changed);
    for command in ["exec", "check"] {
        let done = home.guard(&[command, "--", "ls"]);
        assert_eq!((done.code, done.stdout.as_str()), (Some(78), ""));
        assert!(done.stderr.contains("+timeout = \"5s\""), "{}", done.stderr);
        assert!(done.stderr.contains("guard policy trust"), "{}", done.stderr);
    }
}

#[test]
fn trust_needs_a_terminal_and_the_word_yes() {
    let home = Home::with("python");
    home.write("guard.toml", &(home.read("guard.toml") + "\n[limits]\ntimeout = \"5s\"\n"));
    let piped = home.guard(&["policy", "trust"]);
    assert_eq!(piped.code, Some(125), "{}", piped.stdout);
    let declined = terminal(&home, &["policy", "trust"], "\n");
    assert!(declined.stdout.contains("nothing changed"), "{}", declined.stdout);
    assert_eq!(home.guard(&["check", "--", "ls"]).code, Some(78));

    let agreed = terminal(&home, &["policy", "trust"], "yes\n");
    assert!(agreed.stdout.contains("+timeout = \"5s\""), "{}", agreed.stdout);
    assert_eq!(home.guard(&["check", "--", "ls"]).code, Some(0));
    assert!(home.log().contains("[GUARD] [TRUST] [guard.toml] [SUCCESS]"), "{}", home.log());
}

#[test]
fn a_policy_with_faults_cannot_be_trusted() {
    let home = Home::with("python");
    home.write("guard.toml", &(home.read("guard.toml") + "\n[limits]\ntimeout = \"soon\"\n"));
    let done = terminal(&home, &["policy", "trust"], "yes\n");
    assert_eq!(done.code, Some(78), "{}", done.stdout);
    assert!(done.stdout.contains("guard.toml:"), "{}", done.stdout);
}

#[test]
fn a_trusted_rule_of_the_project_allows_what_was_asked() {
    let home = Home::with("python");
    assert_eq!(home.guard(&["exec", "--", "truncate", "-s", "0", "data.csv"]).code, Some(75));
    home.trust(
        "\n[[rule]]\nid = \"empties-data\"\nprogram = \"truncate\"\nverdict = \"allow\"\nreason = \"empties its own data\"\n\
         hits = [\"truncate -s 0 data.csv\"]\nmisses = [\"ls\"]\n",
    );
    let done = home.guard(&["exec", "--", "truncate", "-s", "0", "data.csv"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(home.project.join("data.csv").exists());
}
