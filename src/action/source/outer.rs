//! Names that a Python module binds otherwise than by plain statements, as it runs: `:=`, patterns, what it does to itself.
//! Tells what stands in the module itself from what stands in its functions and classes.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not named is gone through alike")]

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{Expr, Pattern, Stmt};
use std::collections::BTreeSet;

/// Expressions in each other that are looked into.
const DEEPEST: usize = 2_000;

/// What is bound so.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outer {
    pub(super) names: BTreeSet<String>,
    /// Whether it may bind any name.
    pub(super) dynamic: bool,
    /// Functions and classes around the present place.
    inner: usize,
    depth: usize,
}

/// What a module's statements bind so.
pub(super) fn as_it_runs(body: &[Stmt]) -> Outer {
    let mut outer = Outer::default();
    outer.visit_body(body);
    outer
}

/// The name that a pattern itself binds.
pub(super) fn bound_by(pattern: &Pattern) -> Option<&str> {
    let name = match pattern {
        Pattern::MatchAs(part) => part.name.as_ref(),
        Pattern::MatchStar(part) => part.name.as_ref(),
        Pattern::MatchMapping(part) => part.rest.as_ref(),
        _ => None,
    };
    name.map(ruff_python_ast::Identifier::as_str)
}

impl Outer {
    /// What stands in a function or class.
    fn within(&mut self, visit: impl FnOnce(&mut Self)) {
        self.inner += 1;
        visit(self);
        self.inner -= 1;
    }

    fn bind(&mut self, name: Option<&str>) {
        if self.inner == 0 {
            self.names.extend(name.map(str::to_owned));
        }
    }

    fn is_dynamic(&self, expression: &Expr) -> bool {
        if let Expr::Attribute(of) = expression {
            let of_sys = of.value.as_name_expr().is_some_and(|name| name.id.as_str() == "sys");
            return of_sys && of.attr.as_str() == "modules";
        }
        let Some(call) = expression.as_call_expr() else { return false };
        let called = call.func.as_name_expr().map(|name| name.id.as_str()).unwrap_or_default();
        // Those of a function are its own.
        called == "globals"
            || self.inner == 0 && (matches!(called, "exec" | "locals") || called == "vars" && call.arguments.is_empty())
    }
}

impl<'a> Visitor<'a> for Outer {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.dynamic |= self.inner == 0 && function.name.as_str() == "__getattr__";
                self.within(|outer| walk_stmt(outer, statement));
            }
            Stmt::ClassDef(_) => self.within(|outer| walk_stmt(outer, statement)),
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if self.depth > DEEPEST {
            self.dynamic = true;
            return;
        }
        self.depth += 1;
        self.dynamic |= self.is_dynamic(expression);
        match expression {
            Expr::Lambda(_) => self.within(|outer| walk_expr(outer, expression)),
            Expr::Named(named) => {
                self.bind(named.target.as_name_expr().map(|name| name.id.as_str()));
                walk_expr(self, expression);
            }
            _ => walk_expr(self, expression),
        }
        self.depth -= 1;
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        self.bind(bound_by(pattern));
        walk_pattern(self, pattern);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{newest, python};

    #[test]
    fn a_module_binds_names_as_it_runs_or_whatever_it_likes() {
        let bound = [
            ("if (n := 1): pass\n", "n"),
            ("[m := x for x in y]\n", "m"),
            ("match x:\n    case A(e) as f: pass\n", "ef"),
            ("match x:\n    case {'a': [b, *c], **d}: pass\n", "bcd"),
        ];
        for (text, names) in bound {
            let module = python(text, newest()).unwrap();
            let known = names.chars().all(|name| module.names.contains(&name.to_string()));
            assert!(known && !module.dynamic, "{text}: {:?}", module.names);
        }
        let dynamic = [
            "def f(): globals()['a'] = 1\n",
            "setattr(sys.modules[__name__], 'a', 1)\n",
            "def __getattr__(name): return 1\n",
            "exec('a = 1')\n",
            "vars()['a'] = 1\n",
            "if x:\n    locals().update(a=1)\n",
        ];
        for text in dynamic {
            assert!(python(text, newest()).unwrap().dynamic, "{text}");
        }
        let plain = [
            "# globals()\nx = 'exec('\n",
            "def f(self): return vars(self), locals(), session.exec(x)\n",
            "session.exec(1)\nvars(x)\n",
            "class A:\n    def __getattr__(self, name): return (n := 1)\n",
            "def f():\n    if (n := 1): pass\n",
        ];
        for text in plain {
            let module = python(text, newest()).unwrap();
            assert!(!module.dynamic && !module.names.contains("n"), "{text}");
        }
    }
}
