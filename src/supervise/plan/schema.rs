//! The JSON Schema of a plan, made from the keys that the reader knows, for editors and other tools.
//! Says what a file looks like; ids, cycles and what the policy says are the reader's.

use super::keys::PLAN;
use crate::decide::policy::schema_of;
use serde_json::{Value, json};

/// The schema of a plan (JSON Schema 2020-12), in TOML or YAML.
pub fn schema() -> Value {
    let mut whole = schema_of(PLAN);
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "guard plan",
        "description": "A plan of guard's build loop: phases, what each may touch, and how it is proved.",
    });
    if let (Some(whole), Value::Object(head)) = (whole.as_object_mut(), head) {
        whole.extend(head);
    }
    if let Some(phase) = whole.pointer_mut("/properties/phase").and_then(Value::as_object_mut) {
        phase.insert("minItems".into(), json!(1));
    }
    if let Some(phase) = whole.pointer_mut("/properties/phase/items").and_then(Value::as_object_mut) {
        let proves = ["checks", "data", "dry_run"].map(|key| json!({ "required": [key] }));
        phase.insert("anyOf".into(), json!(proves));
    }
    if let Some(id) = whole.pointer_mut("/properties/phase/items/properties/id").and_then(Value::as_object_mut) {
        id.insert("pattern".into(), json!("^(0|[1-9][0-9]{0,8})\\.(0|[1-9][0-9]{0,8})$"));
    }
    whole
}
