//! Databases of a server: made and removed whole. It knows nothing of what is in them.

use tokio_postgres::Client;

use super::fault::{Fault, Pg};
use super::pool::Pools;
use super::settings::Settings;
use crate::error::StorageError;
use crate::open::Durability;

/// Makes an empty database with Unicode texts on the server of a URL, and answers its URL. The user needs the right to.
///
/// # Errors
/// [`StorageError::Denied`] without that right; [`StorageError::Internal`] if there is one of that name.
pub async fn create(server: &str, name: &str) -> Result<String, StorageError> {
    let sql = format!(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'",
        quoted(name)
    );
    run(server, &sql).await?;
    Ok(renamed(server, name))
}

/// Removes a database with all that is in it, whoever is connected to it; nothing if there is none.
///
/// # Errors
/// [`StorageError::Denied`] if the user is not its owner.
pub async fn remove(server: &str, name: &str) -> Result<(), StorageError> {
    run(
        server,
        &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name)),
    )
    .await
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The URL with another database.
fn renamed(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = base.split_once("://").unwrap_or(("postgres", base));
    let server = rest.split_once('/').map_or(rest, |(server, _)| server);
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let name = name.replace('+', "%20");
    match query {
        "" => format!("{scheme}://{server}/{name}"),
        query => format!("{scheme}://{server}/{name}?{query}"),
    }
}

async fn run(server: &str, sql: &str) -> Result<(), StorageError> {
    let pools = Pools::new(Settings::parse(server, Durability::Full)?)?;
    let work = async {
        let client = pools.writer().await?;
        let client: &Client = &client;
        // Copying the files of a template takes as long as it takes.
        client.batch_execute("SET statement_timeout = 0").await?;
        Pg::Ok(client.batch_execute(sql).await?)
    };
    let done = work.await;
    pools.close_readers();
    pools.close_writer();
    done.map_err(|fault: Fault| fault.outward(pools.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_a_url_changes() {
        let check = |url: &str, expected: &str| assert_eq!(renamed(url, "b c"), expected);
        check("postgres://u:p@h:1/a?x=1", "postgres://u:p@h:1/b%20c?x=1");
        check("postgresql://h", "postgresql://h/b%20c");
        check("postgres:///a?host=/run", "postgres:///b%20c?host=/run");
    }
}
