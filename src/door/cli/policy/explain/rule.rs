//! One rule, explained: when it matches, what it says and gives, and how it is written.
//! Knows the words; what they mean when a command is judged is `decide`'s.

use super::{condition, json};
use crate::decide::policy::{RULE, Written, embedded};
use crate::decide::{Layer, OwnRule, Verdict, own_rules};
use crate::door::cli::text::{Paint, Tone};
use crate::door::cli::words;
use crate::event::line::printable;
use crate::gate::Present;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The whitelist's own id.
pub(super) const WHITELIST: &str = "guard:whitelist";

/// A rule of any kind.
pub(super) enum Found {
    /// Of a policy in force, or of a preset or pack that is not.
    Rule(Box<Rule>),
    /// Guard's own, in its variants.
    Own(Vec<OwnRule>),
    /// The whitelists in force: pattern and place.
    Whitelist(Vec<(String, String)>),
}

pub(super) struct Rule {
    id: String,
    verdict: Verdict,
    layer: Layer,
    at: String,
    reason: String,
    instead: Option<String>,
    /// The preset or pack that would have to be extended first.
    absent: Option<&'static str>,
    conditions: Vec<(&'static str, String)>,
    gives: Vec<(&'static str, Vec<String>)>,
    hits: Vec<String>,
    misses: Vec<String>,
    text: String,
}

/// The rule called `id`.
pub(super) fn find(present: &Present, id: &str) -> Option<Found> {
    let own: Vec<OwnRule> = own_rules().filter(|own| own.id == id).collect();
    if !own.is_empty() {
        return Some(Found::Own(own));
    }
    if id == WHITELIST {
        let lists = present.policy.settings().whitelists.iter();
        return Some(Found::Whitelist(lists.map(|list| (list.pattern().to_owned(), list.at().to_owned())).collect()));
    }
    let known = present.policy.rules().find(|(_, _, text)| text.id == id);
    let written = Written::find(&present.sources, id)?;
    let (layer, verdict, at, absent) = match known {
        Some((layer, verdict, text)) => (layer, verdict, text.at, None),
        None => {
            let preset = embedded().find(|preset| Written::find_in(preset.text, id).is_some())?;
            let verdict = [Verdict::Allow, Verdict::Ask, Verdict::Deny]
                .into_iter()
                .find(|verdict| written.values("verdict") == [verdict.word()])?;
            (Layer::BuiltIn, verdict, preset.file.to_owned(), Some(preset.name))
        }
    };
    let allowing = verdict == Verdict::Allow;
    let one = |key: &str| written.values(key).first().cloned();
    let conditions = RULE.iter().filter_map(|key| Some((key.name, condition(&written, key, allowing)?)));
    let gives = RULE.iter().filter(|key| key.gives && !written.values(key.name).is_empty());
    Some(Found::Rule(Box::new(Rule {
        id: id.to_owned(),
        verdict,
        layer,
        at,
        reason: one("reason").unwrap_or_default(),
        instead: one("instead"),
        absent,
        conditions: conditions.collect(),
        gives: gives.map(|key| (key.name, written.values(key.name).to_vec())).collect(),
        hits: written.values("hits").to_vec(),
        misses: written.values("misses").to_vec(),
        text: written.text,
    })))
}

/// The layer in words.
fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::BuiltIn => "shipped with guard",
        Layer::Machine => "the machine's",
        Layer::Person => "the person's",
        Layer::Project => "the project's",
    }
}

impl Found {
    pub(super) fn text(&self, paint: Paint) -> String {
        match self {
            Found::Rule(rule) => rule.page(paint),
            Found::Own(variants) => {
                let mut out = String::new();
                for own in variants {
                    let _ =
                        writeln!(out, "{} {}: {}", paint.verdict(own.verdict), own.id, own.reason.replace("{}", "…"));
                    if let Some(instead) = own.instead {
                        let _ = writeln!(out, "  instead: {instead}");
                    }
                }
                out + "one of guard's own rules, in force under every policy\n"
            }
            Found::Whitelist(lists) => {
                let mut out = format!("{} {WHITELIST}: is on the whitelist\n", paint.verdict(Verdict::Allow));
                for (pattern, at) in lists {
                    let _ = writeln!(out, "  `{}` {}", printable(pattern), paint.with(Tone::Faint, &format!("({at})")));
                }
                out + match lists.as_slice() {
                    [] => "no whitelist is set: only rules allow\n",
                    [_] => "it must match the whole name of the program that was found, or all but a version\n",
                    _ => "a program must be on each of them, by its whole name or all but a version\n",
                }
            }
        }
    }

    pub(super) fn json(&self) -> String {
        let own =
            |own: &OwnRule| json!({ "verdict": own.verdict.word(), "reason": own.reason, "instead": own.instead });
        json(&match self {
            Found::Rule(rule) => rule.object(),
            Found::Own(variants) => {
                let id = variants.first().map_or("", |own| own.id);
                json!({ "id": id, "layer": "guard", "variants": variants.iter().map(own).collect::<Vec<_>>() })
            }
            Found::Whitelist(lists) => {
                let lists: Vec<Value> = lists.iter().map(|(list, at)| json!({ "pattern": list, "at": at })).collect();
                json!({ "id": WHITELIST, "layer": "guard", "verdict": "allow", "whitelists": lists })
            }
        })
    }
}

impl Rule {
    fn page(&self, paint: Paint) -> String {
        let place = paint.with(Tone::Faint, &format!("({}, {})", self.at, layer(self.layer)));
        let mut out = format!("{} {}: {} {place}\n", paint.verdict(self.verdict), self.id, printable(&self.reason));
        if let Some(instead) = &self.instead {
            let _ = writeln!(out, "  instead: {}", printable(instead));
        }
        if let Some(name) = self.absent {
            let text = format!("not in force: the policy does not extend `{name}`");
            let _ = writeln!(out, "{}", paint.with(Tone::Question, &text));
        }
        out += "it matches a command when\n";
        for (_, words) in &self.conditions {
            let _ = writeln!(out, "  - {}", printable(words));
        }
        if self.verdict == Verdict::Allow && self.gives.is_empty() {
            out += "it gives nothing beside the usual limits\n";
        }
        if !self.gives.is_empty() {
            out += "it gives\n";
            for (key, values) in &self.gives {
                let _ = writeln!(out, "  - {key}: {}", printable(&values.join(", ")));
            }
        }
        for (title, lines) in [("it must match", &self.hits), ("it must not match", &self.misses)] {
            if !lines.is_empty() {
                let _ = writeln!(out, "{title}");
                lines.iter().for_each(|line| {
                    let _ = writeln!(out, "  - {}", printable(line));
                });
            }
        }
        out += "as written\n";
        for line in self.text.lines() {
            let _ = writeln!(out, "  {}", paint.with(Tone::Faint, &printable(line)));
        }
        out
    }

    fn object(&self) -> Value {
        let conditions: Vec<Value> =
            self.conditions.iter().map(|(key, words)| json!({ "key": key, "words": words })).collect();
        let gives: Map<String, Value> =
            self.gives.iter().map(|(key, values)| ((*key).to_owned(), json!(values))).collect();
        json!({
            "id": self.id, "verdict": self.verdict.word(), "layer": words::layer(self.layer), "at": self.at,
            "reason": self.reason, "instead": self.instead, "in_force": self.absent.is_none(),
            "conditions": conditions, "gives": gives, "hits": self.hits, "misses": self.misses, "text": self.text,
        })
    }
}
