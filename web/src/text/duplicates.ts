// Every word of the page of duplicates. It loads with that page.
import type { Compare } from '../api/duplicates';
import { n } from './en';

/** A share in whole percents, rounded down: only what is the same is 100. */
export const wholePercent = (share: number) => Math.floor(share * 100 + 1e-4);

const percent = (share: number) => `${wholePercent(share)} %`;

export const words = {
  percent,
  title: 'Duplicates', of: (table: string) => `Duplicates in ${table}`,
  about: 'Records that mean one thing: find them, compare them, make one of them.',
  form: {
    title: 'What is compared', use: (name: string) => `Compare ${name}`, column: 'Column', how: 'Compared', howOf: (name: string) => `How ${name} is compared`,
    similarity: 'At least alike', similarityOf: (name: string) => `How alike ${name} must be`, similarityPercent: (name: string) => `How alike ${name} must be, in percent`,
    compare: { fuzzy: 'by likeness', normalised: 'but for case and signs', exact: 'exactly' } satisfies Record<Compare, string>,
    hint: {
      fuzzy: 'Typing mistakes and exchanged words are forgiven, as far as the slider says. Several such columns are weighed together.',
      normalised: 'Must be the same but for case, accents, spaces and punctuation.',
      exact: 'Must be the same, sign by sign.',
    } satisfies Record<Compare, string>,
    more: 'More', caseSensitive: 'Upper and lower case make a difference', caseHint: 'Otherwise only in columns that are compared exactly.',
    blocking: 'Only compare records with the same', blockingHint: 'For large tables, or where records of two towns are never one. Not a column that is compared above.',
    run: 'Find duplicates', again: 'Search again', change: 'Change', reset: 'Back to the proposal',
    noColumn: 'Tick at least one column to compare.',
    nothingToCompare: 'No column can be compared', nothingToCompareBody: 'The store makes all values of this table, or they are encrypted without an index.',
    why: {
      computed: 'The store makes its values: they say nothing about what a record means.',
      sealed: 'Encrypted without an index: nobody can tell which values are the same.',
    },
    onlyExact: 'Encrypted: only exactly.',
    by: (names: string) => `Compared by ${names}`, within: (names: string) => `within the same ${names}`,
    howShort: (name: string, compare: Compare, similarity: string) => (compare === 'fuzzy' ? `${name} (${similarity})` : compare === 'exact' ? `${name} (exact)` : name),
  },
  progress: {
    label: 'How far the search is', cancel: 'Call off', calledOff: 'The search was called off', calledOffBody: 'Nothing was changed.',
    failed: 'The search could not go on',
    phases: { reading: 'Reading records', blocking: 'Looking which could be alike', comparing: 'Comparing', grouping: 'Making groups' } as Record<string, string>,
    of: (done: string, total: string) => `${done} of ${total}`,
    leave: 'You may leave this page and come back to this address.',
    forgotten: 'This search is forgotten',
    forgottenBody: 'The server remembers a search for an hour, and the last few of them. Search again to see what is there now.',
  },
  found: {
    groups: (count: number, records: number, left: number) => `${n(count, 'group')} ${count === 1 ? 'was' : 'were'} found among ${n(records, 'record')}${left < count ? `, ${n(left, 'group')} left` : ''}`,
    none: 'No duplicates found', noneBody: (records: number) => `${n(records, 'record')} were compared. With less likeness, or other columns, more is found.`,
    done: 'Nothing is left to do', doneBody: 'Every group that was found is merged, or said to be no duplicates.',
    tooHigh: (score: string) => `No group is alike by ${score} or more`, showAll: 'Show all groups',
    crowded: (count: number) =>
      `${n(count, 'record is', 'records are')} so like many others that they were compared only with some of them. More columns, or “Only compare records with the same”, find the rest.`,
    untold: (largest: number) =>
      `One group has ${n(largest, 'record')}: what is compared does not tell records apart. Compare more columns before you merge.`,
    shortened: (count: number) => `Of ${n(count, 'long value')} only the beginning was compared.`,
    list: 'Groups of duplicates', minimum: 'Alike by at least', minimumLabel: 'Show groups that are alike by at least, in percent',
    keys: 'J next, K previous', records: (count: number) => n(count, 'record'), at: (i: number, name: string) => `Group ${i}: ${name}`,
    same: 'same', blank: 'blank', allSame: 'all the same', restSame: 'else the same',
    larger: (size: number, shown: number) => `This group has ${n(size, 'record')}; here are the first ${shown}. Merge them, and search again for the rest.`,
  },
  compare: {
    title: (count: number) => `${n(count, 'record')} side by side`, table: 'The records side by side, a field in each row', field: 'Field', merged: 'Merged',
    differences: 'Only what differs', include: 'Is one of them', includeLabel: (name: string) => `${name} is one of them`,
    survivor: 'Stays', survivorLabel: (name: string) => `${name} stays, the others go`, fullest: 'Suggested: most is filled in', oldest: 'Suggested: the oldest',
    take: (column: string, name: string) => `${column}: take that of ${name}`, concat: 'all of them, joined', concatLabel: (column: string) => `${column}: join all of them`,
    union: 'all entries of all', unionLabel: (column: string) => `${column}: all entries of all`,
    differs: 'differs', blank: 'blank', oneBlank: 'one is blank', sameForm: 'the same but for case, accents or signs', alike: (share: string) => `${share} alike`, created: (when: string) => `made ${when}`, changed: (when: string) => `changed ${when}`,
    open: (name: string) => `Open ${name}`, working: 'Working it out…', readOnly: 'The store keeps this itself.',
    merge: (count: number) => `Merge ${n(count, 'record')}`, apart: 'Not duplicates', skip: 'Next group',
    outcome: (others: number, trash: boolean) => (trash ? `${n(others, 'record')} will go to the trash.` : `${n(others, 'record')} will be deleted; this table has no trash.`),
    referring: (count: number) => ` ${n(count, 'reference')} will lead to the one that stays.`,
    tooFew: 'Tick at least two records that are one thing.',
    mayNot: 'You may look, but not merge: your role does not allow changes. An owner or admin can change that.',
    done: (count: number, name: string) => `${n(count, 'record')} became one: ${name}.`,
    keptApart: 'Remembered: these are no duplicates.', undone: 'The records are as before.',
  },
  apart: {
    button: (count: number) => `Not duplicates (${count})`, title: 'Not duplicates', empty: 'Nothing was said to be no duplicates yet.',
    body: 'No search puts these together. Taken back, they are found again.', takeBack: 'Take back', takeBackLabel: (names: string) => `Take back: ${names}`,
    gone: 'a record that is gone', between: ' and ', takenBack: 'Taken back: they may be found again.',
  },
  all: {
    button: 'Merge all…', title: 'Merge all groups that are alike enough', score: 'Alike by at least, in percent', survivor: 'Of each group stays',
    rules: { fullest: 'the record with most filled in', oldest: 'the oldest record', newest: 'the newest record' },
    fill: 'Its blanks take what the others have', fillHint: 'Otherwise it stays exactly as it is.',
    counting: 'Counting…', count: (groups: number, records: number) => `${n(groups, 'group')} with ${n(records, 'record')} would become ${n(groups, 'record')}.`,
    large: (count: number) => `${n(count, 'group')} of more than 100 records ${count === 1 ? 'is' : 'are'} left to you.`,
    none: 'No group is that alike.', undo: 'Each merge is an operation of its own, and can be taken back alone.',
    confirm: (groups: number) => `Merge ${n(groups, 'group')}`, running: (done: number, of: number) => `${done} of ${n(of, 'group')}`, progress: 'How far the merging is', stop: 'Stop',
    done: (groups: number, records: number) => `${n(groups, 'group')} merged: ${n(records, 'record')} fewer.`,
    stopped: (left: number) => `Stopped: ${n(left, 'group')} were not touched.`, failed: (count: number) => `${n(count, 'group')} could not be merged`,
    group: 'Group', why: 'Why', activity: 'See the merges on the activity page',
    takeBack: 'Take all of them back', takingBack: (done: number, of: number) => `${done} of ${n(of, 'merge')} taken back`, takeBackProgress: 'How far the taking back is',
    takenBack: (count: number) => `${n(count, 'merge')} taken back: the records are as before.`, notBack: (count: number) => `${n(count, 'merge')} could not be taken back whole; the activity page says why.`,
  },
};
