//! Migrations, read as what they are: statements one by one and what each does, and the Python that sends them.
//! Says what is done; how grave that is, others say. Knows no files and no server.

mod acts;
mod alter;
mod calls;
mod revision;

pub use revision::{Passage, Revision, Trick, read_revision};

use super::query::{Engine, Place, Query, Unreadable, pieces, read, tokens};
use serde::{Deserialize, Serialize};

/// One statement of a migration.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// As it is sent.
    pub text: String,
    /// Where it stands in its file.
    pub at: Place,
    /// What it does; more than one thing where an ALTER TABLE says several.
    pub acts: Vec<Act>,
    /// Why guard cannot read it, where it cannot.
    pub unread: Option<String>,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What.
    pub does: Does,
    /// To what: a name as it is written; empty where there is none.
    pub to: String,
    /// The table, where that is another name: what is in it is done something to.
    pub on: String,
}

impl Act {
    fn new(does: Does, to: impl Into<String>) -> Self {
        let to = to.into();
        Self { does, on: to.clone(), to }
    }
}

/// What is done to a schema or to rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// `CREATE TABLE` with its columns.
    CreateTable {
        /// None of that name can have been there, and all that is said of the name after it is of this one.
        fresh: bool,
    },
    /// `CREATE TABLE … AS`, `SELECT INTO`.
    CreateTableAs,
    /// `CREATE INDEX`.
    CreateIndex {
        /// Without a lock that keeps writers out.
        concurrently: bool,
    },
    /// `CREATE` of something else: its sort.
    Create(String),
    /// `CREATE OR REPLACE`: its sort.
    Replace(String),
    /// A function, a procedure, a trigger or a rule, whose body runs later.
    CreateCode(String),
    /// `ADD COLUMN`.
    AddColumn {
        /// `NOT NULL` without a value for rows that are there.
        demands: bool,
        /// Its value has to be computed for each row that is there.
        computes: bool,
        /// It has to be compared with others, or checked.
        constrained: bool,
    },
    /// `DROP COLUMN`.
    DropColumn,
    /// `RENAME`, `SET SCHEMA`.
    Rename,
    /// `ALTER COLUMN … TYPE`.
    ColumnType,
    /// `SET NOT NULL`.
    SetNotNull,
    /// `SET DEFAULT`, `DROP DEFAULT`, `DROP NOT NULL`.
    Loosen,
    /// `ADD CONSTRAINT`, `VALIDATE`, `ATTACH PARTITION`.
    Constrain,
    /// `ADD CONSTRAINT … NOT VALID`.
    ConstrainLater,
    /// `DROP CONSTRAINT`.
    DropConstraint,
    /// `DISABLE TRIGGER`, `DISABLE RULE`, `DISABLE ROW LEVEL SECURITY`.
    Disable,
    /// A form of ALTER that guard knows as nothing milder: its first words.
    Alter(String),
    /// `ALTER TYPE … ADD VALUE`.
    AddValue,
    /// `DROP` of anything: its sort.
    Drop(String),
    /// `TRUNCATE`.
    Truncate,
    /// `DELETE`.
    Delete {
        /// With a WHERE.
        filtered: bool,
    },
    /// `UPDATE`.
    Update {
        /// With a WHERE.
        filtered: bool,
    },
    /// `INSERT`.
    Insert,
    /// `MERGE`, `REPLACE`, `INSERT … ON CONFLICT DO UPDATE`, a write within a query.
    Merge,
    /// A query that reads.
    Read,
    /// `COMMENT ON`.
    Comment,
    /// What a body does that guard does not read: `DO`, `CALL`, `EXECUTE`.
    Opaque(String),
    /// `BEGIN`, `COMMIT`, `SAVEPOINT`, …
    Transaction(String),
    /// `GRANT`, `REVOKE`, `OWNER TO`, …
    Rights(String),
    /// What reaches out of the database: roles, databases, tablespaces, the server's settings and files.
    Beyond(String),
    /// `SET`, `RESET`.
    Setting,
    /// Anything else: its first word.
    Other(String),
}

/// Reads a text of statements. What cannot be cut into statements is one that cannot be read.
pub fn steps(engine: Engine, text: &str) -> Vec<Step> {
    match pieces(engine, text) {
        Ok(pieces) => pieces.iter().map(|piece| step(engine, piece)).collect(),
        Err(why) => vec![unread(text.trim().to_owned(), Place::START, &why)],
    }
}

/// Reads what was sent to a server: statements, with what was given for their `$1`, `$2`, ….
pub fn sent(engine: Engine, text: &str, given: &[String]) -> Vec<Step> {
    let mut all = steps(engine, &without_parameters(engine, text));
    if let ([step], false) = (all.as_mut_slice(), given.is_empty()) {
        step.text = text.trim().to_owned();
        for (at, value) in given.iter().enumerate() {
            step.text += &format!("\n-- ${} = {value}", at + 1);
        }
    }
    all
}

/// The text with NULL in the place of parameters: what is given for them changes no structure.
fn without_parameters(engine: Engine, text: &str) -> String {
    let Ok(list) = tokens(engine, text) else { return text.to_owned() };
    let (mut whole, mut end) = (String::new(), 0);
    for pair in list.list.windows(2) {
        if let [sign, number] = pair
            && list.of(sign) == "$"
            && sign.end == number.at.offset
            && list.of(number).bytes().all(|byte| byte.is_ascii_digit())
        {
            whole += list.between(end, sign.at.offset);
            whole += "NULL";
            end = number.end;
        }
    }
    whole + list.between(end, u32::try_from(text.len()).unwrap_or(u32::MAX))
}

fn unread(text: String, at: Place, why: &Unreadable) -> Step {
    Step { text, at, acts: Vec::new(), unread: Some(why.to_string()) }
}

fn step(engine: Engine, piece: &super::query::Piece) -> Step {
    let (text, at) = (piece.text.clone(), piece.at);
    let acts = match read(engine, &text) {
        Ok(query) => acts::of(&query, &piece.words),
        // What guard's own words name is named, though no parser followed all of it.
        Err(why) if acts::is_named(&piece.words) => {
            let mut step = unread(text, at, &why);
            step.acts = acts::named(&piece.words);
            return step;
        }
        Err(why) => return unread(text, at, &why),
    };
    Step { text, at, acts, unread: None }
}

impl Step {
    /// Whether the server takes it only outside of a transaction.
    pub fn is_alone(&self) -> bool {
        let words = self.text.split_whitespace().map(str::to_ascii_lowercase).take(5).collect::<Vec<_>>();
        let begins = |text: &str| words.first().is_some_and(|word| word == text);
        let concurrently = words.iter().any(|word| word == "concurrently");
        let index = words.get(1).is_some_and(|word| matches!(word.as_str(), "index" | "unique"));
        let makes = index && (begins("create") || begins("drop")) || begins("reindex");
        makes && concurrently || begins("vacuum")
    }

    /// Whether it only reads.
    pub fn only_reads(&self) -> bool {
        self.unread.is_none() && self.acts.iter().all(|act| act.does == Does::Read)
    }

    /// Whether it may do more than its words say: a body that is not read, code that others call.
    pub fn is_opaque(&self) -> bool {
        let opaque = |act: &Act| matches!(act.does, Does::Opaque(_) | Does::CreateCode(_) | Does::Other(_));
        self.unread.is_some() || self.acts.iter().any(opaque)
    }

    /// What it reaches outside of its database, if it does.
    pub fn beyond(&self) -> Option<&str> {
        self.acts.iter().find_map(|act| if let Does::Beyond(what) = &act.does { Some(what.as_str()) } else { None })
    }

    /// The word of a transaction, where it begins or ends one.
    pub fn transaction(&self) -> Option<&str> {
        self.acts
            .iter()
            .find_map(|act| if let Does::Transaction(word) = &act.does { Some(word.as_str()) } else { None })
    }
}

/// Whether a query only reads.
fn is_read(query: &Query) -> bool {
    query.kind().reads_only()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_server_takes_by_itself_leaves_the_transaction() {
        let table = [
            ("CREATE UNIQUE INDEX CONCURRENTLY i ON orders (a)", true),
            ("drop index concurrently i", true),
            ("REINDEX TABLE CONCURRENTLY orders", true),
            ("VACUUM orders", true),
            ("CREATE INDEX i ON orders (a)", false),
            ("CREATE TABLE concurrently (a int)", false),
            ("CREATE TABLE t AS SELECT concurrently FROM orders", false),
            ("CREATE TABLE /* concurrently */ t (a int)", false),
        ];
        for (text, alone) in table {
            let all: Vec<bool> = steps(Engine::Postgres, text).iter().map(Step::is_alone).collect();
            assert_eq!(all, [alone], "{text}");
        }
    }
}
