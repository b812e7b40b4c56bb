//! What the compiler says about mistakes, word by word, in `ui/*.stderr`. To take new words: `TRYBUILD=overwrite cargo test -p
//! chancery-derive`, and read the difference. What right structs become is a scenario.

#[test]
fn mistakes_are_named_where_they_stand_all_at_once() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
