//! Calls and windows out of sqlparser's tree.

use super::Ast;
use super::expr::star;
use crate::action::query::name::{Called, Name, Operator, Path, Spelling};
use crate::action::query::shape::{Bound, Call, Expr, Frame, Literal, Node, QueryAs, Sort, Unit, Window};
use crate::action::query::{Engine, Place, Unreadable};
use sqlparser::ast::{
    CeilFloorKind, DuplicateTreatment, Expr as Raw, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator,
    FunctionArgumentClause, FunctionArguments, OrderByExpr, OrderByOptions, OrderBySort, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowSpec, WindowType,
};

impl Ast<'_> {
    /// A call, in any of the shapes the parser has for one.
    pub(super) fn called(&self, raw: &Raw, at: Place) -> Result<Expr, Unreadable> {
        match raw {
            Raw::Function(function) => self.function(function),
            Raw::Extract { field, syntax: _, expr } => {
                let field = Literal::Text(field.to_string().trim_matches('\'').to_lowercase());
                let field = Expr { place: at, node: Node::Literal(field) };
                self.special("extract", at, vec![field], &[expr])
            }
            Raw::Ceil { expr, field } => self.rounded("ceil", field, expr, at),
            Raw::Floor { expr, field } => self.rounded("floor", field, expr, at),
            Raw::Position { expr, r#in } => self.special("position", at, Vec::new(), &[expr, r#in]),
            Raw::Substring { expr, substring_from, substring_for, special: _, shorthand } => {
                let mut parts: Vec<&Raw> = vec![expr];
                parts.extend(substring_from.as_deref());
                parts.extend(substring_for.as_deref());
                self.special(if *shorthand { "substr" } else { "substring" }, at, Vec::new(), &parts)
            }
            Raw::Trim { trim_where: _, trim_what, expr, trim_characters } => {
                let mut parts: Vec<&Raw> = trim_what.as_deref().into_iter().collect();
                parts.push(expr);
                parts.extend(trim_characters.iter().flatten());
                self.special("trim", at, Vec::new(), &parts)
            }
            Raw::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let mut parts: Vec<&Raw> = vec![expr, overlay_what, overlay_from];
                parts.extend(overlay_for.as_deref());
                self.special("overlay", at, Vec::new(), &parts)
            }
            _ => self.unknown(at, "this expression"),
        }
    }

    fn rounded(&self, name: &str, kind: &CeilFloorKind, of: &Raw, at: Place) -> Result<Expr, Unreadable> {
        let mut call = self.special(name, at, Vec::new(), &[of])?;
        match kind {
            CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime) => {}
            CeilFloorKind::DateTimeField(_) => return self.unknown(at, "this form of rounding"),
            CeilFloorKind::Scale(scale) => {
                let scale = Expr { place: self.place(scale.span), node: Node::Literal(self.literal(scale)?) };
                if let Node::Call(call) = &mut call.node {
                    call.arguments.push(scale);
                }
            }
        }
        Ok(call)
    }

    fn special(&self, name: &str, at: Place, first: Vec<Expr>, parts: &[&Raw]) -> Result<Expr, Unreadable> {
        let mut arguments = first;
        for part in parts {
            arguments.push(self.expr(part, at)?);
        }
        // The parser does not say where the call begins; its first argument stands behind the name.
        let place = self.tokens.word_before(arguments.last().map_or(at, |argument| argument.place), name).unwrap_or(at);
        let path = Path { qualifier: Vec::new(), name: Name::new(self.engine, name, false) };
        let function = Called { path, spelling: Spelling::Call, place };
        let call = Call { function, arguments, is_distinct: false, order: Vec::new(), filter: None, over: None };
        Ok(Expr { place, node: Node::Call(Box::new(call)) })
    }

    /// A call of a named function.
    fn function(&self, function: &Function) -> Result<Expr, Unreadable> {
        let Function { name, uses_odbc_syntax, parameters, args, within_group, filter, null_treatment: _, over } =
            function;
        let (path, place) = self.path(name)?;
        if *uses_odbc_syntax || *parameters != FunctionArguments::None {
            return self.unknown(place, "this form of a call");
        }
        let is_bare = path.qualifier.is_empty() && !path.name.is_quoted();
        let mut call = Call {
            function: Called { path, spelling: Spelling::Call, place },
            arguments: Vec::new(),
            is_distinct: false,
            order: Vec::new(),
            filter: self.some(filter.as_deref(), place)?,
            over: over.as_ref().map(|over| self.over(over, place)).transpose()?,
        };
        match args {
            FunctionArguments::None => call.function.spelling = Spelling::Syntax,
            FunctionArguments::Subquery(query) if is_bare && call.function.path.name.as_str() == "array" => {
                return self.query_expr(query, QueryAs::Array, place);
            }
            FunctionArguments::Subquery(_) => return self.unknown(place, "a query as the arguments of a call"),
            FunctionArguments::List(list) => {
                call.is_distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
                for arg in &list.args {
                    self.argument(arg, &mut call, place)?;
                }
                for clause in &list.clauses {
                    self.clause(clause, &mut call, place)?;
                }
            }
        }
        call.order.extend(self.order(within_group, place)?);
        let is_row = self.engine == Engine::Postgres && is_bare && call.function.path.name.as_str() == "row";
        if is_row && call.function.spelling == Spelling::Call {
            return Ok(Expr { place, node: Node::Row(call.arguments) });
        }
        Ok(Expr { place, node: Node::Call(Box::new(call)) })
    }

    /// An argument; the names of named ones are left out.
    pub(super) fn argument(&self, arg: &FunctionArg, call: &mut Call, at: Place) -> Result<(), Unreadable> {
        let arg = match arg {
            FunctionArg::Unnamed(arg) => arg,
            FunctionArg::Named { name: _, arg, operator: _ } => arg,
            FunctionArg::ExprNamed { name, arg, operator } => {
                let is_named = matches!(
                    operator,
                    FunctionArgOperator::RightArrow | FunctionArgOperator::Assignment | FunctionArgOperator::Space
                );
                if !(is_named && matches!(name, Raw::Identifier(_))) {
                    call.arguments.push(self.expr(name, at)?);
                }
                arg
            }
        };
        call.arguments.push(match arg {
            FunctionArgExpr::Expr(expr) => self.expr(expr, at)?,
            FunctionArgExpr::Wildcard => Expr { place: at, node: Node::Star(Vec::new()) },
            FunctionArgExpr::QualifiedWildcard(name) => {
                let (path, place) = self.path(name)?;
                Expr { place, node: star(path) }
            }
            FunctionArgExpr::WildcardWithOptions(_) => return self.unknown(at, "what stands behind `*`"),
        });
        Ok(())
    }

    fn clause(&self, clause: &FunctionArgumentClause, call: &mut Call, at: Place) -> Result<(), Unreadable> {
        match clause {
            FunctionArgumentClause::IgnoreOrRespectNulls(_) | FunctionArgumentClause::JsonNullClause(_) => {}
            FunctionArgumentClause::OrderBy(order) => call.order.extend(self.order(order, at)?),
            FunctionArgumentClause::JsonReturningClause(returning) => {
                let of = Box::new(Expr { place: at, node: Node::Literal(Literal::Null) });
                let to = self.type_name(&returning.data_type, at)?;
                call.arguments.push(Expr { place: at, node: Node::Cast { of, to } });
            }
            _ => return self.unknown(at, "this clause among the arguments of a call"),
        }
        Ok(())
    }

    /// Keys of an order.
    pub(super) fn order(&self, order: &[OrderByExpr], at: Place) -> Result<Vec<Sort>, Unreadable> {
        let mut sorts = Vec::with_capacity(order.len());
        for OrderByExpr { expr, options: OrderByOptions { sort, nulls_first: _ }, with_fill } in order {
            let expr = self.expr(expr, at)?;
            if with_fill.is_some() {
                return self.unknown(expr.place, "`WITH FILL`");
            }
            let using = match sort {
                Some(OrderBySort::Using(name)) => {
                    let (path, place) = self.path(name)?;
                    let schema = path.schema().cloned();
                    Some(Operator { schema, symbol: path.name.as_str().to_owned(), place })
                }
                Some(OrderBySort::Asc | OrderBySort::Desc) | None => None,
            };
            sorts.push(Sort { expr, descends: matches!(sort, Some(OrderBySort::Desc)), using });
        }
        Ok(sorts)
    }

    fn over(&self, over: &WindowType, at: Place) -> Result<Window, Unreadable> {
        match over {
            WindowType::WindowSpec(spec) => self.window(spec, at),
            WindowType::NamedWindow(name) => {
                let place = self.place(name.span);
                let base = Some(self.name(name));
                Ok(Window { place, base, partition: Vec::new(), order: Vec::new(), frame: None })
            }
        }
    }

    /// A window.
    pub(super) fn window(&self, spec: &WindowSpec, at: Place) -> Result<Window, Unreadable> {
        let WindowSpec { window_name, partition_by, order_by, window_frame } = spec;
        let frame = match window_frame {
            None => None,
            Some(WindowFrame { units, start_bound, end_bound }) => Some(Frame {
                unit: match units {
                    WindowFrameUnits::Rows => Unit::Rows,
                    WindowFrameUnits::Range => Unit::Range,
                    WindowFrameUnits::Groups => Unit::Groups,
                },
                start: self.bound(start_bound, at)?,
                end: end_bound.as_ref().map(|bound| self.bound(bound, at)).transpose()?,
            }),
        };
        Ok(Window {
            place: at,
            base: window_name.as_ref().map(|name| self.name(name)),
            partition: self.exprs(partition_by, at)?,
            order: self.order(order_by, at)?,
            frame,
        })
    }

    fn bound(&self, bound: &WindowFrameBound, at: Place) -> Result<Bound, Unreadable> {
        // The parser takes `'1 day' PRECEDING` for an interval that says so.
        let raw = |of: &Raw| match of {
            Raw::Interval(interval) => {
                let of = self.expr(&interval.value, at)?;
                let is_said = self.tokens.follows_word(of.place, "interval");
                if is_said { self.expr(&Raw::Interval(interval.clone()), at) } else { Ok(of) }
            }
            of => self.expr(of, at),
        };
        Ok(match bound {
            WindowFrameBound::CurrentRow => Bound::Current,
            WindowFrameBound::Preceding(None) => Bound::Start,
            WindowFrameBound::Preceding(Some(of)) => Bound::Preceding(Box::new(raw(of)?)),
            WindowFrameBound::Following(None) => Bound::End,
            WindowFrameBound::Following(Some(of)) => Bound::Following(Box::new(raw(of)?)),
        })
    }
}
