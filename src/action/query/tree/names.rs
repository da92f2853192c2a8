//! Names, types and places out of squawk's tree.

use super::{Id, Tree};
use crate::action::query::name::{Name, Path, TypeName};
use crate::action::query::{Engine, Unreadable};
use squawk_parser::SyntaxKind;

/// A name as it was written, with its quotes.
pub(super) fn name_of(text: &str) -> Name {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => Name::new(Engine::Postgres, &inner.replace("\"\"", "\""), true),
        None => Name::new(Engine::Postgres, text, false),
    }
}

impl Tree<'_> {
    /// Tokens below a node, in order.
    pub(super) fn leaves(&self, id: Id, into: &mut Vec<Id>) {
        for child in self.children(id) {
            if self.is_token(child) {
                into.push(child);
            } else {
                self.leaves(child, into);
            }
        }
    }

    /// The one name that a node consists of.
    pub(super) fn name(&self, id: Id) -> Result<Name, Unreadable> {
        let mut leaves = Vec::new();
        self.leaves(id, &mut leaves);
        match leaves.as_slice() {
            [one] => Ok(name_of(self.text(*one))),
            _ => Err(self.unknown(id)),
        }
    }

    /// The names of a path, in order: `a.b.c`.
    pub(super) fn path(&self, id: Id) -> Result<Path, Unreadable> {
        let mut leaves = Vec::new();
        self.leaves(id, &mut leaves);
        let mut names: Vec<Name> = Vec::new();
        for (index, leaf) in leaves.iter().enumerate() {
            if index % 2 == 0 {
                names.push(name_of(self.text(*leaf)));
            } else if self.kind(*leaf) != SyntaxKind::DOT {
                return Err(self.unknown(id));
            }
        }
        match names.pop() {
            Some(name) if leaves.len() % 2 == 1 => Ok(Path { qualifier: names, name }),
            _ => Err(self.unknown(id)),
        }
    }

    /// The tokens that stand directly in a node, in small letters with single spaces.
    pub(super) fn words(&self, id: Id) -> String {
        let mut words = String::new();
        for token in self.children(id).filter(|child| self.is_token(*child)) {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(&self.text(token).to_ascii_lowercase());
        }
        words
    }

    /// Whether a kind is a type's.
    pub(super) fn is_type(kind: SyntaxKind) -> bool {
        use SyntaxKind as K;
        matches!(
            kind,
            K::ARRAY_TYPE
                | K::PATH_TYPE
                | K::VARCHAR_TYPE
                | K::CHARACTER_TYPE
                | K::BIT_TYPE
                | K::BIT_VARYING_TYPE
                | K::DOUBLE_TYPE
                | K::TIME_TYPE
                | K::TIMESTAMP_TYPE
                | K::INTERVAL_TYPE
        )
    }

    /// A type.
    pub(super) fn type_name(&self, id: Id) -> Result<TypeName, Unreadable> {
        use SyntaxKind as K;
        let kind = self.kind(id);
        if kind == K::ARRAY_TYPE {
            let mut element = None;
            for child in self.nodes(id) {
                match self.kind(child) {
                    K::ARRAY_BOUND => self.constants(child)?,
                    of if Self::is_type(of) && element.is_none() => element = Some(self.type_name(child)?),
                    _ => return Err(self.unknown(child)),
                }
            }
            let element = element.ok_or_else(|| self.unknown(id))?;
            return Ok(TypeName { is_array: true, ..element });
        }
        if !Self::is_type(kind) || self.child(id, K::SETOF_KW).is_some() {
            return Err(self.unknown(id));
        }
        let place = self.place(id);
        if kind == K::PATH_TYPE {
            let mut path = None;
            for child in self.nodes(id) {
                match self.kind(child) {
                    K::PATH_REF => path = Some(self.path(child)?),
                    K::ARG_LIST => self.constants(child)?,
                    _ => return Err(self.unknown(child)),
                }
            }
            let path = path.ok_or_else(|| self.unknown(id))?;
            return Ok(TypeName { path, is_array: false, place });
        }
        let mut leaves = Vec::new();
        self.leaves(id, &mut leaves);
        let words =
            leaves.iter().map(|leaf| self.text(*leaf)).filter(|text| text.starts_with(|c: char| c.is_alphabetic()));
        let words: Vec<String> = words.map(str::to_ascii_lowercase).collect();
        let name = Name::new(Engine::Postgres, &words.join(" "), false);
        Ok(TypeName { path: Path { qualifier: Vec::new(), name }, is_array: false, place })
    }

    /// Refuses anything but constants and names below a node: a type's lengths, an array's bounds.
    fn constants(&self, id: Id) -> Result<(), Unreadable> {
        use SyntaxKind as K;
        for child in self.nodes(id) {
            match self.kind(child) {
                K::ARG => self.constants(child)?,
                K::LITERAL | K::NAME_REF => {}
                K::PREFIX_EXPR => self.constants(child)?,
                _ => return Err(self.unknown(child)),
            }
        }
        Ok(())
    }
}
