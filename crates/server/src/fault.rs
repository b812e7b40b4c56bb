//! A refusal on its way out: a problem, the headers that go with it, and the cause that only the log may see.
//!
//! Handlers return it; the body is written by [`crate::conventions`], which knows the id of the request.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use chancery_api::{ErrorCode, Issue, Problem};
use http::{HeaderName, HeaderValue, StatusCode, header};

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(crate) struct Fault(Arc<Refusal>);

/// What a [`Fault`] carries.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) problem: Problem,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// For the log only: never sent.
    pub(crate) cause: Option<String>,
}

impl Fault {
    /// A refusal of one code with what is wrong this time.
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Fault {
        let refusal = Refusal {
            problem: Problem::new(code, detail),
            headers: Vec::new(),
            cause: None,
        };
        let fault = Fault(Arc::new(refusal));
        match code.status() {
            429 | 503 => fault.retry_after(1),
            401 => fault.header(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"chancery\""),
            ),
            _ => fault,
        }
    }

    /// Something failed here; the cause goes to the log under the request's id, nowhere else.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Fault {
        let detail =
            "The request failed for a reason that is not yours. The log has it under this requestId.";
        let mut fault = Fault::new(ErrorCode::Internal, detail);
        fault.edit().cause = Some(cause.to_string());
        fault
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Fault {
        self.edit().problem.hint = Some(hint.into());
        self
    }

    /// Adds what to do next, where it is known.
    pub(crate) fn maybe_hint(self, hint: Option<impl Into<String>>) -> Fault {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// Adds the single issues.
    pub(crate) fn issues(mut self, issues: Vec<Issue>) -> Fault {
        self.edit().problem.errors = issues;
        self
    }

    /// Says how many issues there are in all.
    pub(crate) fn total(mut self, total: u64) -> Fault {
        self.edit().problem.errors_total = Some(total);
        self
    }

    /// Adds the state that the request did not expect.
    pub(crate) fn current(mut self, current: serde_json::Value) -> Fault {
        self.edit().problem.current = Some(current);
        self
    }

    /// Adds what the code is about, for a program.
    pub(crate) fn param(mut self, name: &str, value: impl Into<serde_json::Value>) -> Fault {
        self.edit().problem.params.insert(name.to_owned(), value.into());
        self
    }

    /// Takes out what an error of reading repeats of what it read: of ``invalid type: string "x", expected u64`` the end stays.
    pub(crate) fn without_values(mut self) -> Fault {
        let problem = &mut self.edit().problem;
        problem.detail = unrepeated(&problem.detail);
        for issue in &mut problem.errors {
            issue.message = unrepeated(&issue.message);
        }
        self
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Fault {
        let headers = &mut self.edit().headers;
        headers.retain(|(had, _)| *had != name);
        headers.push((name, value));
        self
    }

    /// Says when to come back, in seconds.
    pub(crate) fn retry_after(self, seconds: u64) -> Fault {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    pub(crate) fn refusal(&self) -> &Refusal {
        &self.0
    }

    fn edit(&mut self) -> &mut Refusal {
        Arc::make_mut(&mut self.0)
    }
}

/// A text about what was read without what that was.
fn unrepeated(text: &str) -> String {
    for (what, told) in [
        ("nvalid type: ", "nvalid type: "),
        ("nvalid value: ", "nvalid value: "),
        ("unknown variant ", "invalid value: "),
        ("Unknown variant ", "Invalid value: "),
    ] {
        let said = text.split_once(what).zip(text.rsplit_once(", expected "));
        if let Some(((before, _), (_, expected))) = said {
            return format!("{before}{told}expected {expected}");
        }
    }
    text.to_owned()
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// `Did you mean "title"?`, if one of the names is near enough to what was written.
pub(crate) fn did_you_mean<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    chancery::model::issue::did_you_mean(written, names).map(|near| format!("Did you mean \"{near}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_not_repeated() {
        for (text, told) in [
            (
                "length: invalid type: string \"hunter2\", expected u64 (line 1, column 9).",
                "length: invalid type: expected u64 (line 1, column 9).",
            ),
            (
                "Invalid value: integer `-7`, expected u64",
                "Invalid value: expected u64",
            ),
            (
                "unknown variant `hunter, expected 2`, expected `asc` or `desc`",
                "invalid value: expected `asc` or `desc`",
            ),
            (
                "invalid type: string \"a, expected b\", expected u64",
                "invalid type: expected u64",
            ),
            ("missing field `token`", "missing field `token`"),
        ] {
            assert_eq!(unrepeated(text), told);
        }
    }
}
