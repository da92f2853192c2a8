//! Which functions a statement calls that may do more than compute: whatever is not known to compute alone.
//! Knows names and no catalog.

use crate::action::query::{Called, Engine, Kind, Of, Query, Word, WordSort, own_query, read};

/// Functions of the server's own that only compute: those that Alembic and SQLAlchemy ask a schema with, and what rows and
/// schemas are made with.
const COMPUTING: &[&str] = &[
    "abs",
    "age",
    "array_agg",
    "array_append",
    "array_cat",
    "array_length",
    "array_position",
    "array_remove",
    "array_to_string",
    "ascii",
    "avg",
    "bit_length",
    "bool_and",
    "bool_or",
    "btrim",
    "cardinality",
    "ceil",
    "ceiling",
    "char_length",
    "chr",
    "clock_timestamp",
    "coalesce",
    "col_description",
    "concat",
    "concat_ws",
    "count",
    "current_catalog",
    "current_database",
    "current_date",
    "current_role",
    "current_schema",
    "current_schemas",
    "current_setting",
    "current_time",
    "current_timestamp",
    "current_user",
    "date",
    "date_bin",
    "date_part",
    "date_trunc",
    "daterange",
    "decode",
    "dense_rank",
    "encode",
    "every",
    "exists",
    "exp",
    "extract",
    "first_value",
    "floor",
    "format",
    "format_type",
    "gen_random_uuid",
    "generate_series",
    "generate_subscripts",
    "greatest",
    "group_concat",
    "has_table_privilege",
    "hashtext",
    "initcap",
    "int4range",
    "int8range",
    "isfinite",
    "json_agg",
    "json_array_length",
    "json_build_array",
    "json_build_object",
    "json_object",
    "jsonb_agg",
    "jsonb_array_length",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_extract_path_text",
    "jsonb_set",
    "jsonb_typeof",
    "lag",
    "last_value",
    "lead",
    "least",
    "left",
    "length",
    "ln",
    "localtime",
    "localtimestamp",
    "log",
    "lower",
    "lpad",
    "ltrim",
    "make_date",
    "make_interval",
    "make_timestamp",
    "make_timestamptz",
    "max",
    "md5",
    "min",
    "mod",
    "now",
    "nullif",
    "numrange",
    "obj_description",
    "octet_length",
    "overlay",
    "pg_get_constraintdef",
    "pg_get_expr",
    "pg_get_indexdef",
    "pg_get_serial_sequence",
    "pg_get_viewdef",
    "pg_sequence_last_value",
    "pg_table_is_visible",
    "pg_type_is_visible",
    "position",
    "power",
    "quote_ident",
    "random",
    "rank",
    "regexp_match",
    "regexp_replace",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "row_number",
    "row_to_json",
    "rpad",
    "rtrim",
    "session_user",
    "setweight",
    "sha256",
    "sign",
    "split_part",
    "sqrt",
    "statement_timestamp",
    "string_agg",
    "string_to_array",
    "strpos",
    "substr",
    "substring",
    "sum",
    "timezone",
    "to_char",
    "to_date",
    "to_json",
    "to_jsonb",
    "to_number",
    "to_regclass",
    "to_timestamp",
    "to_tsvector",
    "transaction_timestamp",
    "translate",
    "trim",
    "trunc",
    "tsrange",
    "tstzrange",
    "unnest",
    "upper",
    "user",
    "version",
];
/// What only takes the next number of a sequence, which whoever writes may.
const COUNTING: [&str; 3] = ["currval", "lastval", "nextval"];
/// Words before a name that has columns in brackets behind it.
const NAMING: [&str; 11] =
    ["table", "exists", "references", "on", "only", "index", "view", "of", "concurrently", "like", "constraint"];
/// What stands before a bracket and is no function: words of definitions, and types with measures.
const WORDS: &[&str] = &[
    "add",
    "all",
    "and",
    "any",
    "as",
    "between",
    "bit",
    "blob",
    "bpchar",
    "brin",
    "btree",
    "by",
    "char",
    "character",
    "check",
    "column",
    "date",
    "datetime",
    "dec",
    "decimal",
    "default",
    "distinct",
    "double",
    "else",
    "enum",
    "exclude",
    "exists",
    "filter",
    "float",
    "from",
    "geography",
    "geometry",
    "gin",
    "gist",
    "halfvec",
    "hash",
    "identity",
    "in",
    "include",
    "inherits",
    "int",
    "integer",
    "interval",
    "is",
    "key",
    "list",
    "not",
    "nchar",
    "numeric",
    "nvarchar",
    "on",
    "or",
    "over",
    "partition",
    "precision",
    "range",
    "real",
    "reset",
    "select",
    "set",
    "smallint",
    "sparsevec",
    "spgist",
    "text",
    "then",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "tinyint",
    "to",
    "type",
    "unique",
    "values",
    "varbit",
    "varchar",
    "varying",
    "vector",
    "when",
    "where",
    "with",
    "zone",
];

/// A function that a statement calls, by whatever notation, and that is not known only to compute.
pub(super) fn unproved(query: &Query, words: &[Word]) -> Option<String> {
    let reads = query.kind().reads_only();
    if !reads && query.engine() != Engine::Postgres {
        // SQLite's functions are guard's own: nobody adds any.
        return None;
    }
    let Kind::Ddl { verb, .. } = query.kind() else { return in_query(query, !reads) };
    if verb == "drop" {
        return None;
    }
    within(query).unwrap_or_else(|| in_words(words))
}

fn in_query(query: &Query, writes: bool) -> Option<String> {
    let computes = |call: &Called| {
        let own = call.path.schema().is_none_or(|schema| schema.as_str() == "pg_catalog");
        own && is_known(call.path.name.as_str(), writes)
    };
    let call = query.calls().iter().find(|call| !computes(call)).map(|call| call.path.to_string());
    let field = || query.fields().iter().find(|field| !matches!(field.of, Of::Source { .. }));
    let operator = || {
        let foreign = query
            .operators()
            .iter()
            .find(|operator| operator.schema.as_ref().is_some_and(|schema| schema.as_str() != "pg_catalog"));
        foreign.map(|operator| format!("operator {}", operator.symbol))
    };
    call.or_else(|| field().map(|field| field.name.to_string())).or_else(operator)
}

fn is_known(name: &str, writes: bool) -> bool {
    COMPUTING.contains(&name) || writes && COUNTING.contains(&name)
}

/// What the query of a view or of a table calls; `None`: it has no query. One that cannot be read may call anything.
fn within(query: &Query) -> Option<Option<String>> {
    let Kind::Ddl { object, .. } = query.kind() else { return None };
    if !matches!(object.as_str(), "view" | "materialized view" | "table") {
        return None;
    }
    let own = own_query(query.engine(), query.text())?;
    let tail =
        ["with no data", "with data", "with check option", "with local check option", "with cascaded check option"];
    let own = own.trim().trim_end_matches(';').trim_end();
    let cut = tail.iter().find_map(|tail| {
        let at = own.len().checked_sub(tail.len())?;
        own.get(at..).filter(|end| end.eq_ignore_ascii_case(tail)).and_then(|_| own.get(..at))
    });
    Some(match read(query.engine(), cut.unwrap_or(own)) {
        Ok(own) if own.kind().reads_only() => in_query(&own, true),
        Ok(_) | Err(_) => Some("a query that guard does not read".to_owned()),
    })
}

/// A name before a bracket that is neither a word of definitions, a type, nor a function that computes.
fn in_words(words: &[Word]) -> Option<String> {
    for (at, word) in words.iter().enumerate() {
        let is_name = |word: &Word| matches!(word.sort, WordSort::Plain | WordSort::Quoted);
        if word.text != "(" || word.sort != WordSort::Sign {
            continue;
        }
        let Some(name) = at.checked_sub(1).and_then(|at| words.get(at)).filter(|word| is_name(word)) else { continue };
        let mut first = at - 1;
        while let [_, dot] = words.get(first.saturating_sub(2)..first).unwrap_or_default()
            && dot.text == "."
        {
            first -= 2;
        }
        let before = first.checked_sub(1).and_then(|at| words.get(at));
        let named = before.is_some_and(|word| word.sort == WordSort::Plain && NAMING.contains(&word.text.as_str()));
        let bare = first == at - 1;
        let own = bare || words.get(first).is_some_and(|schema| schema.text == "pg_catalog") && first + 2 == at - 1;
        let known = own && is_known(&name.text, true)
            || bare && name.sort == WordSort::Plain && WORDS.contains(&name.text.as_str());
        if !named && !known {
            return Some(name.text.clone());
        }
    }
    // `(x).f` calls `f`.
    let field = words.windows(3).find(|three| matches!(three, [close, dot, _] if close.text == ")" && dot.text == "."));
    field.and_then(|three| three.last()).map(|name| name.text.clone())
}
