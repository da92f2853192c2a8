//! What PostgreSQL's own parser says of a statement. Its whole tree is walked, as JSON: pg_query's own walk leaves nodes out.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What there is to compare.
#[derive(Debug, Default)]
pub struct Told {
    /// Whether it only computes rows: no change anywhere, nothing made, no row locked.
    pub is_read: bool,
    /// Whether it is an INSERT, UPDATE, DELETE or MERGE.
    pub is_change: bool,
    /// Relations it reads, common table expressions not among them.
    pub reads: BTreeSet<String>,
    /// Relations that rows of which it changes, or that it makes by INTO.
    pub writes: BTreeSet<String>,
}

/// The statement's tree, told in short; `None` where it is no one statement that PostgreSQL's parser takes.
pub fn told(text: &str) -> Option<Told> {
    let parsed = pg_query::parse(text, 0).ok()?;
    let [statement] = parsed.protobuf.stmts.as_slice() else { return None };
    let tree = serde_json::to_value(statement.stmt.as_ref()?.node.as_ref()?).ok()?;
    let (kind, _) = tree.as_object()?.iter().next()?;
    let mut walk = Walk { told: Told::default(), writes: false };
    let within = match kind.as_str() {
        // What is explained says whether it reads.
        "ExplainStmt" => tree["ExplainStmt"]["query"]["node"].as_object()?.keys().next()?.clone(),
        kind => kind.to_owned(),
    };
    walk.value(&tree, &[]);
    let mut told = walk.told;
    let computes = matches!(within.as_str(), "SelectStmt" | "VariableShowStmt");
    told.is_read = computes && !walk.writes;
    told.is_change = CHANGES.contains(&within.as_str());
    Some(told)
}

const CHANGES: [&str; 4] = ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"];

struct Walk {
    told: Told,
    writes: bool,
}

impl Walk {
    /// `known`: names of common table expressions in scope.
    fn value(&mut self, value: &Value, known: &[String]) {
        match value {
            Value::Array(list) => list.iter().for_each(|value| self.value(value, known)),
            Value::Object(object) => self.object(object, known),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn object(&mut self, object: &Map<String, Value>, known: &[String]) {
        if object.contains_key("relpersistence") && object.contains_key("relname") {
            return self.relation(object, known);
        }
        let mut inner = known.to_vec();
        if let Some(with) = object.get("with_clause").and_then(Value::as_object) {
            let recursive = with["recursive"] == true;
            let definitions: Vec<&Value> = with["ctes"].as_array().into_iter().flatten().collect();
            let name = |of: &Value| of["node"]["CommonTableExpr"]["ctename"].as_str().unwrap_or_default().to_owned();
            if recursive {
                inner.extend(definitions.iter().map(|of| name(of)));
            }
            for definition in definitions {
                self.value(definition, &inner);
                if !recursive {
                    inner.push(name(definition));
                }
            }
        }
        for (key, value) in object {
            match key.as_str() {
                "with_clause" => {}
                "locking_clause" => self.writes |= value.as_array().is_some_and(|list| !list.is_empty()),
                "into_clause" => {
                    if let Some(made) = value["rel"].as_object() {
                        self.writes = true;
                        self.told.writes.insert(name(made));
                    }
                }
                _ if CHANGES.contains(&key.as_str()) => {
                    self.writes = true;
                    self.change(value, &inner);
                }
                _ => self.value(value, &inner),
            }
        }
    }

    /// What it changes is no common table expression, whatever its name.
    fn change(&mut self, change: &Value, known: &[String]) {
        let Some(object) = change.as_object() else { return };
        if let Some(target) = object.get("relation").and_then(Value::as_object) {
            self.told.writes.insert(name(target));
        }
        let mut rest = object.clone();
        rest.remove("relation");
        self.object(&rest, known);
    }

    fn relation(&mut self, relation: &Map<String, Value>, known: &[String]) {
        let name = name(relation);
        if !(relation["schemaname"] == "" && known.contains(&name)) {
            self.told.reads.insert(name);
        }
    }
}

fn name(relation: &Map<String, Value>) -> String {
    let parts = ["catalogname", "schemaname", "relname"].map(|part| relation[part].as_str().unwrap_or_default());
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it reads, and its relations read and written.
    fn of(text: &str) -> (bool, Vec<String>, Vec<String>) {
        let told = told(text).expect("a statement");
        (told.is_read, told.reads.into_iter().collect(), told.writes.into_iter().collect())
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn writes_are_found_wherever_they_stand() {
        assert_eq!(of("SELECT * FROM a, ONLY s.b"), (true, list(&["a", "s.b"]), list(&[])));
        assert_eq!(of("SELECT * INTO t FROM a"), (false, list(&["a"]), list(&["t"])));
        assert_eq!(of("SELECT 1 FROM a FOR SHARE").0, false);
        let text = "WITH x AS (DELETE FROM d WHERE i IN (SELECT i FROM e) RETURNING *) SELECT * FROM x";
        assert_eq!(of(text), (false, list(&["e"]), list(&["d"])));
        assert_eq!(of("EXPLAIN ANALYZE INSERT INTO t TABLE u"), (false, list(&["u"]), list(&["t"])));
        assert_eq!(of("CREATE TABLE t AS SELECT 1").0, false);
        assert_eq!(of("SHOW ALL").0, true);
    }

    #[test]
    fn a_definition_is_known_only_where_it_is_in_scope() {
        assert_eq!(of("WITH x AS (SELECT * FROM x) SELECT * FROM x").1, list(&["x"]));
        assert_eq!(of("WITH RECURSIVE x AS (SELECT * FROM x) SELECT * FROM x").1, list(&[]));
        assert_eq!(of("WITH x AS (SELECT 1), y AS (SELECT * FROM x) SELECT * FROM y, public.x").1, list(&["public.x"]));
        assert_eq!(of("SELECT (WITH x AS (SELECT 1) SELECT 1 FROM x) FROM x").1, list(&["x"]));
    }
}
