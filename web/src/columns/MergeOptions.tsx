// Options of a select column that become one: ticked, counted by a dry run, merged one after the other, each taken back by its operation.
import { Button, Checkbox, Group, Select, Stack, Text } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useState } from 'react';
import { addressOf } from '../api/places';
import { keys, queryClient } from '../api/queries';
import { mergeOption } from '../api/shaping';
import type { Column, SelectOption, Table } from '../api/wire';
import { text } from '../text/en';
import '../styles/shape.css';
import { words } from '../text/shape';
import { Dialog } from '../ui/Dialog';
import { messageOf, Problem } from '../ui/states';
import { paletteColor } from '../ui/TableMark';
import { UndoButton } from '../ui/UndoButton';
import { useWork } from '../ui/work';

const { merge: say } = words;

interface Props {
  table: Table;
  column: Column;
  close: () => void;
}

/** One that was merged. */
interface Done {
  from: SelectOption;
  into: string;
  records: number;
  operation?: string | null;
  undone?: boolean;
}

export function MergeOptions({ table, column, close }: Props) {
  const [options, setOptions] = useState(column.options ?? []);
  const [into, setInto] = useState<string | null>(null);
  const [ticked, setTicked] = useState<string[]>([]);
  const [done, setDone] = useState<Done[]>([]);
  const { busy, error, work } = useWork();
  const going = options.filter((one) => ticked.includes(one.id) && one.id !== into);
  const run = () =>
    work(async () => {
      try {
        for (const option of going) {
          const merged = await mergeOption(addressOf(table), column.id, option.id, into ?? '', false);
          setDone((old) => [{ from: option, into: merged.option.name, records: merged.records, operation: merged.operationId }, ...old]);
          setOptions((old) => old.filter((one) => one.id !== option.id));
        }
      } finally {
        setTicked([]);
        await queryClient.invalidateQueries();
      }
    });
  const undone = (back: Done) => {
    setDone((old) => old.map((one) => (one === back ? { ...one, undone: true } : one)));
    setOptions((old) => [...old, back.from]);
  };
  return (
    <Dialog onClose={close} title={say.title(column.name)}>
      <Stack gap="md">
        {done.length > 0 && <Merged done={done} undone={undone} />}
        {options.length < 2 ? (
          <Text size="sm">{say.none}</Text>
        ) : (
          <>
            <Text size="sm">{say.body}</Text>
            <Select
              label={say.into}
              placeholder={say.choose}
              searchable
              data-autofocus
              data={options.map((one) => ({ value: one.id, label: one.name }))}
              value={into}
              onChange={setInto}
            />
            <Going table={table} column={column} options={options} into={into} ticked={ticked} setTicked={setTicked} />
          </>
        )}
        <Problem error={error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {done.length > 0 ? text.common.close : text.common.cancel}
          </Button>
          {options.length >= 2 && (
            <Button loading={busy} disabled={into === null || going.length === 0} onClick={() => void run()}>
              {say.run(going.length)}
            </Button>
          )}
        </Group>
      </Stack>
    </Dialog>
  );
}

function Merged({ done, undone }: { done: Done[]; undone: (back: Done) => void }) {
  return (
    <ul className="merged" role="status">
      {done.map((one, i) => (
        <li key={i}>
          <span>{one.records > 0 ? say.merged(one.from.name, one.into, one.records) : say.mergedNone(one.from.name, one.into)}</span>
          {one.undone ? (
            <span className="dimmed">{say.taken}</span>
          ) : (
            one.operation && <UndoButton operation={one.operation} size="compact-xs" done={() => undone(one)} />
          )}
        </li>
      ))}
    </ul>
  );
}

interface GoingProps {
  table: Table;
  column: Column;
  options: SelectOption[];
  into: string | null;
  ticked: string[];
  setTicked: (ticked: string[]) => void;
}

/** What may go, each with how many records hold it once it is ticked. */
function Going({ table, column, options, into, ticked, setTicked }: GoingProps) {
  const asked = options.filter((one) => into !== null && one.id !== into && ticked.includes(one.id));
  const counts = useQueries({
    queries: asked.map((one) => ({
      queryKey: [...keys.table(addressOf(table)), 'mergeOption', one.id, into],
      queryFn: () => mergeOption(addressOf(table), column.id, one.id, into ?? '', true),
      staleTime: 0,
      retry: false,
    })),
  });
  const saidOf = (option: SelectOption): string => {
    const at = asked.indexOf(option);
    const found = at < 0 ? undefined : counts[at];
    if (!found) return '';
    if (found.error) return messageOf(found.error);
    return found.data ? say.holds(found.data.records, found.data.views) : say.counting;
  };
  return (
    <fieldset className="options merge-options">
      <legend>{say.go}</legend>
      <ul>
        {options.map((one) => (
          <li key={one.id}>
            <Checkbox
              size="sm"
              className="grow"
              label={
                <span className="with-icon">
                  <span className="swatch" data-color={paletteColor(one.color)} aria-hidden /> {one.name}
                </span>
              }
              disabled={one.id === into}
              checked={one.id !== into && ticked.includes(one.id)}
              onChange={(event) => setTicked(event.currentTarget.checked ? [...ticked, one.id] : ticked.filter((id) => id !== one.id))}
            />
            <span className="dimmed" data-holds={one.name}>
              {saidOf(one)}
            </span>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}
