//! Signatures by keys and files that OpenSSH's own `ssh-keygen` made, and every bad one there is.

use super::{Desk, STATEMENT, armoured, now, signers, unarmoured};
use guard::approve::Strength;
use guard::approve::ssh::{NAMESPACE, SignatureError, Signers, line};
use proptest::prelude::*;
use std::sync::LazyLock;

/// Kinds of key that can approve, as `ssh-keygen -t` takes them.
const KINDS: [(&str, &[&str]); 3] = [
    ("ssh-ed25519", &["ed25519"]),
    ("ecdsa-sha2-nistp256", &["ecdsa", "-b", "256"]),
    ("ecdsa-sha2-nistp384", &["ecdsa", "-b", "384"]),
];

/// Anna's key, her line of the approvers' list, and her signature over the statement.
struct Anna {
    desk: Desk,
    public: String,
    line: String,
    signature: String,
}

impl Anna {
    fn with(kind: &[&str]) -> Self {
        let desk = Desk::new();
        let public = desk.key("anna", kind);
        let line = line("anna", &public).unwrap();
        let signature = desk.sign("anna", NAMESPACE, STATEMENT, &[]);
        Self { desk, public, line, signature }
    }

    fn refused(&self, signature: &str) -> SignatureError {
        signers(&self.line).verify(STATEMENT, signature, now()).unwrap_err()
    }
}

static ANNA: LazyLock<Anna> = LazyLock::new(|| Anna::with(&["ed25519"]));

#[test]
fn an_approvers_signature_over_the_statement_counts() {
    for (kind, arguments) in KINDS {
        let anna = Anna::with(arguments);
        let approvers = signers(&anna.line);
        let signer = approvers.iter().next().unwrap();
        assert_eq!((signer.name(), signer.kind(), signer.comment()), ("anna", kind, "anna"));
        let signed = approvers.verify(STATEMENT, &anna.signature, now()).unwrap();
        let (_, said) = anna.desk.keygen(&["-lf", "anna.pub"], b"");
        assert_eq!(Some(signed.fingerprint()), said.split(' ').nth(1), "{said}");
        assert_eq!((signed.name(), signed.strength()), ("anna", Strength::Signature));
        // ECDSA signatures are of many shapes: leading zeroes, a high `s`.
        for number in 0..24 {
            let message = format!("statement {number}");
            let hash = if number % 2 == 0 { "-Ohashalg=sha256" } else { "-Ohashalg=sha512" };
            let signature = anna.desk.sign("anna", NAMESPACE, message.as_bytes(), &[hash]);
            let signed = approvers.verify(message.as_bytes(), &signature, now());
            assert!(signed.is_ok(), "{kind}: {signed:?}: {signature}");
        }
    }
}

#[test]
fn a_signature_counts_however_its_lines_are_broken_but_with_nothing_around_it() {
    let verify = |text: &str| signers(&ANNA.line).verify(STATEMENT, text, now());
    let text = &ANNA.signature;
    let (first, rest) = text.split_once('\n').unwrap();
    let (body, last) = rest.trim_end().rsplit_once('\n').unwrap();
    let joined = body.replace('\n', "");
    for same in [
        text.replace('\n', "\r\n"),
        text.trim_end().to_owned(),
        format!("\n  {text}\n\n"),
        format!("{first}\n{joined}\n{last}"),
        format!("{first}\n{}\n{} \n{last}\n", &joined[..64], &joined[64..]),
    ] {
        assert!(verify(&same).is_ok(), "{same}");
    }
    for other in [format!("x{text}"), format!("{text}x"), format!("{text}{text}"), body.to_owned(), String::new()] {
        assert!(matches!(verify(&other), Err(SignatureError::NoSignature { .. })), "{other}");
    }
}

#[test]
fn a_key_that_is_no_approvers_is_refused_by_its_fingerprint() {
    let ben = Anna::with(&["ed25519"]);
    let (_, said) = ben.desk.keygen(&["-lf", "anna.pub"], b"");
    let fingerprint = said.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(ANNA.refused(&ben.signature), SignatureError::UnknownKey { fingerprint });
    let nobody = Signers::default().verify(STATEMENT, &ANNA.signature, now()).unwrap_err();
    assert!(nobody.to_string().ends_with("is not among the approvers"), "{nobody}");
}

#[test]
fn a_signature_for_another_namespace_is_refused() {
    for namespace in ["git", "file", "guard-approval-v2", "guard-approval-v1 ", "Guard-approval-v1"] {
        let signature = ANNA.desk.sign("anna", namespace, STATEMENT, &[]);
        assert_eq!(ANNA.refused(&signature), SignatureError::OtherNamespace { namespace: namespace.to_owned() });
    }
    let hidden = ANNA.desk.sign("anna", "a\u{1b}[2Jb", STATEMENT, &[]);
    assert_eq!(ANNA.refused(&hidden).to_string(), "the signature is for `a\\u{1b}[2Jb`, not for `guard-approval-v1`");
}

#[test]
fn a_signature_of_another_statement_is_refused() {
    let approvers = signers(&ANNA.line);
    let other = SignatureError::OtherStatement { name: "anna".to_owned() };
    for length in 0..STATEMENT.len() {
        assert_eq!(approvers.verify(&STATEMENT[..length], &ANNA.signature, now()), Err(other.clone()), "{length}");
        let mut changed = STATEMENT.to_vec();
        changed[length] ^= 1;
        assert_eq!(approvers.verify(&changed, &ANNA.signature, now()), Err(other.clone()), "{length}");
    }
    assert_eq!(approvers.verify(&[STATEMENT, b"\n"].concat(), &ANNA.signature, now()), Err(other));
}

#[test]
fn no_byte_of_a_signature_can_be_changed() {
    for (kind, arguments) in KINDS {
        let anna = Anna::with(arguments);
        let approvers = signers(&anna.line);
        let bytes = unarmoured(&anna.signature);
        assert!(approvers.verify(STATEMENT, &armoured(&bytes), now()).is_ok(), "the armour is right");
        for at in 0..bytes.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= mask;
                let found = approvers.verify(STATEMENT, &armoured(&changed), now());
                assert!(found.is_err(), "{kind}: byte {at} ^ {mask:#x}: {found:?}");
            }
            assert!(approvers.verify(STATEMENT, &armoured(&bytes[..at]), now()).is_err(), "{kind}: cut at {at}");
        }
        let longer = [bytes.as_slice(), b"\0"].concat();
        assert!(approvers.verify(STATEMENT, &armoured(&longer), now()).is_err(), "{kind}");
    }
}

#[test]
fn no_character_of_a_signature_file_can_be_changed() {
    let approvers = signers(&ANNA.line);
    let text = ANNA.signature.as_bytes();
    for at in 0..text.len() {
        let cut = String::from_utf8_lossy(&text[..at]).into_owned();
        if !cut.trim_end().ends_with("-----END SSH SIGNATURE-----") {
            let found = approvers.verify(STATEMENT, &cut, now()).unwrap_err();
            assert!(matches!(found, SignatureError::NoSignature { .. }), "cut at {at}: {found}");
        }
        if !text[at].is_ascii_whitespace() {
            let mut changed = text.to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8_lossy(&changed).into_owned();
            assert!(approvers.verify(STATEMENT, &changed, now()).is_err(), "character {at}: {changed}");
        }
    }
}

#[test]
fn ten_megabytes_of_garbage_are_no_signature() {
    let long = SignatureError::NoSignature { cause: "too long" };
    assert_eq!(ANNA.refused(&"garbage \u{0}\u{1b}\n".repeat(1_000_000)), long);
    let mut wide = ANNA.signature.clone();
    wide.insert_str(40, &" ".repeat(10_000_000));
    assert_eq!(ANNA.refused(&wide), long);
    assert_eq!(Signers::parse(&"garbage \u{0}\u{1b}\n".repeat(1_000_000), "approvers").unwrap_err().0.len(), 20);
}

#[test]
fn kinds_that_guard_does_not_verify_are_refused_by_name() {
    for (kind, arguments) in
        [("ssh-rsa", &["rsa", "-b", "2048"] as &[&str]), ("ecdsa-sha2-nistp521", &["ecdsa", "-b", "521"])]
    {
        let desk = Desk::new();
        let public = desk.key("key", arguments);
        let told = line("anna", &public).unwrap_err();
        assert_eq!(told.to_string(), format!("keys of the kind `{kind}` cannot approve"));
        let signature = desk.sign("key", NAMESPACE, STATEMENT, &[]);
        assert_eq!(ANNA.refused(&signature), SignatureError::Unsupported { algorithm: kind.to_owned() });
    }
}

#[test]
fn hashes_and_versions_that_there_are_not_are_refused() {
    let bytes = unarmoured(&ANNA.signature);
    let at = bytes.windows(6).position(|window| window == b"sha512").unwrap();
    let mut other = bytes.clone();
    other[at..at + 6].copy_from_slice(b"sha999");
    let told = ANNA.refused(&armoured(&other));
    assert!(matches!(&told, SignatureError::Unsupported { algorithm } if algorithm.contains("sha999")), "{told:?}");
    // Signed is everything but the version; libraries have taken 0 for 1.
    for version in [0, 2] {
        let mut other = bytes.clone();
        other[9] = version;
        let cause = "another version of the format";
        assert_eq!(ANNA.refused(&armoured(&other)), SignatureError::NoSignature { cause }, "{version}");
    }
}

#[test]
fn a_certificate_cannot_approve_though_its_key_may() {
    let desk = Desk::new();
    desk.key("authority", &["ed25519"]);
    let public = desk.key("anna", &["ed25519"]);
    let (made, said) = desk.keygen(&["-q", "-s", "authority", "-I", "anna", "-n", "anna", "anna.pub"], b"");
    assert!(made, "{said}");
    let certificate = desk.read("anna-cert.pub");
    let kind = "ssh-ed25519-cert-v01@openssh.com".to_owned();
    assert_eq!(
        line("anna", &certificate).unwrap_err().to_string(),
        format!("`{kind}` is a certificate, and only plain keys can approve")
    );
    std::fs::copy(desk.path("anna"), desk.path("both")).unwrap();
    desk.write("both.pub", &certificate);
    let signature = desk.sign("both", NAMESPACE, STATEMENT, &[]);
    let approvers = signers(&line("anna", &public).unwrap());
    let found = approvers.verify(STATEMENT, &signature, now());
    assert_eq!(found, Err(SignatureError::Certificate { kind }));
}

#[test]
fn an_entry_counts_within_its_time_and_namespaces_exactly_as_for_openssh() {
    let key = ANNA.public.trim();
    let place = || "approvers:1".to_owned();
    let name = || "anna".to_owned();
    let moment = |text: &str| text.parse().unwrap();
    for (options, at, error) in [
        ("", "2026-11-21T12:00:00Z", None),
        ("namespaces=\"git,guard-approval-v1\"", "2026-11-21T12:00:00Z", None),
        ("namespaces=\"guard-*\"", "2026-11-21T12:00:00Z", None),
        ("NameSpaces=\"guard-approval-v?\"", "2026-11-21T12:00:00Z", None),
        (
            "namespaces=\"git\"",
            "2026-11-21T12:00:00Z",
            Some(SignatureError::NotForApprovals { name: name(), place: place() }),
        ),
        (
            "namespaces=\"*,!guard-*\"",
            "2026-11-21T12:00:00Z",
            Some(SignatureError::NotForApprovals { name: name(), place: place() }),
        ),
        ("valid-after=\"20261121Z\"", "2026-11-21T00:00:00Z", None),
        (
            "valid-after=\"20261121Z\"",
            "2026-11-20T23:59:59Z",
            Some(SignatureError::NotYetValid { name: name(), place: place(), after: moment("2026-11-21T00:00:00Z") }),
        ),
        ("valid-after=\"20261101Z\",valid-before=\"202611211200Z\"", "2026-11-21T12:00:00Z", None),
        (
            "valid-after=\"20261101Z\",valid-before=\"202611211200Z\"",
            "2026-11-21T12:00:01Z",
            Some(SignatureError::Expired { name: name(), place: place(), before: moment("2026-11-21T12:00:00Z") }),
        ),
        (
            "valid-before=\"20261121115959Z\"",
            "2026-11-21T12:00:00Z",
            Some(SignatureError::Expired { name: name(), place: place(), before: moment("2026-11-21T11:59:59Z") }),
        ),
    ] {
        let text = format!("anna {options} {key}\n");
        let at: chrono::DateTime<chrono::Utc> = moment(at);
        let found = signers(&text).verify(STATEMENT, &ANNA.signature, at).err();
        assert_eq!(found, error, "{options} at {at}");
        let desk = Desk::new();
        let theirs =
            desk.openssh_verifies(&text, "anna", STATEMENT, &ANNA.signature, &at.format("%Y%m%d%H%M%SZ").to_string());
        assert_eq!(theirs, error.is_none(), "OpenSSH: {options} at {at}");
    }
}

#[test]
fn a_line_that_guard_makes_is_one_that_openssh_verifies_by() {
    let desk = Desk::new();
    assert!(desk.openssh_verifies(&ANNA.line, "anna", STATEMENT, &ANNA.signature, "20261121Z"));
    assert!(!desk.openssh_verifies(&ANNA.line, "ben", STATEMENT, &ANNA.signature, "20261121Z"));
}

#[test]
fn a_key_under_two_names_is_the_first_ones() {
    let both = format!("{}{}", ANNA.line, ANNA.line.replace("anna", "ben"));
    let signed = signers(&both).verify(STATEMENT, &ANNA.signature, now()).unwrap();
    assert_eq!(signed.name(), "anna");
    let key = ANNA.public.trim();
    let revived = format!("anna valid-before=\"20200101Z\" {key}\nben {key}\n");
    let found = signers(&revived).verify(STATEMENT, &ANNA.signature, now());
    assert!(matches!(found, Err(SignatureError::Expired { .. })), "{found:?}");
}

#[test]
fn whose_a_signature_claims_to_be_is_known_before_it_is_verified() {
    let approvers = signers(&ANNA.line);
    assert_eq!(approvers.claimed(&ANNA.signature).map(|signer| signer.name()), Ok("anna"));
    let mut changed = unarmoured(&ANNA.signature);
    *changed.last_mut().unwrap() ^= 1;
    let changed = armoured(&changed);
    assert_eq!(approvers.claimed(&changed).map(|signer| signer.name()), Ok("anna"), "a claim proves nothing");
    assert!(approvers.verify(STATEMENT, &changed, now()).is_err());
    let strangers = Anna::with(&["ed25519"]).signature;
    assert!(matches!(approvers.claimed(&strangers), Err(SignatureError::UnknownKey { .. })));
}

#[test]
fn a_private_key_pasted_for_a_public_one_is_named() {
    let told = line("anna", &ANNA.desk.read("anna")).unwrap_err();
    assert_eq!(told.to_string(), "this is a private key");
    assert!(!format!("{told:?}{}", told.help()).contains("PRIVATE KEY"), "none of it is shown again");
}

proptest! {
    #[test]
    fn any_bytes_are_no_signature(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let approvers = signers(&ANNA.line);
        prop_assert!(approvers.verify(STATEMENT, &String::from_utf8_lossy(&bytes), now()).is_err());
        prop_assert!(approvers.verify(STATEMENT, &armoured(&bytes), now()).is_err());
        let headed = [b"SSHSIG\0\0\0\x01".as_slice(), &bytes].concat();
        prop_assert!(approvers.verify(STATEMENT, &armoured(&headed), now()).is_err());
    }

    #[test]
    fn a_spoiled_signature_is_none(
        splices in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..8, prop::collection::vec(any::<u8>(), 0..8)), 1..4),
    ) {
        let bytes = unarmoured(&ANNA.signature);
        let mut changed = bytes.clone();
        for (at, gone, put) in splices {
            let at = at.index(changed.len().max(1)).min(changed.len());
            let end = (at + gone).min(changed.len());
            changed.splice(at..end, put);
        }
        let found = signers(&ANNA.line).verify(STATEMENT, &armoured(&changed), now());
        prop_assert_eq!(found.is_ok(), changed == bytes);
    }

    #[test]
    fn any_text_is_read_as_a_list_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let _list_or_faults = Signers::parse(&text, "approvers").map_err(|faults| faults.to_string());
    }

    #[test]
    fn any_entry_is_read_as_one_or_refused(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "anna", "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
                "namespaces=\"", "valid-after=\"", "20261121Z", "\"", "\\", ",", "=", "é", "#", " ", "\t", "\r", "\n", "cert-authority",
                "ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com",
            ]),
            0..14,
        ),
    ) {
        let text = words.concat();
        match Signers::parse(&text, "approvers") {
            Ok(list) => prop_assert!(list.iter().all(|signer| !signer.name().is_empty() && signer.place().starts_with("approvers:"))),
            Err(faults) => prop_assert!(!faults.to_string().is_empty()),
        }
    }
}
