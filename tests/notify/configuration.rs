//! Configurations with faults, each with its message, its exit code, and without harm to what the notice is about; and
//! what `guard doctor` says of them.

use super::{Server, ask, configure, folder, reached, sent, webhook};
use crate::cli::{Home, done};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn a_broken_configuration_is_told_and_stops_nothing() {
    let home = Home::with("default");
    let file = folder(&home).join("config.toml").display().to_string();
    for (text, said) in [
        ("[notify]\ncomand = \"x\"\n", "2:1: unknown key `comand` in [notify]; did you mean `command`?"),
        ("[notify]\ncommand = 5\n", "2:11: `command` must be a list of strings, found a whole number; "),
        ("[notify\n", "1:8: unclosed table, expected `]`; "),
        (
            "[notify]\nwebhook = \"http://example.org/\"\nsecret_file = \"notify.key\"\n",
            "2:11: `webhook` would send in clear; ",
        ),
        ("[notify]\nwebhook = \"https://example.org/\"\n", "2:11: `webhook` without `secret_file`: "),
    ] {
        configure(&home, text);
        let asked = ask(&home);
        let message = format!("guard: a person was not told: the configuration is invalid:\n{file}:{said}");
        assert!(asked.stderr.contains(&message), "{}", asked.stderr);
        let json = done(&mut super::asks(&home, &["--json"]));
        assert_eq!(json.code, Some(75));
        let _object: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
        assert!(json.stderr.contains(&message), "{}", json.stderr);
        let test = home.guard(&["notify", "test"]);
        assert_eq!((test.code, test.stdout.as_str()), (Some(125), ""));
        assert!(test.stderr.contains(&format!("{file}:{said}")), "{}", test.stderr);
        let doctor = home.guard(&["doctor"]);
        assert_eq!(doctor.code, Some(1));
        let line = format!("notify: broken: the configuration is invalid:\n{file}:{said}");
        assert!(doctor.stdout.contains(&line), "{}", doctor.stdout);
    }
    assert_eq!(home.log().matches("[APPROVAL] [REQUEST] [").count(), 10);
    assert_eq!(home.guard(&["exec", "--", "ls"]).stderr, "");
}

#[test]
fn a_configuration_that_others_could_write_is_not_followed() {
    let server = Server::start();
    let home = reached(&server);
    let file = folder(&home).join("config.toml");
    for (path, mode) in [(file.clone(), 0o666), (folder(&home), 0o777)] {
        let before = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let asked = ask(&home);
        let said = format!("`{}` can be written by others (mode {mode:o})", path.display());
        assert!(asked.stderr.contains("is not its owner's alone") && asked.stderr.contains(&said), "{}", asked.stderr);
        fs::set_permissions(&path, before).unwrap();
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(ask(&home).stderr.contains("cannot read the configuration"));
    server.quiet(&home);
}

#[test]
fn a_configuration_that_breaks_while_a_notice_waits_is_recorded() {
    let server = Server::start();
    let home = reached(&server);
    ask(&home);
    let held = server.post();
    let waits = super::waiting(&home).remove(0);
    let text = fs::read(&waits).unwrap();
    held.answer("200 OK");
    sent(&home);
    configure(&home, "[notify]\ncommand = 5\n");
    fs::write(&waits, &text).unwrap();
    assert_eq!(home.guard(&["deliver"]).code, Some(0));
    let (_, machine) = super::failure(&home);
    assert_eq!(machine["cause"], "the configuration is invalid: `guard notify test` says how");
    server.quiet(&home);
}

#[test]
fn doctor_says_who_is_told_and_sends_nothing() {
    let server = Server::start();
    let home = Home::with("default");
    let file = folder(&home).join("config.toml").display().to_string();
    let nobody = home.guard(&["doctor"]);
    let line = format!(
        "notify: nobody is told when a person is needed: `[notify]` in `{file}` would name a command or a webhook\n"
    );
    assert!(nobody.stdout.ends_with(&line), "{}", nobody.stdout);
    configure(&home, &(webhook(&server.url()) + "command = [\"notify-send\", \"guard\"]\n"));
    let told = home.guard(&["doctor"]);
    let lines = "notify: command: `notify-send`: request, escalation, end\nnotify: webhook: `127.0.0.1`: request, escalation, end\n";
    assert!(told.stdout.ends_with(lines), "{}", told.stdout);
    let object: serde_json::Value = serde_json::from_str(&home.guard(&["doctor", "--json"]).stdout).unwrap();
    let events = ["request", "escalation", "end"];
    assert_eq!(
        object["notify"],
        serde_json::json!({ "broken": [], "channels": [
            { "name": "command", "to": "`notify-send`", "events": events },
            { "name": "webhook", "to": "`127.0.0.1`", "events": events },
        ] })
    );
    server.quiet(&home);
}

/// The machine's configuration, in a mount namespace of this test's own where `/etc` is another.
#[test]
fn the_machine_s_configuration_counts_beside_the_person_s_and_is_hidden_from_commands() {
    let server = Server::start();
    let home = Home::with("default");
    configure(&home, &webhook(&server.url()));
    let machine = home.path().join("machine");
    fs::create_dir_all(machine.join("guard")).unwrap();
    for folder in ["upper", "work"] {
        fs::create_dir_all(home.path().join(folder)).unwrap();
    }
    let url = server.url().replace("/hook", "/machine");
    fs::write(machine.join("guard/config.toml"), webhook(&url)).unwrap();
    super::private(&machine.join("guard/notify.key"), super::SECRET);
    let script = format!(
        "mount -t overlay overlay -o lowerdir={machine}:/etc /etc || exit 99\n\
         \"$GUARD\" exec -c 'truncate -s 0 data.csv'; echo code $?\n\
         \"$GUARD\" exec -- ls /etc/guard; echo code $?\nread -r over\n",
        machine = machine.display()
    );
    let mut call = Command::new("unshare");
    call.args(["--mount", "--user", "--map-root-user", "bash", "-c", &script]).current_dir(&home.project);
    call.env_clear().env("PATH", crate::cli::path()).env("HOME", home.path()).env("GUARD", env!("CARGO_BIN_EXE_guard"));
    call.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut child = call.spawn().unwrap();
    let posts = [server.post(), server.post()];
    let mut heads = posts.each_ref().map(|post| post.head.clone());
    heads.sort();
    assert_eq!(heads, ["POST /hook?token=URLTOKEN HTTP/1.1", "POST /machine?token=URLTOKEN HTTP/1.1"]);
    for post in posts {
        post.answer("200 OK");
    }
    server.quiet(&home);
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "code 75\ncode 0\n");
}
