//! Another field type for a column, both ways.

use chancery::model::define::Aside;
use chancery::{
    JobStatus, Losses, LostValue, Notation, OnLoss, TypeChange, TypeChoice, TypePlan, ValueChange,
};
use chancery_api::retype as wire;

use super::{columns, faults, jobs};

/// What is asked for; the locale that there is none of, as an error.
///
/// # Errors
/// The locale.
pub fn asked(body: wire::ColumnTypeChange) -> Result<TypeChange, String> {
    let notation = match body.locale {
        None => Notation::default(),
        Some(locale) => Notation::of_locale(&locale).ok_or(locale)?,
    };
    Ok(TypeChange {
        field_type: body.field_type,
        config: body.config,
        on_loss: match body.on_loss {
            wire::OnLoss::Refuse => OnLoss::Refuse,
            wire::OnLoss::Null => OnLoss::Null,
        },
        create_options: body.create_options,
        format: notation.text,
    })
}

/// What becomes of the column, with the job that does it.
pub fn plan(plan: TypePlan, job: Option<&JobStatus>) -> wire::ColumnTypePlan {
    let refusals = faults::issues(plan.stops());
    wire::ColumnTypePlan {
        column: columns::column(&plan.column),
        records: plan.records,
        blank: plan.blank,
        kept: plan.kept,
        changed: plan.changed,
        lost: plan.lost,
        restored: plan.restored,
        duplicates: plan.duplicates,
        changes: plan.changes.into_iter().map(change).collect(),
        losses: plan.losses.into_iter().map(losses).collect(),
        twice: plan.twice.into_iter().map(change).collect(),
        new_options: plan.new_options,
        asides: plan.asides.into_iter().map(aside).collect(),
        refusals,
        job: job.and_then(jobs::job),
    }
}

fn change(change: ValueChange) -> wire::ValueChange {
    wire::ValueChange {
        record: change.record,
        in_trash: change.in_trash,
        before: change.before,
        after: change.after,
    }
}

fn losses(losses: Losses) -> wire::ValueLosses {
    wire::ValueLosses {
        code: losses.code.as_str().into(),
        count: losses.count,
        examples: losses.examples.into_iter().map(lost).collect(),
    }
}

fn lost(lost: LostValue) -> wire::LostValue {
    wire::LostValue {
        record: lost.record,
        in_trash: lost.in_trash,
        value: lost.value,
        message: lost.message,
    }
}

fn aside(aside: Aside) -> wire::ColumnAside {
    wire::ColumnAside {
        about: aside.about,
        message: aside.message,
    }
}

/// The types that a column could have.
pub(crate) fn choice(choice: TypeChoice) -> wire::ColumnTypeChoice {
    wire::ColumnTypeChoice {
        field_type: choice.field_type.into(),
        possible: choice.refused.is_none(),
        reason: choice.refused,
        earlier: choice.earlier,
    }
}
