//! Faults that Python's compiler finds where its parser finds none: `return` outside of a function, a parameter named twice,
//! `global` behind a use, and their like.
//! Knows scopes; what is wrong in one is the parser crate's to say.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not named is gone through alike")]

use super::scopes::{Frame, Kind, Scopes};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_interpolated_string_element, walk_stmt};
use ruff_python_ast::{
    Comprehension, ExceptHandler, Expr, InterpolatedStringElement, ModModule, Parameters, PythonVersion, Stmt,
    StmtFunctionDef, TypeParams,
};
use ruff_python_parser::semantic_errors::SemanticSyntaxChecker;
use ruff_text_size::{Ranged, TextSize};

/// Expressions in each other that are looked into; CPython gives up at fewer.
const DEEPEST: usize = 2_000;
/// Type parameters of one definition that are compared with each other.
const PARAMETERS: usize = 500;

/// What is wrong with a module that was parsed, each with its place.
pub(super) fn uncompilable(text: &str, module: &ModModule, version: PythonVersion) -> Vec<(TextSize, String)> {
    let declares = text.contains("global") || text.contains("nonlocal");
    let mut compiler = Compiler {
        checker: SemanticSyntaxChecker::new(),
        scopes: Scopes::new(text, version, declares, &module.body),
        depth: 0,
    };
    compiler.visit_body(&module.body);
    compiler.scopes.found()
}

struct Compiler<'a> {
    checker: SemanticSyntaxChecker,
    scopes: Scopes<'a>,
    depth: usize,
}

impl<'a> Compiler<'a> {
    /// What stands in a scope of its own.
    fn within(&mut self, frame: Frame<'a>, visit: impl FnOnce(&mut Self)) {
        self.scopes.frames.push(frame);
        visit(self);
        self.scopes.frames.pop();
    }

    /// The body of a loop.
    fn looping(&mut self, body: &'a [Stmt]) {
        let loops = |compiler: &mut Self, by: isize| {
            if let Some(frame) = compiler.scopes.frames.last_mut() {
                frame.loops = frame.loops.saturating_add_signed(by);
            }
        };
        loops(self, 1);
        self.visit_body(body);
        loops(self, -1);
    }

    fn defaults(&mut self, parameters: &'a Parameters) {
        parameters.iter_non_variadic_params().filter_map(|one| one.default()).for_each(|value| self.visit_expr(value));
    }

    fn function(&mut self, function: &'a StmtFunctionDef) {
        function.decorator_list.iter().for_each(|one| self.visit_expr(&one.expression));
        self.defaults(&function.parameters);
        self.typed(function.type_params.as_deref(), |compiler| {
            let said = function.parameters.iter().filter_map(|one| one.annotation());
            said.chain(function.returns.as_deref()).for_each(|annotation| compiler.visit_expr(annotation));
        });
        let frame = self.scopes.frame(Kind::Function { is_async: function.is_async }, &function.body);
        let frame = Frame { parameters: Some(&function.parameters), ..frame };
        self.within(frame, |compiler| compiler.visit_body(&function.body));
    }

    /// What type parameters stand in front of.
    fn typed(&mut self, parameters: Option<&'a TypeParams>, visit: impl FnOnce(&mut Self)) {
        let Some(parameters) = parameters else { return visit(self) };
        self.within(Frame::new(Kind::Type), |compiler| {
            compiler.visit_type_params(parameters);
            visit(compiler);
        });
    }

    /// A comprehension: what it goes through first belongs to what stands around it.
    fn comprehension(&mut self, generators: &'a [Comprehension], made: &[&'a Expr], is_lazy: bool) {
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        let is_async = generators.iter().any(|generator| generator.is_async);
        self.within(Frame::new(Kind::Comprehension { is_async, is_lazy }), |compiler| {
            for (at, generator) in generators.iter().enumerate() {
                compiler.visit_expr(&generator.target);
                if at > 0 {
                    compiler.visit_expr(&generator.iter);
                }
                generator.ifs.iter().for_each(|test| compiler.visit_expr(test));
            }
            made.iter().for_each(|one| compiler.visit_expr(one));
        });
    }
}

/// How many type parameters a definition has.
fn type_parameters(statement: &Stmt) -> usize {
    let of = match statement {
        Stmt::FunctionDef(function) => function.type_params.as_deref(),
        Stmt::ClassDef(class) => class.type_params.as_deref(),
        Stmt::TypeAlias(alias) => alias.type_params.as_deref(),
        _ => None,
    };
    of.map_or(0, |all| all.type_params.len())
}

impl<'a> Visitor<'a> for Compiler<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        // Each is compared with each.
        if type_parameters(statement) <= PARAMETERS {
            self.checker.visit_stmt(statement, &self.scopes);
        }
        match statement {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => {
                class.decorator_list.iter().for_each(|one| self.visit_expr(&one.expression));
                self.typed(class.type_params.as_deref(), |compiler| {
                    class.arguments.iter().for_each(|arguments| compiler.visit_arguments(arguments));
                });
                let frame = self.scopes.frame(Kind::Class, &class.body);
                self.within(frame, |compiler| compiler.visit_body(&class.body));
            }
            Stmt::For(each) => {
                self.visit_expr(&each.iter);
                self.visit_expr(&each.target);
                self.looping(&each.body);
                self.visit_body(&each.orelse);
            }
            Stmt::While(each) => {
                self.visit_expr(&each.test);
                self.looping(&each.body);
                self.visit_body(&each.orelse);
            }
            Stmt::Try(attempt) if attempt.is_star => {
                self.visit_body(&attempt.body);
                let around = self.scopes.caught(|frame| Some(frame.loops));
                attempt.handlers.iter().for_each(|handler| self.visit_except_handler(handler));
                self.scopes.caught(|_| around);
                self.visit_body(&attempt.orelse);
                self.visit_body(&attempt.finalbody);
            }
            Stmt::Try(attempt) => {
                let last = attempt.handlers.len().saturating_sub(1);
                let bare = |(at, handler): &(usize, &ExceptHandler)| {
                    *at < last && handler.as_except_handler().is_some_and(|one| one.type_.is_none())
                };
                if let Some((_, handler)) = attempt.handlers.iter().enumerate().find(bare) {
                    self.scopes.add(handler.start(), "default `except:` must be last".to_owned());
                }
                walk_stmt(self, statement);
            }
            Stmt::Return(_) | Stmt::Break(_) | Stmt::Continue(_) => {
                self.scopes.leaves(statement);
                walk_stmt(self, statement);
            }
            Stmt::TypeAlias(alias) => {
                self.within(Frame::new(Kind::Type), |compiler| {
                    alias.type_params.iter().for_each(|all| compiler.visit_type_params(all));
                    compiler.visit_expr(&alias.value);
                });
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_interpolated_string_element(&mut self, element: &'a InterpolatedStringElement) {
        if let Some(starred) = element.as_interpolation().filter(|part| part.expression.is_starred_expr()) {
            self.scopes.add(starred.expression.start(), "starred expression cannot be used here".to_owned());
        }
        walk_interpolated_string_element(self, element);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if self.depth > DEEPEST {
            return;
        }
        self.depth += 1;
        self.checker.visit_expr(expression, &self.scopes);
        match expression {
            Expr::Lambda(lambda) => {
                lambda.parameters.iter().for_each(|parameters| self.defaults(parameters));
                let frame = Frame { parameters: lambda.parameters.as_deref(), ..Frame::new(Kind::Lambda) };
                self.within(frame, |compiler| compiler.visit_expr(&lambda.body));
            }
            Expr::ListComp(all) => self.comprehension(&all.generators, &[&all.elt], false),
            Expr::SetComp(all) => self.comprehension(&all.generators, &[&all.elt], false),
            Expr::Generator(all) => self.comprehension(&all.generators, &[&all.elt], true),
            Expr::DictComp(all) => {
                let made: Vec<&Expr> = all.key.as_deref().into_iter().chain([&*all.value]).collect();
                self.comprehension(&all.generators, &made, false);
            }
            Expr::Name(name) => self.scopes.use_of(name),
            _ => walk_expr(self, expression),
        }
        self.depth -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{newest, python};

    fn told(text: &str, version: (u8, u8)) -> Vec<String> {
        let faults = python(text, version).err().unwrap_or_default();
        faults.into_iter().map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.what)).collect()
    }

    // Source: symtable.c and compile.c of CPython; faults of these kinds, put into its library, were compared with `compile()`.
    #[test]
    fn what_only_the_compiler_finds_is_told_with_its_place() {
        let table = [
            ("x = 1\nreturn x\n", "2:1: `return` statement outside of a function"),
            ("class A:\n    return\n", "2:5: `return` statement outside of a function"),
            ("def f():\n    class A:\n        x = yield\n", "3:13: `yield` statement outside of a function"),
            ("x = [(yield) for x in y]\n", "1:7: `yield` statement outside of a function"),
            ("def f():\n    await g()\n", "2:5: `await` outside of an asynchronous function"),
            ("def f():\n    async with g(): pass\n", "2:5: `async with` outside of an asynchronous function"),
            (
                "def f():\n    [x async for x in y]\n",
                "2:8: asynchronous comprehension outside of an asynchronous function",
            ),
            (
                "async def f():\n    yield from g()\n",
                "2:5: `yield from` statement in async function; use `async for` instead",
            ),
            ("async def f():\n    lambda: await g()\n", "2:13: `await` outside of an asynchronous function"),
            ("if x:\n    break\n", "2:5: `break` outside loop"),
            ("for x in y:\n    pass\nelse:\n    continue\n", "4:5: `continue` outside loop"),
            ("while 1:\n    def f():\n        break\n", "3:9: `break` outside loop"),
            ("while 1:\n    class A:\n        continue\n", "3:9: `continue` outside loop"),
            ("def f(a, a): pass\n", "1:10: duplicate parameter \"a\""),
            ("f = lambda a, *a: 0\n", "1:16: duplicate parameter \"a\""),
            ("f(a=1, a=2)\n", "1:8: duplicate keyword argument `a`"),
            ("nonlocal x\n", "1:1: nonlocal declaration not allowed at module level"),
            ("x = 1\ndef f():\n    nonlocal x\n", "3:14: no binding for nonlocal `x` found"),
            (
                "def f():\n    global x\n    x = 1\n    def g():\n        nonlocal x\n",
                "5:18: no binding for nonlocal `x` found",
            ),
            ("def f(x):\n    nonlocal x\n", "2:14: name `x` cannot refer to a parameter and a nonlocal variable"),
            ("def f(x):\n    global x\n", "2:12: name `x` cannot refer to a parameter and a global variable"),
            ("def f():\n    x = 1\n    global x\n", "2:5: name `x` is used prior to global declaration"),
            (
                "def f():\n    x = 1\n    def g():\n        print(x)\n        nonlocal x\n",
                "4:15: name `x` is used prior to nonlocal declaration",
            ),
            ("x = 1\nglobal x\n", "1:1: name `x` is used prior to global declaration"),
            (
                "def f():\n    x = 1\n    def g():\n        global x\n        nonlocal x\n",
                "5:18: name `x` is nonlocal and global",
            ),
            (
                "import os\nfrom __future__ import annotations\n",
                "2:1: __future__ imports must be at the top of the file",
            ),
            ("from __future__ import nothing\n", "1:24: future feature `nothing` is not defined"),
            ("def f():\n    from os import *\n", "2:5: `from os import *` only allowed at module level"),
            ("*a = 1\n", "1:1: starred assignment target must be in a list or tuple"),
            ("*a, *b = 1\n", "1:1: two starred expressions in assignment"),
            ("async def f():\n    yield 1\n    return 2\n", "3:5: `return` with value in async generator"),
            ("[(x := 1) for x in y]\n", "1:3: assignment expression cannot rebind comprehension variable"),
            (
                "while x:\n    try: pass\n    except* E: break\n",
                "3:16: `break`, `continue` and `return` cannot appear in an `except*` block",
            ),
            (
                "def f():\n    try: pass\n    except* E:\n        while x: return\n",
                "4:18: `break`, `continue` and `return` cannot appear in an `except*` block",
            ),
            ("try: pass\nexcept: pass\nexcept E: pass\n", "2:1: default `except:` must be last"),
            ("f'{*a}'\n", "1:4: starred expression cannot be used here"),
            ("__debug__ = 1\n", "1:1: cannot assign to `__debug__`"),
        ];
        for (text, expected) in table {
            assert_eq!(told(text, newest()).first().map(String::as_str), Some(expected), "{text}");
        }
    }

    #[test]
    fn many_type_parameters_are_not_compared_with_each_other() {
        let many: String = (0..50_000).map(|n| format!("T{n}, ")).collect();
        assert_eq!(told(&format!("def f[{many}](): pass\n"), newest()), [] as [&str; 0]);
    }

    #[test]
    fn what_the_compiler_takes_is_no_fault() {
        let table = [
            "'''Doc.'''\nfrom __future__ import annotations\nfrom __future__ import division\nimport os\n",
            "def f():\n    x = yield\n    lambda: (yield)\n    return x\n",
            "async def f():\n    return [await x async for x in y], {await z: 1 for z in w}\n",
            "def f():\n    return (await x for x in y), (x async for x in y)\n",
            "for x in y:\n    if x: break\n    while 1: continue\n    try: pass\n    finally: break\n",
            "def f():\n    def g():\n        nonlocal x\n        x = 2\n    x = 1\n",
            "def f():\n    for x in y: pass\n    class A:\n        nonlocal x\n        x = 1\n",
            "def f():\n    with a as (b, c):\n        def g():\n            def h():\n                nonlocal b, c\n",
            "def f():\n    import a.b, c as d\n    try: pass\n    except E as e: pass\n    def g(): nonlocal a, d, e\n",
            "def f():\n    if [y := 1 for z in w]: pass\n    del v\n    u: int\n    def g(): nonlocal y, v, u\n",
            "def f():\n    match x:\n        case [a, *b] | {'c': a, **b}: pass\n        case A(c=c) as d: pass\n    def g(): nonlocal a, b, c, d\n",
            "class A:\n    def f(self):\n        nonlocal __class__\n",
            "def f(x):\n    def g():\n        nonlocal x\n        def h():\n            nonlocal x\n",
            "def f():\n    global x\n    x = 1\n    global y, z\n    [x for x in x]\n",
            "def f():\n    lambda x: x\n    [x for x in y]\n    def g(x): pass\n    global x\n",
            "global x\nx = 1\n",
            "@(lambda f: f)\ndef f(a=(lambda: (yield)), *, b: int = 1) -> int:\n    return a\n",
            "f(**a, **b, c=1, d=2)\n",
            "match x:\n    case {'a': 1, 'b': 2, **c}: pass\n    case [_, _, *_]: pass\n    case _: pass\n",
            "class A[T](B[T]):\n    def f[U](self, x: U) -> T: return x\n",
            "type A[T] = list[T]\n",
            "try: pass\nexcept* E:\n    while x: break\n    def f(): return\n",
        ];
        for text in table {
            assert_eq!(told(text, newest()), [] as [&str; 0], "{text}");
        }
    }
}
