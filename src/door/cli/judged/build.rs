//! From a judgement and the facts it rests on to the tree that is shown.
//! Knows no layout.

use super::{Doubt, Part, Program, Run, Said, View, strictest};
use crate::action::shell::{Access, Command, Joined, Kind, Outline, Shape, Shell, Stdin, Unproven, Word};
use crate::action::{Action, Facts};
use crate::decide::{Judgement, Match};

/// The tree of a judgement.
pub(in crate::door::cli) fn view(judgement: &Judgement, facts: &Facts) -> View {
    let Action::Shell(shell) = judgement.action();
    let builder = Builder { shell, facts, matches: judgement.matches() };
    let outline = shell.outline();
    let mut parts: Vec<Part> = outline.parts.iter().map(|part| builder.part(part)).collect();
    if !outline.commands.is_empty() || !outline.unproven.is_empty() {
        // What has no place of its own stands for the line.
        parts.push(builder.part(&Outline { parts: Vec::new(), ..outline.clone() }));
    }
    let apart = |found: &&Match| found.command.is_none() && !shell.unproven().iter().any(|u| says(found, u));
    View { parts, whole: judgement.matches().iter().filter(apart).map(said).collect() }
}

struct Builder<'a> {
    shell: &'a Shell,
    facts: &'a Facts,
    matches: &'a [Match],
}

impl Builder<'_> {
    fn part(&self, outline: &Outline) -> Part {
        let runs: Vec<Run> = outline
            .commands
            .iter()
            .filter_map(|number| Some(self.run(*number, self.shell.commands().get(*number)?)))
            .collect();
        let parts: Vec<Part> = outline.parts.iter().map(|part| self.part(part)).collect();
        let doubts: Vec<&Unproven> =
            outline.unproven.iter().filter_map(|number| self.shell.unproven().get(*number)).collect();
        let spoken = self.matches.iter().filter(|found| doubts.iter().any(|doubt| says(found, doubt)));
        let rules: Vec<Said> = spoken.map(said).collect();
        let verdicts = rules.iter().filter_map(Said::standing);
        let verdict = strictest(
            verdicts.chain(runs.iter().filter_map(|run| run.verdict)).chain(parts.iter().filter_map(|p| p.verdict)),
        );
        let text = |span: &std::ops::Range<usize>| self.shell.text().get(span.clone()).unwrap_or_default();
        Part {
            kind: kind(outline.shape),
            join: match outline.join {
                Joined::Then => None,
                Joined::And => Some("&&"),
                Joined::Or => Some("||"),
                Joined::Pipe => Some("|"),
            },
            negated: outline.negated,
            background: outline.background,
            text: text(&outline.span).trim().to_owned(),
            span: (outline.span.start, outline.span.end),
            verdict,
            unproven: doubts
                .into_iter()
                .map(|doubt| Doubt { what: doubt.message.clone(), text: text(&doubt.span).to_owned() })
                .collect(),
            rules,
            runs,
            parts,
        }
    }

    fn run(&self, number: usize, command: &Command) -> Run {
        let rules: Vec<Said> = self.matches.iter().filter(|found| found.command == Some(number)).map(said).collect();
        let program = match command.kind {
            Kind::External => command.program_word().and_then(|word| self.facts.program(command, word)),
            Kind::Builtin | Kind::Function | Kind::None => None,
        };
        let through = |wanted: &[Access]| -> Vec<String> {
            let redirects = command.redirects.iter().filter(|redirect| wanted.contains(&redirect.access));
            redirects.map(|redirect| self.place(command, &redirect.target)).collect()
        };
        Run {
            kind: match command.kind {
                Kind::External => "program",
                Kind::Builtin => "builtin",
                Kind::Function => "function",
                Kind::None => "none",
            },
            words: command.words.iter().map(|word| word.value.clone()).collect(),
            program: program.map(|program| Program {
                path: program.path.to_string_lossy().into_owned(),
                real: program.real.to_string_lossy().into_owned(),
                writable: program.writable,
            }),
            started_by: command.wrappers.iter().map(|wrapper| wrapper.word.text.clone()).collect(),
            sets: command.assigns.iter().map(|assign| assign.name.clone()).collect(),
            reads: through(&[Access::Read, Access::ReadWrite]),
            writes: through(&[Access::Write, Access::ReadWrite]),
            stdin: match command.stdin {
                Stdin::Inherited => "inherited",
                Stdin::Pipe => "pipe",
                Stdin::File(_) => "file",
                Stdin::Text(_) => "text",
            },
            folder: command.cwd.clone(),
            open_ended: command.open_ended,
            verdict: strictest(rules.iter().filter_map(Said::standing)),
            rules,
        }
    }

    /// Where a redirection leads, or its word where that is not known.
    fn place(&self, command: &Command, target: &Word) -> String {
        let known = target.value.as_deref().and_then(|value| self.facts.path(command, value));
        known.map_or_else(|| target.text.clone(), |path| path.to_string_lossy().into_owned())
    }
}

/// Whether a match of the whole action is about this doubt.
fn says(found: &Match, doubt: &Unproven) -> bool {
    found.command.is_none() && found.id == "guard:unproven" && found.reason.ends_with(&doubt.message)
}

/// A match, as it is shown.
pub(in crate::door::cli) fn said(found: &Match) -> Said {
    Said {
        id: found.id.clone(),
        verdict: found.verdict.word(),
        reason: found.reason.clone(),
        instead: found.instead.clone(),
        at: found.at.clone(),
        answered_by: found.overruled.clone(),
    }
}

fn kind(shape: Shape) -> &'static str {
    match shape {
        Shape::Whole => "line",
        Shape::Command => "command",
        Shape::Pipeline => "pipeline",
        Shape::Chain => "chain",
        Shape::Group => "group",
        Shape::Subshell => "subshell",
        Shape::If => "if",
        Shape::While => "while",
        Shape::For => "for",
        Shape::Case => "case",
        Shape::Arithmetic => "arithmetic",
        Shape::Test => "test",
        Shape::Coprocess => "coprocess",
        Shape::Function => "function",
        Shape::Substitution => "substitution",
    }
}
