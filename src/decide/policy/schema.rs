//! The JSON Schema of a policy file, made from the keys that readers know, for editors and other tools.
//! Says what a file looks like; what only all layers together tell (ids, services, examples) is the reader's.

use super::keys::{Form, Key, POLICY, RULE};
use super::layers::VERSION;
use super::preset::embedded;
use serde_json::{Map, Value, json};

/// The schema of a policy file (JSON Schema 2020-12).
pub fn schema() -> Value {
    let mut whole = table(POLICY);
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "guard policy",
        "description": "A policy of guard: guard.toml, policy.toml of a person or of the machine, and the presets.",
    });
    if let (Some(whole), Value::Object(head)) = (whole.as_object_mut(), head) {
        whole.extend(head);
    }
    if let Some(rule) = whole.pointer_mut("/properties/rule/items").and_then(Value::as_object_mut) {
        rule.insert("allOf".into(), rules());
        rule.insert("dependentRequired".into(), json!({ "hosts": ["network"] }));
    }
    whole
}

/// What one key of a rule says about others.
fn rules() -> Value {
    let gives: Map<String, Value> =
        RULE.iter().filter(|key| key.gives).map(|key| (key.name.to_owned(), Value::Bool(false))).collect();
    let conditions: Vec<Value> =
        RULE.iter().filter(|key| key.condition.is_some()).map(|key| json!({ "required": [key.name] })).collect();
    json!([
        {
            "if": { "properties": { "verdict": { "const": "allow" } }, "required": ["verdict"] },
            "then": { "required": ["program"] },
            "else": { "properties": gives },
        },
        { "anyOf": conditions },
        {
            "if": { "properties": { "network": { "const": "hosts" } }, "required": ["network"] },
            "then": { "required": ["hosts"] },
            "else": { "properties": { "hosts": false } },
        },
    ])
}

/// The schema of one table with these keys.
pub(crate) fn table(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if let Some(object) = object.as_object_mut().filter(|_| !required.is_empty()) {
        object.insert("required".into(), json!(required));
    }
    object
}

fn property(key: &Key) -> Value {
    let mut value = form(key.form);
    if let Some(object) = value.as_object_mut() {
        object.insert("description".into(), key.about.into());
    }
    value
}

/// Durations and sizes as `quantity` reads them.
const DURATION: &str = r"^\s*([0-9]+\s*(ms|sec|s|min|m|h|d)\s*)+$";
const FOLLOWS: &str = r"^-[^+]+\+.+, at most.+$";
const SIZE: &str = r"^\s*[0-9]+\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)\s*$";
const ADDRESS: &str = r"^([0-9.]+|\[[0-9A-Fa-f:.%]+\]):[0-9]+$";

fn form(form: Form) -> Value {
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match form {
        Form::Version => json!({ "const": VERSION }),
        Form::Text => json!({ "type": "string" }),
        Form::Id => pattern("^[a-z0-9-]+$"),
        Form::Regex => json!({ "type": "string", "format": "regex" }),
        Form::Address => pattern(ADDRESS),
        Form::Texts => texts(json!({ "type": "string" })),
        Form::Words => json!({ "type": "array", "items": { "type": "string" } }),
        Form::Presets => texts(json!({ "enum": embedded().map(|preset| preset.name).collect::<Vec<_>>() })),
        Form::Boolean => json!({ "type": "boolean" }),
        Form::Number => json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
        Form::Count => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        Form::Amount => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Form::Duration => pattern(DURATION),
        Form::Timeout => texts(json!({ "anyOf": [pattern(DURATION), pattern(FOLLOWS)] })),
        Form::Size => pattern(SIZE),
        Form::Word(words) => json!({ "enum": words() }),
        Form::SomeOf(words) => texts(json!({ "enum": words() })),
        Form::BooleanOrWord(words) => json!({ "anyOf": [{ "type": "boolean" }, { "enum": words() }] }),
        Form::Table(keys) => table(keys),
        Form::Tables(keys) => json!({ "type": "array", "items": table(keys) }),
        Form::CountOrTable(keys) => json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, table(keys)] }),
        Form::Rows => {
            let value = json!({ "anyOf": [{ "type": "string" }, { "type": "number" }, { "type": "boolean" }] });
            json!({ "type": "array", "items": { "type": "array", "items": value, "minItems": 1 } })
        }
    }
}

/// One of these, or a list of some.
fn texts(one: Value) -> Value {
    json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
}
