//! The structure of whole statements, for rules that look at what is computed from what.

use super::postgres;
use guard::action::query::{
    Block, Body, Bound, Compound, Distinct, Expr, From, Join, Literal, Node, On, Quantifier, QueryAs, Set, Unit,
};

fn block(body: &Body) -> &Block {
    match &body.set {
        Set::Block(block) => block,
        other => panic!("{other:?}"),
    }
}

/// An expression as brackets and names.
fn drawn(expr: &Expr) -> String {
    let all = |exprs: &[Expr]| exprs.iter().map(drawn).collect::<Vec<_>>().join(" ");
    match &expr.node {
        Node::Column(path) => path.to_string(),
        Node::Star(_) => "*".to_owned(),
        Node::Literal(Literal::Number(number)) => number.clone(),
        Node::Literal(Literal::Text(text)) => format!("{text:?}"),
        Node::Literal(other) => format!("{other:?}").to_lowercase(),
        Node::Call(call) => format!("{}({})", call.function.path, all(&call.arguments)),
        Node::Operation { operator, quantifier, operands } => {
            let quantifier = match quantifier {
                None => "",
                Some(Quantifier::Any) => " any",
                Some(Quantifier::All) => " all",
            };
            format!("[{}{quantifier} {}]", operator.symbol, all(operands))
        }
        Node::Case { of, arms, otherwise } => {
            let of = of.as_ref().map_or(String::new(), |of| drawn(of));
            let arms: Vec<_> = arms.iter().map(|(when, then)| format!("{}→{}", drawn(when), drawn(then))).collect();
            format!("case {of}{} else {}", arms.join(" "), otherwise.as_ref().map_or(String::new(), |of| drawn(of)))
        }
        Node::Cast { of, to } => format!("{}::{}", drawn(of), to.path),
        Node::Field { of, field } => format!("({}).{}", drawn(of), field.name),
        Node::Subscript { of, at } => format!("{}[{}]", drawn(of), all(at)),
        Node::Query { as_what, .. } => match as_what {
            QueryAs::Value => "query".to_owned(),
            QueryAs::Exists => "exists".to_owned(),
            QueryAs::Array => "array query".to_owned(),
        },
        Node::Row(parts) => format!("row<{}>", all(parts)),
        Node::Array(parts) => format!("array<{}>", all(parts)),
        Node::Grouping(parts) => format!("grouping<{}>", all(parts)),
    }
}

fn first(sql: &str) -> String {
    let query = postgres(&format!("select {sql}"));
    drawn(&block(query.shape().unwrap()).columns[0].expr)
}

#[test]
fn expressions_are_trees() {
    for (sql, told) in [
        ("sqrt(avg(x * x) - avg(x) ^ 2)", "sqrt([- avg([* x x]) [^ avg(x) 2]])"),
        ("a and b and c or d", "[or [and a b c] d]"),
        ("not a = 1 + 2 * 3", "[not [= a [+ 1 [* 2 3]]]]"),
        ("a in (1, 2)", "[in a row<1 2>]"),
        ("a in (1)", "[in a row<1>]"),
        ("a in (select 1)", "[in a query]"),
        ("a = any (array[1])", "[= any a array<1>]"),
        ("a > all (select 1)", "[> all a query]"),
        ("case a when 1 then 'x' else y end", "case a1→\"x\" else y"),
        ("x::int[] || '1'::int", "[|| x::int \"1\"::int]"),
        ("(x).f.g", "((x).f).g"),
        ("x[1:2][3]", "x[1 2][3]"),
        ("exists (select 1)", "exists"),
        ("array(select 1)", "array query"),
        ("(1, 2) = row(3, 4)", "[= row<1 2> row<3 4>]"),
        ("count(*) filter (where a)", "count(*)"),
        ("a like 'x' escape '!'", "[like a \"x\" \"!\"]"),
        ("E'a\\'\\u00e9\\n'", "\"a'é\\n\""),
        ("$x$it's$x$", "\"it's\""),
        ("a between 1 and 2", "[between a 1 2]"),
        ("extract(year from t)", "extract(\"year\" t)"),
        ("null", "null"),
    ] {
        assert_eq!(first(sql), told, "{sql}");
    }
}

#[test]
fn sources_say_how_they_are_joined_and_on_what() {
    let query = postgres(
        "select 1 from a, b x left join (select 2) y on a.i = y.i full join c using (k, l) natural join d cross join e,
         lateral f(1) g(n), (h join i on true) j",
    );
    let sources = &block(query.shape().unwrap()).sources;
    let told: Vec<_> = sources
        .iter()
        .map(|source| {
            let from = match &source.from {
                From::Relation(relation) => relation.path.to_string(),
                From::Definition(name) => format!("with {name}"),
                From::Query(_) => "query".to_owned(),
                From::Calls(calls) => calls.iter().map(drawn).collect(),
                From::Nested(inner) => format!("{} nested", inner.len()),
            };
            let on = match &source.on {
                On::Nothing => String::new(),
                On::Condition(on) => drawn(on),
                On::Columns(names) => names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(","),
                On::Natural => "natural".to_owned(),
            };
            let alias = source.alias.as_ref().map_or("", |alias| alias.as_str()).to_owned();
            (source.join, from, alias, on, source.is_lateral)
        })
        .collect();
    let row = |join, from: &str, alias: &str, on: &str, lateral| {
        (join, from.to_owned(), alias.to_owned(), on.to_owned(), lateral)
    };
    let expected = [
        row(Join::Comma, "a", "", "", false),
        row(Join::Comma, "b", "x", "", false),
        row(Join::Left, "query", "y", "[= a.i y.i]", false),
        row(Join::Full, "c", "", "k,l", false),
        row(Join::Inner, "d", "", "natural", false),
        row(Join::Cross, "e", "", "", false),
        row(Join::Comma, "f(1)", "g", "", true),
        row(Join::Comma, "2 nested", "j", "", false),
    ];
    assert_eq!(told, expected);
}

#[test]
fn blocks_hold_keys_filters_windows_orders_and_limits() {
    let query = postgres(
        "select distinct on (a) a as key, sum(b) over w from t where c > 1 group by a, rollup (b, c), grouping sets ((a), ())
         having count(*) > 2 window w as (partition by a order by d desc rows between 3 preceding and current row)
         order by a desc, b limit 10 offset 20",
    );
    let body = query.shape().unwrap();
    let block = block(body);
    assert!(matches!(&block.distinct, Distinct::On(on) if on.len() == 1));
    assert_eq!(block.columns[0].alias.as_ref().unwrap().as_str(), "key");
    assert_eq!(drawn(block.filter.as_ref().unwrap()), "[> c 1]");
    let keys: Vec<_> = block.keys.iter().map(drawn).collect();
    assert_eq!(keys, ["a", "grouping<b c>", "grouping<a row<>>"]);
    assert_eq!(drawn(block.having.as_ref().unwrap()), "[> count(*) 2]");
    let (name, window) = &block.windows[0];
    let frame = window.frame.as_ref().unwrap();
    assert_eq!((name.as_str(), frame.unit, &frame.end), ("w", Unit::Rows, &Some(Bound::Current)));
    assert!(matches!(&frame.start, Bound::Preceding(of) if drawn(of) == "3"));
    assert!(window.order[0].descends);
    assert_eq!(body.order.iter().map(|sort| sort.descends).collect::<Vec<_>>(), [true, false]);
    assert_eq!(drawn(body.limit.count.as_ref().unwrap()), "10");
    assert_eq!(drawn(body.limit.offset.as_ref().unwrap()), "20");
}

#[test]
fn unions_are_flat_and_their_limits_are_the_whole_ones() {
    let query = postgres(
        "with a as (select 1) select 1 union all select 2 union all (select 3 limit 1) except select 4 limit 5",
    );
    let body = query.shape().unwrap();
    assert_eq!(body.definitions.len(), 1);
    assert!(body.limit.count.is_some());
    let Set::Compound { with: Compound::Except, is_all: false, parts } = &body.set else { panic!("{:?}", body.set) };
    let Set::Compound { with: Compound::Union, is_all: true, parts: inner } = &parts[0].set else { panic!() };
    assert_eq!((parts.len(), inner.len()), (2, 3));
    assert!(inner[2].limit.count.is_some());
    // A limit around a query in brackets that has its own.
    let query = postgres("(select 1 limit 2) limit 1");
    assert!(
        matches!(&block(query.shape().unwrap()).sources[0].from, From::Query(inner) if inner.limit.count.is_some())
    );
}
