//! Hooks: a harness asks, before it acts, on standard input, and is answered with one object on standard output.
//! Knows no rules; every way to fail is a refusal here, since harnesses take failures for consent.

mod claude;
mod last;

use std::io::{Read, Write};
use std::process::ExitCode;

/// Bytes of the longest question that is read.
const LONGEST: u64 = 4 << 20;

/// Answers one question of Claude Code.
pub fn run() -> ExitCode {
    if let Err(error) = last::arm() {
        return last::refuse(&format!("cannot keep its own time: {error}"));
    }
    match answer() {
        Ok(None) => ExitCode::SUCCESS,
        // Said both ways: releases were seen to go on although the object denied (anthropics/claude-code#4669, #18312).
        Ok(Some(denied)) => last::deny(&denied),
        Err(cause) => last::refuse(&cause),
    }
}

/// Refuses unheard.
pub fn refuse(cause: &str) -> ExitCode {
    last::refuse(cause)
}

/// Writes the answer; why the tool must not run, if it must not.
fn answer() -> Result<Option<String>, String> {
    let mut question = Vec::new();
    let read = std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut question);
    read.map_err(|error| format!("cannot read the question: {error}"))?;
    if question.len() as u64 > LONGEST {
        return Err(format!("the question is larger than {LONGEST} bytes: ask for less at once"));
    }
    let world = super::world("/".into()).map_err(|error| format!("cannot answer a call from inside: {error}"))?;
    let answer = claude::answer(world, &question)?;
    let line = format!("{}\n", answer.object);
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(|error| format!("cannot answer: {error}"))?;
    Ok(answer.denied)
}
