// The load of the server as plots, from its own metrics, asked every few seconds while somebody looks.
import { Button, Group, SegmentedControl, Text, Title } from '@mantine/core';
import { Pause, Play } from 'lucide-react';
import { useEffect, useState } from 'react';
import { server } from '../api/server';
import { words } from '../text/admin';
import { Failure, Loading, messageOf } from '../ui/states';
import { Sheet } from '../ui/Sheet';
import { Heads } from '../ui/tables';
import { count } from '../ui/time';
import { Plot } from './Plot';
import { parse } from './prometheus';
import { ASK_EVERY_MS, busiest, Samples, type PlotName } from './samples';
import { milliseconds } from './units';

const PLOTS: PlotName[] = ['requests', 'latency', 'writer', 'queue', 'cache', 'memory', 'bytes'];
const ROUTES_MAX = 12;

/** What was seen so far, so that going to another page and back does not begin anew. */
const samples = new Samples();

function useMetrics(paused: boolean) {
  const [, setTurn] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (paused) return;
    const stop = new AbortController();
    const ask = async () => {
      if (document.visibilityState === 'hidden') return;
      try {
        const body = await server.metrics(stop.signal);
        samples.add(parse(body), Date.now());
        setError(null);
      } catch (cause) {
        if (stop.signal.aborted) return;
        setError(cause);
      }
      setTurn((old) => old + 1);
    };
    void ask();
    const timer = setInterval(() => void ask(), ASK_EVERY_MS);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [paused, asked]);
  return { error, retry: () => setAsked((old) => old + 1) };
}

export function Metrics() {
  const [paused, setPaused] = useState(false);
  const [seconds, setSeconds] = useState('300');
  const { error, retry } = useMetrics(paused);
  if (!samples.latest) return error ? <Failure error={error} retry={retry} /> : <Loading rows={6} height={80} />;
  const shown = samples.list;
  return (
    <>
      <Group justify="space-between" gap="xs" mb="sm">
        <Text size="sm" c="dimmed" maw={560}>
          {words.metrics.about(ASK_EVERY_MS / 1000)}
        </Text>
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            aria-label={words.metrics.window}
            data={words.metrics.windows.map(([value, label]) => ({ value, label }))}
            value={seconds}
            onChange={setSeconds}
          />
          <Button variant="default" leftSection={paused ? <Play size={14} /> : <Pause size={14} />} onClick={() => setPaused(!paused)}>
            {paused ? words.metrics.resume : words.metrics.pause}
          </Button>
        </Group>
      </Group>
      {error ? (
        <div className="notice" role="status">
          {words.metrics.lost} {messageOf(error)}
        </div>
      ) : null}
      {shown.length === 0 ? (
        <p role="status">{words.metrics.waiting}</p>
      ) : (
        <div className="plots">
          {PLOTS.filter((name) => name === 'latency' || shown.some((one) => Object.values(one[name]).some((value) => value !== null))).map((name) => (
            <Plot key={name} name={name} samples={shown} seconds={Number(seconds)} />
          ))}
        </div>
      )}
      <Routes />
    </>
  );
}

function Routes() {
  const all = samples.latest ? busiest(samples.latest, ROUTES_MAX) : [];
  if (all.length === 0) return null;
  const { route, method, count: requests, errors, mean, p95, none } = words.metrics;
  return (
    <section className="page-section">
      <Title order={2} size="h4">
        {words.metrics.routes}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {words.metrics.routesAbout}
      </Text>
      <Sheet label={words.metrics.routes}>
        <table className="plain routes">
          <Heads names={[route, method, requests, errors, mean, p95]} />
          <tbody>
            {all.map((one) => (
              <tr key={`${one.method} ${one.route}`}>
                <td className="mono wrap-anywhere">{one.route}</td>
                <td>{one.method}</td>
                <td>{count(one.count)}</td>
                <td>{count(one.errors)}</td>
                <td className="time">{one.mean === null ? none : milliseconds(one.mean)}</td>
                <td className="time">{one.p95 === null ? none : milliseconds(one.p95)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Sheet>
    </section>
  );
}
