//! `guard approve` and `guard deny`: a person's answers.

use super::consent::{Consent, Question};
use super::view::{text, with_rule};
use super::{say, told};
use crate::approve::{Decision, Unusable};
use crate::door::cli::text::Paint;
use crate::door::cli::{changes, project};
use crate::event::line::printable;
use crate::gate::{self, About, AskedChange, Extent, Project, Shown, Stop, World};
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Approve a request: it may run once, exactly as it is shown
///
/// Shows it whole and asks for its digest. The default answer is no. With `--always` a rule is added to the person's policy
/// that allows exactly this command in this folder, now and later; never for shells, interpreters and wrappers.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard approve command-3
  guard approve command-3 --agent
  guard approve command-3 --always
  guard approve change-4 --full              changes that are longer than a screen takes
  guard approve change-4 --unseen            with files whose content cannot be shown
  guard approve command-3 --digest 7f3a-91bc --key ~/.ssh/id_ed25519")]
pub(crate) struct Approve {
    /// The request's name
    #[arg(value_name = "ID")]
    name: String,
    /// Show all of it first, however long
    #[arg(long)]
    full: bool,
    /// Agree to new content that is not shown as well: binary files, very long ones
    #[arg(long)]
    unseen: bool,
    /// Have a rule added to your policy that allows exactly this from now on, and nothing else
    #[arg(long)]
    always: bool,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) fn approve(world: World, from: &Path, args: Approve) -> ExitCode {
    told(false, yes(world, from, args))
}

fn yes(world: World, from: &Path, args: Approve) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let extent = if args.full { Extent::WHOLE } else { Extent::SCREEN };
    let shown = gate::show(&world, &project, &args.name, extent)?;
    if args.always {
        return by_rule(&world, &project, from, &args, shown);
    }
    if let About::Halt(_) = shown.about {
        return super::halts::go_on(&world, &project, from, &args.name, None, &args.consent);
    }
    if let About::Change(asked) = &shown.about {
        seen(asked, &args)?;
    }
    let (view, cut) = text(&shown, args.full, Paint::on(&std::io::stdout()));
    let approvers = gate::approvers(&world, from)?;
    let question = Question {
        statement: &shown.statement,
        decision: Decision::Approve,
        required: shown.required,
        approvers: &approvers.signers,
        view: &view,
        cut,
    };
    let proof = args.consent.proof(&world, from, &question)?;
    gate::approve(&world, &project, &args.name, proof)?;
    if let About::Change(_) = shown.about {
        let changes = match gate::bring_in_approved(&world, &project, &args.name) {
            // Whoever waits for this answer may be the quicker.
            Err(Stop::Approval { cause: Unusable::Used, .. }) => {
                say(&format!("approved: `{}` is in the project, by the command that waited\n", args.name))?;
                return Ok(ExitCode::SUCCESS);
            }
            brought => brought?,
        };
        let mut list = changes::list(&changes, Paint::on(&std::io::stdout()));
        for note in &changes.notes {
            let _ = writeln!(list, "  note: {}", printable(note));
        }
        say(&format!(
            "approved: `{}` is in the project, as record {}\n{list}",
            args.name,
            changes.seq.unwrap_or_default()
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let About::Query(_) = shown.about {
        say(&format!("approved: `{}` is done once, when it is asked again as it is\n", args.name))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let About::Migration(_) = shown.about {
        let name = &args.name;
        say(&format!(
            "approved: run it with `guard migration run {name}`, or run it yourself and say `guard migration done {name}`\n"
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("approved: `{}` may run once\n", args.name))?;
    Ok(ExitCode::SUCCESS)
}

/// Nobody agrees to what they were not shown, unless they say that they do.
fn seen(asked: &AskedChange, args: &Approve) -> Result<(), Stop> {
    let name = &args.name;
    if asked.cut && !args.full {
        return Err(Stop::Usage {
            what: "it is longer than is shown at once".into(),
            help: format!("read it with `guard show {name} --full`, and approve it with `guard approve {name} --full`"),
        });
    }
    if !asked.unseen.is_empty() && !args.unseen {
        let copies = gate::shown(&asked.copies);
        return Err(Stop::Usage {
            what: format!("what comes in is not shown whole: {}", asked.unseen.join("; ")),
            help: format!(
                "look at the copies in `{copies}`, and approve them unseen with `guard approve {name} --unseen`{}",
                if args.full { "" } else { "; `--full` shows longer files" }
            ),
        });
    }
    Ok(())
}

fn by_rule(world: &World, project: &Project, from: &Path, args: &Approve, shown: Shown) -> Result<ExitCode, Stop> {
    let rule = gate::narrowest(world, project, &args.name)?;
    let (view, cut) = with_rule(&shown, &rule, Paint::on(&std::io::stdout()));
    let approvers = gate::approvers(world, from)?;
    let question = Question {
        statement: rule.statement(),
        decision: Decision::Approve,
        required: rule.required(),
        approvers: &approvers.signers,
        view: &view,
        cut,
    };
    let proof = args.consent.proof(world, from, &question)?;
    gate::add_rule(world, project, &rule, proof)?;
    let (name, id, file) = (&args.name, rule.id(), gate::shown(rule.path()));
    say(&format!(
        "approved always: `{name}` runs by the rule `{id}`, in `{file}`\n\
         what else waits was asked under the policy as it was, and must be asked again\n"
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Deny a request: the same command, however it is quoted or wrapped, is refused until a changed policy is trusted
///
/// Changes that are denied are dropped; the command that made them may run again, and its changes are judged again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard deny command-3 --reason 'use the staging account'")]
pub(crate) struct Deny {
    /// The request's name
    #[arg(value_name = "ID")]
    name: String,
    /// Why, for the log and for whoever asks again
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) fn deny(world: World, from: &Path, args: Deny) -> ExitCode {
    told(false, no(world, from, args))
}

fn no(world: World, from: &Path, args: Deny) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let shown = gate::show(&world, &project, &args.name, Extent::SCREEN)?;
    if let About::Halt(_) = shown.about {
        return Err(Stop::Usage {
            what: format!("`{}` is a halt: there is nothing to deny", args.name),
            help: "it stays as it is until a person resumes".into(),
        });
    }
    let (view, cut) = text(&shown, false, Paint::on(&std::io::stdout()));
    let approvers = gate::approvers(&world, from)?;
    let question = Question {
        statement: &shown.statement,
        decision: Decision::Deny,
        required: shown.required,
        approvers: &approvers.signers,
        view: &view,
        cut,
    };
    let proof = args.consent.proof(&world, from, &question)?;
    gate::deny(&world, &project, &args.name, proof, args.reason)?;
    say(&format!("denied: `{}`\n", args.name))?;
    Ok(ExitCode::SUCCESS)
}
