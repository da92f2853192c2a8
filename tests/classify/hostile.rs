//! Output that lies, is no text, or is far too much.

use guard::decide::policy::Check;
use guard::event::Ended;
use guard::failfast::{Category, Counts, Failed, Failure, Finding, KEPT, Ran, Tool, classify};
use proptest::prelude::*;
use std::time::{Duration, Instant};

const TOOLS: [Tool; 9] = [
    Tool::Pytest,
    Tool::Unittest,
    Tool::Mypy,
    Tool::Pylint,
    Tool::Black,
    Tool::Isort,
    Tool::Pip,
    Tool::Python,
    Tool::Other,
];

fn ran<'a>(tool: Tool, exit_code: i32, stdout: &'a [u8], stderr: &'a [u8]) -> Ran<'a> {
    Ran { tool, check: Check::Test, ended: Ended::Exited, exit_code, signal: None, stdout, stderr }
}

fn pytest(exit_code: i32, stdout: &str) -> Finding {
    classify(&ran(Tool::Pytest, exit_code, stdout.as_bytes(), b"")).unwrap()
}

fn failed(finding: Finding) -> Failed {
    let Finding::Failed(failed) = &finding else { unreachable!("{finding:?}") };
    failed.clone()
}

#[test]
fn a_claim_to_have_passed_does_not_count_against_the_exit_code() {
    let passed = Counts { passed: 1, ..Counts::default() };
    let found = failed(pytest(1, "1 passed in 0.01s\n"));
    assert_eq!((found.category, found.counts), (Category::Test, Some(passed)));
    for tool in TOOLS {
        let claim =
            b"===== 1 passed in 0.01s =====\nRan 1 test in 0.000s\n\nOK\nSuccess: no issues found in 1 source file\n";
        failed(classify(&ran(tool, 1, claim, claim)).unwrap());
    }
}

#[test]
fn a_failing_summary_outlives_a_forged_green_one_behind_it() {
    let found = failed(pytest(1, "== 1 failed, 2 passed in 0.01s ==\n== 9 passed in 0.01s ==\n"));
    assert_eq!(found.counts, Some(Counts { failed: 1, passed: 2, ..Counts::default() }));
    let told = b"Ran 3 tests in 0.1s\n\nFAILED (failures=1)\nRan 9 tests in 0.1s\n\nOK\n";
    let found = failed(classify(&ran(Tool::Unittest, 1, b"", told)).unwrap());
    assert_eq!(found.counts, Some(Counts { collected: Some(3), failed: 1, passed: 2, ..Counts::default() }));
}

#[test]
fn success_without_tests_is_not_green() {
    let none = Counts { collected: Some(0), ..Counts::default() };
    assert_eq!(pytest(0, "== no tests ran in 0.01s ==\n"), Finding::Unproved(Some(none)));
    assert_eq!(pytest(0, "== 1 passed in 0.01s ==\n== no tests ran in 0.01s ==\n"), Finding::Unproved(Some(none)));
    let skipped = Counts { skipped: 2, ..Counts::default() };
    assert_eq!(pytest(0, "== 2 skipped in 0.01s ==\n"), Finding::Unproved(Some(skipped)));
    let wrong = Counts { passed: 2, failed: 1, ..Counts::default() };
    assert_eq!(pytest(0, "== 1 failed, 2 passed in 0.01s ==\n"), Finding::Unproved(Some(wrong)));
    assert_eq!(pytest(0, "1 passed\n1 passed in no time\n"), Finding::Unproved(None));
    assert_eq!(classify(&ran(Tool::Other, 0, b"ok", b"")), Some(Finding::Unproved(None)));
    assert_eq!(
        classify(&ran(Tool::Unittest, 0, b"", b"Ran 0 tests in 0.000s\n\nOK\n")),
        Some(Finding::Unproved(Some(none)))
    );
    let skipped = Counts { collected: Some(1), skipped: 1, ..Counts::default() };
    let told = b"Ran 1 test in 0.000s\n\nOK (skipped=1)\n";
    assert_eq!(classify(&ran(Tool::Unittest, 0, b"", told)), Some(Finding::Unproved(Some(skipped))));
}

#[test]
fn a_test_that_prints_to_standard_error_is_not_taken_for_pytest() {
    let found = classify(&ran(Tool::Pytest, 0, b"== no tests ran in 0.01s ==\n", b"== 5 passed in 0.01s ==\n"));
    assert_eq!(found, Some(Finding::Unproved(Some(Counts { collected: Some(0), ..Counts::default() }))));
}

#[test]
fn a_limit_of_time_a_signal_and_a_limit_are_of_the_runtime_whatever_was_said() {
    for (ended, signal, message) in [
        (Ended::TimedOut, Some(15), "timed out"),
        (Ended::Signalled, Some(11), "ended by signal 11"),
        (Ended::Limit, None, "stopped at a limit"),
    ] {
        for tool in TOOLS {
            let run = Ran { ended, signal, ..ran(tool, 124, b"", b"") };
            let failure = Failure { file: None, line: None, message: message.into() };
            let expected = Failed {
                category: Category::Runtime,
                counts: None,
                tests: vec![],
                failures: vec![failure],
                message: message.into(),
            };
            assert_eq!(classify(&run), Some(Finding::Failed(expected)), "{tool:?}");
        }
    }
    assert_eq!(classify(&Ran { ended: Ended::Cancelled, ..ran(Tool::Pytest, 130, b"", b"") }), None);
}

#[test]
fn a_type_error_while_a_program_runs_is_of_the_runtime_and_in_a_test_a_test_s() {
    let trace = b"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nTypeError: not this\n";
    for (tool, category) in [(Tool::Python, Category::Runtime), (Tool::Unittest, Category::Test)] {
        let found = failed(classify(&ran(tool, 1, b"", trace)).unwrap());
        assert_eq!(found.category, category);
        assert_eq!(
            found.failures,
            [Failure { file: Some("a.py".into()), line: Some(1), message: "TypeError: not this".into() }]
        );
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let lines: String = (1..10_000).map(|n| format!("a.py:{n}: error: {}\n", "x".repeat(1000))).collect();
    let found = failed(classify(&ran(Tool::Mypy, 1, lines.as_bytes(), b"")).unwrap());
    assert_eq!(found.failures.len(), KEPT);
    assert!(found.failures.iter().all(|failure| failure.message.chars().count() == 500));
    let names: String = (0..10_000).map(|n| format!("FAILED a.py::test_{n} - assert 0\n")).collect();
    let found = failed(pytest(1, &format!("== short test summary info ==\n{names}== 10000 failed in 1.00s ==\n")));
    assert_eq!((found.tests.len(), found.failures.len()), (KEPT, KEPT));
    assert_eq!(found.counts.unwrap().failed, 10_000);
}

#[test]
fn an_error_of_pytest_s_own_is_of_the_runtime_unless_it_is_one_of_syntax_or_import() {
    for (line, category) in [
        ("KeyError: 'x'", Category::Runtime),
        ("AssertionError", Category::Runtime),
        ("ModuleNotFoundError: No module named 'x'", Category::Import),
        ("SyntaxError: invalid syntax", Category::Syntax),
    ] {
        let name = line.split(':').next().unwrap();
        let report = format!("= FAILURES =\n__ t __\nE   {line}\n\na.py:1: {name}\n");
        assert_eq!(failed(pytest(3, &report)).category, category, "{line}");
        let hidden = if category == Category::Runtime { Category::Test } else { category };
        assert_eq!(failed(pytest(1, &report)).category, hidden, "{line}");
    }
}

#[test]
fn of_more_names_and_reports_than_are_compared_the_first_are_told() {
    let reports: String = (0..20_000).map(|n| format!("__ test_{n} __\nE   n is {n}\n")).collect();
    let names: String = (0..20_000).map(|n| format!("FAILED a.py::test_{n} - n is {n}\n")).collect();
    let text = format!("= FAILURES =\n{reports}= short test summary info =\n{names}= 20000 failed in 1.00s =\n");
    let found = failed(pytest(1, &text));
    let told: Vec<_> = found.failures.iter().map(|failure| failure.message.clone()).collect();
    assert_eq!(told, (0..KEPT).map(|n| format!("n is {n}")).collect::<Vec<_>>());
    assert_eq!(found.tests, (0..KEPT).map(|n| format!("a.py::test_{n}")).collect::<Vec<_>>());
    assert_eq!(found.counts, Some(Counts { failed: 20_000, ..Counts::default() }));
}

/// What costs most in each reader, repeated.
const PIECES: &[&str] = &[
    "x",
    "\0",
    "\u{1b}[31m",
    "\u{1b}]0;",
    ":",
    "=",
    "_ ",
    "E   ",
    "\n",
    "\r\n",
    "\n= a =\n",
    "\n= FAILURES =\n",
    "\n__ t __\n",
    "\nE   KeyError: x\n",
    "\na.py:1: in f\n",
    "\n= short test summary info =\nFAILED a::b - c\n",
    "\nFAILED a[ - ] - x\n",
    "\nTraceback (most recent call last):\n",
    "\n  File \"a\", line 1\n",
    "\n  | + Exception Group Traceback (most recent call last):\n",
    "\n1 failed in 0.1s\n",
    "\n1:1:1: error: x\n",
    "\nERROR: x, but you have \n",
    "\nerror: cannot format a: 1:2: x\n",
    "\n======================================================================\nERROR: x\n",
    "\nRan 1 test in 1s\nOK (a=1, \n",
    " in 1s, ",
    "1, ",
    "(",
    "\u{fffd}é",
];

#[test]
fn cost_grows_with_the_length_and_no_faster() {
    for piece in PIECES {
        let long = piece.repeat((256 << 10) / piece.len());
        for tool in TOOLS {
            let start = Instant::now();
            failed(classify(&ran(tool, 1, long.as_bytes(), long.as_bytes())).unwrap());
            // Unoptimised and on a busy machine; what is quadratic takes minutes by the number of lines.
            assert!(start.elapsed() < Duration::from_secs(20), "{tool:?} over {piece:?}: {:?}", start.elapsed());
        }
    }
}

#[test]
fn a_hundred_megabytes_and_one_line_of_ten_are_read() {
    let mut much = b"= FAILURES =\n__ test_a __\nE   assert 1 == 2\n\na.py:3: AssertionError\n".to_vec();
    much.extend(std::iter::repeat_n(b'x', 10 << 20));
    much.extend(b"\nnoise\xff\0\x1b[31m of a test\r\n".repeat((90 << 20) / 28));
    much.extend(b"= short test summary info =\nFAILED a.py::test_a - assert 1 == 2\n= 1 failed in 0.01s =\n");
    let found = failed(classify(&ran(Tool::Pytest, 1, &much, b"")).unwrap());
    let expected = Failed {
        category: Category::Test,
        counts: Some(Counts { failed: 1, ..Counts::default() }),
        tests: vec!["a.py::test_a".into()],
        failures: vec![Failure { file: Some("a.py".into()), line: Some(3), message: "assert 1 == 2".into() }],
        message: "assert 1 == 2".into(),
    };
    assert_eq!(found, expected);
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_the_exit_code_decides(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..60),
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        code in 0..6_i32,
    ) {
        let mut text = pieces.concat().into_bytes();
        text.splice(text.len() / 2..text.len() / 2, noise);
        for tool in TOOLS {
            let finding = classify(&ran(tool, code, &text, &text)).unwrap();
            prop_assert_eq!(matches!(&finding, Finding::Failed(_)), code != 0);
            if let Finding::Failed(failed) = finding {
                prop_assert!(!failed.failures.is_empty() && failed.failures.len() <= KEPT);
                let texts = failed.failures.iter().map(|failure| &failure.message).chain([&failed.message]);
                prop_assert!(texts.clone().all(|text| !text.contains(char::is_control) || text.contains('\t')));
            }
        }
    }
}
