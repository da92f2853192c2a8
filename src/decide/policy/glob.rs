//! Patterns: globs over words, names and paths, cheap to load and to match.
//! Knows no commands.

use super::wild;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A glob. It is read and checked by `globset` when the policy is loaded; matching needs nothing compiled, since a call
/// judges one command and would pay more for compiling than for matching.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Glob {
    text: String,
    shape: Shape,
}

/// What a glob needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Shape {
    /// No pattern characters at all.
    Literal,
    /// `text*`, in words only.
    Starts,
    /// `*text`, in words only.
    Ends,
    /// `folder/**`: the folder and everything below it, in paths only.
    Below,
    /// Everything.
    Any,
    /// Anything else in a word.
    Word,
    /// Anything else in a path: `*` stops at `/`.
    Path,
}

const META: &[char] = &['*', '?', '[', ']', '{', '}', '\\'];

/// Whether a pattern of this text means the text and nothing else.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('!') && !text.contains(META)
}

impl Glob {
    /// A glob over words and names: `*` matches anything. The error is a fragment.
    pub(crate) fn word(text: &str) -> Result<Glob, String> {
        let plain = |part: &str| !part.contains(META);
        let (shape, kept) = match (text.strip_prefix('*'), text.strip_suffix('*')) {
            _ if plain(text) => (Shape::Literal, text),
            (Some(""), _) => (Shape::Any, ""),
            (_, Some(start)) if plain(start) => (Shape::Starts, start),
            (Some(end), _) if plain(end) => (Shape::Ends, end),
            _ => (Shape::Word, text),
        };
        Glob::new(kept, shape)
    }

    /// A glob over paths: `*` stops at `/`, `**` does not; `folder/**` is the folder as well. The error is a fragment.
    pub(crate) fn path(text: &str) -> Result<Glob, String> {
        let (shape, kept) = match text.strip_suffix("/**") {
            _ if !text.contains(META) => (Shape::Literal, text),
            _ if text == "**" => (Shape::Any, ""),
            Some(folder) if !folder.contains(META) => (Shape::Below, folder),
            _ => (Shape::Path, text),
        };
        Glob::new(kept, shape)
    }

    fn new(text: &str, shape: Shape) -> Result<Glob, String> {
        let glob = Glob { text: text.to_owned(), shape };
        match shape {
            Shape::Word | Shape::Path if text.contains('{') && text.contains('}') => {
                Err("choices in braces are written as entries of their own".to_owned())
            }
            // A lone brace is itself.
            Shape::Word | Shape::Path => match globset::Glob::new(&text.replace('{', "\\{").replace('}', "\\}")) {
                Ok(_) => Ok(glob),
                Err(error) => Err(error.kind().to_string()),
            },
            Shape::Literal | Shape::Starts | Shape::Ends | Shape::Below | Shape::Any => Ok(glob),
        }
    }

    /// Whether it matches all of `text`.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self.shape {
            Shape::Literal => text == self.text,
            Shape::Starts => text.starts_with(&self.text),
            Shape::Ends => text.ends_with(&self.text),
            Shape::Any => true,
            Shape::Below => match text.strip_prefix(&self.text) {
                Some(rest) => rest.is_empty() || rest.starts_with('/'),
                None => false,
            },
            Shape::Word => wild::word(&self.text, text),
            Shape::Path => wild::path(&self.text, text),
        }
    }
}

/// A glob over words that `!` in front turns around.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pattern {
    negated: bool,
    glob: Glob,
}

impl Pattern {
    /// Reads `foo*` or `!foo*`.
    pub(crate) fn read(text: &str) -> Result<Pattern, String> {
        let (negated, rest) = negation(text);
        Ok(Pattern { negated, glob: Glob::word(rest)? })
    }

    /// Whether it names what is not meant.
    pub(crate) fn negated(&self) -> bool {
        self.negated
    }

    /// The one text it means, where it means only one.
    pub(crate) fn literal(&self) -> Option<&str> {
        (!self.negated && self.glob.shape == Shape::Literal).then_some(self.glob.text.as_str())
    }
}

/// Where a path pattern starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Base {
    /// `/…`
    Root,
    /// `~/…`: the person's home.
    Home,
    /// Anything else: the project's root.
    Project,
}

/// A glob over resolved paths, that `!` in front turns around.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PathPattern {
    negated: bool,
    base: Base,
    glob: Glob,
}

/// The two folders that path patterns may start from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bases<'a> {
    /// The project's root.
    pub(crate) project: &'a Path,
    /// The person's home.
    pub(crate) home: Option<&'a Path>,
}

impl PathPattern {
    /// Reads `/etc/**`, `~/.ssh/**`, `src/*.py` (from the project's root), each with or without `!`.
    pub(crate) fn read(text: &str) -> Result<PathPattern, String> {
        let (negated, rest) = negation(text);
        let (base, rest) = if rest == "~" {
            (Base::Home, "")
        } else if let Some(rest) = rest.strip_prefix("~/") {
            (Base::Home, rest)
        } else if rest.starts_with('/') {
            (Base::Root, rest)
        } else {
            let rest = rest.strip_prefix("./").unwrap_or(rest);
            (Base::Project, if rest == "." { "" } else { rest })
        };
        Ok(PathPattern { negated, base, glob: Glob::path(rest)? })
    }

    /// The path it names without pattern characters, if it is such a one: itself, or what it lies below.
    pub(crate) fn plain(&self, bases: Bases<'_>) -> Option<PathBuf> {
        if self.negated {
            return None;
        }
        let plain = match self.glob.shape {
            Shape::Literal | Shape::Below => Path::new(&self.glob.text),
            Shape::Starts | Shape::Ends | Shape::Any | Shape::Word | Shape::Path => return None,
        };
        match self.base {
            Base::Root => Some(plain.to_owned()),
            Base::Home => bases.home.map(|home| home.join(plain)),
            Base::Project => Some(bases.project.join(plain)),
        }
    }

    fn matches(&self, path: &Path, bases: Bases<'_>) -> bool {
        let relative = match self.base {
            Base::Root => Some(path),
            Base::Home => bases.home.and_then(|home| path.strip_prefix(home).ok()),
            Base::Project => path.strip_prefix(bases.project).ok(),
        };
        relative.is_some_and(|path| self.glob.matches(&path.to_string_lossy()))
    }
}

fn negation(text: &str) -> (bool, &str) {
    match text.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

/// Whether `text` is meant by a list of patterns: by any plain one (or there are none), and by none with `!`.
pub(crate) fn meant(patterns: &[Pattern], text: &str) -> bool {
    let plain = patterns.iter().filter(|p| !p.negated);
    let any = plain.clone().next().is_none() || plain.clone().any(|p| p.glob.matches(text));
    any && !patterns.iter().any(|p| p.negated && p.glob.matches(text))
}

/// As [`meant`], for an assignment: a pattern with `=` looks at the value as well. A value that only the run will tell
/// is any, unless `strict`.
pub(crate) fn assignment_meant(patterns: &[Pattern], name: &str, value: Option<&str>, strict: bool) -> bool {
    let whole = value.map(|value| format!("{name}={value}"));
    let matches = |pattern: &Pattern| match (pattern.glob.text.contains('='), &whole) {
        (false, _) => pattern.glob.matches(name),
        (true, Some(whole)) => pattern.glob.matches(whole),
        (true, None) => !pattern.negated && !strict,
    };
    let plain = patterns.iter().filter(|p| !p.negated);
    let any = plain.clone().next().is_none() || plain.clone().any(matches);
    any && !patterns.iter().any(|p| p.negated && matches(p))
}

/// As [`meant`], for paths.
pub(crate) fn path_meant(patterns: &[PathPattern], path: &Path, bases: Bases<'_>) -> bool {
    let plain = patterns.iter().filter(|p| !p.negated);
    let any = plain.clone().next().is_none() || plain.clone().any(|p| p.matches(path, bases));
    any && !patterns.iter().any(|p| p.negated && p.matches(path, bases))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_over_words_match_whole_words() {
        let table = [
            ("LD_*", "LD_PRELOAD", true),
            ("LD_*", "OLD_X", false),
            ("*_PROXY", "HTTP_PROXY", true),
            ("PATH", "PATH", true),
            ("PATH", "PATHS", false),
            ("*", "", true),
            ("git+*", "git+https://x/y", true),
            ("*live*", "--mode=live", true),
            ("a?c", "abc", true),
            ("[ab]x", "bx", true),
        ];
        for (glob, text, expected) in table {
            assert_eq!(Glob::word(glob).unwrap().matches(text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn globs_over_paths_start_at_the_root_the_home_or_the_project() {
        let bases = Bases { project: Path::new("/w/p"), home: Some(Path::new("/home/x")) };
        let table = [
            (vec!["/etc/**"], "/etc", true),
            (vec!["/etc/**"], "/etc/a/b", true),
            (vec!["/etc/**"], "/etcetera", false),
            (vec!["/*"], "/etc", true),
            (vec!["/*"], "/etc/a", false),
            (vec!["~/.ssh/**"], "/home/x/.ssh/id", true),
            (vec!["~"], "/home/x", true),
            (vec!["src/*.py"], "/w/p/src/a.py", true),
            (vec!["src/*.py"], "/w/p/src/b/a.py", false),
            (vec!["**/*.py"], "/w/p/a.py", true),
            (vec!["."], "/w/p", true),
            (vec!["**"], "/w/p", true),
            (vec!["**"], "/w/p2", false),
            (vec!["!**"], "/w/p2", true),
            (vec!["!**"], "/w/p/x", false),
            (vec!["!**", "!/tmp/**"], "/tmp/x", false),
            (vec!["**/.git/**"], "/w/p/.git/config", true),
            (vec!["**/.git/**"], "/w/p/sub/.git/hooks/a", true),
        ];
        for (patterns, path, expected) in table {
            let read: Vec<_> = patterns.iter().map(|p| PathPattern::read(p).unwrap()).collect();
            assert_eq!(path_meant(&read, Path::new(path), bases), expected, "{patterns:?} {path}");
        }
    }

    #[test]
    fn a_broken_glob_is_refused_when_it_is_read() {
        assert!(Glob::word("a[").is_err());
        assert!(PathPattern::read("src/{a,b}/*").is_err());
        assert!(Glob::word("query={*").is_ok_and(|glob| glob.matches("query={ x }") && !glob.matches("query=x")));
    }
}
