//! What sealing promises: it opens where and as it was sealed, and nowhere and in no other way.

use std::collections::HashSet;

use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut};
use chancery_vault::context::{Context, Kind, Purpose};
use chancery_vault::keys::Key;
use chancery_vault::sealing::{
    CELL_OVERHEAD_BYTES, Header, OVERHEAD_BYTES, SealError, SealingKey, Suite, UNNUMBERED, from_text, to_text,
};
use hkdf::Hkdf;
use proptest::prelude::*;
use sha2::Sha512;

use crate::places::{CELL, SECRET, moved};

fn key(kid: u32, byte: u8) -> SealingKey {
    SealingKey::new(kid, Key::from_bytes(&[byte; 32]).unwrap())
}

/// Key, nonce and commitment of a message, made from the description alone.
fn described(key: &[u8; 32], label: &str, head: &[u8], salt: &[u8], context: &[u8]) -> [u8; 76] {
    let mut info = Vec::new();
    for part in [label.as_bytes(), head, context] {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part);
    }
    let mut derived = [0; 76];
    Hkdf::<Sha512>::new(Some(salt), key)
        .expand(&info, &mut derived)
        .unwrap();
    derived
}

/// Seals by the description alone, with a commitment of the caller's choice.
fn seal_as_described(derived: &[u8; 76], before: &[u8], context: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let nonce: &[u8; 12] = derived[32..44].try_into().unwrap();
    let mut body = plaintext.to_vec();
    let tag = Aes256Gcm::new_from_slice(&derived[..32])
        .unwrap()
        .encrypt_inout_detached(
            nonce.into(),
            &[before, context].concat(),
            body.as_mut_slice().into(),
        )
        .unwrap();
    [before, &body, &tag].concat()
}

#[test]
fn a_message_is_what_the_description_says() {
    let sealed = key(258, 9).seal(&SECRET, b"hunter42").unwrap();
    assert_eq!(sealed[..9], [0xC4, 0x56, 1, 0x01, 0, 0, 0, 1, 2]);
    assert_eq!(sealed.len(), OVERHEAD_BYTES + 8);
    assert_eq!(OVERHEAD_BYTES, 81);
    let context = SECRET.encode();
    let derived = described(
        &[9; 32],
        "chancery vault 1 message",
        &sealed[..9],
        &sealed[9..33],
        &context,
    );
    assert_eq!(sealed[33..65], derived[44..]);
    assert_eq!(
        seal_as_described(&derived, &sealed[..65], &context, b"hunter42"),
        sealed
    );
}

#[test]
fn a_cell_is_what_the_description_says() {
    let column = key(258, 9).column_key(CELL.table, CELL.column, CELL.version);
    let sealed = column.seal(&CELL, b"DE00").unwrap();
    assert_eq!(sealed[..9], [0xC4, 0x56, 1, 0x11, 0, 0, 0, 1, 2]);
    assert_eq!((sealed.len(), CELL_OVERHEAD_BYTES), (45, 41));
    let mut column_key = [0; 32];
    let generation = CELL.version.to_be_bytes();
    let mut info = Vec::new();
    for part in [
        &b"chancery vault 1 column key"[..],
        CELL.table,
        CELL.column,
        &generation,
    ] {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part);
    }
    Hkdf::<Sha512>::new(None, &[9; 32])
        .expand(&info, &mut column_key)
        .unwrap();
    let context = CELL.encode();
    let derived = described(
        &column_key,
        "chancery vault 1 cell",
        &sealed[..9],
        &sealed[9..25],
        &context,
    );
    assert_eq!(
        seal_as_described(&derived, &sealed[..25], &context, b"DE00"),
        sealed
    );
}

#[test]
fn a_true_tag_behind_a_foreign_commitment_does_not_open() {
    let sealed = key(1, 9).seal(&SECRET, b"hunter42").unwrap();
    let context = SECRET.encode();
    let other = described(
        &[8; 32],
        "chancery vault 1 message",
        &sealed[..9],
        &sealed[9..33],
        &context,
    );
    // Sealed with key 8 throughout, but committed to key 9.
    let crafted = seal_as_described(&other, &sealed[..65], &context, b"hunter42");
    assert_eq!(key(1, 8).open(&SECRET, &crafted).err(), Some(SealError::Refused));
    assert_eq!(key(1, 9).open(&SECRET, &crafted).err(), Some(SealError::Refused));
    // With the right commitment the same construction opens, so it was the commitment that refused.
    let before = [&sealed[..33], &other[44..]].concat();
    let honest = seal_as_described(&other, &before, &context, b"hunter42");
    assert_eq!(key(1, 8).open(&SECRET, &honest).unwrap().expose(), b"hunter42");
}

#[test]
fn a_ciphertext_opens_in_no_other_place() {
    let (data_key, column) = (key(1, 9), key(1, 9).column_key(CELL.table, CELL.column, 2));
    for from in [SECRET, CELL] {
        let message = data_key.seal(&from, b"value").unwrap();
        let cell = column.seal(&from, b"value").unwrap();
        assert!(data_key.open(&from, &message).is_ok() && column.open(&from, &cell).is_ok());
        for to in moved(from) {
            assert_eq!(
                data_key.open(&to, &message).err(),
                Some(SealError::Refused),
                "{to:?}"
            );
            assert_eq!(column.open(&to, &cell).err(), Some(SealError::Refused), "{to:?}");
        }
    }
}

#[test]
fn a_ciphertext_opens_with_no_other_key() {
    let sealed = key(1, 9).seal(&SECRET, b"value").unwrap();
    assert_eq!(key(1, 8).open(&SECRET, &sealed).err(), Some(SealError::Refused));
    let offered = SealError::OtherKey { found: 1, offered: 2 };
    assert_eq!(key(2, 9).open(&SECRET, &sealed).err(), Some(offered));
    let mut renumbered = sealed.clone();
    renumbered[8] = 2;
    assert_eq!(
        key(2, 9).open(&SECRET, &renumbered).err(),
        Some(SealError::Refused)
    );
    let columns = [
        key(1, 9).column_key(b"people", b"iban", 2),
        key(1, 9).column_key(b"people", b"iban", 3),
        key(1, 9).column_key(b"people", b"ibam", 2),
        key(1, 9).column_key(b"peopl", b"eiban", 2),
        key(1, 8).column_key(b"people", b"iban", 2),
    ];
    let cell = columns[0].seal(&CELL, b"value").unwrap();
    for other in &columns[1..] {
        assert_eq!(other.open(&CELL, &cell).err(), Some(SealError::Refused));
    }
}

#[test]
fn a_suite_is_not_exchanged_for_another() {
    let data_key = key(1, 9);
    let column = data_key.column_key(CELL.table, CELL.column, CELL.version);
    let mut message = data_key.seal(&CELL, &[0; 64]).unwrap();
    let mut cell = column.seal(&CELL, &[0; 64]).unwrap();
    assert_eq!(column.open(&CELL, &message).err(), Some(SealError::Suite(0x01)));
    assert_eq!(data_key.open(&CELL, &cell).err(), Some(SealError::Suite(0x11)));
    message[3] = 0x11;
    cell[3] = 0x01;
    assert_eq!(column.open(&CELL, &message).err(), Some(SealError::Refused));
    assert_eq!(data_key.open(&CELL, &cell).err(), Some(SealError::Refused));
    for suite in (0..=255).filter(|suite| ![0x01, 0x11].contains(suite)) {
        message[3] = suite;
        assert_eq!(
            data_key.open(&CELL, &message).err(),
            Some(SealError::Suite(suite))
        );
    }
}

#[test]
fn each_fault_of_a_head_has_its_error() {
    let sealed = key(1, 9).seal(&SECRET, b"").unwrap();
    let with = |at: usize, byte: u8| {
        let mut altered = sealed.clone();
        altered[at] = byte;
        Header::read(&altered)
    };
    assert_eq!(with(0, 0), Err(SealError::NotSealed));
    assert_eq!(with(1, 0), Err(SealError::NotSealed));
    assert_eq!(with(2, 2), Err(SealError::Format(2)));
    assert_eq!(with(3, 2), Err(SealError::Suite(2)));
    assert_eq!(with(4, 1), Err(SealError::Flags(1)));
    let header = Header {
        suite: Suite::Message,
        kid: 513,
    };
    let kid_2_1 = [&sealed[..5], &[0, 0, 2, 1], &sealed[9..]].concat();
    assert_eq!(Header::read(&kid_2_1), Ok(header));
    for bytes in 2..sealed.len() {
        let least = if bytes < 9 { 9 } else { 81 };
        assert_eq!(
            Header::read(&sealed[..bytes]),
            Err(SealError::TooShort { bytes, least })
        );
    }
    assert_eq!(Header::read(&[]), Err(SealError::NotSealed));
}

#[test]
fn a_text_has_one_spelling() {
    for plaintext in [&b""[..], b"a", b"ab", b"abc"] {
        let text = to_text(&key(1, 9).seal(&SECRET, plaintext).unwrap());
        assert_eq!(to_text(&from_text(&text).unwrap()), text);
        let spellings = [
            format!("{text}="),
            format!("{text}=="),
            format!(" {text}"),
            format!("{text}\n"),
            text.replacen("vs1.", "VS1.", 1),
            text.replacen("vs1.", "vs2.", 1),
            text.replacen("vs1.", "", 1),
            text.replacen("vs1.", "vs1.+", 1),
            text.replacen("vs1.", "vs1./", 1),
        ];
        for spelling in spellings {
            assert_eq!(from_text(&spelling), Err(SealError::Text), "{spelling}");
        }
        // Of all last characters only one spells these bytes.
        let bytes = from_text(&text).unwrap();
        let same = (0..128_u8)
            .filter(|&last| {
                let mut other = text.clone().into_bytes();
                *other.last_mut().unwrap() = last;
                from_text(std::str::from_utf8(&other).unwrap()).as_deref() == Ok(&bytes)
            })
            .count();
        assert_eq!(same, 1);
    }
}

#[test]
fn nothing_repeats_in_twenty_thousand_messages() {
    let (data_key, column) = (key(UNNUMBERED, 9), key(UNNUMBERED, 9).column_key(b"t", b"c", 1));
    let mut salts = HashSet::new();
    let mut bodies = HashSet::new();
    for _ in 0..10_000 {
        let (message, cell) = (
            data_key.seal(&SECRET, &[0; 16]).unwrap(),
            column.seal(&CELL, &[0; 16]).unwrap(),
        );
        salts.insert(message[9..33].to_vec());
        salts.insert(cell[9..25].to_vec());
        bodies.insert(message[65..].to_vec());
        bodies.insert(cell[25..].to_vec());
    }
    // The same plaintext under a key and nonce that repeat would be the same ciphertext.
    assert_eq!((salts.len(), bodies.len()), (20_000, 20_000));
}

#[test]
fn an_index_is_of_one_column_and_one_generation() {
    let data_key = key(1, 9);
    let indexes = [
        data_key.index_key(b"people", b"iban", b"exact", 1),
        data_key.index_key(b"people", b"iban", b"exact", 2),
        data_key.index_key(b"people", b"iban", b"last4", 1),
        data_key.index_key(b"people", b"phone", b"exact", 1),
        data_key.index_key(b"peoplei", b"ban", b"exact", 1),
        key(1, 8).index_key(b"people", b"iban", b"exact", 1),
    ];
    let codes: HashSet<[u8; 16]> = indexes.iter().map(|index| index.of(b"DE00")).collect();
    assert_eq!(codes.len(), indexes.len());
    assert_eq!(indexes[0].of(b"DE00"), indexes[0].of(b"DE00"));
    assert_ne!(indexes[0].of(b"DE00"), indexes[0].of(b"DE01"));
}

#[test]
fn nothing_that_is_printed_shows_a_key_or_a_value() {
    let data_key = key(1, 0xab);
    let column = data_key.column_key(b"t", b"c", 1);
    let index = data_key.index_key(b"t", b"c", b"i", 1);
    let opened = data_key
        .open(&SECRET, &data_key.seal(&SECRET, b"canary").unwrap())
        .unwrap();
    let printed =
        format!("{data_key:?} {data_key:#?} {column:?} {index:?} {opened:?} {opened:#?}").to_lowercase();
    for shown in ["canary", "99, 97, 110", "ab, ab", "171, 171", "abab"] {
        assert!(!printed.contains(shown), "{printed}");
    }
}

#[test]
fn the_limit_on_plaintexts_is_in_the_error() {
    let error = key(1, 9)
        .seal(&SECRET, &vec![0; 64 * 1024 * 1024 + 1])
        .unwrap_err();
    assert_eq!(
        error,
        SealError::TooLong {
            bytes: 64 * 1024 * 1024 + 1
        }
    );
    assert!(error.to_string().contains("the limit is 67108864 bytes"));
}

#[derive(Clone, Debug)]
struct Owned {
    kind: Kind,
    purpose: Purpose,
    parts: [Vec<u8>; 3],
    numbers: (u64, u32),
}

impl Owned {
    fn context(&self) -> Context<'_> {
        Context {
            vault: [7; 16],
            kind: self.kind,
            table: &self.parts[0],
            record: &self.parts[1],
            column: &self.parts[2],
            version: self.numbers.0,
            purpose: self.purpose,
            schema: self.numbers.1,
        }
    }
}

fn contexts() -> impl Strategy<Value = Owned> {
    let part = || prop::collection::vec(0_u8..3, 0..4);
    (
        prop::sample::select(&Kind::ALL[..]),
        prop::sample::select(&Purpose::ALL[..]),
        [part(), part(), part()],
        (0..3_u64, 0..3_u32),
    )
        .prop_map(|(kind, purpose, parts, numbers)| Owned {
            kind,
            purpose,
            parts,
            numbers,
        })
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens(
        plaintext in prop::collection::vec(any::<u8>(), 0..600),
        kid in any::<u32>(),
        place in contexts(),
    ) {
        let data_key = SealingKey::new(kid, Key::random());
        let column = data_key.column_key(b"t", b"c", 1);
        let sealed = data_key.seal(&place.context(), &plaintext).unwrap();
        prop_assert_eq!(Header::read(&sealed).unwrap().kid, kid);
        let sealed = from_text(&to_text(&sealed)).unwrap();
        let opened = data_key.open(&place.context(), &sealed).unwrap();
        prop_assert_eq!(opened.expose(), plaintext.as_slice());
        let cell = column.seal(&place.context(), &plaintext).unwrap();
        let opened = column.open(&place.context(), &cell).unwrap();
        prop_assert_eq!(opened.expose(), plaintext.as_slice());
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        as_head in any::<bool>(),
        suite in prop::sample::select(&[0x01_u8, 0x11][..]),
    ) {
        let bytes = match as_head {
            true => [&[0xC4, 0x56, 1, suite, 0, 0, 0, 0, 1][..], &bytes].concat(),
            false => bytes,
        };
        let _ = Header::read(&bytes);
        prop_assert!(key(1, 9).open(&SECRET, &bytes).is_err());
        prop_assert!(key(1, 9).column_key(b"t", b"c", 1).open(&CELL, &bytes).is_err());
    }

    #[test]
    fn arbitrary_text_is_refused_or_has_one_spelling(text in "(vs1\\.)?[A-Za-z0-9_=+/ -]{0,40}") {
        if let Ok(bytes) = from_text(&text) {
            prop_assert_eq!(to_text(&bytes), text);
        }
    }

    #[test]
    fn two_places_are_bound_alike_only_if_they_are_one(one in contexts(), other in contexts()) {
        prop_assert_eq!(
            one.context().encode() == other.context().encode(),
            one.context() == other.context()
        );
    }
}
