//! The program a fence is for: what is asked, whether it is there, and how `execve` takes it.
//! Knows no fence.

use super::layout::c_path;
use crate::execute::ExecuteError;
use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const BASH: [&str; 4] = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/run/current-system/sw/bin/bash"];

/// The two ways to ask for a command.
#[derive(Debug, Clone)]
pub enum Work {
    /// A file to execute, and its argument vector as asked.
    Argv {
        /// Absolute path of the file.
        program: PathBuf,
        /// Arguments, the name included.
        argv: Vec<OsString>,
    },
    /// A line for bash.
    Line(OsString),
}

/// Program and arguments as `execve` takes them.
pub(super) fn words(work: &Work) -> Result<(CString, Vec<CString>), ExecuteError> {
    let c = |word: &OsStr| {
        CString::new(word.as_bytes()).map_err(|_| ExecuteError::System {
            what: "pass the arguments on".to_owned(),
            cause: "a NUL byte".to_owned(),
        })
    };
    match work {
        Work::Argv { program, argv } => Ok((c_path(program)?, argv.iter().map(|a| c(a)).collect::<Result<_, _>>()?)),
        Work::Line(line) => {
            let bash = bash()?;
            let argv = ["bash", "--noprofile", "--norc", "-c"].map(OsStr::new);
            let argv = argv.into_iter().chain([line.as_os_str()]);
            Ok((c_path(bash)?, argv.map(c).collect::<Result<_, _>>()?))
        }
    }
}

fn bash() -> Result<&'static Path, ExecuteError> {
    let found = BASH.iter().map(Path::new).find(|path| path.exists());
    found.ok_or_else(|| ExecuteError::NoProgram("bash".to_owned()))
}

/// Checks that there is something to execute, so that no fence is built in vain.
pub(super) fn executable(work: &Work) -> Result<(), ExecuteError> {
    let (program, asked) = match work {
        Work::Argv { program, argv } => (program.as_path(), argv.first().map_or(program.as_os_str(), |a| a)),
        Work::Line(_) => (bash()?, OsStr::new("bash")),
    };
    let asked = asked.to_string_lossy().into_owned();
    let refuse = |cause: String| Err(ExecuteError::NotExecutable { program: asked.clone(), cause });
    match fs::metadata(program) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ExecuteError::NoProgram(asked)),
        Err(error) => refuse(error.to_string()),
        Ok(found) if found.is_dir() => refuse("it is a folder".to_owned()),
        Ok(found) if !found.is_file() => refuse("it is not a file".to_owned()),
        Ok(_) => match rustix::fs::access(program, rustix::fs::Access::EXEC_OK) {
            Ok(()) => Ok(()),
            Err(error) => refuse(error.to_string()),
        },
    }
}

/// The interpreter that a script names in its first line.
pub(super) fn interpreter(program: &Path) -> Option<PathBuf> {
    let mut start = [0; 256];
    let len = io::Read::read(&mut fs::File::open(program).ok()?, &mut start).ok()?;
    let line = start.get(..len)?.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.split(|byte| byte.is_ascii_whitespace()).find(|word| !word.is_empty())?;
    Some(PathBuf::from(OsStr::from_bytes(word)))
}
