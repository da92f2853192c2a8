//! `guard hook install`, `uninstall`, and what `guard doctor` says of a hook.

use crate::cli::{Done, Home, done};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

const FILE: &str = ".claude/settings.json";

fn hook(home: &Home, words: &[&str]) -> Done {
    let done = home.guard(&[&["hook"], words].concat());
    assert!(done.code == Some(0) || done.stdout.is_empty(), "{}", done.stdout);
    done
}

#[test]
fn a_hook_goes_into_a_project_s_settings_once_and_comes_out_again() {
    let home = Home::with("python");
    assert!(hook(&home, &["install", "claude"]).stdout.contains("now asks guard"));
    let text = home.read(FILE);
    let guard = fs::canonicalize(env!("CARGO_BIN_EXE_guard")).unwrap();
    let asked = serde_json::json!([{ "matcher": "*", "hooks": [{
        "type": "command", "command": format!("{} hook claude || exit 2", guard.display()), "timeout": 10,
    }] }]);
    let expected = serde_json::json!({ "hooks": { "PreToolUse": asked, "PostToolUse": asked } });
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    assert!(hook(&home, &["install", "claude", "--project"]).stdout.contains("nothing changed"));
    assert_eq!(home.read(FILE), text);
    assert!(hook(&home, &["uninstall", "claude"]).stdout.contains("no longer asks guard"));
    assert_eq!(home.read(FILE), "{}\n");
    assert!(hook(&home, &["uninstall", "claude"]).stdout.contains("nothing changed"));
}

#[test]
fn everything_else_in_the_settings_stays_byte_by_byte() {
    let home = Home::with("python");
    for text in [
        "{\n    \"model\": \"x\",\n    \"env\": {\"B\": \"1\", \"A\": \"2\"},\n    \"big\": 12345678901234567890123\n}",
        "{\"zeta\":1,\"alpha\":[1.0e5]}\n",
        "{\n\t\"hooks\": {\n\t\t\"PreToolUse\": [\n\t\t\t{\n\t\t\t\t\"matcher\": \"Bash\",\n\t\t\t\t\"hooks\": [\n\t\t\t\t\t{ \"type\": \"command\", \"command\": \"my-guard hook claude-x\" }\n\t\t\t\t]\n\t\t\t}\n\t\t]\n\t},\n\t\"last\": true\n}\n",
        "{\r\n  \"hooks\": { \"Stop\": [] },\r\n  \"a\": \"\\u00fc ü\"\r\n}\r\n",
        "{\"hooks\":{\"PreToolUse\":[{\"hooks\":[{\"command\":\"x\"}]}]},\"hooksX\":{}}",
    ] {
        home.write(FILE, text);
        assert_eq!(hook(&home, &["install", "claude"]).code, Some(0), "{text}");
        let with = home.read(FILE);
        assert_eq!(with.matches(" hook claude || exit 2").count(), 2, "{with}");
        for line in text.lines().filter(|line| !line.contains("hooks") && line.len() > 6 && !line.starts_with("{\"")) {
            assert!(with.contains(line.trim_end_matches(['\r', ','])), "{line} in {with}");
        }
        assert!(hook(&home, &["install", "claude"]).stdout.contains("nothing changed"));
        assert_eq!(hook(&home, &["uninstall", "claude"]).code, Some(0));
        assert_eq!(home.read(FILE), text);
    }
}

#[test]
fn a_guard_elsewhere_is_replaced_and_one_beside_another_hook_leaves_alone() {
    let home = Home::with("python");
    let old = r#"{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"command": "a"}, {"command": "/old/guard hook claude"}]}]}}"#;
    home.write(FILE, old);
    assert_eq!(hook(&home, &["install", "claude"]).code, Some(0));
    let text = home.read(FILE);
    assert!(!text.contains("/old/guard") && text.contains("{\"command\": \"a\"}"), "{text}");
    assert_eq!(text.matches("hook claude").count(), 2, "{text}");
    hook(&home, &["uninstall", "claude"]);
    assert_eq!(home.read(FILE), r#"{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"command": "a"}]}]}}"#);
}

/// Installed before guard was told of what tools did, the hook is completed.
#[test]
fn a_hook_that_is_asked_before_tools_alone_is_completed() {
    let home = Home::with("python");
    hook(&home, &["install", "claude"]);
    let whole = home.read(FILE);
    let mut value: Value = serde_json::from_str(&whole).unwrap();
    value["hooks"].as_object_mut().unwrap().remove("PostToolUse").unwrap();
    home.write(FILE, &value.to_string());
    assert!(hook(&home, &["install", "claude"]).stdout.contains("now asks guard"));
    let value: Value = serde_json::from_str(&home.read(FILE)).unwrap();
    assert_eq!(value, serde_json::from_str::<Value>(&whole).unwrap());
}

#[test]
fn settings_that_are_no_json_are_left_as_they_are() {
    let home = Home::with("python");
    for (text, because) in [
        ("{ // a comment\n}", "it is not JSON"),
        ("", "it is not JSON"),
        ("{\"hooks\": {}", "it is not JSON"),
        ("[]", "it is JSON, but no object"),
        ("{\"hooks\": []}", "`hooks` is no object"),
        ("{\"hooks\": {\"PreToolUse\": {}}}", "`PreToolUse` in `hooks` is no list"),
        ("{\"hooks\": {\"PostToolUse\": 1}}", "`PostToolUse` in `hooks` is no list"),
    ] {
        home.write(FILE, text);
        let done = hook(&home, &["install", "claude"]);
        assert_eq!(done.code, Some(125), "{text}: {}", done.stderr);
        assert!(done.stderr.contains("is left as it is") && done.stderr.contains(because), "{}", done.stderr);
        assert_eq!(home.read(FILE), text);
    }
    let names: Vec<_> = fs::read_dir(home.project.join(".claude")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["settings.json"], "nothing is left behind");
}

#[test]
fn mode_and_link_of_a_person_s_settings_stay() {
    let home = Home::with("python");
    let kept = home.path().join("dotfiles.json");
    fs::write(&kept, "{}\n").unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir(home.path().join(".claude")).unwrap();
    let link = home.path().join(FILE);
    symlink(&kept, &link).unwrap();
    assert_eq!(hook(&home, &["install", "claude", "--user"]).code, Some(0));
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o7777, 0o640);
    assert!(fs::read_to_string(&kept).unwrap().contains("hook claude || exit 2"));
    assert!(!home.project.join(".claude").exists());
    assert_eq!(hook(&home, &["uninstall", "claude", "--user"]).code, Some(0));
    assert_eq!(fs::read_to_string(&kept).unwrap(), "{}\n");
}

#[test]
fn outside_a_project_there_are_no_settings_of_a_project() {
    let home = Home::bare();
    let done = hook(&home, &["install", "claude"]);
    assert_eq!(done.code, Some(78));
    assert!(done.stderr.contains("no `guard.toml`"), "{}", done.stderr);
    assert!(!home.project.join(".claude").exists());
}

fn base() -> std::path::PathBuf {
    let own = std::env::var_os("GUARD_TEST_BASE").map(Into::into);
    own.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/target").into())
}

#[test]
fn doctor_fires_the_hook_and_says_live_silent_or_absent() {
    let home = Home::with("python");
    let doctor = || -> (Option<i32>, Value) {
        // A socket's path is short: the probes need a place of their own.
        let done = done(home.command(&["doctor", "--json"]).env("XDG_CACHE_HOME", base()));
        assert!(done.stdout.contains("\"level\":\"full\""), "{}", done.stdout);
        (done.code, serde_json::from_str::<Value>(&done.stdout).unwrap()["hooks"].take())
    };
    let state = |hooks: &Value| hooks.as_array().unwrap().iter().map(|hook| hook["state"].clone()).collect::<Vec<_>>();
    let (code, hooks) = doctor();
    assert_eq!((code, state(&hooks)), (Some(0), vec!["absent".into()]), "{hooks}");

    hook(&home, &["install", "claude"]);
    let (code, hooks) = doctor();
    assert_eq!((code, state(&hooks)), (Some(0), vec!["live".into()]), "{hooks}");
    assert!(home.log().contains("guard doctor: must be denied"), "it went the whole way");

    let whole = home.read(FILE);
    for (from, to, because) in [
        ("\"matcher\": \"*\"", "\"matcher\": \"Write|Edit\"", "leaves Bash out"),
        ("{\n", "{ \"disableAllHooks\": true,\n", "`disableAllHooks` is set"),
        ("guard hook claude", "guard-that-is-gone hook claude", "not this guard"),
    ] {
        home.write(FILE, &whole.replacen(from, to, 1));
        let (code, hooks) = doctor();
        assert_eq!((code, state(&hooks)), (Some(1), vec!["silent".into()]), "{hooks}");
        assert!(hooks[0]["said"].as_str().unwrap().contains(because), "{hooks}");
    }
    // Live, and yet half of it is missing.
    let mut half: Value = serde_json::from_str(&whole).unwrap();
    half["hooks"].as_object_mut().unwrap().remove("PostToolUse").unwrap();
    home.write(FILE, &half.to_string());
    let (code, hooks) = doctor();
    assert_eq!((code, state(&hooks)), (Some(0), vec!["live".into()]), "{hooks}");
    let said = hooks[0]["said"].as_str().unwrap();
    assert!(said.contains("no `PostToolUse`") && said.ends_with("`guard hook install claude` completes it"), "{said}");
    home.write(FILE, &whole);
    assert!(!doctor().1[0]["said"].as_str().unwrap().contains("PostToolUse"));
    let done = done(home.command(&["doctor"]).env("XDG_CACHE_HOME", base()));
    assert!(done.stdout.contains("hook: claude: live by `"), "{}", done.stdout);
}
