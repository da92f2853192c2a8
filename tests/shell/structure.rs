//! Every construct of the language: which commands stand in it.

use super::{argv, doubts, line, proved, seen, shown};
use guard::action::shell::{Asked, Code, FaultKind, Kind, Stdin, Word};

#[test]
fn every_construct_gives_up_the_commands_it_holds() {
    let cases: &[(&str, &[&str])] = &[
        ("ls -l", &["ls -l"]),
        ("a | b |& c", &["a", "b", "c"]),
        ("a; b & c\nd", &["a", "b", "c", "d"]),
        ("a && b || c", &["a", "b", "c"]),
        ("! a; time -p b", &["a", "b"]),
        ("(a; b) > f", &[">f", "a", "b"]),
        ("{ a; b; } 2>&1", &["&1", "a", "b"]),
        ("if a; then b; elif c; then d; else e; fi", &["a", "b", "c", "d", "e"]),
        ("while a; do b; done < f", &["<f", "a", "b"]),
        ("until a; do b; done", &["a", "b"]),
        ("for x in $(a); do b; done", &["a", "x=?", "b"]),
        ("for ((i = 0; i < 3; i++)); do a; done", &["a"]),
        ("select x in 1; do a; done", &["x=?", "a"]),
        ("case $(a) in $(b)) c ;; (d) e ;& *) f ;; esac", &["a", "b", "c", "e", "f"]),
        ("[[ $(a) == b && ( -f `c` || ! -d $(d) ) ]] && e", &["a", "c", "d", "e"]),
        ("[[ $x =~ ^(a|b)+$ ]] && c", &["c"]),
        ("(( x = 1 ))", &["x=?"]),
        ("f() { a; }; f 1", &["a", "f 1 ()"]),
        ("function f { a; }", &["a"]),
        ("f() (a)", &["a"]),
        ("coproc { a; }", &["COPROC=?", "a"]),
        ("coproc X { a; }", &["X=?", "a"]),
        ("echo $(a $(b)) `c` \"$(d)\"", &["b", "a ?", "c", "d", "echo ? ? ?"]),
        ("diff <(a) >(b)", &["a", "b", "diff ? ?"]),
        ("x=$(a) y=1 b", &["a", "x=? y=1 b"]),
        ("a > $(b)", &["b", "a >?"]),
        ("a ${x:-$(b)} ${x/$(c)/d} ${x:$((1))}", &["b", "c", "a ? ? ?"]),
        ("a \"${x:-'$(b)'}\"", &["b", "a ?"]),
        ("x=(1 $(a)); y[0]=2", &["a", "x=?", "y=?"]),
        ("a <<E\n$(b) `c`\nE\nd", &["b", "c", "a", "d"]),
        ("a <<'E'\n$(b)\nE\nd", &["a", "d"]),
        ("a <<-E <<F\n\tx\n\tE\ny\nF\nb", &["a", "b"]),
        ("a <<< $(b)", &["b", "a"]),
        ("a # b; c\nd", &["a", "d"]),
        ("echo a#b", &["echo a#b"]),
        ("a \\\n  b", &["a b"]),
        ("a &> f; b >| g; c <> h; d >> i; e < j 2>&- <&3", &["a >f", "b >g", "c <>h", "d >i", "e <j &- &3"]),
        ("{fd}> f a", &["fd=? a >f"]),
        ("trap 'a; b' EXIT", &["a", "b", "trap 'a; b' EXIT"]),
        ("eval 'a; b' c", &["eval: a", "eval: b c"]),
        ("$(case x in a) b;; esac)", &["b", "?"]),
        ("echo $((1 + 2)) $[3 * 4]", &["echo 3 12"]),
        ("((a) | (b))", &["a", "b"]),
        ("export A=1 B=$(a)", &["a", "A=1 B=? export A=1 ?B="]),
        ("printf -v X y; read -r Y Z", &["X=? printf -v X y", "Y=? Z=? read -r Y Z"]),
    ];
    for (text, expected) in cases {
        let shell = line(text);
        let commands: Vec<String> = shell.commands().iter().map(shown).collect();
        assert_eq!(
            (*text, shell.faults(), commands),
            (*text, &[][..], expected.iter().map(|e| (*e).to_owned()).collect())
        );
    }
}

#[test]
fn an_argument_vector_is_not_read_as_shell_text() {
    let shell = argv(&["echo", "$(id)", "*", "a;b"]);
    let commands: Vec<String> = shell.commands().iter().map(shown).collect();
    assert_eq!(commands, ["echo $(id) * a;b"]);
    assert_eq!(shell.commands()[0].kind, Kind::External, "no builtin without a shell");
    assert_eq!(shell.text(), "echo '$(id)' '*' 'a;b'");
    assert_eq!(shell.asked(), &Asked::Argv(["echo", "$(id)", "*", "a;b"].map(Into::into).to_vec()));
}

#[test]
fn what_cannot_be_run_says_so() {
    use std::os::unix::ffi::OsStringExt;
    let kinds = |shell: guard::action::Shell| shell.faults().iter().map(|f| f.kind).collect::<Vec<_>>();
    assert_eq!(kinds(argv(&[])), [FaultKind::Empty]);
    assert_eq!(kinds(argv(&["", "a"])), [FaultKind::Empty]);
    assert_eq!(kinds(line("")), [FaultKind::Empty]);
    assert_eq!(kinds(line(" \n\t")), [FaultKind::Empty]);
    assert_eq!(kinds(argv(&["a", "b\0c"])), [FaultKind::NotText]);
    assert_eq!(kinds(line("a\0b")), [FaultKind::NotText]);
    let bytes = std::ffi::OsString::from_vec(b"a \xff".to_vec());
    assert_eq!(kinds(guard::action::Shell::from_line(bytes.clone())), [FaultKind::NotText]);
    assert_eq!(kinds(guard::action::Shell::from_argv(vec!["a".into(), bytes])), [FaultKind::NotText]);
    assert_eq!(kinds(line("a | | b")), [FaultKind::Syntax]);
}

#[test]
fn an_error_is_placed_by_line_and_column() {
    let message = |text: &str| line(text).faults().first().map(|fault| fault.message.clone()).unwrap_or_default();
    assert_eq!(message("a\nb | | c"), "line 2, column 5: `|` is not expected here");
    assert_eq!(message("echo 'x"), "line 1, column 6: `'` has no end");
    assert_eq!(message("if a; then b"), "line 1, column 13: the line ends too early, `fi` is missing");
    assert_eq!(message("echo $(a"), "line 1, column 7: `(` has no end");
    assert_eq!(message("a )"), "line 1, column 3: `)` is not expected here");
}

#[test]
fn standard_input_is_followed_to_whoever_reads_it() {
    let stdin = |text: &str, index: usize| line(text).commands()[index].stdin.clone();
    assert_eq!(stdin("a", 0), Stdin::Inherited);
    assert_eq!(stdin("a | b", 1), Stdin::Pipe);
    assert_eq!(stdin("a | { b; c; }", 2), Stdin::Pipe);
    assert_eq!(stdin("a < f", 0), Stdin::File(Word::known("f")));
    assert_eq!(stdin("a <<E\nx y\nE", 0), Stdin::Text(Some("x y\n".into())));
    assert_eq!(stdin("a <<E\n$x\nE", 0), Stdin::Text(None));
    assert_eq!(stdin("a <<'E'\n$x\nE", 0), Stdin::Text(Some("$x\n".into())));
    assert_eq!(stdin("a <<< 'x y'", 0), Stdin::Text(Some("x y\n".into())));
    assert_eq!(stdin("while a; do b; done <<< x", 1), Stdin::Text(Some("x\n".into())));
}

#[test]
fn program_text_for_interpreters_is_marked() {
    let code = |text: &str| line(text).commands().last().unwrap().code.clone();
    assert_eq!(code("python -c 'x y'"), Some(Code::Argument(Word { text: "'x y'".into(), ..Word::known("x y") })));
    assert_eq!(code("python3.11 -Bcx"), Some(Code::Argument(Word::known("x"))));
    for text in ["python -", "python", "python <<E\nx\nE", "a | python - b", "perl", "node < f", "python -u -"] {
        assert_eq!((text, code(text)), (text, Some(Code::Stdin)));
    }
    for text in ["python a.py", "python -m pytest -c x", "python -W error a.py", "perl -V", "node a.js", "ls -c x"] {
        assert_eq!((text, code(text)), (text, None));
    }
    assert!(matches!(code("perl -ne 'print'"), Some(Code::Argument(_))));
    assert!(matches!(code("node --eval=x"), Some(Code::Argument(_))));
}

#[test]
fn the_folder_is_followed_while_it_is_certain() {
    let last = |text: &str| line(text).commands().last().unwrap().cwd.clone();
    let cases = [
        ("cd a && b", Some("a")),
        ("cd a && cd ../c && b", Some("c")),
        ("cd /x/y && cd .. && b", Some("/x")),
        ("cd && b", Some("/home/u")),
        ("cd .. && b", Some("..")),
        ("cd a || exit; b", Some("a")),
        ("cd a || { c; exit 1; }; b", Some("a")),
        ("set -e; cd a; b", Some("a")),
        ("(cd a); b", Some("")),
        ("a=$(cd b; c); d", Some("")),
        ("cd a; b", Some("a")),
        ("cd a; cd b; c", Some("a/b")),
        ("cd a && b; c", Some("a")),
        ("cd a || b; c", None),
        ("! cd a; b", None),
        ("cd \"$x\" && b", None),
        ("cd - && b", None),
        ("if a; then cd b; fi; c", None),
        ("while a; do b; cd c; done", None),
        ("f() { cd a; }; f; b", None),
        ("pushd a && b", None),
        ("source x; b", None),
        ("CDPATH=/; cd a && b", None),
    ];
    for (text, expected) in cases {
        assert_eq!((text, last(text)), (text, expected.map(str::to_owned)));
    }
}

#[test]
fn a_folder_that_a_line_goes_to_without_a_look_is_assumed_and_said_so() {
    let last = |text: &str| {
        let assumes = line(text).commands().last().unwrap().assumes.clone();
        assumes.into_iter().map(|assumed| (assumed.folder, assumed.before)).collect::<Vec<_>>()
    };
    assert_eq!(last("cd a; b"), [("a".to_owned(), 1)]);
    assert_eq!(last("cd a; b; cd c; d"), [("a".to_owned(), 1), ("a/c".to_owned(), 3)]);
    assert_eq!(last("cd a; sh -c 'b'"), [("a".to_owned(), 1)]);
    for text in ["cd a && b", "(cd a); b", "set -e; cd a; b", "cd a || exit; b"] {
        assert_eq!((text, last(text)), (text, vec![]));
    }
}

#[test]
fn a_name_that_a_loop_takes_from_a_pattern_is_that_pattern() {
    let words = |text: &str| {
        let shell = line(text);
        let last = shell.commands().last().unwrap().words.last().unwrap().clone();
        (last.value, last.glob)
    };
    let pattern = |text: &str| (Some(text.to_owned()), true);
    assert_eq!(words("for f in src/*.py; do a \"$f\"; done"), pattern("src/*.py"));
    assert_eq!(words("for f in src/*.py; do a \"$f.bak\"; done"), pattern("src/*.py.bak"));
    assert_eq!(words("for f in *.py; do sh -c 'b'; a \"$f\"; done"), pattern("*.py"));
    for text in [
        "for f in src/*.py; do a $f; done",
        "for f in src/*.py; do f=/etc; read f; a \"$f\"; done",
        "for f in src/*.py; do a \"$f\"; done; a \"$f\"",
        "for f in src/*.py; do a \"${f%.py}\"; done",
        "for f in *; do while b; do read f; a \"$f\"; done; done",
    ] {
        assert_eq!((text, words(text)), (text, (None, false)));
    }
}

#[test]
fn what_only_the_run_will_tell_is_named() {
    let cases = [
        ("$x a", "the program `$x`, which only the run will tell"),
        ("source x", "`source` of a file, which guard does not read"),
        (". x", "`.` of a file, which guard does not read"),
        ("eval \"$x\"", "`eval` of text that only the run will tell"),
        ("trap \"$x\" EXIT", "`trap` of text that only the run will tell"),
        ("a | sh", "`sh` that runs what it reads from a pipe"),
        ("bash", "`bash` that runs what it reads from its standard input"),
        ("zsh -c a", "`zsh`, whose language guard does not read"),
        ("sh -c '((a))'", "text that `sh` may read otherwise than bash"),
        ("alias a=b", "an alias, which changes what later words mean"),
        ("export \"$x\"", "`export` of a name that only the run will tell"),
        ("hash -p /x ls", "`hash -p`, which names another file for a command"),
        ("enable -n echo", "`enable`, which may run or replace commands"),
        ("set -k", "`set -k`, which changes how the rest is read"),
        ("declare -n a=b", "a variable that stands for another (`-n`)"),
        ("echo ${!x}", "an indirect expansion"),
        ("echo ${x@P}", "a value that is expanded again (`@P`)"),
        ("timeout --new 1 a", "an option `--new` of `timeout`"),
        ("PATH=x a", "`PATH` is set, which changes what later words run"),
        ("env LD_PRELOAD=x a", "`LD_PRELOAD` is set, which changes what later words run"),
        ("shopt -s extglob\nls !(a)", "an extended pattern"),
    ];
    for (text, expected) in cases {
        assert!(doubts(text).iter().any(|doubt| doubt == expected), "{text}: {:?}", doubts(text));
    }
}

#[test]
fn text_that_does_not_parse_still_gives_up_its_likely_commands() {
    for text in ["rm -rf / 'x", "if rm -rf /", "echo \"$(rm -rf /", "a ) ; rm -rf /", "x <<< | rm -rf /"] {
        assert!(!line(text).faults().is_empty(), "{text}");
        assert!(seen(text).iter().any(|command| command.starts_with("rm -rf /")), "{text}: {:?}", seen(text));
    }
}

#[test]
fn a_function_hides_a_program_only_where_it_is_certainly_defined() {
    assert_eq!(proved("ls() { a; }; ls x"), ["a", "ls x ()"]);
    assert_eq!(proved("b && ls() { a; }; ls x"), ["b", "a", "ls x ()", "ls x"]);
    assert_eq!(proved("(ls() { a; }); ls x"), ["a", "ls x"]);
    assert_eq!(proved("ls() { a; }; command ls x"), ["a", "command: ls x"]);
    assert_eq!(proved("ls() { a; }; unset -f ls; ls"), ["a", "unset -f ls", "ls ()", "ls"]);
}

#[test]
fn the_place_of_a_command_in_its_text_is_known() {
    let shell = line("a; sh -c 'b' && { c d; }");
    let texts: Vec<&str> = shell.commands().iter().map(|command| command.text(&shell)).collect();
    assert_eq!(texts, ["a", "sh -c 'b'", "c d"]);
}
