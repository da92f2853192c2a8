//! `[fence] toolchain` and `dotenv`: which layer opens what, and how it is written.

use super::world::{line, policy, preset};
use guard::decide::Layer::{Machine, Person, Project};
use guard::decide::{Policy, Source};

fn list(words: &[&str]) -> String {
    format!("[fence]\ntoolchain = {words:?}\n")
}

#[test]
fn lists_add_up_and_the_machine_s_is_the_only_one_that_opens() {
    let default = preset("default").settings().toolchain.clone();
    assert!(
        default.open.contains(&"~/.cargo".to_owned()) && default.shut.contains(&"~/.cargo/credentials.toml".to_owned())
    );
    let (person, project) = (list(&["~/a", "!~/.cargo/registry"]), list(&["~/b/", "/etc/odbc.ini", "~/a", "!data"]));
    let both = policy(&[(Person, &person), (Project, &project)]).settings().toolchain.clone();
    let more = |known: &[String], new: &[&str]| {
        known.iter().cloned().chain(new.iter().map(|path| (*path).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(both.open, more(&default.open, &["~/a", "~/b", "/etc/odbc.ini"]));
    assert_eq!(both.shut, more(&default.shut, &["~/.cargo/registry", "data"]));
    for (words, open) in [(&["~/.pyenv", "!~/x"][..], &["~/.pyenv"][..]), (&[], &[])] {
        let machine = list(words);
        let held = policy(&[(Machine, &machine), (Person, &person), (Project, &project)]).settings().toolchain.clone();
        assert_eq!(held.open, open);
        assert!(default.shut.iter().chain(&both.shut).all(|path| held.shut.contains(path)), "{held:?}");
    }
}

#[test]
fn what_names_no_file_or_folder_is_a_fault() {
    let faulty = [
        "",
        "~",
        "~/",
        "/",
        "!",
        "!/",
        "!~",
        ".cargo",
        "a/b",
        "~/../x",
        "~/a/../../b",
        "!../x",
        "/etc/./x",
        "~/a//b",
        "~other/x",
        "~/*",
        "/etc/ssl/*.pem",
        "!~/[a]",
    ];
    for word in faulty {
        let source = Source {
            layer: Project,
            name: "guard.toml".into(),
            text: format!("version = 1\n[fence]\ntoolchain = [\"~/fine\", {word:?}]\n"),
        };
        let fault = Policy::load(&[source]).err().unwrap_or_else(|| panic!("`{word}` is taken"));
        let text = fault.to_string();
        assert!(text.contains(&format!("`{word}`")), "{text}");
    }
}

#[test]
fn dotenv_is_given_only_where_every_command_of_a_line_has_it() {
    let trading = preset("python-trading");
    let given = |text: &str| line(&trading, text).grant().dotenv;
    for text in [
        "python main.py --mode paper",
        "python main.py --mode backtest",
        "python main.py --mode paper --duration 5min",
        "cd services && python main.py --mode paper",
    ] {
        assert!(given(text), "{text}");
    }
    for text in [
        "cat .env",
        "pytest tests/",
        "python x.py",
        "cat .env; python main.py --mode paper",
        "python main.py --mode paper | tee x",
        "python main.py --mode paper && python x.py",
    ] {
        assert!(!given(text), "{text}");
    }
}
