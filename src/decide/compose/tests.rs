//! What a configuration asks for, in the words of both versions of docker-compose.

use super::*;
use crate::action::{Action, Facts, Found, Program, Shell};
use crate::decide::{Verdict, configured, judge as judged, policy};
use crate::event::State;

/// What is found for `line` with `services` (YAML, without the key itself) and the rest of the configuration.
fn reasons(line: &str, config: &str) -> Vec<String> {
    let shell = Shell::from_line(line.into());
    let path = PathBuf::from("/usr/bin/docker-compose");
    let found = Found::Program(Program { path: path.clone(), real: path, writable: false });
    let facts = Facts { programs: [("docker-compose".to_owned(), found)].into(), ..Facts::default() };
    let call = Call::read(&shell.commands()[0], &facts).unwrap();
    judge(&call, Path::new("/home/u/app"), &findings(config)).0
}

fn findings(config: &str) -> Findings {
    Findings {
        folder: "/home/u/app".into(),
        elsewhere: Vec::new(),
        config: config.to_owned(),
        guarded: ["/home/u/app/guard.toml", "/home/u/app/.git/hooks", "/home/u/.local/state/guard"]
            .map(PathBuf::from)
            .into(),
        nothing: "/state/empty.env".into(),
    }
}

fn service(keys: &str) -> Vec<String> {
    reasons("docker-compose up -d", &format!("services: {{web: {{image: i, {keys}}}}}"))
}

const HARMLESS: &str = "
name: app
services:
  web:
    command: [sh, -c, 'echo $$HOME']
    depends_on: {db: {condition: service_started, required: true}}
    deploy: {replicas: 2, resources: {limits: {memory: '52428800'}}}
    environment: {A: '1', B: null}
    healthcheck: {test: [CMD, 'true'], interval: 1m30s}
    image: web:1
    ipc: private
    logging: {driver: json-file, options: {max-size: 1m}}
    network_mode: service:db
    ports: [{mode: ingress, target: 80, published: '80', protocol: tcp}]
    privileged: false
    security_opt: ['no-new-privileges:true']
    volumes: ['data:/data:rw', /anon, {type: volume, source: data, target: /d}, {type: tmpfs, target: /t}]
    x-own: {anything: true}
  db: {image: 'postgres:16', networks: {default: null, back: null}, cap_drop: [ALL], cap_add: []}
networks: {default: {name: app_default}, back: {name: app_back, internal: true, driver: bridge}}
volumes: {data: {name: app_data}}
configs: {c: {content: x, name: app_c}}
x-top: 1
";

#[test]
fn an_ordinary_project_asks_nothing_and_runs_as_it_was_judged() {
    assert_eq!(reasons("docker-compose up -d", HARMLESS), Vec::<String>::new());
    let old = "services:\n  web:\n    image: i\n    ports:\n    - published: 80\n      target: 80\nversion: '3.8'\nvolumes:\n  data: {}\n";
    assert_eq!(reasons("docker-compose up -d", old), Vec::<String>::new());
}

#[test]
fn whatever_opens_the_machine_is_named_with_its_service_and_key() {
    // SANDBOX.md, attacks, docker-compose; POLICY.md, the paragraph on docker-compose.
    let table: [(&str, &str); 36] = [
        ("privileged: true", "service `web`: `privileged` makes it root on the machine"),
        ("network_mode: host", "service `web`: `network_mode` is `host`: it shares the machine's"),
        (
            "network_mode: 'container:x'",
            "service `web`: `network_mode` is `container:x`: it shares what is not this project's",
        ),
        ("pid: host", "service `web`: `pid` is `host`: it shares the machine's"),
        ("ipc: host", "service `web`: `ipc` is `host`: it shares the machine's"),
        ("uts: host", "service `web`: `uts` is `host`: it shares the machine's"),
        ("cgroup: host", "service `web`: `cgroup` is `host`: it shares the machine's"),
        ("userns_mode: host", "service `web`: `userns_mode` chooses whose users its users are"),
        (
            "cap_add: [SYS_ADMIN, NET_ADMIN]",
            "service `web`: `cap_add` gives it privileges over the machine: SYS_ADMIN, NET_ADMIN",
        ),
        ("devices: ['/dev/sda:/dev/sda']", "service `web`: `devices` opens devices of the machine"),
        ("device_cgroup_rules: ['c 1:3 mr']", "service `web`: `device_cgroup_rules` opens devices of the machine"),
        ("gpus: all", "service `web`: `gpus` opens devices of the machine"),
        (
            "deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}",
            "service `web`: `deploy` opens devices of the machine",
        ),
        (
            "security_opt: ['apparmor:unconfined']",
            "service `web`: `security_opt` is `apparmor:unconfined`: it changes what holds it in",
        ),
        (
            "security_opt: ['no-new-privileges:false']",
            "service `web`: `security_opt` is `no-new-privileges:false`: it changes what holds it in",
        ),
        (
            "build: {context: .}",
            "service `web`: `build` runs a Dockerfile's commands and copies files of the machine into an image",
        ),
        ("pull_policy: build", "service `web`: `pull_policy` is `build`: runs a Dockerfile's commands"),
        ("runtime: own", "service `web`: `runtime` chooses what runs containers on the machine"),
        ("cgroup_parent: /x", "service `web`: `cgroup_parent` joins a control group of the machine"),
        ("credential_spec: {file: x}", "service `web`: `credential_spec` hands it credentials of the machine"),
        ("external_links: [db]", "service `web`: `external_links` joins containers of another project"),
        (
            "volumes_from: ['container:db:rw']",
            "service `web`: `volumes_from` takes the volumes of `container:db:rw`, which is not this project's",
        ),
        (
            "use_api_socket: true",
            "service `web`: `use_api_socket` hands it the Docker socket, which is root on the machine",
        ),
        ("provider: {type: x}", "service `web`: `provider` starts a program of the machine"),
        ("post_start: [{command: x, privileged: true}]", "service `web`: `post_start` runs a privileged command"),
        ("logging: {driver: syslog}", "service `web`: `logging` sends what it writes away, by `syslog`"),
        ("env_file: [x]", "service `web`: `env_file` is read when it runs, not when it is judged"),
        ("oom_score_adj: -1000", "service `web`: `oom_score_adj` can leave the machine without memory"),
        ("brand_new: 1", "service `web`: `brand_new` is not known to guard"),
        (
            "volumes: ['/:/host:rw']",
            "service `web`: `volumes` mounts `/`, and with it `/home/u/app/guard.toml`, which guard rests on",
        ),
        ("volumes: ['/etc:/e:ro']", "service `web`: `volumes` mounts `/etc` of the machine"),
        (
            "volumes: [{type: bind, source: /home/u/app/../../../etc, target: /e}]",
            "service `web`: `volumes` mounts `/home/u/app/../../../etc` of the machine",
        ),
        (
            "volumes: ['/var/run/docker.sock:/s:ro']",
            "service `web`: `volumes` mounts `/var/run/docker.sock`, the Docker socket, which is root on the machine",
        ),
        (
            "volumes: ['/home/u/app/.git:/g']",
            "service `web`: `volumes` mounts `/home/u/app/.git`, and with it `/home/u/app/.git/hooks`, which guard rests on",
        ),
        (
            "volumes: [{type: bind, source: /home/u/app/data, target: /d, read_only: true}]",
            "service `web`: `volumes` mounts `/home/u/app/data` of the project, where a link in its place would open the whole machine",
        ),
        (
            "volumes: [{type: npipe, source: x, target: y}]",
            "service `web`: `volumes` mounts a `npipe` that guard does not know",
        ),
    ];
    for (keys, expected) in table {
        assert_eq!(service(keys), [expected], "{keys}");
    }
}

#[test]
fn what_is_another_projects_is_named() {
    let config = "
name: app
services: {web: {image: i}}
networks: {a: {external: true, name: a}, b: {name: other_b}, c: {name: app_c, driver: macvlan, driver_opts: {parent: eth0}}}
volumes: {a: {external: true}, b: {name: other_b}, c: {name: app_c, driver_opts: {type: none, o: bind, device: /etc}}, d: {driver: nfs}}
secrets: {a: {file: /home/u/.ssh/id}, b: {environment: HOME}, c: {external: true}}
models: {m: {model: x}}
";
    let expected = [
        "`models` is not known to guard",
        "network `a`: `external`: it is not this project's",
        "network `b`: `name: other_b` can be another project's",
        "network `c`: `driver: macvlan` joins the machine's network",
        "network `c`: `driver_opts` guard does not know: parent",
        "secret `a`: `file` mounts `/home/u/.ssh/id` of the machine",
        "secret `b`: `environment` takes a variable that guard does not pass on",
        "secret `c`: `external`: it is not this project's",
        "volume `a`: `external`: it is not this project's",
        "volume `b`: `name: other_b` can be another project's",
        "volume `c`: `driver_opts` can mount any place of the machine",
        "volume `d`: `driver: nfs` keeps it elsewhere",
    ];
    assert_eq!(reasons("docker-compose up -d", config), expected);
    let named = "{name: other, services: {web: {image: i}}}";
    assert_eq!(
        reasons("docker-compose ps", named),
        ["`name: other` can be another project's; the folder's own name is `app`"]
    );
    assert_eq!(reasons("docker-compose -p other ps", named), Vec::<String>::new(), "the rules have judged `-p`");
}

#[test]
fn only_what_takes_effect_is_asked() {
    let config = "services: {web: {image: i, privileged: true, build: {context: .}, volumes: ['/etc:/e'], provider: {type: x}}}\nnetworks: {n: {name: foreign}}";
    let counts =
        ["up -d", "restart", "down", "ps", "logs"].map(|task| reasons(&format!("docker-compose {task}"), config).len());
    assert_eq!(counts, [5, 3, 2, 0, 0]);
}

#[test]
fn a_configuration_that_cannot_be_relied_on_asks() {
    for (config, expected) in [
        ("a: [", "its configuration cannot be relied on"),
        ("", "its configuration is not one document"),
        ("a: 1\n---\nb: 1\n", "its configuration is not one document"),
        ("services: {web: {<<: {privileged: true}}}", "its configuration still holds `<<`"),
        ("[]", "the configuration is not a mapping"),
        ("services: [web]", "`services` is not a mapping"),
        ("services: {web: x}", "service `web` is not a mapping"),
    ] {
        let found = reasons("docker-compose up -d", config);
        assert!(found.len() == 1 && found[0].contains(expected), "{config}: {found:?}");
    }
}

#[test]
fn what_runs_is_what_was_judged_in_one_spelling() {
    let shell = Shell::from_line("docker-compose up -d".into());
    let path = PathBuf::from("/usr/bin/docker-compose");
    let found = Found::Program(Program { path: path.clone(), real: path, writable: false });
    let facts = Facts {
        project: "/home/u/app".into(),
        programs: [("docker-compose".to_owned(), found)].into(),
        ..Facts::default()
    };
    let text = "version = 1\nextends = [\"python-trading\"]\n";
    let build = |extra: &str| {
        let text = format!("{text}{extra}");
        let source = policy::Source { layer: policy::Layer::Project, name: "guard.toml".into(), text };
        policy::Policy::load(&[source]).unwrap()
    };
    let (attended, unattended) = (build(""), build("supervision = \"unattended\"\n"));
    let before = judged(Action::Shell(shell), &facts, &State::default(), &attended);
    assert_eq!((before.verdict(), before.composed()), (Verdict::Allow, None));

    let harmless =
        configured(before.clone(), &findings("services: {web: {image: i, command: ['a$$b']}}"), &facts, &attended);
    assert_eq!(harmless.verdict(), Verdict::Allow);
    let expected = Composed {
        name: "app".into(),
        folder: "/home/u/app".into(),
        text: r#"{"services":{"web":{"command":["a$$b"],"image":"i"}}}"#.into(),
        nothing: "/state/empty.env".into(),
    };
    assert_eq!(harmless.composed(), Some(&expected));

    let loud = configured(before.clone(), &findings("services: {web: {privileged: true}}"), &facts, &attended);
    assert_eq!(loud.verdict(), Verdict::Ask);
    assert_eq!(loud.matches()[0].id, "guard:configuration");
    let nobody = configured(before, &findings("services: {web: {privileged: true}}"), &facts, &unattended);
    assert_eq!((nobody.verdict(), nobody.matches()[0].id.as_str()), (Verdict::Deny, "guard:unattended"));
}
