//! A form that brings a file: its bytes go to the disk as they come. Looks at none of them.

use std::time::Duration;

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use chancery::{File, Store};
use chancery_api::ErrorCode;

use crate::extract::require_media_type;
use crate::fault::Fault;
use crate::state::App;

/// How long the next part may take.
const PART_TIME_MAX: Duration = Duration::from_secs(60);
/// The one field.
const FIELD: &str = "file";

/// A form of which nothing was read yet.
pub(crate) struct FileForm(Multipart);

impl FromRequest<App> for FileForm {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &App) -> Result<FileForm, Fault> {
        require_media_type(request.headers(), &["multipart/form-data"])?;
        let form = Multipart::from_request(request, app).await;
        form.map(FileForm).map_err(|error| broken(&error.body_text()))
    }
}

impl FileForm {
    /// Takes the file in, and refuses a form that has anything else.
    pub(crate) async fn keep(mut self, store: &Store) -> Result<File, Fault> {
        let missing = || broken("the field \"file\" is missing").hint("curl -F file=@cat.png …");
        let field = self.0.next_field().await.map_err(|error| unread(&error))?;
        let field = field.ok_or_else(missing)?;
        if field.name() != Some(FIELD) {
            let named = field.name().unwrap_or_default();
            return Err(broken(&format!(
                "the form has a field \"{named}\"; it takes {FIELD} alone"
            )));
        }
        let upload = taken(store, field).await?;
        if self
            .0
            .next_field()
            .await
            .map_err(|error| unread(&error))?
            .is_some()
        {
            return Err(broken("the form brings more than one file").hint("Send each by itself."));
        }
        Ok(upload.finish().await?)
    }
}

async fn taken(store: &Store, mut field: Field<'_>) -> Result<chancery::FileUpload, Fault> {
    let mut upload = store.begin_file(field.file_name().unwrap_or_default())?;
    loop {
        let part = tokio::time::timeout(PART_TIME_MAX, field.chunk()).await;
        let part = part.map_err(|_| broken(&format!("no data came for {} s", PART_TIME_MAX.as_secs())))?;
        match part.map_err(|error| unread(&error))? {
            Some(part) => upload.write(&part).await?,
            None => return Ok(upload),
        }
    }
}

fn unread(error: &MultipartError) -> Fault {
    broken(&error.body_text())
}

fn broken(text: &str) -> Fault {
    Fault::new(
        ErrorCode::MalformedBody,
        format!("The upload cannot be read: {}.", text.trim_end_matches('.')),
    )
}
