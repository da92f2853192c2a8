//! Guard's own rules about what commands change, with their wording.
//! Knows nothing of when they match.

use crate::decide::Verdict;
use crate::decide::judging::{BuiltIn, own_rule as rule};

/// All of them.
pub(super) static ALL: [&BuiltIn; 18] = [
    &PROTECTED,
    &GIT,
    &SECRET_FILE,
    &SECRET,
    &TOO_MANY_FILES,
    &FULL,
    &FOLDER,
    &FOLDER_BY_GIT,
    &PHASE,
    &BIG,
    &LINK_OUTSIDE,
    &LINK_OF_OUTPUT,
    &SPECIAL,
    &TOO_MANY,
    &LINKED,
    &CREDENTIALS,
    &READS_OUTSIDE,
    &READS_HIDDEN,
];

pub(super) static PROTECTED: BuiltIn = rule(
    "guard:changes-protected",
    Verdict::Deny,
    "changes what guard or a harness rests on: {}",
    Some("leave it to a person"),
);
pub(super) static GIT: BuiltIn = rule(
    "guard:changes-git",
    Verdict::Deny,
    "changes what git keeps for itself, where a hook or a setting would run later: {}",
    Some("use git's own commands: add, commit, switch, merge, tag; settings and hooks are for a person"),
);
pub(super) static SECRET_FILE: BuiltIn = rule(
    "guard:changes-secret-file",
    Verdict::Deny,
    "changes a file that holds secrets: {}",
    Some("change an example of it (`.env.example`), and tell the person what to put in"),
);
pub(super) static SECRET: BuiltIn = rule(
    "guard:changes-secret",
    Verdict::Ask,
    "puts a secret into a file: {}",
    Some("read it from the environment when it runs"),
);
pub(super) static TOO_MANY_FILES: BuiltIn = rule(
    "guard:changes-many",
    Verdict::Ask,
    "changes more files than one iteration may, and not every two of them are coupled: {}",
    Some("change fewer at a time; what a build makes belongs in `[iteration] outputs`"),
);
pub(super) static FULL: BuiltIn = rule(
    "guard:iteration-full",
    Verdict::Deny,
    "the open iteration is full: {}",
    Some(
        "finish it first: run the check that shows it works (tests), then `guard iteration close`, and do this in the next \
         one; what is open already may be changed again",
    ),
);
pub(super) static FOLDER: BuiltIn = rule(
    "guard:changes-folder",
    Verdict::Deny,
    "changes more files of one folder than one iteration may: {}",
    Some("change a few, have them checked, and close the iteration; a whole folder is not reworked at once"),
);
pub(super) static FOLDER_BY_GIT: BuiltIn = rule(
    "guard:changes-folder",
    Verdict::Ask,
    "git changes more files of one folder than one iteration may: {}",
    Some("take over fewer at a time, or have a person look at it"),
);
pub(super) static PHASE: BuiltIn = rule(
    "guard:changes-phase",
    Verdict::Deny,
    "changes what the open phase of the plan may not touch: {}",
    Some(
        "change only what the phase names (`guard status` shows it); where the plan is wrong, `guard escalate` and say so",
    ),
);
pub(super) static BIG: BuiltIn = rule(
    "guard:changes-big",
    Verdict::Ask,
    "leaves files behind that are bigger than `[limits] file_size`: {}",
    Some("write big files to /tmp, or less of them"),
);
pub(super) static LINK_OUTSIDE: BuiltIn = rule(
    "guard:changes-link",
    Verdict::Deny,
    "makes a link that leads out of the project: {}",
    Some("copy what is needed into the project"),
);
pub(super) static LINK_OF_OUTPUT: BuiltIn = rule(
    "guard:changes-link",
    Verdict::Ask,
    "makes a link among outputs that leads out of the project, and not to an installed program: {}",
    Some("copy what is needed into the project"),
);
pub(super) static SPECIAL: BuiltIn = rule(
    "guard:changes-special",
    Verdict::Deny,
    "makes a device, or a file with a set-user-id, set-group-id or sticky bit, or replaces one that has capabilities: {}",
    Some("do without: ordinary files and folders are committed"),
);
pub(super) static TOO_MANY: BuiltIn = rule(
    "guard:changes-unread",
    Verdict::Deny,
    "changes more than guard looks through: {}",
    Some("do it in parts, or below /tmp"),
);
/// Of actions on files: a command's changes never write through a name.
pub(super) static LINKED: BuiltIn = rule(
    "guard:changes-linked",
    Verdict::Deny,
    "is about a file that goes by other names as well, perhaps outside the project: {}",
    Some("copy it to a file of its own with a command, or leave it to a person"),
);
pub(super) static CREDENTIALS: BuiltIn = rule(
    "guard:changes-credentials",
    Verdict::Deny,
    "changes a configuration file that holds credentials: {}",
    Some("change an example of it, and tell the person what to put in"),
);
pub(super) static READS_OUTSIDE: BuiltIn = rule(
    "guard:reads-outside",
    Verdict::Deny,
    "reads a file outside the project: {}",
    Some("name a file below the project's folder; programs read what the fence lets them: `guard exec`"),
);
pub(super) static READS_HIDDEN: BuiltIn = rule(
    "guard:reads-hidden",
    Verdict::Deny,
    "reads what guard keeps from agents: {}",
    Some("`guard status` says where everything stands"),
);
