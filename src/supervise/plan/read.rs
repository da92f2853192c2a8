//! Reads a plan: TOML or YAML, one set of keys, every fault at once with its place.
//! Knows the file alone; what it means for a policy and a project is looked at by others.

use super::keys::{AGENT, CHECKS, DATA, DRY_RUN, LIMITS, MIGRATION, MODES, PHASE, PLAN, ROWS};
use super::parts::{Agent, AgentKind, CheckKind, Checks, Data, DryRun, Limits, Migration, Rows};
use super::{Phase, Places, Plan, meaning, sha256, yaml};
use crate::decide::policy::{ATTEMPTS, Fault, Notation, Reader, Table, root};
use crate::decide::{Layer, Source};
use std::ops::Range;
use std::time::Duration;

/// The version of the format.
const VERSION: u32 = 1;
/// Bytes of a plan at most.
pub const LARGEST: usize = 1 << 20;
/// Phases of a plan at most.
const MOST: usize = 1000;
/// Time for one run of the agent, where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(20 * 60);
/// The shortest dry run, where nothing is said.
const SHORTEST: Duration = Duration::from_secs(30);

/// Reads a plan that is called `name` (its ending says how it is written: `.toml`, `.yaml`, `.yml`).
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(name: &str, bytes: &[u8]) -> Result<Plan, Vec<Fault>> {
    let whole = |message: &str, help: &str| {
        let source = Source { layer: Layer::Project, name: name.to_owned(), text: String::new() };
        Err(vec![Fault::at(&source, 0..0, message).help(help)])
    };
    let notation = match name.rsplit_once('.') {
        Some((_, "toml")) => Notation::Toml,
        Some((_, "yaml" | "yml")) => Notation::Yaml,
        Some((_, "md" | "markdown")) => {
            return whole("Markdown is no plan yet", "make one of it by `guard plan import`");
        }
        Some(_) | None => return whole("no kind of plan has this ending", "name it `.toml`, `.yaml` or `.yml`"),
    };
    if bytes.len() > LARGEST {
        return whole("a plan of more than 1 MiB", "split it, and run the parts one after the other");
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return whole("it is not UTF-8", "save it as UTF-8");
    };
    let source = Source { layer: Layer::Project, name: name.to_owned(), text: text.to_owned() };
    let mut reader = Reader::of(&source, notation);
    let document = match notation {
        Notation::Toml => reader.document(),
        Notation::Yaml => yaml::document(text, &mut reader),
    };
    let mut reading = Reading { reader, places: Places::new(), phase: None, sound_checks: true };
    let read = document.map(|document| reading.plan(root(&document, "a plan")));
    let mut faults = reading.reader.into_faults();
    faults.sort_by_key(|fault| (fault.line, fault.column));
    match read {
        Some((title, agent, limits, phases)) if faults.is_empty() => {
            let places = reading.places;
            Ok(Plan { title, agent, limits, phases, hash: sha256(bytes), source, places })
        }
        Some(_) | None if !faults.is_empty() => Err(faults),
        Some(_) | None => whole("it cannot be read as a plan", "see docs/plan.md"),
    }
}

/// What is read so far. A required value that is missing is read as an empty one beside its fault: no plan comes of it.
struct Reading<'s> {
    reader: Reader<'s>,
    places: Places,
    /// The number of the phase that is read.
    phase: Option<usize>,
    /// Whether that phase's checks have no fault.
    sound_checks: bool,
}

impl Reading<'_> {
    fn plan(&mut self, root: Table<'_, '_>) -> (Option<String>, Agent, Limits, Vec<Phase>) {
        self.reader.only(root, PLAN);
        match self.reader.integer(root, "version", 0) {
            Some(version) if version.value != VERSION => {
                let help = format!("this guard reads version {VERSION}");
                self.reader.fault(version.span, format!("version {} is not known", version.value), help);
            }
            None if !root.has("version") => {
                let help = format!("begin with `{}`", self.reader.shows("version", &VERSION.to_string()));
                self.reader.fault(0..0, "no `version`", help);
            }
            Some(_) | None => {}
        }
        let title = self.line(root, "title", "title");
        if !root.has("agent") {
            let help = format!("add `agent` with `{}`, or another kind", self.reader.shows("kind", "\"claude\""));
            self.reader.fault(0..0, "a plan without `agent`: nobody would do the work", help);
        }
        let agent = self.agent(root);
        let limits = self.limits(root, "[limits]");
        let tables = self.reader.tables(root, "phase", "[[phase]]");
        let listed = !root.has("phase") || self.reader.is_list(root, "phase");
        if tables.is_empty() && listed {
            let help = "add a `phase` with `id`, `description`, `files` and what proves it";
            self.reader.fault(self.reader.key(root, "phase").unwrap_or_default(), "a plan without a phase", help);
        }
        if let Some((_, head)) = tables.get(MOST) {
            let help = "split it, and run the parts one after the other";
            self.reader.fault(head.clone(), format!("more than {MOST} phases"), help);
        }
        let mut phases = Vec::new();
        for (number, (table, head)) in tables.into_iter().enumerate().take(MOST) {
            self.phase = Some(number);
            phases.push(self.one_phase(table, head));
        }
        self.phase = None;
        for (place, message, help) in meaning::faults(&phases) {
            let at = self.places.get(&place).cloned().unwrap_or_default();
            self.reader.fault(at, message, help);
        }
        (title, agent, limits, phases)
    }

    fn agent(&mut self, root: Table<'_, '_>) -> Agent {
        let none = Agent { kind: AgentKind::Command, run: Vec::new(), file: None, timeout: TIMEOUT };
        let Some(table) = self.reader.table(root, "agent", "[agent]") else { return none };
        let head = self.reader.key(root, "agent").unwrap_or_default();
        self.reader.only(table, AGENT);
        self.reader.required(table, AGENT, &head, "an agent");
        let kind = self.reader.choice(table, "kind", &AgentKind::WORDS).map(|at| at.value);
        let run = self.texts(table, "run", "agent.run");
        let file = self.path(table, "file", "agent.file");
        let timeout = self.reader.duration(table, "timeout");
        if let Some(key) = self.reader.key(table, "kind") {
            self.at("agent.kind", 0, key);
        }
        if let Some(at) = &timeout {
            self.at("agent.timeout", 0, at.span.clone());
        }
        let timeout = timeout.map_or(TIMEOUT, |at| at.value);
        let Some(kind) = kind else { return none };
        let (wants, refuses) = match kind {
            AgentKind::Command => (Some("run"), Some("file")),
            AgentKind::Claude | AgentKind::Codex => (None, Some("file")),
            AgentKind::Script => (Some("file"), Some("run")),
        };
        if let Some(key) = wants.filter(|key| !table.has(key)) {
            let example = if key == "run" { "[\"python\", \"agent.py\"]" } else { "\"actions.toml\"" };
            let help = format!("add `{}`", self.reader.shows(key, example));
            self.reader.fault(head, format!("an agent of the kind `{}` without `{key}`", kind.word()), help);
        }
        if let Some(at) = refuses.and_then(|key| self.reader.key(table, key)) {
            let key = refuses.unwrap_or_default();
            let message = format!("an agent of the kind `{}` takes no `{key}`", kind.word());
            self.reader.fault(at, message, "leave it out, or choose another kind");
        }
        Agent { kind, run, file, timeout }
    }

    fn limits(&mut self, from: Table<'_, '_>, name: &'static str) -> Limits {
        let Some(table) = self.reader.table(from, "limits", name) else { return Limits::default() };
        self.reader.only(table, LIMITS);
        let mut limits = Limits::default();
        if let Some(at) = self.reader.duration(table, "wall") {
            limits.wall = Some(at.value);
            self.at("limits.wall", 0, at.span);
        }
        if let Some(at) = self.reader.integer(table, "agent_runs", 1) {
            limits.agent_runs = Some(at.value);
            self.at("limits.agent_runs", 0, at.span);
        }
        if let Some(at) = self.reader.amount(table, "cost") {
            limits.cost = Some(at.value);
            self.at("limits.cost", 0, at.span);
        }
        if let Some(at) = self.reader.duration(table, "silence") {
            limits.silence = Some(at.value);
            self.at("limits.silence", 0, at.span);
        }
        if let Some(table) = self.reader.table(table, "attempts", "`attempts`") {
            self.reader.only(table, ATTEMPTS);
            for (key, slot) in ATTEMPTS.iter().zip(limits.attempts.slots_mut()) {
                if let Some(at) = self.reader.integer(table, key.name, 1) {
                    *slot = Some(at.value);
                    self.at(key.name, 0, at.span);
                }
            }
        }
        limits
    }

    fn one_phase(&mut self, table: Table<'_, '_>, head: Range<usize>) -> Phase {
        self.reader.only(table, PHASE);
        self.reader.required(table, PHASE, &head, "a phase");
        self.at("", 0, head.clone());
        let id = self.text(table, "id", "id").unwrap_or_default();
        let name = if id.is_empty() { "a phase".to_owned() } else { format!("phase {id}") };
        let phase = Phase {
            description: self.line(table, "description", "description").unwrap_or_default(),
            goal: self.text(table, "goal", "goal"),
            accept: self.texts(table, "accept", "accept"),
            after: self.texts(table, "after", "after"),
            files: self.files(table),
            mode: self.reader.choice(table, "mode", MODES).map(|at| at.value),
            checks: self.checks(table),
            migrations: self.migrations(table),
            data: self.data(table),
            dry_run: self.dry_run(table),
            limits: self.limits(table, "[phase.limits]"),
            id,
        };
        let others = table.has("data") || table.has("dry_run");
        // Of checks with a fault it is not known whether there are any.
        let unchecked = !table.has("checks") || phase.checks.is_empty() && self.sound_checks;
        if !others && unchecked {
            let help = "add `checks`, `data` or `dry_run`: what must be green before it counts as complete";
            self.reader.fault(head, format!("nothing proves {name}"), help);
        }
        phase
    }

    fn files(&mut self, table: Table<'_, '_>) -> Vec<String> {
        let globs = self.reader.strings(table, "files").unwrap_or_default();
        if let Some(first) = globs.first().filter(|_| globs.iter().all(|glob| glob.value.starts_with('!'))) {
            let help = "name what the phase may touch as well";
            self.reader.fault(first.span.clone(), "`files` only takes files out", help);
        }
        for (number, glob) in globs.iter().enumerate() {
            self.at("files", number, glob.span.clone());
            if let Err((message, help)) = meaning::glob(&glob.value) {
                self.reader.fault(glob.span.clone(), message, help);
            }
        }
        globs.into_iter().map(|glob| glob.value).collect()
    }

    fn checks(&mut self, from: Table<'_, '_>) -> Checks {
        let before = self.reader.found();
        let checks = self.checks_of(from);
        self.sound_checks = self.reader.found() == before;
        checks
    }

    fn checks_of(&mut self, from: Table<'_, '_>) -> Checks {
        let Some(table) = self.reader.table(from, "checks", "[phase.checks]") else { return Checks::default() };
        self.reader.only(table, CHECKS);
        let mut of = |kind: CheckKind| self.texts(table, kind.word(), kind.word());
        Checks {
            lint: of(CheckKind::Lint),
            types: of(CheckKind::Types),
            format: of(CheckKind::Format),
            tests: of(CheckKind::Tests),
        }
    }

    fn migrations(&mut self, from: Table<'_, '_>) -> Vec<Migration> {
        let mut migrations = Vec::new();
        for (number, (table, head)) in
            self.reader.tables(from, "migration", "[[phase.migration]]").into_iter().enumerate()
        {
            self.reader.only(table, MIGRATION);
            self.reader.required(table, MIGRATION, &head, "a migration");
            let paths = self.reader.strings(table, "paths").unwrap_or_default();
            for path in &paths {
                self.inside(&path.value, &path.span);
            }
            let database = self.numbered(table, "database", "migration.database", number);
            let description = self.numbered(table, "description", "migration.description", number).unwrap_or_default();
            self.at("migration", number, head);
            let paths = paths.into_iter().map(|path| path.value).collect();
            migrations.push(Migration { paths, database, description });
        }
        migrations
    }

    fn data(&mut self, from: Table<'_, '_>) -> Vec<Data> {
        let mut all = Vec::new();
        for (number, (table, head)) in self.reader.tables(from, "data", "[[phase.data]]").into_iter().enumerate() {
            self.reader.only(table, DATA);
            self.reader.required(table, DATA, &head, "a data validation");
            let rows = self.rows(table);
            let values = self.reader.rows(table, "values");
            match (&rows, &values) {
                (None, None) if !table.has("rows") && !table.has("values") => {
                    let help = format!("add `{}`, or `values`", self.reader.shows("rows", "1"));
                    self.reader.fault(head, "a data validation that expects nothing", help);
                }
                (Some(rows), Some(values)) if !rows.fit(values.len() as u64) => {
                    let span = self.reader.key(table, "values").unwrap_or_default();
                    let message = format!("`values` has {} rows, which `rows` does not allow", values.len());
                    self.reader.fault(span, message, "leave `rows` out: `values` says how many there are");
                }
                (_, Some(values)) => {
                    let width = values.first().map_or(0, |row| row.value.len());
                    if let Some(row) = values.iter().find(|row| row.value.len() != width) {
                        let message = format!("a row of {} values behind one of {width}", row.value.len());
                        self.reader.fault(row.span.clone(), message, "a query gives each row as many values");
                    }
                }
                (_, None) => {}
            }
            let cell = |text: String| (text != "NULL").then_some(text);
            let values =
                values.map(|rows| rows.into_iter().map(|row| row.value.into_iter().map(cell).collect()).collect());
            all.push(Data {
                database: self.numbered(table, "database", "data.database", number).unwrap_or_default(),
                query: self.numbered(table, "query", "data.query", number).unwrap_or_default(),
                rows,
                values,
            });
        }
        all
    }

    /// `rows = 1`, or `rows = { least = 1 }`.
    fn rows(&mut self, from: Table<'_, '_>) -> Option<Rows> {
        if !self.reader.is_table(from, "rows") {
            let exactly = u64::from(self.reader.integer(from, "rows", 0)?.value);
            return Some(Rows { least: exactly, most: Some(exactly) });
        }
        let table = self.reader.table(from, "rows", "`rows`")?;
        self.reader.only(table, ROWS);
        let least = self.reader.integer(table, "least", 0);
        let most = self.reader.integer(table, "most", 0);
        if !table.has("least") && !table.has("most") {
            let span = self.reader.key(from, "rows").unwrap_or_default();
            self.reader.fault(span, "`rows` says nothing", "add `least`, `most` or both");
        }
        let (least, most) = (least.map_or(0, |at| u64::from(at.value)), most.map(|at| (u64::from(at.value), at.span)));
        if let Some((number, span)) = most.clone().filter(|(most, _)| *most < least) {
            let message = format!("at most {number} rows and at least {least}");
            self.reader.fault(span, message, "no number of rows is both");
        }
        Some(Rows { least, most: most.map(|(most, _)| most) })
    }

    fn dry_run(&mut self, from: Table<'_, '_>) -> Option<DryRun> {
        let table = self.reader.table(from, "dry_run", "[phase.dry_run]")?;
        let head = self.reader.key(from, "dry_run").unwrap_or_default();
        self.reader.only(table, DRY_RUN);
        self.reader.required(table, DRY_RUN, &head, "a dry run");
        let command = self.text(table, "command", "dry_run.command").unwrap_or_default();
        let duration = self.reader.duration(table, "duration");
        let shortest = self.reader.duration(table, "shortest");
        let says = command.contains("{duration}") || command.contains("{seconds}");
        let place = self.places.get(&(self.phase, "dry_run.command", 0)).cloned().unwrap_or_else(|| head.clone());
        match (&duration, &shortest) {
            (Some(_), _) if !says && !command.is_empty() => {
                let help = "write `{duration}` where the command takes it as `300s`, or `{seconds}` as `300`; or leave `duration` out";
                self.reader.fault(place, "the command does not say how long it runs", help);
            }
            (None, _) if says && !table.has("duration") => {
                let help = format!("add `{}`", self.reader.shows("duration", "\"5min\""));
                self.reader.fault(place, "the command asks for a duration, and none is given", help);
            }
            (None, Some(at)) if !table.has("duration") => {
                self.reader.fault(at.span.clone(), "`shortest` without `duration`", "add `duration`, or leave it out");
            }
            (Some(first), Some(at)) if at.value > first.value => {
                let help = "a run after a failed one is shorter than the first";
                self.reader.fault(at.span.clone(), "`shortest` is longer than `duration`", help);
            }
            (Some(_) | None, _) => {}
        }
        let duration = duration.map(|at| at.value);
        Some(DryRun {
            command,
            duration,
            shortest: shortest.map_or_else(|| duration.unwrap_or(SHORTEST).min(SHORTEST), |at| at.value),
            log: self.path(table, "log", "dry_run.log"),
            holds: self.expressions(table, "holds"),
            lacks: self.expressions(table, "lacks"),
        })
    }

    fn expressions(&mut self, table: Table<'_, '_>, key: &'static str) -> Vec<String> {
        let given = self.reader.strings(table, key).unwrap_or_default();
        for at in &given {
            if let Err((message, help)) = meaning::expression(&at.value) {
                self.reader.fault(at.span.clone(), message, help);
            }
        }
        given.into_iter().map(|at| at.value).collect()
    }

    /// A text that is not empty.
    fn text(&mut self, table: Table<'_, '_>, key: &str, place: &'static str) -> Option<String> {
        self.numbered(table, key, place, 0)
    }

    fn numbered(&mut self, table: Table<'_, '_>, key: &str, place: &'static str, number: usize) -> Option<String> {
        let at = self.reader.string(table, key)?;
        self.filled(key, &at.value, &at.span);
        self.at(place, number, at.span);
        Some(at.value)
    }

    /// A text of one line.
    fn line(&mut self, table: Table<'_, '_>, key: &str, place: &'static str) -> Option<String> {
        let text = self.text(table, key, place)?;
        if text.contains(['\n', '\r']) {
            let at = self.places.get(&(self.phase, place, 0)).cloned().unwrap_or_default();
            self.reader.fault(at, format!("`{key}` has more than one line"), "put the rest into `goal`");
        }
        Some(text)
    }

    /// Texts none of which is empty.
    fn texts(&mut self, table: Table<'_, '_>, key: &str, place: &'static str) -> Vec<String> {
        let mut texts = Vec::new();
        for (number, at) in self.reader.strings(table, key).unwrap_or_default().into_iter().enumerate() {
            self.filled(key, &at.value, &at.span);
            self.at(place, number, at.span);
            texts.push(at.value);
        }
        texts
    }

    /// A path from the project's root.
    fn path(&mut self, table: Table<'_, '_>, key: &str, place: &'static str) -> Option<String> {
        let at = self.reader.string(table, key)?;
        self.inside(&at.value, &at.span);
        self.at(place, 0, at.span);
        Some(at.value)
    }

    fn inside(&mut self, path: &str, span: &Range<usize>) {
        if let Err((message, help)) = meaning::inside(path) {
            self.reader.fault(span.clone(), message, help);
        }
    }

    fn filled(&mut self, key: &str, text: &str, span: &Range<usize>) {
        if text.trim().is_empty() {
            self.reader.fault(span.clone(), format!("`{key}` is empty"), "say something, or leave it out");
        } else if text.contains('\0') {
            self.reader.fault(span.clone(), format!("`{key}` holds a NUL"), "take it out");
        }
    }

    fn at(&mut self, key: &'static str, number: usize, span: Range<usize>) {
        self.places.insert((self.phase, key, number), span);
    }
}
