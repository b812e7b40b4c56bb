//! Every limit of the product, in one place, with its unit in its name. An error that a limit causes says the number.

/// Longest text key, in bytes.
pub const KEY_BYTES_MAX: usize = 512;
/// Longest name of a table, column, option or workspace, in characters.
pub const NAME_CHARS_MAX: usize = 120;
/// Longest slug, in bytes.
pub const SLUG_BYTES_MAX: usize = 80;
/// Most columns in one table.
pub const COLUMNS_MAX: usize = 1_000;
/// Most options in one select column.
pub const OPTIONS_MAX: usize = 5_000;
/// Longest text value, in bytes (16 MiB).
pub const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Deepest nesting of a JSON value.
pub const JSON_DEPTH_MAX: usize = 64;
/// Most records in one bulk request; larger loads go through import or NDJSON streams.
pub const BULK_RECORDS_MAX: usize = 10_000;
/// Most records that one delete takes along by references.
pub const CASCADE_RECORDS_MAX: usize = 100_000;
/// Most records on one page.
pub const PAGE_LIMIT_MAX: usize = 1_000;
/// Records on a page when the caller does not say.
pub const PAGE_LIMIT_DEFAULT: usize = 100;
/// Most conditions in one filter.
pub const FILTER_CONDITIONS_MAX: usize = 500;
/// Deepest nesting of and/or groups in one filter.
pub const FILTER_DEPTH_MAX: usize = 20;
/// Most values in one `in` or `notIn`.
pub const FILTER_VALUES_MAX: usize = 10_000;
/// Most sort keys in one query.
pub const SORT_KEYS_MAX: usize = 8;
/// Most words of one fuzzy search.
pub const FUZZY_WORDS_MAX: usize = 16;
/// Most characters of a word that is found although it is misspelt; longer ones are found as they are written.
pub const FUZZY_WORD_CHARS_MAX: usize = 64;
/// Most words of a table that an index looks for in place of one misspelt word; the nearest are taken.
pub const FUZZY_NEAR_MAX: usize = 2_000;
/// Longest pattern of a column or a `regex` filter, in bytes.
pub const PATTERN_BYTES_MAX: usize = 2_000;
/// Largest compiled form of a pattern, in bytes.
pub const PATTERN_COMPILED_BYTES_MAX: usize = 1 << 20;
/// Most groups in one answer to an aggregate with group by.
pub const GROUPS_MAX: usize = 10_000;
/// Most distinct values in one answer.
pub const DISTINCT_MAX: usize = 10_000;
/// Longest idempotency key or external id, in bytes.
pub const EXTERNAL_ID_BYTES_MAX: usize = 512;
/// Most columns in an imported file.
pub const IMPORT_COLUMNS_MAX: usize = 1_000;
/// Most failed rows an import report keeps word for word; the count is always exact.
pub const IMPORT_ERRORS_KEPT_MAX: usize = 10_000;
/// Largest cell of an imported file, in bytes.
pub const IMPORT_CELL_BYTES_MAX: usize = TEXT_BYTES_MAX;
/// Largest row of an imported file, in bytes.
pub const IMPORT_ROW_BYTES_MAX: usize = 4 * TEXT_BYTES_MAX;
/// Most bytes of failed rows an import keeps to be mended.
pub const IMPORT_FAILED_BYTES_MAX: usize = TEXT_BYTES_MAX;
/// Most bytes that a packed file unpacks to (16 GiB).
pub const IMPORT_UNPACKED_BYTES_MAX: u64 = 16 << 30;
/// How many times its size a packed file may unpack to, beyond [`IMPORT_UNPACKED_BYTES_FREE`].
pub const IMPORT_UNPACKED_RATIO_MAX: u64 = 250;
/// Bytes that any packed file may unpack to (64 MiB).
pub const IMPORT_UNPACKED_BYTES_FREE: u64 = 64 << 20;
/// Most bytes that a workbook unpacks to (2 GiB).
pub const WORKBOOK_BYTES_MAX: u64 = 2 << 30;
/// Most bytes of the texts that the sheets of a workbook share: they are held in memory while it is read (128 MiB).
pub const WORKBOOK_TEXTS_BYTES_MAX: u64 = 128 << 20;
/// Most bytes of what a workbook has besides sheets and texts, which is held in memory too (16 MiB).
pub const WORKBOOK_PARTS_BYTES_MAX: u64 = 16 << 20;
/// Most rows of a sheet, by the file format.
pub const SHEET_ROWS_MAX: u32 = 1_048_576;
/// Most characters in a cell of a sheet, by the file format.
pub const SHEET_CELL_CHARS_MAX: usize = 32_767;
/// Imports whose reports are kept; older ones are forgotten.
pub const IMPORTS_KEPT_MAX: usize = 200;
/// Most records or users that one value names.
pub const LINKS_MAX: usize = 1_000;
/// Most steps from one lookup or rollup to the column that has the values.
pub const LOOKUP_DEPTH_MAX: usize = 5;
/// Longest normal form that values are compared by, in bytes; what is longer is compared by its beginning and a digest.
pub const COMPARED_BYTES_MAX: usize = 256;
/// Most columns that duplicates are looked for by.
pub const COMPARED_COLUMNS_MAX: usize = 32;
/// Most rows of a block of which all pairs are compared; of a larger one, each row with so many of those behind it in order.
pub(crate) const BLOCK_ROWS_MAX: usize = 256;
pub(crate) const BLOCK_WINDOW: usize = 16;
/// Most comparisons for each row, or altogether in a small table.
pub(crate) const COMPARISONS_PER_ROW: u64 = 30;
pub(crate) const COMPARISONS_MIN: u64 = 2_000_000;
/// Most ways in which rows are put into blocks.
pub(crate) const PASSES_MAX: usize = 32;
