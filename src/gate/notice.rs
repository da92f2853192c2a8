//! Telling a person: from what happened to what waits in the state folder, and from there out, by a guard of its own.
//! Knows where configurations lie and what is recorded; how a notice is sent is `notify`'s.

use super::owned::{self, Unfit};
use super::project::shown;
use super::world::MACHINE;
use super::{Project, Stop, World, entries, escalated, secrets, trust};
use crate::decide::{Layer, Source};
use crate::event::line::{hex, printable};
use crate::execute::sandbox::{detached, inside};
use crate::notify::{self, Channel, Delivery, Event, Failure, Message, NotSent, Notice, Queue, Where};
use crate::record::{Log, Redactor};
use chrono::{DateTime, SecondsFormat, Utc};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Notices that may wait in a project; further ones are not sent.
const MOST: usize = 256;
/// Notices that are sent at the same time.
const TOGETHER: usize = 8;
/// How often a guard that sends looks for more.
const LOOK: Duration = Duration::from_millis(10);
/// Characters of a title and of a text.
const TITLE: usize = 200;
const TEXT: usize = 8000;

/// Whom the machine's and the person's configuration name, and what is wrong with either.
#[derive(Debug, Default)]
pub struct Reach {
    /// Every channel of the configurations that are in order.
    pub channels: Vec<Channel>,
    /// What is wrong with those that are not.
    pub broken: Vec<Stop>,
    /// The file that a person's channels belong in.
    pub file: Option<PathBuf>,
}

/// Who is told: by the machine's configuration and by the one in the person's folder.
pub fn reach(config_root: Option<&Path>) -> Reach {
    let own = rustix::process::geteuid().as_raw();
    let mut reach = Reach { file: config_root.map(|folder| folder.join(FILE)), ..Reach::default() };
    let folders = [(Layer::Machine, Some(Path::new(MACHINE)), 0), (Layer::Person, config_root, own)];
    for (layer, folder, owner) in folders {
        match folder.map_or(Ok(Vec::new()), |folder| channels(layer, folder, owner)) {
            Ok(channels) => reach.channels.extend(channels),
            Err(stop) => reach.broken.push(stop),
        }
    }
    reach
}

const FILE: &str = "config.toml";

fn channels(layer: Layer, folder: &Path, owner: u32) -> Result<Vec<Channel>, Stop> {
    let path = folder.join(FILE);
    let text = match owned::text(&path, owner) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(Vec::new()),
        Err(Unfit::Unreadable(cause)) => return Err(Stop::SettingsUnreadable { path, cause }),
        Err(Unfit::Loose(cause)) => return Err(Stop::LooseSettings { path, cause }),
    };
    let source = Source { layer, name: shown(&path), text };
    notify::read(&source, &|name, sort| owned::beside(folder, name, owner, sort))
        .map_err(|faults| Stop::SettingsInvalid { faults })
}

/// Has a person told, if anybody is named: the notice waits in the state folder, and a guard of its own sends it. Costs a
/// look for two files where nobody is.
///
/// # Errors
/// Why somebody is not told: a configuration with faults (whoever the other one names is told all the same), or the system.
/// What the notice is about must not be stopped by it.
pub(super) fn tell(project: &Project, redactor: &Redactor, notice: Notice) -> Result<(), Stop> {
    let Reach { channels, mut broken, .. } = reach(project.config_root.as_deref());
    let event = notice.event;
    let wanted: Vec<Channel> = channels.into_iter().filter(|channel| channel.events.contains(&event)).collect();
    if !wanted.is_empty() {
        put(project, &wanted, message(project, redactor, notice, Utc::now()))?;
        let root = project.root.as_os_str();
        detached(&[OsStr::new("-C"), root, OsStr::new("deliver")]).map_err(|error| Stop::System {
            what: "cannot start what tells a person".into(),
            cause: error.to_string(),
        })?;
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.swap_remove(0)) }
}

/// Has a person told of the halt of this name, whose report is kept.
pub(super) fn tell_halt(project: &Project, redactor: &Redactor, name: &str) -> Result<(), Stop> {
    tell(project, redactor, Notice::escalation(&escalated(project, name)?))
}

/// What is sent: redacted, cut where it is long, nothing in it that acts on a terminal.
fn message(project: &Project, redactor: &Redactor, notice: Notice, now: DateTime<Utc>) -> Message {
    let clean = |text: &str| printable(&redactor.redact(text).unwrap_or_else(|| text.to_owned()));
    let line = |text: &str, most| cut(clean(text).replace(['\n', '\t'], " "), most);
    let last = |path: &Path| line(&path.file_name().unwrap_or_default().to_string_lossy(), TITLE);
    let Notice { event, name, title, text, look } = notice;
    let host = host();
    let text = cut(clean(&text), TEXT);
    let (text, look) = (text.trim_end(), line(&look, TITLE));
    Message {
        v: Message::VERSION,
        event,
        name: line(&name, TITLE),
        project: Some(Where { name: last(&project.root), log_id: last(&project.paths.state) }),
        time: now.to_rfc3339_opts(SecondsFormat::Micros, true),
        title: line(&title, TITLE),
        text: format!("{text}\n\nLook at it with `{look}` in `{}` on `{host}`.\n", clean(&shown(&project.root))),
        host,
    }
}

fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// The machine's name.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    printable(name.trim())
}

fn put(project: &Project, channels: &[Channel], message: Message) -> Result<(), Stop> {
    let fault = |cause: String| Stop::System { what: "cannot keep a notice to be sent".into(), cause };
    let queue = Queue::at(&project.paths.state).map_err(|error| fault(error.to_string()))?;
    let waiting = queue.waiting().map_err(|error| fault(error.to_string()))?.len();
    if waiting >= MOST {
        return Err(fault(format!("{waiting} wait already")));
    }
    for channel in channels {
        let delivery = Delivery { channel: channel.name.clone(), id: id(&message.name)?, message: message.clone() };
        let bytes = serde_json::to_vec(&delivery).map_err(|error| fault(error.to_string()))?;
        trust::keep(&queue.place(Utc::now().timestamp_micros(), &delivery), &bytes)?;
    }
    Ok(())
}

/// What one delivery is known by at both ends: fit for a file's name and a header.
fn id(name: &str) -> Result<String, Stop> {
    let mut random = [0; 8];
    rustix::rand::getrandom(&mut random[..], rustix::rand::GetRandomFlags::empty())
        .map_err(|error| Stop::System { what: "cannot name a notice".into(), cause: error.to_string() })?;
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    Ok(format!("{name}-{}", hex(&random)))
}

/// Sends everything that waits, leftovers of an earlier guard included, and records what could not be sent.
///
/// # Errors
/// The state folder or the log cannot be used; what was not recorded as failed waits on.
pub fn deliver(world: &World, project: &Project) -> Result<(), Stop> {
    let fault = |error: std::io::Error| Stop::System {
        what: "cannot look for notices to be sent".into(),
        cause: error.to_string(),
    };
    let queue = Queue::at(&project.paths.state).map_err(fault)?;
    let Some(_turn) = queue.turn().map_err(fault)? else { return Ok(()) };
    std::thread::scope(|scope| {
        let (mut seen, mut running) = (BTreeSet::new(), Vec::new());
        loop {
            // Whatever comes meanwhile is not held up by a server that takes its time.
            let mut fresh = queue.waiting().map_err(fault)?;
            fresh.retain(|path| !seen.contains(path));
            for path in fresh.into_iter().take(TOGETHER.saturating_sub(running.len())) {
                seen.insert(path.clone());
                let file = path.clone();
                running.push((path, scope.spawn(move || send(world, project, &file))));
            }
            if running.is_empty() {
                return Ok(());
            }
            std::thread::sleep(LOOK);
            let (ended, rest): (Vec<_>, Vec<_>) = running.into_iter().partition(|(_, sent)| sent.is_finished());
            running = rest;
            for (path, sent) in ended {
                if let Some(unsent) = sent.join().unwrap_or_else(|_| Some(Unsent::broken())) {
                    record(world, project, &unsent)?;
                }
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(error)),
                    Ok(()) | Err(_) => {}
                }
            }
        }
    })
}

/// A notice that somebody was not told of.
#[derive(Debug)]
pub(super) struct Unsent {
    pub(super) name: String,
    pub(super) channel: String,
    pub(super) why: NotSent,
}

impl Unsent {
    fn broken() -> Unsent {
        let why = NotSent { tries: 0, cause: "the sending broke off".into() };
        Unsent { name: "a notice".into(), channel: "unknown".into(), why }
    }
}

fn send(world: &World, project: &Project, path: &Path) -> Option<Unsent> {
    let delivery: Delivery = match std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        Some(delivery) => delivery,
        None => {
            let why = NotSent { tries: 0, cause: "what waited in the state folder cannot be read".into() };
            return Some(Unsent { why, ..Unsent::broken() });
        }
    };
    let unsent = |why| Some(Unsent { name: delivery.message.name.clone(), channel: delivery.channel.clone(), why });
    let reach = reach(project.config_root.as_deref());
    match reach.channels.iter().find(|channel| channel.name == delivery.channel) {
        Some(channel) => {
            notify::send(channel, &delivery, &world.environment, std::thread::sleep).err().and_then(unsent)
        }
        None if reach.broken.is_empty() => {
            unsent(NotSent { tries: 0, cause: "the configuration no longer names it".into() })
        }
        None => {
            unsent(NotSent { tries: 0, cause: "the configuration is invalid: `guard notify test` says how".into() })
        }
    }
}

fn record(world: &World, project: &Project, unsent: &Unsent) -> Result<(), Stop> {
    let mut log = Log::open(&project.paths).map_err(Stop::Log)?;
    let redactor = secrets::redactor(world, project, log.tag_key())?;
    log.append(&redactor, vec![entries::not_told(unsent)]).map_err(Stop::Log)?;
    Ok(())
}

/// What came of a test of one channel.
#[derive(Debug)]
pub struct Tried {
    /// The channel.
    pub channel: Channel,
    /// Why the test did not arrive, if it did not.
    pub failed: Option<String>,
}

/// Sends a test through every channel, one try each, in the foreground.
///
/// # Errors
/// Inside a fence, or where there is no place for a configuration.
pub fn try_channels(world: &World, from: &Path) -> Result<(Vec<Tried>, Reach), Stop> {
    let state_root = world.state_root().ok_or(Stop::NoHome)?;
    if inside(&state_root) {
        return Err(Stop::Fenced);
    }
    let mut reach = reach(config_root(world, from).as_deref());
    let message = Message::test(host(), Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true));
    let mut tried = Vec::new();
    for channel in std::mem::take(&mut reach.channels) {
        let delivery =
            Delivery { channel: channel.name.clone(), id: id(Event::Test.word())?, message: message.clone() };
        let failed = match notify::attempt(&channel, &delivery, &world.environment) {
            Ok(()) => None,
            Err(Failure::Passing(cause) | Failure::Lasting(cause)) => Some(cause),
        };
        tried.push(Tried { channel, failed });
    }
    Ok((tried, reach))
}

/// The person's configuration as it counts in `from`: a project's as it was trusted, else the caller's.
pub fn config_root(world: &World, from: &Path) -> Option<PathBuf> {
    Project::find(world, from).map_or_else(|_| world.config_root(), |project| project.config_root)
}
