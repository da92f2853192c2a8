//! What the open phase of a plan may touch.
//! Pure: its globs and a path in.

use crate::decide::policy::{Bases, PathPattern, path_meant};
use std::path::Path;

/// The globs of a phase. One that cannot be read lets nothing through.
pub(super) struct Within(Option<Vec<PathPattern>>);

impl Within {
    pub(super) fn of(globs: &[String]) -> Self {
        Self(globs.iter().map(|glob| PathPattern::read(glob).ok()).collect())
    }

    /// Whether it may touch `path`, from the project's root.
    pub(super) fn holds(&self, path: &Path) -> bool {
        let project = Path::new("/");
        let bases = Bases { project, home: None };
        let meant = |patterns: &Vec<_>| !patterns.is_empty() && path_meant(patterns, &project.join(path), bases);
        self.0.as_ref().is_some_and(meant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_its_folder_and_what_cannot_be_read_holds_nothing() {
        let within = Within::of(&["src/*.py".into(), "tests/**".into(), "main.py".into()]);
        let holds: Vec<bool> = ["src/a.py", "src/sub/a.py", "tests/x/y.py", "main.py", "sub/main.py", "setup.py"]
            .iter()
            .map(|path| within.holds(Path::new(path)))
            .collect();
        assert_eq!(holds, [true, false, true, true, false, false]);
        assert!(!Within::of(&["**".into(), "a[".into()]).holds(Path::new("a")));
        assert!(!Within::of(&[]).holds(Path::new("a")));
    }
}
