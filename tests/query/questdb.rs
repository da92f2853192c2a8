//! QuestDB's own clauses.

use super::{questdb, refused, uses};
use guard::action::query::{Engine, From, Join, Kind, Literal, Node, On, Query, Set, Unit};

fn block(query: &Query) -> &guard::action::query::Block {
    match &query.shape().unwrap().set {
        Set::Block(block) => block,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_owners_queries_are_read_as_reads() {
    let cases: [(&str, &[&str]); 5] = [
        (
            "SELECT COUNT(*) FROM candles WHERE symbol = 'BTC-USD'",
            &["SELECT", "reads candles", "calls count", "operators ="],
        ),
        (
            "SELECT * FROM candles WHERE timestamp > now() - 1h LIMIT 100",
            &["SELECT", "reads candles", "calls now", "operators >, -"],
        ),
        ("SELECT symbol, COUNT(*) FROM candles GROUP BY symbol", &["SELECT", "reads candles", "calls count"]),
        ("SHOW TABLES", &["SHOW TABLES"]),
        ("SHOW COLUMNS FROM candles", &["SHOW COLUMNS", "reads candles"]),
    ];
    for (sql, told) in cases {
        let query = questdb(sql);
        assert_eq!(uses(&query), told, "{sql}");
        assert!(query.kind().reads_only());
        assert_eq!(query.text(), sql);
    }
}

#[test]
fn sample_by_keeps_its_length_and_its_fill() {
    let sql = "SELECT ts, avg(price) FROM trades WHERE a = 1 SAMPLE BY 1h FROM '2024-01-01' TO '2024-02-01' \
               FILL(PREV, NULL) ALIGN TO CALENDAR TIME ZONE 'Europe/London' WITH OFFSET '00:15' ORDER BY ts LIMIT -10";
    let query = questdb(sql);
    let sample = block(&query).sample.clone().unwrap();
    assert_eq!(sample.every.node, Node::Literal(Literal::Number("1h".to_owned())));
    assert_eq!(sample.place.offset as usize, sql.find("SAMPLE").unwrap());
    assert_eq!(sample.fill.len(), 4);
    assert!(query.shape().unwrap().limit.count.is_some());
    for sql in [
        "SELECT a FROM t SAMPLE BY 5m ALIGN TO FIRST OBSERVATION",
        "SELECT a FROM t SAMPLE BY 1d FILL(LINEAR)",
        "SELECT * FROM (SELECT a FROM t SAMPLE BY 1M) TIMESTAMP(ts) SAMPLE BY 1y",
        "WITH x AS (SELECT a FROM t SAMPLE BY 1d) SELECT * FROM x",
    ] {
        assert_eq!(questdb(sql).reads().len(), 1, "{sql}");
    }
    let told = refused(Engine::QuestDb, "SELECT a FROM t SAMPLE BY");
    assert_eq!(told, "unknown 1:17: guard does not follow SAMPLE BY without a length here");
}

#[test]
fn latest_on_keeps_its_time_and_keys_wherever_where_stands() {
    for sql in [
        "SELECT * FROM trades WHERE a = 1 LATEST ON ts PARTITION BY symbol, side",
        "SELECT * FROM trades LATEST ON ts PARTITION BY symbol, side WHERE a = 1 LIMIT 3",
        "trades WHERE a = 1 LATEST ON ts PARTITION BY symbol, side",
    ] {
        let query = questdb(sql);
        let (on, keys) = block(&query).latest.clone().unwrap();
        assert!(matches!(on.node, Node::Column(path) if path.name.as_str() == "ts"), "{sql}");
        assert_eq!(keys.len(), 2, "{sql}");
        assert!(block(&query).filter.is_some(), "{sql}");
    }
}

#[test]
fn joins_in_time_are_told_as_what_they_are() {
    let kinds = [
        ("ASOF JOIN q ON (symbol) TOLERANCE 1s", Join::Asof),
        ("LT JOIN q", Join::Lt),
        ("SPLICE JOIN q ON (symbol)", Join::Splice),
        (
            "WINDOW JOIN q ON (t.s = q.s) RANGE BETWEEN 1 minute PRECEDING AND 1 minute FOLLOWING INCLUDE PREVAILING",
            Join::Window,
        ),
        ("HORIZON JOIN q ON (symbol) RANGE FROM -1m TO 5m STEP 10s AS h", Join::Horizon),
        ("LEFT JOIN q ON t.s = q.s", Join::Left),
        ("CROSS JOIN q", Join::Cross),
    ];
    for (join, kind) in kinds {
        let query = questdb(&format!("SELECT t.a FROM trades t {join} WHERE t.a > 1"));
        let [first, second] = block(&query).sources.as_slice() else { panic!("{join}") };
        assert_eq!((first.join, second.join), (Join::Comma, kind), "{join}");
        assert!(matches!(&second.from, From::Relation(relation) if relation.path.name.as_str() == "q"), "{join}");
    }
    let query = questdb("SELECT * FROM a ASOF JOIN b ON (x, y) LT JOIN c ON (z)");
    let on: Vec<_> = block(&query).sources.iter().map(|source| source.on.clone()).collect();
    let names = |on: &On| match on {
        On::Columns(names) => names.iter().map(|name| name.as_str().to_owned()).collect(),
        _ => Vec::new(),
    };
    assert_eq!(
        on.iter().map(names).collect::<Vec<_>>(),
        [vec![], vec!["x".to_owned(), "y".to_owned()], vec!["z".to_owned()]]
    );
    let sql = "SELECT 1 FROM t WINDOW JOIN q ON (s) RANGE BETWEEN f() PRECEDING AND 1 minute FOLLOWING";
    assert_eq!(refused(Engine::QuestDb, sql), "unknown 1:52: guard does not follow this part of the join here");
}

#[test]
fn variables_stand_for_their_expressions() {
    let query = questdb("DECLARE @x := f(1), @y := @x + 2 SELECT * FROM t WHERE a = @x AND b < @y");
    assert_eq!(uses(&query), ["SELECT", "reads t", "calls f, f", "operators +, and, =, <"]);
    // They live to the end of the brackets they stand in.
    let query = questdb("SELECT * FROM (DECLARE @x := 1 SELECT @x) a");
    assert_eq!(uses(&query), ["SELECT"]);
    let told = refused(Engine::QuestDb, "SELECT * FROM (DECLARE @x := 1 SELECT @x) a WHERE b = @x");
    assert_eq!(told, "unknown 1:55: guard does not follow `@x`, which no DECLARE before it names here");
    let doubled: Vec<String> = (1..40).map(|n| format!("@v{n} := @v{} + @v{}", n - 1, n - 1)).collect();
    let bomb = format!("DECLARE @v0 := 1, {} SELECT @v39", doubled.join(", "));
    let told = refused(Engine::QuestDb, &bomb);
    assert!(told.starts_with("long 1:") && told.ends_with("its variables make the query too long"), "{told}");
}

#[test]
fn numbers_limits_arrays_and_bare_tables_are_read() {
    for (sql, reads) in [
        ("SELECT #u33d, ##0101, 100_000, 1L, x[1], x[1:2], x[1, 2], ARRAY[1.0, 2.0] FROM t", "t"),
        ("SELECT * FROM t LIMIT 10, 20", "t"),
        ("SELECT * FROM t LIMIT -20, -10", "t"),
        ("SELECT * FROM t WHERE ts IN '2024-01' AND a NOT IN ('x')", "t"),
        ("SELECT * FROM t WHERE ts IN today()", "t"),
        ("SELECT x::symbol, cast(x AS long256) FROM 'my table'", "my table"),
        ("trades", "trades"),
        ("'my trades'", "my trades"),
        ("WITH a AS (trades) SELECT * FROM a", "trades"),
        ("SELECT * FROM (trades LATEST ON ts PARTITION BY s)", "trades"),
        ("EXPLAIN trades", "trades"),
        ("Trades WHERE X = 1", "trades"),
    ] {
        let query = questdb(sql);
        assert!(query.kind().reads_only(), "{sql}");
        assert_eq!(query.reads()[0].path.to_string(), reads, "{sql}");
    }
    assert_eq!(*questdb("trades").kind(), Kind::Select);
}

#[test]
fn frames_say_their_units() {
    let query = questdb("SELECT avg(x) OVER (ORDER BY ts RANGE BETWEEN '1' MINUTE PRECEDING AND CURRENT ROW) FROM t");
    let Node::Call(call) = &block(&query).columns[0].expr.node else { panic!() };
    let frame = call.over.as_ref().unwrap().frame.as_ref().unwrap();
    assert_eq!(frame.unit, Unit::Range);
    let guard::action::query::Bound::Preceding(start) = &frame.start else { panic!() };
    assert_eq!(start.node, Node::Literal(Literal::Number("1 minute".to_owned())));
}

#[test]
fn comments_that_its_lexer_may_end_elsewhere_are_refused() {
    let why = "a quote or `;` inside a comment";
    for (sql, at) in [
        ("select 1 -- it's", "1:10"),
        ("select 1 /* \" */", "1:10"),
        ("select 1 /* ; */", "1:10"),
        ("select 1 /* -- */", "1:10"),
    ] {
        assert_eq!(refused(Engine::QuestDb, sql), format!("broken {at}: {why}"), "{sql}");
    }
    assert_eq!(uses(&questdb("select /* plain */ 1 -- and this")), ["SELECT"]);
}

#[test]
fn what_stands_for_a_clause_cannot_be_written() {
    for sql in [
        "SELECT \"latest on\"(ts, a) FROM t",
        "SELECT \"SAMPLE BY\"(1) FROM t",
        "SELECT * FROM t CLUSTER BY f(a)",
        "SELECT * FROM t DISTRIBUTE BY f(a)",
        "SELECT * FROM t LEFT SEMI JOIN u ON true",
        "SELECT * FROM t SORT BY a",
    ] {
        assert!(refused(Engine::QuestDb, sql).starts_with("unknown 1:"), "{sql}");
    }
}
