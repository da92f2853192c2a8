//! Consent: how it is known that a person agrees to a statement, at a terminal or by a signature.
//! Knows neither what is agreed to nor whether the signature counts.

use super::{say, unwritten};
use crate::approve::ssh::Signers;
use crate::approve::{Decision, Statement, Strength};
use crate::door::cli::sign::{self, Key, Wanted};
use crate::gate::{Proof, Stop, World};
use chrono::Utc;
use std::io::{BufRead, IsTerminal, Read};
use std::path::PathBuf;

/// Bytes of a signature file, at most; OpenSSH's have about 300, those of large keys 3000.
const LONGEST: u64 = 64 << 10;

/// How a person agrees.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Consent {
    /// Its digest, as `guard show` prints it: for an answer without a terminal, which takes a signature as well
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Sign with this SSH key (a `.pub` file, where an agent holds the private half)
    #[arg(long, value_name = "FILE", conflicts_with = "agent")]
    key: Option<PathBuf>,
    /// Sign with the first key of the ssh-agent that is an approver's
    #[arg(long)]
    agent: bool,
    /// A signature made elsewhere, of what `guard show ID --statement NAME` prints
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "agent"])]
    signature: Option<PathBuf>,
}

/// What is to be agreed to.
pub(super) struct Question<'a> {
    pub(super) statement: &'a Statement,
    pub(super) decision: Decision,
    /// The least that counts.
    pub(super) required: Strength,
    pub(super) approvers: &'a Signers,
    /// Everything a person must see first.
    pub(super) view: &'a str,
    /// Whether something of it had to be cut, so that nobody has seen it whole.
    pub(super) cut: bool,
}

impl Consent {
    /// Whether anything of it was given.
    pub(super) fn is_given(&self) -> bool {
        self.digest.is_some() || self.key.is_some() || self.agent || self.signature.is_some()
    }

    /// The proof that a person agrees.
    ///
    /// # Errors
    /// That nobody did, and what it takes.
    pub(super) fn proof(&self, world: &World, from: &std::path::Path, question: &Question<'_>) -> Result<Proof, Stop> {
        if question.cut && question.decision == Decision::Approve {
            return Err(usage(
                "it is not shown whole, too long or masked as a secret, and what nobody has seen whole cannot be approved",
                "add `--full` where it is only long; else deny it, and have it asked for in smaller parts, with secrets in \
                 variables or files",
            ));
        }
        if let Some(file) = &self.signature {
            let path = from.join(file);
            let fault = |cause: String| Stop::System {
                what: format!("cannot read the signature `{}`", crate::gate::shown(&path)),
                cause,
            };
            let mut text = Vec::new();
            let file = std::fs::File::open(&path).map_err(|error| fault(error.to_string()))?;
            file.take(LONGEST).read_to_end(&mut text).map_err(|error| fault(error.to_string()))?;
            return Ok(Proof::Signature(String::from_utf8_lossy(&text).into_owned()));
        }
        let at_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let signs = self.agent || self.key.is_some();
        match &self.digest {
            Some(digest) if *digest != question.statement.digest() => {
                return Err(usage(
                    "the digest given is not this statement's: it was asked anew, or changed, or mistyped",
                    "look at it again with `guard show`",
                ));
            }
            Some(_) if !signs && !at_terminal => {
                return Err(usage(
                    "without a terminal an answer takes a signature",
                    "add `--key FILE` or `--agent`, or answer at a terminal",
                ));
            }
            None if !at_terminal => {
                return Err(usage(
                    "this needs a person at a terminal",
                    "run it in a terminal of your own, or give `--digest D` with `--key FILE` or `--agent`",
                ));
            }
            Some(_) | None => {}
        }
        if !signs && (question.required == Strength::Terminal || question.decision == Decision::Deny) {
            self.ask(question)?;
            return Ok(Proof::Terminal);
        }
        let path = self.key.as_ref().map(|key| from.join(key));
        let key = path.as_deref().map_or(Key::Agent, Key::File);
        let wanted = Wanted { approvers: question.approvers, least: question.required, now: Utc::now() };
        let unsigned = |error: sign::SignError| Stop::Usage {
            what: error.to_string(),
            help: error.help().unwrap_or_else(|| "`--key FILE` and `--agent` say what to sign with".into()),
        };
        // Before a person is asked for anything: where no key can sign, that is all there is to say.
        let name = sign::approver(world, key, wanted).map_err(unsigned)?;
        self.ask(question)?;
        let statement = question.statement.to_sign(question.decision, &name);
        sign::sign(world, &statement, key, wanted).map(Proof::Signature).map_err(unsigned)
    }

    /// Shows everything and asks for the digest, unless it was given: whoever types it has looked at this very statement.
    fn ask(&self, question: &Question<'_>) -> Result<(), Stop> {
        let digest = question.statement.digest();
        if self.digest.is_some() {
            return Ok(());
        }
        let word = match (question.statement.kind(), question.decision) {
            ("resume", Decision::Approve) => "resume",
            ("iteration", Decision::Approve) => "close it",
            ("mode", Decision::Approve) => "set it",
            (_, decision) => decision.word(),
        };
        say(&format!("{}\nType `{digest}` to {word}, anything else to leave it: ", question.view))?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map_err(|error| unwritten(&error))?;
        if answer.trim() == digest {
            return Ok(());
        }
        Err(usage("nothing changed: the digest was not typed", "run it again to answer"))
    }
}

fn usage(what: &str, help: &str) -> Stop {
    Stop::Usage { what: what.to_owned(), help: help.to_owned() }
}
