//! Lists of requirements (`requirements.txt`): what they name, and what of that is not one exact version.
//! Source: pip's "Requirements File Format", PEP 440 and PEP 508.

use super::Fault;

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

/// What is not one exact version, a fault each. Where constraints are named, those pin.
pub fn unpinned(text: &str) -> Vec<Fault> {
    let constrained = lines(text).any(|(_, line)| {
        line.strip_prefix("-c").is_some_and(|rest| rest.starts_with(' ')) || line.starts_with("--constraint")
    });
    if constrained {
        return Vec::new();
    }
    let loose = lines(text).filter_map(|(number, line)| read(number, &line)).filter(|one| !one.pinned);
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

/// Lines that go on behind a backslash are one; comments and blank lines are none.
fn lines(text: &str) -> impl Iterator<Item = (u64, String)> {
    let mut all: Vec<(u64, String)> = Vec::new();
    let mut open = false;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let (rest, goes_on) = match line.strip_suffix('\\') {
            Some(rest) => (rest, true),
            None => (line, false),
        };
        match all.last_mut().filter(|_| open) {
            Some((_, whole)) => whole.push_str(rest),
            None => all.push((number as u64 + 1, rest.to_owned())),
        }
        open = goes_on;
    }
    all.into_iter().filter_map(|(number, line)| {
        let comment = line.find(" #").or_else(|| line.trim_start().starts_with('#').then_some(0));
        let line = comment.and_then(|at| line.get(..at)).unwrap_or(&line).trim().to_owned();
        (!line.is_empty()).then_some((number, line))
    })
}

/// `None`: an option, a file or folder of the project's.
fn read(number: u64, line: &str) -> Option<Requirement> {
    let is_path = [".", "/", "file:", "~"].iter().any(|start| line.starts_with(start));
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
        version.is_some_and(|version| !version.trim().is_empty() && !version.contains('*'))
    };
    let hashed = line.contains("--hash=");
    Some(requirement(name, hashed || parts.into_iter().any(exact)))
}

/// Whether an address names one exact content: an archive, or a commit or tag of a repository.
fn is_exact(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    if !scheme.contains('+') && scheme != "git" {
        return true;
    }
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    path.split('#').next().unwrap_or_default().split_once('@').is_some_and(|(_, revision)| !revision.is_empty())
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
        ];
        for text in pinned {
            assert_eq!(unpinned(text), [], "{text}");
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
        ];
        for text in loose {
            let text = format!("b==1.0\n\n{text}\n");
            let lines: Vec<u64> = unpinned(&text).into_iter().map(|fault| fault.line).collect();
            assert_eq!(lines, [3], "{text}");
        }
        assert_eq!(unpinned("Flask>=1 # x\n")[0].what, "`Flask>=1` is not one exact version");
    }

    #[test]
    fn distributions_are_named_as_they_are_compared() {
        let text = "PyYAML==6.0\nruamel.yaml\ngit+https://x.org/a.git#egg=My_Pkg\nzope.__x @ file:///a\n-r b.txt\n";
        let names: Vec<String> = distributions(text).into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["pyyaml", "ruamel-yaml", "my-pkg", "zope-x"]);
    }
}
