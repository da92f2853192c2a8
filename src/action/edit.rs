//! Edits of a text: an exact replacement, or a unified diff that is applied exactly. Neither guesses: what does not fit is
//! an error that says what stands there instead.
//! Pure: knows no files.

use std::fmt;

/// Why an edit does not apply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// What is to be replaced is nothing.
    #[error("the text to be replaced is empty")]
    Nothing,
    /// What is to be replaced is not there.
    #[error("the text to be replaced is not there{}", Near(*near))]
    Missing {
        /// The line where its first line stands, if that stands anywhere, counted from 1.
        near: Option<usize>,
    },
    /// It is there more than once.
    #[error("the text to be replaced stands there {times} times, at lines {}", Lines(lines))]
    Many {
        /// How often.
        times: usize,
        /// Where each begins, the first few, counted from 1.
        lines: Vec<usize>,
    },
    /// The old text and the new one are the same.
    #[error("the old text and the new one are the same")]
    Same,
    /// It is no unified diff of one file.
    #[error("line {line} of the diff: {what}")]
    Malformed {
        /// Line of the diff, counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A hunk does not fit where it says.
    #[error("line {line} of the diff expects `{expected}` at line {at}, where {}", Stands(found.as_deref()))]
    Unfit {
        /// Line of the diff, counted from 1.
        line: usize,
        /// Line of the text, counted from 1.
        at: usize,
        /// What the diff says that stands there.
        expected: String,
        /// What stands there; none: the text has ended.
        found: Option<String>,
    },
}

struct Near(Option<usize>);

impl fmt::Display for Near {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(line) => write!(f, "; its first line stands at line {line}, and what follows differs"),
            None => Ok(()),
        }
    }
}

struct Lines<'a>(&'a [usize]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join(", "))
    }
}

struct Stands<'a>(Option<&'a str>);

impl fmt::Display for Stands<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(found) => write!(f, "`{found}` stands"),
            None => f.write_str("the file has ended"),
        }
    }
}

/// As many places as a message names.
const NAMED: usize = 5;

/// `text` with `old` replaced by `new`: once, where it stands once; with `all` wherever it stands. A text whose lines all end
/// in CRLF keeps that, however the two are written. Also how often it was replaced.
///
/// # Errors
/// Where it is not there, or more than once without `all`.
pub fn replace(text: &str, old: &str, new: &str, all: bool) -> Result<(String, usize), EditError> {
    if old.is_empty() {
        return Err(EditError::Nothing);
    }
    let (old, new) = (fitted(text, old), fitted(text, new));
    if old == new {
        return Err(EditError::Same);
    }
    let at: Vec<usize> = text.match_indices(&old).map(|(at, _)| at).collect();
    match at.len() {
        0 => {
            let first = old.lines().find(|line| !line.trim().is_empty());
            let near = first.and_then(|first| text.lines().position(|line| line == first));
            Err(EditError::Missing { near: near.map(|line| line + 1) })
        }
        times if times > 1 && !all => {
            let lines = at.iter().take(NAMED).map(|at| line_of(text, *at)).collect();
            Err(EditError::Many { times, lines })
        }
        times => Ok((text.replace(&old, &new), times)),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// `part` with the line ends of `text`, where these are all CRLF.
fn fitted(text: &str, part: &str) -> String {
    let (all, crlf) = (text.matches('\n').count(), text.matches("\r\n").count());
    if all > 0 && all == crlf && !part.contains('\r') { part.replace('\n', "\r\n") } else { part.to_owned() }
}

/// `text` with a unified diff of one file applied: every hunk exactly where it says, every line as it says.
///
/// # Errors
/// Where it is no such diff, or does not fit.
pub fn patch(text: &str, diff: &str) -> Result<String, EditError> {
    // Of a diff whose every line ends in CRLF, its head's as well, these are no part of what the lines say.
    let (all, carried) = (diff.matches('\n').count(), diff.matches("\r\n").count());
    let diff = if all == carried { diff.replace("\r\n", "\n") } else { diff.to_owned() };
    let crlf = fitted(text, "\n") == "\r\n" && !diff.contains('\r');
    let mut source = text.split_inclusive('\n');
    let (mut done, mut made, mut hunks, mut heads, mut gits) = (0, String::with_capacity(text.len()), 0, 0, 0);
    // Not `lines`: a CR before the end of a line is the line's own.
    let mut lines = diff.split_terminator('\n').enumerate().map(|(number, line)| (number + 1, line)).peekable();
    while let Some((number, line)) = lines.next() {
        let malformed = |what: &str| EditError::Malformed { line: number, what: what.to_owned() };
        if let Some(head) = line.strip_prefix("@@ ") {
            let hunk = Hunk::read(head).ok_or_else(|| malformed("it is no head of a hunk (`@@ -1,2 +1,3 @@`)"))?;
            if hunk.begin < done {
                return Err(malformed("it begins before the end of the hunk above it"));
            }
            while done < hunk.begin {
                let Some(line) = source.next() else {
                    let (expected, at) = ("a line".to_owned(), done + 1);
                    return Err(EditError::Unfit { line: number, at, expected, found: None });
                };
                made.push_str(line);
                done += 1;
            }
            let (mut old, mut new) = (0, 0);
            while old < hunk.old || new < hunk.new {
                let Some((number, line)) = lines.next() else {
                    return Err(EditError::Malformed {
                        line: number,
                        what: "the hunk that begins here is cut off".into(),
                    });
                };
                let bare = matches!(lines.peek(), Some((_, next)) if next.starts_with('\\'));
                let (sign, rest) = line.split_at_checked(1).unwrap_or((" ", ""));
                let ended = format!(
                    "{rest}{}",
                    if bare {
                        ""
                    } else if crlf {
                        "\r\n"
                    } else {
                        "\n"
                    }
                );
                match sign {
                    " " | "-" => {
                        let found = source.next();
                        if found != Some(ended.as_str()) {
                            let found = found.map(|found| shown(found).to_owned());
                            return Err(EditError::Unfit {
                                line: number,
                                at: done + 1,
                                expected: rest.to_owned(),
                                found,
                            });
                        }
                        (done, old) = (done + 1, old + 1);
                        if sign == " " {
                            made.push_str(&ended);
                            new += 1;
                        }
                    }
                    "+" => {
                        made.push_str(&ended);
                        new += 1;
                    }
                    _ => {
                        let what = "it is no line of a hunk: these begin with a space, `-` or `+`".to_owned();
                        return Err(EditError::Malformed { line: number, what });
                    }
                }
                if bare {
                    lines.next();
                }
            }
            if (old, new) != (hunk.old, hunk.new) {
                return Err(malformed("the hunk that begins here has other lines than its head counts"));
            }
            hunks += 1;
            continue;
        }
        let of_git = line.starts_with("diff --git ");
        (heads, gits) = (heads + u32::from(line.starts_with("--- ")), gits + u32::from(of_git));
        if heads > 1 || gits > 1 || of_git && hunks > 0 {
            return Err(malformed("a second file: give one file's diff at a time"));
        }
        if hunks == 0 {
            head(line, text.is_empty()).map_or(Ok(()), |what| Err(malformed(what)))?;
        } else if !line.is_empty() {
            return Err(malformed("it belongs to no hunk"));
        }
    }
    if hunks == 0 {
        return Err(EditError::Malformed { line: 1, what: "there is no hunk in it".into() });
    }
    made.extend(source);
    Ok(made)
}

/// What a line before the first hunk says that a change of one file's content is not.
fn head(line: &str, empty: bool) -> Option<&'static str> {
    let line = line.trim_end();
    let begins = |with: &[&str]| with.iter().any(|with| line.starts_with(with));
    if begins(&["rename from ", "rename to ", "copy from ", "copy to "]) {
        Some("it gives a file another name: `guard file move` does that; what changes in it is a diff of its own")
    } else if begins(&["old mode ", "new mode "]) || begins(&["new file mode "]) && !line.ends_with(" 100644") {
        Some("it sets a mode or a kind of file, which a diff does not here: `guard exec -- chmod` sets modes")
    } else if begins(&["deleted file mode ", "+++ /dev/null"]) {
        Some("it removes the file: `guard file delete` does that")
    } else if begins(&["GIT binary patch", "Binary files "]) {
        Some("it is about what is no text: write the file whole, with `guard file write`")
    } else if begins(&["--- /dev/null"]) && !empty {
        Some("it makes a new file, and this one holds something already")
    } else {
        None
    }
}

fn shown(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

/// The head of a hunk.
struct Hunk {
    /// Lines of the text before it.
    begin: usize,
    old: usize,
    new: usize,
}

impl Hunk {
    fn read(head: &str) -> Option<Self> {
        let (ranges, _) = head.split_once(" @@")?;
        let (old, new) = ranges.split_once(' ')?;
        let range = |text: &str| -> Option<(usize, usize)> {
            let (begin, count) = text.split_once(',').unwrap_or((text, "1"));
            Some((begin.parse().ok()?, count.parse().ok()?))
        };
        let ((begin, old), (_, new)) = (range(old.strip_prefix('-')?)?, range(new.strip_prefix('+')?)?);
        // Of no lines the head names the line after which they would stand.
        let begin = if old == 0 { begin } else { begin.checked_sub(1)? };
        Some(Self { begin, old, new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_replaced_where_it_stands_once_or_everywhere() {
        assert_eq!(replace("a b c", "b", "x", false), Ok(("a x c".into(), 1)));
        assert_eq!(replace("a\nb\na\n", "a", "x", false), Err(EditError::Many { times: 2, lines: vec![1, 3] }));
        assert_eq!(replace("a b a", "a", "x", true), Ok(("x b x".into(), 2)));
        assert_eq!(replace("one\ntwo\n", "two\nthree", "x", false), Err(EditError::Missing { near: Some(2) }));
        assert_eq!(replace("one", "four", "x", false), Err(EditError::Missing { near: None }));
        assert_eq!(replace("one", "", "x", false), Err(EditError::Nothing));
        assert_eq!(replace("one", "one", "one", false), Err(EditError::Same));
        assert_eq!(replace("a\r\nb\r\n", "a\nb", "a\nc\nb", false), Ok(("a\r\nc\r\nb\r\n".into(), 1)));
        assert_eq!(replace("a\r\nb\n", "b\n", "c\n", false), Ok(("a\r\nc\n".into(), 1)));
    }

    #[test]
    fn a_diff_applies_exactly_or_says_what_stands_there() {
        let text = "one\ntwo\nthree\nfour\nfive\n";
        let diff = "--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n one\n-two\n+2\n+2b\n three\n@@ -5 +6 @@\n-five\n+5\n";
        assert_eq!(patch(text, diff), Ok("one\n2\n2b\nthree\nfour\n5\n".into()));
        let unfit = patch(text, "@@ -2,2 +2,1 @@\n-two\n three!\n").unwrap_err();
        let expected = "line 3 of the diff expects `three!` at line 3, where `three` stands";
        assert_eq!(unfit.to_string(), expected);
        let late = patch("one\n", "@@ -3 +3 @@\n-x\n+y\n").unwrap_err();
        assert_eq!(late.to_string(), "line 1 of the diff expects `a line` at line 2, where the file has ended");
        assert_eq!(patch("", "@@ -0,0 +1,2 @@\n+a\n+b\n"), Ok("a\nb\n".into()));
        assert_eq!(patch("a\n", "@@ -1,0 +2 @@\n+b\n"), Ok("a\nb\n".into()));
        assert_eq!(patch("a", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"), Ok("a\n".into()));
        assert_eq!(patch("a\n", "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n"), Ok("a".into()));
        assert_eq!(patch("a\r\nb\r\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n"), Ok("a\r\nc\r\n".into()));
        assert_eq!(patch("a\n\nb\n", "@@ -1,3 +1,2 @@\n a\n-\n b\n"), Ok("a\nb\n".into()));
        assert_eq!(patch("", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"), Ok("a\n".into()));
    }

    /// As `git diff` prints it: heads in LF, lines with their own CR.
    #[test]
    fn a_cr_at_the_end_of_a_line_of_a_diff_is_the_line_s_own() {
        let git = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+B\r\n";
        assert_eq!(patch("a\r\nb\r\n", git), Ok("a\r\nB\r\n".into()));
        assert_eq!(patch("a\r\nb\n", "@@ -1,2 +1,2 @@\n a\r\n-b\n+B\n"), Ok("a\r\nB\n".into()));
        assert_eq!(patch("a\r\nb\r\n", "@@ -1 +1 @@\n-a\r\n+a\n"), Ok("a\nb\r\n".into()));
        assert_eq!(patch("a\n", "@@ -1 +1,2 @@\n a\n+b\r\n"), Ok("a\nb\r\n".into()));
        assert!(patch("a\n", "@@ -1 +1 @@\n-a\r\n+b\n").is_err());
        // Carried by something that made every end of a line CRLF.
        let carried = git.replace("\r\n", "\n").replace('\n', "\r\n");
        assert_eq!(patch("a\nb\n", &carried), Ok("a\nB\n".into()));
        assert_eq!(patch("a\r\nb\r\n", &carried), Ok("a\r\nB\r\n".into()));
    }

    #[test]
    fn what_is_no_diff_of_one_file_is_refused_with_its_line() {
        for (diff, expected) in [
            ("", "line 1 of the diff: there is no hunk in it"),
            ("hello\n", "line 1 of the diff: there is no hunk in it"),
            ("@@ x @@\n", "line 1 of the diff: it is no head of a hunk (`@@ -1,2 +1,3 @@`)"),
            ("@@ -1 +1 @@\n-a\n", "line 1 of the diff: the hunk that begins here is cut off"),
            (
                "@@ -1 +1 @@\n-a\n?b\n",
                "line 3 of the diff: it is no line of a hunk: these begin with a space, `-` or `+`",
            ),
            ("@@ -1 +1 @@\n-a\n+b\nrest\n", "line 4 of the diff: it belongs to no hunk"),
            (
                "diff --git a/a b/b\nsimilarity index 90%\nrename from a\nrename to b\n--- a/a\n+++ b/b\n@@ -1 +1 @@\n-a\n+b\n",
                "line 3 of the diff: it gives a file another name: `guard file move` does that; what changes in it is a diff \
                 of its own",
            ),
            (
                "old mode 100644\nnew mode 100755\n@@ -1 +1 @@\n-a\n+b\n",
                "line 1 of the diff: it sets a mode or a kind of file, which a diff does not here: `guard exec -- chmod` sets \
                 modes",
            ),
            (
                "--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
                "line 2 of the diff: it removes the file: `guard file delete` does that",
            ),
            (
                "--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+b\n",
                "line 1 of the diff: it makes a new file, and this one holds something already",
            ),
            (
                "diff --git a/x b/x\nindex 1..2\ndiff --git a/a b/a\n@@ -1 +1 @@\n-a\n+b\n",
                "line 3 of the diff: a second file: give one file's diff at a time",
            ),
            (
                "@@ -1 +1 @@\n-a\n+b\ndiff --git a/x b/x\nindex 1..2\n",
                "line 4 of the diff: a second file: give one file's diff at a time",
            ),
            (
                "--- a\n+++ a\n@@ -1 +1 @@\n-a\n+b\n--- c\n",
                "line 6 of the diff: a second file: give one file's diff at a time",
            ),
            (
                "@@ -1 +1 @@\n-a\n+b\n@@ -1 +1 @@\n-a\n+b\n",
                "line 4 of the diff: it begins before the end of the hunk above it",
            ),
            (
                "@@ -18446744073709551615 +1 @@\n-a\n",
                "line 1 of the diff expects `a line` at line 2, where the file has ended",
            ),
        ] {
            assert_eq!(patch("a\n", diff).unwrap_err().to_string(), expected, "{diff}");
        }
    }
}
