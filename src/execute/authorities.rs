//! The certificates of the authorities that the system trusts.

/// Where distributions keep them.
const FILES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// As PEM; empty where there are none.
pub(crate) fn read() -> Vec<u8> {
    FILES.iter().find_map(|path| std::fs::read(path).ok()).unwrap_or_default()
}
