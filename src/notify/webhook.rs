//! A notice posted to an address, signed with a key that both ends hold.
//! No proxies, no redirects, no certificates but those of authorities; the answer's status is all that is read.

use super::Failure;
use super::config::Webhook;
use super::names::Names;
use crate::event::line::hex;
use crate::execute::authorities;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::DefaultConnector;

pub(super) fn post(webhook: &Webhook, limit: Duration, id: &str, body: &[u8]) -> Result<(), Failure> {
    let stamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
    let signature = sign(&webhook.secret, &stamp, body)
        .ok_or_else(|| Failure::Lasting("the secret cannot be used as a key".into()))?;
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(limit))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .tls_config(tls(webhook)?)
        .user_agent(concat!("guard/", env!("CARGO_PKG_VERSION")))
        .build();
    let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), Names { loopback: webhook.loopback });
    let sent = agent
        .post(&webhook.url)
        .header("Content-Type", "application/json")
        .header("Guard-Timestamp", &stamp)
        .header("Guard-Signature", format!("v1={signature}"))
        .header("Guard-Delivery", id)
        .send(body);
    match sent {
        Ok(answer) => status(answer.status().as_u16()),
        Err(error) => Err(failure(error, &webhook.host, limit)),
    }
}

/// HMAC-SHA256 over `v1:`, the time, `:` and the body, in hex.
fn sign(secret: &[u8], stamp: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    for part in [b"v1:", stamp.as_bytes(), b":", body] {
        mac.update(part);
    }
    Some(hex(&mac.finalize().into_bytes()))
}

fn status(code: u16) -> Result<(), Failure> {
    let said = format!("it answered {code}");
    match code {
        200..=299 => Ok(()),
        300..=399 => Err(Failure::Lasting(format!("{said}, and redirects are not followed"))),
        408 | 429 => Err(Failure::Passing(said)),
        400..=499 => Err(Failure::Lasting(said)),
        _ => Err(Failure::Passing(said)),
    }
}

/// The authorities of the system and of the configuration; none for what goes in clear.
fn tls(webhook: &Webhook) -> Result<TlsConfig, Failure> {
    let mut trusted: Vec<Certificate<'static>> = Vec::new();
    if !webhook.loopback {
        let system = authorities::read();
        for pem in [&system, &webhook.authorities] {
            trusted.extend(parse_pem(pem).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                Ok(_) | Err(_) => None,
            }));
        }
        if trusted.is_empty() {
            let cause = "this machine trusts no authorities: install its `ca-certificates`, or name a `ca_file`";
            return Err(Failure::Lasting(cause.into()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(trusted)));
    Ok(config.unversioned_rustls_crypto_provider(provider).build())
}

/// What went wrong, without the address: it may hold a secret.
#[expect(clippy::wildcard_enum_match_arm, reason = "the list is open: any other error says as much as it may")]
fn failure(error: ureq::Error, host: &str, limit: Duration) -> Failure {
    Failure::Passing(match error {
        ureq::Error::Timeout(_) => format!("no answer from `{host}` within {} s", limit.as_secs_f64()),
        ureq::Error::HostNotFound => format!("the name `{host}` is not known"),
        ureq::Error::ConnectionFailed => format!("cannot connect to `{host}`"),
        ureq::Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(cause)) => return untrusted(host, cause),
            Some(error) => format!("no secure connection with `{host}`: {error}"),
            None => format!("the connection with `{host}` failed: {error}"),
        },
        ureq::Error::Rustls(rustls::Error::InvalidCertificate(cause)) => return untrusted(host, &cause),
        ureq::Error::Rustls(error) => format!("no secure connection with `{host}`: {error}"),
        ureq::Error::Tls(error) => format!("no secure connection with `{host}`: {error}"),
        ureq::Error::Protocol(error) => format!("`{host}` does not answer as HTTP asks for: {error}"),
        _ => format!("the post to `{host}` failed"),
    })
}

fn untrusted(host: &str, cause: &rustls::CertificateError) -> Failure {
    Failure::Lasting(format!("the certificate of `{host}` is not trusted: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by `printf 'v1:1700000000:{}' | openssl dgst -sha256 -hmac 0123456789abcdef`.
    #[test]
    fn a_signature_is_what_openssl_makes_of_the_same() {
        let signature = sign(b"0123456789abcdef", "1700000000", b"{}").unwrap();
        assert_eq!(signature, "31ab1a5f612982cbb606c3c6f69fbba87fb23b3157b28a815b8e95ee6561e8c5");
    }

    #[test]
    fn what_may_pass_is_told_from_what_lasts() {
        let kind = |code| match status(code) {
            Ok(()) => "sent",
            Err(Failure::Passing(_)) => "again",
            Err(Failure::Lasting(_)) => "over",
        };
        let kinds = [200, 202, 204, 301, 307, 400, 401, 404, 408, 410, 429, 500, 503, 599].map(kind);
        assert_eq!(kinds.join(" "), "sent sent sent over over over over over again over again again again again");
    }
}
