//! What a statement may do to a file of SQLite: read, write where that is allowed, and call functions. What it calls and
//! writes is noted.

use crate::execute::query::{Access, Cause, Failed};
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// PRAGMAs that tell something. Those with a value set what they would tell, but for the first, whose value is a name.
const TELLING: [(&str, bool); 24] = [
    ("foreign_key_list", true),
    ("index_info", true),
    ("index_list", true),
    ("index_xinfo", true),
    ("table_info", true),
    ("table_list", true),
    ("table_xinfo", true),
    ("application_id", false),
    ("auto_vacuum", false),
    ("collation_list", false),
    ("compile_options", false),
    ("data_version", false),
    ("database_list", false),
    ("encoding", false),
    ("foreign_keys", false),
    ("freelist_count", false),
    ("function_list", false),
    ("journal_mode", false),
    ("module_list", false),
    ("page_count", false),
    ("page_size", false),
    ("pragma_list", false),
    ("schema_version", false),
    ("user_version", false),
];

/// Functions that reach out of the database, whatever a policy says.
const REACHING: [&str; 3] = ["load_extension", "fts3_tokenizer", "sqlite_log"];

#[derive(Default)]
pub(super) struct Authorizer {
    noted: Arc<Mutex<Noted>>,
}

#[derive(Default)]
struct Noted {
    calls: BTreeSet<String>,
    writes: BTreeSet<String>,
    refused: Option<String>,
}

impl Authorizer {
    /// Looks at every statement from now on.
    pub(super) fn watch(&self, connection: &mut Connection, access: Access) -> rusqlite::Result<()> {
        *self.noted() = Noted::default();
        let noted = Arc::clone(&self.noted);
        connection.authorizer(Some(move |asked: AuthContext<'_>| {
            judge(&asked.action, access, &mut noted.lock().unwrap_or_else(PoisonError::into_inner))
        }))
    }

    /// Looks at none: guard's own questions.
    pub(super) fn rest(connection: &mut Connection) -> rusqlite::Result<()> {
        connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
    }

    /// The functions that were called, in lower case.
    pub(super) fn calls(&self) -> BTreeSet<String> {
        self.noted().calls.clone()
    }

    /// The tables whose rows it writes, by triggers and foreign keys as well, in lower case.
    pub(super) fn writes(&self) -> BTreeSet<String> {
        self.noted().writes.clone()
    }

    /// A refusal, with what was refused: SQLite says `not authorized`.
    pub(super) fn explained(&self, failed: Failed) -> Failed {
        match self.noted().refused.take() {
            Some(what) => Failed { cause: Cause::Denied, message: what, ..failed },
            None => failed,
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all that is not named is refused, what SQLite may come to know as well"
)]
fn judge(action: &AuthAction<'_>, access: Access, noted: &mut Noted) -> Authorization {
    let refused = match action {
        AuthAction::Select | AuthAction::Recursive | AuthAction::Read { .. } => return Authorization::Allow,
        AuthAction::Function { function_name } => {
            let name = function_name.to_ascii_lowercase();
            if !REACHING.contains(&name.as_str()) {
                noted.calls.insert(name);
                return Authorization::Allow;
            }
            format!("`{name}` reaches out of the database")
        }
        AuthAction::Pragma { pragma_name, pragma_value } => {
            let name = pragma_name.to_ascii_lowercase();
            let told = TELLING.iter().any(|(known, named)| *known == name && (*named || pragma_value.is_none()));
            if told {
                return Authorization::Allow;
            }
            format!("PRAGMA `{name}` is not one that only tells something")
        }
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => "it attaches or detaches a database".to_owned(),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => "it begins or ends a transaction".to_owned(),
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name }
            if access == Access::Write =>
        {
            let name = table_name.to_ascii_lowercase();
            // The catalog is written by statements that define something; to name it is refused by the library itself.
            if !name.starts_with("sqlite_") {
                noted.writes.insert(name);
            }
            return Authorization::Allow;
        }
        AuthAction::CreateTable { .. }
        | AuthAction::CreateIndex { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::CreateTrigger { .. }
        | AuthAction::DropTable { .. }
        | AuthAction::DropIndex { .. }
        | AuthAction::DropView { .. }
        | AuthAction::DropTrigger { .. }
        | AuthAction::AlterTable { .. }
        | AuthAction::Reindex { .. }
            if access == Access::Write =>
        {
            return Authorization::Allow;
        }
        _ => "it is not a read".to_owned(),
    };
    noted.refused.get_or_insert(refused);
    Authorization::Deny
}
