//! Fork bombs: functions that start copies of themselves in the background, or several in a pipeline.
//! Knows the tree of a function's body; not what its words come to.

use super::expand::written;
use super::parse::{Compound, List, Node, Pipeline};
use std::ops::Range;

/// A call that stands in the body of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    name: String,
    /// In the background, or in several stages of a pipeline.
    beside: bool,
    /// Behind a test or in a loop, so that it may end.
    perhaps: bool,
}

/// The functions of a text and what they call.
#[derive(Debug, Default)]
pub(super) struct Functions(Vec<(String, Vec<Call>, Range<usize>)>);

/// A function that starts copies of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bomb {
    pub(super) name: String,
    pub(super) span: Range<usize>,
    /// Whether nothing in it could end it.
    pub(super) endless: bool,
}

impl Functions {
    pub(super) fn add(&mut self, name: &str, body: &Node, span: Range<usize>) {
        if self.0.len() < super::scope::FUNCTIONS {
            let mut calls = Vec::new();
            of_node(body, &mut calls);
            self.0.push((name.to_owned(), calls, span));
        }
    }

    /// Those that, by whatever way round, start copies of themselves.
    pub(super) fn bombs(&self) -> Vec<Bomb> {
        let bombs = self.0.iter().filter_map(|(name, _, span)| {
            let endless = self.returns(name, false);
            let bomb = endless || self.returns(name, true);
            bomb.then(|| Bomb { name: name.clone(), span: span.clone(), endless })
        });
        bombs.collect()
    }

    /// Whether calls lead from `start` back to it, one of them beside others. `perhaps`: by calls that may not happen too.
    fn returns(&self, start: &str, perhaps: bool) -> bool {
        let mut seen: Vec<(&str, bool)> = Vec::new();
        let mut next = vec![(start, false)];
        while let Some((name, beside)) = next.pop() {
            let bodies = self.0.iter().filter(|(known, _, _)| known == name);
            for call in bodies.flat_map(|(_, calls, _)| calls).filter(|call| perhaps || !call.perhaps) {
                let step = (call.name.as_str(), beside || call.beside);
                if step == (start, true) {
                    return true;
                }
                if !seen.contains(&step) {
                    seen.push(step);
                    next.push(step);
                }
            }
        }
        false
    }
}

fn of_list(list: &List, calls: &mut Vec<Call>) {
    for item in &list.0 {
        let mut found = Vec::new();
        for (_, pipeline) in &item.chain {
            of_pipeline(pipeline, &mut found);
        }
        for call in &mut found {
            call.beside |= item.background;
        }
        calls.append(&mut found);
    }
}

fn of_pipeline(pipeline: &Pipeline, calls: &mut Vec<Call>) {
    let mut stages: Vec<Vec<Call>> = Vec::new();
    for node in &pipeline.nodes {
        let mut stage = Vec::new();
        of_node(node, &mut stage);
        stages.push(stage);
    }
    let calls_it = |stage: &[Call], name: &str| stage.iter().any(|call| call.name == name);
    for stage in &stages {
        for call in stage {
            let several = stages.iter().filter(|stage| calls_it(stage, &call.name)).take(2).count() > 1;
            calls.push(Call { beside: call.beside || several, ..call.clone() });
        }
    }
}

fn of_node(node: &Node, calls: &mut Vec<Call>) {
    match node {
        Node::Simple(simple) => {
            if let Some(name) = simple.words.first().and_then(written) {
                calls.push(Call { name: name.to_owned(), beside: false, perhaps: false });
            }
        }
        Node::Compound(compound, _, _) => of_compound(compound, calls),
        Node::Function(..) => {}
    }
}

fn of_compound(compound: &Compound, calls: &mut Vec<Call>) {
    let before = calls.len();
    match compound {
        Compound::Group(list) | Compound::Subshell(list) => return of_list(list, calls),
        Compound::If(lists) => lists.iter().for_each(|list| of_list(list, calls)),
        Compound::While(condition, body) => {
            of_list(condition, calls);
            of_list(body, calls);
        }
        Compound::For(_, _, body) | Compound::ArithmeticFor(_, body) => of_list(body, calls),
        Compound::Case(_, arms) => arms.iter().for_each(|(_, list)| of_list(list, calls)),
        Compound::Coprocess(_, node) => {
            of_node(node, calls);
            return calls.iter_mut().skip(before).for_each(|call| call.beside = true);
        }
        Compound::Arithmetic(_) | Compound::Test(_) => {}
    }
    for call in calls.iter_mut().skip(before) {
        call.perhaps = true;
    }
}
