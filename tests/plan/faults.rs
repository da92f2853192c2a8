//! What is wrong with a plan is told with its place, all of it at once.

use super::{faults, plan};
use guard::supervise::plan::read;

const PLAN: &str = "version = 1\n[agent]\nkind = \"claude\"\n[[phase]]\nid = \"1.1\"\ndescription = \"d\"\nfiles = [\"a.py\"]\n[phase.checks]\ntests = \"pytest\"\n";

/// The same with a part that reads otherwise.
fn with(old: &str, new: &str) -> String {
    assert_eq!(PLAN.matches(old).count(), 1, "{old}");
    PLAN.replace(old, new)
}

#[test]
fn every_fault_has_its_line_and_column() {
    plan("plan.toml", PLAN);
    let more = |text: &str| format!("{PLAN}{text}");
    let table = [
        (with("version = 1\n", ""), "1:1: no `version`"),
        (with("version = 1", "version = 2"), "1:11: version 2 is not known"),
        (with("version = 1", "version = 1\ntitel = \"x\""), "2:1: unknown key `titel` in a plan"),
        (with("version = 1", "version = 1\ntitle = \"x\\ny\""), "2:9: `title` has more than one line"),
        (with("version = 1", "version = 1\nlimits = 3"), "2:10: `limits` must be a table, found a whole number"),
        (with("[agent]\nkind = \"claude\"\n", ""), "1:1: a plan without `agent`: nobody would do the work"),
        (with("kind = \"claude\"\n", ""), "2:2: an agent without `kind`"),
        (with("\"claude\"", "\"command\""), "2:2: an agent of the kind `command` without `run`"),
        (with("\"claude\"", "\"script\""), "2:2: an agent of the kind `script` without `file`"),
        (with("\"claude\"", "\"claude\"\nfile = \"a\""), "4:1: an agent of the kind `claude` takes no `file`"),
        (with("\"claude\"", "\"script\"\nfile = \"../a\""), "4:8: `../a` leaves the project"),
        (with("\"claude\"", "\"claude\"\ntimeout = 60"), "4:11: `timeout` must be a duration, found a whole number"),
        ("version = 1\n[agent]\nkind = \"claude\"\n".into(), "1:1: a plan without a phase"),
        ("version = 1\nphase = []\n[agent]\nkind = \"claude\"\n".into(), "2:1: a plan without a phase"),
        (with("id = \"1.1\"\n", ""), "4:1: a phase without `id`"),
        (with("\"1.1\"", "\"1\""), "5:6: `1` is no id of a phase"),
        (with("\"1.1\"", "\"1.01\""), "5:6: `1.01` is no id of a phase"),
        (with("\"1.1\"", "1.1"), "5:6: `id` must be a string, found a fraction"),
        (with("\"d\"", "\" \""), "6:15: `description` is empty"),
        (with("files = [\"a.py\"]\n", ""), "4:1: a phase without `files`"),
        (with("[\"a.py\"]", "[]"), "7:9: `files` is empty"),
        (with("a.py", "/etc/passwd"), "7:10: `/etc/passwd` is absolute"),
        (with("a.py", "a/../../b"), "7:10: `a/../../b` leaves the project"),
        (with("a.py", "~/x"), "7:10: `~/x` leaves the project"),
        (with("a.py", "!x"), "7:10: `files` only takes files out"),
        (with("a.py", "a[.py"), "7:10: `a[.py` is no glob: unclosed character class; missing ']'"),
        (with("[\"a.py\"]", "[\"a.py\"]\nmode = \"live\""), "8:8: `mode` cannot be \"live\""),
        (with("[\"a.py\"]", "[\"a.py\"]\nafter = \"1.2\""), "8:9: no phase is called `1.2`"),
        (with("[\"a.py\"]", "[\"a.py\"]\nafter = \"1.1\""), "8:9: a cycle: 1.1 comes after 1.1"),
        (with("[phase.checks]\ntests = \"pytest\"\n", ""), "4:1: nothing proves phase 1.1"),
        (with("tests = \"pytest\"\n", ""), "4:1: nothing proves phase 1.1"),
        (with("\"pytest\"", "[\"pytest\", \"\"]"), "9:20: `tests` is empty"),
        (with("tests =", "test ="), "9:1: unknown key `test` in [phase.checks]"),
        (
            more("[[phase]]\nid = \"1.1\"\ndescription = \"d\"\nfiles = \"b\"\nchecks = { lint = \"x\" }\n"),
            "11:6: a second phase 1.1",
        ),
        (more("[phase.limits]\ncost = 0\n"), "11:8: `cost` must be a number above 0, found a whole number"),
        (more("[phase.limits]\nagent_runs = 0\n"), "11:14: `agent_runs` must be a whole number from 1 up"),
        (more("[phase.limits]\nattempts = { tests = 1 }\n"), "11:14: unknown key `tests` in `attempts`"),
        (more("[[phase.data]]\ndatabase = \"a\"\nrows = 1\n"), "10:1: a data validation without `query`"),
        (more("[[phase.data]]\ndatabase = \"a\"\nquery = \"q\"\n"), "10:1: a data validation that expects nothing"),
        (more("[[phase.data]]\ndatabase = \"a\"\nquery = \"q\"\nrows = {}\n"), "13:1: `rows` says nothing"),
        (
            more("[[phase.data]]\ndatabase = \"a\"\nquery = \"q\"\nrows = { least = 2, most = 1 }\n"),
            "13:28: at most 1 rows and at least 2",
        ),
        (
            more("[[phase.data]]\ndatabase = \"a\"\nquery = \"q\"\nrows = 1\nvalues = [[1], [2]]\n"),
            "14:1: `values` has 2 rows, which `rows` does not allow",
        ),
        (
            more("[[phase.data]]\ndatabase = \"a\"\nquery = \"q\"\nvalues = [[1], [2, 3]]\n"),
            "13:16: a row of 2 values behind one of 1",
        ),
        (
            more("[[phase.data]]\ndatabase = \"a\"\nquery = \"q\"\nvalues = [1]\n"),
            "13:11: `values` must be a list of rows, found a whole number",
        ),
        (more("[[phase.migration]]\npaths = \"/m.sql\"\ndescription = \"d\"\n"), "11:9: `/m.sql` is absolute"),
        (more("[phase.dry_run]\nduration = \"5min\"\n"), "10:8: a dry run without `command`"),
        (
            more("[phase.dry_run]\ncommand = \"x\"\nduration = \"5min\"\n"),
            "11:11: the command does not say how long it runs",
        ),
        (
            more("[phase.dry_run]\ncommand = \"x {seconds}\"\n"),
            "11:11: the command asks for a duration, and none is given",
        ),
        (more("[phase.dry_run]\ncommand = \"x\"\nshortest = \"5min\"\n"), "12:12: `shortest` without `duration`"),
        (
            more("[phase.dry_run]\ncommand = \"x {duration}\"\nduration = \"5s\"\nshortest = \"6s\"\n"),
            "13:12: `shortest` is longer than `duration`",
        ),
        (more("[phase.dry_run]\ncommand = \"x\"\nlog = \"/var/log/x\"\n"), "12:7: `/var/log/x` is absolute"),
        (
            more("[phase.dry_run]\ncommand = \"x\"\nholds = [\"a\", \"(\"]\n"),
            "12:15: `(` is no regular expression: unclosed group",
        ),
        (more("[phase.dry_run]\ncommand = \"x\"\nlacks = \"\"\n"), "12:9: a regular expression that is empty"),
    ];
    let found: Vec<Vec<String>> = table.iter().map(|(text, _)| faults("plan.toml", text)).collect();
    let expected: Vec<Vec<String>> = table.iter().map(|(_, expected)| vec![(*expected).to_owned()]).collect();
    assert_eq!(found, expected);
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_lines_with_advice() {
    let text = with("version = 1", "verson = 1").replace("a.py", "/a").replace("claude", "cloude");
    let found = faults("plan.toml", &text);
    assert_eq!(
        found,
        [
            "1:1: unknown key `verson` in a plan",
            "1:1: no `version`",
            "3:8: `kind` cannot be \"cloude\"",
            "7:10: `/a` is absolute"
        ]
    );
    let told = super::said(&read("plan.toml", text.as_bytes()).unwrap_err());
    for advice in
        ["help: did you mean `version`?", "help: did you mean \"claude\"?", "help: write it from the project's root"]
    {
        assert!(told.contains(advice), "{advice}\n{told}");
    }
}

#[test]
fn a_cycle_is_named_and_each_is_told_once() {
    let phase = |id: &str, after: &str| {
        format!(
            "[[phase]]\nid = \"{id}\"\ndescription = \"d\"\nfiles = \"a\"\nafter = [{after}]\nchecks = {{ tests = \"t\" }}\n"
        )
    };
    let head = "version = 1\nagent = { kind = \"claude\" }\n";
    let text = [
        head,
        &phase("1.1", "\"1.2\""),
        &phase("1.2", "\"1.3\""),
        &phase("1.3", "\"1.2\""),
        &phase("1.4", "\"1.4\", \"1.1\""),
    ]
    .concat();
    let found = faults("plan.toml", &text);
    assert_eq!(found, ["13:10: a cycle: 1.2 comes after 1.3 comes after 1.2", "25:10: a cycle: 1.4 comes after 1.4"]);
    let sound =
        [head, &phase("1.1", "\"1.3\""), &phase("1.2", ""), &phase("1.3", ""), &phase("1.4", "\"1.1\"")].concat();
    let order: Vec<String> =
        plan("plan.toml", &sound.replace("after = []\n", "")).order().iter().map(|phase| phase.id.clone()).collect();
    assert_eq!(order, ["1.2", "1.3", "1.1", "1.4"]);
}

#[test]
fn a_file_that_is_no_plan_says_why() {
    let of = |name: &str, bytes: &[u8]| read(name, bytes).unwrap_err().remove(0).message;
    assert_eq!(of("plan.json", b"{}"), "no kind of plan has this ending");
    assert_eq!(of("plan", b""), "no kind of plan has this ending");
    assert_eq!(of("PLAN.md", b"# Plan"), "Markdown is no plan yet");
    assert_eq!(of("plan.toml", b"a = \"\xff\""), "it is not UTF-8");
    assert_eq!(of("plan.yaml", &vec![b'#'; (1 << 20) + 1]), "a plan of more than 1 MiB");
    assert_eq!(faults("plan.toml", "version = 1\n[agent\n").len(), 1);
    assert!(faults("plan.toml", "").contains(&"1:1: a plan without a phase".to_owned()));
    let phase = |number: usize| {
        format!("[[phase]]\nid = \"1.{number}\"\ndescription = \"d\"\nfiles = \"a\"\nchecks = {{ tests = \"t\" }}\n")
    };
    let many = |most: usize| {
        "version = 1\nagent = { kind = \"claude\" }\n".to_owned() + &(0..most).map(phase).collect::<String>()
    };
    assert_eq!(plan("plan.toml", &many(1000)).phases.len(), 1000);
    assert_eq!(faults("plan.toml", &many(1001)), ["5003:1: more than 1000 phases"]);
}

#[test]
fn yaml_says_nothing_that_toml_could_not() {
    let plan_of = |phase: &str| {
        format!("version: 1\nagent: {{kind: claude}}\nphase:\n- id: '1.1'\n  description: d\n  files: a\n  {phase}\n")
    };
    plan("plan.yml", &plan_of("checks: {tests: pytest}"));
    let table = [
        (plan_of("checks: &c {tests: pytest}"), vec!["7:11: an anchor"]),
        (plan_of("goal: &c x\n  checks: {tests: *c}"), vec!["7:9: an anchor", "8:19: an alias"]),
        (plan_of("goal: !!str x\n  checks: {tests: !mine pytest}"), vec!["7:9: a tag", "8:19: a tag"]),
        (plan_of("checks: {tests: pytest}\n---\nversion: 1"), vec!["8:1: a second document"]),
        (plan_of("checks: {tests: pytest}\n  id: '1.2'"), vec!["8:3: `id` stands twice"]),
        (plan_of("goal:\n  checks: {tests: pytest}"), vec!["7:7: nothing, where a value belongs"]),
        (plan_of("checks: {tests: ~}"), vec!["7:19: nothing, where a value belongs"]),
        (plan_of("checks: {1: pytest}"), vec!["7:12: `1` is a key that is no text"]),
        (plan_of("checks: {[a]: pytest}"), vec!["7:12: a key that is no text"]),
        (
            plan_of("checks: {tests: pytest"),
            vec!["8:1: while parsing a flow mapping, did not find expected ',' or '}'"],
        ),
        (
            plan_of("goal: x # y\u{2028}"),
            vec!["7:14: a character that tools read differently, as a line's end or as none"],
        ),
        ("- version: 1\n".into(), vec!["1:1: a plan is keys and their values"]),
        (format!("version: {}{}\n", "[".repeat(50), "]".repeat(50)), vec!["1:25: more than 16 levels deep"]),
    ];
    let found: Vec<Vec<String>> = table.iter().map(|(text, _)| faults("plan.yaml", text)).collect();
    let expected: Vec<Vec<&str>> = table.into_iter().map(|(_, expected)| expected).collect();
    assert_eq!(found, expected);
    // An id without quotes is a number, and would lose a zero.
    let number = plan_of("checks: {tests: pytest}").replace("'1.1'", "1.10");
    assert_eq!(faults("plan.yaml", &number), ["4:7: `id` must be a string, found a fraction"]);
    assert!(super::said(&read("plan.yaml", number.as_bytes()).unwrap_err()).contains("help: write `id: \"…\"`"));
    assert!(faults("plan.yaml", "").contains(&"1:1: a plan without a phase".to_owned()));
    let wide = plan_of("goal: 'ä ö ü'\n  mode: live\n  checks: {tests: pytest}");
    assert_eq!(faults("plan.yaml", &wide), ["8:9: `mode` cannot be \"live\""], "places count characters");
}

#[test]
fn what_is_cut_off_or_made_to_be_slow_is_told_at_once() {
    for (name, text) in [("plan.toml", super::example().to_owned()), ("plan.yaml", super::read::YAML.to_owned())] {
        for cut in (0..text.len()).step_by(11).filter(|cut| text.is_char_boundary(*cut)) {
            if let Err(faults) = read(name, &text.as_bytes()[..cut]) {
                assert!(!faults.is_empty() && faults.iter().all(|fault| fault.line <= cut + 1), "{name} {cut}");
            }
        }
    }
    let started = std::time::Instant::now();
    let lines = |line: &dyn Fn(usize) -> String| (0..60_000).map(line).collect::<String>();
    let after = (0..100_000).map(|number| format!("\"9.{number}\",")).collect::<String>();
    for (name, text) in [
        ("plan.toml", lines(&|number| format!("key{number} = 1\n"))),
        ("plan.yaml", lines(&|number| format!("key{number}: 1\n"))),
        ("plan.yaml", lines(&|_| "- &a x\n".to_owned())),
        ("plan.toml", format!("a = {}{}", "[".repeat(200_000), "]".repeat(200_000))),
        ("plan.yaml", format!("a: {}{}", "{a: ".repeat(100_000), "}".repeat(100_000))),
        ("plan.toml", with("[\"a.py\"]", &format!("[\"a.py\"]\nafter = [{after}]"))),
    ] {
        let found = faults(name, &text);
        assert!((1..=1000).contains(&found.len()), "{}: {:?}", found.len(), found.first());
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
