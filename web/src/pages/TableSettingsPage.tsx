// What a table is beside its columns: name and look, how its records are called and how long they live, what is fixed, and its end.
import { Anchor, Button, Group, SimpleGrid, Stack, Switch, Text, Textarea, TextInput, Title, UnstyledButton } from '@mantine/core';
import { Lock, Trash2 } from 'lucide-react';
import { useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { mayDrop, mayShape } from '../access/rights';
import { tables as api } from '../api/endpoints';
import { addressOf, tablePath } from '../api/places';
import { keys, queryClient, useRefreshTable, useTable, useTableStats } from '../api/queries';
import type { Table, TableUpdate } from '../api/wire';
import { Crumbs } from '../shell/Shell';
import '../styles/shape.css';
import { text } from '../text/en';
import { words } from '../text/shape';
import { deletion } from '../tables/deleting';
import { changesOf, draftOf, settled, type Draft } from '../tables/settings';
import { OfflineNotice, PageHead } from '../ui/AdminOnly';
import { Confirm, type Question } from '../ui/confirm';
import { issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { Leaving } from '../ui/leaving';
import { Empty, Failure, Loading } from '../ui/states';
import { COLORS, paletteColor, TABLE_ICONS, TableMark } from '../ui/TableMark';
import { when } from '../ui/time';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';

const { table: say } = words;
const FIELDS = ['name', 'description', 'icon', 'color', 'settings.recordNameTemplate', 'settings.ttl', 'settings.enableAttachments'] as const;

export function TableSettingsPage({ table }: { table: string }) {
  const query = useTable(table);
  return (
    <>
      <OfflineNotice />
      <div className="page">
        <Crumbs trail={[{ label: text.nav.tables, to: '/' }, { label: query.data?.name ?? table, to: `/t/${table}` }, { label: say.crumb }]} />
        {query.isPending && <Loading />}
        {query.isError && <Failure alone error={query.error} retry={() => void query.refetch()} />}
        {query.data &&
          (mayShape(query.data) ? (
            <>
              <PageHead title={say.title(query.data.name)} />
              <div className="narrow">
                <SettingsForm key={query.data.version} table={query.data} />
                <Fixed table={query.data} />
                <Remove table={query.data} />
              </div>
            </>
          ) : (
            <Empty alone icon={<Lock size={28} />} title={say.forbidden} body={say.forbiddenBody} />
          ))}
      </div>
    </>
  );
}

function SettingsForm({ table }: { table: Table }) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(table));
  const refresh = useRefreshTable(addressOf(table));
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const at = issuesAt(error, FIELDS);
  const set = (part: Partial<Draft>) => setDraft((old) => ({ ...old, ...part }));
  const change: TableUpdate = changesOf(draft, table);
  const dirty = Object.keys(change).length > 0;
  const save = async () => {
    const now = await api.update(addressOf(table), change);
    setDraft(draftOf(now));
    show(say.saved);
    await refresh();
  };
  return (
    <form
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        void work(save);
      }}
    >
      <Stack gap="md">
        <Title order={2} size="h4">
          {say.look}
        </Title>
        <TextInput label={say.name} description={say.nameHint} required maxLength={120} value={draft.name} error={at.name} onChange={(event) => set({ name: event.currentTarget.value })} />
        <Textarea label={say.description} description={say.descriptionHint} autosize minRows={2} value={draft.description} error={at.description} onChange={(event) => set({ description: event.currentTarget.value })} />
        <Look draft={draft} set={set} />
        <Title order={2} size="h4" mt="sm">
          {say.records}
        </Title>
        <Template table={table} draft={draft} set={set} error={at['settings.recordNameTemplate']} />
        <TextInput label={say.ttl} description={say.ttlHint} placeholder="7d" w={220} value={draft.ttl} error={at['settings.ttl']} onChange={(event) => set({ ttl: event.currentTarget.value })} classNames={{ description: 'wide-hint' }} />
        {settled(draft.ttl) !== '' && <div className="import-note">{say.ttlOn}</div>}
        <Switch size="sm" label={say.form} description={say.formHint} checked={draft.enableForm} onChange={(event) => set({ enableForm: event.currentTarget.checked })} />
        <Anchor component={Link} to={`${tablePath(table)}/forms`} size="sm">
          {say.formLink}
        </Anchor>
        <Switch size="sm" label={say.revisions} description={say.revisionsHint} checked={draft.enableRevisions} onChange={(event) => set({ enableRevisions: event.currentTarget.checked })} />
        <Switch size="sm" label={say.attachments} description={say.attachmentsHint} error={at['settings.enableAttachments']} checked={draft.enableAttachments} onChange={(event) => set({ enableAttachments: event.currentTarget.checked })} />
        <Refusal error={error} fields={FIELDS} />
        <Group justify="flex-end">
          <Button type="submit" loading={busy} disabled={!dirty}>
            {say.save}
          </Button>
        </Group>
      </Stack>
      <Leaving dirty={dirty && !busy} />
    </form>
  );
}

interface PartProps {
  draft: Draft;
  set: (part: Partial<Draft>) => void;
}

function Look({ draft, set }: PartProps) {
  return (
    <Group gap="xl" align="flex-start">
      <div role="radiogroup" aria-label={say.icon}>
        <div className="label">{say.icon}</div>
        <div className="signs">
          {Object.keys(TABLE_ICONS).map((icon) => (
            <UnstyledButton key={icon} role="radio" className="sign" aria-checked={(draft.icon || 'table') === icon} aria-label={say.iconOf(say.icons[icon] ?? icon)} onClick={() => set({ icon })}>
              <TableMark table={{ icon, color: draft.color }} size={18} />
            </UnstyledButton>
          ))}
        </div>
      </div>
      <div role="radiogroup" aria-label={say.color}>
        <div className="label">{say.color}</div>
        <div className="signs">
          {COLORS.map((color) => (
            <UnstyledButton key={color} role="radio" className="sign" aria-checked={paletteColor(draft.color || 'teal') === color} aria-label={text.colors[color]} onClick={() => set({ color })}>
              <span className="swatch" data-color={color} />
            </UnstyledButton>
          ))}
        </div>
      </div>
    </Group>
  );
}

function Template({ table, draft, set, error }: PartProps & { table: Table; error?: string }) {
  const input = useRef<HTMLInputElement>(null);
  const columns = (table.columns ?? []).filter((one) => !one.encrypted);
  const put = (slug: string) => {
    const old = draft.recordNameTemplate;
    const place = input.current?.selectionStart ?? old.length;
    set({ recordNameTemplate: `${old.slice(0, place)}{${slug}}${old.slice(place)}` });
    input.current?.focus();
  };
  return (
    <div>
      <TextInput
        ref={input}
        label={say.template}
        description={say.templateHint}
        value={draft.recordNameTemplate}
        error={error}
        onChange={(event) => set({ recordNameTemplate: event.currentTarget.value })}
      />
      <div className="kinds template-columns" role="group" aria-label={say.templateColumns}>
        <span className="dimmed">{say.templateColumns}</span>
        {columns.map((one) => (
          <button key={one.id} type="button" className="kind" onClick={() => put(one.slug)}>
            {one.name}
          </button>
        ))}
      </div>
    </div>
  );
}

/** What cannot be changed any more, as it is. */
function Fixed({ table }: { table: Table }) {
  const { settings } = table;
  const column = table.columns?.find((one) => one.slug === table.key);
  const nameOf = (slug: string) => table.columns?.find((one) => one.slug === slug)?.name ?? slug;
  const indexes = (settings.indexes ?? []).map((index) => index.map(nameOf).join(' + ')).join(', ');
  const facts: [string, string][] = [
    [say.slug, table.slug],
    [say.id, table.id],
    [say.key, column?.name ?? say.keyId],
    [say.trash, settings.softDelete === false ? say.trashOff : say.trashOn],
    [say.strict, settings.strict === false ? say.strictOff : say.strictOn],
    [say.maxSize, settings.maxSize ? say.maxSizeIs(settings.maxSize) : say.maxSizeNone],
    [say.persistent, settings.persistent === false ? say.persistentOff : say.persistentOn],
    [say.indexes, indexes || say.none],
    [say.made, when(table.createdAt)],
    [say.changed, when(table.updatedAt)],
  ];
  return (
    <section className="page-section">
      <Title order={2} size="h4">
        {say.fixed}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {say.fixedHint}
      </Text>
      <SimpleGrid component="dl" className="facts fixed-facts" cols={{ base: 1, sm: 2 }} spacing={6}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="wrap-anywhere">{value}</dd>
          </div>
        ))}
      </SimpleGrid>
    </section>
  );
}

function Remove({ table }: { table: Table }) {
  const [stats] = useTableStats([addressOf(table)]);
  const [question, setQuestion] = useState<Question | null>(null);
  const [, navigate] = useLocation();
  if (!mayDrop(table)) return null;
  const left = () => {
    navigate('/', { replace: true });
    queryClient.removeQueries({ queryKey: keys.table(addressOf(table)) });
  };
  const ask = () => setQuestion(deletion(table, stats?.data?.records ?? 0, left));
  return (
    <section className="page-section">
      <Title order={2} size="h4">
        {say.remove}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {say.removeHint}
      </Text>
      <Button variant="outline" color="red" leftSection={<Trash2 size={14} />} onClick={ask}>
        {text.tables.delete}
      </Button>
      <Confirm question={question} close={() => setQuestion(null)} />
    </section>
  );
}
