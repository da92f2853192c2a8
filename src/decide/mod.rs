//! Judgement: a policy people can read, applied to an action and the facts about it.
//! Pure: knows neither who approves nor how anything is run.

mod examples;
mod judgement;
mod judging;
pub mod policy;

pub use examples::{ExampleFault, check_examples, examined, example_environment, example_facts, locate_examples};
pub use judgement::{Grant, Judgement, Match, Verdict, judge};
pub use judging::{Failed, Near, OwnRule, nearly, own_rules};
pub use policy::{Layer, Policy, Source};
