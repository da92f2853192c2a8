//! SANDBOX.md, attacks, "python" and "pip": code, modules and packages that nobody looked at.

use super::decide_so;
use guard::decide::Verdict::{Ask, Deny};

#[test]
fn a_module_is_judged_as_the_program_it_is() {
    // `-m pip`, `-m http.server`, `-m zipfile -e Z /outside`, `-m venv --clear DIR`.
    decide_so(&[
        ("python -m pip install git+https://h/y", Ask, "pip-fetches-elsewhere"),
        ("python -m pip._internal install --target=/x y", Ask, "pip-writes-elsewhere"),
        ("python -m pip.__main__ install --index-url https://h/ y", Ask, "pip-fetches-elsewhere"),
        ("python -Im pip uninstall -y x", Ask, "pip-changes"),
        ("python -m http.server", Ask, "python-modules"),
        ("python -m zipfile -e a.zip /outside", Ask, "python-modules"),
        ("python -m venv --clear /outside", Ask, "python-modules"),
        ("python3.11 -mvenv --clear src", Ask, "python-modules"),
        ("python -m pytest -p evil", Ask, "pytest-loads"),
        ("python -m _pytest -p evil", Ask, "pytest-loads"),
        ("python -m black /outside", Deny, "formats-outside"),
    ]);
}

#[test]
fn code_that_hands_a_command_to_a_shell_is_seen_through() {
    // `-c`, `-`.
    decide_so(&[
        ("python -c 'import os; os.system(\"rm -rf /\")'", Deny, "removes-outside"),
        ("python - <<E\nimport subprocess\nsubprocess.run(['sudo', 'id'])\nE", Deny, "more-rights"),
        ("echo 'rm -rf /' | sh", Deny, "removes-outside"),
    ]);
}

#[test]
fn pip_takes_packages_by_name_and_from_pypi_only() {
    decide_so(&[
        ("pip install .", Ask, "pip-builds"),
        ("pip install -e .", Ask, "pip-builds"),
        ("pip install --python ./prog x", Ask, "pip-writes-elsewhere"),
        ("pip install --log out.log x", Ask, "pip-writes-elsewhere"),
        ("pip install --report r.json x", Ask, "pip-writes-elsewhere"),
        ("pip config --editor ./x edit", Ask, "pip-changes"),
        ("pip config set global.index-url https://h/", Ask, "pip-fetches-elsewhere"),
        ("pip install --target /x y", Ask, "pip-writes-elsewhere"),
        ("pip install --root=/x y", Ask, "pip-writes-elsewhere"),
        ("pip install --prefix /x y", Ask, "pip-writes-elsewhere"),
        ("pip install --index-url https://h/ y", Ask, "pip-fetches-elsewhere"),
        ("pip install -i https://h/ y", Ask, "pip-fetches-elsewhere"),
        ("pip install --extra-index-url https://h/ y", Ask, "pip-fetches-elsewhere"),
        ("pip install git+https://h/y", Ask, "pip-fetches-elsewhere"),
        ("pip install -r https://h/r.txt", Ask, "pip-fetches-elsewhere"),
        ("pip download -d /x y", Ask, "pip-writes-elsewhere"),
        ("pip uninstall -y x", Ask, "pip-changes"),
    ]);
}
