//! Files on their way out. Decides nothing about who may see one.

use chancery::model::time::instant_text;
use chancery_api::files::File;

/// Where the routes of files are.
const ROUTE: &str = "/api/files";

/// A file as it is told.
pub fn file(found: &chancery::File) -> File {
    File {
        id: found.id.clone(),
        name: found.name.clone(),
        size: found.size,
        sha256: found.sha256.clone(),
        media_type: found.media_type.clone(),
        width: found.dimensions.map(|(width, _)| width),
        height: found.dimensions.map(|(_, height)| height),
        url: content_url(&found.id),
        thumbnail_url: thumbnail_url(found),
        downloads: found.downloads,
        created_at: instant_text(found.created_at),
        created_by: found.created_by.clone(),
    }
}

/// Where the content of a file is.
pub(crate) fn content_url(id: &str) -> String {
    format!("{ROUTE}/{id}/download")
}

/// Where the thumbnail of a file is, if it has one.
pub(crate) fn thumbnail_url(found: &chancery::File) -> Option<String> {
    found
        .thumbnail
        .as_ref()
        .map(|_| format!("{ROUTE}/{}/thumbnail", found.id))
}
