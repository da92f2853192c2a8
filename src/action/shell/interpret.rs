//! Interpreters of other languages: where their program text comes from.
//! Knows their options, and of awk and sed how they start commands.

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

/// `awk`: text that runs commands (`system`, pipes, `getline`) is not proved.
pub(super) fn awk(walk: &mut Walk<'_>, command: &Command) {
    let operands = command.operands(&["-f", "-F", "-v", "-e", "-i", "-l", "--file", "--assign", "--field-separator"]);
    let texts: Vec<Word> = match operands.first() {
        Some(program) if command.flag_values("-f").is_empty() => vec![(*program).clone()],
        _ => command.flag_values("-e"),
    };
    for program in texts {
        let Some(text) = program.literal() else { continue };
        let text = text.to_owned();
        let pipes = ["system", "getline", "| \"", "|\"", "|&", "\" |", "\"|"];
        if pipes.iter().any(|mark| text.contains(mark)) {
            walk.unproven("a program of `awk` that may start commands", &command.span);
            calls(walk, command, &text);
            for quoted in text.split('"').skip(1).step_by(2).take(8) {
                walk.suspect_text(quoted, command.span.clone());
            }
        }
    }
}

/// `sed`: its command `e` and the flag `e` of `s` run text.
pub(super) fn sed(walk: &mut Walk<'_>, command: &Command) {
    let valued = ["-e", "--expression", "-f", "--file", "-l", "--line-length"];
    let mut scripts = command.flag_values("-e");
    scripts.extend(command.flag_values("--expression"));
    if scripts.is_empty() {
        scripts.extend(command.operands(&valued).first().map(|word| (*word).clone()));
    }
    for script in scripts {
        let Some(text) = script.literal() else { continue };
        if runs(text) {
            walk.unproven("a script of `sed` that may start commands", &command.span);
        }
    }
}

/// Whether a script of sed holds a command or flag `e`; errs on the side of yes.
fn runs(script: &str) -> bool {
    let mut rest = script.trim_start();
    while let Some(first) = rest.chars().next() {
        match first {
            's' | 'y' => {
                let mut chars = rest.chars().skip(1);
                let Some(mark) = chars.next() else { return false };
                let mut parts = 0;
                let mut used = first.len_utf8() + mark.len_utf8();
                let mut escaped = false;
                for c in chars {
                    used += c.len_utf8();
                    if escaped {
                        escaped = false;
                    } else if c == '\\' {
                        escaped = true;
                    } else if c == mark {
                        parts += 1;
                        if parts == 2 {
                            break;
                        }
                    }
                }
                let tail = rest.get(used..).unwrap_or("");
                let flags: &str = tail.split([';', '\n', '}']).next().unwrap_or("");
                // `w FILE` takes the rest.
                if first == 's' && flags.split('w').next().is_some_and(|flags| flags.contains('e')) {
                    return true;
                }
                rest = tail.get(flags.len()..).unwrap_or("");
            }
            'e' => return true,
            '/' => {
                let tail = rest.get(1..).unwrap_or("");
                let Some(end) = tail.find('/') else { return false };
                rest = tail.get(end + 1..).unwrap_or("");
            }
            'a' | 'i' | 'c' | 'r' | 'w' | '#' | ':' | 'b' | 't' => {
                rest = rest.split_once(['\n', ';']).map_or("", |(_, rest)| rest);
            }
            c => rest = rest.get(c.len_utf8()..).unwrap_or(""),
        }
    }
    false
}
