//! What a Python module holds, as far as other files and people rest on it: imports, names, classes with their fields,
//! what is explained.
//! Looks at statements; of expressions only at their text.

use super::fields::{self, Spelling};
use super::outer::as_it_runs;
use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_python_ast::{ExceptHandler, Expr, ModModule, Stmt};
use ruff_text_size::{Ranged, TextSize};
use std::collections::BTreeSet;

/// A module, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Module {
    /// Every import, wherever it stands.
    pub imports: Vec<Import>,
    /// Classes, but not those of functions.
    pub classes: Vec<Class>,
    /// Functions and classes of the module and of its classes.
    pub definitions: Vec<Definition>,
    /// Names that are bound in the module itself, in whichever branch.
    pub names: BTreeSet<String>,
    /// Whether names may be bound in ways that are not looked at.
    pub dynamic: bool,
    /// Whether a docstring or a comment stands in front of it.
    pub is_explained: bool,
    /// Whether it holds no statement.
    pub is_empty: bool,
}

/// One imported name or module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// What stands behind `import` or `from`, without its dots: `a.b`; empty in `from . import x`.
    pub module: String,
    /// Dots in front.
    pub level: u32,
    /// What is imported from it; `*`: everything. `None`: `import a.b`.
    pub name: Option<String>,
    /// Its line, from 1.
    pub line: u64,
    /// Its column in characters, from 1.
    pub column: u64,
    /// Whether it may fail: something catches that, or it is for another version or platform.
    pub may_fail: bool,
    /// Whether only those who look at types follow it.
    pub typed: bool,
    /// Whether it stands in the module itself, in whichever branch.
    pub outer: bool,
}

/// A class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name, behind those of the classes around it: `A.B`.
    pub name: String,
    /// Its bases by their last names.
    pub bases: Vec<String>,
    /// What its objects hold.
    pub fields: Vec<Field>,
}

/// A field of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type as it is written, without what makes no difference; empty where nothing says it.
    pub of: String,
    /// Its line, from 1.
    pub line: u64,
    /// Its column in characters, from 1.
    pub column: u64,
}

/// A function or class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name, behind those of the classes around it.
    pub name: String,
    /// Its line, from 1.
    pub line: u64,
    /// Its column in characters, from 1.
    pub column: u64,
    /// Whether a docstring, a comment above or one within explains it.
    pub is_explained: bool,
}

/// Where a statement stands.
#[derive(Clone, Copy)]
struct Scope<'a> {
    /// Names of the classes around it, each with a dot behind.
    prefix: &'a str,
    in_function: bool,
    may_fail: bool,
    typed: bool,
}

pub(super) struct Reader<'a> {
    text: &'a str,
    /// Where lines begin.
    starts: Vec<usize>,
    /// Where comments for people begin, and whether nothing stands before them in their line.
    comments: Vec<(usize, bool)>,
    module: Module,
}

impl Module {
    /// Reads a parsed module.
    pub(super) fn read(text: &str, syntax: &ModModule, tokens: &Tokens) -> Module {
        let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut reader = Reader { text, starts, comments: Vec::new(), module: Module::default() };
        for token in tokens.iter().filter(|token| token.kind() == TokenKind::Comment) {
            let at = token.start().to_usize();
            let line = reader.line(at);
            let start = reader.starts.get(line).copied().unwrap_or(0);
            let alone =
                text.get(start..at).is_some_and(|before| before.trim_start_matches('\u{feff}').trim().is_empty());
            if is_said(text.get(at..).unwrap_or_default()) {
                reader.comments.push((at, alone));
            }
        }
        let run = as_it_runs(&syntax.body);
        reader.module.dynamic = run.dynamic;
        reader.module.names.extend(run.names);
        reader.module.is_empty = syntax.body.is_empty();
        let first = syntax.body.first().map_or(text.len(), |first| first.start().to_usize());
        reader.module.is_explained = docstring(&syntax.body) || reader.header(first);
        reader.body(&syntax.body, Scope { prefix: "", in_function: false, may_fail: false, typed: false });
        reader.module
    }
}

/// Whether statements begin with a docstring that says something.
fn docstring(body: &[Stmt]) -> bool {
    let Some(Stmt::Expr(first)) = body.first() else { return false };
    first.value.as_string_literal_expr().is_some_and(|text| text.value.chars().any(char::is_alphabetic))
}

/// Whether a comment is for people.
fn is_said(text: &str) -> bool {
    const MACHINES: [&str; 10] =
        ["-*-", "vim:", "pylint:", "mypy:", "flake8:", "noqa", "type:", "fmt:", "pragma:", "ruff:"];
    let line = text.lines().next().unwrap_or_default();
    let bare = line.trim_start_matches('#').trim_start();
    !line.starts_with("#!") && !MACHINES.iter().any(|mark| bare.starts_with(mark)) && is_word(line.chars())
}

/// Whether there are letters enough for a word; of some scripts one is.
fn is_word(letters: impl Iterator<Item = char>) -> bool {
    letters.filter(|c| c.is_alphabetic()).map(|c| if c.is_ascii() { 1 } else { 3 }).sum::<usize>() >= 3
}

impl Reader<'_> {
    /// The number of the line a byte stands in, from 0.
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    fn place(&self, at: TextSize) -> (u64, u64) {
        let at = at.to_usize();
        let line = self.line(at);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let before = self.text.get(start..at).unwrap_or_default();
        (line as u64 + 1, before.chars().filter(|c| *c != '\u{feff}').count() as u64 + 1)
    }

    pub(super) fn source(&self, node: &impl Ranged) -> &str {
        self.text.get(node.start().to_usize()..node.end().to_usize()).unwrap_or_default()
    }

    /// Whether a comment that says something stands before the first statement.
    fn header(&self, first: usize) -> bool {
        self.comments.first().is_some_and(|(at, _)| *at < first)
    }

    /// Whether a comment stands in the line above, or between these bytes.
    fn commented(&self, from: usize, to: usize) -> bool {
        let line = self.line(from);
        let above = line.checked_sub(1).and_then(|above| self.starts.get(above)).copied();
        let from = above.unwrap_or(from);
        let first = self.comments.partition_point(|(at, _)| *at < from);
        let rest = self.comments.get(first..).unwrap_or_default();
        rest.iter().take_while(|(at, _)| *at < to).any(|(at, alone)| *alone || self.line(*at) >= line)
    }

    fn body(&mut self, body: &[Stmt], scope: Scope<'_>) {
        for statement in body {
            self.statement(statement, scope);
        }
    }

    fn statement(&mut self, statement: &Stmt, scope: Scope<'_>) {
        let outer = scope.prefix.is_empty() && !scope.in_function;
        match statement {
            Stmt::FunctionDef(function) => {
                self.bind(outer, &function.name);
                self.define(scope, &function.name, statement, &function.body);
                self.body(&function.body, Scope { in_function: true, ..scope });
            }
            Stmt::ClassDef(class) => {
                self.bind(outer, &class.name);
                self.define(scope, &class.name, statement, &class.body);
                let name = format!("{}{}", scope.prefix, class.name);
                if !scope.in_function {
                    let read = self.class(name.clone(), class);
                    self.module.classes.push(read);
                }
                self.body(&class.body, Scope { prefix: &format!("{name}."), ..scope });
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    let module = alias.name.to_string();
                    let bound = alias.asname.as_ref().map_or_else(|| first_part(&module), ToString::to_string);
                    self.bind(outer, &bound);
                    self.import(module, 0, None, (alias.start(), scope, outer));
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map(ToString::to_string).unwrap_or_default();
                for alias in &import.names {
                    self.bind(outer, alias.asname.as_ref().unwrap_or(&alias.name));
                    let name = Some(alias.name.to_string());
                    self.import(module.clone(), import.level, name, (alias.start(), scope, outer));
                }
            }
            Stmt::Assign(assign) => assign.targets.iter().for_each(|target| self.target(outer, target)),
            Stmt::AugAssign(assign) => self.target(outer, &assign.target),
            Stmt::AnnAssign(assign) => self.target(outer, &assign.target),
            Stmt::TypeAlias(alias) => self.target(outer, &alias.name),
            Stmt::For(each) => {
                self.target(outer, &each.target);
                self.body(&each.body, scope);
                self.body(&each.orelse, scope);
            }
            Stmt::While(each) => {
                self.body(&each.body, scope);
                self.body(&each.orelse, scope);
            }
            Stmt::If(branch) => {
                let tests = branch.elif_else_clauses.iter().filter_map(|clause| clause.test.as_ref());
                let depends = std::iter::once(&*branch.test).chain(tests).any(|test| depends(self.source(test)));
                let typed = self.source(&*branch.test).contains("TYPE_CHECKING");
                let scope = Scope { may_fail: scope.may_fail || depends, typed: scope.typed || typed, ..scope };
                self.body(&branch.body, scope);
                branch.elif_else_clauses.iter().for_each(|clause| self.body(&clause.body, scope));
            }
            Stmt::With(with) => {
                let suppressed = with.items.iter().any(|item| {
                    let item = self.source(&item.context_expr);
                    item.contains("suppress") || item.contains("raises")
                });
                let names = with.items.iter().filter_map(|item| item.optional_vars.as_deref());
                names.for_each(|target| self.target(outer, target));
                self.body(&with.body, Scope { may_fail: scope.may_fail || suppressed, ..scope });
            }
            Stmt::Match(choice) => {
                choice.cases.iter().for_each(|case| self.body(&case.body, scope));
            }
            Stmt::Try(attempt) => {
                let caught = attempt.handlers.iter().any(|ExceptHandler::ExceptHandler(handler)| {
                    handler.type_.as_ref().is_none_or(|caught| {
                        let mut words = self.source(&**caught).split(|c: char| !(c.is_alphanumeric() || c == '_'));
                        words.any(|word| CATCHING.contains(&word))
                    })
                });
                let inner = Scope { may_fail: scope.may_fail || caught, ..scope };
                self.body(&attempt.body, inner);
                for ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
                    self.body(&handler.body, inner);
                }
                self.body(&attempt.orelse, inner);
                self.body(&attempt.finalbody, scope);
            }
            Stmt::Global(global) => global.names.iter().for_each(|name| self.bind(true, name)),
            Stmt::Return(_)
            | Stmt::Delete(_)
            | Stmt::Raise(_)
            | Stmt::Assert(_)
            | Stmt::Nonlocal(_)
            | Stmt::Expr(_)
            | Stmt::Pass(_)
            | Stmt::Break(_)
            | Stmt::Continue(_)
            | Stmt::IpyEscapeCommand(_) => {}
        }
    }

    fn bind(&mut self, outer: bool, name: &str) {
        if outer {
            self.module.names.insert(name.to_owned());
        }
    }

    fn target(&mut self, outer: bool, target: &Expr) {
        if !outer {
            return;
        }
        if let Expr::Name(name) = target {
            self.bind(outer, &name.id);
        } else if let Expr::Tuple(all) = target {
            all.elts.iter().for_each(|one| self.target(outer, one));
        } else if let Expr::List(all) = target {
            all.elts.iter().for_each(|one| self.target(outer, one));
        } else if let Expr::Starred(one) = target {
            self.target(outer, &one.value);
        }
    }

    fn import(&mut self, module: String, level: u32, name: Option<String>, at: (TextSize, Scope<'_>, bool)) {
        let (start, Scope { may_fail, typed, .. }, outer) = at;
        let (line, column) = self.place(start);
        self.module.imports.push(Import { module, level, name, line, column, may_fail, typed, outer });
    }

    fn define(&mut self, scope: Scope<'_>, name: &ruff_python_ast::Identifier, whole: &Stmt, body: &[Stmt]) {
        if scope.in_function {
            return;
        }
        let (line, column) = self.place(name.start());
        let is_explained = docstring(body) || self.commented(whole.start().to_usize(), whole.end().to_usize());
        let name = format!("{}{name}", scope.prefix);
        self.module.definitions.push(Definition { name, line, column, is_explained });
    }

    fn class(&self, name: String, class: &ruff_python_ast::StmtClassDef) -> Class {
        let bases = class.arguments.iter().flat_map(|arguments| &arguments.args);
        let last = |base: &Expr| {
            let text = self.source(base);
            let text = text.split('[').next().unwrap_or_default();
            text.rsplit('.').next().unwrap_or_default().trim().to_owned()
        };
        let field = |Spelling { name, of, at }| {
            let (line, column) = self.place(at);
            Field { name, of, line, column }
        };
        let fields = fields::spelled(self, &class.body).into_iter().map(field).collect();
        Class { name, bases: bases.map(last).collect(), fields }
    }
}

/// What an import that fails is caught by.
const CATCHING: [&str; 4] = ["ImportError", "ModuleNotFoundError", "Exception", "BaseException"];

fn first_part(module: &str) -> String {
    module.split('.').next().unwrap_or_default().to_owned()
}

/// Whether a condition asks for the version or the platform.
fn depends(test: &str) -> bool {
    ["version_info", "platform", "os.name", "PY2", "PY3", "find_spec", "sys.implementation"]
        .iter()
        .any(|mark| test.contains(mark))
}
