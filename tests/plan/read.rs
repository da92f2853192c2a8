//! Plans are read from TOML and from YAML as the same thing, and every fault has its place.

use super::plan;
use guard::event::Mode;
use guard::supervise::plan::{AgentKind, CheckKind, Plan, Rows};
use std::path::Path;
use std::time::Duration;

const TOML: &str = r##"version = 1
title = "Position sizing"

[agent]
kind = "command"
run = ["python", "agent.py"]
timeout = "10min"

[limits]
wall = "4h"
agent_runs = 30
cost = 20

[[phase]]
id = "2.3"
description = "Position sizing"
goal = "No signal risks more than 1 % of the account."
accept = ["a signal of zero size is refused"]
after = ["2.2"]
files = ["services/risk_manager.py", "tests/test_risk*.py", "!tests/test_risk_old.py"]
mode = "backtest"

[phase.checks]
lint = ["pylint services/"]
types = "mypy services/ --strict"
format = "black --check ."
tests = ["pytest tests/test_risk.py", "pytest tests/test_all.py"]

[[phase.migration]]
paths = ["migrations/042.sql"]
database = "orders"
description = "add a column"

[[phase.data]]
database = "orders"
query = "SELECT count(*) FROM orders WHERE qty < 0"
values = [[0, "NULL", 1.50, true, "a b"]]

[[phase.data]]
database = "orders"
query = "SELECT * FROM orders"
rows = { least = 1 }

[phase.dry_run]
command = "python main.py --mode paper --duration {duration}"
duration = "5min"
log = "logs/run.log"
holds = ['order \d+ accepted']
lacks = ["Traceback", "ERROR"]

[phase.limits]
wall = "1h"
agent_runs = 4
cost = 2.5
silence = "5min"
attempts = { test = 2, total = 3 }

[[phase]]
id = "2.2"
description = "Signals"
files = ["services/**"]
[phase.checks]
tests = "pytest"
"##;

pub(super) const YAML: &str = r##"# the same
version: 1
title: Position sizing
agent:
  kind: command
  run: [python, agent.py]
  timeout: 10min
limits: {wall: 4h, agent_runs: 30, cost: 20}
phase:
  - id: "2.3"
    description: Position sizing
    goal: No signal risks more than 1 % of the account.
    accept:
      - a signal of zero size is refused
    after: ["2.2"]
    files:
      - services/risk_manager.py
      - tests/test_risk*.py
      - "!tests/test_risk_old.py"
    mode: backtest
    checks:
      lint: [pylint services/]
      types: mypy services/ --strict
      format: black --check .
      tests:
        - pytest tests/test_risk.py
        - pytest tests/test_all.py
    migration:
      - paths: [migrations/042.sql]
        database: orders
        description: add a column
    data:
      - database: orders
        query: SELECT count(*) FROM orders WHERE qty < 0
        values: [[0, "NULL", 1.50, true, a b]]
      - database: orders
        query: >-
          SELECT *
          FROM orders
        rows:
          least: 1
    dry_run:
      command: "python main.py --mode paper --duration {duration}"
      duration: 5min
      log: logs/run.log
      holds: ['order \d+ accepted']
      lacks: [Traceback, ERROR]
    limits:
      wall: 1h
      agent_runs: 4
      cost: 2.5
      silence: 5min
      attempts: {test: 2, total: 3}
  - id: "2.2"
    description: Signals
    files: services/**
    checks:
      tests: pytest
"##;

#[test]
fn a_plan_is_the_same_in_toml_and_in_yaml() {
    let (toml, yaml) = (plan("plan.toml", TOML), plan("plan.yaml", YAML));
    let parts = |plan: &Plan| (plan.title.clone(), plan.agent.clone(), plan.limits.clone(), plan.phases.clone());
    assert_eq!(parts(&toml), parts(&yaml));
    let hashes = |plan: &Plan| plan.phases.iter().map(|phase| phase.hash()).collect::<Vec<_>>();
    assert_eq!(hashes(&toml), hashes(&yaml));
    assert_ne!(toml.hash, yaml.hash);
    assert_eq!(toml.hash.len(), 64);
}

#[test]
fn what_is_read_is_what_is_written() {
    let plan = plan("plan.toml", TOML);
    assert_eq!((plan.agent.kind, plan.agent.timeout), (AgentKind::Command, Duration::from_secs(600)));
    assert_eq!((plan.limits.agent_runs, plan.limits.cost), (Some(30), Some(20.0)));
    assert_eq!(plan.order().iter().map(|phase| phase.id.as_str()).collect::<Vec<_>>(), ["2.2", "2.3"]);
    let phase = plan.phase("2.3").unwrap();
    assert_eq!(phase.mode, Some(Mode::Backtest));
    let steps: Vec<_> = phase.checks.steps().collect();
    assert_eq!(
        steps,
        [
            (CheckKind::Lint, "pylint services/"),
            (CheckKind::Types, "mypy services/ --strict"),
            (CheckKind::Format, "black --check ."),
            (CheckKind::Tests, "pytest tests/test_risk.py"),
            (CheckKind::Tests, "pytest tests/test_all.py"),
        ]
    );
    let row = [Some("0"), None, Some("1.50"), Some("true"), Some("a b")].map(|cell| cell.map(str::to_owned));
    assert_eq!(phase.data[0].values, Some(vec![row.to_vec()]));
    assert_eq!(phase.data[1].rows, Some(Rows { least: 1, most: None }));
    let run = phase.dry_run.as_ref().unwrap();
    assert_eq!((run.duration, run.shortest), (Some(Duration::from_secs(300)), Duration::from_secs(30)));
    assert_eq!((phase.limits.attempts.test, phase.limits.attempts.total), (Some(2), Some(3)));
    let touched = ["services/risk_manager.py", "tests/test_risk_x.py", "tests/test_risk_old.py", "services/x.py"];
    assert_eq!(touched.map(|path| phase.may_touch(Path::new(path))), [true, true, false, false]);
}

#[test]
fn a_phase_that_says_anything_else_has_another_hash() {
    let hash = |text: &str| plan("plan.toml", text).phase("2.3").unwrap().hash();
    let before = hash(TOML);
    assert_eq!(hash(&TOML.replace("Signals", "Other signals")), before, "another phase");
    assert_eq!(hash(&TOML.replace("[[phase]]", "# a line\n\n[[phase]]")), before, "only its place");
    for (old, new) in [
        ("\"Position sizing\"\ngoal", "\"Sizing\"\ngoal"),
        ("cost = 2.5", "cost = 2.6"),
        ("rows = { least = 1 }", "rows = 1"),
        ("holds = ['order \\d+ accepted']", "holds = ['order']"),
        ("attempts = { test = 2,", "attempts = { test = 1,"),
        ("lint = [\"pylint services/\"]", "lint = [\"pylint\"]"),
    ] {
        assert!(TOML.contains(old), "{old}");
        assert_ne!(hash(&TOML.replacen(old, new, 1)), before, "{new}");
    }
}
