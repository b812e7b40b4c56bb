//! Media types of files: what an ending of a name says, and what of it holds against what the bytes say. Reads no bytes.

/// Endings of names, and what files of such names hold.
const ENDINGS: &[(&str, &str)] = &[
    ("7z", "application/x-7z-compressed"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("epub", "application/epub+zip"),
    ("flac", "audio/x-flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("heic", "image/heif"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("svg", "image/svg+xml"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("tsv", "text/tab-separated-values"),
    ("txt", "text/plain"),
    ("wav", "audio/x-wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("xml", "text/xml"),
    ("zip", "application/zip"),
    ("zst", "application/zstd"),
];

/// Any bytes.
pub const BYTES: &str = "application/octet-stream";
/// Text of which nothing more is known.
pub const TEXT: &str = "text/plain";
/// What documents of several kinds are packed in.
const PACKED: &str = "application/zip";

/// What the ending of a name says, if it is one that is known.
pub fn by_name(name: &str) -> Option<&'static str> {
    let ending = ending(name)?.to_ascii_lowercase();
    let found = ENDINGS.iter().find(|(known, _)| *known == ending);
    found.map(|(_, media_type)| *media_type)
}

/// The ending of a name, without its dot.
pub fn ending(name: &str) -> Option<&str> {
    let (stem, ending) = name.rsplit_once('.')?;
    (!stem.is_empty() && !ending.is_empty()).then_some(ending)
}

/// The media type of a file by what its bytes are found to be. A name only says which kind of text, or of packed document it is:
/// a picture is never one because it is called so.
///
/// ```
/// use chancery_model::field::media;
/// assert_eq!(media::settled("image/png", "cat.png"), "image/png");
/// assert_eq!(media::settled("application/pdf", "cat.png"), "application/pdf");
/// assert_eq!(media::settled("text/plain", "cats.csv"), "text/csv");
/// assert_eq!(media::settled("text/plain", "cats.svg"), "text/plain");
/// assert_eq!(media::settled("application/octet-stream", "cats.png"), "application/octet-stream");
/// ```
pub fn settled<'a>(found: &'a str, name: &str) -> &'a str {
    let said = by_name(name);
    let is_text = |said: &str| said.starts_with("text/") || said == "application/json";
    match said {
        // Pages are told by their bytes: what does not begin as one is not served as one.
        Some(said) if found == TEXT && is_text(said) && said != "text/html" && said != "text/xml" => said,
        Some(said)
            if found == PACKED
                && (said.contains("officedocument")
                    || said.contains("opendocument")
                    || said.contains("epub")) =>
        {
            said
        }
        _ => found,
    }
}

/// Whether a browser would run what is in it as a page of the server that it came from.
pub fn is_active(media_type: &str) -> bool {
    let xml = media_type.ends_with("+xml") || media_type.ends_with("/xml");
    xml || matches!(
        media_type,
        "text/html" | "text/javascript" | "application/javascript" | "application/pdf"
    )
}
