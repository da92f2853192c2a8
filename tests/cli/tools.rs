//! The main job on a real Python project, with the real pytest, mypy, pylint, black and isort that `scripts/test` installs.

use super::{Home, tools};

/// A small service with its tests, clean by every tool.
fn service() -> Home {
    assert!(tools().join("pytest").exists(), "no pytest in {}: run scripts/test, which installs it", tools().display());
    let home = Home::with("python");
    home.write("services/__init__.py", "\"\"\"Services.\"\"\"\n");
    home.write(
        "services/risk.py",
        "\"\"\"Risk rules.\"\"\"\n\n\ndef share(balance: float, risk: float) -> float:\n    \"\"\"The part of a balance that may be lost.\"\"\"\n    return balance * risk\n",
    );
    home.write("tests/__init__.py", "\"\"\"Tests.\"\"\"\n");
    home.write(
        "tests/test_risk.py",
        "\"\"\"Tests of risk rules.\"\"\"\n\nfrom services.risk import share\n\n\ndef test_share() -> None:\n    \"\"\"One percent of a thousand is ten.\"\"\"\n    assert share(1000, 0.01) == 10\n",
    );
    home
}

#[test]
fn the_owners_checks_run_green_on_a_clean_project() {
    let home = service();
    // Without a root of its own black leaves out what the repository around it ignores, which is all there is.
    home.write("pyproject.toml", "[tool.black]\nline-length = 88\n");
    for (line, says) in [
        ("pytest tests/", "1 passed"),
        ("pytest --cov=services tests/", "100%"),
        ("mypy services/ --strict", "Success"),
        ("pylint services/ tests/", "10.00/10"),
        ("black --check .", ""),
        ("isort --check-only .", ""),
        ("python -m pytest -q", "1 passed"),
    ] {
        let words: Vec<_> = ["exec", "--"].into_iter().chain(line.split(' ')).collect();
        let found = home.guard(&words);
        assert_eq!(found.code, Some(0), "{line}: {}{}", found.stdout, found.stderr);
        assert!(found.stdout.contains(says), "{line}: {}", found.stdout);
    }
    let passes = home.log().matches("] [PASS]").count();
    assert!(passes >= 6, "checks are recorded as PASS: {}", home.log());
}

#[test]
fn a_failing_check_passes_its_code_and_output_through() {
    let home = service();
    home.write(
        "services/risk.py",
        "\"\"\"Risk rules.\"\"\"\n\n\ndef share(balance: float, risk: float) -> float:\n    return balance + risk\n",
    );
    let found = home.guard(&["exec", "--", "pytest", "-q", "tests/test_risk.py"]);
    assert_eq!(found.code, Some(1), "{}", found.stderr);
    assert!(found.stdout.contains("1 failed"), "{}", found.stdout);
    assert!(home.log().contains("[SHELL] [EXEC] [pytest -q tests/test_risk.py] [RETRY 1/3]"), "{}", home.log());
    home.write("services/risk.py", "def share(balance: int) -> str:\n    return balance\n");
    let found = home.guard(&["exec", "--", "mypy", "services/"]);
    assert_eq!(found.code, Some(1), "{}", found.stderr);
    assert!(found.stdout.contains("Incompatible return value"), "{}", found.stdout);
}

#[test]
fn tools_leave_no_caches_in_the_project() {
    let home = service();
    for line in ["pytest -q", "mypy services/", "pylint services/", "black --check -q .", "pytest -q --cov=services"] {
        let words: Vec<_> = ["exec", "--"].into_iter().chain(line.split(' ')).collect();
        home.guard(&words);
    }
    let mut names: Vec<_> = walk(&home.project);
    names.sort();
    assert_eq!(
        names,
        [
            "build_audit.log",
            "guard.toml",
            "services/__init__.py",
            "services/risk.py",
            "tests/__init__.py",
            "tests/test_risk.py"
        ]
    );
}

/// SANDBOX.md, "A forged unchecked-hash `.pyc` in `__pycache__` ran in place of its source".
#[test]
fn a_forged_cache_does_not_run_in_place_of_its_source() {
    let home = service();
    let forge = "import py_compile, pathlib, importlib.util\n\
                 source = pathlib.Path('services/risk.py')\n\
                 cache = source.parent / '__pycache__' / 'risk.cpython-FORGED.pyc'\n\
                 cache = pathlib.Path(importlib.util.cache_from_source(str(source)))\n\
                 local = source.parent / '__pycache__' / cache.name\n\
                 local.parent.mkdir(exist_ok=True)\n\
                 evil = pathlib.Path('evil.py'); evil.write_text('def share(a, b): return 10\\n')\n\
                 py_compile.compile('evil.py', cfile=str(local), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)\n\
                 evil.unlink()\n\
                 source.write_text('def share(a, b): return 0\\n')\n";
    home.write("forge.py", forge);
    let forged = home.guard(&["exec", "--", "python", "forge.py"]);
    assert_eq!(forged.code, Some(0), "{}", forged.stderr);
    assert!(home.project.join("services/__pycache__").is_dir());
    // Unfenced, the forged cache wins: else this test shows nothing.
    let plain = std::process::Command::new(tools().join("python"))
        .args(["-c", "from services.risk import share; print(share(1, 1))"])
        .current_dir(&home.project)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&plain.stdout), "10\n");
    let fenced = home.guard(&["exec", "--", "python", "-c", "from services.risk import share; print(share(1, 1))"]);
    assert_eq!(fenced.stdout, "0\n", "{}", fenced.stderr);
}

fn walk(root: &std::path::Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                names.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    names
}
