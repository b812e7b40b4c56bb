//! Everything that is read back from a database, a file or a person, with arbitrary content and with true content that was
//! changed: it is refused or has one spelling, and nothing panics.

use std::sync::Arc;

use chancery_vault::context::Purpose;
use chancery_vault::credentials::Secret;
use chancery_vault::encryptor::{Encryptor, Padded, Standard};
use chancery_vault::keys::{Key, MacKeys};
use chancery_vault::limits::{MAX_TOKEN_BYTES, MIN_KDF_MEMORY_KIB};
use chancery_vault::locks::{LockError, Locks, protection};
use chancery_vault::passwords::{KdfError, KdfParams, KdfPool, KdfSetting};
use chancery_vault::root::{PassphraseRoot, RootError, RootKey, Wrapped};
use chancery_vault::sealing::{Header, SealError, SealingKey, Suite, from_text, to_text};
use chancery_vault::tokens::{Token, TokenError, TokenKind};
use futures::executor::block_on;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::places::{CELL, SECRET};

/// A change of something true.
#[derive(Clone, Debug)]
enum Change {
    Put(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    Swap(Index, Index),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let place = any::<Index>;
    let change = prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Change::Put(at, byte)),
        (place(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        place().prop_map(Change::Remove),
        place().prop_map(Change::Cut),
        (place(), place()).prop_map(|(one, other)| Change::Swap(one, other)),
    ];
    prop::collection::vec(change, 0..4)
}

/// The changes, one after the other; what has no bytes left stays as it is.
fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        let length = bytes.len();
        if length == 0 {
            break;
        }
        match *change {
            Change::Put(at, byte) => bytes[at.index(length)] = byte,
            Change::Insert(at, byte) => bytes.insert(at.index(length + 1), byte),
            Change::Remove(at) => drop(bytes.remove(at.index(length))),
            Change::Cut(at) => bytes.truncate(at.index(length)),
            Change::Swap(one, other) => bytes.swap(one.index(length), other.index(length)),
        }
    }
    bytes
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..250)
}

fn data_key() -> SealingKey {
    SealingKey::new(7, Key::from_bytes(&[9; 32]).unwrap())
}

/// A head that is read is written just so.
fn check_head(sealed: &[u8]) {
    if let Ok(header) = Header::read(sealed) {
        let (suite, least) = match header.suite {
            Suite::Message => (0x01, 81),
            Suite::Cell => (0x11, 41),
        };
        let head = [&[0xC4, 0x56, 1, suite, 0][..], &header.kid.to_be_bytes()].concat();
        assert_eq!(sealed[..9], head);
        assert!(sealed.len() >= least);
    }
}

/// A token that is read is the text itself, and a chosen one exactly if it does not look drawn.
fn check_token(text: &str) {
    match Token::parse(text) {
        Ok(token) => {
            assert_eq!(token.expose(), text);
            assert!((1..=MAX_TOKEN_BYTES).contains(&text.len()));
            match token.kind() {
                TokenKind::Custom => assert_eq!(Token::custom(text).unwrap().kind(), TokenKind::Custom),
                TokenKind::Drawn => assert_eq!(Token::custom(text).err(), Some(TokenError::LooksDrawn)),
            }
        }
        Err(TokenError::Mistyped) => assert_eq!(Token::custom(text).err(), Some(TokenError::LooksDrawn)),
        Err(error) => assert_eq!(Token::custom(text).err(), Some(error)),
    }
}

proptest! {
    #[test]
    fn heads_are_read_in_one_spelling_and_only_what_was_sealed_opens(
        plaintext in prop::collection::vec(any::<u8>(), 0..40),
        changes in changes(),
        arbitrary in bytes(),
    ) {
        check_head(&arbitrary);
        let column = data_key().column_key(CELL.table, CELL.column, CELL.version);
        let message = data_key().seal(&SECRET, &plaintext).unwrap();
        let cell = column.seal(&CELL, &plaintext).unwrap();
        for sealed in [&message, &cell] {
            let altered = changed(sealed, &changes);
            check_head(&altered);
            let is_true = altered == *sealed;
            let opens = data_key().open(&SECRET, &altered).is_ok() || column.open(&CELL, &altered).is_ok();
            prop_assert_eq!(opens, is_true);
        }
    }

    #[test]
    fn texts_have_one_spelling_even_when_they_are_changed(sealed in bytes(), changes in changes()) {
        let text = to_text(&sealed);
        prop_assert_eq!(from_text(&text), Ok(sealed));
        let altered = String::from_utf8_lossy(&changed(text.as_bytes(), &changes)).into_owned();
        match from_text(&altered) {
            Ok(bytes) => prop_assert_eq!(to_text(&bytes), altered),
            Err(error) => prop_assert_eq!(error, SealError::Text),
        }
    }

    #[test]
    fn tokens_are_taken_as_they_are_or_refused(
        arbitrary in any::<String>(),
        chosen in "[ -~\u{80}-\u{ff}]{0,260}",
        like_drawn in "tk_[0-9A-Za-z]{29,31}",
        changes in changes(),
    ) {
        let token = Token::random();
        let altered = changed(token.expose().as_bytes(), &changes);
        for text in [&arbitrary, &chosen, &like_drawn, &*String::from_utf8_lossy(&altered)] {
            check_token(text);
        }
    }

    #[test]
    fn of_stored_settings_only_true_ones_are_read(
        id in any::<u32>(),
        arbitrary in prop_oneof![bytes(), prop::collection::vec(any::<u8>(), 61)],
        changes in changes(),
    ) {
        let keys = MacKeys::of(&Key::from_bytes(&[9; 32]).unwrap());
        prop_assert!(KdfSetting::load(&keys, id, &arbitrary).is_err());
        let setting = KdfSetting::random(id, KdfParams::LIGHT);
        let stored = setting.store(&keys);
        let altered = changed(&stored, &changes);
        match KdfSetting::load(&keys, id, &altered) {
            Ok(read) => {
                prop_assert_eq!(read, setting);
                prop_assert_eq!(&read.store(&keys), &altered);
                prop_assert_eq!(altered, stored);
            }
            Err(KdfError::Altered) => prop_assert_eq!(altered.len(), stored.len()),
            Err(error) => prop_assert_eq!(error, KdfError::Stored),
        }
    }

    #[test]
    fn what_is_locked_is_refused_without_a_panic_even_behind_the_servers_lock(
        inside in bytes(),
        kind in 0..4_u8,
        changes in changes(),
    ) {
        let server = data_key();
        let by = Locks { server: &server, password: None };
        let locked = by.lock(&SECRET, &Key::random());
        let altered = changed(&locked, &changes);
        prop_assert_eq!(by.unlock(&SECRET, &altered).is_ok(), altered == locked);
        // By whoever has the server's key, too.
        let place = SECRET.with_purpose(Purpose::OuterLock);
        for inside in [[&[kind][..], &inside].concat(), [&[kind][..], &[0; 129]].concat()] {
            let sealed = server.seal(&place, &inside).unwrap();
            let _ = protection(&server, &SECRET, &sealed);
            match by.unlock(&SECRET, &sealed) {
                Ok(key) => prop_assert_eq!(&inside[1..], key.expose()),
                Err(error) => prop_assert!(matches!(error, LockError::Server(_) | LockError::PasswordNeeded)),
            }
        }
    }

    #[test]
    fn encryptors_refuse_what_they_did_not_seal(
        value in prop::collection::vec(any::<u8>(), 0..300),
        arbitrary in bytes(),
        changes in changes(),
    ) {
        let key = Key::from_bytes(&[9; 32]).unwrap();
        for encryptor in [&Standard as &dyn Encryptor, &Padded] {
            prop_assert!(encryptor.decrypt(&key, &SECRET, &arbitrary).is_err());
            let sealed = encryptor.encrypt(&key, &SECRET, &value).unwrap();
            let altered = changed(&sealed, &changes);
            prop_assert_eq!(encryptor.decrypt(&key, &SECRET, &altered).is_ok(), altered == sealed);
        }
    }
}

proptest! {
    // Each takes a derivation or two.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_passphrase_unlocks_what_it_locked_and_nothing_like_it(
        arbitrary in prop_oneof![bytes(), prop::collection::vec(any::<u8>(), 142)],
        changes in changes(),
    ) {
        let pool = Arc::new(KdfPool::new(1, MIN_KDF_MEMORY_KIB));
        let params = KdfParams::new(MIN_KDF_MEMORY_KIB, 1, 1).unwrap();
        let root = PassphraseRoot::new(Secret::new("correct horse"), params, pool).unwrap();
        let wrapped = block_on(root.wrap(&SECRET, &Key::random())).unwrap();
        let altered = changed(&wrapped.bytes, &changes);
        let is_true = altered == wrapped.bytes;
        for (bytes, unlocks) in [(arbitrary, false), (altered, is_true)] {
            let offered = Wrapped { bytes, ..wrapped.clone() };
            let result = block_on(root.unwrap(&SECRET, &offered));
            prop_assert_eq!(result.is_ok(), unlocks);
            let is_expected = match result {
                Ok(_) | Err(RootError::Refused | RootError::Altered { .. }) => true,
                Err(RootError::Passphrase(error)) => matches!(
                    error,
                    KdfError::Stored | KdfError::OutOfBounds { .. } | KdfError::BufferTooSmall { .. }
                ),
                Err(error) => matches!(error, RootError::NoPassphrase { .. }),
            };
            prop_assert!(is_expected);
        }
    }
}
