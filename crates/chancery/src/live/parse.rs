//! Live queries as JSON: what stands on the wire and in stored queries. Knows no table.

use chancery_model::aggregate::Function;
use chancery_model::issue::unknown_name;
use chancery_model::query::SortInput;
use chancery_model::{Code, Issue, Json, JsonMap};

use super::query::{LiveAggregate, LiveQuery};
use crate::error::Error;

/// The names in a query.
const NAMES: [&str; 11] = [
    "table",
    "bucket",
    "filter",
    "search",
    "fuzzy",
    "sort",
    "offset",
    "limit",
    "fields",
    "key",
    "aggregate",
];

impl LiveQuery {
    /// Reads a query: `{"table": "tasks", "filter": {…}, "sort": {"title": "asc"}, "offset": 0, "limit": 10, "fields": […]}`, with
    /// `"key"` for one record, with `"aggregate": {"function": "sum", "field": "hours", "groupBy": "status"}` for a figure;
    /// `bucket` is another word for `table`.
    ///
    /// # Errors
    /// [`Error::Query`] with everything that is wrong.
    pub fn from_json(json: &Json) -> Result<LiveQuery, Error> {
        let mut reader = Reader { issues: Vec::new() };
        let query = reader.query(json);
        match reader.issues.is_empty() {
            true => Ok(query),
            false => Err(Error::Query(reader.issues)),
        }
    }

    /// Looks at the names of a query's parts only: what they hold may be filled in later.
    ///
    /// # Errors
    /// [`Error::Query`] with everything that is wrong.
    pub(crate) fn check_names(json: &Json) -> Result<(), Error> {
        let mut reader = Reader { issues: Vec::new() };
        if let Some(object) = reader.parts(json) {
            if let Some(Json::Object(aggregate)) = object.get("aggregate") {
                reader.aggregate_parts(aggregate);
            }
            if !object.contains_key("table") && !object.contains_key("bucket") {
                reader.wrong::<()>("table", "A query names its table");
            }
        }
        match reader.issues.is_empty() {
            true => Ok(()),
            false => Err(Error::Query(reader.issues)),
        }
    }
}

struct Reader {
    issues: Vec<Issue>,
}

impl Reader {
    /// The parts of a query, whose names are looked at.
    fn parts<'a>(&mut self, json: &'a Json) -> Option<&'a JsonMap> {
        let Json::Object(object) = json else {
            return self.wrong("query", "A query is an object with a table");
        };
        for name in object.keys() {
            if !NAMES.contains(&name.as_str()) {
                let message = unknown_name("part of a query", name, NAMES);
                self.issues.push(Issue::new(name, Code::UnknownColumn, message));
            }
        }
        Some(object)
    }

    fn query(&mut self, json: &Json) -> LiveQuery {
        let Some(object) = self.parts(json) else {
            return LiveQuery::default();
        };
        let table = match (object.get("table"), object.get("bucket")) {
            (Some(Json::String(table)), None) | (None, Some(Json::String(table))) => table.clone(),
            (Some(_), Some(_)) => self.wrong("bucket", "bucket and table are one thing: name one of them"),
            _ => self.wrong("table", "A query names its table"),
        };
        LiveQuery {
            table,
            filter: object.get("filter").filter(|filter| !filter.is_null()).cloned(),
            search: self.text(object, "search"),
            fuzzy: self.flag(object, "fuzzy"),
            sort: self.sort(object.get("sort")),
            offset: self.number(object, "offset").unwrap_or(0),
            limit: self.number(object, "limit"),
            fields: self.fields(object.get("fields")),
            key: object.get("key").filter(|key| !key.is_null()).cloned(),
            aggregate: self.aggregate(object.get("aggregate")),
        }
    }

    fn wrong<T: Default>(&mut self, field: &str, message: &str) -> T {
        self.issues.push(Issue::new(field, Code::Type, message));
        T::default()
    }

    fn text(&mut self, object: &JsonMap, name: &str) -> Option<String> {
        match object.get(name)? {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            _ => self.wrong(name, "This is a text"),
        }
    }

    fn flag(&mut self, object: &JsonMap, name: &str) -> bool {
        match object.get(name) {
            None | Some(Json::Null) => false,
            Some(Json::Bool(flag)) => *flag,
            Some(_) => self.wrong(name, "This is true or false"),
        }
    }

    fn number(&mut self, object: &JsonMap, name: &str) -> Option<u64> {
        match object.get(name)? {
            Json::Null => None,
            number => match number.as_u64() {
                Some(number) => Some(number),
                None => self.wrong(name, "This is a whole number from 0"),
            },
        }
    }

    fn sort(&mut self, sort: Option<&Json>) -> Vec<SortInput> {
        match sort {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Object(sort)) => sort
                .iter()
                .map(|(field, order)| self.sort_key(field, order))
                .collect(),
            Some(_) => self.wrong("sort", "A sort is an object: {\"title\": \"asc\"}"),
        }
    }

    fn sort_key(&mut self, field: &str, order: &Json) -> SortInput {
        if !matches!(order.as_str(), Some("asc" | "desc")) {
            self.wrong::<()>("sort", &format!("{field} is sorted \"asc\" or \"desc\""));
        }
        SortInput {
            column: field.to_owned(),
            descending: order == "desc",
            nulls_first: false,
        }
    }

    fn fields(&mut self, fields: Option<&Json>) -> Option<Vec<String>> {
        match fields? {
            Json::Null => None,
            Json::Array(list) => {
                let names = list.iter().map(|name| match name {
                    Json::String(name) => name.clone(),
                    _ => self.wrong("fields", "fields is a list of names"),
                });
                Some(names.collect())
            }
            _ => self.wrong("fields", "fields is a list of names"),
        }
    }

    fn aggregate_parts(&mut self, object: &JsonMap) {
        let known = ["function", "field", "groupBy"];
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            let message = unknown_name("part of an aggregate", name, known);
            self.issues.push(Issue::new(
                format!("aggregate.{name}"),
                Code::UnknownColumn,
                message,
            ));
        }
    }

    fn aggregate(&mut self, aggregate: Option<&Json>) -> Option<LiveAggregate> {
        let object = match aggregate? {
            Json::Null => return None,
            Json::Object(object) => object,
            _ => return self.wrong("aggregate", "An aggregate is an object with a function"),
        };
        self.aggregate_parts(object);
        let named = object.get("function").and_then(Json::as_str).unwrap_or_default();
        let Some(function) = Function::parse(named) else {
            let names = Function::ALL.iter().map(|function| function.as_str());
            let message = unknown_name("function", named, names);
            self.issues
                .push(Issue::new("aggregate.function", Code::Operator, message));
            return None;
        };
        Some(LiveAggregate {
            function,
            field: self.text(object, "field"),
            group_by: self.text(object, "groupBy"),
        })
    }
}
