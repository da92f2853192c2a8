//! Builds: cargo and npm.

use super::{allow, both, differing, fenced, home, outline, stands, there};
use std::path::Path;

#[test]
fn cargo_makes_a_package_builds_it_and_knows_the_next_time_that_it_is_built() {
    let home = home(&allow("cargo", "\"cargo\", \"bash\", \"printf\"", ""));
    let quiet = "printf '[profile.dev]\\nincremental = false\\n[build]\\n' > hello/more; cat hello/more | head -n 2 >> hello/Cargo.toml";
    let lines = ["cargo new --vcs none hello", quiet, "cd hello && cargo build"];
    let (guarded, plain) = both(&home, &lines);
    assert_eq!(outline(&guarded), outline(&plain));
    let sources = |tree: &crate::changes::scene::Tree| {
        let own = |path: &Path| !path.starts_with("hello/target");
        tree.iter().filter(|(path, _)| own(path)).map(|(path, node)| (path.clone(), node.clone())).collect::<Vec<_>>()
    };
    assert_eq!(sources(&guarded), sources(&plain));
    assert!(guarded.keys().any(|path| path.ends_with("debug/hello")), "{:?}", outline(&guarded));
    // What stands there now was built plainly; then once more, fenced, it is built by nobody, and run.
    let again = fenced(&home, "cd hello && cargo build");
    assert!(!again.stderr.contains("Compiling") && again.stderr.contains("Finished"), "{}", again.stderr);
    fenced(&home, "echo 'fn main() { println!(\"second\") }' > hello/src/main.rs");
    let run = fenced(&home, "cd hello && cargo run");
    assert!(run.stderr.contains("Compiling"), "{}", run.stderr);
    assert_eq!(run.stdout, "second\n");
    let run = fenced(&home, "cd hello && cargo run");
    assert!(!run.stderr.contains("Compiling"), "what a fenced run built is not built again: {}", run.stderr);
    // A repository of its own is for a person.
    let refused = crate::cli::done(home.command(&["exec", "-c", "cargo new other"]).env("PATH", super::paths()));
    assert_eq!(refused.code, Some(126), "{}", refused.stderr);
    assert!(refused.stderr.contains("guard:changes-git"), "{}", refused.stderr);
    assert!(!home.project.join("other").exists());
}

/// A package with a program of its own.
const PACKAGE: &str = "mkdir -p src/bin; echo '{\"name\":\"tiny\",\"version\":\"1.0.0\",\"main\":\"main.js\",\"bin\":{\"tiny\":\"bin/tiny.js\"}}' > src/package.json; \
    echo 'module.exports = 42' > src/main.js; printf '#!/usr/bin/env node\\nconsole.log(require(\"../main\"))\\n' > src/bin/tiny.js; chmod 755 src/bin/tiny.js; \
    mkdir web; (cd src && npm pack --silent --pack-destination ../web >/dev/null); echo '{\"name\":\"web\",\"version\":\"1.0.0\"}' > web/package.json";

#[test]
fn npm_installs_what_the_next_command_runs_and_removes_it_again() {
    if !there("npm") {
        return;
    }
    let home = home(&allow("npm", "\"npm\", \"node\"", ""));
    super::plain(&home, PACKAGE);
    let (guarded, plain) = both(&home, &["cd web && npm install --offline ./tiny-1.0.0.tgz"]);
    assert_eq!(differing(&guarded, &plain), [] as [&Path; 0]);
    assert_eq!(guarded[Path::new("web/node_modules/.bin/tiny")].0, "link");
    // Installed anew by what the first run wrote down.
    let (guarded, plain) = both(&home, &["cd web && npm ci --offline"]);
    assert_eq!(differing(&guarded, &plain), [] as [&Path; 0]);
    assert_eq!(fenced(&home, "cd web && node -p 'require(\"tiny\")'").stdout, "42\n");
    fenced(&home, "cd web && npm uninstall --offline tiny");
    assert!(stands(&home).keys().all(|path| !path.starts_with("web/node_modules/tiny")));
}
