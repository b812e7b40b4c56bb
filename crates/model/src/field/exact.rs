//! Exact decimals: reading and showing numbers whose digits must never change. No field type of its own.

use rust_decimal::Decimal;

use crate::column::Column;
use crate::{Code, Issue, Json, Value};

/// Why a number cannot be kept.
enum Refusal {
    NotANumber,
    TooFine,
    TooLarge,
}

/// A JSON number or a decimal text, as an exact decimal with at most the column's decimals.
pub(super) fn parse(raw: &Json, column: &Column) -> Result<Value, Issue> {
    match raw {
        Json::Number(number) => read(number.as_str(), column),
        Json::String(text) => read(text, column),
        other => Err(Issue::wrong_type(&column.slug, "number", other)),
    }
}

/// A number as JSON writes it, as an exact decimal with at most the column's decimals.
pub(super) fn read(text: &str, column: &Column) -> Result<Value, Issue> {
    let scale = column.scale();
    let scaled = scaled(text, scale).map_err(|refusal| issue(&refusal, text, scale, column))?;
    Ok(Value::Decimal(Decimal::new(scaled, scale).normalize()))
}

/// A number as JSON writes it, if it is whole: `3`, `3.0` and `3e2` are, `3.5` is not.
pub(super) fn whole(text: &str, column: &Column) -> Result<i64, Issue> {
    match text.parse() {
        Ok(int) => Ok(int),
        Err(_) => scaled(text, 0).map_err(|refusal| issue(&refusal, text, 0, column)),
    }
}

fn issue(refusal: &Refusal, text: &str, scale: u32, column: &Column) -> Issue {
    match refusal {
        Refusal::NotANumber => Issue::new(&column.slug, Code::Type, format!("\"{text}\" is not a number")),
        Refusal::TooFine if scale == 0 => {
            Issue::new(&column.slug, Code::Precision, "Only whole numbers are kept").with("precision", 0)
        }
        Refusal::TooFine => {
            let message = format!("At most {scale} decimals are kept");
            Issue::new(&column.slug, Code::Precision, message).with("precision", scale)
        }
        Refusal::TooLarge => {
            let limit = Decimal::new(i64::MAX, scale);
            let message =
                format!("Too large to be kept exactly: the limit is {limit} on either side of zero");
            Issue::new(&column.slug, Code::Limit, message).with("limit", limit.to_string())
        }
    }
}

/// The number times ten to the `scale`, exactly. Reads `-?digits[.digits][e[+-]digits]` of any length.
fn scaled(text: &str, scale: u32) -> Result<i64, Refusal> {
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    if !all_digits(whole)
        || !all_digits(fraction)
        || !all_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
    {
        return Err(Refusal::NotANumber);
    }

    // The significant digits as one integer, then how far the decimal point is from their end.
    let (mut number, mut zeros, mut over) = (0_i128, 0_u32, false);
    for byte in whole.bytes().chain(fraction.bytes()) {
        match byte {
            b'0' => zeros += u32::from(number != 0),
            _ if over || zeros > 18 || number > i128::from(i64::MAX) => (over, zeros) = (true, 0),
            _ => (number, zeros) = (number * 10_i128.pow(zeros + 1) + i128::from(byte - b'0'), 0),
        }
    }
    if number == 0 {
        return Ok(0);
    }
    let far = if exponent.starts_with('-') {
        i64::MIN / 4
    } else {
        i64::MAX / 4
    };
    let exponent: i64 = exponent.parse::<i32>().map_or(far, i64::from);
    let shift = exponent + i64::from(zeros) + i64::from(scale) - fraction.len() as i64;
    if shift < 0 {
        return Err(Refusal::TooFine);
    }
    let power = u32::try_from(shift)
        .ok()
        .filter(|shift| !over && *shift <= 18)
        .ok_or(Refusal::TooLarge)?;
    number
        .checked_mul(10_i128.pow(power))
        .and_then(|number| i64::try_from(number).ok())
        .map(|number| number * sign)
        .ok_or(Refusal::TooLarge)
}

/// The decimal inside a value; zero for any other.
pub(super) fn decimal(value: &Value) -> Decimal {
    match value {
        Value::Decimal(decimal) => decimal.normalize(),
        _ => Decimal::ZERO,
    }
}

/// The value as a JSON number with exactly its digits, without trailing zeros.
pub(super) fn to_json(value: &Value) -> Json {
    Json::Number(serde_json::Number::from_string_unchecked(
        decimal(value).to_string(),
    ))
}

/// The digits of the absolute value with thousands separators and at least `scale` decimals.
pub(super) fn grouped(value: &Value, scale: u32) -> String {
    let decimal = decimal(value).abs();
    let text = format!("{decimal:.*}", decimal.scale().max(scale) as usize);
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text.as_str(), None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = String::with_capacity(text.len() + whole.len() / 3);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<i64, Code>) {
        let column = Column::default();
        let read = scaled(text, 2).map_err(|refusal| issue(&refusal, text, 2, &column).code);
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn every_digit_is_kept_or_refused() {
        check("15000", Ok(1_500_000));
        check("12.50", Ok(1_250));
        check("-0.01", Ok(-1));
        check("-0", Ok(0));
        check("0.1000000000000000000000000000000000000000", Ok(10));
        check("1e2", Ok(10_000));
        check("1.5E-1", Ok(15));
        check("100000000000000000000e-18", Ok(10_000));
        check("12.345", Err(Code::Precision));
        check("1e-3", Err(Code::Precision));
        check("0.12345678901234567890123456789", Err(Code::Precision));
        check("92233720368547758.07", Ok(i64::MAX));
        check("-92233720368547758.07", Ok(-i64::MAX));
        check("92233720368547758.08", Err(Code::Limit));
        check("1e400", Err(Code::Limit));
        check("1e99999999999999999999", Err(Code::Limit));
        check("1e-99999999999999999999", Err(Code::Precision));
        check("0e99999999999999999999", Ok(0));
        check("123456789012345678901234567890", Err(Code::Limit));
        check("10000000000000000000000000001", Err(Code::Limit));
        for text in [
            "", "-", ".5", "5.", "1e", "1,5", "+5", " 5", "--5", "1.2.3", "0x10", "NaN",
        ] {
            check(text, Err(Code::Type));
        }
    }

    #[test]
    fn issues_say_the_limit() {
        let column = Column {
            slug: "price".into(),
            ..Column::default()
        };
        let message = |text: &str| read(text, &column).expect_err("refused").message;
        assert_eq!(message("1.005"), "At most 2 decimals are kept");
        assert_eq!(
            message("1e17"),
            "Too large to be kept exactly: the limit is 92233720368547758.07 on either side of zero"
        );
    }

    #[test]
    fn thousands_are_grouped() {
        let decimal = |text: &str| Value::Decimal(text.parse().expect("a decimal"));
        for (text, scale, expected) in [
            ("15000", 2, "15,000.00"),
            ("999", 0, "999"),
            ("-1234567.5", 2, "1,234,567.50"),
            ("0.125", 2, "0.125"),
        ] {
            assert_eq!(grouped(&decimal(text), scale), expected);
        }
    }
}
