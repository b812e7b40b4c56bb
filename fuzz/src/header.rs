//! Sealed values, locks, stored settings and root keys, as somebody who can write to the database would forge them. The forger
//! here even has the server's keys where that is needed to come past a code.

use std::future::Future;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use chancery_vault::context::{Context, Kind, Purpose};
use chancery_vault::credentials::Secret;
use chancery_vault::keys::{Key, MacKeys, MacPurpose};
use chancery_vault::limits::{MAX_KDF_LANES, MAX_KDF_MEMORY_KIB, MAX_KDF_PASSES, MIN_KDF_MEMORY_KIB};
use chancery_vault::locks::{LockError, Locks, Protection, change_server, protection};
use chancery_vault::passwords::{KdfError, KdfParams, KdfPool, KdfSetting};
use chancery_vault::root::{FileRoot, PassphraseRoot, RootError, RootKey, Wrapped};
use chancery_vault::sealing::{Header, SealError, SealingKey, Suite, from_text, to_text};

/// The first two goldens of the vault: the only texts that open below.
const GOLDENS: [(u32, &[u8], &str); 2] = [
    (
        0,
        b"hunter42",
        "vs1.xFYBAQAAAAAAwVtDQLUbHvdJu8fvmSDerY4zAvgUDI6dIf7VvwnPsG9jNVrKmzmJZr3nZbLOSLa0xx7xsTDSv8qOuts-_DTYxJyMmh4DQGo4ZwLZfqr1JJQ",
    ),
    (
        1,
        b"",
        "vs1.xFYBAQAAAAABgU8BFz4MQdYPFlc-M8bfkiyFMYfbllnmuuq6BC-MNy3RMsZIyGqUTgLiImluR2udiLFiwBe2L_TKyEtLk08OWUXh9FsXq3Gf",
    ),
];

const PLACE: Context<'static> = Context {
    vault: *b"a golden vault!!",
    kind: Kind::Secret,
    table: b"",
    record: &[0x42; 16],
    column: b"",
    version: 1,
    purpose: Purpose::Value,
    schema: 1,
};

/// Reads bytes as one of the things that are kept.
pub fn check(data: &[u8]) {
    let Some((&way, data)) = data.split_first() else {
        return;
    };
    match way % 7 {
        0 => envelope(data),
        1 => sealed_and_altered(data),
        2 => text(data),
        3 => locked(data),
        4 => setting(data),
        5 => passphrase(data),
        _ => key_file(data),
    }
}

fn key() -> Key {
    let bytes: Vec<u8> = (0..32).collect();
    Key::from_bytes(&bytes).expect("32 bytes")
}

/// Only what was sealed opens, to the bit, and a head that is taken says the same when it is written again.
fn envelope(data: &[u8]) {
    for (kid, plaintext, golden) in GOLDENS {
        let golden = from_text(golden).expect("a golden");
        let opened = SealingKey::new(kid, key()).open(&PLACE, data);
        assert_eq!(opened.is_ok(), data == golden);
        if let Ok(opened) = opened {
            assert_eq!(opened.expose(), plaintext);
        }
    }
    match Header::read(data) {
        Ok(Header { suite, kid }) => {
            let (code, least) = match suite {
                Suite::Message => (0x01, 81),
                Suite::Cell => (0x11, 41),
            };
            let [a, b, c, d] = kid.to_be_bytes();
            assert_eq!(data[..9], [0xC4, 0x56, 1, code, 0, a, b, c, d]);
            assert!(data.len() >= least);
            let other = SealingKey::new(!kid, key()).open(&PLACE, data).err();
            let expected = match suite {
                Suite::Message => SealError::OtherKey {
                    found: kid,
                    offered: !kid,
                },
                Suite::Cell => SealError::Suite(0x11),
            };
            assert_eq!(other, Some(expected));
        }
        // Whatever key is offered: the head is judged first, and by one judge.
        Err(error) => assert_eq!(SealingKey::new(7, key()).open(&PLACE, data).err(), Some(error)),
    }
}

/// What is sealed opens as it was; with any bit changed, cut or continued, it does not.
fn sealed_and_altered(data: &[u8]) {
    let (at, plaintext) = match data.split_first_chunk::<2>() {
        Some((at, plaintext)) => (usize::from(u16::from_be_bytes(*at)), plaintext),
        None => (0, data),
    };
    let by = SealingKey::new(3, key());
    let sealed = by.seal(&PLACE, plaintext).expect("it is short");
    assert_eq!(sealed.len(), plaintext.len() + 81);
    assert_eq!(by.open(&PLACE, &sealed).expect("just sealed").expose(), plaintext);
    let bit = at % (sealed.len() * 8);
    let mut altered = sealed.clone();
    altered[bit / 8] ^= 1 << (bit % 8);
    assert!(by.open(&PLACE, &altered).is_err(), "bit {bit}");
    assert!(by.open(&PLACE, &sealed[..bit / 8]).is_err());
    altered.clone_from(&sealed);
    altered.push(at as u8);
    assert!(by.open(&PLACE, &altered).is_err());
    assert_eq!(from_text(&to_text(&sealed)), Ok(sealed));
}

/// A ciphertext has one text, and a text one ciphertext.
fn text(data: &[u8]) {
    assert_eq!(from_text(&to_text(data)).as_deref(), Ok(data));
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for text in [text.to_owned(), format!("vs1.{text}")] {
        match from_text(&text) {
            Ok(bytes) => assert_eq!(to_text(&bytes), text),
            Err(error) => assert_eq!(error, SealError::Text),
        }
    }
}

/// What the server's lock holds is a key or a locked key, and nothing else is taken for one.
fn locked(data: &[u8]) {
    let (server, next) = (SealingKey::new(1, key()), SealingKey::new(2, Key::random()));
    let outer = PLACE.with_purpose(Purpose::OuterLock);
    let kept = server.seal(&outer, data).expect("it is short");
    let alone = Locks {
        server: &server,
        password: None,
    };
    let refused = LockError::Server(SealError::Refused);
    let opened = alone.unlock(&PLACE, &kept);
    let told = protection(&server, &PLACE, &kept);
    match data {
        [1, inside @ ..] if inside.len() == 32 => {
            let key = opened.expect("a key");
            assert_eq!(key.expose(), inside);
            assert_eq!(told, Ok(Protection::Server));
            let again = alone.unlock(&PLACE, &alone.lock(&PLACE, &key)).expect("a key");
            assert_eq!(again.expose(), key.expose());
        }
        [2, inside @ ..] if inside.len() == 16 + 81 + 32 => {
            assert_eq!(opened.err(), Some(LockError::PasswordNeeded));
            let header = Header::read(&inside[16..]);
            let expected = header.map(|header| Protection::Password { setting: header.kid });
            assert_eq!(told, expected.map_err(LockError::Server));
        }
        _ => {
            assert_eq!(opened.err(), Some(refused));
            assert_eq!(told.err(), Some(refused));
            assert_eq!(change_server(&server, &next, &PLACE, &kept).err(), Some(refused));
            return;
        }
    }
    let moved = change_server(&server, &next, &PLACE, &kept).expect("it opens");
    assert_eq!(next.open(&outer, &moved).expect("it was moved").expose(), data);
    assert!(server.open(&outer, &moved).is_err());
}

/// A setting that is taken is within its bounds, is written again as it was, and costs no memory before that is known.
fn setting(data: &[u8]) {
    let (id, keys) = (7, MacKeys::of(&key()));
    let code = keys.mac(MacPurpose::KdfSetting, &[&7_u32.to_be_bytes(), data]);
    let stored = [data, &code].concat();
    let loaded = KdfSetting::load(&keys, id, &stored);
    assert_eq!(loaded.is_ok(), numbers(data).is_some_and(are_within));
    match loaded {
        Ok(setting) => {
            assert_eq!(setting.store(&keys), stored);
            let params = setting.params();
            assert_eq!(
                KdfParams::new(params.memory_kib(), params.passes(), params.lanes()),
                Ok(params)
            );
            refuses_before_it_allocates(&setting);
            assert_eq!(KdfSetting::load(&keys, id + 1, &stored), Err(KdfError::Altered));
        }
        Err(error) => assert_eq!(matches!(error, KdfError::Stored), numbers(data).is_none()),
    }
    let mut forged = stored;
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert!(matches!(
        KdfSetting::load(&keys, id, &forged),
        Err(KdfError::Altered | KdfError::Stored)
    ));
}

/// Version 1, three numbers and a salt of 16 bytes.
fn numbers(head: &[u8]) -> Option<[u32; 3]> {
    let (head, _salt) = head
        .split_first_chunk::<13>()
        .filter(|(_, salt)| salt.len() == 16)?;
    let number = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    (head[0] == 1).then(|| [number(1), number(5), number(9)])
}

fn are_within([memory_kib, passes, lanes]: [u32; 3]) -> bool {
    (MIN_KDF_MEMORY_KIB..=MAX_KDF_MEMORY_KIB).contains(&memory_kib)
        && (1..=MAX_KDF_PASSES).contains(&passes)
        && (1..=MAX_KDF_LANES).contains(&lanes)
}

/// A pool whose buffers are too small for every setting. The fuzzer's limit on one allocation is far below those, too.
fn small_pool() -> KdfPool {
    KdfPool::new(1, MIN_KDF_MEMORY_KIB - 1)
}

fn refuses_before_it_allocates(setting: &KdfSetting) {
    let refused = small_pool()
        .derive(b"correct horse", setting, Duration::ZERO)
        .err();
    assert!(
        matches!(refused, Some(KdfError::BufferTooSmall { .. })),
        "{refused:?}"
    );
}

/// A master key that a passphrase locked says what the passphrase has to cost. Nobody vouches for it before the key is made.
fn passphrase(data: &[u8]) {
    let pool = Arc::new(small_pool());
    let root = PassphraseRoot::new(Secret::new("correct horse battery"), KdfParams::LIGHT, pool);
    let root = root.expect("a passphrase");
    // The right length is rarely met by chance.
    for bytes in [data.to_vec(), [data, &[0; 142]].concat()[..142].to_vec()] {
        let fits = bytes.len() == 142;
        let numbers = bytes.get(..29).and_then(numbers);
        let wrapped = Wrapped {
            fingerprint: "0123456789abcdef".to_owned(),
            bytes,
        };
        let error = ready(root.unwrap(&PLACE, &wrapped)).expect_err("no key is made in this pool");
        let expected = match (fits, numbers) {
            (false, _) => matches!(error, RootError::NoPassphrase { .. }),
            (true, None) => matches!(error, RootError::Passphrase(KdfError::Stored)),
            (true, Some(numbers)) if are_within(numbers) => {
                matches!(error, RootError::Passphrase(KdfError::BufferTooSmall { .. }))
            }
            (true, Some(_)) => matches!(error, RootError::Passphrase(KdfError::OutOfBounds { .. })),
        };
        assert!(expected, "{error:?}");
        assert!(!error.to_string().contains("horse"));
    }
}

/// Runs a future that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Task::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// A key file holds the key that its line says, or is refused without a word of it.
fn key_file(data: &[u8]) {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
    let path: PathBuf = FOLDER
        .path()
        .join(format!("root-{:?}.key", std::thread::current().id()));
    let mut options = std::fs::OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path);
    file.and_then(|mut file| file.write_all(data)).expect("a file");
    match FileRoot::open(&path) {
        Ok(root) => {
            let wrapped = ready(root.wrap(&PLACE, &key())).expect("a key locks");
            let text = String::from_utf8(data.to_vec()).expect("a key is text");
            let mut lines = text
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty() && !line.starts_with('#'));
            let line = lines.next().expect("a line");
            assert!(lines.next().is_none() && (43..=64).contains(&line.len()));
            let unlocked = ready(root.unwrap(&PLACE, &wrapped)).expect("its own");
            assert_eq!(unlocked.expose(), key().expose());
            if line.len() == 64 {
                let bytes: Vec<u8> = (0..32)
                    .map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).expect("digits"))
                    .collect();
                let expected = Key::from_bytes(&bytes).expect("32 bytes").fingerprint();
                assert_eq!(wrapped.fingerprint, expected);
            }
        }
        Err(error) => {
            let told = error.to_string().replace(&path.display().to_string(), "");
            assert!(matches!(error, RootError::Text { .. }), "{told}");
            // What stands in every such message is no part of a key.
            let fixed = format!("{told} 64 32 0 1").to_lowercase();
            let fixed: Vec<&str> = fixed.split(|c: char| !c.is_ascii_alphanumeric()).collect();
            assert!(
                fixed
                    .iter()
                    .all(|word| MESSAGE_WORDS.contains(word) || word.parse::<u64>().is_ok()),
                "{told}"
            );
        }
    }
}

/// Every word that a refused key file is answered with; numbers count what is there.
const MESSAGE_WORDS: &[&str] = &[
    "",
    "a",
    "and",
    "as",
    "base64",
    "be",
    "bytes",
    "could",
    "digits",
    "file",
    "has",
    "hex",
    "hexadecimal",
    "holds",
    "in",
    "is",
    "it",
    "key",
    "lines",
    "makes",
    "more",
    "neither",
    "no",
    "nor",
    "not",
    "of",
    "openssl",
    "or",
    "rand",
    "random",
    "root",
    "than",
    "that",
    "the",
    "them",
    "empty",
];
