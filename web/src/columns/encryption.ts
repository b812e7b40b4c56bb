// What can be asked for the values of a column: to be encrypted, and those of one that is there, to be so in another way. Starts nothing.
import type { Column, ColumnJobKind, ColumnMask, FieldType } from '../api/wire';
import { text } from '../text/en';

const MASKS: ColumnMask[] = ['full', 'last4', 'email'];

/** The masks to choose from. */
export const maskChoices = MASKS.map((value) => ({ value, label: text.columns.masks[value] }));

/** What the store can seal: not what it makes itself, nor one of a few options. */
export function mayEncrypt(type: FieldType): boolean {
  return !type.flags.computed && !type.flags.needsOptions && !type.flags.reference && type.id !== 'autoNumber';
}

/** The jobs that there are for a column. What a type always encrypts is never readable; what names a record is never sealed. */
export function jobsOn(column: Column, types: FieldType[] | undefined): ColumnJobKind[] {
  const type = types?.find((one) => one.id === column.fieldType);
  if (!type) return [];
  if (column.encrypted) return type.flags.encrypted ? ['reindexColumn'] : ['reindexColumn', 'decryptColumn'];
  return mayEncrypt(type) && !column.isPrimary ? ['encryptColumn'] : [];
}
