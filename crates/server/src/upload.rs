//! Uploaded files: streamed to the disk with a limit, so that memory stays flat. Reads no CSV.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use chancery::{ImportFile, Mapping};
use chancery_api::ErrorCode;
use chancery_api::imports::CsvOptions;
use futures::StreamExt;
use tokio::io::AsyncWriteExt;

use crate::extract::{media_type, parse_json, require_media_type};
use crate::fault::{Fault, did_you_mean};
use crate::state::App;

/// How long the next part of an upload may take.
const PART_TIME_MAX: Duration = Duration::from_secs(60);
/// Longest text field of a form, in bytes.
const FIELD_BYTES_MAX: usize = 1024 * 1024;
/// The fields a form may have.
const FIELDS: [&str; 6] = ["file", "mapping", "options", "name", "slug", "workspace"];

/// A form with a file and what is to become of it.
pub(crate) struct CsvForm {
    pub(crate) file: ImportFile,
    pub(crate) mapping: Mapping,
    pub(crate) options: CsvOptions,
    pub(crate) name: Option<String>,
    pub(crate) slug: Option<String>,
    pub(crate) workspace: Option<String>,
    /// The name of the file, without folders.
    pub(crate) file_name: Option<String>,
}

impl CsvForm {
    /// A file of which nothing was said but its name.
    pub(crate) fn of_file(file: ImportFile, file_name: Option<String>) -> CsvForm {
        CsvForm {
            file,
            mapping: Mapping::default(),
            options: CsvOptions::default(),
            name: None,
            slug: None,
            workspace: None,
            file_name: file_name.as_deref().map(base),
        }
    }
}

#[derive(Default)]
struct Parts {
    file: Option<ImportFile>,
    file_name: Option<String>,
    texts: Vec<(&'static str, String)>,
}

impl FromRequest<App> for CsvForm {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &App) -> Result<CsvForm, Fault> {
        require_media_type(request.headers(), &["multipart/form-data"])?;
        let form = Multipart::from_request(request, app).await;
        let mut form = form.map_err(|error| broken(error.body_text()))?;
        let mut parts = Parts::default();
        while let Some(field) = form
            .next_field()
            .await
            .map_err(|error| broken(error.body_text()))?
        {
            parts.take(field, app.limits.upload_bytes_max).await?;
        }
        parts.form()
    }
}

impl Parts {
    async fn take(&mut self, field: Field<'_>, limit: u64) -> Result<(), Fault> {
        let given = field.name().unwrap_or_default().to_owned();
        let Some(name) = FIELDS.into_iter().find(|name| *name == given) else {
            let detail = format!(
                "The form has a field \"{given}\"; it takes {}.",
                FIELDS.join(", ")
            );
            return Err(Fault::new(ErrorCode::MalformedBody, detail).maybe_hint(did_you_mean(&given, FIELDS)));
        };
        let twice = self.texts.iter().any(|(had, _)| *had == name) || (name == "file" && self.file.is_some());
        if twice {
            return Err(broken(format!("the field \"{name}\" stands twice")));
        }
        if name == "file" {
            self.file_name = field.file_name().map(base);
            let bytes = field.map(|part| part.map_err(|error| error.body_text()));
            self.file = Some(spool(bytes, limit).await?);
            return Ok(());
        }
        let text = field.text().await.map_err(|error| broken(error.body_text()))?;
        if text.len() > FIELD_BYTES_MAX {
            let detail = format!(
                "The field {name} is longer than the limit fieldBytesMax of {FIELD_BYTES_MAX} bytes."
            );
            return Err(Fault::new(ErrorCode::BodyTooLarge, detail));
        }
        self.texts.push((name, text));
        Ok(())
    }

    fn form(mut self) -> Result<CsvForm, Fault> {
        let mut text = |name: &str| {
            let at = self
                .texts
                .iter()
                .position(|(had, text)| *had == name && !text.is_empty())?;
            Some(self.texts.swap_remove(at).1)
        };
        let json = |name: &str, fault: Fault| {
            let problem = &fault.refusal().problem;
            Fault::new(problem.code, format!("{name}: {}", problem.detail))
                .maybe_hint(problem.hint.clone())
                .issues(problem.errors.clone())
        };
        let mapping = text("mapping")
            .map(|text| parse_json(text.as_bytes()))
            .transpose();
        let options = text("options")
            .map(|text| parse_json(text.as_bytes()))
            .transpose();
        let (name, slug, workspace) = (text("name"), text("slug"), text("workspace"));
        let missing = || broken("the field \"file\" is missing".into()).hint("curl -F file=@data.csv …");
        Ok(CsvForm {
            mapping: mapping
                .map_err(|fault| json("mapping", fault))?
                .unwrap_or_default(),
            options: options
                .map_err(|fault| json("options", fault))?
                .unwrap_or_default(),
            name,
            slug,
            workspace,
            file: self.file.ok_or_else(missing)?,
            file_name: self.file_name,
        })
    }
}

/// A body that is the file itself.
pub(crate) async fn whole(body: Body, app: &App) -> Result<ImportFile, Fault> {
    let stream: BodyDataStream = body.into_data_stream();
    spool(
        stream.map(|part| part.map_err(|error| error.to_string())),
        app.limits.upload_bytes_max,
    )
    .await
}

/// Whether a request says it brings JSON lines.
pub(crate) fn is_ndjson(request: &Request) -> bool {
    media_type(request.headers()).as_deref() == Some("application/x-ndjson")
}

/// Writes a stream to a file, up to a limit.
async fn spool(
    mut bytes: impl futures::Stream<Item = Result<Bytes, String>> + Unpin,
    limit: u64,
) -> Result<ImportFile, Fault> {
    let unwritten = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull => Fault::new(
            ErrorCode::StorageUnavailable,
            "The disk for temporary files is full; nothing was imported.",
        ),
        _ => Fault::internal(format!("the upload cannot be kept: {error}")),
    };
    let (file, path) = tempfile::NamedTempFile::new().map_err(unwritten)?.into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let mut length = 0_u64;
    loop {
        let part = tokio::time::timeout(PART_TIME_MAX, bytes.next()).await;
        let part = part.map_err(|_| broken(format!("no data came for {} s", PART_TIME_MAX.as_secs())))?;
        let Some(part) = part else { break };
        let part = part.map_err(broken)?;
        length += part.len() as u64;
        if length > limit {
            let detail = format!("The file is larger than the limit uploadBytesMax of {limit} bytes.");
            return Err(Fault::new(ErrorCode::BodyTooLarge, detail)
                .hint("Split the file, or import it with the command line."));
        }
        file.write_all(&part).await.map_err(unwritten)?;
    }
    file.flush().await.map_err(unwritten)?;
    let path = path.keep().map_err(Fault::internal)?;
    Ok(ImportFile::owned(path)?)
}

fn broken(text: String) -> Fault {
    Fault::new(
        ErrorCode::MalformedBody,
        format!("The upload cannot be read: {}.", text.trim_end_matches('.')),
    )
}

/// Endings of packed files: the name of what is packed stands before.
const PACKED: [&str; 3] = [".gz", ".zst", ".zip"];

/// The name of a file without folders. Never used as a path.
fn base(name: &str) -> String {
    name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned()
}

/// The name of a file without its endings: what a new table is called when nothing is said.
pub(crate) fn stem(name: &str) -> String {
    let packed = PACKED.iter().find_map(|ending| name.strip_suffix(ending));
    let name = packed.filter(|name| !name.is_empty()).unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}
