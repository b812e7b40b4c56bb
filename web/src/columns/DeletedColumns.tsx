// The columns of a table that were deleted, and their way back.
import { Button, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { RotateCcw } from 'lucide-react';
import { useRef, useState } from 'react';
import { columns as api } from '../api/endpoints';
import { keys, useFieldTypes } from '../api/queries';
import type { Column } from '../api/wire';
import { fieldTypeName, kindOfColumn } from '../fields/registry';
import { text } from '../text/en';
import { focusHome } from '../ui/focus';
import { ago, when } from '../ui/time';
import { bringBack } from './deleting';

export function DeletedColumns({ table, refresh }: { table: string; refresh: () => Promise<unknown> }) {
  const types = useFieldTypes();
  const found = useQuery({ queryKey: keys.deletedColumns(table), queryFn: () => api.deleted(table), refetchOnMount: 'always' });
  const [busy, setBusy] = useState<string | null>(null);
  const head = useRef<HTMLHeadingElement>(null);
  const all = found.data ?? [];
  if (all.length === 0) return null;
  const restore = async (column: Column) => {
    setBusy(column.id);
    const back = await bringBack(table, column, refresh);
    setBusy(null);
    if (!back) return;
    // What had the focus goes with its row.
    if (all.length > 1) head.current?.focus();
    else focusHome();
  };
  return (
    <section className="page-section">
      <Title order={2} size="h4" ref={head} tabIndex={-1}>
        {text.columns.gone}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {text.columns.goneBody}
      </Text>
      <ul className="column-list deleted-columns">
        {all.map((column) => {
          const Icon = kindOfColumn(column).icon;
          return (
            <li key={column.id}>
              <Icon size={16} aria-hidden className="head-icon" />
              <span className="column-name">
                <strong>{column.name}</strong>
                <span className="dimmed">
                  {fieldTypeName(types.data, column.fieldType)} · <code>{column.slug}</code> · <span title={when(column.deletedAt)}>{ago(column.deletedAt)}</span>
                </span>
              </span>
              <Button size="compact-sm" variant="default" loading={busy === column.id} leftSection={<RotateCcw size={14} />} aria-label={text.columns.restoreLabel(column.name)} onClick={() => void restore(column)}>
                {text.columns.restore}
              </Button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
