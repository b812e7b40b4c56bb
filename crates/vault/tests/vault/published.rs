//! The algorithms underneath against vectors that others published: RFC 5869, RFC 9106 and Wycheproof. Nothing of ours is
//! tried here but the choice of libraries and how they are called.

use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut};
use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha512};
use wycheproof::TestResult;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// Input keying material, salt, info and output of appendix A of RFC 5869, the cases with SHA-256.
const RFC_5869: [[&str; 4]; 3] = [
    [
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ],
    [
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f\
         303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
        "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f\
         909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
        "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf\
         e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09\
         da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ],
    [
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "",
        "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ],
];

#[test]
fn hkdf_agrees_with_rfc_5869() {
    for [key, salt, info, output] in RFC_5869 {
        let expected = bytes(output);
        let mut derived = vec![0; expected.len()];
        Hkdf::<Sha256>::new(Some(&bytes(salt)), &bytes(key))
            .expand(&bytes(info), &mut derived)
            .unwrap();
        assert_eq!(derived, expected);
    }
}

#[test]
fn argon2id_agrees_with_rfc_9106() {
    // Section 5.3.
    let mut builder = ParamsBuilder::new();
    builder
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).unwrap())
        .output_len(32);
    let secret = [3; 8];
    let argon2 = Argon2::new_with_secret(
        &secret,
        Algorithm::Argon2id,
        Version::V0x13,
        builder.build().unwrap(),
    )
    .unwrap();
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
    let expected = bytes("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
    assert_eq!(tag.as_slice(), expected);
}

#[test]
fn hkdf_sha_512_agrees_with_wycheproof() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha512).unwrap();
    let mut tried = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut derived = vec![0; test.size];
        let answer = Hkdf::<Sha512>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut derived);
        let agrees = answer.is_ok() && derived == test.okm[..];
        assert_eq!(agrees, test.result == TestResult::Valid, "case {}", test.tc_id);
        tried += 1;
    }
    assert!(tried > 50, "{tried} cases");
}

#[test]
fn hmac_sha_256_agrees_with_wycheproof() {
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let mut tried = 0;
    for group in set.test_groups.iter().filter(|group| group.tag_size == 256) {
        for test in &group.tests {
            let mut mac = Hmac::<Sha256>::new_from_slice(&test.key).unwrap();
            mac.update(&test.msg);
            let agrees = mac.verify_slice(&test.tag).is_ok();
            assert_eq!(agrees, test.result == TestResult::Valid, "case {}", test.tc_id);
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried} cases");
}

#[test]
fn aes_256_gcm_agrees_with_wycheproof() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
    let mut tried = 0;
    let ours = |group: &&wycheproof::aead::TestGroup| {
        (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128)
    };
    for test in set.test_groups.iter().filter(ours).flat_map(|group| &group.tests) {
        let cipher = Aes256Gcm::new_from_slice(&test.key).unwrap();
        let nonce: &[u8; 12] = test.nonce[..].try_into().unwrap();
        let tag: &[u8; 16] = test.tag[..].try_into().unwrap();
        let valid = test.result == TestResult::Valid;

        let mut opened = test.ct.to_vec();
        let answer =
            cipher.decrypt_inout_detached(nonce.into(), &test.aad, opened.as_mut_slice().into(), tag.into());
        assert_eq!(answer.is_ok(), valid, "case {}", test.tc_id);
        if valid {
            assert_eq!(opened, test.pt[..], "case {}", test.tc_id);
        } else {
            assert_eq!(
                opened,
                test.ct[..],
                "nothing is released of what does not open: case {}",
                test.tc_id
            );
        }

        let mut sealed = test.pt.to_vec();
        let made = cipher
            .encrypt_inout_detached(nonce.into(), &test.aad, sealed.as_mut_slice().into())
            .unwrap();
        assert_eq!(
            sealed == test.ct[..] && made[..] == test.tag[..],
            valid,
            "case {}",
            test.tc_id
        );
        tried += 1;
    }
    assert!(tried > 50, "{tried} cases");
}
