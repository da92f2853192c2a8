//! SANDBOX.md, attacks, "Names": programs that only look like allowed ones.

use super::{decide_so, decided, judged_in, python, trading};
use guard::action::{Found, Program};
use guard::decide::Verdict::{Allow, Ask};

#[test]
fn a_name_that_begins_like_an_allowed_one_is_another_name() {
    // pythonx, pip-evil, pipx, mypyc, black_hole.sh.
    decide_so(&[
        ("pythonx a.py", Ask, "guard:not-listed"),
        ("pip-evil install x", Ask, "guard:not-listed"),
        ("pipx frob", Ask, "uv-runs"),
        ("mypyc a.py", Ask, "guard:not-listed"),
        ("black_hole.sh", Ask, "guard:not-listed"),
    ]);
}

#[test]
fn a_program_of_the_project_is_not_what_it_is_called() {
    // `./python`.
    decide_so(&[
        ("./python a.py", Ask, "guard:program-in-project"),
        ("venv/bin/python a.py", Ask, "guard:program-in-project"),
        ("/tmp/python a.py", Ask, "guard:program-in-project"),
        ("env ./python a.py", Ask, "guard:program-in-project"),
    ]);
}

#[test]
fn a_path_that_leads_into_the_project_makes_a_program_the_project_s() {
    // PATH hijack, against matchers of the last path component.
    let hijacked = Program { path: "/project/python".into(), real: "/project/python".into(), writable: true };
    for policy in [python(), trading()] {
        let hijack = |found: Program| {
            judged_in(policy, "python a.py", |facts| {
                facts.programs.insert("python".into(), Found::Program(found));
            })
        };
        assert_eq!(decided(&hijack(hijacked.clone())), (Ask, vec!["guard:program-in-project"]));
        let link = Program { path: "/usr/bin/python".into(), real: "/usr/bin/sh".into(), writable: false };
        assert_eq!(hijack(link).verdict(), Allow, "an installed link goes by both names");
    }
    decide_so(&[
        ("PATH=.:$PATH python a.py", Ask, "variables-change-programs"),
        ("export PATH=.; python a.py", Ask, "variables-change-programs"),
        ("env PATH=. python a.py", Ask, "variables-change-programs"),
    ]);
}
