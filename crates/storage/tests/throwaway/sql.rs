//! SQL past every store, as whoever a URL names. It makes no database.

/// Runs statements.
pub(crate) async fn sql(url: &str, statements: &str) {
    let plain = url.split_once('?').map_or(url, |(plain, _)| plain);
    let (client, connection) = tokio_postgres::connect(plain, tokio_postgres::NoTls)
        .await
        .expect("the server is there");
    let connection = tokio::spawn(connection);
    client
        .batch_execute(statements)
        .await
        .expect("the statements run");
    drop(client);
    let _ = connection.await;
}
