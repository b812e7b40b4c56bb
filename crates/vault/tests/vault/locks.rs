//! What the two locks promise: each is needed, each is changed without the other, and neither opens elsewhere.

use std::sync::LazyLock;
use std::time::Duration;

use chancery_vault::context::Purpose;
use chancery_vault::keys::{Key, MacKeys};
use chancery_vault::limits::MIN_KDF_MEMORY_KIB;
use chancery_vault::locks::{LockError, Locks, Protection, change_server, protection};
use chancery_vault::passwords::{KdfParams, KdfPool, KdfSetting, PasswordKey};
use chancery_vault::sealing::{SealError, SealingKey};

use crate::places::{SECRET, moved};

static SETTING: LazyLock<KdfSetting> =
    LazyLock::new(|| KdfSetting::random(5, KdfParams::new(MIN_KDF_MEMORY_KIB, 1, 1).unwrap()));
static RIGHT: LazyLock<PasswordKey> = LazyLock::new(|| derive(b"right"));
static WRONG: LazyLock<PasswordKey> = LazyLock::new(|| derive(b"wrong"));

fn derive(password: &[u8]) -> PasswordKey {
    KdfPool::new(1, MIN_KDF_MEMORY_KIB)
        .derive(password, &SETTING, Duration::ZERO)
        .unwrap()
}

fn server(kid: u32, byte: u8) -> SealingKey {
    SealingKey::new(kid, Key::from_bytes(&[byte; 32]).unwrap())
}

fn locks<'a>(server: &'a SealingKey, password: Option<&'a PasswordKey>) -> Locks<'a> {
    Locks { server, password }
}

const REFUSED: LockError = LockError::Server(SealError::Refused);

#[test]
fn a_password_that_was_set_is_needed_and_must_be_right() {
    let (server, key) = (server(1, 9), Key::random());
    let locked = locks(&server, Some(&RIGHT)).lock(&SECRET, &key);
    assert_eq!(locked.len(), 211);
    let unlock = |password| locks(&server, password).unlock(&SECRET, &locked);
    assert_eq!(unlock(Some(&RIGHT)).unwrap().expose(), key.expose());
    assert_eq!(unlock(Some(&WRONG)).err(), Some(LockError::WrongPassword));
    assert_eq!(unlock(None).err(), Some(LockError::PasswordNeeded));
    assert_eq!(
        protection(&server, &SECRET, &locked),
        Ok(Protection::Password { setting: 5 })
    );
}

#[test]
fn without_a_password_the_server_alone_opens() {
    let (server, key) = (server(1, 9), Key::random());
    let locked = locks(&server, None).lock(&SECRET, &key);
    assert_eq!(locked.len(), 114);
    for password in [None, Some(&*RIGHT)] {
        let opened = locks(&server, password).unlock(&SECRET, &locked).unwrap();
        assert_eq!(opened.expose(), key.expose());
    }
    assert_eq!(protection(&server, &SECRET, &locked), Ok(Protection::Server));
}

#[test]
fn a_password_does_not_open_without_the_server() {
    let key = Key::random();
    for password in [None, Some(&*RIGHT)] {
        let locked = locks(&server(1, 9), password).lock(&SECRET, &key);
        let other = server(1, 8);
        assert_eq!(
            locks(&other, password).unlock(&SECRET, &locked).err(),
            Some(REFUSED)
        );
        let numbered = server(2, 9);
        let other = SealError::OtherKey { found: 1, offered: 2 };
        assert_eq!(
            locks(&numbered, password).unlock(&SECRET, &locked).err(),
            Some(LockError::Server(other))
        );
    }
}

#[test]
fn a_password_under_another_setting_is_told_apart() {
    let elsewhere = KdfSetting::random(6, SETTING.params());
    let other = KdfPool::new(1, MIN_KDF_MEMORY_KIB)
        .derive(b"right", &elsewhere, Duration::ZERO)
        .unwrap();
    let server = server(1, 9);
    let locked = locks(&server, Some(&RIGHT)).lock(&SECRET, &Key::random());
    let expected = LockError::OtherSetting { found: 5, offered: 6 };
    assert_eq!(
        locks(&server, Some(&other)).unlock(&SECRET, &locked).err(),
        Some(expected)
    );
}

#[test]
fn the_data_key_is_rotated_without_a_password() {
    let (old, new, key) = (server(1, 9), server(2, 8), Key::random());
    for password in [None, Some(&*RIGHT)] {
        let before = locks(&old, password).lock(&SECRET, &key);
        let after = change_server(&old, &new, &SECRET, &before).unwrap();
        assert_eq!(
            locks(&new, password).unlock(&SECRET, &after).unwrap().expose(),
            key.expose()
        );
        assert!(locks(&old, password).unlock(&SECRET, &after).is_err());
        assert_eq!(
            protection(&old, &SECRET, &before),
            protection(&new, &SECRET, &after)
        );
    }
}

#[test]
fn a_new_password_leaves_the_key_of_the_value_as_it_was() {
    let (server, key) = (server(1, 9), Key::random());
    let (old, new) = (locks(&server, Some(&RIGHT)), locks(&server, Some(&WRONG)));
    let before = old.lock(&SECRET, &key);
    let after = new.lock(&SECRET, &old.unlock(&SECRET, &before).unwrap());
    assert_eq!(new.unlock(&SECRET, &after).unwrap().expose(), key.expose());
    assert_eq!(old.unlock(&SECRET, &after).err(), Some(LockError::WrongPassword));
}

#[test]
fn a_lock_opens_in_no_other_place_and_no_byte_of_it_can_change() {
    let (server, key) = (server(1, 9), Key::random());
    for password in [None, Some(&*RIGHT)] {
        let by = locks(&server, password);
        let locked = by.lock(&SECRET, &key);
        // The purpose is the lock's own: it is not a coordinate of the caller's.
        let elsewhere = moved(SECRET)
            .into_iter()
            .filter(|to| to.purpose == Purpose::Value);
        for to in elsewhere {
            assert_eq!(by.unlock(&to, &locked).err(), Some(REFUSED), "{to:?}");
            assert_eq!(change_server(&server, &server, &to, &locked).err(), Some(REFUSED));
        }
        for at in 0..locked.len() {
            let mut altered = locked.clone();
            altered[at] ^= 1;
            assert!(
                matches!(by.unlock(&SECRET, &altered), Err(LockError::Server(_))),
                "byte {at}"
            );
            assert!(by.unlock(&SECRET, &locked[..at]).is_err());
        }
    }
}

#[test]
fn what_is_sealed_by_the_server_for_another_purpose_is_no_lock() {
    let server = server(1, 9);
    let value = server.seal(&SECRET, &[1; 33]).unwrap();
    assert_eq!(locks(&server, None).unlock(&SECRET, &value).err(), Some(REFUSED));
    let lock = SECRET.with_purpose(Purpose::OuterLock);
    for inside in [&[][..], &[1; 32], &[1; 34], &[2; 33], &[2; 129], &[3; 33]] {
        let sealed = server.seal(&lock, inside).unwrap();
        let opened = locks(&server, Some(&RIGHT)).unlock(&SECRET, &sealed);
        assert_eq!(opened.err(), Some(REFUSED), "{} bytes", inside.len());
    }
}

#[test]
fn a_verifier_is_of_one_password_one_place_and_one_vault() {
    let keys = MacKeys::of(&Key::random());
    let verifier = RIGHT.verifier(&keys, &SECRET);
    assert_eq!(derive(b"right").verifier(&keys, &SECRET), verifier);
    assert_ne!(WRONG.verifier(&keys, &SECRET), verifier);
    assert_ne!(RIGHT.verifier(&MacKeys::of(&Key::random()), &SECRET), verifier);
    for to in moved(SECRET)
        .into_iter()
        .filter(|to| to.purpose == Purpose::Value)
    {
        assert_ne!(RIGHT.verifier(&keys, &to), verifier, "{to:?}");
    }
}

#[test]
fn many_passwords_at_once_share_the_buffers() {
    let pool = KdfPool::new(2, MIN_KDF_MEMORY_KIB);
    let wait = Duration::from_secs(60);
    std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| pool.derive(b"right", &SETTING, wait)))
            .collect();
        let keys = MacKeys::of(&Key::random());
        let expected = RIGHT.verifier(&keys, &SECRET);
        for guess in guesses {
            let derived = guess.join().unwrap().unwrap();
            assert_eq!(derived.verifier(&keys, &SECRET), expected);
        }
    });
}
