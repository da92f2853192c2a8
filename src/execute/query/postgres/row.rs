//! A row of the catalog's, read field by field.

use crate::action::query::catalog::Named;
use crate::execute::query::value::elements;

/// The fields of a row, one after the other; whatever is not as it must be is `None`.
#[derive(Clone)]
pub(super) struct Row(std::vec::IntoIter<Option<String>>);

impl Row {
    pub(super) fn of(fields: Vec<Option<String>>) -> Self {
        Self(fields.into_iter())
    }

    pub(super) fn maybe(&mut self) -> Option<Option<String>> {
        self.0.next()
    }

    pub(super) fn text(&mut self) -> Option<String> {
        self.0.next()?
    }

    pub(super) fn is(&mut self) -> Option<bool> {
        truth(&self.text()?)
    }

    /// The name that was asked for.
    pub(super) fn named(&mut self) -> Option<Named> {
        let schema = self.maybe()?;
        Some(Named { schema, name: self.text()? })
    }

    /// A list; none is an empty one.
    pub(super) fn list(&mut self) -> Option<Vec<String>> {
        self.maybe()?.map_or(Some(Vec::new()), |text| elements(&text)?.into_iter().collect())
    }

    /// Names from two lists, of their schemas and of themselves.
    pub(super) fn names(&mut self) -> Option<Vec<Named>> {
        let (schemas, names) = (self.list()?, self.list()?);
        Some(schemas.into_iter().zip(names).map(|(schema, name)| Named::within(schema, name)).collect())
    }
}

/// What the server means by a truth value as text.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "t" | "true" => Some(true),
        "f" | "false" => Some(false),
        _ => None,
    }
}
