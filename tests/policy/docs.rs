//! The page about policies is true: its examples load, and it names every rule of guard's own and every condition.

use guard::decide::{Layer, Policy, Source, check_examples};

/// The texts that guard's own rules stand in.
fn own_rules() -> String {
    let changes = include_str!("../../src/decide/changes/table.rs");
    let content = include_str!("../../src/decide/changes/content.rs");
    let query = include_str!("../../src/decide/query/table.rs");
    [include_str!("../../src/decide/judging/built_in.rs"), changes, content, query].concat()
}

const PAGE: &str = include_str!("../../docs/policy.md");

#[test]
fn every_block_of_the_page_is_a_sound_policy() {
    let blocks: Vec<&str> = PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let (policies, cases): (Vec<&str>, Vec<&str>) = blocks.into_iter().partition(|block| block.contains("version = 1"));
    assert_eq!((policies.len(), cases.len()), (2, 1));
    for text in cases {
        let source = Source { layer: Layer::Project, name: "guard-tests.toml".into(), text: text.into() };
        assert_eq!(guard::decide::read_cases(&source).map(|cases| cases.len()), Ok(1));
    }
    for block in policies {
        let sources = [Source { layer: Layer::Project, name: "guard.toml".into(), text: block.into() }];
        let policy = Policy::load(&sources).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(check_examples(&policy), Ok(()));
    }
}

#[test]
fn the_page_names_every_rule_of_guard_s_own() {
    let source = own_rules();
    let mut ids: Vec<&str> = source.split('"').filter(|part| part.starts_with("guard:")).collect();
    ids.push("guard:whitelist");
    ids.sort_unstable();
    ids.dedup();
    let missing: Vec<&str> = ids.into_iter().filter(|id| !PAGE.contains(&format!("`{id}`"))).collect();
    assert_eq!(missing, [] as [&str; 0]);
}

#[test]
fn the_page_names_every_key_of_a_rule() {
    let schema = guard::decide::policy::schema();
    let keys: Vec<&String> = schema["properties"]["rule"]["items"]["properties"].as_object().unwrap().keys().collect();
    assert!(keys.len() > 25);
    let missing: Vec<&&String> = keys.iter().filter(|key| !PAGE.contains(&format!("`{key}"))).collect();
    assert_eq!(missing, [] as [&&String; 0]);
}

#[test]
fn guard_s_own_rules_are_listed_whole() {
    let written = own_rules().matches(": BuiltIn =").count();
    assert_eq!(guard::decide::own_rules().count(), written);
}
