//! Getting in: SCRAM, or what a person allowed. No password is said to whoever asks for it in clear.

use super::stream::Route;
use super::talk::Talk;
use crate::action::query::Engine;
use crate::execute::query::{Cause, Failed};
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

/// Who one says one is.
pub(crate) struct Login<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: Option<&'a str>,
    pub(crate) database: &'a str,
    /// Further parameters of the start.
    pub(crate) more: &'a [(&'a str, &'a str)],
}

/// How one may be let in beside by SCRAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Allowed {
    /// Without being asked for a password.
    pub(crate) unasked: bool,
    /// By an MD5 sum of the password.
    pub(crate) md5: bool,
    /// By saying the password, though others could hear it.
    pub(crate) overheard: bool,
}

impl Talk {
    /// Says as whom one comes.
    ///
    /// # Errors
    /// A connection that broke off.
    pub(crate) fn introduce(&mut self, login: &Login<'_>) -> Result<(), Failed> {
        let own = [
            ("user", login.user),
            ("database", login.database),
            ("application_name", "guard"),
            ("client_encoding", "UTF8"),
        ];
        let put = frontend::startup_message(own.into_iter().chain(login.more.iter().copied()), &mut self.out);
        self.put(put)?;
        self.flush()
    }

    /// Whether no password is asked for.
    ///
    /// # Errors
    /// A server that broke off, or speaks otherwise.
    pub(crate) fn is_unasked(&mut self) -> Result<bool, Failed> {
        match self.next() {
            Ok(Message::AuthenticationOk) => Ok(true),
            Ok(
                Message::AuthenticationCleartextPassword
                | Message::AuthenticationMd5Password(_)
                | Message::AuthenticationSasl(_)
                | Message::AuthenticationGss
                | Message::AuthenticationKerberosV5
                | Message::AuthenticationScmCredential
                | Message::AuthenticationSspi,
            ) => Ok(false),
            Ok(_) => Err(self.strange()),
            Err(failed) if failed.code.is_some() => Ok(false),
            Err(failed) => Err(failed),
        }
    }

    /// Gets in, up to where questions are answered.
    ///
    /// # Errors
    /// [`Cause::Auth`] and whatever else the server says; what keeps guard from answering it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "any other message is out of place here")]
    pub(crate) fn enter(&mut self, login: &Login<'_>, route: &Route, allowed: Allowed) -> Result<(), Failed> {
        self.introduce(login)?;
        let mut scram: Option<ScramSha256> = None;
        let mut proved = false;
        loop {
            match self.next().map_err(|failed| denied(failed, login))? {
                Message::AuthenticationOk if proved || allowed.unasked && scram.is_none() => break,
                Message::AuthenticationOk if scram.is_some() => return Err(self.strange()),
                Message::AuthenticationOk => return Err(self.failed(Cause::Auth, UNASKED)),
                Message::AuthenticationSasl(body) if scram.is_none() => {
                    let mut names = body.mechanisms();
                    let mut known = false;
                    while let Ok(Some(name)) = names.next() {
                        known |= name == SCRAM_SHA_256;
                    }
                    if !known {
                        return Err(self.failed(Cause::Auth, UNKNOWN));
                    }
                    let password = self.password(login)?;
                    let begun = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
                    let put = frontend::sasl_initial_response(SCRAM_SHA_256, begun.message(), &mut self.out);
                    self.put(put)?;
                    self.flush()?;
                    scram = Some(begun);
                }
                Message::AuthenticationSaslContinue(body) => {
                    let begun = scram.as_mut().filter(|_| !proved).ok_or_else(|| self.strange())?;
                    begun.update(body.data()).map_err(|_| self.strange())?;
                    let put = frontend::sasl_response(begun.message(), &mut self.out);
                    self.put(put)?;
                    self.flush()?;
                }
                Message::AuthenticationSaslFinal(body) => {
                    let begun = scram.as_mut().filter(|_| !proved).ok_or_else(|| self.strange())?;
                    let finished = begun.finish(body.data());
                    finished.map_err(|_| self.broke(Cause::Auth, "it does not know the password itself"))?;
                    proved = true;
                }
                Message::AuthenticationMd5Password(body) if allowed.md5 && scram.is_none() && !proved => {
                    let password = self.password(login)?;
                    let answer = md5_hash(login.user.as_bytes(), password.as_bytes(), body.salt());
                    self.tell(answer.as_bytes())?;
                    proved = true;
                }
                Message::AuthenticationCleartextPassword if scram.is_none() && !proved => {
                    let unheard =
                        self.is_encrypted() && route.proved || route.is_local() && self.engine == Engine::QuestDb;
                    if !unheard && !allowed.overheard {
                        return Err(self.failed(Cause::Auth, "it asks for the password in clear text"));
                    }
                    let password = self.password(login)?;
                    self.tell(password.as_bytes())?;
                    proved = true;
                }
                Message::AuthenticationMd5Password(_)
                | Message::AuthenticationGss
                | Message::AuthenticationKerberosV5
                | Message::AuthenticationScmCredential
                | Message::AuthenticationSspi => return Err(self.failed(Cause::Auth, UNKNOWN)),
                _ => return Err(self.strange()),
            }
        }
        loop {
            match self.next().map_err(|failed| denied(failed, login))? {
                Message::BackendKeyData(body) => self.key = Some((body.process_id(), body.secret_key())),
                Message::ReadyForQuery(_) if !self.is_open() => return Ok(()),
                _ => return Err(self.strange()),
            }
        }
    }

    fn password<'a>(&self, login: &Login<'a>) -> Result<&'a str, Failed> {
        login.password.ok_or_else(|| self.failed(Cause::Auth, "it asks for a password, and its URL has none"))
    }

    fn tell(&mut self, password: &[u8]) -> Result<(), Failed> {
        let put = frontend::password_message(password, &mut self.out);
        self.put(put)?;
        self.flush()
    }
}

/// How a server is told of that lets anybody in.
pub(crate) const UNASKED: &str = "it lets anybody in without a password";
const UNKNOWN: &str = "it asks for a login that guard does not know";

/// A failure of a login, without the password should the server repeat it.
fn denied(mut failed: Failed, login: &Login<'_>) -> Failed {
    if let Some(password) = login.password.filter(|password| !password.is_empty()) {
        failed.message = failed.message.replace(password, "…");
        failed.hint = failed.hint.map(|hint| hint.replace(password, "…"));
    }
    if failed.cause == Cause::TimedOut { Failed { cause: Cause::Down, ..failed } } else { failed }
}
