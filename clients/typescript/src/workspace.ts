// A store's name as a workspace: found, or made. Drops none.

import { ChanceryError } from './errors.js';
import type { Chancery } from './http.js';

/** Longest slug the server takes, in bytes of UTF-8. */
const SLUG_BYTES_MAX = 80;

/**
 * The slug of the workspace for a name. A name that is a slug is its own; of any other the readable part is kept and a number
 * added that stands for the whole name, so that stores of different names never meet: `Team A` becomes `team-a-` and 8 digits.
 */
export function slugOf(name: string): string {
  const words = name.toLowerCase().match(/[\p{L}\p{N}_-]+/gu) ?? [];
  const joined = words.join('-').replace(/^-+/, '');
  // A slug starts with a letter.
  const slug = /^\p{L}/u.test(joined) ? joined : `w${joined}`;
  if (slug === name && bytes(slug) <= SLUG_BYTES_MAX) return slug;
  const end = `-${numberOf(name)}`;
  const letters = [...slug];
  while (bytes(letters.join('')) + end.length > SLUG_BYTES_MAX) letters.pop();
  return letters.join('') + end;
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** 32 bits of a text as 8 digits: FNV-1a, because what platforms offer takes a promise, and in pages a certificate. */
function numberOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    for (const byte of [unit & 0xff, unit >> 8]) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** The slug of a workspace that is there afterwards. */
export async function openWorkspace(http: Chancery, name: string): Promise<string> {
  const slug = slugOf(name);
  try {
    await http.get('/api/workspaces/{workspace}', { params: { workspace: slug } });
    return slug;
  } catch (error) {
    if (!(error instanceof ChanceryError) || error.code !== 'workspaceNotFound') throw error;
  }
  try {
    await http.post('/api/workspaces', { body: { name, slug } });
  } catch (error) {
    // Somebody else made it in the same moment.
    if (!(error instanceof ChanceryError) || error.code !== 'alreadyExists') throw error;
  }
  return slug;
}
