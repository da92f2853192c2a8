//! Whether a definition (CREATE, ALTER, DROP) is of a table or an index alone, and calls nothing that does more than compute.
//! A look at the words: definitions have no structure here, and what is not known is refused.

use super::token::{Sort, Token, Tokens, tokens};
use super::{Engine, Kind, Query};

/// Words that make another sort of definition of it: one that copies rows, or reaches out of the table.
const REACHING: [&str; 9] =
    ["select", "execute", "tablespace", "owner", "trigger", "rule", "program", "attach", "detach"];

/// Words after which a name stands that has columns in brackets behind it.
const NAMING: [&str; 6] = ["table", "exists", "references", "on", "only", "index"];

/// What may stand before a bracket: words of definitions, types with measures, and functions that compute.
const BEFORE: [&str; 58] = [
    "check",
    "key",
    "unique",
    "in",
    "values",
    "default",
    "as",
    "not",
    "and",
    "or",
    "any",
    "where",
    "include",
    "with",
    "range",
    "list",
    "hash",
    "from",
    "to",
    "btree",
    "gin",
    "gist",
    "brin",
    "identity",
    "is",
    "then",
    "else",
    "when",
    "between",
    "numeric",
    "decimal",
    "varchar",
    "char",
    "character",
    "varying",
    "bit",
    "timestamp",
    "timestamptz",
    "time",
    "timetz",
    "interval",
    "float",
    "now",
    "lower",
    "upper",
    "length",
    "coalesce",
    "nullif",
    "abs",
    "round",
    "random",
    "gen_random_uuid",
    "date",
    "datetime",
    "strftime",
    "unixepoch",
    "json_valid",
    "trim",
];

impl Query {
    /// Whether it defines, changes or drops a table or an index, by nothing but columns, types, keys and plain expressions.
    pub fn defines_plainly(&self) -> bool {
        let Kind::Ddl { verb, object } = self.kind() else { return false };
        let plain =
            matches!(verb.as_str(), "create" | "alter" | "drop") && matches!(object.as_str(), "table" | "index");
        plain
            && self.engine() != Engine::QuestDb
            && tokens(self.engine(), self.text()).is_ok_and(|tokens| calls_nothing(&tokens))
    }
}

fn calls_nothing(tokens: &Tokens<'_>) -> bool {
    let word = |at: usize| tokens.word(at).unwrap_or_default();
    let sort = |at: usize| tokens.list.get(at).map(|token: &Token| token.sort);
    let reaching = (0..tokens.list.len()).any(|at| REACHING.contains(&word(at).as_str()));
    let tables = (0..tokens.list.len()).filter(|at| word(*at) == "table").count();
    let fields = (1..tokens.list.len()).any(|at| sort(at) == Some(Sort::Dot) && sort(at - 1) == Some(Sort::Close));
    let calls = (1..tokens.list.len()).any(|at| {
        if sort(at) != Some(Sort::Open) || !matches!(sort(at - 1), Some(Sort::Word | Sort::Quoted)) {
            return false;
        }
        let mut first = at - 1;
        while first >= 2 && sort(first - 1) == Some(Sort::Dot) {
            first -= 2;
        }
        let named = first >= 1 && NAMING.contains(&word(first - 1).as_str());
        let known = first == at - 1 && sort(first) == Some(Sort::Word) && BEFORE.contains(&word(first).as_str());
        !named && !known
    });
    !reaching && tables <= 1 && !fields && !calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::query::read;

    #[test]
    fn tables_and_indexes_are_defined_and_nothing_is_called_by_that() {
        for (sql, expected) in [
            ("CREATE TABLE t (id serial PRIMARY KEY, n numeric(10,2) NOT NULL DEFAULT 0 CHECK (n >= 0))", true),
            (
                "CREATE TABLE IF NOT EXISTS public.t (a int REFERENCES public.u (id), at timestamptz DEFAULT now())",
                true,
            ),
            ("CREATE INDEX t_n ON t USING btree (lower(n))", true),
            ("ALTER TABLE t ADD COLUMN b varchar(20)", true),
            ("DROP TABLE IF EXISTS t", true),
            ("CREATE TABLE t AS SELECT * FROM u", false),
            ("CREATE TABLE t AS TABLE u", false),
            ("CREATE TABLE t (a text DEFAULT pg_read_file('x'))", false),
            ("CREATE TABLE t (a text DEFAULT pg_catalog.pg_read_file('x'))", false),
            ("CREATE INDEX i ON t ((('x'::text).pg_read_file))", false),
            ("CREATE INDEX i ON t (\"lower\"(a))", false),
            ("ALTER TABLE t OWNER TO u", false),
            ("ALTER TABLE t DISABLE TRIGGER ALL", false),
            ("DROP SCHEMA s", false),
            ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", false),
            ("CREATE ROLE r", false),
            ("CREATE EXTENSION dblink", false),
            ("SELECT 1", false),
        ] {
            assert_eq!(read(Engine::Postgres, sql).is_ok_and(|query| query.defines_plainly()), expected, "{sql}");
        }
    }
}
