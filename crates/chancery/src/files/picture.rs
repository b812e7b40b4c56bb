//! Pictures: how large they are, and small ones of them. Of what comes from strangers: the size is read from the head before
//! anything is unpacked, and what is larger than the limits is not.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::limits::{PICTURE_PIXELS_MAX, PICTURE_SIDE_MAX, PICTURE_UNPACKED_BYTES_MAX, THUMBNAIL_SIDE};

/// How well a thumbnail without transparency is kept, of 100.
const JPEG_QUALITY: u8 = 80;

/// What a picture is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The format of pictures of this media type; none if they are not unpacked here.
pub(super) fn format(media_type: &str) -> Option<ImageFormat> {
    Some(match media_type {
        "image/png" => ImageFormat::Png,
        "image/jpeg" => ImageFormat::Jpeg,
        "image/gif" => ImageFormat::Gif,
        "image/webp" => ImageFormat::WebP,
        _ => return None,
    })
}

/// The size of a picture, by its head; none if that makes no sense.
pub(super) fn measure(path: &Path, format: ImageFormat) -> Option<Picture> {
    let reader = ImageReader::with_format(BufReader::new(File::open(path).ok()?), format);
    let (width, height) = reader.into_dimensions().ok()?;
    Some(Picture { width, height })
}

/// Writes a small picture of a picture and answers its media type; none if it is too large to be unpacked, or broken.
pub(super) fn thumbnail(
    path: &Path,
    format: ImageFormat,
    picture: Picture,
    to: &mut File,
) -> Option<&'static str> {
    let pixels = u64::from(picture.width) * u64::from(picture.height);
    if pixels == 0 || pixels > PICTURE_PIXELS_MAX {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_SIDE_MAX);
    limits.max_image_height = Some(PICTURE_SIDE_MAX);
    limits.max_alloc = Some(PICTURE_UNPACKED_BYTES_MAX);
    let mut reader = ImageReader::with_format(BufReader::new(File::open(path).ok()?), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let turned = decoder.orientation().ok();
    let whole = DynamicImage::from_decoder(decoder).ok()?;
    let mut small = match picture.width.max(picture.height) > THUMBNAIL_SIDE {
        true => whole.thumbnail(THUMBNAIL_SIDE, THUMBNAIL_SIDE),
        false => whole,
    };
    if let Some(turned) = turned {
        small.apply_orientation(turned);
    }
    let mut out = BufWriter::new(to);
    let media_type = match small.color().has_alpha() {
        true => {
            let encoder = PngEncoder::new(&mut out);
            small.to_rgba8().write_with_encoder(encoder).ok()?;
            "image/png"
        }
        false => {
            JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY)
                .encode_image(&small.to_rgb8())
                .ok()?;
            "image/jpeg"
        }
    };
    out.flush().ok()?;
    Some(media_type)
}
