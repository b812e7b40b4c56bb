//! Files on the wire: what describes them, and how they are sent. Their contents are bodies of their own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records::Pagination;

/// A file that is kept. Its content never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// A UUID: what a `file` or `files` column holds.
    pub id: String,
    /// What people call it; never a path.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
    /// The media type that its bytes were found to be, whatever was said.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Of a picture: pixels.
    pub width: Option<u32>,
    /// Of a picture: pixels.
    pub height: Option<u32>,
    /// Where its content is.
    pub url: String,
    /// Where a small picture of it is, if there is one.
    pub thumbnail_url: Option<String>,
    /// How often it was downloaded.
    pub downloads: u64,
    /// When it came, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who brought it.
    pub created_by: Option<String>,
}

/// A page of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileList {
    /// The files, in the order in which they came.
    pub files: Vec<File>,
    /// Where the next page is.
    pub pagination: Pagination,
}

/// The form that brings a file, sent as `multipart/form-data`.
#[derive(Clone, Debug, ToSchema)]
pub struct FileForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
}

/// A file that somebody wants to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "cat.png", "size": 48213}))]
pub struct FileAnnounced {
    /// What people call it; at most 255 bytes.
    pub name: String,
    /// Bytes, exactly.
    pub size: u64,
}

/// Where a file is to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileSend {
    /// Whether it goes straight to the place where files are kept, without credentials; otherwise it goes to this server as any
    /// other request.
    pub direct: bool,
    /// `PUT` of the bytes themselves if it is direct; otherwise `POST` of a form with the field `file`.
    pub method: String,
    /// Where to.
    pub url: String,
    /// The id that the file will have, if it is direct.
    pub file: Option<String>,
    /// Where to say (`POST`) that all was sent, if it is direct; only then the file is there.
    pub finish_url: Option<String>,
    /// When the URL stops working, if it is direct.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

/// Where a file can be fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileUrl {
    /// Whether it comes straight from the place where files are kept, without credentials; otherwise from this server.
    pub direct: bool,
    /// Where from, with `GET`.
    pub url: String,
    /// When the URL stops working, if it is direct.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}
