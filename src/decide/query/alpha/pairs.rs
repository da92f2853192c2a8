//! Rows that are brought together: whether two sources of one group meet at the same moment, in the same thing, or no further
//! apart than the policy's span. Anything else is a window made by hand.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not understood holds nothing together")]

use super::bounds::turned;
use super::flow::{Flow, Sort};
use super::scope::{At, Scope, is_plain};
use super::time::{Seconds, duration};
use crate::action::query::{Expr, Node, Path};
use crate::decide::policy::Alpha;

/// What is known of how far one source's rows lie behind another's.
#[derive(Debug, Default)]
pub(super) struct Apart {
    /// In time.
    time: (Option<Seconds>, Option<Seconds>),
    /// They meet.
    met: bool,
}

/// A column of a source, and what is added to it.
struct Side {
    at: At,
    flow: Flow,
    seconds: (Seconds, Seconds),
    steps: bool,
}

impl Apart {
    /// Whether they lie no further apart than that.
    pub(super) fn is_within(&self, most: Seconds) -> bool {
        let near = |bound: Option<Seconds>| bound.is_some_and(|bound| bound.abs() <= most);
        self.met || near(self.time.0) && near(self.time.1)
    }

    /// They meet at the same moment or in the same thing.
    pub(super) fn meet(&mut self) {
        self.met = true;
    }

    /// Takes in a part of a condition, if it is about both sources.
    pub(super) fn hold(&mut self, condition: &Expr, (one, other): (At, At), known: (&Scope, &Alpha)) {
        let Node::Operation { operator, operands, quantifier: None } = &condition.node else { return };
        match (operator.symbol.as_str(), operands.as_slice()) {
            ("between", [of, low, high]) => {
                self.compare(">=", (of, low), (one, other), known);
                self.compare("<=", (of, high), (one, other), known);
            }
            (symbol @ ("=" | "<" | "<=" | ">" | ">="), [left, right]) => {
                self.compare(symbol, (left, right), (one, other), known);
            }
            _ => {}
        }
    }

    fn compare(
        &mut self,
        symbol: &str,
        (left, right): (&Expr, &Expr),
        (one, other): (At, At),
        known: (&Scope, &Alpha),
    ) {
        let (Some(left), Some(right)) = (side(left, known), side(right, known)) else { return };
        let (symbol, left, right) = match (left.at == one && right.at == other, left.at == other && right.at == one) {
            (true, _) => (symbol, left, right),
            (_, true) => (turned(symbol), right, left),
            (false, false) => return,
        };
        let both = |sort| is_plain(left.flow, sort) && is_plain(right.flow, sort);
        if symbol == "=" && !left.steps && !right.steps && (both(Sort::Id) || both(Sort::Time)) {
            self.met = true;
        }
        // The first of both is `at` seconds behind the other.
        let least = right.seconds.0.saturating_sub(left.seconds.1);
        let most = right.seconds.1.saturating_sub(left.seconds.0);
        if both(Sort::Time) {
            if matches!(symbol, "=" | ">" | ">=") {
                self.time.0 = self.time.0.max(Some(least));
            }
            if matches!(symbol, "=" | "<" | "<=") {
                self.time.1 = Some(self.time.1.map_or(most, |known| known.min(most)));
            }
        }
    }
}

/// A column, or a column and a constant that is added or taken away.
fn side(expr: &Expr, (scope, alpha): (&Scope, &Alpha)) -> Option<Side> {
    let column = |path: &Path| {
        let (at, flow) = scope.column(path, alpha);
        Some(Side { at: at?, flow, seconds: (0, 0), steps: false })
    };
    match &expr.node {
        Node::Column(path) => column(path),
        Node::Operation { operator, operands, quantifier: None } => {
            let [of, by] = operands.as_slice() else { return None };
            let Node::Column(path) = &of.node else { return None };
            let sign = match operator.symbol.as_str() {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            let side = Side { steps: true, ..column(path)? };
            let (least, most) = duration(by)?.times(sign)?.bounds();
            Some(Side { seconds: (least, most), ..side })
        }
        Node::Call(call) if call.function.path.name.as_str() == "dateadd" => {
            let [unit, number, of] = call.arguments.as_slice() else { return None };
            let Node::Column(path) = &of.node else { return None };
            let (least, most) = super::time::step(unit, number)?.bounds();
            Some(Side { seconds: (least, most), steps: true, ..column(path)? })
        }
        _ => None,
    }
}
