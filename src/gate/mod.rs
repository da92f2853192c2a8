//! The pipeline: from what is asked to what is recorded, top to bottom, and the facts it rests on.
//! Knows nothing of doors.

mod ahead;
mod answer;
mod approvers;
mod ask;
mod compose;
mod count;
mod desk;
mod entries;
mod examine;
pub mod facts;
mod files;
mod grants;
mod halt;
mod hint;
mod init;
mod person;
mod pipeline;
mod policy;
mod present;
mod project;
mod replay;
mod request;
mod secrets;
mod signers;
mod stop;
mod stored;
mod trust;
mod world;

pub use ahead::{Refused, before_command, before_write};
pub use answer::Answer;
pub use approvers::{Approvers, Revision, add_approver, approvers, remove_approver, revise_approvers};
pub use examine::{Examined, check, examine};
pub use halt::{Stopped, escalated, escalations, resume, stop};
pub use hint::hint;
pub use init::{Initialised, Proposal, Setup, init, propose_trust, trust_project};
pub use person::{About, Asked, Proof, Shown, Standing, approve, deny, show, standing, wait};
pub use pipeline::{exec, run_approved};
pub use policy::{build, layers, load, outer_layers, policy_text, project_text};
pub use present::{Layers, Present, present};
pub use project::{POLICY_FILE, Project, root_of, shown};
pub use replay::{Change, Lost, Replay, Usage, replay, unused};
pub use request::{Request, Waiting};
pub use stop::Stop;
pub use world::World;
