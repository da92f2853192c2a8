//! The shipped presets: they load, their examples hold, every rule is complete.

use super::world::{answer, line};
use guard::decide::policy::{Check, Faults, Network, PACKS, PRESETS, Runner, Writes, embedded};
use guard::decide::{Layer, Policy, Source, Verdict, check_examples};
use std::time::Duration;

pub(crate) fn extending(name: &str) -> Source {
    Source { layer: Layer::Project, name: "guard.toml".into(), text: format!("version = 1\nextends = [\"{name}\"]\n") }
}

fn load(name: &str) -> Result<Policy, Faults> {
    Policy::load(&[extending(name)])
}

#[test]
fn every_preset_loads_and_its_examples_hold() {
    for preset in PRESETS {
        let policy = load(preset.name).unwrap_or_else(|faults| panic!("{faults}"));
        if let Err(faults) = check_examples(&policy) {
            let lines: Vec<String> = faults
                .iter()
                .map(|f| {
                    format!(
                        "{} {} {:?} should_match={} matched {:?}",
                        f.at, f.id, f.example.line, f.should_match, f.matched
                    )
                })
                .collect();
            panic!("{}:\n{}", preset.name, lines.join("\n"));
        }
    }
}

#[test]
fn every_rule_has_examples_and_every_one_that_denies_says_what_to_do() {
    // A rule about wrappers is met at the wrapper, so that no command shows it.
    const AROUND: [&str; 2] = ["more-rights-around", "parallel-commands"];
    let policy = load("python-trading").unwrap();
    let mut lacking: Vec<String> = Vec::new();
    for ((_, verdict, text), examples) in policy.rules().zip(policy.examples()) {
        if examples.misses.is_empty() || examples.hits.is_empty() && !AROUND.contains(&text.id.as_str()) {
            lacking.push(format!("{}: no examples", text.id));
        }
        if verdict == Verdict::Deny && text.instead.is_none() {
            lacking.push(format!("{}: no remedy", text.id));
        }
        if text.reason.starts_with(char::is_uppercase) || text.reason.ends_with('.') {
            lacking.push(format!("{}: the reason is no fragment", text.id));
        }
    }
    assert_eq!(lacking, [] as [String; 0]);
}

#[test]
fn the_folder_of_packs_equals_its_table_and_each_is_part_of_a_preset() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policy/pack");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut names: Vec<&str> = PACKS.iter().map(|pack| pack.name).collect();
    names.sort_unstable();
    assert_eq!(files, names);
    for pack in PACKS {
        let named = format!("\"{}\"", pack.name);
        assert!(PRESETS.iter().any(|preset| preset.text.contains(&named)), "{}", pack.name);
        assert!(pack.text.starts_with(&format!("# The pack `{}`", pack.name)), "{}", pack.name);
    }
    assert_eq!(embedded().count(), PACKS.len() + PRESETS.len());
}

#[test]
fn a_project_may_extend_a_pack_by_its_name() {
    let policy = load("docker-compose").unwrap();
    assert_eq!(line(&policy, "docker-compose up -d").grant().runner, Some(Runner::Compose));
    assert_eq!(line(&load("default").unwrap(), "docker-compose up -d").verdict(), Verdict::Ask);
}

#[test]
fn the_default_preset_sets_every_setting_itself() {
    let text = PRESETS[0].text;
    for key in [
        "supervision",
        "observe",
        "timeout",
        "memory",
        "memory_window",
        "file_size",
        "total_write",
        "output",
        "cpu",
        "processes",
        "open_files",
        "parallel",
        "total",
        "syntax",
        "import",
        "type",
        "test",
        "runtime",
        "database",
        "denials",
        "files",
        "require",
    ] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
    }
}

#[test]
fn the_trading_preset_keeps_the_owner_s_limits_and_budgets() {
    let policy = load("python-trading").unwrap();
    let settings = policy.settings();
    let limits = &settings.limits;
    assert_eq!(limits.timeout, Duration::from_secs(60));
    assert_eq!((limits.memory, limits.memory_window), (1_000_000_000, Duration::from_secs(30)));
    assert_eq!((limits.file_size, limits.parallel), (10_000_000, 1));
    let attempts = &settings.attempts;
    let budgets = [attempts.total, attempts.syntax, attempts.import, attempts.r#type, attempts.test, attempts.runtime];
    assert_eq!(budgets, [3, 3, 2, 3, 3, 2]);
    assert_eq!((attempts.database, attempts.denials, settings.iteration.files), (1, 3, 2));
    let pattern = "^(python|pytest|pylint|mypy|black|isort|docker-compose|pip)";
    assert_eq!(settings.whitelists[0].pattern(), pattern);
}

/// The owner's specification, skill 2: what is allowed, forbidden, and left to a person.
#[test]
fn the_owner_s_lists_come_out_as_written() {
    let policy = load("python-trading").unwrap();
    let allowed = [
        "python main.py --mode backtest",
        "python main.py --mode paper",
        "python scripts/validate_config.py",
        "python main.py --mode paper --duration 5min",
        "python services/feed.py",
        "pytest tests/",
        "pytest tests/test_risk.py",
        "pytest --cov=services tests/",
        "pylint services/ shared/",
        "mypy services/ shared/ --strict",
        "black --check .",
        "isort --check-only .",
        "docker-compose up -d",
        "docker-compose down",
        "docker-compose ps",
        "docker-compose logs db",
        "docker-compose restart db",
        "pip install -r requirements.txt",
        "pip install requests",
        "pip list",
        "rm build/x.o",
        "python3.11 -c 'print(1)'",
        "python - <<'E'\nprint(1)\nE",
    ];
    let denied = [
        "alembic upgrade head",
        "python -m alembic upgrade head --sql",
        "docker-compose down -v",
        "docker-compose rm",
        "docker-compose rm -fsv",
        "docker volume rm x",
        "docker network rm x",
        "rm -rf /",
        "rm -rf /etc",
        "rm -rf /usr/lib",
        "mkfs.ext4 /dev/sda1",
        "mkfs /dev/sdb",
        "dd if=/dev/zero of=/dev/sda",
        "chmod 777 /etc/passwd",
        "chown me /usr/bin",
        "sudo ls",
        "su root",
        "kill -9 1",
        "kill -9 4321",
        "iptables -F",
        "ifconfig eth0 up",
        "apt install x",
        "apt-get update",
        "yum install x",
        "python main.py --mode live",
        "python main.py --mode=live --duration 5min",
    ];
    let asked = [
        "npm install",
        "./run.sh",
        "node x.js",
        "curl https://example.com",
        "pytest -n 4",
        "docker-compose exec db sh",
        "docker-compose up",
        "rm shared/models.py",
        "pythonx a.py",
        "pip-evil x",
        "python main.py --mode backtest --lookback 20",
        "pip uninstall -y requests",
        "pip install git+https://h.example/x",
    ];
    for (lines, expected) in [(&allowed[..], Verdict::Allow), (&denied[..], Verdict::Deny), (&asked[..], Verdict::Ask)]
    {
        for text in lines {
            let judgement = line(&policy, text);
            assert_eq!(judgement.verdict(), expected, "{text}: {:?}", answer(&judgement));
        }
    }
}

#[test]
fn a_command_gets_what_its_rule_gives_and_a_line_the_least_of_its_commands() {
    let policy = load("python-trading").unwrap();
    let minute = Duration::from_secs(60);
    let grant = |text: &str| line(&policy, text).grant().clone();

    let tests = grant("pytest tests/");
    assert_eq!((tests.check.map(Check::word), tests.writes, tests.timeout), (Some("test"), true, minute));
    // An exit code that is not the check's own proves nothing.
    for text in [
        "pytest || true",
        "! pytest",
        "pytest; true",
        "pytest | tail",
        "cd x; pytest",
        "ls && pytest",
        "pytest &",
        "(pytest)",
    ] {
        assert_eq!(grant(text).check, None, "{text}");
    }
    for text in ["cd x && pytest", "cd x && cd y&&pytest -q", " cd x  &&  pytest "] {
        assert_eq!(grant(text).check.map(Check::word), Some("test"), "{text}");
    }
    for text in [
        "! cd x && pytest",
        "cd x || pytest",
        "cd x | pytest",
        "(cd x && pytest)",
        "cd \"$X\" && pytest",
        "cd x > y && pytest",
    ] {
        assert_eq!(grant(text).check, None, "{text}");
    }

    assert_eq!((grant("ls").writes, grant("ls").area), (false, Writes::Nothing));
    assert_eq!((grant("git status && ls").writes, grant("cat a > b").writes), (false, true));
    assert!(grant("cd src && ls | grep x && python x.py").writes);
    assert_eq!(grant("git commit -m x").area, Writes::Git);

    let pip = grant("pip install requests");
    let hosts = ["pypi.org".to_owned(), "files.pythonhosted.org".to_owned()];
    assert_eq!((pip.network, &pip.hosts[..], pip.area), (Network::Hosts, &hosts[..], Writes::Venv));
    let both = grant("cd x && pip install requests && ls");
    assert_eq!((both.network, both.hosts.len()), (Network::Hosts, 2));
    let more = grant("pip install requests && python x.py");
    assert_eq!((more.network, more.hosts.len(), more.area), (Network::Loopback, 0, Writes::Project));

    assert_eq!(grant("docker-compose ps").runner, Some(Runner::Compose));
    assert_eq!(grant("frobnicate").timeout, minute);
}

#[test]
fn what_only_reads_reaches_what_a_rule_above_the_presets_opens() {
    let mut source = extending("default");
    source.text += "[[rule]]\nid = \"registry\"\nprogram = \"npm\"\nverdict = \"allow\"\nreason = \"looks\"\n\
                    network = \"hosts\"\nhosts = [\"registry.npmjs.org\"]\n";
    let policy = Policy::load(&[source]).unwrap();
    let reached = |text: &str| {
        let grant = line(&policy, text).grant().clone();
        (grant.network, grant.hosts, grant.area)
    };
    let hosts = vec!["registry.npmjs.org".to_owned()];
    assert_eq!(reached("npm view x"), (Network::Hosts, hosts.clone(), Writes::Nothing));
    assert_eq!(reached("npm view x | head"), (Network::Hosts, hosts, Writes::Nothing));
    assert_eq!(reached("ls | head"), (Network::None, Vec::new(), Writes::Nothing));
}

#[test]
fn a_dry_run_lasts_as_long_as_it_says_and_a_minute_but_never_more_than_six() {
    let policy = load("python-trading").unwrap();
    let table = [
        ("--duration 5min", 360),
        ("--duration=2min", 180),
        ("--duration 30s", 90),
        ("--duration 2h", 360),
        ("--duration soon", 60),
        ("--duration $X", 60),
        ("--duration 1min --duration 5min", 60),
        ("", 60),
    ];
    for (flags, seconds) in table {
        let judgement = line(&policy, &format!("python main.py --mode paper {flags}"));
        assert_eq!(judgement.grant().timeout, Duration::from_secs(seconds), "{flags}");
    }
}

#[test]
fn what_cannot_be_run_at_all_is_denied_by_name_with_a_remedy() {
    let policy = load("default").unwrap();
    let deep = "$(".repeat(10_000);
    let long = format!("echo {}", "x".repeat(2 << 20));
    let table = [
        ("", "guard:empty"),
        ("   ", "guard:empty"),
        ("ls \0", "guard:not-text"),
        ("echo 'a", "guard:syntax"),
        ("ls | | wc", "guard:syntax"),
        (deep.as_str(), "guard:too-big"),
        (long.as_str(), "guard:too-big"),
    ];
    for (text, id) in table {
        let judgement = line(&policy, text);
        let first = &judgement.matches()[0];
        assert_eq!((judgement.verdict(), first.id.as_str()), (Verdict::Deny, id), "{text:.20}");
        assert!(first.instead.is_some() && !first.reason.contains("{}"));
    }
}
