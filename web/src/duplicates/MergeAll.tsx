// Merges all groups that are alike enough, by one rule: counted first, then one call and one operation each, so that each can be taken
// back alone, or all of them as long as the dialog is open. Not for what needs a person's eyes.
import { Button, Checkbox, Group as Row, NumberInput, Progress, Radio, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Merge as MergeIcon, Square, Undo2 } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { duplicates as api, type Group, type Ignored } from '../api/duplicates';
import { history } from '../api/endpoints';
import { addressOf, recordPath } from '../api/places';
import { keys } from '../api/queries';
import type { Column, Table } from '../api/wire';
import { nameOf } from '../fields/links';
import { text } from '../text/en';
import { words } from '../text/duplicates';
import { Dialog } from '../ui/Dialog';
import { messageOf, Problem } from '../ui/states';
import { Heads } from '../ui/tables';
import { mergeByRule, RULES, SHOWN_MAX, sizeOf, type Rule } from './choices';
import { groupsFrom } from './found';

/** What is counted waits until the score rests. */
const REST_MS = 250;
const FAILURES_SHOWN = 50;

interface AllProps {
  table: Table;
  columns: Column[];
  find: string;
  ignored: Ignored[];
  minimum: number;
  close: () => void;
  /** Some records were merged. */
  merged: () => void;
}

interface Outcome {
  of: number;
  done: number;
  merged: number;
  gone: number;
  failures: { name: string; id: string; why: string }[];
  /** The operations of the merges, in order. */
  operations: string[];
  over: boolean;
}

/** The taking back of all merges. */
interface Back {
  of: number;
  done: number;
  failed: number;
  over: boolean;
}

export function MergeAll({ table, columns, find, ignored, minimum, close, merged }: AllProps) {
  const [score, setScore] = useState(minimum);
  const [rule, setRule] = useState<Rule>('fullest');
  const [fill, setFill] = useState(true);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [back, setBack] = useState<Back | null>(null);
  const stopped = useRef(false);
  useEffect(
    () => () => {
      stopped.current = true;
    },
    [],
  );
  const [rested] = useDebouncedValue(score, REST_MS);
  const counted = useQuery({
    queryKey: keys.duplicates(addressOf(table), 'from', find, rested),
    queryFn: ({ signal }) => groupsFrom(addressOf(table), find, rested, ignored, signal),
    enabled: outcome === null,
    gcTime: 0,
    staleTime: 0,
    retry: false,
  });
  const ready = counted.data !== undefined && rested === score && !counted.isFetching;
  const mergeable = (counted.data ?? []).filter((group) => sizeOf(group) <= SHOWN_MAX);
  const large = (counted.data?.length ?? 0) - mergeable.length;
  const run = async (groups: Group[]) => {
    stopped.current = false;
    const now: Outcome = { of: groups.length, done: 0, merged: 0, gone: 0, failures: [], operations: [], over: false };
    setOutcome({ ...now });
    for (const group of groups) {
      if (stopped.current) break;
      const merge = mergeByRule(group, rule, fill, columns);
      try {
        const { operationId } = await api.merge(addressOf(table), merge, false);
        if (operationId) now.operations.push(operationId);
        now.merged += 1;
        now.gone += merge.recordIds.length;
      } catch (error) {
        const [first] = group.records;
        now.failures.push({ name: first ? nameOf({ ...table, columns }, first) : '', id: merge.survivorId, why: messageOf(error) });
      }
      now.done += 1;
      setOutcome({ ...now });
    }
    setOutcome({ ...now, over: true });
    merged();
  };
  const takeBack = async (operations: string[]) => {
    stopped.current = false;
    const now: Back = { of: operations.length, done: 0, failed: 0, over: false };
    setBack({ ...now });
    for (const operation of operations.toReversed()) {
      if (stopped.current) break;
      try {
        const report = await history.revert(table.workspaceId, operation, false);
        if (report.skippedTotal > 0) now.failed += 1;
      } catch {
        now.failed += 1;
      }
      now.done += 1;
      setBack({ ...now });
    }
    setBack({ ...now, over: true });
    merged();
  };
  const busy = (outcome !== null && !outcome.over) || (back !== null && !back.over);
  return (
    <Dialog onClose={busy ? () => undefined : close} withCloseButton={!busy} title={words.all.title} size="lg">
      {outcome ? (
        <Result table={table} outcome={outcome} back={back} takeBack={() => void takeBack(outcome.operations)} stop={() => (stopped.current = true)} close={close} />
      ) : (
        <Stack gap="md">
          <NumberInput
            data-autofocus
            w={220}
            label={words.all.score}
            min={0}
            max={100}
            suffix=" %"
            allowDecimal={false}
            value={score}
            onChange={(value) => setScore(value === '' ? 100 : Number(value))}
          />
          <Radio.Group label={words.all.survivor} value={rule} onChange={(value) => setRule(value as Rule)}>
            <Stack gap={10} mt={6}>
              {RULES.map((one) => (
                <Radio key={one} size="xs" value={one} label={words.all.rules[one]} />
              ))}
            </Stack>
          </Radio.Group>
          <Checkbox size="xs" label={words.all.fill} description={words.all.fillHint} checked={fill} onChange={(event) => setFill(event.currentTarget.checked)} />
          <div className="dup-count" role="status">
            <strong>
              {!ready && !counted.isError && words.all.counting}
              {ready &&
                (mergeable.length === 0 ? words.all.none : words.all.count(mergeable.length, mergeable.reduce((sum, group) => sum + group.records.length, 0)))}
            </strong>
            {ready && large > 0 && <Text size="sm">{words.all.large(large)}</Text>}
            <Text size="sm" c="dimmed">
              {words.all.undo}
            </Text>
          </div>
          <Problem error={counted.error} />
          <Row justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {text.common.cancel}
            </Button>
            <Button disabled={!ready || mergeable.length === 0} leftSection={<MergeIcon size={14} />} onClick={() => void run(mergeable)}>
              {words.all.confirm(mergeable.length)}
            </Button>
          </Row>
        </Stack>
      )}
    </Dialog>
  );
}

interface ResultProps {
  table: Table;
  outcome: Outcome;
  back: Back | null;
  takeBack: () => void;
  stop: () => void;
  close: () => void;
}

function Result({ table, outcome, back, takeBack, stop, close }: ResultProps) {
  const { of, done, merged, gone, failures, operations, over } = outcome;
  const busy = !over || (back !== null && !back.over);
  return (
    <Stack gap="md">
      {!over && <Progress value={(done / Math.max(1, of)) * 100} aria-label={words.all.progress} />}
      {back && !back.over && <Progress value={(back.done / Math.max(1, back.of)) * 100} aria-label={words.all.takeBackProgress} />}
      <div role="status">
        {back ? back.over ? <TakenBack back={back} /> : words.all.takingBack(back.done, back.of) : over ? words.all.done(merged, gone) : words.all.running(done, of)}
        {over && done < of && <div>{words.all.stopped(of - done)}</div>}
        {over && failures.length > 0 && <div>{words.all.failed(failures.length)}:</div>}
      </div>
      {over && failures.length > 0 && (
        <div className="sheet short" role="region" aria-label={words.all.failed(failures.length)} tabIndex={0}>
          <table className="plain">
            <Heads names={[words.all.group, words.all.why]} />
            <tbody>
              {failures.slice(0, FAILURES_SHOWN).map((one) => (
                <tr key={one.id}>
                  <td className="cut">
                    <Link to={recordPath(table, one.id)}>{one.name}</Link>
                  </td>
                  <td>{one.why}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {over && (
        <Link to="/activity" className="dup-link">
          {words.all.activity}
        </Link>
      )}
      <Row justify="flex-end" gap="xs">
        {over && !back && operations.length > 0 && (
          <Button variant="default" leftSection={<Undo2 size={14} />} onClick={takeBack}>
            {words.all.takeBack}
          </Button>
        )}
        {!busy ? (
          <Button onClick={close} data-autofocus>
            {text.common.close}
          </Button>
        ) : (
          <Button variant="default" leftSection={<Square size={13} />} onClick={stop}>
            {words.all.stop}
          </Button>
        )}
      </Row>
    </Stack>
  );
}

function TakenBack({ back }: { back: Back }) {
  const whole = back.done - back.failed;
  return (
    <>
      {whole > 0 && words.all.takenBack(whole)}
      {back.failed > 0 && <div>{words.all.notBack(back.failed)}</div>}
      {back.done < back.of && <div>{words.all.takingBack(back.done, back.of)}</div>}
    </>
  );
}
