//! The table of wrappers: programs that run the command among their arguments, and the options they know.
//! An option that is not in the table makes a wrapper unproven.

/// What a wrapper makes of the words behind its options and operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// A program and its arguments.
    Command,
    /// The same, with words added at the end.
    Open,
    /// Text for a shell, joined by blanks.
    Line,
}

/// One wrapper.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Letters of options without a value.
    pub(super) short: &'static str,
    /// Letters of options with one.
    pub(super) valued: &'static str,
    /// Letters whose value, if any, is the rest of the word.
    pub(super) attached: &'static str,
    pub(super) long: &'static [&'static str],
    pub(super) long_valued: &'static [&'static str],
    /// Options whose value is shell text that is run.
    pub(super) text: &'static [&'static str],
    /// Options whose value is a file that is written.
    pub(super) writes: &'static [&'static str],
    /// Options whose value is the folder the command starts in.
    pub(super) folder: &'static [&'static str],
    /// Operands before the command.
    pub(super) operands: usize,
    /// Whether those operands are files it creates.
    pub(super) operands_written: bool,
    /// Whether `NAME=value` may stand before the command.
    pub(super) assigns: bool,
    pub(super) then: Then,
    /// Whether it does so much of its own that it stands as a command beside what it runs.
    pub(super) opaque: bool,
}

const PLAIN: Row = Row {
    name: "",
    short: "",
    valued: "",
    attached: "",
    long: &[],
    long_valued: &[],
    text: &[],
    writes: &[],
    folder: &[],
    operands: 0,
    operands_written: false,
    assigns: false,
    then: Then::Command,
    opaque: false,
};

const OPAQUE: Row = Row { opaque: true, ..PLAIN };

/// Options as in coreutils 9.1, util-linux 2.38, findutils 4.9, procps 4.0, sudo 1.9, strace 6.1.
const TABLE: &[Row] = &[
    Row { name: "catchsegv", ..PLAIN },
    Row { name: "chroot", long: &["skip-chdir"], long_valued: &["groups", "userspec"], operands: 1, ..OPAQUE },
    Row {
        name: "chrt",
        short: "abdfioRrv",
        valued: "DPT",
        long: &["all-tasks", "batch", "deadline", "fifo", "idle", "other", "reset-on-fork", "rr", "verbose"],
        long_valued: &["sched-deadline", "sched-period", "sched-runtime"],
        operands: 1,
        ..PLAIN
    },
    Row { name: "dbus-run-session", ..OPAQUE },
    Row { name: "doas", short: "Lns", valued: "Cu", ..OPAQUE },
    Row {
        name: "env",
        short: "0iv",
        valued: "Cu",
        long: &["debug", "ignore-environment", "null"],
        long_valued: &["chdir", "unset"],
        folder: &["-C", "--chdir"],
        assigns: true,
        ..PLAIN
    },
    Row { name: "fakeroot", ..OPAQUE },
    Row {
        name: "flock",
        short: "Feonsux",
        valued: "Ew",
        long: &["close", "exclusive", "nb", "no-fork", "nonblock", "shared", "unlock", "verbose"],
        long_valued: &["conflict-exit-code", "timeout", "wait"],
        text: &["-c", "--command"],
        operands: 1,
        operands_written: true,
        ..PLAIN
    },
    Row { name: "ionice", short: "t", valued: "cn", long: &["ignore"], long_valued: &["class", "classdata"], ..PLAIN },
    Row { name: "ltrace", short: "CSbcfirt", valued: "aelnopsuwx", writes: &["-o"], ..OPAQUE },
    Row { name: "nice", short: "0123456789", valued: "n", long_valued: &["adjustment"], ..PLAIN },
    Row { name: "nohup", ..PLAIN },
    Row {
        name: "nsenter",
        short: "CFTZeimnpruUw",
        valued: "GSt",
        long: &["all", "cgroup", "ipc", "mount", "net", "no-fork", "pid", "time", "user", "uts"],
        long_valued: &["setgid", "setuid", "target"],
        ..OPAQUE
    },
    Row {
        name: "numactl",
        short: "abHhlns",
        valued: "CNPcimp",
        long: &["all", "balancing", "hardware", "localalloc", "show"],
        long_valued: &[
            "cpunodebind",
            "interleave",
            "membind",
            "physcpubind",
            "preferred",
            "preferred-many",
            "weighted-interleave",
        ],
        ..PLAIN
    },
    Row { name: "pkexec", long: &["disable-internal-agent", "keep-cwd"], long_valued: &["user"], ..OPAQUE },
    Row { name: "proot", valued: "bqrw", attached: "", short: "0S", ..OPAQUE },
    Row { name: "rlwrap", ..OPAQUE },
    Row { name: "runuser", short: "lmpf", valued: "Ggsuw", text: &["-c", "--command"], ..OPAQUE },
    Row {
        name: "script",
        short: "aefq",
        valued: "BEIOTmo",
        long: &["append", "flush", "force", "quiet", "return"],
        long_valued: &["echo", "log-in", "log-io", "log-out", "log-timing", "output-limit"],
        text: &["-c", "--command"],
        writes: &["-B", "-I", "-O", "-T", "--log-in", "--log-io", "--log-out", "--log-timing"],
        operands: 1,
        operands_written: true,
        ..OPAQUE
    },
    Row { name: "setarch", short: "3BFILRSTXZv", operands: 1, ..PLAIN },
    Row {
        name: "setpriv",
        long: &["clear-groups", "init-groups", "keep-groups", "no-new-privs", "nnp"],
        long_valued: &["ambient-caps", "bounding-set", "egid", "euid", "groups", "regid", "reuid", "rgid", "ruid"],
        ..OPAQUE
    },
    Row { name: "setsid", short: "cfw", long: &["ctty", "fork", "wait"], ..PLAIN },
    Row { name: "stdbuf", valued: "eio", long_valued: &["error", "input", "output"], ..PLAIN },
    Row {
        name: "strace",
        short: "CDFTVYZcdfhiknqrtvwxyz",
        valued: "AEIOPSUXabeopsu",
        writes: &["-o", "--output"],
        long: &["follow-forks", "summary-only", "summary", "quiet"],
        long_valued: &["output", "trace", "trace-path", "string-limit", "env"],
        ..OPAQUE
    },
    Row { name: "su", short: "lmpfP", valued: "Ggsw", text: &["-c", "--command"], operands: 1, ..OPAQUE },
    Row {
        name: "sudo",
        short: "ABEHKNPSVbeiklnsv",
        valued: "CDRTUghprtu",
        long: &["askpass", "background", "login", "non-interactive", "preserve-env", "shell", "stdin", "set-home"],
        long_valued: &["chdir", "chroot", "close-from", "group", "host", "prompt", "role", "type", "user"],
        folder: &["-D", "--chdir"],
        assigns: true,
        ..OPAQUE
    },
    Row { name: "systemd-run", short: "GPStqdr", valued: "EHMpu", ..OPAQUE },
    Row { name: "taskset", short: "ac", long: &["all-tasks", "cpu-list"], operands: 1, ..PLAIN },
    Row {
        name: "time",
        short: "apqv",
        valued: "fo",
        long: &["append", "portability", "quiet", "verbose"],
        long_valued: &["format", "output"],
        writes: &["-o", "--output"],
        ..PLAIN
    },
    Row {
        name: "timeout",
        short: "fpv",
        valued: "ks",
        long: &["foreground", "preserve-status", "verbose"],
        long_valued: &["kill-after", "signal"],
        operands: 1,
        ..PLAIN
    },
    Row { name: "unbuffer", short: "p", ..PLAIN },
    Row {
        name: "unshare",
        short: "CTUcfimnpru",
        valued: "GRSw",
        long: &["fork", "ipc", "map-current-user", "map-root-user", "mount", "net", "pid", "user", "uts"],
        long_valued: &["root", "setgid", "setuid", "wd"],
        ..OPAQUE
    },
    Row { name: "valgrind", ..OPAQUE },
    Row {
        name: "watch",
        short: "bcdegptw",
        valued: "nq",
        long: &["beep", "chgexit", "color", "errexit", "no-title", "no-wrap", "precise"],
        long_valued: &["equexit", "interval"],
        attached: "",
        then: Then::Line,
        ..PLAIN
    },
    Row {
        name: "xargs",
        short: "0oprtx",
        valued: "EILPadns",
        attached: "eil",
        long: &["exit", "interactive", "no-run-if-empty", "null", "open-tty", "verbose"],
        long_valued: &["arg-file", "delimiter", "max-args", "max-chars", "max-procs", "process-slot-var"],
        then: Then::Open,
        ..PLAIN
    },
];

/// The row of a wrapper, by the last component of its name.
pub(super) fn row(name: &str) -> Option<&'static Row> {
    let at = TABLE.binary_search_by(|row| row.name.cmp(name)).ok()?;
    TABLE.get(at)
}

/// Shells whose text is read as bash reads it, or nearly so.
pub(super) const SHELLS: &[&str] = &["ash", "bash", "dash", "rbash", "sh"];

/// Shells with a language of their own.
pub(super) const FOREIGN: &[&str] =
    &["csh", "fish", "ksh", "mksh", "nu", "osh", "pwsh", "tcsh", "xonsh", "yash", "zsh"];

/// Interpreters: their name and the letters of options that take program text.
pub(super) const INTERPRETERS: &[(&str, &str, &[&str])] = &[
    ("Rscript", "e", &[]),
    ("bun", "e", &["--eval", "--print"]),
    ("ipython", "c", &[]),
    ("julia", "eE", &["--eval", "--print"]),
    ("lua", "e", &[]),
    ("luajit", "e", &[]),
    ("node", "ep", &["--eval", "--print"]),
    ("nodejs", "ep", &["--eval", "--print"]),
    ("osascript", "e", &[]),
    ("perl", "eE", &[]),
    ("php", "rBRE", &["--run"]),
    ("pypy", "c", &[]),
    ("python", "c", &[]),
    ("ruby", "e", &[]),
    ("tclsh", "", &[]),
];

/// Programs that start others in ways of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// `find -exec`
    Find,
    /// `busybox sh`
    Applet,
    /// `parallel`
    Parallel,
    /// A language that can start programs.
    Awk,
    /// The same.
    Sed,
    /// `uv run`
    Runner,
    /// The dynamic loader.
    Loader,
}

/// The way in which a program of that name starts others, if it is one of those.
pub(super) fn special(name: &str) -> Option<Special> {
    Some(match name {
        "find" | "fd" | "fdfind" => Special::Find,
        "busybox" | "toybox" => Special::Applet,
        "parallel" => Special::Parallel,
        "awk" | "gawk" | "mawk" | "nawk" => Special::Awk,
        "sed" => Special::Sed,
        "uv" | "poetry" | "pipenv" | "pdm" | "hatch" | "rye" => Special::Runner,
        _ if name.starts_with("ld-") && name.contains(".so") || name == "ld.so" => Special::Loader,
        _ => return None,
    })
}

/// Why the name of a program says little of what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// A shell.
    Shell,
    /// An interpreter of another language.
    Interpreter,
    /// It starts the program among its arguments.
    Wrapper,
}

/// Whether a program of that name, version aside, runs what it is told by text or by its arguments.
pub fn runs(name: &str) -> Option<Runs> {
    if SHELLS.contains(&name) || FOREIGN.contains(&name) {
        return Some(Runs::Shell);
    }
    if INTERPRETERS.iter().any(|(known, _, _)| *known == name) {
        return Some(Runs::Interpreter);
    }
    match special(name) {
        Some(Special::Awk | Special::Sed) => Some(Runs::Interpreter),
        Some(Special::Find | Special::Applet | Special::Parallel | Special::Runner | Special::Loader) => {
            Some(Runs::Wrapper)
        }
        None => row(name).map(|_| Runs::Wrapper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_so_that_they_can_be_searched() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
        assert!(SHELLS.is_sorted() && FOREIGN.is_sorted() && INTERPRETERS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn no_option_of_a_wrapper_is_listed_twice() {
        for row in TABLE {
            let letters: Vec<char> = row.short.chars().chain(row.valued.chars()).chain(row.attached.chars()).collect();
            let mut unique = letters.clone();
            unique.sort_unstable();
            unique.dedup();
            assert_eq!((row.name, unique.len()), (row.name, letters.len()));
        }
    }
}
