//! FROM and joins out of sqlparser's tree.

use super::Ast;
use crate::action::query::name::{Called, Name, Path, Spelling};
use crate::action::query::shape::{Call, Expr, From, Join, Literal, Node, On, Source};
use crate::action::query::{Engine, Place, Unreadable};
use sqlparser::ast::{
    Expr as Raw, FunctionArg, Join as RawJoin, JoinConstraint, JoinOperator, JsonTableColumn, ObjectName, TableAlias,
    TableFactor, TableSampleKind, TableWithJoins, XmlTableColumnOption,
};

impl Ast<'_> {
    /// All items of FROM, joins flat.
    pub(super) fn sources(&self, items: &[TableWithJoins], at: Place) -> Result<Vec<Source>, Unreadable> {
        let mut sources = Vec::with_capacity(items.len());
        for item in items {
            self.joined(item, at, &mut sources)?;
        }
        Ok(sources)
    }

    fn joined(&self, item: &TableWithJoins, at: Place, into: &mut Vec<Source>) -> Result<(), Unreadable> {
        let TableWithJoins { relation, joins } = item;
        into.push(self.source(relation, at)?);
        for RawJoin { relation, global, join_operator } in joins {
            let source = self.source(relation, at)?;
            if *global {
                return self.unknown(source.place, "`GLOBAL`");
            }
            let (join, constraint) = self.kind(join_operator, source.place)?;
            let on = match constraint {
                JoinConstraint::On(on) => self.on(on, source.place)?,
                JoinConstraint::Using(names) => {
                    let names: Result<Vec<Name>, _> = names.iter().map(|name| Ok(self.path(name)?.0.name)).collect();
                    On::Columns(names?)
                }
                JoinConstraint::Natural => On::Natural,
                JoinConstraint::None => On::Nothing,
            };
            into.push(Source { join, on, ..source });
        }
        Ok(())
    }

    /// QuestDB's own joins come as kinds that it does not have (see `questdb`).
    fn kind<'o>(&self, operator: &'o JoinOperator, at: Place) -> Result<(Join, &'o JoinConstraint), Unreadable> {
        let is_quest = self.engine == Engine::QuestDb;
        Ok(match operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) => (Join::Inner, on),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (Join::Left, on),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (Join::Right, on),
            JoinOperator::FullOuter(on) => (Join::Full, on),
            JoinOperator::CrossJoin(on) => (Join::Cross, on),
            JoinOperator::LeftSemi(on) if is_quest => (Join::Asof, on),
            JoinOperator::RightSemi(on) if is_quest => (Join::Lt, on),
            JoinOperator::LeftAnti(on) if is_quest => (Join::Splice, on),
            JoinOperator::RightAnti(on) if is_quest => (Join::Window, on),
            JoinOperator::Semi(on) if is_quest => (Join::Horizon, on),
            _ => return self.unknown(at, "this kind of join"),
        })
    }

    /// A condition; in QuestDB `ON (a, b)` names columns.
    fn on(&self, on: &Raw, at: Place) -> Result<On, Unreadable> {
        let column = |raw: &Raw| match raw {
            Raw::Identifier(ident) => Some(self.name(ident)),
            _ => None,
        };
        let columns = match on {
            Raw::Tuple(parts) => parts.iter().map(column).collect::<Option<Vec<_>>>(),
            Raw::Nested(inner) => column(inner).map(|name| vec![name]),
            _ => None,
        };
        match columns {
            Some(columns) if self.engine == Engine::QuestDb => Ok(On::Columns(columns)),
            _ => Ok(On::Condition(Box::new(self.expr(on, at)?))),
        }
    }

    /// A source that stands alone.
    fn plain(place: Place, from: From) -> Source {
        Source {
            place,
            join: Join::Comma,
            from,
            alias: None,
            columns: Vec::new(),
            on: On::Nothing,
            is_lateral: false,
            is_only: false,
            sampled: None,
        }
    }

    fn aliased(&self, mut source: Source, alias: Option<&TableAlias>) -> Result<Source, Unreadable> {
        if let Some(TableAlias { explicit: _, name, columns, at }) = alias {
            if let Some(at) = at {
                return self.unknown(self.place(at.span), "`AT` behind an alias");
            }
            source.alias = Some(self.name(name));
            source.columns = columns.iter().map(|column| self.name(&column.name)).collect();
        }
        Ok(source)
    }

    /// A table.
    pub(super) fn table(&self, name: &ObjectName) -> Result<Source, Unreadable> {
        let relation = self.relation(name)?;
        Ok(Self::plain(relation.place, From::Relation(relation)))
    }

    /// One item of FROM.
    pub(super) fn source(&self, factor: &TableFactor, at: Place) -> Result<Source, Unreadable> {
        let _level = self.level.enter(at)?;
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version: None,
                with_ordinality: _,
                partitions,
                json_path: None,
                sample,
                index_hints,
            } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
                let mut source = match args {
                    None => self.table(name)?,
                    Some(args) if args.settings.is_none() => self.table_call(name, &args.args)?,
                    Some(_) => return self.unknown(at, "settings of a table function"),
                };
                source.sampled = self.sample(sample.as_ref(), source.place)?;
                self.aliased(source, alias.as_ref())
            }
            TableFactor::Derived { lateral, subquery, alias, sample: None } => {
                let body = self.body(subquery, at)?;
                let mut source = Self::plain(body.place, From::Query(Box::new(body)));
                source.is_lateral = *lateral;
                self.aliased(source, alias.as_ref())
            }
            TableFactor::Function { lateral, name, args, with_ordinality: _, alias } => {
                let mut source = self.table_call(name, args)?;
                source.is_lateral = *lateral;
                self.aliased(source, alias.as_ref())
            }
            TableFactor::TableFunction { expr, alias } => {
                let call = self.expr(expr, at)?;
                self.aliased(Self::plain(call.place, From::Calls(vec![call])), alias.as_ref())
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset: false,
                with_offset_alias: None,
                with_ordinality: _,
            } => {
                let arguments = self.exprs(array_exprs, at)?;
                let call = self.syntax("unnest", at, arguments);
                self.aliased(Self::plain(call.place, From::Calls(vec![call])), alias.as_ref())
            }
            TableFactor::JsonTable { json_expr, json_path: _, columns, alias } => {
                let mut arguments = vec![self.expr(json_expr, at)?];
                self.json_columns(columns, at, &mut arguments)?;
                let call = self.syntax("json_table", at, arguments);
                self.aliased(Self::plain(call.place, From::Calls(vec![call])), alias.as_ref())
            }
            TableFactor::XmlTable { namespaces, row_expression, passing, columns, alias } => {
                let mut arguments = Vec::new();
                for namespace in namespaces {
                    arguments.push(self.expr(&namespace.uri, at)?);
                }
                arguments.push(self.expr(row_expression, at)?);
                for passed in &passing.arguments {
                    arguments.push(self.expr(&passed.expr, at)?);
                }
                for column in columns {
                    if let XmlTableColumnOption::NamedInfo { r#type, path, default, nullable: _ } = &column.option {
                        arguments.push(self.typed(r#type, at)?);
                        arguments.extend(self.some(path.as_ref(), at)?);
                        arguments.extend(self.some(default.as_ref(), at)?);
                    }
                }
                let call = self.syntax("xmltable", at, arguments);
                self.aliased(Self::plain(call.place, From::Calls(vec![call])), alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let mut inner = Vec::new();
                self.joined(table_with_joins, at, &mut inner)?;
                let place = inner.first().map_or(at, |first| first.place);
                self.aliased(Self::plain(place, From::Nested(inner)), alias.as_ref())
            }
            _ => self.unknown(at, "this source of rows"),
        }
    }

    fn typed(&self, of: &sqlparser::ast::DataType, at: Place) -> Result<Expr, Unreadable> {
        let null = Box::new(Expr { place: at, node: Node::Literal(Literal::Null) });
        Ok(Expr { place: at, node: Node::Cast { of: null, to: self.type_name(of, at)? } })
    }

    fn json_columns(&self, columns: &[JsonTableColumn], at: Place, into: &mut Vec<Expr>) -> Result<(), Unreadable> {
        let _level = self.level.enter(at)?;
        for column in columns {
            match column {
                JsonTableColumn::Named(named) => into.push(self.typed(&named.r#type, at)?),
                JsonTableColumn::ForOrdinality(_) => {}
                JsonTableColumn::Nested(nested) => self.json_columns(&nested.columns, at, into)?,
            }
        }
        Ok(())
    }

    /// A call that stands in FROM.
    fn table_call(&self, name: &ObjectName, args: &[FunctionArg]) -> Result<Source, Unreadable> {
        let (path, place) = self.path(name)?;
        let function = Called { path, spelling: Spelling::Call, place };
        let mut call =
            Call { function, arguments: Vec::new(), is_distinct: false, order: Vec::new(), filter: None, over: None };
        for arg in args {
            self.argument(arg, &mut call, place)?;
        }
        Ok(Self::plain(place, From::Calls(vec![Expr { place, node: Node::Call(Box::new(call)) }])))
    }

    /// A call whose place the parser does not tell.
    fn syntax(&self, name: &str, at: Place, arguments: Vec<Expr>) -> Expr {
        let before = arguments.iter().map(|argument| argument.place).filter(|place| *place > at).min();
        let place = self.tokens.word_before(before.unwrap_or(at), name).unwrap_or(at);
        let path = Path { qualifier: Vec::new(), name: Name::new(self.engine, name, false) };
        let function = Called { path, spelling: Spelling::Call, place };
        let call = Call { function, arguments, is_distinct: false, order: Vec::new(), filter: None, over: None };
        Expr { place, node: Node::Call(Box::new(call)) }
    }

    /// `TABLESAMPLE method (…)`, as the call that it is.
    fn sample(&self, sample: Option<&TableSampleKind>, at: Place) -> Result<Option<Expr>, Unreadable> {
        let Some(sample) = sample else { return Ok(None) };
        let (TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) = sample;
        match (&sample.name, &sample.quantity) {
            (Some(method), Some(quantity)) if sample.bucket.is_none() && sample.offset.is_none() => {
                let arguments = vec![self.expr(&quantity.value, at)?];
                Ok(Some(self.syntax(&method.to_string().to_lowercase(), at, arguments)))
            }
            _ => self.unknown(at, "this form of a sample"),
        }
    }
}
