//! What of Python is installed for a project, or is to be: its virtual environment, its interpreter's libraries, and what
//! its lists of requirements name.
//! Reads names of files and small lists; runs nothing.

use super::tree::Tree;
use super::version::{ENVIRONMENTS, interpreter};
use crate::action::source::{distributions, included, is_moving, may_hold};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};
use toml::{Table, Value};

/// Bytes of a list of requirements, at most.
const LONGEST: u64 = 1 << 20;

/// Installed and declared distributions, and where the project's own modules begin.
#[derive(Debug, Default)]
pub(super) struct Sites {
    /// Folders of installed modules.
    folders: Vec<PathBuf>,
    /// Distributions that are declared, by their normal names.
    declared: BTreeSet<String>,
    /// Folders of the project, from its root, in which modules begin.
    pub(super) roots: Vec<PathBuf>,
    known: RefCell<HashMap<String, bool>>,
    /// Where the interpreter's own modules lie.
    standard: Option<PathBuf>,
    project: PathBuf,
}

impl Sites {
    /// Those of a project; `folders`: those of the files that import, which may be projects of their own.
    pub(super) fn of(tree: &Tree<'_>, path: Option<&OsStr>, home: Option<&Path>, folders: &BTreeSet<&Path>) -> Self {
        let mut sites = Self { project: tree.root().to_owned(), ..Self::default() };
        let environments = ENVIRONMENTS
            .iter()
            .map(|name| tree.root().join(name))
            .chain(super::folders(path).into_iter().filter_map(|folder| folder.parent().map(Path::to_owned)));
        for environment in environments.filter(|folder| folder.join("pyvenv.cfg").is_file()) {
            sites.libraries(&environment.join("lib"));
        }
        let interpreter = interpreter(tree.root(), path);
        if let Some(prefix) = interpreter.as_deref().and_then(Path::parent).and_then(Path::parent) {
            let name = interpreter.as_deref().and_then(Path::file_name).unwrap_or_default();
            sites.standard = Some(prefix.join("lib").join(name)).filter(|folder| folder.join("os.py").is_file());
            sites.libraries(&prefix.join("lib"));
            sites.libraries(&prefix.join("local/lib"));
        }
        if let Some(home) = home {
            sites.libraries(&home.join(".local/lib"));
        }
        sites.links();
        sites.declare(tree, folders);
        sites
    }

    /// `pythonX.Y/site-packages` below a folder, and Debian's names for it.
    fn libraries(&mut self, lib: &Path) {
        let there = fs::read_dir(lib).into_iter().flatten().flatten().map(|entry| entry.path());
        let python = |path: &PathBuf| {
            path.file_name()
                .and_then(OsStr::to_str)
                .is_some_and(|name| name.starts_with("python") || name.starts_with("pypy"))
        };
        for folder in there.filter(python) {
            for name in ["site-packages", "dist-packages"] {
                let folder = folder.join(name);
                if folder.is_dir() && !self.folders.contains(&folder) {
                    self.folders.push(folder);
                }
            }
        }
    }

    /// Folders that `.pth` and `.egg-link` files add.
    fn links(&mut self) {
        let mut more = Vec::new();
        for folder in &self.folders {
            let there = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
            let listed = there.filter(|path| path.extension().is_some_and(|end| end == "pth" || end == "egg-link"));
            for text in listed.filter_map(|path| small(&path)) {
                let lines =
                    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '.']));
                more.extend(lines.filter(|line| !line.starts_with("import ")).map(|line| folder.join(line)));
            }
        }
        // The project's own modules are looked for where they lie.
        let (own, others): (Vec<PathBuf>, Vec<PathBuf>) =
            more.into_iter().filter(|folder| folder.is_dir()).partition(|folder| folder.starts_with(&self.project));
        self.roots.extend(own.iter().filter_map(|own| own.strip_prefix(&self.project).ok()).map(Path::to_owned));
        self.folders.extend(others);
    }

    /// Distributions that the project names, and where it says its modules begin.
    fn declare(&mut self, tree: &Tree<'_>, folders: &BTreeSet<&Path>) {
        let text = |path: &Path| String::from_utf8(tree.read(path, LONGEST)?).ok();
        let mut lists: Vec<PathBuf> = Vec::new();
        for folder in folders.iter().copied().chain([Path::new("")]).collect::<BTreeSet<_>>() {
            lists.extend(tree.names(folder));
            lists.extend(tree.names(&folder.join("requirements")));
        }
        let mut included: BTreeSet<PathBuf> = BTreeSet::new();
        for path in &lists {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let in_folder = path.parent().is_some_and(|folder| folder.ends_with("requirements"));
            let is_list = (name.ends_with(".txt") || name.ends_with(".in"))
                && (in_folder
                    || ["requirements", "constraints", "dev-requirements"].iter().any(|start| name.starts_with(start)));
            if let Some(text) = Some(path).filter(|_| is_list).and_then(|path| text(path)) {
                self.list(path, &text, &mut included);
            }
        }
        // What those include includes no more than that.
        for path in included.clone() {
            if let Some(text) = text(&path) {
                self.list(&path, &text, &mut included);
            }
        }
        for folder in folders.iter().copied().chain([Path::new("")]).collect::<BTreeSet<_>>() {
            let tables = ["pyproject.toml", "Pipfile"].map(|name| text(&folder.join(name))?.parse::<Table>().ok());
            for table in tables.iter().flatten() {
                self.table(table, folder);
            }
        }
        for name in ["setup.cfg", "setup.py"] {
            // Whatever they quote or list may be a requirement: being named is enough.
            if let Some(text) = text(Path::new(name)) {
                let words =
                    text.split(['"', '\'', '\n']).map(str::trim).filter(|word| word.len() < 100 && !word.contains('='));
                let lines: String = words.flat_map(|word| [word, "\n"]).collect();
                self.declared.extend(distributions(&lines).into_iter().map(|one| one.name));
            }
        }
        // Projects within the project.
        let there = tree.names(Path::new(""));
        self.roots
            .extend(there.iter().map(|folder| folder.join("src")).filter(|folder| tree.root().join(folder).is_dir()));
        let own = |folder: &&PathBuf| {
            ["pyproject.toml", "setup.py"].iter().any(|name| tree.root().join(folder).join(name).is_file())
        };
        self.roots.extend(there.iter().filter(own).cloned());
    }

    /// What a list of requirements names, and which lists it includes.
    fn list(&mut self, path: &Path, text: &str, into: &mut BTreeSet<PathBuf>) {
        self.declared.extend(distributions(text).into_iter().map(|one| one.name));
        into.extend(included(text).iter().filter_map(|named| beside(path, named)));
    }

    /// What `pyproject.toml` or `Pipfile` of a folder declares.
    fn table(&mut self, table: &Table, folder: &Path) {
        let at = |path: &[&str]| {
            let mut value = table.get(*path.first()?)?;
            for key in path.iter().skip(1) {
                value = value.get(*key)?;
            }
            Some(value)
        };
        let texts = |value: &Value| -> Vec<String> {
            match value {
                Value::Array(all) => all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
                Value::String(one) => vec![one.clone()],
                Value::Table(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
                    vec![]
                }
            }
        };
        let mut lines: Vec<String> = at(&["project", "dependencies"]).map(texts).unwrap_or_default();
        for groups in [at(&["project", "optional-dependencies"]), at(&["dependency-groups"])].into_iter().flatten() {
            lines.extend(groups.as_table().into_iter().flat_map(Table::values).flat_map(texts));
        }
        let poetry = at(&["tool", "poetry"]);
        let groups = poetry.and_then(|poetry| poetry.get("group")).and_then(Value::as_table);
        let mut named: Vec<&Value> =
            groups.into_iter().flat_map(Table::values).filter_map(|group| group.get("dependencies")).collect();
        named.extend(poetry.and_then(|poetry| poetry.get("dependencies")));
        named.extend(poetry.and_then(|poetry| poetry.get("dev-dependencies")));
        named.extend(["packages", "dev-packages"].iter().filter_map(|key| at(&[key])));
        lines.extend(named.into_iter().filter_map(Value::as_table).flat_map(Table::keys).cloned());
        self.declared.extend(distributions(&lines.join("\n")).into_iter().map(|one| one.name));
        let begins: [&[&str]; 4] = [
            &["tool", "pytest", "ini_options", "pythonpath"],
            &["tool", "setuptools", "packages", "find", "where"],
            &["tool", "mypy", "mypy_path"],
            &["tool", "hatch", "build", "sources"],
        ];
        self.roots.extend(begins.iter().filter_map(|path| at(path)).flat_map(texts).map(|root| folder.join(root)));
        let packages = poetry.and_then(|poetry| poetry.get("packages")).and_then(Value::as_array);
        let from = packages
            .into_iter()
            .flatten()
            .filter_map(|package| package.get("from")?.as_str().map(|from| folder.join(from)));
        self.roots.extend(from);
    }

    /// Whether a module of the standard library has these parts; what cannot be told it has.
    pub(super) fn has_standard(&self, parts: &[&str]) -> bool {
        let (Some(lib), Some((first, rest))) = (&self.standard, parts.split_first()) else { return true };
        let mut at = lib.join(first);
        // What came or went, and what the system's packages take apart, may be there in parts.
        if rest.is_empty() || is_moving(first) || !at.exists() && !lib.join(format!("{first}.py")).is_file() {
            return true;
        }
        for part in rest {
            let file = at.with_extension("py");
            if !at.is_dir() {
                // A file that makes modules of its own, as `os` does `os.path`.
                return small(&file).is_none_or(|text| text.contains("sys.modules["));
            }
            let compiled = fs::read_dir(&at).into_iter().flatten().flatten().any(|entry| {
                let name = entry.file_name().into_string().unwrap_or_default();
                name.strip_prefix(part).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".so"))
            });
            if compiled {
                return true;
            }
            at = at.join(part);
            if !at.is_dir() && !at.with_extension("py").is_file() {
                return false;
            }
        }
        true
    }

    /// Whether a top-level module is installed, or a declared distribution may well hold it.
    pub(super) fn hold(&self, module: &str) -> bool {
        if let Some(known) = self.known.borrow().get(module) {
            return *known;
        }
        let holds = self.folders.iter().any(|folder| is_in(folder, module, &self.project))
            || self.declared.iter().any(|distribution| may_hold(distribution, module));
        self.known.borrow_mut().insert(module.to_owned(), holds);
        holds
    }
}

/// The path of a file that another names from where it lies itself; `None`: it is outside.
pub(super) fn beside(file: &Path, named: &str) -> Option<PathBuf> {
    let mut found = file.parent()?.to_owned();
    for part in Path::new(named).components() {
        match part {
            Component::Normal(name) => found.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !found.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(found)
}

/// Whether a folder of modules holds one of that name: a file, a folder, something compiled, or one that an editable
/// installation finds elsewhere, but not in the project.
fn is_in(folder: &Path, module: &str, project: &Path) -> bool {
    if folder.join(module).is_dir() || folder.join(format!("{module}.py")).is_file() {
        return true;
    }
    let there = fs::read_dir(folder).into_iter().flatten().flatten();
    there.filter_map(|entry| entry.file_name().into_string().ok()).any(|name| {
        let compiled = name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".so"));
        let finder = name.starts_with("__editable__") && name.ends_with("finder.py");
        let own = project.to_string_lossy();
        let found = |text: &str| text.contains(&format!("'{module}'")) && !text.contains(&*own);
        compiled || finder && small(&folder.join(&name)).is_some_and(|text| found(&text))
    })
}

fn small(path: &Path) -> Option<String> {
    let bytes = crate::gate::files::small(path, LONGEST).ok()??;
    String::from_utf8(bytes).ok()
}
