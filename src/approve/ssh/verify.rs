//! Whether a signature file is an approver's over exactly these bytes, as OpenSSH's PROTOCOL.sshsig and PROTOCOL.u2f say.
//! Knows no statement: bytes come in.

use super::key::{shown, strength};
use super::{NAMESPACE, Signer, Signers};
use crate::approve::Strength;
use chrono::{DateTime, Utc};
use ssh_key::{HashAlg, SshSig};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// Characters of a line of the armour.
const WIDTH: usize = 70;
/// The most bytes of a signature file: a longer one is none, whatever it holds.
const LONGEST: usize = 16 * 1024;
/// The only version of the format there is.
const VERSION: u32 = 1;
const OTHER_VERSION: &str = "another version of the format";
/// Behind a security key's signature: a byte of flags, and a counter of four.
const TRAILER: usize = 5;
/// The flag that says that somebody touched the security key.
const PRESENT: u8 = 0x01;

/// Proof that an approver signed. Only [`Signers::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    name: String,
    fingerprint: String,
    strength: Strength,
}

impl Signed {
    /// Who signed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// By which key: `SHA256:…`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// What it is worth.
    pub fn strength(&self) -> Strength {
        self.strength
    }
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Something else, or cut, or garbled.
    #[error("not an SSH signature: {cause}")]
    NoSignature {
        /// What is wrong with it.
        cause: &'static str,
    },
    /// A kind of key, hash or signature that guard does not verify.
    #[error("guard does not verify `{algorithm}`")]
    Unsupported {
        /// Its name.
        algorithm: String,
    },
    /// A certificate signed.
    #[error("signed by the certificate `{kind}`, and only plain keys can approve")]
    Certificate {
        /// Its kind.
        kind: String,
    },
    /// It was made for something else.
    #[error("the signature is for `{namespace}`, not for `{NAMESPACE}`")]
    OtherNamespace {
        /// What it was made for.
        namespace: String,
    },
    /// Nobody who may approve has this key.
    #[error("the key `{fingerprint}` is not among the approvers")]
    UnknownKey {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// The entry is for other namespaces.
    #[error("the entry of `{name}` ({place}) is not for `{NAMESPACE}`")]
    NotForApprovals {
        /// Who.
        name: String,
        /// Where it stands.
        place: String,
    },
    /// The entry begins later.
    #[error("the entry of `{name}` ({place}) is not valid before {after}")]
    NotYetValid {
        /// Who.
        name: String,
        /// Where it stands.
        place: String,
        /// Its first moment.
        after: DateTime<Utc>,
    },
    /// The entry is over.
    #[error("the entry of `{name}` ({place}) was valid until {before}")]
    Expired {
        /// Who.
        name: String,
        /// Where it stands.
        place: String,
        /// Its last moment.
        before: DateTime<Utc>,
    },
    /// Another statement, or a signature that somebody changed.
    #[error("the signature by `{name}` is of another statement, or was changed")]
    OtherStatement {
        /// Whose key it names.
        name: String,
    },
    /// A security key that nobody touched.
    #[error("nobody touched the security key of `{name}`")]
    NotPresent {
        /// Whose.
        name: String,
    },
}

impl SignatureError {
    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::NoSignature { .. } | Self::OtherNamespace { .. } => {
                Some("sign the statement with `ssh-keygen -Y sign -n guard-approval-v1 -f KEY`")
            }
            Self::Unsupported { .. } | Self::Certificate { .. } => {
                Some("sign with an Ed25519 or ECDSA (P-256, P-384) key, which may live in a security key")
            }
            Self::UnknownKey { .. } => Some("`guard approver list` shows whose keys count"),
            Self::NotForApprovals { .. } | Self::NotYetValid { .. } | Self::Expired { .. } => {
                Some("`guard approver add` and `remove` change who may approve")
            }
            Self::OtherStatement { .. } => Some("sign what `guard show` prints now: the request may have changed"),
            Self::NotPresent { .. } => Some("a key made with `no-touch-required` cannot approve"),
        }
    }
}

impl Signers {
    /// Whose signature this claims to be, for statements that name their approver. It proves nothing yet.
    ///
    /// # Errors
    /// Why it cannot be any approver's.
    pub fn claimed(&self, signature: &str) -> Result<&Signer, SignatureError> {
        self.signer(&read(signature)?)
    }

    /// Whether `signature`, the text of a file that `ssh-keygen -Y sign` wrote, is an approver's over `message`.
    ///
    /// # Errors
    /// The first reason why it does not count.
    pub fn verify(&self, message: &[u8], signature: &str, now: DateTime<Utc>) -> Result<Signed, SignatureError> {
        let signature = read(signature)?;
        let signer = self.signer(&signature)?;
        signer.standing(now)?;
        let name = || signer.name().to_owned();
        if signer.key().verify(NAMESPACE, message, &signature).is_err() {
            return Err(SignatureError::OtherStatement { name: name() });
        }
        // The flags are signed, so they are looked at behind the signature; the library looks at none.
        if signer.strength() == Strength::SecurityKey && !is_present(signature.signature_bytes()) {
            return Err(SignatureError::NotPresent { name: name() });
        }
        Ok(Signed { name: name(), fingerprint: signer.fingerprint(), strength: signer.strength() })
    }

    /// The approver whose key a signature names, if it is one for approvals, of a kind that guard verifies.
    fn signer(&self, signature: &SshSig) -> Result<&Signer, SignatureError> {
        let key = signature.public_key();
        let kind = key.algorithm();
        if let Some(certificate) = key.certificate() {
            return Err(SignatureError::Certificate { kind: shown(&certificate.algorithm().to_certificate_type()) });
        }
        if strength(kind.as_str()).is_none() {
            return Err(SignatureError::Unsupported { algorithm: shown(kind.as_str()) });
        }
        if signature.algorithm() != kind {
            return Err(SignatureError::Unsupported { algorithm: shown(signature.algorithm().as_str()) });
        }
        if signature.namespace() != NAMESPACE {
            return Err(SignatureError::OtherNamespace { namespace: shown(signature.namespace()) });
        }
        let unknown = || SignatureError::UnknownKey { fingerprint: key.fingerprint(HashAlg::Sha256).to_string() };
        self.of_key(key).ok_or_else(unknown)
    }
}

/// Whether the flags behind a security key's signature say that somebody was there.
fn is_present(signature: &[u8]) -> bool {
    signature.iter().rev().nth(TRAILER - 1).is_some_and(|flags| flags & PRESENT != 0)
}

/// Reads the armour as OpenSSH does, wherever its lines are broken; nothing may stand around it.
fn read(text: &str) -> Result<SshSig, SignatureError> {
    let none = |cause| SignatureError::NoSignature { cause };
    if text.len() > LONGEST {
        return Err(none("too long"));
    }
    let text = text.trim_ascii();
    let body = text.strip_prefix(BEGIN).ok_or(none("it does not begin with `-----BEGIN SSH SIGNATURE-----`"))?;
    let body = body.strip_suffix(END).ok_or(none("it does not end with `-----END SSH SIGNATURE-----`"))?;
    let mut armour = format!("{BEGIN}\n");
    for (at, character) in body.chars().filter(|c| !c.is_ascii_whitespace()).enumerate() {
        if at > 0 && at % WIDTH == 0 {
            armour.push('\n');
        }
        armour.push(character);
    }
    armour.push('\n');
    armour.push_str(END);
    let signature = SshSig::from_pem(&armour).map_err(|error| {
        if let ssh_key::Error::Encoding(ssh_key::encoding::Error::Label(label)) = &error {
            return SignatureError::Unsupported { algorithm: shown(&label.to_string()) };
        }
        let newer = matches!(error, ssh_key::Error::Version { .. });
        none(if newer { OTHER_VERSION } else { "its content is cut or garbled" })
    })?;
    // The version is not signed, and the library takes 0 for 1.
    if signature.version() != VERSION {
        return Err(none(OTHER_VERSION));
    }
    Ok(signature)
}
