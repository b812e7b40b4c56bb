// One import as the server has it: asked for while it runs, changed in the order the changes were made. Draws nothing.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { keys, useImports } from '../api/queries';
import type { ImportChange, ImportStatus } from '../api/wire';
import { useReach } from '../shell/Connection';

const ASK_AGAIN_MS = 400;

export function useImport(id: string) {
  const client = useQueryClient();
  const imports = useImports();
  const key = keys.import(id);
  const query = useQuery<ImportStatus>({
    queryKey: key,
    queryFn: () => imports.one(id),
    refetchInterval: (of) => (of.state.data?.running ? ASK_AGAIN_MS : false),
    refetchOnMount: 'always',
  });
  const line = useRef<Promise<unknown>>(Promise.resolve());
  const last = useRef(0);
  const [waiting, setWaiting] = useState(0);
  const [error, setError] = useState<unknown>(null);

  /** Does something with the import after what was begun before; what it answers is the import from then on. */
  const act = useCallback(
    (work: () => Promise<ImportStatus>): Promise<ImportStatus | null> => {
      setWaiting((n) => n + 1);
      const turn = ++last.current;
      const done = line.current.then(async () => {
        await client.cancelQueries({ queryKey: key, exact: true });
        try {
          const next = await work();
          setError(null);
          // What was said since is shown already, and comes back with its own answer.
          if (turn === last.current) client.setQueryData(key, next);
          return next;
        } catch (cause) {
          setError(cause);
          await client.invalidateQueries({ queryKey: key, exact: true });
          return null;
        } finally {
          setWaiting((n) => n - 1);
        }
      });
      line.current = done;
      return done;
    },
    // The key is made of the id.
    [client, id],
  );

  /** Shows what is being said before the server confirms it. */
  const sketch = useCallback(
    (body: ImportChange) =>
      client.setQueryData<ImportStatus>(key, (old) =>
        old?.draft
          ? {
              ...old,
              draft: {
                ...old.draft,
                ...(body.mapping ? { mapping: body.mapping } : {}),
                ...(body.options ? { options: body.options } : {}),
                ...(body.newTable ? { newTable: body.newTable } : {}),
                check: null,
                failure: null,
              },
            }
          : old,
      ),
    [client, id],
  );

  const change = (body: ImportChange) => {
    sketch(body);
    return act(() => imports.change(id, body));
  };

  /** Does something once everything that was said has been answered. */
  const after = (then: () => void) => void line.current.then(then);

  // What was said while the server was away did not reach it: what it has is shown again.
  const reach = useReach();
  const wasAway = useRef(false);
  useEffect(() => {
    if (reach === 'online' && wasAway.current) {
      setError(null);
      void client.invalidateQueries({ queryKey: key, exact: true });
    }
    wasAway.current = reach !== 'online';
  }, [reach, client, id]);

  const over = query.data !== undefined && !query.data.running && !query.data.draft;
  const seenRunning = useRef(false);
  useEffect(() => {
    if (query.data?.running) seenRunning.current = true;
    // What other pages show of tables and operations is old once an import has written.
    if (over && seenRunning.current) {
      seenRunning.current = false;
      void client.invalidateQueries({ predicate: (one) => one.queryKey[0] !== keys.session[0] && one.queryKey[0] !== keys.imports[0] });
    }
  }, [over, query.data?.running, client]);

  return { query, act, change, sketch, after, busy: waiting > 0, error, forget: () => setError(null) };
}

export type Import = ReturnType<typeof useImport>;
