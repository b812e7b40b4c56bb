// A whole table out of its export: what it is, under which name, and then it is there.
import { Button, Group, Progress, Stack, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { tablePath, useWorkspace } from '../api/places';
import { tableFromJson } from '../api/shaping';
import { keys, queryClient, useTables } from '../api/queries';
import type { Table } from '../api/wire';
import { words } from '../text/shape';
import { issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import type { WholeTable } from './wholeTable';

const { whole: say } = words;
const FIELDS = ['name'] as const;

/** A name that no table has yet: `People 2`. */
function freeName(name: string, taken: (name: string) => boolean): string {
  if (!taken(name)) return name;
  let next = 2;
  while (taken(`${name} ${next}`)) next++;
  return `${name} ${next}`;
}

export function MakeWhole({ whole, into, other }: { whole: WholeTable; into?: Table; other: () => void }) {
  const tables = useTables().data ?? [];
  const taken = (name: string) => tables.some((one) => one.name.toLowerCase() === name.trim().toLowerCase());
  const [name, setName] = useState(() => freeName(whole.name, taken));
  const workspace = useWorkspace();
  const [, navigate] = useLocation();
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const refused = taken(name) ? say.taken(name.trim()) : issuesAt(error, FIELDS).name;
  const run = async () => {
    const made = await tableFromJson(whole.json, name.trim() === whole.name ? null : name.trim(), workspace);
    await queryClient.invalidateQueries({ queryKey: keys.tables });
    await queryClient.invalidateQueries({ queryKey: keys.imports });
    show(say.made(made.table?.name ?? name, made.import.created));
    navigate(made.table ? tablePath(made.table) : '/');
  };
  return (
    <form
      ref={form}
      className="narrow whole"
      onSubmit={(event) => {
        event.preventDefault();
        if (!taken(name)) void work(run);
      }}
    >
      <Stack gap="md">
        <Title order={2} size="h4">
          {say.title}
        </Title>
        <Text size="sm">{say.body(whole.columns, whole.records, whole.name)}</Text>
        {whole.masked.length > 0 && <div className="import-note">{say.masked(whole.masked.join(', '))}</div>}
        {into && <div className="import-note">{say.own(into.name)}</div>}
        <TextInput label={say.name} required autoFocus maxLength={120} value={name} error={refused} onChange={(event) => setName(event.currentTarget.value)} />
        {busy && (
          <div role="status">
            <Text size="sm">{say.making}</Text>
            <Progress value={100} animated striped aria-label={say.making} />
          </div>
        )}
        <Refusal error={error} fields={FIELDS} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" disabled={busy} onClick={other}>
            {say.other}
          </Button>
          <Button type="submit" loading={busy} disabled={name.trim() === '' || taken(name)}>
            {say.run}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
