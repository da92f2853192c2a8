//! What `guard exec` lets a command read, by the policy that is trusted and the home it is called with.

use crate::cli::{Home, done};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// A file in the home, and its content.
fn put(home: &Home, name: &str, text: &str) {
    let path = home.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A project whose policy allows `reader` and `keeper`, which tell what is in a file; `keeper` may read `.env` files.
pub(super) fn reading(more: &str) -> Home {
    let home = Home::with("default");
    for name in ["reader", "keeper"] {
        home.write(name, "#!/bin/sh\nfor file; do cat \"$file\"; done\n");
        fs::set_permissions(home.project.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    home.trust(&format!(
        "{more}[[rule]]\nid = \"reader\"\nprogram = \"./reader\"\nverdict = \"allow\"\nreason = \"r\"\n\
         [[rule]]\nid = \"keeper\"\nprogram = \"./keeper\"\nverdict = \"allow\"\ndotenv = true\nreason = \"r\"\n"
    ));
    home
}

fn read(home: &Home, file: &str) -> (Option<i32>, String) {
    let found = home.guard(&["exec", "--", "./reader", file]);
    (found.code, found.stdout + found.stderr.lines().next().unwrap_or_default())
}

#[test]
fn the_toolchain_of_the_home_is_read_and_its_credentials_are_not() {
    let home = reading("");
    put(&home, ".cargo/config.toml", "registry\n");
    put(&home, ".cargo/credentials.toml", "token\n");
    put(&home, ".local/lib/python/x.py", "library\n");
    put(&home, ".gitconfig", "name\n");
    put(&home, ".ssh/id_ed25519", "key\n");
    put(&home, ".netrc", "password\n");
    put(&home, ".config/pip/pip.conf", "index\n");
    let at = |name: &str| home.path().join(name).display().to_string();
    for (name, text) in
        [(".cargo/config.toml", "registry\n"), (".local/lib/python/x.py", "library\n"), (".gitconfig", "name\n")]
    {
        assert_eq!(read(&home, &at(name)), (Some(0), text.into()), "{name}");
    }
    for name in [".ssh/id_ed25519", ".netrc", ".config/pip/pip.conf"] {
        assert_eq!(read(&home, &at(name)), (Some(1), format!("cat: {}: No such file or directory", at(name))));
    }
    let token = at(".cargo/credentials.toml");
    assert_eq!(read(&home, &token), (Some(1), format!("cat: {token}: Permission denied")));
}

#[test]
fn a_policy_opens_more_and_shuts_more() {
    let home = reading("[fence]\ntoolchain = [\"~/envs\", \"!~/.cargo/registry\", \"!data/ledger\"]\n");
    put(&home, "envs/a/bin/x", "x\n");
    put(&home, ".cargo/registry/index", "index\n");
    put(&home, ".cargo/bin/x", "y\n");
    home.write("data/ledger", "money\n");
    let at = |name: &str| home.path().join(name).display().to_string();
    assert_eq!(read(&home, &at("envs/a/bin/x")), (Some(0), "x\n".into()));
    assert_eq!(read(&home, &at(".cargo/bin/x")), (Some(0), "y\n".into()));
    assert_eq!(read(&home, &at(".cargo/registry/index")).0, Some(1));
    assert_eq!(read(&home, "data/ledger"), (Some(1), "cat: data/ledger: Permission denied".into()));
}

/// bash says but that there is no such command.
#[test]
fn a_program_of_a_line_that_lies_in_the_home_says_what_would_open_it() {
    let home = reading("[[rule]]\nid = \"tool\"\nprogram = \"tool\"\nverdict = \"allow\"\nreason = \"r\"\n");
    put(&home, "own/tool", "#!/bin/sh\necho ran\n");
    let folder = home.path().join("own");
    let call = |words: &[&str]| {
        let mut command = home.command(words);
        done(command.env("PATH", format!("{}:{}", folder.display(), crate::cli::path())))
    };
    for words in [&["exec", "-c", "echo x | tool"][..], &["exec", "--", "tool"]] {
        let found = call(words);
        assert!(matches!(found.code, Some(126 | 127)), "{found:?}");
        let expected = format!("commands do not see `{}`", folder.join("tool").display());
        assert!(found.stderr.contains(&expected) && found.stderr.contains("`toolchain` in `[fence]`"), "{found:?}");
    }
    home.trust("[fence]\ntoolchain = [\"~/own\"]\n");
    assert_eq!(call(&["exec", "-c", "echo x | tool"]).stdout, "ran\n");
}

#[test]
fn dotenv_files_are_for_rules_that_say_so() {
    let home = reading("");
    home.write(".env", "KEY=1\n");
    home.write(".env.example", "KEY=\n");
    assert_eq!(read(&home, ".env"), (Some(1), "cat: .env: Permission denied".into()));
    assert_eq!(read(&home, ".env.example"), (Some(0), "KEY=\n".into()));
    let granted = home.guard(&["exec", "--", "./keeper", ".env"]);
    assert_eq!(granted.stdout, "KEY=1\n", "{}", granted.stderr);
    let plain = home.guard(&["exec", "--", "./reader", ".env"]);
    assert!(plain.stderr.contains("`.env` files are kept from commands"), "{}", plain.stderr);
    // A line gets it only if every command of it does.
    let line = home.guard(&["exec", "-c", "cat .env; ./keeper .env"]);
    assert_eq!(line.stdout, "", "{}", line.stderr);
}

/// `HOME` is the caller's to choose: no link in it opens another home.
#[test]
fn a_home_that_the_caller_made_up_opens_nothing_of_another() {
    let home = reading("");
    put(&home, ".ssh/id", "key\n");
    let other = home.project.join("fake");
    fs::create_dir_all(other.join(".cargo")).unwrap();
    let secret = home.path().join(".ssh");
    symlink(&secret, other.join(".rustup")).unwrap();
    symlink("/etc/shadow", other.join(".gitconfig")).unwrap();
    let state = home.path().join(".local/state");
    let file = secret.join("id").display().to_string();
    for called in [other.as_path(), "/".as_ref(), "/usr".as_ref(), "/etc".as_ref(), home.path().parent().unwrap()] {
        for file in [file.as_str(), "/etc/shadow"] {
            let mut command = home.command(&["exec", "--", "./reader", file]);
            let found = done(command.env("HOME", called).env("XDG_STATE_HOME", &state));
            // The key lies in no home but the one of this test, which is none for the user database.
            let open = file.ends_with("id") && called != home.path().parent().unwrap();
            assert_eq!(found.stdout == "key\n", open, "{called:?} {file}: {}{}", found.stdout, found.stderr);
            assert!(open || found.code == Some(1), "{called:?} {file}: {}", found.stderr);
        }
    }
}

#[test]
fn the_home_by_the_user_database_is_hidden_whatever_home_says() {
    let text = fs::read_to_string("/etc/passwd").unwrap();
    let own = rustix::process::geteuid().as_raw().to_string();
    let fields = text.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[2] == own).unwrap();
    let database = std::path::Path::new(fields[5]);
    let Ok(secret) = tempfile::NamedTempFile::new_in(database) else {
        eprintln!("skipped: the_home_by_the_user_database_is_hidden_whatever_home_says (it cannot be written)");
        return;
    };
    fs::write(&secret, "secret\n").unwrap();
    let home = reading("");
    let file = secret.path().display().to_string();
    assert_eq!(read(&home, &file), (Some(1), format!("cat: {file}: No such file or directory")));
}

/// Found by a review: a command may make as many folders as it likes, and only so many are looked into.
#[test]
fn a_dotenv_file_that_was_found_once_stays_so_whatever_is_put_before_it() {
    let home = reading("");
    home.write("services/web/.env.live", "KEY=1\n");
    home.write("config/keys", "KEY=2\n");
    fs::hard_link(home.project.join("services/web/.env.live"), home.project.join("config/linked")).unwrap();
    let refused = |file: &str| (Some(1), format!("cat: {file}: Permission denied"));
    for file in ["services/web/.env.live", "config/linked"] {
        assert_eq!(read(&home, file), refused(file));
    }
    for number in 0..70 {
        fs::create_dir(home.project.join(format!("aa{number}"))).unwrap();
    }
    for file in ["services/web/.env.live", "config/linked"] {
        assert_eq!(read(&home, file), refused(file));
    }
    // What nobody has seen yet is found where a person waits for it.
    home.write("zz/deep/.env", "KEY=3\n");
    assert_eq!(read(&home, "zz/deep/.env"), (Some(0), "KEY=3\n".into()));
    home.trust("# again\n");
    assert_eq!(read(&home, "zz/deep/.env"), refused("zz/deep/.env"));
    fs::remove_file(home.state().join("dotenv")).unwrap();
    let found = home.guard(&["exec", "--", "./reader", "config/keys"]);
    let missing = "guard: the fence is not whole: a look for `.env` files in all of the project, which is large: ";
    assert!(found.stdout == "KEY=2\n" && found.stderr.starts_with(missing), "{}", found.stderr);
    // A name outside of the project is not known.
    fs::hard_link(home.project.join("services/web/.env.live"), home.path().join("outside")).unwrap();
    home.trust("# once more\n");
    let found = home.guard(&["exec", "--", "./reader", "config/keys"]);
    let missing = "guard: the fence is not whole: a cover for other names of `";
    assert!(found.stdout == "KEY=2\n" && found.stderr.starts_with(missing), "{}", found.stderr);
}
