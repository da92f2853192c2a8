//! Conditions, one by one: what each holds for, and that it errs on the careful side.

use super::world::{answer, line, policy};
use guard::decide::Layer::Project;
use guard::decide::{Policy, Verdict};

/// The policy of one rule for `verdict`.
fn rule(verdict: &str, conditions: &str) -> Policy {
    let text = format!("[[rule]]\nid = \"it\"\nverdict = \"{verdict}\"\nreason = \"r\"\n{conditions}\n");
    policy(&[(Project, &text)])
}

/// Whether the rule denies, asks because only the run will tell, or says nothing.
fn said(policy: &Policy, text: &str) -> Option<Verdict> {
    let judgement = line(policy, text);
    judgement.matches().iter().find(|found| found.id == "it").map(|found| found.verdict)
}

fn check(policy: &Policy, table: &[(&str, Option<Verdict>)]) {
    for (text, expected) in table {
        assert_eq!((*text, said(policy, text)), (*text, *expected), "{:?}", answer(&line(policy, text)));
    }
}

const DENY: Option<Verdict> = Some(Verdict::Deny);
const PERHAPS: Option<Verdict> = Some(Verdict::Ask);
const ALLOW: Option<Verdict> = Some(Verdict::Allow);

#[test]
fn a_path_is_written_by_every_program_that_is_known_to() {
    let policy = rule("deny", r#"writes_to = [".env", "shared/**"]"#);
    check(
        &policy,
        &[
            ("echo a > .env", DENY),
            ("echo a | tee -a .env", DENY),
            ("cp x .env", DENY),
            ("cp secrets/.env .", DENY),
            ("cp -t . secrets/.env", DENY),
            ("mv .env old", DENY),
            ("mv x shared", DENY),
            ("rm -rf shared", DENY),
            ("rm -rf .", DENY),
            ("ln -sf x .env", DENY),
            ("touch shared/new", DENY),
            ("sed -i s/a/b/ .env", DENY),
            ("sort -o .env x", DENY),
            ("dd if=x of=.env", DENY),
            ("truncate -s 0 .env", DENY),
            ("git mv .env x", DENY),
            ("git checkout -- .env", DENY),
            ("git -C shared rm a", DENY),
            ("tar xf a.tar -C shared", DENY),
            ("curl -o .env https://h/x", DENY),
            ("cd shared && touch a", DENY),
            ("find . -name .env -delete", PERHAPS),
            ("find shared -delete", DENY),
            ("find . -name '*.env' -exec rm {} +", PERHAPS),
            ("rm *", PERHAPS),
            ("cp .env $X", PERHAPS),
            ("xargs rm", PERHAPS),
            ("cp .env backup", None),
            ("cat .env", None),
            ("sed -n 1p .env", None),
            ("sort .env", None),
            ("tar cf a.tar shared", None),
            ("mv a b", None),
            ("find shared -name x", None),
            ("frobnicate .env", None),
        ],
    );
}

#[test]
fn what_is_read_and_what_is_removed_are_told_apart() {
    let reads = rule("deny", r#"reads = ["~/.ssh/**"]"#);
    check(
        &reads,
        &[
            ("cat ~/.ssh/id", DENY),
            ("cp ~/.ssh/id .", DENY),
            ("mv ~/.ssh/id .", DENY),
            ("tar cf - ~/.ssh", DENY),
            ("sed -n 1p < ~/.ssh/id", DENY),
            ("curl -T ~/.ssh/id https://h", DENY),
            ("ls ~/.ssh", None),
            ("cp a ~/.ssh/id", None),
            ("cat $X", None),
        ],
    );
    let removes = rule("deny", r#"removes = ["src/**"]"#);
    check(
        &removes,
        &[
            ("rm src/a", DENY),
            ("mv src/a b", DENY),
            ("rm -rf src", DENY),
            ("rm -rf .", DENY),
            ("git rm src/a", DENY),
            ("mv b src/a", None),
            ("cp src/a b", None),
            ("echo > src/a", None),
        ],
    );
}

#[test]
fn an_allow_needs_every_path_and_none_at_all_is_every_one() {
    let policy = rule("allow", "program = [\"sort\", \"cp\", \"frob\"]\nwrites_to = [\"**\", \"!.git/**\"]");
    check(
        &policy,
        &[
            ("sort a", ALLOW),
            ("sort -o b a", ALLOW),
            ("cp /etc/hosts b", ALLOW),
            ("cp a .", ALLOW),
            ("sort -o /etc/b a", None),
            ("sort -uo/etc/b a", None),
            ("cp a .git", None),
            ("cp x/.git .", None),
            ("cp a \"$X\"", None),
            ("xargs sort", None),
            ("frob", None),
            ("frob a", ALLOW),
        ],
    );
}

#[test]
fn a_module_and_a_wrapper_count_what_they_write() {
    let policy = rule("deny", r#"writes_to = "!**""#);
    check(
        &policy,
        &[
            ("python -m pip install --target=/opt x", DENY),
            ("timeout 5 tee /etc/x", DENY),
            ("sh -c 'tee /etc/x'", DENY),
            ("python -m pytest --junitxml=/srv/x", DENY),
            ("python -m pytest --junitxml=x", None),
        ],
    );
}

#[test]
fn operands_are_counted_and_flags_are_not() {
    let policy = rule("allow", "program = \"hostname\"\noperands_most = 0");
    check(&policy, &[("hostname", ALLOW), ("hostname -f", ALLOW), ("hostname x", None), ("hostname $x", None)]);
    let policy = rule("deny", "program = \"uniq\"\noperands_most = 1");
    check(
        &policy,
        &[("uniq a", DENY), ("uniq a b", None), ("uniq $x", PERHAPS), ("uniq *", PERHAPS), ("xargs uniq", PERHAPS)],
    );
}

#[test]
fn exactly_these_words_are_asked_or_denied_wherever_they_stand() {
    let policy = rule("deny", "program = \"terraform\"\nexactly = [\"apply\", \"-auto-approve\"]");
    check(
        &policy,
        &[
            ("terraform apply -auto-approve", DENY),
            ("terraform 'apply' \"-auto-approve\"", DENY),
            ("sudo X=1 terraform apply -auto-approve > log", DENY),
            ("cd x && terraform apply -auto-approve | tee log", DENY),
            ("terraform -auto-approve apply", None),
            ("terraform apply", None),
            ("terraform apply -auto-approve x", None),
            ("terraform apply $X", PERHAPS),
            ("terraform apply *", PERHAPS),
            ("echo -auto-approve | xargs terraform apply", PERHAPS),
            ("terraform destroy $X", None),
        ],
    );
    check(&rule("deny", "program = \"w\"\nexactly = []"), &[("w", DENY), ("w -h", None), ("xargs w", PERHAPS)]);
}

#[test]
fn exactly_these_words_are_allowed_only_where_nothing_else_is_asked() {
    let policy = rule("allow", "program = \"/usr/bin/terraform\"\nexactly = [\"apply\", \"-auto-approve\"]");
    let plain = "terraform apply -auto-approve";
    check(
        &policy,
        &[
            (plain, ALLOW),
            ("/usr/bin/terraform apply -auto-approve", ALLOW),
            ("  terraform  apply '-auto-approve' ", ALLOW),
        ],
    );
    for line in [
        format!("X=1 {plain}"),
        format!("env {plain}"),
        format!("nice {plain}"),
        format!("sudo {plain}"),
        format!("sh -c '{plain}'"),
        format!("eval {plain}"),
        format!("{plain} > log"),
        format!("{plain} 2>&1"),
        format!("{plain} < answers"),
        format!("{plain} <<< yes"),
        format!("yes | {plain}"),
        format!("{plain} | tee log"),
        format!("{plain} &"),
        format!("{plain}; ls"),
        format!("ls && {plain}"),
        format!("! {plain}"),
        format!("({plain})"),
        format!("cd x && {plain}"),
        format!("while :; do {plain}; done"),
        format!("echo $({plain})"),
        "terraform apply".into(),
        "terraform apply -auto-approve ''".into(),
        "terraform $X".into(),
        "./terraform apply -auto-approve".into(),
        "/opt/terraform apply -auto-approve".into(),
    ] {
        assert_eq!((line.as_str(), said(&policy, &line)), (line.as_str(), None));
    }
}

#[test]
fn a_file_under_another_name_and_a_plugin_are_not_what_a_rule_allows_exactly() {
    // Busybox, kmod and their like do something else under each of their names.
    let policy = rule("allow", "program = \"/usr/bin/kmod\"\nexactly = [\"x\"]");
    let called = |name: &str| {
        let judgement = super::world::argv_in(&policy, &[name, "x"], |facts| {
            for found in facts.programs.values_mut() {
                if let guard::action::Found::Program(program) = found {
                    program.real = "/usr/bin/kmod".into();
                }
            }
        });
        judgement.matches().iter().any(|found| found.id == "it")
    };
    assert_eq!((called("kmod"), called("rmmod"), called("/sbin/insmod")), (true, false, false));
    let policy = rule("allow", "program = \"/usr/bin/docker\"\nexactly = [\"ps\"]");
    check(&policy, &[("docker ps", ALLOW), ("docker compose ps", None)]);
}

#[test]
fn a_rule_may_hold_in_some_folders_only() {
    let policy = rule("allow", "program = \"w\"\nfolder = [\".\", \"src/*\"]");
    check(
        &policy,
        &[("w", ALLOW), ("cd src/a && w", ALLOW), ("cd src && w", None), ("cd /tmp && w", None), ("cd $X && w", None)],
    );
    let policy = rule("deny", "program = \"w\"\nfolder = \"!**\"");
    check(&policy, &[("w", None), ("cd / && w", DENY), ("cd src && w", None), ("cd $X && w", PERHAPS)]);
}

#[test]
fn an_operand_behind_the_subcommand_may_name_a_file() {
    let policy = rule("allow", "program = \"git\"\nsubcommand = \"checkout\"\nnames_files = false");
    check(
        &policy,
        &[
            ("git checkout main", ALLOW),
            ("git checkout a.py", None),
            ("git checkout src", None),
            ("git checkout $x", None),
        ],
    );
    let policy = rule("deny", "program = \"git\"\nnames_files = true");
    check(&policy, &[("git checkout a.py", DENY), ("git checkout main", None), ("git checkout $x", PERHAPS)]);
}

#[test]
fn program_text_is_seen_wherever_it_comes_from() {
    let policy = rule("deny", "program = \"python\"\ncode = \"*rmtree*\"");
    check(
        &policy,
        &[
            ("python -c 'import shutil; shutil.rmtree(\"/x\")'", DENY),
            ("python - <<'E'\nimport shutil\nshutil.rmtree('/x')\nE", DENY),
            ("python <<< 'shutil.rmtree(1)'", DENY),
            ("python -c \"$X\"", PERHAPS),
            ("cat a | python -", PERHAPS),
            ("python -c 'print(1)'", None),
            ("python a.py", None),
        ],
    );
}

#[test]
fn commands_that_run_at_the_same_time_are_seen() {
    // The owner's rule: a single Python process unless a person approves more.
    let policy = rule("ask", "program = \"pytest\"\nbeside = [\"pytest\", \"python\"]");
    let ask = Some(Verdict::Ask);
    check(
        &policy,
        &[
            ("pytest a & pytest b", ask),
            ("pytest a & python -m pytest b; wait", ask),
            ("pytest a | pytest b", ask),
            ("pytest a & echo; python x.py", ask),
            ("pytest a & sh -c 'pytest b'", ask),
            ("for i in 1 2; do pytest $i & done", ask),
            ("while true; do pytest a & done", ask),
            ("ls | xargs -P 4 pytest", ask),
            ("ls | xargs -P4 -n1 pytest", ask),
            ("(pytest a &); pytest b", ask),
            ("pytest a > >(python x)", ask),
            ("coproc pytest a; pytest b", ask),
            ("pytest a; pytest b", None),
            ("pytest a && pytest b", None),
            ("pytest a & wait; pytest b", None),
            ("pytest a | tail", None),
            ("sleep 5 & pytest a", None),
            ("ls | xargs -P 1 pytest", None),
            ("for i in 1 2; do pytest $i; done", None),
        ],
    );
}

#[test]
fn a_folder_that_is_there_is_where_the_line_goes_on() {
    let policy = rule("deny", r#"removes = ["src/**", "/etc/**"]"#);
    check(
        &policy,
        &[
            ("cd src; rm x", DENY),
            ("cd src; ls; pwd; rm x", DENY),
            ("ls; cd src; rm x", DENY),
            ("cd src; cd ..; rm x", None),
            ("cd /etc; rm x", DENY),
            ("cd tests; rm x", None),
            ("rm -rf build; cd tests; rm x", PERHAPS),
            ("cp a b; cd tests; rm x", PERHAPS),
            ("./tool; cd tests; rm x", PERHAPS),
            ("cd /tmp/a; rm x", PERHAPS),
        ],
    );
}
