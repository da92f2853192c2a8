//! Files known by their names: what guard and harnesses rest on, what holds secrets.
//! Knows nothing of what they hold.

use crate::decide::judging::GUARDS;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Whether guard or a harness rests on `path`. In any case of letters, as some file systems take them; at any depth, since
/// a folder becomes a project by its `guard.toml`, and a harness may be started anywhere; only among outputs not.
pub(super) fn is_guards(path: &Path, nested: &[PathBuf], output: bool) -> bool {
    let of = |path: &Path| GUARDS.iter().any(|name| same(path, Path::new(name)));
    let mut roots = nested.iter().filter_map(|root| path.strip_prefix(root).ok());
    if of(path) || roots.any(of) {
        return true;
    }
    !output && path.ancestors().filter_map(|above| path.strip_prefix(above).ok()).any(of)
}

fn same(a: &Path, b: &Path) -> bool {
    a.as_os_str().as_bytes().eq_ignore_ascii_case(b.as_os_str().as_bytes())
}

/// Names of files that hold keys, passwords or tokens and nothing else.
const SECRETS: [&str; 20] = [
    ".git-credentials",
    ".htpasswd",
    ".my.cnf",
    ".netrc",
    ".pgpass",
    ".vault-token",
    "_netrc",
    "client_secret.json",
    "credentials",
    "credentials.json",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "id_rsa",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
];

/// Endings of the names of such files.
const ENDINGS: [&str; 8] = [".jks", ".kdbx", ".key", ".keystore", ".p12", ".pem", ".pfx", ".ppk"];

/// Endings that make an example of a `.env`.
const EXAMPLES: [&str; 5] = ["dist", "example", "sample", "template", "tpl"];

/// Whether a file of that name holds secrets.
pub fn holds_secrets(path: &Path) -> bool {
    let Some(name) = path.file_name() else { return false };
    let name = name.to_string_lossy().to_lowercase();
    let environment = name == ".env"
        || name
            .strip_prefix(".env.")
            .is_some_and(|rest| rest.rsplit('.').next().is_none_or(|last| !EXAMPLES.contains(&last)));
    environment || SECRETS.contains(&name.as_str()) || ENDINGS.iter().any(|end| name.ends_with(end))
}
