//! A server on a real socket, a client that asks it, and a receiver of webhooks that answers as it is told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chancery::Store;
use chancery::access::{KeyInput, Scope};
use chancery_server::{IpNet, Limits, ServeOptions, serve};
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server that listens.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn start(store: Store) -> Served {
        Served::allowing(store, Vec::new()).await
    }

    /// One whose webhooks may reach these networks, and wait half a second for an answer.
    pub(crate) async fn allowing(store: Store, webhook_allow: Vec<IpNet>) -> Served {
        let limits = Limits {
            webhook_time_max: Duration::from_millis(500),
            ..Limits::default()
        };
        Served::with(store, webhook_allow, limits).await
    }

    /// One with limits of its own.
    pub(crate) async fn with(store: Store, webhook_allow: Vec<IpNet>, limits: Limits) -> Served {
        let input = KeyInput {
            name: "admin".into(),
            scope: Scope::Admin,
            grants: Vec::new(),
            expires_at: None,
            created_by: None,
        };
        let key = store
            .access()
            .create_key(input)
            .await
            .unwrap()
            .secret
            .expose()
            .to_owned();
        let (tell, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let options = ServeOptions {
            webhook_allow,
            limits,
            ready: Some(Box::new(move |listening| tell.send(listening.address).unwrap())),
            stop: Some(Box::pin(async {
                let _ = stopped.await;
            })),
            ..ServeOptions::new(store, SocketAddr::from(([127, 0, 0, 1], 0)))
        };
        let task = tokio::spawn(async { serve(options).await.unwrap() });
        Served {
            address: told.await.unwrap(),
            key,
            stop,
            task,
        }
    }

    /// Lets it stop, and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// Asks; the answer is its status and body.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.request(method, path, "application/json", body);
        let answer = self.send(request).await;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Opens a stream of events; the task ends when the stream does, cleanly.
    pub(crate) async fn open(&self, path: &str) -> JoinHandle<()> {
        let answer = self
            .send(self.request("GET", path, "text/event-stream", Value::Null))
            .await;
        assert_eq!(answer.status(), 200);
        tokio::spawn(async {
            answer
                .into_body()
                .collect()
                .await
                .expect("the stream ends as it should");
        })
    }

    /// The status that opening a stream of events is answered with; it is left at once.
    pub(crate) async fn open_status(&self, path: &str) -> u16 {
        let request = self.request("GET", path, "text/event-stream", Value::Null);
        self.send(request).await.status().as_u16()
    }

    fn request(&self, method: &str, path: &str, accept: &str, body: Value) -> Request<Full<bytes::Bytes>> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
            .header("accept", accept)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.key))
            .body(Full::new(body.into()))
            .unwrap()
    }

    async fn send(&self, request: Request<Full<bytes::Bytes>>) -> Response<hyper::body::Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.unwrap();
        // The connection ends with its sender; a stream must go on.
        tokio::spawn(async move {
            sender.ready().await.ok();
        });
        answer
    }
}

/// How a receiver answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Status(u16),
    /// Elsewhere.
    Redirect(String),
    /// With a head whose body never comes.
    Head(u16),
    /// Not at all.
    Nothing,
}

/// What a receiver was sent.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// Something that webhooks are sent to.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    script: Arc<Mutex<VecDeque<Answer>>>,
}

impl Receiver {
    /// Answers as the script says, then always 200.
    pub(crate) async fn start(script: impl IntoIterator<Item = Answer>) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Receiver {
            url: format!("http://{}/hook?x=1", listener.local_addr().unwrap()),
            received: Arc::default(),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
        };
        let answering = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = answering.clone();
                let service = service_fn(move |request| receiver.clone().answer(request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        receiver
    }

    async fn answer(
        self,
        request: Request<hyper::body::Incoming>,
    ) -> Result<Response<BoxBody<bytes::Bytes, Infallible>>, Infallible> {
        let (parts, body) = request.into_parts();
        let received = Received {
            path: parts.uri.to_string(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        };
        self.received.lock().unwrap().push(received);
        let answer = self.script.lock().unwrap().pop_front();
        let response = match answer.unwrap_or(Answer::Status(200)) {
            Answer::Status(status) => Response::builder().status(status),
            Answer::Redirect(to) => Response::builder().status(302).header("location", to),
            Answer::Head(status) => {
                let never = StreamBody::new(futures::stream::pending());
                return Ok(Response::builder().status(status).body(never.boxed()).unwrap());
            }
            Answer::Nothing => std::future::pending().await,
        };
        // Longer than what is read of an answer.
        let body = Full::new(vec![b'x'; 100_000].into());
        Ok(response.body(body.boxed()).unwrap())
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until so much has come.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Received> {
        for _ in 0..1_500 {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("only {} of {count} came", self.received().len());
    }
}
