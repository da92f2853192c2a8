//! Expressions out of squawk's tree. What it does not know it refuses: no node is passed over.

use super::names::name_of;
use super::{Id, Tree};
use crate::action::query::name::{Called, Field, Name, Of, Operator, Path, Spelling};
use crate::action::query::shape::{Call, Expr, Literal, Node, Quantifier, QueryAs};
use crate::action::query::text::unescape;
use crate::action::query::{Engine, Unreadable};
use squawk_parser::SyntaxKind as K;

/// Keywords that call a function without brackets.
const NILADIC: [K; 12] = [
    K::CURRENT_CATALOG_KW,
    K::CURRENT_DATE_KW,
    K::CURRENT_ROLE_KW,
    K::CURRENT_SCHEMA_KW,
    K::CURRENT_TIME_KW,
    K::CURRENT_TIMESTAMP_KW,
    K::CURRENT_USER_KW,
    K::LOCALTIME_KW,
    K::LOCALTIMESTAMP_KW,
    K::SESSION_USER_KW,
    K::SYSTEM_USER_KW,
    K::USER_KW,
];

/// Whether a kind is a query's.
pub(super) fn is_query(kind: K) -> bool {
    matches!(kind, K::SELECT | K::SELECT_INTO | K::PAREN_SELECT | K::TABLE | K::VALUES | K::COMPOUND_SELECT)
}

/// Whether a kind is an expression's.
pub(super) fn is_expr(kind: K) -> bool {
    matches!(
        kind,
        K::NAME_REF
            | K::FIELD_EXPR
            | K::LITERAL
            | K::BIN_EXPR
            | K::PREFIX_EXPR
            | K::POSTFIX_EXPR
            | K::BETWEEN_EXPR
            | K::PAREN_EXPR
            | K::TUPLE_EXPR
            | K::CASE_EXPR
            | K::CAST_EXPR
            | K::COLLATE
            | K::ARRAY_EXPR
            | K::INDEX_EXPR
            | K::SLICE_EXPR
            | K::CALL_EXPR
    )
}

/// What an operation is made of while it is taken apart.
struct Infix {
    operator: Operator,
    left: Id,
    right: Id,
}

impl Tree<'_> {
    /// An expression.
    pub(super) fn expr(&self, id: Id) -> Result<Expr, Unreadable> {
        let _level = self.level.enter(self.place(id))?;
        let place = self.place(id);
        let node = match self.kind(id) {
            K::NAME_REF => self.name_ref(id)?,
            K::FIELD_EXPR => self.field(id)?,
            K::LITERAL => Node::Literal(self.literal(id)?),
            K::BIN_EXPR => self.infix(id)?,
            K::PREFIX_EXPR => self.prefix(id)?,
            K::POSTFIX_EXPR => self.postfix(id)?,
            K::BETWEEN_EXPR => self.between(id)?,
            K::PAREN_EXPR => return self.bracketed(id),
            K::TUPLE_EXPR => Node::Row(self.exprs(id)?),
            K::CASE_EXPR => self.case(id)?,
            K::CAST_EXPR => self.cast(id)?,
            K::COLLATE => self.collate(id)?,
            K::ARRAY_EXPR => self.array(id)?,
            K::INDEX_EXPR | K::SLICE_EXPR => self.subscript(id)?,
            K::CALL_EXPR => self.call(id)?,
            _ => return Err(self.unknown(id)),
        };
        Ok(Expr { place, node })
    }

    /// All nodes of a node, each an expression.
    pub(super) fn exprs(&self, id: Id) -> Result<Vec<Expr>, Unreadable> {
        self.nodes(id).map(|child| self.expr(child)).collect()
    }

    /// The one expression that a node holds.
    pub(super) fn only(&self, id: Id) -> Result<Expr, Unreadable> {
        let mut nodes = self.nodes(id);
        match (nodes.next(), nodes.next()) {
            (Some(one), None) => self.expr(one),
            _ => Err(self.unknown(id)),
        }
    }

    /// A query as an expression.
    pub(super) fn query_expr(&self, id: Id, as_what: QueryAs) -> Result<Expr, Unreadable> {
        let body = Box::new(self.body(id)?);
        Ok(Expr { place: self.place(id), node: Node::Query { as_what, body } })
    }

    fn name_ref(&self, id: Id) -> Result<Node, Unreadable> {
        let token = self.children(id).next().ok_or_else(|| self.unknown(id))?;
        if NILADIC.contains(&self.kind(token)) {
            return Ok(Node::Call(Box::new(self.called_by_syntax(id, &self.text(token).to_ascii_lowercase()))));
        }
        Ok(Node::Column(Path { qualifier: Vec::new(), name: self.name(id)? }))
    }

    /// A call whose name is a keyword.
    pub(super) fn called_by_syntax(&self, id: Id, name: &str) -> Call {
        let path = Path { qualifier: Vec::new(), name: Name::new(Engine::Postgres, name, false) };
        let function = Called { path, spelling: Spelling::Syntax, place: self.place(id) };
        Call { function, arguments: Vec::new(), is_distinct: false, order: Vec::new(), filter: None, over: None }
    }

    /// The names of `a.b.c`, if it is nothing else.
    pub(super) fn dotted(&self, id: Id) -> Option<Vec<Name>> {
        match self.kind(id) {
            K::NAME_REF => {
                let token = self.children(id).next()?;
                (!NILADIC.contains(&self.kind(token))).then(|| vec![name_of(self.text(token))])
            }
            K::FIELD_EXPR => {
                let mut nodes = self.nodes(id);
                let mut names = self.dotted(nodes.next()?)?;
                let last = nodes.next().filter(|last| self.kind(*last) == K::NAME_REF)?;
                names.push(self.name(last).ok()?);
                nodes.next().is_none().then_some(names)
            }
            _ => None,
        }
    }

    fn field(&self, id: Id) -> Result<Node, Unreadable> {
        if let Some(mut names) = self.dotted(id)
            && let Some(name) = names.pop()
        {
            return Ok(Node::Column(Path { qualifier: names, name }));
        }
        let parts: Vec<Id> = self.children(id).collect();
        let [base, _dot, last] = parts.as_slice() else { return Err(self.unknown(id)) };
        if self.kind(*last) == K::STAR {
            if let Some(names) = self.dotted(*base) {
                return Ok(Node::Star(names));
            }
            let operator = Operator { schema: None, symbol: ".*".to_owned(), place: self.place(*last) };
            return Ok(Node::Operation { operator, quantifier: None, operands: vec![self.expr(*base)?] });
        }
        if self.kind(*last) != K::NAME_REF {
            return Err(self.unknown(*last));
        }
        let field = Field { of: Of::Expression, name: self.name(*last)?, place: self.place(*last) };
        Ok(Node::Field { of: Box::new(self.expr(*base)?), field })
    }

    /// A constant.
    pub(super) fn literal(&self, id: Id) -> Result<Literal, Unreadable> {
        let mut parts = self.children(id);
        let (Some(token), None) = (parts.next(), parts.next()) else { return Err(self.unknown(id)) };
        let text = self.text(token);
        Ok(match self.kind(token) {
            K::INT_NUMBER | K::NUMERIC_NUMBER => Literal::Number(text.to_owned()),
            K::STRING | K::ESC_STRING | K::NATIONAL_STRING | K::DOLLAR_QUOTED_STRING => Literal::Text(unescape(text)),
            K::BIT_STRING | K::BYTE_STRING => Literal::Bits(text.to_owned()),
            K::TRUE_KW => Literal::Truth(true),
            K::FALSE_KW => Literal::Truth(false),
            K::NULL_KW => Literal::Null,
            K::DEFAULT_KW => Literal::Default,
            _ => return Err(self.unknown(id)),
        })
    }

    /// Left, operator and right of a binary expression.
    fn halves(&self, id: Id) -> Result<Infix, Unreadable> {
        let parts: Vec<Id> = self.children(id).collect();
        let [left, between @ .., right] = parts.as_slice() else { return Err(self.unknown(id)) };
        if self.is_token(*left) || self.is_token(*right) {
            return Err(self.unknown(id));
        }
        Ok(Infix { operator: self.operator(id, between)?, left: *left, right: *right })
    }

    /// The operator that some tokens or one node make.
    fn operator(&self, of: Id, parts: &[Id]) -> Result<Operator, Unreadable> {
        let first = *parts.first().ok_or_else(|| self.unknown(of))?;
        let place = self.place(first);
        let mut schema = None;
        let mut symbol = String::new();
        match parts {
            [node] if self.kind(*node) == K::OPERATOR_CALL => {
                let op = self.child(*node, K::OP).ok_or_else(|| self.unknown(*node))?;
                (schema, symbol) = self.qualified(op)?;
            }
            [node] if matches!(self.kind(*node), K::CUSTOM_OP | K::OP | K::COLON_COLON) => {
                (schema, symbol) = self.qualified(*node)?;
            }
            [node] if !self.is_token(*node) => symbol = self.words(*node),
            tokens => {
                for token in tokens {
                    if !self.is_token(*token) {
                        return Err(self.unknown(*token));
                    }
                    let text = self.text(*token).to_ascii_lowercase();
                    if !symbol.is_empty() && text.starts_with(|c: char| c.is_alphabetic()) {
                        symbol.push(' ');
                    }
                    symbol.push_str(&text);
                }
            }
        }
        if matches!(symbol.as_str(), "=>" | ":=" | "" | ":") {
            return Err(self.unknown(of));
        }
        if symbol == "!=" {
            symbol = "<>".to_owned();
        }
        Ok(Operator { schema, symbol, place })
    }

    /// Schema and symbol of an operator node.
    pub(super) fn qualified(&self, op: Id) -> Result<(Option<Name>, String), Unreadable> {
        let mut leaves = Vec::new();
        self.leaves(op, &mut leaves);
        let mut schema = None;
        let mut symbol = String::new();
        let mut dots = 0;
        for leaf in leaves {
            let text = self.text(leaf);
            if self.kind(leaf) == K::DOT {
                dots += 1;
            } else if text.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"') {
                if schema.replace(name_of(text)).is_some() || !symbol.is_empty() {
                    return Err(self.unknown(op));
                }
            } else {
                symbol.push_str(text);
            }
        }
        if dots != usize::from(schema.is_some()) {
            return Err(self.unknown(op));
        }
        Ok((schema, symbol))
    }

    fn infix(&self, id: Id) -> Result<Node, Unreadable> {
        let Infix { mut operator, left, right } = self.halves(id)?;
        let mut quantifier = None;
        let operands = match operator.symbol.as_str() {
            "and" | "or" => {
                let mut rights = vec![right];
                let mut first = left;
                // The left side of a chain is walked, not called: ten thousand of them need no deeper stack.
                while self.kind(first) == K::BIN_EXPR {
                    let inner = self.halves(first)?;
                    if inner.operator.symbol != operator.symbol {
                        break;
                    }
                    operator.place = inner.operator.place;
                    rights.push(inner.right);
                    first = inner.left;
                }
                rights.push(first);
                rights.into_iter().rev().map(|part| self.expr(part)).collect::<Result<_, _>>()?
            }
            "is" | "is not" => {
                let word = self.text(right).to_ascii_lowercase();
                if !matches!(word.as_str(), "null" | "true" | "false" | "unknown" | "document") {
                    return Err(self.unknown(right));
                }
                operator.symbol = format!("{} {word}", operator.symbol);
                vec![self.expr(left)?]
            }
            "in" | "not in" => vec![self.expr(left)?, self.listed(right)?],
            "like" | "not like" | "ilike" | "not ilike" | "similar to" | "not similar to"
                if self.kind(right) == K::BIN_EXPR && self.halves(right)?.operator.symbol == "escape" =>
            {
                let inner = self.halves(right)?;
                vec![self.expr(left)?, self.expr(inner.left)?, self.expr(inner.right)?]
            }
            _ => {
                let (how, right) = self.quantified(right)?;
                quantifier = how;
                vec![self.expr(left)?, right]
            }
        };
        Ok(Node::Operation { operator, quantifier, operands })
    }

    /// The right side of IN: a query, or a row.
    fn listed(&self, id: Id) -> Result<Expr, Unreadable> {
        match self.kind(id) {
            K::PAREN_EXPR => {
                let inner = self.expr(id)?;
                if matches!(inner.node, Node::Query { .. }) {
                    return Ok(inner);
                }
                Ok(Expr { place: self.place(id), node: Node::Row(vec![inner]) })
            }
            K::TUPLE_EXPR => self.expr(id),
            kind if is_query(kind) => self.query_expr(id, QueryAs::Value),
            _ => Err(self.unknown(id)),
        }
    }

    /// The right side of an operator: `ANY (…)`, `ALL (…)`, or any expression.
    fn quantified(&self, id: Id) -> Result<(Option<Quantifier>, Expr), Unreadable> {
        let inner = if self.kind(id) == K::CALL_EXPR { self.nodes(id).next() } else { None };
        let quantifier = match inner.map(|inner| self.kind(inner)) {
            Some(K::ANY_FN | K::SOME_FN) => Quantifier::Any,
            Some(K::ALL_FN) => Quantifier::All,
            _ => return Ok((None, self.expr(id)?)),
        };
        let mut nodes = inner.into_iter().flat_map(|inner| self.nodes(inner));
        let (Some(of), None) = (nodes.next(), nodes.next()) else { return Err(self.unknown(id)) };
        if self.nodes(id).count() != 1 {
            return Err(self.unknown(id));
        }
        let of = if is_query(self.kind(of)) { self.query_expr(of, QueryAs::Value)? } else { self.expr(of)? };
        Ok((Some(quantifier), of))
    }

    fn prefix(&self, id: Id) -> Result<Node, Unreadable> {
        let parts: Vec<Id> = self.children(id).collect();
        let [operator @ .., of] = parts.as_slice() else { return Err(self.unknown(id)) };
        let operator = self.operator(id, operator)?;
        Ok(Node::Operation { operator, quantifier: None, operands: vec![self.expr(*of)?] })
    }

    fn postfix(&self, id: Id) -> Result<Node, Unreadable> {
        let parts: Vec<Id> = self.children(id).collect();
        let [of, operator @ ..] = parts.as_slice() else { return Err(self.unknown(id)) };
        let mut operator = self.operator(id, operator)?;
        match operator.symbol.as_str() {
            "isnull" => operator.symbol = "is null".to_owned(),
            "notnull" => operator.symbol = "is not null".to_owned(),
            _ => {}
        }
        Ok(Node::Operation { operator, quantifier: None, operands: vec![self.expr(*of)?] })
    }

    fn between(&self, id: Id) -> Result<Node, Unreadable> {
        let mut symbol = "between";
        let mut operands = Vec::new();
        let mut place = self.place(id);
        for child in self.children(id) {
            match self.kind(child) {
                K::NOT_KW => (symbol, place) = ("not between", self.place(child)),
                K::BETWEEN_KW if symbol == "between" => place = self.place(child),
                K::BETWEEN_KW | K::AND_KW | K::SYMMETRIC | K::ASYMMETRIC => {}
                _ => operands.push(self.expr(child)?),
            }
        }
        let operator = Operator { schema: None, symbol: symbol.to_owned(), place };
        Ok(Node::Operation { operator, quantifier: None, operands })
    }

    /// `(…)`: an expression or a query.
    fn bracketed(&self, id: Id) -> Result<Expr, Unreadable> {
        let mut nodes = self.nodes(id);
        let (Some(inner), None) = (nodes.next(), nodes.next()) else { return Err(self.unknown(id)) };
        if is_query(self.kind(inner)) { self.query_expr(inner, QueryAs::Value) } else { self.expr(inner) }
    }

    fn case(&self, id: Id) -> Result<Node, Unreadable> {
        let (mut of, mut arms, mut otherwise) = (None, Vec::new(), None);
        for child in self.nodes(id) {
            match self.kind(child) {
                K::WHEN_CLAUSE_LIST => {
                    for arm in self.nodes(child) {
                        let parts: Vec<Id> = self.nodes(arm).collect();
                        let [when, then] = parts.as_slice() else { return Err(self.unknown(arm)) };
                        arms.push((self.expr(*when)?, self.expr(*then)?));
                    }
                }
                K::ELSE_CLAUSE => otherwise = Some(Box::new(self.only(child)?)),
                _ if of.is_none() && arms.is_empty() => of = Some(Box::new(self.expr(child)?)),
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(Node::Case { of, arms, otherwise })
    }

    fn cast(&self, id: Id) -> Result<Node, Unreadable> {
        let (mut of, mut to) = (None, None);
        for child in self.children(id) {
            match self.kind(child) {
                // `treat (x as t)` calls the function that is named like the type.
                K::TREAT_KW => return Err(self.unknown(id)),
                K::COLON_COLON => {}
                K::INTERVAL_YEAR | K::INTERVAL_MONTH | K::INTERVAL_DAY => {}
                K::INTERVAL_HOUR | K::INTERVAL_MINUTE | K::INTERVAL_SECOND => {}
                _ if self.is_token(child) => {}
                kind if Self::is_type(kind) && to.is_none() => to = Some(self.type_name(child)?),
                _ if of.is_none() => of = Some(Box::new(self.expr(child)?)),
                _ => return Err(self.unknown(child)),
            }
        }
        match (of, to) {
            (Some(of), Some(to)) => Ok(Node::Cast { of, to }),
            _ => Err(self.unknown(id)),
        }
    }

    fn collate(&self, id: Id) -> Result<Node, Unreadable> {
        let (mut of, mut place) = (None, self.place(id));
        for child in self.children(id) {
            match self.kind(child) {
                K::COLLATE_KW => place = self.place(child),
                K::COLLATION_REF => _ = self.path(child)?,
                _ if of.is_none() => of = Some(self.expr(child)?),
                _ => return Err(self.unknown(child)),
            }
        }
        let operator = Operator { schema: None, symbol: "collate".to_owned(), place };
        Ok(Node::Operation { operator, quantifier: None, operands: of.into_iter().collect() })
    }

    fn array(&self, id: Id) -> Result<Node, Unreadable> {
        let mut nodes = self.nodes(id);
        if let (Some(one), None) = (nodes.next(), nodes.next())
            && is_query(self.kind(one))
        {
            return Ok(self.query_expr(one, QueryAs::Array)?.node);
        }
        Ok(Node::Array(self.exprs(id)?))
    }

    fn subscript(&self, id: Id) -> Result<Node, Unreadable> {
        let mut parts = self.exprs(id)?;
        if parts.is_empty() {
            return Err(self.unknown(id));
        }
        let at = parts.split_off(1);
        let of = parts.pop().ok_or_else(|| self.unknown(id))?;
        Ok(Node::Subscript { of: Box::new(of), at })
    }
}
