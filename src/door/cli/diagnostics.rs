//! Diagnostics for whoever looks after guard: a file of their own in the state folder, made when there is something to say.
//! Never the audit log, whose lines may not be lost; never a command's text, which may hold secrets.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::fmt::MakeWriter;

/// Days that diagnostics are kept for.
const DAYS: usize = 7;

/// Sends diagnostics to `diagnostics.DATE.log` below `state`. The writer is not `tracing-appender`'s worker thread:
/// guard must be single-threaded when it builds a fence.
pub(super) fn to(state: &Path) {
    let file = Daily { folder: state.join("diagnostics"), file: OnceLock::new() };
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_target(false).with_writer(file).finish();
    // Only a second call in one process could fail, and the first subscriber serves it as well.
    let _already = tracing::subscriber::set_global_default(subscriber);
}

struct Daily {
    folder: PathBuf,
    file: OnceLock<Option<RollingFileAppender>>,
}

impl<'a> MakeWriter<'a> for Daily {
    type Writer = Box<dyn Write + 'a>;

    fn make_writer(&'a self) -> Self::Writer {
        let file = self.file.get_or_init(|| {
            let daily = RollingFileAppender::builder().rotation(Rotation::DAILY).max_log_files(DAYS);
            daily.filename_prefix("diagnostics").filename_suffix("log").build(&self.folder).ok()
        });
        match file {
            Some(file) => Box::new(file.make_writer()),
            None => Box::new(std::io::sink()),
        }
    }
}
