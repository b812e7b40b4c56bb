// The endpoints of forms: those who write a table keep them, strangers fill them in. Keeps nothing.
import { client, got } from './endpoints';
import type { Form, FormDraft } from './formWire';

const SOME = { limit: 1000 };

export const forms = {
  list: async (table: string): Promise<Form[]> =>
    (await got(client.GET('/api/tables/{table}/forms', { params: { path: { table }, query: SOME } }))).forms,
  create: (table: string, body: FormDraft) => got(client.POST('/api/tables/{table}/forms', { params: { path: { table } }, body })),
  update: (table: string, form: string, body: Partial<FormDraft>) =>
    got(client.PATCH('/api/tables/{table}/forms/{form}', { params: { path: { table, form } }, body })),
  remove: (table: string, form: string) => got(client.DELETE('/api/tables/{table}/forms/{form}', { params: { path: { table, form } } })),
};
