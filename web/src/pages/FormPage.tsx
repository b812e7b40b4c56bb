// One form, new or kept: its words and fields on one side, how people see it on the other. What is not saved is asked about before it is lost.
import { Button, Group, Switch, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ArrowLeft, Copy, ExternalLink, FileX, TriangleAlert } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { mayShape } from '../access/rights';
import { forms as api } from '../api/forms';
import type { Form, FormDraft } from '../api/formWire';
import { ApiError } from '../api/http';
import { addressOf, tablePath } from '../api/places';
import { keys, queryClient, useTable } from '../api/queries';
import type { Table } from '../api/wire';
import { draftOf, proposed, shownOf, tidy } from '../forms/draft';
import { FieldList } from '../forms/FieldList';
import { FilledForm } from '../forms/FilledForm';
import { isOn, useReachSwitch } from '../forms/Reach';
import { Crumbs } from '../shell/Shell';
import '../styles/forms.css';
import { text } from '../text/en';
import { words } from '../text/forms';
import { OfflineNotice, PageHead } from '../ui/AdminOnly';
import { issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { Leaving } from '../ui/leaving';
import { Empty, Failure, Loading, ToTables } from '../ui/states';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import { copyLink, linkOf } from './FormsPage';

const w = words.edit_;
const NEW = 'new';
const FIELDS = ['name', 'description', 'thanks', 'fields'] as const;

export function FormPage({ table, form }: { table: string; form: string }) {
  const query = useTable(table);
  const editor = query.data !== undefined && mayShape(query.data);
  const found = useQuery({ queryKey: keys.forms(table), queryFn: () => api.list(table), enabled: editor });
  const failed = query.isError ? query : found.isError ? found : null;
  const kept = found.data?.find((one) => one.id === form);
  const label = form === NEW ? words.add : (kept?.name ?? words.title);
  const trail = [
    { label: text.nav.tables, to: '/' },
    { label: query.data?.name ?? table, to: `/t/${table}` },
    { label: words.title, to: `/t/${table}/forms` },
    { label },
  ];
  return (
    <>
      <OfflineNotice />
      <div className="page form-builder">
        <Crumbs trail={trail} />
        {failed ? (
          <Failure alone error={failed.error} retry={() => void failed.refetch()} wayOn={<ToTables />} />
        ) : query.data && !editor ? (
          <Empty alone icon={<FileX size={28} />} title={text.errors.forbidden} body={words.emptyViewer}>
            <ToTables />
          </Empty>
        ) : !query.data || !found.data ? (
          <Loading />
        ) : form !== NEW && !kept ? (
          <Empty alone icon={<FileX size={28} />} title={words.gone} body={words.goneBody}>
            <Button variant="default" component={Link} to={`/t/${table}/forms`}>
              {words.all}
            </Button>
          </Empty>
        ) : (
          <Builder key={form} table={query.data} kept={kept} />
        )}
      </div>
    </>
  );
}

/** `fields.2.column` is the third field. */
function errorsOf(error: unknown): Record<number, string> {
  const found: Record<number, string> = {};
  for (const issue of error instanceof ApiError ? error.issues : []) {
    const at = /^fields\.(\d+)/.exec(issue.field ?? '')?.[1];
    if (at !== undefined) found[Number(at)] = issue.message;
  }
  return found;
}

/** The members that are not as they were. */
function changed<T extends object>(then: T, now: T): Partial<T> {
  const differs = ([name, value]: [string, unknown]) => JSON.stringify(value) !== JSON.stringify(then[name as keyof T]);
  return Object.fromEntries(Object.entries(now).filter(differs)) as Partial<T>;
}

const atAll = (error: unknown): string[] =>
  error instanceof ApiError ? error.issues.filter((issue) => issue.field === 'fields').map((issue) => issue.message) : [];

function Builder({ table, kept }: { table: Table; kept: Form | undefined }) {
  const columns = useMemo(() => [...(table.columns ?? [])].sort((a, b) => a.orderIndex - b.orderIndex), [table.columns]);
  // What was there when the editing began: only what differs from it is sent, so that what others change meanwhile stays.
  const [start, setStart] = useState<FormDraft>(() => (kept ? draftOf(kept) : proposed(table, columns)));
  const [draft, setDraft] = useState<FormDraft>(start);
  const [, navigate] = useLocation();
  const { busy, error, work, forget } = useWork();
  const form = useFocusRefused(error);
  const at = issuesAt(error, FIELDS);
  const dirty = JSON.stringify(tidy(draft)) !== JSON.stringify(tidy(start));
  const set = (part: Partial<FormDraft>) => {
    setDraft((old) => ({ ...old, ...part }));
    forget();
  };
  useEffect(() => {
    if (!kept || dirty || busy) return;
    setStart(draftOf(kept));
    setDraft(draftOf(kept));
    // Somebody else's change is shown as long as nothing was typed here.
  }, [kept]);
  const save = async () => {
    const body = tidy(draft);
    const saved = kept ? await api.update(addressOf(table), kept.id, changed(tidy(start), body)) : await api.create(addressOf(table), body);
    queryClient.setQueryData<Form[]>(keys.forms(addressOf(table)), (old) => [...(old ?? []).filter((one) => one.id !== saved.id), saved]);
    show(kept ? w.saved : isOn(table) ? w.created : w.createdOff);
    if (kept) {
      setStart(draftOf(saved));
      setDraft((now) => (now === draft ? draftOf(saved) : now));
    } else navigate(`${tablePath(table)}/forms/${saved.id}`, { replace: true });
  };
  const shown = shownOf(draft, columns);
  return (
    <>
      <Link to={`${tablePath(table)}/forms`} className="back">
        <ArrowLeft size={14} aria-hidden /> {words.all}
      </Link>
      <PageHead title={kept ? kept.name : w.newTitle(table.name)} />
      {kept && <LinkOf table={table} form={kept} />}
      <div className="form-panes">
        <form
          ref={form}
          className="form-edit"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (!busy) void work(save);
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            if (!busy) void work(save);
          }}
        >
          <TextInput label={words.name} description={w.nameHint} required value={draft.name} error={at.name} onChange={(event) => set({ name: event.currentTarget.value })} />
          <Textarea label={w.description} description={w.descriptionHint} autosize minRows={2} maxRows={10} value={draft.description} error={at.description} onChange={(event) => set({ description: event.currentTarget.value })} />
          <fieldset className="form-asked">
            <legend>{w.fields}</legend>
            <p className="dimmed">{w.about}</p>
            {draft.fields.length === 0 && <p className="hint">{w.noField}</p>}
            {atAll(error).map((message) => (
              <p key={message} className="field-error" role="alert">
                {message}
              </p>
            ))}
            <FieldList table={table} columns={columns} fields={draft.fields} change={(fields) => set({ fields })} errors={errorsOf(error)} />
          </fieldset>
          <Textarea label={w.thanks} description={w.thanksHint} placeholder={words.fill.thanks} autosize minRows={2} maxRows={10} value={draft.thanks} error={at.thanks} onChange={(event) => set({ thanks: event.currentTarget.value })} />
          <Switch label={w.open} description={w.openHint} checked={draft.open} onChange={(event) => set({ open: event.currentTarget.checked })} />
          <Refusal error={error} fields={FIELDS} />
          <div className="form-save">
            <Button type="submit" size="sm" loading={busy} disabled={kept !== undefined && !dirty}>
              {kept ? w.save : w.create}
            </Button>
            {dirty && kept && (
              <>
                <Button variant="default" size="sm" onClick={() => set(start)}>
                  {text.common.undo}
                </Button>
                <span className="dimmed">{w.unsaved}</span>
              </>
            )}
          </div>
        </form>
        <section className="form-preview" aria-label={w.preview}>
          <div className="form-preview-head">
            <h2>{w.preview}</h2>
            <span className="dimmed">{w.previewBody}</span>
          </div>
          <div className="form-sheet" inert>
            <FilledForm key={JSON.stringify(draft.fields.map((field) => field.column))} form={shown} />
          </div>
        </section>
      </div>
      <Leaving dirty={dirty} />
    </>
  );
}

/** The link of a kept form, and why nobody reaches it if nobody does. */
function LinkOf({ table, form }: { table: Table; form: Form }) {
  const turn = useReachSwitch(table);
  const on = isOn(table);
  return (
    <div className="form-link">
      <div className="form-link-line">
        <TextInput className="grow" size="sm" readOnly aria-label={w.link} value={linkOf(form)} onFocus={(event) => event.currentTarget.select()} />
        <Button size="sm" variant="default" leftSection={<Copy size={14} />} onClick={() => copyLink(form)}>
          {w.copy}
        </Button>
        <Button size="sm" variant="default" component="a" href={form.path} target="_blank" rel="noopener" leftSection={<ExternalLink size={14} />}>
          {w.visit}
        </Button>
      </div>
      {(!on || !form.open) && (
        <div className="warning">
          <TriangleAlert size={16} aria-hidden />
          <Group gap="xs">
            {on ? w.unreachable : w.switchedOff}
            {!on && (
              <Button size="compact-xs" variant="default" onClick={() => void turn(true)}>
                {w.switchOn}
              </Button>
            )}
          </Group>
        </div>
      )}
    </div>
  );
}
