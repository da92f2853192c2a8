//! Approvals: who may give them, and what proves that a person did.

mod always;
mod attacks;
mod bad_input;
mod ledger;
mod races;
pub(crate) mod scene;
mod secrets;
mod security_key;
mod ssh;
mod walk;

use chrono::{DateTime, Utc};
use guard::approve::ssh::{NAMESPACE, Signers};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const STATEMENT: &[u8] = b"log 7f3a\nrequest command-1\nsha256 00ff\ndecision allow\n";

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// A folder with keys in it, and OpenSSH's own `ssh-keygen`.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// What `ssh-keygen ARGUMENTS…` does with `input` on its standard input, and what it prints.
    fn keygen(&self, arguments: &[&str], input: &[u8]) -> (bool, String) {
        let mut child = Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("`ssh-keygen`: install openssh-client, as scripts/test does");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let done = child.wait_with_output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8(said).unwrap())
    }

    /// Makes a key without a passphrase; the text of its public half.
    fn key(&self, name: &str, kind: &[&str]) -> String {
        let (made, said) = self.keygen(&[&["-q", "-N", "", "-C", name, "-f", name, "-t"], kind].concat(), b"");
        assert!(made, "{said}");
        self.read(&format!("{name}.pub"))
    }

    fn sign(&self, key: &str, namespace: &str, message: &[u8], more: &[&str]) -> String {
        let (signed, text) = self.keygen(&[&["-q", "-Y", "sign", "-f", key, "-n", namespace], more].concat(), message);
        assert!(signed, "{text}");
        text
    }

    /// Whether OpenSSH itself takes `signature` for `name`'s over `message` at the time `at`.
    fn openssh_verifies(&self, signers: &str, name: &str, message: &[u8], signature: &str, at: &str) -> bool {
        self.write("signers", signers);
        self.write("signature", signature);
        let time = format!("-Overify-time={at}");
        let arguments = ["-Y", "verify", &time, "-f", "signers", "-I", name, "-n", NAMESPACE, "-s", "signature"];
        self.keygen(&arguments, message).0
    }
}

fn signers(text: &str) -> Signers {
    Signers::parse(text, "approvers").unwrap()
}

/// The bytes between the lines of an armour.
fn unarmoured(text: &str) -> Vec<u8> {
    use ssh_key::encoding::Encode;
    ssh_key::SshSig::from_pem(text).unwrap().encode_vec().unwrap()
}

/// An armour around any bytes.
fn armoured(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = char::from(DIGITS[word >> (18 - 6 * place) & 63]);
            text.push(if place > chunk.len() { '=' } else { digit });
        }
    }
    let lines: Vec<_> = text.as_bytes().chunks(70).map(|line| String::from_utf8_lossy(line)).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}
