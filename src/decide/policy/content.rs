//! `[[content]]`: which checks a changed file's content must pass, by path.
//! Knows how it is written and which layer may take a check away; what a check looks at is known elsewhere.

use super::glob::{Bases, PathPattern, path_meant};
use super::read::{Reader, Table};
use super::rule_table::each;
use super::{Layer, keys};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// A check of what a file holds, before a change of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ContentCheck {
    /// It can be read as what it is.
    Syntax,
    /// What it imports is there.
    Imports,
    /// What it imports from modules with [`ContentCheck::Fields`] is in them.
    Names,
    /// What is new is explained.
    Explained,
    /// Its types agree, as the project's own mypy has it.
    Types,
    /// Requirements name one exact version.
    Pinned,
    /// No marks of an unfinished merge.
    Markers,
    /// It stays text, in its encoding.
    Text,
    /// Its lines end as they did.
    Endings,
    /// Fields of its classes stay what they are, unless a person says otherwise.
    Fields,
}

/// The words of `checks` and `except`.
pub(crate) const CHECKS: &[(&str, ContentCheck)] = &[
    ("syntax", ContentCheck::Syntax),
    ("imports", ContentCheck::Imports),
    ("names", ContentCheck::Names),
    ("explained", ContentCheck::Explained),
    ("types", ContentCheck::Types),
    ("pinned", ContentCheck::Pinned),
    ("markers", ContentCheck::Markers),
    ("text", ContentCheck::Text),
    ("endings", ContentCheck::Endings),
    ("fields", ContentCheck::Fields),
];

impl ContentCheck {
    /// Its word in policies.
    pub fn word(self) -> &'static str {
        CHECKS.iter().find(|(_, check)| *check == self).map_or("", |(word, _)| word)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = ContentCheck> {
        CHECKS.iter().map(|(_, check)| *check)
    }
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    paths: Vec<PathPattern>,
    checks: Vec<ContentCheck>,
    except: Vec<ContentCheck>,
    /// Whose it is: nobody takes away what the machine's wants.
    layer: Layer,
}

/// All tables of all layers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents(Vec<Content>);

impl Contents {
    /// The checks for `path`, absolute.
    pub fn checks(&self, path: &Path, project: &Path, home: Option<&Path>) -> BTreeSet<ContentCheck> {
        let bases = Bases { project, home };
        let meant: Vec<&Content> = self.0.iter().filter(|table| path_meant(&table.paths, path, bases)).collect();
        let (mut checks, mut kept) = (BTreeSet::<ContentCheck>::new(), BTreeSet::<ContentCheck>::new());
        for of_layer in meant.chunk_by(|one, other| one.layer == other.layer) {
            checks.extend(of_layer.iter().flat_map(|table| &table.checks));
            let machine = of_layer.iter().filter(|table| table.layer == Layer::Machine);
            kept.extend(machine.flat_map(|table| &table.checks));
            let taken = |check: &ContentCheck| of_layer.iter().any(|table| table.except.contains(check));
            checks.retain(|check| kept.contains(check) || !taken(check));
        }
        checks
    }

    /// Whether any table wants `check`.
    pub fn wants(&self, check: ContentCheck) -> bool {
        self.0.iter().any(|table| table.checks.contains(&check))
    }
}

/// Reads one table.
pub(crate) fn read(reader: &mut Reader<'_>, table: Table<'_, '_>, span: &std::ops::Range<usize>) -> Content {
    reader.only(table, keys::CONTENT);
    reader.required(table, keys::CONTENT, span, "a table of checks");
    if !table.has("checks") && !table.has("except") {
        let help = "add `checks = [\"syntax\"]`, or `except` with what is not to be checked there";
        reader.fault(span.clone(), "a table of checks without `checks` or `except`", help);
    }
    let paths = each(reader, table, "paths", PathPattern::read);
    let checks = reader.choices(table, "checks", CHECKS);
    let except = reader.choices(table, "except", CHECKS);
    Content { paths, checks, except, layer: Layer::BuiltIn }
}

/// All sources as one, in the order of their layers. What a table wants, one of its own layer or of a later one may except,
/// unless the machine's wants it.
pub(crate) fn merge<'g>(given: impl Iterator<Item = (Layer, &'g [Content])>) -> Contents {
    let of =
        |(layer, tables): (Layer, &'g [Content])| tables.iter().map(move |table| Content { layer, ..table.clone() });
    Contents(given.flat_map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::super::{Policy, Source};
    use super::*;

    fn load(sources: &[(Layer, &str)]) -> Result<Contents, String> {
        let source = |(layer, text): &(Layer, &str)| Source {
            layer: *layer,
            name: format!("{layer:?}.toml"),
            text: format!("version = 1\n{text}"),
        };
        let sources: Vec<Source> = sources.iter().map(source).collect();
        Policy::load(&sources)
            .map(|policy| Contents::clone(&policy.settings().content))
            .map_err(|faults| faults.to_string())
    }

    fn words(contents: &Contents, path: &str) -> Vec<&'static str> {
        let checks = contents.checks(&Path::new("/p").join(path), Path::new("/p"), None);
        checks.into_iter().map(ContentCheck::word).collect()
    }

    #[test]
    fn checks_add_up_and_only_the_machine_s_stay_whatever_comes() {
        let machine = (Layer::Machine, "[[content]]\npaths = \"x/**\"\nchecks = [\"syntax\", \"types\"]");
        let project = (
            Layer::Project,
            "[[content]]\npaths = \"x/**\"\nexcept = [\"types\", \"markers\", \"syntax\"]\n[[content]]\npaths = [\"x/a.py\"]\nchecks = \"explained\"",
        );
        let alone = load(&[project]).unwrap();
        assert_eq!(words(&alone, "x/a.py"), ["explained", "text", "endings"]);
        let both = load(&[machine, project]).unwrap();
        assert_eq!(words(&both, "x/a.py"), ["syntax", "explained", "types", "text", "endings"]);
        assert_eq!(words(&both, "x/a.rs"), ["syntax", "types", "text", "endings"]);
    }

    #[test]
    fn what_is_checked_by_itself_is_what_nobody_misses() {
        let contents = load(&[]).unwrap();
        let table: [(&str, &[&str]); 9] = [
            ("a.py", &["syntax", "markers", "text", "endings"]),
            ("deep/a.yaml", &["syntax", "markers", "text", "endings"]),
            ("a.rs", &["markers", "text", "endings"]),
            ("requirements.txt", &["pinned", "markers", "text", "endings"]),
            ("sub/requirements-dev.txt", &["pinned", "markers", "text", "endings"]),
            ("requirements.in", &["markers", "text", "endings"]),
            ("tests/fixtures/bad.py", &[]),
            ("vendor/x/a.json", &[]),
            ("a/{{cookiecutter.name}}/setup.py", &[]),
        ];
        for (path, expected) in table {
            assert_eq!(words(&contents, path), expected, "{path}");
        }
    }

    #[test]
    fn a_table_that_says_nothing_and_an_unknown_word_are_faults() {
        for wrong in [
            "paths = \"**\"",
            "checks = \"syntax\"",
            "paths = \"**\"\nchecks = [\"spelling\"]",
            "paths = [\"a[\"]\nchecks = \"text\"",
        ] {
            assert!(load(&[(Layer::Project, &format!("[[content]]\n{wrong}"))]).is_err(), "{wrong}");
        }
    }
}
