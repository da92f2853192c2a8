//! Addresses of databases as URLs: taken apart and decoded, nothing made up.
//! Pure. Knows no database.

/// The parts of `scheme://user:password@host:port/path?name=value`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Url {
    /// In lower case, without the driver of `postgresql+psycopg2`.
    pub(crate) scheme: String,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: Option<String>,
    pub(crate) port: Option<String>,
    /// After the slash; a database's name.
    pub(crate) path: Option<String>,
    pub(crate) query: Vec<(String, String)>,
}

impl Url {
    /// `None`: it is not a URL, or holds an escape that is none, a NUL, or no UTF-8.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (who, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = who.split_once(':').map_or((who, None), |(user, password)| (user, Some(password)));
        let (host, port) = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':').unwrap_or_default()),
            None => address.split_once(':').unwrap_or((address, "")),
        };
        let mut pairs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decoded(name)?, decoded(value)?));
        }
        Some(Self {
            scheme: scheme.split('+').next().unwrap_or_default().to_ascii_lowercase(),
            user: given(user)?,
            password: password.map_or(Some(None), given)?,
            host: given(host)?,
            port: given(port)?,
            path: given(path)?,
            query: pairs,
        })
    }
}

/// A part without its escapes; none where it is empty.
fn given(text: &str) -> Option<Option<String>> {
    if text.is_empty() { Some(None) } else { decoded(text).map(Some) }
}

/// Text without `%` escapes; `None`: it is not UTF-8, or holds a NUL.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> [String; 6] {
        let url = Url::read(text).unwrap();
        let or = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        [url.scheme, or(url.user), or(url.password), or(url.host), or(url.port), or(url.path)]
    }

    #[test]
    fn a_url_has_parts() {
        for (text, parts) in [
            ("postgres://app:p%40ss@db:5432/shop?a=b", ["postgres", "app", "p@ss", "db", "5432", "shop"]),
            ("postgresql+psycopg2://a:x@y@[::1]/", ["postgresql", "a", "x@y", "::1", "-", "-"]),
            ("POSTGRES://%2Fvar%2Frun", ["postgres", "-", "-", "/var/run", "-", "-"]),
            ("redis://:secret@localhost:6379/0", ["redis", "-", "secret", "localhost", "6379", "0"]),
            ("x:///a/b", ["x", "-", "-", "-", "-", "a/b"]),
        ] {
            assert_eq!(read(text), parts.map(str::to_owned), "{text}");
        }
        let pairs = |text: &str| Url::read(text).map(|url| url.query);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs("x://h?sslmode=require&host=%2Ftmp&b#c"),
            Some(vec![pair("sslmode", "require"), pair("host", "/tmp"), pair("b", "")])
        );
        for wrong in ["", "localhost:5432", "x://a%", "x://a%zz", "x://a%+1", "x://%00", "x://%ff", "x://h?a=%f"] {
            assert!(Url::read(wrong).is_none(), "{wrong}");
        }
    }
}
