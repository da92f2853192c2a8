//! Signatures of security keys. No such device is at hand in a test, so what one would answer is put together as
//! OpenSSH's PROTOCOL.u2f says, by an ordinary key; that it is put together right, `ssh-keygen -Y verify` attests.

use super::{Desk, STATEMENT, armoured, now, signers, unarmoured};
use guard::approve::Strength;
use guard::approve::ssh::{NAMESPACE, SignatureError, line};
use sha2::{Digest, Sha256};
use ssh_key::public::{KeyData, SkEcdsaSha2NistP256, SkEd25519};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, LineEnding, PrivateKey, PublicKey, Signature, SigningKey, SshSig};

const APPLICATION: &str = "ssh:";
/// Somebody touched it.
const TOUCHED: u8 = 0x01;
/// Somebody proved by PIN or finger who they are, too.
const KNOWN: u8 = 0x04;

/// A key that answers as a security key would.
struct Device {
    inside: PrivateKey,
    outside: KeyData,
    algorithm: Algorithm,
}

/// The bytes of a signature, by the trait that the library's keys share.
fn signed<K: SigningKey>(key: &K, bytes: &[u8]) -> Vec<u8> {
    key.try_sign(bytes).unwrap().as_bytes().to_vec()
}

impl Device {
    fn both(desk: &Desk) -> [Self; 2] {
        desk.key("ed25519", &["ed25519"]);
        desk.key("ecdsa", &["ecdsa", "-b", "256"]);
        let inside = PrivateKey::from_openssh(desk.read("ed25519")).unwrap();
        let point = inside.public_key().key_data().ed25519().unwrap();
        let outside = KeyData::SkEd25519(SkEd25519::new(*point, APPLICATION));
        let first = Self { outside, algorithm: Algorithm::SkEd25519, inside };
        let inside = PrivateKey::from_openssh(desk.read("ecdsa")).unwrap();
        assert_eq!(inside.algorithm(), Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 });
        let KeyData::Ecdsa(ssh_key::public::EcdsaPublicKey::NistP256(point)) = inside.public_key().key_data() else {
            unreachable!("a P-256 key")
        };
        let outside = KeyData::SkEcdsaSha2NistP256(SkEcdsaSha2NistP256::new(*point, APPLICATION));
        [first, Self { outside, algorithm: Algorithm::SkEcdsaSha2NistP256, inside }]
    }

    fn public(&self) -> String {
        PublicKey::new(self.outside.clone(), "blue one").to_openssh().unwrap()
    }

    fn sign(&self, flags: u8, application: &str) -> String {
        let blob = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, STATEMENT).unwrap();
        let trailer = [&[flags][..], &7_u32.to_be_bytes()].concat();
        let bytes = [&Sha256::digest(application)[..], &trailer, &Sha256::digest(&blob)[..]].concat();
        let answer = [signed(&self.inside, &bytes), trailer].concat();
        let signature = Signature::new(self.algorithm.clone(), answer).unwrap();
        let file = SshSig::new(self.outside.clone(), NAMESPACE, HashAlg::Sha512, signature).unwrap();
        file.to_pem(LineEnding::LF).unwrap()
    }
}

#[test]
fn a_security_key_that_was_touched_is_the_strongest() {
    let desk = Desk::new();
    for device in Device::both(&desk) {
        let line = line("anna", &device.public()).unwrap();
        let approvers = signers(&line);
        let signer = approvers.iter().next().unwrap();
        assert_eq!((signer.strength(), signer.comment()), (Strength::SecurityKey, "blue one"));
        for flags in [TOUCHED, TOUCHED | KNOWN, 0xff] {
            let signature = device.sign(flags, APPLICATION);
            assert!(desk.openssh_verifies(&line, "anna", STATEMENT, &signature, "20261121Z"), "{signature}");
            let signed = approvers.verify(STATEMENT, &signature, now()).unwrap();
            assert_eq!((signed.name(), signed.strength()), ("anna", Strength::SecurityKey));
        }
    }
}

#[test]
fn a_security_key_that_nobody_touched_is_refused_though_its_signature_is_right() {
    let desk = Desk::new();
    for device in Device::both(&desk) {
        let line = line("anna", &device.public()).unwrap();
        for flags in [0, KNOWN, 0xfe] {
            let signature = device.sign(flags, APPLICATION);
            // The construction is right: what is refused is the presence alone.
            assert!(ssh_key::SshSig::from_pem(&signature).is_ok_and(|file| {
                PublicKey::from(device.outside.clone()).verify(NAMESPACE, STATEMENT, &file).is_ok()
            }));
            let found = signers(&line).verify(STATEMENT, &signature, now());
            assert_eq!(found, Err(SignatureError::NotPresent { name: "anna".to_owned() }), "{flags:#x}");
        }
    }
}

#[test]
fn a_touch_cannot_be_added_afterwards_nor_any_byte_changed() {
    let desk = Desk::new();
    for device in Device::both(&desk) {
        let approvers = signers(&line("anna", &device.public()).unwrap());
        let untouched = unarmoured(&device.sign(0, APPLICATION));
        let mut touched = untouched.clone();
        let flags = touched.len() - 5;
        touched[flags] |= TOUCHED;
        let found = approvers.verify(STATEMENT, &armoured(&touched), now());
        assert_eq!(found, Err(SignatureError::OtherStatement { name: "anna".to_owned() }));
        let bytes = unarmoured(&device.sign(TOUCHED, APPLICATION));
        for at in 0..bytes.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= mask;
                assert!(approvers.verify(STATEMENT, &armoured(&changed), now()).is_err(), "byte {at} ^ {mask:#x}");
            }
        }
    }
}

#[test]
fn a_security_keys_answer_for_another_application_is_refused() {
    let desk = Desk::new();
    for device in Device::both(&desk) {
        let line = line("anna", &device.public()).unwrap();
        let signature = device.sign(TOUCHED, "webauthn.example");
        assert!(!desk.openssh_verifies(&line, "anna", STATEMENT, &signature, "20261121Z"));
        let found = signers(&line).verify(STATEMENT, &signature, now());
        assert_eq!(found, Err(SignatureError::OtherStatement { name: "anna".to_owned() }));
    }
}

#[test]
fn an_ordinary_signature_by_the_key_inside_is_not_the_devices() {
    let desk = Desk::new();
    let [device, _] = Device::both(&desk);
    let approvers = signers(&line("anna", &device.public()).unwrap());
    let plain = desk.sign("ed25519", NAMESPACE, STATEMENT, &[]);
    let found = approvers.verify(STATEMENT, &plain, now());
    assert!(matches!(found, Err(SignatureError::UnknownKey { .. })), "{found:?}");
}
