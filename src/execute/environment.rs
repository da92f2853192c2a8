//! The environment a fenced command gets: scrubbed, with caches redirected.
//! Pure: takes the variables as data.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Names and values given to a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// In the order they are set.
    pub variables: Vec<(OsString, OsString)>,
}

/// What passes through besides `LC_*`: who and where one is, and where tools are installed. Nothing that a tool takes
/// code, options or credentials from.
const USUAL: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TERM",
    "COLORTERM",
    "TZ",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "CI",
    "HOSTNAME",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "NVM_DIR",
    "JAVA_HOME",
    "GOPATH",
    "GOROOT",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "SOURCE_DATE_EPOCH",
];

/// What no grant can give: the caller of guard would choose code that runs before the program.
const NEVER: &[&str] = &[
    "BASH_ENV",
    "ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PROMPT_COMMAND",
    "IFS",
    "GLOBIGNORE",
    "LD_PRELOAD",
    "LD_AUDIT",
];

/// Where Python finds and puts compiled forms, below the caches' folder.
pub(super) const PYTHON: &str = "python";

/// Where tools put what they could make again, below the caches' folder; none of it enters the project.
const CACHES: &[(&str, &str)] = &[
    ("XDG_CACHE_HOME", "xdg"),
    ("PYTHONPYCACHEPREFIX", PYTHON),
    ("MYPY_CACHE_DIR", "mypy"),
    ("RUFF_CACHE_DIR", "ruff"),
    ("BLACK_CACHE_DIR", "black"),
    ("PYLINTHOME", "pylint"),
    ("COVERAGE_FILE", "coverage"),
    ("HYPOTHESIS_STORAGE_DIRECTORY", "hypothesis"),
    ("PRE_COMMIT_HOME", "pre-commit"),
    ("npm_config_cache", "npm"),
    ("GOCACHE", "go"),
];

impl Environment {
    /// What a command gets of `variables`: the usual ones, those named in `granted`, and where `caches` lie.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>, granted: &[String], caches: &Path) -> Self {
        let mut kept: Vec<(OsString, OsString)> = variables
            .into_iter()
            .filter(|(name, _)| {
                let Some(text) = name.to_str() else { return false };
                let usual = USUAL.contains(&text) || text.starts_with("LC_") || granted.iter().any(|g| g == text);
                usual && !NEVER.contains(&text) && !text.starts_with("BASH_FUNC_") && !is_ours(text)
            })
            .map(|(name, value)| if name == "PATH" { (name, absolute(&value)) } else { (name, value) })
            .collect();
        kept.extend(CACHES.iter().map(|(name, folder)| (OsString::from(name), caches.join(folder).into_os_string())));
        // pytest takes its options apart as a shell would.
        let mut pytest = b"-o 'cache_dir=".to_vec();
        for byte in caches.join("pytest").as_os_str().as_bytes() {
            match byte {
                b'\'' => pytest.extend(b"'\\''"),
                other => pytest.push(*other),
            }
        }
        pytest.push(b'\'');
        let pytest = OsString::from_vec(pytest);
        let fixed: [(&str, OsString); 5] = [
            ("PYTEST_ADDOPTS", pytest),
            ("TMPDIR", "/tmp".into()),
            ("GIT_OPTIONAL_LOCKS", "0".into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            ("PAGER", "cat".into()),
        ];
        kept.extend(fixed.map(|(name, value)| (OsString::from(name), value)));
        Self { variables: kept }
    }

    /// What docker-compose gets outside of every fence, where the caller must choose neither a program, a file, a
    /// project nor a machine: the language of `variables`, a `PATH` of the system's folders, and `home`, the user's own
    /// home folder by the user database, where no command can write there.
    pub fn outside(variables: impl IntoIterator<Item = (OsString, OsString)>, home: Option<&Path>) -> Self {
        let speaks = |name: &OsStr| {
            name.to_str().is_some_and(|n| ["LANG", "LANGUAGE", "TZ"].contains(&n) || n.starts_with("LC_"))
        };
        let mut kept: Vec<(OsString, OsString)> = variables.into_iter().filter(|(name, _)| speaks(name)).collect();
        let home = home.unwrap_or(Path::new("/nonexistent"));
        let fixed: [(&str, &OsStr); 4] = [
            ("PATH", OsStr::new("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")),
            ("HOME", home.as_os_str()),
            ("PYTHONDONTWRITEBYTECODE", OsStr::new("1")),
            ("DOCKER_CLI_HINTS", OsStr::new("false")),
        ];
        kept.extend(fixed.map(|(name, value)| (OsString::from(name), value.to_owned())));
        Self { variables: kept }
    }

    /// The same without what steers docker and docker-compose, and with every profile of a compose file. Python's
    /// compiled files are read where they are: nothing can be written.
    pub fn for_config(mut self) -> Self {
        let steers =
            |name: &OsStr| ["COMPOSE_", "DOCKER_"].iter().any(|start| name.as_bytes().starts_with(start.as_bytes()));
        self.variables.retain(|(name, _)| !steers(name) && name != "PYTHONPYCACHEPREFIX");
        self.variables.push(("COMPOSE_PROFILES".into(), "*".into()));
        self
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_os_str())
    }
}

/// Whether guard sets the variable itself.
fn is_ours(name: &str) -> bool {
    CACHES.iter().any(|(ours, _)| *ours == name)
        || ["PYTEST_ADDOPTS", "TMPDIR", "GIT_OPTIONAL_LOCKS", "GIT_TERMINAL_PROMPT", "PAGER"].contains(&name)
}

/// A `PATH` without empty and relative entries: they would mean whatever the working folder holds.
fn absolute(path: &OsStr) -> OsString {
    let entries = path.as_bytes().split(|byte| *byte == b':').filter(|entry| entry.starts_with(b"/"));
    OsString::from_vec(entries.collect::<Vec<_>>().join(&b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(list: &[(&str, &str)], granted: &[&str]) -> Vec<(String, String)> {
        let list = list.iter().map(|(n, v)| (OsString::from(n), OsString::from(v)));
        let granted: Vec<String> = granted.iter().map(|g| (*g).to_owned()).collect();
        let text = |s: OsString| s.into_string().unwrap();
        let all = Environment::new(list, &granted, Path::new("/c")).variables;
        all.into_iter().map(|(n, v)| (text(n), text(v))).collect()
    }

    #[test]
    fn only_the_usual_and_the_granted_pass() {
        let environment = given(
            &[
                ("PATH", "/bin:.::/usr/bin:bin"),
                ("LC_ALL", "C"),
                ("AWS_SECRET_ACCESS_KEY", "s"),
                ("GITHUB_TOKEN", "t"),
                ("DATABASE_URL", "postgres://"),
                ("PYTHONPATH", "/evil"),
                ("PYTHONSTARTUP", "/evil.py"),
                ("GIT_DIR", "/evil"),
                ("LD_LIBRARY_PATH", "/evil"),
                ("PYTEST_ADDOPTS", "-p evil"),
                ("SSH_AUTH_SOCK", "/run/agent"),
                ("GRANTED", "yes"),
                ("TMPDIR", "/elsewhere"),
            ],
            &["GRANTED"],
        );
        let names: Vec<&str> = environment.iter().map(|(name, _)| name.as_str()).collect();
        let ours = CACHES.iter().map(|(name, _)| *name);
        let expected: Vec<&str> = ["PATH", "LC_ALL", "GRANTED"]
            .into_iter()
            .chain(ours)
            .chain(["PYTEST_ADDOPTS", "TMPDIR", "GIT_OPTIONAL_LOCKS", "GIT_TERMINAL_PROMPT", "PAGER"])
            .collect();
        assert_eq!(names, expected);
        assert_eq!(environment[0], ("PATH".into(), "/bin:/usr/bin".into()));
        assert!(environment.contains(&("PYTEST_ADDOPTS".into(), "-o 'cache_dir=/c/pytest'".into())));
    }

    #[test]
    fn docker_compose_takes_nothing_from_the_caller_but_the_language() {
        let list = [
            ("PATH", "/project/bin:/usr/bin"),
            ("HOME", "/project"),
            ("LANG", "de_DE.UTF-8"),
            ("COMPOSE_FILE", "/evil.yml"),
            ("COMPOSE_PROJECT_NAME", "other"),
            ("DOCKER_HOST", "tcp://evil"),
            ("DOCKER_CONTEXT", "evil"),
            ("DOCKER_CONFIG", "/evil"),
            ("PYTHONPATH", "/evil"),
            ("LD_PRELOAD", "/evil.so"),
        ];
        let list = || list.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let outside = Environment::outside(list(), Some(Path::new("/home/u")));
        let expected = [
            ("LANG", "de_DE.UTF-8"),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", "/home/u"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("DOCKER_CLI_HINTS", "false"),
        ];
        assert_eq!(outside.variables, expected.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(Environment::outside(list(), None).get("HOME"), Some(OsStr::new("/nonexistent")));
        let granted = ["COMPOSE_FILE", "DOCKER_HOST", "TAG"].map(str::to_owned);
        let config = Environment::new(list(), &granted, Path::new("/c")).for_config();
        let names = config.variables.iter().filter_map(|(name, _)| name.to_str());
        let steering: Vec<&str> = names.filter(|n| n.starts_with("COMPOSE_") || n.starts_with("DOCKER_")).collect();
        assert_eq!(steering, ["COMPOSE_PROFILES"]);
    }

    #[test]
    fn code_that_would_run_first_is_not_even_given_when_granted() {
        for name in ["BASH_ENV", "ENV", "LD_PRELOAD", "LD_AUDIT", "BASH_FUNC_ls%%", "SHELLOPTS", "PS4"] {
            let plain = given(&[], &[]);
            assert_eq!(given(&[(name, "evil")], &[name]), plain, "{name}");
        }
    }
}
