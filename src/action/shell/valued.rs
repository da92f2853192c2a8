//! Flags that take the next word as their value, by program, and by program and subcommand.
//! Knows nothing of what a flag does. Sources: the programs' own manuals.

/// Flags that take a value, beside those that the table of effects knows to take a path, sorted by the program, or the program and its first operand. Those of a program alone
/// count anywhere; those of a subcommand once it stands. Only flags that always take one: a wrong entry would hide the
/// word behind it.
const VALUED: &[(&str, &str)] = &[
    (
        "ansible",
        "-i --inventory --inventory-file -m --module-name -a --args -e --extra-vars -u --user -l --limit -f \
         --forks -T --timeout -t --tags --skip-tags -M --module-path --vault-id --vault-password-file \
         --private-key --key-file -c --connection",
    ),
    (
        "ansible-console",
        "-i --inventory --inventory-file -m --module-name -a --args -e --extra-vars -u --user -l --limit -f \
         --forks -T --timeout -t --tags --skip-tags -M --module-path --vault-id --vault-password-file \
         --private-key --key-file -c --connection",
    ),
    (
        "ansible-playbook",
        "-i --inventory --inventory-file -m --module-name -a --args -e --extra-vars -u --user -l --limit -f \
         --forks -T --timeout -t --tags --skip-tags -M --module-path --vault-id --vault-password-file \
         --private-key --key-file -c --connection",
    ),
    (
        "ansible-pull",
        "-i --inventory --inventory-file -m --module-name -a --args -e --extra-vars -u --user -l --limit -f \
         --forks -T --timeout -t --tags --skip-tags -M --module-path --vault-id --vault-password-file \
         --private-key --key-file -c --connection",
    ),
    ("awk", "-F -v -f"),
    (
        "aws",
        "--region --profile --output --endpoint-url --query --ca-bundle --cli-read-timeout \
         --cli-connect-timeout --cli-binary-format --color",
    ),
    ("az", "--subscription --output -o --query --resource-group -g"),
    ("black", "-c --code -l --line-length -t --target-version --config --include --exclude"),
    ("caffeinate", "-t -w"),
    ("cargo", "--color --config -Z -C --manifest-path --target-dir -j --jobs -p --package"),
    ("cdk", "-a --app -c --context --profile -o --output -p --plugin --toolkit-stack-name -r --role-arn -l --language"),
    ("chmod", "--reference"),
    ("chown", "--reference --from"),
    ("cp", "-t -S --target-directory --suffix"),
    (
        "curl",
        "-A --user-agent -b --cookie -c --cookie-jar -C --continue-at -d --data --data-ascii --data-binary \
         --data-raw --data-urlencode --json -D --dump-header -e --referer -E --cert -F --form --form-string \
         -H --header -K --config -m --max-time --connect-timeout -o --output --output-dir -P --ftp-port -Q \
         --quote -r --range -t --telnet-option -T --upload-file -u --user -U --proxy-user -w --write-out -x \
         --proxy -X --request -y --speed-time -Y --speed-limit -z --time-cond --retry --retry-delay \
         --retry-max-time --resolve --cacert --capath --key --limit-rate --max-redirs --stderr --trace \
         --trace-ascii --url --url-query --variable --libcurl --etag-save --etag-compare --hsts --alt-svc \
         --interface --dns-servers --unix-socket --abstract-unix-socket --preproxy --socks5 --socks5-hostname \
         --noproxy --ciphers --proto --proto-default --max-filesize --netrc-file --aws-sigv4 --oauth2-bearer \
         --rate",
    ),
    ("cut", "-d -f -c -b --delimiter --fields --characters --bytes --output-delimiter"),
    ("date", "-d --date -f --file -r --reference -s --set"),
    ("dmesg", "-l --level -f --facility -F --file -n --console-level -s --buffer-size"),
    ("docker", "--config -c --context -H --host -l --log-level --tlscacert --tlscert --tlskey"),
    (
        "docker-compose",
        "-f --file -p --project-name --profile -c --context -H --host --tlscacert --tlscert --tlskey \
         --project-directory --env-file --log-level --ansi --parallel --workdir",
    ),
    ("duckdb", "-c -cmd -init -f -s -separator -newline -nullvalue -storage-version -maxrows"),
    (
        "fd",
        "-e -E -t -d -j -S -c -C -o --extension --exclude --type --max-depth --min-depth --exact-depth \
         --threads --size --color --base-directory --owner --changed-within --changed-before --newer --older \
         --search-path --ignore-file --path-separator --max-results --format",
    ),
    (
        "fdfind",
        "-e -E -t -d -j -S -c -C -o --extension --exclude --type --max-depth --min-depth --exact-depth \
         --threads --size --color --base-directory --owner --changed-within --changed-before --newer --older \
         --search-path --ignore-file --path-separator --max-results --format",
    ),
    ("gawk", "-F -v -f -e -i -l -E"),
    (
        "gcloud",
        "--project --account --configuration --format --verbosity --billing-project --filter \
         --impersonate-service-account --access-token-file --flags-file --trace-token --zone --region",
    ),
    ("gh", "-R --repo --hostname"),
    ("git", "-C -c --git-dir --work-tree --namespace --exec-path --super-prefix --config-env"),
    ("git archive", "-o --output --remote --exec --prefix --format --add-file"),
    ("git blame", "-L -S --contents --ignore-rev --ignore-revs-file"),
    ("git branch", "-u --set-upstream-to --sort --format --points-at"),
    ("git checkout", "-b -B --orphan --conflict --pathspec-from-file --unified --inter-hunk-context"),
    ("git cherry-pick", "-m --mainline -s --strategy -X --strategy-option"),
    ("git clean", "-e --exclude"),
    (
        "git clone",
        "-b --branch --depth -o --origin -u --upload-pack --reference --separate-git-dir --template -c \
         --config -j --jobs --filter",
    ),
    (
        "git commit",
        "-m --message -F --file -C --reuse-message -c --reedit-message --author --date -t --template --fixup \
         --squash --cleanup --trailer --pathspec-from-file",
    ),
    ("git config", "-f --file --blob -t --type --default --comment --value"),
    ("git diff", "-S -G"),
    ("git fetch", "--depth --deepen -o --server-option --upload-pack -j --jobs --refmap"),
    ("git format-patch", "-o --output-directory --start-number --in-reply-to --to --cc"),
    ("git grep", "-e -f -m --max-count --max-depth -A -B -C --threads"),
    ("git log", "-n --max-count --skip -L -S -G --author --committer --since --after --until --before --grep"),
    ("git merge", "-m -F --file -s --strategy -X --strategy-option --into-name --cleanup"),
    ("git pull", "--depth --deepen -o --server-option --upload-pack -j --jobs -s --strategy -X --strategy-option"),
    ("git push", "-o --push-option --repo --receive-pack --exec"),
    ("git rebase", "--onto -s --strategy -X --strategy-option -x --exec"),
    ("git reset", "--pathspec-from-file"),
    ("git restore", "-s --source --conflict --pathspec-from-file"),
    ("git revert", "-m --mainline -s --strategy -X --strategy-option"),
    ("git show", "-S -G"),
    ("git stash", "-m --message --pathspec-from-file"),
    ("git switch", "-c -C --create --force-create --orphan --conflict"),
    ("git tag", "-m --message -F --file -u --local-user --sort --format --points-at --cleanup --trailer"),
    ("git worktree", "-b -B --reason --expire"),
    ("go", "-C"),
    ("grep", "-e -f -m -A -B -C -d -D --regexp --file --max-count --after-context --before-context --context"),
    ("head", "-n -c"),
    (
        "helm",
        "-n --namespace --kube-context --kubeconfig --kube-apiserver --kube-as-group --kube-as-user \
         --kube-ca-file --kube-tls-server-name --kube-token --registry-config --repository-cache \
         --repository-config --burst-limit --qps",
    ),
    ("install", "-m -o -g -t -S --mode --owner --group --target-directory"),
    ("ip", "-n -netns -f -family -l -loops -b -batch -rc -rcvbuf"),
    ("isort", "--settings-path --settings-file --profile -l --line-length --src --skip"),
    (
        "journalctl",
        "-u --unit --user-unit -n --lines -o --output -p --priority -t --identifier -T -g --grep -S --since \
         -U --until -D --directory -M --machine -c --cursor --after-cursor --cursor-file --facility --file \
         --root --image --namespace --output-fields -F --field",
    ),
    (
        "kubectl",
        "-n --namespace --context --cluster --kubeconfig -s --server --user --as --as-group --as-uid \
         --certificate-authority --client-certificate --client-key --cache-dir --request-timeout \
         --tls-server-name --token --username --password -v --v",
    ),
    ("ln", "-t -S --target-directory --suffix"),
    ("lua", "-e -l"),
    ("make", "-C --directory -f --file --makefile -I --include-dir -o --old-file -W --what-if -E --eval"),
    (
        "mariadb",
        "-e --execute -h --host -u --user -P --port -D --database -S --socket --protocol --init-command \
         --defaults-file --defaults-extra-file --tee",
    ),
    ("mawk", "-F -v -f -W"),
    ("mkdir", "-m"),
    ("mktemp", "-p --suffix"),
    ("mongosh", "--eval --host --port -u --username -p --password --file -f --authenticationDatabase"),
    ("mv", "-t -S --target-directory --suffix"),
    ("mypy", "--config-file --python-version --platform --cache-dir --python-executable -p -m -c"),
    (
        "mysql",
        "-e --execute -h --host -u --user -P --port -D --database -S --socket --protocol --init-command \
         --defaults-file --defaults-extra-file --tee",
    ),
    ("nawk", "-F -v -f"),
    ("node", "-e --eval -p --print -r --require --import --loader --input-type --env-file -C --conditions"),
    ("npm", "--prefix -C --registry --loglevel --workspace -w --cache --userconfig --globalconfig"),
    ("patch", "-d --directory -p --strip -F --fuzz -B --prefix -D --ifdef -Y -z --suffix"),
    ("perl", "-e -E -I"),
    ("pg_isready", "-h --host -p --port -U --username -d --dbname -t --timeout"),
    (
        "pip",
        "--log --proxy --retries --timeout --exists-action --trusted-host --cert --client-cert --cache-dir \
         --python --use-feature --use-deprecated -r --requirement -c --constraint -t --target --root --prefix \
         --src --report -i --index-url --extra-index-url -f --find-links --platform --python-version \
         --implementation --abi -d --dest -e --editable -w --wheel-dir --config-settings --global-option \
         --progress-bar",
    ),
    ("pnpm", "-C --dir --filter -F --loglevel --reporter"),
    (
        "podman",
        "--connection -c --url --identity --log-level --root --runroot --tmpdir --storage-driver \
         --storage-opt --cgroup-manager --events-backend --hooks-dir",
    ),
    ("poetry", "-C --directory -P --project"),
    ("pre-commit", "--color"),
    (
        "ps",
        "-o -p -u -U -C -G -g -s -t -O --format --pid --ppid --user --User --group --Group --sid --tty --sort \
         --cols --columns --rows --lines -q",
    ),
    (
        "psql",
        "-c --command -f --file -d --dbname -h --host -p --port -U --username -v --set --variable -o --output \
         -L --log-file -P --pset -F --field-separator -R --record-separator -T --table-attr",
    ),
    ("pylint", "--rcfile -d --disable -e --enable -f --output-format -j --jobs --output"),
    (
        "pytest",
        "-k -m -c --config-file -p -n -o --override-ini --rootdir --basetemp --junitxml --junit-xml --maxfail \
         --tb --ignore --ignore-glob --deselect --durations --log-file --import-mode --cov-config \
         --confcutdir -W --pythonwarnings --capture --color --debug",
    ),
    ("python", "-c -m -W -X --check-hash-based-pycs"),
    (
        "redis-cli",
        "-h -p -a -n -u -s -r -i -d -D -t -X --user --pass --pattern --cert --key --cacert --eval --rdb \
         --functions-rdb",
    ),
    (
        "rg",
        "-e -f -g -t -T -A -B -C -m -j -r -M -E -d --regexp --file --glob --iglob --type --type-not \
         --after-context --before-context --context --max-count --threads --replace --max-columns --encoding \
         --max-depth --sort --sortr --pre --pre-glob --colors --color --hostname-bin",
    ),
    (
        "rsync",
        "-e --rsh --rsync-path --exclude --include --exclude-from --include-from --files-from -f --filter -T \
         --temp-dir --log-file --compare-dest --copy-dest --link-dest --backup-dir --suffix -B --block-size \
         --max-size --min-size --bwlimit --port --timeout --chmod --chown --password-file",
    ),
    ("ruby", "-e -I -r -C"),
    ("ruff", "--config"),
    ("sed", "-e --expression -f --file -l --line-length"),
    (
        "sort",
        "-k --key -t --field-separator -S --buffer-size -T --temporary-directory -o --output --batch-size \
         --parallel --compress-program --files0-from",
    ),
    (
        "sqlcmd",
        "-S --server -U --user-name -P --password -d --database-name -Q --query -q --initial-query -i \
         --input-file -o --output-file -v --variables -h --headers -s --column-separator -w --screen-width -l \
         --login-timeout -t --query-timeout -a -c -f -H -m -y -Y -V",
    ),
    ("sqlite3", "-cmd -init -separator -newline -nullvalue -vfs -maxsize -mmap -lookaside -pagecache -A"),
    ("ss", "-f --family -A --query --socket -D --diag -F --filter -N --net"),
    ("sysctl", "-r --pattern"),
    (
        "systemctl",
        "-t --type --state -p --property -P -n --lines -o --output -H --host -M --machine --root --image \
         --job-mode -s --signal --kill-whom --kill-who --what --preset-mode",
    ),
    ("tail", "-n -c --pid -s"),
    (
        "tar",
        "-f --file -C --directory -T --files-from -X --exclude-from -b --blocking-factor -g \
         --listed-incremental -K --starting-file -L --tape-length -N --newer -V --label -F --info-script \
         --new-volume-script -H --format -I --use-compress-program --to-command --exclude --transform --xform \
         --owner --group --mode --mtime --strip-components --rsh-command --rmt-command --checkpoint-action \
         --index-file --volno-file",
    ),
    ("touch", "-d -r -t --date --reference"),
    ("tree", "-L -P -I -o -H -T --charset --filelimit --timefmt --sort --gitfile --infofile --fromfile"),
    ("unzip", "-d -x -P"),
    ("uv", "--directory --project --config-file --cache-dir --color --allow-insecure-host --python-preference"),
    (
        "wget",
        "-O --output-document -o --output-file -a --append-output -i --input-file -P --directory-prefix -U \
         --user-agent -t --tries -T --timeout -w --wait -Q --quota -e --execute -B --base -l --level -A \
         --accept -R --reject -D --domains -I --include-directories -X --exclude-directories --header \
         --post-data --post-file --method --body-data --body-file --user --password --config --load-cookies \
         --save-cookies --ca-certificate --certificate --private-key --use-askpass --warc-file --referer",
    ),
    ("yarn", "--cwd"),
];

/// Flags before the subcommand that never take the next word, sorted by program. What stands behind any other flag may
/// be its value, and proves no subcommand.
const PLAIN: &[(&str, &str)] = &[
    ("ansible-galaxy", "-v -vv -vvv --verbose"),
    ("apt", "-q -qq -y --yes --quiet --assume-yes"),
    ("apt-get", "-q -qq -y --yes --quiet --assume-yes"),
    ("aws", "--debug --no-verify-ssl --no-paginate --no-sign-request --no-cli-pager --no-cli-auto-prompt"),
    ("az", "--debug --verbose --only-show-errors"),
    ("brew", "-v --verbose -d --debug -q --quiet"),
    ("cargo", "-q --quiet -v --verbose --frozen --locked --offline"),
    ("cdk", "-v --verbose --no-color --no-version-reporting --no-path-metadata --no-asset-metadata -j --json"),
    ("conda", "-q -v -y --json"),
    ("defaults", "-currentHost"),
    ("dnf", "-y -q -v -C --assumeyes --quiet --cacheonly"),
    ("docker", "-D --debug --tls --tlsverify"),
    ("docker-compose", "--verbose --no-ansi --dry-run --compatibility --all-resources"),
    (
        "duckdb",
        "-readonly -json -csv -header -noheader -line -column -list -html -table -box -markdown -quote -tabs -ascii -batch -bail -echo -safe -stats",
    ),
    ("gcloud", "-q --quiet --user-output-enabled --no-user-output-enabled --log-http --no-log-http"),
    (
        "git",
        "--no-pager -p -P --paginate --bare --no-replace-objects --literal-pathspecs --glob-pathspecs \
         --noglob-pathspecs --icase-pathspecs --no-optional-locks --no-lazy-fetch --no-advice",
    ),
    ("helm", "--debug"),
    (
        "ip",
        "-4 -6 -B -0 -M -s -stats -statistics -d -details -j -json -p -pretty -o -oneline -br -brief -c \
         -color -h -human -human-readable -r -resolve -t -timestamp -ts -tshort -a -all -i -iec -N -Numeric",
    ),
    ("kubectl", "--insecure-skip-tls-verify --match-server-version --warnings-as-errors --disable-compression"),
    ("npm", "-s --silent -d -q --quiet -g --global --json -l --long -p --parseable"),
    (
        "pip",
        "-q -v --quiet --verbose --isolated --no-input --disable-pip-version-check --no-cache-dir --no-color \
         --require-virtualenv",
    ),
    ("pnpm", "-r --recursive -w --workspace-root --silent -s -g --global"),
    ("podman", "-r --remote --trace"),
    ("poetry", "-n -q -v --no-ansi --ansi --no-interaction --quiet --verbose --no-plugins --no-cache"),
    ("python", "-b -B -d -E -i -I -O -P -q -s -S -u -v -x"),
    ("ruff", "-q --quiet -v --verbose -s --silent --isolated --no-cache"),
    (
        "sqlite3",
        "-readonly -json -csv -header -noheader -line -column -list -html -table -box -markdown -quote -tabs -ascii -batch -bail -echo -safe -stats",
    ),
    (
        "systemctl",
        "--user --system --no-pager -l --full -a --all -q --quiet --failed --no-legend --plain \
         --no-ask-password -r --recursive",
    ),
    ("uv", "-q --quiet -v --verbose --offline --no-cache -n --no-progress --no-config --native-tls"),
    ("yarn", "-s --silent --json --verbose"),
    ("yum", "-y -q -v -C --assumeyes --quiet --cacheonly"),
];

/// Programs whose options begin with one dash and are whole words (`find -delete`): letters are not bundled. Sorted.
const UNBUNDLED: &[&str] = &[
    "convert",
    "dscl",
    "duckdb",
    "ffmpeg",
    "find",
    "gcc",
    "go",
    "hdiutil",
    "ip",
    "java",
    "javac",
    "ld",
    "lipo",
    "networksetup",
    "openssl",
    "packer",
    "plutil",
    "sqlite3",
    "systemsetup",
    "terraform",
    "tofu",
    "xcodebuild",
];

/// Programs whose own flags stand before the subcommand only: behind it the letters mean other things (`git -C` and
/// `git diff -C`). Sorted.
const LEADING: &[&str] = &["docker", "docker-compose", "git", "ip", "podman"];

/// What is known of the flags of one program that take the next word as their value: looked up once for all its words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Valued {
    /// How long the program's name is, with which every key of `rows` begins.
    name: usize,
    rows: &'static [(&'static str, &'static str)],
    leading: bool,
    paths: &'static [super::effects::Row],
}

impl Valued {
    pub(super) fn of(program: &str) -> Valued {
        let rows = VALUED.get(VALUED.partition_point(|(key, _)| *key < program)..).unwrap_or_default();
        let rows = rows.get(..rows.partition_point(|(key, _)| key.starts_with(program))).unwrap_or_default();
        let leading = LEADING.binary_search(&program).is_ok();
        Valued { name: program.len(), rows, leading, paths: super::effects::rows(program) }
    }

    /// Whether the next word is the value of `flag`, where `first` is the program's first operand so far.
    pub(super) fn takes_value(&self, first: Option<&str>, flag: &str) -> bool {
        let counts = |key: &str| match (key.get(self.name..), first) {
            (Some(""), None) => true,
            (Some(""), Some(_)) => !self.leading,
            (Some(rest), Some(first)) => rest.strip_prefix(' ') == Some(first),
            (_, None) | (None, _) => false,
        };
        super::effects::take_path(self.paths, first, flag)
            || self.rows.iter().any(|(key, flags)| counts(key) && holds(flags, flag))
    }
}

/// Whether `flag`, or every letter of a bundle, is known never to take the next word.
pub(super) fn is_plain(program: &str, flag: &str) -> bool {
    let found = PLAIN.binary_search_by(|(key, _)| (*key).cmp(program)).ok();
    let Some((_, flags)) = found.and_then(|at| PLAIN.get(at)) else { return false };
    let letters = flag.strip_prefix('-').filter(|rest| !rest.starts_with('-') && !is_unbundled(program));
    let each = |letters: &str| letters.chars().all(|letter| holds(flags, &format!("-{letter}")));
    holds(flags, flag) || letters.is_some_and(|letters| !letters.is_empty() && each(letters))
}

/// Long flags that others begin with, and that abbreviate none of them: `pytest --cov` is not `--cov-config`.
const WHOLE: &[(&str, &str)] =
    &[("py.test", "--co --collect-only --cov --pdb"), ("pytest", "--co --collect-only --cov --pdb")];

/// Whether `flag` is one of the program's own, and so no abbreviation.
pub(super) fn is_whole(program: &str, flag: &str) -> bool {
    WHOLE.iter().any(|(key, flags)| *key == program && holds(flags, flag))
}

/// Whether the program's one-dash options are whole words.
pub(super) fn is_unbundled(program: &str) -> bool {
    UNBUNDLED.binary_search(&program).is_ok()
}

fn holds(flags: &str, flag: &str) -> bool {
    flags.as_bytes().split(|byte| *byte == b' ').any(|known| known == flag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_hold_flags_only() {
        assert!(VALUED.is_sorted_by(|(a, _), (b, _)| a < b) && UNBUNDLED.is_sorted() && LEADING.is_sorted());
        assert!(PLAIN.is_sorted_by(|(a, _), (b, _)| a < b));
        for (program, flags) in VALUED.iter().chain(PLAIN) {
            assert!(flags.split(' ').all(|flag| flag.starts_with('-') && flag.len() > 1), "{program}");
        }
    }

    #[test]
    fn a_subcommand_s_flags_count_once_it_stands() {
        let takes_value = |program: &str, first: Option<&str>, flag: &str| Valued::of(program).takes_value(first, flag);
        assert!(takes_value("git", None, "-C") && !takes_value("git", Some("diff"), "-C"));
        assert!(takes_value("kubectl", None, "-n") && takes_value("kubectl", Some("get"), "-n"));
        assert!(takes_value("git", Some("checkout"), "-b") && !takes_value("git", None, "-b"));
        assert!(!takes_value("git", Some("diff"), "-b") && !takes_value("nothing", Some("checkout"), "-b"));
    }
}
