//! Where escapes are tried: a home with a project, and things outside it that are watched.
//! Knows nothing of rows, and judges nothing: it says what is not as it was.

use super::launcher::{Launcher, Order, User};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Said by nothing but what must not be read.
const TOKEN: &str = "kanarienvogel-zitronengelb";
/// Folders of the machine in which an escape may leave a file `guard.escape.NAME`: a trace, and removed at once.
const SYSTEM: [&str; 6] = ["/etc/cron.d", "/etc", "/usr/local/bin", "/root", "/tmp", "/dev/shm"];
/// The policy of the person: budgets that nothing here spends, and every level of the ladder.
const POLICY: &str = "version = 1\n[attempts]\ntotal = 100000\nsyntax = 100000\nimport = 100000\ntype = 100000\n\
    test = 100000\nruntime = 100000\ndatabase = 100000\ndenials = 100000\n[fence]\nrequire = \"landlock\"\n";

/// A home, a project in it, and what lies outside.
pub(crate) struct Ground {
    pub(crate) root: PathBuf,
    user: User,
    name: String,
    seen: BTreeMap<PathBuf, String>,
    log: Vec<u8>,
    project: (u64, BTreeMap<PathBuf, String>),
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    streams: Vec<UnixListener>,
    datagrams: Vec<UnixDatagram>,
    pipe: Option<fs::File>,
    victim: Option<(i32, String)>,
}

impl Ground {
    /// Makes one below `base`; `guard` is initialised in its project.
    pub(crate) fn new(base: &Path, name: &str, guard: &Path, launcher: &mut Launcher) -> Self {
        let root = base.join(name);
        let user = launcher.user;
        let mut own = Self {
            name: format!("{name}-{}", std::process::id()),
            root,
            user,
            seen: BTreeMap::new(),
            log: Vec::new(),
            project: Default::default(),
            tcp: ["127.0.0.1:0", "[::1]:0"].iter().filter_map(|at| TcpListener::bind(at).ok()).collect(),
            udp: ["127.0.0.1:0"].map(|at| UdpSocket::bind(at).unwrap()).into(),
            streams: Vec::new(),
            datagrams: Vec::new(),
            pipe: None,
            victim: None,
        };
        own.lay_out();
        let made = own.outside(launcher, &["guard", "init", "--preset", "python"], guard);
        assert_eq!(made.code, 0, "{}{}", made.out, made.err);
        let line = "git init -q . && git -c user.name=a -c user.email=a@b commit -qm x --allow-empty";
        let made = own.outside(launcher, &["/bin/bash", "-c", line], guard);
        assert_eq!(made.code, 0, "{}{}", made.out, made.err);
        let copied = Command::new("cp").arg("-a").arg(&own.root).arg(own.pristine()).status().unwrap();
        assert!(copied.success());
        own.open(launcher);
        own
    }

    fn pristine(&self) -> PathBuf {
        self.root.with_extension("pristine")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.root.join("home/project")
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.root.join("out")
    }

    fn state(&self) -> PathBuf {
        self.root.join("home/.local/state/guard")
    }

    /// The files, without sockets.
    fn lay_out(&self) {
        let (home, project, out) = (self.home(), self.project(), self.out());
        for folder in [&project.join("sub"), &home.join(".ssh"), &home.join(".config/guard"), &out.join("folder")] {
            fs::create_dir_all(folder).unwrap();
        }
        for (path, text) in [
            (out.join("file"), "untouched\n"),
            (out.join("held"), "untouched\n"),
            (out.join("folder/file"), "untouched\n"),
            (project.join("sub/file"), "the project's\n"),
            (home.join(".bashrc"), "# nothing\n"),
            (home.join(".gitconfig"), "[user]\n"),
            (home.join(".ssh/id_ed25519"), TOKEN),
            (home.join(".ssh/authorized_keys"), "# nothing\n"),
            (home.join(".config/guard/policy.toml"), POLICY),
        ] {
            fs::write(path, text).unwrap();
        }
        assert!(Command::new("mkfifo").arg(out.join("pipe")).status().unwrap().success());
        let user = self.user.number();
        let owned = Command::new("chown").args(["-R", &format!("{user}:{user}")]).arg(&self.root).status().unwrap();
        assert!(owned.success() || user == own_number());
        if own_number() == 0 {
            self.privileged();
        }
    }

    /// What only root can lay out: programs with rights of their own, and what those rights are needed for.
    fn privileged(&self) {
        let out = self.out();
        fs::write(out.join("roots"), "untouched\n").unwrap();
        fs::set_permissions(out.join("roots"), fs::Permissions::from_mode(0o600)).unwrap();
        for name in ["suid-touch", "able-touch"] {
            fs::copy("/usr/bin/touch", out.join(name)).unwrap();
        }
        fs::set_permissions(out.join("suid-touch"), fs::Permissions::from_mode(0o4755)).unwrap();
        // Version 2 with the effective bit: CAP_DAC_OVERRIDE (1).
        let able: Vec<u8> = [0x0200_0001_u32, 1 << 1, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(out.join("able-touch"), "security.capability", &able, flags).unwrap();
    }

    /// Sockets, a reader and a process that goes on; then everything is looked at.
    fn open(&mut self, launcher: &mut Launcher) {
        let out = self.out();
        let everybody = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        let named = ["stream.sock", "agent.sock", "docker.sock"].map(|name| out.join(name));
        self.streams = named.iter().map(|path| UnixListener::bind(path).unwrap()).collect();
        self.streams.push(UnixListener::bind_addr(&SocketAddr::from_abstract_name(&self.name).unwrap()).unwrap());
        self.datagrams = vec![UnixDatagram::bind(out.join("datagram.sock")).unwrap()];
        named.iter().for_each(|path| everybody(path));
        everybody(&out.join("datagram.sock"));
        for listener in &self.streams {
            listener.set_nonblocking(true).unwrap();
        }
        for listener in &self.tcp {
            listener.set_nonblocking(true).unwrap();
        }
        for socket in &self.datagrams {
            socket.set_nonblocking(true).unwrap();
        }
        for socket in &self.udp {
            socket.set_nonblocking(true).unwrap();
        }
        let mut pipe = fs::OpenOptions::new();
        pipe.read(true).write(true);
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut pipe, rustix::fs::OFlags::NONBLOCK.bits() as i32);
        self.pipe = Some(pipe.open(out.join("pipe")).unwrap());
        let code = "import os, sys, time\nos.dup2(os.open(sys.argv[1], os.O_WRONLY), 8)\nprint(1, flush=True)\ntime.sleep(900)";
        let held = out.join("held").display().to_string();
        let pid = launcher.start(&["/usr/bin/python3", "-S", "-c", code, &held], &out, &self.variables());
        self.victim = Some((pid, fate(pid)));
        self.look();
    }

    /// What guard and everybody outside have in their environment.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let home = self.home().display().to_string();
        let agent = self.out().join("agent.sock").display().to_string();
        [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", &home),
            ("LANG", "C.UTF-8"),
            ("SSH_AUTH_SOCK", &agent),
            ("CALLER", TOKEN),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Runs something in the project without a fence; `guard` stands for the binary.
    pub(crate) fn outside(&self, launcher: &mut Launcher, words: &[&str], guard: &Path) -> super::launcher::Answer {
        let word = |word: &&str| if *word == "guard" { guard.display().to_string() } else { (*word).to_owned() };
        launcher.run(&Order {
            argv: words.iter().map(word).collect(),
            cwd: self.project(),
            env: self.variables(),
            limit: 60.0,
            left: self.out().join("file"),
            terminal: false,
        })
    }

    /// The values an escape's program knows, as lines of Python.
    pub(crate) fn values(&self) -> String {
        let port = |at: Option<u16>| at.unwrap_or(9);
        let tcp = |n: usize| port(self.tcp.get(n).and_then(|it| it.local_addr().ok()).map(|at| at.port()));
        let udp = port(self.udp[0].local_addr().ok().map(|at| at.port()));
        let values = serde_json::json!({
            "OUT": self.out(), "HOME": self.home(), "PROJECT": self.project(), "STATE": self.state(),
            "HOOK": super::delayed::PLANTS, "NAME": self.name, "KEY": self.key(),
            "TCP": tcp(0), "TCP6": tcp(1), "UDP": udp, "ABSTRACT": self.name,
            "VICTIM": self.victim.as_ref().map(|(pid, _)| pid),
        });
        format!("VALUES = {values}\nglobals().update(VALUES)\n")
    }

    /// A number for shared memory that no other ground uses.
    fn key(&self) -> String {
        let sum = self.name.bytes().fold(0x6772_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        format!("0x{:08x}", sum | 1)
    }

    /// Remembers how everything is now.
    fn look(&mut self) {
        self.seen = watched(&self.root);
        self.log = fs::read(self.project().join("build_audit.log")).unwrap_or_default();
        self.project = (fs::metadata(self.project()).map(|found| found.ino()).unwrap_or(0), kept(&self.project()));
    }

    /// What is not as it was, and is made so again. `mark` stands in the command line of whatever must not live on.
    pub(crate) fn traces(&mut self, mark: &str, said: &str, launcher: &mut Launcher) -> Vec<String> {
        let mut traces = Vec::new();
        let living = living(mark);
        if !living.is_empty() {
            traces.push(format!("{} processes live on", living.len()));
            end(&living);
        }
        traces.extend(self.reached());
        let now = watched(&self.root);
        let changed = |path: &&PathBuf| self.seen.get(*path) != now.get(*path);
        traces.extend(self.seen.keys().chain(now.keys()).filter(changed).map(|path| format!("changed: {path:?}")));
        let project = self.project();
        if fs::metadata(&project).map(|found| found.ino()).unwrap_or(0) != self.project.0 {
            traces.push("another project".into());
        }
        if !fs::read(project.join("build_audit.log")).is_ok_and(|log| log.starts_with(&self.log)) {
            traces.push("the log is another".into());
        }
        if kept(&project) != self.project.1 {
            traces.push(format!("protected: {:?} {:?}", kept(&project), self.project.1));
        }
        traces.extend(odd(&project));
        if let Some((pid, before)) = &self.victim
            && fate(*pid) != *before
        {
            traces.push(format!("the other process: {}", fate(*pid)));
        }
        let left = SYSTEM.map(|folder| Path::new(folder).join(format!("guard.escape.{}", self.name)));
        for path in left.iter().filter(|path| fs::symlink_metadata(path).is_ok()) {
            traces.push(format!("made: {path:?}"));
            fs::remove_file(path).unwrap();
        }
        if said.contains(TOKEN) {
            traces.push("read what is hidden".into());
        }
        if traces.is_empty() {
            self.tidy();
        } else {
            self.restore(launcher);
        }
        traces
    }

    /// Who was reached from within.
    fn reached(&mut self) -> Vec<String> {
        let mut reached = Vec::new();
        let mut bytes = [0; 64];
        let stream = self.tcp.iter().filter(|it| it.accept().is_ok()).count()
            + self.streams.iter().filter(|it| it.accept().is_ok()).count();
        let datagram = self.udp.iter().filter(|it| it.recv(&mut [0; 64]).is_ok()).count()
            + self.datagrams.iter().filter(|it| it.recv(&mut [0; 64]).is_ok()).count();
        if stream + datagram > 0 {
            reached.push("a listener was reached".into());
        }
        if self.pipe.as_mut().is_some_and(|pipe| pipe.read(&mut bytes).is_ok_and(|got| got > 0)) {
            reached.push("a pipe was written to".into());
        }
        reached
    }

    /// Removes what was made in the project, where that is allowed.
    fn tidy(&mut self) {
        let project = self.project();
        for entry in fs::read_dir(&project).unwrap().flatten() {
            let name = entry.file_name();
            if !["guard.toml", "build_audit.log", ".git"].iter().any(|kept| name == *kept) {
                let _ = fs::remove_file(entry.path());
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        fs::create_dir_all(project.join("sub")).unwrap();
        fs::write(project.join("sub/file"), "the project's\n").unwrap();
        let user = Some(self.user.number());
        for path in [project.join("sub"), project.join("sub/file")] {
            std::os::unix::fs::chown(path, user, user).unwrap();
        }
        self.look();
    }

    /// Everything as it was at the beginning.
    fn restore(&mut self, launcher: &mut Launcher) {
        if let Some((pid, _)) = self.victim.take() {
            end(&[pid]);
        }
        (self.pipe, self.streams, self.datagrams) = (None, Vec::new(), Vec::new());
        let away = self.root.with_extension("away");
        fs::rename(&self.root, &away).unwrap();
        let copied = Command::new("cp").arg("-a").arg(self.pristine()).arg(&self.root).status().unwrap();
        assert!(copied.success());
        fs::remove_dir_all(away).unwrap();
        self.open(launcher);
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Some((pid, _)) = self.victim.take() {
            end(&[pid]);
        }
    }
}

pub(crate) fn own_number() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Processes with `mark` in their command line.
fn living(mark: &str) -> Vec<i32> {
    let own = |pid: &i32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| holds(&line, mark.as_bytes()));
    let all = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(own).collect()
}

fn holds(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|found| found == part)
}

/// Ends processes for good.
fn end(all: &[i32]) {
    for pid in all.iter().filter_map(|pid| rustix::process::Pid::from_raw(*pid)) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// How a process is: whether it lives and runs, how it is scheduled and limited, what stands in its environment.
fn fate(pid: i32) -> String {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let stat = String::from_utf8_lossy(&read("stat")).into_owned();
    let words: Vec<_> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let word = |n: usize| words.get(n).copied().unwrap_or("gone").replace(['R', 'D'], "S");
    let status = String::from_utf8_lossy(&read("status")).into_owned();
    let mask = status.lines().find(|line| line.starts_with("Cpus_allowed:")).unwrap_or("").to_owned();
    let rest =
        [read("limits"), read("environ"), read("oom_score_adj")].map(|it| String::from_utf8_lossy(&it).into_owned());
    // State, nice value, policy; /proc/PID/stat(5).
    format!("{} {} {} {mask} {rest:?}", word(0), word(16), word(38))
}

/// Every file outside the project and the state as one line, times of changes among it.
fn watched(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let skip = ["home/project", "home/.local", "home/.cache"].map(|path| root.join(path));
    walk(root, &mut |path, about| {
        if skip.iter().any(|skipped| path == skipped) {
            return false;
        }
        let times = (about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec());
        let line = format!("{:o} {}:{} {} {times:?}", about.mode(), about.uid(), about.gid(), about.len());
        // The home itself may get a folder for guard's state or caches.
        found.insert(path.to_owned(), if path == root.join("home") { String::new() } else { line });
        true
    });
    found
}

/// What a project's commands must leave as it is.
fn kept(project: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let single = ["guard.toml", ".git/config", ".git/commondir", ".git/config.worktree", ".git/HEAD"];
    for path in single.map(|name| project.join(name)) {
        if let Ok(about) = fs::symlink_metadata(&path) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            found.insert(path, format!("{:o} {text}", about.mode()));
        }
    }
    walk(&project.join(".git/hooks"), &mut |path, about| {
        found.insert(path.to_owned(), format!("{:o} {}", about.mode(), about.len()));
        true
    });
    found
}

/// Files of a project that no command may leave there.
fn odd(project: &Path) -> Vec<String> {
    let mut found = Vec::new();
    walk(project, &mut |path, about| {
        let kind = about.file_type();
        let special = kind.is_char_device() || kind.is_block_device();
        if special || !kind.is_dir() && about.mode() & 0o6000 != 0 {
            found.push(format!("in the project: {path:?} {:o}", about.mode()));
        }
        let mut names = [0_u8; 4096];
        let got = rustix::fs::llistxattr(path, &mut names[..]).unwrap_or(0);
        if holds(&names[..got], b"overlay.") {
            found.push(format!("in the project: {path:?} with an attribute of overlays"));
        }
        true
    });
    found
}

fn walk(path: &Path, each: &mut dyn FnMut(&Path, &fs::Metadata) -> bool) {
    let Ok(about) = fs::symlink_metadata(path) else { return };
    if each(path, &about) && about.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            walk(&entry.path(), each);
        }
    }
}
