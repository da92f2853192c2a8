//! Compares guard's reading of SQL with PostgreSQL's own parser (`pg_query`): whether a statement reads or writes, and which
//! relations it reads and writes. Takes files of JSON lines (`text`); prints a table, and on standard error each difference.
//! Ends with 1 where guard calls a read what PostgreSQL's parser says writes, or reads other relations. Runs nothing.

mod told;

use guard::action::query::{Engine, Path, Query, Relation, read};
use std::collections::BTreeSet;
use std::process::ExitCode;
use told::{Told, told};

/// PostgreSQL's tree nests as deep as a text does.
const STACK: usize = 256 << 20;

fn main() -> ExitCode {
    let compared = std::thread::Builder::new().stack_size(STACK).spawn(compare).map(std::thread::JoinHandle::join);
    match compared {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) | Ok(Err(_)) | Err(_) => ExitCode::FAILURE,
    }
}

/// What was counted.
#[derive(Default)]
struct Counts {
    statements: usize,
    /// Only PostgreSQL's parser, only guard, neither takes them.
    only_theirs: usize,
    only_ours: usize,
    neither: usize,
    both: usize,
    /// Both call it a read; both say that it writes.
    both_read: usize,
    both_write: usize,
    /// guard calls it a write, PostgreSQL's parser a read.
    stricter: usize,
    /// The other way round: what must not be.
    laxer: usize,
    /// Reads whose relations differ, and changes that write to other relations.
    reads_differ: usize,
    writes_differ: usize,
    /// Reads that PostgreSQL's parser takes, and those of them that guard takes.
    their_reads: usize,
    their_reads_read: usize,
}

fn compare() -> bool {
    let mut counts = Counts::default();
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).expect("a file of cases");
        for line in text.lines() {
            let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
            counts.take(row["text"].as_str().expect("a text"));
        }
    }
    let Counts { statements, both, only_theirs, only_ours, neither, both_read, both_write, .. } = counts;
    let Counts { stricter, laxer, reads_differ, writes_differ, their_reads, their_reads_read, .. } = counts;
    let share = 100.0 * their_reads_read as f64 / their_reads.max(1) as f64;
    println!("| compared with PostgreSQL's own parser | statements |\n|---|--:|");
    for (what, number) in [
        ("all", statements),
        ("read by both", both),
        ("read by PostgreSQL's parser alone", only_theirs),
        ("read by guard alone", only_ours),
        ("read by neither", neither),
        ("a read to both", both_read),
        ("no read to both", both_write),
        ("a read to PostgreSQL's parser, none to guard", stricter),
        ("**a read to guard, none to PostgreSQL's parser**", laxer),
        ("reads to both, of different relations", reads_differ),
        ("INSERT, UPDATE, DELETE, MERGE of both, to different relations", writes_differ),
    ] {
        println!("| {what} | {number} |");
    }
    println!("| reads to PostgreSQL's parser that guard reads | {their_reads_read} of {their_reads}, {share:.1} % |");
    laxer == 0 && reads_differ == 0
}

impl Counts {
    fn take(&mut self, text: &str) {
        self.statements += 1;
        let (ours, theirs) = (read(Engine::Postgres, text), told(text));
        if let Some(theirs) = &theirs {
            self.their_reads += usize::from(theirs.is_read);
            self.their_reads_read += usize::from(theirs.is_read && ours.is_ok());
        }
        let (ours, theirs) = match (&ours, &theirs) {
            (Ok(ours), Some(theirs)) => (ours, theirs),
            (Ok(_), None) => return self.note("read by guard alone", text, |counts| &mut counts.only_ours),
            (Err(_), Some(_)) => return self.only_theirs += 1,
            (Err(_), None) => return self.neither += 1,
        };
        self.both += 1;
        match (ours.kind().reads_only(), theirs.is_read) {
            (true, true) => {
                self.both_read += 1;
                self.relations(text, ours, theirs);
            }
            (false, false) => {
                self.both_write += 1;
                if theirs.is_change && names(ours.writes()) != theirs.writes {
                    let what = format!("writes {:?}, or {:?}", names(ours.writes()), theirs.writes);
                    self.note(&what, text, |counts| &mut counts.writes_differ);
                }
            }
            (false, true) => self.note("guard is stricter", text, |counts| &mut counts.stricter),
            (true, false) => self.note("A READ TO GUARD ALONE", text, |counts| &mut counts.laxer),
        }
    }

    fn relations(&mut self, text: &str, ours: &Query, theirs: &Told) {
        // SHOW reads settings, which are no relations.
        if names(ours.reads()) != theirs.reads || !ours.writes().is_empty() {
            let what = format!("reads {:?}, or {:?}", names(ours.reads()), theirs.reads);
            self.note(&what, text, |counts| &mut counts.reads_differ);
        }
    }

    fn note(&mut self, what: &str, text: &str, count: fn(&mut Self) -> &mut usize) {
        *count(self) += 1;
        eprintln!("{what}\t{}", text.replace('\n', "\\n"));
    }
}

fn names(relations: &[Relation]) -> BTreeSet<String> {
    relations.iter().map(|relation| dotted(&relation.path)).collect()
}

fn dotted(path: &Path) -> String {
    path.to_string().replace('"', "")
}
