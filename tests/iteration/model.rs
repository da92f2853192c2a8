//! The count is what a naive model says, over any sequence of records.

use guard::event::{
    Begun, By, Changed, Checked, Committed, Counted, Detail, Ended, IterationEnded, Proves, RuleHit, State,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

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

/// Everything that ever happened, looked through from the beginning for each question.
#[derive(Debug, Default)]
struct Model {
    /// Record and beginning or end of an iteration.
    rounds: Vec<(u64, bool)>,
    /// Record, files, and the record that is taken back.
    changes: Vec<(u64, BTreeSet<String>, Option<u64>)>,
    /// Beginnings and ends of green checks.
    green: Vec<(u64, u64)>,
}

impl Model {
    fn open(&self) -> Option<u64> {
        self.rounds.last().filter(|(_, begins)| *begins).map(|(seq, _)| *seq)
    }

    /// Whether what a record of changes did is in the project: taken back, and that not taken back in turn.
    fn stands(&self, seq: u64) -> bool {
        let back = self.changes.iter().filter(|(_, _, undoes)| *undoes == Some(seq));
        !back.clone().any(|(undo, _, _)| self.stands(*undo))
    }

    fn files(&self) -> BTreeSet<String> {
        let Some(open) = self.open() else { return BTreeSet::new() };
        let counts = |(seq, _, undoes): &&(u64, BTreeSet<String>, Option<u64>)| {
            *seq > open && undoes.is_none() && self.stands(*seq)
        };
        self.changes.iter().filter(counts).flat_map(|(_, files, _)| files.clone()).collect()
    }

    fn proof(&self) -> Option<u64> {
        let open = self.open()?;
        let changed = self.changes.iter().filter(|(seq, files, _)| *seq > open && !files.is_empty());
        let last = changed.map(|(seq, _, _)| *seq).max().unwrap_or(open);
        self.green.iter().filter(|(began, _)| *began > last).map(|(_, ended)| *ended).max()
    }
}

fn committed(files: &BTreeSet<String>, undoes: Option<u64>) -> Detail {
    Detail::ChangeCommitted(Box::new(Committed {
        changed: Changed { of: None, files: Vec::new(), more: 0 },
        transaction: String::new(),
        manifest: String::new(),
        kept: true,
        undoes,
        approval: None,
        counted: Counted::of(files.iter().cloned()),
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
                    let files: BTreeSet<String> = files.into_iter().map(|file| format!("f{file}")).collect();
                    model.changes.push((seq, files.clone(), None));
                    committed(&files, None)
                }
                // What is taken back stands in the project: guard finds it so.
                Step::Undo(n) => {
                    let standing: Vec<_> = model.changes.iter().filter(|(seq, _, _)| model.stands(*seq)).cloned().collect();
                    if standing.is_empty() { continue }
                    let (of, files, _) = standing[n % standing.len()].clone();
                    // What is taken back of an earlier iteration, and then again, is a person's from end to end.
                    if model.open().is_some_and(|open| of < open) { continue }
                    model.changes.push((seq, files.clone(), Some(of)));
                    committed(&files, Some(of))
                }
                Step::CheckBegins => {
                    running.push(seq);
                    Detail::ShellStart {
                        rules: vec![RuleHit { id: "r".into(), verdict: "allow".into() }],
                        policy: String::new(), cwd: ".".into(), asked: None, task: None, reason: None, timeout_ms: 1,
                        observed: false, composition: None, approval: None,
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
