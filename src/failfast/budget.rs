//! Budgets: how many attempts a kind of error may take before guard halts.
//! Knows no tool; takes what was counted as data.

use super::Category;
use crate::decide::policy;
use crate::event::{Attempts, Spent};

/// The word under which refusals are counted.
pub const DENIALS: &str = "denials";

/// What is spent once a failure of this category is counted, too.
pub fn spent(attempts: &Attempts, category: Category, budgets: &policy::Attempts) -> Spent {
    let budget = match category {
        Category::Syntax => budgets.syntax,
        Category::Import => budgets.import,
        Category::Type => budgets.r#type,
        Category::Test => budgets.test,
        Category::Runtime => budgets.runtime,
        Category::Database => budgets.database,
    };
    Spent {
        used: attempts.used(category.word()).saturating_add(1),
        budget,
        total_used: attempts.total().saturating_add(1),
        total_budget: budgets.total,
    }
}

/// What is spent of the refusals once one more of these targets is counted; `None`: nothing of it was refused before,
/// so that it does not count.
pub fn refused_again(attempts: &Attempts, targets: &[String], by_person: bool, most: u32) -> Option<Spent> {
    let again = by_person || targets.iter().any(|target| attempts.was_refused(target));
    let used = attempts.denials.saturating_add(1);
    again.then_some(Spent { used, budget: most, total_used: used, total_budget: most })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGETS: policy::Attempts =
        policy::Attempts { total: 3, syntax: 3, import: 2, r#type: 3, test: 3, runtime: 2, database: 1, denials: 3 };

    #[test]
    fn an_attempt_counts_in_its_category_and_in_all() {
        let mut attempts = Attempts::default();
        attempts.series.insert("test".into(), crate::event::Series { used: 1, ..Default::default() });
        let test = spent(&attempts, Category::Test, &BUDGETS);
        assert_eq!(test, Spent { used: 2, budget: 3, total_used: 2, total_budget: 3 });
        let import = spent(&attempts, Category::Import, &BUDGETS);
        assert_eq!((import, import.is_all()), (Spent { used: 1, budget: 2, total_used: 2, total_budget: 3 }, false));
        attempts.series.insert("type".into(), crate::event::Series { used: 1, ..Default::default() });
        assert!(spent(&attempts, Category::Syntax, &BUDGETS).is_all(), "the third in all");
    }

    #[test]
    fn only_what_was_refused_before_counts() {
        let mut attempts = Attempts::default();
        assert_eq!(refused_again(&attempts, &["a".into()], false, 3), None);
        attempts.refused.push_back("a".into());
        assert_eq!(refused_again(&attempts, &["a".into()], false, 3).map(|spent| spent.used), Some(1));
        assert_eq!(refused_again(&attempts, &["b".into()], true, 3).map(|spent| spent.used), Some(1));
    }
}
