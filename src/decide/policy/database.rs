//! `[[database]]`: databases by name, and how they may be asked. `[[sql]]`: which functions and relations queries may name.
//! Knows how they are written and merged; no SQL.

use super::Layer;
use super::keys;
use super::read::{At, Reader, Table};
use crate::action::query::Engine;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the user of a database may be able to do, for anything to be asked as that user. What it can do beside reading is
/// told and recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Posture {
    /// Anything.
    Any,
    /// Write to the database, and not reach out of it: to the server's files and programs, or to other roles.
    Contained,
    /// Read.
    ReadOnly,
}

/// What the log shows of the values in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Literals {
    /// As they were written; secrets never.
    Shown,
    /// A `?` in the place of each.
    Replaced,
}

/// One database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// The name by which it is asked.
    pub name: String,
    /// What it is.
    pub engine: Engine,
    /// The environment variable with its URL.
    pub url_env: String,
    /// The one with the URL of its database for tests.
    pub test_url_env: Option<String>,
    /// The one with the URL of a user who may write: what a person approved is done as that user, and nothing else.
    pub write_url_env: Option<String>,
    /// The role that is taken on as the user of `url_env`; PostgreSQL alone.
    pub role: Option<String>,
    /// How the tables begin that are written in mode paper.
    pub write_prefix: Option<String>,
    /// Hosts beside this machine that its URL may lead to.
    pub hosts: Vec<String>,
    /// Where names are looked up, after `pg_catalog`.
    pub schemas: Vec<String>,
    /// Time for one query.
    pub timeout: Duration,
    /// Rows of one answer.
    pub rows: u64,
    /// Bytes of one answer's values.
    pub bytes: u64,
    /// What its user may be able to do.
    pub posture: Posture,
    /// What the log shows of values.
    pub literals: Literals,
}

/// The words of `kind`.
pub(crate) const ENGINES: &[(&str, Engine)] =
    &[("postgres", Engine::Postgres), ("questdb", Engine::QuestDb), ("sqlite", Engine::Sqlite)];
/// The words of `posture`.
pub(crate) const POSTURES: &[(&str, Posture)] =
    &[("read-only", Posture::ReadOnly), ("contained", Posture::Contained), ("any", Posture::Any)];
/// The words of `literals`.
pub(crate) const LITERALS: &[(&str, Literals)] = &[("shown", Literals::Shown), ("replaced", Literals::Replaced)];

/// Rows of one answer where nothing else is said.
const ROWS: u32 = 10_000;
/// Bytes of one answer's values where nothing else is said.
const BYTES: u64 = 10_000_000;
/// Time for one query where nothing else is said (SKILL 3, connection management).
const TIMEOUT: Duration = Duration::from_secs(30);

/// Reads one `[[database]]`.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    table: Table<'_, '_>,
    span: &std::ops::Range<usize>,
) -> Option<At<Database>> {
    reader.only(table, keys::DATABASE);
    reader.required(table, keys::DATABASE, span, "a database");
    let name = reader.string(table, "name");
    if let Some(name) = name.as_ref().filter(|name| !is_name(&name.value)) {
        let help = "lower-case letters, digits, `-` and `_`, beginning with a letter";
        reader.fault(name.span.clone(), format!("`{}` is no name of a database", name.value), help);
    }
    let engine = reader.choice(table, "kind", ENGINES);
    let url_env = variable(reader, table, "url_env");
    let test_url_env = variable(reader, table, "test_url_env");
    let write_url_env = variable(reader, table, "write_url_env");
    let role = word(reader, table, "role");
    let write_prefix = word(reader, table, "write_prefix");
    let strings = |at: Vec<At<String>>| -> Vec<String> { at.into_iter().map(|at| at.value).collect() };
    let schemas = reader.strings(table, "schemas").map_or_else(|| vec!["public".to_owned()], strings);
    let hosts = reader.strings(table, "hosts").map_or_else(Vec::new, strings);
    let timeout = reader.duration(table, "timeout").map_or(TIMEOUT, |at| at.value);
    let rows = reader.integer(table, "rows", 1).map_or(ROWS, |at| at.value);
    let bytes = reader.size(table, "bytes").map_or(BYTES, |at| at.value);
    let posture = reader.choice(table, "posture", POSTURES).map_or(Posture::Contained, |at| at.value);
    let literals = reader.choice(table, "literals", LITERALS).map_or(Literals::Shown, |at| at.value);
    if let (Some(_), Some(At { value: Engine::QuestDb | Engine::Sqlite, .. })) = (&role, &engine) {
        let help = "leave it out: only PostgreSQL has roles to take on";
        reader.fault(span.clone(), "`role` does not go with this `kind`".to_owned(), help);
    }
    let (name, engine, url_env) = (name?, engine?.value, url_env?);
    let rows = u64::from(rows);
    let name_is = name.value;
    let database = Database {
        name: name_is,
        engine,
        url_env,
        test_url_env,
        write_url_env,
        role,
        write_prefix,
        hosts,
        schemas,
        timeout,
        rows,
        bytes,
        posture,
        literals,
    };
    Some(At { value: database, span: name.span })
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(plain)
}

/// A name of the database's own, as its catalog has it, of letters that need no quotes.
fn word(reader: &mut Reader<'_>, table: Table<'_, '_>, key: &str) -> Option<String> {
    let At { value, span } = reader.string(table, key)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if value.len() < 2 || !value.starts_with(|c: char| c.is_ascii_lowercase()) || !value.chars().all(plain) {
        let help = "two or more lower-case letters, digits and `_`, beginning with a letter";
        reader.fault(span, format!("`{value}` is no `{key}`"), help);
        return None;
    }
    Some(value)
}

/// The name of an environment variable, never a URL.
fn variable(reader: &mut Reader<'_>, table: Table<'_, '_>, key: &str) -> Option<String> {
    let At { value, span } = reader.string(table, key)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if value.is_empty() || !value.chars().all(plain) {
        // A URL may hold a password: it is not shown.
        let help = "put the URL into an environment variable or into `.env`, and its name here";
        reader.fault(span, format!("`{key}` is not the name of an environment variable"), help);
        return None;
    }
    Some(value)
}

/// One `[[sql]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sql {
    engine: Engine,
    functions: Vec<String>,
    no_functions: Vec<String>,
    no_relations: Vec<String>,
}

/// Reads one `[[sql]]`.
pub(crate) fn read_sql(reader: &mut Reader<'_>, table: Table<'_, '_>, span: &std::ops::Range<usize>) -> Option<Sql> {
    reader.only(table, keys::SQL);
    reader.required(table, keys::SQL, span, "a table about SQL");
    let mut names = |key: &str| -> Vec<String> {
        let given = reader.strings(table, key).unwrap_or_default();
        for At { value, span } in &given {
            if value.is_empty() || value.chars().any(char::is_whitespace) || value.chars().any(char::is_uppercase) {
                let help = "names as the catalog has them, in lower case: \"abs\", \"public.fee\", \"dblink*\"";
                reader.fault(span.clone(), format!("`{value}` is no name"), help);
            }
        }
        given.into_iter().map(|at| at.value).collect()
    };
    let (functions, no_functions, no_relations) = (names("functions"), names("no_functions"), names("no_relations"));
    let engine = reader.choice(table, "kind", ENGINES)?.value;
    Some(Sql { engine, functions, no_functions, no_relations })
}

/// What the policy says about names in queries, all layers together. Kept as one text a list, since a command that asks no
/// database must not pay for reading hundreds of names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlNames(Vec<(Engine, [String; 3])>);

impl SqlNames {
    fn list(&self, engine: Engine, which: usize) -> impl Iterator<Item = &str> {
        let of = self.0.iter().find(|(of, _)| *of == engine).and_then(|(_, lists)| lists.get(which));
        of.map_or("", String::as_str).split_terminator('\n')
    }

    /// Whether the policy allows calls of the function. A name without a schema means the engine's own.
    pub fn allows_function(&self, engine: Engine, schema: Option<&str>, name: &str) -> bool {
        self.list(engine, 0).any(|pattern| names(pattern, schema, name)) && !self.denies_function(engine, schema, name)
    }

    /// Whether the policy never lets the function be called.
    pub fn denies_function(&self, engine: Engine, schema: Option<&str>, name: &str) -> bool {
        self.list(engine, 1).any(|pattern| names_anywhere(pattern, schema, name))
    }

    /// Whether the policy never lets the relation be read.
    pub fn denies_relation(&self, engine: Engine, schema: Option<&str>, name: &str) -> bool {
        self.list(engine, 2).any(|pattern| names(pattern, schema, name))
    }

    /// Whether nothing is said at all.
    pub fn is_empty(&self) -> bool {
        self.0.iter().flat_map(|(_, lists)| lists).all(String::is_empty)
    }
}

/// The schema of what an engine brings along.
const OWN: &str = "pg_catalog";

/// The same, but that `x` means it in every schema.
fn names_anywhere(pattern: &str, schema: Option<&str>, name: &str) -> bool {
    names(pattern, schema.filter(|_| pattern.contains('.')), name)
}

/// Whether a pattern means a name: `x` and `pg_catalog.x` the engine's own, written with its schema or without;
/// `schema.x` only that one; a `*` at the end any rest.
fn names(pattern: &str, schema: Option<&str>, name: &str) -> bool {
    let (of, last) = match pattern.split_once('.') {
        Some((of, last)) => (of, last),
        None => (OWN, pattern),
    };
    let same_schema = schema.unwrap_or(OWN) == of;
    let same_name = match last.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == last,
    };
    same_schema && same_name
}

/// All sources as one: what any allows is allowed, unless any forbids it. What the machine's policy lists is all there is,
/// where it lists functions at all beside those embedded in guard.
pub(crate) fn merge_sql<'g>(given: impl Iterator<Item = (Layer, &'g [Sql])> + Clone) -> SqlNames {
    let engines = [Engine::Postgres, Engine::QuestDb, Engine::Sqlite];
    let closed = |engine| {
        let mut machine = given.clone().filter(|(layer, _)| *layer == Layer::Machine).flat_map(|(_, sql)| sql);
        machine.any(|sql| sql.engine == engine && !sql.functions.is_empty())
    };
    let of = |engine: Engine| {
        let tables = || given.clone().flat_map(|(layer, sql)| sql.iter().map(move |sql| (layer, sql)));
        let tables = || tables().filter(move |(_, sql)| sql.engine == engine);
        let closed = closed(engine);
        let counts = move |layer: Layer| !closed || layer <= Layer::Machine;
        let joined = |lists: Vec<&'g Vec<String>>| -> String {
            let mut all: Vec<&str> = lists.into_iter().flatten().map(String::as_str).collect();
            all.sort_unstable();
            all.dedup();
            all.into_iter().flat_map(|name| [name, "\n"]).collect()
        };
        let allowed = tables().filter(|(layer, _)| counts(*layer)).map(|(_, sql)| &sql.functions).collect();
        let denied = tables().map(|(_, sql)| &sql.no_functions).collect();
        let relations = tables().map(|(_, sql)| &sql.no_relations).collect();
        (engine, [joined(allowed), joined(denied), joined(relations)])
    };
    SqlNames(engines.into_iter().map(of).collect())
}

/// The databases of all layers: one that a preset brings along gives way to one of the same name.
pub(crate) fn merge<'g>(given: impl Iterator<Item = (Layer, &'g [At<Database>])>) -> Vec<Database> {
    let mut all: Vec<(Layer, Database)> = Vec::new();
    for (layer, tables) in given {
        for At { value, .. } in tables {
            all.retain(|(of, database)| database.name != value.name || *of != Layer::BuiltIn);
            all.push((layer, value.clone()));
        }
    }
    all.into_iter().map(|(_, database)| database).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Policy, Settings, Source};
    use super::*;

    fn load(sources: &[(Layer, &str)]) -> Result<Settings, String> {
        let source = |(layer, text): &(Layer, &str)| Source {
            layer: *layer,
            name: format!("{layer:?}.toml"),
            text: format!("version = 1\n{text}"),
        };
        let sources: Vec<Source> = sources.iter().map(source).collect();
        Policy::load(&sources).map(|policy| policy.settings().clone()).map_err(|faults| faults.to_string())
    }

    #[test]
    fn a_database_has_bounds_without_their_being_written() {
        let settings =
            load(&[(Layer::Project, "[[database]]\nname = \"a\"\nkind = \"sqlite\"\nurl_env = \"A_URL\"")]).unwrap();
        let expected = Database {
            name: "a".into(),
            engine: Engine::Sqlite,
            url_env: "A_URL".into(),
            test_url_env: None,
            write_url_env: None,
            role: None,
            write_prefix: None,
            hosts: Vec::new(),
            schemas: vec!["public".into()],
            timeout: Duration::from_secs(30),
            rows: 10_000,
            bytes: 10_000_000,
            posture: Posture::Contained,
            literals: Literals::Shown,
        };
        assert_eq!(settings.databases, [expected]);
    }

    #[test]
    fn what_a_preset_brings_along_gives_way_and_two_of_one_name_are_a_fault() {
        let own = "extends = \"python-trading\"\n[[database]]\nname = \"trades\"\nkind = \"sqlite\"\nurl_env = \"B\"";
        let settings = load(&[(Layer::Project, own)]).unwrap();
        let all: Vec<_> =
            settings.databases.iter().map(|of| (of.name.as_str(), of.engine, of.url_env.as_str())).collect();
        assert_eq!(all, [("market", Engine::QuestDb, "QUESTDB_URL"), ("trades", Engine::Sqlite, "B")]);
        let machine = "[[database]]\nname = \"trades\"\nkind = \"postgres\"\nurl_env = \"A\"";
        let faults = load(&[(Layer::Machine, machine), (Layer::Project, own)]).unwrap_err();
        assert!(faults.contains("a second database `trades`"), "{faults}");
    }

    #[test]
    fn a_url_in_the_policy_is_a_fault_that_does_not_show_it() {
        let url = "[[database]]\nname = \"a\"\nkind = \"postgres\"\nurl_env = \"postgres://u:hunter2@h/d\"";
        let source = Source { layer: Layer::Project, name: "guard.toml".into(), text: format!("version = 1\n{url}") };
        let faults = Policy::load(&[source]).unwrap_err();
        let messages: Vec<&str> = faults.0.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(messages, ["`url_env` is not the name of an environment variable"]);
        for wrong in ["name = \"A b\"", "kind = \"mysql\"", "rows = 0", "posture = \"none\"", "hosts = []"] {
            let rest = "[[database]]\nname = \"a\"\nkind = \"postgres\"\nurl_env = \"A\"\n";
            let key = wrong.split(' ').next().unwrap();
            let text: String =
                rest.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
            assert!(load(&[(Layer::Project, &format!("{text}{wrong}"))]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_allowed_by_any_layer_unless_any_forbids_them() {
        let own = "[[sql]]\nkind = \"postgres\"\nfunctions = [\"public.fee\", \"pg_sleep\"]\nno_relations = [\"private.*\", \"pg_stats\"]";
        let sql = load(&[(Layer::Project, own)]).unwrap().sql;
        let (postgres, quest) = (Engine::Postgres, Engine::QuestDb);
        let table: [(Engine, Option<&str>, &str, bool); 12] = [
            (postgres, None, "count", true),
            (postgres, Some("pg_catalog"), "count", true),
            (postgres, Some("public"), "count", false),
            (postgres, Some("public"), "fee", true),
            (postgres, None, "fee", false),
            (postgres, None, "pg_sleep", false),
            (postgres, None, "pg_read_file", false),
            (postgres, Some("public"), "dblink_exec", false),
            (postgres, None, "vwap", false),
            (quest, None, "vwap", true),
            (quest, None, "read_parquet", false),
            (Engine::Sqlite, None, "load_extension", false),
        ];
        for (engine, schema, name, expected) in table {
            assert_eq!(sql.allows_function(engine, schema, name), expected, "{engine:?} {schema:?} {name}");
        }
        assert!(sql.denies_function(postgres, Some("public"), "dblink_exec"), "in any schema");
        let relations =
            [(None, "pg_stats"), (Some("pg_catalog"), "pg_authid"), (Some("private"), "x"), (None, "orders")];
        assert_eq!(
            relations.map(|(schema, name)| sql.denies_relation(postgres, schema, name)),
            [true, true, true, false]
        );
    }

    #[test]
    fn what_the_machine_s_policy_lists_no_project_adds_to() {
        let machine = (Layer::Machine, "[[sql]]\nkind = \"postgres\"\nfunctions = [\"public.one\"]");
        let project = (Layer::Project, "[[sql]]\nkind = \"postgres\"\nfunctions = [\"public.two\"]");
        let sql = load(&[machine, project]).unwrap().sql;
        let allowed = |name: &str| sql.allows_function(Engine::Postgres, Some("public"), name);
        assert_eq!((allowed("one"), allowed("two")), (true, false));
        assert!(sql.allows_function(Engine::Postgres, None, "count"));
    }
}
