//! What functions do with values, by their names; what is not known here does the worst.
//! Knows no policy: statistics are the policy's to name.

use super::look::visit;
use crate::action::query::{Call, Expr, Node};

/// What a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// Counts rows.
    Counts,
    /// Makes one of many: a sum, an average, an extreme.
    Sums,
    /// Puts many values into one.
    Gathers,
    /// Takes a value from another row: `lag`.
    Steps,
    /// Takes a value from a row of a frame: `first_value`.
    Picks,
    /// Numbers rows in an order: `rank`.
    Ranks,
    /// Makes rows: a number of them, or the elements of something.
    Multiplies,
    /// Leaves values what they are, but for their scale and form.
    Keeps,
    /// Anything else.
    Unknown,
}

const COUNTS: [&str; 4] = ["count", "count_distinct", "approx_count_distinct", "grouping"];
const SUMS: [&str; 20] = [
    "sum",
    "avg",
    "min",
    "max",
    "total",
    "ksum",
    "nsum",
    "first",
    "last",
    "first_not_null",
    "last_not_null",
    "any_value",
    "bool_and",
    "bool_or",
    "every",
    "bit_and",
    "bit_or",
    "bit_xor",
    "isordered",
    "haversine_dist_deg",
];
const GATHERS: [&str; 23] = [
    "array_agg",
    "string_agg",
    "string_distinct_agg",
    "group_concat",
    "list",
    "json_agg",
    "json_agg_strict",
    "jsonb_agg",
    "jsonb_agg_strict",
    "json_object_agg",
    "json_object_agg_strict",
    "json_object_agg_unique",
    "jsonb_object_agg",
    "jsonb_object_agg_strict",
    "json_arrayagg",
    "json_objectagg",
    "json_group_array",
    "json_group_object",
    "jsonb_group_array",
    "jsonb_group_object",
    "xmlagg",
    "range_agg",
    "range_intersect_agg",
];
const STEPS: [&str; 2] = ["lag", "lead"];
const PICKS: [&str; 3] = ["first_value", "last_value", "nth_value"];
const RANKS: [&str; 3] = ["row_number", "rank", "dense_rank"];
const MAKES: [&str; 4] = ["generate_series", "generate_subscripts", "range", "long_sequence"];
/// The elements of one value.
const ELEMENTS: [&str; 20] = [
    "unnest",
    "regexp_matches",
    "regexp_split_to_table",
    "string_to_table",
    "json_array_elements",
    "json_array_elements_text",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "json_each",
    "json_each_text",
    "jsonb_each",
    "jsonb_each_text",
    "json_tree",
    "json_object_keys",
    "jsonb_object_keys",
    "json_populate_recordset",
    "jsonb_populate_recordset",
    "json_to_recordset",
    "jsonb_to_recordset",
    "jsonb_path_query",
];
const KEEPS: [&str; 22] = [
    "coalesce",
    "nullif",
    "ifnull",
    "round",
    "trunc",
    "ceil",
    "ceiling",
    "floor",
    "numeric",
    "float4",
    "float8",
    "int2",
    "int4",
    "int8",
    "text",
    "varchar",
    "to_char",
    "cast",
    "round_down",
    "round_up",
    "round_half_even",
    "to_number",
];

/// What the function of a name does with `arguments` arguments.
pub(super) fn does(name: &str, arguments: usize) -> Does {
    let is = |list: &[&str]| list.contains(&name);
    match name {
        // SQLite: of several values the greatest.
        "min" | "max" if arguments > 1 => Does::Unknown,
        _ if is(&COUNTS) => Does::Counts,
        _ if is(&SUMS) => Does::Sums,
        _ if is(&GATHERS) => Does::Gathers,
        _ if is(&STEPS) => Does::Steps,
        _ if is(&PICKS) => Does::Picks,
        _ if is(&RANKS) => Does::Ranks,
        _ if is(&MAKES) || is(&ELEMENTS) => Does::Multiplies,
        _ if is(&KEEPS) => Does::Keeps,
        _ => Does::Unknown,
    }
}

/// What a call does.
pub(super) fn does_of(call: &Call) -> Does {
    does(&call.function.path.name.as_str().to_lowercase(), call.arguments.len())
}

/// Whether it gives the elements of a value, and no number of rows by itself.
pub(super) fn is_of_elements(name: &str) -> bool {
    ELEMENTS.contains(&name)
}

/// Whether something in it makes rows.
pub(super) fn makes_rows(expr: &Expr) -> bool {
    let mut found = false;
    visit(expr, &mut |expr| {
        if let Node::Call(call) = &expr.node {
            found |= does_of(call) == Does::Multiplies;
        }
    });
    found
}

impl Does {
    /// Whether it makes one row of many where it has no window.
    pub(super) fn aggregates(self) -> bool {
        match self {
            Does::Counts | Does::Sums | Does::Gathers => true,
            Does::Steps | Does::Picks | Does::Ranks | Does::Multiplies | Does::Keeps | Does::Unknown => false,
        }
    }
}
