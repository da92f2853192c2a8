//! What python and pip say when they fail.
//! Knows no test runner.

use super::Category;
use super::finding::{Failure, Reading};
use super::text::said;
use super::trace::last;
use crate::decide::policy::Check;

/// The last traceback, wherever it was written; without one, what python says before it runs anything.
pub(super) fn python(stdout: &str, stderr: &str, check: Check) -> Reading {
    let mut reading = Reading::default();
    if let Some(trace) = last(stderr).or_else(|| last(stdout)) {
        reading.category = Some(match check {
            // A program that tests by itself says so by the one exception that is meant for it.
            Check::Test if trace.exception == "AssertionError" => Category::Test,
            Check::Test | Check::Type | Check::Syntax | Check::Format => Category::of_exception(trace.exception),
        });
        reading.add(Failure::new(trace.file, trace.line, trace.message));
        return reading;
    }
    for line in said(stderr) {
        let absent = line.contains(": No module named ")
            || line.contains(": Error while finding module specification for ")
                && line.contains("(ModuleNotFoundError: ");
        let broken = line.contains(": can't open file ") || line.contains(": can't find '__main__' module in ");
        if absent || broken || line.starts_with("Fatal Python error: ") {
            reading.category = Some(if absent { Category::Import } else { Category::Runtime });
            reading.message = Some(line.to_owned());
            return reading;
        }
    }
    // `sys.exit("why")` says it last.
    reading.message = said(stderr).last().map(String::from);
    reading
}

/// What pip cannot find is a missing package: correcting it is correcting imports. All else is of the runtime.
pub(super) fn pip(stdout: &str, stderr: &str) -> Reading {
    let mut reading = Reading { category: Some(Category::Runtime), ..Reading::default() };
    let mut unreachable = false;
    let mut absent = false;
    for line in said(stderr).chain(said(stdout)) {
        unreachable |= line.starts_with("WARNING: Retrying (") || line.contains("Could not fetch URL ");
        absent |= ABSENT.iter().any(|words| line.contains(words));
        let told = line.strip_prefix("ERROR: ").or(line.strip_prefix("error: "));
        let told = told.or_else(|| ABSENT.iter().any(|words| line.contains(words)).then_some(line));
        if let Some(told) = told {
            reading.add(Failure::new(None, None, told));
        }
    }
    if absent && !unreachable {
        reading.category = Some(Category::Import);
    }
    reading
}

/// How pip says that a package, or one that goes with the others, is not there; the last two are of `pip check`.
const ABSENT: &[&str] = &[
    "No matching distribution found for ",
    "Could not find a version that satisfies the requirement ",
    "ResolutionImpossible",
    ", which is not installed.",
    ", but you have ",
];
