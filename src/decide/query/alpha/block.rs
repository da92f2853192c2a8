//! One SELECT: what holds its rows, which of them are brought together, by what they are grouped, and what it gives.
//! Knows no views.

use super::super::table;
use super::bounds::Span;
use super::calls::{does, makes_rows};
use super::expr::told;
use super::flow::{Degree, Flow, Sort};
use super::joins::{Part, flat, keeps_left, leaves_out, parts};
use super::look::{called, visit};
use super::pairs::Apart;
use super::scope::{At, Outputs, is_plain};
use super::time::Seconds;
use super::walk::{Context, Walk};
use crate::action::query::{
    Block, Column, Distinct, Engine, Expr, From, Join, Literal, Name, Node, On, Place, Sort as Order, Source,
};

impl Walk<'_> {
    /// One SELECT.
    pub(super) fn block(&mut self, block: &Block, order: &[Order]) -> Outputs {
        self.scope.levels.push(Vec::new());
        self.blocks.push(Context { windows: block.windows.clone(), ..Context::default() });
        let mut outputs = Outputs::none();
        for source in &block.sources {
            let one = self.source(source);
            outputs.bases.extend(one.bases);
        }
        let spans = self.spans(block, &[]);
        let keyed: Vec<At> = block.keys.iter().filter_map(|key| self.id_of(key)).collect();
        let bounded = spans || !keyed.is_empty() && self.spans(block, &keyed);
        if let Some(context) = self.blocks.last_mut() {
            context.has_group = !outputs.bases.is_empty();
            context.bounded = bounded;
        }
        self.conditions(&block.sources);
        let distinct = match &block.distinct {
            Distinct::On(on) => on.as_slice(),
            Distinct::No | Distinct::Rows => &[],
        };
        let keys: Vec<Flow> = block.keys.iter().map(|key| self.key(key, &block.columns)).collect();
        for key in distinct {
            let flow = self.key(key, &block.columns);
            self.grouped(key.place, flow);
        }
        for expr in block.filter.iter().chain(&block.having) {
            self.condition(expr);
        }
        for (_, window) in &block.windows {
            self.window_parts(window);
        }
        if let Some(sample) = &block.sample {
            self.expr(&sample.every);
        }
        let mut selected = Vec::new();
        for column in &block.columns {
            let flow = self.column(column, &mut outputs);
            selected.push((column, flow));
        }
        for sort in order {
            // A number or an alias stands for what is selected, and was walked already.
            let flow = self.order_key(&sort.expr, &block.columns, &outputs);
            if self.blocks.last().is_some_and(|context| context.has_group && !context.bounded) {
                self.ordered(sort.expr.place, flow);
            }
        }
        self.groups_by(block, &keys, &selected);
        self.together(block);
        outputs.bounded = spans;
        outputs.is_one = block.sources.is_empty() && !block.columns.iter().any(|column| makes_rows(&column.expr));
        self.recursion(&outputs);
        self.blocks.pop();
        self.scope.levels.pop();
        outputs
    }

    /// What rows are held to. Where it takes as many of those that the query makes up as a value says, counting adds values up.
    fn condition(&mut self, condition: &Expr) {
        let flow = self.expr(condition);
        if flow.counts_by_values() {
            let at = self.alpha.aggregate_time.at.clone();
            self.refuse(&table::STATISTICS, "takes as many rows as values say", condition.place, &at);
        }
    }

    /// What rows are ordered by: the first of them is the least value of all, the middle one the median.
    pub(super) fn ordered(&mut self, place: Place, flow: Flow) {
        if flow.has_value() {
            let most = self.alpha.aggregate_time.clone();
            let what = format!("rows are ordered by values, with nothing that holds them to {},", told(most.most));
            self.refuse(&table::AGGREGATE, &what, place, &most.at);
        }
    }

    /// ON and USING.
    fn conditions(&mut self, sources: &[Source]) {
        for source in sources {
            match &source.on {
                On::Condition(on) => self.condition(on),
                On::Nothing | On::Columns(_) | On::Natural => {}
            }
            if let Some(sampled) = &source.sampled {
                self.expr(sampled);
            }
            if let From::Nested(inner) = &source.from {
                self.conditions(inner);
            }
        }
    }

    /// One thing that is selected, and what it adds to what the block gives.
    fn column(&mut self, column: &Column, outputs: &mut Outputs) -> Flow {
        if let Node::Star(of) = &column.expr.node {
            let mut all = vec![Flow::FREE];
            let mut has_value = false;
            for bound in self.scope.star(of.last()) {
                outputs.columns.extend(bound.outputs.columns.iter().cloned());
                outputs.others = outputs.others.and(bound.outputs.others);
                all.push(bound.outputs.whole());
                has_value |= !bound.outputs.bases.is_empty();
            }
            if has_value {
                self.uses(column.expr.place);
            }
            return Flow::made(&all, Degree::Plain);
        }
        let flow = self.expr(&column.expr);
        let name = column.alias.clone().or_else(|| called(self.sight.engine(), &column.expr));
        let name = name.unwrap_or_else(|| Name::new(self.sight.engine(), "?column?", true));
        outputs.columns.push((name, flow));
        flow
    }

    /// A value was used here.
    pub(super) fn uses(&mut self, place: Place) {
        if let Some(context) = self.blocks.last_mut() {
            context.value.get_or_insert(place);
        }
    }

    /// Whether every source of a group is held to one thing or to a span of time; `keyed`: sources grouped by their ids.
    fn spans(&self, block: &Block, keyed: &[At]) -> bool {
        let level = self.scope.levels.len().saturating_sub(1);
        let Some(bounds) = self.scope.levels.last() else { return true };
        let most = i64::try_from(self.alpha.aggregate_time.most.as_secs()).unwrap_or(i64::MAX);
        let all = parts(block);
        let known = (&self.scope, self.alpha);
        let mut held: Vec<bool> = Vec::new();
        for (number, bound) in bounds.iter().enumerate() {
            let mut span = Span::default();
            for part in all.iter().filter(|part| part.binds(number)) {
                span.hold(part.condition, (level, number), known);
            }
            let own = bound.outputs.bases.is_empty() || bound.outputs.bounded || keyed.contains(&(level, number));
            held.push(own || span.is_within(most));
        }
        let sources = flat(&block.sources);
        let inner = sources.iter().all(|source| leaves_out(source.join));
        // What meets rows of one thing, or of a time, is held with them.
        for _ in 0..held.len() {
            let mut more = held.clone();
            for (number, slot) in more.iter_mut().enumerate().filter(|(_, slot)| !**slot) {
                // An outer join keeps rows of one side that meet nothing.
                let follows = |other: usize| {
                    inner || other < number && sources.get(number).is_some_and(|source| keeps_left(source.join))
                };
                let ties = |other: usize| {
                    let apart = self.apart(block, &all, (level, number), (level, other));
                    bounds.get(other).is_some_and(|bound| !bound.outputs.bases.is_empty())
                        && apart.is_within(self.reach())
                };
                *slot = held
                    .iter()
                    .enumerate()
                    .any(|(other, held)| *held && other != number && follows(other) && ties(other));
            }
            if more == held {
                break;
            }
            held = more;
        }
        held.into_iter().all(|held| held)
    }

    /// How far apart rows may lie whose values are brought together.
    fn reach(&self) -> Seconds {
        i64::try_from(self.alpha.window_time.most.as_secs()).unwrap_or(i64::MAX)
    }

    /// How far apart the rows of two sources lie, as far as conditions say.
    fn apart(&self, block: &Block, all: &[Part<'_>], one: At, other: At) -> Apart {
        let known = (&self.scope, self.alpha);
        let mut apart = Apart::default();
        for part in all {
            apart.hold(part.condition, (one, other), known);
        }
        let (first, last) = (one.1.min(other.1), one.1.max(other.1));
        if one.0 != other.0 {
            return apart;
        }
        let sources = flat(&block.sources);
        let Some(source) = sources.get(last) else { return apart };
        let derived = |number: usize| {
            self.scope.levels.get(one.0).and_then(|level| level.get(number)).is_none_or(|bound| bound.derived)
        };
        match &source.on {
            On::Natural => apart.meet(),
            On::Columns(names) => {
                let columns = names.iter().map(|name| Flow::column(self.alpha.column(name.as_str())));
                let same = |flow: Flow| is_plain(flow, Sort::Time) || is_plain(flow, Sort::Id);
                if columns.into_iter().any(same) && !derived(first) && !derived(last) {
                    apart.meet();
                }
            }
            On::Nothing | On::Condition(_) => {}
        }
        match source.join {
            // The row at or just before the same time.
            Join::Asof | Join::Lt | Join::Splice
                if !derived(first) && !derived(last) && self.alpha.window_rows.most > 0 =>
            {
                apart.meet()
            }
            Join::Comma
            | Join::Inner
            | Join::Left
            | Join::Right
            | Join::Full
            | Join::Cross
            | Join::Asof
            | Join::Lt
            | Join::Splice
            | Join::Window
            | Join::Horizon => {}
        }
        apart
    }

    /// Rows of one group that are brought together, in this SELECT or with one around it.
    fn together(&mut self, block: &Block) {
        let Some(place) = self.blocks.last().and_then(|context| context.value) else { return };
        let level = self.scope.levels.len().saturating_sub(1);
        let all = parts(block);
        let sources = flat(&block.sources);
        let Some(own) = self.scope.levels.last() else { return };
        let mut far: Vec<(Place, String, &'static str)> = Vec::new();
        let mut joined: Vec<(usize, usize)> = (0..own.len()).map(|number| (number, number)).collect();
        for (number, bound) in own.iter().enumerate() {
            let at = sources.get(number).map_or(place, |source| source.place);
            let is_range =
                sources.get(number).is_some_and(|source| matches!(source.join, Join::Window | Join::Horizon));
            if is_range && !bound.outputs.bases.is_empty() {
                far.push((at, "rows around others".to_owned(), "its range is not known here"));
            }
        }
        // Sources that meet, directly or through others.
        for one in 0..own.len() {
            for other in one + 1..own.len() {
                let apart = self.apart(block, &all, (level, one), (level, other));
                if apart.is_within(self.reach()) {
                    let (from, to) = (group_of(&joined, other), group_of(&joined, one));
                    joined.iter_mut().filter(|(_, group)| *group == from).for_each(|(_, group)| *group = to);
                }
            }
        }
        for one in 0..own.len() {
            for other in one + 1..own.len() {
                let (Some(left), Some(right)) = (own.get(one), own.get(other)) else { continue };
                if let Some(base) = common(&left.outputs, &right.outputs)
                    && group_of(&joined, one) != group_of(&joined, other)
                {
                    let at = sources.get(other).map_or(place, |source| source.place);
                    far.push((at, base, "with nothing that holds them to one moment"));
                }
            }
        }
        // A query within another whose conditions look at the outer rows.
        for (outer, sources_around) in self.scope.levels.iter().enumerate().take(level) {
            for (around, bound) in sources_around.iter().enumerate() {
                for (number, inner) in own.iter().enumerate() {
                    let Some(base) = common(&bound.outputs, &inner.outputs) else { continue };
                    let mentions = all.iter().any(|part| self.mentions(part.condition, (outer, around)));
                    let apart = self.apart(block, &all, (level, number), (outer, around));
                    if mentions && !apart.is_within(self.reach()) {
                        let at = sources.get(number).map_or(place, |source| source.place);
                        far.push((at, base, "with nothing that holds them to one moment"));
                    }
                }
            }
        }
        let most = told(self.alpha.window_time.most);
        for (at, base, why) in far {
            let what = format!("values of `{base}` from different rows, {why} ({most} apart at most),");
            let said = self.alpha.window_time.at.clone();
            self.refuse(&table::WINDOW, &what, at, &said);
        }
    }

    /// Whether an expression names a column of a source.
    fn mentions(&self, expr: &Expr, at: At) -> bool {
        let mut found = false;
        visit(expr, &mut |expr| {
            if let Node::Column(path) = &expr.node {
                found |= self.scope.column(path, self.alpha).0 == Some(at);
            }
        });
        found
    }

    fn recursion(&mut self, outputs: &Outputs) {
        let Some(context) = self.blocks.last() else { return };
        if let Some(place) = context.recurses.filter(|_| outputs.whole().has_value()) {
            let at = self.alpha.window_rows.at.clone();
            self.refuse(&table::WINDOW, "a recursion that carries values from row to row", place, &at);
        }
    }

    /// The source whose id a key is.
    fn id_of(&self, key: &Expr) -> Option<At> {
        let Node::Column(path) = &key.node else { return None };
        let (at, flow) = self.scope.column(path, self.alpha);
        at.filter(|_| is_plain(flow, Sort::Id))
    }

    /// A key of GROUP BY: a number or an alias stands for what is selected.
    fn key(&mut self, key: &Expr, columns: &[Column]) -> Flow {
        if let Node::Literal(Literal::Number(number)) = &key.node {
            let number: usize = number.parse().unwrap_or_default();
            let column = number.checked_sub(1).and_then(|number| columns.get(number));
            return column.map_or(Flow::FREE, |column| self.quietly(&column.expr));
        }
        if let Node::Grouping(parts) | Node::Row(parts) = &key.node {
            let flows: Vec<Flow> = parts.iter().map(|part| self.key(part, columns)).collect();
            return flows.into_iter().reduce(Flow::or).unwrap_or(Flow::FREE);
        }
        let own = self.expr(key);
        let Node::Column(path) = &key.node else { return own };
        let alias =
            columns.iter().find(|column| path.qualifier.is_empty() && column.alias.as_ref() == Some(&path.name));
        alias.map_or(own, |column| own_or(own, self.quietly(&column.expr)))
    }

    /// A key of ORDER BY: as one of GROUP BY, but that an alias goes first, and that to order by a value is not to use it.
    fn order_key(&mut self, key: &Expr, columns: &[Column], outputs: &Outputs) -> Flow {
        if matches!(key.node, Node::Literal(_)) {
            return outputs.order_key(key, self.alpha, self.sight.ground.is_some());
        }
        let Node::Column(path) = &key.node else { return self.expr(key) };
        let alias = |column: &&Column| path.qualifier.is_empty() && column.alias.as_ref() == Some(&path.name);
        match columns.iter().find(alias) {
            Some(column) => self.quietly(&column.expr),
            None => self.scope.column(path, self.alpha).1,
        }
    }

    /// What flows through what is walked elsewhere.
    fn quietly(&mut self, expr: &Expr) -> Flow {
        if matches!(expr.node, Node::Star(_)) { Flow::PLAIN } else { self.expr(expr) }
    }

    /// Keys that rows are put together by.
    fn groups_by(&mut self, block: &Block, keys: &[Flow], selected: &[(&Column, Flow)]) {
        let Some(context) = self.blocks.last() else { return };
        if !context.has_group {
            return;
        }
        let value = context.value.is_some();
        let mut all: Vec<(Place, Flow)> = block.keys.iter().map(|key| key.place).zip(keys.iter().copied()).collect();
        let plain = || selected.iter().map(|(column, flow)| (column.expr.place, *flow));
        // QuestDB groups by whatever is no aggregate, unasked.
        let aggregates = |(column, _): &&(&Column, Flow)| self.aggregates(&column.expr);
        let unasked = self.sight.engine() == Engine::QuestDb
            && block.keys.is_empty()
            && selected.iter().any(|of| aggregates(&of));
        if unasked {
            all.extend(selected.iter().filter(|of| !aggregates(of)).map(|(column, flow)| (column.expr.place, *flow)));
        }
        if block.distinct == Distinct::Rows && block.keys.is_empty() {
            all.extend(plain().filter(|(_, flow)| flow.degree > Degree::Plain));
        }
        for (place, flow) in all {
            self.grouped(place, flow);
            if flow.sort == Sort::Parameter && !flow.has_value() && value {
                let at = self.alpha.aggregate_time.at.clone();
                self.refuse(&table::STATISTICS, "groups values by parameters that the query brings along", place, &at);
            }
        }
    }

    /// A key that rows are put together by.
    fn grouped(&mut self, place: Place, flow: Flow) {
        if flow.degree > Degree::Plain {
            let at = self.alpha.aggregate_time.at.clone();
            self.refuse(&table::STATISTICS, "groups by what is computed of values", place, &at);
        }
    }

    /// Whether an expression makes one row of many.
    fn aggregates(&self, expr: &Expr) -> bool {
        let mut found = false;
        visit(expr, &mut |expr| {
            if let Node::Call(call) = &expr.node {
                let name = call.function.path.name.as_str().to_lowercase();
                let is = does(&name, call.arguments.len()).aggregates() || self.alpha.statistic(&name).is_some();
                found |= is && call.over.is_none();
            }
        });
        found
    }
}

fn own_or(own: Flow, alias: Flow) -> Flow {
    // A column of that name goes before an alias, where there is one; whichever is meant.
    if own == Flow::VALUE { alias } else { own.or(alias) }
}

fn group_of(joined: &[(usize, usize)], number: usize) -> usize {
    joined.iter().find(|(known, _)| *known == number).map_or(number, |(_, group)| *group)
}

/// A relation of a group that both have rows of.
fn common(one: &Outputs, other: &Outputs) -> Option<String> {
    let groups =
        |outputs: &Outputs| outputs.bases.values().flatten().cloned().collect::<std::collections::BTreeSet<_>>();
    let (ones, others) = (groups(one), groups(other));
    let shared = ones.intersection(&others).next()?;
    one.bases.iter().find(|(_, groups)| groups.contains(shared)).map(|(base, _)| base.clone())
}
