//! Wrappers: whatever stands around a command, the command is found.

use super::{doubts, line, proved, seen};

#[test]
fn every_wrapper_gives_up_what_it_runs() {
    let cases: &[(&str, &[&str])] = &[
        ("env -- A=1 x y", &["env: A=1 x y"]),
        ("env -i -u B -C d A=1 x", &["env: A=1 x"]),
        ("env - x", &["env: x"]),
        ("env -S 'A=1 x y' z", &["env: A=1 x y z"]),
        ("env -iS'x y'", &["env: x y"]),
        ("env --split-string='x \"y z\"'", &["env: x 'y z'"]),
        ("env A=1", &["A=1 env A=1"]),
        ("env A=\"$x\" x", &["env: A=? x"]),
        ("time -p x", &["x"]),
        ("/usr/bin/time -v -o f x", &["/usr/bin/time: x >f"]),
        ("timeout -k 5 --signal=KILL 10s x y", &["timeout: x y"]),
        ("nice -n 5 x; nice -5 y; nice --adjustment=3 z", &["nice: x", "nice: y", "nice: z"]),
        ("ionice -c 3 x; chrt -b 0 y; taskset -c 0 z", &["ionice: x", "chrt: y", "taskset: z"]),
        ("nohup x & setsid -f y", &["nohup: x", "setsid: y"]),
        ("stdbuf -oL -e 0 x", &["stdbuf: x"]),
        ("a | xargs -0 -n 1 x -y", &["a", "xargs: x -y …"]),
        ("a | xargs -I{} x -{} b{}c", &["a", "xargs: x ?- ?b"]),
        ("watch -n 1 'x; y' z", &["watch: x", "watch: y z"]),
        ("watch -x x 'y z'", &["watch: x 'y z'"]),
        (
            "find . -name a -exec x {} \\; -o -execdir y -- {} +",
            &["find: x ./**/a", "find: y -- ? …", "find . -name a -exec x {} ; -o -execdir y -- {} +"],
        ),
        ("find . -ok x \\;", &["find: x", "find . -ok x ;"]),
        ("sh -c 'x; y'", &["sh: x", "sh: y"]),
        ("bash -ec -- 'x'", &["bash: x"]),
        ("bash -o pipefail -c 'x $1' n 'y z'", &["bash: x y z"]),
        ("bash <<E\nx\ny\nE", &["bash: x", "bash: y"]),
        ("bash -s <<< 'x y'", &["bash: x y"]),
        ("sh f.sh a", &["sh f.sh a"]),
        ("command -p x; builtin echo y; exec -a n z", &["command: x", "builtin: echo y", "exec: z"]),
        ("command -v x", &["command -v x"]),
        ("sudo -u r A=1 x", &["sudo -u r A=1 x", "sudo: A=1 x"]),
        (
            "doas x; pkexec y; su -c 'z a' r",
            &["doas x", "doas: x", "pkexec y", "pkexec: y", "su -c 'z a' r", "su: z a"],
        ),
        ("busybox x -y", &["busybox: x -y"]),
        ("flock -n l x", &["flock: x >l"]),
        ("flock l -c 'x y'", &["flock: >l", "flock: x y"]),
        ("script -qc 'x y' f", &["script -qc 'x y' f >f", "script: >f", "script: x y"]),
        ("unshare -rn x", &["unshare -rn x", "unshare: x"]),
        ("strace -f -o l x", &["strace -f -o l x >l", "strace: x >l"]),
        ("uv run x -y", &["uv run x -y", "uv: x -y"]),
        ("ssh h x", &["ssh h x"]),
        ("eval x 'y;' z", &["eval: x y", "eval: z"]),
        ("env nice -n 1 timeout 5 sh -c 'nohup x'", &["env: nice: timeout: sh: nohup: x"]),
    ];
    for (text, expected) in cases {
        assert_eq!((*text, proved(text)), (*text, expected.iter().map(|e| (*e).to_owned()).collect()));
    }
}

#[test]
fn an_option_that_is_not_known_leaves_a_wrapper_unproven_but_not_unseen() {
    for text in [
        "timeout --new 5 rm -rf /",
        "xargs -R 5 rm -rf /",
        "nice $x rm -rf /",
        "env -Z rm -rf /",
        "parallel --colsep , rm -rf / ::: a",
        "parallel -X ::: 'rm -rf /'",
        "ld.so rm -rf /",
        "/lib64/ld-linux-x86-64.so.2 rm -rf /",
        "uv run --with x rm -rf /",
        "git -c alias.x='!rm -rf /' x",
        "git rebase -x 'rm -rf /' HEAD~2",
        "git submodule foreach 'rm -rf /'",
        "git bisect run rm -rf /",
        "awk 'BEGIN { c = \"rm -rf /\"; system(c) }'",
        "echo 'rm -rf /' | sh",
        "printf 'rm -rf /\\n' | bash -s",
        "alias x='rm -rf /'",
        "x=(rm -rf /); \"${x[@]}\"",
        "$x rm -rf /",
        "bash -lc 'rm -rf /'",
        "eval \"rm -rf /; $x\"",
        "zsh -c 'rm -rf /'",
        "sh -c '((rm -rf /))'",
        "env -S 'rm -rf /$x'",
        "f() { \"$@\"; }; f rm -rf /",
    ] {
        assert!(!doubts(text).is_empty(), "{text}");
        let found = |command: &String| command.rsplit(": ").next().is_some_and(|own| own.starts_with("rm -rf /"));
        assert!(seen(text).iter().any(found), "{text}: {:?}", seen(text));
    }
}

#[test]
fn what_sed_and_awk_start_and_write_is_theirs() {
    // Manuals of GNU sed (`e`, `w`, `s///w`) and of gawk (redirections, `system`, `getline`).
    assert_eq!(proved("awk 'BEGIN { system(\"rm -rf /\") }'")[0], "awk: rm -rf /");
    assert_eq!(proved("sed -n '1e id' a"), ["sed: id", "sed -n '1e id' a"]);
    assert_eq!(proved("sed 's/a/b/w /etc/x' a"), ["sed 's/a/b/w /etc/x' a >/etc/x"]);
    assert_eq!(proved("sed -n -e 1p -e 'r /etc/shadow' a"), ["sed -n -e 1p -e 'r /etc/shadow' a </etc/shadow"]);
    assert_eq!(proved("awk '{print>\"o\"}' a"), ["awk {print>\"o\"} a >o"]);
    assert_eq!(proved("awk '{print|\"sort\\nrm\"}' a").len(), 3);
    for text in [
        "sed 's/a/id/e' a",
        "sed -f x a",
        "sed --expr='1e id' a",
        "sed -i'x/*' p a",
        "sed \"$x\" a",
        "awk -f x a",
        "awk -i inplace 1 a",
        "awk -W exec=x",
        "awk \"$x\"",
        "awk '{print>$1}' a",
        "gawk -l x 1",
    ] {
        assert!(!doubts(text).is_empty(), "{text}");
    }
}

#[test]
fn a_function_that_starts_copies_of_itself_is_a_bomb() {
    use guard::action::shell::FaultKind;
    let bombs = |text: &str| line(text).faults().iter().filter(|fault| fault.kind == FaultKind::Bomb).count();
    for text in [
        ":(){ :|:& };:",
        "bomb() { bomb | bomb; }; bomb",
        "f(){ f & f; }; f",
        "f() { (f &); }; f",
        "function f { { f; } & }",
        "a(){ b & b; }; b(){ a; }; a",
        "bash -c ':(){ :|:& };:'",
        "f(){ coproc f; }; f",
    ] {
        assert!(bombs(text) > 0, "{text}: {:?}", line(text).faults());
    }
    assert!(!doubts("f(){ if true; then f | f & fi; }; f").is_empty());
    for text in [
        "walk() { for f in *; do walk \"$f\"; done; }; walk",
        "walk() { ls | while read -r f; do walk \"$f\"; done; }; walk .",
        "f() { sleep 5 & wait; }; f; f",
        "f() { f; }; f",
        "f() { g | sort & }; g() { ls; }; f",
    ] {
        assert_eq!((text, bombs(text), doubts(text).iter().any(|d| d.contains("copies"))), (text, 0, false));
    }
}

#[test]
fn program_text_that_calls_a_shell_is_suspected() {
    for text in [
        "python -c 'import os; os.system(\"rm -rf /\")'",
        "python - <<E\nimport subprocess\nsubprocess.run(['rm', '-rf', '/'])\nE",
        "perl -e 'system(\"rm -rf /\")'",
        "ruby -e 'system \"rm -rf /\"'",
        "node -e 'require(\"child_process\").execSync(\"rm -rf /\")'",
    ] {
        assert!(seen(text).iter().any(|command| command == "rm -rf /"), "{text}: {:?}", seen(text));
    }
}
