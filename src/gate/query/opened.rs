//! Conversations with databases, opened: with whom, and as whom. Asking a catalog until it has told what a judgement needs.
//! Knows no log.

use super::place::Asked;
use crate::action::query::catalog::{Catalog, Wanted};
use crate::action::query::{Engine, Query};
use crate::approve::WritePermit;
use crate::decide::policy::{Database, Posture as Allowed};
use crate::decide::{QueryGround, QueryJudgement, judge_posture};
use crate::execute::query::{Cause, Failed, Identity, Limits, Posture, Session, Writer};

/// Rounds of asking a catalog: views within views, and what stands behind their names.
const ROUNDS: usize = 24;

/// A conversation, and whom it is with.
pub(in crate::gate) struct Opened<S> {
    pub(in crate::gate) session: S,
    pub(in crate::gate) identity: Identity,
    posture: Posture,
}

impl<S> Opened<S> {
    /// What the policy says of its user, and what the user could do beside reading.
    pub(in crate::gate) fn let_in(&self, asked: &Asked) -> (QueryJudgement, Vec<String>) {
        let (reaching, writing) = (self.posture.reaching(), self.posture.writing());
        let allowed = match asked.database.posture {
            // Who writes may write.
            Allowed::ReadOnly if asked.writes => Allowed::Contained,
            allowed @ (Allowed::Any | Allowed::Contained | Allowed::ReadOnly) => allowed,
        };
        (judge_posture(allowed, &reaching, &writing), [reaching, writing].concat())
    }
}

/// Opens a session that reads, and looks at what its user is.
pub(in crate::gate) fn open(asked: &Asked) -> Result<Opened<Session>, Failed> {
    let mut session = Session::open(&asked.endpoint, &limits(asked)).map_err(|failed| advised(failed, asked))?;
    let (identity, posture) = (session.identity()?, session.posture()?);
    Ok(Opened { session, identity, posture })
}

/// The same for one that writes.
pub(super) fn open_to_write(asked: &Asked, permit: WritePermit) -> Result<Opened<Writer>, Failed> {
    let session = Writer::open(&asked.endpoint, &limits(asked), permit);
    let mut session = session.map_err(|failed| advised(failed, asked))?;
    let (identity, posture) = (session.identity()?, session.posture()?);
    Ok(Opened { session, identity, posture })
}

fn limits(asked: &Asked) -> Limits {
    let path = (asked.database.engine == Engine::Postgres).then(|| asked.database.schemas.clone());
    Limits { time: asked.database.timeout, path, role: asked.role.clone(), ..Limits::default() }
}

/// What to do where nobody answers, or nobody is let in.
fn advised(mut failed: Failed, asked: &Asked) -> Failed {
    let (Database { engine, .. }, variable) = (&asked.database, &asked.variable);
    let advice = match failed.cause {
        Cause::Down => {
            Some(format!("no {engine} answers for {}: start that service, or correct `{variable}`", asked.endpoint))
        }
        Cause::Auth => Some(format!("a person corrects the user and the password in `{variable}`")),
        Cause::Denied
        | Cause::Syntax
        | Cause::TimedOut
        | Cause::Lost
        | Cause::Serialization
        | Cause::Limit
        | Cause::Strange
        | Cause::Uncertain
        | Cause::Sink
        | Cause::Other => None,
    };
    failed.hint = failed.hint.or(advice);
    failed
}

/// The session, if it leads to the same database as the one before.
pub(super) fn same<S>(opened: Opened<S>, server: Option<&str>) -> Result<S, Failed> {
    if server.is_some_and(|server| server == opened.identity.stable) {
        return Ok(opened.session);
    }
    Err(Failed::new(opened.identity.engine, Cause::Strange, "another database answers there now"))
}

/// Asks the catalog until it has told all that a judgement needs.
pub(super) fn learn(
    query: &Query,
    mut catalog: impl FnMut(&Wanted) -> Result<Catalog, Failed>,
) -> Result<QueryGround, Failed> {
    let mut ground = QueryGround::of(query);
    for _ in 0..ROUNDS {
        let wanted = ground.missing(query);
        if wanted.is_empty() {
            return Ok(ground);
        }
        let said = catalog(&wanted)?;
        ground.learn(query.engine(), wanted, said);
    }
    let what = format!("its views name more and more, after {ROUNDS} looks at the catalog");
    Err(Failed::new(query.engine(), Cause::Limit, what))
}
