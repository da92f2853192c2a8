//! Queries out of sqlparser's tree.

use super::Ast;
use super::expr::star;
use crate::action::query::name::{Lock, Relation};
use crate::action::query::shape::{
    Block, Body, Call, Column, Compound, Definition, Distinct, Expr, From, Limit, Literal, Node, Sample, Set,
};
use crate::action::query::{Engine, Place, Unreadable, flat};
use sqlparser::ast::{
    Cte, Distinct as RawDistinct, Expr as Raw, Fetch, GroupByExpr, LimitClause, LockClause, LockType, NamedWindowExpr,
    OrderBy, OrderByKind, Query, Select, SelectFlavor, SelectInto, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, SetOperator, SetQuantifier, WildcardAdditionalOptions,
};

impl Ast<'_> {
    /// A query.
    pub(super) fn body(&self, query: &Query, at: Place) -> Result<Body, Unreadable> {
        let _level = self.level.enter(at)?;
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if for_clause.is_some() || settings.is_some() || format_clause.is_some() || !pipe_operators.is_empty() {
            return self.unknown(at, "a clause behind the query");
        }
        let at = with.as_ref().map_or(at, |with| self.place(with.with_token.0.span));
        let mut outer = bare(at, Set::Values(Vec::new()));
        if let Some(with) = with {
            outer.is_recursive = with.recursive;
            for cte in &with.cte_tables {
                outer.definitions.push(self.definition(cte, at)?);
            }
        }
        let inner = self.set(body, at)?;
        if with.is_none() {
            outer.place = inner.place;
        }
        if let Some(order) = order_by {
            let OrderBy { kind, interpolate } = order;
            outer.order = match (kind, interpolate) {
                (OrderByKind::Expressions(order), None) => self.order(order, at)?,
                _ => return self.unknown(at, "this form of ORDER BY"),
            };
        }
        self.limit(limit_clause.as_ref(), fetch.as_ref(), &mut outer)?;
        for LockClause { lock_type, of: _, nonblock: _ } in locks {
            let strength = match lock_type {
                LockType::Share => "for share",
                LockType::Update => "for update",
            };
            outer.locks.push(Lock { strength: strength.to_owned(), place: at });
        }
        Ok(merged(outer, inner))
    }

    fn definition(&self, cte: &Cte, at: Place) -> Result<Definition, Unreadable> {
        let Cte { alias, query, from, materialized: _, closing_paren_token: _ } = cte;
        let place = self.place(alias.name.span);
        if from.is_some() || alias.at.is_some() {
            return self.unknown(place, "this form of WITH");
        }
        let columns = alias.columns.iter().map(|column| self.name(&column.name)).collect();
        Ok(Definition { place, name: self.name(&alias.name), columns, body: self.body(query, at)? })
    }

    fn limit(&self, limit: Option<&LimitClause>, fetch: Option<&Fetch>, body: &mut Body) -> Result<(), Unreadable> {
        let at = body.place;
        match limit {
            None => {}
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
                body.limit.count = self.some(limit.as_ref(), at)?;
                body.limit.offset = self.some(offset.as_ref().map(|offset| &offset.value), at)?;
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                body.limit.count = Some(self.expr(limit, at)?);
                body.limit.offset = Some(self.expr(offset, at)?);
            }
            Some(LimitClause::LimitOffset { .. }) => return self.unknown(at, "`LIMIT … BY`"),
        }
        if let Some(Fetch { with_ties, percent, quantity }) = fetch {
            if *percent {
                return self.unknown(at, "`FETCH … PERCENT`");
            }
            let one = Expr { place: at, node: Node::Literal(Literal::Number("1".to_owned())) };
            body.limit.count = Some(self.some(quantity.as_ref(), at)?.unwrap_or(one));
            body.limit.with_ties = *with_ties;
        }
        Ok(())
    }

    /// What a query computes.
    fn set(&self, set: &SetExpr, at: Place) -> Result<Body, Unreadable> {
        match set {
            SetExpr::Select(select) => {
                let block = self.block(select)?;
                Ok(bare(block.place, Set::Block(Box::new(block))))
            }
            SetExpr::Query(query) => self.body(query, at),
            SetExpr::SetOperation { .. } => self.compound(set, at),
            SetExpr::Values(values) => {
                let rows = values.rows.iter().map(|row| self.exprs(&row.content, at)).collect::<Result<_, _>>()?;
                Ok(bare(at, Set::Values(rows)))
            }
            SetExpr::Table(table) => match &table.table_name {
                Some(name) => {
                    // The parser drops where the name stood, and its quotes.
                    let parts = [table.schema_name.as_ref(), Some(name)].into_iter().flatten();
                    let idents = parts.map(|part| sqlparser::ast::Ident::new(part.clone())).collect::<Vec<_>>();
                    let source = self.table(&idents.into())?;
                    Ok(bare(at, Set::All(Box::new(source))))
                }
                None => self.unknown(at, "`TABLE` without a name"),
            },
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => self.change(statement, at),
        }
    }

    fn compound(&self, set: &SetExpr, at: Place) -> Result<Body, Unreadable> {
        let SetExpr::SetOperation { left, op, set_quantifier, right } = set else { return self.set(set, at) };
        let _level = self.level.enter(at)?;
        let with = match op {
            SetOperator::Union => Compound::Union,
            SetOperator::Except => Compound::Except,
            SetOperator::Intersect => Compound::Intersect,
            SetOperator::Minus => return self.unknown(at, "`MINUS`"),
        };
        let is_all = match set_quantifier {
            SetQuantifier::All => true,
            SetQuantifier::None | SetQuantifier::Distinct => false,
            SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName => {
                return self.unknown(at, "`BY NAME`");
            }
        };
        let left = self.set(left, at)?;
        let place = left.place;
        Ok(bare(place, flat(with, is_all, vec![left, self.set(right, place)?])))
    }

    fn block(&self, select: &Select) -> Result<Block, Unreadable> {
        let Select {
            select_token,
            optimizer_hints: _,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        let place = self.place(select_token.0.span);
        let is_plain = select_modifiers.is_none()
            && top.is_none()
            && exclude.is_none()
            && lateral_views.is_empty()
            && prewhere.is_none()
            && connect_by.is_empty()
            && sort_by.is_empty()
            && qualify.is_none()
            && value_table_mode.is_none()
            && *flavor == SelectFlavor::Standard;
        let is_quest = self.engine == Engine::QuestDb;
        let has_marks = !cluster_by.is_empty() || !distribute_by.is_empty();
        if !is_plain || (has_marks && !is_quest) {
            return self.unknown(place, "a clause of this SELECT");
        }
        let keys = match group_by {
            GroupByExpr::Expressions(keys, modifiers) if modifiers.is_empty() => self.exprs(keys, place)?,
            GroupByExpr::Expressions(..) | GroupByExpr::All(_) => return self.unknown(place, "this form of GROUP BY"),
        };
        let mut windows = Vec::new();
        for window in named_window {
            match &window.1 {
                NamedWindowExpr::WindowSpec(spec) => windows.push((self.name(&window.0), self.window(spec, place)?)),
                NamedWindowExpr::NamedWindow(_) => return self.unknown(place, "a window that is another one's name"),
            }
        }
        Ok(Block {
            place,
            distinct: match distinct {
                None | Some(RawDistinct::All) => Distinct::No,
                Some(RawDistinct::Distinct) => Distinct::Rows,
                Some(RawDistinct::On(on)) => Distinct::On(self.exprs(on, place)?),
            },
            columns: self.items(projection, place)?,
            into: into.as_ref().map(|into| self.into(into, place)).transpose()?,
            sources: self.sources(from, place)?,
            filter: self.some(selection.as_ref(), place)?,
            keys,
            having: self.some(having.as_ref(), place)?,
            windows,
            latest: match cluster_by.as_slice() {
                [] => None,
                [one] => {
                    let mut parts = self.marked(one, place)?.arguments.into_iter();
                    parts.next().map(|on| (on, parts.collect()))
                }
                _ => return self.unknown(place, "`CLUSTER BY`"),
            },
            sample: match distribute_by.as_slice() {
                [] => None,
                [one] => {
                    let call = self.marked(one, place)?;
                    let place = call.function.place;
                    let mut parts = call.arguments.into_iter();
                    parts.next().map(|every| Sample { place, every, fill: parts.collect() })
                }
                _ => return self.unknown(place, "`DISTRIBUTE BY`"),
            },
        })
    }

    /// The call that stands for a clause which the parser does not have (see `questdb`).
    fn marked(&self, raw: &Raw, at: Place) -> Result<Call, Unreadable> {
        match self.expr(raw, at)?.node {
            Node::Call(call) => Ok(*call),
            _ => self.unknown(at, "this clause"),
        }
    }

    /// What is selected or returned.
    pub(super) fn items(&self, items: &[SelectItem], at: Place) -> Result<Vec<Column>, Unreadable> {
        let mut columns = Vec::with_capacity(items.len());
        for item in items {
            let (expr, alias) = match item {
                SelectItem::UnnamedExpr(expr) => (self.expr(expr, at)?, None),
                SelectItem::ExprWithAlias { expr, alias } => (self.expr(expr, at)?, Some(self.name(alias))),
                SelectItem::ExprWithAliases { .. } => return self.unknown(at, "several aliases"),
                SelectItem::Wildcard(options) => {
                    let place = self.place(options.wildcard_token.0.span);
                    self.no_options(options, place)?;
                    (Expr { place, node: Node::Star(Vec::new()) }, None)
                }
                SelectItem::QualifiedWildcard(kind, options) => {
                    self.no_options(options, at)?;
                    let expr = match kind {
                        SelectItemQualifiedWildcardKind::ObjectName(name) => {
                            let (path, place) = self.path(name)?;
                            Expr { place, node: star(path) }
                        }
                        SelectItemQualifiedWildcardKind::Expr(of) => {
                            let of = self.expr(of, at)?;
                            Expr { place: of.place, node: super::operator::operation(".*", of.place, vec![of]) }
                        }
                    };
                    (expr, None)
                }
            };
            columns.push(Column { expr, alias });
        }
        Ok(columns)
    }

    fn no_options(&self, options: &WildcardAdditionalOptions, at: Place) -> Result<(), Unreadable> {
        let WildcardAdditionalOptions {
            wildcard_token: _,
            opt_ilike: None,
            opt_exclude: None,
            opt_except: None,
            opt_replace: None,
            opt_rename: None,
            opt_alias: None,
        } = options
        else {
            return self.unknown(at, "what stands behind `*`");
        };
        Ok(())
    }

    fn into(&self, into: &SelectInto, at: Place) -> Result<Relation, Unreadable> {
        match into.targets.as_slice() {
            [Raw::Identifier(ident)] => self.relation(&vec![ident.clone()].into()),
            [Raw::CompoundIdentifier(idents)] => self.relation(&idents.clone().into()),
            _ => self.unknown(at, "this form of INTO"),
        }
    }
}

/// A query of that set, without anything else.
pub(super) fn bare(place: Place, set: Set) -> Body {
    Body {
        place,
        is_recursive: false,
        definitions: Vec::new(),
        set,
        order: Vec::new(),
        limit: Limit::default(),
        locks: Vec::new(),
    }
}

/// What stands around a query, put on it; one that has such things of its own becomes a source.
fn merged(outer: Body, inner: Body) -> Body {
    let has_own = |body: &Body| {
        !body.definitions.is_empty()
            || !body.order.is_empty()
            || body.limit != Limit::default()
            || !body.locks.is_empty()
    };
    if !has_own(&outer) {
        return inner;
    }
    if !has_own(&inner) {
        return Body { set: inner.set, ..outer };
    }
    let place = inner.place;
    let source = crate::action::query::shape::Source {
        place,
        join: crate::action::query::shape::Join::Comma,
        from: From::Query(Box::new(inner)),
        alias: None,
        columns: Vec::new(),
        on: crate::action::query::shape::On::Nothing,
        is_lateral: false,
        is_only: false,
        sampled: None,
    };
    let block = Block {
        place,
        distinct: Distinct::No,
        columns: vec![Column { expr: Expr { place, node: Node::Star(Vec::new()) }, alias: None }],
        into: None,
        sources: vec![source],
        filter: None,
        keys: Vec::new(),
        having: None,
        windows: Vec::new(),
        sample: None,
        latest: None,
    };
    Body { set: Set::Block(Box::new(block)), ..outer }
}
