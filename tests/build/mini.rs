//! mini-swe-agent (PyPI, MIT) as the agent of a plan: its own loop, its deterministic model, each of its actions a `guard exec`.

use super::walk::{COUNTED, shop, steps};
use super::{Scene, copy};
use crate::cli::Home;
use crate::servers::skip;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The Python that `scripts/test` puts it into.
fn python() -> Option<PathBuf> {
    let own = std::env::var_os("GUARD_TEST_MINI").map(PathBuf::from);
    let python = own.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/mini/bin")).join("python3");
    if !python.exists() {
        return skip("mini-swe-agent");
    }
    Some(python)
}

/// What its model says: phase and attempt, and its commands.
fn said() -> serde_json::Value {
    let write = |path: &str, text: &str| format!("cat > {path} <<'END'\n{text}END");
    let size = "\"\"\"How large an order may be.\"\"\"\n\nfrom services.account import Account\n\n\n\
                def size(account: Account, entry: float, stop: float) -> int:\n    \
                \"\"\"Pieces that lose no more than the account allows, if the stop is hit.\"\"\"\n    \
                loss = abs(entry - stop)\n    return int(account.most() / loss) if loss > 0 else 0\n";
    let test = "\"\"\"Sizes of orders.\"\"\"\n\nfrom services.account import Account\nfrom services.size import size\n\n\n\
                def test_no_order_loses_more_than_allowed() -> None:\n    \"\"\"Ten may be lost, four at a piece.\"\"\"\n    \
                assert size(Account(1000.0, 0.01), 104.0, 100.0) == 2\n";
    serde_json::json!({
        "1.1 1": [
            "ls services",
            write("services/size.py", &size.replace("> 0 else 0", ">= 0 else 0").replace("abs(entry - stop)", "entry + stop")),
            write("tests/test_size.py", test),
            "rm -rf /",
        ],
        "1.1 2": [
            "cat services/size.py",
            write("services/size.py", size),
            "pytest -q tests/test_size.py",
        ],
    })
}

/// The project with its plan, as `change` makes it, for mini-swe-agent whose model says this.
fn scene(python: &Path, said: &serde_json::Value, change: impl Fn(&str) -> &str) -> Scene {
    let home = Home::bare();
    copy(&shop().join("project"), &home.project);
    home.write("agent.py", include_str!("mini_agent.py"));
    home.write("said.json", &said.to_string());
    let plan = std::fs::read_to_string(shop().join("plan.toml")).unwrap();
    let (before, after) = plan.split_once("kind = \"script\"\nfile = \"actions.toml\"\n").unwrap();
    let run = format!("kind = \"command\"\nrun = [\"{}\", \"agent.py\", \"said.json\"]\n", python.display());
    home.write("plan.toml", &format!("{before}{run}{}", change(after)));
    let made = home.guard(&["init", "--preset", "python"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    Scene { home }
}

/// What the scripted agent does to the same project, as commands of a shell.
fn scripted() -> serde_json::Value {
    let actions = std::fs::read_to_string(shop().join("actions.toml")).unwrap();
    let actions: toml::Table = toml::from_str(&actions).unwrap();
    let mut files = BTreeMap::new();
    let mut command = |action: &toml::Value| {
        let text = |key: &str| action.get(key).and_then(toml::Value::as_str);
        if let Some(line) = text("exec") {
            return line.to_owned();
        }
        let (path, content) = match text("edit") {
            Some(path) => {
                let content: &String = &files[path];
                (path, content.replacen(text("find").unwrap(), text("replace").unwrap(), 1))
            }
            None => (text("write").unwrap(), text("content").unwrap().to_owned()),
        };
        files.insert(path.to_owned(), content.clone());
        format!("cat > {path} <<'END'\n{content}END")
    };
    let attempts = actions["attempt"].as_array().unwrap().iter().map(|attempt| {
        let name = format!("{} {}", attempt["phase"].as_str().unwrap(), attempt["attempt"]);
        let commands: Vec<String> = attempt["do"].as_array().unwrap().iter().map(&mut command).collect();
        (name, serde_json::json!(commands))
    });
    serde_json::Value::Object(attempts.collect())
}

#[test]
fn mini_swe_agent_goes_the_way_of_the_scripted_agent_through_the_whole_plan() {
    let Some(python) = python() else { return };
    let scene = scene(&python, &scripted(), |phases| phases);
    let done = scene.ends(&[], 77);
    assert_eq!(scene.steps(), steps(), "{}", done.stdout);
    assert_eq!(scene.counted(), COUNTED);
    let ended = scene.ended();
    assert!(ended[0].contains("[COMPLETE] [1.1") && ended[1].contains("[COMPLETE] [1.2"), "{ended:?}");
    assert_eq!(ended[2..], ["[PHASE] [FAILED] [1.3: Exposure] [FAIL]"]);
    let last = scene.events("phase_ended").pop().unwrap().machine;
    assert_eq!((&last["last"], &last["halt"]), (&"assert 2.0 == 5.0".into(), &"resume-1".into()));
    scene.whole();
}

#[test]
fn mini_swe_agent_is_driven_through_a_phase_of_the_same_project() {
    let Some(python) = python() else { return };
    // Its first phase alone.
    let scene = scene(&python, &said(), |phases| phases.split_once("\n[[phase]]\nid = \"1.2\"").unwrap().0);

    let done = scene.ends(&[], 0);
    assert_eq!(
        scene.steps(),
        [
            "1.1 1 agent pass",
            "1.1 1 lint pass",
            "1.1 1 types pass",
            "1.1 1 format pass",
            "1.1 1 tests fail",
            "1.1 2 agent pass",
            "1.1 2 lint pass",
            "1.1 2 types pass",
            "1.1 2 format pass",
            "1.1 2 tests pass",
        ],
        "{}",
        done.stdout
    );
    assert!(done.stdout.contains("[PHASE_COMPLETE] Phase 1.1: Order size\n"), "{}", done.stdout);
    assert_eq!(scene.home.read("services/size.py").matches("abs(entry - stop)").count(), 1);
    // Each of its actions is a record, and so is what it cost.
    let calls: Vec<_> = scene.events("agent_ended").iter().map(|record| record.machine["calls"].clone()).collect();
    assert_eq!(calls, [5, 4]);
    let ended = scene.events("phase_ended").pop().unwrap().machine;
    assert_eq!((&ended["complete"], &ended["agent_runs"], &ended["cost"]), (&true.into(), &2.into(), &90_000.into()));
    let report = scene.json(&["report", "1.1", "--json"]);
    assert!(report["phases"][0]["refused"].to_string().contains("rm -rf /"), "{report}");
    assert_eq!(report["log"]["verifies"], true);
    scene.whole();
}
