//! Statements that write rows, out of squawk's tree.

use super::expr::is_query;
use super::{Id, Tree};
use crate::action::query::Unreadable;
use crate::action::query::shape::{Body, Change, Expr, Set, Verb};
use squawk_parser::SyntaxKind as K;

impl Tree<'_> {
    /// INSERT, UPDATE, DELETE or MERGE.
    pub(super) fn change(&self, id: Id) -> Result<Body, Unreadable> {
        let verb = match self.kind(id) {
            K::INSERT => Verb::Insert,
            K::UPDATE => Verb::Update,
            K::DELETE => Verb::Delete,
            K::MERGE => Verb::Merge,
            _ => return Err(self.unknown(id)),
        };
        let mut body = self.bare(id, Set::Values(Vec::new()));
        let (mut target, mut is_only, mut alias) = (None, false, None);
        let (mut rows, mut sources, mut filter, mut values) = (None, Vec::new(), None, Vec::new());
        for child in self.children(id) {
            match self.kind(child) {
                kind if is_query(kind) && rows.is_none() => rows = Some(Box::new(self.body(child)?)),
                _ if self.is_token(child) => {}
                K::RELATION_NAME_REF => target = Some(self.relation(child)?),
                K::RELATION_NAME | K::TABLE_RELATION_NAME => {
                    let (relation, only) = self.relation_name(child)?;
                    (target, is_only) = (Some(relation), only);
                }
                K::REQUIRED_AS_ALIAS | K::OPTIONAL_AS_ALIAS => {
                    let name = self.nodes(child).next().ok_or_else(|| self.unknown(child))?;
                    alias = Some(self.name(name)?);
                }
                K::DEFAULT_VALUES | K::OVERRIDING_SYSTEM_VALUE | K::OVERRIDING_USER_VALUE => {}
                K::FROM_CLAUSE | K::USING_CLAUSE => sources = self.sources(child)?,
                K::USING_ON_CLAUSE => {
                    for part in self.nodes(child) {
                        match self.kind(part) {
                            K::ON_CLAUSE => filter = Some(self.only(part)?),
                            _ => self.source(part, &mut sources)?,
                        }
                    }
                }
                K::WHERE_CLAUSE => filter = Some(self.only(child)?),
                K::RETURNING_CLAUSE => {
                    for part in self.nodes(child) {
                        match self.kind(part) {
                            K::TARGET_LIST => {
                                values.extend(self.targets(part)?.into_iter().map(|column| column.expr));
                            }
                            K::RETURNING_OPTION_LIST => {}
                            _ => return Err(self.unknown(part)),
                        }
                    }
                }
                K::WITH_CLAUSE => _ = self.around(child, &mut body)?,
                K::COLUMN_TARGET_LIST
                | K::ON_CONFLICT_CLAUSE
                | K::SET_CLAUSE
                | K::MERGE_WHEN_MATCHED
                | K::MERGE_WHEN_NOT_MATCHED_SOURCE
                | K::MERGE_WHEN_NOT_MATCHED_TARGET => self.computed(child, &mut values)?,
                _ => return Err(self.unknown(child)),
            }
        }
        let target = target.ok_or_else(|| self.unknown(id))?;
        let place = self.place(id);
        body.set = Set::Change(Box::new(Change { place, verb, target, is_only, alias, rows, sources, filter, values }));
        Ok(body)
    }

    /// Every expression below a clause that sets or inserts values.
    fn computed(&self, id: Id, into: &mut Vec<Expr>) -> Result<(), Unreadable> {
        let _level = self.level.enter(self.place(id))?;
        for child in self.nodes(id) {
            match self.kind(child) {
                kind if is_query(kind) => {
                    into.push(self.query_expr(child, crate::action::query::shape::QueryAs::Value)?);
                }
                kind if super::expr::is_expr(kind) => into.push(self.expr(child)?),
                K::COLUMN_TARGET_LIST
                | K::COLUMN_TARGET
                | K::INDEX_ACCESSOR
                | K::SLICE_ACCESSOR
                | K::SET_CLAUSE
                | K::SET_COLUMN_LIST
                | K::SET_SINGLE_COLUMN
                | K::SET_MULTIPLE_COLUMNS
                | K::SET_EXPR
                | K::SET_EXPR_LIST
                | K::CONFLICT_ON_INDEX
                | K::CONFLICT_INDEX_ITEM_LIST
                | K::CONFLICT_INDEX_ITEM
                | K::CONFLICT_DO_UPDATE_SET
                | K::WHERE_CLAUSE
                | K::MERGE_CONDITION
                | K::MERGE_UPDATE
                | K::MERGE_INSERT => self.computed(child, into)?,
                K::COLUMN_NAME_REF
                | K::FIELD_ACCESSOR
                | K::CONFLICT_ON_CONSTRAINT
                | K::CONFLICT_DO_NOTHING
                | K::MERGE_DELETE
                | K::MERGE_DO_NOTHING
                | K::DEFAULT_VALUES
                | K::BY_TARGET
                | K::OVERRIDING_SYSTEM_VALUE
                | K::OVERRIDING_USER_VALUE => {}
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(())
    }
}
