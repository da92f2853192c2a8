//! How fast contents are checked, in megabytes a second: `cargo bench --bench content`.
#![expect(clippy::print_stdout, reason = "a bench prints what it measures")]

use guard::action::source::{self, Language, faults, newest};
use std::hint::black_box;
use std::time::Instant;

/// A file of about a megabyte, as people write them.
fn sample(part: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for number in 0.. {
        if text.len() > 1_000_000 {
            break;
        }
        text += &part(number);
    }
    text
}

fn main() {
    let python = sample(|n| {
        format!(
            "class Order{n}(Base):\n    \"\"\"An order of a day.\"\"\"\n\n    price: float = 0.0\n    amount: int = field(default={n})\n\n    \
             def total(self, rates: dict[str, float], *, rounded: bool = True) -> float:\n        # What is paid in the end.\n        \
             total = sum(rate * self.price for rate in rates.values() if rate > 0.5) + self.amount\n        \
             return round(total, 2) if rounded else total\n\n\n"
        )
    });
    let json = "[\n".to_owned()
        + &sample(|n| {
            format!(
                "  {{\"id\": {n}, \"name\": \"order {n}\", \"price\": {n}.25, \"tags\": [\"a\", \"b\"], \"open\": true}},\n"
            )
        })
        + "  {}\n]\n";
    let toml =
        sample(|n| format!("[[order]]\nid = {n}\nname = \"order {n}\"\nprice = {n}.25\ntags = [\"a\", \"b\"]\n\n"));
    let yaml = sample(|n| format!("- id: {n}\n  name: order {n}\n  price: {n}.25\n  tags: [a, b]\n"));
    let samples = [
        ("python", Language::Python, python),
        ("json", Language::Json, json.clone()),
        ("jsonc", Language::Jsonc, json),
        ("toml", Language::Toml, toml),
        ("yaml", Language::Yaml, yaml),
    ];
    for (name, language, text) in &samples {
        let rate = fastest(text, |text| assert_eq!(faults(*language, text, newest()), []));
        println!("{name:>8}: {rate:7.1} MB/s (at least 20 is the aim)");
    }
    let [(_, _, python_text), ..] = &samples;
    let rate = fastest(python_text, |text| assert!(source::python(text, newest()).is_ok()));
    println!("  python, with what its module holds: {rate:7.1} MB/s");
}

/// Megabytes a second, in the best of twenty runs.
fn fastest(text: &str, run: impl Fn(&str)) -> f64 {
    let seconds = (0..20).map(|_| {
        let begin = Instant::now();
        run(black_box(text));
        begin.elapsed().as_secs_f64()
    });
    text.len() as f64 / seconds.fold(f64::MAX, f64::min) / 1e6
}
