//! The types of a result's columns: known ones by number, the database's own by asking for them.

use super::Postgres;
use crate::execute::query::value::{Known, known};
use crate::execute::query::wire::{Ask, Field};
use crate::execute::query::{Column, Failed, Form};
use std::collections::HashMap;

/// What a type is called, and of an array the type of its elements (of a domain: what it is over) and what stands between.
const TYPES: &str = "SELECT t.oid, format_type(t.oid, NULL), CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN \
    coalesce(nullif(e.typbasetype, 0), e.oid) END, e.typdelim FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem \
    WHERE t.oid = ANY ($1::oid[])";

impl Postgres {
    /// The columns of a result.
    pub(super) fn columns_of(&mut self, fields: Vec<Field>) -> Result<Vec<Column>, Failed> {
        let mut unknown: Vec<_> = fields.iter().map(|field| field.oid).filter(|oid| known(*oid).is_none()).collect();
        unknown.sort_unstable();
        unknown.dedup();
        let mut told: HashMap<u32, (String, Form)> = HashMap::new();
        if !unknown.is_empty() {
            let numbers = unknown.iter().map(u32::to_string).collect::<Vec<_>>();
            let given = [super::list(numbers.iter().map(|number| Some(number.as_str())))];
            let answers = self.ask(&[Ask { sql: TYPES, given: &given }])?;
            for row in answers.into_iter().flatten() {
                let [Some(oid), Some(name), of, delimiter] = row.as_slice() else { return Err(self.strange()) };
                let oid = oid.parse().map_err(|_| self.strange())?;
                let form = match (of.as_deref().and_then(|of| of.parse().ok()), delimiter.as_deref()) {
                    (Some(of), Some(delimiter)) => array(form(of), delimiter.as_bytes().first()),
                    _ => Form::Text,
                };
                told.insert(oid, (name.clone(), form));
            }
        }
        let column = |Field { name, oid }| {
            let (type_name, form) = match known(oid) {
                Some((Known { name, form }, false)) => (name.to_owned(), form),
                // A box has a comma in it.
                Some((Known { name, form }, true)) => {
                    (format!("{name}[]"), array(form, Some(if name == "box" { &b';' } else { &b',' })))
                }
                None => told.get(&oid).cloned().unwrap_or_else(|| (format!("type {oid}"), Form::Text)),
            };
            Column { name, type_name, oid: Some(oid), form }
        };
        Ok(fields.into_iter().map(column).collect())
    }
}

fn form(oid: u32) -> Form {
    known(oid).filter(|(_, array)| !array).map_or(Form::Text, |(known, _)| known.form)
}

fn array(of: Form, delimiter: Option<&u8>) -> Form {
    Form::Array { of: Box::new(of), delimiter: delimiter.copied().unwrap_or(b',') }
}
