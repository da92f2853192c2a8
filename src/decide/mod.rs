//! Judgement: a policy people can read, applied to an action and the facts about it.
//! Pure: knows neither who approves nor how anything is run.

mod cases;
mod changes;
pub mod compose;
mod examples;
mod judgement;
mod judging;
mod lasting;
pub mod migration;
pub mod policy;
mod query;
mod target;

pub use cases::{Case, read_cases};
pub use changes::{
    Bounds, ChangeFacts, ChangeJudgement, Finding, Touched, bounds, holds_secrets, is_about_content, judge_changes,
};
pub use examples::{ExampleFault, check_examples, examined, example_environment, example_facts, locate_examples};
pub use judgement::{Checking, Grant, Judgement, Match, Verdict, configured, judge};
pub(crate) use judging::normal;
pub use judging::{Failed, Narrow, Near, OwnRule, TooWide, narrowest, nearly, own_rules};
pub use lasting::{lasting, toml};
pub use policy::{Layer, Policy, Source};
pub use query::{
    Export, QueryGround, QueryJudgement, Writing, judge_apart, judge_denied, judge_export, judge_mode, judge_place,
    judge_posture, judge_query, judge_touched, judge_unreadable, judge_write,
};
pub use target::{fingerprint, targets};
