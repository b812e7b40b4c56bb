//! What a column of a file could be: fed with every cell, it offers field types and counts what each would change.
//! It decides over all cells, in constant memory; it never reads files.

use super::{Column, FieldType, TextFormat, boolean, email, number, url};
use crate::time::{machine_form, parse_date};
use crate::{JsonMap, limits};

/// Cells a type may fail on before it is given up; a type that fails on so many is not what the column holds.
const FAILURES_MAX: u64 = 1_000;
/// Most different values of a column that is offered as a select.
const OPTIONS_OFFERED_MAX: usize = 50;
/// Least number of cells for each different value of a column that is offered as a select.
const CELLS_PER_OPTION_MIN: u64 = 10;
/// Longest text, in characters, that is offered as one line.
const LINE_CHARS_MAX: usize = 255;
/// Digits a number may have for every program that reads it to keep them all.
const SAFE_DIGITS: usize = 15;

/// One type a column could have.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The id of the field type.
    pub field_type: &'static str,
    /// Settings of the field type.
    pub config: JsonMap,
    /// Names of the options a select would need, in order of appearance.
    pub options: Vec<String>,
    /// Cells that would be stored, but written differently when they are exported (`007` as `7`).
    pub would_change: u64,
    /// Cells that could not be stored.
    pub would_fail: u64,
    /// All cells that were not empty.
    pub of: u64,
}

impl Candidate {
    /// Whether every cell would come back byte for byte.
    pub fn safe(&self) -> bool {
        self.would_change == 0 && self.would_fail == 0
    }
}

/// How a cell would fare as a value of some type.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fit {
    Exact,
    Changed,
    Refused,
}

/// How the cells so far would fare as values of some type.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    changed: u64,
    refused: u64,
}

impl Tally {
    /// Asks about the next cell unless the type has been given up.
    fn add(&mut self, fit: impl FnOnce() -> Fit) {
        if self.refused <= FAILURES_MAX {
            match fit() {
                Fit::Exact => {}
                Fit::Changed => self.changed += 1,
                Fit::Refused => self.refused += 1,
            }
        }
    }
}

/// What the cells of one column have been so far. Feed it with [`Inference::observe`], then ask.
#[derive(Clone, Debug, Default)]
pub struct Inference {
    of: u64,
    number: Tally,
    boolean: Tally,
    date: Tally,
    date_time: Tally,
    not_email: bool,
    not_url: bool,
    long: bool,
    not_select: bool,
    distinct: Vec<String>,
}

impl Inference {
    /// An inference that has seen nothing.
    pub fn new() -> Inference {
        Inference::default()
    }

    /// Takes the next cell into account. Empty cells say nothing.
    pub fn observe(&mut self, cell: &str) {
        if cell.is_empty() {
            return;
        }
        self.of += 1;
        self.number.add(|| as_number(cell));
        self.boolean.add(|| as_boolean(cell));
        self.date.add(|| as_date(cell));
        self.date_time.add(|| as_date_time(cell));
        if !self.not_email {
            self.not_email = !cell.as_bytes().contains(&b'@') || !email::is_email(cell);
        }
        if !self.not_url {
            self.not_url = !cell.as_bytes().iter().take(8).any(|byte| *byte == b':') || !url::is_url(cell);
        }
        if !self.long {
            self.long = cell.contains(['\n', '\r'])
                || (cell.len() > LINE_CHARS_MAX && cell.chars().count() > LINE_CHARS_MAX);
        }
        if !self.not_select {
            self.observe_distinct(cell);
        }
    }

    fn observe_distinct(&mut self, cell: &str) {
        if self.distinct.iter().any(|value| value == cell) {
            return;
        }
        let no_name = cell.trim() != cell
            || cell.contains(char::is_control)
            || cell.chars().count() > limits::NAME_CHARS_MAX;
        self.not_select = no_name || self.distinct.len() == OPTIONS_OFFERED_MAX;
        if self.not_select {
            self.distinct = Vec::new();
        } else {
            self.distinct.push(cell.to_owned());
        }
    }

    /// The types the column could have, those that change nothing first; one kind of text is always among them.
    ///
    /// A type that would refuse more than a tenth of the cells is not offered; a boolean is not if it would refuse any,
    /// because `0` and `1` are common among numbers.
    pub fn candidates(&self) -> Vec<Candidate> {
        let none = Tally::default();
        let mut candidates = Vec::new();
        if self.of > 0 {
            let tallies = [
                ("boolean", self.boolean),
                ("date", self.date),
                ("dateTime", self.date_time),
                ("number", self.number),
            ];
            for (field_type, tally) in tallies {
                let most = if field_type == "boolean" {
                    0
                } else {
                    FAILURES_MAX.min(self.of / 10)
                };
                if tally.refused <= most {
                    candidates.push(self.candidate(field_type, tally));
                }
            }
            for (field_type, refused) in [("email", self.not_email), ("url", self.not_url)] {
                if !refused {
                    candidates.push(self.candidate(field_type, none));
                }
            }
        }
        candidates.push(self.candidate(self.text_type(), none));
        if !self.not_select && self.of > 0 && self.distinct.len() as u64 * CELLS_PER_OPTION_MIN <= self.of {
            candidates.push(Candidate {
                options: self.distinct.clone(),
                ..self.candidate("select", none)
            });
        }
        candidates.sort_by_key(|candidate| !candidate.safe());
        candidates
    }

    /// The type to propose: the most telling one that changes nothing. A select is never proposed, only offered.
    pub fn choice(&self) -> Candidate {
        let safe = self
            .candidates()
            .into_iter()
            .find(|candidate| candidate.safe() && candidate.field_type != "select");
        safe.unwrap_or_else(|| self.candidate(self.text_type(), Tally::default()))
    }

    fn text_type(&self) -> &'static str {
        if self.long { "longText" } else { "text" }
    }

    fn candidate(&self, field_type: &'static str, tally: Tally) -> Candidate {
        Candidate {
            field_type,
            config: JsonMap::new(),
            options: Vec::new(),
            would_change: tally.changed,
            would_fail: tally.refused,
            of: self.of,
        }
    }
}

/// Numbers stay as they are if they are written as JSON writes them and have few enough digits for every program:
/// leading zeros, `+5`, `1.50`, `1e5` and long identifiers do not.
fn as_number(cell: &str) -> Fit {
    let bytes = cell.as_bytes();
    if bytes[0].is_ascii_alphabetic() {
        return Fit::Refused;
    }
    match plain_digits(bytes) {
        Some(Plain::Short) => return Fit::Exact,
        Some(Plain::Tiny) if exported_as_number(cell).as_deref() == Some(cell) => return Fit::Exact,
        _ => {}
    }
    match number::plain_number(cell, &TextFormat::default()) {
        Some(_) if exported_as_number(cell).is_some() => Fit::Changed,
        _ => Fit::Refused,
    }
}

/// What a column of numbers would export for a cell.
fn exported_as_number(cell: &str) -> Option<String> {
    let column = Column::default();
    let value = number::Number
        .parse_text(cell, &column, &TextFormat::default())
        .ok()?;
    Some(number::Number.export(&value, &column))
}

/// A number without superfluous zeros, signs or exponent.
enum Plain {
    /// It comes back as it is.
    Short,
    /// It begins with so many zeros that it may come back with an exponent.
    Tiny,
}

fn plain_digits(bytes: &[u8]) -> Option<Plain> {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let count = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = count(digits);
    if whole == 0 || (whole > 1 && digits[0] == b'0') {
        return None;
    }
    let zero = digits[0] == b'0';
    if whole == digits.len() {
        return (whole <= SAFE_DIGITS && !(zero && bytes[0] == b'-')).then_some(Plain::Short);
    }
    let fraction = digits[whole..].strip_prefix(b".")?;
    if count(fraction) != fraction.len() || fraction.last().is_none_or(|last| *last == b'0') {
        return None;
    }
    let zeros = if zero {
        fraction.iter().take_while(|byte| **byte == b'0').count()
    } else {
        0
    };
    let significant = if zero {
        fraction.len() - zeros
    } else {
        whole + fraction.len()
    };
    (significant <= SAFE_DIGITS).then_some(if zeros > 3 { Plain::Tiny } else { Plain::Short })
}

fn as_boolean(cell: &str) -> Fit {
    match cell {
        "true" | "false" => Fit::Exact,
        _ if cell.len() <= 5 && boolean::read(cell).is_some() => Fit::Changed,
        _ => Fit::Refused,
    }
}

fn as_date(cell: &str) -> Fit {
    if parse_date(cell).is_some() {
        Fit::Exact
    } else {
        Fit::Refused
    }
}

/// Only the one form that is exported stays as it is; other forms of ISO 8601 with a time would be rewritten in UTC.
fn as_date_time(cell: &str) -> Fit {
    let bytes = cell.as_bytes();
    match machine_form(cell) {
        Some(_) if bytes.len() == 24 && bytes[10] == b'T' && bytes[19] == b'.' && bytes[23] == b'Z' => {
            Fit::Exact
        }
        Some(_) => Fit::Changed,
        None => Fit::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{example_column, field_type};
    use super::*;

    fn inference<'a>(cells: impl IntoIterator<Item = &'a str>) -> Inference {
        let mut inference = Inference::new();
        cells.into_iter().for_each(|cell| inference.observe(cell));
        inference
    }

    #[track_caller]
    fn check(cells: &[&str], expected: &str) {
        assert_eq!(
            inference(cells.iter().copied()).choice().field_type,
            expected,
            "{cells:?}"
        );
    }

    #[track_caller]
    fn check_number(cell: &str, expected: Fit) {
        assert_eq!(as_number(cell), expected, "{cell}");
    }

    #[test]
    fn a_type_is_proposed_only_if_nothing_would_change() {
        check(&["1", "-2", "0", "10.5", "0.001"], "number");
        check(&["1", "", "3"], "number");
        check(&["00501", "10001"], "text");
        check(&["10,5", "3"], "text");
        check(&["1", "N/A"], "text");
        check(&["true", "false"], "boolean");
        check(&["TRUE", "FALSE"], "text");
        check(&["yes", "no"], "text");
        check(&["0", "1"], "number");
        check(&["2024-02-29", "1999-12-31"], "date");
        check(&["2023-02-29"], "text");
        check(&["2024-01-01", "01/02/2024"], "text");
        check(&["2024-01-01T10:00:00.000Z"], "dateTime");
        check(&["2024-01-01T10:00:00Z"], "text");
        check(&["2024-01-01T10:00:00.000+01:00"], "text");
        check(&["a@example.com", "b@example.org"], "email");
        check(&["a@example.com", "none"], "text");
        check(&["https://example.com", "http://example.org/x"], "url");
        check(&["https://example.com", "www.example.org"], "text");
        check(&["a", "two\nlines"], "longText");
        check(&["+14155552671"], "text");
        check(&[""], "text");
        check(&[], "text");
        let long = "é".repeat(256);
        check(&[&long], "longText");
        check(&[&long[..510]], "text");
    }

    #[test]
    fn numbers_that_would_be_rewritten_are_not_safe() {
        for exact in [
            "0",
            "7",
            "-7",
            "123456789012345",
            "0.5",
            "-0.25",
            "1234567.25",
            "0.0001",
        ] {
            check_number(exact, Fit::Exact);
        }
        for changed in [
            "007",
            "+5",
            "1.50",
            "1e5",
            "1234567890123456",
            "0.1234567890123456",
            "-0",
            " 5",
            "1.0",
            "0.0000001",
            "−5",
        ] {
            check_number(changed, Fit::Changed);
        }
        for refused in [
            "10,5",
            "1,000",
            "1.",
            ".5",
            "1 000",
            "$5",
            "5%",
            "0x10",
            "NaN",
            "inf",
            "-",
            "123456789012345678901",
            "1e999",
            "12a",
            "٣",
            " ",
        ] {
            check_number(refused, Fit::Refused);
        }
    }

    #[test]
    fn what_is_called_exact_comes_back_byte_for_byte() {
        let mut state = 7_u64;
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut exact = 0;
        for _ in 0..200_000 {
            let cell: String = (0..1 + next(17))
                .map(|_| char::from(b"0001234567899.-"[next(15) as usize]))
                .collect();
            if as_number(&cell) == Fit::Exact {
                exact += 1;
                assert_eq!(exported_as_number(&cell).as_deref(), Some(cell.as_str()));
            }
        }
        assert!(exact > 1_000, "{exact}");
    }

    #[test]
    fn every_safe_candidate_round_trips() {
        let columns: [&[&str]; 7] = [
            &["1", "2.5"],
            &["true", "false"],
            &["2024-02-29"],
            &["2024-01-01T10:00:00.123Z"],
            &["Ada@Example.com"],
            &["HTTP://example.com"],
            &["a\nb", "  "],
        ];
        for cells in columns {
            for candidate in inference(cells.iter().copied())
                .candidates()
                .iter()
                .filter(|candidate| candidate.safe())
            {
                let kind = field_type(candidate.field_type).expect("a field type");
                let column = example_column(kind);
                for cell in cells {
                    let value = kind
                        .parse_text(cell, &column, &TextFormat::default())
                        .expect("a value");
                    assert_eq!(kind.export(&value, &column), *cell, "{}", candidate.field_type);
                }
            }
        }
    }

    #[test]
    fn suggestions_say_what_they_would_cost() {
        let cells: Vec<String> = (0..100)
            .map(|number| {
                if number < 5 {
                    "n/a".into()
                } else {
                    format!("{number:03}")
                }
            })
            .collect();
        let candidates = inference(cells.iter().map(String::as_str)).candidates();
        let number = candidates
            .iter()
            .find(|candidate| candidate.field_type == "number")
            .expect("offered");
        assert_eq!((number.would_change, number.would_fail, number.of), (95, 5, 100));
        assert!(!number.safe());
        assert_eq!(candidates[0].field_type, "text");
    }

    #[test]
    fn few_values_are_offered_as_options_but_not_proposed() {
        let cells: Vec<&str> = (0..40)
            .map(|number| ["Open", "Done", "Won't do"][number % 3])
            .collect();
        let inference = inference(cells);
        let select = inference
            .candidates()
            .into_iter()
            .find(|candidate| candidate.field_type == "select")
            .expect("offered");
        assert_eq!(select.options, ["Open", "Done", "Won't do"]);
        assert_eq!(inference.choice().field_type, "text");
        let distinct: Vec<String> = (0..1_000).map(|number| format!("v{}", number % 51)).collect();
        let inference = self::inference(distinct.iter().map(String::as_str));
        assert!(
            inference
                .candidates()
                .iter()
                .all(|candidate| candidate.field_type != "select")
        );
    }
}
