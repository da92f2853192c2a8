//! The host that a TLS client names in its first message.
//! Pure: bytes in, a name out.

/// What the bytes so far say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hello {
    /// More must come.
    Partial,
    /// The one host it names, in lower case.
    Host(String),
    /// It is not a first message of TLS, names no host or more than one, or hides whom it means.
    Unfit(&'static str),
}

/// Bytes of the longest first message that is looked at.
pub(super) const MOST: usize = 32 * 1024;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
/// An encrypted hello means another host than the one outside names.
const ENCRYPTED: u16 = 0xfe0d;

/// A client that is listened to.
#[derive(Debug, Default)]
pub(super) struct Listening {
    /// What of its message has come in whole records.
    message: Vec<u8>,
    /// Where the next record begins.
    at: usize,
}

impl Listening {
    /// Reads what it has sent so far: the same bytes as before, and more. Whole records are read but once.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Hello {
        loop {
            let mut rest = Reader(bytes.get(self.at..).unwrap_or_default());
            let Some(kind) = rest.byte() else { return more(bytes) };
            if kind != HANDSHAKE {
                return Hello::Unfit("it is not TLS");
            }
            let Some([major, _]) = rest.two() else { return more(bytes) };
            if major != 3 {
                return Hello::Unfit("it is not TLS");
            }
            let Some(part) = rest.counted(2) else { return more(bytes) };
            if part.is_empty() {
                return Hello::Unfit("it is not TLS");
            }
            self.message.extend_from_slice(part);
            self.at = bytes.len() - rest.0.len();
            let mut whole = Reader(&self.message);
            match whole.byte() {
                Some(CLIENT_HELLO) => {}
                Some(_) | None => return Hello::Unfit("it does not begin with a client's hello"),
            }
            if let Some(body) = whole.counted(3) {
                return host(body).unwrap_or(Hello::Unfit("its hello cannot be read"));
            }
        }
    }
}

fn more(bytes: &[u8]) -> Hello {
    if bytes.len() < MOST { Hello::Partial } else { Hello::Unfit("its hello is too long") }
}

fn host(body: &[u8]) -> Option<Hello> {
    let mut body = Reader(body);
    body.take(2 + 32)?;
    body.counted(1)?;
    body.counted(2)?;
    body.counted(1)?;
    let mut extensions = Reader(body.counted(2)?);
    let mut found = None;
    while !extensions.0.is_empty() {
        let kind = u16::from_be_bytes(extensions.two()?);
        let data = extensions.counted(2)?;
        if kind == ENCRYPTED {
            return Some(Hello::Unfit("it hides whom it means (encrypted hello)"));
        }
        if kind != SERVER_NAME {
            continue;
        }
        let mut names = Reader(Reader(data).counted(2)?);
        let kind = names.byte()?;
        let name = names.counted(2)?;
        if kind != 0 || !names.0.is_empty() || found.is_some() {
            return Some(Hello::Unfit("it names more than one host"));
        }
        found = Some(std::str::from_utf8(name).ok()?.to_ascii_lowercase());
    }
    Some(found.map_or(Hello::Unfit("it names no host"), Hello::Host))
}

/// Bytes, read from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn two(&mut self) -> Option<[u8; 2]> {
        self.take(2)?.try_into().ok()
    }

    /// What stands behind its own length, which has `width` bytes.
    fn counted(&mut self, width: usize) -> Option<&'a [u8]> {
        let len = self.take(width)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        self.take(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn read(bytes: &[u8]) -> Hello {
        Listening::default().read(bytes)
    }

    /// What rustls really says to `name`.
    fn said(name: &str) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
        let name = name.to_owned().try_into().unwrap();
        let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_host_is_found_once_all_of_the_hello_is_there() {
        let bytes = said("Files.PythonHosted.org");
        assert_eq!(read(&bytes), Hello::Host("files.pythonhosted.org".into()));
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), Hello::Partial, "{cut}");
        }
        // The same in records of seven bytes each.
        let mut parts = Vec::new();
        for part in bytes[5..].chunks(7) {
            parts.extend([22, 3, 1, 0, u8::try_from(part.len()).unwrap()]);
            parts.extend(part);
        }
        assert_eq!(read(&parts), Hello::Host("files.pythonhosted.org".into()));
        // And these byte by byte.
        let mut listening = Listening::default();
        let mut said: Vec<Hello> = (0..=parts.len()).map(|len| listening.read(&parts[..len])).collect();
        assert_eq!(said.pop(), Some(Hello::Host("files.pythonhosted.org".into())));
        assert!(said.iter().all(|hello| *hello == Hello::Partial));
    }

    #[test]
    fn what_is_no_hello_or_names_nobody_is_unfit() {
        assert_eq!(read(b"GET / HTTP/1.1\r\n"), Hello::Unfit("it is not TLS"));
        assert_eq!(read(&said("127.0.0.1")), Hello::Unfit("it names no host"));
        let mut hidden = said("pypi.org");
        // Turn some other extension into an encrypted hello: supported_groups has number 10.
        let at = hidden.windows(4).rposition(|w| w[0] == 0 && w[1] == 10 && w[2] == 0 && w[3] < 32).unwrap();
        hidden[at] = 0xfe;
        hidden[at + 1] = 0x0d;
        assert_eq!(read(&hidden), Hello::Unfit("it hides whom it means (encrypted hello)"));
        let long = [&[22, 3, 1, 0xff, 0xff, 1, 0, 0xff, 0xff][..], &vec![0; MOST]].concat();
        assert_eq!(read(&long), Hello::Unfit("its hello is too long"));
    }
}
