//! A project to run commands in, and what came of them.

use guard::action::Change;
use guard::event::Ended;
use guard::execute::change::{self, Basis, Transaction};
use guard::execute::sandbox::{Order, Reach, Work};
use guard::execute::{Environment, ExecuteError, Level, Outcome, Place, Reads, Sink, prepare_order};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A project with a policy, a log, a state folder and caches, below `target/` so that nothing private covers it.
pub(crate) struct Stage {
    pub(crate) root: tempfile::TempDir,
    pub(crate) place: Place,
    pub(crate) environment: Environment,
    pub(crate) require: Level,
    pub(crate) timeout: Duration,
    pub(crate) writes: bool,
    pub(crate) dotenv: bool,
    pub(crate) reach: Reach,
}

/// Keeps what came, in order of arrival.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
}

impl Sink for Kept {
    fn stdout(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }
    fn stderr(&mut self, bytes: &[u8]) {
        self.err.extend_from_slice(bytes);
    }
}

/// What a test compares.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) code: i32,
    pub(crate) ended: Ended,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn exited(code: i32, out: &str, err: &str) -> Seen {
    Seen { code, ended: Ended::Exited, out: out.into(), err: err.into() }
}

impl Stage {
    pub(crate) fn new() -> Self {
        let base = match std::env::var_os("GUARD_TEST_BASE") {
            Some(base) => PathBuf::from(base),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fence"),
        };
        fs::create_dir_all(&base).unwrap();
        Self::in_folder(&base, "project")
    }

    pub(crate) fn in_folder(base: &Path, name: impl AsRef<Path>) -> Self {
        let root = tempfile::tempdir_in(base).unwrap();
        let project = root.path().join(name);
        let (state, caches) = (root.path().join("state"), root.path().join("state/caches"));
        for folder in [&project.join("sub"), &project.join(".git/hooks"), &caches] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(project.join("guard.toml"), "policy").unwrap();
        fs::write(project.join("build_audit.log"), "log").unwrap();
        fs::write(project.join(".git/config"), "[core]\n").unwrap();
        fs::write(state.join("key"), "secret").unwrap();
        fs::write(root.path().join("outside"), "untouched").unwrap();
        let variables = std::env::vars_os();
        Self {
            place: Place {
                cwd: project.clone(),
                protected: ["guard.toml", ".git/hooks", ".git/config"].map(|p| project.join(p)).to_vec(),
                hidden: vec![project.join("build_audit.log"), state],
                project,
                caches: caches.clone(),
                reads: Reads::default(),
            },
            root,
            environment: Environment::new(variables, &[], &caches),
            require: Level::Full,
            timeout: Duration::from_secs(20),
            writes: true,
            dotenv: false,
            reach: Reach::default(),
        }
    }

    /// The same with a home beside the project: tools that are open, keys that are not, and settings with a secret.
    pub(crate) fn with_home() -> Self {
        let mut stage = Self::new();
        stage.settle();
        stage
    }

    /// Makes the home and the `.env` files.
    pub(crate) fn settle(&mut self) {
        let home = fs::canonicalize(self.root.path()).unwrap().join("home");
        let project = &self.place.project;
        for (file, mode) in [
            (home.join(".ssh/id"), 0o600),
            (home.join("notes"), 0o644),
            (home.join(".tools/credentials"), 0o600),
            (home.join(".tools/bin/tool"), 0o755),
            (home.join(".settings"), 0o644),
            (home.join("elsewhere/linked"), 0o644),
            (project.join(".env"), 0o644),
            (project.join(".env.example"), 0o644),
            (project.join("sub/.env.live"), 0o600),
        ] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            fs::write(&file, format!("#!/bin/sh\necho content of {name}\n")).unwrap();
            fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        }
        std::os::unix::fs::symlink("elsewhere/linked", home.join("link")).unwrap();
        let open = [".tools", ".settings", "link", "elsewhere/linked", "never-there"];
        self.place.reads = Reads {
            open: open.iter().map(|name| home.join(name)).collect(),
            shut: vec![home.join(".tools/credentials")],
            homes: vec![home],
            ..Reads::default()
        };
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.root.path().join("outside")
    }

    /// An order, and what takes its changes to the project.
    pub(crate) fn order(&self, work: Work) -> (Order, Option<Transaction>) {
        let begin = || Transaction::begin(&self.root.path().join("state"), &self.place.project).unwrap();
        let transaction = self.writes.then(begin);
        let layer = transaction.as_ref().map(Transaction::layer);
        let order = Order { layer, dotenv: self.dotenv, reach: self.reach.clone(), ..Order::new(work, self.timeout) };
        (order, transaction)
    }

    /// Brings in whatever a command changed: nobody judges it here.
    pub(crate) fn take_in(&self, transaction: Option<Transaction>) {
        let Some(transaction) = transaction else { return };
        let (upper, project) = (transaction.layer().upper, &self.place.project);
        let set = change::read(&upper, project).unwrap();
        let basis = Basis::Since(transaction.began());
        let find = |change: &Change| Ok(change::open_written(&upper, &change.path)?);
        let staged = change::stage(transaction, project, set, basis, find).unwrap();
        staged.bring_in().unwrap();
    }

    pub(crate) fn outcome(&self, work: Work) -> Result<(Outcome, Kept), ExecuteError> {
        let mut kept = Kept::default();
        let (order, transaction) = self.order(work);
        let mut prepared = prepare_order(order, &self.place, &self.environment, self.require)?;
        prepared.ready()?;
        let outcome = prepared.run(&mut kept)?;
        self.take_in(transaction);
        assert_eq!(outcome.stdout.len, kept.out.len() as u64);
        assert_eq!(outcome.stderr.len, kept.err.len() as u64);
        Ok((outcome, kept))
    }

    /// Runs a line of bash in the fence.
    pub(crate) fn line(&self, line: &str) -> Seen {
        self.seen(Work::Line(line.into()))
    }

    pub(crate) fn argv(&self, program: impl AsRef<Path>, rest: &[&str]) -> Result<Seen, ExecuteError> {
        let program = program.as_ref().to_owned();
        let argv = [program.clone().into_os_string()].into_iter().chain(rest.iter().map(OsString::from)).collect();
        let (outcome, kept) = self.outcome(Work::Argv { program, argv })?;
        Ok(Self::show(&outcome, &kept))
    }

    pub(crate) fn seen(&self, work: Work) -> Seen {
        let (outcome, kept) = self.outcome(work).unwrap();
        Self::show(&outcome, &kept)
    }

    fn show(outcome: &Outcome, kept: &Kept) -> Seen {
        Seen {
            code: outcome.exit_code,
            ended: outcome.ended,
            out: String::from_utf8_lossy(&kept.out).into_owned(),
            err: String::from_utf8_lossy(&kept.err).into_owned(),
        }
    }
}

/// The same line without a fence: its exit code and what it said.
pub(crate) fn unfenced(stage: &Stage, line: &str) -> (Option<i32>, String) {
    let output = std::process::Command::new("/bin/bash")
        // Its parent is a process like any other: guard's own may not be looked at.
        .args(["--noprofile", "--norc", "-c", "/bin/bash --noprofile --norc -c \"$0\"; exit $?", line])
        .current_dir(&stage.place.cwd)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Whether the tests run as root.
pub(crate) fn root() -> bool {
    rustix::process::geteuid().is_root()
}
