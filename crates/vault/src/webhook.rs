//! Signatures of webhooks, as the Standard Webhooks specification has them: HMAC-SHA-256 over id, time and body. It sends
//! nothing and keeps no secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::credentials::Secret;

/// How a secret starts.
const PREFIX: &str = "whsec_";
/// Random bytes of a secret.
const KEY_BYTES: usize = 32;
/// How a signature of this kind starts.
const VERSION: &str = "v1,";

/// A fresh secret for one webhook: `whsec_` and base64.
pub fn new_secret() -> Secret {
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    rand::rng().fill_bytes(key.as_mut());
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(key.as_slice())))
}

/// The header `webhook-signature` of a message; none if the secret is not one of these.
///
/// ```
/// use chancery_vault::{credentials::Secret, webhook};
/// // The example of the specification's reference implementations.
/// let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
/// let signature = webhook::sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, br#"{"test": 2432232314}"#);
/// assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
/// ```
pub fn sign(secret: &Secret, id: &str, seconds: i64, body: &[u8]) -> Option<String> {
    let mac = mac(secret, id, seconds, body)?;
    Some(format!(
        "{VERSION}{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

/// Whether one of the signatures in a header, which spaces part, is that of the message; takes the same time either way.
pub fn verify(secret: &Secret, id: &str, seconds: i64, body: &[u8], header: &str) -> bool {
    header.split(' ').any(|signature| {
        let bytes = signature
            .strip_prefix(VERSION)
            .and_then(|text| STANDARD.decode(text).ok());
        match (bytes, mac(secret, id, seconds, body)) {
            (Some(bytes), Some(mac)) => mac.verify_slice(&bytes).is_ok(),
            _ => false,
        }
    })
}

fn mac(secret: &Secret, id: &str, seconds: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
    let key = Zeroizing::new(STANDARD.decode(secret.expose().strip_prefix(PREFIX)?).ok()?);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_message_and_one_secret() {
        let (secret, other) = (new_secret(), new_secret());
        let signature = sign(&secret, "msg_1", 1_700_000_000, b"{}").unwrap();
        let several = format!("v1,AAAA v2,xx {signature}");
        assert!(verify(&secret, "msg_1", 1_700_000_000, b"{}", &several));
        assert!(!verify(&other, "msg_1", 1_700_000_000, b"{}", &signature));
        assert!(!verify(&secret, "msg_2", 1_700_000_000, b"{}", &signature));
        assert!(!verify(&secret, "msg_1", 1_700_000_001, b"{}", &signature));
        assert!(!verify(&secret, "msg_1", 1_700_000_000, b"{ }", &signature));
        assert!(!verify(&secret, "msg_1", 1_700_000_000, b"{}", ""));
        assert_eq!(sign(&Secret::new("whsec_?"), "msg_1", 0, b""), None);
    }
}
