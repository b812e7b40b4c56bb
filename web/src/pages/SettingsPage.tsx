// The server itself: what it is and holds, its load, a backup, and the keyboard. Users, keys and webhooks have pages of their own.
import { Button, Code, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Compass, Download } from 'lucide-react';
import { lazy, Suspense, type ReactNode } from 'react';
import { Link } from 'wouter';
import { isHeld } from '../access/rights';
import { tablePath, useWorkspace } from '../api/places';
import { keys, mayAdminister, useTables } from '../api/queries';
import { server } from '../api/server';
import type { Table } from '../api/wire';
import { parse, sum, type Scrape } from '../metrics/prometheus';
import { bytes } from '../metrics/units';
import { KeyboardMap } from '../shell/Help';
import { InWorkspace } from '../shell/here';
import { Crumbs, useMe } from '../shell/Shell';
import { words } from '../text/admin';
import { text } from '../text/en';
import { AdminOnly, OfflineNotice, PageHead } from '../ui/AdminOnly';
import { Empty, Failure, Loading } from '../ui/states';
import { Sheet } from '../ui/Sheet';
import { Heads } from '../ui/tables';
import { count } from '../ui/time';
import { show } from '../ui/toast';

const Metrics = lazy(() => import('../metrics/Metrics').then((m) => ({ default: m.Metrics })));

const Workspaces = lazy(() => import('../tables/Workspaces').then((m) => ({ default: m.Workspaces })));

const PARTS = ['', 'workspaces', 'metrics', 'backup', 'keyboard'];
const FOR_ADMINS = ['workspaces', 'metrics', 'backup'];
const ASK_AGAIN_MS = 10_000;
const TABLES_SHOWN_MAX = 20;
const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;

/** `part` is what stands after `/settings/`. */
export function SettingsPage({ part }: { part: string }) {
  const admin = mayAdminister(useMe());
  const known = PARTS.includes(part);
  const trail = [{ label: text.nav.settings, to: '/settings' }];
  if (known && part !== '') trail.push({ label: words.settings.parts[part] ?? part, to: `/settings/${part}` });
  return (
    <>
      <OfflineNotice />
      <div className="page">
        <Crumbs trail={trail} />
        <PageHead title={text.nav.settings} />
        <nav className="parts" aria-label={words.settings.partsLabel}>
          {PARTS.filter((one) => admin || !FOR_ADMINS.includes(one)).map((one) => (
            <Link key={one} to={one === '' ? '/settings' : `/settings/${one}`} aria-current={one === part ? 'page' : undefined}>
              {words.settings.parts[one]}
            </Link>
          ))}
        </nav>
        {!known && <Empty icon={<Compass size={28} />} title={text.errors.noPage} body={text.errors.noPageBody} />}
        {part === '' && <Server />}
        {part === 'workspaces' && (
          <AdminOnly why={words.settings.adminsOnly}>
            <Suspense fallback={<Loading rows={4} />}>
              <Workspaces />
            </Suspense>
          </AdminOnly>
        )}
        {part === 'metrics' && (
          <AdminOnly why={words.settings.adminsOnly}>
            <Suspense fallback={<Loading rows={6} height={80} />}>
              <Metrics />
            </Suspense>
          </AdminOnly>
        )}
        {part === 'backup' && (
          <AdminOnly why={words.settings.adminsOnly}>
            <Backup />
          </AdminOnly>
        )}
        {part === 'keyboard' && <KeyboardMap />}
      </div>
    </>
  );
}

function lasting(seconds: number): string {
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat('en', { style: 'unit', unit: name, unitDisplay: 'long', maximumFractionDigits: 0 }).format(Math.floor(value));
  if (seconds < MINUTE_SECONDS) return unit(seconds, 'second');
  if (seconds < HOUR_SECONDS) return unit(seconds / MINUTE_SECONDS, 'minute');
  if (seconds < DAY_SECONDS) return `${unit(seconds / HOUR_SECONDS, 'hour')} ${unit((seconds % HOUR_SECONDS) / MINUTE_SECONDS, 'minute')}`;
  return `${unit(seconds / DAY_SECONDS, 'day')} ${unit((seconds % DAY_SECONDS) / HOUR_SECONDS, 'hour')}`;
}

/** What the server's metrics say of itself, for admins. */
function factsOf(scrape: Scrape | undefined): [string, string][] {
  if (!scrape) return [];
  const backend = scrape.get('chancery_readers_max')?.[0]?.labels.backend ?? scrape.get('chancery_commits_total')?.[0]?.labels.backend;
  const uptime = sum(scrape, 'chancery_uptime_seconds');
  const memory = sum(scrape, 'process_resident_memory_bytes');
  const facts: [string, string][] = [];
  if (backend) facts.push([words.settings.backend, words.settings.backends[backend] ?? backend]);
  if (uptime !== undefined) facts.push([words.settings.uptime, lasting(uptime)]);
  if (memory !== undefined) facts.push([words.settings.memory, bytes(memory)]);
  return facts;
}

function Server() {
  const me = useMe();
  const admin = mayAdminister(me);
  const workspace = useWorkspace();
  const again = { refetchOnMount: 'always' as const, refetchInterval: ASK_AGAIN_MS };
  const health = useQuery({ queryKey: [...keys.server, 'health'], queryFn: server.health });
  // What the server holds is not for those who see only a part of it.
  const whole = me.user.role !== 'guest' && !isHeld(me);
  const stats = useQuery({ queryKey: [...keys.server, 'stats', workspace], queryFn: () => server.stats(workspace), enabled: whole, ...again });
  const metrics = useQuery({ queryKey: [...keys.server, 'metrics'], queryFn: async () => parse(await server.metrics()), enabled: admin, ...again });
  const tables = useTables();
  if ((whole && stats.isPending) || health.isPending) return <Loading />;
  if (stats.isError && !stats.data) return <Failure error={stats.error} retry={() => void stats.refetch()} />;
  const about: [string, string][] = [
    [words.settings.version, health.data?.version ?? ''],
    ...factsOf(metrics.data),
    ...(stats.data ? [[words.settings.revision, count(stats.data.revision)] as [string, string]] : []),
    [words.settings.address, location.origin],
    [words.settings.you, `${me.user.name}, ${text.roles[me.user.role] ?? me.user.role}`],
  ];
  return (
    <>
      <Section title={words.settings.server}>
        <Facts facts={about} />
      </Section>
      {stats.data && <Contents held={stats.data} tables={tables.data} />}
      <Section title={words.settings.more}>
        <ul className="ways">
          <Way href="/api/docs" name={words.settings.apiReference} body={words.settings.apiReferenceBody} />
          <Way href="/api/openapi.json" name={words.settings.openapi} body={words.settings.openapiBody} />
        </ul>
      </Section>
    </>
  );
}

type Held = Awaited<ReturnType<typeof server.stats>>;

function Contents({ held, tables }: { held: Held; tables: Table[] | undefined }) {
  const { ttl } = held;
  const contents: [string, string][] = [
    [words.settings.tables, count(tables?.length ?? held.buckets.count)],
    [words.settings.records, count(held.records.total)],
    [words.settings.indexes, count(held.indexes.total)],
    [words.settings.queries, count(held.queries.defined)],
    [words.settings.subscriptions, count(held.queries.activeSubscriptions)],
    [words.settings.ttl, ttl.enabled ? words.settings.every(ttl.checkIntervalMs) : words.settings.never],
  ];
  const largest = Object.entries(held.records.perBucket)
    .map(([slug, records]) => ({ slug, records, indexes: held.indexes.perBucket[slug] ?? 0 }))
    .sort((a, b) => b.records - a.records)
    .slice(0, TABLES_SHOWN_MAX);
  return (
    <>
      <Section title={words.settings.contents} within>
        <Facts facts={contents} />
      </Section>
      {largest.length > 0 && (
        <Section title={words.settings.largest}>
          <Sheet label={words.settings.largest}>
            <table className="plain">
              <Heads names={[words.settings.table, words.settings.records, words.settings.indexes]} />
              <tbody>
                {largest.map((one) => {
                  const table = tables?.find((known) => known.slug === one.slug);
                  return (
                    <tr key={one.slug}>
                      <td>{table ? <Link to={tablePath(table)}>{table.name}</Link> : one.slug}</td>
                      <td>{count(one.records)}</td>
                      <td>{count(one.indexes)}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </Sheet>
        </Section>
      )}
    </>
  );
}

function Section({ title, within, children }: { title: string; within?: boolean; children: ReactNode }) {
  return (
    <section className="page-section">
      <Title order={2} size="h4" mb="xs">
        {title} {within && <InWorkspace />}
      </Title>
      {children}
    </section>
  );
}

function Facts({ facts }: { facts: [string, string][] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Way({ href, name, body }: { href: string; name: string; body: string }) {
  return (
    <li>
      <a href={href} target="_blank" rel="noopener">
        {name} <span className="visually-hidden">{words.settings.newTab}</span>
      </a>
      <div className="dimmed">{body}</div>
    </li>
  );
}

function Backup() {
  return (
    <Stack gap="sm" maw={680}>
      <Title order={2} size="h4">
        {words.settings.backupTitle}
      </Title>
      <Text size="sm">{words.settings.backupBody}</Text>
      <div className="warning">
        <span>{words.settings.backupFiles}</span>
      </div>
      <div>
        <Button component="a" href="/api/backup" download onClick={() => show(words.settings.backupBegun)} leftSection={<Download size={14} />}>
          {words.settings.download}
        </Button>
      </div>
      <Text size="xs" c="dimmed">
        {words.settings.checksum} {words.settings.backupBusy}
      </Text>
      <Title order={3} size="h5" mt="sm">
        {words.settings.backupRestoreTitle}
      </Title>
      <Text size="sm">{words.settings.backupRestore}</Text>
      <Code block tabIndex={0}>
        {words.settings.backupCommand}
      </Code>
      <Title order={3} size="h5" mt="sm">
        {words.settings.backupNightlyTitle}
      </Title>
      <Text size="sm">{words.settings.backupNightly}</Text>
      <Code block tabIndex={0}>
        {words.settings.backupNightlyCommand(location.origin)}
      </Code>
    </Stack>
  );
}
