//! What root keys and encryptors first wrote, beside the goldens of sealing: every later version reads it, bit by bit.

use std::sync::Arc;

use chancery_vault::context::{Context, Kind, Purpose};
use chancery_vault::credentials::Secret;
use chancery_vault::encryptor::{Encryptor, Padded, Standard};
use chancery_vault::keys::Key;
use chancery_vault::limits::MIN_KDF_MEMORY_KIB;
use chancery_vault::passwords::{KdfParams, KdfPool};
use chancery_vault::root::{FileRoot, PassphraseRoot, RootKey, Wrapped};
use chancery_vault::sealing::from_text;
use futures::executor::block_on;

/// Where the master key belongs that was locked.
const MASTER: Context<'static> = Context {
    vault: *b"a golden vault!!",
    kind: Kind::Key,
    table: b"",
    record: b"master",
    column: b"",
    version: 1,
    purpose: Purpose::Key,
    schema: 1,
};
/// The name of a root key, and what it locked. The passphrase is `correct horse`.
const BY_PASSPHRASE: (&str, &str) = (
    "edb87bc6e744b576",
    concat!(
        "vs1.AQAAHAAAAAACAAAAAZBmUNtTgZvhqI3Qk8DkhRbEVgEBAAAAAADPMz0NcbillrKVrrPmjarjhU60yY-vOxogGH",
        "MwgS865g6HL9EgRRNZioaV7aVRGcoo1GfkHPXfVWgAi8tsJfKUjt9TzCoPGL1vbUVZkre7dXmBquEnP37oS7KvmZx0",
        "N5zQHuAWD5ey_A",
    ),
);
const BY_FILE: (&str, &str) = (
    "d7d0e5c920da0ae0",
    concat!(
        "vs1.xFYBAQAAAAAAjzxdFc1xhT-VQ8nXpobl1M0OBJs0KE0d1KGEmhzg8JP0SAnOSNGnQnX90n8Z1Dsh1eG4T1DM4Z",
        "aA41p_tdaTCpO2-18BPMqRLzxWMBbGOZYQQgog6zkb83dHxNw0DENY7dD-8Lh4sgQ",
    ),
);
/// A key file as it was made.
const KEY_FILE: &str = concat!(
    "# The root key of a Chancery vault. Back this file up, apart from the database: without it nothing\n",
    "# in the vault can be read again. Whoever has it and the database can read everything that no password locks.\n",
    "20364f55211f06928e563980806bbc92922f6e8dc9bef4816c0424686725ac8b\n",
);
/// The value `hunter42`, by each encryptor.
const BY_STANDARD: &str = concat!(
    "vs1.xFYBAQAAAAAAoKQ90Ti0gKEKQWjX3eeIgMacRwVJPrvzcaHBKWzr1KqaZo42aqoYupXnpZnR6l5XTGE-RO8o8J",
    "fAyvpffFBvgDSWKPLvkqSrxIrVOfcitZI",
);
const BY_PADDED: &str = concat!(
    "vs1.xFYBAQAAAAAASPaOVMZ7s6h7FmEVDRV0BnTGlh8oc5Wjp1sBTWps1gQV6xGmQcVYMsNtLUCzJglMrFLkZNGvDJ",
    "ODKxXqdDM2r-sGEgD5zgDvim9GM2DsISK4k8fjEczj8qZwSI-RPISnBhONfA9l7LUyIpg9BUfZfMsNrAPOMpXiBPqy",
    "xLDFa7-ZfkarCkq-H5bsy0IwxmrEjW1n8rA63LsOozR8n0w2Xq8V8RfEGCzB4l7Kfil8Y_wXEAxyEavJ6LpC0YdXeP",
    "0XJQnuwxP3PNcgrtWUXaCJ6JeF0bStO1wmaDzGLqCFpH4hz9posLrSJuauToLGCJUoyBvIMTILPBL7tgnm02gcblSC",
    "-Ut3l-R0Y4z8aB0VP0A1RE4bOli3qoX2iAepnTlS1AFsm_2TXaal-YCVBLUvoCwdQP4oUmnoLF_e5JaXUd50UBWh2q",
    "OuJg",
);

/// The bytes from zero to 31: the master key that was locked, and the key of the value.
fn key() -> Key {
    let bytes: Vec<u8> = (0..32).collect();
    Key::from_bytes(&bytes).unwrap()
}

/// Checks that a root key unlocks what it locked, and nothing that differs from it in one bit of each byte.
fn check_root(root: &dyn RootKey, (fingerprint, text): (&str, &str)) {
    let unwrap = |bytes: &[u8]| {
        let wrapped = Wrapped {
            fingerprint: fingerprint.to_owned(),
            bytes: bytes.to_vec(),
        };
        block_on(root.unwrap(&MASTER, &wrapped))
    };
    let bytes = from_text(text).unwrap();
    assert_eq!(unwrap(&bytes).unwrap().expose(), key().expose());
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        assert!(unwrap(&altered).is_err(), "byte {at}");
        assert!(unwrap(&bytes[..at]).is_err(), "cut to {at} bytes");
    }
    assert!(unwrap(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn a_passphrase_unlocks_what_it_locked_at_first() {
    let pool = Arc::new(KdfPool::new(1, MIN_KDF_MEMORY_KIB));
    let root = PassphraseRoot::new(Secret::new("correct horse"), KdfParams::DEFAULT, pool).unwrap();
    check_root(&root, BY_PASSPHRASE);
}

#[test]
fn a_key_file_unlocks_what_it_locked_at_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    std::fs::write(&path, KEY_FILE).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    check_root(&FileRoot::open(&path).unwrap(), BY_FILE);
}

#[test]
fn encryptors_open_what_they_sealed_at_first_and_nothing_like_it() {
    let place = Context {
        kind: Kind::Secret,
        record: &[0x42; 16],
        purpose: Purpose::Value,
        ..MASTER
    };
    let both: [(&dyn Encryptor, &str); 2] = [(&Standard, BY_STANDARD), (&Padded, BY_PADDED)];
    for (encryptor, text) in both {
        let sealed = from_text(text).unwrap();
        let opened = encryptor.decrypt(&key(), &place, &sealed).unwrap();
        assert_eq!(opened.expose(), b"hunter42");
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut altered = sealed.clone();
                altered[at] ^= 1 << bit;
                assert!(encryptor.decrypt(&key(), &place, &altered).is_err(), "byte {at}");
            }
            assert!(encryptor.decrypt(&key(), &place, &sealed[..at]).is_err());
        }
    }
}
