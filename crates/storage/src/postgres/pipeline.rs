//! Several statements in one round trip: all are sent before the first answer is waited for. The server does them in
//! order; after one fails inside a transaction it refuses the others.

use std::pin::Pin;

use deadpool_postgres::ClientWrapper;
use futures::future::{Future, poll_fn};
use std::task::Poll;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::fault::Pg;
use super::statement::{Param, Statement, typed};

/// Most statements that a connection keeps prepared; beyond it all are let go. Their forms are few: a handful, and some for
/// each table and each set of columns that is changed together.
const KEPT_MAX: usize = 1_000;

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

/// The rows of each statement; none of those that answer none.
pub(super) async fn rows(client: &impl AsClient, statements: &[&Statement]) -> Pg<Vec<Vec<Row>>> {
    let mut questions: Vec<Answer<'_, Vec<Row>>> = Vec::with_capacity(statements.len());
    for statement in statements {
        let kept = kept(client, statement).await?;
        let client = client.as_client();
        questions.push(Box::pin(async move {
            match kept {
                Some(kept) => client.query(&kept, &bound(&statement.params)).await,
                None => {
                    client
                        .query_typed(&statement.sql, &typed(&statement.params))
                        .await
                }
            }
        }));
    }
    answers(questions).await
}

/// A statement as the server has it prepared, if it is one that a connection keeps.
async fn kept(client: &impl AsClient, statement: &Statement) -> Pg<Option<tokio_postgres::Statement>> {
    let Some(keeper) = client.keeper().filter(|_| statement.kept) else {
        return Ok(None);
    };
    if keeper.statement_cache.size() >= KEPT_MAX {
        keeper.statement_cache.clear();
    }
    let types: Vec<Type> = statement.params.iter().map(Param::ty).collect();
    Ok(Some(keeper.prepare_typed_cached(&statement.sql, &types).await?))
}

fn bound(params: &[Param]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as &(dyn ToSql + Sync)).collect()
}

/// Something that speaks to the server.
pub(super) trait AsClient: Sync {
    /// The driver's client.
    fn as_client(&self) -> &Client;

    /// What keeps statements prepared, if it does.
    fn keeper(&self) -> Option<&ClientWrapper> {
        None
    }
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

    fn keeper(&self) -> Option<&ClientWrapper> {
        Some(self)
    }
}

impl AsClient for super::pool::Lent {
    fn as_client(&self) -> &Client {
        self
    }

    fn keeper(&self) -> Option<&ClientWrapper> {
        Some(self)
    }
}

impl AsClient for deadpool_postgres::Transaction<'_> {
    fn as_client(&self) -> &Client {
        self.client()
    }
}
