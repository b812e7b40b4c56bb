//! Imports step by step on their way out, and changes of them on their way in.

use std::collections::BTreeMap;

use chancery::{
    Blank, ImportDraft, ImportInto, ImportJob, ImportOptions, ImportStage, OnError, OnMany, Phase, Progress,
    RowError, TableInput,
};
use chancery_api::bulk;
use chancery_api::import_jobs as wire;
use chancery_api::imports::{CsvOptions, ImportProgress};

use super::{columns, faults, imports, time};

/// Whether all that is known of a file is wanted while its import runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draft {
    /// Yes.
    Whole,
    /// What its columns look like is left out: it does not change meanwhile, and is asked for again and again.
    Short,
}

/// An import as it is now.
pub fn status(mut job: ImportJob, wanted: Draft) -> wire::ImportStatus {
    if let (Some(draft), true, Draft::Short) = (&mut job.draft, job.progress.is_some(), wanted) {
        draft.analysis.columns.clear();
        draft.analysis.preview.clear();
        draft.saved = None;
    }
    wire::ImportStatus {
        import_id: job.id,
        state: state(job.stage),
        running: job.progress.is_some(),
        table_id: job.table,
        file_name: job.file,
        created_at: time(job.created_at),
        created_by: job.by.map(|by| by.to_string()),
        progress: job.progress.map(progress),
        draft: job.draft.map(|kept| draft(*kept)),
        report: job.report.map(|report| imports::report(&report)),
        reverted_by: job.reverted_by,
    }
}

fn state(stage: ImportStage) -> wire::ImportState {
    match stage {
        ImportStage::Analysed => wire::ImportState::Analysed,
        ImportStage::Checking => wire::ImportState::Checking,
        ImportStage::Checked => wire::ImportState::Checked,
        ImportStage::Writing => wire::ImportState::Writing,
        ImportStage::Paused => wire::ImportState::Paused,
        ImportStage::TakingBack => wire::ImportState::TakingBack,
        ImportStage::Done => wire::ImportState::Done,
        ImportStage::Refused => wire::ImportState::Refused,
        ImportStage::Cancelled => wire::ImportState::Cancelled,
        ImportStage::Failed => wire::ImportState::Failed,
        ImportStage::Interrupted => wire::ImportState::Interrupted,
        ImportStage::Reverted => wire::ImportState::Reverted,
    }
}

fn progress(progress: Progress) -> ImportProgress {
    let phase = match progress.phase {
        Phase::Checking => "checking",
        Phase::Writing => "writing",
        Phase::TakingBack => "takingBack",
        Phase::Done => "done",
    };
    ImportProgress {
        phase: phase.to_owned(),
        rows: progress.rows,
        bytes: progress.bytes,
        bytes_total: progress.bytes_total,
        rate: progress.rate,
        left_ms: progress.left_ms,
    }
}

fn draft(draft: ImportDraft) -> wire::ImportDraft {
    let by_name = || {
        let columns = draft.analysis.columns.iter();
        let found = columns.filter_map(|column| Some((column.header.clone(), Some(column.matches.clone()?))));
        found.collect::<BTreeMap<_, _>>()
    };
    let saved = draft.saved.as_ref();
    wire::ImportDraft {
        bytes: draft.bytes,
        new_table: match &draft.into {
            ImportInto::Table(_) => None,
            ImportInto::New(input) => Some(wire::ImportNewTable {
                name: input.name.clone(),
                slug: input.slug.clone(),
            }),
        },
        analysis: imports::analysis(&draft.analysis),
        suggested_mapping: saved.map_or_else(by_name, |saved| saved.mapping.clone()),
        suggestion_saved: saved.is_some(),
        suggested_match_on: saved.map(|saved| saved.match_on.clone()).unwrap_or_default(),
        mapping: draft.mapping,
        options: options(&draft.options),
        problems: faults::issues(draft.problems),
        check: draft.check.as_ref().map(imports::report),
        failure: draft.failure,
        created_by: draft.by.map(|by| by.to_string()),
        created_at: time(draft.created_at),
        expires_at: time(draft.expires_at),
    }
}

/// The options of an import as they were given.
fn options(options: &ImportOptions) -> CsvOptions {
    CsvOptions {
        skip_first_row: options.read.header,
        create_columns: options.create_columns,
        new_columns: options.new_columns.iter().map(columns::create).collect(),
        create_options: options.create_options,
        create_missing: options.create_missing,
        all_text: options.all_text,
        update_existing: Some(options.update_existing),
        update_only: options.update_only,
        external_id_column: options.external_id_column.clone(),
        match_on: Some(options.match_on.clone()).filter(|columns| !columns.is_empty()),
        on_many: match options.on_many {
            OnMany::Error => bulk::OnMany::Error,
            OnMany::First => bulk::OnMany::First,
            OnMany::All => bulk::OnMany::All,
        },
        blank: match options.blank {
            Blank::Keep => bulk::Blank::Keep,
            Blank::Clear => bulk::Blank::Clear,
            Blank::FillOnly => bulk::Blank::FillOnly,
        },
        continue_on_error: options.on_error == OnError::Continue,
        dry_run: false,
        encoding: options.read.encoding.clone(),
        delimiter: options.read.delimiter.map(String::from),
        quote: options.read.quote.map(String::from),
        sheet: options.read.sheet.clone(),
        locale: options.notation.locale().map(str::to_owned),
    }
}

/// A table that an import will make.
pub(crate) fn new_table(input: wire::ImportNewTable) -> ImportInto {
    ImportInto::New(Box::new(TableInput {
        slug: input.slug,
        strict: true,
        soft_delete: true,
        ..TableInput::new(input.name)
    }))
}

/// The rows that an import refused.
pub(crate) fn errors(errors: &[RowError]) -> wire::ImportErrors {
    wire::ImportErrors {
        errors: errors.iter().map(imports::row_error).collect(),
    }
}
