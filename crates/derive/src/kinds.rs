//! Which field type a Rust type becomes, as far as its name tells. The types themselves say it again, for good, through
//! `chancery::AsColumn`; what is said here only lets mistakes be found while compiling.

use syn::{GenericArgument, PathArguments, Type};

/// The field types of the types whose names are known, and the `kind` of JSON.
const KNOWN: &[(&[&str], &str, &str)] = &[
    (&["String", "str", "Uuid"], "text", ""),
    (
        &[
            "i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize", "f32", "f64",
        ],
        "number",
        "",
    ),
    (&["bool"], "boolean", ""),
    (&["Date"], "date", ""),
    (&["Timestamp"], "dateTime", ""),
    (&["Time"], "time", ""),
    (&["Vec", "VecDeque", "HashSet", "BTreeSet"], "json", "array"),
    (&["HashMap", "BTreeMap"], "json", "object"),
];

/// The field type of a Rust type and the `kind` of JSON, both empty if its name does not tell.
pub(crate) fn kind_of(of: &Type) -> (&'static str, &'static str) {
    let inner = optional(of).unwrap_or(of);
    if matches!(inner, Type::Array(_)) {
        return ("json", "array");
    }
    let Some(name) = last_segment(inner).map(|segment| segment.ident.to_string()) else {
        return ("", "");
    };
    let row = KNOWN.iter().find(|(names, _, _)| names.contains(&name.as_str()));
    row.map_or(("", ""), |(_, field_type, kind)| (field_type, kind))
}

/// Whether a type is `String`, or an `Option` of it.
pub(crate) fn is_text(of: &Type) -> bool {
    last_segment(optional(of).unwrap_or(of)).is_some_and(|segment| segment.ident == "String")
}

/// What is in an `Option`.
pub(crate) fn optional(of: &Type) -> Option<&Type> {
    let segment = last_segment(of).filter(|segment| segment.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    })
}

/// The last name of a type's path.
pub(crate) fn last_segment(of: &Type) -> Option<&syn::PathSegment> {
    match of {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(inside) => last_segment(&inside.elem),
        _ => None,
    }
}
