//! Interpreters of other languages: where their program text comes from.
//! Knows their options, not their languages.

use super::command::{Code, Command, Stdin, Word};
use super::walk::Walk;

/// Marks what an interpreter is given to run and hands it on. `letters` and `long` take program text.
pub(super) fn code(walk: &mut Walk<'_>, mut command: Command, letters: &str, long: &[&str]) {
    let python = letters == "c";
    let words = command.words.clone();
    let mut at = 1;
    let mut operand = false;
    while let Some(word) = words.get(at) {
        at += 1;
        let Some(option) = word.literal() else {
            operand = true;
            break;
        };
        if option == "-" {
            command.code = Some(Code::Stdin);
            operand = true;
            break;
        }
        let Some(bundle) = option.strip_prefix('-') else {
            operand = true;
            break;
        };
        if option == "--" {
            operand = words.get(at).is_some();
            break;
        }
        if bundle.starts_with('-') {
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (option, None),
            };
            if long.contains(&name) {
                let given = value.map(Word::known).or_else(|| words.get(at).cloned());
                command.code = Some(Code::Argument(given.unwrap_or_default()));
                operand = true;
                break;
            }
            operand |= matches!(name, "--version" | "--help" | "--test" | "--check");
            at += usize::from(python && name == "--check-hash-based-pycs" && value.is_none());
            continue;
        }
        if let Some(found) = bundle.find(|c| letters.contains(c)) {
            let valued_before = bundle.get(..found).is_some_and(|before| python && before.contains(['m', 'W', 'X']));
            if !valued_before {
                let rest = bundle.get(found + 1..).unwrap_or("");
                let given = if rest.is_empty() { words.get(at).cloned() } else { Some(Word::known(rest)) };
                command.code = Some(Code::Argument(given.unwrap_or_default()));
                operand = true;
                break;
            }
        }
        if python {
            if bundle.contains('m') {
                operand = true;
                break;
            }
            if matches!(bundle, "W" | "X") {
                at += 1;
            }
            operand |= bundle.contains(['V', 'h']);
        } else {
            operand |= matches!(bundle, "v" | "V" | "h");
        }
    }
    if !operand && command.code.is_none() {
        command.code = Some(Code::Stdin);
    }
    if command.open_ended && command.code.is_none() && !operand {
        command.code = Some(Code::Stdin);
    }
    if let Some(Code::Argument(word)) = &command.code {
        let text = word.value.clone().unwrap_or_default();
        calls(walk, &command, &text);
    } else if let (Some(Code::Stdin), Stdin::Text(Some(text))) = (&command.code, &command.stdin) {
        let text = text.clone();
        calls(walk, &command, &text);
    }
    walk.emit(command);
}

/// Suspects the commands that program text hands to a shell: `system("…")`, `run("…", shell=True)`.
fn calls(walk: &mut Walk<'_>, command: &Command, text: &str) {
    const STARTS: &[&str] = &["system", "popen", "run", "call", "check_output", "check_call", "Popen", "exec", "spawn"];
    let mut budget = 16;
    for start in STARTS {
        for (at, _) in text.match_indices(start) {
            let rest = text.get(at + start.len()..).unwrap_or("");
            let rest = rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            let Some(rest) = rest.trim_start().strip_prefix(['(', ' ']).or(Some(rest)) else { continue };
            let rest = rest.trim_start().trim_start_matches('[').trim_start();
            let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else { continue };
            if budget == 0 {
                return;
            }
            budget -= 1;
            let inner = rest.get(1..).unwrap_or("");
            // A list of arguments, or one text.
            let list: Vec<&str> = inner.split(']').next().unwrap_or("").split(quote).take(64).collect();
            let text = inner.split(quote).next().filter(|text| text.len() <= 4096).unwrap_or("");
            walk.suspect_text(text, command.span.clone());
            if list.len() > 2 {
                let words: Vec<Word> = list.iter().step_by(2).map(|word| Word::known(word)).collect();
                walk.suspect_words(&words, &command.span);
            }
        }
    }
}
