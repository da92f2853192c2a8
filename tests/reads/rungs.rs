//! What cannot be read at the top of the ladder cannot be read on any rung.

use crate::fence::ending::said;
use crate::fence::rungs::{MASKED, behind};
use crate::fence::tricks::{WHOLE, forbids_mounts, forbids_namespaces, without_landlock};
use std::process::Stdio;

#[test]
fn homes_and_dotenv_files_and_the_system_s_secrets_are_closed_on_every_rung() {
    let line = "for file in ../home/.ssh/id ../home/notes ../home/.tools/credentials .env sub/.env.live /etc/shadow /etc/fstab \
        /etc/ssh/ssh_host_ed25519_key /var/log/dpkg.log build_audit.log ../state/key; do cat $file; done; \
        cat ../home/.settings ../home/link .env.example | grep -c echo; ../home/.tools/bin/tool; \
        grep -c ^root: /etc/passwd; test -r /usr/bin/env && head -c 4 /usr/bin/env | wc -c; nproc >/dev/null && echo counted; \
        cat /etc/ld.so.conf >/dev/null && echo read; exit 3";
    for (trick, level, end) in [
        (WHOLE.to_owned(), "full", "Exited 3"),
        (MASKED.to_owned(), "partial", "partial 1\nExited 3"),
        (without_landlock(), "partial", "partial 1\nExited 3"),
        (forbids_namespaces(), "landlock", "landlock 2\nExited 3"),
        (forbids_mounts(), "landlock", "landlock 2\nExited 3"),
    ] {
        let mut command = behind(&trick, level, line);
        command.env("GUARD_TEST_HOMELY", "1").stdout(Stdio::piped()).stderr(Stdio::null());
        let text = said(&mut command.spawn().unwrap());
        assert_eq!(text, format!("3\ncontent of tool\n1\n4\ncounted\nread\n{end}"), "{level}: {trick}");
    }
}
