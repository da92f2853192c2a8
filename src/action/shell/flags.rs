//! Flags, operands and subcommands among a command's arguments, by the conventions of getopt and its heirs.
//! Knows nothing of what a flag does; which ones take a value is told in `valued`.

use super::arguments::Arguments;
use super::{Command, Word};

/// An answer about arguments that may not all be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tri {
    /// Certainly not.
    No,
    /// Only the run will tell.
    Unknown,
    /// Certainly, or by every usual reading.
    Yes,
}

impl Command {
    /// Its arguments, sorted into flags, their values and operands.
    pub fn arguments(&self) -> Arguments<'_> {
        Arguments::new(self, &[])
    }

    /// [`Arguments::has_flag`]
    pub fn has_flag(&self, flag: &str) -> Tri {
        self.arguments().has_flag(flag)
    }

    /// The words that are flags, or could be, as written.
    pub fn flags(&self) -> Vec<&Word> {
        self.arguments().flags().collect()
    }

    /// [`Arguments::operands`]; `value_flags` are flags that take the next word, beside those that are known of the
    /// program.
    pub fn operands(&self, value_flags: &[&str]) -> Vec<&Word> {
        Arguments::new(self, value_flags).operands().collect()
    }

    /// The values that `flag` is given: the rest of its word (`--name=value`, `-ovalue`) or the next word.
    /// A value that is part of a word is returned as a word of its own.
    pub fn flag_values(&self, flag: &str) -> Vec<Word> {
        self.flag_values_among(&self.arguments(), flag)
    }

    /// The same, where its arguments are sorted already.
    pub fn flag_values_among(&self, arguments: &Arguments<'_>, flag: &str) -> Vec<Word> {
        let mut values = Vec::new();
        let mut next = false;
        for word in self.args() {
            if std::mem::take(&mut next) {
                values.push(word.clone());
                continue;
            }
            let known = word.value.as_deref().unwrap_or(&word.prefix);
            if known == "--" && word.value.is_some() {
                break;
            }
            if known == flag {
                next = true;
            } else if let Some(rest) = known.strip_prefix(flag) {
                let long = flag.starts_with("--") || flag.len() > 2;
                let rest = match rest.strip_prefix('=') {
                    Some(rest) => rest,
                    None if long => continue,
                    None => rest,
                };
                let value = word.value.as_ref().map(|_| rest.to_owned());
                let prefix = if word.value.is_none() || word.glob { rest.to_owned() } else { String::new() };
                values.push(Word { value, prefix, ..word.clone() });
            }
        }
        // In bundles (`-qO-`), where the letters are known.
        for word in arguments.values(flag) {
            if !values.iter().any(|known| known.text == word.text && known.value == word.value) {
                values.push(word);
            }
        }
        values
    }

    /// The first operand: `down` of `docker-compose -f a.yml down -v`.
    pub fn subcommand(&self, value_flags: &[&str]) -> Option<&Word> {
        self.operands(value_flags).into_iter().next()
    }

    /// Makes the words unknown that its program takes for a file of further arguments (`mypy @file`).
    pub fn read_argument_files(&mut self) {
        if ARGUMENT_FILES.binary_search(&self.name()).is_err() {
            return;
        }
        for word in self.words.iter_mut().skip(1) {
            if word.value.as_deref().unwrap_or(&word.prefix).starts_with('@') {
                *word = Word { text: word.text.clone(), many: true, ..Word::default() };
            }
        }
    }

    /// The last component of the program word without a version suffix: `python` of `/usr/bin/python3.11`.
    /// Says nothing about which file runs: facts do.
    pub fn name(&self) -> &str {
        self.program().map_or("", base_name)
    }
}

/// Whether the known word `value` is or holds `flag`.
pub(super) fn matches(value: &str, flag: &str, bundled: bool) -> Tri {
    if value == flag {
        return Tri::Yes;
    }
    let name = value.split_once('=').map_or(value, |(name, _)| name);
    if name == flag {
        return Tri::Yes;
    }
    if let Some(letters) = value.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
        let mut flag_letters = flag.strip_prefix('-').unwrap_or(flag).chars();
        if let (Some(letter), None) = (flag_letters.next(), flag_letters.next()) {
            let holds = if bundled { letters.contains(letter) } else { false };
            return if holds { Tri::Yes } else { Tri::No };
        }
        return Tri::No;
    }
    // GNU getopt, optparse and argparse accept unambiguous beginnings of long options.
    if flag.starts_with("--") && name.len() > 2 && flag.starts_with(name) { Tri::Unknown } else { Tri::No }
}

/// Whether a word that begins with `prefix` may turn out to be or hold `flag`.
pub(super) fn may_become(prefix: &str, flag: &str) -> bool {
    if prefix.is_empty() {
        return true;
    }
    if let Some((name, _)) = prefix.split_once('=') {
        return name == flag;
    }
    if prefix.starts_with("--") {
        return flag.starts_with(prefix) || prefix == flag;
    }
    prefix.starts_with('-') && (!flag.starts_with("--") || prefix == "-")
}

/// Programs that read further arguments from the file in `@file` (argparse's `fromfile_prefix_chars`, GNU's and Java's
/// response files), and Python tools that may by their version. Sorted.
const ARGUMENT_FILES: &[&str] = &[
    "ar", "black", "c++", "cc", "clang", "clang++", "flake8", "g++", "gcc", "isort", "jar", "java", "javac", "ld",
    "mypy", "py.test", "pylint", "pytest", "ruff",
];

/// Programs whose name is written with a bare number for a version (`python3`); of others (`base64`) it is a part.
const NUMBERED: &[&str] = &["python", "pip", "pytest", "pydoc", "idle", "perl", "php", "ruby", "lua", "node", "tclsh"];

/// The last component of a path without a version suffix (`3.11`, `-3.11`, `3`): `python` of `/usr/bin/python3.11`.
pub fn base_name(program: &str) -> &str {
    let name = program.rsplit('/').next().unwrap_or(program);
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let version = name.strip_prefix(stem).unwrap_or("");
    if stem.is_empty() || version.is_empty() || version.starts_with('.') || version.ends_with('.') {
        return name;
    }
    match stem.strip_suffix('-') {
        Some(stem) if !stem.is_empty() => stem,
        Some(_) => name,
        None if version.contains('.') || NUMBERED.contains(&stem) => stem,
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Command {
        Command { words: line.split(' ').map(Word::known).collect(), ..Command::default() }
    }

    #[test]
    fn a_flag_is_found_alone_bundled_and_with_a_value() {
        let cases = [
            ("docker-compose down -v", "-v", Tri::Yes),
            ("docker-compose -f a.yml down -fv", "-v", Tri::Yes),
            ("docker-compose down --volumes=true", "--volumes", Tri::Yes),
            ("docker-compose down -- -v", "-v", Tri::No),
            ("docker-compose -f -v down", "-v", Tri::No),
            ("docker-compose down --vol", "--volumes", Tri::Unknown),
            ("docker-compose down", "-v", Tri::No),
            ("git commit --message=-v", "-v", Tri::No),
            ("find . -delete", "-delete", Tri::Yes),
            ("find . -delete", "-d", Tri::No),
            ("pytest -pevil", "-p", Tri::Yes),
            ("git checkout -qbtopic-c", "-c", Tri::No),
            ("git checkout -qbtopic-c", "-b", Tri::Yes),
            ("git diff -C --output=x", "--output", Tri::Yes),
            ("curl -sXPOST http://x", "-T", Tri::No),
            ("curl -sX -T http://x", "-T", Tri::No),
            ("aws --region x ec2 -v", "-v", Tri::Yes),
        ];
        for (line, flag, expected) in cases {
            assert_eq!((line, flag, command(line).has_flag(flag)), (line, flag, expected));
        }
    }

    #[test]
    fn an_unknown_word_may_be_a_flag_unless_it_begins_otherwise() {
        let mut asked = command("rm x");
        asked.words.push(Word { text: "$x".into(), ..Word::default() });
        assert_eq!(asked.has_flag("-r"), Tri::Unknown);
        asked.words[2].prefix = "./".into();
        assert_eq!(asked.has_flag("-r"), Tri::No);
        asked.words[2].prefix = "--out=".into();
        assert_eq!((asked.has_flag("--out"), asked.has_flag("-r")), (Tri::Unknown, Tri::No));
        asked.open_ended = true;
        assert_eq!(asked.has_flag("-r"), Tri::Unknown);
    }

    #[test]
    fn operands_leave_out_flags_and_their_values() {
        let values = |line: &str, flags: &[&str]| {
            command(line).operands(flags).iter().map(|w| w.text.clone()).collect::<Vec<_>>()
        };
        assert_eq!(values("git -C dir checkout -qb new main", &[]), ["checkout", "main"]);
        assert_eq!(values("aws --region eu-1 ec2 describe-instances", &[]), ["ec2", "describe-instances"]);
        assert_eq!(values("git -C dir push --force origin -- -x", &[]), ["push", "origin", "-x"]);
        let settled = |line: &str| command(line).arguments().settled();
        assert_eq!(
            (settled("git --no-pager log"), settled("git log --foo x"), settled("npm --tag ls install x")),
            (1, 1, 0)
        );
        assert_eq!(
            (settled("az vm list -g x"), settled("az group delete -n list"), settled("python -uB a.py")),
            (2, 2, 1)
        );
        assert_eq!(values("tool -o out in", &["-o"]), ["in"]);
        assert_eq!(values("tool -vo out in", &["-o"]), ["in"]);
        assert_eq!(values("tool -oout - in", &["-o"]), ["-", "in"]);
        assert_eq!(command("pip --log f install x").subcommand(&[]).map(|w| w.text.as_str()), Some("install"));
    }

    #[test]
    fn a_flag_s_values_are_found_in_every_spelling() {
        let values =
            |line: &str, flag| command(line).flag_values(flag).iter().map(|w| w.value.clone()).collect::<Vec<_>>();
        assert_eq!(values("pip install --target=a -t b -tc", "--target"), [Some("a".to_owned())]);
        assert_eq!(values("pip install --target=a -t b -tc", "-t"), [Some("b".to_owned()), Some("c".to_owned())]);
        assert_eq!(values("pip install --target-x a -- --target b", "--target"), [] as [Option<String>; 0]);
    }

    #[test]
    fn a_version_suffix_is_not_part_of_a_name() {
        let names =
            ["/usr/bin/python3.11", "pip3", "clang-14", "7z", "base64", "python", "2to3-3.11", "."].map(base_name);
        assert_eq!(names, ["python", "pip", "clang", "7z", "base64", "python", "2to3", "."]);
    }
}
