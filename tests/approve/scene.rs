//! A project, an approver with a key of OpenSSH's, and a person at a terminal.

use super::Desk;
use crate::cli::{Done, Home, terminal};
use guard::approve::ssh::{NAMESPACE, line};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;

/// A command that the preset asks about, with a file to see that it ran.
pub(crate) const ASKED: [&str; 4] = ["truncate", "-s", "3", "made"];

pub(crate) struct Scene {
    pub(crate) home: Home,
    /// Where the keys are; outside the project.
    pub(crate) desk: Desk,
}

impl Scene {
    /// Nobody has a key: answers are given at a terminal.
    pub(crate) fn open() -> Self {
        Self { home: Home::with("python"), desk: Desk::new() }
    }

    /// Anna's key may approve.
    pub(crate) fn signed() -> Self {
        let scene = Self::open();
        let public = scene.desk.key("anna", &["ed25519"]);
        scene.approvers(&line("anna", &public).unwrap());
        scene
    }

    /// Writes the person's list of approvers.
    pub(crate) fn approvers(&self, lines: &str) {
        let folder = self.home.path().join(".config/guard");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).unwrap();
        fs::write(folder.join("allowed_signers"), lines).unwrap();
        fs::set_permissions(folder.join("allowed_signers"), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Has a person asked; the request's name.
    pub(crate) fn ask(&self, argv: &[&str]) -> String {
        let done = self.home.guard(&[&["exec", "--json", "--"], argv].concat());
        let told: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!((done.code, &told["verdict"]), (Some(75), &Value::from("ask")), "{}", done.stdout);
        told["request"].as_str().unwrap().to_owned()
    }

    pub(crate) fn show(&self, name: &str) -> Value {
        let done = self.home.guard(&["show", name, "--json"]);
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
        serde_json::from_str(&done.stdout).unwrap()
    }

    pub(crate) fn digest(&self, name: &str) -> String {
        self.show(name)["digest"].as_str().unwrap().to_owned()
    }

    /// The bytes an approver signs; `more`: `--deny`.
    pub(crate) fn statement(&self, name: &str, approver: &str, more: &[&str]) -> Vec<u8> {
        let done = self.home.guard(&[&["show", name, "--statement", approver], more].concat());
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        done.stdout.into_bytes()
    }

    /// Keeps a signature by a key over a text in a file outside the project.
    pub(crate) fn signature(&self, key: &str, statement: &[u8]) -> String {
        self.keep(self.desk.sign(key, NAMESPACE, statement, &[]))
    }

    pub(crate) fn keep(&self, signature: impl AsRef<[u8]>) -> String {
        self.desk.write("given", signature);
        self.desk.path("given").display().to_string()
    }

    pub(crate) fn key(&self, name: &str) -> String {
        self.desk.path(name).display().to_string()
    }

    /// Answers with Anna's key and no terminal.
    pub(crate) fn answer(&self, word: &str, name: &str) -> Done {
        self.home.guard(&[word, name, "--digest", &self.digest(name), "--key", &self.key("anna")])
    }

    /// Answers as a person at a terminal does, who types the digest that they are shown.
    pub(crate) fn typed(&self, word: &str, name: &str) -> Done {
        terminal(&self.home, &[word, name], &format!("{}\n", self.digest(name)))
    }

    /// Halts, for the reason given.
    pub(crate) fn halt(&self) -> String {
        let done = self.home.guard(&["halt", "--reason", "to see"]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        self.status()["halted"]["name"].as_str().unwrap().to_owned()
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.home.guard(&["status", "--json"]).stdout).unwrap()
    }

    pub(crate) fn pending(&self) -> Value {
        serde_json::from_str(&self.home.guard(&["pending", "--json"]).stdout).unwrap()
    }

    /// The stored copy of a request.
    pub(crate) fn copy(&self, name: &str) -> PathBuf {
        self.home.state().join("requests").join(format!("{name}.json"))
    }

    pub(crate) fn made(&self) -> bool {
        self.home.project.join("made").exists()
    }

    /// The log is whole: order, expiry and single use are among what is proved.
    pub(crate) fn whole(&self) {
        let done = self.home.guard(&["audit", "verify"]);
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    }

    /// How often the log holds a text.
    pub(crate) fn logged(&self, text: &str) -> usize {
        self.home.log().matches(text).count()
    }
}
