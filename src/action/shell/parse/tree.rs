//! The tree of a shell text.
//! Knows what was written, not what it comes to mean.

use std::ops::Range;

/// A parsed text.
#[derive(Debug, Default)]
pub(in crate::action::shell) struct Parsed {
    pub(in crate::action::shell) list: List,
    /// Bodies of here-documents, by [`Source::Document`].
    pub(in crate::action::shell) docs: Vec<Doc>,
    /// What the parser cannot prove, with its place.
    pub(in crate::action::shell) doubts: Vec<(String, usize)>,
}

/// The body of a here-document.
#[derive(Debug, Default)]
pub(in crate::action::shell) struct Doc {
    /// The line that ends it.
    pub(super) end: String,
    /// Whether its text is taken as it is.
    pub(super) quoted: bool,
    /// Whether leading tabs are removed.
    pub(super) tabs: bool,
    /// The text. `None`: not found where it could be told for certain.
    pub(in crate::action::shell) body: Option<Vec<Piece>>,
}

impl Doc {
    /// Its body once more.
    pub(in crate::action::shell) fn copy(&self) -> Doc {
        Doc { end: self.end.clone(), quoted: self.quoted, tabs: self.tabs, body: self.body.clone() }
    }
}

/// Commands one after the other.
#[derive(Debug, Default)]
pub(in crate::action::shell) struct List(pub(in crate::action::shell) Vec<Item>);

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub(in crate::action::shell) struct Item {
    pub(in crate::action::shell) chain: Vec<(Join, Pipeline)>,
    pub(in crate::action::shell) background: bool,
}

/// What stands before a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action::shell) enum Join {
    First,
    And,
    Or,
}

/// Commands joined by `|`.
#[derive(Debug)]
pub(in crate::action::shell) struct Pipeline {
    pub(in crate::action::shell) nodes: Vec<Node>,
    pub(in crate::action::shell) negated: bool,
}

/// One command of a pipeline.
#[derive(Debug)]
pub(in crate::action::shell) enum Node {
    Simple(Simple),
    Compound(Box<Compound>, Vec<Redirection>, Range<usize>),
    Function(String, Box<Node>, Range<usize>),
}

/// A simple command.
#[derive(Debug, Default)]
pub(in crate::action::shell) struct Simple {
    pub(in crate::action::shell) assigns: Vec<Assignment>,
    pub(in crate::action::shell) words: Vec<Text>,
    /// Array assignments among the words of `declare` and its like, which stand as words as well.
    pub(in crate::action::shell) arrays: Vec<Assignment>,
    pub(in crate::action::shell) redirects: Vec<Redirection>,
    pub(in crate::action::shell) span: Range<usize>,
}

/// `NAME=value`, `NAME[index]+=value`, `NAME=(…)`.
#[derive(Debug)]
pub(in crate::action::shell) struct Assignment {
    pub(in crate::action::shell) name: String,
    pub(in crate::action::shell) index: Option<Vec<Piece>>,
    pub(in crate::action::shell) append: bool,
    pub(in crate::action::shell) value: Assigned,
}

/// What is assigned.
#[derive(Debug)]
pub(in crate::action::shell) enum Assigned {
    Scalar(Text),
    Array(Vec<Text>),
}

/// A compound command.
#[derive(Debug)]
pub(in crate::action::shell) enum Compound {
    Group(List),
    Subshell(List),
    /// Conditions and bodies in order, `elif` and `else` included.
    If(Vec<List>),
    /// `while` and `until`: condition, body.
    While(List, List),
    /// `for` and `select`: variable, words (`None`: the positional parameters), body.
    For(String, Option<Vec<Text>>, List),
    ArithmeticFor(Vec<Vec<Piece>>, List),
    Case(Text, Vec<(Vec<Text>, List)>),
    Arithmetic(Vec<Piece>),
    Test(Vec<TestWord>),
    Coprocess(Option<String>, Node),
}

/// A word between `[[` and `]]`.
#[derive(Debug)]
pub(in crate::action::shell) struct TestWord {
    pub(in crate::action::shell) text: Text,
    /// Whether it is evaluated as arithmetic (`-eq`) or as the name of a variable (`-v`).
    pub(in crate::action::shell) arithmetic: bool,
}

/// A redirection.
#[derive(Debug)]
pub(in crate::action::shell) struct Redirection {
    pub(in crate::action::shell) fd: Option<u32>,
    /// `{name}>…` sets this variable.
    pub(in crate::action::shell) variable: Option<String>,
    pub(in crate::action::shell) operator: Operator,
    pub(in crate::action::shell) source: Source,
}

/// What a redirection is from or to.
#[derive(Debug)]
pub(in crate::action::shell) enum Source {
    Word(Text),
    /// Index into [`Parsed::docs`].
    Document(usize),
}

/// The operator of a redirection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action::shell) enum Operator {
    Read,
    Write,
    ReadWrite,
    DuplicateIn,
    DuplicateOut,
    Both,
    HereDocument,
    HereString,
}

/// A word as written.
#[derive(Debug, Clone, Default)]
pub(in crate::action::shell) struct Text {
    pub(in crate::action::shell) pieces: Vec<Piece>,
    pub(in crate::action::shell) span: Range<usize>,
}

/// A part of a word.
#[derive(Debug, Clone)]
pub(in crate::action::shell) enum Piece {
    /// Unquoted text: patterns, braces and `~` are alive in it.
    Bare(String),
    /// Text from quotes or behind a backslash.
    Quoted(String),
    /// `$name`, `${…}`.
    Parameter(std::rc::Rc<Parameter>),
    /// `$(…)`, backquotes; `true`: within double quotes.
    Command(std::rc::Rc<List>, bool),
    /// Backquotes, whose text is parsed apart.
    Backquoted(std::rc::Rc<Parsed>, bool),
    /// `<(…)`, `>(…)`.
    Process(std::rc::Rc<List>),
    /// `$((…))`; `true`: within double quotes.
    Arithmetic(Vec<Piece>, bool),
}

/// A parameter expansion.
#[derive(Debug)]
pub(in crate::action::shell) struct Parameter {
    /// A name, digits or one special character; empty where bash would call it a bad substitution.
    pub(in crate::action::shell) name: String,
    pub(in crate::action::shell) index: Option<Vec<Piece>>,
    pub(in crate::action::shell) operation: Operation,
    /// What stands behind the operator.
    pub(in crate::action::shell) rest: Vec<Piece>,
    pub(in crate::action::shell) quoted: bool,
}

/// What a parameter expansion does with the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action::shell) enum Operation {
    Value,
    /// `${#x}`
    Length,
    /// `${!x}`
    Indirect,
    /// `-`, `=`, `?`, `+`; `true`: with a colon.
    Test(u8, bool),
    /// `#`, `##`, `%`, `%%`; `true`: doubled.
    Trim(u8, bool),
    /// `/`, `//`, `/#`, `/%`
    Replace,
    /// `:offset:length`
    Slice,
    /// `^`, `^^`, `,`, `,,`
    Case(u8, bool),
    /// `@P` and its like.
    Transform(u8),
    /// Nothing that guard follows.
    Other,
}
