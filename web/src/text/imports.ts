// Every word of imports: the wizard and the list of imports. They load with those pages.
import { n } from './en';

type Words = Record<string, string>;
const whole = new Intl.NumberFormat('en');

export const words = {
  into: (table: string) => `Import into ${table}`,
  newTable: (name: string) => `New table ${name}`,
  imported: 'Import',
  of: (file: string) => `Import of ${file}`,
  unnamed: 'a file',
  stepsLabel: 'Steps of the import',
  step: (i: number, of: number) => `Step ${i} of ${of}: `,
  names: { source: 'File', preview: 'Reading', map: 'Columns', rules: 'Rules', check: 'Check', run: 'Import', result: 'Result' },
  heads: {
    source: 'Choose a file', preview: 'How the file is read', map: 'Where its columns go', rules: 'Rules', check: 'Check, without writing',
    run: 'Importing', result: 'What became of it',
  },
  next: 'Next', back: 'Back', straight: 'Straight to the check', otherFile: 'Another file',
  keptUntil: (when: string) => `What you chose is kept until ${when}; you find it again under Imports and jobs.`,
  gone: 'An import that was not begun is kept for a day, and goes when the server is started anew.', newOne: 'A new table from a file', toTables: 'To the tables',
  source: {
    title: 'Drop a file here, or paste rows of a spreadsheet (Ctrl+V)', choose: 'Choose a file',
    hint: 'CSV, TSV, JSON, JSON lines or an Excel workbook (XLSX), also packed (gz, zst, zip), up to 2 GB; or the JSON export of a whole table. Nothing is written before you have seen it.',
    pasted: 'Pasted rows.tsv', uploading: (name: string) => `Sending ${name}`, sent: (percent: number) => `${percent} % sent`, reading: (name: string) => `Reading all of ${name}`,
    noTable: (name: string) => `${name} is no table: it is neither text nor a workbook. Choose a CSV, TSV, JSON or XLSX file.`,
    empty: (name: string) => `${name} is empty. Choose a file whose first row names the columns.`,
    drafts: 'Begun before', draftsBody: 'These files were brought but not imported yet.', goOn: (name: string) => `Go on with ${name}`,
  },
  preview: {
    facts: (rows: number, columns: number, size: string) => `${n(rows, 'row')}, ${n(columns, 'column')}, ${size}`,
    formats: { csv: 'Text in columns', xlsx: 'Workbook', json: 'JSON' } as Words,
    encoding: 'Encoding', delimiter: 'Between cells', quote: 'Around cells', sheet: 'Sheet', header: 'The first row holds the names',
    delimiters: { ',': 'Comma', ';': 'Semicolon', '\t': 'Tab', '|': 'Bar', ':': 'Colon', ' ': 'Space' } as Words,
    quotes: { '"': 'Double quote "', "'": 'Apostrophe \'' } as Words,
    warnings: 'Odd about it', again: 'Reading it anew…', rows: (shown: number, all: number) => (shown < all ? `The first ${whole.format(shown)} of ${n(all, 'row')}, as they will be read` : `${all === 1 ? 'The one row' : `All ${whole.format(all)} rows`}, as they will be read`),
    first: 'First rows of the file', oneColumn: 'Only one column was found. If that is wrong, choose another character between cells.',
    none: 'There are no rows below the names.',
  },
  map: {
    name: 'Name of the new table', nameTaken: (name: string) => `A table “${name}” exists already. Choose another name, or import into that table.`, nameless: 'The new table needs a name.',
    locale: 'Numbers and dates in the file', locales: {
      '': '1234.5 and 2026-03-04', 'en-US': '1,234.5 and 3/4/2026 (US)', 'en-GB': '1,234.5 and 04/03/2026 (UK)', 'de-DE': '1.234,5 and 4.3.2026 (DE)', 'fr-FR': '1 234,5 and 04/03/2026 (FR)',
      'de-CH': '1’234.5 and 4.3.2026 (CH)', 'sv-SE': '1 234,5 and 2026-03-04 (SE)', 'en-CA': '1,234.5 and 2026-03-04 (CA)',
    } as Words,
    localeNote: 'What values would cost as other types was counted for 1234.5 and 2026-03-04. The check counts with what you chose.',
    remembered: 'A file with the same columns was imported before.', useRemembered: 'Map as then', usedRemembered: 'Mapped as the earlier file.',
    inFile: 'In the file', samples: 'Samples', goesTo: 'Goes to', type: 'Type', target: (name: string) => `Where ${name} goes`, typeOf: (name: string) => `Type of ${name}`,
    newColumn: 'New column', skip: 'Leave out', key: 'Id of the record', externalId: 'Id in another system', groups: { do: 'Instead', columns: 'Columns of the table' },
    filled: (filled: number, of: number) => (filled === of ? 'always filled' : `${whole.format(filled)} of ${whole.format(of)} filled`),
    fits: (of: number) => `all ${n(of, 'value')} fit as they are`,
    cost: (change: number, fail: number, of: number) =>
      change === 0
        ? `${whole.format(fail)} of ${n(of, 'value')} would be refused`
        : `${whole.format(change)} of ${n(of, 'value')} would change${fail > 0 ? `, ${whole.format(fail)} be refused` : ''}`,
    unchecked: 'counted by the check',
    missing: (names: string) => `Required, but nothing of the file goes there: ${names}. Choose a column of the file for it, or match existing records in the next step.`,
    nothing: 'Every column is left out, so nothing would be imported.',
    allText: 'Keep every new column as text, exactly as written',
  },
  rules: {
    existing: 'Records that exist', matchOn: 'Update records that match by', matchOnBody: 'Empty: every row becomes a new record.', matchNone: 'Choose columns',
    updateOnly: 'Only update: refuse rows that match no record', many: 'If several records match', manys: { error: 'refuse the row', first: 'change the first', all: 'change all of them' } as Words,
    blank: 'An empty cell', blanks: { keep: 'keeps what is stored', clear: 'clears what is stored', fillOnly: 'and only empty fields are filled' } as Words,
    newOnly: 'The table is new: every row becomes a record.',
    options: 'Choices', createOptions: 'Add options that the file brings and the table lacks',
    errors: 'If rows are refused', skipBad: 'Leave them out and import the rest', skipBadBody: 'They can be downloaded as CSV, put right and imported again.',
    allOrNothing: 'Import nothing', allOrNothingBody: 'All rows or none.',
  },
  check: {
    run: 'Check every row', again: 'Check again', running: 'Checking every row; nothing is written', notYet: 'Nothing is checked: it was not tried yet, was stopped, or something was changed since.',
    done: 'Every row was checked. Nothing has been written yet.', refused: 'Nothing was imported: rows were refused, and it was all or nothing.', failed: 'The import could not go on.',
    problems: 'This has to be put right first:', clean: 'Every row fits.',
    keptAsText: 'Kept as text, as written, because a few values are of no other type:',
    nearly: (name: string, type: string, off: number, of: number) => `${name}: ${type}, but for ${whole.format(off)} of ${n(of, 'value')}`,
    chooseTypes: 'Choose their types, and see which rows do not fit',
    madeColumns: (names: string) => `Would be added to the table: ${names}.`,
    start: (rows: number) => `Import ${n(rows, 'row')}`, nothing: 'No row of the file would change anything.',
    mend: 'Put them right in the file, change the mapping, or leave them out:',
  },
  would: { created: 'would be created', updated: 'would be updated', unchanged: 'unchanged', failed: 'refused' },
  did: { created: 'created', updated: 'updated', unchanged: 'unchanged', failed: 'refused' },
  errors: {
    title: 'Refused rows', count: (rows: number, issues: number) => `${n(rows, 'row')} refused${issues > rows ? `, for ${n(issues, 'reason')}` : ''}`,
    csv: 'Refused rows as CSV', kinds: 'By kind', all: 'All kinds', row: 'Row', line: 'Line', column: 'Column', value: 'Value', reason: 'Reason', wholeRow: 'the whole row',
    first: (listed: number) => `The first ${n(listed, 'reason')} are listed and counted by kind. All other counts are of the whole file.`,
    page: (from: number, to: number, of: number) => `${whole.format(from)} to ${whole.format(to)} of ${whole.format(of)}`, previous: 'Previous', following: 'Next rows', pages: 'Pages of refused rows',
    kind: {
      required: 'missing', type: 'wrong type', enum: 'no such option', minLength: 'too short', maxLength: 'too long', pattern: 'wrong pattern', format: 'wrong format', min: 'too small', max: 'too large',
      precision: 'too many decimals', unique: 'already there', reference: 'no such record', readOnly: 'cannot be written', limit: 'beyond a limit', version: 'changed meanwhile', notFound: 'matches no record',
      keyTaken: 'id already there', ambiguous: 'matches several records', malformed: 'cannot be read', encrypted: 'encrypted', sealed: 'vault is sealed', custom: 'against a rule',
    } as Words,
  },
  run: {
    phases: { checking: 'Checking every row before the first is written', writing: 'Writing', takingBack: 'Taking back what was written', done: 'Finishing', paused: 'Paused' } as Words,
    progress: 'Progress of the import', rows: (rows: number, of: number | null) => (of === null ? n(rows, 'row') : `${whole.format(rows)} of ${n(of, 'row')}`),
    rate: (rows: number) => `${whole.format(Math.round(rows))} rows/s`,
    left: (ms: number) => (ms < 1500 ? 'nearly done' : ms < 90_000 ? `about ${n(Math.ceil(ms / 1000), 'second')} left` : ms < 5_400_000 ? `about ${n(Math.round(ms / 60_000), 'minute')} left` : `about ${n(Math.round(ms / 3_600_000), 'hour')} left`),
    pause: 'Pause', resume: 'Go on', cancel: 'Stop the import', cancelTitle: 'Stop this import?', cancelBody: 'What it has written so far is taken back.', cancelRun: 'Stop and take back',
    stop: 'Stop', goesOn: 'You can leave this page. The import goes on, and you find it under Imports and jobs.', rests: 'What is written so far stays until you let it go on or stop it.',
    said: (phase: string, percent: number) => `${phase}: ${percent} %`, discarded: 'The file was let go. Nothing was written.',
  },
  result: {
    ends: {
      done: 'Imported', nothing: 'Nothing changed', refused: 'Nothing was imported: rows were refused, and it was all or nothing', cancelled: 'Cancelled, and what it wrote was taken back', failed: 'It failed, and what it wrote was taken back',
      interrupted: 'The server stopped while it ran, and what it had written was taken back', reverted: 'Imported, and taken back later',
    } as Words,
    facts: (rows: number, took: string) => `${n(rows, 'row')} in ${took}`, took: (ms: number) => (ms < 1000 ? `${whole.format(ms)} ms` : ms < 90_000 ? `${(ms / 1000).toFixed(1)} s` : `${whole.format(Math.round(ms / 60_000))} min`),
    open: (table: string) => `Open ${table}`, undo: 'Undo this import', redo: 'Under Activity it can be done again.', more: 'Import another file', all: 'All imports',
    columns: (names: string) => `Added to the table: ${names}.`, stays: 'The columns that it added stay; delete them yourself if they are not wanted.',
    undone: (reverted: number, left: number) => `${n(reverted, 'record')} as before.${left > 0 ? ` ${n(left, 'record')} could not be taken back, or only in part:` : ''}`,
  },
  list: {
    label: 'Imports', empty: 'Nothing was imported yet', emptyBody: 'Open a table and choose “Import a file”, or make a new table from a file.',
    when: 'When', file: 'File', table: 'Table', state: 'State', rows: 'Rows', newTable: 'a new table', goneTable: 'a table that is gone', request: 'by a program',
    states: {
      analysed: 'not begun', checking: 'being checked', checked: 'checked', writing: 'being written', paused: 'paused', takingBack: 'being taken back', done: 'imported', refused: 'refused', cancelled: 'cancelled', failed: 'failed',
      interrupted: 'interrupted', reverted: 'taken back',
    } as Words,
    goOn: 'Go on', watch: 'Watch', look: 'Open', discard: 'Let the file go', more: 'Show more',
    of: (what: string, file: string) => `${what}: ${file}`,
  },
};
