//! The difference between two policy texts, line by line, for the person who is to trust the new one.
//! Knows no TOML.

/// A line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<'t> {
    /// In both.
    Same(&'t str),
    /// Only in the old text.
    Removed(&'t str),
    /// Only in the new text.
    Added(&'t str),
}

/// Cells of the table beyond which texts are shown as wholly replaced: 4000 by 4000 lines.
const CELLS: usize = 16_000_000;

/// The lines of both texts in order, with the longest common part kept.
pub fn difference<'t>(old: &'t str, new: &'t str) -> Vec<Change<'t>> {
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (head, old) = old.split_at_checked(start).unwrap_or((&[], &old));
    let new = new.get(start..).unwrap_or_default();
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, tail) = old.split_at_checked(old.len() - end).unwrap_or((old, &[]));
    let new = new.get(..new.len() - end).unwrap_or_default();

    let mut changes: Vec<Change<'t>> = head.iter().map(|line| Change::Same(line)).collect();
    middle(old, new, &mut changes);
    changes.extend(tail.iter().map(|line| Change::Same(line)));
    changes
}

fn middle<'t>(old: &[&'t str], new: &[&'t str], changes: &mut Vec<Change<'t>>) {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > CELLS {
        changes.extend(old.iter().map(|line| Change::Removed(line)));
        changes.extend(new.iter().map(|line| Change::Added(line)));
        return;
    }
    // Lengths of the longest common part of what is left of both, row by row.
    let mut rows: Vec<Vec<u32>> = vec![vec![0; width]];
    for left in old.iter().rev() {
        let below = rows.last().cloned().unwrap_or_default();
        let mut row = vec![0; width];
        for (column, right) in new.iter().enumerate().rev() {
            let value = if left == right {
                cell(&below, column + 1) + 1
            } else {
                cell(&below, column).max(cell(&row, column + 1))
            };
            if let Some(slot) = row.get_mut(column) {
                *slot = value;
            }
        }
        rows.push(row);
    }
    rows.reverse();
    let (mut i, mut j) = (0, 0);
    loop {
        match (old.get(i), new.get(j)) {
            (Some(left), Some(right)) if left == right => {
                changes.push(Change::Same(left));
                (i, j) = (i + 1, j + 1);
            }
            (Some(left), right) if right.is_none() || at(&rows, i + 1, j) >= at(&rows, i, j + 1) => {
                changes.push(Change::Removed(left));
                i += 1;
            }
            (_, Some(right)) => {
                changes.push(Change::Added(right));
                j += 1;
            }
            (_, None) => return,
        }
    }
}

fn at(rows: &[Vec<u32>], row: usize, column: usize) -> u32 {
    rows.get(row).map_or(0, |row| cell(row, column))
}

fn cell(row: &[u32], column: usize) -> u32 {
    row.get(column).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_keeps_what_is_common_and_names_what_changed() {
        use Change::{Added, Removed, Same};
        let old = "version = 1\na\nb\nc\nend\n";
        let new = "version = 1\nb\nx\nc\nend\n";
        let expected = [Same("version = 1"), Removed("a"), Same("b"), Added("x"), Same("c"), Same("end")];
        assert_eq!(difference(old, new), expected);
        assert_eq!(difference("", "a\n"), [Added("a")]);
        assert_eq!(difference("a\n", ""), [Removed("a")]);
        assert_eq!(difference("", ""), []);
    }

    #[test]
    fn applying_a_difference_gives_both_texts_back() {
        let texts = ["", "a", "a\nb", "b\na\nb", "x\ny\nz\nx", "z\nx\ny"];
        for old in texts {
            for new in texts {
                let changes = difference(old, new);
                let side = |wanted: fn(&Change<'_>) -> bool| {
                    let lines = changes.iter().filter(|change| wanted(change)).map(|change| match change {
                        Change::Same(line) | Change::Removed(line) | Change::Added(line) => *line,
                    });
                    lines.collect::<Vec<_>>()
                };
                assert_eq!(side(|c| !matches!(c, Change::Added(_))), old.lines().collect::<Vec<_>>());
                assert_eq!(side(|c| !matches!(c, Change::Removed(_))), new.lines().collect::<Vec<_>>());
            }
        }
    }
}
