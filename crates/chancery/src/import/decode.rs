//! Bytes of a file as UTF-8 text, block by block. A byte that is no text is an error; nothing is ever replaced by `U+FFFD`.

use std::io::Read;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::file::{ImportFile, unreadable};
use crate::error::Error;

/// Bytes read at once.
const BLOCK_BYTES: usize = 256 * 1024;
/// Bytes from the first one that is not UTF-8 on which an encoding is guessed.
const GUESS_BYTES: usize = 1 << 20;

/// The encoding of a file: by its mark, else UTF-8 if all of it is, else UTF-16 if it has the zeros of that, else what
/// its bytes resemble most. A file that is UTF-8 but for some damage is called UTF-8, so that the damage is found.
///
/// # Errors
/// [`Error::File`] if it cannot be read.
pub(super) fn detect(file: &ImportFile) -> Result<&'static Encoding, Error> {
    let mut source = file.open()?;
    let mut sample = Vec::with_capacity(BLOCK_BYTES);
    let mut tally = Utf8Tally::default();
    let mut first = true;
    loop {
        let carried = sample.len();
        let end = !fill(&mut *source, &mut sample, BLOCK_BYTES)?;
        if first {
            if let Some((encoding, _)) = Encoding::for_bom(&sample) {
                return Ok(encoding);
            }
            if let Some(encoding) = zeros(&sample) {
                return Ok(encoding);
            }
            first = false;
        }
        match std::str::from_utf8(&sample) {
            Ok(text) => tally.count(text),
            Err(error) if error.error_len().is_none() && !end => {
                let (valid, rest) = sample.split_at(error.valid_up_to());
                tally.count(&String::from_utf8_lossy(valid));
                sample = rest.to_vec();
                continue;
            }
            Err(_) => break,
        }
        if end {
            return Ok(UTF_8);
        }
        debug_assert!(carried <= 3, "only the beginning of a character is carried over");
        sample.clear();
    }
    while sample.len() < GUESS_BYTES && fill(&mut *source, &mut sample, BLOCK_BYTES)? {}
    tally.damaged(&sample);
    if tally.mostly_utf8() {
        return Ok(UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&sample, true);
    Ok(detector.guess(None, Utf8Detection::Deny))
}

/// Appends up to `more` bytes; false at the end of the file.
fn fill(source: &mut dyn Read, into: &mut Vec<u8>, more: usize) -> Result<bool, Error> {
    let read = source
        .take(more as u64)
        .read_to_end(into)
        .map_err(|error| unreadable(&error))?;
    Ok(read == more)
}

/// Whether bytes begin as text does whose characters have two bytes or more.
pub(super) fn is_wide(sample: &[u8]) -> bool {
    Encoding::for_bom(sample).is_some() || zeros(sample).is_some()
}

/// UTF-16 without a mark: in text of most languages every other byte of delimiters and line ends is zero.
fn zeros(sample: &[u8]) -> Option<&'static Encoding> {
    let zero = |odd: usize| {
        sample
            .iter()
            .skip(odd)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (even, odd, half) = (zero(0), zero(1), sample.len() / 2);
    if half >= 2 && odd * 10 > half * 3 && even * 10 < odd {
        Some(UTF_16LE)
    } else if half >= 2 && even * 10 > half * 3 && odd * 10 < even {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// How many characters beyond ASCII are UTF-8, and how many bytes are not.
#[derive(Default)]
struct Utf8Tally {
    good: usize,
    bad: usize,
}

impl Utf8Tally {
    fn count(&mut self, text: &str) {
        if !text.is_ascii() {
            self.good += text.chars().filter(|c| !c.is_ascii()).count();
        }
    }

    fn damaged(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            self.count(chunk.valid());
            self.bad += usize::from(!chunk.invalid().is_empty());
        }
    }

    /// Text in another encoding hardly ever has bytes that are characters of UTF-8, so a file with as many of them as of others is of
    /// pieces that were put together: its damage is named, and nothing of it is read as if it were all in the other.
    fn mostly_utf8(&self) -> bool {
        self.good * 2 > self.bad
    }
}

/// The encoding with a name of the WHATWG list.
///
/// # Errors
/// [`Error::File`] for a name that is not in it.
pub(super) fn named(name: &str) -> Result<&'static Encoding, Error> {
    Encoding::for_label(name.trim().as_bytes()).ok_or_else(|| Error::File {
        message: format!("No encoding \"{name}\""),
        hint: "Name one of the WHATWG list: utf-8, utf-16le, windows-1252, iso-8859-2 …, or leave it out."
            .into(),
    })
}

/// The text of a file in one encoding.
pub(super) struct Text {
    source: Box<dyn Read + Send>,
    encoding: &'static Encoding,
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    /// Bytes of the file that were turned into text.
    pub(super) offset: u64,
    begun: bool,
    ended: bool,
    fault: Option<Fault>,
}

/// Bytes that are no text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    /// Where, from 0.
    pub(super) offset: u64,
    encoding: &'static Encoding,
}

impl Fault {
    pub(super) fn error(&self, row: u64, line: u64) -> Error {
        let name = self.encoding.name();
        Error::File {
            message: format!(
                "Byte {} (row {row}, line {line}) is no {name} text: the file is damaged or in another encoding",
                self.offset
            ),
            hint: "Name the encoding it is in, for example windows-1252, or mend that byte.".into(),
        }
    }
}

impl Text {
    pub(super) fn new(file: &ImportFile, encoding: &'static Encoding) -> Result<Text, Error> {
        let decoder = (encoding != UTF_8).then(|| encoding.new_decoder_with_bom_removal());
        Ok(Text {
            source: file.open()?,
            encoding,
            decoder,
            raw: Vec::new(),
            offset: 0,
            begun: false,
            ended: false,
            fault: None,
        })
    }

    /// Appends the next block; false at the end. The text before a fault comes first, the fault after it.
    ///
    /// # Errors
    /// The outer is of reading, the inner of bytes that are no text.
    pub(super) fn next(&mut self, out: &mut String) -> Result<Result<bool, Fault>, Error> {
        if let Some(fault) = self.fault {
            return Ok(Err(fault));
        }
        if self.ended {
            return Ok(Ok(false));
        }
        self.ended = !fill(&mut *self.source, &mut self.raw, BLOCK_BYTES)?;
        match self.decoder.take() {
            None => self.utf8(out),
            Some(mut decoder) => {
                self.decode(&mut decoder, out);
                self.decoder = Some(decoder);
            }
        }
        Ok(Ok(true))
    }

    fn utf8(&mut self, out: &mut String) {
        let mark = usize::from(!self.begun && self.raw.starts_with(b"\xEF\xBB\xBF")) * 3;
        self.begun = true;
        let valid = match std::str::from_utf8(&self.raw[mark..]) {
            Ok(text) => {
                out.push_str(text);
                self.raw.len()
            }
            Err(error) => {
                let valid = mark + error.valid_up_to();
                out.push_str(std::str::from_utf8(&self.raw[mark..valid]).unwrap_or_default());
                if error.error_len().is_some() || self.ended {
                    self.fault = Some(Fault {
                        offset: self.offset + valid as u64,
                        encoding: self.encoding,
                    });
                }
                valid
            }
        };
        self.offset += valid as u64;
        self.raw.drain(..valid);
    }

    fn decode(&mut self, decoder: &mut Decoder, out: &mut String) {
        let room = decoder.max_utf8_buffer_length_without_replacement(self.raw.len());
        out.reserve(room.unwrap_or(self.raw.len() * 4));
        let (result, read) = decoder.decode_to_string_without_replacement(&self.raw, out, self.ended);
        self.offset += read as u64;
        if let DecoderResult::Malformed(length, after) = result {
            let before = u64::from(length) + u64::from(after);
            self.fault = Some(Fault {
                offset: self.offset.saturating_sub(before),
                encoding: self.encoding,
            });
        }
        self.raw.drain(..read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], encoding: &'static Encoding) -> Result<String, u64> {
        let mut text = Text::new(&ImportFile::bytes(bytes), encoding).expect("memory can be read");
        let mut out = String::new();
        loop {
            match text.next(&mut out).expect("memory can be read") {
                Ok(true) => {}
                Ok(false) => return Ok(out),
                Err(fault) => return Err(fault.offset),
            }
        }
    }

    #[track_caller]
    fn check(bytes: &[u8], name: &str, text: &str) {
        let encoding = detect(&ImportFile::bytes(bytes)).expect("memory can be read");
        assert_eq!(encoding.name(), name);
        assert_eq!(read(bytes, encoding).as_deref(), Ok(text));
    }

    #[test]
    fn encodings_are_found_out() {
        check(b"", "UTF-8", "");
        check("a,é\n".as_bytes(), "UTF-8", "a,é\n");
        check("\u{feff}a,é\n".as_bytes(), "UTF-8", "a,é\n");
        check(
            b"name\nM\xFCller\nGr\xF6\xDFe\n",
            "windows-1252",
            "name\nMüller\nGröße\n",
        );
        let utf16: Vec<u8> = "name,x\né,1\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        check(&utf16, "UTF-16LE", "name,x\né,1\n");
        check(
            &[b"\xFF\xFE", utf16.as_slice()].concat(),
            "UTF-16LE",
            "name,x\né,1\n",
        );
        let utf16: Vec<u8> = "\u{feff}name\né\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        check(&utf16, "UTF-16BE", "name\né\n");
        let (cyrillic, _, _) = encoding_rs::WINDOWS_1251.encode("город,улица\nМосква,Тверская улица\n");
        check(&cyrillic, "windows-1251", "город,улица\nМосква,Тверская улица\n");
    }

    #[test]
    fn a_large_file_is_judged_as_a_whole() {
        let mut bytes = vec![b'a'; BLOCK_BYTES * 2 - 1];
        bytes.extend("é".as_bytes());
        assert_eq!(read(&bytes, UTF_8).map(|text| text.len()), Ok(bytes.len()));
        assert_eq!(
            detect(&ImportFile::bytes(bytes.clone())).expect("readable"),
            UTF_8
        );
        bytes.extend(b" caf\xE9 ");
        assert_eq!(read(&bytes, UTF_8), Err(BLOCK_BYTES as u64 * 2 + 5));
    }

    #[test]
    fn damage_is_named_and_never_replaced() {
        let damaged = "größe,straße,öl,über\n".repeat(3) + "x";
        let mut damaged = damaged.into_bytes();
        damaged.push(0xE9);
        let encoding = detect(&ImportFile::bytes(damaged.clone())).expect("readable");
        assert_eq!(encoding, UTF_8);
        assert_eq!(read(&damaged, encoding), Err(damaged.len() as u64 - 1));
        assert_eq!(read(b"\xC3", UTF_8), Err(0));
        let mixed = ["Müller,Köln\n".as_bytes(), b"J\xFCrgen,D\xFCren\n"].concat();
        assert_eq!(detect(&ImportFile::bytes(mixed)).expect("readable"), UTF_8);
        assert_eq!(read(b"a\0\x00\xD8b\0", UTF_16LE), Err(2));
    }
}
