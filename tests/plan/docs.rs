//! The page about plans is true: its example is a sound plan, and it names every key.

use super::{example, plan};
use crate::cli::Home;
use serde_json::Value;

const PAGE: &str = include_str!("../../docs/plan.md");

#[test]
fn the_page_names_every_key_of_a_plan() {
    fn keys(schema: &Value, found: &mut Vec<String>) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            found.push(key.clone());
            keys(property, found);
            keys(&property["items"], found);
            property["anyOf"].as_array().into_iter().flatten().for_each(|form| keys(form, found));
        }
    }
    let mut found = Vec::new();
    keys(&guard::supervise::plan::schema(), &mut found);
    assert!(found.len() > 40, "{found:?}");
    let named = |key: &&String| {
        ["`KEY`", "[KEY]", ".KEY]", "`KEY:", "KEY = "].iter().any(|form| PAGE.contains(&form.replace("KEY", key)))
    };
    let missing: Vec<&String> = found.iter().filter(|key| !named(key)).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn the_example_has_every_table_and_passes_in_a_project_of_the_preset() {
    let read = plan("plan.toml", example());
    let phase = read.phase("2.3").unwrap();
    assert!(phase.dry_run.is_some() && phase.data.len() == 2 && phase.migrations.len() == 1);
    let home = Home::with("python-trading");
    super::check::tools(&home, &["python", "pylint", "mypy", "black", "pytest"]);
    home.write("plan.toml", example());
    let done = super::check::guard(&home, &["plan", "check"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        done.stdout,
        "plan plan.toml is sound: 2 phases, agent `command`\n  2.2    Signals carry a size: 1 check\n  \
         2.3    Position sizing: 4 checks, 2 data validations, 1 dry run, 1 migration\npolicy: judged by guard.toml\n"
    );
}
