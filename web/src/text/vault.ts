// Every word of the vault's pages. They load with those pages.
import { n } from './en';
import { count as figure } from '../ui/time';
import type { ColumnJobKind, JobKind, SecretsJobKind } from '../api/wire';

type Words = Record<string, string>;

export const words = {
  about: 'Values that only a token opens. No list, search or export ever shows one.',
  aboutReader: 'Whoever has the token of a secret reads it here, with its password if it has one.',
  parts: { '': 'Secrets', audit: 'Audit', keys: 'Keys', jobs: 'Jobs' } as Words,
  partsLabel: 'Parts of the vault',
  adminsOnly: 'Only admins see which secrets there are, their audit, the keys and the jobs.',
  new: 'New secret', read: 'Read a secret', more: 'More to do with tokens', handOver: 'Hand a value over', take: 'Take what was handed over',
  newValue: 'New value', otherPassword: 'Change password', handOverThis: 'Hand over', showDeleted: 'Show deleted ones', renew: 'Renew', delete: 'Delete', restore: 'Restore', purge: 'Delete for good',
  byToken: { newValue: 'New value by token', password: 'Other password by token', renew: 'Renew by token', delete: 'Delete by token' },
  sweep: 'Delete what is expired', sweepTitle: 'Delete all expired secrets?',
  sweepBody: 'Every secret whose time is over is deleted. They can be restored from the deleted ones.',
  swept: (deleted: number) => (deleted === 0 ? 'Nothing is expired.' : `${n(deleted, 'secret')} deleted.`),
  offline: 'The server cannot be reached. What is listed may be old.',
  sealed: {
    title: 'The vault is sealed',
    body: 'The server has no root key for it, or another one, so nothing can be read or put away. The list and the audit can still be seen; nothing is lost.',
    wants: 'It waits for the root key with the fingerprint',
    how: 'To unseal it, start the server again with that key, in one of these ways:',
    ways: [
      ['vault.key', 'the key file beside the database, readable by its owner only; the server looks there unless another way is given'],
      ['--vault-key-file PATH', 'the key file in another place'],
      ['CHANCERY_VAULT_KEY', 'the environment variable with the key itself, 64 hexadecimal digits'],
      ['--vault-passphrase-file PATH', 'a file with the passphrase, if one locks the vault'],
    ] as [string, string][],
    status: 'chancery vault status', statusHint: 'tells the same in a terminal. More about root keys, and what to do if one is lost, is in docs/security.md, and in the',
    reference: 'reference of this refusal',
  },
  absent: {
    title: 'This store has no vault yet',
    body: 'It is made when a server starts that knows where its root key is to be. A server with a data folder makes vault.key beside its database by itself; with any other database, start it once with one of these:',
    commands: ['chancery serve --vault-key-file PATH', 'CHANCERY_VAULT_KEY=$(openssl rand -hex 32) chancery serve'],
    note: 'Back the key up, apart from the database: without it nothing in the vault can be read.',
  },
  empty: {
    title: 'No secrets yet',
    body: 'A secret is a value, such as a password or an API key, that is stored encrypted. Putting one away gives you a token; whoever shows the token gets the value back, until it expires.',
    first: 'Put the first one away',
    terminal: 'In a terminal:', http: 'Over HTTP:',
    cli: 'chancery vault create --metadata name=smtp',
    curl: 'POST /api/vault/tokens  {"value": "…", "metadata": {"name": "smtp"}}',
  },
  none: 'No secret matches', noneBody: 'Change the filter, or clear it.',
  list: {
    id: 'Secret', kind: 'Kind', label: 'Metadata', created: 'Created', expires: 'Expires', reads: 'Reads left', password: 'Password', state: 'State',
    selectAll: 'Select all that are shown', select: (name: string) => `Select ${name}`,
    shown: (shown: number, total: number) => (shown === total ? n(total, 'secret') : `${figure(shown)} of ${n(total, 'secret')}`),
    selected: (count: number) => `${n(count, 'secret')} selected`, unlimited: 'no limit', never: 'never', yes: 'yes', no: 'no', label1: 'Selected secrets', clear: 'Clear selection',
    of: (left: number, max: number) => `${figure(left)} of ${figure(max)}`,
  },
  kinds: { secret: 'kept', wrap: 'handed over' } as Words,
  states: { live: 'live', expired: 'expired', deleted: 'deleted', exhausted: 'used up' } as Words,
  filter: {
    label: 'Filter and order', state: 'State', expiry: 'Expiry', kind: 'Kind', order: 'Order', name: 'Metadata name', text: 'Metadata text', from: 'Created from', until: 'Created until', clear: 'Clear filter', more: 'More filters',
    states: [['live', 'Not deleted'], ['deleted', 'Deleted'], ['all', 'All']] as [string, string][],
    expiries: [['any', 'Any expiry'], ['unexpired', 'Not expired'], ['expired', 'Expired'], ['never', 'Never expires']] as [string, string][],
    kinds: [['', 'Any kind'], ['secret', 'Kept'], ['wrap', 'Handed over']] as [string, string][],
    orders: [
      ['createdAt desc', 'Newest first'], ['createdAt asc', 'Oldest first'], ['updatedAt desc', 'Last changed first'], ['expiresAt asc', 'Expiring first'], ['expiresAt desc', 'Expiring last'],
    ] as [string, string][],
  },
  fields: {
    value: 'Value', valueHint: 'Text of one or more lines. Hidden while you type.', token: 'Token', tokenHint: 'Shown once, when the secret was made.', password: 'Password',
    passwordOf: 'Password of the secret', passwordProof: 'Leave empty if it has none.', passwordRequired: 'This secret has one.', show: (what: string) => `Show ${what}`, hide: (what: string) => `Hide ${what}`,
    newPassword: 'New password', newPasswordHint: 'Leave empty for none. A lost password cannot be brought back by anybody.', again: 'New password again', differs: 'The two are not the same.',
    expires: 'Expires', exact: 'Exactly', partial: 'Fill in every part of it, date and time.', until: (when: string) => `until ${when}`, maxReads: 'How often it can be read', maxReadsHint: 'Leave empty for no limit.',
    choice: 'Token', drawn: 'A random one (recommended)', custom: 'One of my own', customHint: '1 to 255 bytes. As hard to guess as you make it.',
    metadata: 'Metadata', metadataHint: 'Not secret: shown in lists and used to filter. Its “name” stands for the secret.', metaName: (i: number) => `Metadata name ${i}`, metaText: (i: number) => `Metadata text ${i}`, metaRemove: (i: number) => `Remove metadata ${i}`, metaAdd: 'Metadata',
  },
  expiries: [['3600', 'In an hour'], ['86400', 'In a day'], ['604800', 'In 7 days'], ['2592000', 'In 30 days'], ['7776000', 'In 90 days'], ['31536000', 'In a year'], ['', 'Never'], ['exact', 'At an exact time…']] as [string, string][],
  create: { title: 'Put a secret away', run: 'Put away' },
  once: {
    title: 'Its token, this once', body: 'Copy the token now. It opens the secret, and nobody can show it again: not this page, not an admin.', wrapBody: 'Give this token to one person. It gives the value once; after that, taking it again is refused and seen.',
    withPassword: 'Reading it takes the password, too. Do not send both the same way.', saved: 'I have saved it', id: 'Id, which is not secret:', noClipboard: 'This browser gives no clipboard here; select the text and copy it.',
  },
  reveal: {
    title: 'Read a secret', titleOf: (name: string) => `Read ${name}`, show: 'Show the value', copyOnly: 'Copy without showing', go: 'Use one read and show it', goCopy: 'Use one read and copy it',
    logged: 'Reading is written into the audit.',
    limited: (left: number, max: number | null) => `This uses one of ${n(left, 'read')}${max !== null && max !== left ? ` (of ${figure(max)} in all)` : ''}. ${left === 1 ? 'After it, the value is gone for good.' : `${figure(left - 1)} will be left.`}`,
    maybeLimited: 'If its reads are limited, this uses one of them.', needsPassword: 'This secret has a password. Type it, too.',
    mismatch: 'This is the token of another secret. Nothing was done with it.', wrapped: 'This token hands a value over, once. Use “Take what was handed over”.',
    timer: (seconds: number) => `Hidden in ${n(seconds, 'second')}`, announced: (seconds: number) => `The value is shown for ${seconds} seconds.`,
    longer: 'Longer', hideNow: 'Hide now', hidden: 'The value is hidden again.', copied: 'Copied without showing it. The clipboard keeps it until something else is copied.',
    clipboard: 'What is copied stays in the clipboard, where other programs can read it, until something else is copied.', base64: 'This value is not text; it is shown in base64.', version: (version: number) => `Version ${version}.`, readsLeft: (left: number) => (left === 0 ? 'It cannot be read again.' : `It can be read ${left === 1 ? 'once' : `${figure(left)} times`} more.`), value: 'The value',
  },
  renewing: { title: (what: string) => `Renew ${what}`, body: 'From when on it can no longer be read. One that is expired already can be read again after this.', run: 'Renew', done: (count: number) => `${n(count, 'secret')} renewed.` },
  change: {
    title: (name: string) => `New value for ${name}`, titleByToken: 'New value by token', body: 'It becomes the newest version. Older versions stay until they are destroyed, or pushed out by newer ones.', run: 'Store the new value', done: (version: number) => `Version ${version} is stored.`, anyPassword: 'The same password keeps opening it.',
  },
  password: {
    title: (name: string) => `Password of ${name}`, titleByToken: 'Other password by token', old: 'Present password', oldHint: 'It is the proof that you may; leave empty if it has none.', mode: 'What to do', set: 'Set or change it', remove: 'Take it away', run: 'Change', removeRun: 'Take it away', done: 'The password is changed.', removed: 'It opens without a password now.',
  },
  wrapping: {
    title: 'Hand a value over', titleOf: (name: string) => `Hand over ${name}`, body: 'Wrap a value into a token that gives it exactly once. Whoever comes second is refused, and sees that somebody was there.', what: 'What to hand over', aValue: 'A value that I type', aSecret: 'The value of a secret', run: 'Wrap', readNote: 'This reads the secret; if its reads are limited, it uses one.',
  },
  taking: {
    title: 'Take what was handed over', look: 'Look first', lookHint: 'Looking does not take it.', run: 'Take it', warn: 'It can be taken once. After this, nobody gets it again.', lookedLive: 'It is still there.', lookedGone: 'It was taken, or its time is over.', wrapped: 'Wrapped', by: 'By', expires: 'Can be taken until', taken: 'Taken', origin: 'Copied from the secret', never: 'for ever',
  },
  removing: {
    byToken: 'Delete by token', body: 'It can no longer be read, and can be restored later. Its token stays taken.', title: (what: string) => `Delete ${what}?`, done: (count: number) => `${n(count, 'secret')} deleted.`, restored: (count: number) => `${n(count, 'secret')} restored.`,
    purgeTitle: (what: string) => `Delete ${what} for good?`, purgeBody: 'Its value and all versions are taken out of the vault. Nobody can bring them back.', purged: (count: number) => `${n(count, 'secret')} deleted for good.`, some: (done: number, of: number, why: string) => `${figure(done)} of ${figure(of)} done. The others were refused: ${why}`,
  },
  secrets: (count: number) => n(count, 'secret'),
  detail: {
    back: 'All secrets', facts: 'About this secret', actions: 'What to do with it', created: 'Created', by: 'By', changed: 'Last changed', expires: 'Expires', reads: 'Reads left', password: 'Password', token: 'Its token', tokens: { drawn: 'random', custom: 'chosen by whoever made it' } as Words, version: 'Version', deleted: 'Deleted', id: 'Id', kind: 'Kind', copyId: 'Copy the id',
    needsToken: 'To read or change its value you need its token: the vault shows that to nobody, not even to admins.', gone: 'There is no such secret. It may have been deleted for good.', metadata: 'Metadata', editMetadata: 'Edit metadata', noMetadata: 'None. Give it a name to find it by.', metadataSaved: 'Metadata saved.',
    deletedNote: 'This secret is deleted. It cannot be read until it is restored.', expiredNote: 'Its time is over. It cannot be read until it is renewed.', usedUpNote: 'All its reads are used up. Its value is gone.',
  },
  versions: {
    title: 'Versions', number: 'Version', size: 'Size', state: 'State', created: 'Created', bytes: (bytes: number) => n(bytes, 'byte'), newest: 'newest', live: 'kept', destroyed: 'destroyed', rollBack: 'Make newest', rollBackLabel: (version: number) => `Make version ${version} the newest`, destroy: 'Destroy', destroyLabel: (version: number) => `Destroy version ${version}`,
    rollTitle: (version: number) => `Make version ${version} the newest?`, rollBody: 'What it holds becomes a new version. The others stay.', rolled: (version: number) => `Its value is back, as version ${version}.`,
    destroyTitle: (version: number) => `Destroy version ${version}?`, destroyBody: 'Its key is destroyed, and with it its value. Nobody can bring it back.', destroyed1: (version: number) => `Version ${version} is destroyed.`, afterRestore: 'Versions are shown once the secret is restored.',
  },
  audit: {
    title: 'Audit', when: 'When', what: 'What', outcome: 'Outcome', who: 'Who', from: 'From', secret: 'Secret', empty: 'Nothing was done yet', emptyBody: 'Every operation on the vault appears here, also those that were refused.', all: 'All of the audit', about: 'Every operation, refused ones too. The entries are chained, so that a change behind the vault’s back is seen.', ok: 'done',
    trail: 'What happened to it', verify: 'Verify', sound: (entries: number, secrets: number) => `All is well: ${n(entries, 'entry', 'entries')} and ${n(secrets, 'secret')} were checked.`, unsound: 'Something was changed behind the vault’s back', head: 'Head of the audit', headHint: 'Keep it somewhere else: compared later with chancery vault verify, it shows that nothing before it was changed.', segment: 'Segment', cell: 'a column',
    outcomes: {
      tokenRequired: 'no token', passwordRequired: 'needs a password', notFound: 'not found', tokenTaken: 'token taken', tokenReserved: 'token reserved', invalidPassword: 'wrong password', decryptionFailed: 'cannot be opened', tampered: 'was altered', expired: 'expired', exhausted: 'used up', wrapTaken: 'taken before', otherKind: 'of the other kind', noSuchVersion: 'no such version', sealed: 'vault sealed', proofRequired: 'no proof', tooManyAttempts: 'too many attempts', busy: 'busy', invalid: 'refused input', conflict: 'changed meanwhile', rootKey: 'root key', database: 'database', denied: 'denied',
    } as Words,
    ops: {
      create: 'created', read: 'read', update: 'changed', renew: 'renewed', softDelete: 'deleted', restore: 'restored', delete: 'deleted for good', expire: 'deleted as expired', rollBack: 'rolled back', destroyVersion: 'version destroyed', wrap: 'wrapped', unwrap: 'taken', changePassword: 'password changed', rotateKey: 'data key made', retireKey: 'data key retired', addRoot: 'root key added', removeRoot: 'root key removed', changeSetting: 'setting changed', open: 'vault opened', reveal: 'column revealed', encryptColumn: 'column encrypted', decryptColumn: 'column made readable', job: 'job started', verify: 'verified', purge: 'purged', list: 'listed', find: 'looked up', status: 'status asked for', versions: 'versions listed', census: 'secrets counted',
    } as Words,
  },
  keys: {
    data: 'Data keys', dataAbout: 'They lock the values. New values take the active one; a job moves the others to it.', number: 'Key', state: 'State', holds: 'Versions it locks', created: 'Created', states: { active: 'active', opens: 'opens only', retired: 'retired' } as Words, make: 'Make a new key', makeTitle: 'Make a new data key?', makeBody: 'It locks everything new from now on. What is there stays under its key until a job moves it.', made: (kid: number) => `Data key ${kid} is active.`, rotate: 'Move everything to it', retire: 'Retire', retireLabel: (kid: number) => `Retire key ${kid}`, retireTitle: (kid: number) => `Retire key ${kid}?`, retireBody: 'It locks nothing any more. Its key is destroyed; old copies of the database that need it cannot be opened by it again.', retired: (kid: number) => `Key ${kid} is retired.`, noneSealed: 'Data keys are not known while the vault is sealed.',
    roots: 'Root keys', rootsAbout: 'They lock the vault. Each is named by its fingerprint for ever, so that a backup finds its key. They never leave the server.', fingerprint: 'Fingerprint', opens: 'Opens the vault', added: 'Added', removed: 'Removed', change: 'Root keys are added and removed in a terminal, where the key itself is:', commands: ['chancery vault key add-root --new-key-file PATH', 'chancery vault key remove-root FINGERPRINT'], yes: 'yes', no: 'no longer',
  },
  jobs: {
    about: 'Long work on all secrets, or on all values of a column. It goes on in the server when you leave, and after a restart.', start: 'Start a job', empty: 'No jobs yet', emptyBody: 'Change a password everywhere, move everything to a new data key, check or clean up.', title: 'Start a job',
    kind: 'What to do', kinds: [['rotateKey', 'Move everything to a new data key'], ['changePassword', 'Change a password everywhere'], ['verify', 'Check every secret'], ['purge', 'Delete old deleted secrets for good']] as [SecretsJobKind, string][],
    about1: {
      rotateKey: 'Makes a data key and moves every version to it. Needs no password.', changePassword: 'Every secret that the old password opens is opened by the new one afterwards. The others stay as they are.', verify: 'Looks at every secret: whether it is as the vault wrote it, and whether it opens. Changes nothing.', purge: 'Secrets that were deleted before a time are taken out of the vault. Nobody can bring them back.',
    } satisfies Record<SecretsJobKind, string>,
    names: {
      rotateKey: 'Move to a new data key', changePassword: 'Change a password', verify: 'Check', purge: 'Purge', encryptColumn: 'Encrypt a column', reindexColumn: 'Seal a column anew', decryptColumn: 'Make a column readable', changeColumnType: 'Change the type of a column',
    } satisfies Record<JobKind, string>,
    oldPassword: 'Old password', newPassword: 'New password', newPasswordHint: 'Leave empty to take the password away.', deletedBefore: 'Deleted before', dryRun: 'Only try it (dry run): count what would be done, change nothing', speed: 'How fast', batch: 'Secrets in one batch', rate: 'Secrets a second, at most', rateHint: 'Leave empty for as fast as it goes.', run: 'Start', runDry: 'Try it', started: 'The job runs.',
    states: { running: 'running', paused: 'paused', waiting: 'waits for passwords', done: 'done', cancelled: 'cancelled', failed: 'failed' } as Words, dry: 'dry run',
    progress: (name: string) => `Progress of ${name}`, of: (seen: number, total: number) => `${figure(seen)} of ${figure(total)}`, steps: (seen: number, total: number) => `${figure(seen)} of ${n(total, 'step')}`, perSecond: (rate: number) => `${figure(Math.round(rate))} a second`, left: (ms: number) => (ms < 60_000 ? `about ${n(Math.max(1, Math.round(ms / 1000)), 'second')} left` : `about ${n(Math.round(ms / 60_000), 'minute')} left`), counts: { done: 'done', would: 'would be done', sound: 'are well', skipped: 'had nothing to do', failed: 'damaged' },
    columnCounts: {
      encryptColumn: { done: 'are encrypted', would: 'would be encrypted', skipped: 'have no value', failed: 'could not be' },
      reindexColumn: { done: 'are sealed anew', would: 'would be sealed anew', skipped: 'have no value', failed: 'could not be' },
      decryptColumn: { done: 'are readable', would: 'would be readable', skipped: 'have no value', failed: 'could not be' },
      changeColumnType: { done: 'have the new type', would: 'would have the new type', skipped: 'have no value', failed: 'became empty' },
    } as Partial<Record<JobKind, { done: string; would: string; skipped: string; failed: string }>>,
    repeated: (batches: number) => `${n(batches, 'batch', 'batches')} done again, since others changed something meanwhile`,
    pause: 'Pause', resume: 'Resume', cancel: 'Cancel', pauseOf: (name: string) => `Pause ${name}`, resumeOf: (name: string) => `Resume ${name}`, cancelOf: (name: string) => `Cancel ${name}`, forReal: 'Now do it', cancelTitle: 'Cancel the job?', cancelRun: 'Cancel the job', cancelBody: 'It stops after the batch it is working on. What it has done stays done.', cancelColumn: 'It stops, and the column is as it was.', keepOn: 'Let it run', passwordsTitle: 'The passwords again', passwordsBody: 'The job was interrupted. Passwords are kept nowhere, so it needs the same ones again to go on.', startedAt: 'Started', why: 'Why:',
  },
  columns: {
    titles: {
      encryptColumn: (name: string) => `Encrypt the values of ${name}`, reindexColumn: (name: string) => `Change the encryption of ${name}`, decryptColumn: (name: string) => `Make ${name} readable`,
    } satisfies Record<ColumnJobKind, (name: string) => string>,
    find: 'Find by value (index)',
    about: {
      encryptColumn: [
        'Everybody keeps reading and writing meanwhile. The values are seen until the job ends; after it there are masks, in the history, too.',
        'Backups, exports and import reports that were made earlier keep what they have.',
      ],
      reindexColumn: [
        'Everybody keeps reading and writing meanwhile. All values, in the history, too, are sealed anew with the newest data key and get the new masks.',
        'Backups, exports and import reports that were made earlier keep what they have.',
      ],
      decryptColumn: [
        'Whoever may read the table sees all values when the job ends, in the history, too. Encrypting them again later does not take back what was seen meanwhile.',
        'Everybody keeps reading and writing meanwhile. It is written into the audit.',
      ],
    } satisfies Record<ColumnJobKind, string[]>,
    run: { encryptColumn: 'Encrypt', reindexColumn: 'Change', decryptColumn: 'Make readable' } satisfies Record<ColumnJobKind, string>,
    ended: {
      encryptColumn: (name: string) => `All values of ${name} are encrypted.`, reindexColumn: (name: string) => `All values of ${name} are sealed anew.`, decryptColumn: (name: string) => `All values of ${name} are readable.`,
    } satisfies Record<ColumnJobKind, (name: string) => string>,
    tried: 'This was only tried. Nothing was changed.', goesOn: 'It goes on in the server when you leave.', leave: 'Close, it goes on', showJobs: 'Show the jobs', stopped: (name: string, why: string) => `The work on ${name} stopped. ${why}`,
  },
};
