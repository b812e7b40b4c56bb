//! Contents as answers: parts by `Range`, `ETag`, names that are safe in headers, and nothing that a browser would run. Decides nothing
//! about who may have one.

use std::fmt::Write;
use std::ops::Range;

use axum::body::Body;
use axum::response::Response;
use chancery::model::field::media;
use chancery::{ContentStream, File};
use chancery_api::ErrorCode;
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::fault::Fault;

/// What a content may do if a browser shows it after all: nothing.
const POLICY: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'";
/// The content never changes, but who may have it does.
const CACHING: &str = "private, no-cache";

/// What of a file is wanted.
pub(super) enum Fetched {
    /// All of it.
    Whole(u64),
    /// A part.
    Part(Range<u64>),
    /// Nothing: the caller has it.
    Had,
}

impl Fetched {
    /// What the headers of a request ask for.
    ///
    /// # Errors
    /// 416 for a part that the file does not have.
    pub(super) fn of(file: &File, headers: &HeaderMap) -> Result<Fetched, Fault> {
        if has(file, headers) {
            return Ok(Fetched::Had);
        }
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let changed = text(header::IF_RANGE).is_some_and(|tag| tag != etag(file));
        match text(header::RANGE)
            .filter(|_| !changed)
            .map(|asked| part(asked, file.size))
        {
            None | Some(Asked::Ignored) => Ok(Fetched::Whole(file.size)),
            Some(Asked::Part(part)) => Ok(Fetched::Part(part)),
            Some(Asked::Beyond) => {
                let detail = format!("The file has {} bytes, and no such part.", file.size);
                let had =
                    HeaderValue::from_str(&format!("bytes */{}", file.size)).map_err(Fault::internal)?;
                Err(Fault::new(ErrorCode::RangeNotSatisfiable, detail).header(header::CONTENT_RANGE, had))
            }
        }
    }

    /// Which bytes; none if the caller has them.
    pub(super) fn range(&self) -> Option<Range<u64>> {
        match self {
            Fetched::Whole(size) => Some(0..*size),
            Fetched::Part(part) => Some(part.clone()),
            Fetched::Had => None,
        }
    }

    /// Whether it is the beginning of a download: the parts that follow are no other.
    pub(super) fn begins(&self) -> bool {
        self.range().is_some_and(|range| range.start == 0)
    }

    /// The answer.
    pub(super) fn answer(&self, file: &File, inline: bool, content: Option<ContentStream>) -> Response {
        let Some(range) = self.range() else {
            return not_modified(file);
        };
        let mut response = Response::new(content.map_or_else(Body::empty, body));
        let headers = response.headers_mut();
        common(headers, file, &file.media_type);
        put(headers, header::ACCEPT_RANGES, "bytes");
        put(headers, header::CONTENT_DISPOSITION, &disposition(file, inline));
        put(
            headers,
            header::CONTENT_LENGTH,
            &(range.end - range.start).to_string(),
        );
        if matches!(self, Fetched::Part(_)) {
            let part = format!("bytes {}-{}/{}", range.start, range.end - 1, file.size);
            put(headers, header::CONTENT_RANGE, &part);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        response
    }
}

/// Whether the caller has the file, by `If-None-Match`.
pub(super) fn has(file: &File, headers: &HeaderMap) -> bool {
    let tags = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = tags
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','));
    let own = etag(file);
    tags.any(|tag| tag.trim().trim_start_matches("W/") == own || tag.trim() == "*")
}

/// 304.
pub(super) fn not_modified(file: &File) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    put(response.headers_mut(), header::ETAG, &etag(file));
    put(response.headers_mut(), header::CACHE_CONTROL, CACHING);
    response
}

/// A thumbnail.
pub(super) fn picture(file: &File, content: ContentStream, media_type: &str) -> Response {
    let mut response = Response::new(body(content));
    common(response.headers_mut(), file, media_type);
    response
}

fn common(headers: &mut HeaderMap, file: &File, media_type: &str) {
    let media_type = match media_type.starts_with("text/") {
        // What the bytes were found to be: they are UTF-8, or say themselves what they are.
        true => format!("{media_type}; charset=utf-8"),
        false => media_type.to_owned(),
    };
    put(headers, header::CONTENT_TYPE, &media_type);
    put(headers, header::ETAG, &etag(file));
    put(headers, header::CACHE_CONTROL, CACHING);
    put(headers, header::CONTENT_SECURITY_POLICY, POLICY);
    // Parts are of the bytes as they are kept, so they are not packed on the way.
    put(headers, header::CONTENT_ENCODING, "identity");
}

fn body(content: ContentStream) -> Body {
    let pieces = content.map(|piece| {
        piece.map_err(|error| {
            tracing::error!(target: "chancery", %error, "a download broke off");
            std::io::Error::other("the download broke off")
        })
    });
    Body::from_stream(pieces)
}

fn etag(file: &File) -> String {
    format!("\"{}\"", file.sha256)
}

fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// `Content-Disposition` with the name as RFC 6266 has it: once in plain letters, once in all. What a browser would run is saved.
pub(super) fn disposition(file: &File, inline: bool) -> String {
    let shown = ["image/", "audio/", "video/"]
        .iter()
        .any(|kind| file.media_type.starts_with(kind))
        || file.media_type == media::TEXT;
    let kind = match inline && shown && !media::is_active(&file.media_type) {
        true => "inline",
        false => "attachment",
    };
    let plain = |c: char| match c {
        ' '..='~' if !"\"\\%;".contains(c) => c,
        _ => '_',
    };
    let plain: String = file.name.chars().map(plain).collect();
    let mut all = String::new();
    for byte in file.name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => all.push(char::from(byte)),
            byte => {
                let _ = write!(all, "%{byte:02X}");
            }
        }
    }
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{all}")
}

/// What a header `Range` asks for.
#[derive(Debug, PartialEq)]
enum Asked {
    Part(Range<u64>),
    /// Several parts, other units or nonsense: the whole is answered, as RFC 9110 has it.
    Ignored,
    Beyond,
}

fn part(asked: &str, size: u64) -> Asked {
    let number = |text: &str| {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())
    };
    let Some((from, to)) = asked
        .strip_prefix("bytes=")
        .and_then(|asked| asked.split_once('-'))
    else {
        return Asked::Ignored;
    };
    let range = match (number(from), number(to)) {
        (Some(Some(from)), None) if to.is_empty() => from..size,
        (Some(Some(from)), Some(Some(to))) if from <= to => from..to.saturating_add(1).min(size),
        (None, Some(Some(last))) if from.is_empty() => size.saturating_sub(last)..size,
        _ => return Asked::Ignored,
    };
    match range.start < range.end {
        true => Asked::Part(range),
        false => Asked::Beyond,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_the_standard_says() {
        let check = |asked: &str, expected: Asked| assert_eq!(part(asked, 10), expected, "{asked}");
        check("bytes=0-3", Asked::Part(0..4));
        check("bytes=4-", Asked::Part(4..10));
        check("bytes=-3", Asked::Part(7..10));
        check("bytes=-30", Asked::Part(0..10));
        check("bytes=8-99999999999", Asked::Part(8..10));
        check("bytes=10-", Asked::Beyond);
        check("bytes=-0", Asked::Beyond);
        check("bytes=0-18446744073709551615", Asked::Part(0..10));
        for odd in [
            "bytes=3-1",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=a-b",
            "bytes=",
            "bytes=-",
            "bytes=99999999999999999999-",
        ] {
            check(odd, Asked::Ignored);
        }
        assert_eq!(part("bytes=0-0", 0), Asked::Beyond);
    }
}
