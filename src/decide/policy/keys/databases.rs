//! The keys of `[[database]]` and `[[sql]]`.

use super::{Form, Key, key, required, words};
use crate::decide::policy::database::{ENGINES, LITERALS, POSTURES};

/// `[[database]]`.
pub(crate) static DATABASE: &[Key] = &[
    required(key("name", Form::Text, "The name by which it is asked.")),
    required(key("kind", Form::Word(|| words(ENGINES)), "What it is.")),
    required(key(
        "url_env",
        Form::Text,
        "The environment variable with its URL, read from guard's environment or the project's `.env`.",
    )),
    key("test_url_env", Form::Text, "The variable with the URL of its database for tests."),
    key(
        "write_url_env",
        Form::Text,
        "The variable with the URL of a user who may write; what a person approved is done as that user; `url_env` by default.",
    ),
    key("role", Form::Text, "The role that is taken on as the user of `url_env`; PostgreSQL alone."),
    key("write_prefix", Form::Text, "How the plain tables begin that are written in mode paper; none are by default."),
    key(
        "hosts",
        Form::Texts,
        "Hosts other than this machine that its URL may lead to: names or addresses as they stand there.",
    ),
    key("schemas", Form::Texts, "Where names are looked up, after `pg_catalog`; `public` by default."),
    key("timeout", Form::Duration, "Time for one query; 30 s by default."),
    key("rows", Form::Number, "Rows of one answer at most; 10000 by default."),
    key("bytes", Form::Size, "Bytes of one answer's values at most; 10 MB by default."),
    key("posture", Form::Word(|| words(POSTURES)), "What its user may be able to do; `contained` by default."),
    key("literals", Form::Word(|| words(LITERALS)), "What the log shows of the values in a query."),
];

/// `[[sql]]`.
pub(crate) static SQL: &[Key] = &[
    required(key("kind", Form::Word(|| words(ENGINES)), "The kind of databases that is meant.")),
    key("functions", Form::Texts, "Functions that queries may call; a name without a schema means the server's own."),
    key(
        "no_functions",
        Form::Texts,
        "Functions that no query may call, whatever else allows them; `x*` means all that begin so.",
    ),
    key("no_relations", Form::Texts, "Tables and views that no query may read."),
];
