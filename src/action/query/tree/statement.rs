//! The statement out of squawk's tree: what sort it is, and its query.

use super::expr::is_query;
use super::{Id, Tree};
use crate::action::query::Unreadable;
use crate::action::query::level::Depth;
use crate::action::query::reading::{Explained, Reading, Statement};
use crate::action::query::token::Tokens;
use squawk_parser::SyntaxKind as K;

/// Reads a PostgreSQL statement by squawk's grammar.
pub(in crate::action::query) fn read(tokens: &Tokens<'_>, depth: Depth) -> Result<Reading, Unreadable> {
    let tree = Tree::parse(tokens, depth)?;
    crate::action::query::agree::tokens(tokens, "squawk", tree.spans())?;
    let mut nodes = tree.nodes(tree.root());
    let (Some(statement), None) = (nodes.next(), nodes.next()) else { return Err(tree.unknown(tree.root())) };
    tree.statement(statement)
}

impl Tree<'_> {
    fn statement(&self, id: Id) -> Result<Reading, Unreadable> {
        let of = |statement| Reading { explain: None, statement };
        match self.kind(id) {
            kind if is_query(kind) => Ok(of(Statement::Body(Box::new(self.body(id)?)))),
            K::INSERT | K::UPDATE | K::DELETE | K::MERGE => Ok(of(Statement::Body(Box::new(self.body(id)?)))),
            K::EXPLAIN => self.explain(id),
            K::SHOW => Ok(of(Statement::Show)),
            _ => Ok(of(Statement::Other)),
        }
    }

    fn explain(&self, id: Id) -> Result<Reading, Unreadable> {
        let (mut analyzes, mut inner) = (false, None);
        for child in self.nodes(id) {
            match self.kind(child) {
                K::EXPLAIN_ANALYZE => analyzes = true,
                K::EXPLAIN_VERBOSE => {}
                K::EXPLAIN_OPTION_LIST => {
                    for option in self.nodes(child) {
                        analyzes |= self.analyzes(option)?;
                    }
                }
                _ if inner.is_none() => inner = Some(self.statement(child)?),
                _ => return Err(self.unknown(child)),
            }
        }
        let inner = inner.ok_or_else(|| self.unknown(id))?;
        match inner.explain {
            Some(_) => Err(self.unknown(id)),
            None => Ok(Reading { explain: Some(Explained { analyzes }), ..inner }),
        }
    }

    /// Whether an option asks for ANALYZE: anything that is not said to be off.
    fn analyzes(&self, option: Id) -> Result<bool, Unreadable> {
        let (mut name, mut value) = (String::new(), None);
        for child in self.nodes(option) {
            let text = self.text(child).trim_matches(['"', '\'']).to_ascii_lowercase();
            match self.kind(child) {
                K::EXPLAIN_OPTION_NAME => name = text,
                _ if value.is_none() => value = Some(text),
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(matches!(name.as_str(), "analyze" | "analyse") && !matches!(value.as_deref(), Some("false" | "off" | "0")))
    }
}
