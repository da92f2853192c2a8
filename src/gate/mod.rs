//! The pipeline: from what is asked to what is recorded, top to bottom, and the facts it rests on.
//! Knows nothing of doors.

mod after;
mod ahead;
mod allowed;
mod always;
mod answer;
mod approvers;
mod ask;
mod bringing;
mod changes;
mod compose;
mod content;
mod count;
mod desk;
mod diff;
mod dotenv;
mod entries;
mod examine;
pub mod facts;
pub(crate) mod file;
mod files;
mod forms;
mod given;
mod grants;
mod halt;
mod harness;
mod held;
mod hint;
mod homes;
mod init;
mod iteration;
mod judged;
mod migration;
mod mode;
mod notice;
mod origin;
mod own;
mod owned;
mod person;
mod phase;
mod pipeline;
mod policy;
mod present;
mod project;
mod query;
mod reach;
mod replay;
mod request;
mod secrets;
mod signers;
mod stop;
mod stored;
mod transaction;
mod trust;
mod turn;
mod undo;
mod unread;
mod world;
mod worth;

pub use after::{changed_file, ran_unfenced};
pub use ahead::{Accepted, Refused, before_command, before_write};
pub use allowed::bring_in_approved;
pub use always::{NewRule, add_rule, narrowest};
pub use answer::Answer;
pub use approvers::{Approvers, Revision, add_approver, approvers, remove_approver, revise_approvers};
pub use changes::{Look, change_facts};
pub use content::{CheckedFiles, check_files};
pub use diff::{Diff, Extent, diff};
pub use examine::{Examined, check, examine, examine_in};
pub use file::{FileAct, FileRequest, Listed, Part, Reading, change_file, list_files, read_file};
pub use forms::compile;
pub use halt::{Stopped, escalated, escalations, resume, stop};
pub use harness::{Agent, run};
pub use hint::hint;
pub use init::{Initialised, Proposal, Setup, init, propose_trust, trust_project};
pub use iteration::{Progress, Unproved, close_by_person, close_iteration, progress, start_iteration, unproved};
pub use migration::{
    Listing, Migration, MigrationAnswer, MigrationRequest, Statement, Tool, Trial, list_migrations, migration_done,
    propose_migration, run_migration, show_migration,
};
pub use mode::{NewMode, mode, propose_mode, set_mode};
pub use notice::{Reach, Tried, config_root, deliver, reach, try_channels};
pub use own::{handed, is_handed};
pub use person::{
    About, Asked, AskedChange, AskedMigration, AskedQuery, Proof, Shown, Standing, approve, deny, show, standing, wait,
};
pub use phase::{Failing, Loop, Stepped, begin_phase, end_phase, hold_loop, record_step, tell_end};
pub use pipeline::{exec, run_approved};
pub use policy::{build, layers, load, outer_layers, policy_text, project_text};
pub use present::{Layers, Present, present};
pub use project::{POLICY_FILE, Project, root_of, shown};
pub use query::{
    Asks, Available, ListedTables, QueryAnswer, QueryCheck, QueryRequest, Stands, check_query, columns, databases,
    query, tables,
};
pub use replay::{Change, Lost, Replay, Usage, replay, unused};
pub use request::{Request, Step, Waiting};
pub use stop::{Stop, held};
pub use transaction::Changes;
pub use turn::Patience;
pub use undo::undo;
pub use world::World;
pub use worth::{Worth, required, worth};
