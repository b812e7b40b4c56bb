//! Figures over records: sums, counts, groups, distinct values. Plans the filter elsewhere.

use chancery_model::aggregate::{AggregatePlan, Function, Group, Measure};
use chancery_model::encryption::blind;
use chancery_model::filter::FieldRef;
use chancery_model::query::{Query, Scope, Window, unknown_column};
use chancery_model::{Code, Column, Issue, Json, Table, Value, limits};

use crate::bucket_filter::query_of;
use crate::error::Error;
use crate::handle::TableHandle;

/// Figures asked for, by slug.
#[derive(Clone, Debug, Default)]
pub struct AggregateInput {
    /// Over which records.
    pub query: Query,
    /// The figures.
    pub measures: Vec<MeasureInput>,
    /// One answer for each combination of these columns.
    pub group_by: Vec<String>,
}

/// One figure asked for.
#[derive(Clone, Debug)]
pub struct MeasureInput {
    /// The function.
    pub function: Function,
    /// Over which column; none counts records.
    pub column: Option<String>,
}

/// One group of figures, as JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregated {
    /// The values of the group-by columns, by slug.
    pub group: Vec<(String, Json)>,
    /// The figures, in the order they were asked for.
    pub figures: Vec<Json>,
}

impl TableHandle {
    /// Figures over the records of a query.
    ///
    /// # Errors
    /// [`Error::Query`] for unknown columns, functions that do not fit, and too many groups.
    pub async fn aggregate(&self, input: &AggregateInput) -> Result<Vec<Aggregated>, Error> {
        let table = self.definition()?;
        match self.aggregate_once(input).await {
            Err(Error::Query(_)) if self.is_outdated(&table).await? => self.aggregate_once(input).await,
            done => done,
        }
    }

    async fn aggregate_once(&self, input: &AggregateInput) -> Result<Vec<Aggregated>, Error> {
        let definition = self.definition()?;
        let table = self.store.seen(&definition);
        let mut issues = Vec::new();
        let mut measures = Vec::with_capacity(input.measures.len());
        for measure in &input.measures {
            match measure_of(&table, measure) {
                Ok(measure) => measures.push(measure),
                Err(issue) => issues.push(issue),
            }
        }
        let mut group_by = Vec::with_capacity(input.group_by.len());
        for name in &input.group_by {
            match table.field(name) {
                Some(field) => {
                    issues.extend(blind(&table, &field, "grouped"));
                    group_by.push(field);
                }
                None => issues.push(unknown_column(&table, name)),
            }
        }
        if !issues.is_empty() {
            return Err(Error::Query(issues));
        }
        let over = self.plan_by(&definition, &input.query, Scope::Live, Window::All)?;
        let limit = limits::GROUPS_MAX as u64 + 1;
        let groups = self
            .ask_aggregate(&AggregatePlan {
                over,
                measures,
                group_by: group_by.clone(),
                limit,
            })
            .await?;
        if groups.len() > limits::GROUPS_MAX {
            let (max, got) = (limits::GROUPS_MAX as u64, groups.len() as u64);
            return Err(Error::Limit {
                what: "groups in one answer",
                max,
                got,
            });
        }
        Ok(groups
            .into_iter()
            .map(|group| aggregated(&table, input, group))
            .collect())
    }

    /// The different values of a column with how many records have each, in the order of the values; nulls last.
    ///
    /// # Errors
    /// [`Error::Query`], [`Error::Limit`] for more than [`limits::DISTINCT_MAX`] values.
    pub async fn distinct(&self, column: &str, query: &Query) -> Result<Vec<(Json, u64)>, Error> {
        let input = AggregateInput {
            query: query.clone(),
            measures: vec![MeasureInput {
                function: Function::Count,
                column: None,
            }],
            group_by: vec![column.to_owned()],
        };
        let pair = |mut group: Aggregated| {
            let count = group.figures.first().and_then(Json::as_u64).unwrap_or(0);
            (group.group.swap_remove(0).1, count)
        };
        Ok(self.aggregate(&input).await?.into_iter().map(pair).collect())
    }

    /// One figure over a column: the short form of [`TableHandle::aggregate`].
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn figure(&self, function: Function, column: &str, query: &Query) -> Result<Json, Error> {
        let measures = vec![MeasureInput {
            function,
            column: Some(column.to_owned()),
        }];
        let groups = self
            .aggregate(&AggregateInput {
                query: query.clone(),
                measures,
                group_by: Vec::new(),
            })
            .await?;
        Ok(groups
            .into_iter()
            .next()
            .and_then(|group| group.figures.into_iter().next())
            .unwrap_or(Json::Null))
    }

    /// The sum of a number column; 0 of none.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn sum(&self, column: &str) -> Result<Json, Error> {
        self.figure(Function::Sum, column, &Query::new()).await
    }

    /// The mean of a number column; null of none.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn avg(&self, column: &str) -> Result<Json, Error> {
        self.figure(Function::Avg, column, &Query::new()).await
    }

    /// The smallest value of a column; null of none.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn min(&self, column: &str) -> Result<Json, Error> {
        self.figure(Function::Min, column, &Query::new()).await
    }

    /// The largest value of a column; null of none.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn max(&self, column: &str) -> Result<Json, Error> {
        self.figure(Function::Max, column, &Query::new()).await
    }

    /// One figure for each combination of values of the columns, over the records that `equal` names.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn group_by(
        &self,
        columns: &[&str],
        measure: MeasureInput,
        equal: Json,
    ) -> Result<Vec<Aggregated>, Error> {
        let group_by = columns.iter().map(|column| (*column).to_owned()).collect();
        self.aggregate(&AggregateInput {
            query: query_of(&equal)?,
            measures: vec![measure],
            group_by,
        })
        .await
    }
}

pub(crate) fn measure_of(table: &Table, measure: &MeasureInput) -> Result<Measure, Issue> {
    use chancery_model::field::Storage;
    let Some(name) = &measure.column else {
        if measure.function == Function::Count {
            return Ok(Measure {
                function: Function::Count,
                field: None,
            });
        }
        let message = format!("{} needs a column", measure.function.as_str());
        return Err(Issue::new("column", Code::Required, message));
    };
    let field = table.field(name).ok_or_else(|| unknown_column(table, name))?;
    let told_apart = table.column(name).is_none_or(Column::is_comparable);
    let counts = match measure.function {
        Function::Count => true,
        Function::CountDistinct => told_apart,
        _ => false,
    };
    if !counts && let Some(issue) = blind(table, &field, "put into figures") {
        return Err(issue);
    }
    let numeric = match table.column(name) {
        Some(column) => matches!(
            column.kind().storage(),
            Storage::Int | Storage::Number | Storage::Decimal
        ),
        None => matches!(field, FieldRef::Extra(_) | FieldRef::Version | FieldRef::Key),
    };
    if matches!(measure.function, Function::Sum | Function::Avg) && !numeric {
        let message = format!(
            "{} needs a number column; {name} takes count, countDistinct, min and max",
            measure.function.as_str()
        );
        return Err(Issue::new(name, Code::Operator, message));
    }
    Ok(Measure {
        function: measure.function,
        field: Some(field),
    })
}

fn aggregated(table: &Table, input: &AggregateInput, group: Group) -> Aggregated {
    let keys = input.group_by.iter().zip(&group.keys);
    let figures = input.measures.iter().zip(&group.figures).map(|(measure, value)| {
        match (measure.function, &measure.column) {
            (Function::Min | Function::Max, Some(column)) => value_json(table, column, value),
            _ => plain_json(value),
        }
    });
    Aggregated {
        group: keys
            .map(|(name, value)| (name.clone(), value_json(table, name, value)))
            .collect(),
        figures: figures.collect(),
    }
}

/// A value of a field as the field shows it.
pub(crate) fn value_json(table: &Table, name: &str, value: &Value) -> Json {
    if value.is_null() {
        return Json::Null;
    }
    match table.column(name) {
        Some(column) if table.key_column != Some(column.ordinal) => column.kind().to_json(value, column),
        _ => match table.field(name) {
            Some(FieldRef::CreatedAt | FieldRef::UpdatedAt | FieldRef::ExpiresAt | FieldRef::DeletedAt) => {
                Json::from(chancery_model::time::instant_text(
                    value.as_int().unwrap_or_default(),
                ))
            }
            _ => plain_json(value),
        },
    }
}

pub(crate) fn plain_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => Json::from(*bool),
        Value::Int(int) => Json::from(*int),
        Value::Float(float) => Json::from(*float),
        Value::Decimal(decimal) => {
            serde_json::from_str(&decimal.normalize().to_string()).unwrap_or(Json::Null)
        }
        Value::Text(text) => Json::from(text.as_str()),
        Value::List(list) => Json::from(list.clone()),
        Value::Json(json) => (**json).clone(),
    }
}
