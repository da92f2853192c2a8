//! What an approver can be called. Knows no keys.

use crate::event::line::visible;

/// The most characters of a name.
const LONGEST: usize = 64;

/// Why a name cannot be an approver's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing at all.
    #[error("an approver needs a name")]
    Empty,
    /// More characters than fit a line that people read.
    #[error("a name has at most {LONGEST} characters, this one {0}")]
    Long(usize),
    /// It would be taken for an option.
    #[error("a name cannot begin with `-`")]
    Dash,
    /// A space, a tab or the like.
    #[error("a name cannot hold a blank")]
    Blank,
    /// A quotation mark or backslash.
    #[error("a name cannot hold a quote: `{0}`")]
    Quote(char),
    /// What would make it a pattern or a list.
    #[error("`{0}` makes a pattern or a list, and an approver is one person")]
    Pattern(char),
    /// Any other character that is no letter, digit or one of `@._+-`.
    #[error("a name cannot hold `{}`", visible(&.0.to_string()))]
    Character(char),
}

impl NameError {
    /// What to write instead.
    pub fn help(&self) -> &'static str {
        "letters, digits and `@._+-` make a name: `anna@example.com`"
    }
}

/// Whether `name` names one person, readably.
pub(super) fn check(name: &str) -> Result<(), NameError> {
    let length = name.chars().count();
    if length == 0 {
        return Err(NameError::Empty);
    }
    if let Some(bad) = name.chars().find(|c| !c.is_alphanumeric() && !"@._+-".contains(*c)) {
        return Err(match bad {
            '*' | '?' | '!' | ',' => NameError::Pattern(bad),
            '"' | '\'' | '`' | '\\' => NameError::Quote(bad),
            _ if bad.is_whitespace() && !bad.is_control() || bad == '\t' => NameError::Blank,
            _ => NameError::Character(bad),
        });
    }
    if name.starts_with('-') {
        return Err(NameError::Dash);
    }
    if length > LONGEST {
        return Err(NameError::Long(length));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_readable_word_for_one_person() {
        for good in ["anna", "anna@example.com", "a.b-c_d+e", "Ágnes", "安娜", "1"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, error) in [
            ("", NameError::Empty),
            ("a b", NameError::Blank),
            ("a\tb", NameError::Blank),
            ("a\u{a0}b", NameError::Blank),
            ("a\nb", NameError::Character('\n')),
            ("a\u{1b}[2Jb", NameError::Character('\u{1b}')),
            ("a\u{202e}b", NameError::Character('\u{202e}')),
            ("a\u{200b}b", NameError::Character('\u{200b}')),
            ("*", NameError::Pattern('*')),
            ("anna,ben", NameError::Pattern(',')),
            ("!anna", NameError::Pattern('!')),
            ("ann?", NameError::Pattern('?')),
            ("\"anna\"", NameError::Quote('"')),
            ("#anna", NameError::Character('#')),
            ("[anna]", NameError::Character('[')),
            ("-f", NameError::Dash),
            (&"a".repeat(65), NameError::Long(65)),
        ] {
            assert_eq!(check(bad), Err(error), "{bad:?}");
        }
        assert_eq!(NameError::Character('\u{1b}').to_string(), "a name cannot hold `\\u{1b}`");
    }
}
