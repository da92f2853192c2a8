//! What one iteration may touch: each rule hit once and let through once.

use super::*;
use std::fs;

#[test]
fn the_third_file_of_an_iteration_is_refused_with_what_is_open_and_what_to_do() {
    let home = scene(&["a.py", "b.py", "c.py"], "");
    comes_in(&home, &["a.py"]);
    comes_in(&home, &["b.py"]);
    let told = stays_out(&home, &["c.py"], "guard:iteration-full");
    assert_eq!(told["changes"]["withheld"], "deny");
    let rule = &told["changes"]["rules"][0];
    let reason = rule["reason"].as_str().unwrap();
    assert!(reason.contains("`c.py` would be added to `a.py`, `b.py`, of which it may hold 2"), "{reason}");
    assert!(reason.contains("no other file is coupled with all of these"), "{reason}");
    assert!(rule["instead"].as_str().unwrap().contains("guard iteration close"), "{rule}");
    assert_eq!((home.read("c.py"), counted(&home)), ("1\n".into(), (vec!["a.py".into(), "b.py".into()], 0)));
    // What is open may change again, as often as it takes.
    comes_in(&home, &["a.py", "b.py"]);
    comes_in(&home, &["b.py"]);
    closes(&home);
    assert_eq!(counted(&home), (vec![], 0));
    comes_in(&home, &["c.py"]);
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn a_command_that_changes_too_much_by_itself_asks_as_ever() {
    let home = scene(&["a.py", "b.py", "c.py"], "");
    let told = stays_out(&home, &["a.py", "b.py", "c.py"], "guard:changes-many");
    assert_eq!(told["changes"]["withheld"], "ask");
    // Nothing of it counts until a person says so.
    assert!(status(&home)["open"].is_null());
    let name = told["changes"]["request"].as_str().unwrap();
    let agreed = crate::cli::agreed(&home, &format!("guard approve {name}"));
    assert!(agreed.stdout.contains("is in the project"), "{}", agreed.stdout);
    assert_eq!(counted(&home).0, ["a.py", "b.py", "c.py"]);
    comes_in(&home, &["c.py", "a.py", "b.py"]);
    stays_out(&home, &["guard-new.py"], "guard:iteration-full");
}

#[test]
fn what_does_not_come_in_does_not_count() {
    let home = scene(&["a.py", "b.py", "c.py"], "");
    comes_in(&home, &["a.py"]);
    for words in [
        vec!["--dry-run", "-c", "echo 7 > b.py"],
        vec!["-c", "echo 7 > b.py; ln -s /etc/passwd l"],
        vec!["-c", "echo 7 > b.py; echo x > .env"],
        vec!["--timeout", "1s", "-c", "echo 7 > b.py; while :; do :; done"],
    ] {
        exec(&home, &words);
        assert_eq!(counted(&home).0, ["a.py"], "{words:?}");
    }
    comes_in(&home, &["c.py"]);
}

#[test]
fn outputs_of_builds_and_folders_count_nothing() {
    let home = scene(&["a.py", "b.py"], "");
    exec(&home, &["-c", "mkdir -p build/x new/folder; echo 1 > build/x/1; echo 2 > build/x/2; echo 3 > build/3"]);
    assert!(status(&home)["open"].is_null());
    comes_in(&home, &["a.py", "b.py"]);
    exec(&home, &["-c", "echo 4 > build/4"]);
    assert_eq!(counted(&home).0, ["a.py", "b.py"]);
}

/// SKILL 1: "A model and its immediate schema or migration", "a class and its direct unit test", "a service and its
/// configuration file"; not: "multiple unrelated services", "a service and shared utilities", "multiple test files for
/// different modules".
#[test]
fn files_that_belong_together_may_be_more_and_others_not() {
    let service = ["services/fees.py", "tests/test_fees.py", "config/fees.yaml"];
    let model = ["shared/models.py", "shared/schemas.py", "migrations/004_fees.sql"];
    for all in [service, model] {
        let mut files: Vec<&str> = all.to_vec();
        files.extend(["services/risk.py", "tests/test_risk.py", "shared/utils.py"]);
        // One after the other, in any order, and all at once.
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let home = scene(&files, "");
            order.iter().for_each(|at| comes_in(&home, &[all[*at]]));
            for other in ["services/risk.py", "tests/test_risk.py", "shared/utils.py"] {
                stays_out(&home, &[other], "guard:iteration-full");
            }
        }
        let home = scene(&files, "");
        comes_in(&home, &all);
        assert_eq!(counted(&home).0.len(), 3);
    }
}

#[test]
fn a_third_file_that_is_coupled_with_one_of_two_alone_is_refused() {
    for [one, other, third] in [
        ["services/fees.py", "README", "tests/test_fees.py"],
        ["services/fees.py", "services/risk.py", "tests/test_fees.py"],
        ["services/fees.py", "tests/test_fees.py", "tests/test_risk.py"],
        ["services/fees.py", "tests/test_fees.py", "config/risk.yaml"],
        ["services/fees.py", "tests/test_fees.py", "shared/models.py"],
        ["shared/models.py", "migrations/001.sql", "migrations/002.sql"],
    ] {
        let home = scene(&[one, other, third], "");
        comes_in(&home, &[one]);
        comes_in(&home, &[other]);
        stays_out(&home, &[third], "guard:iteration-full");
        let home = scene(&[one, other, third], "");
        stays_out(&home, &[one, other, third], "guard:changes-many");
    }
}

#[test]
fn what_would_have_fitted_is_named() {
    let home = scene(&["services/fees.py", "tests/test_fees.py", "x"], "");
    comes_in(&home, &["services/fees.py", "tests/test_fees.py"]);
    let told = stays_out(&home, &["x"], "guard:iteration-full");
    let reason = told["changes"]["rules"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("`config/fees.yaml` (a service, its test and its configuration)"), "{reason}");
    assert!(!reason.contains("`services/fees.py` (") && !reason.contains("test_risk"), "{reason}");
}

#[test]
fn what_never_belongs_there_is_not_named_as_fitting() {
    let coupled =
        "[iteration]\nfiles = 1\n[[coupled]]\nname = \"all\"\nfiles = [\"services/{name}.py\", \"shared/utils.py\"]\n";
    let home = scene(&["services/fees.py", "x"], coupled);
    comes_in(&home, &["services/fees.py"]);
    let told = stays_out(&home, &["x"], "guard:iteration-full");
    let reason = told["changes"]["rules"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("`tests/test_fees.py` (") && !reason.contains("shared/utils.py"), "{reason}");
}

#[test]
fn the_owner_says_what_is_coupled_and_what_never_is() {
    let all = ["a.py", "b.py", "c.py"];
    let any = "[[coupled]]\nname = \"all\"\nfiles = [\"a.py\", \"b.py\", \"c.py\"]\n";
    comes_in(&scene(&all, any), &all);
    let never = format!("{any}[[uncoupled]]\nname = \"never\"\nfiles = [\"a.py\", \"c.py\"]\n");
    stays_out(&scene(&all, &never), &all, "guard:changes-many");
}

/// SKILL 1: "Mass refactoring of entire directories" is forbidden.
#[test]
fn a_folder_is_not_reworked_at_once_or_bit_by_bit() {
    let files: Vec<String> = (0..7).map(|n| format!("services/s{n}.py")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let bounds = "[iteration]\nfiles = 100\nfolder = 5\n";
    let home = scene(&files, bounds);
    let told = stays_out(&home, &files, "guard:changes-folder");
    assert_eq!(told["changes"]["withheld"], "deny");
    assert!(told["changes"]["rules"][0]["reason"].as_str().unwrap().contains("`services`, at most 5"), "{told}");
    comes_in(&home, &files[..3]);
    comes_in(&home, &files[3..5]);
    stays_out(&home, &files[5..6], "guard:changes-folder");
    comes_in(&home, &files[..5]);
    // Elsewhere there is room.
    exec(&home, &["-c", "mkdir other; echo x > other/x"]);
    closes(&home);
    comes_in(&home, &files[5..]);
}

#[test]
fn git_s_own_commands_ask_where_others_are_refused() {
    let home = scene(&[], "[iteration]\nfiles = 100\nfolder = 3\n");
    let git = |line: &str| {
        let mut bash = std::process::Command::new("bash");
        bash.args(["-c", line]).current_dir(&home.project).env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(bash.status().unwrap().success(), "{line}");
    };
    git(
        "git init -q -b main . && git config user.email a@b && git config user.name a && echo x > y && git add y && git commit -qm 1 \
         && git switch -qc more && mkdir s && for n in 1 2 3 4 5; do echo $n > s/$n; done && git add s && git commit -qm 2 && git switch -q main",
    );
    let told = exec(&home, &["--", "git", "switch", "more"]);
    assert_eq!(
        (kept_out(&told), &told["changes"]["withheld"]),
        (vec!["guard:changes-folder"], &"ask".into()),
        "{told}"
    );
}

#[test]
fn a_moved_file_is_one_change_under_its_new_name() {
    let home = scene(&["a.py", "b.py", "c.py"], "");
    fs::write(home.project.join("b.py"), "another\n").unwrap();
    let told = exec(&home, &["-c", "mv a.py moved.py; mv b.py too.py"]);
    assert_eq!((kept_out(&told), counted(&home).0), (vec![], vec!["moved.py".to_owned(), "too.py".into()]), "{told}");
    stays_out(&home, &["c.py"], "guard:iteration-full");
    // Moved among outputs it is gone from where it counts.
    let home = scene(&["a.py", "b.py", "c.py"], "");
    ["a.py", "b.py", "c.py"].into_iter().for_each(|name| home.write(name, name));
    let told = exec(&home, &["-c", "mkdir build; mv a.py b.py c.py build/"]);
    assert_eq!(kept_out(&told), ["guard:changes-many"], "{told}");
}

/// A file is moved to a name that counts already, and removed there; the next one too. Each move would be a change of that
/// one name, and a whole project would go in an iteration of two files.
#[test]
fn no_number_of_files_goes_by_way_of_one_name() {
    let files = ["a.py", "b.py", "c.py", "d.py"];
    let home = scene(&files, "");
    files.iter().for_each(|name| home.write(name, name));
    let by_command = |from: &str| kept_out(&exec(&home, &["-c", &format!("mv {from} way.py")])).len();
    assert_eq!(by_command("a.py"), 0);
    assert_eq!(kept_out(&exec(&home, &["-c", "rm way.py"])), [] as [&str; 0]);
    assert_eq!(by_command("b.py"), 0);
    assert_eq!(counted(&home).0, ["b.py", "way.py"]);
    assert_eq!(kept_out(&exec(&home, &["-c", "rm way.py"])), [] as [&str; 0]);
    assert_eq!(by_command("c.py"), 1);
    let moved = home.guard(&["file", "move", "c.py", "way.py", "--reason", "r"]);
    assert!(moved.code == Some(126) && moved.stderr.contains("guard:iteration-full"), "{}", moved.stderr);
    // Back to where it was it may go.
    assert_eq!(home.guard(&["undo", &last(&home, "change_committed").to_string()]).code, Some(0));
    assert_eq!(kept_out(&exec(&home, &["-c", "mv way.py b.py"])), [] as [&str; 0]);
    assert_eq!((home.read("b.py"), home.read("c.py")), ("b.py".into(), "c.py".into()));
}

#[test]
fn what_is_taken_back_no_longer_counts() {
    let home = scene(&["a.py", "b.py", "c.py"], "");
    comes_in(&home, &["a.py"]);
    comes_in(&home, &["b.py"]);
    let second = last(&home, "change_committed");
    stays_out(&home, &["c.py"], "guard:iteration-full");
    assert_eq!(home.guard(&["undo", &second.to_string()]).code, Some(0));
    assert_eq!(counted(&home).0, ["a.py"]);
    comes_in(&home, &["c.py"]);
    stays_out(&home, &["b.py"], "guard:iteration-full");
    // Taken back again, it is there again, and counts: by a person's hand, so that nothing refuses it.
    let undo = home.log().lines().filter(|line| line.contains("\"undoes\"")).count();
    assert_eq!(undo, 1);
    let back =
        home.log().lines().find(|line| line.contains("\"undoes\"")).unwrap().rsplit(' ').nth(2).unwrap().to_owned();
    assert_eq!(home.guard(&["undo", back.trim_start_matches('#')]).code, Some(0));
    assert_eq!(counted(&home).0, ["a.py", "b.py", "c.py"]);
}

#[test]
fn the_count_survives_a_restart_and_the_loss_of_every_snapshot() {
    let home = scene(&["a.py", "b.py", "c.py"], "");
    comes_in(&home, &["a.py"]);
    comes_in(&home, &["b.py"]);
    (0..20).for_each(|_| green(&home));
    let before = status(&home);
    assert!(!before["open"]["green"].is_null(), "{before}");
    for name in ["snapshot.0", "snapshot.1"] {
        fs::remove_file(home.state().join(name)).unwrap();
    }
    assert_eq!(status(&home), before);
    stays_out(&home, &["c.py"], "guard:iteration-full");
}

#[test]
fn more_files_than_are_named_stay_counted() {
    let files: Vec<String> = (0..80).map(|n| format!("d{}/f{n}", n % 20)).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let home = scene(&files, "[iteration]\nfiles = 100\nfolder = 50\n");
    comes_in(&home, &files);
    let (names, more) = counted(&home);
    assert_eq!((names.len(), more), (64, 16));
    // One of those without a name counts anew.
    comes_in(&home, &[files[79]]);
    let (names, more) = counted(&home);
    assert!(names.len() == 64 && (16..=17).contains(&more), "{more}");
    closes(&home);
    comes_in(&home, &[files[79]]);
    assert_eq!(counted(&home), (vec![files[79].to_owned()], 0));
}
