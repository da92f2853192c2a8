//! Brace expansion: `{a,b}` and `{1..3}`, bounded.
//! Knows pieces of words, not their values.

use super::parse::Piece;

/// How many words one word may become.
const WORDS: usize = 128;

/// A piece, taken apart into single characters where braces are alive.
#[derive(Debug, Clone)]
enum Atom {
    Char(char),
    Piece(Piece),
}

/// The words that `pieces` becomes; `None`: too many to follow.
pub(super) fn expand(pieces: &[Piece]) -> Option<Vec<Vec<Piece>>> {
    let alive = pieces.iter().any(|piece| matches!(piece, Piece::Bare(text) if text.contains('{')));
    if !alive {
        return Some(vec![pieces.to_vec()]);
    }
    // Braces are expanded before `$`: `$x{a,b}` is `$xa $xb`, `{$,}x` is `$x x`.
    let glued = |piece: &Piece| match piece {
        Piece::Parameter(parameter) => !parameter.quoted,
        Piece::Bare(text) => text.contains('$'),
        Piece::Quoted(_) | Piece::Command(..) | Piece::Backquoted(..) | Piece::Process(_) | Piece::Arithmetic(..) => {
            false
        }
    };
    if pieces.iter().any(glued) {
        return None;
    }
    let mut atoms = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bare(text) => atoms.extend(text.chars().map(Atom::Char)),
            Piece::Quoted(_)
            | Piece::Parameter(_)
            | Piece::Command(..)
            | Piece::Backquoted(..)
            | Piece::Process(_)
            | Piece::Arithmetic(..) => atoms.push(Atom::Piece(piece.clone())),
        }
    }
    let mut fuel = 16 * 1024;
    let words = alternatives(&atoms, 0, &mut fuel)?;
    Some(words.into_iter().map(joined).collect())
}

/// All the words that `atoms` stands for.
fn alternatives(atoms: &[Atom], depth: usize, fuel: &mut usize) -> Option<Vec<Vec<Atom>>> {
    *fuel = fuel.checked_sub(atoms.len() + 1)?;
    if depth > 16 {
        return None;
    }
    let mut from = 0;
    while let Some(open) = find(atoms, from, '{') {
        let Some((parts, close)) = members(atoms, open, fuel)? else {
            from = open + 1;
            continue;
        };
        let mut heads = Vec::new();
        for part in parts {
            heads.extend(alternatives(&part, depth + 1, fuel)?);
        }
        let tails = alternatives(atoms.get(close + 1..)?, depth, fuel)?;
        if heads.len().checked_mul(tails.len())? > WORDS {
            return None;
        }
        let before = atoms.get(..open)?;
        let mut words = Vec::new();
        for head in &heads {
            for tail in &tails {
                *fuel = fuel.checked_sub(before.len() + head.len() + tail.len())?;
                words.push([before, head, tail].concat());
            }
        }
        return Some(words);
    }
    Some(vec![atoms.to_vec()])
}

fn find(atoms: &[Atom], from: usize, wanted: char) -> Option<usize> {
    let rest = atoms.get(from..)?;
    rest.iter().position(|atom| matches!(atom, Atom::Char(c) if *c == wanted)).map(|at| at + from)
}

/// The members of the brace expression that opens at `open`, and where it closes. The inner `None`: it is none.
fn members(atoms: &[Atom], open: usize, fuel: &mut usize) -> Option<Option<(Vec<Vec<Atom>>, usize)>> {
    let mut depth = 0_usize;
    let mut parts = vec![Vec::new()];
    for (index, atom) in atoms.iter().enumerate().skip(open + 1) {
        *fuel = fuel.checked_sub(1)?;
        match atom {
            Atom::Char('}') if depth == 0 => {
                if let [only] = parts.as_slice() {
                    return Some(sequence(only)?.map(|parts| (parts, index)));
                }
                return Some(Some((parts, index)));
            }
            Atom::Char(',') if depth == 0 => {
                parts.push(Vec::new());
                continue;
            }
            Atom::Char('{') => depth += 1,
            Atom::Char('}') => depth -= 1,
            Atom::Char(_) | Atom::Piece(_) => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(atom.clone());
        }
    }
    Some(None)
}

/// `1..5`, `a..e..2`.
fn sequence(atoms: &[Atom]) -> Option<Option<Vec<Vec<Atom>>>> {
    let mut text = String::new();
    for atom in atoms {
        match atom {
            Atom::Char(c) => text.push(*c),
            Atom::Piece(_) => return Some(None),
        }
    }
    let parts: Vec<&str> = text.split("..").collect();
    let (from, to, step) = match parts.as_slice() {
        [from, to] => (*from, *to, 1),
        [from, to, step] => match step.parse::<i64>() {
            Ok(step) => (*from, *to, step),
            Err(_) => return Some(None),
        },
        _ => return Some(None),
    };
    let letters = |text: &str| {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) if c.is_ascii_alphabetic() => Some(i64::from(u32::from(c))),
            _ => None,
        }
    };
    let (start, end, is_letters) = match (from.parse::<i64>(), to.parse::<i64>(), letters(from), letters(to)) {
        (Ok(start), Ok(end), _, _) => (start, end, false),
        (_, _, Some(start), Some(end)) => (start, end, true),
        _ => return Some(None),
    };
    // Padded with zeros where a bound is.
    let padded = |bound: &str| bound.trim_start_matches('-').starts_with('0') && bound.len() > 1;
    let width = if padded(from) || padded(to) { from.len().max(to.len()) } else { 0 };
    let step = step.unsigned_abs().max(1);
    let count = usize::try_from(start.abs_diff(end) / step).ok()?.checked_add(1)?;
    if count > WORDS {
        return None;
    }
    let mut words = Vec::new();
    for index in 0..count {
        let offset = i64::try_from(index).ok()?.checked_mul(i64::try_from(step).ok()?)?;
        let value = if start <= end { start.checked_add(offset)? } else { start.checked_sub(offset)? };
        let text = if is_letters {
            u32::try_from(value).ok().and_then(char::from_u32).map(String::from).unwrap_or_default()
        } else {
            format!("{value:0width$}")
        };
        words.push(text.chars().map(Atom::Char).collect());
    }
    Some(Some(words))
}

/// Atoms as pieces again.
fn joined(atoms: Vec<Atom>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for atom in atoms {
        match atom {
            Atom::Char(c) => {
                if let Some(Piece::Bare(text)) = pieces.last_mut() {
                    text.push(c);
                } else {
                    pieces.push(Piece::Bare(c.to_string()));
                }
            }
            Atom::Piece(piece) => pieces.push(piece),
        }
    }
    pieces
}
