//! From what a policy grants to what the fence is told: folders, environment, level.
//! Knows no rules.

use super::{Project, Stop, World};
use crate::action::shell::Asked;
use crate::action::{Action, Facts, Found};
use crate::decide::policy::Require;
use crate::decide::{Judgement, Policy, Verdict};
use crate::execute::{Environment, ExecuteError, Level, Limits, Place};
use std::path::{Path, PathBuf};

/// Where a command may write, so that a program found there proves nothing by its name.
pub(super) fn writable(root: &Path) -> Vec<PathBuf> {
    let mut writable = vec![root.to_owned()];
    writable.extend(["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from));
    writable
}

/// What a command finds in its environment.
pub(super) fn environment(world: &World, granted: &[String]) -> Environment {
    Environment::new(world.environment.iter().cloned(), granted, &caches())
}

/// Where caches are pointed to: a folder of this run alone, in the fence's private `/tmp`.
fn caches() -> PathBuf {
    PathBuf::from(format!("/tmp/guard-caches-{}", std::process::id()))
}

/// Where a command runs, and what it must not see or change there.
pub(super) fn place(world: &World, project: &Project, policy: &Policy) -> Place {
    let mut reads = super::homes::reads(world, &project.root, &policy.settings().toolchain);
    super::dotenv::recall(project, &mut reads);
    reads.compiled = Some(compiled()).filter(|kept| is_apart(kept, &project.root));
    Place {
        project: project.root.clone(),
        cwd: world.cwd.clone(),
        protected: project.protected(),
        hidden: project.hidden(),
        caches: caches(),
        reads,
    }
}

/// Where it is kept from run to run what is compiled of libraries: in memory, since on a disk it would take longer than Python
/// does, and by no name that a variable of the caller's has a say in. Whoever writes there leads a Python wherever they wish.
pub(super) fn compiled() -> PathBuf {
    PathBuf::from(format!("/dev/shm/guard-{}", rustix::process::geteuid().as_raw()))
}

/// Whether neither lies in the other.
fn is_apart(one: &Path, other: &Path) -> bool {
    !one.starts_with(other) && !other.starts_with(one)
}

/// The libraries of every Python that a command names.
pub(super) fn libraries(facts: &Facts) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = facts
        .programs
        .values()
        .filter_map(|found| match found {
            Found::Program(program) => Some(crate::execute::libraries(&program.path)),
            Found::Missing | Found::Unusable(_) => None,
        })
        .flatten()
        .collect();
    all.sort();
    all.dedup();
    all
}

/// What a command may use.
pub(super) fn limits(policy: &Policy) -> Limits {
    let given = &policy.settings().limits;
    Limits {
        memory: given.memory,
        memory_window: given.memory_window,
        total_write: given.total_write,
        watched: None,
        output: given.output,
        cpu: given.cpu,
        processes: given.processes,
        open_files: given.open_files,
    }
}

/// The level of the fence that the policy demands.
pub(super) fn required(policy: &Policy) -> Level {
    match policy.settings().require {
        Require::Full => Level::Full,
        Require::NoOverlay => Level::Partial,
        Require::Landlock => Level::Landlock,
    }
}

/// Where a program was asked for by its arguments and nothing but its absence speaks against it: that it is not there,
/// or cannot be executed.
pub(super) fn absent(judgement: &Judgement, facts: &Facts) -> Option<Stop> {
    let only = |found: &crate::decide::Match| matches!(found.id.as_str(), "guard:no-program" | "guard:not-executable");
    if !judgement.matches().iter().filter(|found| found.verdict == Verdict::Deny).all(only) {
        return None;
    }
    let Action::Shell(shell) = judgement.action();
    let (Asked::Argv(_), [command, ..]) = (shell.asked(), shell.commands()) else { return None };
    let program = command.program_word()?;
    match facts.found(command, program)? {
        Found::Missing => Some(Stop::Execute(ExecuteError::NoProgram(program.text.clone()))),
        Found::Unusable(cause) => {
            Some(Stop::Execute(ExecuteError::NotExecutable { program: program.text.clone(), cause: cause.clone() }))
        }
        Found::Program(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_is_not_kept_in_a_project() {
        let kept = compiled();
        assert!(is_apart(&kept, Path::new("/home/p")) && is_apart(&kept, Path::new("/dev/shm/p")));
        for root in [Path::new("/dev/shm"), &kept, &kept.join("p")] {
            assert!(!is_apart(&kept, root), "{}", root.display());
        }
    }
}
