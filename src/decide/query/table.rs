//! Guard's own rules about queries, with their wording.
//! Knows nothing of when they match.

use crate::decide::Verdict;
use crate::decide::judging::{BuiltIn, own_rule as rule};

/// All of them.
pub(super) static ALL: [&BuiltIn; 19] = [
    &UNREAD,
    &STATEMENT,
    &WRITES,
    &LOCKS,
    &RELATION,
    &FUNCTION,
    &UNPROVED,
    &OPERATOR,
    &CAST,
    &FIELD,
    &VIEW,
    &POSTURE,
    &HOST,
    &GROUPS,
    &STATISTICS,
    &AGGREGATE,
    &WINDOW,
    &EXPORT,
    &UNSEEN,
];

pub(super) static UNREAD: BuiltIn = rule(
    "guard:query-unread",
    Verdict::Deny,
    "cannot be proved to be what it says: {}",
    Some("write one plain statement, as the engine's documentation has it"),
);
pub(super) static STATEMENT: BuiltIn = rule(
    "guard:query-statement",
    Verdict::Deny,
    "is no statement that only reads: {}",
    Some("SELECT, VALUES, TABLE, WITH of these, SHOW and EXPLAIN are asked; settings and transactions are guard's own"),
);
pub(super) static WRITES: BuiltIn = rule(
    "guard:query-writes",
    Verdict::Deny,
    "writes to the database: {}",
    Some(
        "INSERT, UPDATE, DELETE and MERGE of one statement a person can allow; a database for tests takes more (`--test`)",
    ),
);
pub(super) static LOCKS: BuiltIn = rule(
    "guard:query-locks",
    Verdict::Deny,
    "locks rows that others want to write: {}",
    Some("read them without `FOR …`"),
);
pub(super) static RELATION: BuiltIn = rule(
    "guard:query-relation",
    Verdict::Deny,
    "reads what no query may read: {}",
    Some("`guard db tables` lists what there is; a person who accepts it changes `[[sql]]` in the policy"),
);
pub(super) static FUNCTION: BuiltIn = rule(
    "guard:query-function",
    Verdict::Deny,
    "calls what does more than compute: {}",
    Some("ask for the rows and compute outside of the database"),
);
pub(super) static UNPROVED: BuiltIn = rule(
    "guard:query-unproved",
    Verdict::Deny,
    "calls a function that nobody has proved harmless: {}",
    Some("use one of the server's own; a person who has read it adds it to `functions` of `[[sql]]` in the policy"),
);
pub(super) static OPERATOR: BuiltIn = rule(
    "guard:query-operator",
    Verdict::Deny,
    "uses an operator that somebody else's function could stand behind: {}",
    Some("compare and compute with the server's own operators, on its own types"),
);
pub(super) static CAST: BuiltIn = rule(
    "guard:query-cast",
    Verdict::Deny,
    "casts by a function or a condition of somebody else's: {}",
    Some("cast to the server's own types"),
);
pub(super) static FIELD: BuiltIn = rule(
    "guard:query-field",
    Verdict::Deny,
    "takes a field that is no known column, which calls a function of that name: {}",
    Some("name a column: `guard db columns` lists them"),
);
pub(super) static VIEW: BuiltIn = rule(
    "guard:query-view",
    Verdict::Deny,
    "reads a view whose own query may not be asked: {}",
    Some("ask the tables behind it"),
);
pub(super) static POSTURE: BuiltIn = rule(
    "guard:query-posture",
    Verdict::Deny,
    "asks as a user who can do more than the policy's `posture` allows: {}",
    Some(
        "give agents a user of their own who may only read (docs/database.md); a person who accepts it sets `posture`",
    ),
);
pub(super) static HOST: BuiltIn = rule(
    "guard:query-host",
    Verdict::Deny,
    "leads where the policy opens no database: {}",
    Some("a database on this machine, or a file of the project; a person names others as the database's `hosts`"),
);
pub(super) static GROUPS: BuiltIn = rule(
    "guard:query-groups",
    Verdict::Deny,
    "brings together what the policy keeps apart: {}",
    Some("ask each by itself, in a statement of its own"),
);
pub(super) static STATISTICS: BuiltIn = rule(
    "guard:query-statistics",
    Verdict::Deny,
    "does statistics on the market or on trades: {}",
    Some("count rows, NULLs and duplicates, look at rows with LIMIT, measure times and their differences"),
);
pub(super) static AGGREGATE: BuiltIn = rule(
    "guard:query-aggregate",
    Verdict::Deny,
    "puts values of too long a time together: {}",
    Some(
        "hold them to a short time (`timestamp > now() - interval '1 hour'`) or to one thing (`order_id = 42`); counts and times need no bound",
    ),
);
pub(super) static WINDOW: BuiltIn = rule(
    "guard:query-window",
    Verdict::Deny,
    "brings values of too many rows together: {}",
    Some(
        "look at neighbouring rows only (`lag(x)`, or a join on the same id or time); windows over times and counts have no bound",
    ),
);
pub(super) static EXPORT: BuiltIn = rule(
    "guard:query-export",
    Verdict::Deny,
    "takes out more rows than the policy gives: {}",
    Some(
        "count instead of taking rows; a person gives more in `[alpha]` of the policy, or begins the count anew by `guard policy trust`",
    ),
);
pub(super) static UNSEEN: BuiltIn = rule(
    "guard:query-unseen",
    Verdict::Deny,
    "reads what nobody can see into, beside the market or trades: {}",
    Some("ask the tables behind it"),
);
pub(super) static CHANGES: BuiltIn = rule(
    "guard:query-changes",
    Verdict::Ask,
    "changes what is in the database: {}",
    Some(
        "wait for a person's answer, and ask the very same again: it is done once; or try it in the database for tests (`--test`)",
    ),
);
pub(super) static TARGET: BuiltIn = rule(
    "guard:query-target",
    Verdict::Deny,
    "writes to what is no table of this database alone: {}",
    Some("write to the tables themselves"),
);
pub(super) static MODE: BuiltIn = rule(
    "guard:query-mode",
    Verdict::Deny,
    "reaches the real database, in a mode where only those for tests are reached: {}",
    Some("ask its database for tests: `--test`; a person sets another mode with `guard mode`"),
);
pub(super) static NOT_APART: BuiltIn = rule(
    "guard:query-not-apart",
    Verdict::Deny,
    "is not known to be a database of its own for tests: {}",
    Some("a person puts the URL of another database into the variable that `test_url_env` names"),
);
pub(super) static DENIED: BuiltIn = rule(
    "guard:query-denied",
    Verdict::Deny,
    "a person denied this very write: {}",
    Some("reach the goal another way, or tell the person why it is needed"),
);
