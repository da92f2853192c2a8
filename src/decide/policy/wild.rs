//! Matching of globs without compiling them: `*`, `**`, `?`, `[abc]`, `[!a-c]`, and a backslash before any of these.
//! Takes time in proportion to pattern times text, whatever they hold. Tested against `globset`.

use std::iter::Peekable;
use std::str::Chars;

/// Whether `pattern` matches all of `text`; `*` and `?` match anything.
pub(crate) fn word(pattern: &str, text: &str) -> bool {
    stars(text, pattern)
}

/// Whether `pattern` matches all of the path `text`: `*` and `?` stop at `/`, and a part `**` stands for any number of
/// parts; at the end of a pattern for at least one.
pub(super) fn path(pattern: &str, text: &str) -> bool {
    let patterns: Vec<&str> = pattern.split('/').collect();
    let parts: Vec<&str> = text.split('/').collect();
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (patterns.get(p), parts.get(t)) {
            (None, None) => return true,
            (Some(&"**"), Some(_)) => {
                let last = p + 1 == patterns.len();
                if last {
                    return true;
                }
                retry = Some((p + 1, t));
                p += 1;
            }
            (Some(pattern), Some(part)) if stars(part, pattern) => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((back, from)) if from < parts.len() => {
                    retry = Some((back, from + 1));
                    (p, t) = (back, from + 1);
                }
                Some(_) | None => return false,
            },
        }
    }
}

/// Where the last `*` stood: what follows it in the pattern, and the text it was tried at.
type Star<'a> = (Chars<'a>, Chars<'a>);

fn stars<'a>(text: &'a str, pattern: &'a str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut star: Option<Star<'a>> = None;
    loop {
        let mut rest = pattern.clone();
        let mut tried = text.clone();
        match (rest.next(), tried.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                star = Some((rest.clone(), text.clone()));
                pattern = rest;
                continue;
            }
            (Some(first), Some(found)) if one(first, &mut rest, found) => {
                (pattern, text) = (rest, tried);
                continue;
            }
            _ => {}
        }
        let Some((behind, at)) = &mut star else { return false };
        // The star takes one character more.
        if at.next().is_none() {
            return false;
        }
        (pattern, text) = (behind.clone(), at.clone());
    }
}

/// Whether the pattern's next item, which begins with `first`, matches `found`; `rest` is left behind the item.
fn one(first: char, rest: &mut Chars<'_>, found: char) -> bool {
    match first {
        '?' => true,
        '\\' => rest.next() == Some(found),
        '[' => {
            let mut class = rest.clone().peekable();
            let answer = in_class(&mut class, found);
            // What is left of the class is what is left of the pattern.
            let left = class.count();
            let behind = rest.clone().count() - left;
            for _ in 0..behind {
                rest.next();
            }
            answer
        }
        literal => literal == found,
    }
}

fn in_class(class: &mut Peekable<Chars<'_>>, found: char) -> bool {
    let negated = class.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut first = true;
    let mut inside = false;
    while let Some(low) = class.next() {
        if low == ']' && !first {
            break;
        }
        first = false;
        let range = class.peek() == Some(&'-');
        let mut ahead = class.clone();
        ahead.next();
        match ahead.next() {
            Some(high) if range && high != ']' => {
                class.next();
                class.next();
                inside |= (low..=high).contains(&found);
            }
            Some(_) | None => inside |= low == found,
        }
    }
    inside != negated
}

#[cfg(test)]
mod tests {
    use super::*;
    use globset::GlobBuilder;
    use proptest::prelude::*;

    fn reference(pattern: &str, text: &str, separator: bool) -> Option<bool> {
        let glob = GlobBuilder::new(pattern).literal_separator(separator).backslash_escape(true).build().ok()?;
        Some(glob.compile_matcher().is_match(text))
    }

    #[test]
    fn paths_match_part_by_part() {
        let table = [
            ("src/*.py", "src/a.py", true),
            ("src/*.py", "src/b/a.py", false),
            ("**/*.py", "a.py", true),
            ("**/*.py", "x/y/a.py", true),
            ("**/.git/**", ".git/config", true),
            ("**/.git/**", "a/.git/hooks/x", true),
            ("**/.git/**", ".git", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "a/x/y/c", false),
            ("[*]", "*", true),
            ("[*]", "x", false),
            ("/tmp/*/**", "/tmp/x", false),
            ("/tmp/*/**", "/tmp/x/y", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(path(pattern, text), expected, "{pattern} {text}");
            assert_eq!(reference(pattern, text, true), Some(expected), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_over_a_long_text_take_no_long_time() {
        let text = "a".repeat(20_000);
        assert!(!word(&format!("{}b", "a*".repeat(30)), &text));
        assert!(!path(&format!("{}/b", "**/a".repeat(10)), &"a/".repeat(5_000)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn words_match_as_globset_says(
            // In globset `**` is a part of a path, which words do not have, and `?` is one byte.
            pattern in r"(\*?([ab?]|\[[ab]\]|\[!a\]|\[a-c\]|\\\*)){0,6}\*?",
            text in "[abc*/]{0,7}",
        ) {
            if let Some(expected) = reference(&pattern, &text, false) {
                prop_assert_eq!(word(&pattern, &text), expected);
            }
        }

        #[test]
        fn paths_match_as_globset_says(
            pattern in r"(\*\*|[ab*?]{1,3}|a\*|\[ab\])(/(\*\*|[ab]{1,2}|\*|\?|\[!a\]b)){0,4}",
            text in "[ab]{1,3}(/[abc]{1,2}){0,4}",
        ) {
            prop_assume!(!pattern.contains("***") && !pattern.replace("**/", "").replace("/**", "").contains("**"));
            if let Some(expected) = reference(&pattern, &text, true) {
                prop_assert_eq!(path(&pattern, &text), expected);
            }
        }
    }
}
