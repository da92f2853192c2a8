//! What a server says is wrong, sorted by its SQLSTATE (appendix A of PostgreSQL's manual).
//! Pure.

use crate::action::query::Engine;
use crate::execute::query::{Cause, Failed};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorFields;

/// Letters of a message that are kept.
const KEPT: usize = 2000;

/// The failure that an error's fields tell of.
pub(super) fn failed(engine: Engine, mut fields: ErrorFields<'_>) -> Failed {
    let mut failed = Failed::new(engine, Cause::Other, "it does not say what is wrong");
    while let Ok(Some(field)) = fields.next() {
        let text = String::from_utf8_lossy(field.value_bytes());
        let text = || text.chars().take(KEPT).collect::<String>();
        match field.type_() {
            b'M' => failed.message = text(),
            b'H' => failed.hint = Some(text()),
            b'C' => failed.code = Some(text()),
            b'P' => failed.position = text().parse().ok(),
            _ => {}
        }
    }
    if let Some(code) = &failed.code {
        failed.cause = cause(engine, code, &failed.message);
    }
    failed
}

fn cause(engine: Engine, code: &str, message: &str) -> Cause {
    match code {
        "40001" | "40P01" => Cause::Serialization,
        "57014" | "25P03" | "25P04" | "55P03" => Cause::TimedOut,
        "25006" | "42501" | "0LP01" => Cause::Denied,
        "57P03" | "53300" => Cause::Down,
        "57P01" | "57P02" | "57P05" => Cause::Lost,
        // QuestDB has 00000 for nearly everything.
        _ if engine == Engine::QuestDb => quest(message),
        _ => match code.get(..2).unwrap_or_default() {
            "08" => Cause::Lost,
            "28" => Cause::Auth,
            "42" | "26" | "34" | "3F" => Cause::Syntax,
            "53" | "54" => Cause::Limit,
            _ => Cause::Other,
        },
    }
}

fn quest(message: &str) -> Cause {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["timeout, query aborted", "cancelled by user"]) {
        Cause::TimedOut
    } else if says(&["permission denied", "read-only", "access denied"]) {
        Cause::Denied
    } else if says(&["invalid username/password"]) {
        Cause::Auth
    } else if says(&["memory limit", "limit exceeded"]) {
        Cause::Limit
    } else {
        Cause::Syntax
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_follow_from_codes() {
        for (code, expected) in [
            ("40P01", Cause::Serialization),
            ("57014", Cause::TimedOut),
            ("25006", Cause::Denied),
            ("42501", Cause::Denied),
            ("42P01", Cause::Syntax),
            ("28P01", Cause::Auth),
            ("53300", Cause::Down),
            ("53200", Cause::Limit),
            ("54001", Cause::Limit),
            ("57P01", Cause::Lost),
            ("08006", Cause::Lost),
            ("22012", Cause::Other),
            ("", Cause::Other),
            ("é", Cause::Other),
        ] {
            assert_eq!(cause(Engine::Postgres, code, ""), expected, "{code}");
        }
        assert_eq!(cause(Engine::QuestDb, "00000", "timeout, query aborted [fd=1]"), Cause::TimedOut);
        assert_eq!(cause(Engine::QuestDb, "00000", "table does not exist [table=x]"), Cause::Syntax);
    }
}
