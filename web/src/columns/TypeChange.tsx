// Another field type for a column that has values: chosen, tried, confirmed, watched, and changed back. What becomes of a value the server decides.
import { Anchor, Button, Checkbox, Group, Select, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ApiError } from '../api/http';
import { jobs } from '../api/jobs';
import { addressOf } from '../api/places';
import { keys, mayAdminister, useFieldTypes, useSession } from '../api/queries';
import { typeChanges } from '../api/shaping';
import type { Column, ColumnTypeChange, ColumnTypeChoices, ColumnTypePlan, FieldType, Job, Table } from '../api/wire';
import { fieldTypeName } from '../fields/registry';
import { text } from '../text/en';
import { words as importing } from '../text/imports';
import '../styles/shape.css';
import { words } from '../text/shape';
import { Dialog } from '../ui/Dialog';
import { Failure, Loading, Problem } from '../ui/states';
import { dismiss, show, showError } from '../ui/toast';
import { useWork } from '../ui/work';
import { followed } from '../vault/columnJobs';
import { isOver, JobProgress } from '../vault/JobProgress';
import { ConfigInputs } from './ConfigInputs';
import { useSuggestions } from './suggestions';
import { TypePicker } from './TypePicker';
import { TypePlan } from './TypePlan';

const { type: say } = words;
const JOBS_PATH = '/jobs';
/** Types whose values are texts, so that it matters how numbers and dates stand in them. */
const WRITTEN = new Set(['text', 'longText', 'select', 'multiSelect', 'barcode']);
/** Types that are read out of such texts by a place's customs. */
const READ = new Set(['number', 'currency', 'percent', 'date', 'dateTime', 'duration', 'rating']);

interface Props {
  table: Table;
  column: Column;
  close: () => void;
}

/** What is asked for, and what a trial said. */
interface Tried {
  asked: ColumnTypeChange;
  plan: ColumnTypePlan;
}

export function TypeChange({ table, column, close }: Props) {
  const types = useFieldTypes();
  const choices = useQuery({
    queryKey: [...keys.table(addressOf(table)), 'changeType', column.id],
    queryFn: () => typeChanges.choices(addressOf(table), column.id),
    staleTime: 0,
    gcTime: 0,
  });
  const [from, setFrom] = useState(column);
  const [tried, setTried] = useState<Tried | null>(null);
  const [back, setBack] = useState(false);
  const watching = useWatch(table, column);
  const { job } = watching;
  const running = choices.data?.job;
  const begun = useRef(false);
  // Somebody has begun it already: it is watched instead.
  useEffect(() => {
    if (!running || begun.current || isOver(running)) return;
    begun.current = true;
    watching.follow(running, column);
  }, [running, watching, column]);

  const attempt = async (asked: ColumnTypeChange) => {
    const plan = await typeChanges.change(addressOf(table), column.id, { ...asked, onLoss: 'null', dryRun: true });
    setTried({ asked, plan });
  };
  const start = async (lose: boolean) => {
    if (!tried) return;
    const plan = await typeChanges.change(addressOf(table), column.id, { ...tried.asked, onLoss: lose ? 'null' : 'refuse', dryRun: false });
    begun.current = true;
    setTried(null);
    if (plan.job) watching.follow(plan.job, plan.column);
  };
  const undo = async () => {
    const now = watching.becomes ?? from;
    const asked = { fieldType: from.fieldType };
    await attempt(asked);
    setFrom(now);
    setBack(true);
    watching.forget();
  };
  const nameOf = (id: string) => fieldTypeName(types.data, id);
  const leave = () => {
    watching.left();
    close();
  };
  const title = back && tried ? say.undoTitle(column.name, nameOf(tried.asked.fieldType)) : say.title(column.name);
  return (
    <Dialog onClose={leave} size="lg" title={title}>
      {(choices.isPending || types.isPending) && !job && <Loading rows={5} />}
      {choices.isError && !job && !tried && <Failure error={choices.error} retry={() => void choices.refetch()} />}
      {job ? (
        <Watch job={job} column={column} from={from} to={watching.becomes ?? from} types={types.data} undo={undo} leave={leave} />
      ) : tried ? (
        <Plan key={tried.asked.fieldType} tried={tried} from={from} table={table} nameOf={nameOf} back={back ? undefined : () => setTried(null)} start={start} close={close} />
      ) : null}
      {choices.data && types.data && !job && !back && (
        <Choose table={table} column={from} types={types.data} choices={choices.data} attempt={attempt} close={close} away={tried !== null} />
      )}
    </Dialog>
  );
}

/** The job that is watched, and what the column is to be. Told of its end also when nobody looks any more. */
function useWatch(table: Table, column: Column) {
  const [job, setJob] = useState<Job | null>(null);
  const [becomes, setBecomes] = useState<Column | null>(null);
  const shown = useRef(true);
  const toast = useRef<number | null>(null);
  const [, navigate] = useLocation();
  const admin = mayAdminister(useSession().data);
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
    };
  }, []);
  const follow = (started: Job, to: Column) => {
    setJob(started);
    setBecomes(to);
    // Whoever writes the table may ask so; jobs themselves are for admins.
    const ask = async () => (await typeChanges.choices(addressOf(table), column.id)).job ?? started;
    void followed(started, setJob, ask).then((last) => {
      if (toast.current !== null) dismiss(toast.current);
      if (shown.current) return;
      if (last.state === 'done') show(say.done(column.name, last.params.fieldType ?? to.fieldType));
      else if (last.state === 'failed') showError(say.failed(column.name, last.error ?? ''));
    });
  };
  const left = () => {
    if (job && !isOver(job)) toast.current = show(job.state === 'running' ? say.started : say.resting, admin ? { label: say.showJobs, run: () => navigate(JOBS_PATH) } : undefined);
  };
  return { job, becomes, follow, left, forget: () => setJob(null) };
}

interface ChooseProps extends Props {
  types: FieldType[];
  choices: ColumnTypeChoices;
  attempt: (asked: ColumnTypeChange) => Promise<void>;
  /** Whether what was chosen is being looked at: it is kept for the way back. */
  away: boolean;
}

function Choose({ table, column, types, choices, attempt, close, away }: ChooseProps) {
  const look = useRef<HTMLButtonElement>(null);
  const wasAway = useRef(away);
  useEffect(() => {
    if (wasAway.current && !away) look.current?.focus();
    wasAway.current = away;
  }, [away]);
  const [picking, setPicking] = useState(true);
  const [fieldType, setFieldType] = useState('');
  const [config, setConfig] = useState<Record<string, unknown>>({});
  const [createOptions, setCreateOptions] = useState(true);
  const [locale, setLocale] = useState('');
  const { busy, error, work } = useWork();
  const suggest = useSuggestions(table, fieldType, config);
  const earlier = choices.types.find((one) => one.earlier)?.fieldType;
  const offered = useMemo(() => types.filter((one) => !one.flags.computed && one.id !== column.fieldType && choices.types.some((choice) => choice.fieldType === one.id)), [types, choices, column.fieldType]);
  const refused = useMemo(() => new Map(choices.types.filter((one) => !one.possible).map((one) => [one.fieldType, one.reason ?? ''])), [choices]);
  const type = types.find((one) => one.id === fieldType);
  const issue = (field: string) => (error instanceof ApiError ? error.issues.find((one) => one.field === field)?.message : undefined);
  const none = offered.length > 0 && offered.every((one) => refused.has(one.id)) ? refused.get(offered[0]?.id ?? '') : undefined;
  const submit = () =>
    attempt({
      fieldType,
      ...(Object.keys(config).length > 0 ? { config } : {}),
      ...(type?.flags.needsOptions ? { createOptions } : {}),
      ...(locale === '' ? {} : { locale }),
    });
  return (
    <form
      hidden={away}
      onSubmit={(event) => {
        event.preventDefault();
        void work(submit);
      }}
    >
      <Stack gap="md">
        <Text size="sm">{none ? say.none(none) : say.now(fieldTypeName(types, column.fieldType))}</Text>
        <TypePicker
          types={offered}
          value={fieldType}
          open={picking}
          setOpen={setPicking}
          refused={refused}
          mark={earlier ? { type: earlier, word: say.wasBefore } : undefined}
          change={(next) => {
            setFieldType(next);
            setConfig({});
          }}
        />
        {fieldType !== '' && fieldType === earlier && <div className="import-note">{say.earlier}</div>}
        {type && <ConfigInputs schema={type.configSchema} config={config} change={setConfig} suggest={suggest} issue={issue} />}
        {type?.flags.needsOptions && (
          <Checkbox size="sm" label={say.createOptions} description={say.createOptionsHint} checked={createOptions} onChange={(event) => setCreateOptions(event.currentTarget.checked)} />
        )}
        {READ.has(fieldType) && WRITTEN.has(column.fieldType) && (
          <Select
            label={say.locale}
            allowDeselect={false}
            data={Object.entries(importing.map.locales).map(([value, label]) => ({ value, label }))}
            value={locale}
            onChange={(next) => setLocale(next ?? '')}
          />
        )}
        <Problem error={error} />
        {busy && (
          <Text size="sm" c="dimmed" role="status">
            {say.looking}
          </Text>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {text.common.cancel}
          </Button>
          <Button ref={look} type="submit" loading={busy} disabled={fieldType === ''}>
            {say.look}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface PlanProps {
  tried: Tried;
  from: Column;
  table: Table;
  nameOf: (type: string) => string;
  back?: () => void;
  start: (lose: boolean) => Promise<void>;
  close: () => void;
}

function Plan({ tried, from, table, nameOf, back, start, close }: PlanProps) {
  const { plan } = tried;
  const [lose, setLose] = useState(false);
  const { busy, error, work } = useWork();
  const possible = plan.refusals.length === 0;
  return (
    <Stack gap="md">
      <Text size="sm">{say.becomes(from.name, nameOf(from.fieldType), nameOf(plan.column.fieldType))}</Text>
      <TypePlan plan={plan} from={from} table={addressOf(table)} />
      {plan.lost > 0 && possible && (
        <Checkbox size="sm" label={say.lose(plan.lost)} description={say.loseHint} checked={lose} onChange={(event) => setLose(event.currentTarget.checked)} />
      )}
      {plan.lost === 0 && plan.changed > 0 && possible && (
        <Text size="sm" c="dimmed">
          {say.undoHint}
        </Text>
      )}
      <Problem error={error} />
      <Group justify="space-between" gap="xs">
        {back ? (
          <Button variant="subtle" onClick={back}>
            {say.back}
          </Button>
        ) : (
          <span />
        )}
        <Group gap="xs">
          <Button variant="default" autoFocus onClick={close}>
            {text.common.cancel}
          </Button>
          <Button color={plan.lost > 0 ? 'red' : undefined} loading={busy} disabled={!possible || (plan.lost > 0 && !lose)} onClick={() => void work(() => start(lose))}>
            {say.run}
          </Button>
        </Group>
      </Group>
    </Stack>
  );
}

interface WatchProps {
  job: Job;
  column: Column;
  from: Column;
  to: Column;
  types: FieldType[] | undefined;
  undo: () => Promise<void>;
  leave: () => void;
}

function Watch({ job, column, from, to, types, undo, leave }: WatchProps) {
  const { busy, error, work } = useWork();
  const admin = mayAdminister(useSession().data);
  const over = isOver(job);
  const type = job.params.fieldType ?? to.fieldType;
  const ends = {
    done: [say.done(column.name, fieldTypeName(types, type)), job.failed > 0 ? say.doneLost(job.failed) : ''].join(' '),
    cancelled: say.cancelled(column.name),
    failed: '',
  } as Record<string, string>;
  const steer = (turn: Promise<Job>) => work(async () => void (await turn));
  return (
    <Stack gap="sm" data-job-state={job.state}>
      {job.state !== 'cancelled' && <JobProgress job={job} name={say.title(column.name)} />}
      <Text size="sm" role="status" c={over ? undefined : 'dimmed'}>
        {over ? ends[job.state] : job.state === 'running' ? say.goesOn : say.rests}
      </Text>
      <Problem error={error} />
      <Group justify="space-between" gap="xs">
        {admin && !over ? (
          <Group gap="xs">
            {job.state === 'running' ? (
              <Button variant="default" onClick={() => void steer(jobs.pause(job.id))}>
                {say.pause}
              </Button>
            ) : (
              <Button variant="default" onClick={() => void steer(jobs.resume(job.id))}>
                {say.resume}
              </Button>
            )}
            <Button variant="subtle" color="red" onClick={() => void steer(jobs.cancel(job.id))}>
              {say.cancel}
            </Button>
          </Group>
        ) : admin ? (
          <Anchor component={Link} to={JOBS_PATH} size="sm" onClick={leave}>
            {say.showJobs}
          </Anchor>
        ) : (
          <span />
        )}
        <Group gap="xs">
          {job.state === 'done' && from.fieldType !== type && (
            <Button variant="default" loading={busy} onClick={() => void work(undo)}>
              {say.undo}
            </Button>
          )}
          <Button autoFocus onClick={leave}>
            {job.state === 'running' ? say.leave : text.common.close}
          </Button>
        </Group>
      </Group>
    </Stack>
  );
}
