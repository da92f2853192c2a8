//! guard stands between an autonomous coding agent and a machine.
//!
//! Data flows one way, `Action + Facts + State → Judgement → Permit | Refusal → Outcome → Event`;
//! each room consumes what the room before it produced and imports only from rooms above it in this list.

#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod action;
#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod event;
#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod decide;
#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod failfast;
#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod approve;
pub mod execute;
pub mod record;
pub mod notify;
pub mod gate;
pub mod supervise;
pub mod door;
