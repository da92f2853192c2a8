//! The keys of `[alpha]` and `[[alpha.group]]`.

use super::{Form, Key, key, required};

/// `[alpha]`.
pub(crate) static ALPHA: &[Key] = &[
    key("group", Form::Tables(ALPHA_GROUP), "A group of relations that these rules are about."),
    key("statistics", Form::Texts, "Functions that compute statistics, in whatever schema; `*` stands for any part."),
    key("times", Form::Texts, "Columns of the groups that say when something happened."),
    key("ids", Form::Texts, "Columns of the groups that tell one row, or the rows of one thing, from all others."),
    key("labels", Form::Texts, "Columns of the groups that are words, not values. Whatever is not listed is a value."),
    key("window_rows", Form::Count, "Rows that a window over values may hold beside the row itself; 1 by default."),
    key(
        "window_time",
        Form::Duration,
        "Time that rows whose values are brought together by hand may lie apart; 60 s by default.",
    ),
    key("aggregate_time", Form::Duration, "Time that values may be aggregated over; 1 h by default."),
    key("task_rows", Form::Number, "Rows of the groups that one task may be given; 10000 by default."),
    key("all_rows", Form::Number, "Rows of the groups that all tasks together may be given; 100000 by default."),
];

/// `[[alpha.group]]`.
pub(crate) static ALPHA_GROUP: &[Key] = &[
    required(key("name", Form::Text, "What messages and `not_with` call it.")),
    required(key("relations", Form::Texts, "Tables and views of it, in any schema; `*` stands for any part.")),
    key("not_with", Form::Texts, "Groups that no statement may reach together with it."),
];
