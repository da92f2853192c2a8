//! What SQLite says is wrong, sorted by its code.

use crate::action::query::Engine;
use crate::execute::query::{Cause, Failed};
use rusqlite::{Error, ErrorCode};

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else fails says so in its own words")]
pub(crate) fn failed(error: &Error) -> Failed {
    let several = matches!(error, Error::MultipleStatement);
    let (code, message, position) = match error {
        Error::SqlInputError { error, msg, sql, offset } => {
            let before = usize::try_from(*offset).ok().and_then(|offset| sql.get(..offset));
            (Some(*error), Some(msg.clone()), before.map(|before| before.chars().count() + 1))
        }
        Error::SqliteFailure(code, message) => (Some(*code), message.clone(), None),
        Error::MultipleStatement => (None, Some("several statements at once".to_owned()), None),
        other => (None, Some(other.to_string()), None),
    };
    let cause = match code.map(|code| code.code) {
        Some(ErrorCode::OperationInterrupted | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Cause::TimedOut,
        Some(ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            Cause::Denied
        }
        Some(ErrorCode::OutOfMemory | ErrorCode::TooBig) => Cause::Limit,
        Some(ErrorCode::CannotOpen) => Cause::Down,
        Some(ErrorCode::Unknown) => Cause::Syntax,
        None if several => Cause::Syntax,
        Some(_) | None => Cause::Other,
    };
    let stopped = code.is_some_and(|code| code.code == ErrorCode::OperationInterrupted);
    let message = match message {
        _ if stopped => "it was stopped: its time was over".to_owned(),
        Some(message) => message,
        None => error.to_string(),
    };
    Failed {
        position,
        code: code.map(|code| code.extended_code.to_string()),
        ..Failed::new(Engine::Sqlite, cause, message)
    }
}
