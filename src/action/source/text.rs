//! Texts of any language: marks of a merge, NUL, encoding, line endings.
//! Knows what a file was before where that counts.

use super::{Fault, MOST, fault};
use std::path::Path;

/// Whether bytes are those of a text: UTF-8 without NUL, or another encoding without.
pub fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0)
}

/// Marks that an unfinished merge left in a text, a fault each. Between the fences of Markdown they are an example.
pub fn markers(path: &Path, text: &str) -> Vec<Fault> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    if matches!(extension.as_str(), "patch" | "diff" | "rej" | "orig")
        || !text.contains("<<<<<<<") && !text.contains(">>>>>>>")
    {
        return Vec::new();
    }
    let fenced = matches!(extension.as_str(), "md" | "markdown" | "mdx");
    let (mut open, mut halves, mut found) = (false, false, Vec::new());
    for (number, line) in text.lines().enumerate() {
        if fenced && (line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~")) {
            open = !open;
        }
        if open {
            continue;
        }
        halves |= line == "=======";
        let mark = |mark: &str| line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        // A quotation of a quotation may begin like the end of a merge.
        if (mark("<<<<<<<") || mark(">>>>>>>") && halves) && found.len() < MOST {
            let what = format!("`{}` is left of a merge", line.get(..7).unwrap_or_default());
            found.push(Fault { line: number as u64 + 1, column: 1, what });
        }
    }
    found
}

/// Endings of files that people write, whatever is in them; what guard can read as a language has its own check.
const TEXTS: [&str; 36] = [
    "bash",
    "bat",
    "c",
    "cc",
    "cfg",
    "conf",
    "cpp",
    "css",
    "csv",
    "go",
    "h",
    "hpp",
    "htm",
    "html",
    "in",
    "ini",
    "java",
    "js",
    "jsx",
    "kt",
    "md",
    "properties",
    "ps1",
    "py",
    "pyi",
    "rb",
    "rs",
    "rst",
    "scss",
    "sh",
    "sql",
    "svg",
    "ts",
    "tsx",
    "txt",
    "xml",
];
/// What UTF-16 and UTF-32 begin with.
const WIDE: [&[u8]; 3] = [b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"];

fn is_wide(bytes: &[u8]) -> bool {
    WIDE.iter().any(|mark| bytes.starts_with(mark))
}

/// The first NUL of a file that was text before, or that its name says is one. `before`: empty where it was nothing yet.
pub fn nul(path: &Path, before: &[u8], after: &[u8]) -> Option<Fault> {
    let at = after.iter().position(|byte| *byte == 0)?;
    if before.is_empty() {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        let named = TEXTS.contains(&ending.as_str()) && !is_wide(after);
        return named.then(|| lossy_fault(after, at, "a NUL byte, in what is text by its name"));
    }
    is_text(before).then(|| lossy_fault(after, at, "a NUL byte, in what was text"))
}

/// What of its encoding a text lost.
pub fn kept_encoding(before: &[u8], after: &[u8]) -> Option<Fault> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    const LOST: &str = "\u{fffd}";
    if is_wide(before) && !is_wide(after) && !after.is_empty() {
        return Some(fault("", 0, "it was UTF-16 and is no longer"));
    }
    if !is_text(before) || !is_text(after) || before.is_empty() || after.is_empty() {
        return None;
    }
    let (was, is) = (std::str::from_utf8(before), std::str::from_utf8(after));
    match (was, is) {
        (Ok(_), Err(error)) => Some(lossy_fault(after, error.valid_up_to(), "it was UTF-8 and is no longer")),
        (Err(_), Ok(is)) if is.contains(LOST) => {
            let at = is.find(LOST).unwrap_or(0);
            Some(fault(is, at, "U+FFFD stands where bytes of another encoding were"))
        }
        _ => match (before.starts_with(MARK), after.starts_with(MARK)) {
            (true, false) => Some(fault("", 0, "the byte order mark it had in front is gone")),
            (false, true) => Some(fault("", 0, "a byte order mark stands in front, which it had not")),
            (true, true) | (false, false) => None,
        },
    }
}

/// The first byte of what is not UTF-8.
pub fn not_utf8(bytes: &[u8], at: usize) -> Fault {
    lossy_fault(bytes, at, "it is not UTF-8")
}

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// `\n`
    Unix,
    /// `\r\n`
    Windows,
    /// `\r` alone, which some programs take for the end of a line.
    Bare,
}

impl Ending {
    fn word(self) -> &'static str {
        match self {
            Self::Unix => "LF",
            Self::Windows => "CRLF",
            Self::Bare => "CR",
        }
    }

    /// The endings of a text, each with the byte it first stands at, the first first.
    fn of(bytes: &[u8]) -> Vec<(usize, Ending)> {
        let mut found: Vec<(usize, Ending)> = Vec::new();
        for at in bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'\n' | b'\r')).map(|(at, _)| at) {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            let ending = match (bytes.get(at), before, bytes.get(at + 1)) {
                (Some(b'\n'), Some(b'\r'), _) => Ending::Windows,
                (Some(b'\n'), _, _) => Ending::Unix,
                (_, _, Some(b'\n')) => continue,
                (_, _, _) => Ending::Bare,
            };
            if found.iter().all(|(_, known)| *known != ending) {
                found.push((at, ending));
            }
            if found.len() == 3 {
                break;
            }
        }
        found
    }
}

/// The first line of a text whose ending is not that of the others, or not that of the lines it had before. `before`: `None`
/// for a new file. What was mixed before may be anything; `\r` alone counts where there was none.
pub fn kept_endings(before: Option<&[u8]>, after: &[u8]) -> Option<Fault> {
    if !is_text(after) || before.is_some_and(|before| !is_text(before)) {
        return None;
    }
    let (before, after_all) = (before.map(Ending::of).unwrap_or_default(), Ending::of(after));
    let (was, whose) = match (before.as_slice(), after_all.first()) {
        ([(_, was)], _) => (*was, "the file's lines ended"),
        ([], Some((_, first))) => (*first, "the lines before end"),
        (_, _) => return None,
    };
    let (at, is) = after_all.iter().find(|(_, is)| *is != was)?;
    Some(lossy_fault(after, *at, &format!("a line that ends in {}, where {whose} in {}", is.word(), was.word())))
}

/// A fault at a byte of what may be no UTF-8.
fn lossy_fault(bytes: &[u8], at: usize, what: &str) -> Fault {
    let before = bytes.get(..at).unwrap_or_default();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count() as u64 + 1;
    Fault { line, column, what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(fault: Option<Fault>) -> Option<String> {
        fault.map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.what))
    }

    #[test]
    fn marks_of_a_merge_are_found_and_what_only_looks_like_them_is_not() {
        let conflict = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> other\n";
        let lines = |name: &str, text: &str| -> Vec<u64> {
            markers(Path::new(name), text).into_iter().map(|fault| fault.line).collect()
        };
        let table: [(&str, &str, &[u64]); 10] = [
            ("a.txt", conflict, &[2, 6]),
            ("a.txt", "x\n=======\ny\n>>>>>>> other\n", &[4]),
            ("a.txt", "<<<<<<<\n", &[1]),
            ("a.rst", "Title\n=======\n\n>>>>>>>> deep quotation\n", &[]),
            ("a.eml", ">>>>>>> quoted\n", &[]),
            ("a.txt", "  <<<<<<< HEAD\n<<<<<<<<\n<<<<<<<x\n", &[]),
            ("a.md", "```\n<<<<<<< HEAD\n=======\n>>>>>>> b\n```\n", &[]),
            ("a.md", "```\n```\n<<<<<<< HEAD\n", &[3]),
            ("a.patch", conflict, &[]),
            ("a.txt", "Title\n=======\n", &[]),
        ];
        for (name, text, expected) in table {
            assert_eq!(lines(name, text), expected, "{name} {text}");
        }
    }

    #[test]
    fn a_text_stays_a_text_in_its_encoding() {
        let said = |before: &[u8], after: &[u8]| {
            told(nul(Path::new("a"), before, after).or_else(|| kept_encoding(before, after)))
        };
        let table: [(&[u8], &[u8], Option<&str>); 14] = [
            (b"a\n", b"a\n\xc3\xa9\0", Some("2:2: a NUL byte, in what was text")),
            (b"a\0", b"a\0b", None),
            (b"a\0", b"a\xffb\0", None),
            (b"caf\xc3\xa9", b"x\ncaf\xe9", Some("2:4: it was UTF-8 and is no longer")),
            (b"caf\xe9", b"caf\xe9!", None),
            (b"caf\xe9", b"caf\xc3\xa9", None),
            (b"caf\xe9", b"caf\xef\xbf\xbd", Some("1:4: U+FFFD stands where bytes of another encoding were")),
            (b"\xef\xbb\xbfa", b"a", Some("1:1: the byte order mark it had in front is gone")),
            (b"a", b"\xef\xbb\xbfa", Some("1:1: a byte order mark stands in front, which it had not")),
            (b"\xef\xbb\xbfa", b"\xef\xbb\xbfb", None),
            (b"", b"\xff", None),
            (b"\xff\xfea\0", b"a", Some("1:1: it was UTF-16 and is no longer")),
            (b"\xff\xfea\0", b"\xff\xfeb\0", None),
            (b"", b"a\0", None),
        ];
        for (before, after, expected) in table {
            assert_eq!(said(before, after).as_deref(), expected, "{before:?} {after:?}");
        }
        let named = |path: &str, after: &[u8]| told(nul(Path::new(path), b"", after));
        let expected = Some("1:2: a NUL byte, in what is text by its name".to_owned());
        assert_eq!((named("a.md", b"a\0"), named("requirements.TXT", b"a\0")), (expected.clone(), expected));
        assert_eq!((named("a.txt", b"\xff\xfea\0"), named("a.bin", b"a\0"), named("a", b"a\0")), (None, None, None));
    }

    #[test]
    fn lines_end_as_they_did() {
        let said = |before: Option<&str>, after: &str| told(kept_endings(before.map(str::as_bytes), after.as_bytes()));
        let table = [
            (None, "a\nb\n", None),
            (None, "a\r\nb\r\n", None),
            (None, "a\r\nb\nc\n", Some("2:2: a line that ends in LF, where the lines before end in CRLF")),
            (None, "é\nb\r\n", Some("2:3: a line that ends in CRLF, where the lines before end in LF")),
            (Some("a\nb\n"), "a\nb\nc\n", None),
            (Some("a\nb\n"), "a\r\nb\r\n", Some("1:3: a line that ends in CRLF, where the file's lines ended in LF")),
            (Some("a\r\nb\r\n"), "a\r\nb\n", Some("2:2: a line that ends in LF, where the file's lines ended in CRLF")),
            (Some("a\r\nb\n"), "a\nb\r\n", None),
            (Some("a"), "a\r\nb\r\n", None),
            (Some("a\n"), "", None),
            (Some("a\n\0"), "a\r\n", None),
            (None, "a\rb\r", None),
            (None, "a\nb\rc", Some("2:2: a line that ends in CR, where the lines before end in LF")),
            (Some("a\nb\n"), "a\rb\r", Some("1:2: a line that ends in CR, where the file's lines ended in LF")),
            (Some("a\rb\r"), "a\nb\n", Some("1:2: a line that ends in LF, where the file's lines ended in CR")),
            (Some("a\nb\rc\n"), "a\rb\r", None),
            (None, "a\r\r\nb\r\n", Some("1:4: a line that ends in CRLF, where the lines before end in CR")),
        ];
        for (before, after, expected) in table {
            assert_eq!(said(before, after).as_deref(), expected, "{before:?} {after:?}");
        }
    }
}
