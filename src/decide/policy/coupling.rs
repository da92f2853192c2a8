//! Coupling: which files belong to one change, as patterns with captures, and which never do.
//! Knows no iterations: it answers for two paths.

use super::keys;
use super::read::{Reader, Table};
use serde::{Deserialize, Serialize};

/// Steps that comparing two paths with two patterns may take; what takes more is not coupled.
const STEPS: u32 = 20_000;
/// Patterns of one table, at most: every pair of them is tried.
const PATTERNS: usize = 32;
/// Stands between patterns of which any will do.
const OR: char = '|';

/// `[[coupled]]` and `[[uncoupled]]` of all layers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Couplings {
    coupled: Vec<Group>,
    uncoupled: Vec<Group>,
}

/// One table: files of two of its places belong together where what the same name captures is the same. A place has one
/// pattern or several, of which any will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    name: String,
    files: Vec<Vec<Shape>>,
}

/// A pattern over paths from the project's root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Shape(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Piece {
    /// These characters.
    Text(String),
    /// `?`: one character that is no `/`.
    One,
    /// `*`: any number of them.
    Star,
    /// `**/`: any number of folders; at the end `**`: whatever lies below.
    Folders,
    /// `{name}`: one or more characters that are no `/`, the same wherever the name stands.
    Capture(String),
    /// `{**name}/`: any number of folders, the same wherever the name stands.
    Deep(String),
}

/// What the captures of a table hold.
type Held<'a> = Vec<(&'a str, &'a str)>;

impl Couplings {
    pub(super) fn new(coupled: Vec<Group>, uncoupled: Vec<Group>) -> Self {
        Self { coupled, uncoupled }
    }

    /// The name of the coupling of two paths from the project's root; `None`: they are not coupled.
    pub fn between(&self, one: &str, other: &str) -> Option<&str> {
        // What takes too many steps is not coupled: neither is it by the one table, nor may it be for the other.
        let found = self.coupled.iter().find(|group| group.holds(one, other) == Some(true))?;
        let apart = self.uncoupled.iter().any(|group| group.holds(one, other) != Some(false));
        (!apart).then_some(found.name.as_str())
    }

    /// The files, or patterns of files, that are coupled with `path`, each with the coupling's name.
    pub fn counterparts(&self, path: &str) -> Vec<(String, &str)> {
        let mut found: Vec<(String, &str)> = Vec::new();
        for group in &self.coupled {
            for (at, shapes) in group.files.iter().enumerate() {
                let Some(held) = shapes.iter().find_map(|shape| shape.captures(path)) else { continue };
                let others = group.files.iter().enumerate().filter(|(other, _)| *other != at);
                for shape in others.flat_map(|(_, shapes)| shapes) {
                    let named = shape.named(&held);
                    if named != path && !found.iter().any(|(known, _)| *known == named) {
                        found.push((named, &group.name));
                    }
                }
            }
        }
        found
    }
}

impl Group {
    /// Whether the paths are of two of the places, with the same captures; `None`: it takes too long to tell.
    fn holds(&self, one: &str, other: &str) -> Option<bool> {
        let shapes = || self.files.iter().enumerate().flat_map(|(at, all)| all.iter().map(move |shape| (at, shape)));
        let pairs = shapes().flat_map(|(at, first)| {
            shapes().filter(move |(second, _)| at != *second).map(move |(_, second)| (&first.0, &second.0))
        });
        let mut told = true;
        for (first, second) in pairs.filter(|_| one != other) {
            let mut steps = STEPS;
            if meets(first, one, Some((second, other)), &mut Vec::new(), &mut steps, &mut |_| {}) {
                return Some(true);
            }
            told &= steps > 0;
        }
        told.then_some(false)
    }
}

impl Shape {
    /// Reads `services/{name}.py`; the error is a fragment.
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.starts_with('/') || text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err("write it from the project's root: `tests/test_{name}.py`".to_owned());
        }
        let mut pieces: Vec<Piece> = Vec::new();
        let (mut rest, mut begins) = (text, true);
        while let Some(first) = rest.chars().next() {
            let (piece, left) = if let Some(behind) = rest.strip_prefix("**") {
                match behind.strip_prefix('/') {
                    Some(left) if begins => (Piece::Folders, left),
                    None if begins && behind.is_empty() => (Piece::Folders, behind),
                    Some(_) | None => return Err("`**` stands for whole folders: `tests/**/test_{name}.py`".to_owned()),
                }
            } else if let Some(behind) = rest.strip_prefix('{') {
                let (inner, left) = behind.split_once('}').ok_or("a `{` without its `}`")?;
                let (deep, name) = inner.strip_prefix("**").map_or((false, inner), |name| (true, name));
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if name.is_empty() || !name.chars().all(plain) {
                    return Err("a capture is named in letters, digits and `_`: `{name}`".to_owned());
                }
                match (deep, left.strip_prefix('/')) {
                    (false, _) => (Piece::Capture(name.to_owned()), left),
                    (true, Some(left)) if begins => (Piece::Deep(name.to_owned()), left),
                    (true, _) => return Err("`{**name}` stands for whole folders: `src/{**name}/x.py`".to_owned()),
                }
            } else {
                match first {
                    '*' => (Piece::Star, rest.get(1..).unwrap_or_default()),
                    '?' => (Piece::One, rest.get(1..).unwrap_or_default()),
                    '}' | '[' | ']' | '\\' | '!' | '|' => return Err(format!("`{first}` has no meaning here")),
                    _ => {
                        let end = rest.find(['*', '?', '{', '}', '[', ']', '\\', '!']).unwrap_or(rest.len());
                        // Up to the next folder, so that it is known where one begins.
                        let end = rest.find('/').map_or(end, |slash| end.min(slash + 1));
                        let (text, left) = rest.split_at_checked(end).unwrap_or((rest, ""));
                        (Piece::Text(text.to_owned()), left)
                    }
                }
            };
            begins = rest.strip_suffix(left).is_some_and(|taken| taken.ends_with('/'));
            pieces.push(piece);
            rest = left;
        }
        Ok(Self(pieces))
    }

    /// What it captures of a path; of several ways the first.
    fn captures(&self, path: &str) -> Option<Vec<(String, String)>> {
        let (mut held, mut steps) = (None, STEPS);
        let matched = meets(&self.0, path, None, &mut Vec::new(), &mut steps, &mut |found| {
            held = Some(found.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect());
        });
        held.filter(|_| matched)
    }

    /// The path it means where the captures hold this; what they do not hold stays a pattern.
    fn named(&self, held: &[(String, String)]) -> String {
        let of = |name: &str| held.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::One => "?".to_owned(),
            Piece::Star => "*".to_owned(),
            Piece::Folders => "**/".to_owned(),
            Piece::Capture(name) => of(name).map_or_else(|| format!("{{{name}}}"), str::to_owned),
            Piece::Deep(name) => of(name).map_or_else(|| format!("{{**{name}}}/"), str::to_owned),
        };
        self.0.iter().map(piece).collect()
    }
}

/// Whether `pieces` are all of `path`, and then `next` all of its path, with the same captures; `found` is told of them.
fn meets<'a>(
    pieces: &'a [Piece],
    path: &'a str,
    next: Option<(&'a [Piece], &'a str)>,
    held: &mut Held<'a>,
    steps: &mut u32,
    found: &mut dyn FnMut(&Held<'a>),
) -> bool {
    let Some(left) = steps.checked_sub(1) else { return false };
    *steps = left;
    let Some((piece, rest)) = pieces.split_first() else {
        return path.is_empty()
            && match next {
                Some((pieces, path)) => meets(pieces, path, None, held, steps, found),
                None => {
                    found(held);
                    true
                }
            };
    };
    let part = path.find('/').unwrap_or(path.len());
    match piece {
        Piece::Text(text) => {
            path.strip_prefix(text.as_str()).is_some_and(|path| meets(rest, path, next, held, steps, found))
        }
        Piece::One => {
            let mut left = path.chars();
            left.next().is_some_and(|c| c != '/') && meets(rest, left.as_str(), next, held, steps, found)
        }
        Piece::Star => ends(path, 0, part).any(|at| meets(rest, behind(path, at), next, held, steps, found)),
        Piece::Folders if rest.is_empty() => !path.is_empty() && meets(rest, "", next, held, steps, found),
        Piece::Folders => folders(path).any(|at| meets(rest, behind(path, at), next, held, steps, found)),
        Piece::Capture(name) | Piece::Deep(name) => {
            if let Some((_, text)) = held.iter().find(|(known, _)| known == name) {
                return path.strip_prefix(*text).is_some_and(|path| meets(rest, path, next, held, steps, found));
            }
            let deep = matches!(piece, Piece::Deep(_));
            let places: Vec<usize> = if deep { folders(path).collect() } else { ends(path, 1, part).collect() };
            places.into_iter().any(|at| {
                held.push((name, path.get(..at).unwrap_or_default()));
                let met = meets(rest, behind(path, at), next, held, steps, found);
                held.pop();
                met
            })
        }
    }
}

/// Places between characters of the first `most` bytes, from the `least` on, the last first.
fn ends(path: &str, least: usize, most: usize) -> impl Iterator<Item = usize> {
    (least..=most).rev().filter(|at| path.is_char_boundary(*at))
}

/// Where a folder can begin in a path: at its start, and behind each `/`.
fn folders(path: &str) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1))
}

fn behind(path: &str, at: usize) -> &str {
    path.get(at..).unwrap_or_default()
}

/// Reads the tables `key` of one source.
pub(super) fn read(reader: &mut Reader<'_>, root: Table<'_, '_>, key: &str, head: &'static str) -> Vec<Group> {
    let mut groups = Vec::new();
    for (table, span) in reader.tables(root, key, head) {
        reader.only(table, keys::COUPLED);
        reader.required(table, keys::COUPLED, &span, "a coupling");
        let name = reader.string(table, "name");
        let given = reader.strings(table, "files").unwrap_or_default();
        if table.has("files") && given.len() == 1 {
            reader.fault(
                span.clone(),
                "`files` names one pattern alone",
                "name at least two: what is coupled with what",
            );
        }
        if given.iter().map(|at| at.value.split(OR).count()).sum::<usize>() > PATTERNS {
            let message = format!("`files` names more than {PATTERNS} patterns");
            reader.fault(span, message, format!("write several {head} tables"));
            continue;
        }
        let mut files = Vec::new();
        for at in given {
            let shapes: Result<Vec<Shape>, String> = at.value.split(OR).map(|text| Shape::read(text.trim())).collect();
            match shapes {
                Ok(shapes) => files.push(shapes),
                Err(cause) => reader.fault(at.span, format!("`{}` is no pattern of files", at.value), cause),
            }
        }
        if let Some(name) = name {
            groups.push(Group { name: name.value, files });
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(files: &[&str]) -> Group {
        Group {
            name: "g".into(),
            files: files
                .iter()
                .map(|file| file.split(OR).map(|one| Shape::read(one.trim()).unwrap()).collect())
                .collect(),
        }
    }

    #[test]
    fn files_are_coupled_that_capture_the_same() {
        let service: &[&str] = &["services/{name}.py", "tests/test_{name}.py"];
        let deep: &[&str] = &["src/{**at}/{name}.py", "tests/{**at}/test_{name}.py"];
        let model: &[&str] = &["shared/models.py", "migrations/*.sql", "shared/schemas.py", "db/**"];
        let two: &[&str] = &["{a}_{b}.py", "{b}/{a}.py"];
        let any: &[&str] = &["{name}.py | src/{name}.py", "test_{name}.py | tests/test_{name}.py"];
        let table = [
            (service, "services/fees.py", "tests/test_fees.py", true),
            (service, "tests/test_fees.py", "services/fees.py", true),
            (service, "services/fees.py", "tests/test_fee.py", false),
            (service, "services/fees.py", "services/fees.py", false),
            (service, "services/fees.py", "services/risk.py", false),
            (service, "services/a/fees.py", "tests/test_a/fees.py", false),
            (service, "services/.py", "tests/test_.py", false),
            (service, "xservices/fees.py", "tests/test_fees.py", false),
            (service, "services/é.py", "tests/test_é.py", true),
            (deep, "src/a.py", "tests/test_a.py", true),
            (deep, "src/x/y/a.py", "tests/x/y/test_a.py", true),
            (deep, "src/x/y/a.py", "tests/x/test_a.py", false),
            (deep, "srcx/a.py", "tests/test_a.py", false),
            (model, "shared/models.py", "migrations/001.sql", true),
            (model, "migrations/002.sql", "migrations/001.sql", false),
            (model, "shared/schemas.py", "migrations/001.sql", true),
            (model, "shared/schemas.py", "db/x/y", true),
            (model, "shared/schemas.py", "db", false),
            // Every way to read a path counts, not the first alone.
            (two, "x_y_z.py", "y_z/x.py", true),
            (two, "x_y_z.py", "z/x_y.py", true),
            (two, "x_y_z.py", "z/x.py", false),
            (any, "a.py", "src/a.py", false),
            (any, "src/a.py", "tests/test_a.py", true),
            (any, "a.py", "test_a.py", true),
        ];
        for (files, one, other, expected) in table {
            assert_eq!(group(files).holds(one, other), Some(expected), "{files:?} {one} {other}");
        }
    }

    #[test]
    fn what_is_not_coupled_wins() {
        let couplings =
            Couplings::new(vec![group(&["**/{a}.py", "**/{b}.py"])], vec![group(&["s/{a}.py", "s/{b}.py"])]);
        assert_eq!(couplings.between("s/x.py", "t/y.py"), Some("g"));
        assert_eq!(couplings.between("s/x.py", "s/y.py"), None);
    }

    #[test]
    fn counterparts_are_named_as_far_as_the_captures_tell() {
        let files = ["services/{name}.py", "tests/{**at}/test_{name}.py", "migrations/*_{name}.sql"];
        let couplings = Couplings::new(vec![group(&files)], Vec::new());
        let found: Vec<String> = couplings.counterparts("services/fees.py").into_iter().map(|(path, _)| path).collect();
        assert_eq!(found, ["tests/{**at}/test_fees.py", "migrations/*_fees.sql"]);
        let found: Vec<String> =
            couplings.counterparts("tests/a/b/test_x.py").into_iter().map(|(path, _)| path).collect();
        assert_eq!(found, ["services/x.py", "migrations/*_x.sql"]);
        assert_eq!(couplings.counterparts("other"), []);
    }

    #[test]
    fn a_pattern_that_says_nothing_or_leads_out_is_refused() {
        let broken = [
            "", "/a", "../a", "a//b", "a/./b", "a{", "a{}", "a{b-c}", "a}", "[a]", "a**", "**a", "x{**a}/b", "{**a}",
            "!a",
        ];
        for text in broken {
            assert!(Shape::read(text).is_err(), "{text}");
        }
        for text in ["a", "**", "a/**", "**/a", "{**a}/b", "a*b?c", "a b"] {
            assert!(Shape::read(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_bounded_time_and_then_couples_nothing() {
        // Without a bound this would not end.
        let many = "*a".repeat(40);
        let long = "a".repeat(120).replace("aaa", "aab");
        let hostile = || group(&[&many, "{x}"]);
        assert_eq!(hostile().holds(&long, "y"), None);
        let any = || vec![group(&["{a}", "{b}"])];
        assert_eq!(Couplings::new(any(), Vec::new()).between(&long, "y"), Some("g"));
        assert_eq!(Couplings::new(vec![hostile()], Vec::new()).between(&long, "y"), None);
        // Names that nobody can tell to be apart are not coupled either: whoever makes the file chooses its name.
        assert_eq!(Couplings::new(any(), vec![hostile()]).between(&long, "y"), None);
    }
}
