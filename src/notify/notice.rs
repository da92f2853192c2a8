//! What is sent: a few fields of text, the same through every channel.
//! Knows no channels, and no place in it for anything that would approve or resume.

use crate::action::Action;
use crate::decide::{Judgement, Verdict};
use crate::failfast::Report;
use serde::{Deserialize, Serialize};

/// What a person is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Something waits for a person's answer.
    Request,
    /// Guard has halted, and a person is needed.
    Escalation,
    /// A build loop has come to the end of its plan.
    End,
    /// A person tries whether notices arrive.
    Test,
}

impl Event {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Event::Request => "request",
            Event::Escalation => "escalation",
            Event::End => "end",
            Event::Test => "test",
        }
    }
}

/// Something a person should know, as the gate tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What kind of thing happened.
    pub event: Event,
    /// What it is called: `command-43`.
    pub name: String,
    /// One line.
    pub title: String,
    /// What happened, in as many lines as it needs. Never a digest, a link or a command that would approve or resume.
    pub text: String,
    /// The command by which a person looks at it: `guard show command-43`.
    pub look: String,
}

impl Notice {
    /// A request waits for a person. `said`: what whoever asks gives as the reason.
    pub fn request(name: &str, judgement: &Judgement, said: Option<&str>) -> Notice {
        let Action::Shell(shell) = judgement.action();
        let mut text = format!("This waits for an answer:\n\n{}\n\n", shell.text());
        let mut told: Vec<&str> = Vec::new();
        for found in judgement.matches().iter().filter(|m| m.verdict == Verdict::Ask && m.overruled.is_none()) {
            if !told.contains(&found.reason.as_str()) {
                told.push(&found.reason);
                text += &format!("{}: {}\n", found.id, found.reason);
            }
        }
        if let Some(said) = said {
            text += &format!("Whoever asks says: {said}\n");
        }
        Notice {
            event: Event::Request,
            name: name.to_owned(),
            title: format!("guard: {name} waits for a person"),
            text,
            look: format!("guard show {name}"),
        }
    }

    /// Changes to the project wait for a person: `paths`, for the reasons that rules give.
    pub fn of_changes(name: &str, paths: &str, reasons: &str, said: Option<&str>) -> Notice {
        let mut text = format!("These changes wait for an answer:\n\n{paths}\n\n{reasons}");
        if let Some(said) = said {
            text += &format!("Whoever asks says: {said}\n");
        }
        Notice {
            event: Event::Request,
            name: name.to_owned(),
            title: format!("guard: {name} waits for a person"),
            text,
            look: format!("guard show {name}"),
        }
    }

    /// A person is asked about a write to a database; `what`: the database and the statement.
    pub fn of_query(name: &str, what: &str, reasons: &str) -> Notice {
        Notice {
            event: Event::Request,
            name: name.to_owned(),
            title: format!("guard: {name} waits for a person"),
            text: format!("This write to a database waits for an answer:\n\n{what}\n\n{reasons}"),
            look: format!("guard show {name}"),
        }
    }

    /// A migration waits for a person: what it is for, and the gravest class of what it does.
    pub fn of_migration(name: &str, description: &str, class: &str) -> Notice {
        Notice {
            event: Event::Request,
            name: name.to_owned(),
            title: format!("guard: {name} waits for a person"),
            text: format!(
                "This migration waits for an answer:\n\n{description}\n\nIts gravest statement is {class}.\n"
            ),
            look: format!("guard show {name}"),
        }
    }

    /// A build loop has come to the end of `plan`; `phases`: what it did, a line a phase.
    pub fn end(plan: &str, phases: &str) -> Notice {
        Notice {
            event: Event::End,
            name: "loop".to_owned(),
            title: format!("guard: {plan} is done"),
            text: format!("Every phase is complete:\n\n{phases}"),
            look: "guard report --all".to_owned(),
        }
    }

    /// Guard has halted, and waits for a person.
    pub fn escalation(report: &Report) -> Notice {
        let mut text = format!("Nothing runs until a person has looked at it.\n\n{}\n", report.last_error.trim_end());
        if let Some(analysis) = &report.analysis {
            text += &format!("\nWhoever stopped says: {analysis}\n");
        }
        Notice {
            event: Event::Escalation,
            name: report.name.clone(),
            title: format!("guard: halted: {}", report.title()),
            text,
            look: format!("guard escalations {}", report.name),
        }
    }
}

/// The notice as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The format's version.
    pub v: u32,
    /// What kind of thing happened.
    pub event: Event,
    /// What it is called.
    pub name: String,
    /// The project, where there is one.
    pub project: Option<Where>,
    /// The machine's name.
    pub host: String,
    /// When it happened: RFC 3339, UTC.
    pub time: String,
    /// One line.
    pub title: String,
    /// What happened, and how to look at it.
    pub text: String,
}

/// A project, as somebody elsewhere knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Where {
    /// Its folder's name.
    pub name: String,
    /// Its log's name.
    pub log_id: String,
}

/// A message on its way through one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// The channel's name.
    pub channel: String,
    /// The same over all tries, so that a receiver can drop doubles.
    pub id: String,
    /// What is sent.
    pub message: Message,
}

impl Message {
    /// The version of the format.
    pub const VERSION: u32 = 1;

    /// What `guard notify test` sends.
    pub fn test(host: String, time: String) -> Message {
        let text = format!("This is a test, sent by `guard notify test` on `{host}`. Nothing happened.\n");
        let title = "guard: a test".to_owned();
        Message { v: Self::VERSION, event: Event::Test, name: "test".into(), project: None, host, time, title, text }
    }
}
