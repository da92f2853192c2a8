//! How deep a Python text would nest, seen before it is parsed: what is deeper than Python itself takes is refused by its
//! tokens alone, so that no text makes a parser or a tree too deep.

use super::Fault;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer::lex};

/// Brackets in each other. Source: `MAXLEVEL` in CPython's Parser/lexer/state.h.
const BRACKETS: usize = 200;
/// Indentations in each other. Source: `MAXINDENT` there.
const INDENTS: usize = 100;
/// Operators and calls that may hang on each other in one expression. CPython 3.11 gives up earlier (`RecursionError`).
const CHAINED: usize = 10_000;

/// What of `text` nests too deeply; the first of it.
pub(super) fn too_deep(text: &str) -> Option<Fault> {
    let what = deeper(text)?;
    // Tokens are told without their places: the line is the last of the shortest beginning that nests too deeply.
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).chain([text.len()]).collect();
    let line = ends.partition_point(|end| text.get(..*end).is_some_and(|start| deeper(start).is_none())) + 1;
    Some(Fault { line: line as u64, column: 1, what: what.to_owned() })
}

fn deeper(text: &str) -> Option<&'static str> {
    // No text that short holds so much.
    if text.len() < INDENTS {
        return None;
    }
    let mut lexer = lex(text, Mode::Module);
    // Of each open bracket, what hangs on each other in its present item; and all of it.
    let mut open: Vec<usize> = vec![0];
    let (mut all, mut indents) = (0_usize, 0_usize);
    loop {
        let kind = lexer.next_token();
        if kind == TokenKind::EndOfFile {
            return None;
        }
        if kind == TokenKind::Newline {
            open.clear();
            open.push(0);
            all = 0;
        } else if matches!(kind, TokenKind::Comma | TokenKind::Semi) {
            if let Some(item) = open.last_mut() {
                all = all.saturating_sub(std::mem::take(item));
            }
        } else if kind == TokenKind::Indent {
            indents += 1;
            if indents >= INDENTS {
                return Some("too many levels of indentation");
            }
        } else if kind == TokenKind::Dedent {
            indents = indents.saturating_sub(1);
        } else if closes(kind) {
            if open.len() > 1 {
                all = all.saturating_sub(open.pop().unwrap_or_default());
            }
        } else if !is_atom(kind) {
            all += 1;
            if let Some(item) = open.last_mut() {
                *item += 1;
            }
            if opens(kind) {
                open.push(0);
            }
            if open.len() > BRACKETS + 1 {
                return Some("too many nested parentheses");
            }
            if all > CHAINED {
                return Some("an expression that is too long: its parts hang on each other");
            }
        }
    }
}

fn opens(kind: TokenKind) -> bool {
    use TokenKind::{FStringStart, Lbrace, Lpar, Lsqb, TStringStart};
    matches!(kind, Lpar | Lsqb | Lbrace | FStringStart | TStringStart)
}

fn closes(kind: TokenKind) -> bool {
    use TokenKind::{FStringEnd, Rbrace, Rpar, Rsqb, TStringEnd};
    matches!(kind, Rpar | Rsqb | Rbrace | FStringEnd | TStringEnd)
}

/// What makes nothing deeper.
fn is_atom(kind: TokenKind) -> bool {
    use TokenKind::{Comment, Complex, FStringMiddle, Float, Int, Name, NonLogicalNewline, String, TStringMiddle};
    matches!(kind, Name | Int | Float | Complex | String | FStringMiddle | TStringMiddle | Comment | NonLogicalNewline)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<(u64, String)> {
        too_deep(text).map(|fault| (fault.line, fault.what))
    }

    #[test]
    fn what_python_takes_is_not_too_deep() {
        let data = "x = [".to_owned() + &"-1, {'a': (1, 2)}, f(y)[0].b,\n".repeat(50_000) + "]\n";
        let table = [
            "(".repeat(200) + &")".repeat(200),
            (0..99).map(|n| format!("{}if x:\n", " ".repeat(n))).collect::<String>() + &" ".repeat(99) + "pass\n",
            "x = ".to_owned() + &"1 + ".repeat(9_000) + "1\n",
            "x = 1 + 2\n".repeat(20_000),
            data,
        ];
        for text in table {
            assert_eq!(told(&text), None, "{}", text.get(..40).unwrap_or(&text));
        }
    }

    #[test]
    fn what_is_deeper_is_told_with_its_line() {
        let deep = |what: &str, line| Some((line, what.to_owned()));
        let long = "an expression that is too long: its parts hang on each other";
        let table = [
            (format!("a = 1\n{}{}", "(".repeat(10_000), ")".repeat(10_000)), deep("too many nested parentheses", 2)),
            (format!("a = '''\n\n'''\nb = {}", "[\n".repeat(300)), deep("too many nested parentheses", 204)),
            (
                (0..150).map(|n| format!("{}if x:\n", " ".repeat(n))).collect(),
                deep("too many levels of indentation", 101),
            ),
            (format!("\n\nx = {}1\n", "-".repeat(1_000_000)), deep(long, 3)),
            (format!("x = {}1\n", "not ".repeat(20_000)), deep(long, 1)),
            (format!("x = {}1\n", "lambda: ".repeat(20_000)), deep(long, 1)),
            (format!("x = a{}\n", ".b".repeat(20_000)), deep(long, 1)),
            (format!("x = a{}\n", "()".repeat(20_000)), deep(long, 1)),
            (format!("x = {}1\n", "1 if a else ".repeat(20_000)), deep(long, 1)),
            (format!("x = {}1{}\n", "f'{".repeat(300), "}'".repeat(300)), deep("too many nested parentheses", 1)),
        ];
        for (text, expected) in table {
            assert_eq!(told(&text), expected, "{}", text.get(..40).unwrap_or(&text));
        }
    }
}
