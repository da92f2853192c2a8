//! What a command holds on disk without a name: files that it removed, or never named (`O_TMPFILE`), and keeps open.
//! Knows nothing of limits.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// `TMPFS_MAGIC` and `HUGETLBFS_MAGIC` of statfs(2): files in memory, which are counted as such.
const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x9584_58f6];

/// Bytes of disk space of the nameless files that any process below `first` has open or, where guard may look at that
/// (root), has mapped. A file counts once, whoever has it. What a process holds that lets nobody look into it counts nothing.
pub(super) fn held(first: i32) -> u64 {
    let (mut seen, mut total) = (HashSet::new(), 0_u64);
    for process in below(first) {
        for folder in ["fd", "map_files"] {
            let entries = fs::read_dir(format!("/proc/{process}/{folder}"));
            for path in entries.into_iter().flatten().flatten().map(|entry| entry.path()) {
                let Ok(found) = fs::metadata(&path) else { continue };
                let nameless = found.is_file() && found.nlink() == 0;
                if nameless && seen.insert((found.dev(), found.ino())) && !is_in_memory(&path) {
                    total = total.saturating_add(found.blocks().saturating_mul(512));
                }
            }
        }
    }
    total
}

fn is_in_memory(path: &Path) -> bool {
    rustix::fs::statfs(path)
        .is_ok_and(|system| IN_MEMORY.iter().any(|kind| i128::from(*kind) == i128::from(system.f_type)))
}

/// All processes below one.
fn below(first: i32) -> Vec<i32> {
    let mut found = vec![first];
    let mut next = 0;
    while let Some(process) = found.get(next) {
        let tasks = fs::read_dir(format!("/proc/{process}/task"));
        for task in tasks.into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|id| id.parse::<i32>().ok()));
        }
        next += 1;
    }
    // The first one is guard's own.
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    /// A process that holds nameless files on disk and in memory: four megabytes, twice over.
    const HOLDS: &str = "import os, sys\nos.chdir(sys.argv[1])\nkept = open('large', 'wb+')\nkept.write(b'x' * 4_000_000); kept.flush()\n\
        os.remove('large')\nagain = os.dup(kept.fileno())\nmemory = os.memfd_create('x'); os.write(memory, b'x' * 4_000_000)\n\
        named = open('named', 'wb'); named.write(b'x' * 4_000_000); named.flush()\nprint('ready', flush=True)\nsys.stdin.readline()\n";

    #[test]
    fn what_has_no_name_and_is_open_counts_once() {
        let folder = tempfile::tempdir_in(concat!(env!("CARGO_MANIFEST_DIR"), "/target")).unwrap();
        let shell = "python3 -c \"$0\" \"$1\" & python=$!; wait $python; true";
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec 9<&0; {}", shell.replace(" &", " <&9 &")), HOLDS])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let found = held(i32::try_from(child.id()).unwrap());
        assert!(line == "ready\n" && (4_000_000..4_200_000).contains(&found), "{line}{found}");
        writeln!(child.stdin.take().unwrap()).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(held(i32::try_from(child.id()).unwrap()), 0);
    }
}
