//! Where files are kept, as it is written on the command line and in the environment. Opens nothing.

use std::path::PathBuf;

use chancery::{BucketOptions, FilesPlace};
use url::Url;

use super::variable;
use crate::failure::Failure;

/// The region where none is named.
const REGION: &str = "us-east-1";

/// The place that is named here or in the environment; none if neither is.
pub(crate) fn files_place(named: Option<&str>) -> Result<Option<FilesPlace>, Failure> {
    let named = named.map(str::to_owned).or_else(|| variable("CHANCERY_FILES"));
    let place = named.map(|named| match named.starts_with("s3:") {
        true => bucket(&named).map(FilesPlace::Bucket),
        false => Ok(FilesPlace::Folder(PathBuf::from(named))),
    });
    place.transpose()
}

fn bucket(named: &str) -> Result<BucketOptions, Failure> {
    let wrong = |why: &str| {
        Failure::new(format!("--files: {why}"))
            .hint("write s3://BUCKET, s3://BUCKET/PREFIX or s3://BUCKET?region=R&endpoint=https://HOST")
    };
    let url = Url::parse(named).map_err(|_| wrong("this is no place"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "credentials do not belong here; they are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ));
    }
    let bucket = url.host_str().filter(|bucket| !bucket.is_empty());
    let bucket = bucket.ok_or_else(|| wrong("it names no bucket"))?.to_owned();
    let (mut region, mut endpoint) = (variable("AWS_REGION"), variable("AWS_ENDPOINT_URL"));
    for (name, value) in url.query_pairs() {
        match &*name {
            "region" => region = Some(value.into_owned()),
            "endpoint" => endpoint = Some(value.into_owned()),
            other => return Err(wrong(&format!("there is no setting \"{other}\""))),
        }
    }
    let secret = |name: &str| {
        variable(name).ok_or_else(|| {
            Failure::new(format!("--files names a bucket, and {name} is not set"))
                .hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")
        })
    };
    Ok(BucketOptions {
        bucket,
        prefix: url.path().trim_matches('/').to_owned(),
        region: region.unwrap_or_else(|| REGION.to_owned()),
        endpoint,
        access_key_id: secret("AWS_ACCESS_KEY_ID")?,
        secret_access_key: secret("AWS_SECRET_ACCESS_KEY")?,
        session_token: variable("AWS_SESSION_TOKEN"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_folder_and_a_bucket_needs_credentials() {
        let place = files_place(Some("/srv/files")).expect("a place");
        assert_eq!(place, Some(FilesPlace::Folder("/srv/files".into())));
        for odd in ["s3://", "s3://b?colour=red", "s3://key:secret@b"] {
            let failure = format!("{:?}", files_place(Some(odd)).expect_err("refused"));
            assert!(
                failure.contains("--files: ") && !failure.contains("key:secret"),
                "{failure}"
            );
        }
    }
}
