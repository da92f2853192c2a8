//! A project below a real overlay mount, and what stands in a tree.

use guard::action::{ChangeKind, ChangeSet, Node};
use guard::execute::change::{open_written, read};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) struct Scene {
    pub(crate) root: tempfile::TempDir,
    pub(crate) project: PathBuf,
    pub(crate) upper: PathBuf,
}

/// What stands at a path: kind, mode, content or target.
pub(crate) type Tree = BTreeMap<PathBuf, (&'static str, u32, Vec<u8>)>;

impl Scene {
    /// A project that `script` makes.
    pub(crate) fn new(script: &str) -> Self {
        let base = match std::env::var_os("GUARD_TEST_BASE") {
            Some(base) => PathBuf::from(base),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/changes"),
        };
        fs::create_dir_all(&base).unwrap();
        let root = tempfile::tempdir_in(base).unwrap();
        let [project, upper, ..] = ["project", "upper", "work", "merged"].map(|name| {
            let folder = root.path().join(name);
            fs::create_dir(&folder).unwrap();
            folder
        });
        let scene = Self { root, project, upper };
        scene.unfenced(script);
        scene
    }

    fn bash(script: &str, command: &mut Command, folder: &Path) -> String {
        let output = command
            .args(["bash", "--noprofile", "--norc", "-euc", script])
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "a")
            .env("GIT_AUTHOR_EMAIL", "a@b")
            .env("GIT_COMMITTER_NAME", "a")
            .env("GIT_COMMITTER_EMAIL", "a@b")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{script}: {said}");
        said
    }

    /// Runs a script in the project itself.
    pub(crate) fn unfenced(&self, script: &str) -> String {
        self.plainly(script, &self.project)
    }

    /// Runs a script in any folder.
    pub(crate) fn plainly(&self, script: &str, folder: &Path) -> String {
        Self::bash(script, &mut Command::new("env"), folder)
    }

    /// Runs a script in the project as an overlay shows it; its writes go to the upper layer.
    pub(crate) fn fenced(&self, script: &str) -> String {
        self.fenced_to(&self.upper, &self.root.path().join("work"), script)
    }

    /// The same with other layers.
    pub(crate) fn fenced_to(&self, upper: &Path, work: &Path, script: &str) -> String {
        let user = if rustix::process::geteuid().is_root() { "-m" } else { "-mUr" };
        let (upper, work) = (upper.display(), work.display());
        let options = format!("userxattr,lowerdir=project,upperdir={upper},workdir={work}");
        let mount = format!("mount -t overlay overlay -o {options} merged && cd merged && exec \"$@\"");
        let mut command = Command::new("unshare");
        command.args([user, "bash", "-c", &mount, "-"]);
        Self::bash(script, &mut command, self.root.path())
    }

    pub(crate) fn changes(&self) -> ChangeSet {
        read(&self.upper, &self.project).unwrap()
    }

    /// Runs a script in the overlay: what changed, a line each.
    pub(crate) fn after(&self, script: &str) -> Vec<String> {
        self.fenced(script);
        told(&self.changes())
    }

    /// Applies a change set to the project.
    pub(crate) fn apply(&self, set: &ChangeSet) {
        assert!(!set.cut);
        for change in set.changes.iter().rev() {
            let at = self.project.join(&change.path);
            match (&change.before, &change.after) {
                (Some(Node::Folder { .. }), Some(Node::Folder { .. })) => {}
                (Some(Node::Folder { .. }), _) => fs::remove_dir(&at).unwrap(),
                (Some(_), _) => fs::remove_file(&at).unwrap(),
                (None, _) => {}
            }
        }
        for change in &set.changes {
            let at = self.project.join(&change.path);
            match &change.after {
                Some(Node::File { mode, .. }) => {
                    let mut content = Vec::new();
                    open_written(&self.upper, &change.path).unwrap().read_to_end(&mut content).unwrap();
                    fs::write(&at, content).unwrap();
                    fs::set_permissions(&at, fs::Permissions::from_mode(*mode)).unwrap();
                }
                Some(Node::Link { to }) => symlink(to, &at).unwrap(),
                Some(Node::Folder { .. }) if change.kind() == ChangeKind::Mode => {}
                Some(Node::Folder { .. }) => fs::create_dir(&at).unwrap(),
                Some(Node::Special { .. }) => unreachable!("nothing special comes in: {}", at.display()),
                None => {}
            }
        }
        for change in set.changes.iter().rev() {
            if let Some(Node::Folder { mode }) = change.after {
                fs::set_permissions(self.project.join(&change.path), fs::Permissions::from_mode(mode)).unwrap();
            }
        }
    }
}

/// A change set as lines: `create a/b file 644`.
pub(crate) fn told(set: &ChangeSet) -> Vec<String> {
    let node = |node: &Option<Node>| match node {
        Some(Node::File { mode, len, .. }) => format!("file {mode:o} {len}"),
        Some(Node::Link { to }) => format!("link {}", to.display()),
        Some(Node::Folder { mode }) => format!("folder {mode:o}"),
        Some(Node::Special { kind }) => (*kind).to_owned(),
        None => "-".to_owned(),
    };
    let changes = set.changes.iter().map(|change| {
        let path = change.path.as_os_str().as_bytes().escape_ascii();
        format!("{} {path}: {} > {}", change.kind().word(), node(&change.before), node(&change.after))
    });
    let left = set.left_out.iter().map(|path| format!("left out {}", path.display()));
    let linked = set.linked.iter().map(|path| format!("linked {}", path.display()));
    let cut = set.cut.then(|| "cut".to_owned());
    changes.chain(left).chain(linked).chain(cut).collect()
}

/// Everything below a folder.
pub(crate) fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            let meta = fs::symlink_metadata(root.join(&path)).unwrap();
            let (kind, mode, content) = if meta.is_dir() {
                folders.push(path.clone());
                ("folder", meta.mode() & 0o7777, Vec::new())
            } else if meta.is_symlink() {
                let to = fs::read_link(root.join(&path)).unwrap();
                ("link", 0, to.into_os_string().as_bytes().to_vec())
            } else if meta.file_type().is_file() {
                ("file", meta.mode() & 0o7777, fs::read(root.join(&path)).unwrap())
            } else {
                (if meta.file_type().is_fifo() { "pipe" } else { "special" }, 0, Vec::new())
            };
            tree.insert(path, (kind, mode, content));
        }
    }
    tree
}

/// A path from bytes.
pub(crate) fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}
