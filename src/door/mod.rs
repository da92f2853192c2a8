//! Doors: translation in and out. Doors do not know each other.

pub mod cli;
