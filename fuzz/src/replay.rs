//! The kept inputs of a target, given to its property one after the other. No fuzzer is needed for it.

use std::path::Path;

/// Gives every file of `corpus/` and `artifacts/` to a property, and says which one it was if it does not hold.
pub fn replay(name: &str, property: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut replayed = 0;
    for folder in ["corpus", "artifacts"] {
        let Ok(entries) = std::fs::read_dir(fuzz.join(folder).join(name)) else {
            // Only what was found and not mended yet is in the second one.
            assert_eq!(folder, "artifacts", "{name} has no inputs");
            continue;
        };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            let data = std::fs::read(&path).expect("an input can be read");
            if std::panic::catch_unwind(|| property(&data)).is_err() {
                panic!("{} shows that {name} does not hold what it says", path.display());
            }
            replayed += 1;
        }
    }
    assert!(replayed >= 10, "{name} has only {replayed} inputs");
}
