//! The routes for whoever has the database at hand: asked and answered in one process, without a socket. Decides nothing that a
//! route does not decide, and asks for no proof: who may open a database's files may do all with it.

use std::io::{self, Read};

use axum::Router;
use axum::body::Body;
use bytes::{Buf, Bytes};
use chancery::Store;
use chancery::vault::Vault;
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tower::ServiceExt;

use crate::caller::Caller;
use crate::{Page, ServeError, Settings, application, router};

/// Bytes of a body that are read at a time.
const STEP_BYTES: usize = 64 * 1024;
/// Parts of a body that wait to be taken.
const PARTS_WAITING: usize = 2;

/// All routes on a store of this process.
pub struct AtHand {
    router: Router,
}

/// A body on its way in, read as it is taken; none where there is nothing to send.
pub type Sent = Option<Box<dyn Read + Send>>;

/// A body on its way out.
pub struct Came {
    body: Body,
    rest: Bytes,
}

impl AtHand {
    /// The routes on a store and its vault; without one it stays sealed.
    ///
    /// # Errors
    /// As [`application`].
    pub async fn new(store: Store, vault: Option<Vault>) -> Result<AtHand, ServeError> {
        let settings = Settings {
            vault,
            page: Page::Absent,
            ..Settings::default()
        };
        Ok(AtHand {
            router: router(application(store, settings).await?),
        })
    }

    /// Asks as the operator of this machine. What is refused is an answer too.
    pub async fn ask(&self, request: Request<Sent>) -> Response<Came> {
        let (mut parts, sent) = request.into_parts();
        parts.extensions.insert(Caller::operator());
        let body = sent.map_or_else(Body::empty, flowing);
        let asked = self.router.clone().oneshot(Request::from_parts(parts, body));
        let answer = match asked.await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        answer.map(|body| Came {
            body,
            rest: Bytes::new(),
        })
    }
}

impl Came {
    /// The next bytes of the body; 0 at its end.
    ///
    /// # Errors
    /// An error of whatever makes the body, in the middle of it.
    pub async fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.body.frame().await {
                None => return Ok(0),
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Err(io::Error::other(error)),
            }
        }
        let count = into.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}

/// A body out of something that blocks while it is read. It is read on a thread of its own, which nobody waits for: a keyboard may
/// say nothing for ever.
fn flowing(mut source: Box<dyn Read + Send>) -> Body {
    let (send, mut parts) = mpsc::channel(PARTS_WAITING);
    std::thread::spawn(move || {
        loop {
            let mut step = vec![0; STEP_BYTES];
            let part = match source.read(&mut step) {
                Ok(0) => return,
                Ok(read) => {
                    step.truncate(read);
                    Ok(Bytes::from(step))
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let ends = part.is_err();
            if send.blocking_send(part).is_err() || ends {
                return;
            }
        }
    });
    Body::from_stream(futures::stream::poll_fn(move |context| parts.poll_recv(context)))
}
