//! Changing the text of an `allowed_signers` file: one person's line made, added, and taken out.
//! Knows no files: texts come in and go out.

use super::signers::principal;
use super::{KeyError, NAMESPACE, NameError, key, name};
use crate::event::line::is_hidden;

/// Why no line can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The name will not do.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The key will not do.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An empty file.
    #[error("there is no key")]
    NoKey,
    /// A file of several keys, or of something else.
    #[error("there are {0} lines, and a public key is one")]
    SeveralLines(usize),
    /// A comment that could hide something from whoever reads the list.
    #[error("the key's comment holds control or invisible characters")]
    Comment,
}

impl LineError {
    /// What to do instead.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Name(error) => error.help(),
            Self::Key(error) => error.help(),
            Self::NoKey | Self::SeveralLines(_) => "give the file that ends in `.pub`, as `ssh-keygen` made it",
            Self::Comment => "give the key without its comment, or with a plain one",
        }
    }
}

/// The line that lets `name` approve, and nothing else, with the key that the text of a `.pub` file holds.
/// It ends in a newline.
///
/// # Errors
/// What is wrong with the name or the key.
pub fn line(name: &str, key: &str) -> Result<String, LineError> {
    name::check(name)?;
    let key = key.trim();
    if key.contains("PRIVATE KEY-----") || key.starts_with("PuTTY-User-Key-File") {
        return Err(KeyError::Private.into());
    }
    match key.lines().filter(|line| !line.trim().is_empty()).count() {
        0 => return Err(LineError::NoKey),
        1 => {}
        several => return Err(LineError::SeveralLines(several)),
    }
    let mut words = key.splitn(3, [' ', '\t']);
    let (kind, base64) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let comment = words.next().unwrap_or_default().trim();
    key::read(kind, base64)?;
    if comment.contains(is_hidden) {
        return Err(LineError::Comment);
    }
    let line = format!("{name} namespaces=\"{NAMESPACE}\" {kind} {base64} {comment}");
    Ok(format!("{}\n", line.trim_end()))
}

/// `text` with `line` at its end, on a line of its own.
pub fn with(text: &str, line: &str) -> String {
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{gap}{line}")
}

/// `text` without the lines of `name`, everything else byte for byte, and how many lines those were.
pub fn without(text: &str, name: &str) -> (String, usize) {
    let mut kept = String::with_capacity(text.len());
    let mut taken = 0;
    for line in text.split_inclusive('\n') {
        let entry = line.trim_end_matches(['\n', '\r']);
        if principal(entry).and_then(|span| entry.get(span)) == Some(name) {
            taken += 1;
        } else {
            kept.push_str(line);
        }
    }
    (kept, taken)
}

#[cfg(test)]
mod tests {
    use super::super::Signers;
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    #[test]
    fn a_line_is_restricted_to_approvals_and_can_be_read_back() {
        let made = line("anna", &format!("{KEY} anna at work\n")).unwrap();
        assert_eq!(made, format!("anna namespaces=\"guard-approval-v1\" {KEY} anna at work\n"));
        let signers = Signers::parse(&made, "approvers").unwrap();
        let found: Vec<_> = signers.iter().map(|signer| (signer.name(), signer.comment())).collect();
        assert_eq!(found, [("anna", "anna at work")]);
        assert_eq!(line("anna", KEY).unwrap(), format!("anna namespaces=\"guard-approval-v1\" {KEY}\n"));
    }

    #[test]
    fn what_is_no_public_key_makes_no_line() {
        for (text, error) in [
            ("", LineError::NoKey),
            ("\n \n", LineError::NoKey),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
                LineError::Key(KeyError::Private),
            ),
            (&format!("{KEY}\n{KEY}\n"), LineError::SeveralLines(2)),
            (&format!("{KEY} x\rmallory {KEY}"), LineError::Comment),
            (&format!("{KEY} \u{1b}[2K"), LineError::Comment),
            (&format!("{KEY} a\u{202e}b"), LineError::Comment),
            (&format!("no-pty {KEY}"), LineError::Key(KeyError::Unknown("no-pty".to_owned()))),
            ("hello", LineError::Key(KeyError::Unknown("hello".to_owned()))),
            ("ssh-rsa AAAA x", LineError::Key(KeyError::Unsupported("ssh-rsa".to_owned()))),
            ("ssh-ed25519", LineError::Key(KeyError::Missing("ssh-ed25519".to_owned()))),
        ] {
            assert_eq!(line("anna", text).unwrap_err(), error, "{text:?}");
        }
        assert_eq!(line("*", KEY).unwrap_err(), LineError::Name(NameError::Pattern('*')));
        assert_eq!(line("a\nb", KEY).unwrap_err(), LineError::Name(NameError::Character('\n')));
    }

    #[test]
    fn taking_a_person_out_leaves_the_rest_byte_for_byte() {
        let text = format!("# anna {KEY}\r\n\tanna {KEY}\r\n\n  annabel {KEY} anna\nanna broken\nben {KEY}");
        let (kept, taken) = without(&text, "anna");
        assert_eq!((kept.as_str(), taken), (&*format!("# anna {KEY}\r\n\n  annabel {KEY} anna\nben {KEY}"), 2));
        assert_eq!(without(&text, "carl"), (text.clone(), 0));
        assert_eq!(without(&text, ""), (text, 0));
    }

    #[test]
    fn a_line_is_added_on_a_line_of_its_own() {
        assert_eq!(with("", "b\n"), "b\n");
        assert_eq!(with("a", "b\n"), "a\nb\n");
        assert_eq!(with("a\n", "b\n"), "a\nb\n");
    }
}
