//! Reading a file for an agent: text by lines, what is no text told apart, values of a `.env` masked.
//! Changes nothing; what was read or refused is recorded.

use super::make::{Trouble, place, trouble};
use crate::action::Node;
use crate::decide::holds_secrets;
use crate::event::line::{carry, hex};
use crate::event::{Detail, FileRead};
use crate::execute::file::{Ends, stood};
use crate::gate::ahead::{Refused, own_rule};
use crate::gate::desk::Desk;
use crate::gate::{Project, Stop, World, after, entries, shown};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Lines, counted from 1, both ends included; no end: to the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The first.
    pub from: u64,
    /// The last.
    pub to: Option<u64>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The file, from the project's root.
    pub path: String,
    /// Bytes of all of it.
    pub len: u64,
    /// SHA-256 of all of it, in hex: what `--expect` takes. None where values are masked: a short one could be guessed.
    pub sha256: Option<String>,
    /// The text of what was asked for; `None`: it is not text.
    pub text: Option<String>,
    /// Whether values are masked.
    pub masked: bool,
}

/// What stands for a value of a `.env`.
const MASK: &str = "[masked]";

/// Reads a file of the project, or a part of it. The inner error: an agent may not.
///
/// # Errors
/// Where it is not there, no file, or longer than the policy lets anybody read at once.
pub fn read_file(
    world: &World,
    project: &Project,
    written: &OsStr,
    part: Option<Part>,
) -> Result<Result<Reading, Refused>, Stop> {
    let mut desk = Desk::open_to_look(world, project)?;
    let path = match place(world, project, written, Ends::Followed) {
        Ok(path) => path,
        Err(Trouble::Refused { what, .. }) => {
            let refused = own_rule("guard:reads-outside", &what, None);
            return desk.unread(written, refused).map(Err);
        }
        Err(Trouble::Asked { what, help }) => return Err(Stop::Usage { what, help: help.into() }),
        Err(Trouble::Conflict { what } | Trouble::System { what }) => {
            return Err(Stop::Usage { what, help: "mend that, and read it again".into() });
        }
    };
    if path.as_os_str().is_empty() {
        let help = "`guard file list` shows what is there".into();
        return Err(Stop::Usage { what: "the project's root is a folder".into(), help });
    }
    let real = project.root.join(&path);
    if project.hidden().iter().any(|hidden| real.starts_with(hidden)) {
        let refused = own_rule("guard:reads-hidden", &shown(&path), None);
        return desk.unread(written, refused).map(Err);
    }
    let cannot =
        |error: Errno| Stop::System { what: format!("`{}`", shown(&path)), cause: trouble("read", &path, error) };
    let wrong = |what: String, help: &str| Err(Stop::Usage { what, help: help.into() });
    let most = desk.policy.settings().limits.file_size;
    let long = |len: u64| {
        let what =
            format!("`{}` has {len} bytes, and at most {most} are read at once (`[limits] file_size`)", shown(&path));
        wrong(what, "read a part of it: `--lines 1:200`")
    };
    // Before it is read through.
    if let Some(len) = real.symlink_metadata().ok().filter(|found| found.is_file()).map(|found| found.len())
        && part.is_none()
        && len > most
    {
        return long(len);
    }
    let found = stood(&project.root, &path).map_err(cannot)?;
    let there = "`guard file list` shows what is there";
    let Some(stood) = found else { return wrong(format!("`{}` is not there", shown(&path)), there) };
    let (file, len, sha256) = match (stood.file, &stood.node) {
        (Some(file), Node::File { len, sha256, .. }) => (file, *len, hex(sha256)),
        (_, Node::Folder { .. }) => return wrong(format!("`{}` is a folder", shown(Path::new(written))), there),
        (_, Node::Special { kind }) => return wrong(format!("`{}` is no file, but a {kind}", shown(&path)), there),
        (_, Node::Link { .. } | Node::File { .. }) => {
            return wrong(format!("`{}` was replaced meanwhile", shown(&path)), there);
        }
    };
    let output = desk.policy.settings().iteration.is_output(&real, &project.root, world.home().as_deref());
    if stood.names > 1 && !output {
        return desk.unread(written, own_rule("guard:changes-linked", &shown(&path), None)).map(Err);
    }
    let bytes = lines(file, part, most)
        .map_err(|error| Stop::System { what: format!("cannot read `{}`", shown(&path)), cause: error.to_string() })?;
    let Some(bytes) = bytes else { return long(len) };
    let text = if bytes.contains(&0) { None } else { String::from_utf8(bytes).ok() };
    let masked = is_dotenv(&path);
    let text = text.map(|text| if masked { mask(&text) } else { text });
    let human = entries::folder(project, &real);
    let detail =
        Detail::FileRead(FileRead { len, from: part.map(|part| part.from), to: part.and_then(|part| part.to) });
    desk.log.append(&desk.redactor, vec![entries::of("FILE", "READ", &human, "SUCCESS", detail)]).map_err(Stop::Log)?;
    Ok(Ok(Reading { path: human, len, sha256: (!masked).then_some(sha256), text, masked }))
}

impl Desk<'_> {
    fn unread(&mut self, written: &OsStr, refused: Refused) -> Result<Refused, Stop> {
        let hits = after::hits(&refused.rules);
        let detail =
            Detail::FileRefused { tool: "guard file read".into(), rules: hits, policy: self.policy.hash().into() };
        let entry = entries::of("FILE", "READ", &carry(written.as_bytes()), "DENIED", detail);
        self.log.append(&self.redactor, vec![entry]).map_err(Stop::Log)?;
        Ok(refused)
    }
}

/// The bytes of those lines; `None`: more than `most`.
fn lines(file: impl Read, part: Option<Part>, most: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let Some(Part { from, to }) = part else {
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        return Ok((bytes.len() as u64 <= most).then_some(bytes));
    };
    let (mut file, mut number) = (BufReader::new(file), 0);
    while to.is_none_or(|to| number < to) {
        number += 1;
        let wanted = number >= from;
        let room = most.saturating_sub(bytes.len() as u64).saturating_add(1);
        let read = if wanted { (&mut file).take(room).read_until(b'\n', &mut bytes)? } else { file.skip_until(b'\n')? };
        if bytes.len() as u64 > most {
            return Ok(None);
        }
        if read == 0 {
            break;
        }
    }
    Ok(Some(bytes))
}

/// Whether a file holds settings of an environment, in lines of names and values.
fn is_dotenv(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    holds_secrets(path) && (name == ".env" || name.starts_with(".env.") || name.ends_with(".env"))
}

/// A `.env` with its names and without its values, of which some go on over several lines: what is no name is none of it shown.
fn mask(text: &str) -> String {
    let name = |line: &str| {
        let (name, _) = line.trim_start().split_once('=')?;
        let bare = name.strip_prefix("export ").unwrap_or(name).trim();
        let plain = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        plain.then(|| format!("{name}={MASK}"))
    };
    text.lines()
        .map(|line| {
            name(line).unwrap_or_else(|| if line.trim().is_empty() { String::new() } else { MASK.into() }) + "\n"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_dotenv_only_the_names_are_shown() {
        let text = "# token: abc\nKEY=secret\nexport B = 'two\nlines=of'\n\nC=\n";
        assert_eq!(mask(text), "[masked]\nKEY=[masked]\nexport B =[masked]\nlines=[masked]\n\nC=[masked]\n");
        for (path, expected) in
            [(".env", true), ("a/.env.prod", true), (".env.example", false), ("x.py", false), ("id_rsa", false)]
        {
            assert_eq!(is_dotenv(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn lines_are_counted_from_one_and_bounded() {
        let text = b"one\ntwo\nthree";
        let part =
            |from, to| lines(&text[..], Some(Part { from, to }), 100).unwrap().map(|b| String::from_utf8(b).unwrap());
        assert_eq!(part(1, Some(1)).as_deref(), Some("one\n"));
        assert_eq!(part(2, None).as_deref(), Some("two\nthree"));
        assert_eq!(part(2, Some(9)).as_deref(), Some("two\nthree"));
        assert_eq!(part(9, None).as_deref(), Some(""));
        assert_eq!(lines(&text[..], None, 13).unwrap().as_deref(), Some(&text[..]));
        assert_eq!(lines(&text[..], None, 12).unwrap(), None);
        assert_eq!(lines(&text[..], Some(Part { from: 3, to: None }), 4).unwrap(), None);
    }
}
