//! FROM and joins out of squawk's tree.

use super::expr::is_query;
use super::{Id, Tree};
use crate::action::query::Unreadable;
use crate::action::query::name::{Name, Relation};
use crate::action::query::shape::{From, Join, On, Source};
use squawk_parser::SyntaxKind as K;

impl Tree<'_> {
    /// All items of `FROM` or `USING`, joins flat.
    pub(super) fn sources(&self, clause: Id) -> Result<Vec<Source>, Unreadable> {
        let mut sources = Vec::new();
        for item in self.nodes(clause) {
            self.source(item, &mut sources)?;
        }
        Ok(sources)
    }

    /// A relation by its path.
    pub(super) fn relation(&self, id: Id) -> Result<Relation, Unreadable> {
        Ok(Relation { path: self.path(id)?, place: self.place(id) })
    }

    /// `ONLY t`, `t *`, `ONLY (t)`: the relation, and whether ONLY stands there.
    pub(super) fn relation_name(&self, id: Id) -> Result<(Relation, bool), Unreadable> {
        let (mut relation, mut is_only) = (None, false);
        for child in self.children(id) {
            match self.kind(child) {
                K::ONLY_KW => is_only = true,
                K::STAR | K::L_PAREN | K::R_PAREN => {}
                K::RELATION_NAME_REF | K::TABLE_NAME_REF => relation = Some(self.relation(child)?),
                _ => return Err(self.unknown(child)),
            }
        }
        Ok((relation.ok_or_else(|| self.unknown(id))?, is_only))
    }

    /// One item, and what it is joined to before it.
    pub(super) fn source(&self, id: Id, into: &mut Vec<Source>) -> Result<(), Unreadable> {
        let _level = self.level.enter(self.place(id))?;
        if self.kind(id) == K::JOIN_EXPR {
            for child in self.nodes(id) {
                match self.kind(child) {
                    K::JOIN => self.join(child, into)?,
                    _ => self.source(child, into)?,
                }
            }
            return Ok(());
        }
        into.push(self.item(id)?);
        Ok(())
    }

    fn join(&self, id: Id, into: &mut Vec<Source>) -> Result<(), Unreadable> {
        let (mut join, mut on, mut item, mut right) = (None, On::Nothing, None, Vec::new());
        for child in self.children(id) {
            match self.kind(child) {
                K::NATURAL_KW => on = On::Natural,
                K::JOIN_INNER => join = Some(Join::Inner),
                K::JOIN_LEFT => join = Some(Join::Left),
                K::JOIN_RIGHT => join = Some(Join::Right),
                K::JOIN_FULL => join = Some(Join::Full),
                K::JOIN_CROSS => join = Some(Join::Cross),
                K::ON_CLAUSE => on = On::Condition(Box::new(self.only(child)?)),
                K::JOIN_USING_CLAUSE => on = On::Columns(self.using(child)?),
                _ if item.is_none() => {
                    item = Some(child);
                    self.source(child, &mut right)?;
                }
                _ => return Err(self.unknown(child)),
            }
        }
        let (Some(join), Some(item)) = (join, item) else { return Err(self.unknown(id)) };
        // What follows a join that has no condition is joined to all before it, wherever the tree puts it.
        let stands_alone = on == On::Natural || join == Join::Cross || right.len() == 1;
        if !stands_alone {
            right = vec![self.plain_source(item, From::Nested(right))];
        }
        let mut right = right.into_iter();
        let first = right.next().ok_or_else(|| self.unknown(id))?;
        into.push(Source { join, on, ..first });
        into.extend(right);
        Ok(())
    }

    fn using(&self, id: Id) -> Result<Vec<Name>, Unreadable> {
        let mut names = Vec::new();
        for child in self.nodes(id) {
            match self.kind(child) {
                K::COLUMN_REF_LIST => {
                    for name in self.nodes(child) {
                        names.push(self.name(name)?);
                    }
                }
                K::REQUIRED_AS_ALIAS => {}
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(names)
    }

    /// A source that is joined by a comma and has no name of its own.
    pub(super) fn plain_source(&self, id: Id, from: From) -> Source {
        Source {
            place: self.place(id),
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

    fn item(&self, id: Id) -> Result<Source, Unreadable> {
        use K::{EXPR_FROM_ITEM, FUNCTION_FROM_ITEM, PAREN_FROM_ITEM, RELATION_FROM_ITEM};
        use K::{JSON_TABLE_FROM_ITEM, ROWS_FROM_ITEM, XML_TABLE_FROM_ITEM};
        let kind = self.kind(id);
        if !matches!(
            kind,
            EXPR_FROM_ITEM
                | FUNCTION_FROM_ITEM
                | PAREN_FROM_ITEM
                | RELATION_FROM_ITEM
                | JSON_TABLE_FROM_ITEM
                | ROWS_FROM_ITEM
                | XML_TABLE_FROM_ITEM
        ) {
            return Err(self.unknown(id));
        }
        let mut source = self.plain_source(id, From::Calls(Vec::new()));
        let mut found = Vec::new();
        for child in self.children(id) {
            match self.kind(child) {
                K::ONLY_KW => source.is_only = true,
                K::LATERAL_KW => source.is_lateral = true,
                K::STAR | K::L_PAREN | K::R_PAREN | K::COMMA | K::WITH_ORDINALITY => {}
                K::ROWS_KW | K::FROM_KW => {}
                K::FROM_ALIAS => self.alias(child, &mut source)?,
                K::TABLESAMPLE_CLAUSE => source.sampled = Some(self.sample(child)?),
                K::RELATION_NAME_REF => found.push(From::Relation(self.relation(child)?)),
                K::CALL_EXPR | K::CAST_EXPR => found.push(From::Calls(vec![self.expr(child)?])),
                K::NAME_REF if kind == EXPR_FROM_ITEM => found.push(From::Calls(vec![self.expr(child)?])),
                K::XML_TABLE | K::JSON_TABLE => found.push(From::Calls(vec![self.table_syntax(child)?])),
                K::ROWS_FROM_ARG => {
                    for part in self.nodes(child) {
                        match self.kind(part) {
                            K::COLUMN_DEF_LIST => self.definitions(part)?,
                            _ => found.push(From::Calls(vec![self.expr(part)?])),
                        }
                    }
                }
                K::PAREN_EXPR => found.push(self.bracketed_source(child)?),
                query if is_query(query) => found.push(From::Query(Box::new(self.body(child)?))),
                _ => return Err(self.unknown(child)),
            }
        }
        source.from = match (found.len(), found.pop()) {
            (1, Some(one)) => one,
            (_, Some(last)) => {
                found.push(last);
                let calls =
                    found.into_iter().flat_map(|from| if let From::Calls(calls) = from { calls } else { vec![] });
                From::Calls(calls.collect())
            }
            (_, None) => return Err(self.unknown(id)),
        };
        Ok(source)
    }

    /// `(a JOIN b …)`, `(t)`, `((SELECT …))` in FROM.
    fn bracketed_source(&self, id: Id) -> Result<From, Unreadable> {
        let mut nodes = self.nodes(id);
        let (Some(inner), None) = (nodes.next(), nodes.next()) else { return Err(self.unknown(id)) };
        match self.kind(inner) {
            query if is_query(query) => Ok(From::Query(Box::new(self.body(inner)?))),
            K::PAREN_EXPR => self.bracketed_source(inner),
            _ => {
                let mut sources = Vec::new();
                self.source(inner, &mut sources)?;
                Ok(From::Nested(sources))
            }
        }
    }

    fn alias(&self, id: Id, source: &mut Source) -> Result<(), Unreadable> {
        for child in self.nodes(id) {
            match self.kind(child) {
                K::TABLE_ALIAS => source.alias = Some(self.name(child)?),
                K::COLUMN_LIST => source.columns = self.column_list(child)?,
                K::COLUMN_DEF_LIST => {
                    self.definitions(child)?;
                    for column in self.nodes(child) {
                        let name = self.child(column, K::COLUMN_NAME).ok_or_else(|| self.unknown(column))?;
                        source.columns.push(self.name(name)?);
                    }
                }
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(())
    }

    /// `(a, b)` of columns.
    pub(super) fn column_list(&self, id: Id) -> Result<Vec<Name>, Unreadable> {
        let is_column = |id: &Id| matches!(self.kind(*id), K::COLUMN_NAME | K::COLUMN_NAME_REF);
        match self.nodes(id).find(|node| !is_column(node)) {
            Some(odd) => Err(self.unknown(odd)),
            None => self.nodes(id).map(|name| self.name(name)).collect(),
        }
    }

    /// Sees that columns with types are nothing else.
    fn definitions(&self, id: Id) -> Result<(), Unreadable> {
        for column in self.nodes(id) {
            for part in self.nodes(column) {
                match self.kind(part) {
                    K::COLUMN_NAME => {}
                    kind if Self::is_type(kind) => _ = self.type_name(part)?,
                    _ => return Err(self.unknown(part)),
                }
            }
        }
        Ok(())
    }

    fn sample(&self, id: Id) -> Result<crate::action::query::shape::Expr, Unreadable> {
        let mut sampled = None;
        for child in self.nodes(id) {
            match self.kind(child) {
                K::CALL_EXPR => sampled = Some(self.expr(child)?),
                K::REPEATABLE_CLAUSE => _ = self.only(child)?,
                _ => return Err(self.unknown(child)),
            }
        }
        sampled.ok_or_else(|| self.unknown(id))
    }
}
