//! Attempts that lead nowhere are seen, told and counted; what a phase holds its agent to; and its data, dry run and migrations.

use super::{Scene, attempt, phase};
use crate::cli::{done, path, tools};
use crate::servers::skip;
use serde_json::Value;

/// An agent in Python that keeps what it was told where nobody counts it, then does what `body` says of attempt `n`.
fn agent(body: &str) -> String {
    format!(
        "import json, subprocess, sys\n\n\
         def guard(*words, text=None):\n    \
             return subprocess.run([\"guard\", *words], input=text, text=True, capture_output=True)\n\n\
         def write(name, text):\n    guard(\"file\", \"write\", \"--reason=x\", name, text=text)\n\n\
         brief = json.load(sys.stdin)\nn = brief[\"attempt\"]\n\
         write(f\"build/{{brief['phase']['id']}}-{{n}}.json\", json.dumps(brief))\n{body}\n"
    )
}

/// A plan for it.
fn told(policy: &str, phases: &str, body: &str) -> Scene {
    let policy = format!("[iteration]\nfiles = 50\nfolder = 50\n{policy}");
    let scene = Scene::of(
        &policy,
        &format!("version = 1\n[agent]\nkind = \"command\"\nrun = [\"python3\", \"agent.py\"]\n{phases}"),
    );
    scene.home.write("agent.py", &agent(body));
    scene
}

/// What the agent was told at an attempt at phase 1.1.
fn brief(scene: &Scene, attempt: u32) -> Value {
    serde_json::from_str(&scene.home.read(&format!("build/1.1-{attempt}.json"))).unwrap()
}

/// The category of what is red by its check, and a check that is never green.
const RED: &str = "checks = { lint = \"sh look.sh\" }";

#[test]
fn the_same_error_no_change_and_a_change_undone_and_redone_are_told_and_counted() {
    let body = "write(\"a.py\", {1: \"A = 1\\n\", 2: \"A = 2\\n\", 3: \"A = 1\\n\", 4: \"A = 1\\n\", 5: \"A = 5\\n\"}.get(n, \"A = 5\\n\"))";
    let scene = told("[attempts]\ntotal = 6\nsyntax = 6\n", &phase("1.1", "**", RED), body);
    scene.home.write("look.sh", "cat a.py; echo no good >&2; exit 1\n");
    let done = scene.ends(&[], 77);
    assert_eq!(
        scene.steps(),
        [
            "1.1 1 agent pass",
            "1.1 1 lint fail",
            "1.1 2 agent pass",
            "1.1 2 lint fail",
            // As at the first: what was done is undone.
            "1.1 3 agent stuck",
            // Still so.
            "1.1 4 agent stuck",
            "1.1 5 agent pass",
            "1.1 5 lint fail",
            // Nothing changed since.
            "1.1 6 agent stuck",
        ]
    );
    let counted = (1..=6).map(|n| format!("syntax {n}/6, {n}/6")).collect::<Vec<_>>();
    assert_eq!(scene.counted(), counted);
    let stuck: Vec<_> = (1..=6).map(|n| brief(&scene, n)["stuck"].as_str().unwrap_or("-").to_owned()).collect();
    let again = "the files are as they were in an earlier attempt, which was red: a change was undone, or made again";
    let same = "the same error as in the attempt before: no good";
    assert_eq!(stuck, ["-", "-", same, again, again, same]);
    let nothing = "agent is stuck in";
    assert!(done.stdout.contains(nothing) && done.stdout.contains("nothing was changed since `lint` was red: no good"));
    // What is left is told, and what the check printed.
    let third = brief(&scene, 3);
    assert_eq!((&third["budget"]["left"]["all"], &third["budget"]["left"]["syntax"]), (&4.into(), &4.into()));
    let last =
        ["step", "command", "category", "message", "output"].map(|key| third["last"][key].as_str().unwrap().to_owned());
    assert_eq!(last, ["lint", "sh look.sh", "syntax", "no good", "A = 2\nno good\n"]);
    scene.whole();
}

#[test]
fn a_time_out_is_told_with_what_was_cleaned_up() {
    let body = "if n == 1:\n    guard(\"exec\", \"--\", \"python3\", \"-c\", \"open('half.py', 'w').write('H'); import time; time.sleep(99)\")\n\
                write(\"a.py\", \"A = 1\\n\")";
    let scene = told("", &phase("1.1", "**", "checks = { lint = \"cat a.py\" }"), body);
    let plan = scene.home.read("plan.toml").replace("kind =", "timeout = \"3s\"\nkind =");
    scene.home.write("plan.toml", &plan);
    scene.ends(&[], 0);
    assert_eq!(scene.steps(), ["1.1 1 agent fail", "1.1 2 agent pass", "1.1 2 lint pass"]);
    let cleaned = brief(&scene, 2)["cleaned"].to_string();
    assert!(
        cleaned.contains("attempt 1: the agent ran out of time, and was ended with all it had started"),
        "{cleaned}"
    );
    assert!(cleaned.contains("what they had changed was not taken over"), "{cleaned}");
    assert!(!scene.home.project.join("half.py").exists());
}

#[test]
fn what_lies_outside_the_phase_s_files_is_refused_and_told_in_the_next_brief() {
    let body = "if n == 1:\n    write(\"other.py\", \"O = 1\\n\")\n    guard(\"exec\", \"-c\", \"echo P >> third.py\")\n    \
                write(\"a.py\", \"A = 0\\n\")\nelse:\n    write(\"a.py\", \"A = 1\\n\")";
    let files = "a.py\", \"build/**";
    let scene = told("", &phase("1.1", files, "checks = { lint = \"sh look.sh\" }\nmode = \"paper\""), body);
    scene.home.write("look.sh", "if grep 'A = 0' a.py; then exit 1; fi\n");
    scene.home.trust("\n[[rule]]\nid = \"looks\"\nprogram = \"grep\"\nverdict = \"allow\"\nreason = \"tests\"\n");
    scene.ends(&[], 0);
    assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 lint fail", "1.1 2 agent pass", "1.1 2 lint pass"]);
    assert!(!scene.home.project.join("other.py").exists() && !scene.home.project.join("third.py").exists());
    let withheld = scene.events("change_withheld");
    let rules: Vec<_> = withheld.iter().map(|record| record.machine["rules"][0]["id"].as_str().unwrap()).collect();
    assert_eq!(rules, ["guard:changes-phase", "guard:changes-phase"]);
    let refused = brief(&scene, 2)["refused"].clone();
    let refused: Vec<_> =
        refused.as_array().unwrap().iter().map(|one| (one["what"].clone(), one["rule"].clone())).collect();
    let rule = Value::from("guard:changes-phase");
    assert_eq!(refused, [("other.py".into(), rule.clone()), ("third.py".into(), rule)]);

    // The mode of the phase is the project's, and every record after says so.
    assert_eq!(brief(&scene, 1)["phase"]["mode"], "paper");
    assert_eq!(scene.status()["mode"], "paper");
    assert_eq!(scene.events("agent_started")[0].machine["mode"], "paper");
    let files = scene.events("phase_ended")[0].machine["files"].clone();
    assert!(files.to_string().contains("a.py") && !files.to_string().contains("other.py"), "{files}");
    // After the phase nothing of it holds any more.
    assert_eq!(scene.home.guard(&["exec", "-c", "echo P >> third.py"]).code, Some(0));
    assert!(scene.home.project.join("third.py").exists());
}

#[test]
fn a_dry_run_is_half_as_long_after_a_failure_and_its_log_is_looked_at() {
    let dry = "dry_run = { command = \"sh run.sh {seconds} {duration}\", duration = \"4s\", shortest = \"1s\", log = \"run.log\", \
               holds = ['^done$'], lacks = [\"Traceback\", \"ERROR\"] }";
    let run = |text: &str| format!("write = \"run.sh\"\ncontent = '''\n{text}\n'''");
    let actions = [
        attempt("1.1", "1", &[&run("echo Traceback of $1 $2 > run.log; echo done >> run.log")]),
        attempt("1.1", "2", &[&run("echo ran $1 $2 > run.log; echo not done >> run.log")]),
        attempt("1.1", "3", &[&run("echo ran $1 $2 > run.log; exit 3")]),
        attempt("1.1", "4", &[&run("echo ran $1 $2 > run.log; echo done >> run.log")]),
    ];
    let policy = "[attempts]\nruntime = 4\ntotal = 4\n[iteration]\nfiles = 50\n";
    let scene = Scene::new(policy, &phase("1.1", "run.sh", dry), &actions.concat());
    let done = scene.ends(&[], 0);
    for told in [
        "dry-run (attempt 1 of 4): sh run.sh 4 4s\n",
        "its log holds what it must not (`Traceback`): Traceback of 4 4s [1/4, 1/4 in all]\n",
        "dry-run (attempt 2 of 4): sh run.sh 2 2s\n",
        "its log does not hold `^done$` [2/4, 2/4 in all]\n",
        "dry-run (attempt 3 of 4): sh run.sh 1 1s\n",
        "ended with 3 [3/4, 3/4 in all]\n",
        "dry-run (attempt 4 of 4): sh run.sh 1 1s\n",
    ] {
        assert!(done.stdout.contains(told), "{told}: {}", done.stdout);
    }
    assert_eq!(scene.counted(), ["runtime 1/4, 1/4", "runtime 2/4, 2/4", "runtime 3/4, 3/4"]);
    assert_eq!(scene.home.read("run.log"), "ran 1 1s\ndone\n");
}

/// A database of SQLite with these statements in it, and the policy's table of it.
fn database(scene: &Scene, sql: &str) -> rusqlite::Connection {
    scene.home.write(".env", "SHOP_URL=sqlite:///shop.db\n");
    let database = rusqlite::Connection::open(scene.home.project.join("shop.db")).unwrap();
    database.execute_batch(sql).unwrap();
    database
}

const SHOP: &str = "[[database]]\nname = \"shop\"\nkind = \"sqlite\"\nurl_env = \"SHOP_URL\"\n";
const ITEMS: &str =
    "CREATE TABLE items (name TEXT, price REAL); INSERT INTO items VALUES ('spade', 1.5), ('hoe', NULL), ('rake', 2)";

#[test]
fn data_is_compared_by_rows_and_by_values() {
    let data = "[[phase.data]]\ndatabase = \"shop\"\nquery = \"SELECT name, price FROM items ORDER BY name\"\n\
                values = [[\"hoe\", \"NULL\"], [\"spade\", 1.5]]\n\
                [[phase.data]]\ndatabase = \"shop\"\nquery = \"SELECT * FROM items\"\nrows = { least = 1, most = 2 }\n";
    let fill = |sql: &str| {
        let text = format!("import sqlite3\nc = sqlite3.connect('shop.db')\nc.execute(\"{sql}\")\nc.commit()\n");
        format!("write = \"fill.py\"\ncontent = '''\n{text}'''")
    };
    let run = "exec = \"python3 fill.py\"";
    let actions = [
        attempt("1.1", "1", &[&fill("UPDATE items SET price = 3 WHERE name = 'hoe'"), run]),
        attempt("1.1", "2", &[&fill("DELETE FROM items WHERE name = 'rake'"), run]),
        attempt("1.1", "3", &[&fill("UPDATE items SET price = NULL WHERE name = 'hoe'"), run]),
    ];
    let scene = Scene::new(SHOP, &phase("1.1", "*", data), &actions.concat());
    drop(database(&scene, ITEMS));
    let done = scene.ends(&[], 0);
    assert_eq!(
        scene.steps(),
        [
            "1.1 1 agent pass",
            "1.1 1 data fail",
            "1.1 2 agent pass",
            "1.1 2 data fail",
            "1.1 3 agent pass",
            "1.1 3 data pass",
            "1.1 3 data 2 pass"
        ]
    );
    for told in
        ["data failed in", "gives 3 rows where 2 are expected", "row 1 is (hoe, 3.0) where (hoe, NULL) is expected"]
    {
        assert!(done.stdout.contains(told), "{told}: {}", done.stdout);
    }
    assert_eq!(scene.counted(), ["test 1/3, 1/3", "test 2/3, 2/3"]);
}

fn migrating() -> (Scene, rusqlite::Connection) {
    let more = "[[phase.migration]]\npaths = [\"m.sql\"]\ndescription = \"items get a size\"\n\
                [[phase.data]]\ndatabase = \"shop\"\nquery = \"SELECT count(size) FROM items\"\nvalues = [[0]]\n";
    let sql =
        |column: &str| format!("write = \"m.sql\"\ncontent = \"ALTER TABLE items ADD COLUMN {column} INTEGER;\\n\"");
    let actions = attempt("1.1", "1", &[&sql("size")]) + &attempt("1.1", "2", &[&sql("size /* as asked */")]);
    let scene = Scene::new(SHOP, &phase("1.1", "*.sql", more), &actions);
    let database = database(&scene, ITEMS);
    (scene, database)
}

fn columns(database: &rusqlite::Connection) -> i64 {
    database.query_row("SELECT count(*) FROM pragma_table_info('items')", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_migration_is_proposed_waits_for_a_person_and_runs_once_they_say_so() {
    let (scene, database) = migrating();
    for _ in 0..2 {
        let waits = scene.ends(&[], 75);
        assert!(waits.stderr.contains("waits for a person: migration-1"), "{}", waits.stderr);
        assert_eq!((scene.steps().len(), columns(&database)), (2, 2));
    }
    scene.answer("approve", "migration-1");
    scene.ends(&[], 0);
    let steps = ["1.1 1 agent pass", "1.1 1 migration waits", "1.1 1 migration pass", "1.1 1 data pass"];
    assert_eq!((scene.steps(), columns(&database)), (steps.map(str::to_owned).to_vec(), 3));
    // It is done: another call does not run it again.
    scene.ends(&[], 0);
    assert_eq!(scene.counted(), [] as [&str; 0]);
    scene.whole();
}

#[test]
fn a_migration_that_a_person_denies_goes_back_to_the_agent_as_an_attempt() {
    let (scene, database) = migrating();
    scene.ends(&[], 75);
    scene.answer("deny", "migration-1");
    let waits = scene.ends(&[], 75);
    assert!(waits.stdout.contains("a person denied `migration-1` [1/3, 1/3 in all]"), "{}", waits.stdout);
    assert!(waits.stderr.contains("waits for a person: migration-2"), "{}", waits.stderr);
    scene.answer("approve", "migration-2");
    scene.ends(&[], 0);
    let steps = [
        "1.1 1 agent pass",
        "1.1 1 migration waits",
        "1.1 1 migration fail",
        "1.1 2 agent pass",
        "1.1 2 migration waits",
        "1.1 2 migration pass",
        "1.1 2 data pass",
    ];
    assert_eq!((scene.steps(), columns(&database)), (steps.map(str::to_owned).to_vec(), 3));
}

#[test]
fn a_check_that_writes_what_others_looked_at_is_run_until_it_holds_still_or_red() {
    // A formatter that writes: the linter's result does not count for what it left behind.
    let checks = "checks = { lint = \"cat a.py\", format = \"sh format.sh\" }";
    let scene = Scene::new(
        "",
        &phase("1.1", "*.py", checks),
        &attempt("1.1", "1", &["write = \"a.py\"\ncontent = \"A=1\\n\""]),
    );
    scene.home.write("format.sh", "if [ \"$(cat a.py)\" != 'A = 1' ]; then echo 'A = 1' > a.py; fi\n");
    scene.ends(&[], 0);
    let steps = ["agent", "lint", "format", "lint", "format"].map(|step| format!("1.1 1 {step} pass"));
    assert_eq!(scene.steps()[..4], steps[..4]);
    assert_eq!(scene.home.read("a.py"), "A = 1\n");

    // Two that each write: neither holds still for the other.
    let checks = "checks = { lint = \"sh format.sh\", format = \"sh format.sh\" }";
    let scene = Scene::new(
        "",
        &phase("1.1", "*.py", checks),
        &attempt("1.1", "1", &["write = \"a.py\"\ncontent = \"A = 1\\n\""]),
    );
    scene.home.write("format.sh", "echo '# again' >> a.py\n");
    let done = scene.ends(&[], 77);
    assert!(done.stdout.contains("each run of `lint` changes files that other checks looked at"), "{}", done.stdout);
    assert_eq!(
        scene.steps()[..6],
        ["agent pass", "lint pass", "format pass", "lint pass", "format pass", "lint fail"]
            .map(|step| format!("1.1 1 {step}"))
    );
}

#[test]
fn a_plan_s_line_is_its_check_whatever_else_is_in_it() {
    let checks = "checks = { tests = [\"cd sub && python3 -m unittest test_b.py\", \"python3 -m unittest sub/test_b.py 2>&1 | cat\"] }";
    let test = |two: u32| {
        let text = format!(
            "import unittest\n\n\nclass Test(unittest.TestCase):\n    def test_two(self):\n        self.assertEqual({two}, 2)\n"
        );
        format!("write = \"sub/test_b.py\"\ncontent = '''\n{text}'''")
    };
    let red = "write = \"sub/test_b.py\"\ncontent = '''\nimport unittest\nimport os\n\n\nclass Test(unittest.TestCase):\n    \
               def test_two(self):\n        self.assertEqual(os.getcwd()[-3:], \"sub\")\n'''";
    let actions = [attempt("1.1", "1", &[&test(3)]), attempt("1.1", "2", &[red]), attempt("1.1", "3", &[&test(2)])];
    let scene = Scene::new("", &phase("1.1", "sub/**", checks), &actions.concat());
    std::fs::create_dir(scene.home.project.join("sub")).unwrap();
    let done = scene.ends(&[], 0);
    assert_eq!(
        scene.steps(),
        [
            "1.1 1 agent pass",
            "1.1 1 tests fail",
            "1.1 2 agent pass",
            "1.1 2 tests pass",
            // Red though the line ends with 0.
            "1.1 2 tests 2 fail",
            "1.1 3 agent pass",
            "1.1 3 tests pass",
            "1.1 3 tests 2 pass",
        ],
        "{}",
        done.stdout
    );
    // What the first line had failed is good again by the time that the second fails.
    assert_eq!(scene.counted(), ["test 1/3, 1/3", "test 1/3, 1/3"]);
    assert!(done.stdout.contains("- Tests passed: 2\n"), "{}", done.stdout);
}

#[test]
fn an_import_that_is_missing_is_mended_by_what_the_project_requires_where_the_policy_says_so() {
    let pytest = tools().join("pytest");
    if !pytest.exists() {
        return skip("pytest").unwrap_or_default();
    }
    let text = "def test_two() -> None:\n    import tiny\n\n    assert tiny.TWO == 2\n";
    let actions = attempt("1.1", "1", &[&format!("write = \"test_a.py\"\ncontent = '''\n{text}'''")]);
    let rule = |id: &str, program: &str, more: &str| {
        format!("[[rule]]\nid = \"{id}\"\nprogram = \"{program}\"\nverdict = \"allow\"\nreason = \"tests\"\n{more}\n")
    };
    let rules =
        rule("venv-pip", "./.venv/bin/pip", "writes = \"venv\"") + &rule("venv-pytest", "./.venv/bin/pytest", "");
    let phases = phase("1.1", "*.py", "checks = { tests = \"pytest test_a.py\" }");
    for (install, code) in [(true, 0), (false, 77)] {
        let policy = format!("extends = [\"python\"]\n[loop]\ninstall = {install}\n{rules}");
        let scene = Scene::new(&policy, &phases, &actions);
        environment(&scene);
        let path = format!("{}:{}", scene.home.project.join(".venv/bin").display(), path());
        let done = done(scene.home.command(&["loop", "plan.toml"]).env("PATH", path));
        assert_eq!(done.code, Some(code), "{}{}", done.stdout, done.stderr);
        let steps: &[&str] = match install {
            true => &["1.1 1 agent pass", "1.1 1 install pass", "1.1 1 tests pass"],
            false => &["1.1 1 agent pass", "1.1 1 tests fail", "1.1 2 agent stuck"],
        };
        assert_eq!(scene.steps(), steps, "{}", done.stdout);
        // What failed for want of it counts all the same.
        assert_eq!(scene.counted()[0], "import 1/2, 1/3");
    }
}

/// A virtual environment in the project with real pytest, and a package that `requirements.txt` names and that is not in it.
fn environment(scene: &Scene) {
    // With the interpreter that the tools were installed for.
    let python = std::fs::canonicalize(tools().join("python3")).unwrap();
    let made = std::process::Command::new(python)
        .args(["-c", include_str!("environment.py")])
        .arg(tools())
        .current_dir(&scene.home.project)
        .status()
        .unwrap();
    assert!(made.success());
    scene.home.write("requirements.txt", "./tiny-1.0-py3-none-any.whl\n");
}

#[test]
fn what_is_refused_again_and_again_ends_the_phase_at_a_person_s_desk() {
    let tries = ["exec = \"rm -rf /\""; 4];
    let actions = attempt("1.1", "1", &[&tries[..], &["write = \"a.py\"\ncontent = \"A = 1\\n\""]].concat());
    let scene = Scene::new("", &phase("1.1", "*.py", "checks = { lint = \"cat a.py\" }"), &actions);
    let done = scene.ends(&[], 77);
    assert!(done.stdout.contains("[PHASE_FAILED] Phase 1.1: phase 1.1"), "{}", done.stdout);
    let halted = scene.status()["halted"].clone();
    assert_eq!((&halted["name"], &halted["cause"]), (&"resume-1".into(), &"denials".into()), "{halted}");
    // What came after the halt was refused as well.
    assert!(!scene.home.project.join("a.py").exists());
    let refused = scene.json(&["report", "1.1", "--json"])["phases"][0]["refused"].as_array().unwrap().len();
    assert_eq!(refused, 4, "the first is not asked again yet");
    scene.resume("resume-1");
    scene.home.write("actions.toml", &attempt("1.1", "1", &["write = \"a.py\"\ncontent = \"A = 1\\n\""]));
    scene.ends(&[], 0);
    scene.whole();
}

#[test]
fn what_cannot_be_installed_is_the_agents_turn_and_the_import_counts_once() {
    let test = |import: &str| {
        format!(
            "write = \"test_a.py\"\ncontent = '''\n{import}import unittest\n\n\nclass Test(unittest.TestCase):\n    \
             def test_one(self):\n        self.assertEqual(1, 1)\n'''"
        )
    };
    let actions = attempt("1.1", "1", &[&test("import nosuchmodule\n")]) + &attempt("1.1", "2", &[&test("")]);
    let checks = "checks = { tests = \"python3 -m unittest test_a.py\" }";
    let scene = Scene::new("[loop]\ninstall = true\n", &phase("1.1", "*.py", checks), &actions);
    scene.home.write("requirements.txt", "nosuchmodule\n");
    let done = scene.ends(&[], 0);
    let steps = ["1.1 1 agent pass", "1.1 1 install fail", "1.1 2 agent pass", "1.1 2 tests pass"];
    assert_eq!(scene.steps(), steps, "{}", done.stdout);
    assert!(done.stdout.contains("`pip install -r requirements.txt` was not run: "), "{}", done.stdout);
    assert_eq!(scene.counted(), ["import 1/2, 1/3"]);
}

#[test]
fn what_stood_in_the_log_before_a_dry_run_is_not_its_own() {
    let dry = "dry_run = { command = \"sh run.sh\", log = \"run.log\", holds = [\"accepted\"], lacks = [\"ERROR\"] }\n";
    let scene =
        Scene::new("", &phase("1.1", "a.py", dry), &attempt("1.1", "1", &["write = \"a.py\"\ncontent = \"A = 1\\n\""]));
    scene.home.write("run.sh", "echo order accepted >> run.log\n");
    scene.home.write("run.log", "ERROR of another day\n");
    scene.ends(&[], 0);
    assert_eq!(scene.steps(), ["1.1 1 agent pass", "1.1 1 dry-run pass"]);
    assert_eq!(scene.home.read("run.log"), "ERROR of another day\norder accepted\n");
}

/// Found by `guard demo`: an agent whose second file was refused, for what somebody had changed before.
#[test]
fn what_was_changed_before_a_phase_and_takes_room_in_it_is_told() {
    let checked = "checks = { tests = \"python3 -m unittest test_a.py\" }";
    let write = |name: &str| format!("write = \"{name}\"\ncontent = '''\nA = 1\n'''");
    let actions = attempt("1.1", "1", &[&write("a.py"), &write("test_a.py")]);
    let scene = Scene::new("[attempts]\ntotal = 1\n", &phase("1.1", "*a.py", checked), &actions);
    let earlier = scene.home.guard(&["exec", "-c", "echo x > earlier.txt"]);
    assert_eq!(earlier.code, Some(0), "{}", earlier.stderr);
    let done = scene.ends(&[], 77);
    let note = "note: the open iteration holds earlier.txt already, and has room for 1 more: `guard iteration close` after a green check ends it";
    assert!(done.stdout.contains(note), "{}", done.stdout);
    assert!(scene.home.log().contains("guard:iteration-full"), "{}", scene.home.log());
}
