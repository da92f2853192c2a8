//! Queries out of squawk's tree: SELECT, VALUES, TABLE, what UNION puts together, WITH.

use super::expr::is_query;
use super::{Id, Tree};
use crate::action::query::name::Lock;
use crate::action::query::shape::{Block, Body, Column, Compound, Definition, Distinct, Expr, From, Limit, Node, Set};
use crate::action::query::{Unreadable, flat};
use squawk_parser::SyntaxKind as K;

impl Tree<'_> {
    /// A query.
    pub(super) fn body(&self, id: Id) -> Result<Body, Unreadable> {
        let _level = self.level.enter(self.place(id))?;
        match self.kind(id) {
            K::SELECT | K::SELECT_INTO => self.select(id),
            K::VALUES => self.values(id),
            K::TABLE => self.table(id),
            K::PAREN_SELECT => self.paren_select(id),
            K::COMPOUND_SELECT => self.compound(id),
            K::PAREN_EXPR => match self.nodes(id).next() {
                Some(inner) if is_query(self.kind(inner)) || self.kind(inner) == K::PAREN_EXPR => self.body(inner),
                _ => Err(self.unknown(id)),
            },
            K::INSERT | K::UPDATE | K::DELETE | K::MERGE => self.change(id),
            _ => Err(self.unknown(id)),
        }
    }

    /// A query of that set, without anything else.
    pub(super) fn bare(&self, id: Id, set: Set) -> Body {
        Body {
            place: self.place(id),
            is_recursive: false,
            definitions: Vec::new(),
            set,
            order: Vec::new(),
            limit: Limit::default(),
            locks: Vec::new(),
        }
    }

    /// Takes a clause that may stand around any query: WITH before, ORDER BY, LIMIT, locks behind. `false`: it is none.
    pub(super) fn around(&self, child: Id, body: &mut Body) -> Result<bool, Unreadable> {
        match self.kind(child) {
            K::WITH_CLAUSE => self.with(child, body)?,
            K::ORDER_BY_CLAUSE => body.order = self.order(child)?,
            K::LIMIT_CLAUSE => match self.nodes(child).next() {
                Some(all) if self.kind(all) == K::ALL => {}
                _ => body.limit.count = Some(self.only(child)?),
            },
            K::OFFSET_CLAUSE => body.limit.offset = Some(self.only(child)?),
            K::FETCH_CLAUSE => {
                for part in self.nodes(child) {
                    match self.kind(part) {
                        K::FETCH_ONLY => {}
                        K::WITH_TIES => body.limit.with_ties = true,
                        _ => body.limit.count = Some(self.expr(part)?),
                    }
                }
                if body.limit.count.is_none() {
                    let one = crate::action::query::shape::Literal::Number("1".to_owned());
                    body.limit.count = Some(Expr { place: self.place(child), node: Node::Literal(one) });
                }
            }
            K::LOCKING_CLAUSE => {
                let strength = self.nodes(child).next().ok_or_else(|| self.unknown(child))?;
                let strength = format!("for {}", self.words(strength));
                body.locks.push(Lock { strength, place: self.place(child) });
            }
            K::SEMICOLON => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn with(&self, id: Id, body: &mut Body) -> Result<(), Unreadable> {
        for child in self.children(id) {
            match self.kind(child) {
                K::WITH_KW | K::COMMA => {}
                K::RECURSIVE_KW => body.is_recursive = true,
                K::WITH_TABLE => body.definitions.push(self.definition(child)?),
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(())
    }

    fn definition(&self, id: Id) -> Result<Definition, Unreadable> {
        let (mut name, mut columns, mut body) = (None, Vec::new(), None);
        for child in self.children(id) {
            match self.kind(child) {
                K::CTE_NAME => name = Some(self.name(child)?),
                K::COLUMN_LIST => columns = self.column_list(child)?,
                K::AS_KW | K::L_PAREN | K::R_PAREN | K::MATERIALIZED | K::NOT_MATERIALIZED | K::SEARCH_CLAUSE => {}
                K::CYCLE_CLAUSE if self.is_plain_cycle(child) => {}
                _ if body.is_none() => body = Some(self.body(child)?),
                _ => return Err(self.unknown(child)),
            }
        }
        match (name, body) {
            (Some(name), Some(body)) => Ok(Definition { place: self.place(id), name, columns, body }),
            _ => Err(self.unknown(id)),
        }
    }

    /// Whether CYCLE names columns only; its values may be expressions.
    fn is_plain_cycle(&self, id: Id) -> bool {
        let plain = |id: &Id| matches!(self.kind(*id), K::CYCLE_COLUMNS | K::CYCLE_SET_COLUMN | K::CYCLE_PATH);
        self.nodes(id).all(|node| plain(&node))
    }

    fn select(&self, id: Id) -> Result<Body, Unreadable> {
        let mut block = Block {
            place: self.place(id),
            distinct: Distinct::No,
            columns: Vec::new(),
            into: None,
            sources: Vec::new(),
            filter: None,
            keys: Vec::new(),
            having: None,
            windows: Vec::new(),
            sample: None,
            latest: None,
        };
        let mut body = self.bare(id, Set::Values(Vec::new()));
        for child in self.children(id) {
            match self.kind(child) {
                K::SELECT_CLAUSE => {
                    block.place = self.place(child);
                    self.selected(child, &mut block)?;
                }
                K::INTO_CLAUSE => {
                    let into = self.nodes(child).find(|node| self.kind(*node) == K::TABLE_NAME);
                    block.into = Some(self.relation(into.ok_or_else(|| self.unknown(child))?)?);
                }
                K::FROM_CLAUSE => block.sources = self.sources(child)?,
                K::WHERE_CLAUSE => block.filter = Some(self.only(child)?),
                K::GROUP_BY_CLAUSE => block.keys = self.keys(child)?,
                K::HAVING_CLAUSE => block.having = Some(self.only(child)?),
                K::WINDOW_CLAUSE => {
                    for definition in self.nodes(child) {
                        let parts: Vec<Id> = self.nodes(definition).collect();
                        let [name, spec] = parts.as_slice() else { return Err(self.unknown(definition)) };
                        block.windows.push((self.name(*name)?, self.window(*spec)?));
                    }
                }
                _ if self.around(child, &mut body)? => {}
                _ => return Err(self.unknown(child)),
            }
        }
        body.set = Set::Block(Box::new(block));
        Ok(body)
    }

    fn selected(&self, id: Id, block: &mut Block) -> Result<(), Unreadable> {
        for child in self.children(id) {
            match self.kind(child) {
                K::SELECT_KW | K::ALL => {}
                K::DISTINCT_CLAUSE => {
                    block.distinct = match self.nodes(child).next() {
                        None => Distinct::Rows,
                        Some(on) if self.kind(on) == K::DISTINCT_ON => Distinct::On(self.exprs(on)?),
                        Some(odd) => return Err(self.unknown(odd)),
                    };
                }
                K::TARGET_LIST => block.columns = self.targets(child)?,
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(())
    }

    /// What is selected or returned.
    pub(super) fn targets(&self, list: Id) -> Result<Vec<Column>, Unreadable> {
        let mut columns = Vec::new();
        for target in self.nodes(list) {
            let (mut expr, mut alias) = (None, None);
            for child in self.children(target) {
                match self.kind(child) {
                    K::STAR => expr = Some(Expr { place: self.place(child), node: Node::Star(Vec::new()) }),
                    K::AS_NAME => {
                        let name = self.nodes(child).next().ok_or_else(|| self.unknown(child))?;
                        alias = Some(self.name(name)?);
                    }
                    _ if expr.is_none() => expr = Some(self.expr(child)?),
                    _ => return Err(self.unknown(child)),
                }
            }
            columns.push(Column { expr: expr.ok_or_else(|| self.unknown(target))?, alias });
        }
        Ok(columns)
    }

    fn keys(&self, id: Id) -> Result<Vec<Expr>, Unreadable> {
        let mut keys = Vec::new();
        for child in self.nodes(id) {
            match self.kind(child) {
                K::ALL | K::DISTINCT => {}
                K::GROUP_BY_LIST => {
                    for key in self.nodes(child) {
                        keys.push(self.key(key)?);
                    }
                }
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(keys)
    }

    fn key(&self, id: Id) -> Result<Expr, Unreadable> {
        let _level = self.level.enter(self.place(id))?;
        let parts = match self.kind(id) {
            K::GROUPING_EXPR => return self.only(id),
            K::GROUPING_ROLLUP | K::GROUPING_CUBE => self.exprs(id)?,
            K::GROUPING_SETS => self.nodes(id).map(|key| self.key(key)).collect::<Result<_, _>>()?,
            _ => return Err(self.unknown(id)),
        };
        Ok(Expr { place: self.place(id), node: Node::Grouping(parts) })
    }

    fn values(&self, id: Id) -> Result<Body, Unreadable> {
        let mut rows = Vec::new();
        let mut body = self.bare(id, Set::Values(Vec::new()));
        for child in self.children(id) {
            match self.kind(child) {
                K::VALUES_KW => {}
                K::ROW_LIST => {
                    for row in self.nodes(child) {
                        rows.push(self.exprs(row)?);
                    }
                }
                _ if self.around(child, &mut body)? => {}
                _ => return Err(self.unknown(child)),
            }
        }
        body.set = Set::Values(rows);
        Ok(body)
    }

    fn table(&self, id: Id) -> Result<Body, Unreadable> {
        let mut source = None;
        let mut body = self.bare(id, Set::Values(Vec::new()));
        for child in self.children(id) {
            match self.kind(child) {
                K::TABLE_KW => {}
                K::RELATION_NAME => {
                    let (relation, is_only) = self.relation_name(child)?;
                    let mut found = self.plain_source(child, From::Relation(relation));
                    found.is_only = is_only;
                    source = Some(found);
                }
                _ if self.around(child, &mut body)? => {}
                _ => return Err(self.unknown(child)),
            }
        }
        body.set = Set::All(Box::new(source.ok_or_else(|| self.unknown(id))?));
        Ok(body)
    }

    fn paren_select(&self, id: Id) -> Result<Body, Unreadable> {
        let mut inner = None;
        let mut outer = self.bare(id, Set::Values(Vec::new()));
        let mut has_own = false;
        for child in self.children(id) {
            match self.kind(child) {
                K::L_PAREN | K::R_PAREN | K::SEMICOLON => {}
                query if is_query(query) && inner.is_none() => inner = Some(self.body(child)?),
                _ if self.around(child, &mut outer)? => has_own = true,
                _ => return Err(self.unknown(child)),
            }
        }
        let inner = inner.ok_or_else(|| self.unknown(id))?;
        if !has_own {
            return Ok(inner);
        }
        // `(SELECT …) LIMIT 3` says what `SELECT * FROM (SELECT …) LIMIT 3` says.
        let place = self.place(id);
        outer.set = Set::Block(Box::new(Block {
            place,
            distinct: Distinct::No,
            columns: vec![Column { expr: Expr { place, node: Node::Star(Vec::new()) }, alias: None }],
            into: None,
            sources: vec![self.plain_source(id, From::Query(Box::new(inner)))],
            filter: None,
            keys: Vec::new(),
            having: None,
            windows: Vec::new(),
            sample: None,
            latest: None,
        }));
        Ok(outer)
    }

    fn compound(&self, id: Id) -> Result<Body, Unreadable> {
        let mut body = self.bare(id, Set::Values(Vec::new()));
        let (mut with, mut is_all) = (None, false);
        let mut parts: Vec<Body> = Vec::new();
        for child in self.children(id) {
            match self.kind(child) {
                kind @ (K::UNION | K::INTERSECT | K::EXCEPT) if with.is_none() => {
                    is_all = self.child(child, K::ALL).is_some();
                    with = Some(match kind {
                        K::UNION => Compound::Union,
                        K::INTERSECT => Compound::Intersect,
                        _ => Compound::Except,
                    });
                }
                kind if is_query(kind) || kind == K::PAREN_EXPR => {
                    let mut part = self.body(child)?;
                    if parts.is_empty() && self.kind(child) != K::PAREN_SELECT && kind != K::PAREN_EXPR {
                        // WITH before the first part is WITH of the whole.
                        body.definitions = std::mem::take(&mut part.definitions);
                        body.is_recursive = std::mem::take(&mut part.is_recursive);
                    }
                    parts.push(part);
                }
                _ if self.around(child, &mut body)? => {}
                _ => return Err(self.unknown(child)),
            }
        }
        let with = with.ok_or_else(|| self.unknown(id))?;
        if parts.len() != 2 {
            return Err(self.unknown(id));
        }
        body.set = flat(with, is_all, parts);
        Ok(body)
    }
}
