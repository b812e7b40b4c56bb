// Deleting many records, part by part, and which of them cannot be deleted. Shows nothing.
import { records as api } from '../api/endpoints';
import { ApiError } from '../api/http';

/** The operation that a single commit is. */
export const operationOf = (revision: number) => `r${revision}`;

/** Some of the records cannot be deleted, so none of their part of the request is. */
export class DeletesRefused extends Error {
  constructor(
    /** By the id of each record that cannot. */
    readonly why: Map<string, string>,
    /** Of the parts before, which are done. */
    readonly operations: string[],
    /** The records that are not deleted. */
    readonly left: string[],
  ) {
    super([...why.values()][0] ?? '');
  }
}

/** Deletes records, so many at once, and answers the operations that it was. */
export async function removeAll(table: string, ids: string[], atOnce: number): Promise<string[]> {
  const operations: string[] = [];
  for (let i = 0; i < ids.length; i += atOnce) {
    const some = ids.slice(i, i + atOnce);
    try {
      const reply = await api.bulkDelete(table, some);
      if (reply.revision) operations.push(operationOf(reply.revision));
    } catch (error) {
      if (!(error instanceof ApiError) || !error.issues.some((issue) => issue.index !== undefined)) throw error;
      const why = new Map(error.issues.map(({ index, message }) => [some[index ?? 0] ?? '', message]));
      throw new DeletesRefused(why, operations, ids.slice(i));
    }
  }
  return operations;
}
