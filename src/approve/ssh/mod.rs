//! Signatures of people: which keys may approve, and whether a signature made by OpenSSH is one of theirs over a statement.
//! Knows no files, agents or clock, and never sees a private key.

mod edit;
mod key;
mod name;
mod options;
mod signers;
mod verify;

pub use edit::{LineError, line, with, without};
pub use key::KeyError;
pub use name::NameError;
pub use signers::{Signer, Signers};
pub use verify::{SignatureError, Signed};

/// The namespace of every approval: a signature made for anything else (git, files, mail) is none.
pub const NAMESPACE: &str = "guard-approval-v1";
