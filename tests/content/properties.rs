//! Whatever bytes a file holds: the checks end, find what they find, and break nothing.

use guard::action::source::{self, Language, PythonVersion};
use proptest::prelude::*;
use std::path::Path;

const SEEDS: [(&str, &str); 9] = [
    (
        "a.py",
        "'''Doc.'''\nimport os.path as p, sys\nfrom ..a import (b as c, *)\nclass A(B[int], metaclass=M):\n    x: 'int' = field(default=1)\n    y, (z, *w) = 1, (2, 3)\n    def __init__(self, a, /, b=1, *c, d: int = 2, **e) -> None:\n        self.a: int = a\n        if a: self.b = 1\n",
    ),
    (
        "b.py",
        "async def f():\n    async with a as b, c as (d, e):\n        await g(*h, **i)\n    x = [j async for j in k if l]\n    return f'{a!r:>{w}} {{}} {b=} {f\"{c}\"}' rb'\\x00' if (y := 1) else lambda *z: (yield)\n",
    ),
    (
        "c.py",
        "match x:\n    case {'a': [1, *_], **rest} if y: pass\n    case A(b=1) | -2.5j as c: ...\ntry:\n    import z\nexcept* (A, B) as e:\n    raise X from e\nfinally:\n    del a[1:2, ...], b\ntype L[T: int = str, *Ts, **P] = list[T]\n@d.e(1)\ndef g[T](x: T) -> T: global h; nonlocal i; assert 1, 2\n",
    ),
    (
        "d.py",
        "x = 1 \\\n + 2; y = 0x_ff + 1_0.0e-5j\r\nif x:\r\n\tpass\r\nelif y: pass\nelse:\n  while 1: break\n  else: continue\nprint(a if b else c, *d, sep='')\nt'{x}'\n",
    ),
    ("a.json", "{\"a\": [1, -2.5e+3, \"\\u00e9\\n\", null, true, {}], \"b\": {\"c\": []}}\n"),
    ("tsconfig.json", "{ // a\n \"b\": [1, /* c */ 2,], \"d\": \"/* */\", }\n"),
    ("a.toml", "a.b = 1\n[c]\nd = [1, 'x', {e = 2.5}]\n[[f]]\ng = 1979-05-27T07:32:00Z\nh = '''\n'''\n"),
    (
        "a.yaml",
        "%YAML 1.2\n---\na: &x [1, {b: c}, !t d]\ne: *x\n? f\n: |+\n  g\n  h\ni: >-\n  j\n...\n---\n- 'k''l'\n- \"m\\x41\"\n",
    ),
    ("requirements.txt", "a==1 \\\n  --hash=sha256:b\n-r c.txt\nd[e] @ git+https://f@g ; h < '1' # i\n"),
];

/// A few places changed: bytes replaced, left out, doubled, or bits of other seeds put in.
fn broken() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        prop::sample::select(vec![
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "f'",
            "f'''{",
            "'''",
            "\"",
            "\\",
            "\n",
            "\r",
            "\t",
            "    ",
            "\u{feff}",
            "é",
            "\u{2028}",
            ":",
            "=",
            "*",
            "lambda",
            "match",
            "type ",
            "async ",
            "0b",
            "1e",
            "@",
            "!",
            "&a",
            "*a",
            "<<: ",
            "- ",
            "? ",
            "---\n",
            "#",
            "//",
            "/*",
            "\0",
            "\u{c}",
            "${{",
            "%",
            "\u{fffd}",
            "$",
            "?",
            "`",
            "<<<<<<< ",
            "\\N{DASH}",
            "\\u{",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        (0..SEEDS.len(), any::<prop::sample::Index>(), 1..40_usize).prop_map(|(seed, from, len)| {
            let bytes = SEEDS[seed].1.as_bytes();
            let from = from.index(bytes.len());
            bytes[from..(from + len).min(bytes.len())].to_vec()
        }),
    ];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..8_usize, piece), 0..8);
    (0..SEEDS.len(), 0..SEEDS.len(), edits).prop_map(|(name, text, edits)| {
        let mut bytes = SEEDS[text].1.as_bytes().to_vec();
        for (at, len, piece) in edits {
            let at = at.index(bytes.len() + 1).min(bytes.len());
            let to = (at + len).min(bytes.len());
            bytes.splice(at..to, piece);
        }
        (SEEDS[name].0, bytes)
    })
}

/// How often everything is tried.
fn rounds() -> usize {
    std::env::var("GUARD_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

fn look(name: &str, bytes: &[u8], version: PythonVersion) {
    let text = String::from_utf8_lossy(bytes);
    let path = Path::new(name);
    let lines = text.matches('\n').count() as u64 + 2;
    let mut faults = source::markers(path, &text);
    if let Some(language) = Language::of(path) {
        faults.extend(source::faults(language, &text, version));
    }
    faults.extend(source::unpinned(&text, &|_| None));
    faults.extend(source::kept_endings(None, bytes));
    faults.extend(source::kept_encoding(b"a", bytes));
    faults.extend(source::nul(path, b"a", bytes));
    for fault in faults {
        assert!(fault.line >= 1 && fault.line <= lines && fault.column >= 1, "{fault:?} of {lines} lines");
    }
    if let Ok(module) = source::python(&text, version) {
        let _told = (source::unexplained(None, &module), source::lost(&module, Some(&module)));
        assert_eq!(source::lost(&module, Some(&module)), []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000 * rounds() as u32, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_check((name, bytes) in broken(), minor in 6_u8..16) {
        look(name, &bytes, (3, minor));
    }

    #[test]
    fn what_is_the_same_has_lost_nothing((_, bytes) in broken()) {
        prop_assert_eq!(source::kept_encoding(&bytes, &bytes), None);
        prop_assert_eq!(source::kept_endings(Some(&bytes), &bytes), None);
        prop_assert_eq!(source::nul(Path::new("a"), &bytes, &bytes), None);
    }
}

#[test]
fn python_s_own_library_is_sound_and_stays_harmless_with_holes_in_it() {
    let libraries = ["/usr/lib/python3.11", "/usr/local/lib/python3.11", "/usr/lib/python3.12", "/usr/lib/python3.13"];
    let Some(folder) = libraries.iter().find(|folder| Path::new(folder).join("ast.py").exists()) else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "py"));
    files.sort();
    assert!(files.len() > 100);
    let mut seed = 1_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(source::python(&text, source::newest()).map(|_| ()), Ok(()), "{}", path.display());
        for _ in 0..rounds() {
            let mut bytes = bytes.clone();
            for _ in 0..1 + random() % 6 {
                let at = random() % (bytes.len() + 1);
                let to = (at + random() % 40).min(bytes.len());
                let other = random() % (bytes.len() + 1);
                let piece = bytes[other..(other + random() % 30).min(bytes.len())].to_vec();
                bytes.splice(at..to, piece);
                if bytes.is_empty() {
                    bytes.push(b'x');
                }
            }
            let text = String::from_utf8_lossy(&bytes);
            let _either = source::python(&text, (3, 11));
        }
    }
}
