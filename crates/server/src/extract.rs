//! Reading requests: JSON bodies, query parameters, paths and headers, each refusal with where and what. Decides
//! nothing about their meaning.

use axum::RequestPartsExt;
use axum::body::HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use chancery_api::{ErrorCode, Issue, JsonMap};
use http::{HeaderMap, Method, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::fault::{Fault, did_you_mean};
use crate::objects::ObjectsOnly;
use crate::state::App;

/// A JSON body. A POST or DELETE that needs none may come without, and without a Content-Type.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &App) -> Result<Body<T>, Fault> {
        if let Some(nothing) = without_body(&request) {
            return Ok(Body(nothing));
        }
        require_media_type(request.headers(), &["application/json"])?;
        let bytes = read_body(request, app.limits.body_bytes_max).await?;
        parse_json(&bytes).map(Body)
    }
}

/// What a POST or DELETE without a body means, if its route needs none: an object without members.
pub(crate) fn without_body<T: DeserializeOwned>(request: &Request) -> Option<T> {
    let may = matches!(*request.method(), Method::POST | Method::DELETE);
    let empty = may && request.body().is_end_stream();
    empty.then(|| parse_json(b"{}").ok()).flatten()
}

/// Refuses a body of another media type than those a route reads.
pub(crate) fn require_media_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Fault> {
    let sent = media_type(headers);
    if sent.as_deref().is_some_and(|sent| accepted.contains(&sent)) {
        return Ok(());
    }
    let got = sent.map_or("no Content-Type came".to_owned(), |sent| format!("got {sent}"));
    let detail = format!("This route reads {}; {got}.", accepted.join(" or "));
    Err(Fault::new(ErrorCode::UnsupportedMediaType, detail)
        .hint(format!("Send the header Content-Type: {}", accepted[0])))
}

/// The media type of a request without its parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase(),
    )
}

/// Reads a whole body, up to a limit.
pub(crate) async fn read_body(request: Request, limit: usize) -> Result<Bytes, Fault> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large(limit as u64));
    }
    match Limited::new(request.into_body(), limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit as u64)),
        Err(error) => Err(Fault::new(
            ErrorCode::MalformedBody,
            format!("The body broke off: {error}."),
        )),
    }
}

/// The refusal of a body beyond its limit.
pub(crate) fn too_large(limit: u64) -> Fault {
    Fault::new(
        ErrorCode::BodyTooLarge,
        format!("The body is larger than the limit bodyBytesMax of {limit} bytes."),
    )
    .hint("Send less at once, or use an import or an NDJSON stream.")
}

/// Reads JSON as a type, naming the place of what does not fit.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let read = T::deserialize(ObjectsOnly(tracked));
    let value = read.map_err(|error| json_fault(&track.path().to_string(), &error))?;
    json.end().map_err(|error| json_fault(".", &error))?;
    Ok(value)
}

fn json_fault(path: &str, error: &serde_json::Error) -> Fault {
    let place = format!("line {}, column {}", error.line(), error.column());
    let text = error.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(text, _)| text);
    if !error.is_data() {
        return Fault::new(
            ErrorCode::MalformedJson,
            format!("{} at {place}.", sentence(text)),
        );
    }
    let code = match text {
        _ if text.starts_with("unknown field") => "unknownMember",
        _ if text.starts_with("missing field") => "required",
        _ if text.starts_with("unknown variant") => "enum",
        _ => "type",
    };
    let field = member_path(path, text, code);
    let at = if field.is_empty() {
        String::new()
    } else {
        format!("{field}: ")
    };
    let issue = Issue {
        field,
        code: code.into(),
        message: sentence(text),
        params: JsonMap::new(),
        ..Issue::default()
    };
    Fault::new(ErrorCode::InvalidBody, format!("{at}{text} ({place})."))
        .maybe_hint(near_name(text))
        .issues(vec![issue])
}

/// The path of the member that is wrong: of a missing one, where it should be.
fn member_path(path: &str, text: &str, code: &str) -> String {
    let path = if path == "." { "" } else { path };
    let name = text.split('`').nth(1).unwrap_or_default();
    let ends_with_name = path == name || path.ends_with(&format!(".{name}"));
    match code {
        "required" | "unknownMember" if !name.is_empty() && !ends_with_name => {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        }
        _ => path.to_owned(),
    }
}

/// Out of "unknown field `nmae`, expected one of `name`, `slug`" makes `Did you mean "name"?`.
fn near_name(text: &str) -> Option<String> {
    let (what, expected) = text.split_once(", expected ")?;
    if !what.starts_with("unknown ") {
        return None;
    }
    let names = expected.split('`').skip(1).step_by(2);
    did_you_mean(what.split('`').nth(1)?, names)
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The query parameters of a route, as a type. Names are checked before by [`crate::conventions`].
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequestParts<App> for Params<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Params<T>, Fault> {
        let Some(query) = parts.uri.query().filter(|query| !query.is_empty()) else {
            return Ok(Params(T::default()));
        };
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs)
            .map(Params)
            .map_err(|error| {
                let (name, text) = (error.path().to_string(), error.inner().to_string());
                let detail = if name == "." {
                    sentence(&text)
                } else {
                    format!("{name}: {text}")
                };
                Fault::new(ErrorCode::InvalidParameter, format!("{detail}.")).maybe_hint(near_name(&text))
            })
    }
}

/// The changing parts of the path.
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned + Send + 'static> FromRequestParts<App> for Segments<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Segments<T>, Fault> {
        let path = parts.extract::<Path<T>>().await;
        path.map(|Path(segments)| Segments(segments))
            .map_err(|error| Fault::new(ErrorCode::MalformedPath, format!("{}.", error.body_text())))
    }
}

/// What `If-Match` demands: the version a change is based on.
pub(crate) struct IfMatch(pub(crate) Option<u64>);

impl FromRequestParts<App> for IfMatch {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<IfMatch, Fault> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Ok(IfMatch(None));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(IfMatch(None));
        }
        match etag_version(text) {
            Some(version) => Ok(IfMatch(Some(version))),
            None => Err(
                Fault::new(ErrorCode::InvalidHeader, "If-Match holds no version of ours.")
                    .hint("Send the ETag of the record, such as If-Match: \"3\"."),
            ),
        }
    }
}

/// The version in an ETag such as `"3"`, also a weak one or one without quotes.
pub(crate) fn etag_version(text: &str) -> Option<u64> {
    let text = text.strip_prefix("W/").unwrap_or(text);
    let digits = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// What the caller would like of the answer, by `Prefer` (RFC 7240).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Preferred {
    /// The whole thing.
    #[default]
    Representation,
    /// As little as says it was done.
    Minimal,
}

impl FromRequestParts<App> for Preferred {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Preferred, Fault> {
        let prefer = parts
            .headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok());
        let minimal = prefer.flat_map(|value| value.split([',', ';'])).any(|part| {
            let part = part.trim();
            part.eq_ignore_ascii_case("return=minimal") || part.eq_ignore_ascii_case("return=\"minimal\"")
        });
        Ok(if minimal {
            Preferred::Minimal
        } else {
            Preferred::Representation
        })
    }
}

#[cfg(test)]
mod tests {
    use chancery_api::tables::TableCreate;

    use super::*;

    fn refused(body: &str) -> chancery_api::Problem {
        parse_json::<TableCreate>(body.as_bytes())
            .unwrap_err()
            .refusal()
            .problem
            .clone()
    }

    #[test]
    fn a_list_where_an_object_belongs_is_refused() {
        let problem = refused(r#"{"name": "a", "settings": [null, true]}"#);
        assert_eq!(problem.errors[0].field, "settings");
        assert_eq!(refused(r#"["a"]"#).code, ErrorCode::InvalidBody);
    }

    #[test]
    fn broken_json_is_refused_with_its_place() {
        let problem = refused("{\"name\": \n x}");
        assert_eq!(problem.code, ErrorCode::MalformedJson);
        assert_eq!(problem.detail, "Expected value at line 2, column 2.");
        assert_eq!(refused("{\"name\": \"a\"} x").code, ErrorCode::MalformedJson);
        assert_eq!(refused("").code, ErrorCode::MalformedJson);
    }

    #[test]
    fn a_misspelt_member_is_refused_with_what_was_meant() {
        let problem = refused(r#"{"name": "a", "columns": [{"name": "b", "fieldTyp": "text"}]}"#);
        assert_eq!(problem.code, ErrorCode::InvalidBody);
        assert_eq!(problem.hint.as_deref(), Some("Did you mean \"fieldType\"?"));
        assert_eq!(problem.errors[0].field, "columns[0].fieldTyp");
        assert_eq!(problem.errors[0].code, "unknownMember");
    }

    #[test]
    fn a_missing_member_and_a_wrong_type_name_their_place() {
        let problem = refused(r#"{"name": "a", "columns": [{"name": "b"}]}"#);
        assert_eq!(problem.errors[0].field, "columns[0].fieldType");
        assert_eq!(problem.errors[0].code, "required");
        let problem = refused(r#"{"name": 1}"#);
        assert_eq!(
            (problem.errors[0].field.as_str(), problem.errors[0].code.as_str()),
            ("name", "type")
        );
    }

    #[test]
    fn etags_read_as_versions() {
        for (text, version) in [
            ("\"3\"", Some(3)),
            ("W/\"3\"", Some(3)),
            ("3", Some(3)),
            ("\"x\"", None),
            ("", None),
            ("\"-1\"", None),
        ] {
            assert_eq!(etag_version(text), version, "{text}");
        }
    }
}
