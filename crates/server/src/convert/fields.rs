//! Field types on their way out.

use chancery::model::FieldType;
use chancery_api::JsonMap;
use chancery_api::fields as wire;

pub(crate) fn field_type(kind: &dyn FieldType) -> wire::FieldType {
    let schema = kind.config_schema();
    let flags = kind.flags();
    wire::FieldType {
        id: kind.id().to_owned(),
        name: kind.name().to_owned(),
        category: kind.category().as_str().to_owned(),
        icon: kind.icon().to_owned(),
        description: kind.description().to_owned(),
        default_config: defaults(&schema),
        config_schema: schema,
        flags: wire::FieldFlags {
            computed: flags.computed,
            supports_default: flags.supports_default,
            supports_unique: flags.supports_unique,
            needs_options: flags.needs_options,
            reference: flags.reference,
            searchable: flags.searchable,
            encrypted: flags.encrypted,
            related: flags.related,
        },
        operators: kind
            .operators()
            .iter()
            .map(|operator| operator.as_str().to_owned())
            .collect(),
    }
}

/// The defaults that a JSON Schema declares for its properties.
fn defaults(schema: &serde_json::Value) -> JsonMap {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let declared =
        properties.filter_map(|(name, property)| Some((name.clone(), property.get("default")?.clone())));
    declared.collect()
}
