//! The JSON Schema of plans: kept in docs, true of the example, and no laxer than the reader where it can tell.
//! `INSTA_UPDATE=always` writes docs/plan.schema.json anew.

use super::example;
use crate::policy::schema::breaks;
use guard::supervise::plan::{read, schema};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/plan.schema.json");

fn of(text: &str) -> Vec<String> {
    breaks(&schema(), &toml::from_str(text).unwrap(), "")
}

#[test]
fn the_schema_in_docs_is_the_one_guard_prints() {
    let printed = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(KEPT, &printed).unwrap();
    }
    assert_eq!(std::fs::read_to_string(KEPT).unwrap_or_default(), printed, "INSTA_UPDATE=always writes it anew");
    assert_eq!(crate::cli::Home::bare().guard(&["plan", "schema"]).stdout, printed);
}

#[test]
fn the_example_keeps_to_the_schema_and_what_is_wrong_does_not() {
    assert_eq!(of(example()), [] as [&str; 0]);
    for (old, new) in [
        ("version = 1", "version = 2"),
        ("kind = \"command\"", "kind = \"robot\""),
        ("agent_runs = 20", "agent_runs = 0"),
        ("cost = 20.0", "cost = 0"),
        ("id = \"2.2\"", "id = \"2\""),
        ("id = \"2.2\"", "id = 2.2"),
        ("mode = \"paper\"", "mode = \"live\""),
        ("rows = 0", "rows = -1"),
        ("rows = 0", "rows = { lest = 1 }"),
        ("values = [[0]]", "values = [0]"),
        ("lint = [\"pylint services/\"]", "lints = [\"pylint services/\"]"),
        ("attempts = { test = 2", "attempts = { tests = 2"),
        ("duration = \"5min\"", "duration = \"soon\""),
        ("[phase.checks]\ntests = \"pytest tests/test_signals.py\"\n", ""),
    ] {
        assert!(example().contains(old), "{old}");
        let text = example().replacen(old, new, 1);
        assert!(read("plan.toml", text.as_bytes()).is_err(), "the reader takes {new}");
        assert_ne!(of(&text), [] as [&str; 0], "the schema takes {new}");
    }
}
