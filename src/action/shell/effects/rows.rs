//! Rows of the table of effects: the ways in which programs are used, by their manuals: coreutils 9.1, findutils 4.9, tar 1.34, git 2.39,
//! curl 7.88, wget 1.21, pip 23, pytest 7.4, mypy 1.11, pylint 3.2, black 24, isort 5.
//! Knows no names of programs.

use super::Effect;

pub(super) const NOTHING: Effect = Effect { read: false, written: false, removed: false };
pub(super) const READ: Effect = Effect { read: true, written: false, removed: false };
pub(super) const WRITTEN: Effect = Effect { read: false, written: true, removed: false };
pub(super) const REMOVED: Effect = Effect { read: false, written: false, removed: true };
pub(super) const EDITED: Effect = Effect { read: true, written: true, removed: false };
pub(super) const MOVED: Effect = Effect { read: true, written: false, removed: true };
pub(super) const EMPTIED: Effect = Effect { read: false, written: true, removed: true };

/// What the operands of a program are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operands {
    /// No paths, or paths that are only looked at from outside.
    Nothing,
    /// Paths, all alike.
    All(Effect),
    /// Paths behind a first operand that is none (a script, a mode), unless one of these flags takes its place.
    After(Effect, &'static [&'static str]),
    /// Paths by their position, and those after them.
    Each(&'static [Effect], Effect),
    /// The last is where all the others go, or the value of the row's `target`.
    Into(Effect),
    /// All of them go, by their names, into the working folder, or the value of the row's `target`.
    Here(Effect),
    /// `of=FILE`: these keys.
    Keyed(&'static [(&'static str, Effect)]),
    /// Only what stands behind `--`.
    Dashed(Effect),
    /// Those before the expression of `find`, narrowed by its `-name`.
    Roots(Effect),
}

/// What a program does, in one of the ways it is used.
#[derive(Debug, Clone, Copy)]
pub(in crate::action::shell) struct Row {
    /// The operands it begins with; they are no paths.
    pub(super) subcommand: &'static [&'static str],
    /// The row needs one of these flags …
    pub(super) with: &'static [&'static str],
    /// … and none of these.
    pub(super) without: &'static [&'static str],
    pub(super) operands: Operands,
    /// Flags whose value is a path.
    pub(super) flags: &'static [(&'static str, Effect)],
    /// Flags whose value is the folder that operands go into.
    pub(super) target: &'static [&'static str],
    /// Flags whose value is the folder that relative paths start from.
    pub(super) folder: &'static [&'static str],
    /// What happens to the working folder where no path is named to be changed.
    pub(super) otherwise: Option<Effect>,
    /// Whether `host:path` is no path.
    pub(super) remote: bool,
}

pub(super) const ROW: Row = Row {
    subcommand: &[],
    with: &[],
    without: &[],
    operands: Operands::Nothing,
    flags: &[],
    target: &[],
    folder: &[],
    otherwise: None,
    remote: false,
};

pub(super) const fn all(effect: Effect) -> Row {
    Row { operands: Operands::All(effect), ..ROW }
}

pub(super) const LOOKS: &[Row] = &[ROW];
pub(super) const READS: &[Row] = &[all(READ)];
pub(super) const WRITES: &[Row] = &[all(WRITTEN)];
pub(super) const REMOVES: &[Row] = &[all(REMOVED)];

pub(super) const GREPS: &[Row] = &[Row {
    operands: Operands::After(READ, &["-e", "--regexp", "-f", "--file"]),
    flags: &[("-f", READ), ("--file", READ)],
    ..ROW
}];
pub(super) const AWK: &[Row] = &[Row {
    operands: Operands::After(READ, &["-f", "--file", "-e", "--source"]),
    flags: &[("-f", READ), ("--file", READ)],
    ..ROW
}];
pub(super) const SED: &[Row] = &[
    Row {
        with: &["-i", "--in-place"],
        operands: Operands::After(EDITED, &["-e", "--expression", "-f", "--file"]),
        flags: &[("-f", READ), ("--file", READ)],
        ..ROW
    },
    Row {
        operands: Operands::After(READ, &["-e", "--expression", "-f", "--file"]),
        flags: &[("-f", READ), ("--file", READ)],
        ..ROW
    },
];
/// chmod, chown, chgrp: a mode or an owner, then files.
pub(super) const CHANGES: &[Row] =
    &[Row { operands: Operands::After(WRITTEN, &["--reference"]), flags: &[("--reference", NOTHING)], ..ROW }];
pub(super) const INTO: &[&str] = &["-t", "--target-directory"];
pub(super) const PACKS: &[Row] = &[
    Row {
        with: &["-c", "--stdout", "--to-stdout", "-l", "--list", "-t", "--test"],
        operands: Operands::All(READ),
        ..ROW
    },
    Row { with: &["-k", "--keep"], operands: Operands::All(EDITED), ..ROW },
    Row { operands: Operands::All(Effect { read: true, written: true, removed: true }), ..ROW },
];
pub(super) const FORMATS: &[Row] = &[
    Row { with: &["--check", "--diff"], operands: Operands::All(READ), flags: FORMATTER, ..ROW },
    Row { operands: Operands::All(EDITED), flags: FORMATTER, ..ROW },
];
pub(super) const FORMATTER: &[(&str, Effect)] =
    &[("--config", READ), ("--cache-dir", WRITTEN), ("--settings-path", READ)];
pub(super) const IN_PLACE: &[Row] =
    &[Row { with: &["-i", "--in-place", "-w", "--write", "--fix"], operands: Operands::All(EDITED), ..ROW }, all(READ)];
pub(super) const FIND: &[Row] = &[
    Row { with: &["-delete"], operands: Operands::Roots(REMOVED), flags: FIND_PRINTS, ..ROW },
    Row { operands: Operands::Roots(NOTHING), flags: FIND_PRINTS, ..ROW },
];
pub(super) const FIND_PRINTS: &[(&str, Effect)] =
    &[("-fprint", WRITTEN), ("-fprint0", WRITTEN), ("-fprintf", WRITTEN), ("-fls", WRITTEN), ("-files0-from", READ)];
pub(super) const ARCHIVE: &[(&str, Effect)] = &[
    ("-f", WRITTEN),
    ("--file", WRITTEN),
    ("-g", EDITED),
    ("--listed-incremental", EDITED),
    ("--index-file", WRITTEN),
    ("--volno-file", EDITED),
];
pub(super) const TAR: &[Row] = &[
    Row {
        with: &["-x", "--extract", "--get"],
        flags: &[
            ("-f", READ),
            ("--file", READ),
            ("-C", WRITTEN),
            ("--directory", WRITTEN),
            ("--index-file", WRITTEN),
            ("-T", READ),
        ],
        otherwise: Some(WRITTEN),
        ..ROW
    },
    Row {
        with: &["-t", "--list", "-d", "--diff", "--compare"],
        flags: &[("-f", READ), ("--file", READ), ("--index-file", WRITTEN)],
        ..ROW
    },
    Row { with: &["--remove-files"], operands: Operands::All(MOVED), flags: ARCHIVE, ..ROW },
    Row { operands: Operands::All(READ), flags: ARCHIVE, ..ROW },
];
pub(super) const TREE: &[Row] = &[
    Row { with: &["-R"], flags: &[("-o", WRITTEN), ("--output", WRITTEN)], otherwise: Some(WRITTEN), ..ROW },
    Row { flags: &[("-o", WRITTEN), ("--output", WRITTEN)], ..ROW },
];
pub(super) const UNZIP: &[Row] = &[
    Row { with: &["-l", "-t", "-p", "-z", "-Z", "-v", "-c"], operands: Operands::All(READ), ..ROW },
    Row {
        operands: Operands::Each(&[READ], NOTHING),
        flags: &[("-d", WRITTEN), ("-x", NOTHING)],
        otherwise: Some(WRITTEN),
        ..ROW
    },
];
pub(super) const CURL_FILES: &[(&str, Effect)] = &[
    ("-o", WRITTEN),
    ("--output", WRITTEN),
    ("--output-dir", WRITTEN),
    ("-D", WRITTEN),
    ("--dump-header", WRITTEN),
    ("-c", WRITTEN),
    ("--cookie-jar", WRITTEN),
    ("--trace", WRITTEN),
    ("--trace-ascii", WRITTEN),
    ("--stderr", WRITTEN),
    ("--etag-save", WRITTEN),
    ("--libcurl", WRITTEN),
    ("--hsts", WRITTEN),
    ("--alt-svc", WRITTEN),
    ("-T", READ),
    ("--upload-file", READ),
    ("-K", READ),
    ("--config", READ),
    ("-E", READ),
    ("--cert", READ),
    ("--key", READ),
    ("--cacert", READ),
    ("--netrc-file", READ),
];
pub(super) const CURL: &[Row] = &[
    Row {
        with: &["-O", "--remote-name", "--remote-name-all", "-J"],
        operands: Operands::Here(NOTHING),
        flags: CURL_FILES,
        target: &["--output-dir"],
        ..ROW
    },
    Row { flags: CURL_FILES, ..ROW },
];
pub(super) const WGET_FILES: &[(&str, Effect)] = &[
    ("-O", WRITTEN),
    ("--output-document", WRITTEN),
    ("-o", WRITTEN),
    ("--output-file", WRITTEN),
    ("-a", WRITTEN),
    ("--append-output", WRITTEN),
    ("--save-cookies", WRITTEN),
    ("--warc-file", WRITTEN),
    ("-i", READ),
    ("--input-file", READ),
    ("--post-file", READ),
    ("--body-file", READ),
    ("--load-cookies", READ),
];
pub(super) const WGET: &[Row] = &[
    Row { with: &["-O", "--output-document"], flags: WGET_FILES, ..ROW },
    Row { with: &["--spider"], without: &["-O"], flags: WGET_FILES, ..ROW },
    Row {
        operands: Operands::Here(NOTHING),
        target: &["-P", "--directory-prefix"],
        flags: WGET_FILES,
        otherwise: Some(WRITTEN),
        ..ROW
    },
];

pub(super) const fn git(subcommand: &'static [&'static str], operands: Operands) -> Row {
    Row { subcommand, operands, folder: &["-C"], ..ROW }
}
pub(super) const GIT: &[Row] = &[
    Row { with: &["--cached"], ..git(&["rm"], Operands::Nothing) },
    git(&["rm"], Operands::All(REMOVED)),
    git(&["mv"], Operands::Into(MOVED)),
    Row { with: &["-n", "--dry-run"], ..git(&["clean"], Operands::Nothing) },
    Row { otherwise: Some(REMOVED), flags: &[("-e", NOTHING)], ..git(&["clean"], Operands::All(REMOVED)) },
    git(&["restore"], Operands::All(WRITTEN)),
    git(&["checkout"], Operands::Dashed(WRITTEN)),
    git(&["add"], Operands::All(READ)),
    git(&["init"], Operands::All(WRITTEN)),
    Row { otherwise: Some(WRITTEN), ..git(&["clone"], Operands::Each(&[NOTHING, WRITTEN], NOTHING)) },
    git(&["worktree", "add"], Operands::Each(&[WRITTEN], NOTHING)),
    git(&["worktree", "remove"], Operands::All(REMOVED)),
    Row { flags: &[("-o", WRITTEN), ("--output", WRITTEN)], ..git(&["archive"], Operands::Nothing) },
    Row {
        flags: &[("-o", WRITTEN), ("--output-directory", WRITTEN)],
        otherwise: Some(WRITTEN),
        ..git(&["format-patch"], Operands::Nothing)
    },
    git(&["bundle", "create"], Operands::Each(&[WRITTEN], NOTHING)),
    Row { flags: &[("--output", WRITTEN)], ..git(&["diff"], Operands::Nothing) },
    Row { flags: &[("--output", WRITTEN)], ..git(&["log"], Operands::Nothing) },
    Row { flags: &[("--output", WRITTEN)], ..git(&["show"], Operands::Nothing) },
    Row { flags: &[("-F", READ), ("--file", READ)], ..git(&["commit"], Operands::Nothing) },
    Row { flags: &[("-f", EDITED), ("--file", EDITED)], ..git(&["config"], Operands::Nothing) },
];

pub(super) const PIP: &[Row] = &[Row {
    flags: &[
        ("-t", WRITTEN),
        ("--target", WRITTEN),
        ("--root", WRITTEN),
        ("--prefix", WRITTEN),
        ("--src", WRITTEN),
        ("-d", WRITTEN),
        ("--dest", WRITTEN),
        ("-w", WRITTEN),
        ("--wheel-dir", WRITTEN),
        ("--log", WRITTEN),
        ("--log-file", WRITTEN),
        ("--local-log", WRITTEN),
        ("--report", WRITTEN),
        ("--cache-dir", WRITTEN),
        ("-r", READ),
        ("--requirement", READ),
        ("-c", READ),
        ("--constraint", READ),
        ("--cert", READ),
        ("--client-cert", READ),
    ],
    ..ROW
}];
pub(super) const PYTEST: &[Row] = &[Row {
    operands: Operands::All(READ),
    flags: &[
        ("--basetemp", EMPTIED),
        ("--junitxml", WRITTEN),
        ("--junit-xml", WRITTEN),
        ("--log-file", WRITTEN),
        ("--report-log", WRITTEN),
        ("--resultlog", WRITTEN),
        ("--result-log", WRITTEN),
        ("--html", WRITTEN),
        ("--json-report-file", WRITTEN),
        ("-c", READ),
        ("--config-file", READ),
        ("--rootdir", READ),
        ("--confcutdir", READ),
        ("--cov-config", READ),
    ],
    ..ROW
}];
pub(super) const MYPY: &[Row] = &[Row {
    operands: Operands::All(READ),
    flags: &[
        ("--cache-dir", WRITTEN),
        ("--junit-xml", WRITTEN),
        ("--any-exprs-report", WRITTEN),
        ("--cobertura-xml-report", WRITTEN),
        ("--html-report", WRITTEN),
        ("--linecount-report", WRITTEN),
        ("--linecoverage-report", WRITTEN),
        ("--lineprecision-report", WRITTEN),
        ("--txt-report", WRITTEN),
        ("--xml-report", WRITTEN),
        ("--xslt-html-report", WRITTEN),
        ("--xslt-txt-report", WRITTEN),
        ("--config-file", READ),
        ("--custom-typeshed-dir", READ),
    ],
    ..ROW
}];
pub(super) const PYLINT: &[Row] = &[Row {
    operands: Operands::All(READ),
    flags: &[("--output", WRITTEN), ("--rcfile", READ), ("--ignored-paths", NOTHING)],
    ..ROW
}];
