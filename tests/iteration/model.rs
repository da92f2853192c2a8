//! The count is what a naive model says, over any sequence of records.

use guard::event::{
    Begun, By, Changed, Checked, Committed, Counted, Detail, Ended, IterationEnded, Proves, RuleHit, State,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
enum Step {
    Start,
    Close(bool),
    Change(Vec<u8>),
    /// Takes back the nth of all records of changes so far.
    Undo(usize),
    CheckBegins,
    /// The nth check that runs ends.
    CheckEnds(usize, bool),
    Other,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => Just(Step::Start),
        1 => any::<bool>().prop_map(Step::Close),
        4 => prop::collection::vec(0_u8..6, 0..4).prop_map(Step::Change),
        3 => any::<usize>().prop_map(Step::Undo),
        2 => Just(Step::CheckBegins),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(n, green)| Step::CheckEnds(n, green)),
        1 => Just(Step::Other),
    ];
    prop::collection::vec(step, 0..60)
}

/// Everything that ever happened, looked through from the beginning for each question. Each change gives its files a content
/// that no other has; taking it back needs that content to stand there, and gives them the one before.
#[derive(Debug, Default)]
struct Model {
    /// Record and beginning or end of an iteration.
    rounds: Vec<(u64, bool)>,
    changes: Vec<Done>,
    /// Beginnings and ends of green checks.
    green: Vec<(u64, u64)>,
}

#[derive(Debug, Clone)]
struct Done {
    seq: u64,
    /// Each file's content before and after.
    files: BTreeMap<String, (u64, u64)>,
}

impl Model {
    fn open(&self) -> Option<u64> {
        self.rounds.last().filter(|(_, begins)| *begins).map(|(seq, _)| *seq)
    }

    /// What a file held before record `seq`.
    fn content(&self, file: &str, seq: u64) -> u64 {
        let changes = self.changes.iter().filter(|done| done.seq < seq);
        changes.filter_map(|done| done.files.get(file)).next_back().map_or(0, |(_, after)| *after)
    }

    fn can_be_taken_back(&self, done: &Done) -> bool {
        done.files.iter().all(|(file, (_, after))| self.content(file, u64::MAX) == *after)
    }

    /// Files that are not what they were when the iteration began.
    fn files(&self) -> BTreeSet<String> {
        let Some(open) = self.open() else { return BTreeSet::new() };
        let all = self.changes.iter().flat_map(|done| done.files.keys().cloned());
        all.filter(|file| self.content(file, open) != self.content(file, u64::MAX)).collect()
    }

    fn proof(&self) -> Option<u64> {
        let open = self.open()?;
        let changed = self.changes.iter().filter(|done| done.seq > open && !done.files.is_empty());
        let last = changed.map(|done| done.seq).max().unwrap_or(open);
        self.green.iter().filter(|(began, _)| *began > last).map(|(_, ended)| *ended).max()
    }
}

fn committed(done: &Done, undoes: Option<u64>) -> Detail {
    Detail::ChangeCommitted(Box::new(Committed {
        changed: Changed { of: None, files: Vec::new(), more: 0 },
        transaction: String::new(),
        manifest: String::new(),
        kept: true,
        undoes,
        approval: None,
        reason: None,
        counted: Counted::of(done.files.keys().cloned()),
    }))
}

fn ended(of: u64, green: bool) -> Detail {
    let check = Checked {
        rule: "r".into(),
        proves: if green { Proves::Green } else { Proves::Nothing },
        at_ms: 0,
        targets: vec![],
        options: vec![],
        ran: None,
        left_out: None,
        clears: vec![],
        category: None,
        attempts: None,
        tests: vec![],
        message: None,
    };
    Detail::ShellEnd {
        of,
        ended: Ended::Exited,
        exit_code: 0,
        limit: None,
        duration_ms: 1,
        fence: "full".into(),
        missing: vec![],
        check: Some(Box::new(check)),
    }
}

proptest! {
    #[test]
    fn the_count_is_what_a_naive_model_says(steps in steps()) {
        let (mut state, mut model, mut seq) = (State::default(), Model::default(), 1);
        let mut running: Vec<u64> = Vec::new();
        for step in steps {
            seq += 1;
            let detail = match step {
                // As the gate does: only where none is open.
                Step::Start if model.open().is_none() => {
                    model.rounds.push((seq, true));
                    Detail::IterationStarted(Box::new(Begun { what: None }))
                }
                Step::Close(person) => match model.open() {
                    None => continue,
                    Some(of) => {
                        model.rounds.push((seq, false));
                        let by = person.then(|| By { who: "x".into(), strength: "terminal".into(), key: None, signature: None });
                        Detail::IterationClosed(Box::new(IterationEnded { of, check: None, by }))
                    }
                },
                Step::Change(files) => {
                    if model.open().is_none() {
                        model.rounds.push((seq, true));
                        state.apply(seq, &Detail::IterationStarted(Box::new(Begun { what: None })));
                        seq += 1;
                    }
                    let files = files.into_iter().map(|file| format!("f{file}"));
                    let files = files.map(|file| { let before = model.content(&file, seq); (file, (before, seq)) }).collect();
                    model.changes.push(Done { seq, files });
                    committed(model.changes.last().unwrap(), None)
                }
                Step::Undo(n) => {
                    // What is taken back of an earlier iteration does not count.
                    let of_this = |done: &&Done| model.open().is_some_and(|open| done.seq > open) && model.can_be_taken_back(done);
                    let all: Vec<Done> = model.changes.iter().filter(of_this).cloned().collect();
                    if all.is_empty() { continue }
                    let of = &all[n % all.len()];
                    let files = of.files.iter().map(|(file, (before, after))| (file.clone(), (*after, *before))).collect();
                    model.changes.push(Done { seq, files });
                    committed(model.changes.last().unwrap(), Some(of.seq))
                }
                Step::CheckBegins => {
                    running.push(seq);
                    Detail::ShellStart {
                        rules: vec![RuleHit { id: "r".into(), verdict: "allow".into() }],
                        policy: String::new(), cwd: ".".into(), asked: None, task: None, reason: None, timeout_ms: 1,
                        observed: false, composition: None, approval: None, step: None,
                    }
                }
                Step::CheckEnds(n, green) if !running.is_empty() => {
                    let of = running.remove(n % running.len());
                    if green && model.open().is_some() { model.green.push((of, seq)); }
                    ended(of, green)
                }
                Step::Start | Step::CheckEnds(..) | Step::Other => Detail::Checkpoint { records: seq - 1 },
            };
            state.apply(seq, &detail);
            let round = state.iteration.open.as_deref();
            prop_assert_eq!(round.map(|round| round.seq), model.open());
            let files: BTreeSet<String> = round.into_iter().flat_map(|round| round.files.keys().cloned()).collect();
            prop_assert_eq!(files, model.files());
            prop_assert_eq!(round.and_then(|round| round.green), model.proof());
        }
    }
}
