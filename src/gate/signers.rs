//! Who may approve: the person's list and the machine's, and whether a signature is one of theirs.
//! Knows where the lists lie; how signatures are made up is `approve`'s.

use super::desk::now;
use super::{Project, Stop, policy};
use crate::approve::ssh::{SignatureError, Signers};
use crate::approve::{Decision, Statement};
use crate::event::By;
use std::path::{Path, PathBuf};

/// The file's name in both folders, and OpenSSH's for its format.
const NAME: &str = "allowed_signers";

/// The person's own list.
pub(super) fn own_list(config_root: &Path) -> PathBuf {
    config_root.join(NAME)
}

/// Everybody who may approve: the machine's approvers first, so that their entries decide.
pub(super) fn load(config_root: Option<&Path>) -> Result<Signers, Stop> {
    let mut all = Signers::default();
    let person = config_root.map(|root| (own_list(root), rustix::process::geteuid().as_raw()));
    for (path, owner) in [(PathBuf::from(super::world::MACHINE).join(NAME), 0)].into_iter().chain(person) {
        if let Some(text) = policy::read_layer(&path, owner)? {
            let fault = |faults: crate::decide::policy::Faults| Stop::Signers { faults };
            all = all.and(Signers::parse(&text, &super::shown(&path)).map_err(fault)?);
        }
    }
    Ok(all)
}

/// Who signed a statement.
pub(super) fn signed(
    project: &Project,
    statement: &Statement,
    decision: Decision,
    signature: &str,
) -> Result<By, Stop> {
    verified(&load(project.config_root.as_deref())?, statement, decision, signature)
}

/// Whose signature over the statement this is. The signed bytes name the approver, and the signature says whose it would
/// be.
pub(super) fn verified(
    signers: &Signers,
    statement: &Statement,
    decision: Decision,
    signature: &str,
) -> Result<By, Stop> {
    let refused = |cause: SignatureError| Stop::Signature { cause: Box::new(cause) };
    let name = signers.claimed(signature).map_err(refused)?.name();
    let signed = signers.verify(&statement.to_sign(decision, name), signature, now()).map_err(refused)?;
    Ok(By {
        who: signed.name().to_owned(),
        strength: signed.strength().name().into(),
        key: Some(signed.fingerprint().to_owned()),
        signature: Some(signature.lines().filter(|line| !line.starts_with("-----")).collect()),
    })
}
