//! Attacks through docker-compose. SANDBOX.md, "docker-compose", unless another source is named.

use super::engine::{IMAGE, Swept};
use super::{engine_or_skip, guard, path, project, tool, tool_or_skip};
use crate::cli::{Home, done};
use guard::action::{Action, Facts, Found, Program, Shell};
use guard::decide::{Layer, Policy, Source, judge};
use guard::event::State;
use guard::execute::{Environment, Level, Place, Sink, prepare_config};
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

/// What `exec` of `docker-compose up -d` says to a compose file.
fn up(home: &Home, text: &str) -> (Option<i32>, String) {
    home.write("docker-compose.yml", text);
    let done = guard(home, &["exec", "--", "docker-compose", "up", "-d"]);
    (done.code, done.stderr)
}

#[test]
fn only_five_commands_in_known_forms_pass() {
    tool_or_skip!();
    let home = project("guard-test-forms");
    home.write("docker-compose.yml", "services: {web: {image: i}}\n");
    let table = [
        (0, "docker-compose up -d"),
        (0, "docker-compose up --detach web"),
        (0, "docker-compose down"),
        (0, "docker-compose ps -q"),
        (0, "docker-compose logs --tail=20 web"),
        (0, "docker-compose restart web"),
        (75, "docker-compose -f other.yml up -d"),
        (75, "docker-compose -f - up -d"),
        (75, "docker-compose -H tcp://127.0.0.1:2375 ps"),
        (75, "docker -H tcp://127.0.0.1:2375 compose ps"),
        (75, "docker-compose --project-directory / up -d"),
        (75, "docker-compose --workdir / up -d"),
        (75, "docker-compose --env-file /etc/passwd up -d"),
        (75, "docker-compose --tlskey x ps"),
        (75, "docker-compose run -v /:/host web sh"),
        (75, "docker-compose exec -u root web sh"),
        (75, "docker-compose kill"),
        (75, "docker-compose up"),
        (75, "docker-compose up --detach=false"),
        (75, "docker-compose up -d --build"),
        (75, "docker-compose down --rmi all"),
        (75, "docker-compose logs -f"),
        (75, "COMPOSE_FILE=evil.yml docker-compose up -d"),
        (75, "docker-compose ps > out.txt"),
        (75, "docker-compose ps; true"),
        (75, "timeout 5 docker-compose ps"),
        (126, "docker-compose down -v"),
        (126, "docker-compose down --volumes"),
        (126, "docker-compose down -fv"),
        (126, "docker-compose rm -f"),
        (126, "docker-compose up -d -V"),
    ];
    for (code, line) in table {
        let done = guard(&home, &["check", "-c", line]);
        assert_eq!(done.code, Some(code), "{line}: {}{}", done.stdout, done.stderr);
    }
    let check = guard(&home, &["check", "--", "docker-compose", "up", "-d"]);
    assert!(check.stdout.contains("its configuration is judged when it runs"), "{}", check.stdout);
    assert!(check.stdout.contains("by guard's own runner, outside the fence"), "{}", check.stdout);
}

#[test]
fn a_configuration_that_opens_the_machine_is_not_run_unseen() {
    tool_or_skip!();
    let home = project("guard-test-opens");
    // One service each, so that docker-compose is asked once.
    let services = [
        ("privileged: true", "`privileged` makes it root"),
        ("network_mode: host", "`network_mode` is `host`"),
        ("pid: host", "`pid` is `host`"),
        ("ipc: host", "`ipc` is `host`"),
        ("userns_mode: host", "`userns_mode`"),
        ("cap_add: [SYS_ADMIN]", "`cap_add`"),
        ("devices: ['/dev/sda:/dev/sda']", "`devices`"),
        ("security_opt: ['seccomp:unconfined']", "`security_opt`"),
        ("build: .", "`build`"),
        ("volumes: ['/:/host']", "`volumes` mounts `/`"),
        ("volumes: ['../x:/x']", "of the machine"),
        ("volumes: ['~/.ssh:/x:ro']", ".ssh` of the machine"),
        ("volumes: ['/var/run/docker.sock:/s']", "the Docker socket"),
        ("volumes: ['.:/app']", "which guard rests on"),
        ("volumes: [{type: bind, source: ./data, target: /data}]", "a link in its place would open the whole machine"),
        ("<<: *loud", "`privileged` makes it root"),
        ("secrets: [s]", ""),
        ("volumes: ['own:/v', 'foreign:/w', 'placed:/x']", ""),
        ("networks: [foreign]", ""),
    ];
    let mut text = "version: '3.8'\nx-loud: &loud {privileged: true}\nservices:\n".to_owned();
    for (number, (keys, _)) in services.iter().enumerate() {
        text += &format!("  s{number}: {{image: i, {keys}}}\n");
    }
    text += "volumes: {own: {}, foreign: {external: true}, placed: {driver_opts: {type: none, o: bind, device: /etc}}}\n\
        networks: {foreign: {external: true}}\nsecrets: {s: {file: /etc/passwd}}\n";
    let (code, said) = up(&home, &text);
    assert_eq!(code, Some(75), "{said}");
    for (number, (keys, expected)) in services.iter().enumerate().filter(|(_, (_, expected))| !expected.is_empty()) {
        let found =
            said.lines().any(|line| line.contains(&format!("service `s{number}`: ")) && line.contains(expected));
        assert!(found, "s{number}: {keys}: {said}");
    }
    let rest = [
        "volume `foreign`: `external`",
        "volume `placed`: `driver_opts`",
        "network `foreign`: `external`",
        "secret `s`: `file` mounts `/etc/passwd`",
    ];
    for expected in rest {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!said.contains("`own`"), "{said}");
    // An override adds to what is harmless.
    home.write("docker-compose.override.yml", "services: {web: {ipc: host}}\n");
    let (code, said) = up(&home, "services: {web: {image: i}}");
    assert_eq!((code, said.contains("service `web`: `ipc` is `host`")), (Some(75), true), "{said}");
}

#[test]
fn a_compose_file_that_leads_out_of_the_project_is_not_followed_unseen() {
    tool_or_skip!();
    let home = project("guard-test-leads");
    home.write("x.env", "A=1\n");
    symlink("/etc/passwd", home.project.join("link.env")).unwrap();
    std::fs::write(home.path().join("outside.yml"), "services: {web: {image: i, privileged: true}}\n").unwrap();
    std::fs::write(home.path().join("outside.env"), "SECRET=1\n").unwrap();
    home.write("base.yml", "services: {web: {image: i, pid: host, env_file: /etc/hostname}}\n");
    let table = [
        (
            "services: {web: {image: i, env_file: ../outside.env}}",
            "service `web`: `env_file` `../outside.env` leads out",
        ),
        (
            "services: {web: {image: i, env_file: ../not-yet.env}}",
            "service `web`: `env_file` `../not-yet.env` leads out",
        ),
        (
            "services: {web: {image: i, env_file: [x.env, /etc/hostname]}}",
            "service `web`: `env_file` `/etc/hostname` leads out",
        ),
        ("services: {web: {image: i, env_file: link.env}}", "service `web`: `env_file` `link.env` leads out"),
        ("services: {web: {image: i, env_file: '${X}'}}", "only docker-compose knows where that is"),
        (
            "services: {web: {extends: {file: ../outside.yml, service: web}}}",
            "service `web`: `extends` `../outside.yml` leads out",
        ),
        (
            "services: {web: {extends: {file: base.yml, service: web}}}",
            "service `web`: `env_file` `/etc/hostname` leads out",
        ),
        ("include: [../outside.yml]\nservices: {web: {image: i}}", "`include` `../outside.yml` leads out"),
        ("services: {web: {image: i}} # \u{2028}env_file: /etc/shadow", "U+2028, which tools read differently"),
    ];
    for (text, expected) in table {
        let (code, said) = up(&home, text);
        assert_eq!((code, said.contains(expected)), (Some(75), true), "{text}: {said}");
    }
    std::fs::remove_file(home.project.join("docker-compose.yml")).unwrap();
    symlink(home.path().join("outside.yml"), home.project.join("compose.yml")).unwrap();
    let done = guard(&home, &["exec", "--", "docker-compose", "ps"]);
    assert_eq!((done.code, done.stderr.contains("a compose file leads out")), (Some(75), true), "{}", done.stderr);
}

#[test]
fn what_env_sets_for_docker_compose_itself_is_asked() {
    tool_or_skip!();
    let home = project("guard-test-dotenv");
    home.write("docker-compose.yml", "services: {web: {image: i}}\n");
    home.write("evil.yml", "services: {web: {image: i, privileged: true}}\n");
    for line in [
        "COMPOSE_FILE=evil.yml",
        "export COMPOSE_FILE=evil.yml",
        "'COMPOSE_FILE'=evil.yml",
        "COMPOSE_PROJECT_NAME=other",
        "DOCKER_HOST=tcp://127.0.0.1:1",
        "DOCKER_CONTEXT=other",
    ] {
        home.write(".env", &format!("A=1\n{line}\n"));
        let done = guard(&home, &["exec", "--", "docker-compose", "ps"]);
        assert_eq!((done.code, done.stderr.contains("`.env` sets `")), (Some(75), true), "{line}: {}", done.stderr);
    }
    std::fs::remove_file(home.project.join(".env")).unwrap();
    symlink("/etc/hostname", home.project.join(".env")).unwrap();
    let done = guard(&home, &["exec", "--", "docker-compose", "ps"]);
    assert_eq!(
        (done.code, done.stderr.contains("`.env` leads out of the project")),
        (Some(75), true),
        "{}",
        done.stderr
    );
}

#[test]
fn a_program_that_commands_could_have_put_there_is_not_run_outside() {
    let home = project("guard-test-program");
    home.write("docker-compose.yml", "services: {web: {image: i}}\n");
    home.write("bin/docker-compose", "#!/bin/sh\ntouch \"$HOME/escaped\"\n");
    let script = home.project.join("bin/docker-compose");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let inside = format!("{}:{}", home.project.join("bin").display(), path());
    let done_inside = done(home.command(&["exec", "--", "docker-compose", "ps"]).env("PATH", inside));
    assert_eq!(done_inside.code, Some(75), "{}", done_inside.stderr);

    // Outside the project, but run by an interpreter inside.
    std::fs::create_dir(home.path().join("bin")).unwrap();
    let outer = home.path().join("bin/docker-compose");
    std::fs::write(&outer, format!("#!{}\n", script.display())).unwrap();
    std::fs::set_permissions(&outer, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let outside = format!("{}:{}", home.path().join("bin").display(), path());
    let done_outside = done(home.command(&["exec", "--", "docker-compose", "ps"]).env("PATH", outside));
    assert_eq!(done_outside.code, Some(75), "{}", done_outside.stderr);
    assert!(done_outside.stderr.contains("which commands can change"), "{}", done_outside.stderr);
    assert!(!home.path().join("escaped").exists());
}

#[test]
fn a_configuration_that_cannot_be_printed_is_an_error_in_docker_composes_own_words() {
    tool_or_skip!();
    let home = project("guard-test-broken");
    let nothing = guard(&home, &["exec", "--", "docker-compose", "ps"]);
    assert_eq!((nothing.code, nothing.stderr.contains("there is no `docker-compose.yml`")), (Some(125), true));
    let (code, said) = up(&home, "services: {web: {image: i, depends_on: [missing]}}");
    assert_eq!((code, said.contains("missing")), (Some(125), true), "{said}");
    assert!(home.log().contains("\"event\":\"shell_error\""));
}

#[test]
fn observing_runs_nothing_outside_the_fence_that_would_be_asked() {
    tool_or_skip!();
    let home = Home::with_project("guard-test-observe".as_ref());
    assert_eq!(home.guard(&["init", "--preset", "python-trading", "--observe"]).code, Some(0));
    let (code, said) = up(&home, "services: {web: {image: i, privileged: true}}");
    assert_eq!((code, said.contains("a person has to allow this")), (Some(75), true), "{said}");
    let run = guard(&home, &["exec", "--", "docker-compose", "up"]);
    assert_eq!(run.code, Some(75), "{}", run.stderr);
}

/// Why `./data:/data` is asked: docker follows links each time a container starts. Tried here on a machine of its own.
#[test]
fn a_folder_of_the_project_that_is_mounted_opens_the_machine_once_a_link_stands_in_its_place() {
    engine_or_skip!();
    let _swept = Swept("guard-test-swap");
    let home = project("guard-test-swap");
    let text = format!(
        "version: '3.8'\nservices:\n  web: {{image: {IMAGE}, network_mode: none, command: [sh, -c, 'ls /d; exec sleep 999'], \
         volumes: ['./data:/d:ro']}}\n"
    );
    let (code, said) = up(&home, &text);
    assert_eq!((code, said.contains("a link in its place would open the whole machine")), (Some(75), true), "{said}");

    home.write("data/inside", "");
    let direct = |arguments: &[&str]| {
        let done = Command::new(tool().unwrap()).args(arguments).current_dir(&home.project).output().unwrap();
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    direct(&["up", "-d"]);
    std::fs::rename(home.project.join("data"), home.project.join("before")).unwrap();
    symlink("/etc/apt", home.project.join("data")).unwrap();
    direct(&["restart", "-t", "0"]);
    let logs = direct(&["logs", "--no-color"]);
    assert!(logs.contains("inside") && logs.contains("sources.list"), "{logs}");
}

struct Unseen;

impl Sink for Unseen {
    fn stdout(&mut self, _: &[u8]) {}
    fn stderr(&mut self, _: &[u8]) {}
}

/// The look at the files comes before docker-compose reads them: in between they can change. The fence itself keeps
/// docker-compose from reading anybody's files.
#[test]
fn a_link_that_appears_after_the_look_leads_nowhere() {
    tool_or_skip!();
    let home = project("guard-test-late");
    let secret = home.path().join("secret.env");
    std::fs::write(&secret, "STOLEN=value\n").unwrap();
    symlink(&secret, home.project.join("late.env")).unwrap();
    home.write("inner.env", "FINE=1\n");
    let tool = tool().unwrap();
    let found = Found::Program(Program { path: tool.clone(), real: tool.clone(), writable: false });
    let facts = Facts { programs: [("docker-compose".to_owned(), found)].into(), ..Facts::default() };
    let text = "version = 1\nextends = [\"python-trading\"]\n".to_owned();
    let policy = Policy::load(&[Source { layer: Layer::Project, name: "guard.toml".into(), text }]).unwrap();
    let action = Action::Shell(Shell::from_line("docker-compose up -d".into()));
    let judgement = judge(action, &facts, &State::default(), &policy);
    let place = Place {
        project: home.project.clone(),
        cwd: home.project.clone(),
        protected: Vec::new(),
        hidden: Vec::new(),
        caches: format!("/tmp/guard-caches-{}", std::process::id()).into(),
        reads: guard::execute::Reads::default(),
    };
    let variables = [("PATH".into(), path().into())];
    let environment = Environment::new(variables, &[], &place.caches).for_config();
    let print = |file: &str| {
        home.write("docker-compose.yml", &format!("services: {{web: {{image: i, env_file: {file}}}}}\n"));
        let programs = vec![tool.clone()];
        let bounds = (&place, &environment, Level::Full);
        let prepared =
            prepare_config(judgement.call().unwrap(), &[], &home.project, programs, Duration::from_secs(20), bounds);
        let outcome = prepared.unwrap().run(&mut Unseen).unwrap();
        (outcome.exit_code, String::from_utf8_lossy(&outcome.stdout.head).into_owned())
    };
    let (code, printed) = print("inner.env");
    assert_eq!((code, printed.contains("FINE")), (0, true), "{printed}");
    let (code, printed) = print("late.env");
    assert_ne!(code, 0, "{printed}");
    assert!(!printed.contains("STOLEN"), "{printed}");
}
