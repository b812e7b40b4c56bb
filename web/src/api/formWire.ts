// The shapes of forms. Asks for nothing, so that the page of strangers carries no client.
import type { components } from '../../../clients/typescript/src/schema';

type Schemas = components['schemas'];

export type Form = Schemas['Form'];
export type FormField = Schemas['FormField'];
/** A form as it is made. */
export type FormDraft = Required<{ [K in 'name' | 'description' | 'thanks' | 'open' | 'fields']: NonNullable<Schemas['FormCreate'][K]> }>;
export type PublicForm = Schemas['PublicForm'];
export type PublicField = Schemas['PublicField'];
