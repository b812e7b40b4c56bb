// One secret: what is known of it, what can be done with it, its versions and its trail. Its value only through its token.
import { ActionIcon, Button, CopyButton, Group, Stack, Text, Title, Tooltip } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import {
  ArrowLeft, CalendarClock, Copy, Eye, KeyRound, Lock, Pencil, RotateCcw, Share2, Tag, Trash2, TriangleAlert,
} from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { keys, useNames } from '../api/queries';
import { vault } from '../api/vault';
import type { SecretInfo } from '../api/wire';
import { text } from '../text/en';
import { words } from '../text/vault';
import { Empty, Failure, Loading } from '../ui/states';
import { ago, when } from '../ui/time';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import { refreshVault, useActs } from './acts';
import { AuditTrail } from './Audit';
import { NewValue, OtherPassword } from './Changes';
import { Dialog } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal } from '../ui/form';
import { metadataOf, MetadataInput, type Pair } from './inputs';
import { nameOf } from './names';
import { Reveal } from './Reveal';
import { Pills, readsOf, State } from './SecretList';
import { Versions } from './Versions';
import { HandOver } from './Wrapping';

type Open = 'reveal' | 'value' | 'password' | 'handOver' | 'metadata';

export function SecretPage({ id, sealed }: { id: string; sealed: boolean }) {
  const found = useQuery({
    queryKey: [...keys.vault, 'secret', id],
    queryFn: async () => (await vault.byId(id)) ?? null,
    refetchOnMount: 'always',
  });
  return (
    <>
      <Link to="/vault" className="back">
        <ArrowLeft size={14} aria-hidden /> {words.detail.back}
      </Link>
      {found.isPending && <Loading />}
      {found.isError && <Failure error={found.error} retry={() => void found.refetch()} />}
      {found.data === null && <Empty icon={<KeyRound size={28} />} title={text.errors.notFound} body={words.detail.gone} />}
      {found.data && <Secret secret={found.data} sealed={sealed} />}
    </>
  );
}

function Secret({ secret, sealed }: { secret: SecretInfo; sealed: boolean }) {
  const [dialog, setDialog] = useState<Open | null>(null);
  const [, navigate] = useLocation();
  const acts = useActs((what) => {
    if (what === 'purged') navigate('/vault');
  });
  const close = () => setDialog(null);
  const changed = () => void refreshVault();
  const shared = { secret, close };
  return (
    <>
      <Group justify="space-between" align="center" mb="sm" gap="xs">
        <Group gap="sm" miw={0} wrap="nowrap">
          <Title order={2} size="h4" className="cut">
            {nameOf(secret)}
          </Title>
          <State secret={secret} />
        </Group>
      </Group>
      <Note secret={secret} />
      <Actions secret={secret} sealed={sealed} open={setDialog} acts={acts} />
      <Facts secret={secret} />
      <section className="vault-section">
        <Group justify="space-between" mb={6}>
          <Title order={3} size="h5">
            {words.detail.metadata}
          </Title>
          {secret.status !== 'deleted' && (
            <Button size="compact-xs" variant="default" leftSection={<Tag size={12} />} onClick={() => setDialog('metadata')}>
              {words.detail.editMetadata}
            </Button>
          )}
        </Group>
        {Object.keys(secret.metadata).length > 0 ? (
          <Pills metadata={secret.metadata} />
        ) : (
          <Text size="sm" c="dimmed">
            {words.detail.noMetadata}
          </Text>
        )}
      </section>
      <Versions secret={secret} sealed={sealed} />
      <section className="vault-section">
        <Title order={3} size="h5" mb={6}>
          {words.audit.trail}
        </Title>
        <AuditTrail secret={secret.id} />
      </section>
      {dialog === 'reveal' && <Reveal {...shared} used={changed} />}
      {dialog === 'value' && <NewValue {...shared} changed={changed} />}
      {dialog === 'password' && <OtherPassword {...shared} changed={changed} />}
      {dialog === 'handOver' && <HandOver {...shared} made={changed} />}
      {dialog === 'metadata' && <Metadata {...shared} />}
      {acts.dialogs}
    </>
  );
}

function Note({ secret }: { secret: SecretInfo }) {
  const notes: Record<string, string> = {
    deleted: words.detail.deletedNote, expired: words.detail.expiredNote, exhausted: words.detail.usedUpNote,
  };
  const note = notes[secret.status];
  if (!note) return null;
  return (
    <p className="warning">
      <TriangleAlert size={16} aria-hidden /> {note}
    </p>
  );
}

interface ActionsProps {
  secret: SecretInfo;
  sealed: boolean;
  open: (dialog: Open) => void;
  acts: ReturnType<typeof useActs>;
}

function Actions({ secret, sealed, open, acts }: ActionsProps) {
  const kept = secret.kind === 'secret';
  if (secret.status === 'deleted') {
    return (
      <Group gap="xs" mb="md" role="group" aria-label={words.detail.actions}>
        <Button leftSection={<RotateCcw size={14} />} onClick={() => void acts.restore([secret])}>
          {words.restore}
        </Button>
        <Button variant="light" color="red" leftSection={<Trash2 size={14} />} onClick={() => acts.purge([secret])}>
          {words.purge}
        </Button>
      </Group>
    );
  }
  const button = (dialog: Open, icon: ReactNode, label: string, main = false) => (
    <Button variant={main ? 'filled' : 'default'} leftSection={icon} disabled={sealed} onClick={() => open(dialog)}>
      {label}
    </Button>
  );
  return (
    <>
      <Group gap="xs" mb={kept ? 6 : 'md'} role="group" aria-label={words.detail.actions}>
        {kept && secret.status === 'live' && button('reveal', <Eye size={14} />, words.reveal.show, true)}
        {kept && secret.status !== 'exhausted' && button('value', <Pencil size={14} />, words.newValue)}
        {kept && secret.status !== 'exhausted' && button('password', <Lock size={14} />, words.otherPassword)}
        {kept && secret.status === 'live' && button('handOver', <Share2 size={14} />, words.handOverThis)}
        {secret.status !== 'exhausted' && (
          <Button variant="default" leftSection={<CalendarClock size={14} />} onClick={() => acts.renew([secret])}>
            {words.renew}
          </Button>
        )}
        <Button variant="light" color="red" leftSection={<Trash2 size={14} />} onClick={() => acts.remove([secret])}>
          {words.delete}
        </Button>
      </Group>
      {kept && (
        <Text size="xs" c="dimmed" mb="md">
          {words.detail.needsToken}
        </Text>
      )}
    </>
  );
}

function Facts({ secret }: { secret: SecretInfo }) {
  const actor = useNames();
  const facts: [string, ReactNode, string?][] = [
    [words.detail.expires, secret.expiresAt ? ago(secret.expiresAt) : words.list.never, when(secret.expiresAt)],
    [words.detail.reads, readsOf(secret)],
    [words.detail.password, secret.hasPassword ? words.list.yes : words.list.no],
    [words.detail.token, secret.customToken ? words.detail.tokens.custom : words.detail.tokens.drawn],
    [words.detail.version, String(secret.version)],
    [words.detail.kind, words.kinds[secret.kind] ?? secret.kind],
    [words.detail.created, ago(secret.createdAt), when(secret.createdAt)],
    [words.detail.by, actor(secret.createdBy)],
    [words.detail.changed, ago(secret.updatedAt), when(secret.updatedAt)],
  ];
  if (secret.deletedAt) facts.push([words.detail.deleted, ago(secret.deletedAt), when(secret.deletedAt)]);
  return (
    <dl className="facts" aria-label={words.detail.facts}>
      {facts.map(([name, value, title]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd title={title}>{value}</dd>
        </div>
      ))}
      <div>
        <dt>{words.detail.id}</dt>
        <dd>
          <code>{secret.id}</code>{' '}
          <CopyButton value={secret.id}>
            {({ copied, copy }) => (
              <Tooltip label={copied ? text.common.copied : words.detail.copyId}>
                <ActionIcon size="sm" variant="subtle" color="gray" aria-label={words.detail.copyId} onClick={copy}>
                  <Copy size={12} />
                </ActionIcon>
              </Tooltip>
            )}
          </CopyButton>
        </dd>
      </div>
    </dl>
  );
}

function Metadata({ secret, close }: { secret: SecretInfo; close: () => void }) {
  const [pairs, setPairs] = useState<Pair[]>(() => Object.entries(secret.metadata));
  const { busy, error, work } = useWork();
  return (
    <Dialog onClose={close} title={words.detail.editMetadata} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void work(async () => {
            await vault.patch(secret, { metadata: metadataOf(pairs) });
            await refreshVault();
            show(words.detail.metadataSaved);
            close();
          });
        }}
      >
        <Stack gap="sm">
          <MetadataInput pairs={pairs} onChange={setPairs} error={issuesAt(error, ['metadata']).metadata} />
          <Refusal error={error} fields={['metadata']} />
          <FormFoot close={close} run={text.common.save} busy={busy} />
        </Stack>
      </form>
    </Dialog>
  );
}
