//! Calls and windows out of squawk's tree: ordinary calls, and the functions with a syntax of their own.

use super::expr::{is_expr, is_query};
use super::{Id, Tree};
use crate::action::query::name::{Called, Name, Path, Spelling};
use crate::action::query::shape::{Bound, Call, Expr, Frame, Literal, Node, QueryAs, Sort, Unit, Window};
use crate::action::query::{Engine, Unreadable};
use squawk_parser::SyntaxKind as K;

/// Functions that look like calls but are syntax: PostgreSQL's grammar (`func_expr_common_subexpr`) does not look them up.
const SYNTAX: [K; 16] = [
    K::COALESCE_KW,
    K::GREATEST_KW,
    K::LEAST_KW,
    K::NULLIF_KW,
    K::GROUPING_KW,
    K::NORMALIZE_KW,
    K::XMLCONCAT_KW,
    K::MERGE_ACTION_KW,
    K::CURRENT_SCHEMA_KW,
    K::CURRENT_TIME_KW,
    K::CURRENT_TIMESTAMP_KW,
    K::LOCALTIME_KW,
    K::LOCALTIMESTAMP_KW,
    K::JSON_KW,
    K::JSON_SCALAR_KW,
    K::JSON_SERIALIZE_KW,
];

/// What a node inside a function's own syntax is to whoever looks for expressions.
enum Inside {
    /// It may hold expressions.
    Holds,
    /// It holds names and keywords only.
    Bare,
    /// It is not known.
    Unknown,
}

fn inside(kind: K) -> Inside {
    match kind {
        K::JSON_KEY_VALUE
        | K::JSON_VALUE_EXPR
        | K::JSON_EXPR_FORMAT
        | K::JSON_SELECT_FORMAT
        | K::JSON_PASSING_CLAUSE
        | K::JSON_PASSING_ARG
        | K::JSON_RETURNING_CLAUSE
        | K::JSON_ON_EMPTY_CLAUSE
        | K::JSON_ON_ERROR_CLAUSE
        | K::JSON_BEHAVIOR_DEFAULT
        | K::JSON_TABLE_COLUMN_LIST
        | K::JSON_TABLE_VALUE_COLUMN
        | K::JSON_TABLE_EXISTS_COLUMN
        | K::JSON_TABLE_NESTED_COLUMN
        | K::JSON_PATH_CLAUSE
        | K::XML_ROW_PASSING_CLAUSE
        | K::XML_PASSING_DOC
        | K::XML_TABLE_COLUMN_LIST
        | K::XML_TABLE_COLUMN
        | K::XML_COLUMN_OPTION_LIST
        | K::OPTION_PATH
        | K::OPTION_DEFAULT
        | K::EXPR_AS_XML_ATTR_LIST
        | K::EXPR_AS_XML_ATTR
        | K::EXPR_AS_ELEMENT_TAG_LIST
        | K::EXPR_AS_ELEMENT_TAG
        | K::SUBSTRING_EXPRS
        | K::SUBSTRING_FOR_FROM
        | K::SUBSTRING_FROM_FOR
        | K::SUBSTRING_SIMILAR_ESCAPE
        | K::OVERLAY_EXPRS
        | K::OVERLAY_PLACING
        | K::TRIM_EXPRS
        | K::TRIM_EXPR_FROM
        | K::TRIM_FROM
        | K::EXTRACT_FIELD_LITERAL => Inside::Holds,
        K::JSON_NULL_ON_NULL
        | K::JSON_ABSENT_ON_NULL
        | K::JSON_FORMAT_CLAUSE
        | K::JSON_VARIABLE_NAME
        | K::JSON_WITH_UNIQUE_KEYS
        | K::JSON_WITHOUT_UNIQUE_KEYS
        | K::JSON_WITHOUT_WRAPPER
        | K::JSON_WITH_CONDITIONAL_WRAPPER
        | K::JSON_WITH_UNCONDITIONAL_WRAPPER
        | K::JSON_BEHAVIOR_EMPTY_ARRAY
        | K::JSON_BEHAVIOR_EMPTY_OBJECT
        | K::JSON_BEHAVIOR_ERROR
        | K::JSON_BEHAVIOR_FALSE
        | K::JSON_BEHAVIOR_NULL
        | K::JSON_BEHAVIOR_TRUE
        | K::JSON_BEHAVIOR_UNKNOWN
        | K::JSON_TABLE_ORDINALITY_COLUMN
        | K::JSON_PATH_NAME_CLAUSE
        | K::KEEP_QUOTES
        | K::OMIT_QUOTES
        | K::COLUMN_NAME
        | K::OPTION_NOT_NULL
        | K::OPTION_NULL
        | K::XML_PASSING_MECH_BY_REF
        | K::XML_PASSING_MECH_BY_VALUE
        | K::XML_DOCUMENT
        | K::XML_CONTENT
        | K::XML_PI_TARGET
        | K::XML_ATTR
        | K::ELEMENT_TAG
        | K::PRESERVE_WHITESPACE
        | K::STRIP_WHITESPACE
        | K::STANDALONE_YES
        | K::STANDALONE_NO
        | K::STANDALONE_NO_VALUE
        | K::TRIM_BOTH
        | K::TRIM_LEADING
        | K::TRIM_TRAILING
        | K::INDENT
        | K::NO_INDENT => Inside::Bare,
        _ => Inside::Unknown,
    }
}

/// Whether a kind is of a function with a syntax of its own.
fn is_special(kind: K) -> bool {
    matches!(
        kind,
        K::EXTRACT_FN
            | K::SUBSTRING_FN
            | K::POSITION_FN
            | K::OVERLAY_FN
            | K::TRIM_FN
            | K::COLLATION_FOR_FN
            | K::JSON_ARRAY_FN
            | K::JSON_ARRAY_AGG_FN
            | K::JSON_EXISTS_FN
            | K::JSON_FN
            | K::JSON_OBJECT_FN
            | K::JSON_OBJECT_AGG_FN
            | K::JSON_QUERY_FN
            | K::JSON_SCALAR_FN
            | K::JSON_SERIALIZE_FN
            | K::JSON_VALUE_FN
            | K::XML_ELEMENT_FN
            | K::XML_FOREST_FN
            | K::XML_PARSE_FN
            | K::XML_PI_FN
            | K::XML_EXISTS_FN
            | K::XML_SERIALIZE_FN
    )
}

impl Tree<'_> {
    /// A call.
    pub(super) fn call(&self, id: Id) -> Result<Node, Unreadable> {
        let first = self.nodes(id).next().ok_or_else(|| self.unknown(id))?;
        if self.kind(first) == K::EXISTS_FN {
            let query = self.nodes(first).next().filter(|query| is_query(self.kind(*query)));
            let query = query.ok_or_else(|| self.unknown(first))?;
            return match self.nodes(id).count() {
                1 => Ok(self.query_expr(query, QueryAs::Exists)?.node),
                _ => Err(self.unknown(id)),
            };
        }
        let mut call = if is_special(self.kind(first)) { self.special(first)? } else { self.plain(first)? };
        let mut has_arguments = is_special(self.kind(first));
        for child in self.nodes(id).skip(1) {
            match self.kind(child) {
                K::ARG_LIST if !has_arguments => {
                    self.arguments(child, &mut call)?;
                    has_arguments = true;
                }
                K::WITHIN_CLAUSE => {
                    let order = self.child(child, K::ORDER_BY_CLAUSE).ok_or_else(|| self.unknown(child))?;
                    call.order.extend(self.order(order)?);
                }
                K::FILTER_CLAUSE => call.filter = Some(self.only(child)?),
                K::IGNORE_NULLS | K::RESPECT_NULLS => {}
                K::OVER_CLAUSE => call.over = Some(self.over(child)?),
                _ => return Err(self.unknown(child)),
            }
        }
        if has_arguments { Ok(Node::Call(Box::new(call))) } else { Err(self.unknown(id)) }
    }

    /// The function of an ordinary call.
    fn plain(&self, callee: Id) -> Result<Call, Unreadable> {
        let token = self.children(callee).next().filter(|token| self.is_token(*token));
        if let Some(token) = token
            && SYNTAX.contains(&self.kind(token))
        {
            return Ok(self.called_by_syntax(callee, &self.text(token).to_ascii_lowercase()));
        }
        let mut names = self.dotted(callee).ok_or_else(|| self.unknown(callee))?;
        let name = names.pop().ok_or_else(|| self.unknown(callee))?;
        let path = Path { qualifier: names, name };
        let function = Called { path, spelling: Spelling::Call, place: self.place(callee) };
        Ok(Call { function, arguments: Vec::new(), is_distinct: false, order: Vec::new(), filter: None, over: None })
    }

    fn arguments(&self, list: Id, call: &mut Call) -> Result<(), Unreadable> {
        for child in self.children(list) {
            match self.kind(child) {
                K::L_PAREN | K::R_PAREN | K::COMMA | K::ALL => {}
                K::STAR => call.arguments.push(Expr { place: self.place(child), node: Node::Star(Vec::new()) }),
                K::DISTINCT => call.is_distinct = true,
                K::ARG => self.argument(child, call)?,
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(())
    }

    fn argument(&self, id: Id, call: &mut Call) -> Result<(), Unreadable> {
        for child in self.children(id) {
            match self.kind(child) {
                K::VARIADIC_KW => {}
                K::ORDER_BY_CLAUSE => call.order.extend(self.order(child)?),
                K::NAMED_ARG => {
                    let value = self.nodes(child).find(|node| self.kind(*node) != K::PARAM_NAME_REF);
                    call.arguments.push(self.expr(value.ok_or_else(|| self.unknown(child))?)?);
                }
                kind if is_query(kind) => call.arguments.push(self.query_expr(child, QueryAs::Value)?),
                _ => call.arguments.push(self.expr(child)?),
            }
        }
        Ok(())
    }

    /// A function with a syntax of its own: its name is its first word, its arguments are the expressions in it.
    pub(super) fn special(&self, id: Id) -> Result<Call, Unreadable> {
        let token = self.children(id).next().ok_or_else(|| self.unknown(id))?;
        let name = self.text(token).to_ascii_lowercase();
        let name = if self.kind(id) == K::COLLATION_FOR_FN { "collation for" } else { name.as_str() };
        let mut call = self.called_by_syntax(id, name);
        // `substring(a, b)` and `overlay(a, b)` are looked up like any function.
        if self.child(id, K::SUBSTRING_EXPRS).or_else(|| self.child(id, K::OVERLAY_EXPRS)).is_some() {
            call.function.spelling = Spelling::Call;
        }
        self.inner(id, &mut call)?;
        Ok(call)
    }

    fn inner(&self, id: Id, call: &mut Call) -> Result<(), Unreadable> {
        let _level = self.level.enter(self.place(id))?;
        for child in self.nodes(id) {
            let kind = self.kind(child);
            if is_expr(kind) {
                call.arguments.push(self.expr(child)?);
            } else if is_query(kind) {
                call.arguments.push(self.query_expr(child, QueryAs::Value)?);
            } else if Self::is_type(kind) {
                let of = Expr { place: self.place(child), node: Node::Literal(Literal::Null) };
                let node = Node::Cast { of: Box::new(of), to: self.type_name(child)? };
                call.arguments.push(Expr { place: self.place(child), node });
            } else if kind == K::NAMED_ARG {
                let value = self.nodes(child).find(|node| self.kind(*node) != K::PARAM_NAME_REF);
                call.arguments.push(self.expr(value.ok_or_else(|| self.unknown(child))?)?);
            } else if kind == K::EXTRACT_FIELD_NAME {
                let node = Node::Literal(Literal::Text(self.text(child).to_ascii_lowercase()));
                call.arguments.push(Expr { place: self.place(child), node });
            } else if kind == K::ORDER_BY_CLAUSE {
                call.order.extend(self.order(child)?);
            } else {
                match inside(kind) {
                    Inside::Holds => self.inner(child, call)?,
                    Inside::Bare => {}
                    Inside::Unknown => return Err(self.unknown(child)),
                }
            }
        }
        Ok(())
    }

    /// `ORDER BY …`.
    pub(super) fn order(&self, id: Id) -> Result<Vec<Sort>, Unreadable> {
        let list = self.child(id, K::SORT_BY_LIST).ok_or_else(|| self.unknown(id))?;
        self.nodes(list).map(|sort| self.sort(sort)).collect()
    }

    fn sort(&self, id: Id) -> Result<Sort, Unreadable> {
        let (mut expr, mut descends, mut using) = (None, false, None);
        for child in self.nodes(id) {
            match self.kind(child) {
                K::SORT_ASC | K::NULLS_FIRST | K::NULLS_LAST => {}
                K::SORT_DESC => descends = true,
                K::SORT_USING => {
                    let op = self.nodes(child).next().ok_or_else(|| self.unknown(child))?;
                    let (schema, symbol) = self.qualified(op)?;
                    using = Some(crate::action::query::name::Operator { schema, symbol, place: self.place(op) });
                }
                _ if expr.is_none() => expr = Some(self.expr(child)?),
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(Sort { expr: expr.ok_or_else(|| self.unknown(id))?, descends, using })
    }

    fn over(&self, id: Id) -> Result<Window, Unreadable> {
        let target = self.nodes(id).next().ok_or_else(|| self.unknown(id))?;
        match self.kind(target) {
            K::WINDOW_REF => Ok(Window { base: Some(self.name(target)?), ..self.empty_window(target) }),
            K::OVER_WINDOW_SPEC => match self.nodes(target).next() {
                Some(spec) => self.window(spec),
                None => Ok(self.empty_window(target)),
            },
            _ => Err(self.unknown(target)),
        }
    }

    fn empty_window(&self, id: Id) -> Window {
        Window { place: self.place(id), base: None, partition: Vec::new(), order: Vec::new(), frame: None }
    }

    /// What stands between the brackets of a window.
    pub(super) fn window(&self, id: Id) -> Result<Window, Unreadable> {
        if self.kind(id) != K::WINDOW_SPEC {
            return Err(self.unknown(id));
        }
        let mut window = self.empty_window(id);
        for child in self.nodes(id) {
            match self.kind(child) {
                K::WINDOW_REF => window.base = Some(self.name(child)?),
                K::PARTITION_BY_CLAUSE => window.partition = self.exprs(child)?,
                K::ORDER_BY_CLAUSE => window.order = self.order(child)?,
                K::FRAME_CLAUSE => window.frame = Some(self.frame(child)?),
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(window)
    }

    fn frame(&self, id: Id) -> Result<Frame, Unreadable> {
        let (mut unit, mut start, mut end) = (None, None, None);
        for child in self.nodes(id) {
            match self.kind(child) {
                K::FRAME_ROWS => unit = Some(Unit::Rows),
                K::FRAME_RANGE => unit = Some(Unit::Range),
                K::FRAME_GROUPS => unit = Some(Unit::Groups),
                K::FRAME_EXCLUDE => {}
                K::FRAME_BETWEEN => {
                    let bounds: Vec<Id> = self.nodes(child).collect();
                    let [first, last] = bounds.as_slice() else { return Err(self.unknown(child)) };
                    (start, end) = (Some(self.bound(*first)?), Some(self.bound(*last)?));
                }
                _ => start = Some(self.bound(child)?),
            }
        }
        match (unit, start) {
            (Some(unit), Some(start)) => Ok(Frame { unit, start, end }),
            _ => Err(self.unknown(id)),
        }
    }

    fn bound(&self, id: Id) -> Result<Bound, Unreadable> {
        Ok(match self.kind(id) {
            K::UNBOUNDED_PRECEDING => Bound::Start,
            K::UNBOUNDED_FOLLOWING => Bound::End,
            K::CURRENT_ROW => Bound::Current,
            K::EXPR_PRECEDING => Bound::Preceding(Box::new(self.only(id)?)),
            K::EXPR_FOLLOWING => Bound::Following(Box::new(self.only(id)?)),
            _ => return Err(self.unknown(id)),
        })
    }

    /// A function of that name with these arguments; for syntax that stands in FROM.
    pub(super) fn table_syntax(&self, id: Id) -> Result<Expr, Unreadable> {
        let mut call = self.special(id)?;
        let text = call.function.path.name.as_str().to_owned();
        call.function.path.name = Name::new(Engine::Postgres, &text, false);
        Ok(Expr { place: self.place(id), node: Node::Call(Box::new(call)) })
    }
}
