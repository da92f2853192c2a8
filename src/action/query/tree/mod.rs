//! squawk's lossless tree of a PostgreSQL statement, in one flat list. Every token of the text is in it, so whoever walks it can
//! prove that nothing was passed over.
#![expect(clippy::wildcard_enum_match_arm, reason = "of 1,300 kinds those that are not known are refused")]

mod body;
mod call;
mod change;
mod expr;
mod names;
mod source;
mod statement;

pub(super) use statement::read;

use super::level::{Depth, Level};
use super::token::Tokens;
use super::{Fault, Place, Unreadable};
use squawk_parser::{EntryPoint, LexedStr, StrStep, SyntaxKind};

/// One node or token.
#[derive(Debug)]
struct Part {
    kind: SyntaxKind,
    is_token: bool,
    start: u32,
    end: u32,
    first: Option<Id>,
    next: Option<Id>,
}

/// A node or token of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(u32);

/// The tree.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) tokens: &'a Tokens<'a>,
    level: Level,
    parts: Vec<Part>,
}

impl<'a> Tree<'a> {
    /// Parses. An error of the grammar is a refusal.
    fn parse(tokens: &'a Tokens<'a>, depth: Depth) -> Result<Tree<'a>, Unreadable> {
        let lexed = LexedStr::new(tokens.text);
        if let Some((range, why)) = lexed.errors().next() {
            return Err(fault(tokens, range.start, why));
        }
        let output = EntryPoint::SourceFile.parse(&lexed.to_input());
        let mut build = Build {
            parts: Vec::with_capacity(tokens.list.len() * 3),
            open: Vec::new(),
            offset: 0,
            last: 0,
            error: None,
        };
        lexed.intersperse_trivia(&output, &mut |step| build.step(step));
        match build.error {
            Some((at, why)) => Err(fault(tokens, at, &why)),
            None => Ok(Tree { tokens, level: Level::new(depth), parts: build.parts }),
        }
    }

    /// The whole file.
    pub(super) fn root(&self) -> Id {
        Id(0)
    }

    fn part(&self, id: Id) -> Option<&Part> {
        self.parts.get(id.0 as usize)
    }

    /// What it is.
    pub(super) fn kind(&self, id: Id) -> SyntaxKind {
        self.part(id).map_or(SyntaxKind::ERROR, |part| part.kind)
    }

    /// Whether it is a token.
    pub(super) fn is_token(&self, id: Id) -> bool {
        self.part(id).is_some_and(|part| part.is_token)
    }

    /// Where it begins.
    pub(super) fn place(&self, id: Id) -> Place {
        self.tokens.place(self.part(id).map_or(0, |part| part.start))
    }

    /// Its text.
    pub(super) fn text(&self, id: Id) -> &'a str {
        self.part(id).map_or("", |part| self.tokens.between(part.start, part.end))
    }

    /// What it is made of.
    pub(super) fn children(&self, id: Id) -> Children<'_, 'a> {
        Children { tree: self, next: self.part(id).and_then(|part| part.first) }
    }

    /// Its nodes, without tokens.
    pub(super) fn nodes(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        self.children(id).filter(|child| !self.is_token(*child))
    }

    /// The first child of that kind.
    pub(super) fn child(&self, id: Id, kind: SyntaxKind) -> Option<Id> {
        self.children(id).find(|child| self.kind(*child) == kind)
    }

    /// Start and end of every token, in order.
    pub(super) fn spans(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.parts.iter().filter(|part| part.is_token).map(|part| (part.start, part.end))
    }

    /// A refusal of what guard does not follow.
    pub(super) fn unknown(&self, id: Id) -> Unreadable {
        let text = self.text(id);
        let brief: String = text.chars().take(40).collect();
        let dots = if brief.len() < text.len() { "…" } else { "" };
        let why = format!("guard does not follow `{brief}{dots}` here");
        Unreadable::new(Fault::Unknown, self.place(id), why).instead("say it in plainer SQL")
    }
}

/// Children of a node, in order.
pub(super) struct Children<'t, 'a> {
    tree: &'t Tree<'a>,
    next: Option<Id>,
}

impl Iterator for Children<'_, '_> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        let id = self.next?;
        self.next = self.tree.part(id).and_then(|part| part.next);
        Some(id)
    }
}

fn fault(tokens: &Tokens<'_>, at: u32, why: &str) -> Unreadable {
    Unreadable::new(Fault::Syntax, tokens.place(at), format!("not PostgreSQL's syntax: {}", why.to_lowercase()))
}

struct Build {
    parts: Vec<Part>,
    /// Nodes that are open, and the last child of each.
    open: Vec<(Id, Option<Id>)>,
    offset: u32,
    /// Where the last token ended.
    last: u32,
    error: Option<(u32, String)>,
}

impl Build {
    fn step(&mut self, step: StrStep<'_>) {
        match step {
            StrStep::Enter { kind } => {
                let id = self.add(kind, false, self.offset);
                self.open.push((id, None));
            }
            StrStep::Exit => {
                if let Some((id, _)) = self.open.pop()
                    && let Some(part) = self.parts.get_mut(id.0 as usize)
                {
                    part.end = self.last.max(part.start);
                }
            }
            StrStep::Token { kind, text } => {
                let start = self.offset;
                self.offset += u32::try_from(text.len()).unwrap_or_default();
                if !matches!(kind, SyntaxKind::WHITESPACE | SyntaxKind::COMMENT) {
                    self.settle(start);
                    let id = self.add(kind, true, start);
                    if let Some(part) = self.parts.get_mut(id.0 as usize) {
                        part.end = self.offset;
                    }
                    self.last = self.offset;
                }
            }
            StrStep::Error { msg, pos } => {
                let at = u32::try_from(pos).unwrap_or_default();
                self.error.get_or_insert_with(|| (at, msg.to_owned()));
            }
        }
    }

    /// Lets nodes that were entered before blanks begin at their first token.
    fn settle(&mut self, start: u32) {
        for (id, last) in self.open.iter().rev() {
            if last.is_some() {
                break;
            }
            if let Some(part) = self.parts.get_mut(id.0 as usize) {
                part.start = start;
            }
        }
    }

    fn add(&mut self, kind: SyntaxKind, is_token: bool, start: u32) -> Id {
        let id = Id(u32::try_from(self.parts.len()).unwrap_or(u32::MAX));
        self.parts.push(Part { kind, is_token, start, end: start, first: None, next: None });
        if let Some((parent, last)) = self.open.last_mut() {
            let link = match last.replace(id) {
                Some(last) => self.parts.get_mut(last.0 as usize).map(|part| &mut part.next),
                None => self.parts.get_mut(parent.0 as usize).map(|part| &mut part.first),
            };
            if let Some(link) = link {
                *link = Some(id);
            }
        }
        id
    }
}
