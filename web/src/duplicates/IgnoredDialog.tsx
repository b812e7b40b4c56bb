// What was said to be no duplicates, by the names of the records; each can be taken back. Finds nothing.
import { Button, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Undo2 } from 'lucide-react';
import { useState } from 'react';
import { duplicates as api, type Ignored } from '../api/duplicates';
import { records } from '../api/endpoints';
import { addressOf } from '../api/places';
import { keys, queryClient, useNames } from '../api/queries';
import type { Column, Table } from '../api/wire';
import { nameOf } from '../fields/links';
import { text } from '../text/en';
import { words } from '../text/duplicates';
import { Dialog } from '../ui/Dialog';
import { Failure, Loading, Problem } from '../ui/states';
import { ago, when } from '../ui/time';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';

const SHOWN_AT_ONCE = 50;
const NAMES_MAX = 4;

interface IgnoredProps {
  table: Table;
  columns: Column[];
  ignored: Ignored[];
  mayEdit: boolean;
  close: () => void;
}

/** The names of the records; those that are gone have none. */
function useRecordNames(table: Table, columns: Column[], ids: string[]) {
  return useQuery({
    queryKey: keys.duplicates(addressOf(table), 'names', ids),
    enabled: ids.length > 0,
    queryFn: async ({ signal }) => {
      const numbered = columns.find((column) => column.slug === table.key)?.fieldType === 'number';
      const filter = { column: table.key, operator: 'in', value: numbered ? ids.map(Number) : ids };
      const reply = await records.query(addressOf(table), { filter, pagination: { type: 'offset', offset: 0, limit: 1000 }, includeDisplay: true }, signal);
      return new Map(reply.records.map((record) => [String(record.id), nameOf({ ...table, columns }, record)]));
    },
  });
}

export function IgnoredDialog({ table, columns, ignored, mayEdit, close }: IgnoredProps) {
  const [most, setMost] = useState(SHOWN_AT_ONCE);
  const shown = [...ignored].reverse().slice(0, most);
  const names = useRecordNames(table, columns, [...new Set(shown.flatMap((one) => one.recordIds.slice(0, NAMES_MAX)))]);
  return (
    <Dialog onClose={close} title={words.apart.title} size="lg">
      <Text size="sm" c="dimmed" mb="sm">
        {ignored.length === 0 ? words.apart.empty : words.apart.body}
      </Text>
      {names.isError && <Failure error={names.error} retry={() => void names.refetch()} />}
      {names.isLoading ? (
        <Loading rows={3} />
      ) : (
        <Stack gap={0} component="ul" className="dup-ignored">
          {shown.map((one) => (
            <Line key={one.id} address={addressOf(table)} one={one} names={names.data} mayEdit={mayEdit} />
          ))}
        </Stack>
      )}
      {ignored.length > most && (
        <Button variant="default" fullWidth mt="sm" onClick={() => setMost(most + SHOWN_AT_ONCE)}>
          {text.common.more}
        </Button>
      )}
    </Dialog>
  );
}

function Line({ address, one, names, mayEdit }: { address: string; one: Ignored; names: Map<string, string> | undefined; mayEdit: boolean }) {
  const { busy, error, work } = useWork();
  const who = useNames();
  const some = one.recordIds.slice(0, NAMES_MAX).map((id) => names?.get(id) ?? words.apart.gone);
  const called = some.join(words.apart.between) + (one.recordIds.length > NAMES_MAX ? ' …' : '');
  const takeBack = async () => {
    await api.takeBack(address, one.id);
    show(words.apart.takenBack);
    await queryClient.invalidateQueries({ queryKey: keys.duplicates(address, 'ignored') });
  };
  return (
    <li>
      <span>
        {called}
        <Text size="xs" c="dimmed" title={when(one.createdAt)}>
          {ago(one.createdAt)} · {who(one.createdBy)}
        </Text>
        <Problem error={error} />
      </span>
      {mayEdit && (
        <Button size="compact-xs" variant="default" loading={busy} leftSection={<Undo2 size={12} />} aria-label={words.apart.takeBackLabel(called)} onClick={() => void work(takeBack)}>
          {words.apart.takeBack}
        </Button>
      )}
    </li>
  );
}
