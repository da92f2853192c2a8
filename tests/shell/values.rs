//! Values of words: every spelling of the same word is the same word, and nothing is known that could be otherwise.

use super::{doubts, line, proved};

#[test]
fn every_spelling_of_a_word_is_the_same_word() {
    let spellings = [
        "rm -rf /",
        "'rm' -rf /",
        "\"rm\" \"-rf\" \"/\"",
        "r\\m -r\\f \\/",
        "r''m -r\"\"f /",
        "$'rm' -rf $'\\x2f'",
        "$'\\162m' -rf $'\\u002f'",
        "r\\\nm -rf /",
        "{rm,-rf,/}",
        "rm -{,}rf /",
        "$\"rm\" -rf /",
        "rm\t-rf  /",
        "x=rm; $x -rf /",
        "x='rm -rf /'; $x",
        "x=m; r$x -rf ${y:-}/",
        "$(echo rm) -rf /",
        "rm${IFS}-rf${IFS}/",
        "IFS=,; x=rm,-rf,/; $x",
        "x=xxrm; ${x#xx} -rf /",
        "x=rmyy; ${x%yy} -rf /",
        "x=RM; ${x,,} -rf /",
        "x=arm; ${x:1} -rf /",
        "x=rxm; ${x/x} -rf /",
        "set -e; rm -rf /",
        "for x in rm; do $x -rf /; done",
        "x=r; x+=m; $x -rf /",
    ];
    for text in spellings {
        let shell = line(&text.replace("${y:-}", ""));
        let last = shell.commands().iter().rfind(|c| !c.words.is_empty()).unwrap();
        let values: Vec<&str> = last.words.iter().filter_map(|word| word.literal()).filter(|v| !v.is_empty()).collect();
        let flags: Vec<&str> = values.iter().copied().filter(|value| *value != "-rf" && *value != "-").collect();
        assert_eq!((text, flags), (text, vec!["rm", "/"]));
        assert_eq!((text, shell.unproven()), (text, &[][..]));
    }
}

#[test]
fn quotes_escapes_and_expansions_come_to_what_bash_makes_of_them() {
    let cases = [
        ("a \"b'c\"'d\"e'", "a b'cd\"e"),
        ("a \"\\$x\\`\\\\\\\"\\n\"", "a $x`\\\"\\n"),
        ("a $'\\t\\n\\e[0m\\'\\\\'", "a \t\n\u{1b}[0m'\\"),
        ("a $'b\\0c'd", "a bd"),
        ("a ~ ~/b ~root/c x~ '~' \"~\"", "a /home/u /home/u/b /root/c x~ ~ ~"),
        ("a {b,c}d{e,f}", "a bde bdf cde cdf"),
        ("a {1..3} {c..a} {01..3} {5..1..2}", "a 1 2 3 c b a 01 02 03 5 3 1"),
        ("a {b} {b,'c d'} \"{b,c}\" {,x}", "a {b} b 'c d' {b,c} x"),
        ("a '' \"\"", "a '' ''"),
        ("a $((7 / 2 * (1 + 1) - 3 % 2))", "a 5"),
        ("a b\\\\c 'd\\e'", "a b\\c d\\e"),
        ("a=1 b=2; c $a\"$b\" ${a}x ${#a}", "c 12 1x 1"),
        ("a='b  c'; d $a \"$a\"", "d b c 'b  c'"),
        ("set -- ; a \"$@\" $* $1 \"$1\"", "a ? ? ? ?"),
        ("a \"$@\" $* $1 \"$1\" $#", "a '' 0"),
        ("sh -c 'a \"$@\" $0' x b 'c d'", "sh: a b 'c d' ?"),
        ("a=b; a=$(c) d; e $a", "e b"),
        ("git commit -m \"$(cat <<'E'\nb \"c\" $d\nE\n)\"", "git commit -m 'b \"c\" $d'"),
        ("a ${b:-c} ${b-c}", "a ? ?"),
        ("b=x; a ${b:-c} ${b:+d} ${b^^} ${b//x/y}", "a x d X y"),
        ("b='*'; a $b \"$b\"", "a * *"),
    ];
    for (text, expected) in cases {
        assert_eq!((text, proved(text).last().map(String::as_str)), (text, Some(expected)));
    }
}

#[test]
fn patterns_and_words_that_may_become_several_are_marked() {
    let words = |text: &str| line(text).commands().last().unwrap().words.clone();
    let flags = |text: &str| words(text).iter().skip(1).map(|w| (w.glob, w.many, w.prefix.clone())).collect::<Vec<_>>();
    let of = |glob, many, prefix: &str| (glob, many, prefix.to_owned());
    assert_eq!(
        flags("a *.py b? \\* '*' src/*.c"),
        [
            of(true, false, ""),
            of(true, false, "b"),
            of(false, false, ""),
            of(false, false, ""),
            of(true, false, "src/"),
        ]
    );
    assert_eq!(
        flags("a $x \"$x\" ./$x -o\"$x\""),
        [of(false, true, ""), of(false, false, ""), of(false, true, "./"), of(false, false, "-o"),]
    );
    assert_eq!(words("a {1..1000}")[1].value, None, "too many words to follow");
}

#[test]
fn a_variable_that_could_have_changed_is_not_known() {
    let cases = [
        "x=a; b && x=c; $x",
        "x=a; if b; then x=c; fi; $x",
        "x=a; read x; $x",
        "x=a; read 'x'; $x",
        "x=a; printf -v x b; $x",
        "x=a; f() { x=b; }; f; $x",
        "f() { x=b; }; x=a; f; $x",
        "x=a; eval \"$y\"; $x",
        "x=a; . y; $x",
        "x=a; for i in 1 2; do $x; x=b; done",
        "x=a; while b; do $x; read x; done",
        "x=a; unset x; $x",
        "x=a; case b in c) x=d;; esac; $x",
        "x=a; mapfile x; $x",
        "x=a; for x in $(b); do $x; done",
        "x=a; : ${x:=b} $((x = 2)); $x",
        "x=a; trap 'x=b' DEBUG; $x",
        "x=(a b); $x",
        "x=a; declare x+=b$y; $x",
        "IFS=$y; x='a b'; $x",
        "x=a; X=b eval 'x=$y'; $x",
        "declare -l x; x=A; $x",
        "typeset -u x=a; $x",
        "x=a; x=b eval '$x'; $x",
    ];
    for text in cases {
        let program = |doubt: &String| doubt.starts_with("the program `$x`");
        assert!(doubts(text).iter().any(program), "{text}: {:?}", doubts(text));
    }
}

#[test]
fn what_bash_sets_by_itself_is_not_known() {
    for text in ["_=ls; : rm; $_ x", "RANDOM=5; $RANDOM", "cd /; $PWD", "x=ls; shopt -s lastpipe; echo rm | read x; $x"]
    {
        assert!(!doubts(text).is_empty(), "{text}");
    }
    assert_eq!(proved("x=ls; x=rm eval '$x /'").last().map(String::as_str), Some("eval: rm /"));
}

#[test]
fn what_bash_reads_in_an_unusual_order_is_not_known() {
    // Braces come before `$`; quotes keep a default value from being split; a bare `$` at the end stops splitting.
    for word in ["$y{a,b}", "{$,}y", "{$y,b}c", "${y:-'q r'}", "${x#'*'}", "$x$"] {
        let shell = line(&format!("x='a b'; y=; c {word}"));
        let word = &shell.commands().last().unwrap().words[1];
        assert_eq!((word.literal(), word.text.is_empty()), (None, false), "{word:?}");
    }
}

#[test]
fn a_function_knows_only_what_it_sets_and_what_never_changes() {
    assert_eq!(proved("f() { x=a; b $x ~; }; f"), ["x=a", "b a /home/u", "f ()"]);
    assert!(!doubts("f() { rm ~/x; }; export HO''ME=/etc; f").is_empty());
}

#[test]
fn a_lone_bracket_is_no_pattern() {
    assert_eq!(proved("[ -f a ] && b [c d]"), ["[ -f a ]", "b [c d]"]);
    let globs = |text: &str| line(text).commands()[0].words.iter().map(|word| word.glob).collect::<Vec<_>>();
    assert_eq!(globs("a [b] [ ] [\"$x\"] '['c] x[y"), [false, true, false, false, true, false, false]);
}

#[test]
fn a_loop_that_hides_what_it_sets_is_not_proved() {
    let text = "xy=ls; while :; do $xy; read x''y; done";
    assert!(doubts(text).iter().any(|doubt| doubt.starts_with("a loop that changes")), "{:?}", doubts(text));
}

#[test]
fn arithmetic_runs_what_its_variables_hold() {
    // Known of bash since 2005; Stéphane Chazelas, "Security implications of shell arithmetic evaluation".
    for text in [
        "x='a[$(id)]'; echo $((x))",
        "x='a[$(id)]'; ((x))",
        "x='a[$(id)]'; [[ $x -eq 1 ]]",
        "x='a[$(id)]'; let x",
        "x='a[$(id)]'; echo ${y:x}",
        "x='a[$(id)]'; declare -i y=x",
        "[[ -v 'a[$(id)]' ]]",
        "test -v 'a[$(id)]'",
        "unset 'a[$(id)]'",
        "read 'a[$(id)]'",
        "printf -v 'a[$(id)]' x",
        "declare 'a[$(id)]=1'",
    ] {
        assert!(!doubts(text).is_empty(), "{text}");
        let shell = line(text);
        assert!(shell.commands().iter().any(|c| c.program() == Some("id")), "{text}: {:?}", super::seen(text));
    }
    assert!(!doubts("read x; echo $((x + 1))").is_empty());
    assert!(!doubts("while :; do ((x)); x=$(a); done").is_empty());
    assert_eq!(doubts("i=0; while a; do i=$((i + 1)); ((i++)); done; for ((j = 0; j < i; j++)); do b; done"), [""; 0]);
}
