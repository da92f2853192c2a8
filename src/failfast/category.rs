//! The categories of errors that a failed check falls into.
//! Knows no tool and no budget.

use crate::decide::policy::Check;

/// What kind of error a failure is, in the order in which one hides the others: of a run with several, the first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// A source does not parse, or a linter or formatter objects.
    Syntax,
    /// A module is not there, or does not give what is imported from it.
    Import,
    /// A type checker objects. A `TypeError` while a program runs is not this: it is of the runtime.
    Type,
    /// A test fails, by whichever exception, or no test ran.
    Test,
    /// A program ended by another exception, or anything by a signal or a limit.
    Runtime,
    /// A database does not answer, or not to this.
    Database,
}

impl Category {
    /// The word of `--json` and of logs.
    pub fn word(self) -> &'static str {
        match self {
            Category::Syntax => "syntax",
            Category::Import => "import",
            Category::Type => "type",
            Category::Test => "test",
            Category::Runtime => "runtime",
            Category::Database => "database",
        }
    }

    /// The category of a word.
    pub fn of(word: &str) -> Option<Category> {
        let all =
            [Category::Syntax, Category::Import, Category::Type, Category::Test, Category::Runtime, Category::Database];
        all.into_iter().find(|category| category.word() == word)
    }

    /// What a check's failure is where its output does not say.
    pub(super) fn of_check(check: Check) -> Self {
        match check {
            Check::Test => Category::Test,
            Check::Type => Category::Type,
            Check::Syntax | Check::Format => Category::Syntax,
        }
    }

    /// What an exception of python's is by its name, wherever it comes up. What a subclass of the program's own
    /// derives from cannot be seen.
    pub(super) fn of_exception(name: &str) -> Self {
        match name.rsplit('.').next().unwrap_or(name) {
            "SyntaxError" | "IndentationError" | "TabError" => Category::Syntax,
            "ImportError" | "ModuleNotFoundError" | "ZipImportError" => Category::Import,
            _ => Category::Runtime,
        }
    }

    /// The same within a run of tests: a test that an exception ends has failed, unless that hid what it tests.
    pub(super) fn of_exception_in_test(name: &str) -> Self {
        match Category::of_exception(name) {
            Category::Runtime => Category::Test,
            hides @ (Category::Syntax | Category::Import | Category::Type | Category::Test | Category::Database) => {
                hides
            }
        }
    }
}
