//! An Alembic revision file: which revision it is, and what in it does more than `upgrade` and `downgrade` say.
//! Reads Python by its syntax tree; runs nothing.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not named is gone through alike")]

use crate::action::source::{newest, python};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt};
use ruff_python_parser::parse_module;
use ruff_text_size::Ranged;
use serde::{Deserialize, Serialize};

/// What a revision file says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revision {
    /// Its name.
    pub id: Option<String>,
    /// The revisions it follows; none where it is the first.
    pub follows: Vec<String>,
    /// What is worth a look.
    pub passages: Vec<Passage>,
}

/// A place in the file that is worth a look.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passage {
    /// Its line, from 1.
    pub line: u64,
    /// What stands there.
    pub trick: Trick,
    /// The beginning of it, as it is written.
    pub text: String,
}

/// What in a revision's Python says less than it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trick {
    /// Runs when the file is read, whichever way it is migrated.
    ModuleCode,
    /// Behaves in another way where SQL is only printed.
    Offline,
    /// Sends SQL as text.
    Execute,
    /// Takes the connection itself.
    Bind,
    /// Runs other code: `exec`, `eval`, another process, an import that is made up.
    Dynamic,
    /// Brings in other modules than Alembic's and SQLAlchemy's.
    Import,
}

impl Trick {
    /// What it is, as a fragment.
    pub fn why(self) -> &'static str {
        match self {
            Trick::ModuleCode => "runs when the file is read, outside of `upgrade` and `downgrade`",
            Trick::Offline => "does another thing where SQL is only printed than where it is run",
            Trick::Execute => "sends SQL as text",
            Trick::Bind => "takes the connection itself, and may send anything by it",
            Trick::Dynamic => "runs code that does not stand there",
            Trick::Import => "brings in code of another module",
        }
    }
}

/// Reads a revision file.
///
/// # Errors
/// Why it is no Python that guard can read.
pub fn read_revision(text: &str) -> Result<Revision, String> {
    python(text, newest()).map_err(|faults| {
        let first = faults.into_iter().next();
        first.map_or_else(|| "it is no Python".to_owned(), |fault| format!("line {}: {}", fault.line, fault.what))
    })?;
    let parsed = parse_module(text).map_err(|error| error.to_string())?;
    let mut look = Look { text, found: Revision::default() };
    for (at, statement) in parsed.syntax().body.iter().enumerate() {
        look.of_module(at, statement);
        look.visit_stmt(statement);
    }
    look.found.passages.sort();
    look.found.passages.dedup();
    Ok(look.found)
}

struct Look<'t> {
    text: &'t str,
    found: Revision,
}

impl Look<'_> {
    fn tell(&mut self, trick: Trick, at: &impl Ranged) {
        let start = at.range().start().to_usize();
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() as u64 + 1;
        let written = self.text.get(start..at.range().end().to_usize()).unwrap_or_default();
        let text = written.lines().next().unwrap_or_default().chars().take(80).collect();
        self.found.passages.push(Passage { line, trick, text });
    }

    /// A statement of the module itself.
    fn of_module(&mut self, at: usize, statement: &Stmt) {
        match statement {
            Stmt::FunctionDef(function) if function.decorator_list.is_empty() => {
                // What its parameters and annotations compute is computed at once.
                let computes = function
                    .parameters
                    .iter_non_variadic_params()
                    .any(|one| one.default.as_deref().is_some_and(|value| !is_plain(value)));
                if computes {
                    self.tell(Trick::ModuleCode, statement);
                }
            }
            Stmt::Import(_) | Stmt::ImportFrom(_) | Stmt::Pass(_) => {}
            Stmt::Expr(text) if at == 0 && text.value.is_string_literal_expr() => {}
            Stmt::Assign(assign) if is_plain(&assign.value) => {
                for target in assign.targets.iter().filter_map(Expr::as_name_expr) {
                    self.named(target.id.as_str(), &assign.value);
                }
                if !assign.targets.iter().all(Expr::is_name_expr) {
                    self.tell(Trick::ModuleCode, statement);
                }
            }
            // `revision: str = "…"`, `down_revision: Union[str, None] = None`
            Stmt::AnnAssign(assign) if assign.target.is_name_expr() && is_annotation(&assign.annotation) => {
                match assign.value.as_deref() {
                    Some(value) if is_plain(value) => {
                        if let Some(name) = assign.target.as_name_expr() {
                            self.named(name.id.as_str(), value);
                        }
                    }
                    Some(_) => self.tell(Trick::ModuleCode, statement),
                    None => {}
                }
            }
            _ => self.tell(Trick::ModuleCode, statement),
        }
    }

    fn named(&mut self, name: &str, value: &Expr) {
        let texts = strings(value);
        match name {
            "revision" => self.found.id = texts.into_iter().next(),
            "down_revision" => self.found.follows = texts,
            _ => {}
        }
    }

    fn import(&mut self, module: &str, at: &Stmt) {
        let first = module.split('.').next().unwrap_or_default();
        let known = ["alembic", "sqlalchemy", "typing", "collections", "datetime", "uuid", "decimal", "enum", "json"];
        if !known.contains(&first) && module != "__future__" {
            self.tell(Trick::Import, at);
        }
    }
}

impl<'a> Visitor<'a> for Look<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => import.names.iter().for_each(|name| self.import(name.name.as_str(), statement)),
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map(|name| name.as_str()).unwrap_or_default();
                self.import(if import.level > 0 { "." } else { module }, statement);
                let offline = import.names.iter().any(|name| name.name.as_str() == "context");
                if module == "alembic" && offline {
                    self.tell(Trick::Offline, statement);
                }
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Attribute(of) => match of.attr.as_str() {
                "is_offline_mode" | "as_sql" => self.tell(Trick::Offline, expression),
                "get_bind" | "get_context" | "bind" | "connection" => self.tell(Trick::Bind, expression),
                "execute" | "exec_driver_sql" | "executemany" => {
                    self.tell(Trick::Execute, expression);
                }
                name if name.starts_with("__") && name.ends_with("__") => self.tell(Trick::Dynamic, expression),
                _ => {}
            },
            Expr::Name(name) => match name.id.as_str() {
                "exec" | "eval" | "compile" | "__import__" | "getattr" | "globals" | "setattr" | "vars" | "open" => {
                    self.tell(Trick::Dynamic, expression);
                }
                _ => {}
            },
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// Whether a value is written out: texts, numbers, nothing, and lists of such.
fn is_plain(value: &Expr) -> bool {
    match value {
        Expr::StringLiteral(_) | Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) | Expr::NoneLiteral(_) => true,
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_plain),
        Expr::List(list) => list.elts.iter().all(is_plain),
        _ => false,
    }
}

/// Whether an annotation only names types.
fn is_annotation(value: &Expr) -> bool {
    match value {
        Expr::Name(_) | Expr::NoneLiteral(_) | Expr::StringLiteral(_) => true,
        Expr::Attribute(of) => is_annotation(&of.value),
        Expr::Subscript(of) => is_annotation(&of.value) && is_annotation(&of.slice),
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_annotation),
        Expr::BinOp(of) => is_annotation(&of.left) && is_annotation(&of.right),
        _ => false,
    }
}

fn strings(value: &Expr) -> Vec<String> {
    match value {
        Expr::StringLiteral(text) => vec![text.value.to_str().to_owned()],
        Expr::Tuple(tuple) => tuple.elts.iter().flat_map(strings).collect(),
        Expr::List(list) => list.elts.iter().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}
