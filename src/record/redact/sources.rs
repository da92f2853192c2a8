//! Where known secrets stand: variables with telling names, `.env`, `.pgpass`, `.netrc`, passwords in URLs.
//! Takes contents as bytes; who reads the files, and which, is not known here.

use super::Known;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

/// Words that make a name a secret's.
const WORDS: &[&str] = &[
    "apikey",
    "auth",
    "authorization",
    "bearer",
    "cookie",
    "cred",
    "creds",
    "credential",
    "credentials",
    "dsn",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwort",
    "pat",
    "pw",
    "pwd",
    "secret",
    "secrets",
    "token",
];
/// One of these is part of every secret's name.
const STEMS: &[&str] = &["pass", "pw", "secret", "token", "key", "auth", "bearer", "cookie", "cred", "dsn", "pat"];
/// The same as parts of longer words: `PGPASSWORD`, `authtoken`.
const PARTS: &[&str] =
    &["password", "passwd", "passphrase", "secret", "apikey", "accesskey", "privatekey", "authtoken"];
/// A key of one of these is a secret: `API_KEY`, `signing-key`.
const KEYS: &[&str] = &[
    "access",
    "account",
    "api",
    "auth",
    "aws",
    "client",
    "consumer",
    "deploy",
    "encryption",
    "gpg",
    "hmac",
    "jwt",
    "license",
    "master",
    "private",
    "secret",
    "service",
    "session",
    "shared",
    "signing",
    "ssh",
    "storage",
    "webhook",
];
/// Last words that say that it is only about a secret.
const ABOUT: &[&str] = &[
    "age",
    "algorithm",
    "count",
    "dir",
    "enabled",
    "env",
    "expires",
    "expiry",
    "file",
    "field",
    "header",
    "length",
    "limit",
    "max",
    "method",
    "min",
    "mode",
    "name",
    "path",
    "policy",
    "prompt",
    "size",
    "sock",
    "socket",
    "stdin",
    "ttl",
    "type",
    "url",
    "uri",
];

/// Whether a variable, key or flag of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    // Most names end here, without any allocation.
    let bytes = name.as_bytes();
    let begins = |at: usize, stem: &&str| {
        let part = bytes.get(at..at + stem.len());
        part.is_some_and(|part| part.eq_ignore_ascii_case(stem.as_bytes()))
    };
    let stems = |at: usize, first: u8| {
        STEMS.iter().filter(move |s| s.as_bytes().first() == Some(&first)).any(|s| begins(at, s))
    };
    if !bytes.iter().enumerate().any(|(at, b)| stems(at, b.to_ascii_lowercase())) {
        return false;
    }
    let words = words(name);
    let Some(last) = words.last() else { return false };
    if words.len() > 1 && ABOUT.contains(&last.as_str()) {
        return false;
    }
    let pairs = words.iter().zip(words.iter().skip(1));
    words.iter().any(|w| WORDS.contains(&w.as_str()) || PARTS.iter().any(|p| w.contains(p)))
        || words.iter().any(|w| w.len() > 5 && (w.ends_with("token") || w.ends_with("pwd")))
        || pairs.into_iter().any(|(a, b)| b == "key" && KEYS.contains(&a.as_str()))
}

/// The words of a name, in lower case: `awsSecretKey`, `AWS_SECRET_KEY` and `aws-secret-key` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before_lower) {
            words.push(String::new());
        }
        before_lower = c.is_lowercase() || c.is_ascii_digit();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

/// Secrets gathered from where they lie.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    known: Vec<Known>,
}

impl Secrets {
    /// One more: `kind` names it in the mask.
    pub fn add(&mut self, kind: &str, value: &[u8]) {
        self.known.push(Known { kind: kind.to_owned(), value: value.to_vec() });
    }

    /// Environment variables: values of secret names, and passwords in any value that is a URL.
    pub fn environment<'a>(&mut self, variables: impl IntoIterator<Item = &'a (OsString, OsString)>) {
        for (name, value) in variables {
            self.variable(name.as_bytes(), value.as_bytes());
        }
    }

    fn variable(&mut self, name: &[u8], value: &[u8]) {
        if let Some(password) = url_password(value) {
            self.add("url-password", &percent_decoded(password));
            self.add("url-password", password);
        }
        let name = String::from_utf8_lossy(name);
        // The shell's own names for working folders, not abbreviated passwords.
        if !matches!(&*name, "PWD" | "OLDPWD") && is_secret_name(&name) {
            self.add(&name, value);
        }
    }

    /// A `.env` file: every value of a secret name, quoted (also over several lines) or not.
    pub fn dotenv(&mut self, content: &[u8]) {
        for (name, value) in pairs(content) {
            self.variable(&name, &value);
        }
    }

    /// A `.pgpass` file: the fifth field of each line.
    pub fn pgpass(&mut self, content: &[u8]) {
        self.known.extend(pgpass(content));
    }

    /// A `.netrc` file: passwords and accounts.
    pub fn netrc(&mut self, content: &[u8]) {
        self.known.extend(netrc(content));
    }
}

impl IntoIterator for Secrets {
    type Item = Known;
    type IntoIter = std::vec::IntoIter<Known>;

    fn into_iter(self) -> Self::IntoIter {
        self.known.into_iter()
    }
}

/// The value of a name in a `.env` file: the last one, as shells and libraries have it.
pub fn dotenv_value(content: &[u8], name: &str) -> Option<Vec<u8>> {
    pairs(content).into_iter().rev().find(|(key, _)| key == name.as_bytes()).map(|(_, value)| value)
}

/// Names and values of a `.env` file.
fn pairs(content: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        rest = after;
        let line = line.trim_ascii();
        let line = line.strip_prefix(b"export ").unwrap_or(line).trim_ascii();
        let Some(equals) = line.iter().position(|b| *b == b'=') else { continue };
        let (name, value) = line.split_at_checked(equals).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if line.starts_with(b"#") {
            continue;
        }
        let value = match value.first() {
            Some(quote @ (b'"' | b'\'' | b'`')) => {
                let inner = value.get(1..).unwrap_or_default();
                if let Some(end) = closing(inner, *quote) {
                    unquoted(inner.get(..end).unwrap_or_default(), *quote)
                } else if let Some(end) = closing(rest, *quote) {
                    // The value goes on over the next lines.
                    let mut whole = inner.to_vec();
                    whole.push(b'\n');
                    whole.extend_from_slice(rest.get(..end).unwrap_or_default());
                    rest = rest.get(end + 1..).unwrap_or_default();
                    unquoted(&whole, *quote)
                } else {
                    inner.to_vec()
                }
            }
            _ => value.windows(2).position(|w| w == b" #").and_then(|at| value.get(..at)).unwrap_or(value).to_vec(),
        };
        pairs.push((name.trim_ascii().to_vec(), value));
    }
    pairs
}

/// The passwords of a `.pgpass` file: the fifth field of each line, `\:` and `\\` unescaped.
fn pgpass(content: &[u8]) -> Vec<Known> {
    let mut known = Vec::new();
    for line in content.split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l)) {
        if line.starts_with(b"#") {
            continue;
        }
        let (mut fields, mut escaped) = (vec![Vec::new()], false);
        for b in line {
            let last = fields.len() == 5;
            match b {
                b'\\' if !escaped => {
                    escaped = true;
                    continue;
                }
                b':' if !escaped && !last => fields.push(Vec::new()),
                _ => fields.last_mut().into_iter().for_each(|f| f.push(*b)),
            }
            escaped = false;
        }
        if let Some(password) = fields.get(4) {
            known.push(Known { kind: "pgpass".into(), value: password.clone() });
        }
    }
    known
}

/// The passwords and accounts of a `.netrc` file.
fn netrc(content: &[u8]) -> Vec<Known> {
    let mut known = Vec::new();
    let mut words = content.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
    while let Some(word) = words.next() {
        if (word == b"password" || word == b"account" || word == b"passwd")
            && let Some(value) = words.next()
        {
            let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
            known.push(Known { kind: "netrc".into(), value: value.to_vec() });
        }
    }
    known
}

/// The password in `scheme://user:password@host`.
pub(super) fn url_password(text: &[u8]) -> Option<&[u8]> {
    let at = text.windows(3).position(|w| w == b"://")?;
    let rest = text.get(at + 3..)?;
    let end = rest.iter().position(|b| b.is_ascii_whitespace() || b"\"'<>?#".contains(b)).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    let host = authority.iter().rposition(|b| *b == b'@')?;
    let user = authority.get(..host)?;
    let colon = user.iter().position(|b| *b == b':')?;
    user.get(colon + 1..).filter(|p| !p.is_empty())
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten().and_then(|d| std::str::from_utf8(d).ok());
        if let Some(byte) = code.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            out.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}

fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|b| *b == b'\n') {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (text, &[]),
    }
}

/// Where the closing quote stands.
fn closing(text: &[u8], quote: u8) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|b| {
        let found = *b == quote && !escaped;
        escaped = *b == b'\\' && !escaped && quote == b'"';
        found
    })
}

fn unquoted(inner: &[u8], quote: u8) -> Vec<u8> {
    if quote != b'"' {
        return inner.to_vec();
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' => match bytes.next() {
                Some(b'n') => out.push(b'\n'),
                Some(b'r') => out.push(b'\r'),
                Some(b't') => out.push(b'\t'),
                Some(c @ (b'\\' | b'"' | b'$' | b'\'' | b'`')) => out.push(*c),
                Some(c) => out.extend([b'\\', *c]),
                None => out.push(b'\\'),
            },
            b => out.push(*b),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(secrets: Secrets) -> Vec<(String, String)> {
        secrets.into_iter().map(|k| (k.kind, String::from_utf8_lossy(&k.value).into_owned())).collect()
    }

    fn pair(kind: &str, value: &str) -> (String, String) {
        (kind.into(), value.into())
    }

    #[test]
    fn names_that_tell() {
        for name in [
            "PASSWORD",
            "PGPASSWORD",
            "MYSQL_PWD",
            "DB_PASS",
            "db.password",
            "apiKey",
            "API_KEY",
            "x-api-key",
            "AUTH",
            "AWS_SECRET_ACCESS_KEY",
            "awsSecretAccessKey",
            "GITHUB_TOKEN",
            "authtoken",
            "accessToken",
            "signing-key",
            "client_secret",
            "Cookie",
            "SENTRY_DSN",
            "sshKeyPassphrase",
            "CREDENTIALS",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "LANG",
            "SSH_AUTH_SOCK",
            "max_tokens",
            "TOKENIZERS_PARALLELISM",
            "keyboard",
            "KEY",
            "key",
            "monkey",
            "PASSWORD_FILE",
            "token_type",
            "passed",
            "bypass",
            "compass",
            "author",
            "pattern",
            "public_key",
            "",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn files_are_read_as_their_own_programs_read_them() {
        let mut secrets = Secrets::default();
        secrets.dotenv(b"# PASSWORD=no\nA=1\nexport DB_PASSWORD = 'it is' # c\nTOKEN=\"a\\\"b\\n\"\nX_SECRET=\"l1\nl2\"\nURL=mysql://u:p%40q@h\nKEY_PASS=v #c\nbroken\n");
        assert_eq!(
            values(secrets),
            [
                pair("DB_PASSWORD", "it is"),
                pair("TOKEN", "a\"b\n"),
                pair("X_SECRET", "l1\nl2"),
                pair("url-password", "p@q"),
                pair("url-password", "p%40q"),
                pair("KEY_PASS", "v"),
            ]
        );
        let mut secrets = Secrets::default();
        secrets.pgpass(b"# c:1:2:3:no\nh:5432:*:u:p\\:w\\\\x\r\nshort:line\n*:*:*:*:all:of:it\n");
        assert_eq!(values(secrets), [pair("pgpass", "p:w\\x"), pair("pgpass", "all:of:it")]);
        let mut secrets = Secrets::default();
        secrets.netrc(
            b"machine h login l password p1\ndefault\n\tlogin l\n\tpassword \"p2\" account a1\nmachine x password",
        );
        assert_eq!(values(secrets), [pair("netrc", "p1"), pair("netrc", "p2"), pair("netrc", "a1")]);
    }
}
