//! What is closed to commands: homes, and the system's folders that hold what is the machine's or its services' own; and
//! what of these programs need. Knows the file system as it lies; how it is enforced is the layout's.

use crate::execute::Place;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of the system that cannot be read, and the entries of it that can.
type Closed = (&'static str, &'static [&'static str]);

/// Where keys, passwords and the data of services lie. A fenced root has no capabilities and still owns what only root
/// may read (`/etc/shadow`, the keys in `/etc/ssh`, `/boot`'s and `/var/lib`'s private files): so these are closed as a
/// whole, and what programs need of them is open.
/// What is there of them from earlier (snapper's and Timeshift's folders) is as it was.
const CLOSED: [Closed; 7] = [
    ("/etc", &ETC),
    ("/var", &VAR),
    ("/sys", &SYS),
    ("/boot", &[]),
    ("/lost+found", &[]),
    ("/.snapshots", &[]),
    ("/timeshift", &[]),
];

/// Of `/etc`: who is who and what is where (users, hosts, protocols, services), the linker's and the libraries'
/// settings, certificates of authorities, languages, fonts, and the settings of interpreters and compilers. None of it
/// holds a secret where it is used as its manual says.
const ETC: [&str; 57] = [
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/debian_version",
    "/etc/dpkg",
    "/etc/fonts",
    "/etc/gai.conf",
    "/etc/gemrc",
    "/etc/gitattributes",
    "/etc/gitconfig",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/java-11-openjdk",
    "/etc/java-17-openjdk",
    "/etc/java-21-openjdk",
    "/etc/java-25-openjdk",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/locale.alias",
    "/etc/locale.conf",
    "/etc/localtime",
    "/etc/lsb-release",
    "/etc/magic",
    "/etc/manpath.config",
    "/etc/maven",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/perl",
    "/etc/php",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/postgresql-common",
    "/etc/profile",
    "/etc/profile.d",
    "/etc/protocols",
    "/etc/python3",
    "/etc/python3.11",
    "/etc/python3.12",
    "/etc/python3.13",
    "/etc/python3.14",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
    "/etc/timezone",
    "/etc/vim",
];

/// Of `/var`: what package managers, fonts and documentation keep for everybody.
const VAR: [&str; 11] = [
    "/var/cache/apt",
    "/var/cache/fontconfig",
    "/var/cache/man",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/gems",
    "/var/lib/ghc",
    "/var/lib/pacman",
    "/var/lib/rpm",
    "/var/lib/texmf",
    "/var/tmp",
];

/// Of `/sys`: processors, memory, devices and control groups; not the firmware's tables, tracing or debugging.
const SYS: [&str; 7] =
    ["/sys/block", "/sys/bus", "/sys/class", "/sys/dev", "/sys/devices", "/sys/fs/cgroup", "/sys/kernel/mm"];

/// Folders without which nothing runs: a home that is one of them, lies in one or holds one is none.
const NEEDED: [&str; 10] = ["/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/nix", "/proc", "/sys", "/usr"];
/// Folders that are no home themselves, and hold none of the person's where they hold many things.
const SHARED: [&str; 5] = ["/opt", "/run", "/sbin", "/srv", "/var"];

/// A folder of which nothing is there but what is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cover {
    /// The folder.
    pub(super) at: PathBuf,
    /// What of it is there; none lies in another.
    pub(super) open: Vec<PathBuf>,
}

/// The homes to be covered for `place`, outermost only, and with `system` the system's closed folders as well: where
/// Landlock does not close them.
pub(super) fn covers(place: &Place, also: &[PathBuf], system: bool) -> Vec<Cover> {
    let mut roots: Vec<PathBuf> = place.reads.homes.iter().filter(|home| is_home(home, place)).cloned().collect();
    let closed = CLOSED.iter().filter(|(root, _)| system && Path::new(root).is_dir());
    roots.extend(closed.map(|(root, _)| PathBuf::from(root)));
    outermost(&mut roots);
    let mut open: Vec<PathBuf> = place.reads.open.iter().chain(also).cloned().collect();
    if system {
        open.extend(open_of_system().map(Path::to_owned));
    }
    outermost(&mut open);
    roots
        .into_iter()
        .map(|at| Cover { open: open.iter().filter(|path| path.starts_with(&at)).cloned().collect(), at })
        .collect()
}

/// The system's closed folders.
pub(super) fn closed() -> impl Iterator<Item = &'static Path> {
    CLOSED.iter().map(|(root, _)| Path::new(*root))
}

/// What is open of them.
pub(super) fn open_of_system() -> impl Iterator<Item = &'static Path> {
    CLOSED.iter().flat_map(|(_, open)| open.iter().map(Path::new))
}

/// Whether a home can be hidden: it is there, is no part of the system, and the project is not around it.
fn is_home(home: &Path, place: &Place) -> bool {
    let needed = is_of_system(home) || is_around_system(home);
    let private = ["/tmp", "/var/tmp"].iter().any(|base| home.starts_with(base));
    !needed && !private && !home.starts_with(&place.project) && fs::metadata(home).is_ok_and(|found| found.is_dir())
}

/// Whether it is one of the folders without which nothing runs, or lies in one.
pub(super) fn is_of_system(path: &Path) -> bool {
    NEEDED.iter().any(|needed| path.starts_with(needed))
}

/// Whether it is or holds one of them, or one that holds many things.
pub(super) fn is_around_system(path: &Path) -> bool {
    NEEDED.iter().chain(&SHARED).any(|needed| Path::new(needed).starts_with(path))
}

/// Leaves out what lies in another one.
pub(super) fn outermost(paths: &mut Vec<PathBuf>) {
    paths.sort();
    paths.dedup_by(|later, earlier| later.starts_with(earlier));
}
