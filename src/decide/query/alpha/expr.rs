//! Expressions: what flows through each, and what is computed of values on the way.
//! Knows no sources.

use super::super::ground::named;
use super::super::table;
use super::calls::{Does, does_of, is_of_elements};
use super::flow::{Degree, Flow, operation};
use super::look::visit;
use super::time::{duration, whole};
use super::walk::Walk;
use crate::action::query::catalog::FunctionKind;
use crate::action::query::{Bound, Call, Expr, Frame, Literal, Node, QueryAs, Unit, Window};

impl Walk<'_> {
    /// What flows through an expression.
    pub(super) fn expr(&mut self, expr: &Expr) -> Flow {
        match &expr.node {
            Node::Literal(_) => Flow::FREE,
            Node::Star(_) => Flow::FREE,
            Node::Column(path) => {
                let (_, flow) = self.scope.column(path, self.alpha);
                let has_sources = self.scope.levels.iter().any(|level| !level.is_empty());
                if !has_sources {
                    return Flow::FREE;
                }
                if flow.has_value() {
                    self.uses(expr.place);
                }
                flow
            }
            Node::Call(call) => self.call(call, expr),
            Node::Operation { operator, operands, quantifier } => {
                let flows: Vec<Flow> = operands.iter().map(|operand| self.expr(operand)).collect();
                if quantifier.is_some() && operator.symbol != "=" && operator.symbol != "<>" {
                    self.held_against_all(operands);
                }
                operation(&operator.symbol, &flows)
            }
            Node::Case { of, arms, otherwise } => {
                let mut tests: Vec<Flow> = of.iter().map(|of| self.expr(of)).collect();
                let mut gives: Vec<Flow> = Vec::new();
                for (when, then) in arms {
                    tests.push(self.expr(when));
                    gives.push(self.expr(then));
                }
                gives.extend(otherwise.iter().map(|otherwise| self.expr(otherwise)));
                let (tests, gives) = (Flow::made(&tests, Degree::Linear), Flow::made(&gives, Degree::Linear));
                // Values that are chosen by values.
                let least = if tests.has_value() && gives.has_value() { Degree::Product } else { Degree::Linear };
                Flow::made(&[tests, gives], least)
            }
            Node::Cast { of, .. } => Flow::made(&[self.expr(of)], Degree::Linear),
            Node::Field { of, .. } => Flow::made(&[self.expr(of)], Degree::Linear),
            Node::Subscript { of, at } => {
                let flows: Vec<Flow> = std::iter::once(&**of).chain(at).map(|part| self.expr(part)).collect();
                Flow::made(&flows, Degree::Linear)
            }
            Node::Query { as_what, body } => {
                let outputs = self.body(body);
                match as_what {
                    QueryAs::Exists => Flow::FREE,
                    QueryAs::Value => Flow { brought: false, ..Flow::made(&[outputs.whole()], Degree::Linear) },
                    QueryAs::Array => {
                        let flow = Flow::made(&[outputs.whole()], Degree::Linear);
                        if flow.has_value() {
                            let at = self.alpha.task_rows.at.clone();
                            self.refuse(
                                &table::EXPORT,
                                "`ARRAY(…)` gathers values of many rows into one",
                                expr.place,
                                &at,
                            );
                        }
                        flow
                    }
                }
            }
            Node::Row(parts) | Node::Array(parts) | Node::Grouping(parts) => {
                let flows: Vec<Flow> = parts.iter().map(|part| self.expr(part)).collect();
                Flow::made(&flows, Degree::Linear)
            }
        }
    }

    /// `x >= ALL (SELECT …)`: what is held against all values of many rows is one of their extremes.
    fn held_against_all(&mut self, operands: &[Expr]) {
        for operand in operands {
            let Node::Query { body, .. } = &operand.node else { continue };
            let outputs = self.body(body);
            if outputs.whole().has_value() && !outputs.bounded {
                let most = self.alpha.aggregate_time.clone();
                let what = format!(
                    "a value is held against those of all rows, with nothing that holds them to {},",
                    told(most.most)
                );
                self.refuse(&table::AGGREGATE, &what, operand.place, &most.at);
            }
        }
    }

    /// The parts of a window; what it is ordered by.
    pub(super) fn window_parts(&mut self, window: &Window) -> Vec<Flow> {
        for key in &window.partition {
            let flow = self.expr(key);
            if flow.degree > Degree::Plain {
                let at = self.alpha.aggregate_time.at.clone();
                self.refuse(&table::STATISTICS, "parts a window by what is computed of values", key.place, &at);
            }
        }
        let order = self.named_order(window);
        window.order.iter().map(|sort| self.expr(&sort.expr)).chain(order).collect()
    }

    /// What a window that it extends is ordered by.
    fn named_order(&mut self, window: &Window) -> Vec<Flow> {
        let Some(base) = &window.base else { return Vec::new() };
        let named =
            self.blocks.last().and_then(|context| context.windows.iter().find(|(name, _)| name == base).cloned());
        named.map_or_else(Vec::new, |(_, base)| base.order.iter().map(|sort| self.expr(&sort.expr)).collect())
    }

    fn call(&mut self, call: &Call, expr: &Expr) -> Flow {
        let arguments: Vec<Flow> = call.arguments.iter().map(|argument| self.expr(argument)).collect();
        let within: Vec<Flow> = call.order.iter().map(|sort| self.expr(&sort.expr)).collect();
        let filter: Vec<Flow> = call.filter.iter().map(|filter| self.expr(filter)).collect();
        let order = call.over.as_ref().map_or_else(Vec::new, |over| self.window_parts(over));
        let of = [arguments.as_slice(), &within, &filter].concat();
        let whole_row =
            call.arguments.iter().any(|argument| matches!(&argument.node, Node::Star(of) if !of.is_empty()));
        let has_group = self.blocks.iter().any(|context| context.has_group);
        let name = call.function.path.name.as_str().to_lowercase();
        let shown = format!("`{}`", call.function.path);
        let place = expr.place;
        let all = Flow::made(&[of.as_slice(), &order].concat(), Degree::Linear);
        let has_value = all.has_value() || whole_row && has_group;
        if let Some(at) = self.alpha.statistic(&name).map(str::to_owned) {
            if has_value {
                self.refuse(&table::STATISTICS, &format!("{shown} of values"), place, &at);
                return Flow { degree: Degree::Product, ..all };
            }
            return all;
        }
        let does = does_of(call);
        let made = Flow::made(&of, Degree::Linear);
        if order.iter().any(|flow| flow.has_value()) {
            let at = self.alpha.window_rows.at.clone();
            self.refuse(&table::STATISTICS, &format!("{shown} ranks rows by values"), place, &at);
        }
        if made.windowed && call.over.is_some() {
            let at = self.alpha.window_rows.at.clone();
            self.refuse(&table::WINDOW, &format!("{shown} looks at what a window brought already"), place, &at);
        }
        let windowed = Flow { windowed: made.has_value(), ..made };
        match does {
            Does::Counts => {
                let degree = of.iter().map(|flow| flow.degree).max().unwrap_or(Degree::Free);
                let tests = degree > Degree::Plain;
                if tests && call.over.is_some() {
                    self.framed(call, &shown, expr);
                } else if tests {
                    self.summed(Flow { degree: Degree::Linear, ..made }, &shown, expr);
                }
                Flow::FREE
            }
            Does::Sums if call.over.is_some() => {
                if made.degree == Degree::Product {
                    self.summed(made, &shown, expr);
                } else if made.has_value() {
                    self.framed(call, &shown, expr);
                }
                windowed
            }
            Does::Sums => {
                self.summed(made, &shown, expr);
                made
            }
            Does::Gathers => {
                if has_value {
                    let at = self.alpha.task_rows.at.clone();
                    self.refuse(&table::EXPORT, &format!("{shown} gathers values of many rows into one"), place, &at);
                }
                made
            }
            Does::Steps => {
                if arguments.first().is_some_and(|flow| flow.has_value()) {
                    self.stepped(call, &shown, expr);
                }
                windowed
            }
            Does::Picks => {
                if made.has_value() {
                    self.framed(call, &shown, expr);
                }
                windowed
            }
            Does::Ranks => Flow::FREE,
            Does::Multiplies => {
                let computed = of.iter().any(|flow| flow.degree > Degree::Plain);
                if computed || made.has_value() && !is_of_elements(&name) {
                    let at = self.alpha.aggregate_time.at.clone();
                    self.refuse(&table::STATISTICS, &format!("{shown} makes as many rows as values say"), place, &at);
                }
                made
            }
            Does::Keeps => made,
            Does::Unknown => {
                let flow = Flow::made(&of, Degree::Product);
                let aggregates =
                    call.over.is_some() || call.filter.is_some() || !within.is_empty() || self.is_aggregate(call);
                if aggregates && has_value {
                    let at = self.alpha.aggregate_time.at.clone();
                    let what = format!("{shown}, an aggregate that guard does not know, of values");
                    self.refuse(&table::STATISTICS, &what, place, &at);
                }
                flow
            }
        }
    }

    /// Whether the catalog calls any function of the name an aggregate or a window function.
    fn is_aggregate(&self, call: &Call) -> bool {
        let all = self.sight.ground.and_then(|ground| ground.catalog().functions.get(&named(&call.function.path)));
        all.into_iter().flatten().any(|function| match function.kind {
            FunctionKind::Aggregate | FunctionKind::Window => true,
            FunctionKind::Plain | FunctionKind::Procedure => false,
        })
    }

    /// Whether the rows that an aggregate goes over are held. It belongs to the innermost query whose columns it names.
    fn is_bounded(&self, expr: &Expr) -> bool {
        let (mut level, mut has_query) = (None, false);
        visit(expr, &mut |part| {
            has_query |= matches!(part.node, Node::Query { .. });
            if let Node::Column(path) = &part.node {
                level = level.max(self.scope.column(path, self.alpha).0.map(|at| at.0));
            }
        });
        match level.filter(|_| !has_query) {
            Some(level) => self.blocks.get(level).is_some_and(|context| context.bounded),
            None => self.blocks.iter().all(|context| context.bounded || !context.has_group),
        }
    }

    /// An aggregate over all rows of its group.
    fn summed(&mut self, made: Flow, shown: &str, expr: &Expr) {
        let bounded = self.is_bounded(expr);
        match made.degree {
            Degree::Product => {
                let at = self.alpha.aggregate_time.at.clone();
                self.refuse(
                    &table::STATISTICS,
                    &format!("{shown} of products, quotients or powers of values"),
                    expr.place,
                    &at,
                );
            }
            Degree::Plain | Degree::Linear if !bounded => {
                let most = self.alpha.aggregate_time.clone();
                let hours = told(most.most);
                self.refuse(
                    &table::AGGREGATE,
                    &format!("{shown} of values, with nothing that holds them to {hours},"),
                    expr.place,
                    &most.at,
                );
            }
            Degree::Free | Degree::Plain | Degree::Linear => {}
        }
    }

    /// `lag(x, n)`.
    fn stepped(&mut self, call: &Call, shown: &str, expr: &Expr) {
        let most = self.alpha.window_rows.clone();
        let rows = call.arguments.get(1).map_or(Some(1), whole);
        if rows.is_none_or(|rows| rows.abs() > i64::from(most.most)) {
            let what = format!("{shown} takes values from more than {} rows away", most.most);
            self.refuse(&table::WINDOW, &what, expr.place, &most.at);
        }
    }

    /// A function over a frame of rows.
    fn framed(&mut self, call: &Call, shown: &str, expr: &Expr) {
        let Some(over) = &call.over else { return };
        let base = over.base.as_ref().and_then(|base| {
            let windows = self.blocks.last().map_or(&[][..], |context| context.windows.as_slice());
            windows.iter().find(|(name, _)| name == base).and_then(|(_, window)| window.frame.clone())
        });
        let frame = over.frame.clone().or(base);
        if !frame.as_ref().is_some_and(|frame| self.is_narrow(frame)) {
            let (rows, time) = (self.alpha.window_rows.clone(), told(self.alpha.window_time.most));
            let what = format!("{shown} looks at values of more than {} rows or {time}", rows.most);
            self.refuse(&table::WINDOW, &what, expr.place, &rows.at);
        }
    }

    /// Whether a frame is within the policy's bounds.
    fn is_narrow(&self, frame: &Frame) -> bool {
        let measured = |bound: &Bound| match (bound, frame.unit) {
            (Bound::Current, Unit::Rows | Unit::Range) => Some(0),
            (Bound::Preceding(by) | Bound::Following(by), Unit::Rows) => whole(by).map(i64::abs),
            (Bound::Preceding(by) | Bound::Following(by), Unit::Range) => length(by),
            (Bound::Start | Bound::End, _) | (_, Unit::Groups | Unit::Cumulative) => None,
        };
        let end = frame.end.as_ref().map_or(Some(0), measured);
        let (Some(start), Some(end)) = (measured(&frame.start), end) else { return false };
        let most = match frame.unit {
            Unit::Rows => i64::from(self.alpha.window_rows.most),
            Unit::Range => i64::try_from(self.alpha.window_time.most.as_secs()).unwrap_or(i64::MAX),
            Unit::Groups | Unit::Cumulative => return false,
        };
        start.saturating_add(end) <= most
    }
}

/// The length of a bound of RANGE; a bare number is of a unit that nobody says.
fn length(expr: &Expr) -> Option<i64> {
    let bare = |number: &str| number.chars().all(|c| c.is_ascii_digit());
    if matches!(&expr.node, Node::Literal(Literal::Number(number)) if bare(number)) {
        return None;
    }
    duration(expr).map(|length| length.size())
}

/// A length of time as people say it.
pub(super) fn told(time: std::time::Duration) -> String {
    match time.as_secs() {
        hours if hours % 3_600 == 0 => format!("{} h", hours / 3_600),
        minutes if minutes % 60 == 0 => format!("{} min", minutes / 60),
        seconds => format!("{seconds} s"),
    }
}
