// Everything a program may use. Holds nothing itself.

export { Store } from './store.js';
export type { OnOptions, StoreOptions, Subscription } from './store.js';
export { BucketHandle } from './bucket.js';
export type { Reading, WhereOptions } from './bucket.js';
export { Transaction, TransactionBucket } from './transaction.js';
export type { TransactionOptions } from './transaction.js';
export type { QueryContext, QueryFunction, ReadHandle } from './tracked.js';
export type { PushInfo } from './feeds.js';
export { Chancery } from './http.js';
export type { Answer, ChanceryOptions, Input, Method, Output, PathsWith, RawRequest } from './http.js';
export type { SocketClass, SocketLike } from './socket.js';
export { applied } from './frames.js';
export type { Change, EventFrame, Hello, Push, Refused, Result, ServerFrame, WireEvent } from './frames.js';
export {
  BucketAlreadyExistsError, BucketNotDefinedError, ChanceryError, ForeignKeyError, NotFoundError, QueryNotDefinedError,
  RevisionGoneError, TransactionConflictError, UniqueConstraintError, ValidationError,
} from './errors.js';
export type { Issue, Problem } from './errors.js';
export type * from './types.js';
export type { components, operations, paths } from './schema.js';
