//! Conditions: whether a rule means a command; certainly, perhaps, or not.
//! Strict for rules that allow (everything must be meant, and known), loose for those that ask or deny.

use super::hit::Part;
use super::paths::{self, Place, Places, Touched};
use super::subject::{Standing, Subject};
use super::{Ground, exact, urls};
use crate::action::shell::{Code, Command, Stdin, Tri, Word, flags::base_name};
use crate::decide::Verdict;
use crate::decide::policy::{
    Bases, Flag, Glob, PathPattern, Pattern, ProgramName, Rule, StdinIs, Subcommand, assignment_meant, meant,
    path_meant,
};

/// Whether `rule` means the subject.
pub(super) fn holds(ground: Ground<'_>, subject: &Subject<'_>, places: &Places<'_>, rule: &Rule) -> Tri {
    if matches!(subject.part, Part::Wrapper(_)) {
        let strict = rule.verdict == Verdict::Allow;
        return if rule.only_program { program(ground, subject, &rule.when.programs, strict) } else { Tri::No };
    }
    let mut answer = Tri::Yes;
    each(ground, subject, places, rule, &mut |_, found| {
        answer = answer.min(found);
        answer != Tri::No
    });
    answer
}

/// Hands every condition of a rule, by the key it is written under, and whether it holds to `visit`, until that has
/// enough.
pub(super) fn each(
    ground: Ground<'_>,
    subject: &Subject<'_>,
    places: &Places<'_>,
    rule: &Rule,
    visit: &mut dyn FnMut(&'static str, Tri) -> bool,
) {
    let when = &rule.when;
    let command: &Command = &subject.command;
    let strict = rule.verdict == Verdict::Allow;
    let view = View { ground, subject, command, places, strict, names_program: !when.programs.is_empty() };
    let mut going = visit("program", program(ground, subject, &when.programs, strict));
    // From the cheap to the dear: most rules end at the first that does not hold.
    let mut and = |key: &'static str, absent: bool, condition: &dyn Fn() -> Tri| {
        if !absent && going {
            going = visit(key, condition());
        }
    };
    and("subcommand", when.subcommands.is_empty(), &|| view.subcommand(rule));
    and("assigns", when.assigns.is_empty(), &|| view.assigns(&when.assigns));
    and("wrapped", when.wrapped.is_empty(), &|| view.wrapped(&when.wrapped));
    and("stdin", when.stdin.is_none(), &|| when.stdin.map_or(Tri::Yes, |wanted| view.stdin(wanted)));
    and("unprovable", when.unprovable.is_none(), &|| known(when.unprovable == Some(view.unprovable())));
    and("operands_most", when.operands_most.is_none(), &|| view.operands_most(when.operands_most.unwrap_or_default()));
    and("exactly", when.exactly.is_none(), &|| view.exactly(when.exactly.as_deref().unwrap_or_default(), rule));
    and("folder", when.folder.is_empty(), &|| view.folder(&when.folder));
    and("flags_any", when.flags_any.is_empty(), &|| view.flags(&when.flags_any).max().unwrap_or(Tri::No));
    and("flags_all", when.flags_all.is_empty(), &|| view.flags(&when.flags_all).min().unwrap_or(Tri::No));
    and("flags_none", when.flags_none.is_empty(), &|| opposite(view.flags(&when.flags_none).max().unwrap_or(Tri::No)));
    and("args", when.args.is_empty(), &|| view.args(&when.args));
    and("code", when.code.is_empty(), &|| view.code(&when.code));
    and("reads", when.reads.is_empty(), &|| view.paths(&when.reads, Touched::Read));
    and("writes_to", when.writes_to.is_empty(), &|| view.paths(&when.writes_to, Touched::Written));
    and("removes", when.removes.is_empty(), &|| view.paths(&when.removes, Touched::Removed));
    and("names_files", when.names_files.is_none(), &|| view.names_files(rule, when.names_files.unwrap_or_default()));
    and("url", when.url.is_empty(), &|| view.url(&when.url));
    and("task", when.task.is_empty(), &|| label(&when.task, ground.facts.task.as_deref()));
    and("mode", when.mode.is_empty(), &|| label(&when.mode, ground.facts.mode.as_deref()));
    and("phase", when.phase.is_empty(), &|| label(&when.phase, ground.facts.phase.as_deref()));
    and("in_plan", when.in_plan.is_none(), &|| known(when.in_plan == Some(view.in_plan(&when.writes_to))));
    and("beside", when.beside.is_empty(), &|| view.beside(&when.beside));
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

/// How many of the commands beside one are looked at.
const BESIDE: usize = 256;

/// What a rule's conditions look at.
#[derive(Clone, Copy)]
struct View<'a> {
    ground: Ground<'a>,
    subject: &'a Subject<'a>,
    command: &'a Command,
    places: &'a Places<'a>,
    strict: bool,
    names_program: bool,
}

impl View<'_> {
    fn subcommand(self, rule: &Rule) -> Tri {
        let operands: Vec<(&Word, bool)> = self.places.arguments.operands_and_doubts().collect();
        let (excepted, plain): (Vec<_>, Vec<_>) = rule.when.subcommands.iter().partition(|entry| entry.negated);
        // What may be a value may be passed over where that is the careful reading: to except from what allows, and to
        // find what asks or denies.
        let begins = |entries: &[&Subcommand], over: bool| {
            entries.iter().map(|entry| self.begins(&operands, &entry.words, over)).max()
        };
        let anything = if operands.is_empty() && !self.command.open_ended { Tri::No } else { Tri::Yes };
        begins(&plain, !self.strict)
            .unwrap_or(anything)
            .min(opposite(begins(&excepted, self.strict).unwrap_or(Tri::No)))
    }

    /// Whether the operands begin as `words`. `over`: those that may be values of the flags before them may be passed over.
    fn begins(self, operands: &[(&Word, bool)], words: &[Glob], over: bool) -> Tri {
        let matches =
            |operand: &Word, wanted: &Glob| operand.literal().map_or(Tri::Unknown, |word| known(wanted.matches(word)));
        if let (Some((operand, false)), Some(wanted)) = (operands.first(), words.first())
            && matches(operand, wanted) == Tri::No
        {
            return Tri::No;
        }
        // What stands behind a flag that may take a value may be that value, and proves nothing.
        let settled = if self.strict { self.places.arguments.settled() } else { usize::MAX };
        let mut whole = if words.is_empty() { Tri::Yes } else { Tri::No };
        // How surely the operands so far are the first so many of the words.
        let mut begun = vec![Tri::No; words.len()];
        if let Some(nothing) = begun.first_mut() {
            *nothing = Tri::Yes;
        }
        for (number, (operand, doubtful)) in operands.iter().enumerate() {
            if begun.iter().all(|answer| *answer == Tri::No) {
                return whole;
            }
            let unsettled = if number >= settled { Tri::Unknown } else { Tri::Yes };
            for (at, wanted) in words.iter().enumerate().rev() {
                let Some(before) = begun.get(at).copied() else { continue };
                let after = before.min(matches(operand, wanted)).min(unsettled);
                match begun.get_mut(at + 1) {
                    Some(answer) => *answer = after.max(*answer),
                    None => whole = whole.max(after),
                }
                if let Some(answer) = begun.get_mut(at) {
                    *answer = if over && *doubtful { before.min(Tri::Unknown) } else { Tri::No };
                }
            }
        }
        if self.command.open_ended && begun.iter().any(|answer| *answer != Tri::No) {
            return whole.max(Tri::Unknown);
        }
        whole
    }

    fn flags<'f>(self, flags: &'f [Flag]) -> impl Iterator<Item = Tri> + 'f
    where
        Self: 'f,
    {
        flags.iter().map(move |flag| self.flag(flag))
    }

    fn flag(self, flag: &Flag) -> Tri {
        let there = self.places.arguments.has_flag(&flag.name);
        let Some(wanted) = &flag.value else { return there };
        let values = self.command.flag_values_among(&self.places.arguments, &flag.name);
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
            let operands: Vec<&Word> = self.places.arguments.operands().collect();
            return self.all(operands.into_iter().map(word).collect());
        }
        let any = if patterns.iter().all(Pattern::negated) {
            self.places.arguments.operands().map(word).max()
        } else {
            self.command.args().iter().map(word).max()
        };
        self.open(any.unwrap_or(Tri::No))
    }

    /// For rules that allow every place must be meant, of a program that is known none as well; for others one place
    /// is enough, and what removes a folder removes what lies below it.
    fn paths(self, patterns: &[PathPattern], touched: Touched) -> Tri {
        let bases = bases(self.ground);
        let named = self.names_program && !self.places.complete;
        if self.strict {
            let counted = paths::counted(self.ground, self.command, self.places, self.names_program, touched);
            let answers: Vec<Tri> = counted.iter().map(|place| self.meant(place, patterns, bases)).collect();
            return if self.places.complete {
                answers.into_iter().min().unwrap_or(Tri::Yes)
            } else {
                self.all(answers)
            };
        }
        let operands =
            if named { paths::operands(self.ground, self.command, &self.places.arguments, true) } else { Vec::new() };
        let answers = self.places.of(touched).chain(&operands).map(|place| match &place.path {
            Some(path) if touched == Touched::Removed || place.effect.removed => {
                let above = paths::above(path, patterns, bases);
                self.meant(place, patterns, bases).max(known(above))
            }
            Some(_) => self.meant(place, patterns, bases),
            None if touched != Touched::Read => Tri::Unknown,
            // Whatever may be read may be a secret; asking for each would be asking for everything.
            None => Tri::No,
        });
        let any = answers.max().unwrap_or(Tri::No);
        // Words that will be added are operands; redirections are all there.
        if named && touched != Touched::Read { self.open(any) } else { any }
    }

    /// Whether the open phase names, letter for letter, every path of these patterns that it writes to.
    fn in_plan(self, patterns: &[PathPattern]) -> bool {
        let planned = &self.ground.facts.planned;
        let bases = bases(self.ground);
        let mut written =
            self.places.of(Touched::Written).filter(|place| self.meant(place, patterns, bases) != Tri::No);
        !planned.is_empty() && written.all(|place| place.path.as_ref().is_some_and(|path| planned.contains(path)))
    }

    fn meant(self, place: &Place, patterns: &[PathPattern], bases: Bases<'_>) -> Tri {
        let Some(path) = &place.path else { return Tri::Unknown };
        let answer = known(path_meant(patterns, path, bases));
        if self.strict && !place.certain {
            answer.min(Tri::Unknown)
        } else if answer == Tri::No && place.pattern && paths::may_become(path, patterns, bases) {
            Tri::Unknown
        } else {
            answer
        }
    }

    /// For rules that allow it must be the whole of what was asked as well.
    fn exactly(self, words: &[String], rule: &Rule) -> Tri {
        let by_file = rule.when.programs.iter().any(|program| matches!(program, ProgramName::Path(_)));
        if self.strict && !exact::alone(self.ground, self.subject, by_file) {
            return Tri::No;
        }
        exact::words(self.command, words)
    }

    fn folder(self, patterns: &[PathPattern]) -> Tri {
        let Some(folder) = self.command.cwd.as_deref() else { return Tri::Unknown };
        let path = paths::normal(&self.ground.facts.cwd.join(folder));
        known(path_meant(patterns, &path, bases(self.ground)))
    }

    fn operands_most(self, most: usize) -> Tri {
        let operands: Vec<&Word> = self.places.arguments.operands().collect();
        let several = operands.iter().any(|word| word.many || word.glob);
        match operands.len() > most {
            true if operands.iter().filter(|word| !word.many).count() > most => Tri::No,
            false if !several && !self.command.open_ended => Tri::Yes,
            _ => Tri::Unknown,
        }
    }

    /// Whether one of the operands behind the subcommand names something that is there.
    fn names_files(self, rule: &Rule, wanted: bool) -> Tri {
        let operands: Vec<(&Word, bool)> = self.places.arguments.operands_and_doubts().collect();
        let plain = rule.when.subcommands.iter().filter(|entry| !entry.negated);
        let matched = plain.filter(|entry| self.begins(&operands, &entry.words, false) == Tri::Yes);
        let skipped = matched.map(|entry| entry.words.len()).max().unwrap_or(0);
        let answers = operands.iter().skip(skipped).map(|(word, _)| match word.literal() {
            Some(text) => match self.ground.facts.path(self.command, text) {
                Some(path) => known(self.ground.facts.present.contains(path)),
                None => Tri::Unknown,
            },
            None => Tri::Unknown,
        });
        let any = self.open(answers.max().unwrap_or(Tri::No));
        if wanted { any } else { opposite(any) }
    }

    /// Globs over program text that it is handed; text that is not known may be any.
    fn code(self, patterns: &[Pattern]) -> Tri {
        let text = match (&self.command.code, &self.command.stdin) {
            (None, _) => return Tri::No,
            (Some(Code::Argument(word)), _) => word.value.as_deref(),
            (Some(Code::Stdin), Stdin::Text(text)) => text.as_deref(),
            (Some(Code::Stdin), Stdin::Inherited | Stdin::Pipe | Stdin::File(_)) => None,
        };
        text.map_or(Tri::Unknown, |text| known(meant(patterns, text)))
    }

    /// Whether one of these programs may run at the same time.
    fn beside(self, programs: &[ProgramName]) -> Tri {
        let Some(number) = self.number() else { return Tri::No };
        let shell = self.ground.shell;
        let others = shell.beside(number).filter_map(|other| shell.commands().get(other)).take(BESIDE);
        let mut guises = others.flat_map(|other| Subject::new(self.ground, other).guises());
        known(guises.any(|guise| program(self.ground, &guise, programs, false) == Tri::Yes))
    }

    /// Which of the action's commands it is.
    fn number(self) -> Option<usize> {
        self.subject.number
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
        let script = self.places.arguments.operands().next().is_some_and(|word| word.literal() != Some("-"));
        let told = self.places.arguments.has_flag("-s") != Tri::No;
        shell
            && self.command.stdin != Stdin::Inherited
            && (told || !script)
            && self.places.arguments.has_flag("-c") == Tri::No
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
