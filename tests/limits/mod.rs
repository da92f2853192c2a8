//! Limits: how many commands run at once, and what one of them may use.

mod turns;
