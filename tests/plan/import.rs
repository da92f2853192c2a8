//! A plan from Markdown: everything is placed or told, and what comes out is a plan once it is filled in.

use crate::cli::{Home, done};
use guard::supervise::plan::{AgentKind, Plan, import, read};
use std::time::Duration;

const DOCUMENT: &str = "\
# Risk management

Introduction.

## Phase 2: Risk

### Phase 2.3: Position Sizing Logic

**Goal:** No order risks too much,
whatever the signal says.

- **Files:**
  - `services/risk_manager.py` (modify)
  - tests/test_risk.py
  - `../outside.py`

Depends on: Phase 2.2 and the data team
**Mode**: `paper`

#### Acceptance Criteria
- [ ] a signal of zero size is refused
- [x] `mypy services/` is clean

#### Validation
1. `pylint services/` passes
2. `python -m mypy services/ --strict`
- `black .`
- [ ] Run `pytest tests/test_risk.py`, `pytest tests/test_risk.py`
- `python main.py --mode paper --duration 5min`
- `docker-compose ps`
- [ ] a person looks at the chart

```bash
# every import in its place
$ isort --check-only .
```

#### Notes
Ask Ann.

### Phase 2.2 – Signals
Signals carry a size.

- [ ] every signal has a size

```python
x = 1
```

## Appendix
";

fn notes(text: &str) -> Vec<String> {
    let imported = import("PLAN.md", text.as_bytes()).unwrap();
    imported.notes.into_iter().map(|note| format!("{}: {}", note.line, note.message)).collect()
}

/// Fills the marked places of the document.
fn filled(toml: &str) -> String {
    let mut values = ["kind = \"claude\"", "files = [\"services/signals.py\"]", "tests = \"pytest\""].into_iter();
    let fill =
        |line: &str| if line.contains("# FILL IN") { values.next().unwrap().to_owned() } else { line.to_owned() };
    toml.lines().map(fill).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_has_a_place_is_put_there_and_the_rest_is_told_line_by_line() {
    assert_eq!(
        notes(DOCUMENT),
        [
            "3: no place for: Introduction.",
            "5: no place for: Phase 2: Risk",
            "13: no place for: (modify)",
            "15: not taken as a file: `../outside.py` leaves the project",
            "17: only the ids are taken of: Phase 2.2 and the data team",
            "22: `mypy services/` stands in a criterion and is not run: a check has its own line",
            "22: its box is checked, it is kept as a criterion: `mypy services/` is clean",
            "27: `black .`: it changes files: add the option that only looks",
            "30: not taken as a check, its tool is not known: `docker-compose ps`",
            "31: no command in backticks: kept as a criterion",
            "38: no place for: Notes",
            "39: no place for: Ask Ann.",
            "42: taken as the goal: Signals carry a size.",
            "47: no place for: x = 1",
            "50: no place for: Appendix",
        ]
    );
}

#[test]
fn a_plan_that_was_imported_and_filled_in_says_what_the_document_said() {
    let imported = import("PLAN.md", DOCUMENT.as_bytes()).unwrap();
    assert_eq!((imported.phases, imported.gaps), (2, 3));
    let early = read("plan.toml", imported.toml.as_bytes()).unwrap_err();
    assert_eq!(early.len(), imported.gaps, "each marked place is a fault: {early:?}");
    let plan: Plan = read("plan.toml", filled(&imported.toml).as_bytes()).unwrap();
    assert_eq!((plan.title.as_deref(), plan.agent.kind), (Some("Risk management"), AgentKind::Claude));
    let order: Vec<&str> = plan.order().iter().map(|phase| phase.id.as_str()).collect();
    assert_eq!(order, ["2.2", "2.3"]);
    let phase = plan.phase("2.3").unwrap();
    assert_eq!(phase.description, "Position Sizing Logic");
    assert_eq!(phase.goal.as_deref(), Some("No order risks too much, whatever the signal says."));
    assert_eq!(
        phase.accept,
        ["a signal of zero size is refused", "`mypy services/` is clean", "a person looks at the chart"]
    );
    assert_eq!(phase.files, ["services/risk_manager.py", "tests/test_risk.py"]);
    assert_eq!((phase.after.as_slice(), phase.mode), (["2.2".to_owned()].as_slice(), Some(guard::event::Mode::Paper)));
    let steps: Vec<String> = phase.checks.steps().map(|(kind, line)| format!("{}: {line}", kind.word())).collect();
    assert_eq!(
        steps,
        [
            "lint: pylint services/",
            "types: python -m mypy services/ --strict",
            "format: black .",
            "format: isort --check-only .",
            "tests: pytest tests/test_risk.py",
        ]
    );
    let run = phase.dry_run.as_ref().unwrap();
    assert_eq!(run.command, "python main.py --mode paper --duration {duration}");
    assert_eq!(run.duration, Some(Duration::from_secs(300)));
    assert!(imported.toml.contains("\"`mypy services/` is clean\",  # its box was checked\n"));
}

#[test]
fn texts_that_toml_could_misread_come_back_as_they_were() {
    let odd = "a \"quote\", a \\ backslash, # FILL IN and 'ticks' \u{1b}[2J";
    let document = format!(
        "# {odd}\n### phase 1.1 - {odd}\nGoal: {odd}\n- [ ] {odd}\n\nFiles:\n- `a.py`\nValidation:\n- `pytest -k \"a\\b\"`\n"
    );
    let imported = import("PLAN.md", document.as_bytes()).unwrap();
    assert_eq!(imported.gaps, 1);
    let plan = read("plan.toml", imported.toml.replacen("kind = \"\"", "kind = \"codex\"", 1).as_bytes()).unwrap();
    let phase = &plan.phases[0];
    assert_eq!([plan.title.as_deref(), phase.goal.as_deref()], [Some(odd); 2]);
    assert_eq!((phase.description.as_str(), phase.accept[0].as_str()), (odd, odd));
    assert_eq!(phase.checks.tests, ["pytest -k \"a\\b\""]);
}

#[test]
fn a_document_without_a_phase_is_refused() {
    for (bytes, message) in [
        (&b"# Plan\n\n- [ ] x\n## Phase 2\n"[..], "no phase in it"),
        (b"", "no phase in it"),
        (b"### Phase 1.1: \xff", "it is not UTF-8"),
        (&vec![b'#'; (1 << 20) + 1], "a document of more than 1 MiB"),
    ] {
        assert_eq!(import("PLAN.md", bytes).unwrap_err()[0].message, message);
    }
    assert_eq!(
        notes("### Phase 1.1: a\n### Phase 1.1: b\n```\nx\n"),
        ["2: a second phase 1.1: give one another id", "4: no place for: x", "4: a block of code that does not end"]
    );
}

#[test]
fn the_command_prints_the_plan_tells_the_rest_and_overwrites_nothing() {
    let home = Home::bare();
    home.write("PLAN.md", DOCUMENT);
    let printed = home.guard(&["plan", "import", "PLAN.md"]);
    assert_eq!((printed.code, &printed.stdout), (Some(0), &import("PLAN.md", DOCUMENT.as_bytes()).unwrap().toml));
    assert!(printed.stderr.starts_with("PLAN.md:3: no place for: Introduction.\n"), "{}", printed.stderr);
    assert!(
        printed
            .stderr
            .ends_with("guard: 2 phases; 3 places marked FILL IN, 15 lines to look at; then `guard plan check`\n")
    );
    assert_eq!(home.guard(&["plan", "import", "PLAN.md", "--output", "plan.toml"]).code, Some(0));
    assert_eq!(home.read("plan.toml"), printed.stdout);
    let again = home.guard(&["plan", "import", "PLAN.md", "--output", "plan.toml"]);
    assert_eq!(again.code, Some(125));
    assert!(again.stderr.contains("cannot write") && again.stderr.contains("plan.toml"), "{}", again.stderr);
    assert_eq!(home.guard(&["plan", "check"]).code, Some(78));
    home.write("plan.toml", &filled(&printed.stdout));
    assert_eq!(home.guard(&["plan", "check"]).code, Some(0));
    let piped = done(home.command(&["plan", "import", "-"]).write_stdin("# nothing\n"));
    assert_eq!(piped.code, Some(78));
    assert!(piped.stderr.contains("no phase in it"), "{}", piped.stderr);
    assert_eq!(home.guard(&["plan", "import", "NONE.md"]).code, Some(125));
}
