//! Contents in a bucket that speaks the protocol of S3. Credentials are in no error and no log.

use std::fmt;
use std::ops::Range;
use std::path::Path as FilePath;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer};
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncReadExt;

use super::https::Connector;
use super::{ContentName, ContentStream, Contents, Signed, io};
use crate::error::StorageError;

/// Bytes of one part of a larger content; a bucket takes 10,000 parts, so a content of 80 GB fits.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts that are on their way at once.
const PARTS_AT_ONCE: usize = 4;

/// A bucket, and who may use it.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketOptions {
    /// Its name.
    pub bucket: String,
    /// What stands before the name of each content; nothing if empty.
    pub prefix: String,
    /// The region; `us-east-1` where the service knows none.
    pub region: String,
    /// The address of a service other than Amazon's, such as `https://minio.example:9000`.
    pub endpoint: Option<String>,
    /// The id of the access key.
    pub access_key_id: String,
    /// The secret of the access key.
    pub secret_access_key: String,
    /// The token of a session, if the key is of one.
    pub session_token: Option<String>,
}

impl fmt::Debug for BucketOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("BucketOptions")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Contents in a bucket.
pub(super) struct Bucket {
    objects: AmazonS3,
    prefix: Path,
}

impl Bucket {
    pub(super) fn open(options: &BucketOptions) -> Result<Bucket, StorageError> {
        let wrong = |what: String| StorageError::Url(format!("the bucket {}: {what}", options.bucket));
        let prefix = Path::parse(&options.prefix).map_err(|_| wrong("its prefix is none".into()))?;
        let mut builder = AmazonS3Builder::new()
            .with_http_connector(Connector)
            .with_bucket_name(&options.bucket)
            .with_region(&options.region)
            .with_access_key_id(&options.access_key_id)
            .with_secret_access_key(&options.secret_access_key)
            // What is sent is read from a file, and hashing it a second time for each part would cost as much again.
            .with_unsigned_payload(true);
        if let Some(endpoint) = &options.endpoint {
            builder = builder
                .with_endpoint(endpoint)
                .with_allow_http(endpoint.starts_with("http:"));
        }
        if let Some(token) = &options.session_token {
            builder = builder.with_token(token);
        }
        let objects = builder.build().map_err(|error| wrong(error.to_string()))?;
        Ok(Bucket { objects, prefix })
    }

    fn path(&self, name: ContentName) -> Path {
        self.prefix.clone().join(name.shard()).join(name.text())
    }
}

#[async_trait]
impl Contents for Bucket {
    fn kind(&self) -> &'static str {
        "bucket"
    }

    fn incoming(&self) -> Result<NamedTempFile, StorageError> {
        NamedTempFile::new().map_err(io)
    }

    async fn keep(&self, name: ContentName, from: TempPath) -> Result<(), StorageError> {
        let path = self.path(name);
        let size = tokio::fs::metadata(&from).await.map_err(io)?.len();
        if size <= PART_BYTES as u64 {
            let bytes = tokio::fs::read(&from).await.map_err(io)?;
            self.objects.put(&path, bytes.into()).await.map_err(failed)?;
            return Ok(());
        }
        let upload = self.objects.put_multipart(&path).await.map_err(failed)?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        match send(&from, &mut parts).await {
            Ok(()) => parts.finish().await.map(drop).map_err(failed),
            Err(error) => {
                // What was sent of it is thrown away, or costs its owner money.
                let _ = parts.abort().await;
                Err(error)
            }
        }
    }

    async fn read(
        &self,
        name: ContentName,
        range: Option<Range<u64>>,
    ) -> Result<Option<ContentStream>, StorageError> {
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            ..GetOptions::default()
        };
        match self.objects.get_opts(&self.path(name), options).await {
            Ok(found) => Ok(Some(found.into_stream().map_err(failed).boxed())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn size(&self, name: ContentName) -> Result<Option<u64>, StorageError> {
        match self.objects.head(&self.path(name)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn remove(&self, names: &[ContentName]) -> Result<(), StorageError> {
        for name in names {
            match self.objects.delete(&self.path(*name)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }

    async fn names(&self) -> Result<Vec<ContentName>, StorageError> {
        let mut found = self.objects.list(Some(&self.prefix));
        let mut names = Vec::new();
        while let Some(one) = found.try_next().await.map_err(failed)? {
            names.extend(one.location.filename().and_then(ContentName::parse));
        }
        Ok(names)
    }

    async fn signed(
        &self,
        name: ContentName,
        what: Signed,
        expires_in: Duration,
    ) -> Result<Option<String>, StorageError> {
        let (method, options) = match what {
            Signed::Upload => (Method::PUT, SignedUrlOptions::new()),
            Signed::Download {
                media_type,
                disposition,
            } => {
                let query = [
                    ("response-content-disposition", disposition),
                    ("response-content-type", media_type),
                ];
                (Method::GET, SignedUrlOptions::new().with_query(query))
            }
        };
        let path = self.path(name);
        let signed = self.objects.signed_url_opts(method, &path, expires_in, &options);
        Ok(Some(signed.await.map_err(failed)?.to_string()))
    }
}

/// Sends a file in parts, of which a few are in memory at a time.
async fn send(from: &FilePath, parts: &mut WriteMultipart) -> Result<(), StorageError> {
    let mut file = tokio::fs::File::open(from).await.map_err(io)?;
    loop {
        let mut piece = BytesMut::zeroed(PART_BYTES);
        let mut filled = 0;
        while filled < PART_BYTES {
            match file.read(&mut piece[filled..]).await.map_err(io)? {
                0 => break,
                read => filled += read,
            }
        }
        piece.truncate(filled);
        if piece.is_empty() {
            return Ok(());
        }
        parts.wait_for_capacity(PARTS_AT_ONCE).await.map_err(failed)?;
        parts.put(piece.freeze());
    }
}

/// What a bucket answered, without its address, which may hold a signature.
fn failed(error: object_store::Error) -> StorageError {
    use object_store::Error::{PermissionDenied, Unauthenticated};
    let server = "the bucket".to_owned();
    match error {
        PermissionDenied { .. } | Unauthenticated { .. } => StorageError::Denied {
            server,
            detail: "the key may not do this, or is wrong".into(),
        },
        error => {
            tracing::warn!(target: "chancery::files", error = %without_query(&error.to_string()), "the bucket failed");
            StorageError::Unavailable {
                server,
                detail: "it failed; the log says how".into(),
            }
        }
    }
}

/// A text without what stands behind question marks: signatures of URLs.
fn without_query(text: &str) -> String {
    let words = text
        .split(' ')
        .map(|word| word.split('?').next().unwrap_or_default());
    words.collect::<Vec<_>>().join(" ")
}
