//! Which names are in scope where: common table expressions, and sources with the columns they are known to have.

use super::Engine;
use super::name::{Name, Of, Path, Relation};
use super::shape::{Body, Change, Definition, Expr, From, Node, Set, Source};

/// The most columns a PostgreSQL query can give (`MaxTupleAttributeNumber`).
const MOST: usize = 1664;

/// The columns that something is known to have.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Outputs {
    /// Named by the text.
    columns: Vec<Name>,
    /// All columns of these too.
    relations: Vec<Relation>,
    /// And those of what these functions return.
    functions: Vec<Path>,
    /// There may be others.
    is_open: bool,
}

impl Outputs {
    fn open() -> Outputs {
        Outputs { is_open: true, ..Outputs::default() }
    }

    /// Adds those of another. Repeated joins of a definition with itself must not double the lists each time.
    fn add(&mut self, other: Outputs) {
        self.is_open |= other.is_open;
        self.columns.extend(other.columns);
        if self.columns.len() > MOST {
            self.columns.clear();
            self.is_open = true;
        }
        for relation in other.relations {
            if !self.relations.iter().any(|known| known.path == relation.path) {
                self.relations.push(relation);
            }
        }
        for function in other.functions {
            if !self.functions.contains(&function) {
                self.functions.push(function);
            }
        }
    }

    /// With the first columns renamed. If their number is not known, only the new names are.
    pub(super) fn renamed(mut self, names: &[Name]) -> Outputs {
        if names.is_empty() {
            return self;
        }
        let is_counted = self.relations.is_empty() && self.functions.is_empty() && !self.is_open;
        if is_counted && names.len() <= self.columns.len() {
            self.columns.splice(..names.len(), names.iter().cloned());
            return self;
        }
        Outputs { columns: names.to_vec(), is_open: true, ..Outputs::default() }
    }

    /// As what a field is taken from.
    pub(super) fn of(self, name: Name) -> Of {
        let Outputs { columns, relations, functions, is_open } = self;
        Of::Source { name, columns, relations, functions, is_open }
    }
}

/// A source that is in scope.
#[derive(Debug)]
struct Bound {
    schema: Option<Name>,
    name: Name,
    outputs: Outputs,
}

/// What is in scope.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) engine: Engine,
    definitions: Vec<(Name, Outputs)>,
    /// Sources, one list for each query that encloses.
    levels: Vec<Vec<Bound>>,
}

/// How far the definitions went when a query was entered.
pub(super) struct Mark(usize);

/// Sources that were hidden.
pub(super) struct Hidden(Option<Vec<Bound>>);

impl Scope {
    pub(super) fn new(engine: Engine) -> Scope {
        Scope { engine, definitions: Vec::new(), levels: Vec::new() }
    }

    pub(super) fn enter(&mut self) -> Mark {
        self.levels.push(Vec::new());
        Mark(self.definitions.len())
    }

    pub(super) fn leave(&mut self, mark: Mark) {
        self.levels.pop();
        self.definitions.truncate(mark.0);
    }

    /// Hides the sources of the innermost query from a subquery beside them.
    pub(super) fn hide(&mut self) -> Hidden {
        Hidden(self.levels.last_mut().map(std::mem::take))
    }

    pub(super) fn show(&mut self, hidden: Hidden) {
        if let (Some(level), Some(hidden)) = (self.levels.last_mut(), hidden.0) {
            *level = hidden;
        }
    }

    /// How many sources the innermost query has so far.
    pub(super) fn sources(&self) -> usize {
        self.levels.last().map_or(0, Vec::len)
    }

    /// Hides all sources of the innermost query but the first so many.
    pub(super) fn keep_sources(&mut self, count: usize) {
        if let Some(level) = self.levels.last_mut() {
            level.truncate(count);
        }
    }

    /// How many definitions are in scope.
    pub(super) fn definitions(&self) -> usize {
        self.definitions.len()
    }

    pub(super) fn define(&mut self, name: Name, outputs: Outputs) {
        self.definitions.push((name, outputs));
    }

    pub(super) fn redefine(&mut self, index: usize, outputs: Outputs) {
        if let Some((_, old)) = self.definitions.get_mut(index) {
            *old = outputs;
        }
    }

    /// The definition that a name means here, if it means one: a schema makes it a relation.
    pub(super) fn definition(&self, path: &Path) -> Option<Name> {
        self.defined(path).map(|_| path.name.clone())
    }

    fn defined(&self, path: &Path) -> Option<&Outputs> {
        let found = self.definitions.iter().rev().find(|(name, _)| path.qualifier.is_empty() && *name == path.name);
        found.map(|(_, outputs)| outputs)
    }

    /// Brings a source into scope, for what stands behind it.
    pub(super) fn bind(&mut self, source: &Source) {
        let outputs = self.of_source(source);
        let (schema, name) = match (&source.alias, &source.from) {
            (Some(alias), _) => (None, alias.clone()),
            (None, From::Relation(relation)) => (relation.path.schema().cloned(), relation.path.name.clone()),
            (None, From::Definition(name)) => (None, name.clone()),
            (None, From::Calls(calls)) => match calls.first().map(|call| &call.node) {
                Some(Node::Call(call)) => (None, call.function.path.name.clone()),
                _ => return,
            },
            // Without a name of its own it lets the names inside it be seen; they were bound as they were met.
            (None, From::Nested(_) | From::Query(_)) => return,
        };
        if let Some(level) = self.levels.last_mut() {
            level.push(Bound { schema, name, outputs });
        }
    }

    /// Brings the target of a change into scope, and the names by which its old and new rows go.
    pub(super) fn bind_target(&mut self, change: &Change) {
        let engine = self.engine;
        let Some(level) = self.levels.last_mut() else { return };
        let relation = change.target.clone();
        let name = change.alias.clone().unwrap_or_else(|| relation.path.name.clone());
        let outputs = Outputs { relations: vec![relation], ..Outputs::default() };
        let rows = ["excluded", "old", "new"].map(|row| Name::new(engine, row, false));
        for name in rows.into_iter().chain([name]) {
            level.push(Bound { schema: None, name, outputs: outputs.clone() });
        }
    }

    /// The source of that name which is seen from here.
    pub(super) fn source(&self, schema: Option<&Name>, name: &Name) -> Option<&Outputs> {
        let fits = |bound: &&Bound| bound.name == *name && (schema.is_none() || bound.schema.as_ref() == schema);
        self.levels.iter().rev().find_map(|level| level.iter().rev().find(fits)).map(|bound| &bound.outputs)
    }

    fn of_source(&self, source: &Source) -> Outputs {
        let outputs = match &source.from {
            From::Relation(relation) => match self.defined(&relation.path) {
                Some(outputs) => outputs.clone(),
                None => Outputs { relations: vec![relation.clone()], ..Outputs::default() },
            },
            From::Definition(name) => {
                let path = Path { qualifier: Vec::new(), name: name.clone() };
                self.defined(&path).cloned().unwrap_or_else(Outputs::open)
            }
            From::Query(body) => self.outputs(body),
            From::Calls(calls) => {
                let mut outputs = Outputs::default();
                for call in calls {
                    if let Node::Call(call) = &call.node {
                        outputs.functions.push(call.function.path.clone());
                    } else {
                        outputs.is_open = true;
                    }
                }
                outputs
            }
            From::Nested(inner) => {
                let mut outputs = Outputs::default();
                for source in inner {
                    outputs.add(self.of_source(source));
                }
                outputs
            }
        };
        outputs.renamed(&source.columns)
    }

    /// The columns that a query gives.
    pub(super) fn outputs(&self, body: &Body) -> Outputs {
        match &body.set {
            Set::Block(block) => {
                let mut outputs = Outputs::default();
                let has_star = block.columns.iter().any(|column| matches!(column.expr.node, Node::Star(_)));
                let definitions = if has_star { body.definitions.as_slice() } else { &[] };
                let local = |definition: &Definition| {
                    let outputs = self.outputs(&definition.body).renamed(&definition.columns);
                    (definition.name.clone(), outputs)
                };
                let locals: Vec<(Name, Outputs)> = definitions.iter().map(local).collect();
                for column in &block.columns {
                    match (&column.alias, &column.expr.node) {
                        (Some(alias), _) => outputs.columns.push(alias.clone()),
                        (None, Node::Star(qualifier)) => {
                            outputs.add(self.star(&locals, &block.sources, qualifier.last()));
                        }
                        (None, _) => match self.called(&column.expr) {
                            Some(name) => outputs.columns.push(name),
                            // It has a name, but one that nobody writes.
                            None => outputs.columns.push(Name::new(self.engine, "?column?", true)),
                        },
                    }
                }
                outputs
            }
            Set::Values(rows) => {
                let width = rows.first().map_or(0, Vec::len);
                let names = (1..=width).map(|index| Name::new(self.engine, &format!("column{index}"), false));
                Outputs { columns: names.collect(), ..Outputs::default() }
            }
            Set::All(source) => self.of_source(source),
            Set::Compound { parts, .. } => parts.first().map_or_else(Outputs::open, |part| self.outputs(part)),
            Set::Change(_) => Outputs::open(),
        }
    }

    /// What `*` or `t.*` stands for among sources.
    fn star(&self, locals: &[(Name, Outputs)], sources: &[Source], of: Option<&Name>) -> Outputs {
        let mut outputs = Outputs::default();
        for source in sources {
            let own = match (&source.alias, &source.from) {
                (Some(alias), _) | (None, From::Definition(alias)) => Some(alias),
                (None, From::Relation(relation)) => Some(&relation.path.name),
                (None, From::Query(_) | From::Calls(_) | From::Nested(_)) => None,
            };
            // A definition of the query itself is out of scope again when its outputs are asked for.
            let local = match &source.from {
                From::Definition(name) => locals.iter().find(|(known, _)| known == name),
                From::Relation(_) | From::Query(_) | From::Calls(_) | From::Nested(_) => None,
            };
            if of.is_none() || own == of {
                outputs.add(match local {
                    Some((_, outputs)) => outputs.clone().renamed(&source.columns),
                    None => self.of_source(source),
                });
            } else if own.is_none() && of.is_some() {
                outputs.is_open = true;
            }
        }
        outputs.is_open |= of.is_some() && outputs == Outputs::default();
        outputs
    }

    /// The name that the engine gives an expression without an alias.
    fn called(&self, expr: &Expr) -> Option<Name> {
        match &expr.node {
            Node::Column(path) => Some(path.name.clone()),
            Node::Field { field, .. } => Some(field.name.clone()),
            Node::Call(call) => Some(call.function.path.name.clone()),
            Node::Cast { of, to } => self.called(of).or_else(|| Some(to.path.name.clone())),
            Node::Subscript { of, .. } => self.called(of),
            Node::Case { .. }
            | Node::Star(_)
            | Node::Literal(_)
            | Node::Operation { .. }
            | Node::Query { .. }
            | Node::Row(_)
            | Node::Array(_)
            | Node::Grouping(_) => None,
        }
    }
}
