//! Lists of requirements (`requirements.txt`): what they name, and what of that is not one exact version.
//! Source: pip's "Requirements File Format", PEP 440 and PEP 508.

use super::Fault;
use std::collections::BTreeSet;

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The distribution, as PEP 503 has it: in lower case, with dashes.
    pub name: String,
    /// Whether it is one exact version, or one exact content.
    pub pinned: bool,
    /// As it is written.
    pub text: String,
    /// Its line, from 1.
    pub line: u64,
}

/// What is not one exact version, a fault each. What constraints pin is pinned; `file` gives the text of a file of
/// constraints by the path it is named by.
pub fn unpinned(text: &str, file: &dyn Fn(&str) -> Option<String>) -> Vec<Fault> {
    let mut pinned: BTreeSet<String> = BTreeSet::new();
    for path in named(text, &["-c", "--constraint"]) {
        if path.contains("://") {
            // Nobody can tell what it pins.
            return Vec::new();
        }
        let listed = file(&path).map(|text| distributions(&text)).unwrap_or_default();
        pinned.extend(listed.into_iter().filter(|one| one.pinned).map(|one| one.name));
    }
    let loose = lines(text).filter_map(|(number, line)| read(number, &line));
    let loose = loose.filter(|one| !one.pinned && (one.name.is_empty() || !pinned.contains(&one.name)));
    let fault = |one: Requirement| {
        let what = format!("`{}` is not one exact version", one.text);
        Fault { line: one.line, column: 1, what }
    };
    loose.map(fault).collect()
}

/// The distributions that a list names.
pub fn distributions(text: &str) -> Vec<Requirement> {
    lines(text).filter_map(|(number, line)| read(number, &line)).filter(|one| !one.name.is_empty()).collect()
}

/// Paths of the lists that a list includes.
pub fn included(text: &str) -> Vec<String> {
    named(text, &["-r", "--requirement"])
}

/// What stands behind one of these options.
fn named(text: &str, options: &[&str]) -> Vec<String> {
    let behind = |line: &str| {
        let rest = options.iter().find_map(|option| line.strip_prefix(option))?;
        let path = rest.trim_start_matches([' ', '\t', '=']);
        // A longer option may begin alike.
        (path != rest || !line.starts_with("--")).then(|| path.trim_matches(['"', '\'']).to_owned())
    };
    lines(text).filter_map(|(_, line)| behind(&line)).filter(|path| !path.is_empty()).collect()
}

/// Lines that go on behind a backslash are one; comments and blank lines are none. As pip has it: lines end where Python's
/// `splitlines` ends them, and a line that is a comment goes on nowhere.
/// Source: pip's req_file.py, `join_lines` and `ignore_comments`.
fn lines(text: &str) -> impl Iterator<Item = (u64, String)> {
    const ENDS: [char; 9] = ['\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    let mut all: Vec<(u64, String)> = Vec::new();
    let mut open = false;
    let counted = text.trim_start_matches('\u{feff}').lines().enumerate();
    for (number, line) in counted.flat_map(|(number, line)| line.split(ENDS).map(move |line| (number, line))) {
        let is_comment = line.trim_start().starts_with('#');
        let (rest, goes_on) = match line.strip_suffix('\\').filter(|_| !is_comment) {
            Some(rest) => (rest, true),
            None => (line, false),
        };
        match all.last_mut().filter(|_| open) {
            Some(_) if is_comment => {}
            Some((_, whole)) => whole.push_str(rest),
            None => all.push((number as u64 + 1, rest.to_owned())),
        }
        open = goes_on;
    }
    all.into_iter().filter_map(|(number, line)| {
        let begins = |at: &usize| {
            line.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace))
        };
        let comment = line.match_indices('#').map(|(at, _)| at).find(begins);
        let line = comment.and_then(|at| line.get(..at)).unwrap_or(&line).trim().to_owned();
        (!line.is_empty()).then_some((number, line))
    })
}

/// `None`: an option, a file or folder of the project's.
fn read(number: u64, line: &str) -> Option<Requirement> {
    let is_path = [".", "/", "file:", "~"].iter().any(|start| line.starts_with(start));
    // What is installed to be worked on is as it lies in its folder, or as its address says.
    let edited = ["-e", "--editable"].iter().find_map(|option| line.strip_prefix(option));
    let line = match edited.map(|rest| rest.trim_start_matches([' ', '\t', '='])) {
        Some(address) if address.contains("://") => address,
        Some(_) => return None,
        None => line,
    };
    if line.starts_with('-') || is_path {
        return None;
    }
    let text = line.split(" --").next().unwrap_or(line).trim();
    let bare = text.split(';').next().unwrap_or(text).trim();
    let requirement =
        |name: &str, pinned: bool| Requirement { name: normal(name), pinned, text: bare.to_owned(), line: number };
    if let Some((name, url)) = bare.split_once('@').filter(|(name, _)| !name.contains("://") && !name.contains('+')) {
        return Some(requirement(name, is_exact(url.trim())));
    }
    if bare.contains("://") {
        let name = bare.split_once("#egg=").map_or("", |(_, name)| name);
        return Some(requirement(name, is_exact(bare)));
    }
    let end = bare.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(bare.len());
    let (name, rest) = bare.split_at_checked(end)?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('[').map_or(rest, |extras| extras.split_once(']').map_or("", |(_, rest)| rest));
    let parts = rest.trim().trim_matches(['(', ')']).split(',');
    let exact = |part: &str| {
        let part = part.trim();
        let version = part.strip_prefix("===").or_else(|| part.strip_prefix("=="));
        version.map(str::trim).is_some_and(|version| {
            let number = version.strip_prefix('v').unwrap_or(version);
            number.starts_with(|c: char| c.is_ascii_digit()) && !version.contains(['*', '$', ' '])
        })
    };
    let hashed = line.contains("--hash=");
    Some(requirement(name, hashed || parts.into_iter().any(exact)))
}

/// Whether an address names one exact content: an archive, or a commit or tag of a repository. What has no digit is taken
/// for a branch.
fn is_exact(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    if !scheme.contains('+') && scheme != "git" {
        return true;
    }
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    path.split('#')
        .next()
        .unwrap_or_default()
        .split_once('@')
        .is_some_and(|(_, revision)| revision.contains(|c: char| c.is_ascii_digit()))
}

/// A name of a distribution as PEP 503 compares them.
pub(super) fn normal(name: &str) -> String {
    let name = name.trim().split('[').next().unwrap_or_default().trim();
    let mut normal = String::new();
    for letter in name.chars().map(|letter| letter.to_ascii_lowercase()) {
        let letter = if matches!(letter, '-' | '_' | '.') { '-' } else { letter };
        if letter != '-' || !normal.ends_with('-') {
            normal.push(letter);
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One file of constraints.
    fn constraints(path: &str) -> Option<String> {
        (path == "constraints.txt").then(|| "a==1.0\nz>=1\n".to_owned())
    }

    #[test]
    fn what_is_included_is_named() {
        let text = "-r a.txt\n--requirement b/c.txt\n--requirement=d.txt\n-re.txt\n--require-hashes\nf==1\n";
        assert_eq!(included(text), ["a.txt", "b/c.txt", "d.txt", "e.txt"]);
    }

    #[test]
    fn what_is_pinned_is_told_from_what_is_not() {
        let pinned = [
            "a==1.2.3",
            "A.b_C [x,y] == 1.0 ; python_version < '3.9'",
            "a===1.0",
            "a (==1.0)",
            "a==1.0 \\\n    --hash=sha256:abc",
            "a>=1,==1.2",
            "a @ https://x.org/a-1.0-py3-none-any.whl",
            "a @ git+https://x.org/a.git@0123abc",
            "git+ssh://git@x.org/a.git@v1#egg=a",
            "https://x.org/a.zip",
            "-r other.txt",
            "-e .",
            "--index-url https://pypi.org/simple",
            "./local",
            "# a comment",
            "",
            "a==1.0  # why",
            "-c constraints.txt\na",
            "--constraint=constraints.txt\na",
            "-c https://x.org/constraints.txt\nz",
            "-e git+https://x.org/a.git@v1.0#egg=a",
            "a==v1.0",
            "a==1!2.0",
            "a==1.0 \\\n# why\nb==2",
            "a==1.0\t# why",
        ];
        for text in pinned {
            assert_eq!(unpinned(text, &constraints), [], "{text}");
        }
        let loose = [
            "a",
            "a>=1.0",
            "a~=1.0",
            "a==1.*",
            "a[x]",
            "a<2;python_version<'3'",
            "a @ git+https://x.org/a.git",
            "a==",
            "a  # why",
            "-c nowhere.txt\nz",
            "-c constraints.txt\nz",
            "-e git+https://x.org/a.git",
            "--editable=git+https://x.org/a.git",
            "a @ git+https://x.org/a.git@main",
            "a==latest",
            "a==${VERSION}",
            // Source: pip's req_file.py: a comment goes on nowhere, and lines end where Python ends them.
            "# why \\\na",
            "b==1 \\\n# why \\\na",
            "# why\u{c}a",
            "# why\ra",
            "a>=1\t#,==1.0",
        ];
        for text in loose {
            let text = format!("b==1.0\n\n{text}\n");
            let found = unpinned(&text, &constraints);
            assert!(found.len() == 1 && found[0].line >= 3, "{text}: {found:?}");
        }
        assert_eq!(unpinned("Flask>=1 # x\n", &constraints)[0].what, "`Flask>=1` is not one exact version");
    }

    #[test]
    fn distributions_are_named_as_they_are_compared() {
        let text = "PyYAML==6.0\nruamel.yaml\ngit+https://x.org/a.git#egg=My_Pkg\nzope.__x @ file:///a\n-r b.txt\n";
        let names: Vec<String> = distributions(text).into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["pyyaml", "ruamel-yaml", "my-pkg", "zope-x"]);
    }
}
