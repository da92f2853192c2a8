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
    measure("empty lines", Tool::Pytest, "\n".repeat(SIZE).as_bytes());
    measure("one line", Tool::Pytest, "x".repeat(SIZE).as_bytes());
}

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
    println!(
        "{name}, {:.2} MB: {:.2} ms, {:.1} times a scan for line ends",
        output.len() as f64 / 1e6,
        read.as_secs_f64() * 1e3,
        read.as_secs_f64() / scan.as_secs_f64()
    );
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
