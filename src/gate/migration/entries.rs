//! What the log gets of a migration, in the owner's words (SKILL 3, migration approval workflow).
//! Knows no judging.

use super::kept::{Kept, Trial};
use crate::event::{
    Checked, Detail, Entry, MigrationDone, MigrationEnd, MigrationEnded, MigrationProposed, MigrationRefused,
    MigrationStart, SourceFile,
};
use crate::execute::query::Failed;
use crate::gate::entries::{of, said};
use std::time::Duration;

/// That it is proposed.
pub(super) fn proposed(kept: &Kept, name: &str) -> Entry {
    let files = kept.files.iter().map(|file| SourceFile { path: file.path.clone(), sha256: Some(file.sha256.clone()) });
    let detail = MigrationProposed {
        name: name.to_owned(),
        database: kept.database.clone(),
        server: kept.server.clone(),
        test: kept.test,
        tool: kept.tool.word().to_owned(),
        down: kept.down,
        files: files.collect(),
        class: kept.class().word().to_owned(),
        untried: match &kept.trial {
            Trial::Ran { .. } => None,
            Trial::Not { why, .. } => Some(why.clone()),
        },
        asks: kept.asks,
        content: kept.content(),
        policy: kept.policy.clone(),
        task: kept.task.clone(),
    };
    said("Migration proposed", kept.description.clone(), Detail::MigrationProposed(Box::new(detail)))
}

/// That it is about to be run.
pub(super) fn start(kept: &Kept, name: &str, approval: Option<&str>) -> Entry {
    let detail = MigrationStart {
        name: name.to_owned(),
        database: kept.database.clone(),
        server: kept.server.clone(),
        test: kept.test,
        approval: approval.map(str::to_owned),
        policy: kept.policy.clone(),
    };
    of("DB", "MIGRATE", &kept.title(name), "STARTED", Detail::MigrationStart(Box::new(detail)))
}

/// What came of a run.
pub(super) struct Came<'a> {
    pub(super) of: u64,
    pub(super) failed: Option<&'a Failed>,
    pub(super) partly: bool,
    pub(super) statements: u64,
    pub(super) took: Duration,
    pub(super) check: Option<Checked>,
}

/// How it ended.
pub(super) fn end(kept: &Kept, name: &str, came: Came<'_>) -> Entry {
    let (ended, mut result) = match (came.failed, came.partly) {
        (None, _) => (MigrationEnded::Done, "SUCCESS".to_owned()),
        (Some(_), false) => (MigrationEnded::Undone, "FAIL".to_owned()),
        (Some(_), true) => (MigrationEnded::Partly, "FAIL".to_owned()),
    };
    if let Some(spent) = came.check.as_ref().and_then(|check| check.attempts) {
        result = format!("{} {}/{}", if spent.is_all() { "FAIL" } else { "RETRY" }, spent.used, spent.budget);
    }
    let detail = MigrationEnd {
        of: came.of,
        name: name.to_owned(),
        ended,
        cause: came.failed.map(|failed| failed.message.clone()),
        code: came.failed.and_then(|failed| failed.code.clone()),
        statements: came.statements,
        duration_ms: u64::try_from(came.took.as_millis()).unwrap_or(u64::MAX),
        check: came.check.map(Box::new),
    };
    of("DB", "MIGRATE", &kept.title(name), &result, Detail::MigrationEnd(Box::new(detail)))
}

/// That a person ran it; without a trial there is nothing to compare, and it is what somebody says.
pub(super) fn done(kept: &Kept, name: &str, compared: bool) -> Entry {
    let uid = rustix::process::getuid().as_raw();
    let detail = MigrationDone { name: name.to_owned(), uid, compared };
    let result = if compared { "DONE BY A PERSON" } else { "SAID TO BE DONE" };
    of("DB", "MIGRATE", &kept.title(name), result, Detail::MigrationDone(detail))
}

/// That it was not proposed, or not run.
pub(super) fn refused(target: &str, name: Option<&str>, cause: &str, result: &str) -> Entry {
    let detail = MigrationRefused { name: name.map(str::to_owned), cause: cause.to_owned() };
    of("DB", "MIGRATE", target, result, Detail::MigrationRefused(detail))
}
