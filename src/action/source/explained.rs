//! Whether what is new in a Python module is explained by a docstring or a comment.
//! Does not judge what the words say.

use super::Fault;
use super::module::Module;
use std::collections::BTreeSet;

/// What of `after` nothing explains and `before` had not: the module itself, if it is new or lost its explanation, and
/// each new function and class. Special methods, and tests, which their names explain, are passed over.
pub fn unexplained(before: Option<&Module>, after: &Module) -> Vec<Fault> {
    let mut faults = Vec::new();
    let had = before.is_none_or(|before| before.is_explained);
    if had && !after.is_explained && !after.is_empty {
        let what = "no docstring and no comment stands in front of the module".to_owned();
        faults.push(Fault { line: 1, column: 1, what });
    }
    let Some(before) = before else { return faults };
    let known: BTreeSet<&str> = before.definitions.iter().map(|known| known.name.as_str()).collect();
    let new = after.definitions.iter().filter(|new| !new.is_explained && !known.contains(new.name.as_str()));
    for new in new {
        let last = new.name.rsplit('.').next().unwrap_or_default();
        let class = new.name.split('.').rev().nth(1).unwrap_or_default();
        let is_test = [last, class].into_iter().any(is_of_test);
        if !last.starts_with("__") && !is_test {
            let what = format!("no docstring and no comment explains `{}`, which is new", new.name);
            faults.push(Fault { line: new.line, column: new.column, what });
        }
    }
    faults
}

/// Whether a name is one of those that test runners look for: `test_orders`, `testOrders`, `TestOrders`, but no `Testimony`.
fn is_of_test(name: &str) -> bool {
    let rest = name.strip_prefix("test").or_else(|| name.strip_prefix("Test"));
    rest.is_some_and(|rest| !rest.starts_with(char::is_lowercase))
}

#[cfg(test)]
mod tests {
    use super::super::{newest, python};
    use super::*;

    fn told(before: Option<&str>, after: &str) -> Vec<String> {
        let read = |text: &str| python(text, newest()).unwrap();
        let faults = unexplained(before.map(read).as_ref(), &read(after));
        faults.into_iter().map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.what)).collect()
    }

    #[test]
    fn a_new_module_begins_with_a_docstring_or_a_comment_for_people() {
        let bare = ["1:1: no docstring and no comment stands in front of the module"];
        for text in
            ["'''Orders.'''\nx = 1\n", "#!/usr/bin/env python\n# Orders of a day.\nx = 1\n", "", "\n# only a comment\n"]
        {
            assert_eq!(told(None, text), [] as [&str; 0], "{text}");
        }
        for text in [
            "x = 1\n",
            "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nx = 1\n",
            "x = 1\n# late\n",
            "# --\nx = 1\n",
            "''''''\nx = 1\n",
            "'. '\nx = 1\n",
        ] {
            assert_eq!(told(None, text), bare, "{text}");
        }
        // One that was bare before may stay so.
        assert_eq!(told(Some("x = 1\n"), "x = 2\n"), [] as [&str; 0]);
        assert_eq!(told(Some("'''A.'''\nx = 1\n"), "x = 2\n"), bare);
    }

    #[test]
    fn what_is_new_in_a_module_is_explained_where_it_stands() {
        let before = "'''A.'''\ndef old(): pass\nclass C:\n    '''B.'''\n";
        let sound = [
            "def old(): return 1\n",
            "# Adds.\ndef new(): pass\n",
            "def new():\n    '''Adds.'''\n",
            "def new():\n    x = 1  # one\n    return x\n",
            "# Adds.\n@cached\ndef new(): pass\n",
            "class C:\n    def __init__(self): pass\n",
            "def test_new(): pass\nclass TestNew:\n    def helper(self): pass\n",
            "def old():\n    def inner(): pass\n",
        ];
        for text in sound {
            assert_eq!(told(Some(before), &format!("'''A.'''\n{text}")), [] as [&str; 0], "{text}");
        }
        let bare = [
            ("def new(): pass  # noqa\n", "2:5", "new"),
            ("def new():\n    ''\n    return 1\n", "2:5", "new"),
            ("#pylint: disable=all\ndef new(): pass\n", "3:5", "new"),
            ("class Testimony: pass\n", "2:7", "Testimony"),
        ];
        for (text, place, name) in bare {
            let expected = format!("{place}: no docstring and no comment explains `{name}`, which is new");
            assert_eq!(told(Some(before), &format!("'''A.'''\n{text}")), [expected], "{text}");
        }
        let after = format!("{before}    def add(self, é): pass\n\n\nasync def new():\n    return 1\n");
        let expected = [
            "5:9: no docstring and no comment explains `C.add`, which is new",
            "8:11: no docstring and no comment explains `new`, which is new",
        ];
        assert_eq!(told(Some(before), &after), expected);
    }
}
