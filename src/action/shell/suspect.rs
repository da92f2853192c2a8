//! Loose extraction: commands that text may hold which cannot be parsed, or is only perhaps a command.
//! Knows separators and quotes; never fails, never proves anything.

/// How many commands are taken from one text.
const COMMANDS: usize = 512;

/// The word lists that stand between separators anywhere in `text`, quotes removed.
pub(super) fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    // Once as quotes say, once as if there were none: an unclosed quote hides nothing.
    for quotes in [true, false] {
        for words in split(text, quotes) {
            if found.len() >= COMMANDS {
                return found;
            }
            if found.last() != Some(&words) {
                found.push(words);
            }
        }
    }
    found
}

fn split(text: &str, quotes: bool) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars().peekable();
    let mut finish = |word: &mut Option<String>, words: &mut Vec<String>, ends: bool| {
        if let Some(done) = word.take() {
            // Reserved words and assignments before a command are not its name.
            let skipped = ["then", "do", "else", "elif", "if", "while", "until", "!", "{", "}", "time", "("];
            if !(words.is_empty() && (skipped.contains(&done.as_str()) || is_assignment(&done))) {
                words.push(done);
            }
        }
        if ends && !words.is_empty() {
            commands.push(std::mem::take(words));
        }
    };
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(mark), c) if mark == c => quote = None,
            (Some('"'), '$') if chars.peek() == Some(&'(') => finish(&mut word, &mut words, true),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\\') => {
                if let Some(next) = chars.next().filter(|c| *c != '\n') {
                    word.get_or_insert_default().push(next);
                }
            }
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                if quotes {
                    quote = Some(c);
                }
            }
            (None, ' ' | '\t') => finish(&mut word, &mut words, false),
            (None, ';' | '\n' | '|' | '&' | '(' | ')' | '`') => finish(&mut word, &mut words, true),
            (None, '>' | '<') => finish(&mut word, &mut words, false),
            (None, '$') if chars.peek() == Some(&'(') => {}
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    finish(&mut word, &mut words, true);
    commands
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| super::parameter::is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unclosed_quote_hides_no_command() {
        let found = commands("echo 'x; rm -rf /");
        assert!(found.contains(&vec!["rm".to_owned(), "-rf".to_owned(), "/".to_owned()]), "{found:?}");
    }

    #[test]
    fn words_are_found_behind_separators_and_reserved_words() {
        let found = commands("if ((; then X=1 rm -r\"f\" / ; $(id");
        let rm = ["rm", "-rf", "/"].map(str::to_owned).to_vec();
        assert!(found.contains(&rm) && found.contains(&vec!["id".to_owned()]), "{found:?}");
    }
}
