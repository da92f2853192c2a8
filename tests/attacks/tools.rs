//! SANDBOX.md, attacks, "pytest", "pylint", "mypy", "black, isort", "docker-compose", and the settings of git.

use super::{decide_so, decide_so_under, judged, python, trading};
use guard::decide::Verdict::{Allow, Ask, Deny};

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
fn tools_write_and_load_by_no_flag_that_names_a_file() {
    // Found by reading the tools' own help.
    decide_so(&[
        ("pytest --cov-config=evil.cfg", Ask, "pytest-loads"),
        ("pytest -d --tx popen//python=./x", Ask, "pytest-loads"),
        ("pytest --benchmark-json=../x", Ask, "pytest-writes"),
        ("pylint --output-format=json:../x a.py", Ask, "pylint-loads"),
        ("pylint -f evil.Reporter a.py", Ask, "pylint-loads"),
        ("pylint --extension-pkg-allow-list=evil a.py", Ask, "pylint-loads"),
        ("mypy --timing-stats ../x a.py", Ask, "mypy-loads"),
        ("python -X pycache_prefix=../x a.py", Ask, "python-caches"),
        ("tar --index-file=/etc/x -tvf a.tar", Ask, "guard:not-listed"),
        ("tar -g /etc/x -cf a.tar src", Ask, "archives-over-the-rest"),
        ("tar -xf a.tar --one-top-level=../x", Ask, "guard:not-listed"),
        ("chmod --reference=/usr/bin/su a", Ask, "guard:not-listed"),
    ]);
}

#[test]
fn everyday_flags_that_look_like_others_are_not_asked() {
    // False alarms: the word behind `sed -i` is no suffix, and `--cov`, `--co`, `--pdb` abbreviate nothing.
    for policy in [python(), trading()] {
        for line in [
            "sed -i 's/foo/bar/g' src/a.py",
            "sed -i -e 's/foo/bar/' -e '/^$/d' src/a.py",
            "sed -i.bak 's/foo/bar/g' src/a.py",
            "find services -name '*.py' -exec sed -i 's/a/b/' {} +",
            "pytest --cov=src --cov-report=term-missing",
            "pytest --co -q",
            "pytest --pdb",
        ] {
            assert_eq!((line, judged(policy, line).verdict()), (line, Allow));
        }
    }
    decide_so(&[
        ("sed -i/../../x s/a/b/ a", Ask, "guard:unproven"),
        ("sed --in-place=/etc/* s/a/b/ a", Ask, "guard:unproven"),
        ("sed -nEi/x s/a/b/ a", Ask, "guard:unproven"),
    ]);
}

#[test]
fn files_with_secrets_are_neither_changed_by_another_name_nor_committed() {
    decide_so_under(
        trading(),
        &[
            ("echo x > services/.env", Ask, "secret-files"),
            ("ln -s .env x; echo > x", Ask, "secret-files-linked"),
            ("git add -f .env", Ask, "secret-files-committed"),
        ],
    );
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
