// The shapes the pages work with: those of the OpenAPI document, narrowed where the page knows more.
import type { components } from '../../../clients/typescript/src/schema';

type Schemas = components['schemas'];

export type User = Schemas['User'];
export type Grant = Schemas['Grant'];
export type Scope = Schemas['Scope'];
export type Role = Schemas['Role'];
export type UserCreate = Schemas['UserCreate'];
export type UserUpdate = Schemas['UserUpdate'];
export type Webhook = Schemas['Webhook'];
export type WebhookCreate = Schemas['WebhookCreate'];
export type WebhookUpdate = Schemas['WebhookUpdate'];
export type Delivery = Schemas['Delivery'];
export type StoreStats = Schemas['StoreStats'];
export type Aggregate = Schemas['Aggregate'];
export type AggregateFunction = Schemas['AggregateFunction'];
export type Table = Schemas['Table'];
export type TableCreate = Schemas['TableCreate'];
export type TableUpdate = Schemas['TableUpdate'];
export type TableStats = Schemas['TableStats'];
/** A view of a table as it is kept; `layout` is the grid's own. */
export type SavedView = Omit<Schemas['View'], 'settings'> & { settings: ViewSettings };
export type ViewSettings = Omit<Schemas['ViewSettings'], 'filter' | 'sort'> & { filter?: FilterNode; sort?: SortKey[] };
export type Column = Schemas['Column'];
/** As much of a column as reading and editing one value needs. */
export type FieldColumn = Pick<Column, 'slug' | 'name' | 'fieldType'> & Partial<Column>;
export type ColumnCreate = Schemas['ColumnCreate'];
export type ColumnUpdate = Schemas['ColumnUpdate'];
export type SelectOption = Schemas['SelectOption'];
export type AnalysedColumn = Schemas['AnalysedColumn'];
export type TypeSuggestion = Schemas['TypeSuggestion'];
export type Analysis = Schemas['FileAnalysis'];
export type ImportReport = Schemas['ImportReport'];
export type ImportStatus = Schemas['ImportStatus'];
export type ImportState = Schemas['ImportState'];
export type ImportDraft = Schemas['ImportDraft'];
export type ImportChange = Schemas['ImportChange'];
export type ImportOptions = Schemas['CsvOptions'];
export type RowError = Schemas['RowError'];
export type ApiKey = Schemas['ApiKey'];
export type ApiKeyCreate = Schemas['ApiKeyCreate'];
export type ApiKeyCreated = Schemas['ApiKeyCreated'];
export type Step = Schemas['HistoryStep'];
export type HistoryPage = Schemas['HistoryPage'];
export type Operation = Schemas['Operation'];
export type OperationPage = Schemas['OperationPage'];
export type RevertReport = Schemas['RevertReport'];
export type SecretInfo = Schemas['SecretInfo'];
export type SecretList = Schemas['SecretList'];
export type SecretQuery = Schemas['SecretQuery'];
export type SecretVersion = Schemas['SecretVersion'];
export type SecretCreate = Schemas['SecretCreate'];
export type SecretWrapInfo = Schemas['SecretWrapInfo'];
export type VaultStatus = Schemas['VaultStatus'];
export type VaultAuditEntry = Schemas['VaultAuditEntry'];
export type VaultReport = Schemas['VaultReport'];
export type VaultJobCreate = Schemas['VaultJobCreate'];
export type Job = Schemas['Job'];
export type JobKind = Schemas['JobKind'];
export type ColumnTypeChange = Partial<Schemas['ColumnTypeChange']> & { fieldType: string };
export type ColumnTypeChoices = Schemas['ColumnTypeChoices'];
export type ColumnTypePlan = Schemas['ColumnTypePlan'];
export type ValueChange = Schemas['ValueChange'];
export type ValueLosses = Schemas['ValueLosses'];
export type OptionMerged = Schemas['OptionMerged'];
export type DistinctValue = Schemas['DistinctValue'];
export type DistinctValues = Schemas['DistinctValues'];
export type TableImport = Schemas['TableImport'];
export type TableSettings = Schemas['TableSettings'];
export type Workspace = Schemas['Workspace'];
/** Jobs on all values of one column. */
export type ColumnJobKind = Extract<JobKind, 'encryptColumn' | 'reindexColumn' | 'decryptColumn'>;
/** Jobs on all secrets. */
export type SecretsJobKind = Exclude<JobKind, ColumnJobKind | 'changeColumnType'>;
export type ColumnMask = Schemas['ColumnMask'];
export type JobResume = Schemas['JobResume'];
export type Issue = Schemas['Issue'];
export type Problem = Schemas['Problem'];

/** A session of a person; keys have none in a page. */
export interface Session {
  user: User;
  csrfToken: string;
}

export type FieldType = Omit<Schemas['FieldType'], 'configSchema'> & { configSchema: ConfigSchema };

export interface ConfigSchema {
  properties?: Record<string, ConfigProperty>;
  required?: string[];
}

export interface ConfigProperty {
  type?: string | string[];
  title?: string;
  description?: string;
  enum?: string[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
}

/** What describes a kept file. */
export type FileFacts = Schemas['File'];

export type Data = Record<string, unknown> & { _display?: Record<string, string>; _files?: Record<string, FileFacts[]> };

/** A record whose id or key is text, as it stands in paths. */
export type Rec = Omit<Schemas['Record'], 'id' | 'data'> & { id: string; data: Data };

export type FilterNode = FilterGroup | FilterRule;

export interface FilterGroup {
  operator: 'and' | 'or';
  filters: FilterNode[];
}

export interface FilterRule {
  column: string;
  operator: string;
  value?: unknown;
}

export interface SortKey {
  column: string;
  direction: Schemas['Direction'];
  nulls?: Schemas['Nulls'];
}

export type Query = Omit<Schemas['Query'], 'filter'> & { filter?: FilterNode };

/** Numbers over what a filter and a search find, or over each group of it. */
export interface AggregateAsked {
  filter?: FilterNode;
  search?: Schemas['Search'];
  groupBy?: string[];
  aggregates: Aggregate[];
}

/** A number with more digits than JavaScript keeps is text. */
export interface AggregateAnswer {
  groups: { key: Record<string, unknown>; values: Record<string, number | string | null> }[];
}

export interface QueryReply {
  records: Rec[];
  pagination: Schemas['Pagination'];
}

export interface BulkItem {
  index: number;
  record?: Rec | null;
}

export type BulkReply = Omit<Schemas['BulkReply'], 'created' | 'updated' | 'unchanged'> & {
  created?: BulkItem[] | null;
  updated?: BulkItem[] | null;
  unchanged?: BulkItem[] | null;
};
