//! Instants as text and back. Instants are milliseconds since 1970 in UTC; this file never asks what time it is.

use jiff::Timestamp;

/// The smallest and largest instant kept: the years 1 to 9999.
pub const INSTANT_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// An instant as RFC 3339 in UTC with milliseconds: `2026-03-01T09:30:00.000Z`.
pub fn instant_text(ms: i64) -> String {
    let mut out = String::with_capacity(24);
    write_instant(&mut out, ms);
    out
}

/// Appends what [`instant_text`] gives.
pub fn write_instant(out: &mut String, ms: i64) {
    let days = ms.div_euclid(86_400_000);
    let rest = ms.rem_euclid(86_400_000);
    write_date(out, days);
    let two = |out: &mut String, n: i64| {
        out.push((b'0' + (n / 10) as u8) as char);
        out.push((b'0' + (n % 10) as u8) as char);
    };
    out.push('T');
    two(out, rest / 3_600_000);
    out.push(':');
    two(out, rest / 60_000 % 60);
    out.push(':');
    two(out, rest / 1_000 % 60);
    out.push('.');
    out.push((b'0' + (rest / 100 % 10) as u8) as char);
    two(out, rest % 100);
    out.push('Z');
}

/// Appends the calendar date of a day counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
pub fn write_date(out: &mut String, days: i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    for (number, width) in [(year, 4), (month, 2), (day, 2)] {
        if width == 2 {
            out.push('-');
        }
        let mut scale = 10_i64.pow(width - 1);
        while scale > 0 {
            out.push((b'0' + (number / scale % 10) as u8) as char);
            scale /= 10;
        }
    }
}

/// Reads an RFC 3339 instant with an offset, or a date-time or date without one taken as UTC.
///
/// Returns `None` for anything else, for days that do not exist, and for leap seconds and fractions finer than a
/// millisecond (they could not be kept).
pub fn parse_instant(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some(ms) = machine_form(text) {
        return Some(ms);
    }
    let normal: String;
    let text = if text.as_bytes().get(10) == Some(&b' ') {
        normal = text.replacen(' ', "T", 1);
        normal.as_str()
    } else {
        text
    };
    if !text.is_ascii() || text.len() < 10 || text.as_bytes()[4] != b'-' || text.contains(":60") {
        return None;
    }
    let fraction = text.split_once('.').map_or("", |(_, rest)| {
        rest.trim_end_matches(|c: char| !c.is_ascii_digit())
    });
    let digits: String = fraction.chars().take_while(char::is_ascii_digit).collect();
    if digits.len() > 3 && digits[3..].bytes().any(|digit| digit != b'0') {
        return None;
    }
    let ms = match text.parse::<Timestamp>() {
        Ok(instant) => instant.as_millisecond(),
        Err(_) => {
            let civil: jiff::civil::DateTime = text.parse().ok()?;
            civil
                .to_zoned(jiff::tz::TimeZone::UTC)
                .ok()?
                .timestamp()
                .as_millisecond()
        }
    };
    INSTANT_MS.contains(&ms).then_some(ms)
}

/// The forms in which machines write instants, read fast: `2026-03-01T09:30:00.000Z`, `2026-03-01 09:30`. The seconds,
/// their fraction and the offset may be missing, the time may not.
pub fn machine_form(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 16 || !matches!(bytes[10], b'T' | b' ') || !text.is_ascii() {
        return None;
    }
    let day = parse_date(&text[..10])?;
    let rest = &text[11..];
    let (clock, offset_ms) = match rest.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => match rest.find(['+', '-']) {
            Some(at) => {
                let sign = if rest.as_bytes()[at] == b'+' { 1 } else { -1 };
                let offset = rest[at + 1..].len() == 5;
                (&rest[..at], sign * clock_ms(&rest[at + 1..]).filter(|_| offset)?)
            }
            None => (rest, 0),
        },
    };
    let ms = day * 86_400_000 + clock_ms(clock)? - offset_ms;
    INSTANT_MS.contains(&ms).then_some(ms)
}

/// Milliseconds since midnight of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fff`; finer fractions only if they are zeros.
pub fn clock_ms(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let two = |at: usize, most: i64| -> Option<i64> {
        let (tens, ones) = (bytes[at], bytes[at + 1]);
        let number = i64::from(tens.wrapping_sub(b'0')) * 10 + i64::from(ones.wrapping_sub(b'0'));
        (tens.is_ascii_digit() && ones.is_ascii_digit() && number <= most).then_some(number)
    };
    if bytes.len() < 5 || bytes[2] != b':' {
        return None;
    }
    let mut ms = two(0, 23)? * 3_600_000 + two(3, 59)? * 60_000;
    if bytes.len() == 5 {
        return Some(ms);
    }
    if bytes.len() < 8 || bytes[5] != b':' {
        return None;
    }
    ms += two(6, 59)? * 1_000;
    if bytes.len() == 8 {
        return Some(ms);
    }
    if bytes[8] != b'.' || bytes.len() == 9 {
        return None;
    }
    let mut unit = 100;
    for byte in &bytes[9..] {
        if !byte.is_ascii_digit() || (unit == 0 && *byte != b'0') {
            return None;
        }
        ms += i64::from(byte - b'0') * unit;
        unit /= 10;
    }
    Some(ms)
}

/// Days since 1970-01-01 of a real calendar date written `YYYY-MM-DD`.
pub fn parse_date(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        bytes[range].iter().try_fold(0_i64, |n, b| {
            b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0'))
        })
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if year == 0 || day == 0 || day > longest {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    Some(era * 146_097 + doe - 719_468)
}

/// The day of an instant, counted from 1970-01-01 in UTC.
pub fn day_of(ms: i64) -> i64 {
    ms.div_euclid(86_400_000)
}

/// A day counted from 1970-01-01 as `YYYY-MM-DD`.
pub fn date_text(days: i64) -> String {
    let mut out = String::with_capacity(10);
    write_date(&mut out, days);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_back_from_its_text() {
        for ms in [0, 1_706_745_600_123, -1, *INSTANT_MS.start(), *INSTANT_MS.end()] {
            assert_eq!(parse_instant(&instant_text(ms)), Some(ms), "{ms}");
        }
        assert_eq!(instant_text(1_706_745_600_123), "2024-02-01T00:00:00.123Z");
    }

    #[test]
    fn dates_are_real_days() {
        assert_eq!(
            parse_date("2024-02-29").map(date_text).as_deref(),
            Some("2024-02-29")
        );
        assert_eq!(parse_date("2023-02-29"), None);
        assert_eq!(parse_date("1970-01-01"), Some(0));
        for days in (-700_000..2_900_000).step_by(997) {
            assert_eq!(parse_date(&date_text(days)), Some(days));
        }
    }

    #[test]
    fn what_could_not_be_kept_is_refused() {
        assert_eq!(parse_instant("2024-01-01T00:00:00.1234Z"), None);
        assert_eq!(
            parse_instant("2024-01-01T00:00:00.123000Z"),
            Some(1_704_067_200_123)
        );
        assert_eq!(
            parse_instant("2024-01-01T23:30:00-05:00"),
            Some(1_704_169_800_000)
        );
        assert_eq!(parse_instant("not a date"), None);
    }

    #[test]
    fn the_fast_reader_agrees_with_the_general_one() {
        for text in [
            "2026-03-01T09:30:00Z",
            "1969-07-20T20:17:40.123+02:30",
            "2026-03-01T23:59:59.5-11:45",
        ] {
            let general = text.parse::<Timestamp>().map(|instant| instant.as_millisecond());
            assert_eq!(machine_form(text), general.ok(), "{text}");
        }
        assert_eq!(machine_form("1970-01-02 00:01"), Some(86_460_000));
        let refused = [
            "2026-03-01T09:30Z0:00:00",
            "2026-03-01T09:30:00.Z",
            "2026-03-01T09:30:00+1:00",
            "2026-03-01T9:30:00Z",
        ];
        for text in refused.into_iter().chain([
            "2026-03-01T09:30:60Z",
            "2026-03-01T24:00:00Z",
            "2026-02-30T09:30:00Z",
        ]) {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }
}
