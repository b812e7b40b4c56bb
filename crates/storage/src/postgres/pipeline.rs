//! Several statements in one round trip: all are sent before the first answer is waited for. The server does them in
//! order; after one fails inside a transaction it refuses the others.

use std::pin::Pin;

use futures::future::{Future, poll_fn};
use std::task::Poll;
use tokio_postgres::{Client, Row};

use super::fault::Pg;
use super::statement::{Statement, typed};

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, tokio_postgres::Error>> + Send + 'a>>;

/// Waits for answers, having sent every question first, in order.
pub(super) async fn answers<T>(questions: Vec<Answer<'_, T>>) -> Pg<Vec<T>> {
    let mut waiting = Vec::with_capacity(questions.len());
    for mut question in questions {
        // A question is sent when it is first polled.
        let first = poll_fn(|context| Poll::Ready(question.as_mut().poll(context))).await;
        waiting.push((question, first));
    }
    let mut answers = Vec::with_capacity(waiting.len());
    for (question, first) in waiting {
        answers.push(match first {
            Poll::Ready(answer) => answer?,
            Poll::Pending => question.await?,
        });
    }
    Ok(answers)
}

/// The rows of each statement.
pub(super) async fn rows(client: &impl AsClient, statements: &[&Statement]) -> Pg<Vec<Vec<Row>>> {
    let client = client.as_client();
    let ask = |statement: &&Statement| -> Answer<'_, Vec<Row>> {
        let (sql, params) = (statement.sql.clone(), statement.params.clone());
        Box::pin(async move { client.query_typed(&sql, &typed(&params)).await })
    };
    answers(statements.iter().map(ask).collect()).await
}

/// Something that speaks to the server.
pub(super) trait AsClient {
    /// The driver's client.
    fn as_client(&self) -> &Client;
}

impl AsClient for Client {
    fn as_client(&self) -> &Client {
        self
    }
}

impl AsClient for super::connection::Connection {
    fn as_client(&self) -> &Client {
        self
    }
}

impl AsClient for deadpool_postgres::Transaction<'_> {
    fn as_client(&self) -> &Client {
        self.client()
    }
}
