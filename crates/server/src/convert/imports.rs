//! Imports both ways: options in, reports and analyses out.

use chancery::model::Code;
use chancery::{
    AnalysedColumn, Analysis, FileFormat, ImportEnd, ImportOptions, ImportReport, Notation, OnError,
    ReadOptions, RowError, Suggestion,
};
use chancery_api::ErrorCode;
use chancery_api::imports as wire;

use super::{columns, faults::own_issue, time};
use crate::fault::Fault;
use crate::routes::{blank, on_many};

/// How a file is read and what becomes of its rows.
pub(crate) fn options(options: wire::CsvOptions) -> Result<ImportOptions, Fault> {
    let match_on = options.match_on.unwrap_or_default();
    Ok(ImportOptions {
        read: ReadOptions {
            header: options.skip_first_row,
            encoding: options.encoding,
            delimiter: options
                .delimiter
                .as_deref()
                .map(|text| one_character("delimiter", text))
                .transpose()?,
            quote: options
                .quote
                .as_deref()
                .map(|text| one_character("quote", text))
                .transpose()?,
            sheet: options.sheet,
            ..ReadOptions::default()
        },
        notation: options
            .locale
            .as_deref()
            .map(notation)
            .transpose()?
            .unwrap_or_default(),
        create_columns: options.create_columns,
        new_columns: columns::inputs(options.new_columns)?,
        all_text: options.all_text,
        create_options: options.create_options,
        create_missing: options.create_missing,
        update_existing: options.update_existing.unwrap_or(!match_on.is_empty()),
        update_only: options.update_only,
        external_id_column: options.external_id_column,
        match_on,
        on_many: on_many(options.on_many),
        blank: blank(options.blank),
        on_error: if options.continue_on_error {
            OnError::Continue
        } else {
            OnError::Abort
        },
        dry_run: options.dry_run,
        ..ImportOptions::default()
    })
}

fn one_character(what: &str, text: &str) -> Result<char, Fault> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(wrong(
            &format!("options.{what}"),
            format!("A {what} is one character, not \"{text}\""),
        )),
    }
}

fn notation(locale: &str) -> Result<Notation, Fault> {
    Notation::of_locale(locale).ok_or_else(|| {
        wrong(
            "options.locale",
            format!("No locale \"{locale}\"; write it like de-DE or en-US"),
        )
    })
}

fn wrong(field: &str, message: String) -> Fault {
    Fault::new(ErrorCode::ValidationFailed, format!("{field}: {message}.")).issues(vec![own_issue(
        field,
        Code::Format,
        message,
    )])
}

/// What became of an import.
pub fn report(report: &ImportReport) -> wire::ImportReport {
    let (end, reason) = match &report.end {
        ImportEnd::Done => (wire::ImportEnd::Done, None),
        ImportEnd::Refused => (wire::ImportEnd::Refused, None),
        ImportEnd::Cancelled => (wire::ImportEnd::Cancelled, None),
        ImportEnd::Failed(reason) => (wire::ImportEnd::Failed, Some(reason.clone())),
        ImportEnd::Interrupted => (wire::ImportEnd::Interrupted, None),
    };
    wire::ImportReport {
        import_id: report.import_id.clone(),
        table_id: report.table_id.clone(),
        end,
        reason,
        dry_run: report.dry_run,
        written: report.written,
        rows: report.rows,
        created: report.created,
        updated: report.updated,
        related_created: report.related_created,
        unchanged: report.unchanged,
        masked: report.masked,
        failed: report.failed,
        errors: report.errors.iter().map(row_error).collect(),
        errors_total: report.errors_total,
        errors_truncated: report.errors_truncated,
        columns: report
            .columns
            .iter()
            .map(|column| wire::ImportColumn {
                header: column.header.clone(),
                slug: column.slug.clone(),
                field_type: column.field_type.clone(),
                created: column.created,
            })
            .collect(),
        encoding: report.encoding.clone(),
        delimiter: report.delimiter.to_string(),
        started_at: time(report.started_at),
        execution_time: report.duration_ms,
        revision: report.revision,
    }
}

pub(super) fn row_error(error: &RowError) -> wire::RowError {
    wire::RowError {
        row: error.row,
        line: error.line,
        field: error.field.clone(),
        column: error.column.clone(),
        value: error.value.clone(),
        value_cut: error.value_cut,
        code: error.code.as_str().to_owned(),
        message: error.message.clone(),
        params: error.params.clone(),
    }
}

pub(crate) fn analysis(analysis: &Analysis) -> wire::FileAnalysis {
    wire::FileAnalysis {
        encoding: analysis.encoding.clone(),
        delimiter: analysis.delimiter.to_string(),
        quote: analysis.quote.to_string(),
        has_header: analysis.has_header,
        rows: analysis.rows,
        columns: analysis.columns.iter().map(analysed_column).collect(),
        preview: analysis.preview.clone(),
        warnings: analysis.warnings.clone(),
        format: match analysis.format {
            FileFormat::Csv => wire::FileFormat::Csv,
            FileFormat::Xlsx => wire::FileFormat::Xlsx,
            FileFormat::Json => wire::FileFormat::Json,
        },
        sheets: analysis.sheets.clone(),
        sheet: analysis.sheet.clone(),
    }
}

fn analysed_column(column: &AnalysedColumn) -> wire::AnalysedColumn {
    wire::AnalysedColumn {
        header: column.header.clone(),
        slug: column.slug.clone(),
        field_type: column.field_type.clone(),
        config: column.config.clone(),
        filled: column.filled,
        empty: column.empty,
        matches: column.matches.clone(),
        note: column.suggestions.first().and_then(note),
        suggestions: column.suggestions.iter().map(suggestion).collect(),
        samples: column.samples.clone(),
    }
}

fn suggestion(suggestion: &Suggestion) -> wire::TypeSuggestion {
    wire::TypeSuggestion {
        field_type: suggestion.field_type.clone(),
        config: suggestion.config.clone(),
        options: suggestion.options.clone(),
        would_change: suggestion.would_change,
        would_fail: suggestion.would_fail,
        of: suggestion.of,
    }
}

/// What a suggested type would cost, for a person.
fn note(suggestion: &Suggestion) -> Option<String> {
    let Suggestion {
        would_change,
        would_fail,
        of,
        field_type,
        ..
    } = suggestion;
    let text = match (would_change, would_fail) {
        (0, 0) => return None,
        (_, 0) => format!("As {field_type}, {would_change} of {of} values would change"),
        (0, _) => format!("As {field_type}, {would_fail} of {of} values would be refused"),
        _ => {
            format!("As {field_type}, {would_change} of {of} values would change and {would_fail} be refused")
        }
    };
    Some(text)
}
