//! What is masked and what is not, and that nothing known gets through in any form, whole or in parts.

use super::*;
use proptest::prelude::*;

const SECRET: &str = "c4n4ry/Zq+8'w\"x$y\\z:&9";

fn redactor(values: &[&[u8]]) -> Redactor {
    let known = values.iter().map(|v| Known { kind: "CANARY".into(), value: v.to_vec() });
    Redactor::new(TagKey::new([7; 32]), known)
}

fn masked(text: &str) -> String {
    let clean = redactor(&[]).redact(text).unwrap_or_else(|| text.to_owned());
    // The tag is of no interest here.
    let mut out = String::new();
    for (i, part) in clean.split("‹redacted:").enumerate() {
        match part.split_once('›') {
            Some((mask, rest)) if i > 0 => {
                out.push_str(&format!("‹{}›", mask.split(':').next().unwrap()));
                out.push_str(rest);
            }
            _ => out.push_str(part),
        }
    }
    out
}

#[test]
fn secrets_in_telling_places_are_masked_and_the_rest_stays() {
    for (text, clean) in [
        ("postgres://app:s3cr3t@db.example:5432/x", "postgres://app:‹url-password›@db.example:5432/x"),
        ("redis://:pw@localhost", "redis://:‹url-password›@localhost"),
        ("mysql://u:p/w?x#y@h/d", "mysql://u:‹url-password›@h/d"),
        (
            "git clone https://ghp_0123456789abcdefghij@github.com/a/b",
            "git clone https://‹url-password›@github.com/a/b",
        ),
        ("DB_PASSWORD=hunter2 run", "DB_PASSWORD=‹secret›"),
        ("env API_KEY=abc123 python x.py", "env API_KEY=‹secret› python x.py"),
        ("export AWS_SECRET_ACCESS_KEY='a b' # mine", "export AWS_SECRET_ACCESS_KEY='‹secret›' # mine"),
        ("{\"password\": \"p\\\"w\", \"user\": \"u\"}", "{\"password\": \"‹secret›\", \"user\": \"u\"}"),
        ("{\\\"token\\\":\\\"abc\\\",\\\"a\\\":1}", "{\\\"token\\\":\\\"‹secret›\\\",\\\"a\\\":1}"),
        ("password: hunter 2\nuser: u", "password: ‹secret›\nuser: u"),
        ("clientSecret => 'x1y2'", "clientSecret => '‹secret›'"),
        ("https://h/x?access_token=abc&n=1", "https://h/x?access_token=‹secret›&n=1"),
        ("Server=h;Password=a,b;Database=d", "Server=h;Password=‹secret›,b;Database=d"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ‹authorization›"),
        ("curl -H 'Authorization: Basic dTpw' h", "curl -H 'Authorization: Basic ‹authorization›' h"),
        ("X-Api-Key: abc", "X-Api-Key: ‹secret›"),
        ("psql --password hunter2 -h x", "psql --password ‹argument› -h x"),
        ("tool --token='a b' --v", "tool --token='‹secret›' --v"),
        ("[\"tool\", \"--password\", \"x1\"]", "[\"tool\", \"--password\", \"‹argument›\"]"),
        ("mysqldump -uroot -phunter2 db", "mysqldump -uroot -p‹argument› db"),
        ("docker login -u me -p hunter2 h", "docker login -u me -p ‹argument› h"),
        ("sshpass -p hunter2 ssh h", "sshpass -p ‹argument› ssh h"),
        ("curl -u me:hunter2 https://h", "curl -u me:‹argument› https://h"),
        ("machine h login me password hunter2", "machine h login me password ‹netrc›"),
        ("db.example:5432:app:me:hunter2", "db.example:5432:app:me:‹pgpass›"),
        (
            "root:$6$abcdefgh$0123456789012345678901234567890123456789012345678901234567890123456789:19000:",
            "root:‹password-hash›:19000:",
        ),
        ("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb", "a\n‹private-key›\nb"),
        ("-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n", "‹private-key›\\n"),
        ("x -----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", "x ‹private-key›"),
    ] {
        assert_eq!(masked(text), clean);
    }
}

#[test]
fn what_only_looks_like_a_secret_is_left_alone() {
    for text in [
        "pytest tests/test_risk.py --maxfail=1 -p no:cacheprovider",
        "src/app.py:1042:5:error:name-defined",
        "password = os.environ[\"DB_PASSWORD\"]",
        "DB_PASSWORD=${DB_PASSWORD} python x",
        "PASS: tests/test_login.py",
        "--password-file /run/secret",
        "ssh://git@github.com/a/b.git",
        "max_tokens_count: 5",
        "def login(password: str) -> None:",
        "http://localhost:8080/a@b",
        "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----",
        "docker run -p 8080:80 x",
        "3 passed, 1 failed in 1.70s",
    ] {
        assert_eq!(redactor(&[]).redact(text), None, "{text}");
    }
}

#[test]
fn a_known_secret_is_masked_in_every_form_it_may_be_printed_in() {
    let redactor = redactor(&[SECRET.as_bytes()]);
    let python = r#"
import base64, binascii, json, shlex, sys, urllib.parse
s = sys.argv[1]; b = s.encode()
out = [s, json.dumps(s), json.dumps(json.dumps(s)), shlex.quote(s), urllib.parse.quote(s), urllib.parse.quote(s, safe=''),
       urllib.parse.quote_plus(s), binascii.hexlify(b).decode(), binascii.hexlify(b).decode().upper(), repr(s)]
def each(form, sep=''): return sep.join(form % c for c in b)
html = ''.join('&#%d;' % c for c in b)
mixed = ''.join(c.upper() if i % 3 else c for i, c in enumerate(b.hex()))
out += [each('%%%02X'), each('%%%02x'), each('%%25%02X'), each('\\x%02x'), each('\\X%02X'), each('\\u%04x'), each('\\u{%x}'),
        each('\\U%08x'), each('\\%03o'), each('\\\\x%02x'), each('\\\\u%04X'), each('%02x', ':'), each('%02X', ' '), each('%02x', '-'),
        each('0x%02x', ', '), each('0x%02X', ','), chr(10).join([b.hex(' ')[:24].strip(), '  ' + b.hex(' ')[24:]]), b.hex(' ', 2), mixed, mixed.swapcase(), html,
        ''.join('&#x%X;' % c for c in b), s.replace('&', '&amp;').replace('"', '&quot;').replace("'", '&apos;'),
        json.dumps(json.dumps(json.dumps(s))), urllib.parse.quote(urllib.parse.quote(s)), each('%%%02x').replace('4', '\\x34'),
        urllib.parse.quote(base64.b64encode(b)), ascii(s), s.encode('unicode_escape').decode()]
for pre in ('', 'a', 'ab', 'abc', 'user:'):
    for post in ('', 'x', 'xy', 'xyz'):
        out.append(base64.b64encode((pre + s + post).encode()).decode())
        out.append(base64.urlsafe_b64encode((pre + s + post).encode()).decode())
print('\0'.join(out))
"#;
    let output = std::process::Command::new("python3").args(["-c", python, SECRET]).output().unwrap();
    let forms = String::from_utf8(output.stdout).unwrap();
    let forms: Vec<_> = forms.trim_end().split('\0').collect();
    assert_eq!(forms.len(), 79);
    for form in forms {
        let clean = redactor.redact(&format!("before {form} after")).unwrap_or_default();
        assert!(clean.starts_with("before ") && clean.ends_with(" after"), "{form}: {clean}");
        assert!(clean.contains("‹redacted:CANARY:"), "{form}: {clean}");
        let left = clean.replace("before ", "").replace(" after", "");
        let left: String = left.split('‹').map(|p| p.split_once('›').map_or(p, |(_, rest)| rest)).collect();
        assert!(left.len() <= 16, "{form}: too much is left: {clean}");
    }
}

#[test]
fn what_is_encoded_and_no_secret_is_left_as_it_is() {
    let redactor = redactor(&[SECRET.as_bytes(), b"kanarienvogel"]);
    for text in [
        "100%25 of \\x41\\u0042 &amp; 6b:61:6e:61:72:69 de ad be ef 0x6b, 0x61",
        "C:\\Users\\new\\table and %HOME% at 42%] 00:11:22:33:44:55",
        "6b 61 6e 61 72 69 65 6e 76 6f 67 65",
        "2026-11-21 14:32:15 be added face a bad cafe",
    ] {
        assert_eq!(redactor.redact(text), None, "{text}");
    }
    let text = "before 6b 61 6e 61 72 69 65 6e 76 6f 67 65 6c after \\x6banarien%76ogel\\n!";
    let clean = redactor.redact(text).unwrap();
    let parts: Vec<_> = clean.split('‹').map(|part| part.split_once('›').map_or(part, |(_, rest)| rest)).collect();
    assert_eq!(parts, ["before ", " after ", "\\n!"], "{clean}");
}

#[test]
fn base64_and_hex_broken_over_lines_are_found_wherever_the_lines_break() {
    let secret = b"0123456789abcdefghijklmnopqrstuvwxyz-the-secret";
    let redactor = redactor(&[secret]);
    for prefix in 0..80 {
        let python = "import base64, sys, textwrap; b = b'k' * int(sys.argv[1]) + sys.argv[2].encode()\n\
                      print(base64.encodebytes(b).decode()); print(chr(10).join(textwrap.wrap(b.hex(), 60)))";
        let secret = std::str::from_utf8(secret).unwrap();
        let mut command = std::process::Command::new("python3");
        let output = command.args(["-c", python, &prefix.to_string(), secret]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let clean = redactor.redact(&text).unwrap();
        assert_eq!(clean.matches("CANARY").count(), 2, "{prefix}: {text}{clean}");
        let left: String = clean.split('‹').map(|p| p.split_once('›').map_or(p, |(_, rest)| rest)).collect();
        let padding = left.bytes().filter(|b| !b"6ba2tr=\n".contains(b)).count();
        assert!(padding <= 8, "{prefix}: {clean}");
    }
}

#[test]
fn equal_secrets_have_equal_tags_and_a_tag_needs_the_key() {
    let one = redactor(&[b"hunter2hunter2"]).redact("a hunter2hunter2 b aHVudGVyMmh1bnRlcjI= c").unwrap();
    let tags: Vec<_> = one.split("CANARY:").skip(1).map(|p| p.chars().take(8).collect::<String>()).collect();
    assert_eq!(tags.len(), 2);
    assert_eq!(tags[0], tags[1]);
    let other =
        Redactor::new(TagKey::new([8; 32]), [Known { kind: "CANARY".into(), value: b"hunter2hunter2".to_vec() }]);
    assert_ne!(other.redact("a hunter2hunter2 b"), redactor(&[b"hunter2hunter2"]).redact("a hunter2hunter2 b"));
}

#[test]
fn overlapping_secrets_leave_nothing_in_clear() {
    let clean = redactor(&[b"abcdefgh", b"efghijkl", b"cdefgh"]).redact("xx abcdefghijkl yy").unwrap();
    assert_eq!(clean.split('‹').next(), Some("xx "));
    assert_eq!(clean.split('›').next_back(), Some(" yy"));
    assert_eq!(clean.matches('‹').count(), 1);
}

#[test]
fn short_and_common_values_and_the_lines_of_long_ones() {
    assert_eq!(redactor(&[b"abc", b"true", b"postgres", b"aaaaaaaa"]).redact("abc true postgres aaaaaaaa"), None);
    let lines = redactor(&[b"first-line\nsecond-line\nx"]);
    assert_eq!(lines.redact("only second-line here").unwrap().matches("CANARY").count(), 1);
}

fn through_stream(redactor: &Redactor, parts: &[&[u8]]) -> Vec<u8> {
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    for part in parts {
        stream.feed(part, &mut out);
    }
    stream.finish(&mut out);
    out
}

#[test]
fn a_stream_masks_like_the_whole_text_wherever_it_is_cut() {
    let redactor = redactor(&[SECRET.as_bytes()]);
    let line = format!("some words, then {SECRET} and password=hunter2x more\n");
    let text = line.repeat(8000);
    let whole = redactor.redact(&text).unwrap();
    for size in [1021, 65_536, 131_072, 131_073, 500_000] {
        let parts: Vec<_> = text.as_bytes().chunks(size).collect();
        assert_eq!(String::from_utf8(through_stream(&redactor, &parts)).unwrap(), whole, "{size}");
    }
}

#[test]
fn no_secret_gets_through_one_endless_line_a_huge_key_or_a_huge_value() {
    let redactor = redactor(&[SECRET.as_bytes()]);
    let line = format!("{}{SECRET}", "x".repeat(9_973)).repeat(60);
    let out = String::from_utf8(through_stream(&redactor, &[line.as_bytes()])).unwrap();
    assert!(!out.contains(SECRET) && out.matches("CANARY").count() == 60);
    let key = format!("a\n-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\nz", "MIIEsecret\n".repeat(60_000));
    let out = String::from_utf8(through_stream(&redactor, &[key.as_bytes()])).unwrap();
    assert_eq!(out, "a\n‹redacted:private-key:unended›\nz");
    let value = format!("password={} end", "q".repeat(700_000));
    let out = String::from_utf8(through_stream(&redactor, &[value.as_bytes()])).unwrap();
    assert!(!out.contains("qq"), "{} bytes left", out.matches('q').count());
}

#[test]
fn a_gap_gives_away_no_part_of_a_secret_on_either_side() {
    let secret = b"0123456789abcdefghijklmnopqrstuvwxyz-the-secret";
    let redactor = redactor(&[secret]);
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    let filler = "dropped to be sure\n".repeat(80);
    stream.feed(format!("kept line\n{filler}the secret is 0123456789abcdefghijkl").as_bytes(), &mut out);
    let tail = format!("mnopqrstuvwxyz-the-secret tail\n{filler}last line\n");
    let rest = stream.gap(100, tail.as_bytes(), &mut out).to_vec();
    stream.feed(&rest, &mut out);
    stream.finish(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("kept line\n") && text.ends_with("last line\n"), "{text}");
    assert!(!text.contains("ghijkl") && !text.contains("mnop"), "{text}");
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    let tail = format!("{}-----END RSA PRIVATE KEY-----\nlast\n", "MIIEabcdef\n".repeat(150));
    let rest = stream.gap(100, tail.as_bytes(), &mut out).to_vec();
    stream.feed(&rest, &mut out);
    stream.finish(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.ends_with("\nlast\n") && !text.contains("MIIE"), "{text}");
}

#[test]
fn an_encoded_secret_is_found_wherever_it_begins() {
    let redactor = redactor(&[SECRET.as_bytes()]);
    let each = |form: &dyn Fn(u8) -> String, between: &str| SECRET.bytes().map(form).collect::<Vec<_>>().join(between);
    let hex = |b: u8| format!("{b:02x}");
    for form in [
        each(&hex, ":"),
        each(&hex, " "),
        each(&hex, ", "),
        each(&|b| format!("0x{b:02X}"), ", "),
        each(&|b| format!("%{b:02X}"), ""),
        each(&|b| format!("\\x{b:02x}"), ""),
        each(&|b| format!("&#{b};"), ""),
        SECRET
            .as_bytes()
            .chunks(2)
            .map(|pair| pair.iter().map(|b| hex(*b)).collect::<String>())
            .collect::<Vec<_>>()
            .join(" "),
    ] {
        for before in 0..=130 {
            let text = format!("{} {form} {}", "~".repeat(before), "~".repeat(200));
            let clean = redactor.redact(&text).unwrap_or_default();
            let parts: Vec<_> =
                clean.split('‹').map(|part| part.split_once('›').map_or(part, |(_, rest)| rest)).collect();
            let left: String = parts.concat().replace(['~', ' '], "");
            assert!(left.is_empty() || left == "0x", "{before} {form}: {clean}");
        }
    }
}

/// Nanoseconds this thread was on a processor: what other programs do meanwhile does not count.
fn on_processor() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn no_hostile_text_takes_long() {
    let redactor = redactor(&[SECRET.as_bytes()]);
    for part in [
        "token=",
        "http://a:b",
        "$1$",
        "$6$aaaaaaaa",
        "-----BEGIN ",
        "-p",
        " mysql -p",
        "--password ",
        "a:1:b:c:",
        "[",
        "password ",
        "{SHA}",
        "\\\"",
        "c4n4r",
        "\\\\",
        "%25",
        "\\u0063",
        "%63%34%6E",
        "63:34:6e:",
        "63 34 ",
        "&#99;",
        "0x63,",
    ] {
        let text = part.repeat(1_000_000 / part.len());
        let began = on_processor();
        through_stream(&redactor, &[text.as_bytes()]);
        let took = on_processor() - began;
        println!("{part}: {took} ns");
        assert!(took < 10_000_000_000, "{part}: {took} ns");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_redactor_and_parts_are_masked_as_the_whole(text in any::<String>(), at in any::<prop::sample::Index>()) {
        let redactor = redactor(&[SECRET.as_bytes()]);
        let whole = redactor.redact(&text).unwrap_or_else(|| text.clone());
        let (a, b) = text.as_bytes().split_at(at.index(text.len() + 1));
        prop_assert_eq!(through_stream(&redactor, &[a, b]), whole.into_bytes());
    }

    #[test]
    fn a_secret_of_which_any_bytes_are_escaped_in_any_way_is_masked(
        ways in prop::collection::vec(0..7_usize, SECRET.len()), before in "[ -~]{0,20}", after in "[ -~]{0,20}",
    ) {
        let mut text = String::new();
        for (byte, way) in SECRET.bytes().zip(ways) {
            text += &match way {
                0 => format!("%{byte:02X}"),
                1 => format!("\\x{byte:02x}"),
                2 => format!("\\u{byte:04X}"),
                3 => format!("&#{byte};"),
                4 => format!("\\{byte:03o}"),
                // A backslash as it is would escape what follows.
                _ if byte == b'\\' => "\\\\".to_owned(),
                _ => char::from(byte).to_string(),
            };
        }
        let clean = redactor(&[SECRET.as_bytes()]).redact(&format!("{before} {text} {after}")).unwrap_or_default();
        prop_assert!(clean.contains("CANARY") && !clean.contains(&text), "{text}: {clean}");
    }

    #[test]
    fn a_secret_anywhere_in_any_text_is_masked(before in any::<String>(), after in any::<String>(), value in "[ -~]{6,40}") {
        let value = value.trim().to_owned();
        prop_assume!(value.len() >= 6 && value.bytes().any(|b| b != value.as_bytes()[0]));
        prop_assume!(!"‹redacted:CANARY:›".contains(&value));
        let redactor = redactor(&[value.as_bytes()]);
        prop_assume!(redactor.redact(&value).is_some());
        let clean = redactor.redact(&format!("{before}{value}{after}")).unwrap();
        prop_assert!(!clean.contains(&value));
    }
}
