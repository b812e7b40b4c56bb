//! Random values of every kind from one number: few enough to meet again, odd enough to hurt. Asks no backend.

use chancery_model::field::Storage;
use chancery_model::{Column, Json, JsonMap, Key, KeyKind, Value};
use rust_decimal::Decimal;
use serde_json::json;

/// A stream of random numbers.
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream that belongs to a number.
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// Any number (SplitMix64).
    pub(crate) fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.any() % end.max(1) as u64) as usize
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A text.
    pub(crate) fn text(&mut self) -> String {
        const TEXTS: &[&str] = &[
            "",
            "a",
            "A",
            "ab",
            "aB",
            "b",
            "abc",
            "a b",
            "Äpfel",
            "äpfel",
            "ÄPFEL",
            "straße",
            "STRASSE",
            "日本",
            "日本語",
            "🎉",
            "a🎉",
            "0",
            "00",
            "1",
            "10",
            "9",
            "-1",
            "1.5",
            "null",
            "true",
            "'",
            "\"",
            "a'b",
            "\\",
            "%",
            "_",
            "a%b",
            "a_b",
            " ",
            " a",
            "a ",
            "\n",
            "\t",
            "x-y",
            "x y z",
            "hello world",
            "Hello World",
            "ß",
            "İ",
            "ı",
            "é",
            "e\u{301}",
            "\0",
            "a\0b",
            "\u{1}",
            "\u{1}\u{2}",
            "\u{2}",
        ];
        match self.below(12) {
            0 => (0..self.below(40))
                .map(|_| *self.pick(&['a', 'B', 'é', '日', '🎉', ' ', '-', '7', '"']))
                .collect(),
            1 => format!("common beginning of many {}", self.below(4)),
            _ => (*self.pick(TEXTS)).to_owned(),
        }
    }

    /// An item of a list.
    pub(crate) fn item(&mut self) -> String {
        (*self.pick(&["a", "b", "c", "A", "", "a\"b", "日本", "a,b"])).to_owned()
    }

    /// A number as a number column holds it.
    pub(crate) fn number(&mut self) -> Value {
        let number = match self.below(10) {
            0 => {
                return Value::Int(*self.pick(&[
                    i64::MAX,
                    i64::MIN,
                    i64::MAX - 1,
                    9_007_199_254_740_993,
                    9_007_199_254_740_992,
                ]));
            }
            1 => *self.pick(&[
                0.1,
                -0.1,
                9_007_199_254_740_992.0,
                2.5,
                -2.5,
                5e-324,
                1e300,
                -1e300,
                1e19,
                0.30000000000000004,
            ]),
            2 => self.below(1_000) as f64 / 8.0,
            _ => self.below(12) as f64 - 4.0,
        };
        Value::number(number).expect("a finite number")
    }

    /// JSON: a scalar or a small structure.
    pub(crate) fn json(&mut self, depth: usize) -> Json {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => Json::Null,
            1 => json!(self.once_in(2)),
            2 => json!(self.below(5)),
            3 => {
                let number = *self.pick(&["2.5", "2.50", "-1", "1e3", "9007199254740993", "0.1"]);
                serde_json::from_str(number).expect("JSON")
            }
            4 | 5 => Json::String(self.text()),
            6 => Json::Array((0..self.below(3)).map(|_| self.json(depth - 1)).collect()),
            _ => Json::Object(self.fields(depth - 1)),
        }
    }

    /// A JSON object with a few names.
    pub(crate) fn fields(&mut self, depth: usize) -> JsonMap {
        (0..self.below(4))
            .map(|_| (self.name(), self.json(depth)))
            .collect()
    }

    /// The name of an undeclared field.
    pub(crate) fn name(&mut self) -> String {
        (*self.pick(&["x", "y", "o'ther", "日本", "$.x", "a.b", ""])).to_owned()
    }

    /// A value that a column may hold.
    pub(crate) fn value(&mut self, column: &Column) -> Value {
        if self.once_in(5) {
            return Value::Null;
        }
        match column.kind().storage() {
            Storage::Bool => Value::Bool(self.once_in(2)),
            Storage::Int => match self.below(8) {
                0 => Value::Int(*self.pick(&[i64::MAX, i64::MIN, 9_007_199_254_740_993])),
                _ => Value::Int(self.below(9) as i64 - 3),
            },
            Storage::Number => self.number(),
            Storage::Decimal => {
                let scale = column.scale();
                let mantissa = match self.below(6) {
                    0 => *self.pick(&[999_999_999_999, -999_999_999_999, 100_000]),
                    _ => self.below(500) as i64 - 250,
                };
                Value::Decimal(Decimal::new(mantissa, self.below(scale as usize + 1) as u32))
            }
            Storage::Text if column.field_type == "date" => Value::text(*self.pick(&[
                "2024-02-29",
                "2024-03-01",
                "1999-12-31",
                "0001-01-01",
                "9999-12-31",
            ])),
            Storage::Text => Value::Text(self.text()),
            Storage::List => Value::List((0..self.below(4)).map(|_| self.item()).collect()),
            Storage::Json => match self.once_in(2) {
                true => Value::Json(Box::new(Json::Object(self.fields(2)))),
                false => Value::Json(Box::new(Json::Array(
                    (0..self.below(3)).map(|_| self.json(2)).collect(),
                ))),
            },
        }
    }

    /// A key, often one that was given before.
    pub(crate) fn key(&mut self, kind: KeyKind) -> Key {
        let number = self.below(40) as i64;
        match kind {
            KeyKind::Int if number == 0 => Key::Int(*self.pick(&[i64::MIN, i64::MAX])),
            KeyKind::Int => Key::Int(number - 10),
            KeyKind::Text if number == 0 => Key::Text("'; DROP TABLE t1; --".into()),
            KeyKind::Text => Key::Text(format!("{}{number}", self.pick(&["k", "K", "é", ""])).into()),
            KeyKind::Uuid => Key::Uuid(uuid::Uuid::from_u128(
                (number as u128).wrapping_mul(0x3333_4444_5555_6666_7777_8888_9999_aaab),
            )),
        }
    }
}
