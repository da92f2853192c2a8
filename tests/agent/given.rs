//! What a harness gets: folders, settings that stay, variables, hosts, time.

use super::{harness, scene};
use std::fs;
use std::os::unix::fs::symlink;

const GIVEN: &str = "[run]\nfolders = [\"~/.agent\", \"~/.absent\"]\nsettings = [\"~/.agent/settings.json\", \
                     \"~/.agent/deep/er/servers.json\", \"~/.agent/hooks\", \"~/.absent/settings.json\"]\nenv = [\"KEY\"]\n";

/// A harness's folder as its first start leaves it.
fn folder(home: &crate::cli::Home) -> std::path::PathBuf {
    let folder = home.path().join(".agent");
    fs::create_dir_all(folder.join("deep/er")).unwrap();
    fs::create_dir_all(folder.join("hooks")).unwrap();
    for name in ["settings.json", "deep/er/servers.json", "hooks/before.sh"] {
        fs::write(folder.join(name), "{}").unwrap();
    }
    folder
}

/// Each line is one way to change what a harness obeys; those that make a folder anew first move the old one away.
const CHANGES: [&str; 14] = [
    "echo x > ~/.agent/settings.json",
    "echo x > ~/.agent/new && mv ~/.agent/new ~/.agent/settings.json",
    "rm -f ~/.agent/settings.json",
    "chmod 777 ~/.agent/settings.json",
    "truncate -s 0 ~/.agent/settings.json",
    "ln ~/.agent/settings.json ~/.agent/same && echo x > ~/.agent/same",
    "echo x > ~/.agent/hooks/more.sh",
    "rm -rf ~/.agent/hooks",
    "mv ~/.agent/hooks ~/.agent/old && mkdir ~/.agent/hooks && echo x > ~/.agent/hooks/x",
    "mv ~/.agent/deep ~/.agent/d2 && mkdir -p ~/.agent/deep/er && echo x > ~/.agent/deep/er/servers.json",
    "mv ~/.agent/deep/er ~/.agent/deep/e2 && mkdir ~/.agent/deep/er && echo x > ~/.agent/deep/er/servers.json",
    "mv ~/.agent ~/.agent2 && mkdir ~/.agent && echo x > ~/.agent/settings.json",
    "python3 -c 'import os; os.rename(os.path.expanduser(\"~/.agent/deep\"), os.path.expanduser(\"~/.agent/d3\"))'",
    "umount ~/.agent/settings.json && echo x > ~/.agent/settings.json",
];

#[test]
fn a_harness_writes_to_its_folders_and_never_to_what_it_obeys() {
    let home = scene(GIVEN);
    let folder = folder(&home);
    for change in CHANGES {
        // Unfenced each does something.
        let free = std::process::Command::new("bash").args(["-c", change]).env("HOME", home.path()).output().unwrap();
        assert!(
            free.status.success() || change.contains("umount"),
            "{change}: {}",
            String::from_utf8_lossy(&free.stderr)
        );
        fs::remove_dir_all(home.path().join(".agent2")).ok();
        fs::remove_dir_all(&folder).ok();
        self::folder(&home);
        let ran = harness(&home, change);
        assert_ne!(ran.code, Some(0), "{change}");
        for name in ["settings.json", "deep/er/servers.json", "hooks/before.sh"] {
            assert_eq!(fs::read_to_string(folder.join(name)).ok().as_deref(), Some("{}"), "{change}: {name}");
        }
        assert!(!folder.join("hooks/more.sh").exists() && !home.path().join(".agent2").exists(), "{change}");
        fs::remove_dir_all(&folder).unwrap();
        self::folder(&home);
    }
    let ran =
        harness(&home, "mkdir -p ~/.agent/sessions && echo new > ~/.agent/sessions/1 && cat ~/.agent/settings.json");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "{}"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(folder.join("sessions/1")).unwrap(), "new\n");
}

#[test]
fn nothing_else_can_be_written_and_other_variables_are_not_there() {
    let home = scene(GIVEN);
    folder(&home);
    fs::write(home.path().join(".secret"), "s").unwrap();
    let line = "for to in ~ ~/.config /etc /usr . \"$OLDPWD\" /run/guard /run/guard/bin; do echo x > \"$to/x\"; done; cat ~/.secret; \
                cat build_audit.log; ls ~/.local/state/guard; echo \"$KEY:$OTHER:$GUARD_RUN_FOR\"; \
                echo x > /tmp/x && cat /tmp/x";
    let mut command = home.command(&["run", "--", "bash", "-c", line]);
    let ran = crate::cli::done(command.env("KEY", "k").env("OTHER", "o"));
    assert_eq!(ran.stdout, "k::\nx\n", "{}", ran.stderr);
    assert!(!home.path().join("x").exists() && !home.project.join("x").exists());
}

#[test]
fn settings_that_are_not_there_or_are_links_stop_it_before_it_begins() {
    let home = scene(GIVEN);
    let folder = folder(&home);
    fs::remove_file(folder.join("settings.json")).unwrap();
    fs::remove_dir_all(folder.join("deep")).unwrap();
    let ran = harness(&home, "true");
    assert_eq!(ran.code, Some(125));
    assert!(ran.stderr.contains("settings.json`") && ran.stderr.contains("deep/er/servers.json`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("not there, and what is not there cannot be kept read-only"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(".absent"), "{}", ran.stderr);
    self::folder(&home);
    fs::remove_file(folder.join("settings.json")).unwrap();
    symlink("deep/er/servers.json", folder.join("settings.json")).unwrap();
    let ran = harness(&home, "true");
    assert!(ran.code == Some(125) && ran.stderr.contains("is a link"), "{}", ran.stderr);
    assert!(!home.log().contains("agent_started"));
}

#[test]
fn what_it_obeys_is_found_by_no_link_that_it_could_change() {
    let links = [
        ("real", ".agent/hooks", "~/.agent/hooks/x", "by which"),
        ("../outside", ".agent/hooks", "~/.agent/hooks/x", "by which"),
        (".agent/second", "first", "~/first/x", "second`, by which"),
        ("../scripts/x", ".agent/obeyed/x", "~/.agent/obeyed", "is a link to what is written to"),
        ("scripts/none", ".agent/settings", "~/.agent/settings", "is a link, which"),
    ];
    for (to, link, setting, says) in links {
        let home = scene(&format!("[run]\nfolders = [\"~/.agent\"]\nsettings = [\"{setting}\"]\n"));
        for made in [".agent/real", ".agent/scripts", ".agent/obeyed", "outside"] {
            fs::create_dir_all(home.path().join(made)).unwrap();
            fs::write(home.path().join(made).join("x"), "").unwrap();
        }
        symlink("real", home.path().join(".agent/second")).unwrap();
        let _ = fs::remove_file(home.path().join(link));
        symlink(to, home.path().join(link)).unwrap();
        let ran = harness(&home, "true");
        assert!(ran.code == Some(125) && ran.stderr.contains(says), "{setting}: {}", ran.stderr);
    }
}

#[test]
fn a_setting_of_more_files_than_are_looked_at_is_not_taken_on_trust() {
    let home = scene("[run]\nfolders = [\"~/.agent\"]\nsettings = [\"~/.agent/hooks\"]\n");
    let hooks = folder(&home).join("hooks");
    (0..10_000).for_each(|number| fs::write(hooks.join(number.to_string()), "").unwrap());
    let ran = harness(&home, "true");
    assert!(ran.code == Some(125) && ran.stderr.contains("over 10000 files of one setting"), "{}", ran.stderr);
}

#[test]
fn a_folder_that_holds_what_is_not_the_harness_s_is_not_given() {
    for folder in ["~/project", "~/project/sub", "~/.local", "~/.local/state/guard/x", "~/.config", "~/.ssh"] {
        let home = scene(&format!("[run]\nfolders = [\"{folder}\"]\n"));
        for made in [".ssh", ".config/guard", ".local/state/guard/x", "project/sub"] {
            fs::create_dir_all(home.path().join(made)).unwrap();
        }
        let ran = harness(&home, "true");
        assert!(
            ran.code == Some(125) && ran.stderr.contains("cannot be given to a harness"),
            "{folder}: {}",
            ran.stderr
        );
    }
    let home = scene("");
    home.trust(&format!("\n[run]\nfolders = [\"{}\"]\n", home.path().display()));
    let ran = harness(&home, "true");
    assert!(ran.code == Some(125) && ran.stderr.contains("a whole home"), "{}", ran.stderr);
}

#[test]
fn settings_that_are_replaced_from_outside_end_the_harness() {
    let home = scene(GIVEN);
    let folder = folder(&home);
    let line = "touch ~/.agent/begun; while :; do echo evil 2>/dev/null > ~/.agent/settings.json; done";
    let mut guard = std::process::Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["run", "--", "bash", "-c", line])
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", crate::cli::path())
        .env("HOME", home.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let begun = std::time::Instant::now();
    while !folder.join("begun").exists() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // As an editor saves, or a harness outside: the mount goes with the file that it was on.
    fs::write(folder.join("settings.new"), "{ }").unwrap();
    fs::rename(folder.join("settings.new"), folder.join("settings.json")).unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut guard.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(guard.wait().unwrap().code(), Some(137), "{said}");
    assert!(said.contains("settings.json` was removed or replaced from outside"), "{said}");
    assert!(home.log().contains("after which it could be written to inside"), "{}", home.log());
}

#[test]
fn settings_with_another_name_and_guard_s_own_program_are_not_given() {
    let home = scene(GIVEN);
    let folder = folder(&home);
    fs::hard_link(folder.join("hooks/before.sh"), folder.join("same")).unwrap();
    let ran = harness(&home, "true");
    assert!(ran.code == Some(125) && ran.stderr.contains("goes by another name as well"), "{}", ran.stderr);
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_guard"), bin.join("guard")).unwrap();
    home.trust("\n");
    let text = home.read("guard.toml").replace("\"~/.agent\", ", "\"~/bin\", ");
    home.write("guard.toml", &text);
    let trusted = crate::cli::terminal(&home, &["policy", "trust"], "yes\n");
    assert!(trusted.stdout.contains("trusted"), "{}", trusted.stdout);
    let ran = std::process::Command::new(bin.join("guard"))
        .args(["run", "--", "true"])
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", crate::cli::path())
        .env("HOME", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.code() == Some(125) && said.contains("guard's own files"), "{said}");
}

/// The links to compiled forms lie there, by which every Python in a fence would be led.
#[test]
fn shared_memory_is_not_given() {
    let ran = harness(&scene("[run]\nfolders = [\"/dev/shm\"]\n"), "true");
    assert!(ran.code == Some(125) && ran.stderr.contains("guard's own files"), "{}", ran.stderr);
}

#[test]
fn a_folder_that_is_a_link_is_given_where_it_lies() {
    let home = scene("[run]\nfolders = [\"~/.agent\"]\n");
    fs::create_dir_all(home.path().join("dots/agent")).unwrap();
    symlink("dots/agent", home.path().join(".agent")).unwrap();
    let ran = harness(&home, "echo new > ~/.agent/session");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(home.path().join("dots/agent/session")).unwrap(), "new\n");
}

#[test]
fn its_network_is_its_own_ports_and_its_hosts() {
    let home = scene("[run]\nhosts = [\"example.org\"]\n");
    let line = "python3 - <<'X'\nimport os, socket\nown = socket.create_server(('127.0.0.1', 0))\n\
                socket.create_connection(own.getsockname()); print('own')\n\
                for to in (('1.1.1.1', 443), ('10.0.0.1', 443)):\n    try: socket.create_connection(to, 2)\n    \
                except OSError as error: print(type(error).__name__)\n\
                host, port = os.environ['HTTPS_PROXY'].removeprefix('http://').split(':')\n\
                for name in ('example.com:443', 'example.org:80', '127.0.0.1:443'):\n    \
                way = socket.create_connection((host, int(port))); way.sendall(f'CONNECT {name} HTTP/1.1\\r\\n\\r\\n'.encode())\n    \
                print(way.recv(99).split()[1].decode())\nX";
    let ran = harness(&home, line);
    assert_eq!(ran.stdout, "own\nPermissionError\nPermissionError\n403\n403\n403\n", "{}", ran.stderr);
    assert!(home.log().contains("\"connection_refused\""), "{}", home.log());
}

#[test]
fn it_has_its_time_and_its_own_exit_code() {
    let home = scene("[run]\ntimeout = \"1s\"\n");
    assert_eq!(harness(&home, "exit 41").code, Some(41));
    assert_eq!(harness(&home, "kill -9 $$").code, Some(137));
    let late = harness(&home, "sleep 60");
    assert!(late.code == Some(124) && late.stderr.contains("timed out"), "{}", late.stderr);
    let none = home.guard(&["run", "--", "no-such-harness"]);
    assert_eq!(none.code, Some(127), "{}", none.stderr);
    let usage = home.guard(&["run", "bash"]);
    assert_eq!(usage.code, Some(125), "{}", usage.stderr);
}
