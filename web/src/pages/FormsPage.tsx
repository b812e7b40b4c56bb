// The forms of a table: whether strangers reach them, and each with its link. Changes none of their fields.
import { ActionIcon, Button, Group, Tooltip } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ClipboardList, Columns3, Copy, ExternalLink, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { mayShape, seesPart } from '../access/rights';
import { forms as api } from '../api/forms';
import type { Form } from '../api/formWire';
import { addressOf, tablePath } from '../api/places';
import { keys, queryClient, useTable } from '../api/queries';
import type { Table } from '../api/wire';
import { askable } from '../forms/draft';
import { isOn, ReachSwitch } from '../forms/Reach';
import { Crumbs } from '../shell/Shell';
import '../styles/forms.css';
import { text } from '../text/en';
import { words } from '../text/forms';
import { OfflineNotice, PageHead } from '../ui/AdminOnly';
import { Confirm, type Question } from '../ui/confirm';
import { copy } from '../ui/copy';
import { NotForYou } from '../ui/NotForYou';
import { Sheet } from '../ui/Sheet';
import { Empty, Failure, Loading, ToTables } from '../ui/states';
import { Heads } from '../ui/tables';
import { ago, when } from '../ui/time';
import { show } from '../ui/toast';

export const linkOf = (form: Form): string => `${location.origin}${form.path}`;

export function copyLink(form: Form): void {
  copy(linkOf(form), words.copied);
}

export function FormsPage({ table }: { table: string }) {
  const query = useTable(table);
  const part = query.data !== undefined && seesPart(query.data);
  const found = useQuery({ queryKey: keys.forms(table), queryFn: () => api.list(table), enabled: query.data !== undefined && !part });
  const failed = query.isError ? query : found.isError ? found : null;
  return (
    <>
      <OfflineNotice />
      <div className="page">
        <Crumbs trail={[{ label: text.nav.tables, to: '/' }, { label: query.data?.name ?? table, to: `/t/${table}` }, { label: words.title }]} />
        {failed ? (
          <Failure alone error={failed.error} retry={() => void failed.refetch()} wayOn={<ToTables />} />
        ) : query.data && part ? (
          <>
            <PageHead title={words.of(query.data.name)} />
            <NotForYou part />
          </>
        ) : query.data && found.data ? (
          <Body table={query.data} forms={found.data} />
        ) : (
          <Loading />
        )}
      </div>
    </>
  );
}

function Body({ table, forms }: { table: Table; forms: Form[] }) {
  const editor = mayShape(table);
  const [question, setQuestion] = useState<Question | null>(null);
  const possible = (table.columns ?? []).some((column) => askable(column, table));
  const make = editor && possible && (
    <Button component={Link} to={`${tablePath(table)}/forms/new`} leftSection={<Plus size={14} />}>
      {words.add}
    </Button>
  );
  const remove = (form: Form) =>
    setQuestion({
      title: words.removeTitle(form.name),
      body: words.removeBody,
      confirm: words.removeRun,
      danger: true,
      run: async () => {
        await api.remove(addressOf(table), form.id);
        await queryClient.invalidateQueries({ queryKey: keys.forms(addressOf(table)) });
        show(words.removed(form.name));
      },
    });
  return (
    <>
      <PageHead title={words.of(table.name)} about={words.about}>
        {forms.length > 0 && make}
      </PageHead>
      <ReachSwitch table={table} mayEdit={editor} />
      {!possible && forms.length === 0 ? (
        <Empty icon={<Columns3 size={28} />} title={words.nothing} body={words.nothingBody} />
      ) : forms.length === 0 ? (
        <Empty icon={<ClipboardList size={28} />} title={words.empty} body={editor ? words.emptyBody : words.emptyViewer}>
          {make}
        </Empty>
      ) : (
        <Sheet label={words.title}>
          <table className="plain form-list">
            <Heads names={[words.name, words.state, words.fields, words.changed]} num={words.fields} actions />
            <tbody>
              {forms.map((form) => (
                <Line key={form.id} table={table} form={form} editor={editor} remove={() => remove(form)} />
              ))}
            </tbody>
          </table>
        </Sheet>
      )}
      <Confirm question={question} close={() => setQuestion(null)} />
    </>
  );
}

function Line({ table, form, editor, remove }: { table: Table; form: Form; editor: boolean; remove: () => void }) {
  const [state, color] = !form.open ? [words.closed, 'gray'] : isOn(table) ? [words.open, 'green'] : [words.off, 'orange'];
  return (
    <tr data-form={form.id}>
      <td>{editor ? <Link to={`${tablePath(table)}/forms/${form.id}`} className="row-link">{form.name}</Link> : <strong>{form.name}</strong>}</td>
      <td>
        <span className="pill" data-color={color}>
          {state}
        </span>
      </td>
      <td className="num">{form.fields.length}</td>
      <td className="time" title={when(form.updatedAt)}>
        {ago(form.updatedAt)}
      </td>
      <td className="end">
        <Group gap={2} justify="flex-end" wrap="nowrap">
          <Tooltip label={words.copyOf(form.name)}>
            <ActionIcon variant="subtle" color="gray" aria-label={words.copyOf(form.name)} onClick={() => copyLink(form)}>
              <Copy size={15} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={words.visit(form.name)}>
            <ActionIcon component="a" variant="subtle" color="gray" href={form.path} target="_blank" rel="noopener" aria-label={words.visit(form.name)}>
              <ExternalLink size={15} />
            </ActionIcon>
          </Tooltip>
          {editor && (
            <ActionIcon variant="subtle" color="red" aria-label={words.remove(form.name)} onClick={remove}>
              <Trash2 size={15} />
            </ActionIcon>
          )}
        </Group>
      </td>
    </tr>
  );
}
