//! A call of docker-compose taken apart and written anew: only what stands in these tables is passed on.
//! Knows no configuration and starts nothing.

use super::Composed;
use crate::action::Facts;
use crate::action::shell::{Command, Stdin, Word};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Creates and starts containers, in the background.
    Up,
    /// Stops and removes containers and networks.
    Down,
    /// Lists containers.
    Ps,
    /// Shows what containers wrote.
    Logs,
    /// Stops and starts containers that are there.
    Restart,
}

/// A call of docker-compose that guard can write itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    program: PathBuf,
    /// Whether it is docker's plugin (`docker compose`).
    plugin: bool,
    files: Vec<String>,
    name: Option<String>,
    options: Vec<String>,
    task: Task,
    flags: Vec<String>,
    services: Vec<String>,
}

/// A flag that is passed on.
struct Form {
    long: &'static str,
    short: Option<char>,
    takes: Takes,
}

/// What a flag takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// Digits.
    Number,
    /// Letters, digits and `_.:=+-`: a time, a filter, a mode; never a template.
    Word,
    /// A project's name as docker-compose itself would make it.
    Name,
    /// A file, not the standard input.
    File,
}

const fn form(long: &'static str, short: Option<char>, takes: Takes) -> Form {
    Form { long, short, takes }
}

static BEFORE: &[Form] = &[
    form("--file", Some('f'), Takes::File),
    form("--project-name", Some('p'), Takes::Name),
    form("--profile", None, Takes::Word),
    form("--ansi", None, Takes::Word),
    form("--no-ansi", None, Takes::Nothing),
    form("--progress", None, Takes::Word),
];
static UP: &[Form] = &[
    form("--detach", Some('d'), Takes::Nothing),
    form("--timeout", Some('t'), Takes::Number),
    form("--no-color", None, Takes::Nothing),
    form("--quiet-pull", None, Takes::Nothing),
    form("--no-deps", None, Takes::Nothing),
    form("--no-recreate", None, Takes::Nothing),
    form("--no-build", None, Takes::Nothing),
    form("--no-log-prefix", None, Takes::Nothing),
    form("--force-recreate", None, Takes::Nothing),
    form("--remove-orphans", None, Takes::Nothing),
    form("--wait", None, Takes::Nothing),
    form("--wait-timeout", None, Takes::Number),
];
static DOWN: &[Form] = &[form("--timeout", Some('t'), Takes::Number), form("--remove-orphans", None, Takes::Nothing)];
static PS: &[Form] = &[
    form("--quiet", Some('q'), Takes::Nothing),
    form("--services", None, Takes::Nothing),
    form("--all", Some('a'), Takes::Nothing),
    form("--filter", None, Takes::Word),
    form("--format", None, Takes::Word),
    form("--status", None, Takes::Word),
    form("--no-trunc", None, Takes::Nothing),
];
static LOGS: &[Form] = &[
    form("--follow", Some('f'), Takes::Nothing),
    form("--timestamps", Some('t'), Takes::Nothing),
    form("--tail", Some('n'), Takes::Word),
    form("--since", None, Takes::Word),
    form("--until", None, Takes::Word),
    form("--no-color", None, Takes::Nothing),
    form("--no-log-prefix", None, Takes::Nothing),
];
static RESTART: &[Form] = &[form("--timeout", Some('t'), Takes::Number), form("--no-deps", None, Takes::Nothing)];

impl Task {
    fn named(word: &str) -> Option<Self> {
        let all = [Self::Up, Self::Down, Self::Ps, Self::Logs, Self::Restart];
        all.into_iter().find(|task| task.word() == word)
    }

    /// Its subcommand.
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Ps => "ps",
            Self::Logs => "logs",
            Self::Restart => "restart",
        }
    }

    fn forms(self) -> &'static [Form] {
        match self {
            Self::Up => UP,
            Self::Down => DOWN,
            Self::Ps => PS,
            Self::Logs => LOGS,
            Self::Restart => RESTART,
        }
    }
}

impl Takes {
    fn accepts(self, value: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.:=+-".contains(c);
        match self {
            Self::Nothing => false,
            Self::Number => (1..=6).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit()),
            Self::Word => !value.is_empty() && !value.starts_with('-') && value.chars().all(plain),
            Self::Name => is_project_name(value),
            Self::File => !value.is_empty() && !value.starts_with('-'),
        }
    }
}

/// Whether docker-compose takes it for a project's name without changing it.
fn is_project_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    name.bytes().all(inner) && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// The name docker-compose gives a project in `folder`; `None` where nothing would be left of it, or where its
/// versions differ.
pub fn project_name(folder: &Path) -> Option<String> {
    let base = folder.file_name()?.to_str()?.to_lowercase();
    let name: String = base.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '-').collect();
    is_project_name(&name).then_some(name)
}

/// Words that are left to read.
struct Words<'a> {
    rest: std::slice::Iter<'a, Word>,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<Option<&'a str>, String> {
        let Some(word) = self.rest.next() else { return Ok(None) };
        word.literal().map(Some).ok_or_else(|| format!("only the run will tell what `{}` is", word.text))
    }

    /// Reads the flags that stand in `word`, each with its value, into `found`.
    fn flags(
        &mut self,
        word: &'a str,
        forms: &[Form],
        found: &mut Vec<(&'static str, Option<&'a str>)>,
    ) -> Result<(), String> {
        let refused = || format!("`{word}` is not among what guard passes on");
        if word.starts_with("--") {
            let (name, attached) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let form = forms.iter().find(|form| form.long == name).ok_or_else(refused)?;
            return self.value(form, attached, found);
        }
        let mut letters = word.chars();
        letters.next();
        while let Some(letter) = letters.next() {
            let form = forms.iter().find(|form| form.short == Some(letter)).ok_or_else(refused)?;
            if form.takes == Takes::Nothing {
                found.push((form.long, None));
                continue;
            }
            let rest = letters.as_str();
            return self.value(form, (!rest.is_empty()).then_some(rest), found);
        }
        Ok(())
    }

    fn value(
        &mut self,
        form: &Form,
        attached: Option<&'a str>,
        found: &mut Vec<(&'static str, Option<&'a str>)>,
    ) -> Result<(), String> {
        let value = match (form.takes, attached) {
            (Takes::Nothing, Some(value)) => {
                return Err(format!("`{}={value}` is not among what guard passes on", form.long));
            }
            (Takes::Nothing, None) => None,
            (_, Some(value)) => Some(value),
            (_, None) => Some(self.next()?.ok_or_else(|| format!("`{}` has no value", form.long))?),
        };
        if let Some(value) = value.filter(|value| !form.takes.accepts(value)) {
            return Err(format!("`{} {value}` is not among what guard passes on", form.long));
        }
        found.push((form.long, value));
        Ok(())
    }
}

impl Call {
    /// Takes `command` apart. The program must lie where no command can write.
    ///
    /// # Errors
    /// What about it guard does not pass on, as a fragment.
    pub(crate) fn read(command: &Command, facts: &Facts) -> Result<Self, String> {
        if let Some(assign) = command.assigns.first() {
            return Err(format!("the variable `{}` is not passed on", assign.name));
        }
        if !command.redirects.is_empty() || command.stdin != Stdin::Inherited {
            return Err("it stands with a redirection".to_owned());
        }
        if command.open_ended {
            return Err("only the run will tell its arguments".to_owned());
        }
        if command.cwd.as_deref() != Some("") {
            return Err("it starts in another folder".to_owned());
        }
        let word = command.program_word().ok_or("there is no program")?;
        let program = facts.program(command, word).ok_or("its program is not known")?;
        if program.writable {
            return Err(format!("`{}` lies where commands can write", program.path.display()));
        }
        let mut words = Words { rest: command.args().iter() };
        let name = program.path.file_name().and_then(|name| name.to_str());
        let plugin = match name {
            Some("docker-compose") => false,
            // Docker's own flags before `compose` choose another machine or configuration.
            Some("docker") if words.next()? == Some("compose") => true,
            Some("docker") => return Err("docker's own flags before `compose` are not passed on".to_owned()),
            Some(_) | None => return Err(format!("`{}` is not docker-compose", program.path.display())),
        };
        Self::words(program.path.clone(), plugin, words)
    }

    fn words(program: PathBuf, plugin: bool, mut words: Words<'_>) -> Result<Self, String> {
        let mut before = Vec::new();
        let task = loop {
            match words.next()? {
                Some(word) if word.starts_with('-') => words.flags(word, BEFORE, &mut before)?,
                Some(word) => {
                    let unknown = || format!("`{word}` is none of up, down, ps, logs and restart");
                    break Task::named(word).ok_or_else(unknown)?;
                }
                None => return Err("there is no subcommand".to_owned()),
            }
        };
        let (mut after, mut services, mut only_services) = (Vec::new(), Vec::new(), false);
        while let Some(word) = words.next()? {
            match word {
                "--" if !only_services => only_services = true,
                _ if word.starts_with('-') && !only_services => words.flags(word, task.forms(), &mut after)?,
                _ if is_service(word) && task != Task::Down => services.push(word.to_owned()),
                _ => return Err(format!("`{word}` is no service's name that guard passes on")),
            }
        }
        if task == Task::Up && !after.iter().any(|(flag, _)| *flag == "--detach") {
            return Err("`up` without `-d` stays in the foreground".to_owned());
        }
        let mut call = Self {
            program,
            plugin,
            files: Vec::new(),
            name: None,
            options: Vec::new(),
            task,
            flags: Vec::new(),
            services,
        };
        for (flag, value) in before {
            match (flag, value) {
                ("--file", Some(file)) => call.files.push(file.to_owned()),
                ("--project-name", Some(name)) => call.name = Some(name.to_owned()),
                (flag, value) => call.options.extend([Some(flag), value].into_iter().flatten().map(str::to_owned)),
            }
        }
        for (flag, value) in after {
            call.flags.extend([Some(flag), value].into_iter().flatten().map(str::to_owned));
        }
        Ok(call)
    }

    /// The file that is started.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// What is to be done.
    pub fn task(&self) -> Task {
        self.task
    }

    /// The files it names by `-f`, in order.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The project's name, where it is said.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The argument vector that prints the configuration read from `files`; none: from where docker-compose looks itself.
    pub fn config_argv(&self, files: &[PathBuf]) -> Vec<OsString> {
        let mut argv = self.beginning();
        for file in files {
            argv.extend(["--file".into(), file.clone().into_os_string()]);
        }
        argv.push("config".into());
        argv
    }

    /// The argument vector that does what was judged, whose configuration is on the standard input: no file of the
    /// project is read. `.env`, which would choose files, names and the machine, is replaced by an empty file.
    pub fn argv(&self, composed: &Composed) -> Vec<OsString> {
        let mut argv = self.beginning();
        argv.extend(["--project-name", &composed.name, "--project-directory"].map(OsString::from));
        argv.push(composed.folder.clone().into_os_string());
        argv.extend(["--env-file".into(), composed.nothing.clone().into_os_string()]);
        argv.extend(["--file", "-"].map(OsString::from));
        argv.extend(self.options.iter().map(OsString::from));
        argv.push(self.task.word().into());
        argv.extend(self.flags.iter().map(OsString::from));
        if !self.services.is_empty() {
            argv.push("--".into());
            argv.extend(self.services.iter().map(OsString::from));
        }
        argv
    }

    fn beginning(&self) -> Vec<OsString> {
        let mut argv = vec![self.program.file_name().unwrap_or(self.program.as_os_str()).to_owned()];
        if self.plugin {
            argv.push("compose".into());
        }
        argv
    }
}

fn is_service(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Found, Program, Shell};

    fn read_in(line: &str, writable: bool) -> Result<Call, String> {
        let shell = Shell::from_line(line.into());
        let mut facts = Facts::default();
        for name in ["docker-compose", "docker", "podman-compose"] {
            let path = PathBuf::from(format!("/usr/bin/{name}"));
            let found = Found::Program(Program { path: path.clone(), real: path, writable });
            facts.programs.insert(name.to_owned(), found);
        }
        Call::read(&shell.commands()[0], &facts)
    }

    fn composed() -> Composed {
        let (folder, nothing) = ("/p/app".into(), "/s/nothing".into());
        Composed { name: "app".into(), folder, text: String::new(), nothing }
    }

    fn written(line: &str) -> Result<String, String> {
        let call = read_in(line, false)?;
        let words = call.argv(&composed());
        let text = words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ");
        let (_, rest) = text.split_once("--file - ").unwrap();
        Ok(rest.to_owned())
    }

    #[test]
    fn every_spelling_of_a_known_flag_is_written_in_one_way() {
        let table = [
            ("docker-compose up -d", "up --detach"),
            ("docker-compose up --detach web db", "up --detach -- web db"),
            ("docker compose up -d -t 5 -- web", "up --detach --timeout 5 -- web"),
            ("docker-compose up -dt5", "up --detach --timeout 5"),
            ("docker-compose down --timeout=3", "down --timeout 3"),
            ("docker-compose ps -qa", "ps --quiet --all"),
            ("docker-compose ps --filter status=running", "ps --filter status=running"),
            ("docker-compose logs -t --tail=50 db", "logs --timestamps --tail 50 -- db"),
            ("docker-compose logs db -n 5", "logs --tail 5 -- db"),
            ("docker-compose --no-ansi restart db.1_a-b", "--no-ansi restart -- db.1_a-b"),
            ("docker-compose --profile dev up -d", "--profile dev up --detach"),
            ("'docker-compose' \"p\"s", "ps"),
        ];
        for (line, expected) in table {
            assert_eq!(written(line).as_deref(), Ok(expected), "{line}");
        }
    }

    #[test]
    fn the_whole_vector_names_everything_itself() {
        let call = read_in("docker compose ps", false).unwrap();
        let expected = "docker compose --project-name app --project-directory /p/app --env-file /s/nothing --file - ps";
        let expected: Vec<OsString> = expected.split(' ').map(OsString::from).collect();
        assert_eq!(call.argv(&composed()), expected);
        let call = read_in("docker-compose -f a.yml -f b.yml -p other ps", false).unwrap();
        assert_eq!((call.files(), call.name()), (&["a.yml".to_owned(), "b.yml".to_owned()][..], Some("other")));
        let config = call.config_argv(&["/p/a.yml".into()]);
        assert_eq!(config, ["docker-compose", "--file", "/p/a.yml", "config"].map(OsString::from));
    }

    #[test]
    fn what_is_not_known_is_not_passed_on() {
        // SANDBOX.md, attacks, docker-compose; docopt takes abbreviations (`--vol`), pflag takes `--detach=false`.
        let refused = [
            "docker-compose -f - up -d",
            "docker-compose --file=- up -d",
            "docker-compose -f- up -d",
            "docker-compose -H tcp://1.2.3.4:2375 ps",
            "docker-compose --host=tcp://x ps",
            "docker-compose -c other ps",
            "docker-compose --project-directory /x ps",
            "docker-compose --workdir /x ps",
            "docker-compose --env-file x ps",
            "docker-compose --tlscert x ps",
            "docker-compose --skip-hostname-check ps",
            "docker -H tcp://x compose up -d",
            "docker --config /x compose ps",
            "docker ps",
            "docker-compose run -v /:/host web sh",
            "docker-compose exec -u root web sh",
            "docker-compose rm -f",
            "docker-compose kill",
            "docker-compose build",
            "docker-compose config",
            "docker-compose down -v",
            "docker-compose down --volumes",
            "docker-compose down --vol",
            "docker-compose down -fv",
            "docker-compose down --rmi all",
            "docker-compose up -d -V",
            "docker-compose up -d --renew-anon-volumes",
            "docker-compose up -d --build",
            "docker-compose up -d --scale web=3",
            "docker-compose up",
            "docker-compose up --detach=false",
            "docker-compose up -- -d",
            "docker-compose ps --format '{{.ID}}'",
            "docker-compose logs --tail",
            "docker-compose logs -f=1",
            "docker-compose restart /etc",
            "docker-compose -p ../x ps",
            "docker-compose ps $X",
            "docker-compose ps *",
            "docker-compose",
            "COMPOSE_FILE=x docker-compose up -d",
            "docker-compose ps > out",
            "docker-compose ps < in",
            "podman-compose ps",
            "python-compose ps",
        ];
        for line in refused {
            assert!(written(line).is_err(), "{line}: {:?}", written(line));
        }
        assert_eq!(written("docker-compose down -v"), Err("`-v` is not among what guard passes on".to_owned()));
        assert!(read_in("docker-compose ps", true).is_err(), "a program that commands can write");
    }

    #[test]
    fn a_project_is_named_as_docker_compose_names_it() {
        let name = |path: &str| project_name(Path::new(path));
        assert_eq!(name("/p/My App_2"), Some("myapp_2".to_owned()));
        assert_eq!(name("/p/a.b-c"), Some("ab-c".to_owned()));
        // Version 1 keeps a leading `_`, version 2 does not.
        assert_eq!((name("/p/_x"), name("/p/é"), name("/")), (None, None, None));
    }
}
