//! Budgets, halts and what makes a failure good, with the real tools.
