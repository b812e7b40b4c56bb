// What people call a secret: its metadata, otherwise the end of its id, which differs also between secrets made at once.
import type { SecretInfo } from '../api/wire';

/** Secrets to work on at once: those of a page, or one. */
export type Chosen = readonly SecretInfo[];

export const HANDLE_CHARS = 8;

export function handleOf(id: string): string {
  return `…${id.slice(-HANDLE_CHARS)}`;
}

export function nameOf(secret: Pick<SecretInfo, 'id' | 'metadata'>): string {
  return secret.metadata.name || secret.metadata.label || handleOf(secret.id);
}
