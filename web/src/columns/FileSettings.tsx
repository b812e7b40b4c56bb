// What a column for files takes: which kinds, how large, how many. The server judges it.
import { Button, Group, NumberInput, Select, SimpleGrid, TextInput } from '@mantine/core';
import { useState } from 'react';
import { takesSeveral } from '../files/facts';
import { text } from '../text/en';
import { words } from '../text/files';

const UNITS = { kB: 1e3, MB: 1e6, GB: 1e9 } as const;
type Unit = keyof typeof UNITS;

const w = words.settings;

interface Props {
  fieldType: string;
  config: Record<string, unknown>;
  change: (config: Record<string, unknown>) => void;
  /** What the server says of a setting. */
  issue: (field: string) => string | undefined;
}

/** The largest unit in which a size is a short number. */
function unitOf(bytes: number): Unit {
  const fits = (unit: Unit) => bytes >= UNITS[unit] && bytes % (UNITS[unit] / 1000) === 0;
  return fits('GB') ? 'GB' : fits('MB') || bytes === 0 ? 'MB' : 'kB';
}

const partsOf = (accept: string): string[] => accept.split(',').map((one) => one.trim()).filter(Boolean);

export default function FileSettings({ fieldType, config, change, issue }: Props) {
  const accept = typeof config.accept === 'string' ? config.accept : '';
  const bytes = typeof config.maxSize === 'number' ? config.maxSize : 0;
  const [unit, setUnit] = useState<Unit>(() => unitOf(bytes));
  const put = (name: string, value: unknown) => {
    const { [name]: _old, ...rest } = config;
    change(value === undefined || value === '' || value === 0 ? rest : { ...rest, [name]: value });
  };
  const chosen = new Set(partsOf(accept));
  const toggle = (kinds: string) => {
    const parts = partsOf(kinds);
    const on = parts.every((one) => chosen.has(one));
    const rest = partsOf(accept).filter((one) => !parts.includes(one));
    put('accept', [...rest, ...(on ? [] : parts)].join(', '));
  };
  return (
    <fieldset className="config">
      <legend>{text.columns.settings}</legend>
      <TextInput size="xs" label={w.kinds} description={w.kindsHint} error={issue('config.accept')} spellCheck={false} value={accept} onChange={(event) => put('accept', event.currentTarget.value)} />
      <Group gap={6} mt={8} mb="sm" role="group" aria-label={w.common}>
        {Object.entries(w.choices).map(([kinds, name]) => {
          const on = partsOf(kinds).every((one) => chosen.has(one));
          return (
            <Button key={kinds} size="compact-xs" variant={on ? 'light' : 'default'} aria-pressed={on} onClick={() => toggle(kinds)}>
              {name}
            </Button>
          );
        })}
      </Group>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <Group gap={6} align="flex-end" wrap="nowrap">
          <NumberInput
            size="xs"
            className="grow"
            label={w.size}
            description={w.sizeHint}
            error={issue('config.maxSize')}
            min={0}
            decimalScale={3}
            value={bytes > 0 ? bytes / UNITS[unit] : ''}
            onChange={(next) => put('maxSize', typeof next === 'number' ? Math.round(next * UNITS[unit]) : undefined)}
          />
          <Select
            size="xs"
            w={76}
            aria-label={w.unit}
            allowDeselect={false}
            data={Object.keys(UNITS)}
            value={unit}
            onChange={(next) => {
              const to = (next ?? unit) as Unit;
              if (bytes > 0) put('maxSize', Math.round((bytes / UNITS[unit]) * UNITS[to]));
              setUnit(to);
            }}
          />
        </Group>
        {takesSeveral({ fieldType }) && (
          <NumberInput
            size="xs"
            label={w.count}
            description={w.countHint}
            error={issue('config.maxFiles')}
            min={1}
            max={1000}
            allowDecimal={false}
            placeholder="1000"
            value={typeof config.maxFiles === 'number' ? config.maxFiles : ''}
            onChange={(next) => put('maxFiles', typeof next === 'number' ? next : undefined)}
          />
        )}
      </SimpleGrid>
    </fieldset>
  );
}
