//! A migration as a person sees it, whole: what it is for, every statement with its class, what the schema becomes.
//! Decides nothing.

use crate::decide::migration::Class;
use crate::door::cli::text::{Paint, Tone};
use crate::event::line::{printable, visible};
use crate::gate::{Migration, Statement, Tool, Trial};
use crate::record::Redactor;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Takes the secrets out of a text; `None`: there are none.
pub(crate) type Clean<'c> = &'c dyn Fn(&str) -> Option<String>;

/// Whether a secret in it hides something of what would be run.
pub(crate) fn hides(migration: &Migration, redactor: &Redactor) -> bool {
    migration.statements.iter().any(|statement| redactor.redact(&statement.text).is_some())
}

fn tone(class: Class) -> Tone {
    match class {
        Class::Additive => Tone::Good,
        Class::Locking | Class::Rewriting => Tone::Question,
        Class::Destructive | Class::Unread => Tone::Bad,
    }
}

/// All of it as text.
pub(crate) fn text(migration: &Migration, clean: Clean<'_>, paint: Paint) -> String {
    let cleaned = |text: &str| clean(text).unwrap_or_else(|| text.to_owned());
    let mut text = String::new();
    let class = migration.class();
    let _ = writeln!(text, "  for:       {}", visible(&cleaned(&migration.description)));
    let which = if migration.test { " (for tests)" } else { "" };
    let database = visible(&migration.database);
    let _ = writeln!(text, "  database:  {database}{which}: {} {}", migration.engine, visible(&migration.shown));
    let _ = writeln!(text, "  gravest:   {}", paint.with(tone(class), class.word()));
    for file in &migration.files {
        let note = if file.proposed { "" } else { " (needed by it)" };
        let _ = writeln!(text, "  file:      {}{note}, sha256 {}", visible(&file.path), file.sha256);
    }
    if let (Tool::Alembic, Some(target)) = (migration.tool, &migration.target) {
        let way = if migration.down { "downgrade" } else { "upgrade" };
        let _ = writeln!(text, "  run by:    alembic {way} {}", visible(target));
    }
    if !migration.revisions.is_empty() {
        let _ = writeln!(text, "  revision:  {}", visible(&migration.revisions.join(", ")));
    }
    for (path, passage) in &migration.passages {
        let head = paint.with(Tone::Bad, "note:");
        let why = passage.trick.why();
        let _ =
            writeln!(text, "  {head} {}:{}: `{}` {why}", visible(path), passage.line, visible(&cleaned(&passage.text)));
    }
    let count = migration.statements.len();
    for (at, statement) in migration.statements.iter().enumerate() {
        let _ = writeln!(text, "  statement {} of {count}{}", at + 1, place(statement));
        for line in printable(&cleaned(&statement.text)).lines() {
            let _ = writeln!(text, "    {line}");
        }
        for operation in &statement.operations {
            let class = paint.with(tone(operation.class), operation.class.word());
            let what = visible(&cleaned(&operation.what));
            let _ = writeln!(text, "    {class}: {what}: {}", visible(&cleaned(&operation.why)));
        }
        if statement.alone {
            text += "    note: it runs outside of the transaction, and stays where a later statement fails\n";
        }
    }
    match &migration.trial {
        Trial::Ran { difference, revisions } => {
            text += "  tried on a copy of the schema, which becomes:\n";
            if difference.is_empty() {
                text += "    (the same)\n";
            }
            for line in difference {
                let shown = printable(&cleaned(line)).replace('\n', "\n      ");
                let of = if line.starts_with('-') { Tone::Bad } else { Tone::Good };
                let _ = writeln!(text, "    {}", paint.with(of, &shown));
            }
            if *revisions != migration.revisions {
                let _ = writeln!(text, "    revision {}", visible(&revisions.join(", ")));
            }
        }
        Trial::Not { why, help } => {
            let _ = writeln!(text, "  {}: {}", paint.with(Tone::Bad, "not tried"), visible(&cleaned(why)));
            let _ = writeln!(text, "    {} {}", paint.with(Tone::Good, "help:"), visible(help));
        }
    }
    text
}

fn place(statement: &Statement) -> String {
    match &statement.at {
        Some((path, line)) => format!(", {}:{line}", visible(path)),
        None => String::new(),
    }
}

/// The same as an object.
pub(crate) fn object(migration: &Migration, clean: Clean<'_>) -> Value {
    let cleaned = |text: &str| clean(text).unwrap_or_else(|| text.to_owned());
    let statements = migration.statements.iter().map(|statement| {
        json!({
            "sql": cleaned(&statement.text),
            "file": statement.at.as_ref().map(|(path, _)| path),
            "line": statement.at.as_ref().map(|(_, line)| line),
            "outside_transaction": statement.alone,
            "operations": statement.operations.iter().map(|operation| json!({
                "class": operation.class.word(), "what": cleaned(&operation.what), "why": cleaned(&operation.why),
            })).collect::<Vec<_>>(),
        })
    });
    let trial = match &migration.trial {
        Trial::Ran { difference, revisions } => json!({
            "tried": true, "difference": difference.iter().map(|line| cleaned(line)).collect::<Vec<_>>(), "revisions": revisions,
        }),
        Trial::Not { why, help } => json!({ "tried": false, "why": cleaned(why), "help": help }),
    };
    json!({
        "description": cleaned(&migration.description),
        "database": migration.database,
        "engine": migration.engine.to_string(),
        "server": migration.shown,
        "test": migration.test,
        "tool": migration.tool.word(),
        "down": migration.down,
        "target": migration.target,
        "class": migration.class().word(),
        "asks": migration.asks,
        "files": migration.files.iter().map(|file| json!({
            "path": file.path, "sha256": file.sha256, "proposed": file.proposed,
        })).collect::<Vec<_>>(),
        "passages": migration.passages.iter().map(|(path, passage)| json!({
            "file": path, "line": passage.line, "text": cleaned(&passage.text), "why": passage.trick.why(),
        })).collect::<Vec<_>>(),
        "statements": statements.collect::<Vec<_>>(),
        "revisions": migration.revisions,
        "trial": trial,
    })
}
