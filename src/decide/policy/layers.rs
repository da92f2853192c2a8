//! Merging: presets and texts of all layers into one set of settings and rules.
//! Knows who may loosen what; nothing of commands.

use super::coupling::Couplings;
use super::fault::{Fault, Faults, nearest};
use super::glob::PathPattern;
use super::keys::POLICY;
use super::preset::{ALWAYS, PRESETS, embedded};
use super::read::{At, Reader, root};
use super::rule_table::{self, Read};
use super::settings::{
    self, Approvals, Attempts, Given, Iteration, Limits, Loop, Require, Service, Settings, Supervision,
};
use super::strength::Strength;
use super::{Examples, Layer, Rule, RuleText, Source, alpha, content, database, harness, toolchain};
use std::collections::HashMap;
use std::time::Duration;

/// All layers as one.
pub(crate) struct Merged {
    pub(crate) settings: Settings,
    pub(crate) rules: Vec<Rule>,
    pub(crate) texts: Vec<RuleText>,
    pub(crate) examples: Vec<Examples>,
    pub(crate) notes: Vec<String>,
}

/// One source, read.
struct Part {
    source: Source,
    given: Given,
    rules: Vec<Read>,
    extends: Vec<At<String>>,
    faults: Vec<Fault>,
}

/// The version of the format.
pub(crate) const VERSION: u32 = 1;

/// Reads and merges `sources`; `preset` finds what they extend.
pub(crate) fn load(sources: &[Source], preset: &dyn Fn(&str) -> Option<Source>) -> Result<Merged, Faults> {
    let mut loader = Loader { preset, parts: Vec::new(), open: Vec::new(), done: Vec::new() };
    loader.preset(ALWAYS);
    let mut ordered: Vec<&Source> = sources.iter().collect();
    ordered.sort_by_key(|source| source.layer);
    for source in ordered {
        loader.add(source.clone());
    }
    let mut parts = loader.parts;
    // Presets before everything else, whoever extends them.
    parts.sort_by_key(|part| part.source.layer);
    duplicates(&mut parts);
    services(&mut parts);
    groups(&mut parts);
    let mut faults: Vec<Fault> = parts.iter_mut().flat_map(|part| std::mem::take(&mut part.faults)).collect();
    if !faults.is_empty() {
        // A file's faults stand together, in the order of its lines.
        let order: HashMap<&str, usize> =
            parts.iter().enumerate().map(|(number, part)| (part.source.name.as_str(), number)).collect();
        faults.sort_by_key(|fault| (order.get(fault.file.as_str()).copied(), fault.line, fault.column));
        return Err(Faults(faults));
    }
    let notes = notes(&parts);
    let settings = merge(&parts);
    let read = parts.into_iter().flat_map(|part| part.rules);
    let (rules, (texts, examples)) = read.map(|read| (read.rule, (read.text, read.examples))).unzip();
    Ok(Merged { settings, rules, texts, examples, notes })
}

struct Loader<'p> {
    preset: &'p dyn Fn(&str) -> Option<Source>,
    parts: Vec<Part>,
    /// Presets that are being read, outermost first.
    open: Vec<String>,
    /// Presets that were read.
    done: Vec<String>,
}

impl Loader<'_> {
    /// Adds the preset `name` and what it extends, once. False: there is none.
    fn preset(&mut self, name: &str) -> bool {
        if self.done.iter().any(|done| done == name) {
            return true;
        }
        let Some(source) = (self.preset)(name) else { return false };
        self.open.push(name.to_owned());
        self.add(source);
        self.open.pop();
        self.done.push(name.to_owned());
        true
    }

    /// Adds a source behind what it extends.
    fn add(&mut self, source: Source) {
        let mut part = read(source);
        for name in std::mem::take(&mut part.extends) {
            if self.open.contains(&name.value) {
                let chain = self.open.join("` extends `");
                let message = format!("a cycle: `{chain}` extends `{}`", name.value);
                part.faults.push(Fault::at(&part.source, name.span, message).help("take one of them out"));
            } else if !self.preset(&name.value) {
                let known: Vec<&str> = embedded().map(|preset| preset.name).collect();
                let presets: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
                let help = match nearest(&name.value, &known) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("one of \"{}\", or a pack (docs/policy.md)", presets.join("\", \"")),
                };
                let message = format!("no preset or pack is called `{}`", name.value);
                part.faults.push(Fault::at(&part.source, name.span, message).help(help));
            }
        }
        self.parts.push(part);
    }
}

fn read(source: Source) -> Part {
    let mut reader = Reader::new(&source);
    let Some(document) = reader.document() else {
        let faults = reader.into_faults();
        return Part { given: Given::default(), rules: Vec::new(), extends: Vec::new(), faults, source };
    };
    let table = root(&document, "a policy");
    reader.only(table, POLICY);
    match reader.integer(table, "version", 0) {
        Some(version) if version.value != VERSION => {
            let help = format!("this guard reads version {VERSION}");
            reader.fault(version.span, format!("version {} is not known", version.value), help);
        }
        None if !table.has("version") => {
            reader.fault(0..0, "no `version`", format!("begin with `version = {VERSION}`"));
        }
        Some(_) | None => {}
    }
    let extends = reader.strings(table, "extends").unwrap_or_default();
    let given = settings::read(&mut reader, table);
    let rules = rule_table::read(&mut reader, table, source.layer);
    let faults = reader.into_faults();
    Part { given, rules, extends, faults, source }
}

/// Two rules of one id, or two services of one name, would make messages ambiguous.
fn duplicates(parts: &mut [Part]) {
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut names: HashMap<String, String> = HashMap::new();
    let mut databases: HashMap<String, (String, bool)> = HashMap::new();
    for part in parts {
        for read in &part.rules {
            if let Some(first) = ids.insert(read.text.id.clone(), read.text.at.clone()) {
                let message = format!("a second rule `{}`", read.text.id);
                let help = format!("the first stands at {first}: give this one another id");
                part.faults.push(Fault::at(&part.source, read.id_span.clone(), message).help(help));
            }
        }
        for service in &part.given.services {
            let name = &service.value.name;
            if let Some(first) = names.insert(name.clone(), part.source.name.clone()) {
                let message = format!("a second service `{name}`");
                let help = format!("the first stands in {first}: give this one another name");
                part.faults.push(Fault::at(&part.source, service.span.clone(), message).help(help));
            }
        }
        // What a preset brings along is only there until somebody says better.
        let embedded = part.source.layer == Layer::BuiltIn;
        for database in part.given.databases.iter() {
            let name = &database.value.name;
            let known = databases.get(name).cloned();
            if !embedded || known.is_none() {
                databases.insert(name.clone(), (part.source.name.clone(), embedded));
            }
            if let Some((first, false)) = known {
                let message = format!("a second database `{name}`");
                let help = format!("the first stands in {first}: give this one another name");
                part.faults.push(Fault::at(&part.source, database.span.clone(), message).help(help));
            }
        }
    }
}

/// A rule can only open services that are there.
fn services(parts: &mut [Part]) {
    let known: Vec<String> =
        parts.iter().flat_map(|part| &part.given.services).map(|service| service.value.name.clone()).collect();
    for part in parts {
        for name in part.rules.iter().flat_map(|read| &read.services) {
            if !known.contains(&name.value) {
                let message = format!("no service is called `{}`", name.value);
                let fault = Fault::at(&part.source, name.span.clone(), message);
                part.faults.push(fault.help("add a [[service]] with that `name`, an `address` and a `kind`"));
            }
        }
    }
}

/// Groups can only be kept apart from groups that are there.
fn groups(parts: &mut [Part]) {
    let strangers = alpha::strangers(parts.iter().filter_map(|part| part.given.alpha.as_ref()));
    for part in parts.iter_mut() {
        let named = part.given.alpha.iter().flat_map(|given| given.named());
        for name in named.filter(|name| strangers.contains(&name.value)) {
            let message = format!("no group is called `{}`", name.value);
            let fault = Fault::at(&part.source, name.span.clone(), message);
            part.faults.push(fault.help("add an [[alpha.group]] with that `name` and its `relations`"));
        }
    }
}

/// The value of the most specific layer that gives one; where the machine's gives one, it can only be tightened.
fn choose<T: Clone>(parts: &[Part], get: impl Fn(&Given) -> Option<T>, tighter: impl Fn(T, T) -> T) -> Option<T> {
    let mut value = None;
    let mut machine = None;
    for part in parts {
        if let Some(given) = get(&part.given) {
            match part.source.layer {
                Layer::Machine => machine = Some(given.clone()),
                Layer::BuiltIn | Layer::Person | Layer::Project => {}
            }
            value = Some(given);
        }
    }
    match (value, machine) {
        (Some(value), Some(machine)) => Some(tighter(value, machine)),
        (value, _) => value,
    }
}

fn merge(parts: &[Part]) -> Settings {
    let attempt = |number: usize, fallback: u32| {
        choose(parts, |given| given.attempts.get(number).copied().flatten(), u32::min).unwrap_or(fallback)
    };
    Settings {
        supervision: choose(parts, |given| given.supervision, Supervision::max).unwrap_or(Supervision::Unattended),
        observe: choose(parts, |given| given.observe, |value, machine| value && machine).unwrap_or(false),
        whitelists: whitelists(parts),
        limits: Limits {
            timeout: choose(parts, |given| given.timeout, Duration::min).unwrap_or(Duration::from_secs(60)),
            memory: choose(parts, |given| given.memory, u64::min).unwrap_or(1_000_000_000),
            memory_window: choose(parts, |given| given.memory_window, Duration::min).unwrap_or(Duration::from_secs(30)),
            file_size: choose(parts, |given| given.file_size, u64::min).unwrap_or(10_000_000),
            total_write: choose(parts, |given| given.total_write, u64::min).unwrap_or(1 << 30),
            undo: choose(parts, |given| given.undo, u64::min).unwrap_or(256 << 20),
            output: choose(parts, |given| given.output, u64::min).unwrap_or(10_000_000_000),
            cpu: choose(parts, |given| given.cpu, Duration::min).unwrap_or(Duration::from_secs(3600)),
            processes: choose(parts, |given| given.processes, u32::min).unwrap_or(4096),
            open_files: choose(parts, |given| given.open_files, u32::min).unwrap_or(65_536),
            parallel: choose(parts, |given| given.parallel, u32::min).unwrap_or(1),
        },
        ceiling: parts
            .iter()
            .rev()
            .find(|part| part.source.layer == Layer::Machine)
            .and_then(|part| part.given.timeout),
        attempts: Attempts {
            total: attempt(0, 3),
            syntax: attempt(1, 3),
            import: attempt(2, 2),
            r#type: attempt(3, 3),
            test: attempt(4, 3),
            runtime: attempt(5, 2),
            database: attempt(6, 1),
            denials: attempt(7, 3),
        },
        r#loop: Loop {
            install: choose(parts, |given| given.install, |value, machine| value && machine).unwrap_or(false),
            silence: choose(parts, |given| given.silence, Duration::min).unwrap_or(Duration::from_secs(10 * 60)),
            agent_runs: choose(parts, |given| given.agent_runs, u32::min).unwrap_or(30),
            wall: choose(parts, |given| given.wall, Duration::min).unwrap_or(Duration::from_secs(8 * 3600)),
        },
        approvals: Approvals {
            request: choose(parts, |given| given.request, Duration::min).unwrap_or(Duration::from_secs(24 * 3600)),
            use_within: choose(parts, |given| given.use_within, Duration::min).unwrap_or(Duration::from_secs(15 * 60)),
            waiting: choose(parts, |given| given.waiting, u32::min).unwrap_or(10),
            command: choose(parts, |given| given.command, Strength::max),
            resume: choose(parts, |given| given.resume, Strength::max),
        },
        iteration: Iteration {
            files: choose(parts, |given| given.files, u32::min).unwrap_or(2),
            outputs: choose(parts, |given| given.outputs.clone(), common).unwrap_or_default().into(),
            folder: choose(parts, |given| given.folder, u32::min).unwrap_or(10),
            couplings: couplings(parts).into(),
        },
        require: choose(parts, |given| given.require, Require::max).unwrap_or(Require::Full),
        toolchain: toolchain::merge(
            parts.iter().filter_map(|part| Some((part.source.layer, part.given.toolchain.as_ref()?))),
        ),
        run: harness::merge(parts.iter().filter_map(|part| Some((part.source.layer, part.given.run.as_ref()?)))),
        content: content::merge(parts.iter().map(|part| (part.source.layer, part.given.content.as_slice()))).into(),
        databases: database::merge(parts.iter().map(|part| (part.source.layer, part.given.databases.as_slice()))),
        sql: database::merge_sql(parts.iter().map(|part| (part.source.layer, part.given.sql.as_slice()))).into(),
        alpha: alpha::merge(parts.iter().filter_map(|part| Some((part.source.layer, part.given.alpha.as_ref()?)))),
        services: parts.iter().flat_map(|part| &part.given.services).map(|at| Service::clone(&at.value)).collect(),
    }
}

/// What every layer calls coupled, and what any calls not coupled. A coupling lets more files into an iteration: where the
/// machine's policy has some, no other counts; where it bounds the files, those embedded in guard are the only others.
fn couplings(parts: &[Part]) -> Couplings {
    let machine = || parts.iter().filter(|part| part.source.layer == Layer::Machine);
    let most = if machine().any(|part| !part.given.coupled.is_empty()) {
        |layer| layer == Layer::Machine
    } else if machine().any(|part| part.given.files.is_some()) {
        |layer| layer == Layer::BuiltIn
    } else {
        |_| true
    };
    let coupled = parts.iter().filter(|part| most(part.source.layer)).flat_map(|part| part.given.coupled.clone());
    let uncoupled = parts.iter().flat_map(|part| part.given.uncoupled.clone());
    Couplings::new(coupled.collect(), uncoupled.collect())
}

/// What both lists name.
fn common(value: Vec<PathPattern>, machine: Vec<PathPattern>) -> Vec<PathPattern> {
    value.into_iter().filter(|pattern| machine.contains(pattern)).collect()
}

/// The most specific whitelist; beside it the machine's, which no other can widen.
fn whitelists(parts: &[Part]) -> Vec<super::Whitelist> {
    let given = |part: &Part| part.given.whitelist.clone();
    let chosen = parts.iter().rev().find_map(given);
    let machine = parts.iter().rev().filter(|part| part.source.layer == Layer::Machine).find_map(given);
    let mut all: Vec<super::Whitelist> = chosen.into_iter().chain(machine).collect();
    all.dedup();
    all
}

/// What a person who checks the policy should know although it is not wrong.
fn notes(parts: &[Part]) -> Vec<String> {
    let mut notes = Vec::new();
    for read in parts.iter().flat_map(|part| &part.rules) {
        if read.rule.verdict == crate::decide::Verdict::Allow && !read.rule.when.task.is_empty() {
            notes.push(format!("{}: `{}` rests on `task`, which the caller chooses", read.text.at, read.text.id));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(layer: Layer, name: &str, text: &str) -> Source {
        Source { layer, name: name.into(), text: text.into() }
    }

    #[test]
    fn a_cycle_of_presets_is_named_with_its_place() {
        let preset = |name: &str| {
            let text = match name {
                "default" => "version = 1",
                "one" => "version = 1\nextends = [\"two\"]",
                "two" => "version = 1\nextends = [\"one\"]",
                _ => return None,
            };
            Some(source(Layer::BuiltIn, &format!("{name}.toml"), text))
        };
        let project = source(Layer::Project, "guard.toml", "version = 1\nextends = [\"one\"]");
        let faults = load(&[project], &preset).err().unwrap();
        assert_eq!(
            faults.to_string(),
            [
                "two.toml:2:12: a cycle: `one` extends `two` extends `one`",
                "  |",
                "2 | extends = [\"one\"]",
                "  |            ^^^^^",
                "help: take one of them out",
            ]
            .join("\n")
        );
    }

    #[test]
    fn a_coupling_of_another_layer_makes_no_room_beside_the_machine_s() {
        let coupled = |from: &str| format!("[[coupled]]\nname = \"{from}\"\nfiles = [\"{from}\", \"x\"]\n");
        let preset = |name: &str| {
            (name == "default")
                .then(|| source(Layer::BuiltIn, "default.toml", &format!("version = 1\n{}", coupled("preset"))))
        };
        let layer = |layer, text: &str| source(layer, &format!("{layer:?}.toml"), &format!("version = 1\n{text}"));
        let project = layer(Layer::Project, &coupled("project"));
        let never = "[[uncoupled]]\nname = \"never\"\nfiles = [\"project\", \"x\"]\n";
        let table = [
            (vec![project.clone()], vec!["preset", "project"]),
            (vec![layer(Layer::Machine, "[limits]\noutput = \"1MB\"\n"), project.clone()], vec!["preset", "project"]),
            (vec![layer(Layer::Machine, "[iteration]\nfiles = 3\n"), project.clone()], vec!["preset"]),
            (vec![layer(Layer::Machine, &coupled("machine")), project.clone()], vec!["machine"]),
            (vec![layer(Layer::Person, never), project.clone()], vec!["preset"]),
        ];
        for (sources, expected) in table {
            let merged = load(&sources, &preset).unwrap_or_else(|faults| panic!("{faults}"));
            let couplings = merged.settings.iteration.couplings;
            let known = ["preset", "machine", "project"].into_iter();
            let found: Vec<&str> = known.filter(|from| couplings.between(from, "x").is_some()).collect();
            assert_eq!(found, expected, "{sources:?}");
        }
    }

    #[test]
    fn a_preset_that_two_texts_extend_is_read_once() {
        let preset = |name: &str| Some(source(Layer::BuiltIn, &format!("{name}.toml"), "version = 1"));
        let text = "version = 1\nextends = [\"a\", \"a\"]";
        let both = [source(Layer::Project, "guard.toml", text), source(Layer::Person, "policy.toml", text)];
        assert!(load(&both, &preset).is_ok());
    }
}
