//! The table of results: figures, bars, verdicts, as text, Markdown and JSON. It measures nothing.

use std::fmt::Write;

use serde::Serialize;

use crate::machine::Machine;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Unit {
    /// A rate; more is better.
    PerSecond,
    /// A time; less is better.
    Ms,
    /// A size; less is better.
    Mb,
}

/// What a figure has to reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Bar {
    /// The figure itself.
    AtLeast(f64),
    /// The figure itself.
    AtMost(f64),
    /// The figure as a multiple of the same work by hand.
    TimesHandAtLeast(f64),
    /// The figure as a multiple of the same work by hand.
    TimesHandAtMost(f64),
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    /// What is measured.
    pub(crate) name: String,
    unit: Unit,
    /// Chancery's figure.
    chancery: f64,
    /// The same work by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<f64>,
    /// The store that Chancery replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<f64>,
    /// Chancery's figure at ten times the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ten_times: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bars: Vec<Bar>,
    /// Where the bar comes from, or what the work by hand is.
    note: String,
}

impl Row {
    /// A line with Chancery's figure.
    pub(crate) fn new(name: impl Into<String>, unit: Unit, chancery: f64) -> Row {
        Row {
            name: name.into(),
            unit,
            chancery,
            by_hand: None,
            original: None,
            at_ten_times: None,
            bars: Vec::new(),
            note: String::new(),
        }
    }

    /// Adds the same work by hand.
    pub(crate) fn by_hand(mut self, figure: f64, what: &str) -> Row {
        self.by_hand = Some(figure);
        self.note = what.to_owned();
        self
    }

    /// Adds what the original does, if it could be measured.
    pub(crate) fn original(mut self, figure: Option<f64>) -> Row {
        self.original = figure;
        self
    }

    /// Adds the figure at ten times the data.
    pub(crate) fn at_ten_times(mut self, figure: f64) -> Row {
        self.at_ten_times = Some(figure);
        self
    }

    /// Adds what has to be reached.
    pub(crate) fn bar(mut self, bar: Bar) -> Row {
        self.bars.push(bar);
        self
    }

    /// Adds a remark.
    pub(crate) fn note(mut self, note: &str) -> Row {
        if !self.note.is_empty() {
            self.note.push_str("; ");
        }
        self.note.push_str(note);
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.by_hand.map(|by_hand| self.chancery / by_hand)
    }

    /// By how much of itself a bar is missed; nothing if it is reached.
    fn missed_by(&self, bar: Bar) -> Option<f64> {
        let (figure, bar, more) = match bar {
            Bar::AtLeast(bar) => (self.chancery, bar, true),
            Bar::AtMost(bar) => (self.chancery, bar, false),
            Bar::TimesHandAtLeast(bar) => (self.ratio()?, bar, true),
            Bar::TimesHandAtMost(bar) => (self.ratio()?, bar, false),
        };
        let short = if more {
            (bar - figure) / bar
        } else {
            (figure - bar) / bar
        };
        (short > 0.0).then_some(short)
    }

    /// The note, with how Chancery stands beside the original.
    fn remark(&self) -> String {
        let Some(original) = self.original else {
            return self.note.clone();
        };
        let ratio = times(self.chancery / original);
        format!(
            "{}; the original {} ({ratio})",
            self.note,
            self.unit.show(original)
        )
    }

    fn cells(&self) -> [String; 8] {
        let verdict = |bar: &Bar| match self.missed_by(*bar) {
            None => "reached".to_owned(),
            Some(short) => format!("missed by {:.0} %", (short * 100.0).max(1.0)),
        };
        let each = |show: &dyn Fn(&Bar) -> String| self.bars.iter().map(show).collect::<Vec<_>>().join(", ");
        let growth = self
            .at_ten_times
            .map(|figure| format!("{} ({})", self.unit.show(figure), times(figure / self.chancery)));
        [
            self.name.clone(),
            self.unit.show(self.chancery),
            self.by_hand
                .map(|figure| self.unit.show(figure))
                .unwrap_or_default(),
            self.ratio().map(times).unwrap_or_default(),
            growth.unwrap_or_default(),
            each(&|bar| bar.show(self.unit)),
            each(&verdict),
            self.remark(),
        ]
    }
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Unit::PerSecond => format!("{}/s", grouped(figure)),
            Unit::Ms => format!("{} ms", short(figure)),
            Unit::Mb => format!("{} MB", short(figure)),
        }
    }
}

impl Bar {
    fn show(self, unit: Unit) -> String {
        match self {
            Bar::AtLeast(figure) => format!("≥ {}", unit.show(figure)),
            Bar::AtMost(figure) => format!("≤ {}", unit.show(figure)),
            Bar::TimesHandAtLeast(figure) => format!("≥ {} by hand", times(figure)),
            Bar::TimesHandAtMost(figure) => format!("≤ {} by hand", times(figure)),
        }
    }
}

fn times(figure: f64) -> String {
    match figure {
        figure if figure >= 100.0 => format!("{figure:.0} ×"),
        figure if figure >= 10.0 => format!("{figure:.1} ×"),
        figure => format!("{figure:.2} ×"),
    }
}

fn short(figure: f64) -> String {
    match figure {
        figure if figure >= 1_000.0 => grouped(figure),
        figure if figure >= 100.0 => format!("{figure:.0}"),
        figure if figure >= 10.0 => format!("{figure:.1}"),
        figure if figure >= 0.1 => format!("{figure:.2}"),
        figure => format!("{figure:.4}"),
    }
}

/// A whole number with a comma at each thousand.
fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A group of lines that belong together.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Section {
    /// What they are about.
    pub(crate) title: String,
    /// The lines.
    pub(crate) rows: Vec<Row>,
}

/// Everything that was measured, and on what.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The machine.
    pub(crate) machine: Machine,
    /// The lines.
    pub(crate) sections: Vec<Section>,
}

const HEADINGS: [&str; 8] = [
    "",
    "Chancery",
    "by hand",
    "ratio",
    "at 10 ×",
    "bar",
    "",
    "by hand is; bar of",
];

impl Report {
    /// The table for a terminal.
    pub(crate) fn text(&self) -> String {
        let mut out = self.machine.lines().join("\n");
        out.push('\n');
        let cells: Vec<[String; 8]> = self
            .sections
            .iter()
            .flat_map(|section| section.rows.iter().map(Row::cells))
            .collect();
        let width = |column: usize| {
            let widths = cells.iter().map(|row| row[column].chars().count());
            widths
                .chain([HEADINGS[column].chars().count()])
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
        let line = |cells: &[String]| {
            let mut line = String::new();
            for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                let _ = match column {
                    0 | 5.. => write!(line, "{cell:<width$}  "),
                    _ => write!(line, "{cell:>width$}  "),
                };
            }
            line.trim_end().to_owned()
        };
        let _ = writeln!(out, "\n{}", line(&HEADINGS.map(str::to_owned)));
        for section in &self.sections {
            let _ = writeln!(out, "\n{}", section.title);
            for row in &section.rows {
                let _ = writeln!(out, "{}", line(&row.cells()));
            }
        }
        let (bars, missed) = self.tally();
        let _ = writeln!(out, "\n{} of {bars} bars reached", bars - missed);
        out
    }

    /// The table for a page.
    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        for line in self.machine.lines() {
            let _ = writeln!(out, "- {line}");
        }
        let (bars, missed) = self.tally();
        let _ = writeln!(out, "- {} of {bars} bars reached", bars - missed);
        for section in &self.sections {
            let _ = writeln!(out, "\n### {}\n", section.title);
            let _ = writeln!(out, "| {} |", HEADINGS.join(" | "));
            let _ = writeln!(out, "|---|--:|--:|--:|--:|---|---|---|");
            for row in &section.rows {
                let _ = writeln!(out, "| {} |", row.cells().join(" | "));
            }
        }
        out
    }

    /// How many bars there are, and how many of them are missed.
    fn tally(&self) -> (usize, usize) {
        let rows = || self.sections.iter().flat_map(|section| &section.rows);
        let bars = rows().map(|row| row.bars.len()).sum();
        let missed = rows().map(|row| {
            row.bars
                .iter()
                .filter(|bar| row.missed_by(**bar).is_some())
                .count()
        });
        (bars, missed.sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(row: Row, expected: &str) {
        assert_eq!(row.cells()[6], expected, "{row:?}");
    }

    #[test]
    fn a_bar_is_reached_or_missed_by_a_share_of_itself() {
        let rate = |figure| Row::new("gets", Unit::PerSecond, figure);
        verdict(rate(100.0), "");
        verdict(rate(100.0).bar(Bar::AtLeast(100.0)), "reached");
        verdict(rate(75.0).bar(Bar::AtLeast(100.0)), "missed by 25 %");
        verdict(
            rate(75.0).by_hand(100.0, "").bar(Bar::TimesHandAtLeast(0.7)),
            "reached",
        );
        let time = |figure| Row::new("page", Unit::Ms, figure);
        verdict(time(1.9).bar(Bar::AtMost(2.0)), "reached");
        verdict(time(3.0).bar(Bar::AtMost(2.0)), "missed by 50 %");
        verdict(
            time(3.0).by_hand(1.0, "").bar(Bar::TimesHandAtMost(1.5)),
            "missed by 100 %",
        );
    }

    #[test]
    fn the_original_stands_in_the_remark() {
        let row = Row::new("gets", Unit::PerSecond, 300.0).note("by the book");
        assert_eq!(row.clone().original(None).cells()[7], "by the book");
        let cells = row.original(Some(20.0)).cells();
        assert_eq!(cells[7], "by the book; the original 20/s (15.0 ×)");
    }

    #[test]
    fn figures_are_easy_to_read() {
        assert_eq!(Unit::PerSecond.show(1_234_567.8), "1,234,568/s");
        assert_eq!(Unit::PerSecond.show(999.0), "999/s");
        assert_eq!(Unit::Ms.show(0.0021), "0.0021 ms");
        assert_eq!(Unit::Ms.show(14.25), "14.2 ms");
        assert_eq!(times(0.754), "0.75 ×");
    }
}
