//! Claude Code's settings with guard in them and without: found, put in, taken out, everything else left byte by byte.
//! Knows the shape of its hooks, as <https://code.claude.com/docs/en/hooks> has it.

use super::edit::{append, remove};
use super::spans::{children, member, root};
use crate::action::shell::{quoted, unquoted};
use crate::gate::{Stop, shown};
use serde_json::Value;
use std::fs;
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Before a tool, when it can be refused, and after it, when what it did is recorded.
const EVENTS: [&str; 2] = ["PreToolUse", "PostToolUse"];
/// What follows guard's path. Without the end a guard that is gone, or killed, would count as consent: only 2 refuses.
const WORDS: &str = " hook claude || exit 2";
/// Bytes of the largest settings that are read.
const LONGEST: u64 = 4 << 20;

/// What became of a settings file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Changed,
    Unchanged,
}

/// A hook by which Claude Code asks guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// When it is asked.
    event: &'static str,
    /// The line a shell is given.
    pub(super) command: String,
    /// The guard it starts.
    pub(super) guard: PathBuf,
    /// The tools it is asked for; `None`: all.
    pub(super) matcher: Option<String>,
    /// Where it stands: the number of its group, and its own there.
    group: usize,
    number: usize,
}

/// Settings as they stand.
#[derive(Debug)]
pub(super) struct Settings {
    text: String,
    value: Value,
}

/// Puts guard in, or its present place where another stood.
///
/// # Errors
/// Settings that are no JSON object, or have something else where hooks belong; nothing is changed then.
pub(super) fn install(file: &Path, guard: &Path) -> Result<Done, Stop> {
    let file = target(file);
    let present = Settings::read(&file)?;
    let guard = guard.to_str().ok_or_else(|| unfit(&file, "guard itself lies at a path that is not UTF-8"))?;
    let command = format!("{}{WORDS}", quoted(guard));
    let mut settings = present.unwrap_or(Settings { text: "{}\n".into(), value: Value::Object(Default::default()) });
    let entries = settings.entries();
    let whole = |entry: &Entry| entry.command == command && entry.matcher.as_deref() == Some("*");
    if entries.iter().map(|entry| entry.event).eq(EVENTS) && entries.iter().all(whole) {
        return Ok(Done::Unchanged);
    }
    settings = settings.without(&file)?;
    for event in EVENTS {
        settings = settings.with(&file, event, &command)?;
    }
    replace(&file, &settings.text)?;
    Ok(Done::Changed)
}

/// Takes guard out, wherever it points.
///
/// # Errors
/// As [`install`].
pub(super) fn uninstall(file: &Path) -> Result<Done, Stop> {
    let file = target(file);
    let Some(settings) = Settings::read(&file)? else { return Ok(Done::Unchanged) };
    if settings.entries().is_empty() {
        return Ok(Done::Unchanged);
    }
    replace(&file, &settings.without(&file)?.text)?;
    Ok(Done::Changed)
}

impl Settings {
    /// `None`: there is no such file.
    pub(super) fn read(file: &Path) -> Result<Option<Self>, Stop> {
        let fault = |cause: String| Stop::System { what: format!("cannot read `{}`", shown(file)), cause };
        let size = match fs::metadata(file) {
            Ok(found) if !found.is_file() => return Err(fault("it is not a plain file".into())),
            Ok(found) => found.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(error.to_string())),
        };
        if size > LONGEST {
            return Err(fault(format!("it is larger than {LONGEST} bytes")));
        }
        let text = fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
        Self::parse(file, text).map(Some)
    }

    fn parse(file: &Path, text: String) -> Result<Self, Stop> {
        let value: Value =
            serde_json::from_str(&text).map_err(|error| unfit(file, &format!("it is not JSON: {error}")))?;
        if !value.is_object() {
            return Err(unfit(file, "it is JSON, but no object"));
        }
        Ok(Self { text, value })
    }

    /// Whether Claude Code is told to run no hooks at all.
    pub(super) fn switched_off(&self) -> bool {
        self.value.get("disableAllHooks") == Some(&Value::Bool(true))
    }

    /// Every hook that asks guard, in the order of [`EVENTS`].
    pub(super) fn entries(&self) -> Vec<Entry> {
        let groups = EVENTS.iter().flat_map(|event| {
            let groups = self.value.pointer(&format!("/hooks/{event}")).and_then(Value::as_array);
            groups.into_iter().flatten().enumerate().map(move |(group, value)| (*event, group, value))
        });
        let mut found = Vec::new();
        for (event, group, value) in groups {
            let hooks = value.get("hooks").and_then(Value::as_array);
            for (number, hook) in hooks.into_iter().flatten().enumerate() {
                let command = hook.get("command").and_then(Value::as_str).unwrap_or_default();
                if let Some(guard) = asked(command) {
                    let matcher = value.get("matcher").and_then(Value::as_str).map(str::to_owned);
                    found.push(Entry { event, command: command.to_owned(), guard, matcher, group, number });
                }
            }
        }
        found
    }

    /// The hooks by which Claude Code asks before a tool: those that can refuse.
    pub(super) fn refusing(&self) -> impl Iterator<Item = Entry> {
        self.entries().into_iter().filter(|entry| Some(&entry.event) == EVENTS.first())
    }

    /// Whether guard is asked before a tool and not told after it: then nothing says what ran outside the fence.
    pub(super) fn untold(&self) -> bool {
        let entries = self.entries();
        let [before, after] = EVENTS.map(|event| entries.iter().any(|entry| entry.event == event));
        before && !after
    }

    fn with(self, file: &Path, event: &str, command: &str) -> Result<Self, Stop> {
        let command = Value::from(command);
        let hook = format!(
            "{{\n\t\"matcher\": \"*\",\n\t\"hooks\": [\n\t\t{{\n\t\t\t\"type\": \"command\",\n\t\t\t\"command\": {command},\n\
             \t\t\t\"timeout\": 10\n\t\t}}\n\t]\n}}"
        );
        let deeper = |part: &str, by: &str| part.replace('\n', &format!("\n{by}"));
        let list = format!("\"{event}\": [\n\t{}\n]", deeper(&hook, "\t"));
        let all = root(&self.text);
        let text = match member(&self.text, all.clone(), "hooks").map(|hooks| hooks.value) {
            None => append(&self.text, all, &format!("\"hooks\": {{\n\t{}\n}}", deeper(&list, "\t"))),
            Some(hooks) => {
                self.must_be(file, hooks.start, '{', "`hooks` is no object")?;
                match member(&self.text, hooks.clone(), event).map(|list| list.value) {
                    None => append(&self.text, hooks, &list),
                    Some(groups) => {
                        self.must_be(file, groups.start, '[', &format!("`{event}` in `hooks` is no list"))?;
                        append(&self.text, groups, &hook)
                    }
                }
            }
        };
        Self::parse(file, text)
    }

    fn must_be(&self, file: &Path, at: usize, opening: char, fault: &str) -> Result<(), Stop> {
        let fits = self.text.get(at..).is_some_and(|rest| rest.starts_with(opening));
        if fits { Ok(()) } else { Err(unfit(file, fault)) }
    }

    /// Without guard's hooks, and without what they leave empty.
    fn without(mut self, file: &Path) -> Result<Self, Stop> {
        // From the last one on, so that the numbers before stay true.
        for entry in self.entries().into_iter().rev() {
            let text = self.text;
            let within =
                |at: &Range<usize>, key| member(&text, at.clone(), key).map(|child| child.value).unwrap_or_default();
            let whole = root(&text);
            let events = within(&whole, "hooks");
            let groups = within(&events, entry.event);
            let group = children(&text, groups.clone()).into_iter().nth(entry.group);
            let hooks = within(&group.map(|child| child.value).unwrap_or_default(), "hooks");
            // The outermost part that would be left with nothing in it goes as a whole.
            let alone = |at: &Range<usize>| children(&text, at.clone()).len() == 1;
            let number = |container: &Range<usize>, value: &Range<usize>| {
                children(&text, container.clone()).iter().position(|child| child.value == *value).unwrap_or(usize::MAX)
            };
            let fresh = if !alone(&hooks) {
                remove(&text, hooks, entry.number)
            } else if !alone(&groups) {
                remove(&text, groups, entry.group)
            } else if !alone(&events) {
                remove(&text, events.clone(), number(&events, &groups))
            } else {
                remove(&text, whole.clone(), number(&whole, &events))
            };
            self = Self::parse(file, fresh)?;
        }
        if self.entries().is_empty() { Ok(self) } else { Err(unfit(file, "its hooks stand there more than once")) }
    }
}

/// The guard that a hook's command asks, of whatever place and age; `None`: it asks something else, or more.
fn asked(command: &str) -> Option<PathBuf> {
    let own = command.trim();
    let own = own.strip_suffix("|| exit 2").unwrap_or(own).trim_end();
    let word = own.strip_suffix(" hook claude")?;
    let [guard] = unquoted(word)?.try_into().ok()?;
    // Written as guard writes it, it is one word to a shell, and not the end of something else.
    if quoted(guard.to_str()?) != word {
        return None;
    }
    let guard = PathBuf::from(guard);
    guard.file_name()?.to_str()?.starts_with("guard").then_some(guard)
}

fn unfit(file: &Path, cause: &str) -> Stop {
    Stop::Usage {
        what: format!("`{}` is left as it is: {cause}", shown(file)),
        help: "mend the file, which Claude Code cannot read as it stands either, and try again".into(),
    }
}

/// The file itself, where its name is a link.
fn target(file: &Path) -> PathBuf {
    fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
}

/// Replaces the file in one step; mode and owner stay.
fn replace(file: &Path, text: &str) -> Result<(), Stop> {
    let fault = |error: std::io::Error| Stop::System {
        what: format!("cannot write `{}`", shown(file)),
        cause: error.to_string(),
    };
    let before = fs::metadata(file).ok();
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(fault)?;
    }
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".guard-{}", std::process::id()));
    let fresh = file.with_file_name(name);
    let written = (|| {
        let mut made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        made.write_all(text.as_bytes())?;
        if let Some(before) = &before {
            std::os::unix::fs::fchown(&made, Some(before.uid()), Some(before.gid()))?;
        }
        let mode = before.as_ref().map_or(0o644, |before| before.mode() & 0o7777);
        made.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        made.sync_all()?;
        fs::rename(&fresh, file)
    })();
    written.map_err(|error| {
        let _left_behind = fs::remove_file(&fresh);
        fault(error)
    })
}
