//! What flows through an expression: whether it carries values of a market or of trades, and what was done to them.
//! Knows no policy and no query.

use crate::decide::policy::ColumnIs;

/// How much of a value there is in something, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Degree {
    /// Nothing: a constant, a time, a word, a count.
    Free,
    /// A value as it stands in a row.
    Plain,
    /// A sum, a difference, a multiple, a test of values.
    Linear,
    /// Anything else that was made of values: products, quotients, powers, logarithms.
    Product,
}

/// What sort of thing it is beside that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// When something happened.
    Time,
    /// It tells one row, or the rows of one thing.
    Id,
    /// A number or word that the query itself brings along.
    Parameter,
    /// Anything else.
    Other,
}

/// What flows through an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) degree: Degree,
    pub(super) sort: Sort,
    /// It is no plain column any more.
    pub(super) computed: bool,
    /// Rows that the query makes up have a part in it: numbers to count by.
    pub(super) brought: bool,
    /// A window has brought it from another row.
    pub(super) windowed: bool,
}

impl Flow {
    /// A constant.
    pub(super) const FREE: Flow = Flow { computed: true, ..Flow::PLAIN };
    /// A value in a row.
    pub(super) const VALUE: Flow = Flow { degree: Degree::Plain, ..Flow::PLAIN };
    /// A column of what the query brings along.
    pub(super) const PARAMETER: Flow = Flow { sort: Sort::Parameter, ..Flow::PLAIN };
    /// A column of a relation in no group.
    pub(super) const PLAIN: Flow =
        Flow { degree: Degree::Free, sort: Sort::Other, computed: false, brought: false, windowed: false };

    /// A column of a relation in a group.
    pub(super) fn column(is: ColumnIs) -> Flow {
        let free = |sort| Flow { sort, ..Flow::PLAIN };
        match is {
            ColumnIs::Value => Flow::VALUE,
            ColumnIs::Time => free(Sort::Time),
            ColumnIs::Id => free(Sort::Id),
            ColumnIs::Label => free(Sort::Other),
        }
    }

    /// Whether any value is in it.
    pub(super) fn has_value(self) -> bool {
        self.degree > Degree::Free
    }

    /// Whether rows depend on a value and on numbers that the query makes up: counted, they add values up.
    pub(super) fn counts_by_values(self) -> bool {
        self.has_value() && self.brought
    }

    /// Either of two, as one column of a UNION is.
    pub(super) fn or(self, other: Flow) -> Flow {
        let sort = if self.sort == other.sort { self.sort } else { Sort::Other };
        Flow {
            degree: self.degree.max(other.degree),
            sort,
            computed: self.computed || other.computed,
            brought: self.brought || other.brought,
            windowed: self.windowed || other.windowed,
        }
    }

    /// Made of others: at least `least`, if any of them has a value.
    pub(super) fn made(of: &[Flow], least: Degree) -> Flow {
        let most = of.iter().map(|flow| flow.degree).max().unwrap_or(Degree::Free);
        let degree = if most == Degree::Free { Degree::Free } else { most.max(least) };
        let has = |sort: Sort| of.iter().any(|flow| flow.sort == sort);
        let sort = match degree {
            Degree::Free if has(Sort::Parameter) => Sort::Parameter,
            Degree::Free if has(Sort::Time) => Sort::Time,
            Degree::Free | Degree::Plain | Degree::Linear | Degree::Product => Sort::Other,
        };
        let (brought, windowed) = (of.iter().any(|flow| flow.brought), of.iter().any(|flow| flow.windowed));
        Flow { degree, sort, computed: true, brought, windowed }
    }
}

/// What an operator makes of its operands.
pub(super) fn operation(symbol: &str, operands: &[Flow]) -> Flow {
    let made = made(symbol, operands);
    let by_values = operands.iter().any(|flow| flow.counts_by_values());
    let brought = match symbol {
        // What is equal to one of them, is so once.
        "=" | "in" | "and" | "or" | "not" => by_values,
        // An id is a number as well, where it is held against a value.
        _ if is_test(symbol) => made.brought || operands.iter().any(|flow| flow.sort == Sort::Id),
        _ => made.brought,
    };
    Flow { brought, ..made }
}

fn made(symbol: &str, operands: &[Flow]) -> Flow {
    let values = operands.iter().filter(|flow| flow.has_value()).count();
    match symbol {
        "is null" | "is not null" => Flow::FREE,
        "+" | "-" | "and" | "or" | "not" | "at time zone" | "collate" | "->" | "->>" | "#>" | "#>>" => {
            Flow::made(operands, Degree::Linear)
        }
        "*" if values < 2 => Flow::made(operands, Degree::Linear),
        // A value over a number.
        "/" if operands.iter().skip(1).all(|flow| !flow.has_value()) => Flow::made(operands, Degree::Linear),
        _ if is_test(symbol) => Flow { sort: Sort::Other, ..Flow::made(operands, Degree::Linear) },
        _ => Flow::made(operands, Degree::Product),
    }
}

/// Whether an operator compares.
pub(super) fn is_test(symbol: &str) -> bool {
    let symbol = symbol.strip_prefix("not ").unwrap_or(symbol);
    matches!(
        symbol,
        "=" | "<>" | "!=" | "<" | ">" | "<=" | ">=" | "in" | "like" | "ilike" | "similar to" | "~" | "~*" | "!~"
    ) || symbol.starts_with("is ")
        || symbol.starts_with("between")
}
