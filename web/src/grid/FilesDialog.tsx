// The files of one cell: brought, shown, taken out, put in order. Each change is written at once, like every edit of a cell, and can be undone.
import { Button, Group } from '@mantine/core';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { files as api } from '../api/endpoints';
import type { Rec } from '../api/wire';
import { isPreviewing, type Dropped } from '../files/around';
import { FileField } from '../files/FileField';
import { describedIn, idsOf, takesSeveral, valueOf } from '../files/facts';
import { useFiles } from '../files/known';
import { Outbox, type Ways } from '../files/outbox';
import { useMayFetch } from '../files/Thumb';
import { primaryOf } from '../fields/links';
import { displayText } from '../fields/registry';
import { text } from '../text/en';
import { words } from '../text/files';
import { Dialog } from '../ui/Dialog';
import { Problem } from '../ui/states';
import { show } from '../ui/toast';
import type { Editing, GridModel } from './model';
import type { GridWriter } from './writer';

interface DialogProps {
  grid: GridModel;
  writer: GridWriter;
  editing: Editing;
  /** What was dropped on the cell. */
  dropped: Dropped | null;
  close: () => void;
}

export default function FilesDialog({ grid, writer, editing, dropped, close }: DialogProps) {
  const { column } = editing;
  const slug = column.slug;
  const [own, setOwn] = useState(editing.record);
  const row = grid.pages.rowOf(own.id);
  const cached = row === undefined ? undefined : grid.pages.record(row);
  const record = cached && cached.version > own.version ? cached : own;
  const { files } = useFiles(record.data[slug], describedIn(record, column));
  const mayFetch = useMayFetch();
  const [error, setError] = useState<unknown>(null);
  const [asking, setAsking] = useState(false);
  // The newest there is, for what is sent while this is drawn.
  const [latest] = useState({ record });
  latest.record = record;

  const keep = (saved: Rec) => {
    latest.record = saved;
    setOwn(saved);
  };
  const relink = async (change: (ids: string[]) => string[]) => keep(await writer.relink(latest.record, column, (value) => valueOf(change(idsOf(value)), column)));
  const put = (change: (ids: string[]) => string[]) => {
    setError(null);
    return relink(change).catch(setError);
  };
  const ways: Ways = mayFetch
    ? {
        column,
        send: (file, onProgress, signal) => api.send(grid.place.workspaceId, file, onProgress, signal),
        announce: (file) => api.announce(grid.place.workspaceId, file),
        take: (came) => relink((ids) => [...(takesSeveral(column) ? ids : []), ...came.map((file) => file.id)]),
      }
    : {
        column,
        inTurn: true,
        send: async (file, onProgress, signal) => {
          const before = latest.record;
          const saved = await api.attach(grid.table, before.id, slug, file, onProgress, signal);
          writer.wrote(before, saved, column);
          keep(saved);
          return null;
        },
        announce: (file) => api.announce(grid.place.workspaceId, file),
        take: async () => undefined,
      };
  const [outbox] = useState(() => new Outbox(ways));
  outbox.ways = ways;
  useSyncExternalStore(outbox.subscribe, outbox.getVersion);
  useEffect(() => {
    if (dropped) outbox.add(dropped.files, idsOf(latest.record.data[slug]).length, dropped.folders);
    return () => outbox.stop();
  }, [outbox]);
  const { busy } = outbox;
  useEffect(() => {
    if (busy > 0 || !asking) return;
    // Whoever wanted to leave waited for these only; what did not come is there to be read.
    if (outbox.items.length === 0) close();
    else setAsking(false);
  }, [busy]);
  useEffect(() => {
    if (busy === 0) return;
    const stop = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', stop);
    return () => window.removeEventListener('beforeunload', stop);
  }, [busy]);
  const leave = () => {
    if (isPreviewing()) return;
    if (busy > 0) setAsking(true);
    else close();
  };
  const named = primaryOf(grid.layout.columns.map((place) => place.column));
  const name = (named && named.slug !== slug && displayText(record.data[named.slug], named, record.data._display?.[named.slug])) || text.record.unnamed;
  return (
    <Dialog onClose={leave} size="lg" title={words.of(column.name, name)} onKeyDown={(event) => event.stopPropagation()}>
      <FileField column={column} files={files} outbox={outbox} put={put} autoFocus />
      <Problem error={error} />
      {asking ? (
        <div className="warning files-asking" role="alert">
          <span>{words.busy(busy)}</span>
          <Group gap="xs">
            <Button variant="default" onClick={() => setAsking(false)}>
              {words.wait}
            </Button>
            <Button
              onClick={() => {
                outbox.stop();
                show(words.stopped);
                close();
              }}
            >
              {words.stopAll}
            </Button>
          </Group>
        </div>
      ) : (
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={leave}>
            {text.common.close}
          </Button>
        </Group>
      )}
    </Dialog>
  );
}
