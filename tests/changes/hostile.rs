//! Uppers made to hurt whoever reads them.

use super::scene::{Scene, path, told};
use guard::execute::change::{Bounds, open_before, open_written, read_within};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn any_name_is_read() {
    let scene = Scene::new(r"mkdir $'l\nf'; echo 1 >$'l\nf/\xff'");
    let script = r#"echo 2 >$'l\nf/\xff'; echo x >$'\x1b[31m'; echo x >"$(printf '%0255d' 7)"; echo x >-rf; echo x >'a:b,c\d'; mkdir -p $'\xfe/ '; echo x >$'\xfe/ /"'"#;
    let told = scene.after(script);
    let long = format!("create {:0255}: - > file 644 2", 7);
    let expected = [
        "create \\x1b[31m: - > file 644 2",
        "create -rf: - > file 644 2",
        &long,
        "create a:b,c\\\\d: - > file 644 2",
        "modify l\\nf/\\xff: file 644 2 > file 644 2",
        "create \\xfe: - > folder 755",
        "create \\xfe/ : - > folder 755",
        "create \\xfe/ /\\\": - > file 644 2",
    ];
    assert_eq!(told, expected);
    assert_eq!(scene.changes().changes[4].path, path(b"l\nf/\xff"));
}

#[test]
fn links_of_the_upper_layer_and_of_the_project_are_never_followed() {
    let scene = Scene::new("mkdir -p real out; echo x >real/x; ln -s real seems; ln -s ../../secret out/secret");
    fs::write(scene.root.path().join("secret"), "secret").unwrap();
    let script = "echo y >seems/y; rm -r out; ln -s /etc out; rm seems; mkdir seems; echo z >seems/x";
    let expected = [
        "modify out: folder 755 > link /etc",
        "delete out/secret: link ../../secret > -",
        "create real/y: - > file 644 2",
        "modify seems: link real > folder 755",
        "create seems/x: - > file 644 2",
    ];
    assert_eq!(scene.after(script), expected);
    for at in ["out/passwd", "../secret", "/etc/passwd", "", ".", "seems"] {
        assert!(open_written(&scene.upper, Path::new(at)).is_err(), "{at}");
    }
    for at in ["out/secret", "seems/x", "real/../real/x"] {
        assert!(open_before(&scene.project, Path::new(at)).is_err(), "{at}");
    }
    let mut content = String::new();
    open_before(&scene.project, Path::new("real/x")).unwrap().read_to_string(&mut content).unwrap();
    assert_eq!(content, "x\n");
}

/// Makes folders below each other, and a file in the last one.
const NESTED: &str = "python3 - <<'E'\nimport os\nfor i in range({}):\n  os.mkdir('folders'); os.chdir('folders')\nopen('x', 'w').write('x')\nE";

#[test]
fn folders_below_each_other_past_the_longest_path_are_read_changed_and_removed() {
    let scene = Scene::new(&NESTED.replace("{}", "700"));
    // Copied up to the last one, and one more there: paths are longer than the system takes.
    scene.fenced("python3 - <<'E'\nimport os\nfor i in range(700): os.chdir('folders')\nopen('y', 'w').write('y')\nE");
    let set = scene.changes();
    assert_eq!(set.changes.len(), 1);
    assert_eq!(set.changes[0].path.as_os_str().len(), 5601);
    let mut content = String::new();
    open_written(&scene.upper, &set.changes[0].path).unwrap().read_to_string(&mut content).unwrap();
    assert_eq!(content, "y");
    scene.fenced("rm -r folders");
    let set = scene.changes();

    assert_eq!((set.changes.len(), set.cut), (701, false));
    scene.fenced(&NESTED.replace("{}", "700"));
    assert_eq!(told(&scene.changes()), Vec::<String>::new());
    scene.plainly("rm -rf project upper work", scene.root.path());
}

#[test]
fn more_than_can_be_judged_is_cut_in_bounded_time() {
    let scene = Scene::new("true");
    let started = Instant::now();
    scene.fenced(&NESTED.replace("{}", "6000"));
    let made = started.elapsed();
    let started = Instant::now();
    let set = scene.changes();
    assert!(set.cut && set.changes.len() > 5000, "{}", set.changes.len());
    assert!(started.elapsed() < Duration::from_secs(20) + made, "{:?}", started.elapsed());
    drop(set);
    scene.plainly("rm -rf project upper work", scene.root.path());
}

#[test]
fn a_hole_of_a_terabyte_is_cut_at_once() {
    let scene = Scene::new("true");
    scene.fenced("truncate -s 1T hole");
    let started = Instant::now();
    assert_eq!(told(&scene.changes()), ["cut"]);
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn every_bound_cuts_and_none_cuts_a_byte_early() {
    let scene = Scene::new("echo 12345678 >a; echo 12345678 >b; mkdir d; echo 1 >d/e");
    scene.fenced("echo 123456789 >a; echo 123456789 >b; rm -r d; echo n >c");
    // a, b, c, d and d/e: six bytes of paths, five entries in two folders and their five names, 22 bytes written, 20 before.
    let exact = Bounds { changes: 5, paths: 7, entries: 5, names: 5, written: 22, before: 20 };
    let read = |bounds| read_within(&scene.upper, &scene.project, bounds).unwrap();
    assert_eq!((read(exact).changes.len(), read(exact).cut), (5, false));
    for less in [
        Bounds { changes: 4, ..exact },
        Bounds { paths: 6, ..exact },
        Bounds { entries: 4, ..exact },
        Bounds { names: 4, ..exact },
        Bounds { written: 21, ..exact },
        Bounds { before: 19, ..exact },
    ] {
        assert!(read(less).cut, "{less:?}");
    }
}
