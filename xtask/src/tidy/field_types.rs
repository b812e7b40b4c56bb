//! Every field type is in the documentation, under the name it has on the wire.
//!
//! That it survives CSV, JSON and every backend is for the tests.

use anyhow::Result;

use super::tree::Tree;
use super::{Check, Finding};

pub(super) const CHECK: Check = Check {
    name: "field types",
    rule: "every field type is documented in docs/field-types.md",
    run,
};

const FOLDER: &str = "crates/model/src/field/";
const DOCUMENT: &str = "docs/field-types.md";

fn run(tree: &Tree) -> Result<Vec<Finding>> {
    let types: Vec<_> = tree
        .files()
        .filter_map(|path| Some((path, type_name(tree, path)?)))
        .collect();
    if types.is_empty() {
        return Ok(vec![Finding::new(
            FOLDER,
            0,
            "holds no field type: has the folder moved?",
        )]);
    }
    let document = tree.text(DOCUMENT).unwrap_or_default();
    let undocumented = |(_, name): &&(&str, String)| !document.contains(&format!("`{name}`"));
    let finding =
        |(path, name): &(&str, String)| Finding::new(path, 0, format!("`{name}` is not in {DOCUMENT}"));
    Ok(types.iter().filter(undocumented).map(finding).collect())
}

/// `long_text.rs` → `longText`; nothing where the file makes no field type, be it by itself or as one of several alike.
fn type_name(tree: &Tree, path: &str) -> Option<String> {
    let stem = path.strip_prefix(FOLDER)?.strip_suffix(".rs")?;
    let text = tree.text(path)?;
    let own = text.contains("impl FieldType for") && !text.contains("        self.id\n");
    let alike = ["= Links {", "-> Links {", "= Derived {"];
    if !own && !alike.iter().any(|made| text.contains(made)) {
        return None;
    }
    let mut name = String::new();
    let mut upper = false;
    for c in stem.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                name.extend(c.to_uppercase());
                upper = false;
            }
            c => name.push(c),
        }
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::super::tests::reports;
    use super::*;

    #[test]
    fn an_undocumented_field_type_is_reported() {
        reports(
            &CHECK,
            &[
                ("crates/model/src/field/text.rs", "impl FieldType for Text {}"),
                (
                    "crates/model/src/field/long_text.rs",
                    "impl FieldType for LongText {}",
                ),
                ("crates/model/src/field/mod.rs", "pub trait FieldType {}"),
                ("docs/field-types.md", "| `text` | short |"),
            ],
            &["crates/model/src/field/long_text.rs:0 `longText` is not in docs/field-types.md"],
        );
    }

    #[test]
    fn a_folder_that_moved_is_reported() {
        reports(
            &CHECK,
            &[("docs/field-types.md", "")],
            &["crates/model/src/field/:0 holds no field type"],
        );
    }
}
