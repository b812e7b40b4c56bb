//! What holds for every field type, checked over the whole list. Rules of a single type are tested in its file.

use super::*;

#[track_caller]
fn parsed(kind: &dyn FieldType, example: &Json, column: &Column) -> Value {
    kind.parse(example, column)
        .unwrap_or_else(|issue| panic!("{}: {example} is refused: {}", kind.id(), issue.message))
}

#[test]
fn every_example_survives_json_and_files() {
    for kind in FIELD_TYPES {
        let column = example_column(*kind);
        assert!(
            kind.flags().computed || !kind.examples().is_empty(),
            "{} has no examples",
            kind.id()
        );
        for example in kind.examples() {
            let value = parsed(*kind, &example, &column);
            assert_eq!(kind.to_json(&value, &column), example, "{}: JSON", kind.id());
            let cell = kind.export(&value, &column);
            let read = kind.parse_text(&cell, &column, &TextFormat::default());
            assert_eq!(read, Ok(value), "{}: cell {cell:?}", kind.id());
        }
    }
}

#[test]
fn writing_gives_what_rendering_gives() {
    for kind in FIELD_TYPES {
        let column = example_column(*kind);
        let mut values: Vec<Value> = kind
            .examples()
            .iter()
            .map(|example| parsed(*kind, example, &column))
            .collect();
        values.extend(match kind.system() {
            Some(FieldRef::CreatedAt | FieldRef::UpdatedAt) => {
                vec![Value::Int(0), Value::Int(1_772_357_400_001)]
            }
            Some(_) => vec![Value::text("user \"1\"")],
            None => Vec::new(),
        });
        for value in values {
            let mut json = b"[".to_vec();
            kind.write_json(&value, &column, &mut json);
            assert_eq!(
                String::from_utf8_lossy(&json),
                format!("[{}", kind.to_json(&value, &column)),
                "{}",
                kind.id()
            );
            let mut cell = String::from("x,");
            kind.write_export(&value, &column, &mut cell);
            assert_eq!(
                cell,
                format!("x,{}", kind.export(&value, &column)),
                "{}",
                kind.id()
            );
        }
    }
}

#[test]
fn values_are_of_the_storage_that_is_declared() {
    for kind in FIELD_TYPES {
        let column = example_column(*kind);
        for example in kind.examples() {
            let value = parsed(*kind, &example, &column);
            let fits = match kind.storage() {
                Storage::Bool => matches!(value, Value::Bool(_)),
                Storage::Int => matches!(value, Value::Int(_)),
                Storage::Number => matches!(value, Value::Int(_) | Value::Float(_)),
                Storage::Decimal => matches!(value, Value::Decimal(_)),
                Storage::Text => matches!(value, Value::Text(_)),
                Storage::List => matches!(value, Value::List(_)),
                Storage::Json => matches!(value, Value::Json(_)),
            };
            assert!(fits, "{}: {value:?}", kind.id());
        }
    }
}

#[test]
fn settings_are_described_by_a_closed_schema_and_the_defaults_are_valid() {
    for kind in FIELD_TYPES {
        let schema = kind.config_schema();
        assert_eq!(schema["type"], "object", "{}", kind.id());
        assert_eq!(schema["additionalProperties"], Json::Bool(false), "{}", kind.id());
        for (name, property) in schema["properties"].as_object().expect("properties") {
            let default = &property["default"];
            let optional = ["reverseOf"].contains(&name.as_str());
            let required = schema["required"]
                .as_array()
                .is_some_and(|all| all.contains(&Json::from(&**name)));
            if required || optional {
                assert!(property["description"].is_string(), "{}.{name}", kind.id());
                continue;
            }
            assert!(!default.is_null(), "{}.{name} has no default", kind.id());
            let fits = match property["type"].as_str() {
                Some("string") => default.is_string(),
                Some("integer") => default.is_u64(),
                other => panic!("{}.{name}: type {other:?}", kind.id()),
            };
            assert!(fits, "{}.{name}: default {default}", kind.id());
            if let Some(allowed) = property["enum"].as_array() {
                assert!(allowed.contains(default), "{}.{name}", kind.id());
            }
        }
        assert_eq!(kind.check_config(&example_column(*kind)), Ok(()), "{}", kind.id());
    }
}

#[test]
fn names_are_unique_and_every_type_says_what_it_is_for() {
    for (at, kind) in FIELD_TYPES.iter().enumerate() {
        assert!(
            FIELD_TYPES[..at]
                .iter()
                .all(|other| other.id() != kind.id() && other.name() != kind.name()),
            "{}",
            kind.id()
        );
        assert!(field_type(kind.id()).is_some_and(|found| found.id() == kind.id()));
        assert!(
            !kind.description().is_empty()
                && !kind.icon().is_empty()
                && kind.operators().is_empty() == kind.flags().related,
            "{}",
            kind.id()
        );
    }
}

#[test]
fn what_the_store_keeps_is_read_only() {
    for kind in FIELD_TYPES {
        let shown = kind.system().is_some() || kind.flags().related;
        assert_eq!(kind.flags().computed, shown, "{}", kind.id());
        if kind.flags().computed {
            let column = example_column(*kind);
            let issue = kind.parse(&Json::from(1), &column).expect_err("read-only");
            assert_eq!(
                (issue.field.as_str(), issue.code),
                ("example", crate::Code::ReadOnly)
            );
            assert!(kind.parse_text("1", &column, &TextFormat::default()).is_err());
        }
    }
}

#[test]
fn hostile_input_is_an_issue_and_never_a_panic() {
    let long = "9".repeat(400);
    let texts = [
        "",
        " ",
        "-",
        "+",
        "\0",
        "é",
        "€",
        "−",
        "\"",
        ",",
        ":",
        "::",
        "T",
        "P",
        "PT",
        "1e",
        "e5",
        ".",
        "%",
        "$",
        "am",
        "🎉",
        "0000-00-00",
        &long,
    ];
    let wide = TextFormat {
        decimal: ',',
        group: Some('\u{a0}'),
        date_order: DateOrder::DayFirst,
    };
    for kind in FIELD_TYPES {
        let column = example_column(*kind);
        for text in texts {
            for format in [TextFormat::default(), wide] {
                if let Ok(value) = kind.parse_text(text, &column, &format) {
                    kind.display(&value, &column);
                    kind.export(&value, &column);
                }
            }
            let _ = kind.parse(&Json::from(text), &column);
        }
        for json in [
            Json::Bool(true),
            Json::from(-1),
            Json::from(1e300),
            serde_json::json!([[]]),
            serde_json::json!({"a": "\0"}),
        ] {
            let _ = kind.parse(&json, &column);
        }
    }
}
