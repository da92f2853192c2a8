//! Properties that hold for any text.

use super::uses;
use guard::action::query::{Engine, read};
use proptest::prelude::*;
use std::time::{Duration, Instant};

const ALL: [Engine; 3] = [Engine::Postgres, Engine::QuestDb, Engine::Sqlite];

/// Statements whose tokens are taken apart, put together again and written otherwise.
const SAMPLES: &[&str] = &[
    "select a , b . c , count ( * ) from t as b where a in ( 1 , 2 ) and x like 'y' order by a desc limit 3",
    "with a as ( select x from fills ) select a . x , sum ( y ) over ( partition by z ) from a join b using ( k )",
    "select ( x ) . f , y :: int , date '2020-01-01' , - 1 + 2 * 3 from only t where exists ( select 1 from u )",
    "insert into t ( a ) select f ( b ) from u where c is not null returning a",
    "select case when a then b else c end from a left join b on a . i = b . i group by d having max ( e ) > 4",
];

/// Pieces of SQL, so that random texts come near its grammar.
const PIECES: &[&str] = &[
    "select",
    "from",
    "where",
    "a",
    "t",
    "(",
    ")",
    ",",
    ".",
    "*",
    "1",
    "'x'",
    "\"q\"",
    "and",
    "or",
    "not",
    "in",
    "=",
    "-",
    "+",
    "union",
    "all",
    "with",
    "as",
    "insert into",
    "values",
    "update",
    "set",
    "delete",
    "into",
    "for update",
    "join",
    "on",
    "using",
    "left",
    "lateral",
    "only",
    "table",
    "case",
    "when",
    "then",
    "else",
    "end",
    "::",
    "int",
    "cast(",
    "[",
    "]",
    "array",
    "row",
    "exists",
    "any",
    "between",
    "like",
    "is",
    "null",
    "order by",
    "group by",
    "having",
    "limit",
    "offset",
    "fetch",
    "window",
    "over",
    "partition by",
    "explain",
    "analyze",
    "show",
    ";",
    "--",
    "/*",
    "*/",
    "$$",
    "$a$",
    "E'",
    "\\",
    "'",
    "\"",
    "U&",
    "@",
    ":",
    ":=",
    "sample by",
    "1h",
    "latest on",
    "asof join",
    "declare",
    "@x",
    "tolerance",
    "fill(",
    "align to",
    "range",
    "json_table(",
    "xmltable(",
    "columns",
    "passing",
    "collate",
    "at time zone",
    "operator(",
    "tablesample",
    "grouping sets",
    "rollup(",
    "filter(",
    "within group(",
    "merge into",
    "on conflict",
    "do update",
    "returning",
    "recursive",
    "create table",
    "\n",
    "é",
    "\u{200b}",
    "interval",
    "extract(",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_text_is_read_or_refused(text in text()) {
        for engine in ALL {
            let _ = read(engine, &text);
        }
    }

    #[test]
    fn what_is_cut_out_of_a_statement_is_read_or_refused(sample in proptest::sample::select(SAMPLES), from in 0_usize..100, len in 0_usize..100) {
        let cut: String = sample.chars().skip(from).take(len).collect();
        for engine in ALL {
            let _ = read(engine, &cut);
        }
    }

    #[test]
    fn comments_blanks_and_case_change_no_fact(
        sample in proptest::sample::select(SAMPLES),
        seeds in proptest::collection::vec(0_u8..7, 80),
    ) {
        let plain = uses(&read(Engine::Postgres, sample).unwrap());
        let mut other = String::new();
        for (token, seed) in sample.split(' ').zip(&seeds) {
            let is_name = token.chars().all(|c| c.is_ascii_lowercase()) && token.len() == 1;
            match seed {
                1 => other.push_str(&format!("{} ", token.to_uppercase().replace("'Y'", "'y'"))),
                2 => other.push_str(&format!("{token} /* ; drop table x */ ")),
                3 => other.push_str(&format!("{token} -- it's\n")),
                4 => other.push_str(&format!("\n\t{token} ")),
                5 if is_name => other.push_str(&format!("\"{token}\" ")),
                6 => other.push_str(&format!("{token} /* /* nested */ */ ")),
                _ => other.push_str(&format!("{token} ")),
            }
        }
        prop_assert_eq!(uses(&read(Engine::Postgres, &other).unwrap()), plain, "{}", other);
    }

    #[test]
    fn a_second_statement_behind_a_first_is_never_let_through(sample in proptest::sample::select(SAMPLES), cut in 0_usize..40) {
        let tokens: Vec<&str> = sample.split(' ').collect();
        let at = cut.min(tokens.len());
        let text = format!("{} ; {}", tokens[..at].join(" "), "drop table t");
        for engine in ALL {
            prop_assert!(read(engine, &text).is_err(), "{}", text);
        }
    }
}

/// Texts of one thing over and over, up to the longest that the gate lets in: each ends in time, with any stack a thread has.
#[test]
fn repetitions_neither_overflow_the_stack_nor_take_long() {
    let heads = ["select ", "select * from ", "select 1 from t where ", "select 1::int", "select x", "select case "];
    let mut units: Vec<String> = PIECES.iter().map(|piece| format!("{piece} ")).collect();
    let more = [
        "- ",
        "not ",
        "~ ",
        "@ ",
        "[][]",
        "[1]",
        "::int",
        ".a",
        "(x).",
        " is null",
        "a and ",
        "a or ",
        "1 + ",
        "a || ",
        "a ^ ",
        "a, ",
        "a join b join ",
        "a natural join ",
        "select 1 union ",
        "select 1 union all select 2 intersect ",
        "interval '1' ",
        "collate c ",
        "at time zone a ",
        "between 1 and ",
        "in (1) ",
        "when 1 then 2 ",
        "a = any (b) and ",
        "f(1) ",
        "1 ",
        "'a' ",
        "as a ",
        "with a as (select 1) select ",
        "exists ",
        "a.b.c.d.",
        "(1),",
        "a -> ",
        "lateral ",
        "$a$ $a$",
        "/* */",
        "table a union ",
        "not exists (select 1) and ",
        "@x := ",
        "asof join a ",
        "1h ",
        "a in '1' and ",
        "explain ",
        "array ",
        "row (1), ",
    ];
    units.extend(more.map(str::to_owned));
    for engine in ALL {
        for (number, unit) in units.iter().enumerate() {
            // Each with one head of six when it is long; there would be too many to try.
            for (index, head) in heads.iter().enumerate() {
                for size in if index == number % heads.len() { [1_000, 16 << 10] } else { [300, 600] } {
                    let mut sql = (*head).to_owned();
                    while sql.len() + unit.len() <= size {
                        sql.push_str(unit);
                    }
                    let start = Instant::now();
                    let _ = read(engine, &sql);
                    let took = start.elapsed();
                    assert!(took < Duration::from_secs(20), "{engine}: {head}{unit}…: {took:?}");
                }
            }
        }
    }
}

#[test]
fn a_small_stack_is_enough_for_short_texts() {
    // Other threads of guard, and of tests, have 2 MiB.
    let texts = [
        "not ",
        "- ",
        "(",
        "case when ",
        "::int",
        "a and ",
        "a + ",
        "select 1 union ",
        "a join ",
        "[1]",
        "f(",
        "exists(select ",
    ];
    for engine in ALL {
        for text in texts {
            let sql = format!("select {}", text.repeat(64));
            let thread =
                std::thread::Builder::new().stack_size(1 << 20).spawn(move || read(engine, &sql).is_ok()).unwrap();
            thread.join().unwrap();
        }
    }
}
