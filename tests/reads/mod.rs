//! Tests of the reads topic: what a command may read, and what not.

mod called;
mod elsewhere;
mod fenced;
mod rungs;
mod tools;
