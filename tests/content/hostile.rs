//! Texts that are made to break a parser: guard stays up, in time, and says what is wrong.

use super::{said, scene};
use std::time::{Duration, Instant};

#[test]
fn nothing_that_nests_or_sprawls_breaks_the_checks() {
    let home = scene("");
    let bomb = {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..30 {
            let before = level - 1;
            text += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(", "));
        }
        text
    };
    let many = |part: &str, count: usize| part.repeat(count);
    let table = [
        ("parens.py", many("(", 10_000) + &many(")", 10_000), false),
        ("open.py", many("(", 10_000), false),
        ("lists.py", format!("x = {}{}", many("[", 10_000), many("]", 10_000)), false),
        ("minus.py", format!("x = {}1\n", many("-", 1_000_000)), false),
        ("not.py", format!("x = {}1\n", many("not ", 200_000)), false),
        ("sum.py", format!("x = {}1\n", many("1 + ", 500_000)), false),
        ("chain.py", format!("x = a{}\n", many(".b()", 300_000)), false),
        ("lambda.py", format!("x = {}1\n", many("lambda: ", 100_000)), false),
        ("if.py", format!("x = {}1\n", many("1 if a else ", 100_000)), false),
        ("elif.py", format!("if a:\n    pass\n{}", many("elif a:\n    pass\n", 50_000)), true),
        ("indent.py", (0..3_000).map(|n| many(" ", n) + "if x:\n").collect(), false),
        ("fstring.py", format!("x = {}1{}\n", many("f'{", 5_000), many("}'", 5_000)), false),
        ("decorators.py", many("@a\n", 100_000) + "def f(): pass\n", true),
        ("async.py", format!("async def f():\n    x = {}1\n", many("1 + ", 9_900)), true),
        ("within.py", format!("x = [{}1 for a in b if {}1]\n", many("1 + ", 4_000), many("-", 4_000)), true),
        ("names.py", format!("def f():\n    global x\n{}", many("    def g(): nonlocal y\n", 20_000)), false),
        ("nul.py", "x = 1\0\n".to_owned(), false),
        ("deep.json", many("[", 10_000) + &many("]", 10_000), true),
        ("open.json", many("{\"a\":", 1_000_000), false),
        ("deep.toml", format!("a = {}{}\n", many("[", 10_000), many("]", 10_000)), false),
        ("dotted.toml", format!("{}a = 1\n", many("a.", 10_000)), false),
        ("deep.yaml", many("[", 10_000) + &many("]", 10_000), false),
        ("block.yaml", (0..2_000).map(|n| many(" ", n) + "a:\n").collect(), true),
        ("dashes.yaml", many("- ", 10_000) + "a\n", true),
        ("bomb.yaml", bomb, true),
        ("line.json", format!("\"{}\"", many("é", 3_000_000)), true),
        ("line.py", format!("x = '{}'\n", many("é", 3_000_000)), true),
    ];
    for (path, text, sound) in table {
        std::fs::write(home.path().join("in"), &text).unwrap();
        let begin = Instant::now();
        let from = home.path().join("in");
        let to = home.project.join(path);
        // The checks alone, as a change of a command goes through them as well.
        std::fs::copy(&from, &to).unwrap();
        let done = home.guard(&["file", "check", path]);
        assert!(begin.elapsed() < Duration::from_secs(30), "{path} took {:?}", begin.elapsed());
        assert_eq!(done.code, Some(i32::from(!sound)), "{path}: {} {}", done.stdout, done.stderr);
        std::fs::remove_file(&to).unwrap();
    }
}

#[test]
fn a_file_of_ten_megabytes_is_read_in_time() {
    let home = scene("[limits]\nfile_size = \"20MB\"\n");
    let line = "value_%d = call(first, second='text', third=[1, 2, 3]) + other['key'] if flag else None\n";
    let script =
        format!("import sys\nopen('big.py', 'w').write('# Big.\\n' + ''.join({line:?} % n for n in range(110000)))");
    let begin = Instant::now();
    let done = home.guard(&["exec", "-c", &format!("cat > make.txt <<'E'\n{script}\nE")]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let text: String = (0..110_000).map(|n| line.replace("%d", &n.to_string())).collect();
    home.write("in.txt", &text);
    let done = home.guard(&["exec", "--", "cp", "in.txt", "big.py"]);
    assert_eq!((done.code, said(&done)), (Some(0), vec![]), "{}", done.stderr);
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    assert_eq!(home.read("big.py").len(), text.len());
}
