//! How sure guard is that a person answered: three strengths, from weakest to strongest, and their words.
//! Knows no policy: which strength an action needs is said elsewhere.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What stands behind an approval. Ordered: a later one is worth more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Somebody typed the digest at a terminal; a program can open a terminal too.
    Terminal,
    /// An SSH key of an approver signed the statement.
    Signature,
    /// A security key of an approver signed the statement while somebody touched it.
    SecurityKey,
}

impl Strength {
    /// Every strength by its word, weakest first.
    pub const WORDS: [(&'static str, Strength); 3] =
        [("terminal", Self::Terminal), ("signature", Self::Signature), ("security-key", Self::SecurityKey)];

    /// The strength of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, strength)| *strength)
    }

    /// Its word in policies, logs and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Signature => "signature",
            Self::SecurityKey => "security-key",
        }
    }
}

impl fmt::Display for Strength {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strengths_are_ordered_and_have_one_word_everywhere() {
        assert!(Strength::WORDS.is_sorted_by(|(_, weaker), (_, stronger)| weaker < stronger));
        for (word, strength) in Strength::WORDS {
            assert_eq!((strength.name(), Strength::of(word)), (word, Some(strength)));
            assert_eq!(serde_json::to_string(&strength).unwrap(), format!("\"{word}\""));
            assert_eq!(serde_json::from_str::<Strength>(&format!("\"{word}\"")).unwrap(), strength);
        }
    }
}
