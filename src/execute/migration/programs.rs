//! PostgreSQL's own programs for schemas, `pg_dump` and `pg_restore`: found where only an administrator puts programs, run with
//! nothing of the caller's environment.

use crate::execute::child::{self, Heard, PATH, Trouble};
use crate::execute::query::{Host, Mode, Server};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Time for a program.
const LIMIT: Duration = Duration::from_secs(120);

/// The newest of a program's versions that is there.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut numbered: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin").join(name))))
        .collect();
    numbered.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let plain = PATH.split(':').map(|folder| Path::new(folder).join(name));
    numbered.into_iter().map(|(_, path)| path).chain(plain).find(|path| path.is_file())
}

/// Writes the schema of a server's database to a file.
pub(super) fn dump(program: &Path, server: &Server, to: &Path) -> Result<(), String> {
    let mut command = command(program, server);
    command.args(["--schema-only", "--format=custom", "--no-owner", "--no-privileges", "--no-publications"]);
    command
        .args(["--no-subscriptions", "--no-tablespaces", "--no-password", "--file"])
        .arg(to)
        .arg("--dbname")
        .arg(&server.database);
    run(command)
}

/// Makes that schema in another database.
pub(super) fn restore(program: &Path, server: &Server, from: &Path) -> Result<(), String> {
    let mut command = command(program, server);
    command
        .args(["--no-owner", "--no-privileges", "--exit-on-error", "--no-password", "--dbname"])
        .arg(&server.database)
        .arg(from);
    run(command)
}

fn command(program: &Path, server: &Server) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", PATH).env("HOME", "/nonexistent").env("LC_ALL", "C").env("PGAPPNAME", "guard");
    command.env("PGUSER", &server.user).env("PGCONNECT_TIMEOUT", "5");
    if let Some(password) = &server.password {
        command.env("PGPASSWORD", password);
    }
    match &server.host {
        Host::Name(name, port) => {
            command.env("PGHOST", name).env("PGPORT", port.to_string());
        }
        Host::Socket(path) => {
            let port = path.extension().unwrap_or_default();
            command.env("PGHOST", path.parent().unwrap_or(Path::new("/"))).env("PGPORT", port);
        }
    }
    let mode = match server.tls.mode {
        Mode::Disable => "disable",
        Mode::Prefer => "prefer",
        Mode::Require => "require",
        Mode::VerifyCa => "verify-ca",
        Mode::VerifyFull => "verify-full",
    };
    command.env("PGSSLMODE", mode);
    if let Some(roots) = &server.tls.roots {
        command.env("PGSSLROOTCERT", roots);
    }
    command
}

fn run(command: Command) -> Result<(), String> {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    match child::run(command, b"", Heard::Stderr, LIMIT) {
        Ok((status, _)) if status.success() => Ok(()),
        Ok((_, said)) => Err(format!("`{name}` failed: {}", String::from_utf8_lossy(&said).trim())),
        Err(Trouble::Late) => Err(format!("`{name}` did not end within {} s", LIMIT.as_secs())),
        Err(Trouble::Start(error)) => Err(format!("`{name}` cannot be started: {error}")),
    }
}
