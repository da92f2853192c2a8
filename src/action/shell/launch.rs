//! Programs that run commands in ways of their own: shells, `find`, `parallel`, `git`, the loader.
//! Knows where in their arguments the commands stand.

use super::builtin::first;
use super::command::{Command, Kind, Stdin, Word, Wrapper};
use super::flags::base_name;
use super::scope::Scope;
use super::simple::Lookup;
use super::walk::Walk;

/// Text that other shells read otherwise than bash does.
const DIVERGENT: &[&str] = &["((", "[[", "$'", "$\"", "&>", "|&", "<<<", "<(", ">(", ";&", "{", "function", "coproc"];

/// A shell: the text behind `-c`, or what it reads.
pub(super) fn shell(walk: &mut Walk<'_>, command: Command, foreign: bool) {
    let span = command.span.clone();
    let name = base_name(command.program().unwrap_or("")).to_owned();
    let mut text = false;
    let mut reads = false;
    let mut starts = false;
    let mut at = 1;
    while let Some(word) = command.words.get(at) {
        let Some(option) = word.literal() else { break };
        if option == "--" || option == "-" {
            at += 1;
            break;
        }
        let Some(letters) = option.strip_prefix(['-', '+']).filter(|letters| !letters.is_empty()) else { break };
        at += 1;
        if let Some(long) = option.strip_prefix("--") {
            match long {
                "norc" | "noprofile" | "posix" | "restricted" | "verbose" | "noediting" => {}
                "rcfile" | "init-file" => {
                    starts = true;
                    at += 1;
                }
                "login" => starts = true,
                "version" | "help" => return walk.emit(command),
                _ => walk.unproven(format!("an option `{option}` of `{name}`"), &span),
            }
            continue;
        }
        for letter in letters.chars() {
            match letter {
                'c' => text = true,
                's' => reads = true,
                'l' | 'i' => starts = true,
                'o' | 'O' => {
                    let named = command.words.get(at).and_then(Word::literal).unwrap_or("");
                    if letter == 'O' || !matches!(named, "errexit" | "nounset" | "pipefail" | "xtrace" | "noglob") {
                        walk.unproven(format!("an option `{option} {named}` of `{name}`"), &span);
                    }
                    at += 1;
                }
                'e' | 'u' | 'x' | 'v' | 'n' | 'f' | 'a' | 'b' | 'h' | 'm' | 'p' | 'C' | 'E' | 'H' | 'P' | 'T' | 'r' => {
                }
                _ => walk.unproven(format!("an option `{option}` of `{name}`"), &span),
            }
        }
    }
    if starts {
        walk.unproven(format!("`{name}` that first runs its start-up files"), &span);
    }
    if foreign {
        walk.unproven(format!("`{name}`, whose language guard does not read"), &span);
    }
    let operands = command.words.get(at..).unwrap_or(&[]).to_vec();
    if command.open_ended {
        walk.unproven(format!("`{name}` with arguments that only the run will tell"), &span);
    }
    if text {
        let Some((code, rest)) = operands.split_first() else { return walk.emit(command) };
        if code.literal().is_none() {
            walk.emit(command.clone());
        }
        let arguments: Option<Vec<String>> = rest.iter().skip(1).map(|w| w.literal().map(str::to_owned)).collect();
        let mut inner = command.clone();
        inner.wrappers.push(Wrapper { word: first(&command), kind: Kind::External });
        inner.words = Vec::new();
        let arguments = arguments.filter(|_| !command.open_ended);
        return inner_shell(walk, inner, std::slice::from_ref(code), arguments, name != "bash");
    }
    let file = operands.first();
    let from_input = reads || file.is_none();
    if !from_input {
        return walk.emit(command);
    }
    match command.stdin.clone() {
        Stdin::Text(Some(code)) => {
            let mut inner = command.clone();
            inner.wrappers.push(Wrapper { word: first(&command), kind: Kind::External });
            inner.words = Vec::new();
            inner.stdin = Stdin::Text(None);
            inner_shell(walk, inner, &[Word::known(&code)], Some(Vec::new()), name != "bash");
        }
        Stdin::Pipe => {
            walk.unproven(format!("`{name}` that runs what it reads from a pipe"), &span);
            if let Some(piped) = walk.piped.clone() {
                walk.suspect_text(&piped, span);
            }
            emit_code(walk, command);
        }
        Stdin::Inherited | Stdin::File(_) | Stdin::Text(None) => {
            walk.unproven(format!("`{name}` that runs what it reads from its standard input"), &span);
            emit_code(walk, command);
        }
    }
}

fn emit_code(walk: &mut Walk<'_>, mut command: Command) {
    command.code = Some(super::Code::Stdin);
    walk.emit(command);
}

/// Words that a wrapper joins to text for a shell of its own. `inner` holds all but the words.
pub(super) fn line(walk: &mut Walk<'_>, inner: Command, words: &[Word], bash: bool) {
    inner_shell(walk, inner, words, Some(Vec::new()), !bash);
}

/// Walks text that a new shell runs, with the wrappers, the folder and the input of `inner`.
fn inner_shell(walk: &mut Walk<'_>, inner: Command, words: &[Word], arguments: Option<Vec<String>>, divergent: bool) {
    let span = inner.span.clone();
    if !inner.redirects.is_empty() || !inner.assigns.is_empty() {
        let shown = Command { kind: Kind::None, words: Vec::new(), ..inner.clone() };
        walk.emit(shown);
    }
    let mut scope = Scope::new();
    for (name, _) in &walk.scope.variables {
        scope.set(name, None);
    }
    // A changed environment is not followed further than its names.
    scope.forgot = walk.scope.forgot || inner.wrappers.iter().any(|wrapper| wrapper.word.text.ends_with("env"));
    // bash never takes this one from its environment.
    scope.set("IFS", Some(" \t\n".to_owned()));
    for assign in inner.assigns.iter().filter(|assign| assign.name != "IFS") {
        scope.set(&assign.name, assign.value.value.clone());
    }
    scope.functions =
        walk.scope.functions.iter().map(|f| super::scope::Function { sure: false, ..f.clone() }).collect();
    (scope.cwd, scope.stdin, scope.positional) = (inner.cwd.clone(), inner.stdin.clone(), arguments);
    scope.assumed.clone_from(&inner.assumes);
    let known: Option<Vec<&str>> = words.iter().map(Word::literal).collect();
    let text = known.map(|words| words.join(" "));
    if divergent && text.as_ref().is_some_and(|text| DIVERGENT.iter().any(|mark| text.contains(mark))) {
        walk.unproven("text that `sh` may read otherwise than bash", &span);
        let text = text.clone().unwrap_or_default();
        walk.suspect_text(&text, span.clone());
    }
    let outer = std::mem::replace(&mut walk.scope, scope);
    let wrappers = std::mem::replace(&mut walk.wrappers, inner.wrappers);
    walk.code(words, "sh -c", &span);
    walk.wrappers = wrappers;
    walk.scope = outer;
}

/// `busybox rm …`: the applet in the place of the program.
pub(super) fn applet(walk: &mut Walk<'_>, command: Command) {
    let named = command.words.get(1).and_then(Word::literal).is_some_and(|name| !name.starts_with('-'));
    if !named {
        return walk.emit(command);
    }
    let mut inner = command.clone();
    inner.wrappers.push(Wrapper { word: first(&command), kind: Kind::External });
    inner.words.remove(0);
    walk.run(inner, Lookup::Files);
}

/// `parallel`: text for a shell, put together from arguments or standard input.
pub(super) fn parallel(walk: &mut Walk<'_>, command: Command) {
    let span = command.span.clone();
    let words = command.args().to_vec();
    if let Some(lines) = put_together(&words).filter(|_| !command.open_ended) {
        let mut inner = Command { words: Vec::new(), ..command.clone() };
        inner.wrappers.push(Wrapper { word: first(&command), kind: Kind::External });
        let found = walk.found_by(|walk| {
            for text in &lines {
                line(walk, inner.clone(), &[Word::known(text)], false);
            }
        });
        return walk.overlap(found.clone(), found);
    }
    walk.unproven("`parallel`, which puts commands together", &span);
    let end = words.iter().position(|w| w.literal().is_some_and(|t| t.starts_with(":::"))).unwrap_or(words.len());
    let own = words.get(..end).unwrap_or(&[]);
    for at in 0..own.len().min(6) {
        let rest = own.get(at..).unwrap_or(&[]);
        if !rest.first().and_then(Word::literal).is_some_and(|text| text.starts_with('-')) {
            walk.suspect_words(rest, &span);
            if let [only] = rest {
                walk.suspect_text(only.literal().unwrap_or(""), span.clone());
            }
        }
    }
    for word in words.get(end..).unwrap_or(&[]) {
        walk.suspect_text(word.literal().unwrap_or(""), span.clone());
    }
    walk.emit(command);
}

/// The lines that `parallel WORDS ::: VALUES` runs, where it has no other options than for how many run at once.
fn put_together(words: &[Word]) -> Option<Vec<String>> {
    let texts: Vec<&str> = words.iter().map(Word::literal).collect::<Option<_>>()?;
    let mut own = texts.as_slice();
    while let [option, rest @ ..] = own {
        own = match *option {
            "-k" | "--keep-order" | "--will-cite" | "-v" => rest,
            "-j" | "--jobs" => rest.get(1..)?,
            jobs if jobs.strip_prefix("-j").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())) => rest,
            _ => break,
        };
    }
    let at = own.iter().position(|text| *text == ":::")?;
    let (command, values) = (own.get(..at)?, own.get(at + 1..)?);
    let plain = |text: &&&str| !text.starts_with(":::");
    let known = command.first().is_none_or(|first| !first.starts_with('-'));
    // `{.}`, `{/}` and their like make other text of a value.
    let braced = command.iter().any(|text| text.replace("{}", "").contains('{'));
    if values.len() > 64 || !values.iter().all(|value| plain(&value)) || !known || braced {
        return None;
    }
    let line = |value: &&str| {
        let mut quoted = String::new();
        super::quote(value, &mut quoted);
        let command = command.join(" ");
        match (command.is_empty(), command.contains("{}")) {
            (true, _) => (*value).to_owned(),
            (false, true) => command.replace("{}", &quoted),
            (false, false) => format!("{command} {quoted}"),
        }
    };
    Some(values.iter().map(line).collect())
}

/// `git`: aliases and options that are shell text.
pub(super) fn git(walk: &mut Walk<'_>, command: &Command) {
    let span = command.span.clone();
    let subcommand = command.subcommand(&[]).and_then(|w| w.literal().map(str::to_owned)).unwrap_or_default();
    for setting in command.flag_values("-c").iter().chain(&command.flag_values("--config-env")) {
        let shown = setting.value.as_deref().unwrap_or(&setting.prefix).to_owned();
        if let Some((_, text)) = shown.split_once("=!") {
            walk.unproven("an alias of `git` that is shell text", &span);
            walk.suspect_text(text, span.clone());
        } else if let Some((name, text)) = shown.split_once('=') {
            alias(walk, command, name, text);
        }
    }
    let texts: Vec<Word> = match subcommand.as_str() {
        "rebase" => command.flag_values("--exec").into_iter().chain(command.flag_values("-x")).collect(),
        "filter-branch" => ["--tree-filter", "--index-filter", "--msg-filter", "--env-filter", "--commit-filter"]
            .iter()
            .flat_map(|flag| command.flag_values(flag))
            .collect(),
        "bisect" | "submodule" => {
            let words = command.args();
            let at = words.iter().position(|word| matches!(word.literal(), Some("run" | "foreach")));
            let rest = at.and_then(|at| words.get(at + 1..)).unwrap_or(&[]);
            if rest.is_empty() {
                return;
            }
            walk.suspect_words(rest, &span);
            rest.to_vec()
        }
        _ => return,
    };
    for text in &texts {
        walk.unproven(format!("a command that `git {subcommand}` runs"), &span);
        walk.suspect_text(text.literal().unwrap_or(""), span.clone());
    }
}

/// `git -c alias.NAME=TEXT NAME …`: the command that it comes to.
fn alias(walk: &mut Walk<'_>, command: &Command, name: &str, text: &str) {
    let section = name.get(..6).is_some_and(|section| section.eq_ignore_ascii_case("alias."));
    let Some(name) = name.get(6..).filter(|_| section) else { return };
    let called = |word: &Word| word.literal().is_some_and(|word| word.eq_ignore_ascii_case(name));
    let Some(at) = command.words.iter().rposition(called) else { return };
    let own = command.words.first().into_iter().cloned();
    let stands = split_string(text).into_iter().map(|word| Word::known(&word));
    let rest = command.words.get(at + 1..).unwrap_or(&[]).iter().cloned();
    let words: Vec<Word> = own.chain(stands).chain(rest).collect();
    // Git looks up no alias twice.
    if walk.spend(words.len()) {
        walk.suspect_words(&words, &command.span.clone());
    }
}

/// `uv run`, `poetry run`: themselves, and the command they run in an environment of theirs.
pub(super) fn runner(walk: &mut Walk<'_>, command: Command) {
    let at = command.words.iter().position(|word| word.literal() == Some("run"));
    let rest = at.and_then(|at| command.words.get(at + 1..)).unwrap_or(&[]).to_vec();
    let span = command.span.clone();
    let wrapper = Wrapper { word: first(&command), kind: Kind::External };
    walk.emit(command.clone());
    let plain = rest.first().and_then(Word::literal).is_some_and(|text| !text.starts_with('-'));
    if at == Some(1) && plain {
        let mut inner = command;
        inner.words = rest;
        inner.wrappers.push(wrapper);
        walk.run(inner, Lookup::Files);
    } else if !rest.is_empty() {
        walk.unproven("options before the command that is run", &span);
        for at in 0..rest.len().min(4) {
            walk.suspect_words(rest.get(at..).unwrap_or(&[]), &span);
        }
    }
}

/// `ld.so PROGRAM`: runs it whatever its permissions say.
pub(super) fn loader(walk: &mut Walk<'_>, command: Command) {
    let span = command.span.clone();
    walk.unproven("a program started through the loader", &span);
    for at in 1..command.words.len().min(5) {
        walk.suspect_words(command.words.get(at..).unwrap_or(&[]), &span);
    }
    walk.emit(command);
}

/// Replaces `env -S 'A=b cmd'` by the words it stands for.
pub(super) fn split_env(command: &mut Command) -> Result<(), String> {
    let mut at = 1;
    while at < command.words.len().min(64) {
        let Some(option) = command.words.get(at).and_then(Word::literal).map(str::to_owned) else { return Ok(()) };
        if option == "--" || !option.starts_with('-') || option == "-" {
            if option == "-" {
                at += 1;
                continue;
            }
            return Ok(());
        }
        let attached = option.strip_prefix("--split-string=").map(str::to_owned);
        let short = option.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        let short = short.and_then(|letters| {
            let before = letters.find('S')?;
            let plain = letters.get(..before)?.bytes().all(|b| matches!(b, b'i' | b'0' | b'v'));
            plain.then(|| letters.get(before + 1..).unwrap_or("").to_owned())
        });
        let (text, used) = match (attached, short) {
            (Some(text), _) => (Some(text), 1),
            (None, Some(text)) if !text.is_empty() => (Some(text), 1),
            (None, Some(_)) => (command.words.get(at + 1).and_then(Word::literal).map(str::to_owned), 2),
            (None, None) if option == "--split-string" => {
                (command.words.get(at + 1).and_then(Word::literal).map(str::to_owned), 2)
            }
            _ => {
                // Options with a value of their own in the next word.
                at += if matches!(option.as_str(), "-u" | "-C" | "--unset" | "--chdir") { 2 } else { 1 };
                continue;
            }
        };
        let Some(text) = text else { return Err("a text of `env -S` that only the run will tell".to_owned()) };
        let words = split_string(&text);
        let doubt = text.contains(['$', '#', '\\']);
        let words = words.iter().map(|word| Word::known(word));
        let end = (at + used).min(command.words.len());
        command.words.splice(at..end, words);
        if doubt {
            return Err("escapes or variables in a text of `env -S`".to_owned());
        }
    }
    Ok(())
}

fn split_string(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(mark), c) if mark == c => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
