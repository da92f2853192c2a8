//! Names, types and places out of sqlparser's tree.

use super::Ast;
use crate::action::query::name::{Name, Path, Relation, TypeName};
use crate::action::query::{Place, Unreadable};
use sqlparser::ast::{ArrayElemTypeDef, DataType, Ident, ObjectName, ObjectNamePart};
use sqlparser::tokenizer::Span;

impl Ast<'_> {
    /// The place where a span begins.
    pub(super) fn place(&self, span: Span) -> Place {
        self.tokens.at(span.start.line, span.start.column)
    }

    /// A name.
    pub(super) fn name(&self, ident: &Ident) -> Name {
        Name::new(self.engine, &ident.value, ident.quote_style.is_some())
    }

    /// Names of a path, and where it begins.
    pub(super) fn path(&self, name: &ObjectName) -> Result<(Path, Place), Unreadable> {
        let mut names = Vec::with_capacity(name.0.len());
        let mut place = None;
        for part in &name.0 {
            match part {
                ObjectNamePart::Identifier(ident) => {
                    place.get_or_insert_with(|| self.place(ident.span));
                    names.push(self.name(ident));
                }
                ObjectNamePart::Function(function) => {
                    return self.unknown(self.place(function.name.span), "a function within a name");
                }
            }
        }
        let place = place.unwrap_or(Place::START);
        match names.pop() {
            Some(name) => Ok((Path { qualifier: names, name }, place)),
            None => self.unknown(place, "a name of no parts"),
        }
    }

    /// A relation.
    pub(super) fn relation(&self, name: &ObjectName) -> Result<Relation, Unreadable> {
        let (path, place) = self.path(name)?;
        Ok(Relation { path, place })
    }

    /// A type; sqlparser does not say where it stands, so that is told.
    pub(super) fn type_name(&self, of: &DataType, at: Place) -> Result<TypeName, Unreadable> {
        match of {
            DataType::Array(ArrayElemTypeDef::SquareBracket(of, _)) => {
                Ok(TypeName { is_array: true, ..self.type_name(of, at)? })
            }
            DataType::Array(_) => self.unknown(at, "this type of an array"),
            DataType::Custom(name, _) => {
                let (path, place) = self.path(name)?;
                Ok(TypeName { path, is_array: false, place })
            }
            other => {
                let text = other.to_string().to_lowercase();
                let mut depth = 0_u32;
                let mut words = String::with_capacity(text.len());
                for c in text.chars() {
                    match c {
                        '(' => depth += 1,
                        ')' => depth = depth.saturating_sub(1),
                        c if depth == 0 => words.push(c),
                        _ => {}
                    }
                }
                let words: Vec<&str> = words.split_whitespace().collect();
                let name = Name::new(self.engine, &words.join(" "), false);
                Ok(TypeName { path: Path { qualifier: Vec::new(), name }, is_array: false, place: at })
            }
        }
    }
}
