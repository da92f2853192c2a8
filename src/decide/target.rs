//! Fingerprints of what was asked, by which the same is known again however it is spelled.
//! Knows no verdicts' meaning and keeps nothing.

use super::Judgement;
use crate::action::shell::{Access, Command, Shell, Word};
use crate::action::{Action, Facts};
use crate::event::line::hex;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Fingerprints that are kept of one action.
const MOST: usize = 16;

/// Fingerprints of the commands that decided: those that a rule of the judgement's own verdict matched. Where none did,
/// one of everything that was asked.
pub fn targets(judgement: &Judgement, facts: &Facts) -> Vec<String> {
    let Action::Shell(shell) = judgement.action();
    let decided = |found: &&super::Match| found.verdict == judgement.verdict() && found.overruled.is_none();
    let mut targets = Vec::new();
    for number in judgement.matches().iter().filter(decided).filter_map(|found| found.command) {
        let Some(command) = shell.commands().get(number) else { continue };
        let target = fingerprint(command, facts);
        if !targets.contains(&target) && targets.len() < MOST {
            targets.push(target);
        }
    }
    if targets.is_empty() {
        targets.push(whole(shell, facts));
    }
    targets
}

/// The fingerprint of one simple command: what it runs, with which words, where, and what it redirects. Quotes, white
/// space and what stands around it make no difference.
pub fn fingerprint(command: &Command, facts: &Facts) -> String {
    let mut hash = keyed(facts);
    let mut part = |kind: &[u8], text: &[u8]| {
        hash.update(kind);
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    let folder = command.cwd.as_deref().map(|cwd| super::judging::normal(&facts.cwd.join(cwd)));
    part(b"folder", folder.map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default().as_bytes());
    for word in &command.words {
        part(if word.literal().is_some() { b"word" } else { b"text" }, value(word).as_bytes());
    }
    for assign in &command.assigns {
        part(b"name", assign.name.as_bytes());
        part(b"value", value(&assign.value).as_bytes());
    }
    for redirect in &command.redirects {
        let access: &[u8] = match redirect.access {
            Access::Read => b"<",
            Access::Write => b">",
            Access::ReadWrite => b"<>",
            Access::Duplicate => continue,
        };
        part(access, value(&redirect.target).as_bytes());
    }
    if let Some(code) = &command.code {
        part(b"code", format!("{code:?}").as_bytes());
    }
    short(hash)
}

/// The fingerprint of everything that was asked.
pub(super) fn whole(shell: &Shell, facts: &Facts) -> String {
    let mut hash = keyed(facts);
    hash.update(b"whole");
    hash.update(shell.text().as_bytes());
    short(hash)
}

fn keyed(facts: &Facts) -> Hmac<Sha256> {
    // A key may be of any length.
    Hmac::new_from_slice(&facts.key).unwrap_or_else(|_| Hmac::new(&Default::default()))
}

fn value(word: &Word) -> &str {
    word.literal().unwrap_or(&word.text)
}

fn short(hash: Hmac<Sha256>) -> String {
    hex(hash.finalize().into_bytes().get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Vec<String> {
        let facts = Facts { cwd: "/p".into(), ..Facts::default() };
        Shell::from_line(line.into()).commands().iter().map(|command| fingerprint(command, &facts)).collect()
    }

    #[test]
    fn the_same_command_is_known_however_it_is_spelled() {
        let plain = of("terraform apply -auto-approve");
        for line in [
            "terraform   apply '-auto-approve'",
            "t\\erraform apply \"-auto-approve\"",
            "env terraform apply -auto-approve",
        ] {
            assert_eq!(of(line), plain, "{line}");
        }
        assert!(of("true; sh -c 'terraform apply -auto-approve'").contains(&plain[0]));
        for line in ["terraform apply", "cd x && terraform apply -auto-approve", "terraform apply -auto-approve > y"] {
            assert!(!of(line).contains(&plain[0]), "{line}");
        }
    }
}
