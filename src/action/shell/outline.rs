//! The outline of an action: its lists, pipelines and compound commands as they stand, and which command is which.
//! For showing only: what is proved and what is not was settled when it was taken apart.

use super::parse::{
    Assigned, Assignment, Compound, Doc, Item, Join, List, Node, Piece, Redirection, Source, Text, parse,
};
use super::{Asked, Shell};
use std::ops::Range;

/// A part of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// What it is.
    pub shape: Shape,
    /// What stands before it.
    pub join: Joined,
    /// Whether a `!` stands before it.
    pub negated: bool,
    /// Whether it runs in the background (`&`).
    pub background: bool,
    /// The bytes of [`Shell::text`] it stands in.
    pub span: Range<usize>,
    /// The commands found in it and in none of its parts, as indices into [`Shell::commands`].
    pub commands: Vec<usize>,
    /// What is not proved in it and in none of its parts, as indices into [`Shell::unproven`].
    pub unproven: Vec<usize>,
    /// Its parts.
    pub parts: Vec<Outline>,
}

/// What a part of an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Everything that was asked.
    Whole,
    /// A simple command; its parts are substitutions.
    Command,
    /// Commands joined by `|`.
    Pipeline,
    /// Pipelines joined by `&&` and `||`.
    Chain,
    /// `{ …; }`
    Group,
    /// `( … )`
    Subshell,
    /// `if`
    If,
    /// `while` and `until`
    While,
    /// `for` and `select`
    For,
    /// `case`
    Case,
    /// `(( … ))`
    Arithmetic,
    /// `[[ … ]]`
    Test,
    /// `coproc`
    Coprocess,
    /// The definition of a function.
    Function,
    /// `$( … )`, backquotes, `<( … )`
    Substitution,
}

/// What stands before a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// Nothing, or the end of the command before it.
    Then,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|`
    Pipe,
}

impl Shell {
    /// The outline of what was asked. Where it cannot be parsed it has no parts.
    pub fn outline(&self) -> Outline {
        let mut whole = Outline::new(Shape::Whole, 0..self.text().len());
        match self.asked() {
            Asked::Argv(_) => whole.parts.push(Outline::new(Shape::Command, whole.span.clone())),
            Asked::Line(_) => {
                if let Ok(parsed) = parse(self.text()) {
                    whole.parts = View { docs: &parsed.docs }.list(&parsed.list);
                }
            }
        }
        for (number, command) in self.commands().iter().enumerate() {
            whole.place(&command.span, &mut |part| part.commands.push(number));
        }
        for (number, unproven) in self.unproven().iter().enumerate() {
            whole.place(&unproven.span, &mut |part| part.unproven.push(number));
        }
        whole
    }
}

impl Outline {
    fn new(shape: Shape, span: Range<usize>) -> Outline {
        Outline {
            shape,
            join: Joined::Then,
            negated: false,
            background: false,
            span,
            commands: Vec::new(),
            unproven: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// Puts something into the innermost part that holds `span`.
    fn place(&mut self, span: &Range<usize>, put: &mut dyn FnMut(&mut Outline)) {
        let holds = |part: &&mut Outline| part.span.start <= span.start && span.end <= part.span.end;
        match self.parts.iter_mut().find(holds) {
            Some(part) => part.place(span, put),
            None => put(self),
        }
    }
}

/// A tree, and the here-documents its redirections name.
#[derive(Clone, Copy)]
struct View<'t> {
    docs: &'t [Doc],
}

impl View<'_> {
    fn list(self, list: &List) -> Vec<Outline> {
        list.0.iter().flat_map(|item| self.item(item)).collect()
    }

    /// A chain's pipelines stand beside each other, unless the whole of it runs in the background.
    fn item(self, item: &Item) -> Vec<Outline> {
        let pipelines = item.chain.iter().map(|(join, pipeline)| {
            let join = match join {
                Join::First => Joined::Then,
                Join::And => Joined::And,
                Join::Or => Joined::Or,
            };
            let mut nodes: Vec<Outline> = pipeline.nodes.iter().map(|node| self.node(node)).collect();
            let mut part = match nodes.pop() {
                Some(only) if nodes.is_empty() => only,
                Some(last) => {
                    nodes.push(last);
                    for piped in nodes.iter_mut().skip(1) {
                        piped.join = Joined::Pipe;
                    }
                    around(Shape::Pipeline, nodes)
                }
                None => Outline::new(Shape::Pipeline, 0..0),
            };
            part.join = join;
            part.negated = pipeline.negated;
            part
        });
        let mut parts: Vec<Outline> = pipelines.collect();
        if !item.background {
            return parts;
        }
        let mut whole = match parts.pop() {
            Some(only) if parts.is_empty() => only,
            Some(last) => {
                parts.push(last);
                around(Shape::Chain, parts)
            }
            None => return parts,
        };
        whole.background = true;
        vec![whole]
    }

    fn node(self, node: &Node) -> Outline {
        match node {
            Node::Simple(simple) => {
                let mut part = Outline::new(Shape::Command, simple.span.clone());
                for assignment in simple.assigns.iter().chain(&simple.arrays) {
                    self.assignment(assignment, &mut part.parts);
                }
                for word in &simple.words {
                    self.text(word, &mut part.parts);
                }
                self.redirections(&simple.redirects, &mut part.parts);
                part
            }
            Node::Compound(compound, redirects, span) => {
                let (shape, parts) = self.compound(compound);
                let mut part = Outline { parts, ..Outline::new(shape, span.clone()) };
                self.redirections(redirects, &mut part.parts);
                part
            }
            Node::Function(_, body, span) => {
                Outline { parts: vec![self.node(body)], ..Outline::new(Shape::Function, span.clone()) }
            }
        }
    }

    fn compound(self, compound: &Compound) -> (Shape, Vec<Outline>) {
        let mut parts = Vec::new();
        let shape = match compound {
            Compound::Group(list) => {
                parts = self.list(list);
                Shape::Group
            }
            Compound::Subshell(list) => {
                parts = self.list(list);
                Shape::Subshell
            }
            Compound::If(lists) => {
                parts.extend(lists.iter().flat_map(|list| self.list(list)));
                Shape::If
            }
            Compound::While(condition, body) => {
                parts.extend(self.list(condition));
                parts.extend(self.list(body));
                Shape::While
            }
            Compound::For(_, words, body) => {
                for word in words.iter().flatten() {
                    self.text(word, &mut parts);
                }
                parts.extend(self.list(body));
                Shape::For
            }
            Compound::ArithmeticFor(pieces, body) => {
                for piece in pieces.iter().flatten() {
                    self.piece(piece, &(0..0), &mut parts);
                }
                parts.extend(self.list(body));
                Shape::For
            }
            Compound::Case(subject, arms) => {
                self.text(subject, &mut parts);
                for (patterns, list) in arms {
                    for pattern in patterns {
                        self.text(pattern, &mut parts);
                    }
                    parts.extend(self.list(list));
                }
                Shape::Case
            }
            Compound::Arithmetic(pieces) => {
                for piece in pieces {
                    self.piece(piece, &(0..0), &mut parts);
                }
                Shape::Arithmetic
            }
            Compound::Test(words) => {
                for word in words {
                    self.text(&word.text, &mut parts);
                }
                Shape::Test
            }
            Compound::Coprocess(_, node) => {
                parts.push(self.node(node));
                Shape::Coprocess
            }
        };
        (shape, parts)
    }

    fn assignment(self, assignment: &Assignment, parts: &mut Vec<Outline>) {
        let values = match &assignment.value {
            Assigned::Scalar(text) => std::slice::from_ref(text),
            Assigned::Array(texts) => texts.as_slice(),
        };
        for text in values {
            self.text(text, parts);
        }
        for piece in assignment.index.iter().flatten() {
            self.piece(piece, &(0..0), parts);
        }
    }

    fn redirections(self, redirects: &[Redirection], parts: &mut Vec<Outline>) {
        for redirection in redirects {
            match &redirection.source {
                Source::Word(text) => self.text(text, parts),
                Source::Document(number) => {
                    let body = self.docs.get(*number).and_then(|doc| doc.body.as_deref());
                    for piece in body.unwrap_or_default() {
                        self.piece(piece, &(0..0), parts);
                    }
                }
            }
        }
    }

    fn text(self, text: &Text, parts: &mut Vec<Outline>) {
        for piece in &text.pieces {
            self.piece(piece, &text.span, parts);
        }
    }

    /// The substitutions in a piece of a word; `word` is where that stands, and empty where that is not known.
    fn piece(self, piece: &Piece, word: &Range<usize>, parts: &mut Vec<Outline>) {
        match piece {
            Piece::Bare(_) | Piece::Quoted(_) => {}
            Piece::Command(list, _) | Piece::Process(list) => {
                let inner = self.list(list);
                if !inner.is_empty() {
                    parts.push(around(Shape::Substitution, inner));
                }
            }
            // Parsed apart: places within it mean nothing here.
            Piece::Backquoted(..) if !word.is_empty() => {
                parts.push(Outline::new(Shape::Substitution, word.clone()));
            }
            Piece::Backquoted(..) => {}
            Piece::Parameter(parameter) => {
                for piece in parameter.index.iter().flatten().chain(&parameter.rest) {
                    self.piece(piece, word, parts);
                }
            }
            Piece::Arithmetic(pieces, _) => {
                for piece in pieces {
                    self.piece(piece, word, parts);
                }
            }
        }
    }
}

/// A part around others, from the first to the last of them.
fn around(shape: Shape, parts: Vec<Outline>) -> Outline {
    let start = parts.first().map_or(0, |part| part.span.start);
    let end = parts.last().map_or(start, |part| part.span.end);
    Outline { parts, ..Outline::new(shape, start..end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shapes, joins and texts of the parts that hold a command or parts, one a line.
    fn drawn(line: &str) -> String {
        fn draw(part: &Outline, depth: usize, shell: &Shell, out: &mut String) {
            let text = shell.text().get(part.span.clone()).unwrap_or("?");
            let mark = if part.background { " &" } else { "" };
            let not = if part.negated { "! " } else { "" };
            let held = part.commands.len();
            out.push_str(&format!(
                "{}{:?} {not}{:?} `{text}`{mark} {held}\n",
                "  ".repeat(depth),
                part.join,
                part.shape
            ));
            for part in &part.parts {
                draw(part, depth + 1, shell, out);
            }
        }
        let shell = Shell::from_line(line.into());
        let mut out = String::new();
        for part in &shell.outline().parts {
            draw(part, 0, &shell, &mut out);
        }
        out
    }

    #[test]
    fn lists_pipelines_and_compounds_stand_as_they_were_written() {
        assert_eq!(
            drawn("cd a && ! x | y 2>z; (b || c) & while d; do e; done"),
            "Then Command `cd a` 1\n\
             And ! Pipeline `x | y 2>z` 0\n  Then Command `x` 1\n  Pipe Command `y 2>z` 1\n\
             Then Subshell `(b || c) ` & 0\n  Then Command `b` 1\n  Or Command `c` 1\n\
             Then While `while d; do e; done` 0\n  Then Command `d` 1\n  Then Command `e` 1\n"
        );
    }

    #[test]
    fn what_a_word_holds_stands_below_its_command() {
        assert_eq!(
            drawn("A=$(u) echo \"x $(rm y | z)\" `w` <(v)"),
            "Then Command `A=$(u) echo \"x $(rm y | z)\" `w` <(v)` 1\n\
             \x20 Then Substitution `u` 0\n    Then Command `u` 1\n\
             \x20 Then Substitution `rm y | z` 0\n    Then Pipeline `rm y | z` 0\n\
             \x20     Then Command `rm y` 1\n      Pipe Command `z` 1\n\
             \x20 Then Substitution ``w`` 1\n\
             \x20 Then Substitution `v` 0\n    Then Command `v` 1\n"
        );
    }

    #[test]
    fn commands_of_inner_text_belong_to_what_holds_the_text() {
        let shell = Shell::from_line("x; sh -c 'a && b'".into());
        let outline = shell.outline();
        let held: Vec<usize> = outline.parts.iter().map(|part| part.commands.len()).collect();
        assert_eq!((outline.parts.len(), held), (2, vec![1, 2]));
    }

    #[test]
    fn every_command_and_every_doubt_has_one_place() {
        fn count(part: &Outline) -> (usize, usize) {
            let own = (part.commands.len(), part.unproven.len());
            part.parts.iter().map(count).fold(own, |sum, part| (sum.0 + part.0, sum.1 + part.1))
        }
        for line in
            ["for f in *; do rm $f; done", "x <<E\n$(y)\nE\n", "f() { $z; }; f", "if ((", "", "case $a in b) c;; esac"]
        {
            let shell = Shell::from_line(line.into());
            assert_eq!(count(&shell.outline()), (shell.commands().len(), shell.unproven().len()), "{line}");
        }
        let vector = Shell::from_argv(vec!["env".into(), "sh".into(), "-c".into(), "a; b".into()]);
        assert_eq!(count(&vector.outline()), (2, 0));
    }
}
