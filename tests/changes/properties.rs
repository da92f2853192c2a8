//! Whatever is done in an overlay: applied to the project, its change set gives what the same commands give without one.

use super::scene::{Scene, tree};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Paths of the same few names, so that operations meet.
fn place() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c d", "$'e\\xff'"]), 1..4).prop_map(|names| {
        let quoted =
            names.iter().map(|name| if name.starts_with('$') { (*name).to_owned() } else { format!("'{name}'") });
        quoted.collect::<Vec<_>>().join("/")
    })
}

/// Two places, the second not below the first: how much of a folder is copied into itself before `cp` notices depends on the
/// order in which the file system lists it.
fn apart() -> impl Strategy<Value = (String, String)> {
    (place(), place()).prop_filter("copied into itself", |(from, to)| !to.starts_with(&format!("{from}/")))
}

/// A command that may fail, which changes nothing then, or the same with and without an overlay.
fn operation() -> impl Strategy<Value = String> {
    let modes = prop::sample::select(vec!["755", "700", "640", "4755", "1777", "000"]);
    prop_oneof![
        4 => (place(), 0..3_u8).prop_map(|(at, n)| format!("mkdir -p \"$(dirname {at})\"; echo {n} >{at}")),
        2 => place().prop_map(|at| format!("mkdir -p {at}")),
        3 => place().prop_map(|at| format!("rm -rf {at}")),
        2 => (place(), modes).prop_map(|(at, mode)| format!("[ -L {at} ] || chmod {mode} {at}")),
        3 => apart().prop_map(|(from, to)| format!("mv -T {from} {to}")),
        2 => apart().prop_map(|(from, to)| format!("cp -aT {from} {to}")),
        2 => (place(), place()).prop_map(|(from, to)| format!("ln -sfT {from} {to}")),
        1 => (place(), place()).prop_map(|(from, to)| format!("ln -fT {from} {to}")),
        1 => place().prop_map(|at| format!("echo more >>{at}")),
        1 => place().prop_map(|at| format!("mkfifo {at} && rm {at}")),
        1 => place().prop_map(|at| format!("touch {at}")),
    ]
}

#[test]
fn an_applied_change_set_gives_the_tree_that_the_same_commands_give() {
    let operations = || prop::collection::vec(operation(), 1..14);
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&(operations(), operations()), |(before, during)| {
        // As root nothing is unreadable, and as an ordinary user what cannot be opened is left out of this test.
        let script = |lines: &[String]| {
            let lines: Vec<_> = lines.iter().map(|line| format!("{{ {line}; }} 2>/dev/null || true\n")).collect();
            let lines = lines.concat();
            let lines = if rustix::process::geteuid().is_root() {
                lines
            } else {
                lines.replace("000", "750").replace("640", "740")
            };
            format!("umask 022; set +u\n{lines}")
        };
        // An overlay takes the names of one file apart once it is written to, which is said of them (`linked`).
        let scene = Scene::new(&script(&before).replace("ln -fT", "cp -aT"));
        scene.plainly("cp -a project plain", scene.root.path());
        let plain = scene.root.path().join("plain");
        scene.plainly(&script(&during), &plain);
        scene.fenced(&script(&during));
        let untouched = tree(&scene.project);
        let set = scene.changes();
        prop_assert_eq!(&tree(&scene.project), &untouched);
        scene.apply(&set);
        prop_assert_eq!(tree(&scene.project), tree(&plain), "{:?}", super::scene::told(&set));
        // Nothing is listed that does not change.
        prop_assert_eq!(set.changes.iter().find(|change| change.before == change.after), None);
        Ok(())
    });
    checked.unwrap();
}
