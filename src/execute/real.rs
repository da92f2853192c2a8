//! Paths without symbolic links, of which a part is known to be without them already.
//! Knows nothing of what lies there.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
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

/// Where a path leads, and by which links.
#[derive(Debug, PartialEq, Eq)]
pub struct Followed {
    /// Without links; what is not there is as written.
    pub real: PathBuf,
    /// Where each link lies that was followed, in that order.
    pub links: Vec<PathBuf>,
}

/// As many as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// `path`, which is absolute, followed to its end.
pub fn follow(path: &Path) -> Followed {
    let reversed = |path: &Path| path.components().rev().map(|part| part.as_os_str().to_owned()).collect::<Vec<_>>();
    let (mut real, mut links, mut left) = (PathBuf::from("/"), Vec::new(), reversed(path));
    while let Some(part) = left.pop() {
        match part.as_bytes() {
            b"/" => real = PathBuf::from("/"),
            b"." => {}
            b".." => drop(real.pop()),
            _ => {
                real.push(part);
                let Some(to) = fs::read_link(&real).ok().filter(|_| links.len() < MOST_LINKS) else { continue };
                links.push(real.clone());
                real.pop();
                left.extend(reversed(&to));
            }
        }
    }
    Followed { real, links }
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
    #[test]
    fn each_link_on_the_way_is_named_where_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("real/deep")).unwrap();
        fs::create_dir(root.join("w")).unwrap();
        symlink("w/b", root.join("a")).unwrap();
        symlink(root.join("real"), root.join("w/b")).unwrap();
        symlink("../real/none", root.join("w/broken")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let cases: [(&str, &str, &[&str]); 6] = [
            ("real/deep", "real/deep", &[]),
            ("a/deep/x", "real/deep/x", &["a", "w/b"]),
            ("w/./../a/../w", "w", &["a", "w/b"]),
            ("w/broken/x", "real/none/x", &["w/broken"]),
            ("none/b/c", "none/b/c", &[]),
            ("w/b", "real", &["w/b"]),
        ];
        for (path, real, links) in cases {
            let links = links.iter().map(|link| root.join(link)).collect();
            assert_eq!(follow(&root.join(path)), Followed { real: root.join(real), links }, "{path}");
        }
        assert_eq!(follow(&root.join("loop")).links.len(), MOST_LINKS);
    }
}
