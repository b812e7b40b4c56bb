//! Ciphertexts, locks, hashes and settings as they were first written: every later version opens them, and nothing that
//! differs from them by a bit.
//!
//! `testdata/goldens.txt` is frozen. With `UPDATE_GOLDEN=1` it is written if it is not there; if it is, it is never touched:
//! what a new suite writes goes into a file of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use chancery_vault::context::{Context, Kind, Purpose};
use chancery_vault::keys::{Key, MacKeys, MacPurpose};
use chancery_vault::limits::MIN_KDF_MEMORY_KIB;
use chancery_vault::locks::{Locks, Protection, protection};
use chancery_vault::passwords::{KdfParams, KdfPool, KdfSetting, PasswordKey};
use chancery_vault::sealing::{Header, SealError, SealingKey, from_text, to_text};
use chancery_vault::tokens::{Token, TokenKind};

/// One golden: the words of its line.
type Golden = BTreeMap<String, String>;

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "testdata", "goldens.txt"]
        .iter()
        .collect()
}

/// Reads the goldens of one kind; writes all of them first if that was asked for and there are none.
fn goldens(what: &str) -> Vec<Golden> {
    let goldens: Vec<Golden> = text()
        .lines()
        .filter_map(|line| line.strip_prefix(what)?.strip_prefix(' '))
        .map(|line| {
            let words = line.split(' ').map(|word| word.split_once('=').unwrap());
            words
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect()
        })
        .collect();
    assert!(!goldens.is_empty(), "there are goldens of {what}");
    goldens
}

fn text() -> String {
    static WRITTEN: std::sync::Once = std::sync::Once::new();
    WRITTEN.call_once(|| {
        if std::env::var_os("UPDATE_GOLDEN").is_some() && !path().exists() {
            std::fs::write(path(), write()).unwrap();
        }
    });
    std::fs::read_to_string(path()).expect("the goldens are there")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn key(golden: &Golden) -> Key {
    Key::from_bytes(&bytes(&golden["key"])).unwrap()
}

fn sealing_key(golden: &Golden) -> SealingKey {
    SealingKey::new(golden["kid"].parse().unwrap(), key(golden))
}

/// The parts of a context that have no fixed size.
fn names(golden: &Golden) -> [Vec<u8>; 3] {
    ["table", "record", "column"].map(|name| bytes(&golden[name]))
}

fn context<'a>(golden: &Golden, [table, record, column]: &'a [Vec<u8>; 3]) -> Context<'a> {
    Context {
        vault: bytes(&golden["vault"]).try_into().unwrap(),
        kind: *Kind::ALL
            .iter()
            .find(|kind| format!("{kind:?}") == golden["kind"])
            .unwrap(),
        table,
        record,
        column,
        version: golden["version"].parse().unwrap(),
        purpose: *Purpose::ALL
            .iter()
            .find(|purpose| format!("{purpose:?}") == golden["purpose"])
            .unwrap(),
        schema: golden["schema"].parse().unwrap(),
    }
}

fn place(context: &Context<'_>) -> String {
    format!(
        "vault={} kind={:?} table={} record={} column={} version={} purpose={:?} schema={}",
        hex(&context.vault),
        context.kind,
        hex(context.table),
        hex(context.record),
        hex(context.column),
        context.version,
        context.purpose,
        context.schema
    )
}

/// Checks that a ciphertext opens, and that no other within reach does: a bit changed anywhere, cut, or made longer.
fn check(sealed: &[u8], opens: impl Fn(&[u8]) -> bool) {
    assert!(opens(sealed), "the golden opens");
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut altered = sealed.to_vec();
            altered[at] ^= 1 << bit;
            assert!(!opens(&altered), "byte {at}, bit {bit}");
        }
        assert!(!opens(&sealed[..at]), "cut to {at} bytes");
        assert!(!opens(&sealed[at + 1..]), "without its first {} bytes", at + 1);
    }
    for more in [&[0][..], &[0; 16], sealed] {
        assert!(!opens(&[sealed, more].concat()), "{} bytes longer", more.len());
    }
}

#[test]
fn messages_open_and_nothing_like_them() {
    for golden in goldens("message") {
        let (key, names) = (sealing_key(&golden), names(&golden));
        let context = context(&golden, &names);
        let sealed = from_text(&golden["sealed"]).unwrap();
        let expected = bytes(&golden["plaintext"]);
        assert_eq!(key.open(&context, &sealed).unwrap().expose(), expected);
        check(&sealed, |sealed| key.open(&context, sealed).is_ok());
    }
}

#[test]
fn cells_open_and_nothing_like_them() {
    for golden in goldens("cell") {
        let names = names(&golden);
        let context = context(&golden, &names);
        let key = sealing_key(&golden).column_key(context.table, context.column, context.version);
        let sealed = from_text(&golden["sealed"]).unwrap();
        let expected = bytes(&golden["plaintext"]);
        assert_eq!(key.open(&context, &sealed).unwrap().expose(), expected);
        check(&sealed, |sealed| key.open(&context, sealed).is_ok());
    }
}

#[test]
fn a_golden_does_not_open_under_another_number_of_the_key() {
    for golden in goldens("message") {
        let names = names(&golden);
        let context = context(&golden, &names);
        let sealed = from_text(&golden["sealed"]).unwrap();
        let found = Header::read(&sealed).unwrap().kid;
        let other = SealingKey::new(found ^ 1, key(&golden));
        assert_eq!(
            other.open(&context, &sealed).err(),
            Some(SealError::OtherKey {
                found,
                offered: found ^ 1
            })
        );
        let mut renumbered = sealed.clone();
        renumbered[5..9].copy_from_slice(&other.kid().to_be_bytes());
        assert_eq!(other.open(&context, &renumbered).err(), Some(SealError::Refused));
    }
}

#[test]
fn texts_are_refused_if_a_character_changes() {
    for golden in goldens("message").iter().chain(&goldens("cell")) {
        let text = &golden["sealed"];
        let sealed = from_text(text).unwrap();
        assert_eq!(&to_text(&sealed), text);
        for at in 0..text.len() {
            for other in [b'A', b'B', b'_', b'=', b' ', 0] {
                let mut altered = text.clone().into_bytes();
                if altered[at] == other {
                    continue;
                }
                altered[at] = other;
                let altered = String::from_utf8(altered).unwrap();
                assert_ne!(
                    from_text(&altered).as_ref(),
                    Ok(&sealed),
                    "character {at} as {other}"
                );
            }
        }
    }
}

#[test]
fn locks_open_and_nothing_like_them() {
    for golden in goldens("lock") {
        let names = names(&golden);
        let (context, server) = (context(&golden, &names), sealing_key(&golden));
        let password = golden
            .get("password")
            .map(|password| password_key(&goldens("setting")[0], &bytes(password)));
        let by = Locks {
            server: &server,
            password: password.as_ref(),
        };
        let locked = from_text(&golden["sealed"]).unwrap();
        assert_eq!(
            by.unlock(&context, &locked).unwrap().expose()[..],
            bytes(&golden["plaintext"])
        );
        let expected = match &password {
            Some(password) => Protection::Password {
                setting: password.setting(),
            },
            None => Protection::Server,
        };
        assert_eq!(protection(&server, &context, &locked), Ok(expected));
        check(&locked, |locked| by.unlock(&context, locked).is_ok());
    }
}

fn password_key(golden: &Golden, password: &[u8]) -> PasswordKey {
    let keys = MacKeys::of(&key(golden));
    let setting = KdfSetting::load(&keys, golden["id"].parse().unwrap(), &bytes(&golden["stored"])).unwrap();
    KdfPool::new(1, MIN_KDF_MEMORY_KIB)
        .derive(password, &setting, Duration::ZERO)
        .unwrap()
}

#[test]
fn settings_and_verifiers_are_what_they_were() {
    for golden in goldens("setting") {
        let (keys, names) = (MacKeys::of(&key(&golden)), names(&golden));
        let (id, stored) = (golden["id"].parse().unwrap(), bytes(&golden["stored"]));
        let derived = password_key(&golden, &bytes(&golden["password"]));
        let verifier = derived.verifier(&keys, &context(&golden, &names));
        assert_eq!(hex(&verifier), golden["verifier"]);
        check(&stored, |stored| KdfSetting::load(&keys, id, stored).is_ok());
        assert_eq!(KdfSetting::load(&keys, id, &stored).unwrap().store(&keys), stored);
    }
}

#[test]
fn codes_indexes_and_fingerprints_are_what_they_were() {
    for golden in goldens("codes") {
        assert_eq!(line_of_codes(&golden["key"], &golden["token"]), {
            let words: Vec<String> = ["key", "token", "fingerprint", "hash", "index"]
                .into_iter()
                .chain(MAC_NAMES)
                .map(|name| format!("{name}={}", golden[name]))
                .collect();
            format!("codes {}\n", words.join(" "))
        });
        assert_eq!(Token::parse(&golden["token"]).unwrap().kind(), TokenKind::Drawn);
    }
}

/// The names of the codes in a line, in the order of `MacPurpose::ALL`.
const MAC_NAMES: [&str; 5] = ["mac0", "mac1", "mac2", "mac3", "mac4"];

fn line_of_codes(key_hex: &str, token: &str) -> String {
    let key = Key::from_bytes(&bytes(key_hex)).unwrap();
    let keys = MacKeys::of(&key);
    let hash = Token::parse(token).unwrap().hash(&keys);
    let fingerprint = key.fingerprint();
    let index = SealingKey::new(1, key)
        .index_key(b"people", b"iban", b"exact", 1)
        .of(b"DE00");
    let mut line = format!(
        "codes key={key_hex} token={token} fingerprint={fingerprint} hash={} index={}",
        hex(hash.as_bytes()),
        hex(&index)
    );
    for (name, purpose) in MAC_NAMES.into_iter().zip(MacPurpose::ALL) {
        write!(
            line,
            " {name}={}",
            hex(&keys.mac(purpose, &[b"one", b"", b"two"]))
        )
        .unwrap();
    }
    line.push('\n');
    line
}

/// The goldens anew, with other salts each time.
fn write() -> String {
    let key_bytes: Vec<u8> = (0..32).collect();
    let key_hex = hex(&key_bytes);
    let key = |kid| SealingKey::new(kid, Key::from_bytes(&key_bytes).unwrap());
    let secret = Context {
        vault: *b"a golden vault!!",
        kind: Kind::Secret,
        table: b"",
        record: &[0x42; 16],
        column: b"",
        version: 1,
        purpose: Purpose::Value,
        schema: 1,
    };
    let cell = Context {
        kind: Kind::Cell,
        table: b"people",
        record: b"r1",
        column: b"iban",
        version: 3,
        ..secret
    };
    let mut text =
        String::from("# Frozen: what later versions have to open. Bytes are in hexadecimal digits.\n");
    let all_bytes: Vec<u8> = (0..=255).collect();
    let metadata = secret.with_purpose(Purpose::Metadata);
    let kept_key = Context {
        kind: Kind::Key,
        record: &[0, 0, 0, 9],
        purpose: Purpose::Key,
        ..secret
    };
    for (kid, context, plaintext) in [
        (0, secret, &b"hunter42"[..]),
        (1, secret, b""),
        (u32::MAX, metadata, &all_bytes),
        (7, kept_key, &key_bytes),
    ] {
        let sealed = to_text(&key(kid).seal(&context, plaintext).unwrap());
        let (place, plaintext) = (place(&context), hex(plaintext));
        writeln!(
            text,
            "message kid={kid} key={key_hex} {place} plaintext={plaintext} sealed={sealed}"
        )
        .unwrap();
    }
    for (kid, plaintext) in [(2, &b"DE02120300000000202051"[..]), (2, b""), (258, &all_bytes)] {
        let column = key(kid).column_key(cell.table, cell.column, cell.version);
        let sealed = to_text(&column.seal(&cell, plaintext).unwrap());
        let (place, plaintext) = (place(&cell), hex(plaintext));
        writeln!(
            text,
            "cell kid={kid} key={key_hex} {place} plaintext={plaintext} sealed={sealed}"
        )
        .unwrap();
    }
    write_passwords(&mut text, &key(4), &key_hex, &secret);
    text.push_str(&line_of_codes(&key_hex, Token::random().expose()));
    text
}

/// A setting, and a lock with and without a password.
fn write_passwords(text: &mut String, server: &SealingKey, key_hex: &str, secret: &Context<'_>) {
    let (key_bytes, password, place) = (bytes(key_hex), b"correct horse", place(secret));
    let keys = MacKeys::of(&Key::from_bytes(&key_bytes).unwrap());
    let setting = KdfSetting::random(5, KdfParams::new(MIN_KDF_MEMORY_KIB, 1, 1).unwrap());
    let derived = KdfPool::new(1, MIN_KDF_MEMORY_KIB)
        .derive(password, &setting, Duration::ZERO)
        .unwrap();
    writeln!(
        text,
        "setting id=5 key={key_hex} {place} password={} stored={} verifier={}",
        hex(password),
        hex(&setting.store(&keys)),
        hex(&derived.verifier(&keys, secret))
    )
    .unwrap();
    let value_key = Key::from_bytes(&[0x77; 32]).unwrap();
    for (set, words) in [
        (None, String::new()),
        (Some(&derived), format!(" password={}", hex(password))),
    ] {
        let by = Locks {
            server,
            password: set,
        };
        let (kid, sealed) = (server.kid(), to_text(&by.lock(secret, &value_key)));
        let plaintext = hex(value_key.expose());
        writeln!(
            text,
            "lock kid={kid} key={key_hex} {place}{words} plaintext={plaintext} sealed={sealed}"
        )
        .unwrap();
    }
}
