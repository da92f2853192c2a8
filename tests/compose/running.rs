//! What runs outside the fence: exactly what was judged, within limits, and recorded.

use super::engine::{self, IMAGE, Swept};
use super::{engine_or_skip, guard, path, project, tool, tool_or_skip};
use crate::cli::{Home, done};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A service that says hello and stays.
fn ordinary() -> String {
    format!(
        "version: '3.8'\nservices:\n  web:\n    image: {IMAGE}\n    network_mode: none\n    environment: {{GREETING: '${{GREETING}}'}}\n    \
         command: [sh, -c, 'echo $$GREETING; exec sleep 1000']\n"
    )
}

/// The machine's parts of the log's lines that have `event`.
fn events(home: &Home, event: &str) -> Vec<Value> {
    let log = home.log();
    let parts = log.lines().filter_map(|line| {
        let (_, machine) = line.split_once(" {\"")?;
        let (machine, _) = machine.rsplit_once(" #")?;
        serde_json::from_str::<Value>(&format!("{{\"{machine}")).ok()
    });
    parts.filter(|part| part["event"] == event).collect()
}

fn said(done: &crate::cli::Done) -> String {
    format!("{:?}: {}{}", done.code, done.stdout, done.stderr)
}

#[test]
fn a_project_is_started_shown_restarted_and_stopped_and_the_log_says_outside_of_what() {
    engine_or_skip!();
    let _swept = Swept("guard-test-ordinary");
    let home = project("guard-test-ordinary");
    home.write("docker-compose.yml", &ordinary());
    home.write(".env", "GREETING=hello\n");
    let up = guard(&home, &["exec", "--", "docker-compose", "up", "-d"]);
    assert_eq!(up.code, Some(0), "{}", said(&up));
    assert!(up.stderr.contains("guard: ran outside the fence"), "{}", up.stderr);
    let environment = engine::inspect("guard-test-ordinary", "{{json .Config.Env}}");
    assert_eq!(environment, ["[\"GREETING=hello\"]"]);
    let start = &events(&home, "shell_start")[0];
    let hash = |name: &str| guard::event::line::hex(&Sha256::digest(home.read(name)));
    assert_eq!(start["composition"]["project"], "guard-test-ordinary");
    assert_eq!(start["composition"]["config"].as_str().map(str::len), Some(64));
    let files = serde_json::json!([
        {"path": ".env", "sha256": hash(".env")},
        {"path": "docker-compose.yml", "sha256": hash("docker-compose.yml")}
    ]);
    assert_eq!(start["composition"]["files"], files);
    assert_eq!(events(&home, "shell_end")[0]["fence"], "none");

    let ps = guard(&home, &["exec", "--json", "--", "docker-compose", "ps"]);
    let ps: Value = serde_json::from_str(&ps.stdout).unwrap();
    assert_eq!((&ps["verdict"], &ps["exit_code"], &ps["fence"]["level"]), (&"allow".into(), &0.into(), &"none".into()));
    assert!(ps["stdout"].as_str().unwrap().contains("guard-test-ordinary"), "{ps}");
    assert!(ps["fence"]["missing"][0].as_str().unwrap().contains("Docker socket"), "{ps}");
    let logs = guard(&home, &["exec", "-c", "docker-compose logs --tail=5 web"]);
    assert!(logs.stdout.contains("hello"), "{}", said(&logs));
    let before = engine::inspect("guard-test-ordinary", "{{.State.StartedAt}}");
    let restart = guard(&home, &["exec", "--", "docker-compose", "restart", "-t", "0", "web"]);
    assert_eq!(restart.code, Some(0), "{}", said(&restart));
    assert_ne!(engine::inspect("guard-test-ordinary", "{{.State.StartedAt}}"), before);
    let down = guard(&home, &["exec", "--", "docker-compose", "down", "-t", "0"]);
    assert_eq!(down.code, Some(0), "{}", said(&down));
    assert_eq!(engine::inspect("guard-test-ordinary", "x"), Vec::<String>::new());
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn secrets_in_the_configuration_leave_no_hash_behind() {
    engine_or_skip!();
    let _swept = Swept("guard-test-secret");
    let home = project("guard-test-secret");
    home.write("docker-compose.yml", &ordinary());
    home.write(".env", "GREETING=hello\nDB_PASSWORD=correct-horse-staple\n");
    home.write("docker-compose.override.yml", "services: {web: {environment: {DB_PASSWORD: '${DB_PASSWORD}'}}}\n");
    let up = guard(&home, &["exec", "--", "docker-compose", "up", "-d"]);
    assert_eq!(up.code, Some(0), "{}", said(&up));
    assert!(engine::inspect("guard-test-secret", "{{json .Config.Env}}")[0].contains("correct-horse-staple"));
    let composition = &events(&home, "shell_start")[0]["composition"];
    assert_eq!(
        (&composition["config"], &composition["files"][0]["sha256"]),
        (&Value::Null, &Value::Null),
        "{composition}"
    );
    assert_eq!(composition["files"].as_array().map(Vec::len), Some(3), "{composition}");
    assert!(!home.log().contains("correct-horse-staple"));
}

#[test]
fn what_runs_is_what_was_judged_though_every_file_changes_before_it_runs() {
    engine_or_skip!();
    let _swept = Swept("guard-test-race");
    let home = project("guard-test-race");
    home.write("docker-compose.yml", &ordinary());
    home.write(".env", "GREETING=judged\n");
    // Between judging and running, an agent is as quick as can be: the real tool is started by a script that first
    // writes what was not judged.
    let evil = "services: {web: {image: 'IMAGE', network_mode: none, privileged: true, volumes: ['/etc:/e'], command: [sleep, '99']}}";
    home.write("evil.yml", &evil.replace("IMAGE", IMAGE));
    home.write(
        "evil.env",
        "GREETING=changed\nCOMPOSE_FILE=evil.yml\nCOMPOSE_PROJECT_NAME=evil\nDOCKER_HOST=tcp://127.0.0.1:1\n",
    );
    let bin = home.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let script = bin.join("docker-compose");
    std::fs::copy(tool().unwrap(), bin.join("the-tool")).unwrap();
    let text = format!(
        "#!/bin/sh\nfor word; do test \"$word\" = up && cd {project} && cp evil.yml docker-compose.yml && cp evil.yml \
         compose.yaml && cp evil.env .env; done\nexec {tool} \"$@\"\n",
        project = home.project.display(),
        tool = bin.join("the-tool").display(),
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let up = done(
        home.command(&["exec", "--", "docker-compose", "up", "-d"])
            .env("PATH", format!("{}:{}", bin.display(), path())),
    );
    assert_eq!(up.code, Some(0), "{}", said(&up));
    assert!(home.read(".env").contains("changed"), "the files did change");
    let found = engine::inspect(
        "guard-test-race",
        "{{.HostConfig.Privileged}} {{json .HostConfig.Binds}} {{json .Config.Env}}",
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("false ") && found[0].ends_with("[\"GREETING=judged\"]"), "{found:?}");
    assert!(!found[0].contains("/etc"), "{found:?}");
    assert_eq!(engine::inspect("evil", "x"), Vec::<String>::new());
}

#[test]
fn the_callers_environment_chooses_neither_file_nor_project_nor_machine() {
    // SANDBOX.md, attacks, docker-compose: `COMPOSE_FILE`, `-H tcp://`.
    engine_or_skip!();
    let _swept = Swept("guard-test-environment");
    let home = project("guard-test-environment");
    home.write("docker-compose.yml", &ordinary());
    home.write("evil.yml", "services: {evil: {image: x, privileged: true}}\n");
    let up = done(
        home.command(&["exec", "--", "docker-compose", "up", "-d"])
            .env("PATH", path())
            .env("COMPOSE_FILE", "evil.yml")
            .env("COMPOSE_PROJECT_NAME", "evil")
            .env("COMPOSE_ENV_FILES", "evil.yml")
            .env("DOCKER_HOST", "tcp://127.0.0.1:1")
            .env("DOCKER_CONTEXT", "evil")
            .env("DOCKER_TLS_VERIFY", "1")
            .env("DOCKER_CERT_PATH", "/nonexistent")
            .env("DOCKER_CONFIG", &home.project),
    );
    assert_eq!(up.code, Some(0), "{}", said(&up));
    assert_eq!(engine::inspect("guard-test-environment", "{{.HostConfig.Privileged}}"), ["false"]);
}

#[test]
fn a_call_in_a_folder_below_means_the_nearest_compose_file_above_it() {
    engine_or_skip!();
    let _swept = Swept("guard-test-below");
    let home = project("guard-test-outer");
    home.write("docker-compose.yml", "services: {evil: {image: x, privileged: true}}\n");
    home.write("guard-test-below/docker-compose.yml", &ordinary());
    home.write("guard-test-below/deeper/x", "");
    let up = done(
        home.command(&["exec", "--", "docker-compose", "up", "-d"])
            .env("PATH", path())
            .current_dir(home.project.join("guard-test-below/deeper")),
    );
    assert_eq!(up.code, Some(0), "{}", said(&up));
    assert_eq!(engine::inspect("guard-test-below", "{{.HostConfig.Privileged}}"), ["false"]);
}

/// Allows what the preset asks for: a call that does not end by itself.
const FOLLOW: &str = "\n[[rule]]\nid = \"follow\"\nprogram = \"docker-compose\"\nsubcommand = \"logs\"\nflags_any = [\"-f\"]\n\
    verdict = \"allow\"\nreason = \"is wanted here\"\n";

/// Processes whose command line holds `word`.
fn running(word: &str) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(word)).count()
}

#[test]
fn the_time_limit_and_signals_end_it_outside_the_fence_too() {
    engine_or_skip!();
    let _swept = Swept("guard-test-limits");
    let home = project("guard-test-limits");
    home.write("docker-compose.yml", &ordinary());
    home.trust(FOLLOW);
    assert_eq!(guard(&home, &["exec", "--", "docker-compose", "up", "-d"]).code, Some(0));
    let late = guard(&home, &["exec", "--timeout", "2", "--", "docker-compose", "logs", "-f"]);
    assert_eq!(late.code, Some(124), "{}", said(&late));
    assert!(late.stderr.contains("timed out"), "{}", late.stderr);
    assert_eq!(running("--project-name\0guard-test-limits"), 0, "nothing is left of it");
    assert_eq!(events(&home, "shell_end").last().unwrap()["ended"], "timed_out");

    for (name, code) in [("INT", 130), ("TERM", 143), ("KILL", -1)] {
        let mut child = Command::new("env")
            .args([
                "--default-signal=INT,TERM",
                env!("CARGO_BIN_EXE_guard"),
                "exec",
                "--",
                "docker-compose",
                "logs",
                "-f",
            ])
            .current_dir(&home.project)
            .env_clear()
            .env("PATH", path())
            .env("HOME", home.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("it runs", || running("--project-name\0guard-test-limits") > 0);
        std::thread::sleep(Duration::from_millis(500));
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
        let ended = child.wait().unwrap();
        if code > 0 {
            assert_eq!(ended.code(), Some(code), "{name}");
            assert_eq!(events(&home, "shell_end").last().unwrap()["ended"], "cancelled", "{name}");
        }
        until("nothing is left of it", || running("--project-name\0guard-test-limits") == 0);
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_exit_code_is_docker_composes_own() {
    engine_or_skip!();
    let home = project("guard-test-code");
    home.write("docker-compose.yml", &ordinary());
    let done = guard(&home, &["exec", "--", "docker-compose", "restart", "no-such-service"]);
    assert_eq!(done.code, Some(1), "{}", said(&done));
    assert!(done.stderr.to_lowercase().contains("no such service"), "{}", done.stderr);
}
