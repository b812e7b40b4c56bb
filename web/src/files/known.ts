// What is known of files, asked for where nothing beside a value says it: in a history, or after a step was taken back.
import { useQueries } from '@tanstack/react-query';
import { files as api } from '../api/endpoints';
import type { FileFacts } from '../api/wire';
import { filesOf, type AnyFile } from './facts';
import { useMayFetch } from './Thumb';

/** The files of a value; those that are gone stay unknown. `pending` while they are asked for. */
export function useFiles(value: unknown, described?: readonly FileFacts[]): { files: AnyFile[]; pending: boolean } {
  const mayFetch = useMayFetch();
  const found = filesOf(value, described);
  const missing: AnyFile[] = mayFetch ? found.filter((file) => file.name === undefined) : [];
  const asked = useQueries({
    queries: missing.map(({ id }) => ({ queryKey: ['file', id], queryFn: () => api.one(id), staleTime: Infinity, retry: false })),
  });
  const files = found.map((file) => {
    const at = missing.indexOf(file);
    return (at < 0 ? undefined : asked[at]?.data) ?? file;
  });
  return { files, pending: asked.some((one) => one.isPending) };
}
