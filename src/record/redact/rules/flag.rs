//! Secrets as arguments of a command: `--password X`, and the short flags of programs known for theirs.

use super::super::{Hit, Kind, is_secret_name};
use super::{is_placeholder, slice, value};

/// How a flag carries its secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carries {
    /// In the same word: `-pSECRET`.
    Attached,
    /// In the next word.
    Next,
    /// In the next word, after a colon: `-u user:SECRET`.
    AfterColon,
}

/// Program, flag, and how it carries a secret; from the programs' manual pages.
const FLAGS: &[(&str, &str, Carries)] = &[
    ("mysql", "-p", Carries::Attached),
    ("mariadb", "-p", Carries::Attached),
    ("sshpass", "-p", Carries::Next),
    ("sshpass", "-p", Carries::Attached),
    ("docker login", "-p", Carries::Next),
    ("podman login", "-p", Carries::Next),
    ("redis-cli", "-a", Carries::Next),
    ("ldap", "-w", Carries::Next),
    ("mongo", "-p", Carries::Next),
    ("sqlcmd", "-P", Carries::Next),
    ("smbclient", "-U", Carries::AfterColon),
    ("curl", "-u", Carries::AfterColon),
    ("curl", "--user", Carries::AfterColon),
    ("curl", "--proxy-user", Carries::AfterColon),
    ("wget", "--user", Carries::AfterColon),
    ("http", "-a", Carries::AfterColon),
    ("https", "--auth", Carries::AfterColon),
    ("zip", "-P", Carries::Next),
    ("7z", "-p", Carries::Attached),
    ("unrar", "-p", Carries::Attached),
];

/// `at` is a dash on the line that begins at `line`.
pub(super) fn find(text: &[u8], line: usize, at: usize, hits: &mut Vec<Hit>) {
    if at > line && text.get(at - 1).is_some_and(|b| !b.is_ascii_whitespace() && !b"\"'`,[(".contains(b)) {
        return;
    }
    let rest = slice(text, at..text.len());
    let length = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || b"_-".contains(b))).unwrap_or(rest.len());
    let flag = slice(rest, 0..length);
    let next = || {
        let mut start = at + length;
        // Also as a list of words: "--password", "X"
        let gap = slice(text, start..text.len()).iter().take_while(|b| b" \t\"',".contains(b)).count();
        start += gap;
        let quoted = text.get(start.saturating_sub(1)).is_some_and(|b| matches!(b, b'"' | b'\''));
        let start = if quoted { start - 1 } else { start };
        (gap > 0).then(|| value(text, start, |b| b.is_ascii_whitespace() || b";|&)]".contains(&b)))
    };
    let mut push = |range: std::ops::Range<usize>| {
        let found = slice(text, range.clone());
        if !is_placeholder(found) && !found.starts_with(b"-") {
            hits.push(Hit { range, kind: Kind::Rule("argument") });
        }
    };
    if let Some(name) = flag.strip_prefix(b"--").and_then(|n| std::str::from_utf8(n).ok())
        && is_secret_name(name)
    {
        next().into_iter().for_each(&mut push);
        return;
    }
    let named = |(_, known, carries): &&(&str, &str, Carries)| {
        flag == known.as_bytes() || (*carries == Carries::Attached && flag.starts_with(known.as_bytes()))
    };
    if !FLAGS.iter().any(|f| named(&f))
        || flag.starts_with(b"--") && FLAGS.iter().all(|(_, known, _)| flag != known.as_bytes())
    {
        return;
    }
    let programs = programs(slice(text, line..at));
    for (program, known, carries) in FLAGS.iter().filter(named) {
        if !programs.iter().any(|name| name == program) {
            continue;
        }
        match carries {
            Carries::Attached => {
                let range = value(text, at + known.len(), |b| b.is_ascii_whitespace() || b";|&)".contains(&b));
                push(range);
            }
            Carries::Next if flag == known.as_bytes() => next().into_iter().for_each(&mut push),
            Carries::AfterColon => {
                let Some(range) = next() else { continue };
                let colon = slice(text, range.clone()).iter().position(|b| matches!(b, b':' | b'%'));
                if let Some(colon) = colon {
                    push(range.start + colon + 1..range.end);
                }
            }
            Carries::Next => {}
        }
    }
}

/// The known programs that are named earlier on the line, in the same command.
fn programs(before: &[u8]) -> Vec<&'static str> {
    let begin = before.iter().rposition(|b| b";|&".contains(b)).map_or(0, |at| at + 1);
    let command = slice(before, begin..before.len());
    let mut found = Vec::new();
    let mut at = 0;
    for word in command.split(|b| b.is_ascii_whitespace() || b"\"'`(/[,".contains(b)) {
        let rest = slice(command, at..command.len());
        at += word.len() + 1;
        if !word.is_empty() {
            found.extend(FLAGS.iter().map(|(program, ..)| *program).filter(|p| rest.starts_with(p.as_bytes())));
        }
        // A program named over and over is named.
        if found.len() > FLAGS.len() {
            break;
        }
    }
    found
}
