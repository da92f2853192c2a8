//! Changes on their way into a project where others are at work, before and after an interruption.

use super::scene::{Scene, told, tree};
use guard::action::Change;
use guard::execute::change::{
    Aside, Basis, ChangeError, Staged, Transaction, Unfinished, finish, open_written, read, stage, unfinished,
};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Runs `script` in a transaction, then `outside` in the project; the changes, ready to come in.
fn staged(scene: &Scene, script: &str, outside: &str) -> Result<Staged, ChangeError> {
    let state = state(scene);
    // What stands there was touched before, by the clock of the file system.
    std::thread::sleep(Duration::from_millis(20));
    let transaction = Transaction::begin(&state, &scene.project).unwrap();
    let layer = transaction.layer();
    scene.fenced_to(&layer.upper, &layer.work, script);
    scene.unfenced(outside);
    let set = read(&layer.upper, &scene.project).unwrap();
    let find = |change: &Change| Ok(open_written(&layer.upper, &change.path)?);
    let basis = Basis::Since(transaction.began());
    stage(transaction, &scene.project, set, basis, find)
}

fn state(scene: &Scene) -> PathBuf {
    let state = scene.root.path().join("state");
    fs::create_dir_all(&state).unwrap();
    state
}

/// What guards left behind, so many of it: a program that another test is about to start holds their locks for a moment.
fn left(scene: &Scene, count: usize) -> Vec<Unfinished> {
    let begin = Instant::now();
    loop {
        let left = unfinished(&state(scene));
        if left.len() == count || begin.elapsed() > Duration::from_secs(20) {
            assert_eq!(left.len(), count);
            return left;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What stands at paths, a line each: mode and content.
fn standing(scene: &Scene) -> Vec<String> {
    let tree = tree(&scene.project);
    let line = |(path, (kind, mode, content)): (&PathBuf, &(&str, u32, Vec<u8>))| {
        format!("{} {kind} {mode:o} {}", path.display(), String::from_utf8_lossy(content).trim_end())
    };
    tree.iter().map(line).collect()
}

#[test]
fn a_folder_that_was_swapped_for_another_is_a_conflict_and_a_busy_one_is_none() {
    // Of the same length, mode and age: nothing but its folder tells that it is another file.
    let project = "mkdir -p d d2 e/in; echo a >d/f; echo b >d2/f; echo a >e/in/f; cp -r e e2";
    for (script, outside, at) in [
        ("echo new >d/f", "mv d d.old; mv d2 d", "d"),
        ("rm d/f", "mv d d.old; mv d2 d", "d"),
        ("chmod 600 d/f", "mv d d.old; mv d2 d", "d"),
        ("echo new >d/new", "mv d d.old; mv d2 d", "d"),
        ("echo new >e/in/f", "mv e e.old; mv e2 e", "e"),
    ] {
        let scene = Scene::new(project);
        let said = staged(&scene, script, outside).unwrap_err().to_string();
        assert_eq!(said, format!("`{at}` was moved or replaced by somebody else since the command began"), "{script}");
        let now = standing(&scene);
        assert!(now.iter().all(|line| !line.contains(".guard-") && !line.contains("new")), "{now:?}");
    }
    // Work in the new folder hides what moving it leaves behind; only an overlay that root has mounted knows what was below.
    if rustix::process::geteuid().is_root() {
        let scene = Scene::new(project);
        assert!(staged(&scene, "echo new >d/f", "mv d d.old; mv d2 d; touch d/other").is_err());
    }
    let scene = Scene::new(project);
    staged(&scene, "echo new >d/f", "touch d/theirs theirs; rm d/theirs").unwrap().bring_in().unwrap();
    assert_eq!(fs::read_to_string(scene.project.join("d/f")).unwrap(), "new\n");
}

#[test]
fn a_shut_folder_of_one_s_own_is_written_to_and_shut_again() {
    let scene = Scene::new("mkdir -p d/in; echo a >d/old; echo b >d/in/f; chmod 555 d d/in");
    let script = "chmod u+w d d/in; echo n >d/new; rm d/old; echo c >d/in/f; mkdir d/more; chmod 555 d d/in d/more";
    let before = standing(&scene);
    drop(staged(&scene, script, "true").unwrap());
    assert_eq!(standing(&scene), before, "what does not come in leaves everything as it was");
    staged(&scene, script, "true").unwrap().bring_in().unwrap();
    let after = standing(&scene);
    scene.unfenced("chmod -R u+w .");
    let expected = ["d folder 555 ", "d/in folder 555 ", "d/in/f file 644 c", "d/more folder 555 ", "d/new file 644 n"];
    assert_eq!(after, expected);
}

#[test]
fn a_shut_folder_is_shut_again_by_whoever_goes_on() {
    for on_record in [true, false] {
        let scene = Scene::new("mkdir d; echo a >d/old; chmod 555 d");
        staged(&scene, "chmod u+w d; echo n >d/old; chmod 555 d", "true").unwrap().leave();
        for left in left(&scene, 1) {
            assert_eq!(finish(left, (&state(&scene), &scene.project), on_record).unwrap(), [] as [&Path; 0]);
        }
        let content = if on_record { "n" } else { "a" };
        let after = standing(&scene);
        scene.unfenced("chmod -R u+w .");
        assert_eq!(after, ["d folder 555 ".to_owned(), format!("d/old file 644 {content}")]);
    }
}

#[test]
fn what_somebody_put_in_the_place_of_a_shut_folder_keeps_its_mode() {
    let scene = Scene::new("mkdir d e; echo a >d/old; chmod 555 d");
    staged(&scene, "chmod u+w d; echo n >d/old; chmod 555 d; echo x >e/x", "true").unwrap().leave();
    scene.unfenced("chmod -R u+w d; rm -rf d; echo mine >d; chmod 440 d");
    let shut = !rustix::process::geteuid().is_root();
    for left in left(&scene, 1) {
        // Root needs no folder opened, so there is none among its changes.
        let expected: &[&str] = if shut { &["d", "d/old"] } else { &["d/old"] };
        assert_eq!(
            finish(left, (&state(&scene), &scene.project), true).unwrap(),
            expected.iter().map(Path::new).collect::<Vec<_>>()
        );
    }
    assert_eq!(standing(&scene), ["d file 440 mine", "e folder 755 ", "e/x file 644 x"]);
}

#[test]
fn folders_that_nobody_may_look_into_come_in_with_what_they_hold() {
    let scene = Scene::new("true");
    let script =
        "umask 022; mkdir -p a/b; echo x >a/b/f; chmod 300 a/b; chmod 000 a; mkdir c; echo y >c/f; chmod 000 c/f c";
    staged(&scene, script, "true").unwrap().bring_in().unwrap();
    let mode = |path: &str| fs::metadata(scene.project.join(path)).unwrap().mode() & 0o7777;
    assert_eq!((mode("a"), mode("c")), (0, 0));
    scene.unfenced("chmod 700 a c");
    assert_eq!((mode("a/b"), mode("c/f")), (0o300, 0));
    scene.unfenced("chmod 700 a/b; chmod 600 c/f; test x = $(cat a/b/f) -a y = $(cat c/f)");
}

#[test]
fn pipes_and_sockets_of_the_project_go_with_the_rest() {
    let socket = "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('s')\"";
    let scene = Scene::new(&format!("mkfifo p q; {socket}; mkdir d; mkfifo d/p"));
    staged(&scene, "rm -r p s d; echo x >f; rm q; echo y >q", "true").unwrap().bring_in().unwrap();
    assert_eq!(standing(&scene), ["f file 644 x", "q file 644 y"]);
    // And by the guard that comes after one that was killed.
    let scene = Scene::new("mkfifo p q");
    staged(&scene, "rm p q; echo y >q", "true").unwrap().leave();
    for left in left(&scene, 1) {
        assert_eq!(finish(left, (&state(&scene), &scene.project), true).unwrap(), [] as [&Path; 0]);
    }
    assert_eq!(standing(&scene), ["q file 644 y"]);
}

#[test]
fn what_a_person_did_meanwhile_is_left_alone_when_an_interrupted_set_is_finished() {
    let project = "umask 022; for n in a b c m o; do echo old >$n; done; ln -s a l; ln -s a k; mkdir e g; echo x >e/x; echo x >g/x; \
                   echo x >h; mkdir y; echo y >y/y";
    let script = "umask 022; for n in a b; do echo new >$n; done; rm c o; chmod 600 m; ln -sfn b l; ln -sfn b k; rm -r e g; \
                  mkdir n; echo n >n/f; mkdir w; echo w >w/f; rm h; mkdir h; echo h >h/in; echo z >z; \
                  mkdir y/n; echo n >y/n/f";
    let table: [(&str, &[&str], &[&str]); 3] = [
        (
            "true",
            &[],
            &[
                "a file 644 new",
                "b file 644 new",
                "h folder 755 ",
                "h/in file 644 h",
                "k link 0 b",
                "l link 0 b",
                "m file 600 old",
                "n folder 755 ",
                "n/f file 644 n",
                "w folder 755 ",
                "w/f file 644 w",
                "y folder 755 ",
                "y/n folder 755 ",
                "y/n/f file 644 n",
                "y/y file 644 y",
                "z file 644 z",
            ],
        ),
        (
            // Theirs, instead of what stood there and of what comes.
            "for n in a c h z; do echo mine >$n; done; ln -sfn c l; echo mine >e/mine; echo mine >n; chmod 640 m",
            &["a", "c", "e", "h", "h/in", "l", "m", "n", "n/f", "z"],
            &[
                "a file 644 mine",
                "b file 644 new",
                "c file 644 mine",
                "e folder 755 ",
                "e/mine file 644 mine",
                "h file 644 mine",
                "k link 0 b",
                "l link 0 c",
                "m file 640 old",
                "n file 644 mine",
                "w folder 755 ",
                "w/f file 644 w",
                "y folder 755 ",
                "y/n folder 755 ",
                "y/n/f file 644 n",
                "y/y file 644 y",
                "z file 644 mine",
            ],
        ),
        (
            // Gone, by their hand: what was to change is not made anew.
            "rm -r a k c g y; mkdir w; echo mine >w/mine",
            &["a", "k", "y/n", "y/n/f"],
            &[
                "b file 644 new",
                "h folder 755 ",
                "h/in file 644 h",
                "l link 0 b",
                "m file 600 old",
                "n folder 755 ",
                "n/f file 644 n",
                "w folder 755 ",
                "w/f file 644 w",
                "w/mine file 644 mine",
                "z file 644 z",
            ],
        ),
    ];
    for (meanwhile, conflicts, expected) in table {
        let scene = Scene::new(project);
        staged(&scene, script, "true").unwrap().leave();
        scene.unfenced(&format!("umask 022; {meanwhile}"));
        let state = state(&scene);
        for left in left(&scene, 1) {
            let found = finish(left, (&state, &scene.project), true).unwrap();
            assert_eq!(found, conflicts.iter().map(PathBuf::from).collect::<Vec<_>>(), "{meanwhile}");
        }
        assert_eq!(standing(&scene), expected, "{meanwhile}");
        assert_eq!(fs::read_dir(state.join("transactions")).unwrap().count(), 0);
    }
}

#[test]
fn an_unfinished_set_waits_until_it_can_be_finished_and_so_do_others() {
    let scene = Scene::new("echo a >a; echo b >b");
    for name in ["a", "b"] {
        staged(&scene, &format!("echo new >{name}"), "true").unwrap().leave();
    }
    // Looked at and not finished, as by a guard whose log cannot be read.
    assert_eq!(left(&scene, 2).len(), 2);
    let gone = scene.root.path().join("gone");
    for left in left(&scene, 2) {
        assert!(finish(left, (&state(&scene), &gone), true).is_err());
    }
    for left in left(&scene, 2) {
        finish(left, (&state(&scene), &scene.project), true).unwrap();
    }
    assert_eq!(standing(&scene), ["a file 644 new", "b file 644 new"]);
    assert_eq!(told(&read(&scene.upper, &scene.project).unwrap()), [] as [&str; 0]);
}

/// Found by `build::killed`: what is kept aside is another name of the file, by which it was refused ever after as one of two.
#[test]
fn what_did_not_come_in_goes_by_one_name_again() {
    for (on_record, meanwhile, expected, kept) in [
        (false, "true", ["a file 644 a", "b file 644 b"], 0),
        // A person wrote into the one, the other comes in.
        (true, "echo mine >a", ["a file 644 mine", "b file 644 new"], 1),
        (true, "true", ["a file 644 new", "b file 644 new"], 1),
    ] {
        let scene = Scene::new("umask 022; echo a >a; echo b >b");
        let state = state(&scene);
        let staged = staged(&scene, "umask 022; echo new >a; echo new >b", "true").unwrap();
        let aside = Aside::keep(&state, &scene.project, staged.name(), staged.set(), 1 << 20).unwrap();
        assert!(aside.is_some());
        let names = |name: &str| scene.project.join(name).metadata().unwrap().nlink();
        assert_eq!((names("a"), names("b")), (2, 2));
        staged.leave();
        scene.unfenced(meanwhile);
        for left in left(&scene, 1) {
            finish(left, (&state, &scene.project), on_record).unwrap();
        }
        assert_eq!(standing(&scene), expected);
        assert_eq!((names("a"), names("b")), (1, 1), "{on_record} {meanwhile}");
        assert_eq!(fs::read_dir(state.join("changes")).unwrap().count(), kept);
    }
}
