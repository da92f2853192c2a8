//! QuestDB's SQL, as tokens that sqlparser can read. Nothing of this is run: the text that was given runs as it is. What stands for a
//! clause which the parser does not have is chosen so that nobody can write it: quoted names with a space, joins QuestDB lacks.
//!
//! | QuestDB | for the parser |
//! |---|---|
//! | `SAMPLE BY 1h FROM a TO b FILL(x)` | `DISTRIBUTE BY "sample by"(1h, x, a, b)` |
//! | `LATEST ON t PARTITION BY a, b` | `CLUSTER BY "latest on"(t, a, b)` |
//! | `ASOF`, `LT`, `SPLICE`, `WINDOW`, `HORIZON JOIN` | `LEFT SEMI`, `RIGHT SEMI`, `LEFT ANTI`, `RIGHT ANTI`, `SEMI JOIN` |
//! | `1h`, `#u33d` | one number |
//! | `IN '2024-01'` | `IN ('2024-01')` |
//! | `DECLARE @x := 1 SELECT @x` | `SELECT (1)` |
//! | `trades WHERE …` | `SELECT * FROM trades WHERE …` |
//!
//! Source: QuestDB's reference documentation of these clauses, and its `SqlParser`.

mod clauses;
mod declare;

pub(super) use clauses::{is_command, rewritten};

use sqlparser::dialect::{Dialect, PostgreSqlDialect};
use std::any::TypeId;

/// QuestDB's dialect: PostgreSQL's casts and operators, its own names and limits.
#[derive(Debug)]
pub(super) struct QuestDbDialect;

impl Dialect for QuestDbDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_'
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '"'
    }

    fn supports_limit_comma(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }
}
