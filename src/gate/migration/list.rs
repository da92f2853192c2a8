//! Which migrations there are, and everything about one.
//! Asks no database.

use super::kept::Kept;
use crate::event::{Came, Known};
use crate::gate::desk::Desk;
use crate::gate::{Project, Stop, World};

/// A migration, and where it stands.
#[derive(Debug)]
pub struct Listing {
    /// Its name, and what came of it.
    pub known: Known,
    /// Its stored copy, if it is there and is what was kept.
    pub migration: Option<Kept>,
    /// Where it stands, in a word.
    pub standing: &'static str,
}

/// Every migration that is known, the oldest first.
///
/// # Errors
/// Those of the policy and the log.
pub fn list_migrations(world: &World, project: &Project) -> Result<Vec<Listing>, Stop> {
    let desk = Desk::open_to_look(world, project)?;
    desk.state().migrations.known.iter().map(|known| listing(&desk, known)).collect()
}

/// One migration.
///
/// # Errors
/// That there is none of that name.
pub fn show_migration(world: &World, project: &Project, name: &str) -> Result<Listing, Stop> {
    let desk = Desk::open_to_look(world, project)?;
    let Some(known) = desk.state().migrations.known(name) else {
        return Err(Stop::Migration {
            what: format!("no migration is called `{}`", crate::event::line::printable(name)),
            help: "`guard migration list` names them".into(),
        });
    };
    listing(&desk, known)
}

fn listing(desk: &Desk<'_>, known: &Known) -> Result<Listing, Stop> {
    let migration = Kept::load(desk.project, &known.name, &known.content)?;
    let open = desk.state().requests.open(&known.name);
    let standing = match (known.came, known.asks, open) {
        (Came::Proposed, true, Some(open)) if open.approved.is_some() => "approved",
        (Came::Proposed, true, Some(_)) => "waits",
        (Came::Proposed, true, None) => match desk.state().requests.done(&known.name) {
            Some(crate::event::Done::Denied) => "denied",
            Some(_) | None => "expired",
        },
        (Came::Proposed, false, _) => "ready",
        (came, _, _) => came.word(),
    };
    Ok(Listing { known: known.clone(), migration, standing })
}
