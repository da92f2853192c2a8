//! Bypasses that were seen to pass a naive regex on raw text, each named; sources: the project's own list of attacks
//! (71 of 78 passed), the manuals of bash and of the programs, and the advisories cited.

use super::{argv, doubts, line, proved, seen, shown};
use guard::action::shell::{Code, Kind, Tri};

fn runs(text: &str, command: &str) {
    assert!(seen(text).iter().any(|found| found == command), "{text}: {:?}", seen(text));
}

#[test]
fn a_variable_named_like_an_allowed_program_hides_nothing() {
    // Own list, shell: `python=1 CMD`.
    assert_eq!(proved("python=1 curl x"), ["python=1 curl x"]);
    assert_eq!(line("python=1 curl x").commands()[0].program(), Some("curl"));
}

#[test]
fn a_function_named_like_an_allowed_program_shows_its_body() {
    // Own list, shell: `python(){ CMD;};python`.
    assert_eq!(proved("python(){ curl x;};python"), ["curl x", "python ()"]);
    assert_eq!(line("python(){ curl x;};python").commands()[1].kind, Kind::Function);
}

#[test]
fn a_newline_and_every_operator_separate_commands() {
    // Own list, shell: a newline; `;` `&&` `||` `|` `&` `$()` backticks `<()` `>`.
    for text in [
        "python x\ncurl y",
        "python x;curl y",
        "python x&&curl y",
        "python x||curl y",
        "python x|curl y",
        "python x&curl y",
        "python $(curl y)",
        "python `curl y`",
        "python <(curl y)",
        "python \"$(curl y)\"",
        "python x |& curl y",
        "python x\r\n\ncurl y",
        "python x > >(curl y)",
    ] {
        runs(text, "curl y");
    }
    assert_eq!(proved("python x > /etc/y"), ["python x >/etc/y"]);
}

#[test]
fn a_path_through_an_allowed_name_is_the_whole_word() {
    // Own list, shell: `python/../../bin/sh`; names: `./python`.
    assert_eq!(line("python/../../bin/ls x").commands()[0].program(), Some("python/../../bin/ls"));
    assert_eq!(line("./python x").commands()[0].program(), Some("./python"));
    for name in ["pythonx", "pip-evil", "pipx", "mypyc", "black_hole.sh"] {
        assert_eq!(line(name).commands()[0].name(), name);
    }
}

#[test]
fn a_path_hijack_is_not_proved() {
    // Own list, names: PATH hijack.
    for text in [
        "PATH=. ls",
        "PATH=.:$PATH\nls",
        "export PATH=.",
        "declare -x PATH=.",
        "env PATH=. ls",
        "read PATH < f; ls",
        "printf -v PATH .; ls",
        "for PATH in .; do ls; done",
        "P''ATH=. ls; export P''ATH=.",
        "mapfile PATH",
        "unset PATH",
        "hash -p ./evil ls; ls",
        "BASH_CMDS[ls]=./evil; ls",
        "env -S 'PATH=. ls'",
        ": ${PATH:=.}",
        "sudo PATH=. ls",
        "export $x",
        "declare \"$x=.\"",
        "((PATH=1)); ls",
        "local PATH=.",
        "{PATH}>f ls",
        "getopts a PATH; ls",
    ] {
        let assigned = line(text).commands().iter().any(|c| c.assigns.iter().any(|a| a.name == "PATH"));
        assert!(!doubts(text).is_empty() || assigned, "{text}: {:?}", seen(text));
    }
}

#[test]
fn files_that_shells_run_first_are_not_proved() {
    // Manual of bash: BASH_ENV, ENV, exported functions, SHELLOPTS, PS4 under `set -x`.
    for text in [
        "BASH_ENV=f bash -c ls",
        "ENV=f sh -c ls",
        "env 'BASH_FUNC_ls%%=() { rm x; }' bash -c ls",
        "SHELLOPTS=xtrace PS4='$(rm x)' bash -c ls",
        "bash --rcfile f -ic ls",
        "bash -lc ls",
        "bash --login -c ls",
        "LD_PRELOAD=./x.so ls",
        "PROMPT_COMMAND=$x bash -i",
    ] {
        assert!(!doubts(text).is_empty(), "{text}");
    }
    runs("PS4='$(rm x)'; set -x; ls", "rm x");
    runs("PROMPT_COMMAND='rm x'", "rm x");
}

#[test]
fn code_for_python_is_marked_in_every_spelling() {
    // Own list, python: `-c`, `-`, a here-document.
    for text in
        ["python -c x", "python -Ic x", "python3 -cx", "python -", "python <<E\nx\nE", "python -B - a", "a|python"]
    {
        assert!(line(text).commands().iter().any(|c| c.code.is_some()), "{text}");
    }
    for text in
        ["python -m pip", "python -m http.server", "python -m zipfile -e Z /outside", "python -m venv --clear D"]
    {
        assert_eq!((text, line(text).commands()[0].code.clone()), (text, None));
        assert_eq!((text, line(text).commands()[0].has_flag("-m")), (text, Tri::Yes));
    }
}

#[test]
fn flags_of_attacks_are_found_in_every_spelling() {
    // Own list: pip, pytest, pylint, mypy, docker-compose.
    let cases = [
        ("pip install --python ./prog x", "--python"),
        ("pip --python=./prog install x", "--python"),
        ("pip --log FILE install x", "--log"),
        ("pip install -t D x", "-t"),
        ("pip install --target=D x", "--target"),
        ("pip install -eD", "-e"),
        ("pip install -rhttp://x", "-r"),
        ("pip download -d D x", "-d"),
        ("pip uninstall -y x", "-y"),
        ("pytest -p mod", "-p"),
        ("pytest -pmod", "-p"),
        ("pytest -c evil.ini", "-c"),
        ("pytest --basetemp=D", "--basetemp"),
        ("pytest -qo cache_dir=D", "-o"),
        ("pylint --init-hook='x' a", "--init-hook"),
        ("mypy --python-executable=./p a", "--python-executable"),
        ("docker-compose -H tcp://x ps", "-H"),
        ("docker-compose down --volumes", "--volumes"),
        ("docker-compose down -fv", "-v"),
        ("docker-compose -f a.yml down -v", "-v"),
        ("docker-compose up -V", "-V"),
        ("docker-compose run -v /:/host x", "-v"),
    ];
    for (text, flag) in cases {
        for spelled in [text.to_owned(), format!("env {text}"), format!("sh -c \"{text}\""), text.replace(" -", " '-'")]
        {
            let shell = line(&spelled);
            let command = shell.commands().last().unwrap();
            assert_eq!((&spelled, command.has_flag(flag)), (&spelled, Tri::Yes));
        }
    }
    assert_eq!(line("docker-compose down --vol").commands()[0].has_flag("--volumes"), Tri::Unknown);
    assert_eq!(line("docker-compose -f -v down").commands()[0].has_flag("-v"), Tri::No);
    assert_eq!(line("pytest *").commands()[0].has_flag("-p"), Tri::Unknown, "a file may be named `-pevil`");
    assert_eq!(line("pytest ./*").commands()[0].has_flag("-p"), Tri::No);
}

#[test]
fn configuration_through_variables_is_seen_as_assignments() {
    // Own list: `PYTEST_ADDOPTS`, `BLACK_CACHE_DIR`, `COMPOSE_FILE`.
    for text in [
        "PYTEST_ADDOPTS=-pevil pytest",
        "env PYTEST_ADDOPTS=-pevil pytest",
        "env -S 'PYTEST_ADDOPTS=-pevil pytest'",
        "export PYTEST_ADDOPTS=-pevil; pytest",
        "declare -x PYTEST_ADDOPTS=-pevil; pytest",
        "PYTEST_ADDOPTS=-pevil; pytest",
    ] {
        let shell = line(text);
        let assign = shell.commands().iter().flat_map(|c| &c.assigns).find(|a| a.name == "PYTEST_ADDOPTS");
        assert_eq!((text, assign.and_then(|a| a.value.value.as_deref())), (text, Some("-pevil")));
    }
}

#[test]
fn text_for_inner_shells_is_taken_apart() {
    for text in [
        "sh -c 'curl y'",
        "bash -xec 'curl y'",
        "bash -c 'sh -c \"curl y\"'",
        "env -i sh -c 'curl y'",
        "sh <<E\ncurl y\nE",
        "bash -s <<< 'curl y'",
        "eval 'curl y'",
        "eval curl y",
        "eval \"ev\"'al' 'curl y'",
        "trap 'curl y' EXIT",
        "find . -exec sh -c 'curl y' \\;",
        "xargs sh -c 'curl y'",
        "watch curl y",
        "mapfile -C 'curl y' x",
        "su -c 'curl y'",
        "flock f -c 'curl y'",
        "script -c 'curl y'",
        "busybox sh -c 'curl y'",
        "timeout 1 bash -c 'curl y'",
        "x='curl y'; eval \"$x\"",
        "x=y sh -c 'curl $x'",
        "coproc sh -c 'curl y'",
    ] {
        let found = |command: &String| command.rsplit(": ").next().is_some_and(|own| own.starts_with("curl y"));
        assert!(seen(text).iter().any(found), "{text}: {:?}", seen(text));
    }
    assert_eq!(shown(&argv(&["sh", "-c", "curl y"]).commands()[0]), "sh: curl y");
    assert_eq!(shown(&argv(&["env", "-S", "sh -c 'curl y'"]).commands()[0]), "env: sh: curl y");
}

#[test]
fn quotes_within_expansions_hide_no_substitution() {
    for text in [
        "echo \"${x:-'$(curl y)'}\"",
        "echo ${x:-\"$(curl y)\"}",
        "echo ${x#$(curl y)}",
        "echo \"${x/#/$(curl y)}\"",
        "echo ${x:$(curl y)}",
        "echo ${a[$(curl y)]}",
        "a[$(curl y)]=1",
        "echo $((a[$(curl y)]))",
        "echo $[ $(curl y) ]",
        "cat <<E\n$(curl y)\nE",
        "cat <<-E\n\t`curl y`\n\tE",
        "cat <<< \"$(curl y)\"",
        "echo > \"$(curl y)\"",
        "case $(curl y) in x) ;; esac",
        "case x in $(curl y)) ;; esac",
        "[[ $(curl y) ]]",
        "[[ x =~ $(curl y) ]]",
        "for ((i = $(curl y);;)); do :; done",
        "declare x=$(curl y)",
        "declare x=($(curl y))",
        "x=([1]=$(curl y))",
        "f() { :; } > $(curl y); f",
        "{ :; } < <(curl y)",
        "echo \"`curl y`\"",
        "echo \"a\\\\$(curl y)\"",
        "echo $'x'$(curl y)",
        "echo \"${x@Q}${y:+$(curl y)}\"",
        "echo {a,$(curl y)}",
        "echo ~$(curl y)",
        "echo \"$(echo \")\"; curl y)\"",
        "echo $(# )\ncurl y)",
        "echo $(case x in x) curl y;; esac)",
        "echo `echo \\`curl y\\``",
        "${x:?$(curl y)}",
        "echo \"$\\\n(curl y)\"",
    ] {
        runs(text, "curl y");
    }
}

#[test]
fn text_that_only_looks_like_a_command_is_none() {
    for text in [
        "echo 'curl y'",
        "echo \\$\\(curl y\\)",
        "# curl y",
        "cat <<'E'\n$(curl y)\nE",
        "grep 'a;curl y' f",
        "echo a\\;curl",
    ] {
        let shell = line(text);
        let none = shell.commands().iter().chain(shell.suspects()).all(|c| c.program() != Some("curl"));
        assert!(none, "{text}: {:?}", seen(text));
    }
}

#[test]
fn prompts_and_indirection_run_what_values_hold() {
    // Manual of bash, shell parameter expansion: `@P` expands the value as a prompt, which runs substitutions.
    for text in ["x='$(curl y)'; echo ${x@P}", "x='a[$(curl y)]'; echo ${!x}", "x='$(curl y)'; PS4=$x; set -x; ls"] {
        runs(text, "curl y");
    }
}

#[test]
fn a_file_read_as_standard_input_by_a_shell_is_code() {
    for text in ["sh < f", "bash -s < f", "a | dash", "exec 0< f; bash"] {
        let shell = line(text);
        assert!(!shell.unproven().is_empty(), "{text}");
        assert!(shell.commands().iter().any(|c| c.code == Some(Code::Stdin)), "{text}");
    }
}

#[test]
fn a_bash_5_3_substitution_in_place_is_seen_and_not_proved() {
    for text in ["echo ${ curl y; }", "echo ${| curl y; }"] {
        runs(text, "curl y");
        assert!(!doubts(text).is_empty(), "{text}");
    }
}
