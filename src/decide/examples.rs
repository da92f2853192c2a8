//! Examples: the commands a rule says it means or does not mean, run through the real parser and judge.
//! Knows no files: the world they are judged in is made up (programs in `/usr/bin`, the project at `/project`).

use super::judgement::judge;
use super::judging::normal;
use super::policy::{Bases, Example, Fault, Faults, Policy, Preset, RuleText, Source, embedded};
use crate::action::shell::{Command, Kind, Word};
use crate::action::{Action, Facts, Found, Program, Shell};
use crate::event::State;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// An example that does not come out as its rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFault {
    /// The rule.
    pub id: String,
    /// Where the rule stands.
    pub at: String,
    /// The example.
    pub example: Example,
    /// Whether the rule should match it.
    pub should_match: bool,
    /// What matched instead, strictest first.
    pub matched: Vec<String>,
}

/// The policy of `sources` with its examples run, as a check, trust and the first use of a hash need it.
///
/// # Errors
/// Every fault of the texts; where there is none, every failing example.
pub fn examined(sources: &[Source]) -> Result<Policy, Faults> {
    let policy = Policy::load(sources)?;
    match check_examples(&policy) {
        Ok(()) => Ok(policy),
        Err(failing) => Err(locate_examples(&failing, sources)),
    }
}

/// Judges every `hits` and `misses` of every rule; presets' included.
///
/// # Errors
/// Every example that comes out otherwise.
pub fn check_examples(policy: &Policy) -> Result<(), Vec<ExampleFault>> {
    let mut faults = Vec::new();
    for (number, of) in policy.examples().iter().enumerate() {
        let Some(text) = policy.text(number) else { continue };
        for (examples, should_match) in [(&of.hits, true), (&of.misses, false)] {
            for example in examples {
                if let Some(fault) = check(policy, number, &text, example, should_match) {
                    faults.push(fault);
                }
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The faults with the lines they stand in; `sources` are those the policy was loaded from.
pub fn locate_examples(faults: &[ExampleFault], sources: &[Source]) -> Faults {
    let presets: Vec<Source> = embedded().map(Preset::source).collect();
    let located = faults.iter().filter_map(|fault| {
        let (file, _) = fault.at.rsplit_once(':')?;
        let source = sources.iter().chain(&presets).find(|source| source.name == file)?;
        let (message, help) = if fault.should_match {
            (format!("`{}` does not match this example", fault.id), "change the example, or the rule's conditions")
        } else {
            (format!("`{}` matches this example", fault.id), "narrow the rule, or take the example out")
        };
        let matched = match fault.matched.as_slice() {
            [] => "nothing matches it".to_owned(),
            matched => format!("what matches: {}", matched.join(", ")),
        };
        Some(Fault::at(source, fault.example.span.clone(), message).help(format!("{help}; {matched}")))
    });
    Faults(located.collect())
}

fn check(
    policy: &Policy,
    number: usize,
    text: &RuleText,
    example: &Example,
    should_match: bool,
) -> Option<ExampleFault> {
    let shell = Shell::from_line_in(example.line.clone().into(), &example_environment());
    let folder = policy.rule(number).and_then(|rule| {
        let bases = Bases { project: Path::new(PROJECT), home: Some(Path::new(HOME)) };
        rule.when.folder.iter().find_map(|pattern| pattern.plain(bases))
    });
    let mut facts = facts_in(&shell, folder.as_deref().unwrap_or(Path::new(PROJECT)));
    if let Some(rule) = policy.rule(number) {
        let label = |patterns: &[super::policy::Pattern]| patterns.iter().find_map(|p| p.literal()).map(str::to_owned);
        facts.task = label(&rule.when.task);
        facts.mode = label(&rule.when.mode);
        facts.phase = label(&rule.when.phase);
    }
    let judgement = judge(Action::Shell(shell), &facts, &State::default(), policy);
    let matched: Vec<String> = judgement.matches().iter().map(|found| found.id.clone()).collect();
    if matched.contains(&text.id) == should_match {
        return None;
    }
    Some(ExampleFault { id: text.id.clone(), at: text.at.clone(), example: example.clone(), should_match, matched })
}

/// The variables of the made-up world.
pub fn example_environment() -> HashMap<String, String> {
    let variables = [("PATH", "/usr/bin"), ("HOME", HOME), ("TMPDIR", "/tmp")];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// The made-up world of examples: every bare program is installed in `/usr/bin`, the project is `/project`, the home
/// `/home/user`, nothing is a link, every folder that a line goes to is
/// there, and so is what is called `src` or `tests` or has a dot within its name.
pub fn example_facts(shell: &Shell) -> Facts {
    facts_in(shell, Path::new(PROJECT))
}

const PROJECT: &str = "/project";
const HOME: &str = "/home/user";

/// The made-up world, for a line that starts in `folder`: the first that its rule names.
fn facts_in(shell: &Shell, folder: &Path) -> Facts {
    let mut facts = Facts {
        project: PathBuf::from(PROJECT),
        cwd: normal(folder),
        home: Some(PathBuf::from(HOME)),
        folders: [PROJECT, "/tmp", HOME].map(PathBuf::from).into(),
        ..Facts::default()
    };
    facts.environment = example_environment();
    for command in shell.commands().iter().chain(shell.suspects()) {
        for word in command.program_word().into_iter().chain(command.wrappers.iter().map(|wrapper| &wrapper.word)) {
            add_program(&mut facts, command, word);
        }
        let goes = command.kind == Kind::Builtin && command.name() == "cd";
        command.path_texts(|text| {
            let Some(located) = command.located(text) else { return };
            let path = normal(&facts.cwd.join(&located));
            if goes {
                facts.folders.insert(path.clone());
            }
            let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            if name.trim_start_matches('.').contains('.') || matches!(name.as_ref(), "" | "src" | "tests" | "project") {
                facts.present.insert(path.clone());
            }
            facts.paths.insert(located, path);
        });
    }
    facts
}

fn add_program(facts: &mut Facts, command: &Command, word: &Word) {
    let Some(value) = word.literal() else { return };
    let (key, path) = if value.contains('/') {
        let Some(located) = command.located(value) else { return };
        let path = normal(&facts.cwd.join(&located));
        (located, path)
    } else {
        (value.to_owned(), Path::new("/usr/bin").join(value))
    };
    let writable = path.starts_with(&facts.project) || path.starts_with("/tmp");
    facts.programs.insert(key, Found::Program(Program { real: path.clone(), path, writable }));
}
