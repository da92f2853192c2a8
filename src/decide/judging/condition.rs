//! Conditions: whether a rule means a command; certainly, perhaps, or not.
//! Strict for rules that allow (everything must be meant, and known), loose for those that ask or deny.

use super::hit::Part;
use super::paths::{self, Touched};
use super::subject::{Standing, Subject};
use super::{Ground, urls};
use crate::action::shell::{Code, Command, Stdin, Tri, Word, flags::base_name};
use crate::decide::Verdict;
use crate::decide::policy::{
    Bases, Flag, Glob, PathPattern, Pattern, ProgramName, Rule, StdinIs, Subcommand, assignment_meant, meant,
    path_meant,
};

/// Whether `rule` means the subject.
pub(super) fn holds(ground: Ground<'_>, subject: &Subject<'_>, rule: &Rule) -> Tri {
    if matches!(subject.part, Part::Wrapper(_)) {
        let strict = rule.verdict == Verdict::Allow;
        let bare = rule.when.only_program();
        return if bare { program(ground, subject, &rule.when.programs, strict) } else { Tri::No };
    }
    let mut answer = Tri::Yes;
    each(ground, subject, rule, &mut |_, found| {
        answer = answer.min(found);
        answer != Tri::No
    });
    answer
}

/// Hands every condition, by the key it is written under, and whether it holds to `visit`, until that has enough.
pub(super) fn each(
    ground: Ground<'_>,
    subject: &Subject<'_>,
    rule: &Rule,
    visit: &mut dyn FnMut(&'static str, Tri) -> bool,
) {
    let when = &rule.when;
    let command: &Command = &subject.command;
    let strict = rule.verdict == Verdict::Allow;
    let view = View { ground, command, strict, names_program: !when.programs.is_empty() };
    let facts = ground.facts;
    let none = |flags: &[Flag]| opposite(view.flags(flags).max().unwrap_or(Tri::No));
    let conditions: [(&'static str, &dyn Fn() -> Tri); 16] = [
        ("program", &|| program(ground, subject, &when.programs, strict)),
        ("subcommand", &|| absent_or(when.subcommands.is_empty(), || view.subcommand(rule))),
        ("assigns", &|| absent_or(when.assigns.is_empty(), || view.assigns(&when.assigns))),
        ("wrapped", &|| absent_or(when.wrapped.is_empty(), || view.wrapped(&when.wrapped))),
        ("stdin", &|| when.stdin.map_or(Tri::Yes, |wanted| view.stdin(wanted))),
        ("unprovable", &|| when.unprovable.map_or(Tri::Yes, |wanted| known(view.unprovable() == wanted))),
        ("flags_any", &|| {
            absent_or(when.flags_any.is_empty(), || view.flags(&when.flags_any).max().unwrap_or(Tri::No))
        }),
        ("flags_all", &|| {
            absent_or(when.flags_all.is_empty(), || view.flags(&when.flags_all).min().unwrap_or(Tri::No))
        }),
        ("flags_none", &|| absent_or(when.flags_none.is_empty(), || none(&when.flags_none))),
        ("args", &|| absent_or(when.args.is_empty(), || view.args(&when.args))),
        ("reads", &|| absent_or(when.reads.is_empty(), || view.paths(&when.reads, Touched::Read))),
        ("writes_to", &|| absent_or(when.writes_to.is_empty(), || view.paths(&when.writes_to, Touched::Written))),
        ("url", &|| absent_or(when.url.is_empty(), || view.url(&when.url))),
        ("task", &|| absent_or(when.task.is_empty(), || label(&when.task, facts.task.as_deref()))),
        ("mode", &|| absent_or(when.mode.is_empty(), || label(&when.mode, facts.mode.as_deref()))),
        ("phase", &|| absent_or(when.phase.is_empty(), || label(&when.phase, facts.phase.as_deref()))),
    ];
    for (key, condition) in conditions {
        if !visit(key, condition()) {
            return;
        }
    }
}

fn absent_or(absent: bool, condition: impl FnOnce() -> Tri) -> Tri {
    if absent { Tri::Yes } else { condition() }
}

fn known(answer: bool) -> Tri {
    if answer { Tri::Yes } else { Tri::No }
}

fn opposite(answer: Tri) -> Tri {
    match answer {
        Tri::No => Tri::Yes,
        Tri::Unknown => Tri::Unknown,
        Tri::Yes => Tri::No,
    }
}

fn label(patterns: &[Pattern], label: Option<&str>) -> Tri {
    known(label.is_some_and(|label| meant(patterns, label)))
}

fn program(ground: Ground<'_>, subject: &Subject<'_>, programs: &[ProgramName], strict: bool) -> Tri {
    let named = match subject.standing {
        Standing::Program | Standing::Absent | Standing::Builtin => true,
        // A name that proves nothing serves to deny only.
        Standing::Writable | Standing::Missing | Standing::Unusable(_) | Standing::Unknown => !strict,
        Standing::Function | Standing::NoProgram => false,
    };
    let means = |program: &ProgramName| match program {
        ProgramName::Name(name) => named && subject.is(name),
        ProgramName::Glob(glob) => named && subject.names.iter().any(|name| glob.matches(name)),
        ProgramName::Path(pattern) => {
            let real = subject.real.as_deref();
            real.is_some_and(|real| path_meant(std::slice::from_ref(pattern), real, bases(ground)))
        }
    };
    known(programs.is_empty() || programs.iter().any(means))
}

fn bases(ground: Ground<'_>) -> Bases<'_> {
    Bases { project: &ground.facts.project, home: ground.facts.home.as_deref() }
}

/// What a rule's conditions look at.
#[derive(Clone, Copy)]
struct View<'a> {
    ground: Ground<'a>,
    command: &'a Command,
    strict: bool,
    names_program: bool,
}

impl View<'_> {
    fn subcommand(self, rule: &Rule) -> Tri {
        let operands = self.command.operands(&[]);
        let wanted = &rule.when.subcommands;
        let plain = self.named(&operands, wanted);
        if plain == (if self.strict { Tri::No } else { Tri::Yes }) {
            return plain;
        }
        // A flag that is not known may take the next word as its value: then the subcommand stands further on.
        let doubtful = self.flags_before(operands.first().copied());
        let mut further = (1..=doubtful).map(|skip| operands.get(skip..).unwrap_or_default());
        if self.strict {
            let excepted = further.any(|operands| self.excepted(operands, wanted) != Tri::No);
            return if excepted { plain.min(Tri::Unknown) } else { plain };
        }
        further.map(|operands| self.named(operands, wanted)).max().unwrap_or(Tri::No).min(Tri::Unknown).max(plain)
    }

    /// Whether the operands begin as one of the entries with `!`.
    fn excepted(self, operands: &[&Word], wanted: &[Subcommand]) -> Tri {
        let entries = wanted.iter().filter(|entry| entry.negated);
        entries.map(|entry| self.begins(operands, &entry.words)).max().unwrap_or(Tri::No)
    }

    /// Whether the operands begin as one of the plain entries (or there are none) and as none of those with `!`.
    fn named(self, operands: &[&Word], wanted: &[Subcommand]) -> Tri {
        let plain = wanted.iter().filter(|entry| !entry.negated);
        let meant = plain.map(|entry| self.begins(operands, &entry.words)).max();
        let anything = if operands.is_empty() && !self.command.open_ended { Tri::No } else { Tri::Yes };
        meant.unwrap_or(anything).min(opposite(self.excepted(operands, wanted)))
    }

    fn begins(self, operands: &[&Word], words: &[Glob]) -> Tri {
        // What stands behind a flag that may take a value may be that value, and proves nothing.
        let settled = if self.strict { self.command.settled() } else { usize::MAX };
        let answers = words.iter().enumerate().map(|(number, wanted)| match operands.get(number) {
            Some(word) => match word.literal().map_or(Tri::Unknown, |word| known(wanted.matches(word))) {
                Tri::Yes if number >= settled => Tri::Unknown,
                answer => answer,
            },
            None if self.command.open_ended => Tri::Unknown,
            None => Tri::No,
        });
        answers.min().unwrap_or(Tri::No)
    }

    /// How many flags without a value of their own stand before the first operand.
    fn flags_before(self, operand: Option<&Word>) -> usize {
        let Some(operand) = operand else { return 0 };
        let before = self.command.args().iter().take_while(|word| !std::ptr::eq(*word, operand));
        before.filter(|word| word.literal().is_none_or(|text| text.starts_with('-') && !text.contains('='))).count()
    }

    fn flags<'f>(self, flags: &'f [Flag]) -> impl Iterator<Item = Tri> + 'f
    where
        Self: 'f,
    {
        flags.iter().map(move |flag| self.flag(flag))
    }

    fn flag(self, flag: &Flag) -> Tri {
        let there = self.command.has_flag(&flag.name);
        let Some(wanted) = &flag.value else { return there };
        let values = self.command.flag_values(&flag.name);
        let answers =
            values.iter().map(|value| value.literal().map_or(Tri::Unknown, |value| known(wanted.matches(value))));
        match answers.max() {
            Some(answer) => answer.max(if there == Tri::Unknown { Tri::Unknown } else { Tri::No }),
            // There without a value that can be seen: bundled, abbreviated, or only perhaps there.
            None if there != Tri::No => Tri::Unknown,
            None => Tri::No,
        }
    }

    /// For rules that allow every operand must be meant; for others one word is enough, flags included. A list of
    /// exceptions only (`!…`) looks at operands alone.
    fn args(self, patterns: &[Pattern]) -> Tri {
        let word = |word: &Word| word.literal().map_or(Tri::Unknown, |text| known(meant(patterns, text)));
        if self.strict {
            let operands = self.command.operands(&[]);
            return self.all(operands.into_iter().map(word).collect());
        }
        let any = if patterns.iter().all(Pattern::negated) {
            self.command.operands(&[]).into_iter().map(word).max()
        } else {
            self.command.args().iter().map(word).max()
        };
        self.open(any.unwrap_or(Tri::No))
    }

    fn paths(self, patterns: &[PathPattern], touched: Touched) -> Tri {
        let bases = bases(self.ground);
        let places = paths::touched(self.ground, self.command, touched, self.names_program, !self.strict);
        let answers = places.iter().map(|place| match &place.path {
            Some(path) => {
                let answer = known(path_meant(patterns, path, bases));
                if self.strict && !place.certain {
                    answer.min(Tri::Unknown)
                } else if answer == Tri::No && place.pattern && paths::may_become(path, patterns, bases) {
                    Tri::Unknown
                } else {
                    answer
                }
            }
            None if self.strict || touched == Touched::Written => Tri::Unknown,
            // Whatever may be read may be a secret; asking for each would be asking for everything.
            None => Tri::No,
        });
        if self.strict {
            return self.all(answers.collect());
        }
        let any = answers.max().unwrap_or(Tri::No);
        // Words that will be added are operands; redirections are all there.
        if self.names_program && touched == Touched::Written { self.open(any) } else { any }
    }

    fn url(self, patterns: &[Pattern]) -> Tri {
        let words = self.command.args();
        let hosts: Vec<String> = words
            .iter()
            .filter_map(|word| word.value.as_deref().or(Some(&word.prefix)))
            .flat_map(urls::hosts)
            .collect();
        let answers = hosts.iter().map(|host| known(meant(patterns, host)));
        if self.strict {
            return self.all(answers.collect());
        }
        self.open(answers.max().unwrap_or(Tri::No))
    }

    /// Everything must be meant, and there must be something.
    fn all(self, answers: Vec<Tri>) -> Tri {
        let all = answers.into_iter().min().unwrap_or(Tri::No);
        if self.command.open_ended { all.min(Tri::Unknown) } else { all }
    }

    /// Words that only the run will add may be meant.
    fn open(self, any: Tri) -> Tri {
        if self.command.open_ended { any.max(Tri::Unknown) } else { any }
    }

    fn assigns(self, patterns: &[Pattern]) -> Tri {
        let answers = self.command.assigns.iter().map(|assign| {
            let value = assign.value.value.as_deref();
            known(assignment_meant(patterns, &assign.name, value, self.strict))
        });
        let answer = if self.strict { answers.min() } else { answers.max() };
        answer.unwrap_or(Tri::No)
    }

    fn wrapped(self, wrappers: &[String]) -> Tri {
        let mut names = self.command.wrappers.iter().map(|wrapper| base_name(&wrapper.word.text));
        known(names.any(|name| wrappers.iter().any(|wanted| wanted == name)))
    }

    fn stdin(self, wanted: StdinIs) -> Tri {
        match wanted {
            StdinIs::Code => known(self.command.code == Some(Code::Stdin) || self.shell_reads_stdin()),
            StdinIs::Pipe => known(self.command.stdin == Stdin::Pipe),
            StdinIs::File => known(matches!(self.command.stdin, Stdin::File(_))),
            StdinIs::Text => known(matches!(self.command.stdin, Stdin::Text(_))),
        }
    }

    /// A shell without a script takes its commands from where its input comes from.
    fn shell_reads_stdin(self) -> bool {
        let shell = ["sh", "bash", "dash", "zsh", "ksh", "fish", "busybox"].contains(&self.command.name());
        let script = self.command.operands(&[]).first().is_some_and(|word| word.literal() != Some("-"));
        let told = self.command.has_flag("-s") != Tri::No;
        shell && self.command.stdin != Stdin::Inherited && (told || !script) && self.command.has_flag("-c") == Tri::No
    }

    /// Whether something about the command itself only the run will tell.
    fn unprovable(self) -> bool {
        let command = self.command;
        command.open_ended
            || command.cwd.is_none()
            || command.words.iter().any(|word| word.value.is_none())
            || command.redirects.iter().any(|redirect| redirect.target.value.is_none())
            || command.stdin == Stdin::Text(None)
            || self
                .ground
                .shell
                .unproven()
                .iter()
                .any(|unproven| unproven.span.start < command.span.end && command.span.start < unproven.span.end)
    }
}
