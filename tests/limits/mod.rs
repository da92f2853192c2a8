//! Limits: how many commands run at once, and what one of them may use.

mod amounts;
mod late;
mod hogs;
mod memory;
mod turns;
mod users;

use crate::fence::stage::{Kept, Stage};
use guard::event::Ended;
use guard::execute::sandbox::{Order, Work};
use guard::execute::{Limits, Outcome, prepare_order};
use std::time::Duration;

/// Looks at what a command uses four times a second, and gives it a second.
fn quick() -> Limits {
    Limits { memory_window: Duration::from_secs(1), ..Limits::default() }
}

/// Runs a Python program in the fence.
fn python(stage: &Stage, limits: Limits, program: &str) -> (Outcome, Kept) {
    std::fs::write(stage.place.project.join("program.py"), program).unwrap();
    run(stage, limits, "python3 program.py")
}

/// Runs a line of bash in the fence.
fn run(stage: &Stage, limits: Limits, line: &str) -> (Outcome, Kept) {
    let mut kept = Kept::default();
    let (order, transaction) = stage.order(Work::Line(line.into()));
    let watched = order.layer.as_ref().map(|layer| layer.upper.clone());
    let order = Order { limits: Limits { watched, ..limits }, ..order };
    let prepared = prepare_order(order, &stage.place, &stage.environment, stage.require).unwrap();
    let outcome = prepared.run(&mut kept).unwrap();
    stage.take_in(transaction);
    (outcome, kept)
}

/// How it ended, its exit code and limit, and what it said.
fn came((outcome, kept): &(Outcome, Kept)) -> (Ended, i32, Option<&str>, String) {
    let said = String::from_utf8_lossy(&[kept.out.as_slice(), &kept.err].concat()).into_owned();
    (outcome.ended, outcome.exit_code, outcome.limit.as_deref(), said)
}

fn stopped(limit: &str) -> (Ended, i32, Option<&str>, String) {
    (Ended::Limit, 137, Some(limit), String::new())
}

fn ended(said: &str) -> (Ended, i32, Option<&str>, String) {
    (Ended::Exited, 0, None, said.into())
}
