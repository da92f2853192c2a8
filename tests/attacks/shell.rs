//! SANDBOX.md, attacks, "Shell": how a command hides behind an allowed name.

use super::decide_so;
use guard::decide::Verdict::{Ask, Deny};

#[test]
fn a_variable_or_a_function_by_an_allowed_name_hides_no_command() {
    // `python=1 CMD`; `python(){ CMD;};python`.
    decide_so(&[
        ("python=1 sudo id", Deny, "more-rights"),
        ("python(){ sudo id;};python", Deny, "more-rights"),
        ("function pytest { rm -rf /; }; pytest", Deny, "removes-outside"),
        ("python=1 frobnicate", Ask, "guard:not-listed"),
    ]);
}

#[test]
fn a_newline_and_every_operator_show_the_command_behind_them() {
    // A newline; `;` `&&` `||` `|` `&` `$()` backticks `<()` `>`.
    for hidden in ["sudo id", "rm -rf /"] {
        let rule = if hidden.starts_with("sudo") { "more-rights" } else { "removes-outside" };
        for around in [
            "python a.py\n{}",
            "python a.py; {}",
            "python a.py && {}",
            "python a.py || {}",
            "python a.py | {}",
            "python a.py & {}",
            "python $({})",
            "python \"$({})\"",
            "python `{}`",
            "python <({})",
            "python a.py > >({})",
            "python a.py <<< \"$({})\"",
            "python - <<E\n$({})\nE",
            "python a.py \\\n; {}",
        ] {
            decide_so(&[(&around.replace("{}", hidden), Deny, rule)]);
        }
    }
}

#[test]
fn a_redirection_is_a_write_like_any_other() {
    // `>`, and the files that run later: hooks and settings of git.
    decide_so(&[
        ("python a.py > /etc/cron.d/x", Deny, "guard:writes-outside"),
        ("python a.py >> ~/.bashrc", Deny, "guard:writes-outside"),
        ("echo x > .git/hooks/pre-commit", Deny, "guard:writes-protected"),
        ("echo x > .git/config", Deny, "guard:writes-protected"),
        ("echo x > guard.toml", Deny, "guard:writes-protected"),
        ("echo x > /dev/tcp/10.0.0.1/80", Deny, "guard:dev-tcp"),
    ]);
}

#[test]
fn a_path_through_an_allowed_name_is_what_it_resolves_to() {
    // `python/../../bin/sh`.
    decide_so(&[
        ("python/../../bin/sh x", Ask, "guard:not-listed"),
        ("python/../../bin/sh -c 'rm -rf /'", Deny, "removes-outside"),
        ("python/../../usr/bin/sudo id", Deny, "more-rights"),
    ]);
}

#[test]
fn a_storm_of_processes_is_refused_where_it_is_written_out() {
    // Kernel, "a fork storm"; the limit itself is the fence's.
    decide_so(&[(":(){ :|:& };:", Deny, "guard:fork-bomb"), ("bash -c 'b(){ b|b& };b'", Deny, "guard:fork-bomb")]);
}
