//! Exactness: whether a command is these words and nothing else, as the narrowest of rules have it.
//! Knows no rules' other conditions.

use super::hit::Part;
use super::subject::Subject;
use super::{Ground, grant};
use crate::action::shell::{Command, Stdin, Tri, Word, flags::base_name};

/// Whether the arguments of a command are exactly these words.
pub(super) fn words(command: &Command, wanted: &[String]) -> Tri {
    let args = command.args();
    let stretches = |word: &Word| word.many || word.glob;
    let fixed = args.iter().filter(|word| !stretches(word)).count();
    let open = command.open_ended || fixed < args.len();
    if fixed > wanted.len() || !open && args.len() != wanted.len() {
        return Tri::No;
    }
    let mut answer = if open { Tri::Unknown } else { Tri::Yes };
    // Behind a word that may become several no place is certain.
    for (word, wanted) in args.iter().take_while(|word| !stretches(word)).zip(wanted) {
        match word.literal() {
            Some(text) if text == wanted => {}
            Some(_) => return Tri::No,
            None if wanted.starts_with(&word.prefix) => answer = Tri::Unknown,
            None => return Tri::No,
        }
    }
    answer
}

/// Whether the command is all that was asked, and started plainly: nothing before, behind or around it, nothing set for
/// it, no redirection, in the folder it was asked in. `by_file`: its program is named by its file, so that the name it is
/// called by must be that file's own: one file under several names may do something else under each.
pub(super) fn alone(ground: Ground<'_>, subject: &Subject<'_>, by_file: bool) -> bool {
    let command: &Command = &subject.command;
    grant::stands_alone(ground.shell)
        && subject.part == Part::Guise(0)
        && command.assigns.is_empty()
        && command.redirects.is_empty()
        && command.stdin == Stdin::Inherited
        && command.cwd.as_deref() == Some("")
        && (!by_file || own_name(subject))
}

/// Whether a program is called by the name of its file.
pub(super) fn own_name(subject: &Subject<'_>) -> bool {
    let called = subject.command.program().map(base_name);
    let file = subject.real.as_deref().and_then(|real| real.file_name()?.to_str());
    called.is_some() && called == file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Shell;

    #[test]
    fn arguments_are_the_words_certainly_perhaps_or_not() {
        let wanted = ["apply".to_owned(), "-auto-approve".to_owned()];
        let table = [
            ("t apply -auto-approve", Tri::Yes),
            ("t 'apply' \"-auto\"-approve", Tri::Yes),
            ("t {apply,-auto-approve}", Tri::Yes),
            ("t -auto-approve apply", Tri::No),
            ("t apply", Tri::No),
            ("t", Tri::No),
            ("t apply -auto-approve x", Tri::No),
            ("t apply -auto-approve ''", Tri::No),
            ("t apply -auto-approve *", Tri::Unknown),
            ("t apply \"$X\"", Tri::Unknown),
            ("t apply \"-a$X\"", Tri::Unknown),
            ("t apply \"-x$X\"", Tri::No),
            ("t destroy \"$X\"", Tri::No),
            ("t $X", Tri::Unknown),
            ("t $X apply -auto-approve y", Tri::No),
            ("t a* -auto-approve", Tri::Unknown),
            ("xargs t apply", Tri::Unknown),
            ("xargs t destroy", Tri::No),
        ];
        for (line, expected) in table {
            let shell = Shell::from_line(line.into());
            let command = shell.commands().iter().find(|command| command.name() == "t").unwrap();
            assert_eq!(words(command, &wanted), expected, "{line}");
        }
        let shell = Shell::from_line("t".into());
        assert_eq!(words(&shell.commands()[0], &[]), Tri::Yes);
    }
}
