//! What it costs to take a command apart, and to gather its facts: median and 99th percentile over ordinary commands.
//! Prints for people; judges nothing.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark reports, and may stop")]

use guard::action::{Action, Shell};
use guard::gate::facts;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Commands as agents write them.
const ORDINARY: &[&str] = &[
    "ls -la",
    "pytest tests/ -x -q",
    "python -m pytest tests/unit -k 'risk and not slow' --tb=short",
    "cd src && grep -rn 'def load' --include='*.py' . | head -20",
    "git status --short && git diff --stat",
    "git add -A && git commit -m \"$(cat <<'EOF'\nKeep the position limit in one place\n\nIt was checked twice.\nEOF\n)\"",
    "for f in src/*.py; do wc -l \"$f\"; done | sort -n | tail -5",
    "cat > notes.txt <<'EOF'\none\ntwo\nEOF",
    "python - <<'EOF'\nimport json\nprint(json.dumps({'a': 1}))\nEOF",
    "pip install -r requirements.txt 2>&1 | tail -3",
    "docker-compose -f docker-compose.yml up -d db",
    "find . -name '*.pyc' -not -path './venv/*' -exec rm {} +",
    "if [ -f pyproject.toml ]; then black --check src; else echo none; fi",
    "timeout 60 env PYTHONPATH=src python -m app.main --mode backtest --from 2024-01-01",
    "sed -n '1,80p' src/engine/book.py",
    "awk -F, '{ s += $3 } END { print s / NR }' data/trades.csv",
    "rg -n \"TODO|FIXME\" -g '!vendor' | wc -l",
    "mypy src --strict && pylint src --disable=C0114",
    "echo \"$HOME\" $((1 + 2)) {a,b}.txt",
    "sh -c 'cd build && make -j4 test'",
];

fn main() {
    let environment = [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/root")];
    let environment = environment.map(|(name, value)| (name.into(), value.into()));
    let known = facts::known(&environment);
    let cwd = std::env::current_dir().unwrap();
    let writable = [cwd.clone()];
    let mut parse = Vec::new();
    let mut gather = Vec::new();
    for round in 0..500 {
        for line in ORDINARY {
            let start = Instant::now();
            let shell = black_box(Shell::from_line_in(black_box(line).into(), &known));
            let parsed = start.elapsed();
            let action = Action::Shell(shell);
            let start = Instant::now();
            black_box(facts::gather(&action, &cwd, &cwd, &environment, &writable));
            if round >= 10 {
                parse.push(parsed);
                gather.push(start.elapsed());
            }
        }
    }
    report("take apart", &mut parse);
    report("gather facts", &mut gather);
    let hostile = "$(".repeat(50_000);
    let start = Instant::now();
    black_box(Shell::from_line(black_box(&hostile).into()));
    println!("100 kB of open substitutions: {:?}", start.elapsed());
    let commands = "a;".repeat(50_000);
    let start = Instant::now();
    black_box(Shell::from_line(black_box(&commands).into()));
    println!("100 kB of commands: {:?}", start.elapsed());
}

fn report(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    println!("{name}: median {:?}, 99th percentile {:?}, {} calls", at(50), at(99), times.len());
}
