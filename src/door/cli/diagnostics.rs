//! Diagnostics for whoever looks after guard: a file of their own in the state folder, made when there is something to say.
//! Never the audit log, whose lines may not be lost; never a command's text, which may hold secrets.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, Subscriber};
use tracing::{Dispatch, Event, Metadata};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::fmt::MakeWriter;

/// Days that diagnostics are kept for.
const DAYS: usize = 7;
/// What is told, and everything above.
const LEVEL: LevelFilter = LevelFilter::INFO;

/// Sends diagnostics to `diagnostics.DATE.log` below `state`. The writer is not `tracing-appender`'s worker thread:
/// guard must be single-threaded when it builds a fence.
pub(super) fn to(state: &Path) {
    let later = Later { folder: state.join("diagnostics"), subscriber: OnceLock::new() };
    // Only a second call in one process could fail, and the first subscriber serves it as well.
    let _already = tracing::subscriber::set_global_default(later);
}

/// What writes diagnostics, made when there is something to say: it has room for thousands of spans, which takes a call that says
/// nothing as long as judging its command.
struct Later {
    folder: PathBuf,
    subscriber: OnceLock<Dispatch>,
}

impl Later {
    fn get(&self) -> &Dispatch {
        self.subscriber.get_or_init(|| {
            let file = Daily { folder: self.folder.clone(), file: OnceLock::new() };
            let writer = tracing_subscriber::fmt().with_max_level(LEVEL).with_ansi(false).with_target(false);
            Dispatch::new(writer.with_writer(file).finish())
        })
    }
}

impl Subscriber for Later {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= LEVEL
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LEVEL)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.get().new_span(span)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.get().record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.get().record_follows_from(span, follows);
    }

    fn event(&self, event: &Event<'_>) {
        self.get().event(event);
    }

    fn enter(&self, span: &Id) {
        self.get().enter(span);
    }

    fn exit(&self, span: &Id) {
        self.get().exit(span);
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.get().clone_span(span)
    }

    fn try_close(&self, span: Id) -> bool {
        self.get().try_close(span)
    }
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
