//! Python's tracebacks: where, by which exception, with what message.
//! Knows no tool.

use super::text::number;

/// The end of a traceback.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trace<'a> {
    /// The last file in it that is no library's, else the last.
    pub(super) file: Option<&'a str>,
    /// The line in it.
    pub(super) line: Option<u64>,
    /// The exception's name, with its module.
    pub(super) exception: &'a str,
    /// Name and message, as printed.
    pub(super) message: &'a str,
}

/// Bytes of the shortest line that anything begins with: a frame of a one-letter file.
const SHORTEST: usize = "File \"a\", line 1".len();

/// Reads tracebacks line by line and keeps the last one that came to an end.
#[derive(Debug, Default)]
pub(super) struct Tracing<'a> {
    place: Place<'a>,
    /// Between a traceback's header and its exception.
    inside: bool,
    /// Between the file of a syntax error that has no header and its exception.
    pending: bool,
    /// Behind the exception of a group, whose parts follow.
    group: bool,
    last: Option<Trace<'a>>,
}

/// A place that is kept: the last that is no library's, else the last.
#[derive(Debug, Clone, Default)]
pub(super) struct Place<'a> {
    at: Option<(&'a str, u64)>,
    own: bool,
}

impl<'a> Place<'a> {
    pub(super) fn see(&mut self, file: &'a str, line: u64) {
        if let Some((known, at)) = &mut self.at
            && *known == file
        {
            *at = line;
            return;
        }
        let own = !is_library(file);
        if own || !self.own {
            self.at = Some((file, line));
            self.own = own;
        }
    }

    pub(super) fn take(self) -> (Option<&'a str>, Option<u64>) {
        self.at.map_or((None, None), |(file, line)| (Some(file), Some(line)))
    }
}

impl<'a> Tracing<'a> {
    pub(super) fn see(&mut self, line: &'a str) {
        let open = self.inside || self.pending || self.group;
        let short = line.len() < SHORTEST;
        if short && !open {
            return;
        }
        let line = line.strip_prefix("INTERNALERROR> ").unwrap_or(line);
        let trimmed = line.trim_ascii_start();
        if trimmed.is_empty() {
            self.group = false;
            return;
        }
        if short && line.starts_with(|first: char| first.is_ascii_lowercase()) && !line.contains('.') {
            // No exception is named so, and that is all that a short line could be.
            (self.group, self.pending) = (false, false);
            return;
        }
        let part = trimmed.starts_with(['|', '+']);
        if self.group && part {
            return;
        }
        self.group = false;
        let line = if part { trimmed.strip_prefix("| ").unwrap_or(trimmed) } else { line };
        if !short && line.trim_ascii_end().ends_with("Traceback (most recent call last):") {
            self.place = Place::default();
            self.inside = true;
        } else if let Some((file, number)) = if short { None } else { frame(line) } {
            if !self.inside {
                self.place = Place::default();
                self.pending = true;
            }
            self.place.see(file, number);
        } else if (self.inside || self.pending) && !line.starts_with([' ', '\t']) && !line.is_empty() {
            match exception(line) {
                Some(exception) => {
                    let (file, line_number) = std::mem::take(&mut self.place).take();
                    self.group = part;
                    self.last = Some(Trace { file, line: line_number, exception, message: line });
                    (self.inside, self.pending) = (false, false);
                }
                None => self.pending = false,
            }
        }
    }

    pub(super) fn end(self) -> Option<Trace<'a>> {
        self.last
    }
}

/// The last traceback of a text.
pub(super) fn last(text: &str) -> Option<Trace<'_>> {
    let mut tracing = Tracing::default();
    super::text::lines(text).for_each(|line| tracing.see(line));
    tracing.end()
}

/// File and line of `  File "a.py", line 3, in f`.
pub(super) fn frame(line: &str) -> Option<(&str, u64)> {
    let (file, rest) = line.trim_ascii_start().strip_prefix("File \"")?.rsplit_once('"')?;
    Some((file, number(rest.strip_prefix(", line ")?)?.0))
}

/// The name of the exception in `json.decoder.JSONDecodeError: message`.
pub(super) fn exception(line: &str) -> Option<&str> {
    let name = line.split_once(':').map_or(line, |(name, _)| name).trim_ascii_end();
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '<');
    let last = name.rsplit('.').next()?;
    let named = last.starts_with(char::is_uppercase);
    (named && name.split('.').all(|part| part == "<locals>" || plain(part))).then_some(name)
}

fn is_library(file: &str) -> bool {
    let below = |at: usize| file.get(at + 1..).unwrap_or_default();
    let folders = ["site-packages/", "dist-packages/", "lib/python"];
    file.starts_with('<')
        || file.starts_with("../")
        || file.match_indices('/').any(|(at, _)| folders.iter().any(|folder| below(at).starts_with(folder)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace<'a>(file: Option<&'a str>, line: Option<u64>, exception: &'a str, message: &'a str) -> Option<Trace<'a>> {
        Some(Trace { file, line, exception, message })
    }

    #[test]
    fn the_last_traceback_counts_and_its_place_is_the_projects_own() {
        let text = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nKeyError: 'x'\n\n\
                    During handling of the above exception, another exception occurred:\n\n\
                    Traceback (most recent call last):\n  File \"/p/a.py\", line 3, in f\n    g()\n    ^^^\n\
                    \x20 File \"/usr/lib/python3.11/json/decoder.py\", line 353, in raw_decode\n    x\n\
                    json.decoder.JSONDecodeError: Expecting: value\nmore: text\n";
        assert_eq!(
            last(text),
            trace(
                Some("/p/a.py"),
                Some(3),
                "json.decoder.JSONDecodeError",
                "json.decoder.JSONDecodeError: Expecting: value"
            )
        );
    }

    #[test]
    fn a_syntax_error_needs_no_header_and_a_group_counts_as_one() {
        let text = "  File \"a.py\", line 4\n    def f(:\n          ^\nSyntaxError: invalid syntax\n";
        assert_eq!(last(text), trace(Some("a.py"), Some(4), "SyntaxError", "SyntaxError: invalid syntax"));
        let text = "  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\", line 1, in <module>\n\
                     \x20 | ExceptionGroup: several (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n\
                     \x20   | Traceback (most recent call last):\n    |   File \"b.py\", line 1, in f\n    | ValueError: a\n";
        let several = "ExceptionGroup: several (2 sub-exceptions)";
        assert_eq!(last(text), trace(Some("a.py"), Some(1), "ExceptionGroup", several));
    }

    #[test]
    fn prose_is_no_exception() {
        let found = ["note: x", "OSError", "a b: c", "Error on line 3: x", "x.Y: z", "", ".", "a..B: c"].map(exception);
        assert_eq!(found, [None, Some("OSError"), None, None, Some("x.Y"), None, None, None]);
    }
}
