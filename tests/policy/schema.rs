//! The JSON Schema of the policy file: kept in docs, true of every shipped policy, and of the same keys as the reader.
//! `INSTA_UPDATE=always` writes docs/policy.schema.json anew.

use guard::decide::policy::{embedded, schema};
use guard::decide::{Layer, Policy, Source};
use serde_json::{Value, json};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policy.schema.json");

/// Everything by which `value` breaks `schema`. Knows the keywords that the schema uses and stops at any other.
pub(crate) fn breaks(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let Value::Object(keywords) = schema else {
        return if schema == &json!(true) { vec![] } else { vec![format!("{at}: not allowed")] };
    };
    let holds = |schema: &Value| breaks(schema, value, at).is_empty();
    let has = |name: &Value| value.get(name.as_str().unwrap()).is_some();
    let mut found = Vec::new();
    for (keyword, wanted) in keywords {
        let kept = match keyword.as_str() {
            "$schema" | "title" | "description" | "format" | "else" | "then" => true,
            "type" => match wanted.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64(),
                "number" => value.is_number(),
                other => panic!("a type `{other}`"),
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "pattern" => {
                let pattern = regex::Regex::new(wanted.as_str().unwrap()).unwrap();
                value.as_str().is_none_or(|text| pattern.is_match(text))
            }
            "minimum" => value.as_i64().is_none_or(|number| number >= wanted.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|number| number <= wanted.as_i64().unwrap()),
            "exclusiveMinimum" => value.as_f64().is_none_or(|number| number > wanted.as_f64().unwrap()),
            "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= wanted.as_u64().unwrap()),
            "anyOf" => wanted.as_array().unwrap().iter().any(holds),
            "required" => wanted.as_array().unwrap().iter().all(|name| !value.is_object() || has(name)),
            "dependentRequired" => wanted
                .as_object()
                .unwrap()
                .iter()
                .all(|(name, needed)| value.get(name).is_none() || needed.as_array().unwrap().iter().all(has)),
            "allOf" => {
                found.extend(wanted.as_array().unwrap().iter().flat_map(|part| breaks(part, value, at)));
                true
            }
            "if" => {
                let branch = if holds(wanted) { "then" } else { "else" };
                found.extend(breaks(keywords.get(branch).unwrap_or(&json!(true)), value, at));
                true
            }
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                found.extend(items.flat_map(|(number, item)| breaks(wanted, item, &format!("{at}/{number}"))));
                true
            }
            "properties" => {
                let entries = value.as_object().into_iter().flatten();
                found.extend(
                    entries
                        .filter_map(|(key, item)| Some((key, item, wanted.get(key)?)))
                        .flat_map(|(key, item, wanted)| breaks(wanted, item, &format!("{at}/{key}"))),
                );
                true
            }
            "additionalProperties" => {
                assert_eq!(wanted, &json!(false));
                let known = keywords["properties"].as_object().unwrap();
                value.as_object().is_none_or(|object| object.keys().all(|key| known.contains_key(key)))
            }
            other => panic!("a keyword `{other}` that this test does not know"),
        };
        if !kept {
            found.push(format!("{at}: {keyword}"));
        }
    }
    found
}

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
}

#[test]
fn every_shipped_policy_and_every_one_in_docs_keeps_to_the_schema() {
    for preset in embedded() {
        assert_eq!(of(preset.text), [] as [&str; 0], "{}", preset.file);
    }
    let page = include_str!("../../docs/policy.md");
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    for block in blocks.iter().filter(|block| block.contains("version = 1")) {
        assert_eq!(of(block), [] as [&str; 0], "{block}");
    }
    let template =
        include_str!("../../policy/guard.toml.in").replace("{preset}", "python").replace("{observe}", "true");
    assert_eq!(of(&template), [] as [&str; 0]);
}

#[test]
fn what_the_reader_calls_a_fault_the_schema_does_not_let_through() {
    let rule = |text: &str| format!("version = 1\n[[rule]]\nid = \"a\"\nreason = \"r\"\nprogram = \"x\"\n{text}\n");
    let deny = |text: &str| rule(&format!("verdict = \"deny\"\n{text}"));
    let allow = |text: &str| rule(&format!("verdict = \"allow\"\n{text}"));
    let faulty = [
        "observe = true".to_owned(),
        "version = 2".into(),
        "version = 1\nextend = \"python\"".into(),
        "version = 1\nextends = [\"pyton\"]".into(),
        "version = 1\nextends = []".into(),
        "version = 1\nsupervision = \"asleep\"".into(),
        "version = 1\nobserve = \"yes\"".into(),
        "version = 1\nshell = 1".into(),
        "version = 1\n[limits]\ntimeout = 60".into(),
        "version = 1\n[limits]\ntimeout = \"60\"".into(),
        "version = 1\n[limits]\nmemory = \"lots\"".into(),
        "version = 1\n[limits]\nparallel = 0".into(),
        "version = 1\n[attempts]\nsleep = 3".into(),
        "version = 1\n[fence]\nrequire = \"none\"".into(),
        "version = 1\n[[service]]\nname = \"pg\"\nkind = \"postgres\"".into(),
        "version = 1\n[[service]]\nname = \"pg\"\naddress = \"localhost:1\"\nkind = \"postgres\"".into(),
        rule(""),
        rule("verdict = \"forbid\""),
        deny("timeout = \"5s\""),
        deny("stdin = \"socket\""),
        deny("unprovable = \"true\""),
        deny("args = []"),
        deny("colour = \"red\""),
        allow("network = \"hosts\""),
        allow("hosts = [\"pypi.org\"]"),
        allow("writes = \"all\""),
        allow("timeout = \"soon\""),
        allow("check = \"luck\""),
        "version = 1\n[[rule]]\nid = \"a\"\nverdict = \"deny\"\nreason = \"r\"".into(),
        "version = 1\n[[rule]]\nid = \"A b\"\nprogram = \"x\"\nverdict = \"deny\"\nreason = \"r\"".into(),
        "version = 1\n[[rule]]\nid = \"a\"\nargs = \"x\"\nverdict = \"allow\"\nreason = \"r\"".into(),
    ];
    for text in faulty {
        let source = Source { layer: Layer::Project, name: "guard.toml".into(), text: text.clone() };
        assert!(Policy::load(&[source]).is_err(), "the reader takes:\n{text}");
        assert_ne!(of(&text), [] as [&str; 0], "the schema takes:\n{text}");
    }
    for text in [deny("instead = \"i\""), allow("timeout = \"--for + 1min, at most 6min\""), allow("writes = \"git\"")]
    {
        assert!(Policy::load(&[Source { layer: Layer::Project, name: "g".into(), text: text.clone() }]).is_ok());
        assert_eq!(of(&text), [] as [&str; 0], "{text}");
    }
}

#[test]
fn the_schema_describes_every_key_and_the_reader_knows_no_other() {
    fn tables(schema: &Value, path: &str, found: &mut Vec<(String, Vec<String>)>) {
        let Some(properties) = schema["properties"].as_object() else { return };
        found.push((path.to_owned(), properties.keys().cloned().collect()));
        for (key, property) in properties {
            assert!(property["description"].as_str().is_some_and(|text| text.len() > 10), "{key}");
            tables(property, key, found);
            let head = if path.is_empty() { format!("[{key}]") } else { format!("[{path}.{key}]") };
            tables(&property["items"], &head, found);
        }
    }
    let mut found = Vec::new();
    tables(&schema(), "", &mut found);
    assert_eq!(found.len(), 18, "{found:?}");
    for (table, keys) in found {
        let head = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
        // A value of a wrong type is a fault, but not that of an unknown key; the unknown one is always named.
        let lines: String = keys.iter().map(|key| format!("{key} = 2000-01-01\n")).collect();
        let text = format!("{head}{lines}no-such-key = 1\n");
        let faults = Policy::load(&[Source { layer: Layer::Project, name: "guard.toml".into(), text }]).err().unwrap();
        let unknown: Vec<&str> = faults
            .0
            .iter()
            .map(|fault| fault.message.as_str())
            .filter(|text| text.starts_with("unknown key"))
            .collect();
        assert_eq!(unknown.len(), 1, "{unknown:?}");
        assert!(unknown[0].contains("no-such-key"), "{unknown:?}");
    }
}
