//! sqlparser's reading of a statement, turned into guard's own types. Every field of every node is named: one that guard does not
//! follow is a refusal.
#![expect(clippy::wildcard_enum_match_arm, reason = "of some 400 kinds those that are not known are refused")]

mod body;
mod call;
mod change;
mod expr;
mod names;
mod operator;
mod source;
mod statement;

pub(super) use statement::{lexed, parsed, reworded};

use super::level::Level;
use super::token::Tokens;
use super::{Engine, Fault, Place, Unreadable};

/// Turns sqlparser's tree into guard's.
struct Ast<'a> {
    engine: Engine,
    tokens: &'a Tokens<'a>,
    level: Level,
}

impl Ast<'_> {
    /// A refusal of what guard does not follow.
    fn unknown<T>(&self, at: Place, what: &str) -> Result<T, Unreadable> {
        let why = format!("guard does not follow {what} here");
        Err(Unreadable::new(Fault::Unknown, at, why).instead("say it in plainer SQL"))
    }
}
