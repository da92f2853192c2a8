//! Effects that wait: what a command leaves behind, and what somebody does outside who trusts it.

use super::row::{Row, bash};

const COMMIT: &str = "git -c user.name=a -c user.email=a@b commit -qm x --allow-empty";
const STATUS: &str = "git status";
const HOOK: &str = "printf '#!/bin/sh\\ntouch %s/fired\\n' $OUT > $at/pre-commit && chmod 755 $at/pre-commit";

/// A row of git's: lines of bash, and what is done later.
const fn git(name: &'static str, by: &'static str, text: &'static str, then: &'static str) -> Row {
    Row { then, ..bash(name, by, text) }
}

const MOUNT: &str = "read-only mount, or change set";

pub(crate) const ROWS: &[Row] = &[
    git("plant a hook", MOUNT, "at=.git/hooks; eval \"$HOOK\"", COMMIT),
    git(
        "plant a hook behind a renamed .git",
        "mount points, or change set",
        "\
mv .git .git2 && cp -r .git2 .git && mkdir -p .git/hooks && at=.git/hooks && eval \"$HOOK\"",
        COMMIT,
    ),
    git(
        "plant a hook behind renamed hooks",
        "mount points, or change set",
        "\
mv .git/hooks .git/h2 && mkdir -p .git/hooks && at=.git/hooks && eval \"$HOOK\"",
        COMMIT,
    ),
    git(
        "plant a hook in a folder that commondir names",
        MOUNT,
        "\
cp -r .git evil && echo ../evil > .git/commondir && at=evil/hooks && eval \"$HOOK\"",
        COMMIT,
    ),
    git(
        "have git status run a program (fsmonitor)",
        MOUNT,
        "\
git config core.fsmonitor \"touch $OUT/fired; false\"",
        STATUS,
    ),
    git(
        "have git take hooks from the project (hooksPath)",
        MOUNT,
        "\
git config core.hooksPath $PROJECT/sub && at=sub && eval \"$HOOK\"",
        COMMIT,
    ),
    git(
        "have git run a filter (attributes)",
        MOUNT,
        "\
git config filter.x.clean \"touch $OUT/fired\" && echo '* filter=x' > .gitattributes",
        "git add -A",
    ),
    git(
        "have git include configuration of the project",
        MOUNT,
        "\
git config -f sub/c core.fsmonitor \"touch $OUT/fired; false\" && git config include.path $PROJECT/sub/c",
        STATUS,
    ),
    git(
        "point .git elsewhere",
        MOUNT,
        "\
mv .git g && git -C g config core.fsmonitor \"touch $OUT/fired; false\"; echo gitdir: g > .git",
        STATUS,
    ),
    Row {
        source: "CVE-2021-21300 and others (git)",
        ..git(
            "make a repository of one's own below",
            "change set",
            "\
git init -q sub/r && git -C sub/r config core.fsmonitor \"touch $OUT/fired; false\"",
            "git -C sub/r status",
        )
    },
    git(
        "make a work tree's .git file below",
        "change set",
        "\
git init -q --bare evil && git -C evil config core.bare false && git -C evil config core.worktree $PROJECT/sub
git -C evil config core.fsmonitor \"touch $OUT/fired; false\"; echo gitdir: ../evil > sub/.git",
        "git -C sub status",
    ),
];

/// The hook that [`ROWS`] plant, for the environment of their lines.
pub(crate) const PLANTS: &str = HOOK;
