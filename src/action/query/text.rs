//! The contents of PostgreSQL's strings.

/// What a string stands for: without prefix and quotes, doubled quotes single, and in `E'…'` the escapes resolved. A malformed
/// escape stays as it is; the server refuses it.
pub(super) fn unescape(text: &str) -> String {
    if let Some(rest) = text.strip_prefix('$')
        && let Some((tag, rest)) = rest.split_once('$')
    {
        return rest.strip_suffix(&format!("${tag}$")).unwrap_or(rest).to_owned();
    }
    let escapes = text.starts_with(['e', 'E']);
    let body = text.trim_start_matches(|c: char| c != '\'');
    let body = body.strip_prefix('\'').and_then(|body| body.strip_suffix('\'')).unwrap_or(body);
    if !escapes {
        return body.replace("''", "'");
    }
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '\'' => {
                rest = rest.strip_prefix('\'').unwrap_or(rest);
                out.push('\'');
            }
            '\\' => rest = escape(rest, &mut out),
            c => out.push(c),
        }
    }
    out
}

/// Resolves the escape whose backslash was read, and gives what follows it.
fn escape<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let Some(c) = rest.chars().next() else { return rest };
    let (radix, least, most, skip) = match c {
        'x' => (16, 1, 2, 1),
        'u' => (16, 4, 4, 1),
        'U' => (16, 8, 8, 1),
        '0'..='7' => (8, 1, 3, 0),
        _ => {
            out.push(match c {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            });
            return rest.get(c.len_utf8()..).unwrap_or_default();
        }
    };
    let digits: String =
        rest.get(skip..).unwrap_or_default().chars().take(most).take_while(|c| c.is_digit(radix)).collect();
    let code = u32::from_str_radix(&digits, radix).ok().and_then(char::from_u32);
    match code {
        Some(found) if digits.len() >= least => {
            out.push(found);
            rest.get(skip + digits.len()..).unwrap_or_default()
        }
        _ => {
            out.push(c);
            rest.get(c.len_utf8()..).unwrap_or_default()
        }
    }
}
