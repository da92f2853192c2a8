//! What it costs to read a statement: median and 99th percentile over ordinary queries, by engine and length, and the worst texts;
//! and to read and judge one by a policy with groups of relations, whose names the server's catalog has told of before, where `scripts/servers` started a server.
//! Prints for people.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark reports, and may stop")]

use guard::action::query::{Engine, read};
use guard::decide::{Layer, Policy, QueryGround, Source, Verdict, examined, judge_query};
use guard::execute::query::{Endpoint, Limits, Session};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A query of about a hundred characters, which is what people ask in the middle.
const MEDIAN: &str =
    "SELECT o.symbol, count(*) FROM orders AS o WHERE o.status = 'pending' AND o.quantity > 10 GROUP BY o.symbol";

/// Queries as agents write them.
const ORDINARY: &[&str] = &[
    "SELECT count(*) FROM orders",
    "SELECT * FROM orders WHERE status = 'pending' LIMIT 50",
    "SELECT * FROM fills WHERE filled_at > now() - INTERVAL '1 hour'",
    MEDIAN,
    "SELECT o.id, f.price FROM orders o JOIN fills f ON f.order_id = o.id WHERE o.id IN (SELECT id FROM recent) ORDER BY 1",
    "WITH late AS (SELECT id, age(now(), sent_at) AS waited FROM orders WHERE done_at IS NULL) SELECT * FROM late WHERE \
     waited > INTERVAL '5 minutes' ORDER BY waited DESC LIMIT 20",
];

/// And of QuestDB.
const QUESTDB: &[&str] = &[
    "SELECT COUNT(*) FROM candles WHERE symbol = 'BTC-USD'",
    "SELECT timestamp, count() FROM candles WHERE timestamp > dateadd('d', -1, now()) SAMPLE BY 1h FILL(0) ALIGN TO CALENDAR",
    "SELECT t.timestamp, q.bid FROM trades t ASOF JOIN quotes q ON (symbol) TOLERANCE 1s WHERE t.symbol = 'BTC-USD' LIMIT -10",
];

fn main() {
    measure("PostgreSQL, median length", Engine::Postgres, &[MEDIAN]);
    measure("PostgreSQL, ordinary", Engine::Postgres, ORDINARY);
    measure("QuestDB, ordinary", Engine::QuestDb, QUESTDB);
    measure("SQLite, median length", Engine::Sqlite, &[MEDIAN]);
    judged();
    let list: Vec<String> = (0..1_500).map(|number| number.to_string()).collect();
    measure(
        "PostgreSQL, IN of 1,500",
        Engine::Postgres,
        &[&format!("SELECT * FROM t WHERE id IN ({})", list.join(", "))],
    );
    for (name, unit) in
        [("brackets", "("), ("minus", "- "), ("case", "case when a then "), ("and", "a and "), ("casts", "a::int[], ")]
    {
        let mut text = "select ".to_owned();
        while text.len() + unit.len() <= 16 << 10 {
            text.push_str(unit);
        }
        let start = Instant::now();
        let is_read = read(Engine::Postgres, black_box(&text)).is_ok();
        println!(
            "{:<28} {:>9.1?}  {}",
            format!("16 KiB of {name}"),
            start.elapsed(),
            if is_read { "read" } else { "refused" }
        );
    }
}

/// Reading and judging, with the policy loaded: before the catalog is asked, and with everything known that it says.
fn judged() {
    let Ok(url) = std::env::var("GUARD_TEST_POSTGRES") else {
        return println!("no server: not judged by its catalog (eval \"$(scripts/servers start)\")");
    };
    let text = "version = 1\nextends = [\"python-trading\"]\n".to_owned();
    let policy: Policy = examined(&[Source { layer: Layer::Project, name: "guard.toml".into(), text }]).unwrap();
    let table = "CREATE TABLE IF NOT EXISTS orders (id int, symbol text, status text, quantity numeric)";
    let mut made = Command::new("psql");
    made.args(["-X", "-q", &url, "-c", table]).env("PGOPTIONS", "-c client_min_messages=error");
    assert!(made.status().unwrap().success());
    let query = read(Engine::Postgres, MEDIAN).unwrap();
    let endpoint = Endpoint::of_url(Engine::Postgres, &url, Path::new("/")).unwrap();
    let mut session = Session::open(&endpoint, &Limits::default()).unwrap();
    let mut ground = QueryGround::default();
    loop {
        let wanted = ground.missing(&query);
        if wanted.is_empty() {
            break;
        }
        let said = session.catalog(&wanted).unwrap();
        ground.learn(Engine::Postgres, wanted, said);
    }
    for (name, ground) in [("judged, no catalog", None), ("judged, catalog warm", Some(&ground))] {
        timed(name, &[MEDIAN], |text| {
            let query = read(Engine::Postgres, black_box(text)).unwrap();
            assert_eq!(judge_query(&query, black_box(ground), &policy).verdict, Verdict::Allow);
        });
    }
}

fn measure(name: &str, engine: Engine, texts: &[&str]) {
    timed(name, texts, |text| {
        black_box(read(engine, black_box(text)).unwrap());
    });
}

fn timed(name: &str, texts: &[&str], call: impl Fn(&str)) {
    let mut times = Vec::new();
    for round in 0..2_000 / texts.len().max(1) {
        for text in texts {
            let start = Instant::now();
            call(text);
            if round >= 20 {
                times.push(start.elapsed());
            }
        }
    }
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or(Duration::ZERO);
    println!("{name:<28} median {:>9.1?}  99 % {:>9.1?}", at(50), at(99));
}
