//! How long it takes to load a policy and to judge a command: median and 99th percentile, in microseconds.
//! Run by `cargo bench --bench decide`; the targets are 200 µs to load and 50 µs to judge.

use guard::action::shell::Shell;
use guard::action::{Action, Change, ChangeSet, Facts, Node};
use guard::decide::policy::{Rows, Writes, embedded};
use guard::decide::{ChangeFacts, Layer, Policy, Source, example_environment, example_facts, judge, judge_changes};
use guard::event::State;
use guard::execute::file::{Ends, find};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const COMMANDS: &[&str] = &[
    "pytest tests/test_risk.py -q",
    "python main.py --mode paper --duration 5min",
    "git status",
    "ls -la src && cat README.md | head -20",
    "cd services && grep -rn 'def place_order' --include='*.py' . | sort | uniq -c",
    "docker-compose down -v",
    "sed -i 's/old/new/g' services/risk_manager.py",
    "PYTHONPATH=src python -m pytest -n 4",
    "rm -rf build dist *.egg-info",
    "for f in services/*.py; do python -m py_compile \"$f\" || echo \"$f\"; done",
    "find . -name '*.pyc' -exec rm {} +",
    "cat > services/a.py <<'E'\nimport os\nprint(os.getcwd())\nE",
];

#[expect(clippy::print_stdout, reason = "a benchmark reports on standard output")]
fn main() {
    let sources = [Source {
        layer: Layer::Project,
        name: "guard.toml".into(),
        text: "version = 1\nextends = [\"python-trading\"]\n".into(),
    }];
    let Ok(policy) = Policy::load(&sources) else { return };
    let bytes = Arc::new(policy.compile());
    let largest = embedded().map(|preset| preset.text.len()).sum::<usize>();
    println!("{} rules, {} bytes of presets and packs, {} bytes compiled", policy.len(), largest, bytes.len());
    println!("{:<58} {:>9} {:>9}", "µs", "median", "p99");

    report("load from the compiled form", 4000, || {
        Policy::from_compiled(black_box(Arc::clone(&bytes) as Arc<dyn Rows>)).is_ok()
    });
    report("hash of the texts", 4000, || Policy::hash_of(black_box(&sources)).len());
    report("load from the texts", 100, || Policy::load(black_box(&sources)).is_ok());

    let mut all = Vec::new();
    for line in COMMANDS {
        let (action, facts) = parsed(line);
        let shown: String = line.chars().take(48).map(|c| if c == '\n' { ' ' } else { c }).collect();
        let label = format!("judge {shown}");
        all.extend(report(&label, 3000, || {
            judge(black_box(action.clone()), black_box(&facts), &State::default(), black_box(&policy))
        }));
        // A call loads a policy and judges once: patterns are compiled anew each time.
        let label = format!(" cold {shown}");
        let mut fresh: Vec<Policy> =
            (0..300).filter_map(|_| Policy::from_compiled(Arc::clone(&bytes) as Arc<dyn Rows>).ok()).collect();
        report(&label, 300, || {
            fresh.pop().map(|policy| (judge(action.clone(), &facts, &State::default(), &policy), policy))
        });
    }
    paths(&policy);
    let hostile = [
        ("ls; a hundred kilobytes of it", "ls;".repeat(33_000)),
        ("git push & a hundred kilobytes of it", "git push & ".repeat(9_000)),
        ("rm $x, a hundred kilobytes of it", format!("rm {}", "$x ".repeat(33_000))),
        ("A=1 a hundred kilobytes of it", format!("{} ls", "A=1 ".repeat(25_000))),
        ("> a hundred kilobytes of it", "> a ".repeat(25_000)),
    ];
    for (label, line) in &hostile {
        let (action, facts) = parsed(line);
        report(label, 5, || judge(action.clone(), &facts, &State::default(), &policy));
    }
    println!("{:<58} {:>9.1} {:>9.1}", "judge, all of them", micros(&mut all, 50), micros(&mut all, 99));
}

/// What an action on a file takes before anything is read or written: its path found, the change judged. At most 30 µs.
fn paths(policy: &Policy) {
    let Ok(project) = tempfile::tempdir() else { return };
    let Ok(root) = std::fs::canonicalize(project.path()) else { return };
    let path = Path::new("services/deep/er/risk.py");
    let made =
        std::fs::create_dir_all(root.join("services/deep/er")).and_then(|()| std::fs::write(root.join(path), ""));
    if made.is_err() {
        return;
    }
    let node = |len| Some(Node::File { len, mode: 0o644, sha256: [0; 32] });
    let facts = ChangeFacts { project: root.clone(), ..ChangeFacts::default() };
    report("find and judge a path of four parts", 4000, || {
        let found = find(&root, &root, black_box(path), Ends::Followed).unwrap_or_default();
        let change = Change { path: found, before: node(0), after: node(1) };
        let set = ChangeSet { changes: vec![change], ..ChangeSet::default() };
        judge_changes(&set, &facts, policy, Writes::Project)
    });
}

fn parsed(line: &str) -> (Action, Facts) {
    let shell = Shell::from_line_in(line.into(), &example_environment());
    let facts = example_facts(&shell);
    (Action::Shell(shell), facts)
}

#[expect(clippy::print_stdout, reason = "a benchmark reports on standard output")]
fn report<T>(label: &str, rounds: usize, mut round: impl FnMut() -> T) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            let result = black_box(round());
            let time = start.elapsed();
            drop(result);
            time
        })
        .collect();
    println!("{label:<58} {:>9.1} {:>9.1}", micros(&mut times, 50), micros(&mut times, 99));
    times
}

fn micros(times: &mut [Duration], percentile: usize) -> f64 {
    times.sort_unstable();
    let at = (times.len().saturating_sub(1)) * percentile / 100;
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}
