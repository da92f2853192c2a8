//! Reading `[notify]` of a configuration, strictly: what is there must be right.
//! Takes texts, and a way to files of the configuration's folder; knows nothing of where that is.

use super::Event;
use crate::decide::policy::{CONFIG, Faults, NOTIFY, Reader, Table, nearest, root};
use crate::decide::{Layer, Source};
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;
use ureq::http::Uri;

/// Bytes of the longest file of a secret.
pub const LONGEST_SECRET: u64 = 4096;
/// Bytes of the shortest secret: a signature that can be guessed says nothing.
const SHORTEST_SECRET: usize = 16;
/// Time for one try of a webhook, and of a command.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time that may be given to one try, and to a pause.
const LONGEST: Duration = Duration::from_secs(60);
/// Pause before the second try.
const RETRY: Duration = Duration::from_secs(1);
/// What can be told of.
const EVENTS: [Event; 3] = [Event::Request, Event::Escalation, Event::End];

/// A way to tell a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// `command` or `webhook`; those of the machine's configuration with `machine-` in front.
    pub name: String,
    /// How.
    pub by: By,
    /// What is told.
    pub events: Vec<Event>,
    /// Time for one try.
    pub timeout: Duration,
    /// Pause before the second try.
    pub retry: Duration,
}

/// How a channel sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A program and its arguments, never empty.
    Command(Vec<String>),
    /// A signed post.
    Webhook(Webhook),
}

/// Where a notice is posted to.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    pub(super) url: String,
    pub(super) host: String,
    /// Whether the host must turn out to be this machine.
    pub(super) loopback: bool,
    pub(super) secret: Vec<u8>,
    /// PEM of authorities trusted besides the system's.
    pub(super) authorities: Vec<u8>,
}

impl Webhook {
    /// The host it goes to; the rest of an address may be a secret.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Webhook({})", self.host)
    }
}

/// What a file of the configuration's folder must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSort {
    /// Its owner's to read and write.
    Secret,
    /// Its owner's to write.
    Public,
}

/// A file of the configuration's folder, or why it will not do.
type Files<'a> = &'a dyn Fn(&str, FileSort) -> Result<Vec<u8>, String>;

/// The channels that a configuration names.
///
/// # Errors
/// Every fault, with its place.
pub fn read(source: &Source, files: Files<'_>) -> Result<Vec<Channel>, Faults> {
    let mut reader = Reader::new(source);
    let mut channels = Vec::new();
    if let Some(document) = reader.document() {
        let whole = root(&document, "guard's configuration");
        reader.only(whole, CONFIG);
        if let Some(table) = reader.table(whole, "notify", "[notify]") {
            channels = notify(&mut reader, table, source.layer, files);
        }
    }
    let mut faults = reader.into_faults();
    if faults.is_empty() {
        return Ok(channels);
    }
    faults.sort_by_key(|fault| (fault.line, fault.column));
    Err(Faults(faults))
}

fn notify(reader: &mut Reader<'_>, table: Table<'_, '_>, layer: Layer, files: Files<'_>) -> Vec<Channel> {
    reader.only(table, NOTIFY);
    let events = events(reader, table);
    let timeout = bounded(reader, table, "timeout");
    let retry = bounded(reader, table, "retry").unwrap_or(RETRY);
    let mut ways = Vec::new();
    if let Some(argv) = command(reader, table) {
        ways.push(("command", By::Command(argv), timeout.unwrap_or(COMMAND_TIMEOUT)));
    }
    if let Some(webhook) = webhook(reader, table, files) {
        ways.push(("webhook", By::Webhook(webhook), timeout.unwrap_or(WEBHOOK_TIMEOUT)));
    }
    if let (false, false, Some(span)) =
        (table.has("command"), table.has("webhook"), NOTIFY.iter().find_map(|key| reader.key(table, key.name)))
    {
        reader.fault(span, "`[notify]` names nobody", "add `command = [\"…\"]` or `webhook = \"https://…\"`");
    }
    let machine = if layer == Layer::Machine { "machine-" } else { "" };
    let channel =
        |(name, by, timeout)| Channel { name: format!("{machine}{name}"), by, events: events.clone(), timeout, retry };
    ways.into_iter().map(channel).collect()
}

fn events(reader: &mut Reader<'_>, table: Table<'_, '_>) -> Vec<Event> {
    let Some(words) = reader.strings(table, "events") else { return EVENTS.to_vec() };
    let known: Vec<&str> = EVENTS.iter().map(|event| event.word()).collect();
    let mut events = Vec::new();
    for word in words {
        match EVENTS.iter().find(|event| event.word() == word.value) {
            Some(event) => events.push(*event),
            None => {
                let help = match nearest(&word.value, &known) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("one of \"{}\"", known.join("\", \"")),
                };
                reader.fault(word.span, "`events` names something that is not told", help);
            }
        }
    }
    events
}

fn bounded(reader: &mut Reader<'_>, table: Table<'_, '_>, key: &str) -> Option<Duration> {
    let found = reader.duration(table, key)?;
    if found.value > LONGEST {
        reader.fault(found.span, format!("`{key}` is too long"), format!("at most \"{}s\"", LONGEST.as_secs()));
        return None;
    }
    Some(found.value)
}

fn command(reader: &mut Reader<'_>, table: Table<'_, '_>) -> Option<Vec<String>> {
    let words = reader.strings(table, "command")?;
    let first = words.first()?;
    let program = first.value.as_str();
    if program.is_empty() || program.contains('/') && !program.starts_with('/') {
        let help = "a name, to be found in /usr/local/bin, /usr/bin or /bin, or a whole path";
        reader.fault(first.span.clone(), "`command` begins with no program", help);
        return None;
    }
    if words.len() == 1 && program.contains(char::is_whitespace) {
        reader.fault(
            first.span.clone(),
            "`command` is one word with blanks in it",
            "no shell takes it apart: write `command = [\"program\", \"argument\"]`",
        );
        return None;
    }
    if let Some(word) = words.iter().find(|word| word.value.contains('\0')) {
        reader.fault(word.span.clone(), "`command` holds a zero byte", "no program can be given one");
        return None;
    }
    Some(words.into_iter().map(|word| word.value).collect())
}

fn webhook(reader: &mut Reader<'_>, table: Table<'_, '_>, files: Files<'_>) -> Option<Webhook> {
    let Some(url) = reader.string(table, "webhook") else {
        for key in ["secret_file", "ca_file"] {
            if let (Some(span), false) = (reader.key(table, key), table.has("webhook")) {
                reader.fault(
                    span,
                    format!("`{key}` without `webhook`"),
                    "add `webhook = \"https://…\"`, or leave it out",
                );
            }
        }
        return None;
    };
    let target = match target(&url.value) {
        Ok(target) => Some(target),
        Err((message, help)) => {
            reader.fault(url.span.clone(), message, help);
            None
        }
    };
    let secret = secret(reader, table, &url.span, files);
    let authorities = match reader.string(table, "ca_file") {
        Some(path) => match files(&path.value, FileSort::Public) {
            Ok(pem) => Some(pem),
            Err(cause) => {
                reader.fault(
                    path.span,
                    format!("`ca_file` cannot be used: {cause}"),
                    "name a PEM file beside this one",
                );
                None
            }
        },
        None => (!table.has("ca_file")).then(Vec::new),
    };
    let (host, loopback) = target?;
    Some(Webhook { url: url.value, host, loopback, secret: secret?, authorities: authorities? })
}

fn secret(reader: &mut Reader<'_>, table: Table<'_, '_>, head: &Range<usize>, files: Files<'_>) -> Option<Vec<u8>> {
    let make = "make one beside this file: `umask 077; head -c 32 /dev/urandom | base64 > notify.key`";
    let Some(path) = reader.string(table, "secret_file") else {
        if !table.has("secret_file") {
            let help = format!("add `secret_file = \"notify.key\"`, and {make}");
            reader.fault(head.clone(), "`webhook` without `secret_file`: nobody could tell who posts", help);
        }
        return None;
    };
    let mut secret = match files(&path.value, FileSort::Secret) {
        Ok(secret) => secret,
        Err(cause) => {
            reader.fault(path.span, format!("`secret_file` cannot be used: {cause}"), make);
            return None;
        }
    };
    while secret.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        secret.pop();
    }
    if secret.len() < SHORTEST_SECRET {
        let message = format!("the secret in `secret_file` is shorter than {SHORTEST_SECRET} bytes");
        reader.fault(path.span, message, make);
        return None;
    }
    Some(secret)
}

/// The host of an address and whether it must be this machine, or what is wrong with it and what to write.
fn target(url: &str) -> Result<(String, bool), (&'static str, &'static str)> {
    let wrong = ("`webhook` is not an address", "write it as \"https://host/path\"");
    let uri: Uri = url.parse().map_err(|_| wrong)?;
    let (scheme, authority, host) =
        (uri.scheme_str().ok_or(wrong)?, uri.authority().ok_or(wrong)?, uri.host().ok_or(wrong)?);
    if authority.as_str().contains('@') {
        return Err(("`webhook` holds a name or password", "leave them out: posts are signed with `secret_file`"));
    }
    if url.contains('#') {
        return Err(("`webhook` holds a fragment", "leave out what begins with `#`: it is never sent"));
    }
    let ported = authority.as_str() != host;
    if ported && authority.port_u16().is_none_or(|port| port == 0) {
        return Err(wrong);
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = bare.parse().ok();
    let label = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if bare.is_empty() || bare.starts_with('-') || address.is_none() && !bare.chars().all(label) {
        return Err(wrong);
    }
    let here = address.map_or(bare.eq_ignore_ascii_case("localhost"), |address| address.is_loopback());
    match scheme {
        "https" => Ok((bare.to_owned(), false)),
        "http" if here => Ok((bare.to_owned(), true)),
        "http" => Err(("`webhook` would send in clear", "write \"https://…\"; \"http://\" is for this machine alone")),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { layer: Layer::Person, name: "config.toml".into(), text: text.into() }
    }

    fn files(name: &str, sort: FileSort) -> Result<Vec<u8>, String> {
        match (name, sort) {
            ("key", FileSort::Secret) => Ok(b"0123456789abcdef\n".to_vec()),
            ("short", FileSort::Secret) => Ok(b"0123456789\n\n\n\n\n\n\n\n".to_vec()),
            ("ca.pem", FileSort::Public) => Ok(b"pem".to_vec()),
            _ => Err("no such file".into()),
        }
    }

    /// Each fault as `line:column: message`.
    fn faults(text: &str) -> Vec<String> {
        let Err(Faults(faults)) = read(&source(text), &files) else { return Vec::new() };
        assert!(faults.iter().all(|fault| fault.help.is_some()), "{faults:?}");
        faults.iter().map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.message)).collect()
    }

    #[test]
    fn both_channels_with_every_setting() {
        let text = "[notify]\ncommand = [\"notify-send\", \"guard\"]\nwebhook = \"https://[2001:db8::1]:8443/a?b=c\"\n\
                    secret_file = \"key\"\nca_file = \"ca.pem\"\nevents = [\"escalation\"]\ntimeout = \"5s\"\nretry = \"2s\"\n";
        let (timeout, retry, events) = (Duration::from_secs(5), Duration::from_secs(2), vec![Event::Escalation]);
        let webhook = Webhook {
            url: "https://[2001:db8::1]:8443/a?b=c".into(),
            host: "2001:db8::1".into(),
            loopback: false,
            secret: b"0123456789abcdef".to_vec(),
            authorities: b"pem".to_vec(),
        };
        let command = vec!["notify-send".to_owned(), "guard".to_owned()];
        let channel = |name: &str, by| Channel { name: name.into(), by, events: events.clone(), timeout, retry };
        assert_eq!(
            read(&source(text), &files),
            Ok(vec![channel("command", By::Command(command)), channel("webhook", By::Webhook(webhook))])
        );
    }

    #[test]
    fn what_is_left_out_has_a_default_and_the_machine_s_channels_have_their_own_names() {
        let text = "[notify]\ncommand = \"wall\"\nwebhook = \"http://localhost:1/\"\nsecret_file = \"key\"\n";
        let machine = Source { layer: Layer::Machine, ..source(text) };
        let found = read(&machine, &files).unwrap();
        let brief: Vec<_> = found.iter().map(|found| (found.name.as_str(), found.timeout.as_secs())).collect();
        assert_eq!(brief, [("machine-command", 30), ("machine-webhook", 10)]);
        let same = |found: &Channel| found.retry == Duration::from_secs(1) && found.events == EVENTS;
        assert!(found.iter().all(same));
        assert_eq!(read(&source(""), &files), Ok(Vec::new()));
        assert_eq!(read(&source("[notify]\n"), &files), Ok(Vec::new()));
    }

    #[test]
    fn every_fault_says_where_it_is() {
        let hook = |url: &str| format!("[notify]\nwebhook = \"{url}\"\nsecret_file = \"key\"\n");
        let clear = "2:11: `webhook` would send in clear";
        let odd = "2:11: `webhook` is not an address";
        for (text, expected) in [
            ("notify = 1\n".to_owned(), "1:10: `notify` must be a table, found a whole number"),
            ("[notfy]\n".to_owned(), "1:2: unknown key `notfy` in guard's configuration"),
            ("[notify\n".to_owned(), "1:8: unclosed table, expected `]`"),
            ("[notify]\ncomand = \"x\"\ncommand = \"x\"".to_owned(), "2:1: unknown key `comand` in [notify]"),
            ("[notify]\ncommand = 5\n".to_owned(), "2:11: `command` must be a list of strings, found a whole number"),
            ("[notify]\ncommand = []\n".to_owned(), "2:11: `command` is empty"),
            ("[notify]\ncommand = [\"\"]\n".to_owned(), "2:12: `command` begins with no program"),
            ("[notify]\ncommand = \"./x\"\n".to_owned(), "2:11: `command` begins with no program"),
            ("[notify]\ncommand = \"a b\"\n".to_owned(), "2:11: `command` is one word with blanks in it"),
            ("[notify]\ncommand = [\"a\", \"\\u0000\"]\n".to_owned(), "2:17: `command` holds a zero byte"),
            ("[notify]\nevents = \"request\"\n".to_owned(), "2:1: `[notify]` names nobody"),
            (
                "[notify]\ncommand = \"x\"\nevents = [\"test\"]\n".to_owned(),
                "3:11: `events` names something that is not told",
            ),
            (
                "[notify]\ncommand = \"x\"\nretry = 1\n".to_owned(),
                "3:9: `retry` must be a duration, found a whole number",
            ),
            ("[notify]\ncommand = \"x\"\ntimeout = \"2min\"\n".to_owned(), "3:11: `timeout` is too long"),
            ("[notify]\ncommand = \"x\"\nsecret_file = \"key\"\n".to_owned(), "3:1: `secret_file` without `webhook`"),
            (
                "[notify]\nwebhook = \"https://a/\"\n".to_owned(),
                "2:11: `webhook` without `secret_file`: nobody could tell who posts",
            ),
            (
                "[notify]\nwebhook = \"https://a/\"\nsecret_file = \"short\"\n".to_owned(),
                "3:15: the secret in `secret_file` is shorter than 16 bytes",
            ),
            (
                "[notify]\nwebhook = \"https://a/\"\nsecret_file = \"none\"\n".to_owned(),
                "3:15: `secret_file` cannot be used: no such file",
            ),
            (hook("https://a/") + "ca_file = \"none\"\n", "4:11: `ca_file` cannot be used: no such file"),
            (hook("http://example.org/"), clear),
            (hook("http://127.0.0.1.example.org/"), clear),
            (hook("http://10.0.0.1/"), clear),
            (hook("http://[::ffff:10.0.0.1]/"), clear),
            (hook("https://a:b@c/"), "2:11: `webhook` holds a name or password"),
            (hook("https://a/#b"), "2:11: `webhook` holds a fragment"),
            (hook("ftp://a/"), odd),
            (hook("a/b"), odd),
            (hook(""), odd),
            (hook("https://-a/"), odd),
            (hook("https:///a"), odd),
            (hook("https://a b/"), odd),
            (hook("https://a:99999/"), odd),
            (hook("https://a:/"), odd),
            (hook("https://[::1]:0/"), odd),
        ] {
            assert_eq!(faults(&text), [expected], "{text}");
        }
    }

    #[test]
    fn a_webhook_is_never_printed_whole() {
        let found = read(&source("[notify]\nwebhook = \"https://a/SECRET\"\nsecret_file = \"key\"\n"), &files).unwrap();
        let printed = format!("{found:?}");
        assert!(printed.contains("Webhook(a)") && !printed.contains("SECRET"), "{printed}");
    }
}
