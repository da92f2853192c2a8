//! What it costs to read a failing check's output: 1 MB of pytest's, against a bare scan for line ends in the same round.
//! Prints for people; judges nothing.
#![expect(clippy::print_stdout, reason = "a benchmark reports")]

use guard::decide::policy::Check;
use guard::event::Ended;
use guard::failfast::{Ran, Tool, classify};
use std::hint::black_box;
use std::time::{Duration, Instant};

const SIZE: usize = 1_000_000;

fn main() {
    let report = "____________________ test_NAME ____________________\n\n    def test_NAME():\n        price = book.best(\"BTC-USD\")\n\
                  >       assert price == 3\nE       assert 2 == 3\nE        +  where 2 = best('BTC-USD')\n\n\
                  tests/test_book.py:12: AssertionError\n----------------------------- Captured stdout call -----------------------------\n\
                  loading 2024-01-01 and 31 more days of candles\n";
    let noise = "2024-01-01 00:00:00,000 INFO engine.book: order 4711 at 42000.50 accepted, 3 of 5 filled\n".repeat(20);
    let mut output = String::from("collected 9 items\n\n=================== FAILURES ===================\n");
    let mut names = String::from("=================== short test summary info ===================\n");
    let mut number = 0;
    while output.len() + names.len() < SIZE {
        output.push_str(&report.replace("NAME", &number.to_string()));
        output.push_str(&noise);
        names.push_str(&format!("FAILED tests/test_book.py::test_{number} - assert 2 == 3\n"));
        number += 1;
    }
    output.push_str(&names);
    output.push_str(&format!("=================== {number} failed in 9.81s ===================\n"));
    measure("pytest, reports and captured logs", Tool::Pytest, output.as_bytes());
    let coloured: String = output.lines().map(|line| format!("\u{1b}[31m{line}\u{1b}[0m\r\n")).collect();
    measure("the same in colours, with CRLF", Tool::Pytest, coloured.as_bytes());
    let short = "FAILED tests/test_book.py::test_one[a-b] - assert 2 == 3\n".repeat(SIZE / 57);
    measure("pytest, names alone", Tool::Pytest, format!("= short test summary info =\n{short}").as_bytes());
    measure(
        "mypy",
        Tool::Mypy,
        "services/book.py:12: error: Name \"x\" is not defined  [name-defined]\n".repeat(SIZE / 70).as_bytes(),
    );
    for (name, before, piece) in HOSTILE {
        let text = [before.as_bytes(), &piece.repeat(SIZE / piece.len())].concat();
        measure(name, Tool::Pytest, &text);
    }
    let distinct = |line: &dyn Fn(usize) -> String| -> String {
        let lines = (0..).map(|n: usize| line(n.wrapping_mul(2_654_435_761) % 1_000_000));
        let mut text = String::new();
        lines
            .take_while(|line| {
                text.push_str(line);
                text.len() < SIZE
            })
            .for_each(drop);
        text
    };
    let names = distinct(&|n| format!("FAILED {n}\n"));
    measure("names in no order", Tool::Pytest, format!("= short test summary info =\n{names}").as_bytes());
    let reports = distinct(&|n| format!("__ {n} __\nE   x\n"));
    let half = |text: &str| {
        text.lines().take(text.lines().count() / 4 * 2).map(|line| format!("{line}\n")).collect::<String>()
    };
    measure("reports in no order", Tool::Pytest, format!("= FAILURES =\n{reports}").as_bytes());
    let both = format!("= FAILURES =\n{}= short test summary info =\n{}", half(&reports), half(&names));
    measure("reports and names in no order", Tool::Pytest, both.as_bytes());
}

/// A test's report begins.
const REPORT: &str = "= FAILURES =\n__ test_a __\n";

/// So does a traceback in it.
const TRACE: &str = "= FAILURES =\n__ test_a __\nTraceback (most recent call last):\n";

/// What a hostile test would print: its name, what it stands behind, the piece that is repeated.
const HOSTILE: &[(&str, &str, &[u8])] = &[
    ("empty lines", "", b"\n"),
    ("empty lines of another system", "", b"\r\n"),
    ("lines of one letter", "", b"x\n"),
    ("lines of one letter in a report", REPORT, b"x\n"),
    ("lines of one blank in a report", REPORT, b" \n"),
    ("lines of one digit", "", b"1\n"),
    ("one line", "", b"x"),
    ("one line of =", "", b"="),
    ("lines of =", "", b"==\n"),
    ("rules", "", b"= =\n"),
    ("titles", "", b"= a =\n"),
    ("ANSI escapes in one line", "", b"\x1b[31m"),
    ("ANSI escapes, a line each", REPORT, b"\x1b[m\n"),
    ("ANSI escapes and letters", REPORT, b"\x1b[mx"),
    ("titles of terminals that do not end", REPORT, b"\x1b]\n"),
    ("carriage returns", "", b"\r"),
    ("carriage returns and letters", REPORT, b"a\r"),
    ("bytes that are no text", "", b"\xff"),
    ("bytes that are no text, and letters", REPORT, b"\xffa\n"),
    ("lines that begin with E", REPORT, b"E   \n"),
    ("errors", REPORT, b"E   a: b\n"),
    ("exceptions", REPORT, b"E   A: b\n"),
    ("reports", REPORT, b"__ a __\n"),
    ("reports with errors", REPORT, b"__ a __\nE   x\n"),
    ("places", REPORT, b"a:1: A\n"),
    ("colons and digits", REPORT, b"1:1a"),
    ("lines of colons", REPORT, b":a\n"),
    ("names that failed", "", b"= short test summary info =\nFAILED a\n"),
    ("sections that begin", "", b"= FAILURES =\n"),
    ("frames", REPORT, b"  File \"a.py\", line 1, in f\n"),
    ("frames of a library", REPORT, b"  File \"/lib/a/site-package/b.py\", line 1, in f\n"),
    ("tracebacks", REPORT, b"Traceback (most recent call last):\nA: b\n"),
    ("short frames and exceptions", REPORT, b"File \"a\", line 1\nA\n"),
    ("lines of one letter in a traceback", TRACE, b"x\n"),
    ("lines of one blank in a traceback", TRACE, b" \n"),
    ("names with dots in a traceback", TRACE, b"a.b.c\n"),
    ("groups", REPORT, b"  | A: b\n"),
    ("summaries", "", b"1 failed in 0s\n"),
    ("summaries of many parts", "", b"1 failed, "),
];

fn measure(name: &str, tool: Tool, output: &[u8]) {
    let ran =
        Ran { tool, check: Check::Test, ended: Ended::Exited, exit_code: 1, signal: None, stdout: output, stderr: b"" };
    let (mut reads, mut scans) = (Vec::new(), Vec::new());
    for round in 0..60 {
        let start = Instant::now();
        black_box(output).split(|byte| *byte == b'\n').for_each(|line| {
            black_box(line.len());
        });
        let scan = start.elapsed();
        let start = Instant::now();
        black_box(classify(black_box(&ran)));
        if round >= 10 {
            reads.push(start.elapsed());
            scans.push(scan);
        }
    }
    let (read, scan) = (median(&mut reads), median(&mut scans));
    let worst = reads.last().copied().unwrap_or_default();
    println!(
        "{name}, {:.2} MB: {:.2} ms, at worst {:.2} ms, {:.1} times a scan for line ends",
        output.len() as f64 / 1e6,
        read.as_secs_f64() * 1e3,
        worst.as_secs_f64() * 1e3,
        read.as_secs_f64() / scan.as_secs_f64()
    );
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
