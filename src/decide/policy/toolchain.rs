//! `[fence] toolchain`: what commands may read of homes and of the system's closed folders.
//! Knows how it is written and which layer may add to it; what is there is known elsewhere.

use super::read::{At, Reader, Table};
use super::{Layer, keys};
use serde::{Deserialize, Serialize};

/// What commands may read of what is closed to them, and what they may not read although it lies there. Each as it is
/// written: `~/.cargo` in the home, `/etc/odbc.ini` on the machine, `services/.env` in the project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    /// Files and folders that can be read.
    pub open: Vec<String>,
    /// Files and folders that cannot.
    pub shut: Vec<String>,
}

/// What one source lists.
pub(crate) fn read(reader: &mut Reader<'_>, table: Table<'_, '_>) -> Option<Toolchain> {
    let mut toolchain = Toolchain::default();
    for At { value, span } in reader.paths(table, keys::TOOLCHAIN)? {
        let (shut, path) = match value.strip_prefix('!') {
            Some(path) => (true, path),
            None => (false, value.as_str()),
        };
        let trimmed = path.trim_end_matches('/');
        let rooted = trimmed.starts_with("~/") || (trimmed.starts_with('/') && trimmed.len() > 1);
        let below = trimmed.strip_prefix("~/").unwrap_or(trimmed);
        let plain =
            below.split('/').skip(usize::from(trimmed.starts_with('/'))).all(|part| !["", ".", ".."].contains(&part));
        if !plain || !(rooted || shut) || trimmed.starts_with('~') && !rooted {
            let help = "write \"~/.cargo\" or \"/etc/odbc.ini\"; \"!~/.cargo/credentials\" is kept from commands, \
                 and so is \"!services/.env\" in the project";
            reader.fault(span, format!("`{value}` names no file or folder"), help);
        } else if value.contains(['*', '?', '[']) {
            reader.fault(span, format!("`{value}` is a pattern"), "name the file or folder itself");
        } else if shut {
            toolchain.shut.push(trimmed.to_owned());
        } else {
            toolchain.open.push(trimmed.to_owned());
        }
    }
    Some(toolchain)
}

/// All lists as one: what any of them opens, unless the machine's layer has a list, which then is the only one to open
/// anything; and what any of them shuts.
pub(crate) fn merge<'g>(given: impl Iterator<Item = (Layer, &'g Toolchain)> + Clone) -> Toolchain {
    let machine = given.clone().any(|(layer, _)| layer == Layer::Machine);
    let opens = given.clone().filter(|(layer, _)| !machine || *layer == Layer::Machine);
    let distinct = |lists: &mut dyn Iterator<Item = &'g String>| {
        let mut all: Vec<String> = Vec::new();
        for path in lists {
            if !all.contains(path) {
                all.push(path.clone());
            }
        }
        all
    };
    Toolchain {
        open: distinct(&mut opens.flat_map(|(_, list)| &list.open)),
        shut: distinct(&mut given.flat_map(|(_, list)| &list.shut)),
    }
}
