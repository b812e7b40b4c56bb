// Import of a CSV file into a table: file, mapping, check without writing, run, result.
import { Button, Checkbox, Group, MultiSelect, Progress, Select, Stack, Stepper, Text, Title } from '@mantine/core';
import { Check } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { Link } from 'wouter';
import { imports } from '../api/endpoints';
import { keys, mayEdit, queryClient, useFieldTypes, useTable } from '../api/queries';
import type { AnalysedColumn, Column, ImportReport, Table } from '../api/wire';
import { editable, fieldTypeName } from '../fields/registry';
import { FileOptions, Preview } from '../imports/FileOptions';
import { Counts, RowErrors } from '../imports/Result';
import { useAnalysis } from '../imports/useAnalysis';
import { Crumbs, useMe } from '../shell/Shell';
import { text } from '../text/en';
import { DropFile } from '../ui/DropFile';
import { Empty, Failure, Loading, Problem } from '../ui/states';
import { Heads } from '../ui/tables';
import { UndoButton } from '../ui/UndoButton';

const NEW = '\u0000new';
const SKIP = '\u0000skip';

export function ImportPage({ table }: { table: string }) {
  const query = useTable(table);
  const me = useMe();
  return (
    <div className="page">
      <Crumbs
        trail={[
          { label: text.nav.tables, to: '/' },
          { label: query.data?.name ?? table, to: `/t/${table}` },
          { label: text.imports.title },
        ]}
      />
      <Title order={1} size="h3" mb="md">
        {text.imports.into(query.data?.name ?? '')}
      </Title>
      {query.isPending && <Loading />}
      {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.data &&
        (mayEdit(me) ? (
          <Wizard table={query.data} />
        ) : (
          <Empty icon={null} title={text.errors.forbidden} body={text.errors.forbiddenBody} />
        ))}
    </div>
  );
}

const plain = (name: string) => name.normalize('NFKD').replace(/[^\p{L}\p{N}]/gu, '').toLowerCase();

/** The column the server found by name and content, or one of the same name, else a new one. */
function autoTarget(column: AnalysedColumn, columns: Column[], taken: Set<string>): string {
  const name = plain(column.header);
  const free = columns.filter((one) => !taken.has(one.slug));
  const hit =
    free.find((one) => one.slug === column.matches) ??
    free.find((one) => plain(one.name) === name || plain(one.slug) === name || one.slug === column.slug);
  if (!hit) return NEW;
  taken.add(hit.slug);
  return hit.slug;
}

type Running = { kind: 'check' | 'run'; sent: number } | null;

function Wizard({ table }: { table: Table }) {
  const source = useAnalysis(table.slug);
  const { analysis, file } = source;
  const columns = useMemo(() => (table.columns ?? []).filter(editable), [table.columns]);
  const [step, setStep] = useState(0);
  const [targets, setTargets] = useState<Record<string, string>>({});
  const [matchOn, setMatchOn] = useState<string[]>([]);
  const [blank, setBlank] = useState('keep');
  const [skipBad, setSkipBad] = useState(true);
  const [createOptions, setCreateOptions] = useState(true);
  const [trial, setTrial] = useState<ImportReport | null>(null);
  const [result, setResult] = useState<ImportReport | null>(null);
  const [running, setRunning] = useState<Running>(null);
  const [error, setError] = useState<unknown>(null);
  const abort = useRef<AbortController | null>(null);

  const targetOf = useMemo(() => {
    const taken = new Set<string>();
    const auto: Record<string, string> = {};
    for (const column of analysis?.columns ?? []) auto[column.header] = autoTarget(column, columns, taken);
    return (header: string) => targets[header] ?? auto[header] ?? NEW;
  }, [analysis, columns, targets]);
  const used = (analysis?.columns ?? []).map((one) => targetOf(one.header)).filter((one) => one !== NEW && one !== SKIP);
  const twice = used.filter((slug, i) => used.indexOf(slug) !== i);
  const missing = columns.filter(
    (one) => one.validation?.required && (one.defaultValue ?? null) === null && !used.includes(one.slug),
  );
  const blocked = twice.length > 0 || (missing.length > 0 && matchOn.length === 0) || (used.length === 0 && !(analysis?.columns ?? []).some((one) => targetOf(one.header) === NEW));

  const choices = columns.some(
    (one) => used.includes(one.slug) && (one.fieldType === 'select' || one.fieldType === 'multiSelect'),
  );

  const send = async (dryRun: boolean) => {
    if (!file || !analysis) return;
    const mapping: Record<string, string> = {};
    for (const one of analysis.columns) {
      const target = targetOf(one.header);
      if (target !== SKIP) mapping[one.header] = target === NEW ? one.slug : target;
    }
    abort.current = new AbortController();
    setError(null);
    setRunning({ kind: dryRun ? 'check' : 'run', sent: 0 });
    try {
      const report = await imports.csv(
        table.slug,
        file,
        mapping,
        {
          ...source.options,
          skipFirstRow: source.options.skipFirstRow ?? analysis.hasHeader,
          createColumns: Object.values(mapping).some((slug) => !columns.some((one) => one.slug === slug)),
          ...(matchOn.length > 0 ? { updateExisting: true, matchOn, blank } : {}),
          ...(choices ? { createOptions } : {}),
          continueOnError: dryRun || skipBad,
          dryRun,
        },
        (sent) => setRunning((old) => (old ? { ...old, sent } : old)),
        abort.current.signal,
      );
      if (dryRun) {
        setTrial(report);
        setStep(2);
      } else {
        setResult(report);
        setStep(3);
        await queryClient.invalidateQueries({ queryKey: keys.table(table.slug) });
        await queryClient.invalidateQueries({ queryKey: keys.stats(table.slug) });
      }
    } catch (cause) {
      if (!(cause instanceof DOMException)) setError(cause);
    }
    setRunning(null);
  };

  const restart = () => {
    source.reset();
    setTargets({});
    setMatchOn([]);
    setTrial(null);
    setResult(null);
    setError(null);
    setStep(0);
  };

  return (
    <Stack gap="lg">
      <Stepper size="xs" active={result ? 4 : step} allowNextStepsSelect={false} onStepClick={(to) => !result && !running && to < step && setStep(to)}>
        {text.imports.steps.map((label) => (
          <Stepper.Step key={label} label={label} />
        ))}
      </Stepper>
      {step === 0 && (
        <Stack gap="md">
          {!analysis && source.progress === null && !source.error && (
            <DropFile accept=".csv,.tsv,.txt,text/csv" hint={text.drop.csvHint} take={(next) => void source.analyse(next, {})} />
          )}
          {source.progress !== null && <Busy label={source.progress < 1 ? text.imports.uploading : text.imports.analysing} sent={source.progress} />}
          {source.error ? (
            <>
              <Problem error={source.error} />
              <Group>
                <Button variant="default" onClick={restart}>
                  {text.imports.another}
                </Button>
              </Group>
            </>
          ) : null}
          {analysis && file && source.progress === null && (
            <>
              <FileOptions file={file} analysis={analysis} options={source.options} change={(next) => void source.analyse(file, next)} />
              <Preview analysis={analysis} />
              <Group justify="space-between">
                <Button variant="default" onClick={restart}>
                  {text.imports.another}
                </Button>
                <Button onClick={() => setStep(1)}>{text.imports.next}</Button>
              </Group>
            </>
          )}
        </Stack>
      )}
      {step === 1 && analysis && (
        <Stack gap="md">
          <Mapping
            analysis={analysis.columns}
            columns={columns}
            targetOf={targetOf}
            twice={twice}
            change={(header, target) => setTargets((old) => ({ ...old, [header]: target }))}
          />
          {missing.length > 0 && (
            <div className="problem" role="alert">
              {text.imports.missing(missing.map((one) => one.name).join(', '))}
            </div>
          )}
          {twice.length > 0 && (
            <div className="problem" role="alert">
              {text.imports.twice}
            </div>
          )}
          <fieldset className="config">
            <legend>{text.imports.rules}</legend>
            <Group align="end" gap="md">
              <MultiSelect
                size="xs"
                miw={260}
                label={text.imports.matchOn}
                description={text.imports.matchOnBody}
                data={columns.filter((one) => used.includes(one.slug)).map((one) => ({ value: one.slug, label: one.name }))}
                value={matchOn}
                onChange={setMatchOn}
              />
              {matchOn.length > 0 && (
                <Select
                  size="xs"
                  label={text.imports.blank}
                  allowDeselect={false}
                  data={Object.entries(text.imports.blanks).map(([value, label]) => ({ value, label }))}
                  value={blank}
                  onChange={(value) => setBlank(value ?? 'keep')}
                />
              )}
            </Group>
            {choices && (
              <Checkbox
                mt="sm"
                size="sm"
                label={text.imports.createOptions}
                checked={createOptions}
                onChange={(event) => setCreateOptions(event.currentTarget.checked)}
              />
            )}
          </fieldset>
          <Problem error={error} />
          {running ? (
            <Busy label={text.imports.checking} sent={running.sent} cancel={() => abort.current?.abort()} />
          ) : (
            <Group justify="space-between">
              <Button variant="default" onClick={() => setStep(0)}>
                {text.imports.back}
              </Button>
              <Button disabled={blocked} onClick={() => void send(true)}>
                {text.imports.check}
              </Button>
            </Group>
          )}
        </Stack>
      )}
      {step === 2 && trial && (
        <Stack gap="md">
          <Text size="sm">{text.imports.checked}</Text>
          <Counts report={trial} trial />
          <RowErrors report={trial} columns={columns} offerFile={false} />
          {trial.failed > 0 && (
            <Checkbox
              size="sm"
              label={text.imports.skipBad}
              description={text.imports.skipBadBody}
              checked={skipBad}
              onChange={(event) => setSkipBad(event.currentTarget.checked)}
            />
          )}
          <Problem error={error} />
          {running ? (
            <Busy label={text.imports.running} sent={running.sent} />
          ) : (
            <Group justify="space-between">
              <Button variant="default" onClick={() => setStep(1)}>
                {text.imports.back}
              </Button>
              <Button
                disabled={(trial.failed > 0 && !skipBad) || trial.created + trial.updated === 0}
                onClick={() => void send(false)}
              >
                {text.imports.run(trial.created + trial.updated)}
              </Button>
            </Group>
          )}
        </Stack>
      )}
      {step === 3 && result && (
        <Stack gap="md">
          <Group gap="xs">
            {result.written && <Check size={18} aria-hidden className="tick" />}
            <Text fw={600}>{result.written ? text.imports.done : text.imports.notDone}</Text>
          </Group>
          {result.reason && <Problem error={new Error(result.reason)} />}
          <Counts report={result} trial={false} />
          <RowErrors report={result} columns={columns} offerFile />
          <Group>
            <Button component={Link} to={`/t/${table.slug}`}>
              {text.imports.open(table.name)}
            </Button>
            {result.written && <UndoButton operation={result.importId} done={restart} />}
            <Button variant="default" onClick={restart}>
              {text.imports.another}
            </Button>
          </Group>
        </Stack>
      )}
    </Stack>
  );
}

export function Busy({ label, sent, cancel }: { label: string; sent: number; cancel?: () => void }) {
  const whole = sent >= 1;
  return (
    <div className="busy" role="status">
      <Text size="sm">{whole ? label : text.imports.sent(Math.round(sent * 100))}</Text>
      <Progress value={whole ? 100 : sent * 100} animated={whole} striped={whole} aria-label={label} />
      {cancel && (
        <Button variant="subtle" color="gray" onClick={cancel}>
          {text.common.cancel}
        </Button>
      )}
    </div>
  );
}

function Mapping(props: {
  analysis: AnalysedColumn[];
  columns: Column[];
  targetOf: (header: string) => string;
  twice: string[];
  change: (header: string, target: string) => void;
}) {
  const types = useFieldTypes();
  const data = [
    { value: NEW, label: text.imports.newColumn },
    { value: SKIP, label: text.imports.skip },
    ...props.columns.map((one) => ({ value: one.slug, label: one.name })),
  ];
  return (
    <div className="sheet">
      <table className="plain mapping">
        <Heads names={[text.imports.inFile, text.imports.samples, text.imports.goesTo]} />
        <tbody>
          {props.analysis.map((one) => {
            const target = props.targetOf(one.header);
            const column = props.columns.find((c) => c.slug === target);
            const type = target === NEW ? one.fieldType : column?.fieldType;
            return (
              <tr key={one.header} data-skip={target === SKIP || undefined}>
                <td>
                  <strong>{one.header}</strong>
                  <div className="dimmed">{text.imports.filled(one.filled, one.filled + one.empty)}</div>
                </td>
                <td className="cut dimmed">{one.samples.slice(0, 3).join(' · ')}</td>
                <td>
                  <Select
                    size="xs"
                    searchable
                    allowDeselect={false}
                    aria-label={text.imports.targetOf(one.header)}
                    error={props.twice.includes(target)}
                    data={data}
                    value={target}
                    onChange={(value) => value && props.change(one.header, value)}
                  />
                  {type && (
                    <div className="dimmed">
                      {fieldTypeName(types.data, type)}
                      {target === NEW && one.note ? ` · ${one.note}` : ''}
                    </div>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
