// Every word about who may do what where.
export const words = {
  comma: ', ', gone: 'a table that is gone', workspace: (name: string) => `everything in ${name}`, tableIn: (table: string, workspace: string) => `${table} (${workspace})`,
  does: {
    none: (place: string) => `sees nothing of ${place}`, read: (place: string) => `reads ${place}`, write: (place: string) => `writes ${place}`, admin: (place: string) => `writes and manages ${place}`,
  },
  where: (filter: string) => ` where ${filter}`, without: (columns: string) => `, without ${columns}`, readOnly: (columns: string) => `, only reading ${columns}`,
  same: (place: string) => `${place} as the role says`, andMore: (first: string, more: number) => `${first}; and ${more} more`,
  title: 'Other rights in some tables', about: 'The smaller place decides: a column before its table, a table before its workspace.',
  add: 'Table or workspace', place: (i: number) => `Place ${i}`, placeHint: 'Table or workspace', tables: 'Tables', workspaces: 'Workspaces', may: (place: string) => `What may be done with ${place}`,
  asAround: 'as the role says', unfinished: 'Finish the conditions, or take them away: without them every record would be seen.',
  scopes: [['none', 'see nothing'], ['read', 'read'], ['write', 'read and write'], ['admin', 'read, write and manage']] as [string, string][],
  remove: (place: string) => `Remove what is said of ${place}`, none: 'None: everywhere as the role says.', noneKey: 'None: everywhere as chosen above.', noneAtAll: 'None yet: without any, nothing is seen.',
  narrow: 'Columns and records', narrowOf: (place: string) => `Columns and records of ${place}`, columns: 'Columns', columnOf: (name: string) => `What may be done with ${name}`,
  column: [['', 'as the table'], ['read', 'only read'], ['none', 'hidden']] as [string, string][], records: 'Only these records', everything: 'All records.',
  nothingYet: 'Choose a table or a workspace.',
  sessionsEnd: 'They are signed out everywhere when this is saved.',
};

/** What somebody is told who is held to a part. */
export const held = {
  readOnly: (table: string) => `You may read ${table}, but not change it.`,
  part: (said: string) => `You see a part of this table. What you may do here: ${said}.`,
};
