//! Statements that write rows, out of sqlparser's tree.

use super::Ast;
use super::body::bare;
use crate::action::query::name::{Name, Relation};
use crate::action::query::shape::{Body, Change, Expr, From, QueryAs, Set, Source, Verb};
use crate::action::query::{Place, Unreadable};
use sqlparser::ast::{
    Assignment, Delete, FromTable, Insert, Merge, MergeAction, MergeInsertKind, MergeUpdateKind, OnConflict,
    OnConflictAction, OnInsert, OutputClause, SelectItem, Statement, TableObject, Update, UpdateTableFromKind,
};

/// The target of a change.
struct Target {
    relation: Relation,
    alias: Option<Name>,
}

impl Ast<'_> {
    /// INSERT, UPDATE, DELETE or MERGE.
    pub(super) fn change(&self, statement: &Statement, at: Place) -> Result<Body, Unreadable> {
        match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge(merge),
            _ => self.unknown(at, "this statement"),
        }
    }

    fn insert(&self, insert: &Insert) -> Result<Body, Unreadable> {
        let place = self.place(insert.insert_token.0.span);
        let is_plain = !insert.overwrite
            && insert.assignments.is_empty()
            && insert.partitioned.is_none()
            && insert.after_columns.is_empty()
            && insert.priority.is_none()
            && insert.insert_alias.is_none()
            && insert.settings.is_none()
            && insert.format_clause.is_none()
            && insert.multi_table_insert_type.is_none()
            && insert.multi_table_into_clauses.is_empty()
            && insert.multi_table_when_clauses.is_empty()
            && insert.multi_table_else_clause.is_none()
            && insert.output.is_none();
        let TableObject::TableName(name) = &insert.table else { return self.unknown(place, "this target") };
        if !is_plain {
            return self.unknown(place, "a clause of this INSERT");
        }
        let mut values = self.returned(insert.returning.as_deref(), place)?;
        match &insert.on {
            None => {}
            Some(OnInsert::OnConflict(OnConflict { conflict_target: _, action })) => match action {
                OnConflictAction::DoNothing => {}
                OnConflictAction::DoUpdate(update) => {
                    self.assigned(&update.assignments, place, &mut values)?;
                    values.extend(self.some(update.selection.as_ref(), place)?);
                }
            },
            Some(_) => return self.unknown(place, "this form of ON"),
        }
        let rows = insert.source.as_deref().map(|rows| self.body(rows, place)).transpose()?.map(Box::new);
        let target = self.relation(name)?;
        let alias = insert.table_alias.as_ref().map(|alias| self.name(&alias.alias));
        let change = Change {
            place,
            verb: Verb::Insert,
            target,
            is_only: false,
            alias,
            rows,
            sources: Vec::new(),
            filter: None,
            values,
        };
        Ok(bare(place, Set::Change(Box::new(change))))
    }

    fn update(&self, update: &Update) -> Result<Body, Unreadable> {
        let place = self.place(update.update_token.0.span);
        let Update {
            update_token: _,
            optimizer_hints: _,
            table,
            assignments,
            from,
            selection,
            returning,
            output: None,
            or: _,
            order_by,
            limit: None,
        } = update
        else {
            return self.unknown(place, "a clause of this UPDATE");
        };
        if !order_by.is_empty() || !table.joins.is_empty() {
            return self.unknown(place, "a clause of this UPDATE");
        }
        let target = self.target(self.source(&table.relation, place)?)?;
        let mut values = Vec::new();
        self.assigned(assignments, place, &mut values)?;
        values.extend(self.returned(returning.as_deref(), place)?);
        let sources = match from {
            None => Vec::new(),
            Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) => {
                self.sources(from, place)?
            }
        };
        let filter = self.some(selection.as_ref(), place)?;
        Ok(changed(place, Verb::Update, target, sources, filter, values))
    }

    fn delete(&self, delete: &Delete) -> Result<Body, Unreadable> {
        let place = self.place(delete.delete_token.0.span);
        let Delete {
            delete_token: _,
            optimizer_hints: _,
            tables,
            from: FromTable::WithFromKeyword(from),
            using,
            selection,
            returning,
            output: None,
            order_by,
            limit: None,
        } = delete
        else {
            return self.unknown(place, "a clause of this DELETE");
        };
        let mut targets = self.sources(from, place)?;
        let (Some(target), true) = (targets.pop(), targets.is_empty() && tables.is_empty() && order_by.is_empty())
        else {
            return self.unknown(place, "a clause of this DELETE");
        };
        let target = self.target(target)?;
        let sources = self.sources(using.as_deref().unwrap_or_default(), place)?;
        let filter = self.some(selection.as_ref(), place)?;
        let values = self.returned(returning.as_deref(), place)?;
        Ok(changed(place, Verb::Delete, target, sources, filter, values))
    }

    fn merge(&self, merge: &Merge) -> Result<Body, Unreadable> {
        let place = self.place(merge.merge_token.0.span);
        let Merge { merge_token: _, optimizer_hints: _, into: _, table, source, on, clauses, output } = merge;
        let target = self.target(self.source(table, place)?)?;
        let sources = vec![self.source(source, place)?];
        let filter = Some(self.expr(on, place)?);
        let mut values = Vec::new();
        for clause in clauses {
            values.extend(self.some(clause.predicate.as_ref(), place)?);
            match &clause.action {
                MergeAction::Insert(insert) => {
                    match &insert.kind {
                        MergeInsertKind::Values(rows) => {
                            for row in &rows.rows {
                                values.extend(self.exprs(&row.content, place)?);
                            }
                        }
                        MergeInsertKind::Row | MergeInsertKind::Wildcard => return self.unknown(place, "this INSERT"),
                    }
                    values.extend(self.some(insert.insert_predicate.as_ref(), place)?);
                }
                MergeAction::Update(update) => {
                    match &update.kind {
                        MergeUpdateKind::Set(assignments) => self.assigned(assignments, place, &mut values)?,
                        MergeUpdateKind::Wildcard => return self.unknown(place, "this UPDATE"),
                    }
                    values.extend(self.some(update.update_predicate.as_ref(), place)?);
                    values.extend(self.some(update.delete_predicate.as_ref(), place)?);
                }
                MergeAction::Delete { delete_token: _ } => {}
                MergeAction::DoNothing { do_token: _, nothing_token: _ } => {}
            }
        }
        match output {
            None => {}
            Some(OutputClause::Returning { returning_token: _, select_items }) => {
                values.extend(self.returned(Some(select_items), place)?);
            }
            Some(OutputClause::Output { .. }) => return self.unknown(place, "`OUTPUT`"),
        }
        Ok(changed(place, Verb::Merge, target, sources, filter, values))
    }

    fn target(&self, source: Source) -> Result<Target, Unreadable> {
        match source.from {
            From::Relation(relation) if source.columns.is_empty() && source.sampled.is_none() => {
                Ok(Target { relation, alias: source.alias })
            }
            From::Relation(_) | From::Definition(_) | From::Query(_) | From::Calls(_) | From::Nested(_) => {
                self.unknown(source.place, "this target")
            }
        }
    }

    fn returned(&self, items: Option<&[SelectItem]>, at: Place) -> Result<Vec<Expr>, Unreadable> {
        let columns = self.items(items.unwrap_or_default(), at)?;
        Ok(columns.into_iter().map(|column| column.expr).collect())
    }

    fn assigned(&self, assignments: &[Assignment], at: Place, into: &mut Vec<Expr>) -> Result<(), Unreadable> {
        for Assignment { target: _, value } in assignments {
            into.push(match value {
                sqlparser::ast::Expr::Subquery(query) => self.query_expr(query, QueryAs::Value, at)?,
                value => self.expr(value, at)?,
            });
        }
        Ok(())
    }
}

fn changed(
    place: Place,
    verb: Verb,
    target: Target,
    sources: Vec<Source>,
    filter: Option<Expr>,
    values: Vec<Expr>,
) -> Body {
    let Target { relation, alias } = target;
    let change = Change { place, verb, target: relation, is_only: false, alias, rows: None, sources, filter, values };
    bare(place, Set::Change(Box::new(change)))
}
