// The errors of the client, one class for each thing a caller may want to catch. Sends nothing and retries nothing.

/** One report that a value breaks a constraint; the server's words. */
export interface Issue {
  /** The field, or a path into it: `address.street`, `items[0].sku`. */
  field: string;
  /** What is wrong, for a person. */
  message: string;
  /** The constraint that is broken: `required`, `type`, `min` … */
  code: string;
  /** With many records at once: the position of the record, from 0. */
  index?: number;
  /** The numbers and names in the message, for a program. */
  params?: Record<string, unknown>;
}

/** A refusal as it stands on the wire: RFC 9457 over HTTP, the member `error` on the WebSocket. */
export interface Problem {
  code?: string;
  title?: string;
  status?: number;
  detail?: string;
  hint?: string;
  requestId?: string;
  errors?: Issue[];
  params?: Record<string, unknown>;
  current?: unknown;
}

/** Anything that failed. The more telling classes below extend it. */
export class ChanceryError extends Error {
  override name = 'ChanceryError';
  /** The server's code (the table is at `/api/docs`), or `connectionLost`, `timeout`, `stopped`, `unreachable` of the client. */
  readonly code: string;
  /** The HTTP status that goes with the code; 0 where no server answered. */
  readonly status: number;
  /** What to do next, where the server knows it. */
  readonly hint: string | undefined;
  /** The id under which the server's log holds more. */
  readonly requestId: string | undefined;
  /** Every single issue, where values were examined. */
  readonly issues: Issue[];
  /** The names and numbers of the refusal, for a program. */
  readonly params: Record<string, unknown>;
  /** With `versionConflict`: the record as it is now. */
  readonly current: unknown;

  constructor(problem: Problem, message?: string) {
    super(message ?? problem.detail ?? problem.title ?? 'The request failed.');
    this.code = problem.code ?? 'internal';
    this.status = problem.status ?? 0;
    this.hint = problem.hint;
    this.requestId = problem.requestId;
    this.issues = problem.errors ?? [];
    this.params = problem.params ?? {};
    this.current = problem.current;
  }
}

/** Values break constraints; nothing was stored. `issues` holds all of them. */
export class ValidationError extends ChanceryError {
  override name = 'ValidationError';
  constructor(problem: Problem, readonly bucket: string) {
    const issues = (problem.errors ?? []).map((issue) => `${issue.field}: ${issue.message}`).join('; ');
    super(problem, `Validation failed for bucket "${bucket}": ${issues || (problem.detail ?? '')}`);
  }
}

/** Another record has the value, or the key. */
export class UniqueConstraintError extends ChanceryError {
  override name = 'UniqueConstraintError';
  constructor(problem: Problem, readonly bucket: string, readonly field: string, readonly value: unknown) {
    super(
      problem,
      `Unique constraint violation in bucket "${bucket}": field "${field}" already has value ${JSON.stringify(value) ?? '(unknown)'}`,
    );
  }
}

/** Something that the transaction read or wrote was changed meanwhile, and repeating it did not help. */
export class TransactionConflictError extends ChanceryError {
  override name = 'TransactionConflictError';
  constructor(problem: Problem, readonly bucket: string, readonly key: string | number | undefined) {
    super(problem, `Transaction conflict in bucket "${bucket}"${key === undefined ? '' : ` for key "${key}"`}: ${problem.detail ?? ''}`);
  }
}

/** The bucket is defined already. */
export class BucketAlreadyExistsError extends ChanceryError {
  override name = 'BucketAlreadyExistsError';
  constructor(problem: Problem, readonly bucket: string) {
    super(problem, `Bucket "${bucket}" already exists`);
  }
}

/** No such bucket. */
export class BucketNotDefinedError extends ChanceryError {
  override name = 'BucketNotDefinedError';
  constructor(problem: Problem, readonly bucket: string) {
    super(problem, `Bucket "${bucket}" is not defined`);
  }
}

/** No such query. */
export class QueryNotDefinedError extends ChanceryError {
  override name = 'QueryNotDefinedError';
  constructor(problem: Problem, readonly query: string) {
    super(problem, `Query "${query}" is not defined`);
  }
}

/** A reference would point at nothing: the record referred to is missing, or others still refer to the one to delete. */
export class ForeignKeyError extends ChanceryError {
  override name = 'ForeignKeyError';
  constructor(problem: Problem, readonly bucket: string, readonly field: string | undefined) {
    super(problem);
  }
}

/** No record has this key. */
export class NotFoundError extends ChanceryError {
  override name = 'NotFoundError';
  constructor(problem: Problem, readonly bucket: string, readonly key: string | number | undefined) {
    super(problem, `Record with key "${key ?? ''}" not found in bucket "${bucket}"`);
  }
}

/** The change log does not go back as far as asked for: read anew and go on from the current revision. */
export class RevisionGoneError extends ChanceryError {
  override name = 'RevisionGoneError';
}

/** What a request was about, so that its refusal can say it. */
export interface About {
  bucket?: string;
  key?: string | number;
  /** The name of the column that is the bucket's key. */
  keyField?: string;
  query?: string;
  /** The records that were sent. */
  records?: readonly Record<string, unknown>[];
}

/** The error for a refusal, as telling as what is known allows. */
export function errorFrom(problem: Problem, about: About = {}): ChanceryError {
  const named = problem.params ?? {};
  const bucket = about.bucket ?? text(named['table']) ?? text(named['bucket']) ?? '';
  switch (problem.code) {
    case 'validationFailed':
      return referenceIssue(problem, bucket) ?? new ValidationError(problem, bucket);
    case 'uniqueViolation':
      return unique(problem, about, bucket);
    case 'alreadyExists':
      if (about.records !== undefined) {
        const field = about.keyField ?? 'id';
        return new UniqueConstraintError(problem, bucket, field, about.key ?? about.records[0]?.[field]);
      }
      return about.bucket === undefined ? new ChanceryError(problem) : new BucketAlreadyExistsError(problem, bucket);
    case 'transactionConflict':
      return new TransactionConflictError(problem, text(named['table']) ?? bucket, keyOf(named['key']));
    case 'tableNotFound':
    case 'bucketNotFound':
      return new BucketNotDefinedError(problem, bucket);
    case 'queryNotFound':
      return new QueryNotDefinedError(problem, about.query ?? text(named['query']) ?? '');
    case 'referenced':
    case 'referenceViolation':
      return new ForeignKeyError(problem, bucket, text(named['column']) ?? text(named['field']) ?? problem.errors?.[0]?.field);
    case 'recordNotFound':
    case 'gone':
      return new NotFoundError(problem, bucket, about.key ?? keyOf(named['key']));
    case 'revisionGone':
      return new RevisionGoneError(problem);
    default:
      return new ChanceryError(problem);
  }
}

/** Where every issue is a reference to a record that is not there. */
function referenceIssue(problem: Problem, bucket: string): ForeignKeyError | undefined {
  const issues = problem.errors ?? [];
  const all = issues.length > 0 && issues.every((issue) => issue.code === 'ref' || issue.code === 'reference');
  return all ? new ForeignKeyError(problem, bucket, issues[0]?.field) : undefined;
}

function unique(problem: Problem, about: About, bucket: string): UniqueConstraintError {
  const issue = problem.errors?.[0];
  const field = issue?.field ?? text(problem.params?.['field']) ?? '';
  const sent = about.records?.[issue?.index ?? 0]?.[field];
  return new UniqueConstraintError(problem, bucket, field, sent ?? issue?.params?.['value'] ?? problem.params?.['value']);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function keyOf(value: unknown): string | number | undefined {
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}
