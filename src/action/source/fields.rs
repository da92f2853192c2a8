//! Fields of classes: how they are written, and what of them another version of the module has lost.
//! Knows no rules.

use super::module::{Class, Module, Reader};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextSize};

/// A field as it is written.
pub(super) struct Spelling {
    pub(super) name: String,
    pub(super) of: String,
    pub(super) at: TextSize,
}

/// A field or class that others may rest on, and that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    /// What became of it, as a fragment.
    pub what: String,
    /// Where it stands; of what is gone: where it stood.
    pub line: u64,
    /// The same.
    pub column: u64,
}

/// The fields of a class's body: annotated and assigned names, and what `__init__` assigns to `self`.
pub(super) fn spelled(reader: &Reader<'_>, body: &[Stmt]) -> Vec<Spelling> {
    let mut all: Vec<Spelling> = Vec::new();
    own(reader, body, &mut all);
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|field| seen.insert(field.name.clone()));
    all
}

/// The same, with what is in branches of the body.
fn own(reader: &Reader<'_>, body: &[Stmt], all: &mut Vec<Spelling>) {
    for statement in body {
        if let Stmt::AnnAssign(assign) = statement {
            if let Expr::Name(name) = &*assign.target {
                let mut of = plain(reader.source(&*assign.annotation));
                if of.starts_with("Mapped[") {
                    of += &assign.value.as_ref().map(|value| made(reader, value)).unwrap_or_default();
                }
                all.push(Spelling { name: name.id.to_string(), of, at: name.start() });
            }
        } else if let Stmt::Assign(assign) = statement {
            let names = assign.targets.iter().filter_map(|target| target.as_name_expr());
            let names = names.filter(|name| !name.id.starts_with("__"));
            all.extend(names.map(|name| Spelling {
                name: name.id.to_string(),
                of: made(reader, &assign.value),
                at: name.start(),
            }));
        } else if let Stmt::FunctionDef(function) = statement
            && function.name.as_str() == "__init__"
        {
            let own = function.parameters.iter_non_variadic_params().next();
            let own = own.map_or_else(String::new, |own| own.parameter.name.to_string());
            attributes(reader, &function.body, &own, all);
        } else {
            branches(statement).into_iter().for_each(|body| own(reader, body, all));
        }
    }
}

/// What is assigned to attributes of `own`.
fn attributes(reader: &Reader<'_>, body: &[Stmt], own: &str, into: &mut Vec<Spelling>) {
    for statement in body {
        if let Stmt::AnnAssign(assign) = statement {
            assigned(&assign.target, own, &plain(reader.source(&*assign.annotation)), into);
        } else if let Stmt::Assign(assign) = statement {
            assign.targets.iter().for_each(|target| assigned(target, own, "", into));
        } else {
            branches(statement).into_iter().for_each(|body| attributes(reader, body, own, into));
        }
    }
}

/// What of a target is an attribute of `own`.
fn assigned(target: &Expr, own: &str, of: &str, into: &mut Vec<Spelling>) {
    if let Expr::Attribute(attribute) = target {
        if attribute.value.as_name_expr().is_some_and(|name| name.id.as_str() == own) {
            into.push(Spelling { name: attribute.attr.to_string(), of: of.to_owned(), at: attribute.start() });
        }
    } else if let Expr::Tuple(all) = target {
        all.elts.iter().for_each(|one| assigned(one, own, of, into));
    } else if let Expr::List(all) = target {
        all.elts.iter().for_each(|one| assigned(one, own, of, into));
    } else if let Expr::Starred(one) = target {
        assigned(&one.value, own, of, into);
    }
}

/// The statements that another holds in the same scope.
fn branches(statement: &Stmt) -> Vec<&[Stmt]> {
    if let Stmt::If(branch) = statement {
        let clauses = branch.elif_else_clauses.iter().map(|clause| clause.body.as_slice());
        std::iter::once(branch.body.as_slice()).chain(clauses).collect()
    } else if let Stmt::Try(attempt) = statement {
        let handlers = attempt.handlers.iter().filter_map(|one| one.as_except_handler()).map(|one| one.body.as_slice());
        let rest = [attempt.orelse.as_slice(), attempt.finalbody.as_slice()];
        std::iter::once(attempt.body.as_slice()).chain(handlers).chain(rest).collect()
    } else if let Stmt::With(with) = statement {
        vec![&with.body]
    } else if let Stmt::For(each) = statement {
        vec![&each.body, &each.orelse]
    } else if let Stmt::While(each) = statement {
        vec![&each.body, &each.orelse]
    } else if let Stmt::Match(choice) = statement {
        choice.cases.iter().map(|case| case.body.as_slice()).collect()
    } else {
        Vec::new()
    }
}

/// An annotation without what makes no difference: blanks, quotes, the module `typing`.
fn plain(annotation: &str) -> String {
    let text: String = annotation.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect();
    text.replace("typing.", "")
}

/// What an assigned value says of a field's type: what makes it and from what (`Column(Integer)`), or the kind of a literal.
fn made(reader: &Reader<'_>, value: &Expr) -> String {
    if let Expr::Call(call) = value {
        let arguments: Vec<String> = call.arguments.args.iter().map(|one| plain(reader.source(one))).collect();
        return format!("{}({})", plain(reader.source(&*call.func)), arguments.join(","));
    }
    let literal = if value.is_string_literal_expr() {
        "str"
    } else if value.is_bytes_literal_expr() {
        "bytes"
    } else if value.is_boolean_literal_expr() {
        "bool"
    } else if let Some(number) = value.as_number_literal_expr() {
        match number.value {
            ruff_python_ast::Number::Int(_) => "int",
            ruff_python_ast::Number::Float(_) => "float",
            ruff_python_ast::Number::Complex { .. } => "complex",
        }
    } else {
        ""
    };
    literal.to_owned()
}

/// Fields and classes of `before` that `after` has not, or with another type. `None`: the module itself is gone.
pub fn lost(before: &Module, after: Option<&Module>) -> Vec<Lost> {
    let mut all = Vec::new();
    for class in &before.classes {
        let now = after.and_then(|after| after.classes.iter().rev().find(|now| now.name == class.name));
        let (Some(now), Some(after)) = (now, after) else {
            let place = class.fields.first().map_or((1, 1), |first| (first.line, first.column));
            if !class.fields.is_empty() {
                let what = format!("class `{}` is gone, with its fields", class.name);
                all.push(Lost { what, line: place.0, column: place.1 });
            }
            continue;
        };
        for field in &class.fields {
            let (name, of) = (&field.name, &field.of);
            let what = match found(after, now, name, 0) {
                None => format!("field `{}.{name}` is gone", class.name),
                Some(now) if now.of != *of && !of.is_empty() => {
                    let new = if now.of.is_empty() { "of no said type" } else { &now.of };
                    all.push(Lost {
                        what: format!("field `{}.{name}` is `{new}` and was `{of}`", class.name),
                        line: now.line,
                        column: now.column,
                    });
                    continue;
                }
                Some(_) => continue,
            };
            all.push(Lost { what, line: field.line, column: field.column });
        }
    }
    all
}

/// The field of a class, or of a base of it in the same module.
fn found<'m>(module: &'m Module, class: &'m Class, name: &str, depth: usize) -> Option<&'m super::Field> {
    const DEEPEST: usize = 16;
    if let Some(own) = class.fields.iter().find(|field| field.name == name) {
        return Some(own);
    }
    let bases = class.bases.iter().filter(|_| depth < DEEPEST);
    bases
        .filter_map(|base| module.classes.iter().find(|other| other.name == *base && other.name != class.name))
        .find_map(|base| found(module, base, name, depth + 1))
}

#[cfg(test)]
mod tests {
    use super::super::{newest, python};
    use super::*;

    fn told(before: &str, after: &str) -> Vec<String> {
        let read = |text: &str| python(text, newest()).unwrap();
        let lost = lost(&read(before), Some(&read(after)));
        lost.into_iter().map(|lost| format!("{}:{}: {}", lost.line, lost.column, lost.what)).collect()
    }

    #[test]
    fn what_a_class_loses_is_told_and_what_it_gains_is_not() {
        let order = "@dataclass\nclass Order:\n    id: int\n    price: Optional[float] = None\n";
        let table: [(&str, &str, &[&str]); 17] = [
            (order, order, &[]),
            (order, "class Order:\n    price: 'Optional[ float ]' = 1.0\n    id: int = 0\n    new: str\n", &[]),
            (order, "class Order:\n    id: int\n", &["4:5: field `Order.price` is gone"]),
            (order, "class Order:\n    id: int\n    cost: Optional[float]\n", &["4:5: field `Order.price` is gone"]),
            (
                order,
                "class Order:\n    id: str\n    price: typing.Optional[float]\n",
                &["2:5: field `Order.id` is `str` and was `int`"],
            ),
            (order, "class Orders:\n    id: int\n", &["3:5: class `Order` is gone, with its fields"]),
            (
                order,
                "class Base:\n    id: int\nclass Order(m.Base):\n    price: Optional[float]\n    def f(self): pass\n",
                &[],
            ),
            (
                "class A(Base):\n    a = Column(Integer, primary_key=True)\n",
                "class A(Base):\n    a = Column(String, primary_key=True)\n",
                &["2:5: field `A.a` is `Column(String)` and was `Column(Integer)`"],
            ),
            (
                "class A(Base):\n    a = Column(Integer, primary_key=True)\n",
                "class A(Base):\n    a = Column(Integer)\n",
                &[],
            ),
            (
                "class A:\n    a: Mapped[int] = mapped_column(Integer)\n",
                "class A:\n    a: Mapped[int] = mapped_column(BigInteger)\n",
                &[
                    "2:5: field `A.a` is `Mapped[int]mapped_column(BigInteger)` and was `Mapped[int]mapped_column(Integer)`",
                ],
            ),
            ("class Side(Enum):\n    BUY = 'buy'\n", "class Side(Enum):\n    BUY = 'b'\n", &[]),
            (
                "class Side(Enum):\n    BUY = 'buy'\n    SELL = 's'\n",
                "class Side(Enum):\n    BUY = 1\n",
                &["2:5: field `Side.BUY` is `int` and was `str`", "3:5: field `Side.SELL` is gone"],
            ),
            (
                "class A:\n    def __init__(self, a):\n        self.a = a\n        if a:\n            self.b: int = 1\n",
                "class A:\n    def __init__(self, a):\n        self.a = 2\n",
                &["5:13: field `A.b` is gone"],
            ),
            (
                "class A:\n    class B:\n        x: int\n",
                "class A:\n    class B:\n        y: int\n",
                &["3:9: field `A.B.x` is gone"],
            ),
            ("class A(B):\n    def f(self): pass\nclass C(D): pass\n", "x = 1\n", &[]),
            (
                "class A:\n    def __init__(self, a):\n        with a: self.a, (self.b, *c) = a\n",
                "class A:\n    def __init__(self, a):\n        self.a = a\n",
                &["3:26: field `A.b` is gone"],
            ),
            ("class A:\n    if X:\n        a: int\n", "class A:\n    b: int\n", &["3:9: field `A.a` is gone"]),
        ];
        for (before, after, expected) in table {
            assert_eq!(told(before, after), expected, "{before}{after}");
        }
    }

    #[test]
    fn bases_that_lead_round_in_a_circle_are_followed_once() {
        let circle = "class A(B):\n    x: int\nclass B(A):\n    pass\n";
        let without = "class A(B):\n    y: int\nclass B(A):\n    pass\n";
        assert_eq!(told(circle, without), ["2:5: field `A.x` is gone"]);
    }
}
