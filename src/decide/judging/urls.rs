//! Hosts of addresses that stand in a word: `https://h/x`, `git+ssh://u@h`, `git@h:x`.
//! Knows no rules.

/// The hosts a word names, in lower case, without user and port.
pub(super) fn hosts(word: &str) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| matches!(c, '/' | '?' | '#' | '\\') || c.is_whitespace()).unwrap_or(after.len());
        if before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            hosts.extend(host(after.get(..end).unwrap_or(after)));
        }
        rest = after;
    }
    if hosts.is_empty() {
        hosts.extend(copied_from(word));
    }
    hosts
}

/// The host in `user@host:path`, as ssh, scp and git write it.
fn copied_from(word: &str) -> Option<String> {
    let (user, place) = word.split_once('@')?;
    let (name, path) = place.split_once(':')?;
    let plain = !user.is_empty() && !path.is_empty() && !user.contains(['/', '=']) && !name.contains('/');
    if plain { host(name) } else { None }
}

fn host(authority: &str) -> Option<String> {
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let name = match place.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or(address),
        None => place.split(':').next().unwrap_or(place),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_every_form_of_address() {
        let table: [(&str, &[&str]); 12] = [
            ("https://PyPI.org/simple", &["pypi.org"]),
            ("git+https://user:pw@github.com:443/a/b.git@v1", &["github.com"]),
            ("ssh://git@h.example/x", &["h.example"]),
            ("git@github.com:a/b.git", &["github.com"]),
            ("--index-url=https://evil.example/simple", &["evil.example"]),
            ("https://good.example@evil.example/", &["evil.example"]),
            ("https://evil.example\\@good.example/", &["evil.example"]),
            ("http://[::1]:8000/", &["::1"]),
            ("https://pypi.org./x", &["pypi.org"]),
            ("src/a.py", &[]),
            ("requests==2.0", &[]),
            ("file:///etc/passwd", &[]),
        ];
        for (word, expected) in table {
            assert_eq!(hosts(word), expected, "{word}");
        }
    }
}
