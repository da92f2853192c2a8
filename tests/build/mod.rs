//! `guard loop` with the real binary: plans gone through with the scripted agent and with others, killed, misled and stuck.
//! Source of the rules: the owner's specification, WORKFLOW to AUDIT.

mod bad_input;
mod killed;
mod mini;
mod named;
mod stuck;
mod walk;

use crate::cli::{Done, Home, done, terminal};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What the checks and agents of cheap plans may run.
const RULES: &str = "
[[rule]]
id = \"programs\"
program = [\"sh\", \"cat\", \"true\", \"false\", \"python3\"]
verdict = \"allow\"
reason = \"tests\"
writes = true
";

/// A project with a plan.
pub(crate) struct Scene {
    pub(crate) home: Home,
}

/// A record: its number, and the machine's part of its line.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) seq: u64,
    pub(crate) line: String,
    pub(crate) machine: Value,
}

impl Scene {
    /// With a plan of these phases for the scripted agent that does these actions; `policy` is added to it.
    pub(crate) fn new(policy: &str, phases: &str, actions: &str) -> Self {
        let agent = "[agent]\nkind = \"script\"\nfile = \"actions.toml\"\ntimeout = \"1min\"\n";
        let scene = Self::of(policy, &format!("version = 1\n{agent}{phases}"));
        scene.home.write("actions.toml", actions);
        scene
    }

    /// With this plan.
    pub(crate) fn of(policy: &str, plan: &str) -> Self {
        let home = Home::bare();
        home.write("guard.toml", &format!("version = 1\nsupervision = \"attended\"\n{policy}\n{RULES}"));
        home.write("plan.toml", plan);
        let made = home.guard(&["init"]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        Self { home }
    }

    /// `guard loop plan.toml WORDS…`, whose output is no terminal's.
    pub(crate) fn goes(&self, words: &[&str]) -> Done {
        done(&mut self.home.command(&[&["loop", "plan.toml"], words].concat()))
    }

    /// The same, which has to end so.
    #[track_caller]
    pub(crate) fn ends(&self, words: &[&str], code: i32) -> Done {
        let done = self.goes(words);
        assert_eq!(done.code, Some(code), "{}{}", done.stdout, done.stderr);
        done
    }

    /// All records, in their order.
    pub(crate) fn records(&self) -> Vec<Record> {
        let log = self.home.log();
        let record = |line: &str| {
            let (human, rest) = line.split_once(" {\"")?;
            let (machine, seal) = rest.rsplit_once(" #")?;
            let seq = seal.split(' ').next()?.parse().ok()?;
            let machine = serde_json::from_str(&format!("{{\"{machine}")).ok()?;
            Some(Record { seq, line: human.to_owned(), machine })
        };
        log.lines().map(|line| record(line).expect(line)).collect()
    }

    /// The records of one event.
    pub(crate) fn events(&self, event: &str) -> Vec<Record> {
        self.records().into_iter().filter(|record| record.machine["event"] == event).collect()
    }

    /// Every step that has ended, as the log has it: phase, attempt, step, result.
    pub(crate) fn steps(&self) -> Vec<String> {
        let records = self.records();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let phase = |of: u64| text(&records.iter().find(|record| record.seq == of).unwrap().machine["phase"]);
        let steps = records.iter().filter(|record| record.machine["event"] == "phase_step").map(|record| {
            let step = &record.machine;
            let (phase, attempt) = (phase(step["of"].as_u64().unwrap()), &step["attempt"]);
            format!("{phase} {attempt} {} {}", text(&step["step"]), text(&step["result"]))
        });
        steps.collect()
    }

    /// Everything that was counted, in its order: category, and what was spent by then of it and in all.
    pub(crate) fn counted(&self) -> Vec<String> {
        let records = self.records();
        let counted = records.iter().filter_map(|record| {
            let check = &record.machine["check"];
            let attempts = check["attempts"].as_object()?;
            Some(format!(
                "{} {}/{}, {}/{}",
                check["category"].as_str()?,
                attempts["used"],
                attempts["budget"],
                attempts["total_used"],
                attempts["total_budget"]
            ))
        });
        counted.collect()
    }

    /// `[PHASE] [COMPLETE] …`: how phases ended, as people read it.
    pub(crate) fn ended(&self) -> Vec<String> {
        let ended = self.events("phase_ended").into_iter();
        ended.map(|record| record.line.split_once("] ").unwrap().1.to_owned()).collect()
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let done = self.home.guard(words);
        assert_eq!(done.code, Some(0), "{words:?}: {}{}", done.stdout, done.stderr);
        serde_json::from_str(&done.stdout).unwrap()
    }

    /// `guard status`, whose exit code says whether everything is halted.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.home.guard(&["status", "--json"]).stdout).unwrap()
    }

    /// A person resumes.
    #[track_caller]
    pub(crate) fn resume(&self, name: &str) {
        let shown = self.json(&["show", name, "--json"]);
        let typed = format!("{}\n", shown["digest"].as_str().unwrap());
        let done = terminal(&self.home, &["resume", name, "--note", "looked at"], &typed);
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    }

    /// A person answers a request: `approve`, `deny`.
    #[track_caller]
    pub(crate) fn answer(&self, word: &str, name: &str) {
        let shown = self.json(&["show", name, "--json"]);
        let done = terminal(&self.home, &[word, name], &format!("{}\n", shown["digest"].as_str().unwrap()));
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    }

    /// The log is whole.
    #[track_caller]
    pub(crate) fn whole(&self) {
        let done = self.home.guard(&["audit", "verify"]);
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    }
}

/// A phase of a plan.
pub(crate) fn phase(id: &str, files: &str, more: &str) -> String {
    format!("\n[[phase]]\nid = \"{id}\"\ndescription = \"phase {id}\"\nfiles = [\"{files}\"]\n{more}\n")
}

/// What the agent does in one attempt.
pub(crate) fn attempt(phase: &str, attempt: &str, actions: &[&str]) -> String {
    let actions: String = actions.iter().map(|action| format!("[[attempt.do]]\n{action}\n")).collect();
    format!("[[attempt]]\nphase = \"{phase}\"\nattempt = {attempt}\n{actions}")
}

/// Copies a folder's files into another.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
