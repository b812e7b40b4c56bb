//! What root keys promise: they unlock what they locked, say what is wrong otherwise, and are never seen.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use chancery_vault::context::{Context, Kind, Purpose};
use chancery_vault::credentials::Secret;
use chancery_vault::keys::Key;
use chancery_vault::limits::{MAX_KEY_TEXT_BYTES, MAX_PASSWORD_BYTES, MIN_KDF_MEMORY_KIB};
use chancery_vault::passwords::{KdfError, KdfParams, KdfPool};
use chancery_vault::root::{EnvRoot, FileRoot, KeyTextError, PassphraseRoot, RootError, RootKey, Wrapped};
use chancery_vault::sealing::{SealingKey, UNNUMBERED};
use futures::executor::block_on;
use hkdf::Hkdf;
use sha2::Sha512;

use crate::places::moved;

/// Where a master key belongs.
const MASTER: Context<'static> = Context {
    vault: [7; 16],
    kind: Kind::Key,
    table: b"",
    record: b"master",
    column: b"",
    version: 1,
    purpose: Purpose::Key,
    schema: 1,
};
/// A key that is easily recognised.
const CANARY: &str = "ca9a47ca9a47ca9a47ca9a47ca9a47ca9a47ca9a47ca9a47ca9a47ca9a47ca9a";

fn wrap(root: &dyn RootKey, master: &Key) -> Wrapped {
    block_on(root.wrap(&MASTER, master)).unwrap()
}

fn unwrap(root: &dyn RootKey, wrapped: &Wrapped) -> Result<Key, RootError> {
    block_on(root.unwrap(&MASTER, wrapped))
}

/// A key file of its owner alone.
fn key_file(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    permit(&path, 0o600);
    path
}

fn permit(path: &Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// The least that a guess may cost, so that many can be made here.
fn cheap() -> KdfParams {
    KdfParams::new(MIN_KDF_MEMORY_KIB, 1, 1).unwrap()
}

fn passphrase(text: &str, params: KdfParams) -> PassphraseRoot {
    let pool = Arc::new(KdfPool::new(1, MIN_KDF_MEMORY_KIB));
    PassphraseRoot::new(Secret::new(text), params, pool).unwrap()
}

#[test]
fn each_root_key_unlocks_what_it_locked_and_only_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let roots: [&dyn RootKey; 2] = [
        &FileRoot::create(folder.path().join("root.key")).unwrap(),
        &passphrase("correct horse", cheap()),
    ];
    for root in roots {
        let master = Key::random();
        let wrapped = wrap(root, &master);
        assert_eq!(wrapped.fingerprint.len(), 16);
        assert_eq!(unwrap(root, &wrapped).unwrap().expose(), master.expose());
        for place in moved(MASTER) {
            let refused = block_on(root.unwrap(&place, &wrapped)).unwrap_err();
            assert!(
                matches!(refused, RootError::Altered { .. }),
                "{place:?}: {refused}"
            );
        }
        let again = wrap(root, &master);
        assert_ne!(again.bytes, wrapped.bytes, "every locking draws a salt");
    }
}

#[test]
fn what_a_root_key_locked_is_the_key_sealed_and_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let root = FileRoot::open(key_file(folder.path(), "root.key", CANARY)).unwrap();
    let (bytes, master) = (bytes(CANARY), Key::random());
    let wrapped = wrap(&root, &master);
    let key = Key::from_bytes(&bytes).unwrap();
    assert_eq!(wrapped.fingerprint, key.fingerprint());
    let opened = SealingKey::new(UNNUMBERED, key).open(&MASTER, &wrapped.bytes);
    assert_eq!(opened.unwrap().expose(), master.expose());
    // Something else than a key, in the place of the master key, is not taken for one.
    let key = SealingKey::new(UNNUMBERED, Key::from_bytes(&bytes).unwrap());
    let short = Wrapped {
        bytes: key.seal(&MASTER, b"short").unwrap(),
        ..wrapped
    };
    assert!(matches!(unwrap(&root, &short), Err(RootError::Altered { .. })));
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn another_root_key_is_told_from_altered_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let create = |name: &str| FileRoot::create(folder.path().join(name)).unwrap();
    let (one, two) = (create("one.key"), create("two.key"));
    let wrapped = wrap(&one, &Key::random());
    let offered = wrap(&two, &Key::random()).fingerprint;
    let error = unwrap(&two, &wrapped).unwrap_err();
    let told = error.to_string();
    for part in [&wrapped.fingerprint, &offered, "two.key"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(matches!(error, RootError::OtherKey { wanted, .. } if wanted == wrapped.fingerprint));

    for at in 0..wrapped.bytes.len() {
        let mut altered = wrapped.clone();
        altered.bytes[at] ^= 1;
        let cut = Wrapped {
            bytes: wrapped.bytes[..at].to_vec(),
            ..wrapped.clone()
        };
        for wrong in [altered, cut] {
            let error = unwrap(&one, &wrong).unwrap_err();
            assert!(
                matches!(&error, RootError::Altered { fingerprint } if *fingerprint == wrapped.fingerprint)
            );
        }
    }
    // Under the name of the other key the bytes are still not its.
    let renamed = Wrapped {
        fingerprint: offered,
        ..wrapped
    };
    assert!(matches!(unwrap(&two, &renamed), Err(RootError::Altered { .. })));
}

#[test]
fn a_wrong_passphrase_is_refused_and_one_unlocks_at_any_cost_it_was_set_at() {
    let master = Key::random();
    let wrapped = wrap(&passphrase("correct horse", cheap()), &master);
    for wrong in ["correct horse ", "Correct horse", "correct hors", "x"] {
        assert!(matches!(
            unwrap(&passphrase(wrong, cheap()), &wrapped),
            Err(RootError::Refused)
        ));
    }
    // The cost of new locks is of no importance to old ones.
    let dearer = KdfParams::new(MIN_KDF_MEMORY_KIB, 2, 2).unwrap();
    let again = passphrase("correct horse", dearer);
    assert_eq!(unwrap(&again, &wrapped).unwrap().expose(), master.expose());
    let wrapped = wrap(&again, &master);
    let again = unwrap(&passphrase("correct horse", cheap()), &wrapped).unwrap();
    assert_eq!(again.expose(), master.expose());
}

#[test]
fn no_byte_of_what_a_passphrase_locked_can_be_changed() {
    let root = passphrase("correct horse", cheap());
    let wrapped = wrap(&root, &Key::random());
    assert_eq!(wrapped.bytes.len(), 142);
    for at in 0..wrapped.bytes.len() {
        let mut altered = wrapped.clone();
        altered.bytes[at] ^= 1;
        let error = unwrap(&root, &altered).unwrap_err();
        let expected = match at {
            0..13 => matches!(error, RootError::Passphrase(_) | RootError::Refused),
            13..29 => matches!(error, RootError::Refused),
            _ => matches!(error, RootError::Altered { .. }),
        };
        assert!(expected, "byte {at}: {error}");
        let cut = Wrapped {
            bytes: wrapped.bytes[..at].to_vec(),
            ..wrapped.clone()
        };
        assert!(matches!(unwrap(&root, &cut), Err(RootError::NoPassphrase { .. })));
    }
    let longer = Wrapped {
        bytes: [&wrapped.bytes[..], &[0]].concat(),
        ..wrapped
    };
    assert!(matches!(
        unwrap(&root, &longer),
        Err(RootError::NoPassphrase { .. })
    ));
}

#[test]
fn a_hostile_cost_is_refused_before_memory_is_taken() {
    let root = passphrase("correct horse", cheap());
    let wrapped = wrap(&root, &Key::random());
    let with = |at: usize, number: u32| {
        let mut hostile = wrapped.clone();
        hostile.bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
        match unwrap(&root, &hostile) {
            Err(RootError::Passphrase(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    for (at, number) in [
        (1, u32::MAX),
        (1, 256 * 1024 + 1),
        (1, MIN_KDF_MEMORY_KIB - 1),
        (1, 0),
        (5, 0),
        (5, 11),
        (5, u32::MAX),
        (9, 0),
        (9, 9),
    ] {
        let error = with(at, number);
        assert!(matches!(error, KdfError::OutOfBounds { value, .. } if value == number));
    }
    let large = with(1, 256 * 1024);
    assert!(matches!(large, KdfError::BufferTooSmall { buffer_kib, .. } if buffer_kib == MIN_KDF_MEMORY_KIB));
    let mut version = wrapped.clone();
    version.bytes[0] = 2;
    assert!(matches!(
        unwrap(&root, &version),
        Err(RootError::Passphrase(KdfError::Stored))
    ));
}

#[test]
fn a_root_key_of_one_provider_is_not_taken_for_that_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = FileRoot::create(folder.path().join("root.key")).unwrap();
    let phrase = passphrase("correct horse", cheap());
    let (by_file, by_phrase) = (wrap(&file, &Key::random()), wrap(&phrase, &Key::random()));
    let error = unwrap(&phrase, &by_file).unwrap_err();
    assert!(matches!(&error, RootError::NoPassphrase { wanted } if *wanted == by_file.fingerprint));
    assert!(error.to_string().contains(&by_file.fingerprint));
    assert!(matches!(
        unwrap(&file, &by_phrase),
        Err(RootError::OtherKey { .. })
    ));
}

#[test]
fn a_passphrase_has_a_length() {
    for bytes in [0, MAX_PASSWORD_BYTES + 1] {
        let pool = Arc::new(KdfPool::new(1, MIN_KDF_MEMORY_KIB));
        let refused = PassphraseRoot::new(Secret::new("x".repeat(bytes)), cheap(), pool).unwrap_err();
        let length = KdfError::PasswordLength { bytes };
        assert!(matches!(refused, RootError::Passphrase(error) if error == length));
    }
    passphrase(&"x".repeat(MAX_PASSWORD_BYTES), cheap());
}

#[test]
fn what_a_passphrase_locks_is_what_the_description_says() {
    let root = passphrase("correct horse", KdfParams::new(MIN_KDF_MEMORY_KIB, 2, 3).unwrap());
    let master = Key::random();
    let wrapped = wrap(&root, &master);
    let (head, sealed) = wrapped.bytes.split_at(29);
    assert_eq!(head[..13], [1, 0, 0, 0x1c, 0, 0, 0, 0, 2, 0, 0, 0, 3]);
    let mut derived = [0; 32];
    let params = Params::new(MIN_KDF_MEMORY_KIB, 2, 3, Some(32)).unwrap();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(b"correct horse", &head[13..], &mut derived)
        .unwrap();
    let mut info = Vec::new();
    for part in [&b"chancery vault 1 root passphrase"[..], head] {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part);
    }
    let mut key = [0; 32];
    Hkdf::<Sha512>::new(None, &derived)
        .expand(&info, &mut key)
        .unwrap();
    let key = Key::from_bytes(&key).unwrap();
    assert_eq!(key.fingerprint(), wrapped.fingerprint);
    let opened = SealingKey::new(UNNUMBERED, key).open(&MASTER, sealed).unwrap();
    assert_eq!(opened.expose(), master.expose());
}

#[test]
fn a_new_key_file_is_of_its_owner_and_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    let made = FileRoot::create(&path).unwrap();
    assert_eq!(made.path(), path);
    let text = fs::read_to_string(&path).unwrap();
    let (comments, key) = text.trim_end().rsplit_once('\n').unwrap();
    assert!(key.len() == 64 && key.bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert!(comments.lines().all(|line| line.starts_with("# ")));
    assert!(comments.contains("root key") && comments.contains("Back this file up"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing else is left behind"
    );
    let (master, opened) = (Key::random(), FileRoot::open(&path).unwrap());
    let again = unwrap(&opened, &wrap(&made, &master)).unwrap();
    assert_eq!(again.expose(), master.expose());
    assert!(opened.origin().contains("root.key"));
}

#[test]
fn a_key_file_never_replaces_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = key_file(folder.path(), "root.key", "something else");
    let inside = folder.path().join("folder");
    fs::create_dir(&inside).unwrap();
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there is one more on Unix"))]
    let mut taken = vec![path.clone(), inside];
    #[cfg(unix)]
    {
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &link).unwrap();
        taken.push(link);
    }
    for path in taken {
        let refused = FileRoot::create(&path).unwrap_err();
        assert!(matches!(&refused, RootError::Exists { path: told } if *told == path));
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "something else");
    assert!(!folder.path().join("nowhere").exists());
    let nowhere = FileRoot::create(folder.path().join("missing/root.key")).unwrap_err();
    assert!(
        matches!(nowhere, RootError::File { doing: "made", .. }),
        "{nowhere}"
    );
}

#[test]
fn of_many_who_make_one_key_file_one_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    let master = Key::random();
    let made: Vec<Wrapped> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| match FileRoot::create(&path) {
                    Ok(root) => Some(wrap(&root, &master)),
                    Err(RootError::Exists { .. }) => {
                        // Whoever comes second finds it whole.
                        FileRoot::open(&path).unwrap();
                        None
                    }
                    Err(other) => panic!("{other}"),
                })
            })
            .collect();
        all.into_iter().filter_map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(made.len(), 1);
    unwrap(&FileRoot::open(&path).unwrap(), &made[0]).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_or_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = key_file(folder.path(), "root.key", CANARY);
    for mode in [0o640, 0o620, 0o604, 0o602, 0o660, 0o644, 0o666, 0o777] {
        permit(&path, mode);
        let error = FileRoot::open(&path).unwrap_err();
        assert!(matches!(error, RootError::Exposed { mode: told, .. } if told == mode));
        let told = error.to_string();
        assert!(
            told.contains(&format!("mode {mode:04o}"))
                && told.contains(&format!("chmod 600 '{}'", path.display())),
            "{told}"
        );
    }
    for mode in [0o600, 0o400, 0o700] {
        permit(&path, mode);
        FileRoot::open(&path).unwrap();
    }
}

#[test]
fn each_fault_of_a_key_file_has_its_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = FileRoot::open(folder.path().join("nowhere")).unwrap_err();
    assert!(matches!(missing, RootError::Missing { .. }));
    assert!(missing.to_string().contains("nowhere"));
    assert!(matches!(
        FileRoot::open(folder.path()),
        Err(RootError::NotFile { .. })
    ));
    #[cfg(unix)]
    {
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(matches!(FileRoot::open(socket), Err(RootError::NotFile { .. })));
    }
    for (content, expected) in [
        (&b""[..], KeyTextError::Empty),
        (b"# a comment\n\n", KeyTextError::Empty),
        (&CANARY.as_bytes()[..63], KeyTextError::Digits { digits: 63 }),
        (b"cGFzc3dvcmQ=", KeyTextError::Bytes { bytes: 8 }),
        (b"no key at all", KeyTextError::Characters),
        (&[0xff; 32], KeyTextError::Characters),
        (&[b' '; MAX_KEY_TEXT_BYTES + 1], KeyTextError::TooLong),
        (&[b' '; 10 * MAX_KEY_TEXT_BYTES], KeyTextError::TooLong),
    ] {
        let error = FileRoot::open(key_file(folder.path(), "faulty.key", content)).unwrap_err();
        assert!(
            matches!(&error, RootError::Text { fault, .. } if *fault == expected),
            "{error}"
        );
        let told = error.to_string();
        assert!(
            told.contains("faulty.key") && told.contains("openssl rand -hex 32"),
            "{told}"
        );
    }
    let full = format!("{CANARY}{}", " ".repeat(MAX_KEY_TEXT_BYTES - 64));
    FileRoot::open(key_file(folder.path(), "full.key", full)).unwrap();
}

/// The variable that tells the next test what it is to find, when it runs itself.
const VARIABLE: &str = "CHANCERY_TEST_ROOT_KEY";

#[test]
fn a_root_key_in_the_environment_is_read_or_its_fault_is_told() {
    if std::env::var_os(VARIABLE).is_some() {
        // In the process that this test started: what was read goes to the parent.
        match EnvRoot::read(VARIABLE) {
            Ok(root) => {
                let (master, origin) = (Key::random(), root.origin());
                let wrapped = wrap(&root, &master);
                assert_eq!(unwrap(&root, &wrapped).unwrap().expose(), master.expose());
                println!("found {} {origin} {root:?} {wrapped:?}", wrapped.fingerprint);
            }
            Err(error) => println!("fault {error} {error:?}"),
        }
        return;
    }
    let error = EnvRoot::read(VARIABLE).unwrap_err();
    assert!(matches!(&error, RootError::NotSet { variable } if variable == VARIABLE));
    let told = error.to_string();
    for part in [
        VARIABLE,
        "64 hexadecimal digits",
        "base64",
        "openssl rand -hex 32",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let fingerprint = Key::from_bytes(&bytes(CANARY)).unwrap().fingerprint();
    let base64 = "yppHyppHyppHyppHyppHyppHyppHyppHyppHyppHypo=";
    let base64_found = format!(
        "found {}",
        Key::from_bytes(&decoded(base64)).unwrap().fingerprint()
    );
    for (value, expected) in [
        (CANARY.to_owned(), format!("found {fingerprint}")),
        (format!("\n {CANARY}\t\n"), format!("found {fingerprint}")),
        (base64.to_owned(), base64_found.clone()),
        (base64.trim_end_matches('=').to_owned(), base64_found),
        (String::new(), "it is empty".to_owned()),
        (CANARY[2..].to_owned(), "it has 62 hexadecimal digits".to_owned()),
        (format!("{CANARY}!"), "neither hexadecimal".to_owned()),
    ] {
        let run = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "root::a_root_key_in_the_environment_is_read_or_its_fault_is_told",
            ])
            .env(VARIABLE, &value)
            .output()
            .unwrap();
        let told = String::from_utf8(run.stdout).unwrap();
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(
            run.status.success() && told.contains(&expected),
            "{}: {told} {errors}",
            run.status
        );
        assert!(!errors.contains("ca9a47ca"), "{errors}");
        assert!(told.contains(VARIABLE));
        for shown in ["ca9a47ca", "yppHypp", "202, 154", "[202"] {
            assert!(!told.contains(shown), "{told}");
        }
    }
}

fn decoded(base64: &str) -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.decode(base64).unwrap()
}

#[test]
fn nothing_that_is_printed_shows_a_root_key_or_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let file = FileRoot::open(key_file(folder.path(), "root.key", CANARY)).unwrap();
    let phrase = passphrase("canary horse", cheap());
    let master = Key::from_bytes(&[0xab; 32]).unwrap();
    let (by_file, by_phrase) = (wrap(&file, &master), wrap(&phrase, &master));
    let mut printed = vec![
        format!(
            "{file:?} {file:#?} {} {phrase:?} {phrase:#?} {}",
            file.origin(),
            phrase.origin()
        ),
        format!("{by_file:?} {by_phrase:?}"),
    ];
    let mut altered = by_file.clone();
    altered.bytes[100] ^= 1;
    for content in [
        format!("{CANARY}\n{CANARY}"),
        format!("canary {CANARY}"),
        format!("{CANARY}ca"),
        format!("{CANARY}zz"),
        "canary*".to_owned(),
    ] {
        let error = FileRoot::open(key_file(folder.path(), "faulty.key", content)).unwrap_err();
        printed.push(format!("{error} {error:?}"));
    }
    let long = format!("canary{}", "x".repeat(MAX_PASSWORD_BYTES));
    let pool = Arc::new(KdfPool::new(1, MIN_KDF_MEMORY_KIB));
    for error in [
        unwrap(&file, &altered).unwrap_err(),
        unwrap(&file, &by_phrase).unwrap_err(),
        unwrap(&phrase, &by_file).unwrap_err(),
        unwrap(&passphrase("canary house", cheap()), &by_phrase).unwrap_err(),
        PassphraseRoot::new(Secret::new(long), cheap(), pool).unwrap_err(),
        FileRoot::create(file.path()).unwrap_err(),
    ] {
        printed.push(format!("{error} {error:?}"));
    }
    for text in printed {
        for shown in [
            "canary",
            "ca9a47ca",
            "202, 154",
            "abababab",
            "171, 171",
            "99, 97, 110",
        ] {
            assert!(!text.to_lowercase().contains(shown), "{text}");
        }
    }
}

#[test]
fn no_two_lockings_by_a_passphrase_share_a_root_key() {
    let root = passphrase("correct horse", cheap());
    let master = Key::random();
    let names: HashSet<String> = (0..5).map(|_| wrap(&root, &master).fingerprint).collect();
    assert_eq!(names.len(), 5);
}
