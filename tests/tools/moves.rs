//! Moved folders, and databases written to by one command after another.

use super::{allow, both, differing, fenced, home, stands};

/// What a tool does that knows of file systems and renames: it copies where it cannot rename.
#[test]
fn folders_are_moved_by_every_tool_that_copies_where_it_cannot_rename() {
    let home = home(&allow("folders", "\"mv\", \"rm\", \"cp\", \"chmod\"", ""));
    super::plain(
        &home,
        "mkdir -p one/deep two three four; for at in one/deep two three four; do echo $at > $at/file; chmod 640 $at/file; ln -s file $at/link; done",
    );
    home.write("move.py", "import shutil\nshutil.move('two', 'moved/two')\n");
    let lines = [
        "mkdir moved && mv one moved/one",
        "python3 move.py",
        "cp -a three copied && rm -r three && mv copied three",
        "mkdir new && echo x > new/x && mv new renamed && mv renamed four/renamed",
        "mv moved/one one && mv one moved/one",
    ];
    let (guarded, plain) = both(&home, &lines);
    assert_eq!(differing(&guarded, &plain), [] as [&std::path::Path; 0]);
}

#[test]
fn a_bare_rename_of_a_folder_that_was_there_says_so_and_one_of_a_new_folder_works() {
    let home = home("");
    home.write("there/file", "x\n");
    home.write("rename.py", "import os\nos.mkdir('made'); open('made/file', 'w').close(); os.rename('made', 'renamed')\ntry: os.rename('there', 'elsewhere')\nexcept OSError as error: print(error.errno)\n");
    assert_eq!(fenced(&home, "python3 rename.py").stdout, "18\n");
    let paths: Vec<String> = stands(&home).keys().map(|path| path.display().to_string()).collect();
    assert_eq!(paths, ["rename.py", "renamed", "renamed/file", "there", "there/file"]);
}

/// Each command opens what the one before has left, journal or not.
const WRITER: &str = "import os, sqlite3, sys
db = sqlite3.connect('data.db')
db.execute(f'pragma journal_mode = {sys.argv[1]}')
db.execute('create table if not exists t (n integer)')
n = db.execute('select count(*) from t').fetchone()[0]
db.executemany('insert into t values (?)', [(n + i,) for i in range(100)])
db.commit()
print(n, db.execute('select sum(n) from t').fetchone()[0], db.execute('pragma integrity_check').fetchone()[0], flush=True)
if sys.argv[2] == 'abandoned': os._exit(0)
db.close()
";

#[test]
fn a_database_is_written_by_one_command_after_another() {
    for mode in ["delete", "truncate", "persist", "wal"] {
        for end in ["closed", "abandoned"] {
            let home = home("");
            home.write("writer.py", WRITER);
            let line = format!("python3 writer.py {mode} {end}");
            assert_eq!(fenced(&home, &line).stdout, "0 4950 ok\n", "{mode} {end}");
            let wal = home.project.join("data.db-wal");
            assert_eq!(wal.exists(), (mode, end) == ("wal", "abandoned"), "{mode} {end}");
            assert_eq!(fenced(&home, &line).stdout, "100 19900 ok\n", "{mode} {end}");
            assert_eq!(super::plain(&home, &line).stdout, "200 44850 ok\n", "{mode} {end}");
            let (guarded, plain) = both(&home, &[&line]);
            let paths = |tree: &crate::changes::scene::Tree| tree.keys().cloned().collect::<Vec<_>>();
            assert_eq!(paths(&guarded), paths(&plain), "{mode} {end}");
        }
    }
}

/// Tools that compare times (make, cargo) go by files that are written again as they were.
#[test]
fn the_time_of_what_was_written_again_comes_along_and_is_no_change() {
    let home = home("[[rule]]\nid = \"kept\"\nwrites_to = [\"kept\"]\nverdict = \"deny\"\nreason = \"a person's\"\n");
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let set = |name: &str| {
        std::fs::File::options().append(true).open(home.project.join(name)).unwrap().set_modified(old).unwrap()
    };
    let time = |name: &str| std::fs::metadata(home.project.join(name)).unwrap().modified().unwrap();
    for name in ["stamp", "kept", "beside"] {
        home.write(name, "same\n");
    }
    home.write(
        "write.py",
        "import os, sys\nfor at in sys.argv[1:]:\n    open(at, 'w').write('same\\n'); os.utime(at, (5, 5))\n",
    );
    ["stamp", "kept", "beside", "guard.toml"].iter().for_each(|name| set(name));
    fenced(&home, "python3 write.py stamp");
    assert_eq!((time("stamp"), time("beside")), (std::time::UNIX_EPOCH + std::time::Duration::from_secs(5), old));
    assert!(!home.log().contains("change_committed"));
    // Where nothing may be changed no time is either, and then none at all.
    set("stamp");
    fenced(&home, "python3 write.py stamp kept");
    assert_eq!((time("stamp"), time("kept")), (old, old));
    home.write("touch.py", "import os\nos.utime('guard.toml', (5, 5))\n");
    fenced(&home, "python3 touch.py");
    assert_eq!(time("guard.toml"), old);
    fenced(&home, "python3 write.py stamp; echo new > new");
    assert_eq!(time("stamp"), std::time::UNIX_EPOCH + std::time::Duration::from_secs(5));
}
