// The files of a value that is no more, by their names. Those still kept can be fetched.
import type { FileFacts } from '../api/wire';
import { words } from '../text/files';
import { useFiles } from './known';
import { useMayFetch } from './Thumb';

export function FileNames({ value, described }: { value: unknown; described?: readonly FileFacts[] }) {
  const mayFetch = useMayFetch();
  const { files, pending } = useFiles(value, described);
  return files.map((file, i) => (
    <span key={file.id}>
      {i > 0 && ', '}
      {file.name === undefined ? (
        <em>{mayFetch && !pending ? words.unknown : words.unnamed}</em>
      ) : mayFetch ? (
        <a href={file.url} download={file.name}>
          {file.name}
        </a>
      ) : (
        file.name
      )}
    </span>
  ));
}
