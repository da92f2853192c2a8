//! Real commands in real overlays, and what is said of what they changed.

use super::scene::Scene;
use guard::action::ChangeSet;
use guard::decide::policy::Writes;
use guard::decide::{ChangeFacts, ChangeJudgement, Layer, Policy, Source, Verdict, judge_changes};
use guard::gate::{Diff, Extent, Look, change_facts, diff};
use guard::record::{Redactor, Secrets, TagKey};
use std::fs;

fn policy(text: &str) -> Policy {
    let text = format!("version = 1\n{text}");
    Policy::load(&[Source { layer: Layer::Project, name: "guard.toml".into(), text }]).unwrap()
}

fn redactor() -> Redactor {
    let mut secrets = Secrets::default();
    secrets.dotenv(b"DB_PASSWORD=hunter2-of-tests\n");
    Redactor::new(TagKey::new([7; 32]), secrets)
}

fn facts(scene: &Scene, set: &ChangeSet, policy: &Policy) -> ChangeFacts {
    let project = fs::canonicalize(&scene.project).unwrap();
    let look = Look { upper: &scene.upper, project: &project, home: None, nested: &[], path: None };
    change_facts(set, look, &redactor(), policy).unwrap()
}

fn judged(scene: &Scene, text: &str, area: Writes) -> ChangeJudgement {
    let (set, policy) = (scene.changes(), policy(text));
    judge_changes(&set, &facts(scene, &set, &policy), &policy, area)
}

/// Verdict and ids of what a script's changes come to.
fn said(project: &str, script: &str, area: Writes) -> (Verdict, Vec<String>) {
    let scene = Scene::new(project);
    scene.fenced(script);
    let judged = judged(&scene, "[iteration]\nfiles = 1000\nfolder = 1000", area);
    (judged.verdict, judged.matches.into_iter().map(|found| found.id).collect())
}

fn deny(ids: &[&str]) -> (Verdict, Vec<String>) {
    (Verdict::Deny, ids.iter().map(|id| (*id).to_owned()).collect())
}

fn ask(id: &str) -> (Verdict, Vec<String>) {
    (Verdict::Ask, vec![id.to_owned()])
}

fn fine() -> (Verdict, Vec<String>) {
    (Verdict::Allow, Vec::new())
}

/// A repository with two branches that differ, and a tag.
const REPOSITORY: &str = "git init -qb main; echo a >a; echo b >b; git add .; git commit -qm 1; git branch other; git switch -q other; echo o >o; git add .; git commit -qm o; git switch -q main; echo c >c; git add .; git commit -qm 2";

#[test]
fn what_git_s_own_commands_change_is_git_s_and_nobody_else_s() {
    let commands = [
        "echo x >x; git add x; git commit -qm x",
        "git commit -q --amend -m y",
        "git merge -q other -m merged",
        "git rebase -q other",
        "git cherry-pick other",
        "git revert --no-edit HEAD",
        "echo x >>a; git stash -q",
        "echo x >>a; git stash -q; git stash pop -q",
        "git switch -q other",
        "git switch -qc new",
        "git tag -a v1 -m v1",
        "git branch -D other",
        "git reset -q --hard HEAD~1",
        "git gc -q",
        "git rm -q a; git mv b d; git commit -qm moved",
        "git notes add -m note",
        "git worktree list; git status; git log; git diff",
        "echo z >a; git commit -qam z; git switch -q other; echo y >a; git commit -qam y; git merge main || true",
        "git merge -q other -m merged; git bisect start; git bisect bad; git bisect good HEAD~1; git bisect reset",
    ];
    let scene_said = |script: &str, area| said(REPOSITORY, script, area);
    for script in commands {
        assert_eq!(scene_said(script, Writes::Git), fine(), "{script}");
    }
    assert_eq!(scene_said(commands[0], Writes::Project), deny(&["guard:changes-git"]));
}

#[test]
fn no_way_into_a_repository_is_left() {
    let ways = [
        "git config core.fsmonitor ./evil",
        "echo evil >.git/hooks/pre-commit",
        "chmod 777 .git/hooks/*.sample",
        // SANDBOX: a read-only subfolder is bypassed by renaming its parent.
        "mv .git .git2; mkdir .git; cp -r .git2/* .git; echo evil >.git/hooks/post-checkout",
        "rm -rf .git; mkdir -p .git/hooks; echo evil >.git/hooks/pre-commit",
        "rm -rf .git; echo 'gitdir: elsewhere' >.git",
        "rm -rf .git; ln -s other .git",
        "ln -s .git seems; echo evil >seems/hooks/pre-commit",
        "mkdir sub; echo 'gitdir: ../evil' >sub/.git",
        "mkdir -p p/q/.GIT; echo [core] >p/q/.GIT/config",
        "git init -q sub",
        "git clone -q --no-hardlinks . sub",
        "git worktree add -q wt",
        "echo /outside >.git/objects/info/alternates",
        "echo '* filter=evil' >.git/info/attributes",
        "rm .git/index; ln -s /etc/passwd .git/index",
        "git init -q --bare bare.git",
        "mkdir -p x/objects x/refs; echo 'ref: refs/heads/x' >x/HEAD; printf '[core]\\n fsmonitor = evil\\n' >x/config",
    ];
    for script in ways {
        let (verdict, ids) = said(REPOSITORY, script, Writes::Git);
        assert_eq!(
            (verdict, ids.contains(&"guard:changes-git".to_owned())),
            (Verdict::Deny, true),
            "{script}: {ids:?}"
        );
    }
}

#[test]
fn guard_s_files_and_secrets_are_not_reached_by_detours() {
    let project = "echo p >guard.toml; echo l >build_audit.log; echo S=1 >.env; echo k >id_rsa; mkdir -p sub .claude; echo {} >.claude/settings.json";
    let protected = ["guard:changes-protected"];
    let table = [
        ("echo x >x; mv x guard.toml", &protected[..]),
        ("rm guard.toml", &protected),
        ("mv sub s; mkdir sub; echo x >sub/guard.toml", &protected),
        ("ln -s guard.toml g; echo x >g", &protected),
        ("mv .claude c; cp -r c .claude; echo x >.claude/settings.json", &protected),
        ("rm -rf .claude", &protected),
        ("chmod 777 build_audit.log", &protected),
        ("ln guard.toml g; echo x >>g", &protected),
        ("echo x >.env.local", &["guard:changes-secret-file"]),
        ("sed -i 1d .env", &["guard:changes-secret-file"]),
        ("mv id_rsa key", &["guard:changes-secret-file"]),
        ("echo '//registry.npmjs.org/:_authToken=x' >.npmrc", &["guard:changes-secret-file"]),
    ];
    for (script, expected) in table {
        assert_eq!(said(project, script, Writes::Project), deny(expected), "{script}");
    }
    for script in ["cp .env .env.example", "echo registry=https://r >.npmrc", "echo x >sub/x", "touch guard.toml"] {
        assert_eq!(said(project, script, Writes::Project), fine(), "{script}");
    }
}

#[test]
fn links_are_followed_through_links_that_are_there_or_made() {
    let project = "mkdir -p d/e; ln -s ../.. d/up; ln -s /etc there; echo x >inside";
    let table = [
        ("ln -s there/passwd a", Verdict::Deny),
        ("ln -s d/up/up a", Verdict::Deny),
        ("ln -s b a; ln -s c b; ln -s /etc c", Verdict::Deny),
        ("ln -s x/../.. a; mkdir x", Verdict::Deny),
        ("ln -s \"$PWD/inside\" a", Verdict::Deny),
        ("ln -s d/e a; ln -s a/../e b", Verdict::Allow),
        ("ln -s a a", Verdict::Allow),
        ("ln -s nothing/there a", Verdict::Allow),
    ];
    for (script, expected) in table {
        assert_eq!(said(project, script, Writes::Project).0, expected, "{script}");
    }
}

#[test]
fn secrets_in_new_content_ask_and_those_that_were_there_do_not() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----";
    let project = format!("printf '%s' '{key}' >old.txt; echo hunter2-of-tests >known.txt");
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let secret = ask("guard:changes-secret");
    let table = [
        ("echo pw=hunter2-of-tests >a".to_owned(), secret.clone()),
        ("echo aHVudGVyMi1vZi10ZXN0cw== >a".to_owned(), secret.clone()),
        (format!("echo '{key}' >a"), secret.clone()),
        (format!("echo 'token: \"{token}\"' >a"), secret.clone()),
        (format!("echo {token} >>known.txt"), secret.clone()),
        ("echo more >>old.txt; echo more >>known.txt; rm -f x".to_owned(), fine()),
        ("chmod 600 known.txt".to_owned(), fine()),
        ("echo 'password = \"x7Kd93kd\"' >a.py".to_owned(), fine()),
        (format!("mkdir target; echo {token} >target/a"), fine()),
        // Two files that only together hold one are not known by either.
        ("echo hunter2- >a; echo of-tests >b".to_owned(), fine()),
    ];
    for (script, expected) in table {
        assert_eq!(said(&project, &script, Writes::Project), expected, "{script}");
    }
}

#[test]
fn big_special_and_too_many_changes_are_told() {
    assert_eq!(said("true", "truncate -s 10000001 a", Writes::Project), ask("guard:changes-big"));
    assert_eq!(said("true", "truncate -s 10000000 a", Writes::Project), fine());
    assert_eq!(said("true", "truncate -s 1T a", Writes::Project), deny(&["guard:changes-unread"]));
    assert_eq!(said("echo x >a", "chmod u+s a", Writes::Project), deny(&["guard:changes-special"]));
    let scene = Scene::new("true");
    scene.fenced("for n in 1 2 3; do echo $n >$n; done; mkfifo p; ln 1 l; rm l");
    let judged = judged(&scene, "", Writes::Project);
    assert_eq!((judged.verdict, judged.counted.len(), judged.notes.len()), (Verdict::Ask, 3, 1));
}

#[test]
fn a_virtual_environment_is_made_without_asking() {
    let scene = Scene::new("true");
    scene.fenced("/usr/bin/python3 -m venv --without-pip own; /usr/bin/python3 -m venv --without-pip .venv");
    let venv = judged(&scene, "", Writes::Venv);
    assert_eq!((venv.verdict, venv.counted.len(), &venv.matches[..]), (Verdict::Allow, 0, &[][..]));
    // Only a rule for virtual environments knows one by another name than usual.
    let project = judged(&scene, "", Writes::Project);
    assert_eq!(project.matches[0].id, "guard:changes-link");
}

#[test]
fn names_that_are_no_text_are_meant_by_globs_too() {
    let text = "[[rule]]\nid = \"d\"\nwrites_to = \"d/**\"\nverdict = \"deny\"\nreason = \"d\"\nhits = [\"touch d/x\"]\nmisses = [\"ls\"]";
    let scene = Scene::new("mkdir d");
    scene.fenced("echo x >d/$'\\xff\\n'; echo x >$'d\\xff'");
    let judged = judged(&scene, text, Writes::Project);
    let told: Vec<_> = judged.matches.iter().map(|found| found.reason.as_str()).collect();
    assert_eq!(told, ["d: `d/\u{fffd}\\n`"]);
}

fn shown(scene: &Scene, most: usize) -> Diff {
    let extent = Extent { most, ..Extent::SCREEN };
    diff(&scene.changes(), &scene.upper, &scene.project, &redactor(), extent)
}

#[test]
fn a_diff_shows_everything_that_changes_and_no_secret() {
    let project = "umask 022; seq 1 12 >text; echo moved >old; echo x >gone; echo m >mode; ln -s a link; echo S=hunter2-of-tests >.env; seq 1 200 | tr '\\n' '\\0' >bin; printf 'a\\0b\\n' >zero";
    let scene = Scene::new(project);
    let script = "umask 022; sed -i 's/^6$/six hunter2-of-tests/' text; mv old new; rm gone; chmod 755 mode; ln -sf b link; echo T=1 >>.env; seq 1 201 | tr '\\n' '\\0' >bin; printf 'a\\0c\\n' >zero; mkdir made; printf '\\033[31m\\xff' >$'made/\\n+x'; mkfifo p";
    scene.fenced(script);
    let tag = redactor().redact("hunter2-of-tests").unwrap();
    let shown = shown(&scene, 1 << 20);
    let hash = |bytes: &[u8]| {
        use sha2::Digest;
        sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>()
    };
    let zeros = |most: u32| (1..=most).map(|n| format!("{n}\0")).collect::<String>().into_bytes();
    let unseen = format!("binary, 696 bytes, sha256 {}", hash(&zeros(201)));
    let expected = [
        "modify .env".to_owned(),
        "  19 bytes, not shown -> 23 bytes, not shown".to_owned(),
        "modify bin".to_owned(),
        format!("  binary, 692 bytes, sha256 {} -> {}", hash(&zeros(200)), unseen),
        "delete gone (file 644)".to_owned(),
        "--- a/gone\n+++ b/gone\n@@ -1 +0,0 @@\n-x".to_owned(),
        "modify link (link to a -> link to b)".to_owned(),
        "create made (folder 755)".to_owned(),
        "create made/\\n+x (file 644)".to_owned(),
        "--- a/made/\\n+x\n+++ b/made/\\n+x\n@@ -0,0 +1 @@\n+\\u{1b}[31m\\xff\n\\ No newline at end of file".to_owned(),
        "mode mode (file 644 -> file 755)".to_owned(),
        "rename old -> new (file 644)".to_owned(),
        "modify text".to_owned(),
        "--- a/text\n+++ b/text\n@@ -3,7 +3,7 @@\n 3\n 4\n 5\n-6".to_owned(),
        format!("+six {tag}\n 7\n 8\n 9"),
        // A zero byte hides nothing of the text around it.
        "modify zero".to_owned(),
        "--- a/zero\n+++ b/zero\n@@ -1 +1 @@\n-a\\u{0}b\n+a\\u{0}c".to_owned(),
        "left out p (pipe or socket)\n".to_owned(),
    ];
    let unseen = vec![".env: 23 bytes, not shown".to_owned(), format!("bin: {unseen}")];
    assert_eq!(shown, Diff { text: expected.join("\n"), cut: false, unseen, forged: None });
}

#[test]
fn a_diff_is_bounded_and_says_so() {
    let scene = Scene::new("true");
    scene.fenced("for n in 1 2 3; do seq 1 1000 >$n; done; seq 1 100000 >long");
    let whole = shown(&scene, 1 << 20);
    assert!(!whole.cut && whole.text.contains("too long to be shown") && whole.text.len() < 30_000);
    let part = shown(&scene, 6_000);
    assert!(part.cut && part.text.len() <= 6_000 && whole.text.starts_with(&part.text) && !part.text.is_empty());
}

#[test]
fn files_without_a_common_line_are_compared_in_bounded_time() {
    let lines = |seed: u64| {
        format!(
            "python3 -c \"import random; random.seed({seed}); print('\\n'.join(random.choice('ab') for _ in range(100000)))\" >x"
        )
    };
    let scene = Scene::new(&lines(1));
    scene.fenced(&lines(2));
    let started = std::time::Instant::now();
    let shown = shown(&scene, 4 << 20);
    assert!(shown.text.starts_with("modify x\n--- a/x\n+++ b/x\n@@ "));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
