// The files of a field in a form: what is brought here is sent at once, and named by the record when the form is saved.
import { Input } from '@mantine/core';
import { useEffect, useId, useState, useSyncExternalStore } from 'react';
import { files as api } from '../api/endpoints';
import { useWorkspace } from '../api/places';
import type { FieldProps } from '../fields/PlainInput';
import { aroundInput } from '../fields/PlainInput';
import { words } from '../text/files';
import { FileField } from './FileField';
import { idsOf, takesSeveral, valueOf } from './facts';
import { useFiles } from './known';
import { Outbox, type Ways } from './outbox';
import { useMayFetch } from './Thumb';

export function FilesInput(props: FieldProps) {
  const { column, value, change, readOnly, described, sending } = props;
  const { id, onBlur: _onBlur, required: _required, ...around } = aroundInput(props);
  const { files } = useFiles(value, described);
  // Whoever is held to some tables brings nothing that no record names yet.
  const mayBring = useMayFetch();
  const workspace = useWorkspace();
  const label = useId();
  const put = (next: (ids: string[]) => string[]) => {
    latest.value = valueOf(next(idsOf(latest.value)), column);
    change(latest.value);
  };
  const [latest] = useState({ value });
  latest.value = value;
  const ways: Ways = {
    column,
    send: (file, onProgress, signal) => api.send(workspace, file, onProgress, signal),
    announce: (file) => api.announce(workspace, file),
    take: async (came) => put((ids) => (takesSeveral(column) ? [...ids, ...came.map((file) => file.id)] : came.map((file) => file.id))),
  };
  const [outbox] = useState(() => new Outbox(ways));
  outbox.ways = ways;
  useSyncExternalStore(outbox.subscribe, outbox.getVersion);
  const { busy } = outbox;
  useEffect(() => sending?.(busy), [busy]);
  useEffect(
    () => () => {
      outbox.stop();
      sending?.(0);
    },
    [outbox],
  );
  return (
    <Input.Wrapper {...around} label={<span id={label}>{around.label}</span>} labelElement="div">
      <div role="group" aria-labelledby={label}>
        <FileField column={column} files={files} outbox={outbox} put={put} readOnly={readOnly} id={id} note={!readOnly && !mayBring ? words.later : undefined} />
      </div>
    </Input.Wrapper>
  );
}
