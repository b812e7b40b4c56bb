//! Every operation of the vault over HTTP, done and refused, and everything that the server tells about them.

use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Birds;
use super::search::in_base64;
use super::wire::{Answer, Caller, Tells};
use Tells::{Asked, Nothing};

const NONE: Value = Value::Null;
const TOKENS: &str = "/api/vault/tokens";
const LATER: &str = "2099-01-01T00:00:00Z";

/// Puts the decoy where everybody may see it, and asks for news of it.
pub(crate) fn plant(caller: &mut Caller, birds: &Birds, receiver: &str) -> Result<()> {
    let hook = json!({"url": receiver});
    caller.send("POST", "/api/webhooks", &hook, 201, Asked)?;
    let column = json!({"name": "name", "slug": "name", "fieldType": "text"});
    let table = json!({"name": birds.decoy, "slug": birds.decoy, "columns": [column]});
    caller.send("POST", "/api/tables", &table, 201, Nothing)?;
    let records = format!("/api/tables/{}/records", birds.decoy);
    let made = caller.send(
        "POST",
        &records,
        &json!({"data": {"name": birds.decoy}}),
        201,
        Nothing,
    )?;
    let record = format!("{records}/{}", made.text("id")?);
    let again = json!({"data": {"name": format!("{} again", birds.decoy)}});
    caller.send("PATCH", &record, &again, 200, Nothing)?;
    caller.send("GET", &format!("{record}/history"), &NONE, 200, Nothing)?;
    // Enough that a look through all of them is slow: the log names the tables of slow queries, and nothing else of requests.
    let many: Vec<Value> = (0..5_000)
        .map(|row| json!({"name": format!("row {row}")}))
        .collect();
    let many = json!({"records": many}).to_string();
    let answer = caller.bytes("POST", &format!("{records}/bulk"), many.as_bytes(), Asked)?;
    ensure!(
        answer.status < 300,
        "many records were answered {}",
        answer.status
    );
    for end in 0..8 {
        let slow =
            json!({"filter": {"column": "name", "operator": "regex", "value": format!("(o|x).*{end}$")}});
        caller.send(
            "POST",
            &format!("/api/tables/{}/query", birds.decoy),
            &slow,
            200,
            Asked,
        )?;
    }
    Ok(())
}

/// Every operation as it is meant. Answers the tokens that were drawn.
pub(crate) fn everything(caller: &mut Caller, birds: &Birds) -> Result<Vec<String>> {
    let mut drawn = made_and_read(caller, birds)?;
    drawn.extend(changed(caller, birds, &drawn[0])?);
    drawn.extend(wrapped(caller, birds)?);
    managed(caller, birds)?;
    Ok(drawn)
}

/// Sends one operation.
fn to(caller: &mut Caller, operation: &str, body: &Value, status: u16, tells: Tells) -> Result<Answer> {
    caller.send("POST", &format!("{TOKENS}{operation}"), body, status, tells)
}

fn made_and_read(caller: &mut Caller, birds: &Birds) -> Result<Vec<String>> {
    let (value, token, nobody) = (&birds.value, &birds.token, &birds.nobody);
    let chosen = json!({
        "value": value, "password": birds.password, "token": token, "maxReads": 500,
        "metadata": {"note": birds.decoy},
    });
    to(caller, "", &chosen, 201, Asked)?;
    let drawn = json!({"value": value, "length": 40});
    let drawn = to(caller, "", &drawn, 201, Asked)?.text("token")?;
    let bytes = json!({"valueBase64": in_base64(value), "expiresAt": LATER});
    let bytes = to(caller, "", &bytes, 201, Asked)?.text("token")?;
    let password = &birds.password;
    for (operation, body) in [
        ("/read", json!({"token": token, "password": password})),
        ("/read", json!({"token": bytes})),
        (
            "/read-many",
            json!({"tokens": [token, drawn, nobody], "password": password}),
        ),
        (
            "/resolve",
            json!({"map": {"a": token, "b": nobody}, "password": password}),
        ),
    ] {
        to(caller, operation, &body, 200, Asked)?;
    }
    to(caller, "/exists", &json!({"token": token}), 200, Nothing)?;
    to(caller, "/exists", &json!({"token": nobody}), 200, Nothing)?;
    let named = json!({"tokens": [token, drawn], "count": "exact"});
    to(caller, "/query", &named, 200, Nothing)?;
    Ok(vec![drawn, bytes])
}

fn changed(caller: &mut Caller, birds: &Birds, drawn: &str) -> Result<Vec<String>> {
    let (value, token, password) = (&birds.value, &birds.token, &birds.password);
    let (changed, new) = (&birds.changed, &birds.new_password);
    for (operation, body) in [
        (
            "/update",
            json!({"token": token, "value": changed, "password": password}),
        ),
        (
            "/update",
            json!({"token": token, "value": value, "password": password, "newPassword": new}),
        ),
        (
            "/change-password",
            json!({"token": token, "password": new, "newPassword": password}),
        ),
        ("/upsert", json!({"token": drawn, "value": changed})),
        (
            "/renew",
            json!({"token": token, "expiresAt": LATER, "password": password}),
        ),
    ] {
        to(caller, operation, &body, 200, Nothing)?;
    }
    let upserted = json!({"value": value, "password": password});
    let upserted = to(caller, "/upsert", &upserted, 201, Asked)?.text("token")?;
    let shown = json!({"token": upserted, "password": password});
    to(caller, "/delete", &shown, 204, Nothing)?;
    to(caller, "/restore", &shown, 200, Nothing)?;
    let for_good = json!({"token": upserted, "permanent": true, "password": password});
    to(caller, "/delete", &for_good, 204, Nothing)?;
    Ok(vec![upserted])
}

fn wrapped(caller: &mut Caller, birds: &Birds) -> Result<Vec<String>> {
    let wrapped = to(caller, "/wrap", &json!({"value": birds.value}), 201, Asked)?.text("token")?;
    to(caller, "/wrap-info", &json!({"token": wrapped}), 200, Nothing)?;
    let rewrapped = to(caller, "/rewrap", &json!({"token": wrapped}), 201, Asked)?.text("token")?;
    to(caller, "/unwrap", &json!({"token": rewrapped}), 200, Asked)?;
    to(caller, "/unwrap", &json!({"token": rewrapped}), 410, Nothing)?;
    let handed = json!({"token": birds.token, "password": birds.password});
    let handed = to(caller, "/wrap", &handed, 201, Asked)?.text("token")?;
    Ok(vec![wrapped, rewrapped, handed])
}

/// What an administrator does without a token.
fn managed(caller: &mut Caller, birds: &Birds) -> Result<()> {
    let found = format!(
        "{TOKENS}?metadata.note={}&order=createdAt&count=exact",
        birds.decoy
    );
    let found = caller.send("GET", &found, &NONE, 200, Nothing)?.json();
    let id = found["secrets"][0]["id"].as_str().unwrap_or_default().to_owned();
    ensure!(!id.is_empty(), "the secret is not in its list");
    let one = format!("{TOKENS}/{id}");
    caller.send("GET", &one, &NONE, 200, Nothing)?;
    caller.send(
        "PATCH",
        &one,
        &json!({"metadata": {"note": birds.decoy, "more": "text"}}),
        200,
        Nothing,
    )?;
    caller.send("GET", &format!("{one}/versions"), &NONE, 200, Nothing)?;
    let back = json!({"version": 1, "password": birds.password});
    caller.send("POST", &format!("{one}/roll-back"), &back, 200, Nothing)?;
    caller.send("DELETE", &format!("{one}/versions/2"), &NONE, 204, Nothing)?;
    caller.send("DELETE", &one, &NONE, 204, Nothing)?;
    caller.send("POST", &format!("{one}/restore"), &NONE, 200, Nothing)?;
    caller.send("POST", "/api/vault/keys", &NONE, 201, Nothing)?;
    caller.send("POST", "/api/vault/sweep", &json!({}), 200, Nothing)?;
    caller.send("GET", "/api/vault/status", &NONE, 200, Nothing)?;
    caller.send("GET", "/api/vault/audit?limit=100", &NONE, 200, Nothing)?;
    caller.send("POST", "/api/vault/audit/verify", &json!({}), 200, Nothing)?;
    Ok(())
}

/// Secrets in requests that are refused: wrong ones, and right ones in every shape that does not fit.
pub(crate) fn refused(caller: &mut Caller, birds: &Birds) -> Result<()> {
    let scoped = caller.send(
        "POST",
        "/api/api-keys",
        &json!({"name": "reader", "scope": "read"}),
        201,
        Asked,
    )?;
    let mut reader = caller.with_key(&scoped.text("key")?);
    let target = json!({"value": birds.value, "password": birds.password});
    let target = caller.send("POST", TOKENS, &target, 201, Asked)?.text("token")?;
    for _ in 0..3 {
        let guess = json!({"token": target, "password": birds.wrong});
        for operation in ["read", "update", "delete"] {
            no(&mut reader, operation, guess.to_string().as_bytes(), Nothing)?;
        }
        no(caller, "read", guess.to_string().as_bytes(), Nothing)?;
    }
    no(
        caller,
        "read",
        json!({"token": birds.nobody, "password": birds.wrong})
            .to_string()
            .as_bytes(),
        Nothing,
    )?;
    for (operation, body) in misshapen(birds) {
        no(caller, operation, &body, Nothing)?;
    }
    // As names of members and in members that are no secrets: that goes back to the sender, and nowhere else.
    let Birds {
        token,
        password,
        value,
        ..
    } = birds;
    no(
        caller,
        "read",
        format!(r#"{{"{token}":"{password}"}}"#).as_bytes(),
        Asked,
    )?;
    no(
        caller,
        "read",
        json!({"token": token, "version": password})
            .to_string()
            .as_bytes(),
        Asked,
    )?;
    no(
        caller,
        "",
        json!({"value": value, "expiresAt": value, "length": password})
            .to_string()
            .as_bytes(),
        Asked,
    )?;
    no(
        caller,
        "query",
        json!({"cursor": token, "ids": [token]}).to_string().as_bytes(),
        Asked,
    )?;
    // Where no route takes one.
    for (method, path) in [
        ("GET", format!("{TOKENS}/{token}")),
        ("GET", format!("{TOKENS}/{token}/versions")),
        ("PATCH", format!("{TOKENS}/{token}")),
        ("DELETE", format!("{TOKENS}/{token}")),
        ("GET", format!("{TOKENS}/read/{token}")),
        ("GET", format!("{TOKENS}?token={token}&password={password}")),
        ("GET", format!("{TOKENS}?cursor={token}")),
        ("GET", format!("{TOKENS}?id={token}")),
        ("POST", format!("{TOKENS}/read?token={token}")),
        ("GET", format!("/{token}")),
    ] {
        caller.bytes(method, &path, b"", Asked)?;
    }
    let mut stranger = caller.with_key(token);
    no(
        &mut stranger,
        "read",
        json!({"token": token}).to_string().as_bytes(),
        Nothing,
    )?;
    Ok(())
}

/// Sends something that is refused.
fn no(caller: &mut Caller, operation: &str, body: &[u8], tells: Tells) -> Result<()> {
    let path = match operation {
        "" => TOKENS.to_owned(),
        operation => format!("{TOKENS}/{operation}"),
    };
    let answer = caller.bytes("POST", &path, body, tells)?;
    ensure!(
        (400..500).contains(&answer.status),
        "{path} was answered {}",
        answer.status
    );
    Ok(())
}

fn misshapen(birds: &Birds) -> Vec<(&'static str, Vec<u8>)> {
    let Birds {
        token,
        password,
        value,
        ..
    } = birds;
    let mut bodies: Vec<(&'static str, Vec<u8>)> = [
        ("read", format!(r#"{{"token":"{token}","password":"{password}""#)),
        ("read", format!(r#"{{"token":"{token}" "{password}"}}"#)),
        ("read", format!(r#"{{"token":"{token}"}} {password}"#)),
        ("read", format!(r#"{{"token":"{token}\x{password}"}}"#)),
        ("read", format!(r#"{{"token":{token}}}"#)),
        ("read", format!(r#""{token}""#)),
        ("read", format!(r#"["{token}","{password}"]"#)),
        ("read", token.clone()),
        ("read", format!(r#"{{"token":["{token}"]}}"#)),
        ("read", format!(r#"{{"token":{{"{token}":"{password}"}}}}"#)),
        (
            "read",
            format!(r#"{{"token":"{token}","password":["{password}"]}}"#),
        ),
        ("read", format!(r#"{{"token":"{token}","token":"{password}"}}"#)),
        ("read-many", format!(r#"{{"tokens":"{token}"}}"#)),
        ("read-many", format!(r#"{{"tokens":{{"{token}":"{password}"}}}}"#)),
        ("read-many", format!(r#"{{"tokens":[["{token}"]]}}"#)),
        ("query", format!(r#"{{"tokens":"{token}"}}"#)),
        ("resolve", format!(r#"{{"map":"{token}"}}"#)),
        ("resolve", format!(r#"{{"map":{{"name":["{token}"]}}}}"#)),
        ("", format!(r#"{{"value":["{value}"]}}"#)),
        ("", format!(r#"{{"value":{{"{value}":1}}}}"#)),
        ("", format!(r#"{{"value":"{value}","valueBase64":"{value}"}}"#)),
        ("", format!(r#"{{"valueBase64":"!{value}"}}"#)),
        ("", format!(r#"{{"value":"{value}","token":"{token}"}}"#)),
        ("", format!(r#"{{"value":"{value}","token":"{token}\n"}}"#)),
        (
            "",
            format!(r#"{{"value":"{value}","token":"{}"}}"#, token.repeat(20)),
        ),
        (
            "",
            format!(r#"{{"value":"{value}","password":"{}"}}"#, password.repeat(100)),
        ),
        (
            "",
            format!(r#"{{"value":"{value}","password":"{}"}}"#, &password[..6]),
        ),
        ("", format!(r#"{{"value":"{}"}}"#, value.repeat(100_000))),
        ("wrap", format!(r#"{{"value":"{value}","token":"{token}"}}"#)),
        ("unwrap", format!(r#"{{"token":"{token}"}}"#)),
    ]
    .map(|(operation, body)| (operation, body.into_bytes()))
    .into();
    bodies.push(("read", [br#"{"token":""#, token.as_bytes(), b"\xff\"}"].concat()));
    bodies
}

/// Everything else that the server tells, the decoy among it.
pub(crate) fn told(caller: &mut Caller, birds: &Birds, exports: &Path) -> Result<()> {
    let table = format!("/api/tables/{}", birds.decoy);
    for path in [
        "/api/changes?since=0",
        "/api/operations",
        "/api/tables",
        "/api/stats",
        "/metrics",
        "/readyz",
    ] {
        caller.send("GET", path, &NONE, 200, Nothing)?;
    }
    let contains = json!({"filter": {"column": "name", "operator": "contains", "value": birds.decoy}});
    caller.send("POST", &format!("{table}/query"), &contains, 200, Nothing)?;
    for (name, path) in [
        ("table.csv", format!("{table}/export/csv")),
        ("table.json", format!("{table}/export/json")),
        ("backup", "/api/backup".to_owned()),
    ] {
        let answer = caller.send("GET", &path, &NONE, 200, Nothing)?;
        std::fs::write(exports.join(name), answer.body)?;
    }
    Ok(())
}

/// After a start from what a killed server left.
pub(crate) fn again(caller: &mut Caller, birds: &Birds, exports: &Path) -> Result<()> {
    let read = json!({"token": birds.token, "password": birds.password});
    let read = caller.send("POST", &format!("{TOKENS}/read"), &read, 200, Asked)?;
    ensure!(read.text("value")? == birds.value, "another value came back");
    caller.send("GET", TOKENS, &NONE, 200, Nothing)?;
    caller.send("GET", "/api/vault/audit?limit=1000", &NONE, 200, Nothing)?;
    caller.send("POST", "/api/vault/audit/verify", &json!({}), 200, Nothing)?;
    caller.send(
        "POST",
        "/api/vault/sweep",
        &json!({"permanent": true}),
        200,
        Nothing,
    )?;
    let backup = caller.send("GET", "/api/backup", &NONE, 200, Nothing)?;
    std::fs::write(exports.join("backup-again"), backup.body)?;
    caller.send("GET", "/metrics", &NONE, 200, Nothing)?;
    Ok(())
}
