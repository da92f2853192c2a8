//! Every escape tried: each first succeeds without a fence, and then is tried inside, by the real binary, on every rung of
//! the ladder, as root and as an ordinary user. Whether it worked is seen from outside. The table is `docs/escapes.md`.
#![cfg(target_arch = "x86_64")]

mod delayed;
mod files;
mod ground;
mod kernel;
mod launcher;
mod network;
mod page;
mod processes;
mod row;
mod terminal;

use ground::{Ground, own_number};
use launcher::{Answer, Launcher, Order, User};
use row::{Effect, Row, Who};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The topics of the table, in the order in which it has them.
const TOPICS: [(&str, &[Row]); 6] = [
    ("Files", files::ROWS),
    ("What waits outside", delayed::ROWS),
    ("Network", network::ROWS),
    ("Processes and ends", processes::ROWS),
    ("Kernel", kernel::ROWS),
    ("Terminal", terminal::ROWS),
];

/// Rungs of the ladder: what is taken away of the kernel, and the level that guard says is left.
const RUNGS: [(&str, &str); 4] =
    [("nothing", "full"), ("no-landlock", "partial"), ("masked-proc", "partial"), ("no-namespaces", "landlock")];

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// It did not work; what the system said.
    Held(String),
    /// It worked; what was seen.
    Works(Vec<String>),
    /// It cannot be tried here, or by this user.
    Untried,
}

/// What came of every row by rung and user.
type Table = BTreeMap<(&'static str, &'static str, User), Found>;

fn rows() -> impl Iterator<Item = &'static Row> {
    TOPICS.iter().flat_map(|(_, rows)| rows.iter())
}

/// A place to try in: a user's ground on a rung, `None` for without a fence.
struct Yard<'a> {
    rung: Option<&'static str>,
    guard: &'a Path,
    launcher: Launcher,
    ground: Ground,
}

impl<'a> Yard<'a> {
    fn new(base: &Path, guard: &'a Path, user: User, rung: Option<&'static str>) -> Self {
        let mut launcher = Launcher::new(user, rung.unwrap_or("nothing"));
        let name = format!("{user:?}-{}", rung.unwrap_or("unfenced"));
        let ground = Ground::new(base, &name, guard, &mut launcher);
        Self { rung, guard, launcher, ground }
    }

    /// The level that guard reaches here.
    fn level(&mut self) -> String {
        let answer =
            self.ground.outside(&mut self.launcher, &["guard", "exec", "--json", "--", "/bin/true"], self.guard);
        let said: serde_json::Value = serde_json::from_str(&answer.out).unwrap_or_default();
        said["fence"]["level"].as_str().unwrap_or(&answer.err).to_owned()
    }

    /// Whether `row` can be tried by this user on this machine.
    fn able(&mut self, row: &Row) -> bool {
        let who = match row.who {
            Who::Both => true,
            Who::Root => self.launcher.user == User::Root,
            Who::Ordinary => self.launcher.user == User::Ordinary,
        };
        who && self.outside(row.needs)
    }

    /// Tries `rows`, several in one fence where that tells as much.
    fn attempts(&mut self, rows: &[&'static Row]) -> Vec<(&'static str, Found)> {
        let (able, not): (Vec<&Row>, Vec<_>) = rows.iter().copied().partition(|row| self.able(row));
        let mut found: Vec<_> = not.iter().map(|row| (row.name, Found::Untried)).collect();
        let (together, alone): (Vec<&Row>, Vec<&Row>) =
            able.into_iter().partition(|row| self.rung.is_some() && row.may_share());
        found.extend(alone.into_iter().map(|row| (row.name, self.attempt(row))));
        for some in together.chunks(16) {
            match self.together(some) {
                Some(held) => found.extend(held),
                None => found.extend(some.iter().map(|row| (row.name, self.attempt(row)))),
            }
        }
        found
    }

    /// Tries several in one fence; what came of each, if nothing of it can be seen outside.
    fn together(&mut self, rows: &[&'static Row]) -> Option<Vec<(&'static str, Found)>> {
        #[derive(serde::Deserialize)]
        struct Came {
            code: i32,
            said: String,
        }
        let mark = self.mark();
        let texts: Vec<_> = rows.iter().map(|row| row.text.python()).collect();
        let program = format!("TEXTS = {}\n{}", serde_json::json!(texts), include_str!("several.py"));
        let answer = self.run(&program, &mark, 0, false);
        let traces = self.ground.traces(&mark, &[answer.out.as_str(), &answer.err].concat(), &mut self.launcher);
        if !traces.is_empty() {
            return None;
        }
        let came: Vec<Came> = answer.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(came.len(), rows.len(), "{answer:?}");
        let judge = |(row, came): (&&'static Row, &Came)| {
            let works = row.effect == Effect::Got && came.code == 0;
            let found = if works {
                Found::Works(vec!["ended with 0".into()])
            } else {
                Found::Held(page::reason(came.code, &came.said))
            };
            (row.name, found)
        };
        Some(rows.iter().zip(&came).map(judge).collect())
    }

    fn mark(&self) -> String {
        format!("guard-escape-{}-{:08x}", self.ground.name(), rand())
    }

    /// Tries one.
    fn attempt(&mut self, row: &Row) -> Found {
        let mark = self.mark();
        let answer = self.run(&row.text.python(), &mark, row.limit, row.terminal);
        if !row.then.is_empty() {
            self.outside(row.then);
        }
        let said = [answer.out.as_str(), &answer.err].concat();
        let mut seen = self.ground.traces(&mark, &said, &mut self.launcher);
        if answer.terminal.contains("ESCAPED") {
            seen.push("written to the terminal".into());
        }
        match row.effect {
            Effect::Got if answer.code == 0 => seen.push("ended with 0".into()),
            Effect::Forged if answer.code != 5 => seen.push(format!("ended with {}", answer.code)),
            Effect::Got | Effect::Forged | Effect::Trace => {}
        }
        if seen.is_empty() { Found::Held(page::reason(answer.code, &said)) } else { Found::Works(seen) }
    }

    /// Runs lines of Python in the project, asked to end after `limit` milliseconds. What came of it, with what guard itself
    /// said left out.
    fn run(&mut self, text: &str, mark: &str, limit: u32, terminal: bool) -> Answer {
        let program = self.ground.project().join("try.py");
        fs::write(&program, format!("{}{}{text}\n", include_str!("prelude.py"), self.ground.values())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
        let words = ["/usr/bin/python3", "-S", "try.py", mark].map(str::to_owned);
        let timeout = f64::from(limit) / 1000.0;
        let (mut argv, until) = if self.rung.is_some() {
            let mut argv = vec![self.guard.display().to_string(), "exec".to_owned(), "--json".to_owned()];
            if limit > 0 {
                argv.extend(["--timeout".to_owned(), timeout.to_string()]);
            }
            argv.push("--".to_owned());
            (argv, 90.0)
        } else {
            // Its parent is a process like any other: what the fence's first one is inside.
            let parent = "import os, sys\ncode = os.spawnv(os.P_WAIT, sys.argv[1], sys.argv[1:])\n\
                sys.exit(code if code >= 0 else 128 - code)";
            let argv = ["/usr/bin/python3", "-S", "-c", parent].map(str::to_owned).to_vec();
            (argv, if limit > 0 { timeout } else { 60.0 })
        };
        argv.extend(words);
        let mut answer = self.launcher.run(&Order {
            argv,
            cwd: self.ground.project(),
            env: self.ground.variables(),
            limit: until,
            left: self.ground.out().join("file"),
            terminal,
        });
        if self.rung.is_some() {
            let object: serde_json::Value = serde_json::from_str(&answer.out).unwrap_or_default();
            let part = |name: &str| object[name].as_str().map(str::to_owned);
            assert!(part("stdout").is_some() && object["verdict"] == "allow", "{answer:?}");
            (answer.out, answer.err) = (part("stdout").unwrap(), part("stderr").unwrap());
        }
        answer
    }

    /// Runs a line in the project as somebody outside, with the values that an escape knows; whether it succeeded.
    fn outside(&mut self, line: &str) -> bool {
        if line.is_empty() {
            return true;
        }
        let code = format!(
            "import os, subprocess, sys\n{}\nsys.exit(subprocess.call(['/bin/bash', '-c', sys.argv[1]], \
            env=dict(os.environ, **{{n: str(v) for n, v in VALUES.items()}})))",
            self.ground.values()
        );
        self.ground.outside(&mut self.launcher, &["/usr/bin/python3", "-S", "-c", &code, line], self.guard).code == 0
    }
}

fn rand() -> u32 {
    let mut bytes = [0; 4];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).unwrap();
    u32::from_ne_bytes(bytes)
}

/// A folder that everybody can enter and nothing private covers, with a guard in it that everybody can run.
fn base() -> (tempfile::TempDir, PathBuf) {
    let within = if own_number() == 0 { Path::new("/srv") } else { Path::new(env!("CARGO_TARGET_TMPDIR")) };
    let base = tempfile::tempdir_in(within).unwrap();
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let guard = base.path().join("guard");
    fs::copy(env!("CARGO_BIN_EXE_guard"), &guard).unwrap();
    (base, guard)
}

/// Tries every row that `wanted` holds for in every yard.
fn table(users: &[User], wanted: impl Fn(&Row) -> bool + Sync) -> Table {
    let (base, guard) = base();
    let mut places: Vec<_> = users.iter().map(|user| (*user, None)).collect();
    places.extend(RUNGS.iter().flat_map(|rung| users.iter().map(|user| (*user, Some(*rung)))));
    places.reverse();
    for (user, _) in &places {
        // Each makes its own folders there.
        let _ = fs::create_dir(base.path().join(format!("{user:?}")));
        let _ = chown(base.path().join(format!("{user:?}")), Some(user.number()), Some(user.number()));
    }
    let (places, table) = (Mutex::new(places), Mutex::new(Table::new()));
    let work = || {
        while let Some((user, rung)) = { places.lock().unwrap().pop() } {
            let folder = base.path().join(format!("{user:?}"));
            let mut yard = Yard::new(&folder, &guard, user, rung.map(|(without, _)| without));
            if let Some((without, level)) = rung {
                assert_eq!(yard.level(), level, "{user:?} {without}");
            }
            let rows: Vec<_> = rows().filter(|row| wanted(row)).collect();
            for (name, found) in yard.attempts(&rows) {
                table.lock().unwrap().insert((name, yard.rung.unwrap_or("unfenced"), user), found);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(work);
        }
    });
    table.into_inner().unwrap()
}

fn users() -> Vec<User> {
    if own_number() == 0 { vec![User::Root, User::Ordinary] } else { vec![User::Ordinary] }
}

#[test]
fn every_escape_works_without_a_fence_and_none_within_the_full_one() {
    let only = std::env::var("GUARD_ESCAPE").unwrap_or_default();
    let table = table(&users(), |row| row.name.contains(&only));
    let mut wrong = Vec::new();
    for ((name, rung, user), found) in &table {
        let said = match (*rung, found) {
            ("unfenced", Found::Held(said)) => format!("does not work without a fence: {said}"),
            ("nothing", Found::Works(seen)) => format!("WORKS: {seen:?}"),
            _ => continue,
        };
        wrong.push(format!("{name}, {user:?}: {said}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if only.is_empty() {
        page::compare(&table);
    }
}

#[test]
fn rows_are_told_apart_by_name() {
    let mut names: Vec<_> = rows().map(|row| row.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
