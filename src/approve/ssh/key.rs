//! Public keys as OpenSSH writes them, and which kinds of them can approve, at which strength.
//! Knows no names and no signatures.

use crate::approve::Strength;
use crate::event::line::visible;
use ssh_key::PublicKey;

/// The kinds of key that guard verifies. RSA is not among them: its signatures need a library of their own, which has
/// an unmended advisory (RUSTSEC-2023-0071), and whoever can sign can make an Ed25519 key.
const KINDS: [(&str, Strength); 5] = [
    ("ssh-ed25519", Strength::Signature),
    ("ecdsa-sha2-nistp256", Strength::Signature),
    ("ecdsa-sha2-nistp384", Strength::Signature),
    ("sk-ssh-ed25519@openssh.com", Strength::SecurityKey),
    ("sk-ecdsa-sha2-nistp256@openssh.com", Strength::SecurityKey),
];

/// Kinds that OpenSSH knows and guard does not verify.
const OTHERS: [&str; 5] =
    ["ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp521", "ssh-ed448", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"];

/// Why a text is not the public key of an approver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The half that nobody else may see.
    #[error("this is a private key")]
    Private,
    /// A certificate instead of a key.
    #[error("`{0}` is a certificate, and only plain keys can approve")]
    Certificate(String),
    /// A kind that OpenSSH knows.
    #[error("keys of the kind `{0}` cannot approve")]
    Unsupported(String),
    /// No kind of key at all.
    #[error("`{0}` is no kind of key")]
    Unknown(String),
    /// A kind alone.
    #[error("the key is missing after `{0}`")]
    Missing(String),
    /// Cut, garbled, or of another kind than is written before it.
    #[error("the key after `{0}` is cut or garbled")]
    Garbled(String),
}

impl KeyError {
    /// What to do instead.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Private => "keep it to yourself, and give the public half: the file that ends in `.pub`",
            Self::Certificate(_) | Self::Unsupported(_) => {
                "guard verifies Ed25519 and ECDSA (P-256, P-384) keys, also in security keys: `ssh-keygen -t ed25519-sk`, `ssh-keygen -t ed25519`"
            }
            Self::Unknown(_) | Self::Missing(_) | Self::Garbled(_) => {
                "a public key reads `ssh-ed25519 AAAA… comment`, as in the file that ends in `.pub`"
            }
        }
    }
}

/// The strength of an answer by a key of the kind `name`; `None`: guard does not verify such keys.
pub(super) fn strength(name: &str) -> Option<Strength> {
    KINDS.iter().find(|(kind, _)| *kind == name).map(|(_, strength)| *strength)
}

/// Whether `name` is a kind of key or certificate, verified or not.
pub(super) fn is_kind(name: &str) -> bool {
    strength(name).is_some() || OTHERS.contains(&name) || is_certificate(name)
}

/// Whether `name` is the kind of a certificate.
pub(super) fn is_certificate(name: &str) -> bool {
    name.ends_with("-cert-v01@openssh.com")
}

/// Reads a key from its kind and its base64.
pub(super) fn read(kind: &str, base64: &str) -> Result<(PublicKey, Strength), KeyError> {
    let Some(strength) = strength(kind) else {
        return Err(match kind {
            _ if is_certificate(kind) => KeyError::Certificate(shown(kind)),
            _ if is_kind(kind) => KeyError::Unsupported(shown(kind)),
            _ => KeyError::Unknown(shown(kind)),
        });
    };
    if base64.is_empty() {
        return Err(KeyError::Missing(shown(kind)));
    }
    let key = PublicKey::from_openssh(&format!("{kind} {base64}")).map_err(|_| KeyError::Garbled(shown(kind)))?;
    Ok((key, strength))
}

/// The most characters of somebody else's text in a message.
const LONGEST_SHOWN: usize = 48;

/// A word of somebody else's text, escaped and short enough for a message.
pub(super) fn shown(word: &str) -> String {
    let short: String = word.chars().take(LONGEST_SHOWN).collect();
    let mut shown = visible(&short);
    if short.len() < word.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    #[test]
    fn a_key_is_what_its_kind_says_or_a_named_fault() {
        assert_eq!(read("ssh-ed25519", KEY).unwrap().1, Strength::Signature);
        let unsupported = |kind: &str| KeyError::Unsupported(kind.to_owned());
        let garbled = || KeyError::Garbled("ssh-ed25519".to_owned());
        for (kind, base64, error) in [
            ("ssh-rsa", KEY, unsupported("ssh-rsa")),
            ("ssh-dss", KEY, unsupported("ssh-dss")),
            ("ecdsa-sha2-nistp521", KEY, unsupported("ecdsa-sha2-nistp521")),
            ("ssh-rsa-cert-v01@openssh.com", KEY, KeyError::Certificate("ssh-rsa-cert-v01@openssh.com".to_owned())),
            ("ssh-ed25518", KEY, KeyError::Unknown("ssh-ed25518".to_owned())),
            ("\u{1b}[2J", KEY, KeyError::Unknown("\\u{1b}[2J".to_owned())),
            ("ssh-ed25519", "", KeyError::Missing("ssh-ed25519".to_owned())),
            ("ssh-ed25519", "AAAA", garbled()),
            ("ssh-ed25519", "=", garbled()),
            ("ssh-ed25519", KEY.get(..60).unwrap(), garbled()),
            ("ssh-ed25519", &format!("{KEY}AAAA"), garbled()),
            ("ecdsa-sha2-nistp256", KEY, KeyError::Garbled("ecdsa-sha2-nistp256".to_owned())),
        ] {
            assert_eq!(read(kind, base64).unwrap_err(), error, "{kind} {base64}");
        }
    }

    #[test]
    fn kinds_are_those_of_the_library() {
        for (kind, strength) in KINDS {
            let algorithm: ssh_key::Algorithm = kind.parse().unwrap();
            assert_eq!(algorithm.as_str(), kind);
            assert_eq!(algorithm.to_string().starts_with("sk-"), strength == Strength::SecurityKey, "{kind}");
            assert!(!matches!(algorithm, ssh_key::Algorithm::Other(_)), "{kind}");
        }
    }
}
