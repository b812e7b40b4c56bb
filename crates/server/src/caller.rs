//! Who calls: API keys and session cookies out of headers, CSRF and origin checks. What a caller may do is [`crate::access`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use chancery::access::{Principal, Rights, Scope};
use chancery::credentials::Secret;
use chancery_api::ErrorCode;
use http::{HeaderMap, HeaderValue, Method, header, request::Parts};

use crate::fault::Fault;
use crate::state::App;

/// The header a browser's change must carry.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";
/// What CSRF tokens are signed for.
const CSRF_PURPOSE: &str = "csrf";

/// The address a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Somebody whose proof was checked, and how it came.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Who.
    pub(crate) principal: Arc<Principal>,
    /// The token of the session; none with an API key.
    pub(crate) session: Option<Arc<Secret>>,
    /// What they may do where, if it is not the same everywhere.
    pub(crate) rights: Option<Arc<Rights>>,
}

impl Caller {
    fn new(principal: Arc<Principal>, session: Option<Arc<Secret>>) -> Caller {
        let rights = principal.rights().map(Arc::new);
        Caller {
            principal,
            session,
            rights,
        }
    }

    /// Whoever has the database at hand. Nothing that comes over a network gets here: it is said in the process, by
    /// [`crate::at_hand`].
    pub(crate) fn operator() -> Caller {
        Caller::new(Arc::new(Principal::Operator), None)
    }

    /// What the caller may do somewhere, where the store holds them to `held`: whose rights are the same everywhere is held to nothing by it.
    pub(crate) fn scope_in(&self, held: Scope) -> Scope {
        match self.rights {
            Some(_) => held,
            None => self.principal.scope(),
        }
    }

    /// Whether the caller may remove something for good.
    ///
    /// # Errors
    /// 403 below the scope admin.
    pub(crate) fn may_purge(&self) -> Result<(), Fault> {
        if self.principal.scope() >= Scope::Admin {
            return Ok(());
        }
        Err(
            Fault::new(ErrorCode::Forbidden, "Deleting for good needs the scope admin.")
                .hint("Leave permanent out; it goes to the trash then, and can be brought back."),
        )
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Caller, Fault> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(nobody)
    }
}

/// The address of the caller, for counting attempts.
pub(crate) struct Address(pub(crate) IpAddr);

impl FromRequestParts<App> for Address {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Address, Fault> {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        Ok(Address(peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
    }
}

/// The refusal of a stranger.
fn nobody() -> Fault {
    Fault::new(ErrorCode::Unauthenticated, "This route needs credentials.")
        .hint("Send Authorization: Bearer chy_…, or sign in at /api/auth/login.")
}

/// The refusal of a caller who may do less than a route needs.
pub(crate) fn short_of(least: Scope, has: Scope) -> Fault {
    let detail = format!(
        "This needs the scope {}; yours is {}.",
        least.as_str(),
        has.as_str()
    );
    Fault::new(ErrorCode::Forbidden, detail)
}

/// Finds out who calls.
///
/// # Errors
/// 401 without valid credentials, 403 when a browser's change lacks its CSRF token or comes from another origin.
pub(crate) async fn authenticate(app: &App, method: &Method, headers: &HeaderMap) -> Result<Caller, Fault> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let shown = bearer(value).ok_or_else(|| {
            Fault::new(
                ErrorCode::Unauthenticated,
                "The header Authorization holds no bearer key.",
            )
            .hint("Send Authorization: Bearer chy_…")
        })?;
        let principal = app.store.access().key(shown).await?;
        return match principal {
            Some(principal) => Ok(Caller::new(principal, None)),
            None => Err(Fault::new(
                ErrorCode::Unauthenticated,
                "The API key is unknown, ended or deleted.",
            )),
        };
    }
    let token = cookie(headers, app.cookie_name()).ok_or_else(nobody)?;
    let principal = app.store.access().session(token).await?;
    let principal =
        principal.ok_or_else(|| Fault::new(ErrorCode::Unauthenticated, "The session is over."))?;
    if changes(method) {
        same_origin(headers)?;
        let given = headers
            .get(CSRF_HEADER)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !app.signer.verify(CSRF_PURPOSE, token.as_bytes(), given) {
            return Err(Fault::new(
                ErrorCode::CsrfRequired,
                "The header X-CSRF-Token is missing or wrong.",
            )
            .hint("Take csrfToken from GET /api/auth/session."));
        }
    }
    Ok(Caller::new(principal, Some(Arc::new(Secret::new(token)))))
}

/// The CSRF token of a session.
pub(crate) fn csrf_token(app: &App, session: &Secret) -> String {
    app.signer.sign(CSRF_PURPOSE, session.expose().as_bytes())
}

/// Whether a method changes something.
pub(crate) fn changes(method: &Method) -> bool {
    !matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

/// The key in a header `Authorization`.
pub(crate) fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(had, _)| *had == name).map(|(_, value)| value)
}

/// Refuses a change that a page of another origin sends with the user's cookies.
///
/// # Errors
/// 403.
pub(crate) fn same_origin(headers: &HeaderMap) -> Result<(), Fault> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let foreign = match (text("origin"), text("host")) {
        (Some(origin), host) => origin.split_once("://").map(|(_, rest)| rest) != host,
        (None, _) => text("sec-fetch-site") == Some("cross-site"),
    };
    if foreign {
        return Err(Fault::new(
            ErrorCode::OriginRefused,
            "The request comes from a page of another origin.",
        ));
    }
    Ok(())
}

/// Refuses a change that a stranger's page sends, on routes without credentials (signing in, setting up).
pub(crate) fn stranger(method: &Method, headers: &HeaderMap) -> Result<(), Fault> {
    if changes(method) {
        same_origin(headers)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("xsession=1; session=2"));
        headers.append(header::COOKIE, HeaderValue::from_static("other=3"));
        assert_eq!(cookie(&headers, "session"), Some("2"));
        assert_eq!(cookie(&headers, "other"), Some("3"));
        assert_eq!(cookie(&headers, "sess"), None);
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        let check = |origin: Option<&'static str>, site: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("127.0.0.1:7373"));
            if let Some(origin) = origin {
                headers.insert("origin", HeaderValue::from_static(origin));
            }
            if let Some(site) = site {
                headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            }
            same_origin(&headers).is_ok()
        };
        assert!(check(Some("http://127.0.0.1:7373"), None));
        assert!(!check(Some("http://evil.example"), None));
        assert!(!check(Some("null"), None));
        assert!(!check(None, Some("cross-site")));
        assert!(check(None, Some("same-origin")));
        assert!(check(None, None));
    }
}
