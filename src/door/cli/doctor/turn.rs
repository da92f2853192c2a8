//! A probe of turns: whether a second command in a project is kept from running beside the first.
//! Knows no fences.

use crate::execute::sandbox::{Finding, Topic};
use crate::record::{Holder, Paths, Turn, Turned};
use std::path::Path;

/// Takes the one turn of a project below `base` twice.
pub(super) fn probe(base: &Path) -> Finding {
    let folder = base.join(format!("guard-turn-{}", std::process::id()));
    let paths = Paths { log: folder.join("log"), state: folder.clone() };
    let take = || {
        let holder = Holder { seq: None, pid: std::process::id(), since: 0, command: "probe".to_owned() };
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        Turn::take(&paths, 1, holder).map_err(|error| error.to_string())
    };
    let (held, said) = match (take(), take()) {
        (Ok(Turned::Taken(_first)), Ok(Turned::Held(_))) => (true, "refused while the first runs".to_owned()),
        (Ok(_), Ok(_)) => (false, "it succeeded".to_owned()),
        (Err(error), _) | (_, Err(error)) => (false, error),
    };
    let _ = std::fs::remove_dir_all(&folder);
    Finding { topic: Topic::Limits, tried: "run beside another command", by: "lock", held, said }
}
