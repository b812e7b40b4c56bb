// A new table: from a file, or blank with a few columns.
import { Button, Checkbox, Group, NumberInput, Select, Stack, Tabs, Text, TextInput, Title, ActionIcon } from '@mantine/core';
import { FileUp, Lock, Plus, Table2, X } from 'lucide-react';
import { useRef, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { isHeld, mayImport, useMayMakeTables } from '../access/rights';
import { tables as api } from '../api/endpoints';
import { ApiError } from '../api/http';
import { inWorkspace, tablePath, useWorkspace } from '../api/places';
import { keys, queryClient, useFieldTypes } from '../api/queries';
import type { Table } from '../api/wire';
import { Source } from '../imports/Source';
import { InWorkspace } from '../shell/here';
import { Crumbs, useMe } from '../shell/Shell';
import { text } from '../text/en';
import { words } from '../text/shape';
import { NotForYou } from '../ui/NotForYou';
import { Empty, Problem } from '../ui/states';
import { useWork } from '../ui/work';

export function NewTablePage() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const me = useMe();
  const mayMake = useMayMakeTables();
  const from = new URLSearchParams(search).get('from') === 'file' ? 'file' : 'blank';
  return (
    <div className="page">
      <Crumbs trail={[{ label: text.nav.tables, to: '/' }, { label: text.nav.newTable }]} />
      <Title order={1} size="h3" mb="md">
        {text.nav.newTable} <InWorkspace />
      </Title>
      {!mayMake ? (
        <Empty icon={<Lock size={28} />} title={text.errors.forbidden} body={text.errors.forbiddenBody} />
      ) : from === 'file' && isHeld(me) ? (
        <>
          <NotForYou />
          <div className="center">
            <Button component={Link} to="/new" variant="default" leftSection={<Table2 size={14} />}>
              {text.tables.blank}
            </Button>
          </div>
        </>
      ) : (
        <Tabs value={from} onChange={(value) => navigate(value === 'file' ? '/new?from=file' : '/new', { replace: true })}>
          <Tabs.List mb="lg">
            {mayImport(me) && (
              <Tabs.Tab value="file" leftSection={<FileUp size={14} aria-hidden />}>
                {text.tables.fromFile}
              </Tabs.Tab>
            )}
            <Tabs.Tab value="blank" leftSection={<Table2 size={14} aria-hidden />}>
              {text.tables.blank}
            </Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="file">{from === 'file' && <Source />}</Tabs.Panel>
          <Tabs.Panel value="blank">{from === 'blank' && <Blank />}</Tabs.Panel>
        </Tabs>
      )}
    </div>
  );
}

async function finished(table: Table, go: (path: string) => void) {
  await queryClient.invalidateQueries({ queryKey: keys.tables });
  go(tablePath(table));
}

interface DraftColumn {
  key: number;
  name: string;
  fieldType: string;
}

function Blank() {
  const types = useFieldTypes();
  const workspace = useWorkspace();
  const [, navigate] = useLocation();
  const [name, setName] = useState('');
  const next = useRef(3);
  const [columns, setColumns] = useState<DraftColumn[]>([
    { key: 1, name: text.newTable.firstColumn, fieldType: 'text' },
    { key: 2, name: text.newTable.secondColumn, fieldType: 'longText' },
  ]);
  const [trash, setTrash] = useState(true);
  const [undeclared, setUndeclared] = useState(false);
  const [maxSize, setMaxSize] = useState<number | ''>('');
  const { busy, error, work } = useWork();
  const put = (key: number, part: Partial<DraftColumn>) =>
    setColumns((old) => old.map((one) => (one.key === key ? { ...one, ...part } : one)));
  const issue = (field: string) =>
    error instanceof ApiError ? error.issues.find((one) => one.field === field)?.message : undefined;
  const create = async () => {
    const table = await api.create({
      name: name.trim(),
      ...inWorkspace(workspace),
      settings: {
        ...(trash ? {} : { softDelete: false }),
        ...(undeclared ? { strict: false } : {}),
        ...(maxSize === '' ? {} : { maxSize }),
      },
      columns: columns
        .filter((one) => one.name.trim() !== '')
        .map((one, i) => ({ name: one.name.trim(), fieldType: one.fieldType, ...(i === 0 ? { isPrimary: true } : {}) })),
    });
    await finished(table, navigate);
  };
  return (
    <form
      className="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        void work(create);
      }}
    >
      <Stack gap="md">
        <TextInput
          label={text.tables.name}
          placeholder={text.newTable.namePlaceholder}
          required
          autoFocus
          error={issue('name')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <fieldset className="config">
          <legend>{text.columns.title}</legend>
          <Stack gap="xs">
            {columns.map((column, i) => (
              <Group key={column.key} gap="xs" wrap="nowrap">
                <TextInput
                  size="xs"
                  className="grow"
                  aria-label={text.newTable.columnName(i + 1)}
                  value={column.name}
                  onChange={(event) => put(column.key, { name: event.currentTarget.value })}
                />
                <Select
                  size="xs"
                  w={180}
                  aria-label={text.newTable.columnType(i + 1)}
                  allowDeselect={false}
                  searchable
                  data={(types.data ?? [{ id: 'text', name: 'Text' }, { id: 'longText', name: 'Long text' }]).map((one) => ({ value: one.id, label: one.name }))}
                  value={column.fieldType}
                  onChange={(fieldType) => fieldType && put(column.key, { fieldType })}
                />
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={text.newTable.removeColumn(column.name)}
                  onClick={() => setColumns((old) => old.filter((one) => one.key !== column.key))}
                >
                  <X size={14} />
                </ActionIcon>
              </Group>
            ))}
            <Group>
              <Button
                variant="subtle"
                leftSection={<Plus size={14} />}
                onClick={() => setColumns((old) => [...old, { key: next.current++, name: '', fieldType: 'text' }])}
              >
                {text.columns.add}
              </Button>
            </Group>
            <Text size="xs" c="dimmed">
              {text.newTable.columnsHint}
            </Text>
          </Stack>
        </fieldset>
        <details>
          <summary>{words.newTable.more}</summary>
          <Stack gap="sm" mt="xs">
            <Text size="xs" c="dimmed">
              {words.newTable.moreHint}
            </Text>
            <Checkbox size="sm" label={words.newTable.trash} description={words.newTable.trashHint} checked={trash} onChange={(event) => setTrash(event.currentTarget.checked)} />
            <Checkbox size="sm" label={words.newTable.open} description={words.newTable.openHint} checked={undeclared} onChange={(event) => setUndeclared(event.currentTarget.checked)} />
            <NumberInput
              label={words.newTable.maxSize}
              description={words.newTable.maxSizeHint}
              allowDecimal={false}
              allowNegative={false}
              min={1}
              error={issue('settings.maxSize') ?? issue('maxSize')}
              value={maxSize}
              onChange={(value) => setMaxSize(typeof value === 'number' ? value : '')}
            />
          </Stack>
        </details>
        <Problem error={error} />
        <Group justify="flex-end">
          <Button type="submit" size="sm" loading={busy} disabled={name.trim() === ''}>
            {text.newTable.create}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
