//! Who may call which route: the one table. The middleware enforces it; a test compares it with the OpenAPI document.
//!
//! A route without a line here answers nobody: add the line together with the route.

use chancery::access::Scope;

/// The least a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: strangers may call it.
    Public,
    /// To read.
    Read,
    /// To write.
    Write,
    /// To administer.
    Admin,
}

impl Need {
    /// The scope that suffices; none for public routes.
    pub fn scope(self) -> Option<Scope> {
        match self {
            Need::Public => None,
            Need::Read => Some(Scope::Read),
            Need::Write => Some(Scope::Write),
            Need::Admin => Some(Scope::Admin),
        }
    }
}

/// How long a route may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The time limit of ordinary requests.
    Ordinary,
    /// As long as data flows: uploads, exports, streams.
    Long,
}

/// Over what a route reaches: where the scope of a caller is looked up whose scope is not the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The table that its path names.
    Table,
    /// The workspace that its path names.
    Workspace,
    /// Nothing but what is the caller's own, or what they see, perhaps nothing: it looks itself.
    Own,
    /// Whatever the caller sees, something at least: it looks itself.
    Anywhere,
    /// What belongs to no table.
    Apart,
    /// All tables.
    All,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The method.
    pub method: &'static str,
    /// The path as the router has it.
    pub path: &'static str,
    /// The least a caller needs.
    pub need: Need,
    /// How long it may take.
    pub pace: Pace,
    /// Over what it reaches.
    pub reach: Reach,
    /// Whether it can be held to some columns and records of its table.
    pub narrow: bool,
}

impl Rule {
    const fn own(self) -> Rule {
        Rule {
            reach: Reach::Own,
            ..self
        }
    }

    const fn anywhere(self) -> Rule {
        Rule {
            reach: Reach::Anywhere,
            ..self
        }
    }

    const fn narrow(self) -> Rule {
        Rule { narrow: true, ..self }
    }
}

/// Whether bodies under a path hold secrets, of which nothing is kept: no answer, and no hash of a request.
pub(crate) fn holds_secrets(path: &str) -> bool {
    path.starts_with("/api/vault/") || path.starts_with("/api/jobs/") || path.ends_with("/reveal")
}

/// Whether strangers write under a path.
pub(crate) fn fills_in_a_form(path: &str) -> bool {
    path.starts_with("/api/forms/")
}

const fn rule(method: &'static str, path: &'static str, need: Need) -> Rule {
    Rule {
        method,
        path,
        need,
        pace: Pace::Ordinary,
        reach: reach(path),
        narrow: false,
    }
}

const fn long(method: &'static str, path: &'static str, need: Need) -> Rule {
    Rule {
        pace: Pace::Long,
        ..rule(method, path, need)
    }
}

/// Over what a route reaches unless its line says otherwise.
const fn reach(path: &str) -> Reach {
    if starts(path, "/api/tables/{table}") {
        Reach::Table
    } else if starts(path, "/api/workspaces/{workspace}") {
        Reach::Workspace
    } else if starts(path, "/api/vault/") {
        Reach::Apart
    } else {
        Reach::All
    }
}

const fn starts(path: &str, with: &str) -> bool {
    let (path, with) = (path.as_bytes(), with.as_bytes());
    let mut at = 0;
    while at < with.len() {
        if at >= path.len() || path[at] != with[at] {
            return false;
        }
        at += 1;
    }
    true
}

use Need::{Admin, Public, Read, Write};

/// Every route with the least role that may call it.
pub const RULES: &[Rule] = &[
    rule("GET", "/healthz", Public),
    rule("GET", "/readyz", Public),
    rule("GET", "/metrics", Admin),
    rule("GET", "/api/openapi.json", Public),
    rule("GET", "/api/docs", Public),
    rule("GET", "/api/auth/state", Public),
    rule("POST", "/api/auth/setup", Public),
    rule("POST", "/api/auth/login", Public),
    rule("POST", "/api/auth/logout", Read).own(),
    rule("GET", "/api/auth/session", Read).own(),
    rule("POST", "/api/auth/password", Read).own(),
    rule("GET", "/api/users", Admin),
    rule("POST", "/api/users", Admin),
    rule("GET", "/api/users/{user}", Admin),
    rule("PATCH", "/api/users/{user}", Admin),
    rule("GET", "/api/people", Read).anywhere(),
    rule("GET", "/api/api-keys", Admin),
    rule("POST", "/api/api-keys", Admin),
    rule("DELETE", "/api/api-keys/{apiKey}", Admin),
    rule("GET", "/api/workspaces", Read).own(),
    rule("POST", "/api/workspaces", Admin),
    rule("GET", "/api/workspaces/{workspace}", Read),
    rule("PATCH", "/api/workspaces/{workspace}", Admin),
    rule("DELETE", "/api/workspaces/{workspace}", Admin),
    rule("GET", "/api/field-types", Read).own(),
    rule("GET", "/api/field-types/{type}", Read).own(),
    rule("GET", "/api/field-types/{type}/config-schema", Read).own(),
    // What a caller may see of files is decided for each: who brought it, and who may read a table that uses it.
    rule("GET", "/api/files", Admin),
    long("POST", "/api/files", Write),
    rule("POST", "/api/files/upload-url", Write),
    long("POST", "/api/files/{file}/finish", Write),
    rule("GET", "/api/files/{file}", Read),
    rule("DELETE", "/api/files/{file}", Write),
    long("GET", "/api/files/{file}/download", Read),
    rule("GET", "/api/files/{file}/thumbnail", Read),
    rule("POST", "/api/files/{file}/download-url", Read),
    long("POST", "/api/tables/{table}/records/{record}/files", Write),
    rule("GET", "/api/buckets", Read),
    rule("POST", "/api/buckets", Write),
    rule("GET", "/api/buckets/{name}", Read),
    rule("PATCH", "/api/buckets/{name}", Write),
    rule("DELETE", "/api/buckets/{name}", Write),
    // Final, and still for writers: a bucket's vocabulary is one of programs that write.
    rule("POST", "/api/buckets/{name}/clear", Write),
    rule("GET", "/api/stats", Read),
    rule("POST", "/api/purge-ttl", Write),
    rule("GET", "/api/tables", Read).own(),
    rule("POST", "/api/tables", Write).anywhere(),
    long("POST", "/api/tables/import/csv", Write),
    long("POST", "/api/tables/import/json", Write),
    rule("GET", "/api/tables/{table}", Read).narrow(),
    rule("PATCH", "/api/tables/{table}", Write),
    rule("DELETE", "/api/tables/{table}", Write),
    rule("POST", "/api/tables/{table}/restore", Write),
    rule("GET", "/api/tables/{table}/stats", Read).narrow(),
    rule("GET", "/api/tables/{table}/trash", Read).narrow(),
    rule("GET", "/api/tables/{table}/views", Read).narrow(),
    rule("POST", "/api/tables/{table}/views", Write),
    rule("GET", "/api/tables/{table}/views/{view}", Read).narrow(),
    rule("PATCH", "/api/tables/{table}/views/{view}", Write),
    rule("DELETE", "/api/tables/{table}/views/{view}", Write),
    rule("GET", "/api/tables/{table}/forms", Read),
    rule("POST", "/api/tables/{table}/forms", Write),
    rule("GET", "/api/tables/{table}/forms/{form}", Read),
    rule("PATCH", "/api/tables/{table}/forms/{form}", Write),
    rule("DELETE", "/api/tables/{table}/forms/{form}", Write),
    // Strangers fill in what somebody made for them, and read nothing.
    rule("GET", "/api/forms/{table}/{form}", Public),
    rule("POST", "/api/forms/{table}/{form}", Public),
    rule("GET", "/api/tables/{table}/columns", Read).narrow(),
    rule("POST", "/api/tables/{table}/columns", Write),
    rule("POST", "/api/tables/{table}/columns/reorder", Write),
    rule("GET", "/api/tables/{table}/columns/{column}", Read).narrow(),
    rule("PATCH", "/api/tables/{table}/columns/{column}", Write),
    rule("DELETE", "/api/tables/{table}/columns/{column}", Write),
    rule("POST", "/api/tables/{table}/columns/{column}/restore", Write),
    rule("GET", "/api/tables/{table}/columns/{column}/change-type", Read),
    long("POST", "/api/tables/{table}/columns/{column}/change-type", Write),
    rule("GET", "/api/tables/{table}/columns/{column}/distinct", Read).narrow(),
    rule("POST", "/api/tables/{table}/columns/{column}/validate", Read),
    rule("GET", "/api/tables/{table}/columns/{column}/options", Read).narrow(),
    rule("POST", "/api/tables/{table}/columns/{column}/options", Write),
    rule(
        "POST",
        "/api/tables/{table}/columns/{column}/options/reorder",
        Write,
    ),
    rule(
        "PATCH",
        "/api/tables/{table}/columns/{column}/options/{option}",
        Write,
    ),
    rule(
        "DELETE",
        "/api/tables/{table}/columns/{column}/options/{option}",
        Write,
    ),
    long(
        "POST",
        "/api/tables/{table}/columns/{column}/options/{option}/merge",
        Write,
    ),
    rule("GET", "/api/tables/{table}/records", Read).narrow(),
    rule("POST", "/api/tables/{table}/records", Write).narrow(),
    long("POST", "/api/tables/{table}/records/bulk", Write).narrow(),
    long("PATCH", "/api/tables/{table}/records/bulk", Write).narrow(),
    long("DELETE", "/api/tables/{table}/records/bulk", Write).narrow(),
    long("POST", "/api/tables/{table}/records/bulk-delete", Write).narrow(),
    long("POST", "/api/tables/{table}/records/bulk-upsert", Write),
    rule("GET", "/api/tables/{table}/records/{record}", Read).narrow(),
    rule("PATCH", "/api/tables/{table}/records/{record}", Write).narrow(),
    rule("PUT", "/api/tables/{table}/records/{record}", Write).narrow(),
    rule("DELETE", "/api/tables/{table}/records/{record}", Write).narrow(),
    rule("POST", "/api/tables/{table}/records/{record}/restore", Write).narrow(),
    rule("GET", "/api/tables/{table}/records/{record}/history", Read),
    rule(
        "POST",
        "/api/tables/{table}/records/{record}/restore-version",
        Write,
    ),
    // Values of encrypted columns are no part of reading: every one that is given is written down.
    rule("POST", "/api/tables/{table}/records/{record}/reveal", Admin),
    rule("POST", "/api/tables/{table}/duplicates/merge", Write),
    long("POST", "/api/tables/{table}/duplicates/find", Read),
    rule("GET", "/api/tables/{table}/duplicates/finds/{find}", Read),
    rule("DELETE", "/api/tables/{table}/duplicates/finds/{find}", Read),
    rule("POST", "/api/tables/{table}/duplicates/ignore", Write),
    rule("GET", "/api/tables/{table}/duplicates/ignored", Read),
    rule(
        "DELETE",
        "/api/tables/{table}/duplicates/ignored/{ignored}",
        Write,
    ),
    long("GET", "/api/operations", Read),
    long("GET", "/api/operations/{operation}", Read),
    long("POST", "/api/operations/{operation}/revert", Write),
    rule("POST", "/api/transactions", Write).anywhere(),
    rule("POST", "/api/tables/{table}/query", Read).narrow(),
    rule("POST", "/api/tables/{table}/aggregate", Read).narrow(),
    long("POST", "/api/tables/{table}/import/csv", Write),
    long("POST", "/api/tables/{table}/import/json", Write),
    long("POST", "/api/tables/{table}/import/xlsx", Write),
    long("POST", "/api/tables/{table}/imports", Write),
    long("GET", "/api/tables/{table}/export/csv", Read).narrow(),
    long("GET", "/api/tables/{table}/export/ndjson", Read).narrow(),
    long("GET", "/api/tables/{table}/export/xlsx", Read).narrow(),
    long("GET", "/api/tables/{table}/export/json", Read),
    long("POST", "/api/import/analyse", Write),
    rule("GET", "/api/imports", Read),
    long("POST", "/api/imports", Write),
    rule("GET", "/api/imports/{import}", Read),
    // Another way to read the file is looked at anew, all of it.
    long("PATCH", "/api/imports/{import}", Write),
    rule("POST", "/api/imports/{import}/dry-run", Write),
    rule("POST", "/api/imports/{import}/commit", Write),
    rule("POST", "/api/imports/{import}/pause", Write),
    rule("POST", "/api/imports/{import}/resume", Write),
    long("POST", "/api/imports/{import}/revert", Write),
    rule("GET", "/api/imports/{import}/errors", Read),
    rule("POST", "/api/imports/{import}/cancel", Write),
    long("GET", "/api/changes", Read),
    rule("GET", "/api/webhooks", Admin),
    rule("POST", "/api/webhooks", Admin),
    rule("GET", "/api/webhooks/{webhook}", Admin),
    rule("PATCH", "/api/webhooks/{webhook}", Admin),
    rule("DELETE", "/api/webhooks/{webhook}", Admin),
    rule("POST", "/api/webhooks/{webhook}/replay", Admin),
    rule("GET", "/api/webhooks/{webhook}/deliveries", Admin),
    rule(
        "POST",
        "/api/webhooks/{webhook}/deliveries/{delivery}/replay",
        Admin,
    ),
    rule("GET", "/api/vault/tokens", Admin),
    rule("POST", "/api/vault/tokens", Write),
    // Whoever shows a token may read it. Changing what it stands for needs its password besides, or the scope admin.
    rule("POST", "/api/vault/tokens/read", Read),
    rule("POST", "/api/vault/tokens/read-many", Read),
    rule("POST", "/api/vault/tokens/resolve", Read),
    rule("POST", "/api/vault/tokens/exists", Read),
    rule("POST", "/api/vault/tokens/unwrap", Read),
    rule("POST", "/api/vault/tokens/wrap-info", Read),
    rule("POST", "/api/vault/tokens/update", Write),
    rule("POST", "/api/vault/tokens/upsert", Write),
    rule("POST", "/api/vault/tokens/renew", Write),
    rule("POST", "/api/vault/tokens/change-password", Write),
    rule("POST", "/api/vault/tokens/delete", Write),
    rule("POST", "/api/vault/tokens/restore", Write),
    rule("POST", "/api/vault/tokens/wrap", Write),
    rule("POST", "/api/vault/tokens/rewrap", Write),
    rule("POST", "/api/vault/tokens/query", Admin),
    rule("GET", "/api/vault/tokens/{secret}", Admin),
    rule("PATCH", "/api/vault/tokens/{secret}", Admin),
    rule("DELETE", "/api/vault/tokens/{secret}", Admin),
    rule("POST", "/api/vault/tokens/{secret}/restore", Admin),
    rule("POST", "/api/vault/tokens/{secret}/roll-back", Admin),
    rule("GET", "/api/vault/tokens/{secret}/versions", Admin),
    rule("DELETE", "/api/vault/tokens/{secret}/versions/{version}", Admin),
    rule("GET", "/api/vault/audit", Admin),
    long("POST", "/api/vault/audit/verify", Admin),
    rule("GET", "/api/vault/status", Admin),
    rule("POST", "/api/vault/keys", Admin),
    rule("DELETE", "/api/vault/keys/{kid}", Admin),
    long("POST", "/api/vault/sweep", Admin),
    rule("POST", "/api/vault/jobs", Admin),
    rule("GET", "/api/jobs", Admin),
    rule("GET", "/api/jobs/{job}", Admin),
    rule("POST", "/api/jobs/{job}/cancel", Admin),
    rule("POST", "/api/jobs/{job}/pause", Admin),
    rule("POST", "/api/jobs/{job}/resume", Admin),
    long("GET", "/api/backup", Admin),
    rule("GET", "/api/queries", Read),
    rule("GET", "/api/queries/{query}", Read),
    rule("PUT", "/api/queries/{query}", Write),
    rule("DELETE", "/api/queries/{query}", Write),
    rule("POST", "/api/queries/{query}/run", Read),
    // A socket says who it is in its first frame where it cannot say it in a header.
    long("GET", "/api/live", Public),
];
