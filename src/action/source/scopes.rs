//! The scopes around a place of a Python module: what is bound in each, and what its compiler lets stand there.
//! Says what the parser crate asks; finds nothing itself but what that leaves out.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not named is gone through alike")]

use super::outer::bound_by;
use ruff_python_ast::visitor::{Visitor, walk_except_handler, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{Comprehension, ExceptHandler, Expr, ExprName, Parameters, Pattern, PythonVersion, Stmt};
use ruff_python_parser::semantic_errors::{LazyImportContext, SemanticSyntaxContext, SemanticSyntaxError};
use ruff_text_size::{Ranged, TextRange, TextSize};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// What makes a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Module,
    Class,
    Function {
        is_async: bool,
    },
    Lambda,
    /// Lazy: a generator, which is gone through later.
    Comprehension {
        is_async: bool,
        is_lazy: bool,
    },
    /// Type parameters and what they stand in front of.
    Type,
}

/// One scope.
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    /// Loops around the present place in it.
    pub(super) loops: usize,
    /// Where that is in an `except*` block: the loops around it.
    pub(super) caught: Option<usize>,
    /// Those of a function.
    pub(super) parameters: Option<&'a Parameters>,
    pub(super) names: Names<'a>,
}

/// What a scope binds and declares itself.
#[derive(Default)]
pub(super) struct Names<'a> {
    bound: HashSet<&'a str>,
    global: HashMap<&'a str, TextRange>,
    nonlocal: HashMap<&'a str, TextRange>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, loops: 0, caught: None, parameters: None, names: Names::default() }
    }
}

/// All scopes around a place, the innermost last, and what was found in them.
pub(super) struct Scopes<'a> {
    text: &'a str,
    version: PythonVersion,
    /// Whether any scope declares names at all: without, what they bind does not matter.
    declares: bool,
    has_future_annotations: bool,
    pub(super) frames: Vec<Frame<'a>>,
    found: RefCell<Vec<(TextSize, String)>>,
}

impl<'a> Scopes<'a> {
    pub(super) fn new(text: &'a str, version: PythonVersion, declares: bool, body: &'a [Stmt]) -> Self {
        let future = body.iter().filter_map(Stmt::as_import_from_stmt);
        let has_future_annotations = future
            .filter(|import| import.module.as_ref().is_some_and(|module| module.as_str() == "__future__"))
            .any(|import| import.names.iter().any(|alias| alias.name.as_str() == "annotations"));
        let mut scopes =
            Self { text, version, declares, has_future_annotations, frames: Vec::new(), found: RefCell::default() };
        let module = scopes.frame(Kind::Module, body);
        scopes.frames.push(module);
        scopes
    }

    /// The scope that a body makes, with what is bound in it.
    pub(super) fn frame(&self, kind: Kind, body: &'a [Stmt]) -> Frame<'a> {
        let mut names = Names::default();
        if self.declares {
            names.visit_body(body);
            for (name, range) in &names.nonlocal {
                if names.global.contains_key(name) {
                    self.add(range.start(), format!("name `{name}` is nonlocal and global"));
                }
            }
        }
        Frame { names, ..Frame::new(kind) }
    }

    /// Looks at a use of a name, as far as the parser crate does not.
    pub(super) fn use_of(&self, name: &ExprName) {
        let declared = self.frames.last().and_then(|frame| frame.names.nonlocal.get(name.id.as_str()));
        if declared.is_some_and(|declared| name.start() < declared.start()) {
            self.add(name.start(), format!("name `{}` is used prior to nonlocal declaration", name.id));
        }
    }

    /// Sets what is known of an `except*` block around the present place; gives what was.
    pub(super) fn caught(&mut self, block: impl FnOnce(&Frame<'a>) -> Option<usize>) -> Option<usize> {
        let frame = self.frames.last_mut()?;
        let block = block(frame);
        std::mem::replace(&mut frame.caught, block)
    }

    /// Looks at what leads out of a block.
    pub(super) fn leaves(&self, statement: &Stmt) {
        let Some((caught, loops)) = self.frames.last().and_then(|frame| Some((frame.caught?, frame.loops))) else {
            return;
        };
        if caught == loops || statement.is_return_stmt() {
            let what = "`break`, `continue` and `return` cannot appear in an `except*` block";
            self.add(statement.start(), what.to_owned());
        }
    }

    pub(super) fn add(&self, at: TextSize, what: String) {
        self.found.borrow_mut().push((at, what));
    }

    /// What was found.
    pub(super) fn found(self) -> Vec<(TextSize, String)> {
        self.found.into_inner()
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.frames.iter().rev().map(|frame| frame.kind)
    }

    fn kind(&self) -> Kind {
        self.kinds().next().unwrap_or(Kind::Module)
    }
}

impl SemanticSyntaxContext for Scopes<'_> {
    fn future_annotations_or_stub(&self) -> bool {
        self.has_future_annotations
    }

    fn lazy_import_context(&self) -> Option<LazyImportContext> {
        match self.kind() {
            Kind::Function { .. } | Kind::Lambda => Some(LazyImportContext::Function),
            Kind::Class => Some(LazyImportContext::Class),
            Kind::Module | Kind::Comprehension { .. } | Kind::Type => None,
        }
    }

    fn python_version(&self) -> PythonVersion {
        self.version
    }

    fn source(&self) -> &str {
        self.text
    }

    fn global(&self, name: &str) -> Option<TextRange> {
        let frame = self.frames.last().filter(|_| self.declares)?;
        frame.names.global.get(name).copied()
    }

    fn has_nonlocal_binding(&self, name: &str) -> bool {
        let functions = self.frames.iter().rev().skip(1).filter(|frame| matches!(frame.kind, Kind::Function { .. }));
        for frame in functions {
            let parameters = frame.parameters.is_some_and(|parameters| parameters.includes(name));
            if frame.names.global.contains_key(name) {
                return false;
            }
            if parameters || frame.names.bound.contains(name) {
                return true;
            }
        }
        // What methods are given by their class.
        name == "__class__" && self.kinds().skip(1).any(|kind| kind == Kind::Class)
    }

    fn in_async_context(&self) -> bool {
        let deciding = self.kinds().find_map(|kind| match kind {
            Kind::Class | Kind::Lambda => Some(false),
            Kind::Function { is_async } => Some(is_async),
            Kind::Comprehension { .. } | Kind::Module | Kind::Type => None,
        });
        deciding.unwrap_or(false)
    }

    fn in_await_allowed_context(&self) -> bool {
        let deciding = self.kinds().find_map(|kind| match kind {
            Kind::Class => Some(false),
            Kind::Function { .. } | Kind::Lambda | Kind::Comprehension { is_lazy: true, .. } => Some(true),
            Kind::Comprehension { .. } | Kind::Module | Kind::Type => None,
        });
        deciding.unwrap_or(false)
    }

    fn in_yield_allowed_context(&self) -> bool {
        let deciding = self.kinds().find_map(|kind| match kind {
            Kind::Class | Kind::Comprehension { .. } => Some(false),
            Kind::Function { .. } | Kind::Lambda => Some(true),
            Kind::Module | Kind::Type => None,
        });
        deciding.unwrap_or(false)
    }

    fn in_sync_comprehension(&self) -> bool {
        self.kinds().any(|kind| kind == Kind::Comprehension { is_async: false, is_lazy: false })
    }

    fn in_class_body_comprehension(&self) -> bool {
        let deciding = self.kinds().find_map(|kind| match kind {
            Kind::Class => Some(true),
            Kind::Module | Kind::Function { .. } | Kind::Lambda => Some(false),
            Kind::Comprehension { .. } | Kind::Type => None,
        });
        deciding.unwrap_or(false)
    }

    fn in_module_scope(&self) -> bool {
        self.kind() == Kind::Module
    }

    fn in_function_scope(&self) -> bool {
        matches!(self.kind(), Kind::Function { .. } | Kind::Lambda)
    }

    fn in_generator_context(&self) -> bool {
        self.kinds().any(|kind| matches!(kind, Kind::Comprehension { is_lazy: true, .. }))
    }

    fn in_notebook(&self) -> bool {
        false
    }

    fn report_semantic_error(&self, error: SemanticSyntaxError) {
        self.add(error.range.start(), error.to_string());
    }

    fn in_loop_context(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.loops > 0)
    }

    fn is_bound_parameter(&self, name: &str) -> bool {
        let frame = self.frames.last().filter(|frame| matches!(frame.kind, Kind::Function { .. }));
        frame.and_then(|frame| frame.parameters).is_some_and(|parameters| parameters.includes(name))
    }
}

/// Gathers what a body binds and declares; scopes within have their own.
impl<'a> Visitor<'a> for Names<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.bound.insert(function.name.as_str());
                function.decorator_list.iter().for_each(|one| self.visit_expr(&one.expression));
                self.visit_parameters(&function.parameters);
            }
            Stmt::ClassDef(class) => {
                self.bound.insert(class.name.as_str());
                class.decorator_list.iter().for_each(|one| self.visit_expr(&one.expression));
                class.arguments.iter().for_each(|arguments| self.visit_arguments(arguments));
            }
            Stmt::Global(global) => {
                for name in &global.names {
                    self.global.entry(name.as_str()).or_insert(name.range);
                }
            }
            Stmt::Nonlocal(nonlocal) => {
                for name in &nonlocal.names {
                    self.nonlocal.entry(name.as_str()).or_insert(name.range);
                }
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    let named = alias.asname.as_ref().map(|name| name.as_str());
                    self.bound.extend(named.or_else(|| alias.name.as_str().split('.').next()));
                }
            }
            Stmt::ImportFrom(import) => {
                self.bound
                    .extend(import.names.iter().map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str()));
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if !name.ctx.is_load() => {
                self.bound.insert(name.id.as_str());
            }
            Expr::Lambda(_) => {}
            _ => walk_expr(self, expression),
        }
    }

    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        // Its targets are its own; what `:=` binds in it is not.
        self.visit_expr(&comprehension.iter);
        comprehension.ifs.iter().for_each(|test| self.visit_expr(test));
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(caught) = handler;
        self.bound.extend(caught.name.as_ref().map(|name| name.as_str()));
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        self.bound.extend(bound_by(pattern));
        walk_pattern(self, pattern);
    }
}
