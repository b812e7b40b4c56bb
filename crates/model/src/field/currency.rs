//! `currency`: an exact amount of one currency. Never a float, never rounded, never converted.

use super::{Category, FieldType, Flags, Storage, TextFormat, exact, number};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value};

/// An amount of money.
pub struct Currency;

impl FieldType for Currency {
    fn id(&self) -> &'static str {
        "currency"
    }
    fn name(&self) -> &'static str {
        "Currency"
    }
    fn category(&self) -> Category {
        Category::Numeric
    }
    fn icon(&self) -> &'static str {
        "banknote"
    }
    fn description(&self) -> &'static str {
        "An exact amount of money"
    }
    fn storage(&self) -> Storage {
        Storage::Decimal
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "number"
    }
    fn flags(&self) -> Flags {
        Flags {
            supports_default: true,
            supports_unique: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::NUMBER
    }
    fn config_schema(&self) -> Json {
        serde_json::json!({
            "type": "object",
            "properties": {
                "currency": {
                    "type": "string", "pattern": "^[A-Z]{3}$", "default": "USD", "description": "ISO 4217 code"
                },
                "precision": {
                    "type": "integer", "minimum": 0, "maximum": 8, "default": 2,
                    "description": "Decimals kept; more are refused"
                }
            },
            "additionalProperties": false
        })
    }
    fn check_config(&self, column: &Column) -> Result<(), Issue> {
        let code = code(column);
        if CODES.split(' ').any(|known| known == code) {
            return Ok(());
        }
        let message = crate::issue::unknown_name("currency", code, CODES.split(' '));
        Err(Issue::new(
            &column.slug,
            Code::Definition,
            format!("{message}; it is an ISO 4217 code such as USD or EUR"),
        ))
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        exact::parse(raw, column)
    }
    fn parse_text(&self, text: &str, column: &Column, format: &TextFormat) -> Result<Value, Issue> {
        let code = code(column);
        match bare(text, code)
            .and_then(|(sign, amount)| number::plain_number(&format!("{sign}{amount}"), format))
        {
            Some(plain) => exact::read(&plain, column),
            None => Err(Issue::new(
                &column.slug,
                Code::Type,
                format!("\"{text}\" is not an amount in {code}"),
            )),
        }
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        exact::to_json(value)
    }
    fn display(&self, value: &Value, column: &Column) -> Option<String> {
        let sign = if exact::decimal(value).is_sign_negative() {
            "-"
        } else {
            ""
        };
        let amount = exact::grouped(value, column.scale());
        let code = code(column);
        Some(match symbols(code).first() {
            Some(symbol) => format!("{sign}{symbol}{amount}"),
            None => format!("{sign}{code} {amount}"),
        })
    }
    fn export(&self, value: &Value, _column: &Column) -> String {
        exact::decimal(value).to_string()
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        out.extend_from_slice(exact::decimal(value).to_string().as_bytes());
    }
    fn examples(&self) -> Vec<Json> {
        let texts = ["15000", "12.5", "0", "-0.01", "92233720368547758.07"];
        texts
            .map(|text| exact::to_json(&Value::Decimal(text.parse().unwrap_or_default())))
            .into()
    }
}

fn code(column: &Column) -> &str {
    column.config_str("currency").unwrap_or("USD")
}

/// The sign and the amount of a text, without the column's own code or symbol; `None` if the signs make no sense.
fn bare<'a>(text: &'a str, code: &str) -> Option<(&'static str, &'a str)> {
    let mut rest = text.trim();
    let mut sign = "";
    let mut marked = false;
    for _ in 0..2 {
        if let Some(after) = rest.strip_prefix(['-', '−']) {
            if sign == "-" {
                return None;
            }
            (sign, rest) = ("-", after.trim_start());
        }
        if let Some(after) = without_mark(rest, code).filter(|_| !marked) {
            (marked, rest) = (true, after);
        }
    }
    rest.starts_with(|char: char| char.is_ascii_digit() || (sign.is_empty() && char == '+') || char == '.')
        .then_some((sign, rest))
}

/// The text without the currency's code (any case) or one of its symbols at either end.
fn without_mark<'a>(text: &'a str, code: &str) -> Option<&'a str> {
    let is_code = |mark: Option<&str>| mark.is_some_and(|mark| mark.eq_ignore_ascii_case(code));
    if is_code(text.get(..code.len())) {
        return Some(text[code.len()..].trim_start());
    }
    let end = text.len().saturating_sub(code.len());
    if is_code(text.get(end..)) {
        return Some(text[..end].trim_end());
    }
    symbols(code).iter().find_map(|symbol| {
        text.strip_prefix(symbol)
            .map(str::trim_start)
            .or_else(|| text.strip_suffix(symbol).map(str::trim_end))
    })
}

/// The symbols a currency is written with (Unicode CLDR, root and narrow forms); the first one is shown.
fn symbols(code: &str) -> &'static [&'static str] {
    match code {
        "USD" => &["$", "US$"],
        "EUR" => &["€"],
        "GBP" => &["£"],
        "JPY" => &["¥", "JP¥"],
        "CNY" => &["CN¥", "¥"],
        "INR" => &["₹"],
        "KRW" => &["₩"],
        "BRL" => &["R$"],
        "CAD" => &["CA$", "$"],
        "AUD" => &["A$", "$"],
        "NZD" => &["NZ$", "$"],
        "HKD" => &["HK$", "$"],
        "MXN" => &["MX$", "$"],
        "TWD" => &["NT$", "$"],
        "ILS" => &["₪"],
        "VND" => &["₫"],
        "PHP" => &["₱"],
        "UAH" => &["₴"],
        "NGN" => &["₦"],
        "TRY" => &["₺"],
        "PLN" => &["zł"],
        _ => &[],
    }
}

/// The currencies in use (ISO 4217, list one, without funds, metals and testing codes).
const CODES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY \
    COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK \
    JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD \
    NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL \
    THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG BGN CUC HRK";

#[cfg(test)]
mod tests {
    use super::*;

    fn column(code: &str) -> Column {
        let mut column = Column {
            slug: "price".into(),
            ..Column::default()
        };
        column.config.insert("currency".into(), code.into());
        column
    }

    #[track_caller]
    fn check(code: &str, text: &str, shown: Option<&str>) {
        let format = TextFormat {
            group: Some(','),
            ..TextFormat::default()
        };
        let value = Currency.parse_text(text, &column(code), &format).ok();
        assert_eq!(
            value
                .and_then(|value| Currency.display(&value, &column(code)))
                .as_deref(),
            shown,
            "{text}"
        );
    }

    #[test]
    fn amounts_are_read_with_symbol_code_and_separators() {
        check("USD", "$15,000", Some("$15,000.00"));
        check("USD", "usd 12.5", Some("$12.50"));
        check("USD", "12.50 USD", Some("$12.50"));
        check("USD", "-$5", Some("-$5.00"));
        check("USD", "$-5", Some("-$5.00"));
        check("USD", "- 5", Some("-$5.00"));
        check("EUR", "1,234.50 €", Some("€1,234.50"));
        check("CAD", "$7", Some("CA$7.00"));
        check("CHF", "CHF 1,234.50", Some("CHF 1,234.50"));
        check("USD", "€5", None);
        check("USD", "--5", None);
        check("USD", "-$-5", None);
        check("USD", "$$5", None);
        check("USD", "$", None);
        check("USD", "1,23", None);
    }

    #[test]
    fn json_is_a_number_or_a_decimal_text() {
        let json = |raw: Json| {
            Currency
                .parse(&raw, &column("USD"))
                .map(|value| Currency.to_json(&value, &column("USD")).to_string())
        };
        assert_eq!(
            json(serde_json::from_str("12.50").expect("JSON")),
            Ok("12.5".into())
        );
        assert_eq!(json("0.10".into()), Ok("0.1".into()));
        assert_eq!(json(15_000.into()), Ok("15000".into()));
        assert_eq!(
            json(12.345.into()).expect_err("too fine").message,
            "At most 2 decimals are kept"
        );
        assert_eq!(json("$5".into()).expect_err("no symbol in JSON").code, Code::Type);
        assert_eq!(
            json(true.into()).expect_err("no number").message,
            "Expected type \"number\", got boolean"
        );
    }

    #[test]
    fn a_currency_that_does_not_exist_is_refused() {
        assert_eq!(Currency.check_config(&column("EUR")), Ok(()));
        let issue = Currency
            .check_config(&column("EUX"))
            .expect_err("no such currency");
        assert!(
            issue.message.starts_with("No currency \"EUX\" (did you mean"),
            "{}",
            issue.message
        );
    }
}
