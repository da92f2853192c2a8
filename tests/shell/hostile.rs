//! Texts meant to crash, hang or exhaust: each is refused or taken apart, on a small stack.

use guard::action::Shell;
use guard::action::shell::FaultKind;

/// Takes a line apart on a stack of 1.5 MB, less than the main thread of any program has.
fn on_small_stack(text: String) -> Shell {
    let run = move || Shell::from_line(text.into());
    std::thread::Builder::new().stack_size(1536 * 1024).spawn(run).unwrap().join().unwrap()
}

#[test]
fn ten_thousand_nested_constructs_are_refused() {
    let pairs = [
        ("$(", ")"),
        ("( ", ")"),
        ("{ ", ";}"),
        ("${x:-", "}"),
        ("\"$(", ")\""),
        ("`", "`"),
        ("$((", "))"),
        ("<(", ")"),
        ("if a; then ", "; fi"),
        ("while a; do ", "; done"),
        ("case x in a) ", ";; esac"),
        ("f() { ", "; }"),
        ("((", "))"),
        ("$[", "]"),
        ("a[", "]"),
        ("{a,", "}"),
        ("eval ", ""),
        ("env ", ""),
        ("! ", ""),
        ("coproc ", ""),
        ("[[ ( ", " ) ]]"),
        ("a=(", ")"),
        ("x=$(", ")"),
        ("for i in a; do ", "; done"),
        ("sh -c '", "'"),
        ("command ", ""),
        ("timeout 1 ", ""),
        ("\"${x:-", "}\""),
        ("${x[", "]}"),
        ("a | (", ")"),
        ("$(<<E ", ")"),
        ("!(", ")"),
        ("shopt -s extglob\n@(", ")"),
    ];
    for (open, close) in pairs {
        let count = (100_000 / (open.len() + close.len())).min(10_000);
        let text = format!("{}x{}", open.repeat(count), close.repeat(count));
        let shell = on_small_stack(text);
        let refused = !shell.faults().is_empty() || !shell.unproven().is_empty();
        // What cannot nest (`a[a[…`, `! ! !`) may well be one plain command.
        assert!(refused || shell.commands().len() <= 1, "{open}: {} commands", shell.commands().len());
        on_small_stack(open.repeat(count));
    }
}

#[test]
fn the_deepest_nesting_that_is_taken_fits_a_small_stack() {
    for (open, close) in
        [("$(", ")"), ("( ", ")"), ("{ ", ";}"), ("\"${x:-", "}\""), ("if a; then ", "; fi"), ("`", "`")]
    {
        for depth in 1..60 {
            on_small_stack(format!("{}x{}", open.repeat(depth), close.repeat(depth)));
        }
    }
    let nested = |depth: usize| on_small_stack(format!("{}x{}", "$(".repeat(depth), ")".repeat(depth)));
    assert_eq!(nested(12).commands().len(), 13);
    assert_eq!(nested(60).faults()[0].kind, FaultKind::TooBig);
    let mut quoted = "x".to_owned();
    for _ in 0..40 {
        quoted = format!("eval \"{}\"", quoted.replace('\\', "\\\\").replace('"', "\\\""));
        if quoted.len() > 100_000 {
            break;
        }
        on_small_stack(quoted.clone());
    }
}

/// Found by fuzzing: each level of `${x:…}` was walked twice, which took a minute at thirty.
#[test]
fn what_is_walked_twice_on_each_level_is_not_walked_without_end() {
    for open in ["${x:", "${x[", "${x:-", "${x#", "${x/", "${x^", "${x:=", "${x[${x:", "$((${x:", "${x:$((", "a[${x:"] {
        for depth in [2, 8, 24, 40] {
            let closing: String =
                open.chars().rev().filter_map(|c| "{}[](".find(c).map(|at| ["}", "", "]", "", ")"][at])).collect();
            let shell = on_small_stack(format!("echo {}1{}", open.repeat(depth), closing.repeat(depth)));
            assert!(shell.commands().len() <= 1, "{open} {depth}: {:?}", shell.commands());
        }
    }
    let words = ["sh", "-;sh", "-f", "<<-E\ns${x:n -/${x@P}o$-{x:o$@-X/i<<-E\ni[ {o/}t"];
    Shell::from_argv(words.iter().chain(&words[2..]).map(Into::into).collect());
}

#[test]
fn what_is_too_long_to_be_run_is_refused() {
    let kinds = |shell: Shell| shell.faults().iter().map(|fault| fault.kind).collect::<Vec<_>>();
    assert_eq!(kinds(Shell::from_line("a ".repeat(500_000).into())), [FaultKind::TooBig]);
    assert_eq!(kinds(Shell::from_argv(vec!["a".into(), "b".repeat(1_000_000).into()])), [FaultKind::TooBig]);
    assert_eq!(kinds(Shell::from_argv(vec!["a".into(); 100_000])), [FaultKind::TooBig]);
    assert_eq!(kinds(Shell::from_line("a;".repeat(50_000).into())), [FaultKind::TooBig]);
}

#[test]
fn growth_is_bounded() {
    for text in [
        format!("a=xxxxxxxx;{}echo $a", "a=$a$a;".repeat(64)),
        format!("a=xxxxxxxx;{}echo $a$a$a$a", "a=\"$a$a\";".repeat(64)),
        "{a,b}".repeat(64),
        "{1..999999999}".to_owned(),
        "{a,".repeat(5000),
        format!("{}x{}", "for i in a b c; do ".repeat(30), "; done".repeat(30)),
        "$((9223372036854775807 + 1)) $((1 / 0)) $((-9223372036854775808 % -1))".to_owned(),
        "99999999999999999999> x".to_owned(),
        format!("x='{}';{}", "a".repeat(4000), "echo ${x%%*a*a*b};".repeat(500)),
    ] {
        let shell = on_small_stack(text);
        assert!(shell.commands().len() <= 2048);
    }
}

#[test]
fn what_is_left_out_for_its_size_is_never_left_unsaid() {
    for count in [100, 1000, 2047, 2048, 2049, 4095, 4096, 5000] {
        for join in [";", "|", "&&", "&", "\n", "||"] {
            let shell = Shell::from_line(format!("{}x", format!("a{join}").repeat(count)).into());
            assert!(shell.commands().len() == count + 1 || !shell.faults().is_empty(), "{count} {join}");
        }
    }
}
