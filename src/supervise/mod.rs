//! The build loop: from a plan to a finished phase or a person's desk.
//! Knows plans, agents and the gate; neither doors nor how anything is judged, run or recorded.

pub mod agent;
pub mod plan;
