//! Real commands in real overlays, and what is read of them.

use super::scene::{Scene, told, tree};
use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};
use std::fs;
use std::io::Write;
use std::path::Path;

/// A small project.
const PROJECT: &str = "umask 022; mkdir -p src/deep old; echo a >src/a; echo b >src/b; echo c >src/deep/c; echo 1 >old/one; echo 2 >old/two; ln -s a src/link; chmod 755 src/b";

#[test]
fn what_is_made_changed_and_removed_is_listed() {
    let scene = Scene::new(PROJECT);
    let script = "umask 022; echo new >new; echo changed >src/a; rm src/deep/c; chmod 600 src/b; mkdir made; ln -s /etc made/out; rm src/link; ln -s b src/link; chmod 700 src/deep";
    let expected = [
        "create made: - > folder 755",
        "create made/out: - > link /etc",
        "create new: - > file 644 4",
        "modify src/a: file 644 2 > file 644 8",
        "mode src/b: file 755 2 > file 600 2",
        "mode src/deep: folder 755 > folder 700",
        "delete src/deep/c: file 644 2 > -",
        "modify src/link: link a > link b",
    ];
    assert_eq!(scene.after(script), expected);
}

#[test]
fn what_was_only_copied_up_is_no_change() {
    let scene = Scene::new(PROJECT);
    let script = "touch src/a src/deep src/deep/c; echo a >src/a; chmod 700 src/b; chmod 755 src/b; mkdir x; rmdir x; mv src/deep/c y; mv y src/deep/c; rm -r old; mkdir old; echo 1 >old/one; echo 2 >old/two; rm src/link; ln -s a src/link";
    assert_eq!(scene.after(script), Vec::<String>::new());
    assert!(scene.changes().is_empty());
}

#[test]
fn of_a_removed_folder_everything_below_is_deleted() {
    let scene = Scene::new(PROJECT);
    let expected = [
        "delete src: folder 755 > -",
        "delete src/a: file 644 2 > -",
        "delete src/b: file 755 2 > -",
        "delete src/deep: folder 755 > -",
        "delete src/deep/c: file 644 2 > -",
        "delete src/link: link a > -",
    ];
    assert_eq!(scene.after("rm -r src"), expected);
}

#[test]
fn of_a_folder_that_was_made_anew_only_what_differs_is_listed() {
    let scene = Scene::new(PROJECT);
    let script = "umask 022; rm -r src; mkdir -p src/deep/er; echo a >src/a; echo z >src/deep/er/z";
    let expected = [
        "delete src/b: file 755 2 > -",
        "delete src/deep/c: file 644 2 > -",
        "create src/deep/er: - > folder 755",
        "create src/deep/er/z: - > file 644 2",
        "delete src/link: link a > -",
    ];
    assert_eq!(scene.after(script), expected);
}

#[test]
fn a_file_may_become_a_folder_a_link_or_the_reverse() {
    let scene = Scene::new(PROJECT);
    let script = "umask 022; rm src/a; mkdir src/a; echo x >src/a/x; rm -r old; echo file >old; rm src/b; ln -s ../old src/b; rm -r src/deep; ln -s /etc src/deep";
    let expected = [
        "modify old: folder 755 > file 644 5",
        "delete old/one: file 644 2 > -",
        "delete old/two: file 644 2 > -",
        "modify src/a: file 644 2 > folder 755",
        "create src/a/x: - > file 644 2",
        "modify src/b: file 755 2 > link ../old",
        "modify src/deep: folder 755 > link /etc",
        "delete src/deep/c: file 644 2 > -",
    ];
    assert_eq!(scene.after(script), expected);
}

#[test]
fn a_moved_folder_is_deleted_here_and_made_there() {
    let scene = Scene::new(PROJECT);
    let expected = [
        "create new: - > folder 755",
        "create new/one: - > file 644 2",
        "create new/two: - > file 644 2",
        "delete old: folder 755 > -",
        "delete old/one: file 644 2 > -",
        "delete old/two: file 644 2 > -",
    ];
    assert_eq!(scene.after("mv old new"), expected);
    let set = scene.changes();
    let renames = [("old/one", "new/one"), ("old/two", "new/two")].map(|(a, b)| (Path::new(a), Path::new(b)));
    assert_eq!(set.renames(), renames);
    scene.apply(&set);
    assert_eq!(tree(&scene.project).keys().filter(|path| path.starts_with("new")).count(), 3);
}

#[test]
fn pipes_and_sockets_are_left_out_and_what_they_replaced_is_deleted() {
    let scene = Scene::new(PROJECT);
    let script =
        "mkfifo pipe; rm src/a; mkfifo src/a; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s\")'";
    let expected = ["delete src/a: file 644 2 > -", "left out pipe", "left out s", "left out src/a"];
    assert_eq!(scene.after(script), expected);
}

#[test]
fn a_pipe_of_the_project_is_nothing_until_it_goes() {
    let scene = Scene::new("mkfifo -m 600 pipe");
    assert_eq!(scene.after("touch pipe; chmod 644 pipe"), Vec::<String>::new());
    assert_eq!(scene.after("rm pipe"), ["delete pipe: pipe > -"]);
}

#[test]
fn hard_links_are_files_of_their_own_and_said_to_be() {
    let scene = Scene::new(PROJECT);
    let expected = ["create hard: - > file 644 2", "linked hard"];
    assert_eq!(scene.after("ln src/a hard"), expected);
}

#[test]
fn special_bits_and_devices_are_seen() {
    let scene = Scene::new(PROJECT);
    let expected =
        ["create s: - > file 4755 0", "mode src: folder 755 > folder 1755", "mode src/b: file 755 2 > file 2755 2"];
    assert_eq!(scene.after("touch s; chmod 4755 s; chmod 2755 src/b; chmod +t src"), expected);
    if rustix::process::geteuid().is_root() {
        let made = ["create dev: - > character device"];
        let scene = Scene::new(PROJECT);
        assert_eq!(scene.after("mknod dev c 1 3"), made);
    }
}

#[test]
fn attributes_of_a_command_s_own_mean_nothing() {
    let scene = Scene::new(PROJECT);
    let script = "python3 - <<'E'\nimport os\nfor name in ['opaque', 'whiteout', 'redirect', 'metacopy']:\n  for at in ['src', 'src/a']:\n    try: os.setxattr(at, 'user.overlay.' + name, b'y')\n    except OSError: pass\nos.setxattr('src/b', 'user.mine', b'1')\nE";
    assert_eq!(scene.after(script), Vec::<String>::new());
    assert_eq!(scene.fenced("cat src/a src/deep/c"), "a\nc\n");
}

#[test]
fn whiteouts_that_are_plain_files_count_where_the_folder_says_so() {
    // Documentation/filesystems/overlayfs.rst, "Nesting overlayfs mounts".
    let scene = Scene::new(PROJECT);
    fs::create_dir(scene.upper.join("old")).unwrap();
    for name in ["one", "two"] {
        fs::write(scene.upper.join("old").join(name), "").unwrap();
    }
    let set = |at: &str, name: &str, value: &[u8]| {
        setxattr(scene.upper.join(at), name, value, XattrFlags::empty()).unwrap();
    };
    set("old/one", "user.overlay.whiteout", b"y");
    let plain = told(&scene.changes());
    assert_eq!(plain, ["modify old/one: file 644 2 > file 644 0", "modify old/two: file 644 2 > file 644 0"]);
    set("old", "user.overlay.opaque", b"x");
    let counted = told(&scene.changes());
    assert_eq!(counted, ["delete old/one: file 644 2 > -", "modify old/two: file 644 2 > file 644 0"]);
    set("old", "user.overlay.opaque", b"y");
    set("old", "user.overlay.redirect", b"/src");
    let error = guard::execute::change::read(&scene.upper, &scene.project).unwrap_err();
    assert_eq!(error.to_string(), "`old` carries `user.overlay.redirect`, which guard's own overlays do not write");
}

#[test]
fn a_whiteout_of_what_is_not_there_is_nothing() {
    let scene = Scene::new(PROJECT);
    mknodat(CWD, scene.upper.join("never"), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    assert_eq!(told(&scene.changes()), Vec::<String>::new());
    mknodat(CWD, scene.upper.join("old"), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    assert_eq!(scene.changes().changes.len(), 3);
}

#[test]
fn what_the_command_made_unreadable_is_read_and_stays_as_it_is() {
    let scene = Scene::new(PROJECT);
    let script = "umask 022; mkdir -p shut/in; echo x >shut/in/x; chmod 0 shut/in/x shut/in shut; chmod 0 src/a";
    let expected = [
        "create shut: - > folder 0",
        "create shut/in: - > folder 0",
        "create shut/in/x: - > file 0 2",
        "mode src/a: file 644 2 > file 0 2",
    ];
    assert_eq!(scene.after(script), expected);
    assert_eq!(told(&scene.changes()), expected);
}

#[test]
fn git_s_work_is_read_and_the_same_tree_comes_of_it() {
    let scene = Scene::new("git init -q; echo a >a; echo b >b; git add .; git commit -qm 1; git branch other");
    let script =
        "echo c >c; git mv a d; git add .; git commit -qm 2; git switch -q other; echo e >e; git stash -qu; git gc -q";
    scene.fenced(script);
    let set = scene.changes();
    assert!(set.changes.len() > 10, "{:?}", told(&set));
    scene.apply(&set);
    let said = scene
        .unfenced("git fsck --strict; git log --all --oneline | wc -l; git stash list | wc -l; git status --short");
    assert!(said.ends_with("5\n1\n"), "{said}");
}

#[test]
fn a_database_of_sqlite_is_one_file_with_another_content() {
    let python = |sql: &str| format!("python3 -c \"import sqlite3; c = sqlite3.connect('db'); {sql}; c.commit()\"");
    let scene = Scene::new(&python("c.execute('pragma journal_mode=wal'); c.execute('create table t(x)')"));
    scene.fenced(&python("c.execute('insert into t values (7)')"));
    let set = scene.changes();
    assert_eq!(set.changes.iter().map(|change| &change.path).collect::<Vec<_>>(), [Path::new("db")]);
    scene.apply(&set);
    assert_eq!(scene.unfenced(&python("print(c.execute('select * from t').fetchall())")), "[(7,)]\n");
}

#[test]
fn a_file_system_mounted_within_the_project_is_said() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let scene = Scene::new("mkdir in; echo x >in/x");
    scene.fenced("echo y >in/x");
    // In a mount namespace of its own, so that nothing stays mounted.
    let test = std::env::current_exe().unwrap();
    let script = format!(
        "mount -t tmpfs none {project}/in && exec env GUARD_TEST_MOUNTED={root} {test} --exact changes::overlay::reads_below_a_mount --nocapture",
        project = scene.project.display(),
        root = scene.root.path().display(),
        test = test.display(),
    );
    let output = std::process::Command::new("unshare").args(["-m", "bash", "-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("another file system is mounted at `in`"), "{said}");
}

#[test]
fn reads_below_a_mount() {
    let Some(root) = std::env::var_os("GUARD_TEST_MOUNTED") else { return };
    let root = Path::new(&root);
    let error = guard::execute::change::read(&root.join("upper"), &root.join("project")).unwrap_err();
    writeln!(std::io::stdout(), "{error}").unwrap();
}
