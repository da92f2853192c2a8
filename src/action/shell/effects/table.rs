//! The table of programs and what they do to paths, by their manuals: coreutils 9.1, findutils 4.9, tar 1.34, git 2.39,
//! curl 7.88, wget 1.21, pip 23, pytest 7.4, mypy 1.11, pylint 3.2, black 24, isort 5.
//! A program that is not in it is not known: its operands may be anything.

use super::Effect;

pub(super) const NOTHING: Effect = Effect { read: false, written: false, removed: false };
pub(super) const READ: Effect = Effect { read: true, written: false, removed: false };
pub(super) const WRITTEN: Effect = Effect { read: false, written: true, removed: false };
pub(super) const REMOVED: Effect = Effect { read: false, written: false, removed: true };
const EDITED: Effect = Effect { read: true, written: true, removed: false };
const MOVED: Effect = Effect { read: true, written: false, removed: true };
const EMPTIED: Effect = Effect { read: false, written: true, removed: true };

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
pub(super) struct Row {
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

const ROW: Row = Row {
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

const fn all(effect: Effect) -> Row {
    Row { operands: Operands::All(effect), ..ROW }
}

const LOOKS: &[Row] = &[ROW];
const READS: &[Row] = &[all(READ)];
const WRITES: &[Row] = &[all(WRITTEN)];
const REMOVES: &[Row] = &[all(REMOVED)];

const GREPS: &[Row] = &[Row {
    operands: Operands::After(READ, &["-e", "--regexp", "-f", "--file"]),
    flags: &[("-f", READ), ("--file", READ)],
    ..ROW
}];
const AWK: &[Row] = &[Row {
    operands: Operands::After(READ, &["-f", "--file", "-e", "--source"]),
    flags: &[("-f", READ), ("--file", READ)],
    ..ROW
}];
const SED: &[Row] = &[
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
const CHANGES: &[Row] =
    &[Row { operands: Operands::After(WRITTEN, &["--reference"]), flags: &[("--reference", NOTHING)], ..ROW }];
const INTO: &[&str] = &["-t", "--target-directory"];
const PACKS: &[Row] = &[
    Row {
        with: &["-c", "--stdout", "--to-stdout", "-l", "--list", "-t", "--test"],
        operands: Operands::All(READ),
        ..ROW
    },
    Row { with: &["-k", "--keep"], operands: Operands::All(EDITED), ..ROW },
    Row { operands: Operands::All(Effect { read: true, written: true, removed: true }), ..ROW },
];
const FORMATS: &[Row] = &[
    Row { with: &["--check", "--diff"], operands: Operands::All(READ), flags: FORMATTER, ..ROW },
    Row { operands: Operands::All(EDITED), flags: FORMATTER, ..ROW },
];
const FORMATTER: &[(&str, Effect)] = &[("--config", READ), ("--cache-dir", WRITTEN), ("--settings-path", READ)];
const IN_PLACE: &[Row] =
    &[Row { with: &["-i", "--in-place", "-w", "--write", "--fix"], operands: Operands::All(EDITED), ..ROW }, all(READ)];
const FIND: &[Row] = &[
    Row { with: &["-delete"], operands: Operands::Roots(REMOVED), flags: FIND_PRINTS, ..ROW },
    Row { operands: Operands::Roots(NOTHING), flags: FIND_PRINTS, ..ROW },
];
const FIND_PRINTS: &[(&str, Effect)] =
    &[("-fprint", WRITTEN), ("-fprint0", WRITTEN), ("-fprintf", WRITTEN), ("-fls", WRITTEN), ("-files0-from", READ)];
const ARCHIVE: &[(&str, Effect)] = &[("-f", WRITTEN), ("--file", WRITTEN)];
const TAR: &[Row] = &[
    Row {
        with: &["-x", "--extract", "--get"],
        flags: &[("-f", READ), ("--file", READ), ("-C", WRITTEN), ("--directory", WRITTEN), ("-T", READ)],
        otherwise: Some(WRITTEN),
        ..ROW
    },
    Row { with: &["-t", "--list", "-d", "--diff", "--compare"], flags: &[("-f", READ), ("--file", READ)], ..ROW },
    Row { with: &["--remove-files"], operands: Operands::All(MOVED), flags: ARCHIVE, ..ROW },
    Row { operands: Operands::All(READ), flags: ARCHIVE, ..ROW },
];
const TREE: &[Row] = &[
    Row { with: &["-R"], flags: &[("-o", WRITTEN), ("--output", WRITTEN)], otherwise: Some(WRITTEN), ..ROW },
    Row { flags: &[("-o", WRITTEN), ("--output", WRITTEN)], ..ROW },
];
const UNZIP: &[Row] = &[
    Row { with: &["-l", "-t", "-p", "-z", "-Z", "-v", "-c"], operands: Operands::All(READ), ..ROW },
    Row {
        operands: Operands::Each(&[READ], NOTHING),
        flags: &[("-d", WRITTEN), ("-x", NOTHING)],
        otherwise: Some(WRITTEN),
        ..ROW
    },
];
const CURL_FILES: &[(&str, Effect)] = &[
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
const CURL: &[Row] = &[
    Row {
        with: &["-O", "--remote-name", "--remote-name-all", "-J"],
        operands: Operands::Here(NOTHING),
        flags: CURL_FILES,
        target: &["--output-dir"],
        ..ROW
    },
    Row { flags: CURL_FILES, ..ROW },
];
const WGET_FILES: &[(&str, Effect)] = &[
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
const WGET: &[Row] = &[
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

const fn git(subcommand: &'static [&'static str], operands: Operands) -> Row {
    Row { subcommand, operands, folder: &["-C"], ..ROW }
}
const GIT: &[Row] = &[
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

const PIP: &[Row] = &[Row {
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
const PYTEST: &[Row] = &[Row {
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
const MYPY: &[Row] = &[Row {
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
const PYLINT: &[Row] = &[Row {
    operands: Operands::All(READ),
    flags: &[("--output", WRITTEN), ("--rcfile", READ), ("--ignored-paths", NOTHING)],
    ..ROW
}];

/// Programs by name, sorted; of each the first row that applies.
pub(super) const TABLE: &[(&str, &[Row])] = &[
    ("[", LOOKS),
    ("ag", GREPS),
    ("autopep8", IN_PLACE),
    ("awk", AWK),
    ("b2sum", READS),
    ("base32", READS),
    ("base64", READS),
    ("basename", LOOKS),
    ("bat", READS),
    ("black", FORMATS),
    ("bzip2", PACKS),
    ("cat", READS),
    ("chattr", CHANGES),
    ("chgrp", CHANGES),
    ("chmod", CHANGES),
    ("chown", CHANGES),
    ("cksum", READS),
    ("clang-format", IN_PLACE),
    ("cmp", READS),
    ("column", READS),
    ("comm", READS),
    ("cp", &[Row { operands: Operands::Into(READ), target: INTO, ..ROW }]),
    ("curl", CURL),
    ("cut", READS),
    ("date", &[Row { flags: &[("-f", READ), ("--file", READ), ("-r", NOTHING), ("--reference", NOTHING)], ..ROW }]),
    ("dd", &[Row { operands: Operands::Keyed(&[("if=", READ), ("of=", WRITTEN)]), ..ROW }]),
    ("df", LOOKS),
    ("diff", &[Row { operands: Operands::All(READ), flags: &[("--output", WRITTEN)], ..ROW }]),
    ("dir", LOOKS),
    ("dirname", LOOKS),
    ("du", LOOKS),
    ("echo", LOOKS),
    ("egrep", GREPS),
    ("expand", READS),
    ("expr", LOOKS),
    ("false", LOOKS),
    ("fgrep", GREPS),
    (
        "file",
        &[
            Row {
                with: &["-C", "--compile"],
                flags: &[("-m", WRITTEN), ("--magic-file", WRITTEN)],
                otherwise: Some(WRITTEN),
                ..ROW
            },
            Row { operands: Operands::All(READ), flags: &[("-f", READ), ("-m", READ), ("--files-from", READ)], ..ROW },
        ],
    ),
    ("find", FIND),
    ("fmt", READS),
    ("fold", READS),
    ("gawk", AWK),
    ("git", GIT),
    ("gofmt", IN_PLACE),
    ("grep", GREPS),
    ("groups", LOOKS),
    ("gunzip", PACKS),
    ("gzip", PACKS),
    ("head", READS),
    ("hexdump", READS),
    ("iconv", &[Row { operands: Operands::All(READ), flags: &[("-o", WRITTEN), ("--output", WRITTEN)], ..ROW }]),
    ("id", LOOKS),
    (
        "install",
        &[
            Row { with: &["-d", "--directory"], operands: Operands::All(WRITTEN), ..ROW },
            Row { operands: Operands::Into(READ), target: INTO, ..ROW },
        ],
    ),
    (
        "isort",
        &[
            Row { with: &["-c", "--check", "--check-only", "--diff", "-d"], operands: Operands::All(READ), ..ROW },
            Row { operands: Operands::All(EDITED), ..ROW },
        ],
    ),
    ("join", READS),
    (
        "jq",
        &[Row {
            operands: Operands::After(READ, &["-f", "--from-file"]),
            flags: &[("-f", READ), ("--from-file", READ)],
            ..ROW
        }],
    ),
    (
        "less",
        &[Row {
            operands: Operands::All(READ),
            flags: &[("-o", WRITTEN), ("-O", WRITTEN), ("--log-file", WRITTEN)],
            ..ROW
        }],
    ),
    ("ln", &[Row { operands: Operands::Into(READ), target: INTO, ..ROW }]),
    ("ls", LOOKS),
    ("mawk", AWK),
    ("md5sum", READS),
    ("mkdir", WRITES),
    ("mkfifo", WRITES),
    ("mktemp", &[Row { operands: Operands::All(WRITTEN), flags: &[("-p", WRITTEN), ("--tmpdir", WRITTEN)], ..ROW }]),
    ("more", READS),
    ("mv", &[Row { operands: Operands::Into(MOVED), target: INTO, ..ROW }]),
    ("mypy", MYPY),
    ("nawk", AWK),
    ("nl", READS),
    ("nproc", LOOKS),
    ("numfmt", LOOKS),
    ("od", READS),
    (
        "openssl",
        &[Row {
            flags: &[("-out", WRITTEN), ("-keyout", WRITTEN), ("-writerand", WRITTEN), ("-in", READ), ("-inkey", READ)],
            ..ROW
        }],
    ),
    ("paste", READS),
    (
        "patch",
        &[Row {
            operands: Operands::Each(&[EDITED, READ], NOTHING),
            flags: &[("-i", READ), ("--input", READ), ("-o", WRITTEN), ("--output", WRITTEN), ("-r", WRITTEN)],
            folder: &["-d", "--directory"],
            otherwise: Some(WRITTEN),
            ..ROW
        }],
    ),
    ("pg_dump", &[Row { flags: &[("-f", WRITTEN), ("--file", WRITTEN)], ..ROW }]),
    ("pgrep", LOOKS),
    ("pip", PIP),
    ("pr", READS),
    ("printenv", LOOKS),
    ("printf", LOOKS),
    ("ps", LOOKS),
    (
        "psql",
        &[Row {
            flags: &[
                ("-f", READ),
                ("--file", READ),
                ("-o", WRITTEN),
                ("--output", WRITTEN),
                ("-L", WRITTEN),
                ("--log-file", WRITTEN),
            ],
            ..ROW
        }],
    ),
    ("pwd", LOOKS),
    ("py.test", PYTEST),
    ("pylint", PYLINT),
    ("pytest", PYTEST),
    ("readlink", LOOKS),
    ("realpath", LOOKS),
    ("redis-cli", &[Row { flags: &[("--rdb", WRITTEN), ("--functions-rdb", WRITTEN)], ..ROW }]),
    ("rev", READS),
    ("rg", GREPS),
    ("ripgrep", GREPS),
    ("rm", REMOVES),
    ("rmdir", REMOVES),
    (
        "rsync",
        &[
            Row {
                with: &["--remove-source-files"],
                operands: Operands::Into(MOVED),
                flags: &[("--log-file", WRITTEN)],
                remote: true,
                ..ROW
            },
            Row { operands: Operands::Into(READ), flags: &[("--log-file", WRITTEN)], remote: true, ..ROW },
        ],
    ),
    ("scp", &[Row { operands: Operands::Into(READ), flags: &[("-i", READ), ("-F", READ)], remote: true, ..ROW }]),
    ("sed", SED),
    ("seq", LOOKS),
    ("sha1sum", READS),
    ("sha224sum", READS),
    ("sha256sum", READS),
    ("sha384sum", READS),
    ("sha512sum", READS),
    (
        "shred",
        &[
            Row { with: &["-u", "--remove"], operands: Operands::All(EMPTIED), ..ROW },
            Row { operands: Operands::All(WRITTEN), ..ROW },
        ],
    ),
    ("shuf", &[Row { operands: Operands::All(READ), flags: &[("-o", WRITTEN), ("--output", WRITTEN)], ..ROW }]),
    ("sleep", LOOKS),
    (
        "sort",
        &[Row {
            operands: Operands::All(READ),
            flags: &[
                ("-o", WRITTEN),
                ("--output", WRITTEN),
                ("-T", WRITTEN),
                ("--temporary-directory", WRITTEN),
                ("--files0-from", READ),
            ],
            ..ROW
        }],
    ),
    ("split", &[Row { operands: Operands::Each(&[READ, WRITTEN], NOTHING), otherwise: Some(WRITTEN), ..ROW }]),
    ("sqlite3", &[Row { operands: Operands::Each(&[EDITED], NOTHING), flags: &[("-init", READ)], ..ROW }]),
    ("srm", REMOVES),
    ("ssh-keygen", &[Row { flags: &[("-f", EDITED)], ..ROW }]),
    ("stat", LOOKS),
    ("strings", READS),
    ("sum", READS),
    ("tac", READS),
    ("tail", READS),
    ("tar", TAR),
    ("tee", WRITES),
    ("test", LOOKS),
    ("touch", &[Row { operands: Operands::All(WRITTEN), flags: &[("-r", NOTHING), ("--reference", NOTHING)], ..ROW }]),
    ("tr", LOOKS),
    ("tree", TREE),
    ("true", LOOKS),
    (
        "truncate",
        &[Row { operands: Operands::All(WRITTEN), flags: &[("-r", NOTHING), ("--reference", NOTHING)], ..ROW }],
    ),
    ("tsort", READS),
    ("type", LOOKS),
    ("uname", LOOKS),
    ("unexpand", READS),
    ("uniq", &[Row { operands: Operands::Each(&[READ, WRITTEN], NOTHING), ..ROW }]),
    ("unlink", REMOVES),
    ("unxz", PACKS),
    ("unzip", UNZIP),
    ("vdir", LOOKS),
    ("wc", &[Row { operands: Operands::All(READ), flags: &[("--files0-from", READ)], ..ROW }]),
    ("wget", WGET),
    ("whereis", LOOKS),
    ("which", LOOKS),
    ("whoami", LOOKS),
    ("wipe", REMOVES),
    ("xxd", &[Row { operands: Operands::Each(&[READ, WRITTEN], NOTHING), ..ROW }]),
    ("xz", PACKS),
    ("yapf", IN_PLACE),
    ("zcat", READS),
    ("zgrep", GREPS),
    (
        "zip",
        &[Row {
            operands: Operands::Each(&[WRITTEN], READ),
            flags: &[("-O", WRITTEN), ("--output-file", WRITTEN), ("-b", WRITTEN)],
            ..ROW
        }],
    ),
    ("zstd", PACKS),
];
