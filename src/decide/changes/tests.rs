//! What is said of changes, one table for each rule.

use super::*;
use crate::decide::{Layer, Source};
use std::sync::LazyLock;

fn policy(text: &str) -> Policy {
    let text = format!("version = 1\n{text}");
    Policy::load(&[Source { layer: Layer::Project, name: "guard.toml".into(), text }]).unwrap()
}

fn facts() -> ChangeFacts {
    ChangeFacts { project: "/p".into(), home: Some("/home/x".into()), ..ChangeFacts::default() }
}

fn file(mode: u32, len: u64, content: u8) -> Option<Node> {
    Some(Node::File { len, mode, sha256: [content; 32] })
}

fn change(path: &str, before: Option<Node>, after: Option<Node>) -> Change {
    Change { path: path.into(), before, after }
}

fn made(path: &str) -> Change {
    change(path, None, file(0o644, 3, 1))
}

fn gone(path: &str) -> Change {
    change(path, file(0o644, 3, 1), None)
}

fn link(path: &str, to: &str) -> Change {
    change(path, None, Some(Node::Link { to: to.into() }))
}

fn set(changes: Vec<Change>) -> ChangeSet {
    ChangeSet { changes, ..ChangeSet::default() }
}

fn ids(set: &ChangeSet, facts: &ChangeFacts, policy: &Policy, area: Writes) -> (Verdict, Vec<String>) {
    let judged = judge_changes(set, facts, policy, area);
    (judged.verdict, judged.matches.into_iter().map(|found| found.id).collect())
}

/// What one change comes to.
fn one(change: Change, facts: &ChangeFacts, area: Writes) -> Vec<String> {
    static DEFAULT: LazyLock<Policy> = LazyLock::new(|| policy(""));
    ids(&set(vec![change]), facts, &DEFAULT, area).1
}

#[test]
fn nothing_and_an_ordinary_change_are_allowed() {
    let policy = policy("");
    assert_eq!(ids(&set(vec![]), &facts(), &policy, Writes::Project), (Verdict::Allow, vec![]));
    let changes = vec![made("a.py"), gone("b.py")];
    assert_eq!(ids(&set(changes), &facts(), &policy, Writes::Project), (Verdict::Allow, vec![]));
}

#[test]
fn what_guard_and_harnesses_rest_on_is_never_changed() {
    let facts = ChangeFacts { nested: vec!["build/in".into()], ..facts() };
    let table = [
        ("guard.toml", true),
        ("GUARD.toml", true),
        ("guard-tests.toml", true),
        ("build_audit.log", true),
        ("sub/guard.toml", true),
        ("sub/build_audit.log", true),
        (".claude/settings.json", true),
        ("sub/.claude/settings.local.json", true),
        ("build/in/guard.toml", true),
        ("build/in/build_audit.log", true),
        ("build/out/guard.toml", false),
        ("target/x/guard.toml", false),
        ("guard.toml.bak", false),
        (".claude/notes.md", false),
        ("my-guard.toml", false),
    ];
    for (path, expected) in table {
        for change in [made(path), gone(path), change(path, file(0o644, 1, 1), file(0o600, 1, 1))] {
            let said = one(change, &facts, Writes::Project);
            assert_eq!(said == ["guard:changes-protected"], expected, "{path} {said:?}");
        }
    }
}

#[test]
fn whatever_git_keeps_is_kept_at_any_depth_and_in_any_spelling() {
    // CVE-2014-9390 (`.GIT`), CVE-2019-1352 (`.git::$INDEX_ALLOCATION`), `git~1`: names that other file systems take for `.git`.
    let always = [
        ".git",
        ".GIT/config",
        ".git./config",
        ".git /config",
        ".git::$INDEX_ALLOCATION/config",
        "git~1/config",
        "sub/.git",
        "sub/.git/config",
        "a/b/.git/hooks/pre-commit",
        ".git/config",
        ".git/hooks/pre-commit",
        ".git/info/attributes",
        ".git/info/exclude",
        ".git/config.worktree",
        ".git/modules/a/config",
        ".git/modules/a/hooks/x",
        ".git/modules/a/b/config",
        ".git/modules/a/hooks/refs/x",
        ".git/worktrees/w/gitdir",
        ".git/worktrees/w/commondir",
        ".git/worktrees/w/config",
        ".git/worktrees/w/config.worktree",
        ".git/worktrees/w/hooks/x",
        ".git/worktrees/w/info/attributes",
        ".git/worktrees/w/modules/a/HEAD",
        ".git/worktrees/w/objects/ab/cd",
        ".git/worktrees/w/rebase-merge/git-rebase-todo",
        ".git/worktrees/w/worktrees/w/HEAD",
        ".git/worktrees/HEAD",
        ".git/worktrees",
        ".git/commondir",
        ".git/gitdir",
        ".git/objects/info/alternates",
        ".git/objects/info/http-alternates",
        ".git/new",
        ".git/rebase-merge/git-rebase-todo",
        ".git/sequencer/todo",
        ".git/refs/.git/config",
        ".git/modules/a/.git/HEAD",
        ".git/modules/a/objects/info/alternates",
        "node_modules/x/.git/config",
        ".Git/HEAD",
    ];
    for path in always {
        for area in [Writes::Project, Writes::Git, Writes::Venv] {
            assert_eq!(one(made(path), &facts(), area), ["guard:changes-git"], "{path} {area:?}");
        }
    }
    let git_s = [
        ".git/index",
        ".git/HEAD",
        ".git/objects/ab/cdef",
        ".git/refs/heads/main",
        ".git/logs/HEAD",
        ".git/packed-refs",
        ".git/ORIG_HEAD",
        ".git/COMMIT_EDITMSG",
        ".git/MERGE_MSG",
        ".git/info/refs",
        ".git/objects/info/packs",
        ".git/worktrees/w/HEAD",
        ".git/worktrees/w/index",
        ".git/worktrees/w/logs/HEAD",
        ".git/modules/a/HEAD",
        ".git/modules/a/b/objects/ab/cd",
        "sub/.git/index",
    ];
    for path in git_s {
        assert_eq!(one(made(path), &facts(), Writes::Git), [] as [&str; 0], "{path}");
        assert_eq!(one(made(path), &facts(), Writes::Project), ["guard:changes-git"], "{path}");
        let said = one(link(path, "x"), &facts(), Writes::Git);
        assert_eq!(said, ["guard:changes-git"], "a link at {path}");
    }
    for path in [".git/rebase-merge/git-rebase-todo", ".git/sequencer/todo"] {
        assert_eq!(one(gone(path), &facts(), Writes::Git), [] as [&str; 0], "{path}");
    }
    for path in [".gitignore", ".gitattributes", ".github/x", "x.git", "git", ".gitt/config", "git~10"] {
        assert_eq!(one(made(path), &facts(), Writes::Project), [] as [&str; 0], "{path}");
    }
    let bare = ChangeFacts { bare: ["x/HEAD".into()].into(), ..facts() };
    assert_eq!(one(made("x/HEAD"), &bare, Writes::Git), ["guard:changes-git"]);
}

#[test]
fn files_that_hold_secrets_are_a_person_s() {
    let facts = ChangeFacts { tokens: [".npmrc".into()].into(), ..facts() };
    let table = [
        (".env", true),
        ("services/.env.production", true),
        (".ENV", true),
        (".env.example.local", true),
        (".env.example", false),
        (".env.test.sample", false),
        ("id_rsa", true),
        ("id_rsa.pub", false),
        ("keys/server.pem", true),
        ("a.key", true),
        (".netrc", true),
        (".npmrc", true),
        ("sub/.npmrc", false),
        ("environment", false),
        ("node_modules/x/test/cert.pem", false),
        ("keyboard.py", false),
    ];
    for (path, expected) in table {
        let said = one(made(path), &facts, Writes::Project);
        assert_eq!(said == ["guard:changes-secret-file"], expected, "{path} {said:?}");
    }
}

#[test]
fn files_are_counted_but_for_outputs_folders_and_git_s_own() {
    let policy = policy("");
    let many = |paths: &[&str], area| {
        let judged = judge_changes(&set(paths.iter().map(|path| made(path)).collect()), &facts(), &policy, area);
        (judged.verdict, judged.counted.len())
    };
    assert_eq!(many(&["a", "b"], Writes::Project), (Verdict::Allow, 2));
    assert_eq!(many(&["a", "b", "c"], Writes::Project), (Verdict::Ask, 3));
    assert_eq!(
        many(&["a", "target/x", "a/node_modules/x", "build/y", "x.egg-info/z"], Writes::Project),
        (Verdict::Allow, 1)
    );
    assert_eq!(many(&["a", "b", ".git/index", ".git/objects/aa/b"], Writes::Git), (Verdict::Allow, 2));
    assert_eq!(many(&["env/bin/a", "env/bin/b", "env/lib/c", "d"], Writes::Venv), (Verdict::Ask, 4));
    let venv = ChangeFacts { environments: ["env".into()].into(), ..facts() };
    let changes = set(["env/bin/a", "env/bin/b", "env/lib/c", "d"].map(made).into());
    assert_eq!(judge_changes(&changes, &venv, &policy, Writes::Venv).counted, ["d"]);
    assert_eq!(judge_changes(&changes, &venv, &policy, Writes::Project).counted.len(), 4);
    let folder = change("f", None, Some(Node::Folder { mode: 0o755 }));
    let mode = change("m", file(0o644, 1, 1), file(0o755, 1, 1));
    let judged = judge_changes(&set(vec![folder, mode, gone("g"), link("l", "g")]), &facts(), &policy, Writes::Project);
    assert_eq!(judged.counted, ["g", "l", "m"]);
    let [found] = &judged.matches[..] else { panic!("{judged:?}") };
    assert_eq!(
        found.reason,
        "changes more files than one iteration may, and not every two of them are coupled: 3, at most 2: `g`, `l`, `m`"
    );
}

/// An open iteration that counts these files.
fn open(files: &[&str], more: u64) -> ChangeFacts {
    let files = files.iter().map(|file| ((*file).to_owned(), BTreeSet::from([7]))).collect();
    let round = Round { seq: 5, files, more, last: Some(7), ..Round::default() };
    ChangeFacts { round: Some(Box::new(round)), ..facts() }
}

#[test]
fn what_is_open_leaves_room_for_so_many_files_and_for_those_that_are_coupled() {
    let coupled = "[[coupled]]\nname = \"c\"\nfiles = [\"{n}.py\", \"t/{n}.py\", \"c/{n}\"]\n";
    let policy = policy(&format!("[iteration]\nfolder = 4\n{coupled}"));
    let (full, many, folder) = ("guard:iteration-full", "guard:changes-many", "guard:changes-folder");
    type Row<'a> = (&'a [&'a str], u64, &'a [&'a str], &'a [&'a str]);
    let table: [Row<'_>; 15] = [
        (&["a"], 0, &["b"], &[]),
        (&["a"], 0, &["a", "b"], &[]),
        (&["a", "b"], 0, &["a", "b"], &[]),
        (&["a", "b"], 0, &["c"], &[full]),
        (&["a", "b", "c"], 0, &["a", "b", "c"], &[]),
        (&["a", "b", "c"], 0, &["a", "d"], &[full]),
        (&["a"], 0, &["b", "c"], &[full]),
        (&["a"], 0, &["b", "c", "d"], &[many]),
        (&["x.py", "t/x.py"], 0, &["c/x"], &[]),
        (&["x.py"], 0, &["c/x", "t/x.py"], &[]),
        (&["x.py", "t/x.py"], 0, &["c/y"], &[full]),
        // What has no name may be anything.
        (&["x.py"], 1, &["c/x"], &[full]),
        (&["x.py"], 3, &["x.py"], &[]),
        (&["d/1", "d/2", "d/3", "d/4"], 0, &["d/5"], &[full, folder]),
        (&["d/1", "d/2", "d/3", "d/4"], 0, &["d/4", "d/1"], &[]),
    ];
    for (files, more, changed, expected) in table {
        let changes = set(changed.iter().map(|path| made(path)).collect());
        let mut said = ids(&changes, &open(files, more), &policy, Writes::Project).1;
        said.sort_by_key(|id| expected.iter().position(|known| known == id));
        assert_eq!(said, expected, "{files:?} and {more}, then {changed:?}");
    }
    let five = set((0..5).map(|n| made(&format!("d/{n}"))).collect());
    assert_eq!(ids(&five, &facts(), &policy, Writes::Project), (Verdict::Deny, vec![folder.into(), many.into()]));
    assert_eq!(ids(&five, &facts(), &policy, Writes::Git).0, Verdict::Ask);
}

#[test]
fn big_files_ask_wherever_they_are_made_and_not_for_a_mode() {
    let big = |len| change("target/x", None, file(0o644, len, 1));
    assert_eq!(one(big(10_000_000), &facts(), Writes::Project), [] as [&str; 0]);
    assert_eq!(one(big(10_000_001), &facts(), Writes::Project), ["guard:changes-big"]);
    let mode = change("x", file(0o644, 20_000_000, 1), file(0o755, 20_000_000, 1));
    assert_eq!(one(mode, &facts(), Writes::Project), [] as [&str; 0]);
}

#[test]
fn links_that_lead_out_are_denied_and_among_outputs_asked_or_fine() {
    let leads = [("seems", "/etc/x"), ("venv/bin/seems", "/etc/x")].map(|(at, to)| (at.into(), to.into()));
    let facts = ChangeFacts { leads: leads.into(), own_home: Some("/home/own".into()), ..facts() };
    let (ask, deny) = (Some(Verdict::Ask), Some(Verdict::Deny));
    let table = [
        ("a", "b", None),
        ("a/b", "../c", None),
        ("a", "/p/c", None),
        ("a", "/etc/passwd", deny),
        ("a", "/usr/bin/python3", deny),
        ("a/b", "../../x", deny),
        ("a/b", "../../p/x", deny),
        ("a/b", "c/../../../p/x", deny),
        ("seems", "inner/x", deny),
        ("a", "/p/../etc", deny),
        ("a", "/px", deny),
        ("venv/bin/python", "/usr/bin/python3", None),
        ("venv/bin/python", "/home/x/.pyenv/versions/3/bin/python", None),
        ("venv/bin/python", "/home/own/.pyenv/versions/3/bin/python", None),
        ("venv/bin/python", "/home/own/.ssh/id", ask),
        ("venv/bin/python", "/home/other/.pyenv/versions/3/bin/python", ask),
        ("venv/bin/python", "/home/x/.ssh/id", ask),
        ("venv/bin/python", "/usr/../etc/passwd", ask),
        ("venv/bin/python", "../../../x", ask),
        ("venv/bin/seems", "x", ask),
        ("venv/lib64", "lib", None),
        ("node_modules/.bin/x", "../x/bin.js", None),
    ];
    let policy = policy("");
    for (path, to, expected) in table {
        let judged = judge_changes(&set(vec![link(path, to)]), &facts, &policy, Writes::Project);
        let said = judged.matches.iter().map(|found| (found.id.as_str(), found.verdict)).next();
        assert_eq!(said, expected.map(|verdict| ("guard:changes-link", verdict)), "{path} -> {to}");
    }
}

#[test]
fn a_file_that_has_capabilities_is_not_replaced() {
    let facts = ChangeFacts { capable: ["ping".into()].into(), ..facts() };
    let other = change("ping", file(0o755, 1, 1), file(0o755, 1, 2));
    assert_eq!(one(other, &facts, Writes::Project), ["guard:changes-special"]);
}

#[test]
fn devices_and_special_bits_are_denied_unless_they_were_there() {
    let special = |before: Option<Node>, mode| change("x", before, file(mode, 1, 2));
    for mode in [0o4755, 0o2755, 0o1644] {
        assert_eq!(one(special(None, mode), &facts(), Writes::Project), ["guard:changes-special"], "{mode:o}");
        // What had it keeps it with the same content, and not with another.
        assert_eq!(one(special(file(mode | 0o22, 1, 2), mode), &facts(), Writes::Project), [] as [&str; 0], "{mode:o}");
        let other = special(file(mode, 1, 1), mode);
        assert_eq!(one(other, &facts(), Writes::Project), ["guard:changes-special"], "{mode:o}");
    }
    let device = change("x", None, Some(Node::Special { kind: "character device" }));
    assert_eq!(one(device, &facts(), Writes::Project), ["guard:changes-special"]);
}

#[test]
fn secrets_ask_and_what_was_cut_is_denied() {
    let known = ChangeFacts { secrets: [("a".into(), vec!["private-key".into()])].into(), ..facts() };
    let judged = judge_changes(&set(vec![made("a")]), &known, &policy(""), Writes::Project);
    let [found] = &judged.matches[..] else { panic!("{judged:?}") };
    assert_eq!((found.verdict, found.reason.as_str()), (Verdict::Ask, "puts a secret into a file: `a (private-key)`"));
    let cut = ChangeSet { cut: true, ..ChangeSet::default() };
    assert_eq!(ids(&cut, &facts(), &policy(""), Writes::Project), (Verdict::Deny, vec!["guard:changes-unread".into()]));
}

#[test]
fn unattended_what_asks_is_denied() {
    let policy = policy("supervision = \"unattended\"");
    let big = set(vec![change("x", None, file(0o644, 1 << 30, 1))]);
    let expected = ["guard:unattended", "guard:changes-big"].map(str::to_owned).to_vec();
    assert_eq!(ids(&big, &facts(), &policy, Writes::Project), (Verdict::Deny, expected));
}

#[test]
fn the_policy_s_own_rules_about_paths_hold_for_what_changed() {
    let text = r#"
[[rule]]
id = "docs"
writes_to = ["docs/**", "!docs/free/**"]
verdict = "ask"
reason = "changes the manual"
hits = ["echo x > docs/a"]
misses = ["ls"]
[[rule]]
id = "data"
removes = ["data/**"]
verdict = "deny"
reason = "removes data"
instead = "move nothing"
hits = ["rm data/x"]
misses = ["ls"]
[[rule]]
id = "of-cp"
program = "cp"
writes_to = "**"
verdict = "deny"
reason = "copies"
hits = ["cp a b"]
misses = ["ls"]
[[rule]]
id = "nightly"
writes_to = "night/**"
task = "nightly"
verdict = "deny"
reason = "by night"
hits = []
"#;
    let policy = policy(&text.replace("hits = []\n", ""));
    let said = |change, facts: &ChangeFacts| ids(&set(vec![change]), facts, &policy, Writes::Project).1;
    let none: [&str; 0] = [];
    for (path, expected) in
        [("docs/a", &["docs"][..]), ("docs/free/a", &none), ("src/docs/a", &none), ("docs/\u{fffd}", &["docs"])]
    {
        assert_eq!(said(made(path), &facts()), expected, "{path}");
        assert_eq!(said(gone(path), &facts()), expected, "{path}");
    }
    assert_eq!(said(gone("data/x"), &facts()), ["data"]);
    assert_eq!(said(made("data/x"), &facts()), none);
    let replaced = change("data/x", file(0o644, 1, 1), Some(Node::Link { to: "y".into() }));
    assert_eq!(said(replaced, &facts()), ["data"]);
    assert_eq!(said(made("night/x"), &facts()), none);
    let nightly = ChangeFacts { task: Some("nightly".into()), ..facts() };
    assert_eq!(said(made("night/x"), &nightly), ["nightly"]);
    let answered = ChangeFacts { answered: vec!["docs".into(), "data".into()], ..facts() };
    assert_eq!(said(made("docs/a"), &answered), none);
    assert_eq!(said(gone("data/x"), &answered), ["data"]);
    let judged = judge_changes(&set(vec![gone("data/x")]), &facts(), &policy, Writes::Project);
    let [found] = &judged.matches[..] else { panic!("{judged:?}") };
    assert_eq!(found.reason, "removes data: `data/x`");
    assert_eq!((found.instead.as_deref(), found.at.as_str()), (Some("move nothing"), "guard.toml:11"));
}

#[test]
fn every_rule_that_matched_is_told_once_with_the_first_paths() {
    let mut changes: Vec<Change> = (0..9).map(|n| made(&format!("k{n}.pem"))).collect();
    changes.push(made("guard.toml\n\u{1b}[31m/.git"));
    let judged = judge_changes(&set(changes), &facts(), &policy(""), Writes::Project);
    let told: Vec<_> = judged.matches.iter().map(|found| (found.id.as_str(), found.reason.as_str())).collect();
    let git =
        "changes what git keeps for itself, where a hook or a setting would run later: `guard.toml\\n\\u{1b}[31m/.git`";
    let secret = "changes a file that holds secrets: `k0.pem`, `k1.pem`, `k2.pem`, `k3.pem`, `k4.pem` and 4 more";
    let many = "changes more files than one iteration may, and not every two of them are coupled: 9, at most 2: `k0.pem`, `k1.pem`, `k2.pem`, `k3.pem`, `k4.pem` and 4 more";
    assert_eq!(told, [("guard:changes-secret-file", secret), ("guard:changes-git", git), ("guard:changes-many", many)]);
}

#[test]
fn what_is_committed_otherwise_is_noted() {
    let set = ChangeSet { left_out: vec!["p".into(), "q".into()], linked: vec!["h".into()], ..ChangeSet::default() };
    let notes = judge_changes(&set, &facts(), &policy(""), Writes::Project).notes;
    let expected =
        ["pipes and sockets are not committed: `p`, `q`", "hard links are committed as files of their own: `h`"];
    assert_eq!(notes, expected);
}
