//! Programs of awk, token by token: `print > FILE`, `print | COMMAND`, `COMMAND | getline`, `system(COMMAND)`.
//! Knows enough grammar to tell a redirection from a comparison; a name that is put together is not clear.

use super::Deed;
use std::iter::Peekable;
use std::str::Chars;

/// A token, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Its value; `None`: with escapes that guard does not decode.
    Text(Option<String>),
    Name(String),
    Number,
    Regex,
    /// An operator or a mark, longest first.
    Sign(&'static str),
    /// The end of a line.
    Line,
}

const SIGNS: &[&str] = &[
    "**=", "|&", "||", "&&", ">>", ">=", "<=", "==", "!=", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "**", "!~",
    "|", "&", ">", "<", "=", "+", "-", "*", "/", "%", "^", "!", "~", "?", ":", ",", ";", "(", ")", "{", "}", "[", "]",
    "$", "@",
];

/// What a program does. The error says what is not clear.
pub(super) fn read(program: &str) -> Result<Vec<Deed>, String> {
    let tokens = tokens(program)?;
    let mut deeds = Vec::new();
    // How deep in brackets, and how deep the `print` began whose statement this is.
    let mut depth = 0_usize;
    let mut printing: Option<usize> = None;
    for (at, token) in tokens.iter().enumerate() {
        let sign = match token {
            Token::Sign(sign) => *sign,
            Token::Name(name) => {
                match name.as_str() {
                    "print" | "printf" => printing = Some(depth),
                    "system" => deeds.push(system(&tokens, at)?),
                    "getline" => deeds.extend(input(&tokens, at)),
                    _ => {}
                }
                continue;
            }
            Token::Line => {
                printing = None;
                continue;
            }
            Token::Text(_) | Token::Number | Token::Regex => continue,
        };
        match sign {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "}" => {
                depth = depth.saturating_sub(1);
                printing = None;
            }
            ";" => printing = None,
            "@" => return Err("it loads or calls what only the run will tell (`@`)".to_owned()),
            ">" | ">>" if printing == Some(depth) => {
                let file = target(&tokens, at).ok_or("it writes where only the run will tell")?;
                deeds.push(Deed::Writes(file));
            }
            "|" if printing == Some(depth) => {
                let text = target(&tokens, at).ok_or("it starts what only the run will tell")?;
                deeds.push(Deed::Runs(text, true));
            }
            "|" => deeds.push(source(&tokens, at)?),
            "|&" => return Err("it talks to another program (`|&`)".to_owned()),
            _ => {}
        }
    }
    Ok(deeds)
}

/// The text behind a redirection, where it is one text and the statement ends with it.
fn target(tokens: &[Token], at: usize) -> Option<String> {
    let Some(Token::Text(Some(text))) = tokens.get(at + 1) else { return None };
    match tokens.get(at + 2) {
        None | Some(Token::Line | Token::Sign(";" | "}")) => Some(text.clone()),
        Some(_) => None,
    }
}

/// `"COMMAND" | getline`
fn source(tokens: &[Token], at: usize) -> Result<Deed, String> {
    let unclear = || "it starts what only the run will tell".to_owned();
    let Some(Token::Text(Some(text))) = at.checked_sub(1).and_then(|at| tokens.get(at)) else { return Err(unclear()) };
    // A text behind an operand is joined to it.
    let alone = match at.checked_sub(2).and_then(|at| tokens.get(at)) {
        None | Some(Token::Line) => true,
        Some(Token::Sign(sign)) => !matches!(*sign, ")" | "]" | "++" | "--"),
        Some(Token::Name(name)) => matches!(name.as_str(), "else" | "do" | "return"),
        Some(Token::Text(_) | Token::Number | Token::Regex) => false,
    };
    if alone { Ok(Deed::Runs(text.clone(), false)) } else { Err(unclear()) }
}

/// `system("COMMAND")`
fn system(tokens: &[Token], at: usize) -> Result<Deed, String> {
    match (tokens.get(at + 1), tokens.get(at + 2), tokens.get(at + 3)) {
        (Some(Token::Sign("(")), Some(Token::Text(Some(text))), Some(Token::Sign(")"))) => {
            Ok(Deed::Runs(text.clone(), false))
        }
        _ => Err("it starts what only the run will tell (`system`)".to_owned()),
    }
}

/// `getline < "FILE"`, `getline line < "FILE"`
fn input(tokens: &[Token], at: usize) -> Option<Deed> {
    let mut behind = at + 1;
    if let Some(Token::Name(_)) = tokens.get(behind) {
        behind += 1;
    }
    match (tokens.get(behind), tokens.get(behind + 1)) {
        (Some(Token::Sign("<")), Some(Token::Text(Some(file)))) => Some(Deed::Reads(file.clone())),
        _ => None,
    }
}

fn tokens(program: &str) -> Result<Vec<Token>, String> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = program.chars().peekable();
    while let Some(c) = rest.peek().copied() {
        let operand = match tokens.last() {
            Some(Token::Text(_) | Token::Number | Token::Regex) => true,
            Some(Token::Name(name)) => {
                !matches!(name.as_str(), "print" | "printf" | "return" | "in" | "case" | "getline")
            }
            Some(Token::Sign(sign)) => matches!(*sign, ")" | "]" | "$" | "++" | "--"),
            Some(Token::Line) | None => false,
        };
        match c {
            '\n' => {
                rest.next();
                // A line goes on behind these.
                let open = matches!(tokens.last(), Some(Token::Sign("," | "{" | "&&" | "||")));
                if !open {
                    tokens.push(Token::Line);
                }
            }
            '\\' => {
                rest.next();
                rest.next_if_eq(&'\r');
                if rest.next() != Some('\n') {
                    return Err("a backslash that guard does not know".to_owned());
                }
            }
            '#' => while rest.next_if(|c| *c != '\n').is_some() {},
            '"' => {
                rest.next();
                tokens.push(Token::Text(text(&mut rest)?));
            }
            '/' if !operand => {
                rest.next();
                regex(&mut rest)?;
                tokens.push(Token::Regex);
            }
            '0'..='9' | '.' => {
                while rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '.').is_some() {}
                tokens.push(Token::Number);
            }
            c if c.is_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                tokens.push(Token::Name(name));
            }
            c if c.is_whitespace() => {
                rest.next();
            }
            _ => {
                let ahead: String = rest.clone().take(3).collect();
                let Some(sign) = SIGNS.iter().find(|sign| ahead.starts_with(**sign)) else {
                    return Err(format!("`{c}`, which guard does not know"));
                };
                for _ in 0..sign.len() {
                    rest.next();
                }
                tokens.push(Token::Sign(sign));
            }
        }
    }
    Ok(tokens)
}

/// A text behind its quote.
fn text(rest: &mut Peekable<Chars<'_>>) -> Result<Option<String>, String> {
    let mut text = Some(String::new());
    while let Some(c) = rest.next() {
        let c = match c {
            '"' => return Ok(text),
            '\\' => match rest.next() {
                Some(c @ ('"' | '\\' | '/')) => c,
                Some('n') => '\n',
                Some('t') => '\t',
                Some(_) | None => {
                    text = None;
                    continue;
                }
            },
            c => c,
        };
        if let Some(text) = &mut text {
            text.push(c);
        }
    }
    Err("a text that does not end".to_owned())
}

/// Skips a regular expression behind its first `/`. Where `/` stands in brackets awks differ.
fn regex(rest: &mut Peekable<Chars<'_>>) -> Result<(), String> {
    let mut bracket = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                rest.next();
            }
            '[' => bracket = true,
            ']' => bracket = false,
            '/' if bracket => return Err("a `/` in brackets, which awks read differently".to_owned()),
            '/' => return Ok(()),
            '\n' => break,
            _ => {}
        }
    }
    Err("a regular expression that does not end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_only_read_and_compare_do_nothing_else() {
        for program in [
            "{print $1}",
            "$1 > 3",
            "$1 > 3 { print $2 }",
            "NR>1{s+=$3} END{print s/NR}",
            "{ if ($1 >= 2 || $2 < 1) print }",
            "{ print ($1 > 2) }",
            "{ print($1 > 2 ? \"a\" : \"b\") }",
            "/a|b/ { n++ } END { printf \"%d|%s > x\\n\", n, \"y\" }",
            "BEGIN { FS = \"|\"; OFS=\">\" } { $1 = $1; print }",
            "{ print $1 / 2 / 3, $2 }",
            "# system(\"id\")\n{ print }",
            "{ print substr($0, index($0, \"|\") + 1) }",
            "length > 80",
            "!seen[$0]++",
            "{ a = b > c; print a }",
            "{ print $NF-1, \"a\" \\\n \"b\" }",
            "{ while ((getline line) > 0) n++ }",
            "function f(x) { return x / 2 } { print f($1) }",
        ] {
            assert_eq!((program, read(program)), (program, Ok(vec![])));
        }
    }

    #[test]
    fn files_and_commands_are_found_where_they_are_written_out() {
        let table = [
            ("{ print > \"out\" }", Deed::Writes("out".into())),
            ("{ print $1, $2 >> \"/etc/x\" }", Deed::Writes("/etc/x".into())),
            ("{ printf(\"%s\", $1) > \"out\"; next }", Deed::Writes("out".into())),
            ("{ if (x) print > \"out\"\nelse next }", Deed::Writes("out".into())),
            ("{ print | \"sort -u\" }", Deed::Runs("sort -u".into(), true)),
            ("BEGIN { system(\"rm -rf /\") }", Deed::Runs("rm -rf /".into(), false)),
            ("BEGIN { system (\"echo \\\"a\\\"\") }", Deed::Runs("echo \"a\"".into(), false)),
            ("BEGIN { \"date\" | getline d; print d }", Deed::Runs("date".into(), false)),
            ("BEGIN { while ((\"ls\" | getline f) > 0) print f }", Deed::Runs("ls".into(), false)),
            ("BEGIN { while ((getline x < \"/etc/shadow\") > 0) n++ }", Deed::Reads("/etc/shadow".into())),
        ];
        for (program, deed) in table {
            assert_eq!((program, read(program)), (program, Ok(vec![deed])));
        }
    }

    #[test]
    fn what_is_put_together_or_strange_is_not_clear() {
        for program in [
            "{ print > $1 }",
            "{ print > \"a\" \".txt\" }",
            "{ print > (\"a\") }",
            "{ print | cmd }",
            "{ print $1 | \"sh\" \"x\" }",
            "{ cmd | getline }",
            "{ \"a\" $1 | getline x }",
            "{ x \"ls\" | getline }",
            "{ system($1) }",
            "{ system(\"a\" $1) }",
            "{ system(\"\\143url\") }",
            "BEGIN { f = \"system\"; @f(\"id\") }",
            "@load \"filefuncs\"",
            "@include \"x\"",
            "BEGIN { print |& \"/inet/tcp/0/h/80\" }",
            "/[/]/ { print }",
            "{ print \"a }",
            "/a",
            "{ ` }",
        ] {
            assert!(read(program).is_err(), "{program}: {:?}", read(program));
        }
    }
}
