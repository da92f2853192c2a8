//! Paths without symbolic links, of which a part is known to be without them already.
//! Knows nothing of what lies there.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// `rest` in `folder`, which is without links, without links; one look for each part of `rest`. An error where there is
/// nothing.
pub fn real_in(folder: &Path, rest: &Path) -> io::Result<PathBuf> {
    let mut at = folder.to_owned();
    for part in rest.components() {
        let Component::Normal(name) = part else { return fs::canonicalize(folder.join(rest)) };
        at.push(name);
        match fs::read_link(&at) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
            Err(error) => return Err(error),
            Ok(_) => return fs::canonicalize(folder.join(rest)),
        }
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_is_known_in_part_is_found_as_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "").unwrap();
        symlink("a/b", root.join("short")).unwrap();
        symlink("/usr", root.join("a/out")).unwrap();
        symlink("nothing", root.join("broken")).unwrap();
        let rests = [
            "",
            "a",
            "a/b/file",
            "short",
            "short/file",
            "a/out",
            "a/out/bin",
            "a/../short",
            "./a/b",
            "broken",
            "none",
            "a/b/file/x",
            "a/none/x",
            "..",
        ];
        for rest in rests {
            let (found, expected) = (real_in(&root, Path::new(rest)), fs::canonicalize(root.join(rest)));
            let kind = |error: io::Error| error.kind();
            assert_eq!(found.map_err(kind), expected.map_err(kind), "{rest}");
        }
    }
}
