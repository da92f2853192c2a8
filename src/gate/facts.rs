//! Gathers what the world looks like to a command: programs along `PATH`, paths through their links.
//! Knows the file system; decides nothing.

use crate::action::shell::{Command, Kind, Word};
use crate::action::{Action, Facts, Found, Program, Shell};
use rustix::fs::{Access, FileType, access, lstat, readlink, stat};
use rustix::io::Errno;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// How many links are followed in one path, as the kernel does.
const LINKS: usize = 40;
/// How many words are looked up; further ones stay unknown.
const WORDS: usize = 4096;
/// Where programs are looked for without a `PATH`, as `execvp` does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Looks up every program and path of `action` as a command started in `cwd` with `environment` would find them.
/// `writable` are the places, without links, where a fenced command may write.
pub fn gather(
    action: &Action,
    project: &Path,
    cwd: &Path,
    environment: &[(OsString, OsString)],
    writable: &[PathBuf],
) -> Facts {
    let Action::Shell(shell) = action;
    let mut lookup = Lookup { writable, folders: HashSet::new(), cwd: PathBuf::new(), path: OsStr::new(DEFAULT_PATH) };
    let project = lookup.resolve(project).real;
    lookup.cwd = lookup.resolve(cwd).real;
    if let Some((_, path)) = environment.iter().find(|(name, _)| name == "PATH") {
        lookup.path = path;
    }
    let known = known(environment);
    let mut facts = Facts {
        project,
        cwd: lookup.cwd.clone(),
        home: known.get("HOME").map(PathBuf::from),
        environment: known,
        ..Facts::default()
    };
    lookup.all(shell, &mut facts);
    facts.folders = lookup.folders;
    facts
}

/// The variables whose names and values are text, as [`Shell::from_line_in`] wants them.
pub fn known(environment: &[(OsString, OsString)]) -> HashMap<String, String> {
    let text = environment.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
    text.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A look at the file system that remembers which folders are plain folders.
struct Lookup<'a> {
    writable: &'a [PathBuf],
    folders: HashSet<PathBuf>,
    cwd: PathBuf,
    path: &'a OsStr,
}

/// Where a path leads.
struct Resolved {
    real: PathBuf,
    /// Whether there is anything.
    exists: bool,
    /// Whether it, or any link or folder on the way, lies where a fenced command may write.
    writable: bool,
    looped: bool,
}

impl Lookup<'_> {
    fn all(&mut self, shell: &Shell, facts: &mut Facts) {
        for command in shell.commands().iter().chain(shell.suspects()) {
            if facts.paths.len() + facts.programs.len() > WORDS {
                return;
            }
            if command.kind == Kind::External
                && let Some(word) = command.program_word()
            {
                self.program(command, word, facts);
            }
            for wrapper in command.wrappers.iter().filter(|wrapper| wrapper.kind == Kind::External) {
                self.program(command, &wrapper.word, facts);
            }
            command.path_texts(|text| self.path(command, text, facts));
        }
    }

    fn program(&mut self, command: &Command, word: &Word, facts: &mut Facts) {
        let Some(name) = word.literal() else { return };
        let key = if name.contains('/') { command.located(name) } else { Some(name.to_owned()) };
        let Some(key) = key else { return };
        if facts.programs.contains_key(&key) {
            return;
        }
        let found = if key.contains('/') { self.file(&self.cwd.join(&key)) } else { self.along_path(&key) };
        facts.programs.insert(key, found);
    }

    fn path(&mut self, command: &Command, value: &str, facts: &mut Facts) {
        if value.is_empty() || value.len() > 4096 || value.contains('\n') {
            return;
        }
        let Some(key) = command.located(value) else { return };
        if let Entry::Vacant(entry) = facts.paths.entry(key) {
            let resolved = self.resolve(&self.cwd.join(entry.key()));
            if resolved.exists {
                facts.present.insert(resolved.real.clone());
            }
            entry.insert(resolved.real);
        }
    }

    /// The first entry of `PATH` that holds an executable `name`. An empty entry is the working folder.
    fn along_path(&mut self, name: &str) -> Found {
        let mut unusable = None;
        for entry in self.path.as_bytes().split(|b| *b == b':') {
            let found = self.file(&self.cwd.join(OsStr::from_bytes(entry)).join(name));
            match found {
                Found::Program(_) => return found,
                Found::Unusable(_) => {
                    unusable.get_or_insert(found);
                }
                Found::Missing => {}
            }
        }
        unusable.unwrap_or(Found::Missing)
    }

    fn file(&mut self, path: &Path) -> Found {
        let status = match stat(path) {
            Ok(status) => status,
            Err(Errno::LOOP) => return Found::Unusable("a loop of links".to_owned()),
            Err(Errno::ACCESS) => return Found::Unusable("cannot be read".to_owned()),
            Err(_) => return Found::Missing,
        };
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile if access(path, Access::EXEC_OK).is_ok() => {}
            FileType::RegularFile => return Found::Unusable("not executable".to_owned()),
            FileType::Directory => return Found::Unusable("a folder".to_owned()),
            FileType::Symlink
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => return Found::Unusable("not a file".to_owned()),
        }
        let resolved = self.resolve(path);
        if resolved.looped {
            return Found::Unusable("a loop of links".to_owned());
        }
        Found::Program(Program { path: path.to_path_buf(), real: resolved.real, writable: resolved.writable })
    }

    /// Follows links as far as the path exists; the rest is appended without `.` and `..`.
    fn resolve(&mut self, path: &Path) -> Resolved {
        let mut resolved = Resolved { real: PathBuf::from("/"), exists: true, writable: false, looped: false };
        let mut rest: Vec<OsString> = parts(path);
        let mut links = 0;
        let mut exists = true;
        while let Some(part) = rest.pop() {
            if part == ".." {
                resolved.real.pop();
                continue;
            }
            resolved.real.push(&part);
            if !exists || self.folders.contains(&resolved.real) {
                resolved.writable |= self.is_writable(&resolved.real);
                continue;
            }
            resolved.writable |= self.is_writable(&resolved.real);
            match lstat(&resolved.real).map(|status| FileType::from_raw_mode(status.st_mode)) {
                Ok(FileType::Symlink) => {
                    links += 1;
                    let target = readlink(&resolved.real, Vec::new());
                    let target = target.map(|target| PathBuf::from(OsString::from_vec(target.into_bytes())));
                    let (Ok(target), true) = (target, links <= LINKS) else {
                        resolved.looped = true;
                        exists = false;
                        continue;
                    };
                    resolved.real.pop();
                    if target.is_absolute() {
                        resolved.real = PathBuf::from("/");
                    }
                    rest.extend(parts(&target));
                }
                Ok(FileType::Directory) => {
                    self.folders.insert(resolved.real.clone());
                }
                Ok(_) => {}
                Err(_) => exists = false,
            }
        }
        resolved.exists = exists;
        resolved
    }

    fn is_writable(&self, path: &Path) -> bool {
        self.writable.iter().any(|place| path.starts_with(place))
    }
}

/// The components of a path, last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev().filter_map(|component| match component {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A project with a folder `bin` outside of it, on `PATH`, that holds an executable `tool`.
    struct World {
        root: tempfile::TempDir,
        project: PathBuf,
        bin: PathBuf,
    }

    impl World {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let real = root.path().canonicalize().unwrap();
            let (project, bin) = (real.join("project"), real.join("bin"));
            fs::create_dir(&project).unwrap();
            fs::create_dir(&bin).unwrap();
            let world = World { root, project, bin };
            world.executable(&world.bin.join("tool"));
            world
        }

        fn executable(&self, path: &Path) {
            fs::write(path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }

        fn gather(&self, line: &str, path: &str) -> Facts {
            let action = Action::Shell(Shell::from_line(line.into()));
            let environment = [("PATH".into(), path.replace("BIN", self.bin.to_str().unwrap()).into())];
            gather(&action, &self.project, &self.project, &environment, std::slice::from_ref(&self.project))
        }

        fn tool(&self) -> Found {
            let tool = self.bin.join("tool");
            Found::Program(Program { path: tool.clone(), real: tool, writable: false })
        }
    }

    #[test]
    fn a_program_is_found_along_path_and_its_wrappers_too() {
        let world = World::new();
        world.executable(&world.bin.join("env"));
        let facts = world.gather("env tool x; nothing; cd y", "/nowhere:BIN");
        assert_eq!(facts.programs.get("tool"), Some(&world.tool()));
        assert!(matches!(facts.programs.get("env"), Some(Found::Program(_))));
        assert_eq!(facts.programs.get("nothing"), Some(&Found::Missing));
        assert_eq!(facts.programs.get("cd"), None, "a builtin is no file");
    }

    #[test]
    fn a_path_entry_that_is_empty_or_relative_lies_in_the_project() {
        // SANDBOX.md, attacks, names: a PATH hijack passes matchers of the last component.
        let world = World::new();
        world.executable(&world.project.join("tool"));
        for path in [":BIN", ".:BIN", "BIN/../project:BIN"] {
            let facts = world.gather("tool", path);
            let Some(Found::Program(program)) = facts.programs.get("tool") else { panic!("{path}: {facts:?}") };
            assert_eq!((path, program.writable), (path, true));
        }
    }

    #[test]
    fn a_link_on_the_way_that_can_be_rewritten_makes_a_program_writable() {
        let world = World::new();
        symlink(world.bin.join("tool"), world.project.join("hop")).unwrap();
        symlink(world.project.join("hop"), world.bin.join("other")).unwrap();
        let facts = world.gather("other; ./hop; project/../../bin/tool", "BIN");
        let expected = |path: PathBuf| Program { path, real: world.bin.join("tool"), writable: true };
        assert_eq!(facts.programs.get("other"), Some(&Found::Program(expected(world.bin.join("other")))));
        assert_eq!(facts.programs.get("./hop"), Some(&Found::Program(expected(world.project.join("./hop")))));
    }

    #[test]
    fn a_path_through_dots_is_what_it_resolves_to() {
        // SANDBOX.md, attacks, shell: `python/../../bin/sh`.
        let world = World::new();
        fs::create_dir(world.project.join("python")).unwrap();
        let facts = world.gather("python/../../bin/tool x", "BIN");
        let program = facts.programs.get("python/../../bin/tool");
        let Some(Found::Program(program)) = program else { panic!("{facts:?}") };
        assert_eq!((&program.real, program.writable), (&world.bin.join("tool"), true));
    }

    #[test]
    fn what_cannot_be_executed_is_told_apart() {
        let world = World::new();
        fs::write(world.project.join("plain"), "").unwrap();
        symlink("loop", world.project.join("loop")).unwrap();
        let facts = world.gather("./plain; ./loop; ../bin; ./none", "BIN");
        let found = |word: &str| facts.programs.get(word).cloned().unwrap();
        assert_eq!(found("./plain"), Found::Unusable("not executable".into()));
        assert_eq!(found("./loop"), Found::Unusable("a loop of links".into()));
        assert_eq!(found("../bin"), Found::Unusable("a folder".into()));
        assert_eq!(found("./none"), Found::Missing);
    }

    #[test]
    fn paths_are_resolved_from_the_folder_the_command_is_in() {
        let world = World::new();
        fs::create_dir(world.project.join("sub")).unwrap();
        symlink(&world.bin, world.project.join("sub/out")).unwrap();
        let facts = world.gather("cd sub && rm out/x --log=../y > new/../z", "BIN");
        let at = |key: &str| facts.paths.get(key).cloned();
        assert_eq!(at("sub/out/x"), Some(world.bin.join("x")));
        assert_eq!(at("sub/../y"), Some(world.project.join("y")));
        assert_eq!(at("sub/new/../z"), Some(world.project.join("sub/z")));
        let shell = Shell::from_line("cd sub && rm out/x".into());
        let command = shell.commands().get(1).unwrap();
        assert_eq!(facts.path(command, "out/x"), Some(world.bin.join("x").as_path()));
    }

    #[test]
    fn nothing_is_looked_up_from_a_folder_that_is_not_known() {
        let world = World::new();
        let facts = world.gather("cd \"$X\" && ./tool a", "BIN");
        assert_eq!((facts.programs.len(), facts.paths.contains_key("a")), (0, false));
        assert!(world.root.path().exists());
    }
}
