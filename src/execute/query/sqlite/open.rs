//! Opening a file of SQLite so that nothing can be run or reached from it, nor written where it is only read.

use super::failed::failed;
use crate::action::query::Engine;
use crate::execute::query::{Access, Cause, Failed};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of the longest value, of the longest statement. Nothing stops SQLite in the middle of a function: `instr` of values of
/// this length takes seconds, and of sixteen times the length as many times sixteen squared.
const LONGEST: i32 = 1 << 20;
const STATEMENT: i32 = 64 << 10;
/// Bytes that SQLite may hold in all.
const HELD: &str = "PRAGMA hard_heap_limit = 268435456";

/// The connection, the file's path without links, and its numbers.
pub(super) fn open(path: &Path, busy: Duration, access: Access) -> Result<(Connection, PathBuf, (u64, u64)), Failed> {
    let unfit = |cause, why: String| Failed::new(Engine::Sqlite, cause, format!("`{}`: {why}", path.display()));
    let down = |error: io::Error| {
        let denied = error.kind() == io::ErrorKind::PermissionDenied;
        unfit(if denied { Cause::Denied } else { Cause::Down }, error.to_string())
    };
    let status = fs::symlink_metadata(path).map_err(down)?;
    let sort = status.file_type();
    if sort.is_symlink() {
        return Err(unfit(Cause::Other, "it is a link: name the file it leads to".to_owned()));
    }
    if !sort.is_file() {
        let what = match () {
            () if sort.is_dir() => "a folder",
            () if sort.is_fifo() => "a pipe",
            () if sort.is_socket() => "a socket",
            () => "a device",
        };
        return Err(unfit(Cause::Other, format!("it is {what}, and no database")));
    }
    let real = path.canonicalize().map_err(down)?;
    fs::File::open(&real).map_err(down)?;
    // No link on the way, should one have been put there since.
    let how = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = how | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(&real, flags).map_err(|error| explained(&error, path))?;
    shut(&connection, busy, access).map_err(|error| explained(&error, path))?;
    Ok((connection, real, (status.dev(), status.ino())))
}

/// Everything that is not reading is off; a write runs the triggers that stand in its way, and lies on the disk as a whole or
/// not at all.
fn shut(connection: &Connection, busy: Duration, access: Access) -> rusqlite::Result<()> {
    for (what, is) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, access == Access::Write),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        // `"x"` is a name, and never a string.
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    ] {
        connection.set_db_config(what, is)?;
    }
    for (what, most) in [
        (Limit::SQLITE_LIMIT_LENGTH, LONGEST),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, STATEMENT),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 200),
        (Limit::SQLITE_LIMIT_VDBE_OP, 250_000),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(what, most)?;
    }
    connection.busy_timeout(busy)?;
    // A file that is cut short while it is mapped would end guard.
    let own: &[&str] = match access {
        Access::Read => &["query_only = ON"],
        // Pages stay in memory until it is committed: who is killed before leaves the file as it was.
        Access::Write => &["foreign_keys = ON", "cache_spill = OFF", "synchronous = FULL"],
    };
    for pragma in own.iter().chain(&["cell_size_check = ON", "mmap_size = 0"]) {
        connection.execute_batch(&format!("PRAGMA {pragma}"))?;
    }
    connection.execute_batch(HELD)
}

/// A failure to open, with what it means.
pub(super) fn explained(error: &Error, path: &Path) -> Failed {
    let mut failed = failed(error);
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => failed.message = "it is no database of SQLite".to_owned(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
            failed.hint = Some(
                "a database with a write-ahead log can only be read where its `-wal` and `-shm` files are, or can be made: \
                 have its owner run `PRAGMA journal_mode = DELETE`, or `PRAGMA wal_checkpoint(TRUNCATE)` on a copy"
                    .to_owned(),
            );
        }
        Some(_) | None => {}
    }
    failed.message = format!("`{}`: {}", path.display(), failed.message);
    failed
}
