//! One test binary: each module is a topic.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at the first surprise"
)]

mod agent;
mod agents;
mod approve;
mod attacks;
mod build;
mod changes;
mod classify;
mod cli;
mod compose;
mod content;
mod db;
mod escape;
mod failfast;
mod fence;
mod file;
mod hook;
mod house;
mod iteration;
mod limits;
mod migration;
mod network;
mod notify;
mod plan;
mod policy;
mod query;
mod reads;
mod record;
mod servers;
mod session;
mod shell;
mod tools;
mod tty;
