//! A scripted agent builds a small service with its tests in a real repository, through `guard file` and `guard exec` alone,
//! with the real pytest, mypy and black; on its way it runs into each of the rules once.

use super::{changes, given};
use crate::cli::{Done, Home, tools};

const MODELS: &str = "\"\"\"What services share.\"\"\"\n\nfrom dataclasses import dataclass\n\n\n@dataclass\nclass Signal:\n    \
                      \"\"\"A wish to trade.\"\"\"\n\n    symbol: str\n    price: float\n    stop: float\n    note: str = \"\"\n";
const SIZING: &str = "\"\"\"Position sizes.\"\"\"\n\nfrom shared.models import Signal\n\nRISK = 0.01\n\n\n\
                      def size(signal: Signal, balance: float) -> float:\n    \"\"\"How much may be bought.\"\"\"\n    \
                      return balance * RISK / (signal.price + signal.stop)\n";
const TEST: &str = "\"\"\"Tests of position sizes.\"\"\"\n\nfrom services.sizing import size\nfrom shared.models import Signal\n\n\n\
                    def test_one_percent_is_at_risk() -> None:\n    \"\"\"A hundred may lose one.\"\"\"\n    \
                    assert size(Signal(\"X\", 10.0, 9.0), 100.0) == 1.0\n";

struct Agent(Home);

impl Agent {
    fn write(&self, path: &str, content: &str) -> Done {
        given(&self.0, &["file", "write", path, "--reason", "a step of the plan"], content)
    }

    #[track_caller]
    fn writes(&self, path: &str, content: &str) {
        let done = self.write(path, content);
        assert_eq!(done.code, Some(0), "{path}: {}", done.stderr);
        assert_eq!(self.0.read(path), content);
    }

    #[track_caller]
    fn refused(&self, path: &str, content: &str, (code, rule): (i32, &str)) {
        let before = std::fs::read(self.0.project.join(path)).ok();
        let done = self.write(path, content);
        assert_eq!(done.code, Some(code), "{path}: {}", done.stderr);
        assert!(done.stderr.contains(rule), "{path}: {}", done.stderr);
        assert_eq!(std::fs::read(self.0.project.join(path)).ok(), before);
    }

    #[track_caller]
    fn runs(&self, line: &str) -> Done {
        let words: Vec<&str> = ["exec", "--"].into_iter().chain(line.split(' ')).collect();
        let done = self.0.guard(&words);
        assert_eq!(done.code, Some(0), "{line}: {}{}", done.stdout, done.stderr);
        done
    }

    #[track_caller]
    fn closes(&self) {
        let done = self.0.guard(&["iteration", "close"]);
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    }
}

#[test]
fn an_agent_builds_a_service_and_meets_each_rule() {
    assert!(tools().join("pytest").exists(), "run scripts/test, which installs the tools");
    let home = Home::with("python-trading");
    let git = |arguments: &[&str]| {
        let ran = std::process::Command::new("git").args(arguments).current_dir(&home.project).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    git(&["init", "-q"]);
    let agent = Agent(home);

    // What services share: two files, and no third before a check.
    assert_eq!(agent.0.guard(&["iteration", "start", "what services share"]).code, Some(0));
    agent.writes("shared/__init__.py", "\"\"\"Shared.\"\"\"\n");
    agent.writes("shared/models.py", MODELS);
    agent.refused("services/sizing.py", SIZING, (126, "guard:iteration-full"));
    let unchecked = agent.0.guard(&["iteration", "close"]);
    assert_ne!(unchecked.code, Some(0), "nothing was checked: {}", unchecked.stdout);
    agent.runs("mypy shared/ --strict");
    agent.closes();
    agent.writes("services/__init__.py", "\"\"\"Services.\"\"\"\n");
    agent.writes("tests/__init__.py", "\"\"\"Tests.\"\"\"\n");
    agent.runs("black --check .");
    agent.closes();

    // The service, its test and its configuration belong together. What is wrong with a content is said with its place.
    agent.refused("services/sizing.py", &SIZING.replace("float:\n", "float\n"), (126, "services/sizing.py:8:5"));
    agent.refused(
        "services/sizing.py",
        &SIZING.replace("shared.models", "shared.model"),
        (126, "guard:content-imports"),
    );
    agent.refused("services/sizing.py", &SIZING.replace("Signal", "Order"), (126, "guard:content-names"));
    agent.refused("services/sizing.py", &SIZING.replace("signal.price", "signal.prize"), (126, "guard:content-types"));
    agent.refused(
        "services/sizing.py",
        &SIZING.replace("\"\"\"Position sizes.\"\"\"\n\n", ""),
        (126, "guard:content-explained"),
    );
    agent.writes("services/sizing.py", SIZING);
    agent.refused("config/sizing.yaml", "risk: [0.01\n", (126, "guard:content-syntax"));
    agent.writes("config/sizing.yaml", "risk: 0.01\n");
    agent.writes("tests/test_sizing.py", TEST);
    let failed = agent.0.guard(&["exec", "--", "pytest", "-q", "tests/"]);
    assert_eq!(failed.code, Some(1), "{}{}", failed.stdout, failed.stderr);
    let edit = ["file", "edit", "services/sizing.py", "--old", "signal.price + signal.stop", "--new"];
    let edit = agent
        .0
        .guard(&[&edit[..], &["signal.price - signal.stop", "--reason", "risk is the way to the stop"]].concat());
    assert_eq!(edit.code, Some(0), "{}", edit.stderr);
    assert!(agent.runs("pytest -q tests/").stdout.contains("1 passed"));
    agent.closes();

    // Dependencies are pinned, and what others rest on is not taken away without a person.
    agent.refused("requirements.txt", "requests\n", (126, "guard:content-pinned"));
    agent.writes("requirements.txt", "requests==2.32.3\n");
    agent.refused("shared/models.py", &MODELS.replace("    stop: float\n", ""), (126, "guard:content-types"));
    agent.refused("shared/models.py", &MODELS.replace("    note: str = \"\"\n", ""), (75, "guard:content-fields"));
    agent.refused("main.py", "\"\"\"The loop.\"\"\"\n", (75, "event-loop"));
    agent.refused(".env", "KEY=1\n", (126, "guard:changes-secret-file"));
    agent.refused("services/sizing.py", "<<<<<<< HEAD\n", (126, "guard:content-markers"));
    let diff = "@@ -5 +5,2 @@\n-RISK = 0.01\n+# A hundredth, as the plan says.\n+RISK = 0.01\n";
    let patched = given(&agent.0, &["file", "edit", "services/sizing.py", "--reason", "say where it is from"], diff);
    assert_eq!(patched.code, Some(0), "{}", patched.stderr);
    assert!(agent.runs("pytest -q tests/").stdout.contains("1 passed"));
    agent.closes();

    let whole = agent.0.guard(&["audit", "verify"]);
    assert!(whole.code == Some(0) && whole.stdout.starts_with("whole"), "{}", whole.stdout);
    let log = agent.0.log();
    for said in [
        "] Created services/sizing.py: a step of the plan {",
        "] Modified services/sizing.py: risk is the way to the stop {",
        "[FILE] [CREATE] [services/sizing.py] [DENIED]",
        "[FILE] [MODIFY] [shared/models.py] [PENDING]",
    ] {
        assert!(log.contains(said), "{said}: {log}");
    }
    assert_eq!(changes(&agent.0).len(), 10);
}
