// The value of an encrypted field: asked for by those who may, shown for a short while, and kept nowhere else.
import { Button } from '@mantine/core';
import { Eye } from 'lucide-react';
import { lazy, Suspense, useEffect, useState } from 'react';
import { records as api } from '../api/endpoints';
import { addressOf } from '../api/places';
import { valueText } from '../fields/registry';
import type { Column, Rec, Table } from '../api/wire';
import { text } from '../text/en';
import { Problem } from '../ui/states';
import { useWork } from '../ui/work';

const Shown = lazy(() => import('../vault/Shown').then((all) => ({ default: all.Shown })));

export function RevealCell({ table, column, record }: { table: Table; column: Column; record: Rec }) {
  const [value, setValue] = useState<string | null>(null);
  const { busy, error, work } = useWork();
  useEffect(() => setValue(null), [record.id, record.version]);
  const reveal = async () => {
    const { values } = await api.reveal(addressOf(table), record.id, [column.slug]);
    // As its type reads, not as the mask of the column does.
    setValue(valueText(values[column.slug], { ...column, encrypted: undefined }));
  };
  if (value !== null) {
    return (
      <Suspense fallback={null}>
        <Shown value={{ value }} hide={() => setValue(null)} />
      </Suspense>
    );
  }
  return (
    <div>
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<Eye size={13} aria-hidden />}
        loading={busy}
        aria-label={text.record.revealLabel(column.name)}
        onClick={() => void work(reveal)}
      >
        {text.record.reveal}
      </Button>
      <Problem error={error} />
    </div>
  );
}
