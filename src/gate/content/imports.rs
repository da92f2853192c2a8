//! Whether what a Python file imports is there: in the project with its changes, in the standard library, among installed
//! distributions, or named in a list of requirements.
//! Reads folders and files; runs nothing.

use super::sites::Sites;
use super::tree::{Stands, Tree};
use crate::action::source::{Import, Module, PythonVersion, is_standard, python};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Bytes of a module that is imported from, at most.
const LONGEST: u64 = 10 << 20;

/// Where imports are looked for.
pub(super) struct Resolver<'a> {
    tree: Tree<'a>,
    sites: &'a Sites,
    version: PythonVersion,
    /// Modules that were read.
    read: RefCell<HashMap<PathBuf, Option<Rc<Module>>>>,
}

/// A module of the project.
enum Found {
    /// A file.
    File(PathBuf),
    /// A folder with an `__init__`.
    Package(PathBuf, PathBuf),
    /// A folder without.
    Folder(PathBuf),
    /// Something that cannot be looked into: compiled, or a link.
    Closed,
}

/// What is wrong with an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Missing {
    /// The module is not there.
    Module(String),
    /// The module is, the name is not.
    Name(String),
}

impl<'a> Resolver<'a> {
    pub(super) fn new(tree: Tree<'a>, sites: &'a Sites, version: PythonVersion) -> Self {
        Self { tree, sites, version, read: RefCell::default() }
    }

    /// The project's files.
    pub(super) fn tree(&self) -> &Tree<'a> {
        &self.tree
    }

    /// What of an import of `file` is not there.
    pub(super) fn missing(&self, file: &Path, import: &Import) -> Option<Missing> {
        if import.may_fail {
            return None;
        }
        let dots = ".".repeat(import.level as usize);
        let whole = format!("{dots}{}", import.module);
        let absent = || Some(Missing::Module(format!("no module `{whole}`")));
        let parts: Vec<&str> = import.module.split('.').filter(|part| !part.is_empty()).collect();
        let name = import.name.as_deref().filter(|name| *name != "*" && !name.starts_with("__"));
        let wrong = |found: &Found| name.and_then(|name| self.unnamed(found, &whole, name));
        if import.level > 0 {
            let Some(base) = file.ancestors().nth(import.level as usize) else {
                return Some(Missing::Module(format!("`{whole}` leads out of the project")));
            };
            return self.find(base, &parts).map_or_else(absent, |found| wrong(&found));
        }
        let first = parts.first().copied().unwrap_or_default();
        if is_standard(first, self.version) {
            return if self.sites.has_standard(&parts) { None } else { absent() };
        }
        let roots = self.roots(file);
        if import.typed && roots.iter().all(|(root, _)| self.find(root, &[first]).is_none()) {
            return None;
        }
        // Several folders may hold one of that name (`tests/services` beside `services`): one that has all is enough.
        let mut blamed: Option<(bool, Missing)> = None;
        for (root, is_sure) in &roots {
            let Some(found) = self.find(root, &parts) else { continue };
            let missing = wrong(&found)?;
            let is_sure = *is_sure && !matches!(found, Found::Folder(_));
            if is_sure || blamed.is_none() {
                blamed = Some((is_sure, missing));
            }
        }
        match blamed {
            Some((true, missing)) => Some(missing),
            // What is installed comes before a folder that only has its name.
            Some(_) | None if self.sites.hold(first) => None,
            Some((_, missing)) => Some(missing),
            None => absent(),
        }
    }

    /// What keeps a name from being imported from a module of the project.
    fn unnamed(&self, found: &Found, module: &str, name: &str) -> Option<Missing> {
        match found {
            Found::File(path) => {
                let known = self.binds(path, name, 0);
                (!known).then(|| Missing::Name(format!("`{module}` has no name `{name}`")))
            }
            Found::Package(folder, init) => {
                let known = self.find(folder, &[name]).is_some() || self.binds(init, name, 0);
                (!known).then(|| Missing::Module(format!("`{module}` has neither a module nor a name `{name}`")))
            }
            Found::Folder(folder) => {
                let known = self.find(folder, &[name]).is_some();
                (!known).then(|| Missing::Module(format!("`{module}` has no module `{name}`")))
            }
            Found::Closed => None,
        }
    }

    /// Folders from which an import of `file` may begin: those it lies in, those the project is said to begin in, and
    /// those that every such project has; and whether imports do begin there, whoever runs it.
    fn roots(&self, file: &Path) -> Vec<(PathBuf, bool)> {
        let above = file.ancestors().skip(1).map(|folder| (folder.to_owned(), folder == Path::new("")));
        let usual = ["src", "lib", "python"].map(PathBuf::from).into_iter();
        above.chain(usual.chain(self.sites.roots.iter().cloned()).map(|root| (root, true))).collect()
    }

    /// The module of these parts below a folder.
    fn find(&self, base: &Path, parts: &[&str]) -> Option<Found> {
        let mut at = base.to_owned();
        let mut found = match self.init(&at) {
            Some(init) => Found::Package(at.clone(), init),
            None => Found::Folder(at.clone()),
        };
        for part in parts {
            match found {
                Found::Package(..) | Found::Folder(_) => {}
                Found::Closed => return Some(Found::Closed),
                Found::File(_) => return None,
            }
            let folder = at.join(part);
            let stands = self.tree.stands(&folder);
            let file = |ending: &str| Some(at.join(format!("{part}.{ending}"))).filter(|path| self.is_file(path));
            found = if let Some(init) = Some(stands).filter(|at| *at == Stands::Folder).and_then(|_| self.init(&folder))
            {
                Found::Package(folder.clone(), init)
            } else if let Some(file) = file("py").or_else(|| file("pyi")) {
                Found::File(file)
            } else if stands == Stands::Link || self.is_compiled(&at, part) {
                Found::Closed
            } else if stands == Stands::Folder {
                Found::Folder(folder.clone())
            } else {
                return None;
            };
            at = folder;
        }
        Some(found)
    }

    fn init(&self, folder: &Path) -> Option<PathBuf> {
        ["__init__.py", "__init__.pyi"].iter().map(|name| folder.join(name)).find(|path| self.is_file(path))
    }

    fn is_file(&self, path: &Path) -> bool {
        matches!(self.tree.stands(path), Stands::File | Stands::Link)
    }

    /// Whether a compiled module of that name lies in a folder, or the source of one.
    fn is_compiled(&self, folder: &Path, name: &str) -> bool {
        self.tree.names(folder).iter().any(|path| {
            let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let rest = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| {
                ["so", "pyd", "pyx", "c", "cpp"].iter().any(|ending| rest.rsplit('.').next() == Some(ending))
            })
        })
    }

    /// Whether a file of the project binds a name, by a star of another as well. What cannot be told it does.
    fn binds(&self, path: &Path, name: &str, depth: usize) -> bool {
        const DEEPEST: usize = 20;
        let Some(module) = self.module(path) else { return true };
        if module.dynamic || depth > DEEPEST || module.names.contains(name) {
            return true;
        }
        let mut stars = module.imports.iter().filter(|import| import.outer && import.name.as_deref() == Some("*"));
        stars.any(|star| {
            let parts: Vec<&str> = star.module.split('.').filter(|part| !part.is_empty()).collect();
            let found = if star.level > 0 {
                path.ancestors().nth(star.level as usize).and_then(|base| self.find(base, &parts))
            } else {
                self.roots(path).iter().find_map(|(root, _)| self.find(root, &parts))
            };
            match found {
                Some(Found::File(path) | Found::Package(_, path)) => {
                    // A star takes no hidden names, unless they are named.
                    let hidden = name.starts_with('_')
                        && self.module(&path).is_some_and(|module| !module.names.contains("__all__"));
                    !hidden && self.binds(&path, name, depth + 1)
                }
                Some(Found::Folder(_)) => false,
                Some(Found::Closed) | None => true,
            }
        })
    }

    /// A module of the project; `None`: it cannot be read.
    fn module(&self, path: &Path) -> Option<Rc<Module>> {
        if let Some(known) = self.read.borrow().get(path) {
            return known.clone();
        }
        let text = self.tree.read(path, LONGEST).and_then(|bytes| String::from_utf8(bytes).ok());
        let module = text.and_then(|text| python(&text, self.version).ok()).map(Rc::new);
        self.read.borrow_mut().insert(path.to_owned(), module.clone());
        module
    }
}
