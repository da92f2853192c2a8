//! Decides every row of a folder of cases (`*.jsonl`: `set`, `text`, `expect`, `kind`) under each preset, and prints a
//! table in Markdown. Run by `scripts/eval`. Nothing is executed and no file that a row names is looked at: rows are
//! judged in the made-up world of the policies' examples. Knows nothing of what is right: it counts.

use guard::action::shell::Shell;
use guard::action::{Action, Facts};
use guard::decide::{Judgement, Layer, Policy, Source, Verdict, examined, example_environment, example_facts, judge};
use guard::event::State;
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The presets that are measured.
const MEASURED: &[&str] = &["default", "python", "python-trading"];

/// How often a row is timed; its fastest round counts, as the machine has other work.
const ROUNDS: usize = 7;

#[derive(serde::Deserialize)]
struct Row {
    set: String,
    text: String,
    expect: String,
    kind: String,
}

impl Row {
    /// What an agent would hand over: a line, or Python's program text.
    fn parsed(&self) -> Shell {
        let environment = example_environment();
        match self.kind.as_str() {
            "python-script" => Shell::from_argv(["python3", "-c", &self.text].map(OsString::from).into()),
            _ => Shell::from_line_in(self.text.clone().into(), &environment),
        }
    }

    /// Whether the row is written for a shell of another system.
    fn foreign(&self) -> bool {
        let first = self.text.split_whitespace().next().unwrap_or_default();
        let name = first.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
        let cmdlet = first.split_once('-').is_some_and(|(verb, noun)| {
            let capital = |word: &str| word.starts_with(|c: char| c.is_ascii_uppercase());
            capital(verb) && capital(noun)
        });
        cmdlet || name.ends_with(".exe") || ["powershell", "pwsh", "cmd"].contains(&name.as_str())
    }
}

/// What became of the rows of one set and label under one preset.
#[derive(Default)]
struct Counts {
    rows: usize,
    allowed: usize,
    asked: usize,
    denied: usize,
    unprovable: usize,
    foreign: usize,
    unreasoned: usize,
    times: Vec<Duration>,
}

#[expect(clippy::print_stderr, reason = "what is wrong belongs there")]
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "an evaluation reports on standard output")]
fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), scratch) = (arguments.next(), arguments.next()) else {
        return Err("usage: eval FOLDER-OF-CASES [SCRATCH-FOLDER]".into());
    };
    let rows = rows(&folder)?;
    let (judged, left): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.kind != "sql");
    let mut table = String::from(
        "| set | label | preset | rows | allowed | asked | denied | unprovable | median µs | p99 µs |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let mut found: BTreeMap<(&str, &str, usize), Counts> = BTreeMap::new();
    let mut all: Vec<Duration> = Vec::new();
    for (number, preset) in MEASURED.iter().enumerate() {
        let policy = policy(preset)?;
        let mut listed = String::new();
        for row in &judged {
            let (judgement, time) = decide(row, &policy);
            let counts = found.entry((&row.set, &row.expect, number)).or_default();
            counts.add(row, &judgement, time);
            all.push(time);
            list(&mut listed, row, &judgement);
        }
        if let Some(scratch) = &scratch {
            std::fs::create_dir_all(scratch)?;
            std::fs::write(scratch.join(format!("{preset}.tsv")), listed)?;
        }
    }
    let mut foreign = BTreeMap::new();
    for ((set, label, preset), counts) in &mut found {
        let preset = MEASURED.get(*preset).copied().unwrap_or_default();
        let share = |part: usize| format!("{part} ({:.1} %)", 100.0 * part as f64 / counts.rows.max(1) as f64);
        let (allowed, asked, denied) = (share(counts.allowed), share(counts.asked), share(counts.denied));
        let (rows, unprovable) = (counts.rows, counts.unprovable);
        let (median, most) = (micros(&mut counts.times, 50), micros(&mut counts.times, 99));
        writeln!(
            table,
            "| {set} | {label} | {preset} | {rows} | {allowed} | {asked} | {denied} | {unprovable} | {median:.1} | {most:.1} |"
        )?;
        if counts.unreasoned > 0 {
            return Err(format!("{set}, {label}: {} rows without a reason", counts.unreasoned).into());
        }
        if counts.foreign > 0 {
            foreign.insert((*set, *label), counts.foreign);
        }
    }
    println!("{table}");
    let (median, most) = (micros(&mut all, 50), micros(&mut all, 99));
    println!("Parsing and judging, all rows and presets: median {median:.1} µs, 99th percentile {most:.1} µs.");
    let foreign: Vec<String> = foreign.iter().map(|((set, label), rows)| format!("{set} {label} {rows}")).collect();
    if !foreign.is_empty() {
        println!("Rows written for PowerShell or cmd, counted above all the same: {}.", foreign.join(", "));
    }
    let mut sql: BTreeMap<&str, usize> = BTreeMap::new();
    for row in left {
        *sql.entry(&row.set).or_default() += 1;
    }
    let sql: Vec<String> = sql.iter().map(|(set, rows)| format!("{set} {rows}")).collect();
    if !sql.is_empty() {
        println!("SQL, not judged as shell: {}.", sql.join(", "));
    }
    Ok(())
}

fn rows(folder: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        for (number, line) in text.lines().enumerate() {
            let row = serde_json::from_str(line);
            rows.push(row.map_err(|error| format!("{}:{}: {error}", file.display(), number + 1))?);
        }
    }
    Ok(rows)
}

fn policy(preset: &str) -> Result<Policy, Box<dyn Error>> {
    let text = format!("version = 1\nextends = [\"{preset}\"]\n");
    let source = Source { layer: Layer::Project, name: "guard.toml".into(), text };
    examined(&[source]).map_err(|faults| faults.to_string().into())
}

/// The judgement, and how long it takes to parse and judge the row.
fn decide(row: &Row, policy: &Policy) -> (Judgement, Duration) {
    let facts: Facts = example_facts(&row.parsed());
    let state = State::default();
    let mut fastest = Duration::MAX;
    let mut last = judge(Action::Shell(row.parsed()), &facts, &state, policy);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let shell = black_box(row).parsed();
        last = judge(Action::Shell(shell), black_box(&facts), &state, policy);
        fastest = fastest.min(start.elapsed());
    }
    (last, fastest)
}

impl Counts {
    fn add(&mut self, row: &Row, judgement: &Judgement, time: Duration) {
        self.rows += 1;
        self.times.push(time);
        self.foreign += usize::from(row.foreign());
        self.unreasoned += usize::from(judgement.matches().iter().all(|found| found.reason.is_empty()));
        match judgement.verdict() {
            Verdict::Allow => self.allowed += 1,
            Verdict::Ask => self.asked += 1,
            Verdict::Deny => self.denied += 1,
        }
        self.unprovable += usize::from(unprovable(judgement));
    }
}

/// Whether it is asked for no other reason than that only the run will tell.
fn unprovable(judgement: &Judgement) -> bool {
    let standing = judgement.matches().iter().filter(|found| found.overruled.is_none());
    let mut asking = standing.filter(|found| found.verdict == Verdict::Ask).peekable();
    judgement.verdict() == Verdict::Ask
        && asking.peek().is_some()
        && asking.all(|found| found.reason.starts_with("only the run will tell"))
}

/// A line for whoever reads the disagreements.
fn list(listed: &mut String, row: &Row, judgement: &Judgement) {
    let against: Vec<String> = judgement
        .matches()
        .iter()
        .filter(|found| found.verdict != Verdict::Allow || judgement.verdict() == Verdict::Allow)
        .map(|found| format!("{} ({})", found.id, found.reason))
        .collect();
    let doubt = if unprovable(judgement) { "?" } else { "" };
    let text = row.text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
    let verdict = judgement.verdict().word();
    let _ = writeln!(listed, "{}\t{}\t{verdict}{doubt}\t{text}\t{}", row.set, row.expect, against.join("; "));
}

fn micros(times: &mut [Duration], percentile: usize) -> f64 {
    times.sort_unstable();
    let at = times.len().saturating_sub(1) * percentile / 100;
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}
