// A store's name as a workspace: found, or made. Drops none.

import { ChanceryError } from './errors.js';
import type { Chancery } from './http.js';

/** Longest slug, in characters of ASCII. */
const SLUG_MAX = 60;

/** The slug of the workspace for a name: `My Store!` becomes `my-store`. */
export function slugOf(name: string): string {
  const words = name.toLowerCase().match(/[\p{L}\p{N}_-]+/gu) ?? [];
  const slug = words.join('-').slice(0, SLUG_MAX);
  // A slug starts with a letter.
  return /^\p{L}/u.test(slug) ? slug : `w${slug}`;
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
