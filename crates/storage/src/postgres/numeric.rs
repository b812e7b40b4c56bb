//! Numbers as the server's `numeric`: exact, of any length. It knows which of them are whole numbers and which floats.
//!
//! The server keeps how many digits a number was written with behind the point. A float is always written with some
//! (`9007199254740992.0`), a whole number with none: so both read back as what they were, and compare by value.

use chancery_model::Value;
use rust_decimal::Decimal;

/// From here on every float is whole, and only its exact digits are in order with whole numbers.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Digits in one group of the wire form.
const GROUP: usize = 4;

/// A number as decimal digits; none if the value is no number.
pub(super) fn digits(value: &Value) -> Option<String> {
    match value {
        Value::Int(int) => Some(int.to_string()),
        Value::Float(float) => Some(float_digits(*float)),
        Value::Decimal(decimal) => Some(decimal.normalize().to_string()),
        _ => None,
    }
}

/// The shortest digits that read back as the float, which are in the order of the floats; the exact ones where floats are
/// whole.
pub(super) fn float_digits(float: f64) -> String {
    match float.abs() >= EXACT_MAX {
        true => format!("{float:.1}"),
        false => format!("{float}"),
    }
}

/// The number that a number column holds.
pub(super) fn number(digits: &str) -> Option<Value> {
    if digits.contains('.') {
        return digits
            .parse()
            .ok()
            .filter(|float: &f64| float.is_finite())
            .map(Value::Float);
    }
    match digits.parse() {
        Ok(int) => Some(Value::Int(int)),
        Err(_) => digits.parse().ok().map(Value::Float),
    }
}

/// The decimal that a decimal column holds, with as many digits as the column shows at least.
pub(super) fn decimal(digits: &str, scale: u32) -> Option<Decimal> {
    let mut decimal: Decimal = digits.parse().ok()?;
    if decimal.scale() < scale {
        decimal.rescale(scale);
    }
    Some(decimal)
}

/// The wire form: how many groups, the power of the first, the sign, the digits behind the point, the groups.
pub(super) fn encode(digits: &str) -> Vec<u8> {
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = fraction.len() as u16;
    let lead = (GROUP - whole.len() % GROUP) % GROUP;
    let padded = format!("{}{whole}", "0".repeat(lead));
    let mut groups: Vec<u16> = Vec::new();
    let mut weight = (padded.len() / GROUP) as i32 - 1;
    let behind = format!(
        "{fraction}{}",
        "0".repeat((GROUP - fraction.len() % GROUP) % GROUP)
    );
    for group in padded
        .as_bytes()
        .chunks(GROUP)
        .chain(behind.as_bytes().chunks(GROUP))
    {
        groups.push(
            group
                .iter()
                .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')),
        );
    }
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..zeros);
    weight -= zeros as i32;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    let sign: u16 = if negative && !groups.is_empty() { 0x4000 } else { 0 };
    let mut out = Vec::with_capacity(8 + groups.len() * 2);
    out.extend((groups.len() as u16).to_be_bytes());
    out.extend((weight as i16).to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend(scale.to_be_bytes());
    groups.iter().for_each(|group| out.extend(group.to_be_bytes()));
    out
}

/// The digits of the wire form; none if it is no number.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let word = |at: usize| -> Option<u16> {
        let pair = bytes.get(at * 2..at * 2 + 2)?;
        Some(u16::from_be_bytes([pair[0], pair[1]]))
    };
    let (count, weight, sign, scale) = (word(0)?, word(1)? as i16, word(2)?, usize::from(word(3)?));
    if sign & 0x8000 != 0 {
        return None;
    }
    let group = |power: i32| -> Option<u16> {
        match usize::try_from(i32::from(weight) - power) {
            Ok(index) if index < usize::from(count) => word(4 + index),
            _ => Some(0),
        }
    };
    let mut out = String::new();
    for power in (0..=i32::from(weight).max(0)).rev() {
        out.push_str(&format!("{:04}", group(power)?));
    }
    let whole = out.trim_start_matches('0');
    let mut out = format!(
        "{}{}",
        if sign == 0x4000 { "-" } else { "" },
        if whole.is_empty() { "0" } else { whole }
    );
    if scale > 0 {
        let mut behind = String::with_capacity(scale + GROUP);
        for index in 0..scale.div_ceil(GROUP) {
            behind.push_str(&format!("{:04}", group(-1 - index as i32)?));
        }
        behind.truncate(scale);
        out.push('.');
        out.push_str(&behind);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_pass_through_the_wire_form() {
        for digits in [
            "0",
            "1",
            "-1",
            "9999",
            "10000",
            "10001",
            "-123456789.000100",
            "0.1",
            "0.00001",
            "0.0",
            "100000000",
            "7.50",
            "12345.6789",
            "0.12345",
            "9223372036854775807",
            "-9223372036854775808",
            "9007199254740992.0",
        ] {
            assert_eq!(decode(&encode(digits)).as_deref(), Some(digits));
        }
        for float in [5e-324, f64::MAX, f64::MIN, 1e300, 0.1 + f64::EPSILON] {
            let digits = float_digits(float);
            assert_eq!(decode(&encode(&digits)), Some(digits.clone()));
            assert_eq!(number(&digits), Some(Value::Float(float)));
        }
    }

    #[test]
    fn whole_numbers_and_floats_stay_apart() {
        let big = 9_007_199_254_740_992;
        for value in [
            Value::Int(big),
            Value::Float(big as f64),
            Value::Int(5),
            Value::Float(0.5),
        ] {
            assert_eq!(number(&digits(&value).unwrap()), Some(value));
        }
        assert_eq!(float_digits(4.611_686_018_427_388e18), "4611686018427387904.0");
    }
}
