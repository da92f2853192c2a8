//! A command, explained: every rule that matched it, which nearly did, what decided, and what it would get.
//! Shows what `decide` found; decides nothing.

use super::{condition, json, untrusted};
use crate::action::Action;
use crate::action::shell::Asked;
use crate::decide::policy::{Key, RULE, Written};
use crate::decide::{Near, Verdict, nearly};
use crate::door::cli::text::{Paint, Tone, command};
use crate::door::cli::{judged, words};
use crate::event::line::printable;
use crate::gate::{Examined, Present, Request, Stop, World, examine};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// How many rules that nearly matched are shown for one command.
const MOST: usize = 8;

pub(super) struct Explained {
    examined: Examined,
    near: Vec<(Near, Option<Written>)>,
    trusted: bool,
}

impl Explained {
    /// Judges `asked` by the policy as it stands, in the world as it is.
    pub(super) fn new(
        world: &World,
        from: &Path,
        present: Present,
        asked: Asked,
        task: Option<String>,
    ) -> Result<Explained, Stop> {
        let cwd = std::fs::canonicalize(from)
            .map_err(|error| Stop::Folder { path: from.to_owned(), cause: error.to_string() })?;
        let world = World { cwd, ..world.clone() };
        let request = Request { task, ..Request::of(asked) };
        let Present { root, sources, policy, trusted, .. } = present;
        let examined = examine(&world, &root, request, &policy);
        let near = nearly(examined.judgement.action(), &examined.facts, &policy).into_iter().map(|near| {
            let written = Written::find(&sources, &near.id);
            (near, written)
        });
        Ok(Explained { near: near.collect(), examined, trusted })
    }

    pub(super) fn text(&self, paint: Paint) -> String {
        let judgement = &self.examined.judgement;
        let view = judged::view(judgement, &self.examined.facts);
        let verdict = judgement.verdict();
        let mut out = format!("{}: `{}`\n", paint.verdict(verdict), command(judgement));
        out += &judged::text::tree(&view, judgement, paint);
        let Action::Shell(shell) = judgement.action();
        for (number, asked) in shell.commands().iter().enumerate() {
            let near: Vec<_> = self.near.iter().filter(|(near, _)| near.command == number).collect();
            if near.is_empty() {
                continue;
            }
            let text = printable(asked.text(shell));
            let _ = match shell.commands().len() {
                1 => writeln!(out, "nearly"),
                _ => writeln!(out, "nearly, for `{text}`"),
            };
            for (near, written) in near.iter().take(MOST) {
                let at = paint.with(Tone::Faint, &format!("({})", near.at));
                let _ =
                    writeln!(out, "  {} {}: {} {at}", paint.verdict(near.verdict), near.id, printable(&near.reason));
                for why in whys(near, written.as_ref()) {
                    let _ = writeln!(out, "    {}", printable(&why));
                }
            }
            if near.len() > MOST {
                let text = format!("  and {} more; `--json` has them all", near.len() - MOST);
                let _ = writeln!(out, "{}", paint.with(Tone::Faint, &text));
            }
        }
        let gets = judged::text::grant(&view, judgement);
        let _ = match verdict {
            Verdict::Allow => writeln!(out, "it {gets}"),
            Verdict::Ask => writeln!(out, "if a person allows it, it {gets}"),
            Verdict::Deny => Ok(()),
        };
        out + &untrusted(self.trusted, paint)
    }

    pub(super) fn json(&self) -> String {
        let judgement = &self.examined.judgement;
        let view = judged::view(judgement, &self.examined.facts);
        let near: Vec<Value> = self
            .near
            .iter()
            .map(|(near, written)| {
                let failed: Vec<Value> =
                    near.failed.iter().map(|f| json!({ "key": f.key, "doubt": f.doubt })).collect();
                json!({
                    "command": near.command, "id": near.id, "verdict": near.verdict.word(), "reason": near.reason,
                    "layer": words::layer(near.layer), "at": near.at, "failed": failed,
                    "words": whys(near, written.as_ref()),
                })
            })
            .collect();
        json(&json!({
            "verdict": judgement.verdict().word(), "commands": view.parts, "whole": view.whole, "near": near,
            "gets": judged::text::grant(&view, judgement), "trusted": self.trusted,
        }))
    }
}

/// Why a rule did not match, one sentence for each condition.
fn whys(near: &Near, written: Option<&Written>) -> Vec<String> {
    if near.failed.is_empty() {
        return vec![
            "but a module's name may be a file of the working folder: only rules that ask or deny count".into(),
        ];
    }
    let allowing = near.verdict == Verdict::Allow;
    let words = |key: &'static str| {
        let known = Key::of(RULE, key).and_then(|known| condition(written?, known, allowing));
        known.unwrap_or_else(|| format!("`{key}`"))
    };
    let why = |failed: &crate::decide::Failed| match failed.doubt {
        true => format!("but only the run will tell whether {}", words(failed.key)),
        false => format!("but it is not so that {}", words(failed.key)),
    };
    near.failed.iter().map(why).collect()
}
