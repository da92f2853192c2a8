//! Two at once, and the clock: exactly one answer counts, exactly one use, and none after its time.

use super::scene::{ASKED, Scene};
use chrono::{DateTime, Utc};
use std::process::{Child, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

fn spawn(scene: &Scene, words: &[&str]) -> Child {
    let command = scene.home.command(words);
    let mut plain = std::process::Command::new(command.get_program());
    plain.args(command.get_args()).current_dir(&scene.home.project).env_clear();
    plain.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    plain.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn together(scene: &Scene, calls: &[Vec<&str>]) -> Vec<Output> {
    let children: Vec<Child> = calls.iter().map(|words| spawn(scene, words)).collect();
    children.into_iter().map(|child| child.wait_with_output().unwrap()).collect()
}

#[test]
fn of_two_people_who_answer_at_once_one_does_and_the_other_is_told_who() {
    let scene = Scene::signed();
    let public = [scene.desk.read("anna.pub"), scene.desk.key("ben", &["ed25519"])];
    let lines =
        [("anna", &public[0]), ("ben", &public[1])].map(|(name, key)| guard::approve::ssh::line(name, key).unwrap());
    scene.approvers(&lines.concat());
    for round in 0..6 {
        let name = scene.ask(&ASKED);
        let digest = scene.digest(&name);
        let (anna, ben) = (scene.key("anna"), scene.key("ben"));
        let second = if round % 2 == 0 { "approve" } else { "deny" };
        let calls = [
            vec!["approve", &name, "--digest", &digest, "--key", &anna],
            vec![second, &name, "--digest", &digest, "--key", &ben],
        ];
        // A denial's digest is that of the statement as well.
        let found = together(&scene, &calls);
        let won: Vec<usize> = (0..2).filter(|at| found[*at].status.success()).collect();
        assert_eq!(won.len(), 1, "{found:?}");
        let lost = String::from_utf8_lossy(&found[1 - won[0]].stderr).into_owned();
        let told = match (second, won[0]) {
            ("approve", 0) | ("deny", 0) => "was approved before, by anna",
            ("approve", _) => "was approved before, by ben",
            (_, _) => "a person denied it",
        };
        assert!(lost.contains(told), "{second}: {lost}");
        let answers = scene.logged(&format!("[APPROVE] [{name}]")) + scene.logged(&format!("[DENY] [{name}]"));
        assert_eq!(answers, 1);
        scene.whole();
        if won[0] == 1 && second == "deny" {
            // It stays denied: nothing more to see here.
            assert_eq!(scene.home.guard(&["exec", "--", ASKED[0], ASKED[1], ASKED[2], ASKED[3]]).code, Some(126));
            break;
        }
        assert_eq!(scene.home.guard(&["run-approved", &name]).code, Some(0));
    }
}

#[test]
fn of_many_who_use_an_approval_at_once_one_does() {
    let scene = Scene::signed();
    let line = "echo ran >> made && truncate -s +1 size";
    let done = scene.home.guard(&["exec", "-c", line]);
    assert_eq!(done.code, Some(75), "{}", done.stderr);
    let name = "command-1";
    assert_eq!(scene.answer("approve", name).code, Some(0));
    let mut calls = vec![vec!["run-approved", name]; 3];
    calls.extend(vec![vec!["exec", "-c", line]; 3]);
    let found = together(&scene, &calls);
    let ran = found.iter().filter(|output| output.status.success()).count();
    assert_eq!(ran, 1, "{found:?}");
    assert_eq!(scene.home.read("made"), "ran\n");
    assert_eq!((scene.logged("[APPROVAL] [CONSUME]"), scene.logged("] SHELL_EXEC: ")), (1, 1));
    scene.whole();
}

#[test]
fn the_same_asked_many_times_at_once_is_one_request_and_at_most_ten_wait() {
    let scene = Scene::signed();
    let found = together(&scene, &vec![vec!["exec", "--", "truncate", "-s", "3", "made"]; 5]);
    assert!(found.iter().all(|output| output.status.code() == Some(75)), "{found:?}");
    assert_eq!((scene.logged("[APPROVAL] [REQUEST]"), scene.pending()["requests"].as_array().unwrap().len()), (1, 1));
    let files: Vec<String> = (0..14).map(|number| format!("made{number}")).collect();
    let calls: Vec<Vec<&str>> =
        files.iter().map(|file| vec!["exec", "--", "truncate", "-s", "3", file.as_str()]).collect();
    let found = together(&scene, &calls);
    assert!(found.iter().all(|output| output.status.code() == Some(75)), "{found:?}");
    assert_eq!(scene.pending()["requests"].as_array().unwrap().len(), 10);
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).contains("so many requests wait");
    assert_eq!(found.iter().filter(|output| said(output)).count(), 5);
    // The one that waits is joined all the same, and names are never used twice.
    assert_eq!(scene.ask(&ASKED), "command-1");
    assert_eq!(std::fs::read_dir(scene.home.state().join("requests")).unwrap().count(), 10);
    scene.whole();
}

/// Around the moment: an approval is in time or it is refused, and the log says the same.
#[test]
fn an_answer_at_the_moment_of_expiry_is_in_time_or_refused() {
    let scene = Scene::signed();
    scene.home.trust("\n[iteration]\nfiles = 1000\nfolder = 1000\n[approvals]\nrequest = \"1s\"\nuse = \"1s\"\n");
    let (mut late, mut used) = (0, 0);
    for round in 0..12_i64 {
        let file = format!("made{round}");
        let name = scene.ask(&["truncate", "-s", "3", &file]);
        let signature = scene.signature("anna", &scene.statement(&name, "anna", &[]));
        let expires: DateTime<Utc> = scene.show(&name)["expires"].as_str().unwrap().parse().unwrap();
        // Both clocks count whole seconds: the last moment is the end of that one.
        let until = |end: DateTime<Utc>, offset: i64| {
            let left = end.timestamp_millis() + 1000 + offset - Utc::now().timestamp_millis();
            sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0)));
        };
        until(expires, (round % 6 - 4) * 12);
        let done = scene.home.guard(&["approve", &name, "--signature", &signature]);
        match done.code {
            Some(0) => {
                let end: DateTime<Utc> = match scene.pending()["requests"].get(0) {
                    Some(open) => open["expires"].as_str().unwrap().parse().unwrap(),
                    None => Utc::now(),
                };
                until(end, (round % 5 - 3) * 12);
                let ran = scene.home.guard(&["run-approved", &name]);
                assert_eq!(ran.code == Some(0), scene.home.project.join(&file).exists(), "{}", ran.stderr);
                assert!(matches!(ran.code, Some(0 | 75)), "{}", ran.stderr);
                used += usize::from(ran.code == Some(0));
            }
            code => {
                assert_eq!(code, Some(75), "{}", done.stderr);
                late += 1;
            }
        }
        scene.whole();
    }
    println!("{late} of 12 answers were late, {used} approvals were used");
    let uses = scene.logged("[APPROVAL] [CONSUME]");
    assert_eq!(uses, used);
}
