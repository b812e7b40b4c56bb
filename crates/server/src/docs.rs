//! The reference page at `/api/docs`: self-contained, rendered from the OpenAPI document in the browser.

use axum::response::Response;

use crate::web;

const HTML: &str = include_str!("../assets/docs.html");
const CSS: &str = include_str!("../assets/docs.css");
const JS: &str = include_str!("../assets/docs.js");

/// The page, in one piece, so that it needs no second request but the document.
pub(crate) fn page() -> Response {
    web::page(&HTML.replace("/*css*/", CSS).replace("/*js*/", JS))
}
