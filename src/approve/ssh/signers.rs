//! Who may approve: the entries of `allowed_signers` files, in OpenSSH's own format (`ssh-keygen(1)`, ALLOWED SIGNERS).
//! Knows no signatures and no files: texts come in.

use super::options::{self, OptionFault, Options};
use super::{NAMESPACE, SignatureError, key, name};
use crate::approve::Strength;
use crate::decide::policy::{Fault, Faults};
use crate::decide::{Layer, Source};
use chrono::{DateTime, Utc};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey};
use std::ops::Range;

/// The most faults of one text that are told; a file of something else altogether has one a line.
const TOLD: usize = 20;

/// The approvers, in the order they are listed.
#[derive(Debug, Clone, Default)]
pub struct Signers {
    signers: Vec<Signer>,
}

/// One entry: a person's name and one of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    name: String,
    key: PublicKey,
    kind: String,
    comment: String,
    strength: Strength,
    options: Options,
    place: String,
}

impl Signers {
    /// Reads the text of an `allowed_signers` file, which is called `shown_path` in messages.
    ///
    /// # Errors
    /// What is wrong with it, each with its line; at most 20 of them.
    pub fn parse(text: &str, shown_path: &str) -> Result<Self, Faults> {
        let mut signers = Vec::new();
        let mut faults: Vec<(Range<usize>, EntryFault)> = Vec::new();
        let mut start = 0;
        for (number, line) in text.split('\n').enumerate() {
            match entry(line.strip_suffix('\r').unwrap_or(line)) {
                Ok(None) => {}
                Ok(Some(entry)) => signers.push(entry.signer(format!("{shown_path}:{}", number + 1))),
                Err((span, fault)) => faults.push((start + span.start..start + span.end, fault)),
            }
            if faults.len() == TOLD {
                break;
            }
            start += line.len() + 1;
        }
        if faults.is_empty() {
            return Ok(Self { signers });
        }
        let source = Source { layer: Layer::Person, name: shown_path.to_owned(), text: text.to_owned() };
        let told = faults.into_iter().map(|(span, fault)| {
            let told = Fault::at(&source, span, fault.message);
            fault.help.into_iter().fold(told, Fault::help)
        });
        Err(Faults(told.collect()))
    }

    /// These and `later` ones. Where a key is in both, its entry here decides.
    #[must_use]
    pub fn and(mut self, later: Self) -> Self {
        self.signers.extend(later.signers);
        self
    }

    /// Whether nobody is listed.
    pub fn is_empty(&self) -> bool {
        self.signers.is_empty()
    }

    /// Every entry, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Signer> {
        self.signers.iter()
    }

    /// The approver whose key a line of `ssh-add -L` or a `.pub` file holds, if that key may approve at `now`.
    pub fn of_line(&self, line: &str, now: DateTime<Utc>) -> Option<&Signer> {
        let mut words = line.split_ascii_whitespace();
        let (key, _) = key::read(words.next()?, words.next()?).ok()?;
        self.of_key(key.key_data()).filter(|signer| signer.standing(now).is_ok())
    }

    /// The first entry of a key: it decides, whatever later ones of the same key say.
    pub(super) fn of_key(&self, key: &KeyData) -> Option<&Signer> {
        self.signers.iter().find(|signer| signer.key.key_data() == key)
    }
}

impl Signer {
    /// What the person is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of key: `ssh-ed25519`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The key's fingerprint as OpenSSH shows it: `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    /// What a signature by this key is worth: `security-key` if it lives in one.
    pub fn strength(&self) -> Strength {
        self.strength
    }

    /// What is written behind the key; hidden characters are spelled out where it is shown.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Where the entry stands: `approvers:3`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The first moment the entry is valid, if it says one.
    pub fn valid_after(&self) -> Option<DateTime<Utc>> {
        self.options.after
    }

    /// The last moment the entry is valid, if it says one.
    pub fn valid_before(&self) -> Option<DateTime<Utc>> {
        self.options.before
    }

    /// Whether the entry lets its key approve at `now`.
    ///
    /// # Errors
    /// Which of its restrictions does not.
    pub fn standing(&self, now: DateTime<Utc>) -> Result<(), SignatureError> {
        let (name, place) = (self.name.clone(), self.place.clone());
        if !self.options.allow_namespace(NAMESPACE) {
            return Err(SignatureError::NotForApprovals { name, place });
        }
        match (self.options.after, self.options.before) {
            (Some(after), _) if now < after => Err(SignatureError::NotYetValid { name, place, after }),
            (_, Some(before)) if now > before => Err(SignatureError::Expired { name, place, before }),
            (_, _) => Ok(()),
        }
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }
}

struct EntryFault {
    message: String,
    help: Option<String>,
}

impl EntryFault {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: Some(help.into()) }
    }
}

/// What a line says, before its place is known.
struct Entry<'a> {
    name: &'a str,
    options: Options,
    key: PublicKey,
    strength: Strength,
    kind: &'a str,
    comment: &'a str,
}

impl Entry<'_> {
    fn signer(self, place: String) -> Signer {
        Signer {
            name: self.name.to_owned(),
            key: self.key,
            kind: self.kind.to_owned(),
            comment: self.comment.to_owned(),
            strength: self.strength,
            options: self.options,
            place,
        }
    }
}

/// The field that says whose entry `line` is; `None`: the line is empty or a comment.
pub(super) fn principal(line: &str) -> Option<Range<usize>> {
    let span = field(line, 0)?;
    (!part(line, &span).starts_with('#')).then_some(span)
}

/// Reads one line: `name [options] kind base64 [comment]`. A fault comes with its place in the line.
fn entry(line: &str) -> Result<Option<Entry<'_>>, (Range<usize>, EntryFault)> {
    let Some(named) = principal(line) else { return Ok(None) };
    let name = part(line, &named);
    name::check(name).map_err(|error| (named.clone(), EntryFault::new(error.to_string(), error.help())))?;
    let form = "an entry reads `anna namespaces=\"guard-approval-v1\" ssh-ed25519 AAAA… comment`";
    let mut next = field(line, named.end)
        .ok_or_else(|| (named.clone(), EntryFault::new(format!("no key after the name `{name}`"), form)))?;
    let mut options = Options::default();
    let behind = field(line, next.end);
    let before_kind = behind.as_ref().is_some_and(|span| key::is_kind(part(line, span)));
    let word = part(line, &next);
    if !key::is_kind(word) && (options::are_meant(word) || before_kind) {
        options = Options::read(word).map_err(|fault| {
            let OptionFault { span, message, help } = fault;
            (next.start + span.start..next.start + span.end, EntryFault { message, help })
        })?;
        next = behind.ok_or_else(|| (next.clone(), EntryFault::new("no key after the options", form)))?;
    }
    let kind = part(line, &next);
    let base64 = field(line, next.end).unwrap_or(next.end..next.end);
    let (key, strength) = key::read(kind, part(line, &base64))
        .map_err(|error| (next.start..base64.end, EntryFault::new(error.to_string(), error.help())))?;
    let comment = line.get(base64.end..).unwrap_or_default().trim();
    Ok(Some(Entry { name, options, key, strength, kind, comment }))
}

/// The next run of characters that are no blanks; blanks inside double quotes belong to it.
fn field(line: &str, from: usize) -> Option<Range<usize>> {
    let rest = line.get(from..)?;
    let start = from + rest.find(|c| !matches!(c, ' ' | '\t'))?;
    let mut quoted = false;
    let mut escaped = false;
    for (at, character) in line.get(start..)?.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => return Some(start..start + at),
            _ => {}
        }
    }
    Some(start..line.len())
}

fn part<'a>(line: &'a str, span: &Range<usize>) -> &'a str {
    line.get(span.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    fn parse(text: &str) -> Result<Signers, Faults> {
        Signers::parse(text, "approvers")
    }

    #[test]
    fn entries_are_read_in_order_and_comments_and_empty_lines_are_not() {
        let text = format!(
            "# people\n\n \t# more\nanna {KEY}\r\n  ben@example.com\tnamespaces=\"guard *\",valid-after=\"20260101Z\" {KEY} at work \nanna {KEY}"
        );
        let signers = parse(&text).unwrap();
        let found: Vec<_> = signers
            .iter()
            .map(|signer| (signer.name(), signer.kind(), signer.strength(), signer.comment(), signer.place()))
            .collect();
        let kind = "ssh-ed25519";
        assert_eq!(
            found,
            [
                ("anna", kind, Strength::Signature, "", "approvers:4"),
                ("ben@example.com", kind, Strength::Signature, "at work", "approvers:5"),
                ("anna", kind, Strength::Signature, "", "approvers:6"),
            ]
        );
        let first = signers.iter().next().unwrap();
        // `ssh-keygen -lf` says the same of this key.
        assert_eq!(first.fingerprint(), "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA");
    }

    #[test]
    fn a_fault_says_its_line_and_what_is_wrong() {
        let text = format!("anna {KEY}\nben\nanna,ben {KEY}\ncarl ssh-rsa AAAA\n");
        let told = parse(&text).unwrap_err().to_string();
        let expected = "approvers:2:1: no key after the name `ben`
  |
2 | ben
  | ^^^
help: an entry reads `anna namespaces=\"guard-approval-v1\" ssh-ed25519 AAAA… comment`

approvers:3:1: `,` makes a pattern or a list, and an approver is one person
  |
3 | anna,ben ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
  | ^^^^^^^^
help: letters, digits and `@._+-` make a name: `anna@example.com`

approvers:4:6: keys of the kind `ssh-rsa` cannot approve
  |
4 | carl ssh-rsa AAAA
  |      ^^^^^^^^^^^^
help: guard verifies Ed25519 and ECDSA (P-256, P-384) keys, also in security keys: `ssh-keygen -t ed25519-sk`, `ssh-keygen -t ed25519`";
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_wrong_with_an_entry_is_named() {
        for (text, says) in [
            (format!("* {KEY}"), "1:1: `*` makes a pattern or a list, and an approver is one person"),
            (format!("\"anna b\" {KEY}"), "1:1: a name cannot hold a quote: `\"`"),
            (KEY.to_owned(), "1:13: `AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8Q…` is no kind of key"),
            (
                format!("anna cert-authority {KEY}"),
                "1:6: `cert-authority` is not supported: certificates cannot approve",
            ),
            (format!("anna bogus {KEY}"), "1:6: unknown option `bogus`"),
            (format!("anna namespaces=\"git\",bogus {KEY}"), "1:23: unknown option `bogus`"),
            ("anna namespaces=\"git\"".to_owned(), "1:6: no key after the options"),
            ("anna ssh-ed25519".to_owned(), "1:6: the key is missing after `ssh-ed25519`"),
            ("anna ssh-ed25519 AAAA".to_owned(), "1:6: the key after `ssh-ed25519` is cut or garbled"),
            (
                "anna ssh-ed25519-cert-v01@openssh.com AAAA".to_owned(),
                "1:6: `ssh-ed25519-cert-v01@openssh.com` is a certificate, and only plain keys can approve",
            ),
        ] {
            let told = parse(&text).unwrap_err().to_string();
            assert_eq!(told.lines().next(), Some(format!("approvers:{says}").as_str()), "{text}");
        }
        assert_eq!(parse(&"garbage\n".repeat(1_000_000)).unwrap_err().0.len(), TOLD);
    }

    #[test]
    fn of_several_files_the_first_decides() {
        let machine = parse(&format!("anna valid-before=\"20260101Z\" {KEY}")).unwrap();
        let person = Signers::parse(&format!("ben {KEY}"), "mine").unwrap();
        let both = machine.and(person);
        let key = both.signers[0].key.key_data().clone();
        assert_eq!(both.of_key(&key).map(Signer::name), Some("anna"));
        let at = |time: &str| both.of_line(KEY, time.parse().unwrap()).map(Signer::name);
        assert_eq!(at("2025-12-31T23:59:59Z"), Some("anna"));
        assert_eq!(at("2026-01-01T00:00:01Z"), None, "ben's later entry does not revive the key");
    }
}
