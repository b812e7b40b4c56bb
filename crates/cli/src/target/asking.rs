//! Any operation of the HTTP API on a database of this machine: the server's own routes in this process, without a socket. Whoever may
//! open the database is its operator; it decides nothing else.

use std::io::{self, Read};

use chancery::Store;
use chancery::vault::Vault;
use chancery_api::{ErrorCode, Problem};
use chancery_server::at_hand::{AtHand, Came, Sent};
use serde_json::Value as Json;
use tokio::runtime::Runtime;
use ureq::http::{Request, Response, StatusCode, header};

use super::FIND_LOOK;
use super::http::ANSWER_BYTES_MAX;
use crate::failure::Failure;

/// The code of an issue of what cannot be sealed.
const SEALED: &str = "sealed";
/// What to do about a vault that stays sealed here.
const ROOT_KEY: &str = "here its root key is vault.key beside the database, or in CHANCERY_VAULT_KEY; where there is no vault yet, `chancery vault create` makes it";
/// The states of work that goes on.
const GOES_ON: [&str; 4] = ["running", "checking", "writing", "takingBack"];

/// Asks, and waits for the end of work that goes on in the background: when the command ends, nobody would do it any more.
pub(super) fn ask(
    runtime: &Runtime,
    (store, vault): (Store, Vault),
    request: Request<Sent>,
) -> Result<Response<Box<dyn Read + '_>>, Failure> {
    let answer = runtime.block_on(answered(store, vault, request))?;
    Ok(answer.map(|(came, begun)| -> Box<dyn Read + '_> {
        let rest = Coming { runtime, came };
        Box::new(io::Cursor::new(begun).chain(rest))
    }))
}

/// The answer, with what was read of it already.
async fn answered(
    store: Store,
    vault: Vault,
    request: Request<Sent>,
) -> Result<Response<(Came, Vec<u8>)>, Failure> {
    let routes = AtHand::new(store, Some(vault))
        .await
        .map_err(|error| Failure::new(error.to_string()))?;
    let answer = accepted(routes.ask(request).await).await?;
    let place = match answer.status() {
        StatusCode::ACCEPTED => answer.headers().get(header::LOCATION).cloned(),
        _ => None,
    };
    let Some(place) = place.as_ref().and_then(|place| place.to_str().ok()) else {
        return Ok(answer.map(|came| (came, Vec::new())));
    };
    loop {
        let look = Request::get(place)
            .body(None)
            .map_err(|error| Failure::new(error.to_string()))?;
        let (parts, mut came) = accepted(routes.ask(look).await).await?.into_parts();
        let text = whole(&mut came).await?;
        if !goes_on(&text) {
            return Ok(Response::from_parts(parts, (came, text)));
        }
        tokio::time::sleep(FIND_LOOK).await;
    }
}

/// The answer, if it is no refusal.
async fn accepted(answer: Response<Came>) -> Result<Response<Came>, Failure> {
    let status = answer.status();
    if status.as_u16() < 400 {
        return Ok(answer);
    }
    let text = whole(&mut answer.into_body()).await?;
    match serde_json::from_slice::<Problem>(&text) {
        Ok(problem) => {
            let sealed = problem.code == ErrorCode::VaultSealed
                || problem.errors.iter().any(|issue| issue.code == SEALED);
            let failure = Failure::from(problem);
            Err(if sealed {
                failure.instead(ROOT_KEY)
            } else {
                failure
            })
        }
        Err(_) => Err(Failure::new(format!("the answer is {status} and no explanation"))),
    }
}

async fn whole(came: &mut Came) -> Result<Vec<u8>, Failure> {
    let (mut text, mut step) = (Vec::new(), vec![0; 64 * 1024]);
    while (text.len() as u64) < ANSWER_BYTES_MAX {
        match came.read(&mut step).await? {
            0 => break,
            read => text.extend_from_slice(&step[..read]),
        }
    }
    Ok(text)
}

/// Whether an answer says that the work it is about goes on.
fn goes_on(text: &[u8]) -> bool {
    let answer: Json = serde_json::from_slice(text).unwrap_or_default();
    let states = [
        &answer["state"],
        &answer["job"]["state"],
        &answer["find"]["state"],
    ];
    states
        .iter()
        .filter_map(|state| state.as_str())
        .any(|state| GOES_ON.contains(&state))
}

/// A body that is made while it is read.
struct Coming<'a> {
    runtime: &'a Runtime,
    came: Came,
}

impl Read for Coming<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.runtime.block_on(self.came.read(into))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_goes_on_wherever_its_state_stands() {
        for (text, expected) in [
            (r#"{"state":"running"}"#, true),
            (r#"{"job":{"state":"running"}}"#, true),
            (r#"{"find":{"state":"done"}}"#, false),
            (r#"{"state":"checking"}"#, true),
            (r#"{"state":"paused"}"#, false),
            ("[]", false),
            ("", false),
        ] {
            assert_eq!(goes_on(text.as_bytes()), expected, "{text}");
        }
    }
}
