//! Where a database is and who one is to it: from a URL. The password is told to nobody but the database.
//! Pure.

use super::url::Url;
use crate::action::query::Engine;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where PostgreSQL listens where a URL names no host, as its own programs know it.
const SOCKETS: &str = "/var/run/postgresql";

/// Why a URL leads nowhere: a fragment without any part of the URL that could be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

/// A database, and who one is to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    engine: Engine,
    pub(crate) target: Target,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Server(Server),
    File(PathBuf),
}

/// Where a database lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies<'a> {
    /// On this machine, by a local socket or loopback.
    Here,
    /// At a host of that name or address.
    Host(&'a str),
    /// In a file.
    File(&'a Path),
}

/// A server that speaks PostgreSQL's protocol.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) host: Host,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) database: String,
    pub(crate) tls: Tls,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// A name or an address, and a port.
    Name(String, u16),
    /// A local socket.
    Socket(PathBuf),
}

impl fmt::Display for Host {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name, port) if name.contains(':') => write!(to, "[{name}]:{port}"),
            Self::Name(name, port) => write!(to, "{name}:{port}"),
            Self::Socket(path) => write!(to, "{}", path.display()),
        }
    }
}

/// How a connection is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) mode: Mode,
    /// The URL says `sslmode` itself.
    pub(crate) said: bool,
    /// Authorities that are trusted, as PEM; `None`: those of the system.
    pub(crate) roots: Option<PathBuf>,
}

/// `sslmode`, as PostgreSQL's own programs define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In clear.
    Disable,
    /// Encrypted where the server offers it, whoever it is.
    Prefer,
    /// Encrypted, whoever it is.
    Require,
    /// Encrypted, with a certificate of a trusted authority.
    VerifyCa,
    /// The same, and it is that of the host.
    VerifyFull,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "Endpoint({self})")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Server(server) => write!(to, "`{}` at {}", server.database, server.host),
            Target::File(path) => write!(to, "`{}`", path.display()),
        }
    }
}

impl Endpoint {
    /// The database that `url` leads to; `folder` is what paths of files are relative to.
    ///
    /// # Errors
    /// Why the URL cannot be used.
    pub fn of_url(engine: Engine, url: &str, folder: &Path) -> Result<Self, Unusable> {
        let target = match engine {
            Engine::Sqlite => Target::File(folder.join(file(url)?)),
            Engine::Postgres | Engine::QuestDb => Target::Server(server(engine, url)?),
        };
        Ok(Self { engine, target })
    }

    /// Where it lies, as far as that tells who could be reached by it.
    pub fn lies(&self) -> Lies<'_> {
        match &self.target {
            Target::File(path) => Lies::File(path),
            Target::Server(Server { host: Host::Socket(_), .. }) => Lies::Here,
            Target::Server(Server { host: Host::Name(name, _), .. }) => {
                let address = name.parse::<std::net::IpAddr>();
                let here = name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback());
                if here { Lies::Here } else { Lies::Host(name) }
            }
        }
    }

    /// The same server, for the same user, and another database of it; `None`: it is a file.
    pub(crate) fn sibling(&self, database: &str) -> Option<Self> {
        let Target::Server(server) = &self.target else { return None };
        let target = Target::Server(Server { database: database.to_owned(), ..server.clone() });
        Some(Self { engine: self.engine, target })
    }

    /// Its kind.
    pub fn engine(&self) -> Engine {
        self.engine
    }
}

fn unusable<T>(why: impl Into<String>) -> Result<T, Unusable> {
    Err(Unusable(why.into()))
}

fn server(engine: Engine, text: &str) -> Result<Server, Unusable> {
    let schemes: (&[&str], u16) = match engine {
        Engine::QuestDb => (&["questdb", "postgres", "postgresql"], 8812),
        Engine::Postgres | Engine::Sqlite => (&["postgres", "postgresql"], 5432),
    };
    let scheme = schemes.0.first().copied().unwrap_or_default();
    let shape = format!("it is not a URL like `{scheme}://USER:PASSWORD@HOST:PORT/DATABASE`");
    let Some(url) = Url::read(text).filter(|url| schemes.0.contains(&url.scheme.as_str())) else {
        return unusable(shape);
    };
    let (mut host, mut port, mut user, mut password, mut database) =
        (url.host, url.port, url.user, url.password, url.path);
    let mut tls = Tls { mode: Mode::Prefer, said: false, roots: None };
    for (name, value) in url.query {
        match name.as_str() {
            "host" => host = Some(value),
            "port" => port = Some(value),
            "user" => user = Some(value),
            "password" => password = Some(value),
            "dbname" => database = Some(value),
            "sslmode" => {
                tls.said = true;
                tls.mode = match value.as_str() {
                    "disable" => Mode::Disable,
                    "allow" | "prefer" => Mode::Prefer,
                    "require" => Mode::Require,
                    "verify-ca" => Mode::VerifyCa,
                    "verify-full" => Mode::VerifyFull,
                    _ => {
                        return unusable(
                            "its `sslmode` is none of disable, allow, prefer, require, verify-ca, verify-full",
                        );
                    }
                };
            }
            "sslrootcert" if value == "system" => (tls.mode, tls.said) = (Mode::VerifyFull, true),
            "sslrootcert" => tls.roots = Some(PathBuf::from(value)),
            // Of no weight for one who reads; guard sets its own.
            "application_name"
            | "connect_timeout"
            | "fallback_application_name"
            | "client_encoding"
            | "gssencmode"
            | "keepalives"
            | "keepalives_idle"
            | "keepalives_interval"
            | "keepalives_count"
            | "tcp_user_timeout" => {}
            // A name may be secret as well, in a URL that is none.
            _ => {
                return unusable(
                    "it sets a parameter that guard does not know: it knows host, port, user, password, dbname, sslmode, sslrootcert",
                );
            }
        }
    }
    let port = match port {
        None => schemes.1,
        Some(port) => match port.parse() {
            Ok(port) if port != 0 => port,
            _ => return unusable("its port is no number from 1 to 65535"),
        },
    };
    let host = match host {
        None if engine == Engine::QuestDb => Host::Name("localhost".to_owned(), port),
        None => socket(SOCKETS, port),
        Some(path) if path.starts_with('/') => socket(&path, port),
        Some(names) if names.contains(',') => return unusable("it names several hosts"),
        Some(name) => Host::Name(name, port),
    };
    // A root certificate is there to be checked against (libpq: `require` is then `verify-ca`).
    if tls.mode == Mode::Require && tls.roots.is_some() {
        tls.mode = Mode::VerifyCa;
    }
    let Some(user) = user else { return unusable("it names no user") };
    let database = database.unwrap_or_else(|| if engine == Engine::QuestDb { "qdb".to_owned() } else { user.clone() });
    Ok(Server { engine, host, user, password, database, tls })
}

fn socket(folder: &str, port: u16) -> Host {
    Host::Socket(Path::new(folder).join(format!(".s.PGSQL.{port}")))
}

/// The path of `sqlite:///PATH` (as SQLAlchemy writes it: a fourth slash begins an absolute path), `sqlite:PATH`,
/// `file:PATH`, or a path.
fn file(url: &str) -> Result<PathBuf, Unusable> {
    let path = match url.split_once(':') {
        Some((scheme, rest)) if scheme == "sqlite" || scheme.starts_with("sqlite+") => {
            let rest = rest.strip_prefix("///").or_else(|| rest.strip_prefix("//")).unwrap_or(rest);
            rest.split('?').next().unwrap_or_default()
        }
        Some(("file", rest)) => {
            let rest = rest.strip_prefix("//").unwrap_or(rest);
            rest.split('?').next().unwrap_or_default()
        }
        _ if url.contains("://") => return unusable("it is not a URL like `sqlite:///PATH`"),
        _ => url,
    };
    if path.contains('\0') {
        return unusable("its path holds a NUL");
    }
    match path {
        "" | ":memory:" => unusable("it names no file: a database in memory holds nothing that could be read"),
        path => Ok(PathBuf::from(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_of(engine: Engine, url: &str) -> Result<Server, String> {
        server(engine, url).map_err(|why| why.to_string())
    }

    #[test]
    fn a_url_leads_to_a_server() {
        let tls = |mode| Tls { mode, said: mode != Mode::Prefer, roots: None };
        let of = |host: Host, user: &str, password: Option<&str>, database: &str, mode| {
            Ok(Server {
                engine: Engine::Postgres,
                host,
                user: user.to_owned(),
                password: password.map(str::to_owned),
                database: database.to_owned(),
                tls: tls(mode),
            })
        };
        let name = |name: &str, port| Host::Name(name.to_owned(), port);
        let cases = [
            ("postgres://app:p%40@db/shop", of(name("db", 5432), "app", Some("p@"), "shop", Mode::Prefer)),
            ("postgresql+asyncpg://app@[::1]:6000", of(name("::1", 6000), "app", None, "app", Mode::Prefer)),
            ("postgres://app@/shop", of(socket(SOCKETS, 5432), "app", None, "shop", Mode::Prefer)),
            (
                "postgres:///shop?host=/tmp&port=5&user=app&sslmode=disable&application_name=x",
                of(Host::Socket("/tmp/.s.PGSQL.5".into()), "app", None, "shop", Mode::Disable),
            ),
            ("postgres://app@h/?sslmode=verify-full", of(name("h", 5432), "app", None, "app", Mode::VerifyFull)),
        ];
        for (url, expected) in cases {
            assert!(server_of(Engine::Postgres, url) == expected, "{url}");
        }
        let quest = server_of(Engine::QuestDb, "questdb://user:quest@localhost").unwrap();
        assert_eq!((quest.host, quest.database.as_str()), (name("localhost", 8812), "qdb"));
        let checked = server_of(Engine::Postgres, "postgres://a@h/?sslmode=require&sslrootcert=ca.pem").unwrap();
        assert_eq!((checked.tls.mode, checked.tls.roots), (Mode::VerifyCa, Some("ca.pem".into())));
    }

    #[test]
    fn a_url_that_leads_nowhere_is_not_quoted() {
        for url in [
            "",
            "hush",
            "mysql://a:hush@h/d",
            "postgres://a:hush@h:0/d",
            "postgres://a:hush@h:x/d",
            "postgres://:hush@h/d",
            "postgres://a:hush@h,i/d",
            "postgres://a:hush@h/d?sslmode=hush",
            "postgres://a@h/d?hush=1",
            "postgres://a@h/d?options=-chush",
            "host=h password=hush",
        ] {
            let why = server_of(Engine::Postgres, url).err().unwrap();
            assert!(!why.contains("hush") && !why.is_empty(), "{why}");
        }
        let endpoint = Endpoint::of_url(Engine::Postgres, "postgres://a:hush@h/d", Path::new("/")).unwrap();
        assert_eq!(format!("{endpoint:?}"), "Endpoint(`d` at h:5432)");
    }

    #[test]
    fn a_url_leads_to_a_file() {
        let of =
            |url: &str| Endpoint::of_url(Engine::Sqlite, url, Path::new("/p")).map(|endpoint| endpoint.to_string());
        for (url, path) in [
            ("sqlite:///a/b.db", "/p/a/b.db"),
            ("sqlite:////a/b.db", "/a/b.db"),
            ("sqlite+pysqlite:///b.db?mode=rwc", "/p/b.db"),
            ("sqlite:b.db", "/p/b.db"),
            ("sqlite://b.db", "/p/b.db"),
            ("file:./b.db?immutable=1", "/p/./b.db"),
            ("b.db", "/p/b.db"),
            ("/a/b.db", "/a/b.db"),
        ] {
            assert_eq!(of(url), Ok(format!("`{path}`")), "{url}");
        }
        for url in ["", "sqlite://", "sqlite:///:memory:", "postgres://h/d", "a\0b"] {
            assert!(of(url).is_err(), "{url}");
        }
    }
}
