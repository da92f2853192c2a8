//! The way of a change of one file: worked out, judged, brought in or not, recorded; tried once more where the system stood
//! in the way, and counted where that failed again.
//! Knows no doors.

use super::make::{Ground, Made, Trouble};
use super::{FileAct, FileRequest, Verb};
use crate::action::ChangeSet;
use crate::decide::Match;
use crate::decide::policy::Writes;
use crate::event::line::{carry, printable};
use crate::event::{Changed, ChangedFile, Why};
use crate::execute::change::{Basis, Transaction};
use crate::gate::ahead::own_rule;
use crate::gate::desk::Desk;
use crate::gate::origin::{Caller, OnFile, Origin};
use crate::gate::transaction::{Changes, Withholding, begun};
use crate::gate::{Answer, Project, Stop, World};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// How long guard waits before it tries once more (SKILL 1, error handling).
const PAUSE: Duration = Duration::from_secs(1);

/// Changes one file, if that is allowed.
pub fn change_file(world: &World, project: &Project, request: &FileRequest) -> Answer {
    let mut answer = Answer::default();
    let done = Desk::open(world, project).and_then(|mut desk| {
        answer.left_alone = std::mem::take(&mut desk.left_alone);
        desk.not_halted(&mut answer, None)?;
        desk.tried(request, &mut answer)
    });
    answer.stop = done.err();
    answer
}

impl Desk<'_> {
    fn tried(&mut self, request: &FileRequest, answer: &mut Answer) -> Result<(), Stop> {
        self.act(request, false, answer)?;
        if answer.changes.as_ref().is_none_or(|changes| changes.withheld != Some(Why::Error)) {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
        answer.changes = None;
        self.act(request, true, answer)
    }

    /// `last`: whether it is not tried again.
    fn act(&mut self, request: &FileRequest, last: bool, answer: &mut Answer) -> Result<(), Stop> {
        let Some(reason) = request.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) else {
            return Err(Stop::Usage {
                what: "a change of a file needs a reason, which the log keeps".into(),
                help: "say in a line what it is for: `--reason 'count retries in the client'`".into(),
            });
        };
        let transaction = Transaction::begin(&self.project.paths.state, &self.project.root)
            .map_err(|error| Stop::Change(begun(self.project, &error)))?;
        let upper = transaction.layer().upper;
        let most = self.policy.settings().limits.file_size;
        let (project, settings, home) = (self.project, self.policy.settings(), self.world.home());
        let kept: Vec<_> = project.protected().into_iter().chain(project.hidden()).collect();
        let is_output =
            |path: &Path| settings.iteration.is_output(&project.root.join(path), &project.root, home.as_deref());
        let ground = Ground { world: self.world, project, upper: &upper, most, kept: &kept, is_output: &is_output };
        let made = ground.make(request);
        let (path, verb) = match &made {
            Ok(made) => (made.path.as_path(), made.verb),
            Err(_) => (Path::new(&request.path), request.act.verb()),
        };
        let carried = |path: &Path| carry(path.as_os_str().as_bytes()).into_owned();
        let path = carried(path);
        let to = made.as_ref().ok().and_then(|made| made.to.as_deref()).map(carried);
        let text = format!("guard file {} {}", request.act.word(), printable(&path));
        let origin = Origin {
            text: &text,
            of: None,
            area: Writes::Project,
            answered: Vec::new(),
            caller: Caller {
                task: request.task.as_deref(),
                reason: Some(reason),
                waiting: request.waiting,
                dry_run: request.dry_run,
            },
            file: Some(OnFile { verb, path, to, reason, last }),
        };
        match made {
            Ok(made) => self.judged(transaction, made, &origin, answer),
            Err(Trouble::Asked { what, help }) => Err(Stop::Usage { what, help: help.into() }),
            Err(Trouble::Refused { rule, what }) => {
                let instead = (rule == "guard:writes-outside").then_some("name a file below the project's folder");
                self.refuse(own_rule(rule, &what, instead).rules, &origin, answer)
            }
            Err(Trouble::Conflict { what }) => {
                self.withhold(&origin, named(&origin), Withholding::of(Why::Conflict, what), answer)
            }
            Err(Trouble::System { what }) => {
                self.withhold(&origin, named(&origin), Withholding::of(Why::Error, what), answer)
            }
        }
    }

    /// As any change.
    fn judged(
        &mut self,
        transaction: Transaction,
        made: Made,
        origin: &Origin<'_>,
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        let Made { set, .. } = made;
        if set.is_empty() {
            answer.changes = Some(Changes::of(Changed::of(None, &set), None));
            return Ok(());
        }
        self.settle(transaction, set, (Basis::Content, origin), answer)
    }

    fn refuse(&mut self, rules: Vec<Match>, origin: &Origin<'_>, answer: &mut Answer) -> Result<(), Stop> {
        let withholding = Withholding { why: Why::Deny, rules, cause: None, request: None };
        self.withhold(origin, named(origin), withholding, answer)
    }
}

impl FileAct {
    /// The word of the command line.
    fn word(&self) -> &'static str {
        match self {
            Self::Write(_) | Self::From(_) => "write",
            Self::Replace { .. } | Self::Patch(_) => "edit",
            Self::Delete => "delete",
            Self::Move(_) => "move",
        }
    }

    /// What it is while nobody knows what stands there.
    fn verb(&self) -> Verb {
        match self {
            Self::Write(_) | Self::From(_) | Self::Replace { .. } | Self::Patch(_) => Verb::Modify,
            Self::Delete => Verb::Delete,
            Self::Move(_) => Verb::Move,
        }
    }
}

/// The file that an action is about, where it comes to no change.
fn named(origin: &Origin<'_>) -> Changed {
    let file = |file: &OnFile<'_>| ChangedFile {
        path: file.path.clone(),
        change: file.verb.action().to_lowercase(),
        kind: "file".into(),
        sha256: None,
    };
    Changed { files: origin.file.iter().map(file).collect(), ..Changed::of(None, &ChangeSet::default()) }
}
