//! The relations that a user may read.

use super::Postgres;
use crate::execute::query::wire::Ask;
use crate::execute::query::{Failed, Listed};

/// Relations of at least one readable column, in schemas that the user may use.
const QUESTION: &str = "SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.oid >= 16384 AND has_schema_privilege(n.oid, 'USAGE') \
    AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY n.nspname, c.relname";

impl Postgres {
    pub(in super::super) fn list(&mut self) -> Result<Vec<Listed>, Failed> {
        let answers = self.ask(&[Ask { sql: QUESTION, given: &[] }])?;
        let listed = |row: Vec<Option<String>>| {
            let [Some(schema), Some(name), Some(kind)] = <[Option<String>; 3]>::try_from(row).ok()? else {
                return None;
            };
            let kind = match kind.as_str() {
                "r" => "table",
                "p" => "partitioned table",
                "v" => "view",
                "m" => "materialized view",
                "f" => "foreign table",
                _ => return None,
            };
            Some(Listed { schema, name, kind })
        };
        let rows: Option<Vec<_>> = answers.into_iter().flatten().map(listed).collect();
        rows.ok_or_else(|| self.strange())
    }
}
