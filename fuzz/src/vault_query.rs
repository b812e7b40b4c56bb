//! What callers send to the vault over HTTP, as JSON: read, written and read again, and never repeated where it is refused.

use chancery_api::vault;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

/// Stands in the place of everything that is not to be seen.
const CANARY: &str = "Nachtigall-7f3a";
const CANARY_NUMBER: u64 = 471_100_004_711;
/// The members whose content is not to be seen, whatever it is.
const CONCEALED: [&str; 7] = [
    "value",
    "valueBase64",
    "password",
    "newPassword",
    "token",
    "tokens",
    "map",
];

/// Reads bytes as the body of one of the requests.
pub fn check(data: &[u8]) {
    let Some((&way, data)) = data.split_first() else {
        return;
    };
    match way % 14 {
        0 => body::<vault::SecretQuery>(data),
        1 => body::<vault::SecretCreate>(data),
        2 => body::<vault::SecretRead>(data),
        3 => body::<vault::SecretReadMany>(data),
        4 => body::<vault::SecretResolve>(data),
        5 => body::<vault::SecretUpdate>(data),
        6 => body::<vault::SecretUpsert>(data),
        7 => body::<vault::SecretRenew>(data),
        8 => body::<vault::SecretPassword>(data),
        9 => body::<vault::SecretToken>(data),
        10 => body::<vault::SecretDelete>(data),
        11 => body::<vault::SecretRestore>(data),
        12 => body::<vault::SecretWrap>(data),
        _ => body::<vault::SecretRewrap>(data),
    }
}

fn body<T: Serialize + DeserializeOwned + std::fmt::Debug>(data: &[u8]) {
    round_trip::<T>(data);
    // The same with something in the secret places that can be recognised.
    let Ok(mut json) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let Value::Object(members) = &mut json else { return };
    for (name, inside) in members
        .iter_mut()
        .filter(|(name, _)| CONCEALED.contains(&name.as_str()))
    {
        conceal(inside, name != "map");
    }
    let text = json.to_string();
    round_trip::<T>(text.as_bytes());
    let told = match serde_json::from_str::<T>(&text) {
        Ok(parsed) => format!("{parsed:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(
        !told.contains(CANARY) && !told.contains(&CANARY_NUMBER.to_string()),
        "what was sent in a secret place is repeated: {told}"
    );
}

/// What is taken says the same when it is written: member for member, and again the same when that is read.
pub(crate) fn round_trip<T: Serialize + DeserializeOwned>(data: &[u8]) {
    let Ok(parsed) = serde_json::from_slice::<T>(data) else {
        return;
    };
    let written = serde_json::to_value(&parsed).expect("it can be written");
    let again: T = serde_json::from_value(written.clone()).expect("what was written is read");
    assert_eq!(serde_json::to_value(&again).expect("it can be written"), written);
    // A structure is also read from a list of its members, which has no names to compare.
    let Ok(Value::Object(given)) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    for (name, given) in given {
        match written.get(&name) {
            Some(written) => assert!(is_said_by(&given, written), "{name}: {given} became {written}"),
            None => assert!(is_nothing(&given), "{name}: {given} was lost"),
        }
    }
}

/// Whether what was written says all that was given; members that were left out may have been filled in.
fn is_said_by(given: &Value, written: &Value) -> bool {
    match (given, written) {
        (Value::Object(given), Value::Object(written)) => {
            given.iter().all(|(name, given)| match written.get(name) {
                Some(written) => is_said_by(given, written),
                None => is_nothing(given),
            })
        }
        (Value::Array(given), Value::Array(written)) => {
            given.len() == written.len()
                && given
                    .iter()
                    .zip(written)
                    .all(|(given, written)| is_said_by(given, written))
        }
        // A structure given as a list of its members, or the name of an alternative given as `{"name": null}`.
        (Value::Array(_), Value::Object(_)) | (Value::Object(_), Value::String(_)) => true,
        _ => given == written,
    }
}

fn is_nothing(given: &Value) -> bool {
    match given {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Puts the canary in the place of everything below; names of members too, unless they are names that the caller gives.
fn conceal(json: &mut Value, names_too: bool) {
    match json {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => *number = Number::from(CANARY_NUMBER),
        Value::String(text) => text.insert_str(0, CANARY),
        Value::Array(list) => list.iter_mut().for_each(|inside| conceal(inside, true)),
        Value::Object(members) => {
            let renamed: Map<String, Value> = std::mem::take(members)
                .into_iter()
                .map(|(name, mut inside)| {
                    conceal(&mut inside, true);
                    (
                        if names_too {
                            format!("{CANARY}{name}")
                        } else {
                            name
                        },
                        inside,
                    )
                })
                .collect();
            *members = renamed;
        }
    }
}
