//! What must not be sent, seen or chosen: secrets, the configuration, and who is told.

use super::{SECRET, Server, ask, asking, configure, failure, folder, private, reached, webhook};
use crate::cli::{Home, done};
use std::fs;

#[test]
fn no_secret_of_the_project_is_sent_stored_or_recorded() {
    let canary = "canary-9f27b1c4e0";
    let server = Server::start();
    let home = Home::with("default");
    home.write(".env", &format!("DATABASE_PASSWORD={canary}\n"));
    let line = format!("cat > {}/got", home.path().display());
    configure(&home, &(webhook(&server.url()) + &format!("command = [\"sh\", \"-c\", \"{line}\"]\n")));
    let command = format!("truncate -s 0 {canary}.csv");
    let reason = format!("the password is {canary}");
    asking(home.guard(&["exec", "--reason", &reason, "-c", &command]));
    let post = server.post();
    for path in super::waiting(&home) {
        let kept = fs::read_to_string(path).unwrap();
        assert!(!kept.contains(canary) && kept.contains("‹redacted:"), "{kept}");
    }
    assert!(!post.body.contains(canary) && post.body.contains("‹redacted:"), "{}", post.body);
    post.answer("200 OK");
    server.quiet(&home);
    let got = fs::read_to_string(home.path().join("got")).unwrap();
    assert!(!got.contains(canary) && got.contains("‹redacted:"), "{got}");
    assert!(!home.log().contains(canary));
}

#[test]
fn nothing_that_is_sent_acts_on_a_terminal() {
    let server = Server::start();
    let home = reached(&server);
    let command = "truncate -s 0 \u{1b}]0;x\u{7}\u{202e}.csv";
    asking(home.guard(&["exec", "-c", command]));
    let post = server.post();
    let got = post.json();
    for key in ["title", "text", "name"] {
        let text = got[key].as_str().unwrap();
        assert!(!text.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{text:?}");
    }
    post.answer("200 OK");
    server.quiet(&home);
}

#[test]
fn neither_the_secret_nor_the_address_is_ever_said() {
    let server = Server::start();
    let home = reached(&server);
    let mut said = vec![ask(&home), home.guard(&["doctor"]), home.guard(&["doctor", "--json"])];
    for _ in 0..3 {
        server.post().answer("500 Oops");
    }
    failure(&home);
    let text = fs::read_to_string(folder(&home).join("config.toml")).unwrap();
    configure(&home, &text.replace("?token", "#token"));
    said.push(ask(&home));
    said.push(home.guard(&["notify", "test"]));
    configure(&home, &text.replace("http:", "https:"));
    said.push(home.guard(&["notify", "test"]));
    for done in said {
        for secret in [SECRET, "URLTOKEN"] {
            assert!(!done.stdout.contains(secret) && !done.stderr.contains(secret), "{done:?}");
        }
    }
    assert!(!home.log().contains(SECRET) && !home.log().contains("URLTOKEN"));
}

#[test]
fn a_fenced_command_cannot_read_the_configuration_or_the_secret_or_what_waits() {
    let server = Server::start();
    let home = reached(&server);
    ask(&home);
    let withheld = server.post();
    let folders = [folder(&home), home.state().join("notices"), folder(&home).join("../guard")];
    let listed = folders.map(|folder| format!("{:?}", folder.display().to_string())).join(", ");
    let script = format!(
        "import os\nfor folder in [{listed}]:\n    try: names = os.listdir(folder)\n    except OSError: names = []\n    \
         assert not names, names\nfor name in ['config.toml', 'notify.key']:\n    \
         try: open({:?} + '/' + name)\n    except OSError: continue\n    raise SystemExit(name)\nprint('hidden')\n",
        folder(&home).display().to_string()
    );
    home.write("look.py", &script);
    home.trust("[[rule]]\nid = \"look\"\nprogram = \"python3\"\nverdict = \"allow\"\nreason = \"a test\"\n");
    let looked = home.guard(&["exec", "--", "python3", "look.py"]);
    assert_eq!((looked.code, looked.stdout.as_str()), (Some(0), "hidden\n"), "{}", looked.stderr);
    withheld.answer("200 OK");
    server.quiet(&home);
}

#[test]
fn from_inside_a_fence_nobody_is_told_anything() {
    let server = Server::start();
    let home = reached(&server);
    home.trust("[[rule]]\nid = \"own\"\nprogram = \"guard\"\nverdict = \"allow\"\nreason = \"a test\"\n");
    for command in [["notify", "test"].as_slice(), &["deliver"], &["exec", "-c", "truncate -s 0 data.csv"]] {
        let call = [["exec", "--", env!("CARGO_BIN_EXE_guard")].as_slice(), command].concat();
        let inside = home.guard(&call);
        assert_eq!(inside.code, Some(125), "{inside:?}");
        assert!(inside.stderr.contains("already fenced"), "{inside:?}");
    }
    server.quiet(&home);
}

#[test]
fn a_secret_that_a_command_could_reach_is_refused() {
    let home = Home::with("default");
    let kept = folder(&home);
    let outside = home.path().join("outside.key");
    private(&outside, SECRET);
    for (name, cause) in [
        (outside.to_str().unwrap(), "which is hidden from commands"),
        ("../../outside.key", "which is hidden from commands"),
        ("linked.key", "which is hidden from commands"),
        ("named.key", "it has 2 names (hard links)"),
        ("loose.key", "it can be read by others (mode 644)"),
        ("missing.key", "No such file"),
        (".", "it is not a plain file"),
        ("long.key", "it is larger than 4096 bytes"),
        ("short.key", "shorter than 16 bytes"),
    ] {
        configure(&home, &webhook("https://example.invalid/").replace("notify.key", name));
        for (file, text) in
            [("loose.key", SECRET.to_owned()), ("long.key", "x".repeat(5000)), ("short.key", "x".into())]
        {
            private(&kept.join(file), &text);
        }
        fs::set_permissions(kept.join("loose.key"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let _there = std::os::unix::fs::symlink(&outside, kept.join("linked.key"));
        let _there = fs::hard_link(&outside, kept.join("named.key"));
        let test = home.guard(&["notify", "test"]);
        assert_eq!(test.code, Some(125), "{name}");
        let place = format!("{}:3:15: ", kept.join("config.toml").display());
        assert!(test.stderr.contains(&place) && test.stderr.contains(cause), "{name}: {}", test.stderr);
    }
}

#[test]
fn an_agent_s_environment_does_not_choose_who_is_told() {
    let server = Server::start();
    let home = reached(&server);
    let other = home.path().join("other");
    fs::create_dir_all(other.join("guard")).unwrap();
    fs::write(other.join("guard/config.toml"), "[notify]\ncommand = [\"touch\", \"/tmp/never\"]\n").unwrap();
    let mut call = super::asks(&home, &[]);
    asking(done(call.env("XDG_CONFIG_HOME", &other)));
    server.post().answer("200 OK");
    let mut call = super::asks(&home, &[]);
    asking(done(call.env("XDG_CONFIG_HOME", "/nowhere")));
    server.post().answer("200 OK");
    server.quiet(&home);
}
