// A new table: from a file in one step, or blank with a few columns.
import { Button, Checkbox, Group, Select, Stack, Tabs, Text, TextInput, Title, ActionIcon } from '@mantine/core';
import { FileUp, Plus, Table2, X } from 'lucide-react';
import { useRef, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import { imports, tables as api } from '../api/endpoints';
import { ApiError } from '../api/http';
import { keys, mayEdit, queryClient, useFieldTypes } from '../api/queries';
import type { AnalysedColumn, ImportReport } from '../api/wire';
import { fieldTypeName, kindOf } from '../fields/registry';
import { FileOptions, Preview } from '../imports/FileOptions';
import { Counts, RowErrors } from '../imports/Result';
import { useAnalysis } from '../imports/useAnalysis';
import { Crumbs, useMe } from '../shell/Shell';
import { text } from '../text/en';
import { DropFile } from '../ui/DropFile';
import { Empty, Problem } from '../ui/states';
import { Heads } from '../ui/tables';
import { COLORS } from '../ui/TableMark';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import { Busy } from './ImportPage';

export function NewTablePage() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const me = useMe();
  const from = new URLSearchParams(search).get('from') === 'file' ? 'file' : 'blank';
  return (
    <div className="page">
      <Crumbs trail={[{ label: text.nav.tables, to: '/' }, { label: text.nav.newTable }]} />
      <Title order={1} size="h3" mb="md">
        {text.nav.newTable}
      </Title>
      {!mayEdit(me) ? (
        <Empty icon={null} title={text.errors.forbidden} body={text.errors.forbiddenBody} />
      ) : (
        <Tabs value={from} onChange={(value) => navigate(value === 'file' ? '/new?from=file' : '/new', { replace: true })}>
          <Tabs.List mb="lg">
            <Tabs.Tab value="file" leftSection={<FileUp size={14} aria-hidden />}>
              {text.tables.fromFile}
            </Tabs.Tab>
            <Tabs.Tab value="blank" leftSection={<Table2 size={14} aria-hidden />}>
              {text.tables.blank}
            </Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="file">{from === 'file' && <FromFile />}</Tabs.Panel>
          <Tabs.Panel value="blank">{from === 'blank' && <Blank />}</Tabs.Panel>
        </Tabs>
      )}
    </div>
  );
}

async function finished(slug: string, go: (path: string) => void) {
  await queryClient.invalidateQueries({ queryKey: keys.tables });
  go(`/t/${slug}`);
}

interface DraftColumn {
  key: number;
  name: string;
  fieldType: string;
}

function Blank() {
  const types = useFieldTypes();
  const [, navigate] = useLocation();
  const [name, setName] = useState('');
  const next = useRef(3);
  const [columns, setColumns] = useState<DraftColumn[]>([
    { key: 1, name: text.newTable.firstColumn, fieldType: 'text' },
    { key: 2, name: text.newTable.secondColumn, fieldType: 'longText' },
  ]);
  const { busy, error, work } = useWork();
  const put = (key: number, part: Partial<DraftColumn>) =>
    setColumns((old) => old.map((one) => (one.key === key ? { ...one, ...part } : one)));
  const issue = (field: string) =>
    error instanceof ApiError ? error.issues.find((one) => one.field === field)?.message : undefined;
  const create = async () => {
    const table = await api.create({
      name: name.trim(),
      columns: columns
        .filter((one) => one.name.trim() !== '')
        .map((one, i) => ({ name: one.name.trim(), fieldType: one.fieldType, ...(i === 0 ? { isPrimary: true } : {}) })),
    });
    await finished(table.slug, navigate);
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

/** `sales-2024_final.csv` → `Sales 2024 final`. */
function nameOf(file: File): string {
  const base = file.name.replace(/\.[^.]*$/, '').replace(/[-_]+/g, ' ').trim();
  return base.charAt(0).toUpperCase() + base.slice(1);
}

/** Types a file's column can be given here; the others need settings that the column editor offers. */
const OFFERED = ['text', 'longText', 'number', 'boolean', 'date', 'dateTime', 'time', 'currency', 'percent', 'email', 'url', 'phone', 'barcode'];

const suggestionOf = (column: AnalysedColumn, fieldType: string) =>
  column.suggestions?.find((one) => one.fieldType === fieldType);

const coloured = (names: string[]) => names.map((name, i) => ({ name, color: COLORS[(i + 6) % COLORS.length] }));

/** What the chosen type would cost, or which other type nearly fits. */
function TypeNote({ column, type }: { column: AnalysedColumn; type: string }) {
  const found = suggestionOf(column, type);
  if (type === column.fieldType) return column.note ? <div className="dimmed">{column.note}</div> : null;
  if (!found) return <div className="dimmed">{text.newTable.unchecked}</div>;
  return <div className="dimmed">{text.newTable.cost(found.wouldChange, found.wouldFail, found.of)}</div>;
}

function FromFile() {
  const source = useAnalysis();
  const types = useFieldTypes();
  const [, navigate] = useLocation();
  const { analysis, file } = source;
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<Record<string, string>>({});
  const [allText, setAllText] = useState(false);
  const [sent, setSent] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [failed, setFailed] = useState<ImportReport | null>(null);
  const options = (extra: Record<string, unknown>) => ({
    ...source.options,
    skipFirstRow: source.options.skipFirstRow ?? analysis?.hasHeader ?? true,
    ...extra,
  });
  const typeOf = (header: string, found: string) => (allText ? 'text' : (chosen[header] ?? found));
  const changed = !allText && (analysis?.columns ?? []).some((one) => chosen[one.header] && chosen[one.header] !== one.fieldType);

  const oneStep = async (of: File) => {
    const reply = await imports.newTable(of, name.trim(), options({ allText }), setSent);
    if (reply.table && reply.import.failed === 0) {
      show(text.newTable.created(name.trim(), reply.import.created));
      await finished(reply.table.slug, navigate);
    } else setFailed(reply.import);
  };
  /** With types of one's own choice the table is made first; if a row does not fit, it is taken away again. */
  const ownTypes = async (of: File) => {
    if (!analysis) return;
    const table = await api.create({
      name: name.trim(),
      columns: analysis.columns.map((one, i) => {
        const fieldType = typeOf(one.header, one.fieldType);
        const found = suggestionOf(one, fieldType);
        const config = fieldType === one.fieldType ? one.config : (found?.config ?? {});
        return {
          name: one.header,
          slug: one.slug,
          fieldType,
          ...(Object.keys(config).length > 0 ? { config } : {}),
          ...(found && found.options.length > 0 ? { options: coloured(found.options) } : {}),
          ...(i === 0 ? { isPrimary: true } : {}),
        };
      }),
    });
    const mapping = Object.fromEntries(analysis.columns.map((one) => [one.header, one.slug]));
    try {
      const report = await imports.csv(table.slug, of, mapping, options({}), setSent);
      if (report.failed > 0) {
        await api.remove(table.slug);
        setFailed(report);
        return;
      }
      show(text.newTable.created(name.trim(), report.created));
      await finished(table.slug, navigate);
    } catch (cause) {
      await api.remove(table.slug).catch(() => undefined);
      throw cause;
    }
  };
  const create = async () => {
    if (!file) return;
    setSent(0);
    setError(null);
    setFailed(null);
    try {
      await (changed ? ownTypes(file) : oneStep(file));
    } catch (cause) {
      setError(cause);
    }
    setSent(null);
  };
  if (!file || (!analysis && source.error)) {
    return (
      <Stack gap="md">
        <DropFile
          accept=".csv,.tsv,.txt,text/csv"
          hint={text.drop.csvHint}
          take={(next) => {
            setName(nameOf(next));
            void source.analyse(next, {});
          }}
        />
        <Problem error={source.error} />
      </Stack>
    );
  }
  if (!analysis) return <Busy label={text.imports.analysing} sent={source.progress ?? 0} />;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void create();
      }}
    >
      <Stack gap="md">
        <TextInput
          className="narrow"
          label={text.tables.name}
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <FileOptions
          file={file}
          analysis={analysis}
          options={source.options}
          change={(next) => void source.analyse(file, next)}
        />
        <Problem error={source.error} />
        <div className="sheet">
          <table className="plain mapping">
            <Heads names={[text.newTable.column, text.columns.type, text.imports.samples]} />
            <tbody>
              {analysis.columns.map((one) => {
                const type = typeOf(one.header, one.fieldType);
                const Icon = kindOf(type).icon;
                return (
                  <tr key={one.header}>
                    <td>
                      <strong>{one.header}</strong>
                      <div className="dimmed">{text.imports.filled(one.filled, one.filled + one.empty)}</div>
                    </td>
                    <td>
                      <Select
                        size="xs"
                        w={180}
                        aria-label={text.newTable.typeOf(one.header)}
                        leftSection={<Icon size={14} aria-hidden />}
                        allowDeselect={false}
                        disabled={allText}
                        data={[...new Set([one.fieldType, ...(one.suggestions ?? []).map((found) => found.fieldType), ...OFFERED])].map((id) => ({ value: id, label: fieldTypeName(types.data, id) }))}
                        value={type}
                        onChange={(value) => value && setChosen((old) => ({ ...old, [one.header]: value }))}
                      />
                      <TypeNote column={one} type={type} />
                    </td>
                    <td className="cut dimmed">{one.samples.slice(0, 4).join(' · ')}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
        <Checkbox size="sm" label={text.newTable.allText} checked={allText} onChange={(event) => setAllText(event.currentTarget.checked)} />
        <details>
          <summary>{text.imports.preview}</summary>
          <Preview analysis={analysis} />
        </details>
        {failed && (
          <div>
            <Problem error={new Error(text.newTable.nothingMade)} />
            <Counts report={failed} trial />
            <RowErrors
              report={failed}
              columns={analysis.columns.map((one) => ({ slug: one.slug, name: one.header, fieldType: one.fieldType }))}
              offerFile={false}
            />
          </div>
        )}
        <Problem error={error} />
        {sent !== null ? (
          <Busy label={text.imports.running} sent={sent} />
        ) : (
          <Group justify="space-between">
            <Button variant="default" onClick={source.reset}>
              {text.imports.another}
            </Button>
            <Button type="submit" size="sm" disabled={name.trim() === '' || source.progress !== null}>
              {text.newTable.createWith(analysis.rows)}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}
