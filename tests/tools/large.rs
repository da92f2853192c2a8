//! A project of a hundred thousand files.

use super::{allow, fenced, home, plain};
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn few_changes_in_a_hundred_thousand_files_are_few() {
    let home = home(&allow("git", "\"git\"", "writes = \"git\"\n"));
    for folder in 0..1000 {
        let at = home.project.join(format!("f{folder}"));
        fs::create_dir(&at).unwrap();
        (0..100).for_each(|file| fs::write(at.join(format!("{file}.txt")), "same\n").unwrap());
    }
    let config = "[user]\nname = a\nemail = a@b\n[init]\ndefaultBranch = main\n";
    fs::write(home.path().join(".gitconfig"), config).unwrap();
    plain(
        &home,
        "git init -q; printf '/guard.toml\\n/build_audit.log\\n' > .git/info/exclude; git add .; git commit -qm 1",
    );
    assert_eq!(fenced(&home, "git status --short").stdout, "");
    let begin = Instant::now();
    fenced(&home, "echo new > f7/7.txt; echo new > f8/made.txt; rm f9/9.txt");
    let few = begin.elapsed();
    assert_eq!(fenced(&home, "git status --short").stdout, " M f7/7.txt\n D f9/9.txt\n?? f8/made.txt\n");
    fenced(&home, "git add -A && git commit -qm 2");
    assert_eq!(plain(&home, "git status --short; git log --format=%s; git fsck 2>&1").stdout, "2\n1\n");
    // A walk over all of it takes longer than this on any machine; the benchmark tells how long it is.
    assert!(few < Duration::from_secs(10), "{few:?}");
    let (guarded, plainly) = (stat(&home), plain(&home, "find . -type f -not -path './.git/*' | wc -l").stdout);
    assert_eq!(guarded, plainly);
}

fn stat(home: &crate::cli::Home) -> String {
    fenced(home, "find . -type f -not -path './.git/*' | wc -l").stdout
}
