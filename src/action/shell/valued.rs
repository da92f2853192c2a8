//! The table of flags that take the next word as their value, by program; those whose value is a path stand in the
//! table of effects. By the manuals of the versions named there; an unknown flag is taken to have no value.

/// Programs and their flags, sorted.
const TABLE: &[(&str, &str)] = &[
    ("awk", "-F -v --assign --field-separator -e --source"),
    ("base64", "-w --wrap"),
    ("basename", "-s --suffix"),
    ("black", "-c --code -l --line-length -t --target-version --include --exclude --extend-exclude -W --workers"),
    ("cargo", "--color --config -Z -C --manifest-path --target-dir -j --jobs -p --package"),
    ("chown", "--from"),
    ("cp", "-S --suffix"),
    (
        "curl",
        "-X --request -H --header -d --data --data-raw --data-binary --data-urlencode -u --user -A --user-agent -e \
         --referer -m --max-time --connect-timeout --retry --retry-delay -b --cookie -F --form -w --write-out -x --proxy \
         -r --range --resolve --limit-rate -y -Y -z --url --interface --json",
    ),
    ("cut", "-b -c -d -f --bytes --characters --delimiter --fields --output-delimiter"),
    ("date", "-d --date -s --set"),
    ("diff", "-U -C -I -x -W -L --label --exclude --unified --context --width"),
    ("docker", "--config -c --context -H --host -l --log-level --tlscacert --tlscert --tlskey"),
    (
        "docker-compose",
        "-f --file -p --project-name --profile -c --context -H --host --tlscacert --tlscert --tlskey \
         --project-directory --workdir --env-file --log-level --ansi --parallel --progress",
    ),
    ("du", "-d --max-depth -B --block-size -t --threshold --exclude"),
    ("egrep", GREP),
    ("fgrep", GREP),
    ("gawk", "-F -v --assign --field-separator -e --source"),
    ("git", "-c --git-dir --work-tree --namespace --exec-path --super-prefix --config-env"),
    ("grep", GREP),
    ("head", "-n -c --lines --bytes"),
    ("install", "-g --group -m --mode -o --owner -S --suffix"),
    ("isort", "--settings-path --settings-file --profile -l --line-length --src --skip -j --jobs"),
    ("jq", "--indent --tab -L"),
    ("kubectl", "-n --namespace --context --cluster --kubeconfig -s --server --user"),
    ("ln", "-S --suffix"),
    ("ls", "-I -T -w --ignore --hide --block-size --width"),
    ("mawk", "-F -v"),
    ("mkdir", "-m --mode"),
    ("mkfifo", "-m --mode"),
    ("mktemp", "--suffix"),
    ("mv", "-S --suffix"),
    ("mypy", "--python-version --platform --python-executable -p --package -m --module -c --command --exclude"),
    ("nawk", "-F -v"),
    ("patch", "-p --strip -F --fuzz -B --prefix -D -V -Y -z --suffix"),
    (
        "pip",
        "--proxy --retries --timeout --exists-action --trusted-host --python --use-feature --use-deprecated -i \
         --index-url --extra-index-url -f --find-links --platform --python-version --implementation --abi -e --editable \
         -C --config-settings --global-option --progress-bar --no-binary --only-binary --upgrade-strategy --format",
    ),
    ("psql", "-c --command -d --dbname -h --host -p --port -U --username -v --set -F -P -R -T"),
    ("py.test", PYTEST),
    ("pylint", "-d --disable -e --enable -f --output-format -j --jobs --msg-template --fail-under"),
    ("pytest", PYTEST),
    ("python", "-c -m -W -X --check-hash-based-pycs"),
    (
        "rg",
        "-A -B -C -e -E -g -j -m -M -r -t -T --glob --type --type-not --max-count --max-depth --context --regexp --sort",
    ),
    ("rsync", "-e --rsh --exclude --include --exclude-from --filter -f --bwlimit --chmod -B -T --timeout"),
    ("scp", "-P -o -c -l -S -J"),
    ("sed", "-e --expression -l --line-length"),
    ("shuf", "-n --head-count -i --input-range"),
    ("sort", "-k --key -t --field-separator -S --buffer-size --parallel --batch-size"),
    ("split", "-a -b -C -l -n --bytes --lines --number --suffix-length --additional-suffix --filter"),
    ("sqlite3", "-cmd -separator -newline -nullvalue -mmap"),
    ("ssh-keygen", "-t -b -C -N -P -m -O -V -I -n -s"),
    ("stat", "-c --format --printf"),
    ("tail", "-n -c -s --lines --bytes --pid --sleep-interval"),
    (
        "tar",
        "-b --exclude --transform --xform --strip-components -I --use-compress-program --owner --group --mode --mtime",
    ),
    ("touch", "-d --date -t"),
    ("tree", "-L -I -P -H -T --filelimit --timefmt --sort"),
    ("truncate", "-s --size"),
    ("uniq", "-f -s -w --skip-fields --skip-chars --check-chars"),
    ("unzip", "-P"),
    (
        "wget",
        "-t --tries -T --timeout -U --user-agent --header --post-data --user --password -e --execute -Q -w -A -R -D",
    ),
    ("xxd", "-c -g -l -o -s"),
    ("zip", "-t -tt -n -P"),
];

const GREP: &str = "-A -B -C -e -m -d -D --after-context --before-context --context --regexp --max-count --label \
                    --include --exclude --exclude-dir --exclude-from --color --binary-files";
const PYTEST: &str = "-k -m -p -n --numprocesses -o --override-ini --maxfail --tb --ignore --ignore-glob --deselect \
                      --durations --import-mode -W --pythonwarnings --capture --color --debug --cov --cov-report --timeout";

/// Tells of a flag of the program `name` whether the next word is its value.
pub(super) fn takes_value(name: &str) -> impl Fn(&str) -> bool + use<> {
    let at = TABLE.binary_search_by(|(program, _)| (*program).cmp(name)).ok();
    let flags = at.and_then(|at| TABLE.get(at)).map_or("", |(_, flags)| flags);
    move |flag| flags.split_ascii_whitespace().any(|known| known == flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_nothing_that_the_table_of_effects_says() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        for (program, flags) in TABLE {
            let path = super::super::effects::takes_path(program);
            let twice: Vec<&str> = flags.split_ascii_whitespace().filter(|flag| path(flag)).collect();
            assert_eq!((*program, twice), (*program, vec![]), "a flag belongs to one table");
            assert!(flags.split_ascii_whitespace().all(|flag| flag.starts_with('-')), "{program}");
        }
    }
}
