// Export of a table: in which form, which records, which columns, and how what they name is written.
import { Button, Checkbox, Group, Radio, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import { Download } from 'lucide-react';
import { useState } from 'react';
import { seesPart } from '../access/rights';
import { addressOf } from '../api/places';
import type { ExportFormat } from '../api/shaping';
import type { Column, Table } from '../api/wire';
import { effective } from '../filter/model';
import { text } from '../text/en';
import { words } from '../text/shape';
import { Dialog } from '../ui/Dialog';
import { Problem } from '../ui/states';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import { download, fits, KEYS_IN_ADDRESS_MAX, type Asked, type Ticked } from './exporting';
import { byLikeness, type GridModel, type View } from './model';

const { exports: say } = words;

type Which = 'all' | 'current' | 'selected';

/** Types whose values name records or people. */
const NAMING = new Set(['relation', 'user', 'users', 'createdBy', 'updatedBy', 'lookup']);

interface Props {
  table: Table;
  columns: Column[];
  view: View;
  grid: GridModel;
  /** Which records are meant where it is opened. */
  which?: Which;
  close: () => void;
}

const choices = (names: Record<string, string>) => Object.entries(names).map(([value, label]) => ({ value, label }));

export function ExportDialog({ table, columns, view, grid, which: meant, close }: Props) {
  const part = seesPart(table);
  const filter = effective(view.filter);
  const narrowed = filter !== undefined || view.sort.length > 0 || view.search !== '';
  const marked = grid.markedRows;
  const [format, setFormat] = useState<ExportFormat>('csv');
  const [which, setWhich] = useState<Which>(meant ?? (narrowed ? 'current' : 'all'));
  const [shownOnly, setShownOnly] = useState(false);
  const [withId, setWithId] = useState(false);
  const [header, setHeader] = useState<Asked['header']>('names');
  const [links, setLinks] = useState<Asked['links']>('label');
  const [escape, setEscape] = useState(true);
  const { busy, error, work } = useWork();
  const shown = columns.filter((one) => one.isVisible !== false);
  const formats = (Object.keys(say.formats) as ExportFormat[]).filter((one) => one !== 'json' || !part);
  const ticked: Ticked | undefined = which === 'selected' ? { all: grid.marks.all, keys: [...grid.marks.except] } : undefined;
  const tooMany = ticked !== undefined && !fits(format, ticked);
  const run = async () => {
    const some = which !== 'all';
    const listed = (shownOnly ? shown : columns).map((one) => one.slug);
    // Of objects, the id is first anyway, unless columns are named.
    const id = format === 'ndjson' ? shownOnly : withId;
    const asked: Asked = {
      table: addressOf(table), format, header, links, escape,
      filter: some ? filter : undefined,
      sort: some ? grid.sort : [],
      search: some ? view.search : '',
      fuzzy: byLikeness(view),
      columns: shownOnly || id ? [...(id && table.key === 'id' ? ['id'] : []), ...listed] : undefined,
    };
    const name = `${table.slug}${ticked ? '-selection' : ''}.${format}`;
    await download(asked, ticked, name, () => keysOf(grid));
    show(say.done(name));
    close();
  };
  return (
    <Dialog onClose={close} size="lg" title={say.titleOf(table.name)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void work(run);
        }}
      >
        <Stack gap="md">
          <Radio.Group label={say.format} value={format} onChange={(value) => setFormat(value as ExportFormat)}>
            <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm" mt={6}>
              {formats.map((one) => (
                <Radio key={one} size="sm" value={one} label={say.formats[one]} description={say.bodies[one]} />
              ))}
            </SimpleGrid>
          </Radio.Group>
          {part && (
            <Text size="xs" c="dimmed">
              {say.partOnly}
            </Text>
          )}
          {(narrowed || marked > 0) && (
            <Radio.Group label={say.which} value={which} onChange={(value) => setWhich(value as Which)}>
              <Stack gap={6} mt={6}>
                <Radio size="sm" value="all" label={say.all} />
                {narrowed && <Radio size="sm" value="current" label={byLikeness(view) ? say.currentAlike : say.current} />}
                {marked > 0 && <Radio size="sm" value="selected" label={say.selected(marked)} />}
              </Stack>
            </Radio.Group>
          )}
          {format !== 'json' && (
            <>
              {shown.length < columns.length && (
                <Radio.Group label={say.columns} value={shownOnly ? 'shown' : 'all'} onChange={(value) => setShownOnly(value === 'shown')}>
                  <Group gap="lg" mt={6}>
                    <Radio size="sm" value="all" label={say.allColumns(columns.length)} />
                    <Radio size="sm" value="shown" label={say.visibleColumns(shown.length)} />
                  </Group>
                </Radio.Group>
              )}
              <Group gap="md" align="flex-start" grow>
                {columns.some((one) => NAMING.has(one.fieldType)) && (
                  <Select label={say.links} allowDeselect={false} data={choices(say.linksChoices)} value={links} onChange={(next) => setLinks((next ?? 'label') as Asked['links'])} />
                )}
                {format !== 'ndjson' && (
                  <Select label={say.header} allowDeselect={false} data={choices(say.headers)} value={header} onChange={(next) => setHeader((next ?? 'names') as Asked['header'])} />
                )}
              </Group>
              <Stack gap="xs">
                {format !== 'ndjson' && table.key === 'id' && (
                  <Checkbox size="sm" label={say.withId} description={say.withIdBody} checked={withId} onChange={(event) => setWithId(event.currentTarget.checked)} />
                )}
                {format === 'csv' && (
                  <Checkbox size="sm" label={say.escape} description={say.escapeBody} checked={escape} onChange={(event) => setEscape(event.currentTarget.checked)} />
                )}
              </Stack>
            </>
          )}
          {tooMany && <div className="import-note">{say.tooMany(KEYS_IN_ADDRESS_MAX)}</div>}
          <Problem error={error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {text.common.cancel}
            </Button>
            <Button type="submit" loading={busy} disabled={tooMany} leftSection={<Download size={14} />}>
              {say.run}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

async function keysOf(grid: GridModel): Promise<string[]> {
  const keys: string[] = [];
  for await (const records of grid.marked('ids', grid.marks)) keys.push(...records.map((record) => record.id));
  return keys;
}
