// What a form may ask for, and a form while it is changed. Pure.
import type { Form, FormDraft, FormField, PublicForm } from '../api/formWire';
import type { Column, Table } from '../api/wire';
import { editable } from '../fields/registry';

/** Types that show what is in other tables or in the vault, or need more than one request: the server refuses them. */
const PRIVATE = new Set(['relation', 'user', 'users', 'file', 'files', 'secret', 'json']);

export function askable(column: Column, table: Pick<Table, 'key'>): boolean {
  return editable(column) && !column.generated && column.slug !== table.key && !PRIVATE.has(column.fieldType);
}

export function proposed(table: Table, columns: Column[]): FormDraft {
  const fields = columns.filter((column) => askable(column, table)).map((column) => ({ column: column.slug, required: false }));
  return { name: table.name, description: '', thanks: '', open: true, fields };
}

export function draftOf({ name, description, thanks, open, fields }: Form): FormDraft {
  return { name, description, thanks, open, fields };
}

const blankless = (words: string | null | undefined) => (words?.trim() ? words.trim() : undefined);

/** As it is sent: labels and help that say nothing are left out. */
export function tidy(draft: FormDraft): FormDraft {
  const field = ({ column, label, help, required }: FormField): FormField => ({ column, label: blankless(label), help: blankless(help), required });
  return { ...draft, name: draft.name.trim(), fields: draft.fields.map(field) };
}

/** What strangers would get of it. */
export function shownOf(draft: FormDraft, columns: Column[]): PublicForm {
  const fields = draft.fields.flatMap((field) => {
    const column = columns.find((one) => one.slug === field.column);
    if (!column) return [];
    const { slug, fieldType, config, options } = column;
    const validation = { ...column.validation, required: column.validation.required || field.required === true };
    return [{ column: slug, label: blankless(field.label) ?? column.name, help: blankless(field.help), fieldType, config, validation, options }];
  });
  return { name: draft.name, description: draft.description, fields };
}
