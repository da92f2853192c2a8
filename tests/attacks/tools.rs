//! SANDBOX.md, attacks, "pytest", "pylint", "mypy", "black, isort", "docker-compose", and the settings of git.

use super::{decide_so, decide_so_under, trading};
use guard::decide::Verdict::{Ask, Deny};

#[test]
fn pytest_loads_and_writes_only_what_the_project_says() {
    decide_so(&[
        ("pytest -p evil", Ask, "pytest-loads"),
        ("pytest -pevil", Ask, "pytest-loads"),
        ("pytest -c evil.ini", Ask, "pytest-loads"),
        ("pytest -o cache_dir=/x", Ask, "pytest-loads"),
        ("pytest --basetemp=src", Ask, "pytest-writes"),
        ("pytest --junitxml=/x", Ask, "pytest-writes"),
        ("pytest --debug=x", Ask, "pytest-writes"),
        ("pytest --log-file=x", Ask, "pytest-writes"),
        ("PYTEST_ADDOPTS='-p evil' pytest", Ask, "variables-change-programs"),
        ("env PYTEST_ADDOPTS='-p evil' pytest", Ask, "variables-change-programs"),
        ("pytest @arguments", Ask, "pytest-loads"),
    ]);
}

#[test]
fn pylint_and_mypy_run_no_code_and_write_nowhere_that_a_flag_names() {
    decide_so(&[
        ("pylint --init-hook='import x' a.py", Ask, "pylint-loads"),
        ("pylint --rcfile=evil a.py", Ask, "pylint-loads"),
        ("pylint --output=x a.py", Ask, "pylint-loads"),
        ("mypy --config-file evil.ini a.py", Ask, "mypy-loads"),
        ("mypy --python-executable ./x a.py", Ask, "mypy-loads"),
        ("mypy --cache-dir=/x a.py", Ask, "mypy-loads"),
        ("mypy --junit-xml=/x a.py", Ask, "mypy-loads"),
        ("mypy --linecount-report=/x a.py", Ask, "mypy-loads"),
        ("mypy --install-types", Ask, "mypy-loads"),
        ("mypy @arguments", Ask, "mypy-loads"),
    ]);
}

#[test]
fn black_and_isort_rewrite_nothing_outside() {
    decide_so(&[
        ("black /outside", Deny, "formats-outside"),
        ("isort ../outside", Deny, "formats-outside"),
        ("BLACK_CACHE_DIR=/x black --check .", Ask, "variables-change-programs"),
    ]);
}

#[test]
fn docker_compose_does_five_things_to_one_project() {
    decide_so_under(
        trading(),
        &[
            ("docker-compose -f other.yml up -d", Ask, "compose-elsewhere"),
            ("docker-compose -f - up -d", Ask, "compose-elsewhere"),
            ("docker-compose -H tcp://h:2375 up -d", Ask, "compose-elsewhere"),
            ("docker -H tcp://h:2375 compose up -d", Ask, "compose-elsewhere"),
            ("docker-compose --project-directory /x up -d", Ask, "compose-elsewhere"),
            ("docker-compose run -v /:/host x sh", Ask, "compose-other"),
            ("docker-compose exec -u root x sh", Ask, "compose-other"),
            ("COMPOSE_FILE=x docker-compose up -d", Ask, "variables-change-programs"),
            ("docker-compose up -d --build", Ask, "compose-builds"),
            ("docker-compose down -v", Deny, "compose-removes-volumes"),
            ("docker-compose down --volumes", Deny, "compose-removes-volumes"),
            ("docker-compose down -fv", Deny, "compose-removes-volumes"),
            ("docker compose -p x down --volumes", Deny, "compose-removes-volumes"),
            ("docker-compose rm -f", Deny, "compose-removes-containers"),
            ("docker-compose up -d -V", Deny, "compose-renews-volumes"),
        ],
    );
}

#[test]
fn what_would_run_later_outside_the_fence_is_not_set_by_a_line() {
    // Delayed: `.git/config` fsmonitor, hooks through a renamed parent. What code writes is the fence's to hold back.
    decide_so(&[
        ("git -c core.fsmonitor=./evil status", Ask, "git-settings-on-line"),
        ("mv .git .git2", Deny, "removes-project"),
        ("mkdir -p .git/hooks && cp evil .git/hooks/pre-commit", Deny, "git-files"),
        ("tee .git/hooks/pre-commit < evil", Deny, "git-files"),
        ("ln -s ../../evil .git/hooks/pre-commit", Deny, "git-files"),
        ("sed -i s/a/b/ .git/config", Deny, "git-files"),
        ("cd .git && tee hooks/x", Deny, "git-files"),
        ("cd .git; tee hooks/x", Deny, "git-files"),
    ]);
}
