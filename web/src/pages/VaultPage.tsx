// The vault: secrets behind tokens, their audit, the keys, the jobs. What a person may not do is not offered.
import { ActionIcon, Button, Group, Menu, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { CalendarClock, Compass, Eye, Gift, Lock, MoreHorizontal, Pencil, Plus, Share2, Timer, Trash2 } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import { keys, mayAdminister, mayEdit } from '../api/queries';
import { vault } from '../api/vault';
import type { VaultStatus } from '../api/wire';
import { useReach } from '../shell/Connection';
import { Crumbs, useMe } from '../shell/Shell';
import { text } from '../text/en';
import { words } from '../text/vault';
import { Confirm, type Question } from '../ui/confirm';
import { Empty, Failure, Loading } from '../ui/states';
import { show } from '../ui/toast';
import { refreshVault } from '../vault/acts';
import { Audit } from '../vault/Audit';
import { DeleteByToken, NewValue, OtherPassword, RenewByToken } from '../vault/Changes';
import { CreateSecret } from '../vault/CreateSecret';
import { ALL, type Filter } from '../vault/filter';
import { Jobs } from '../vault/Jobs';
import { Keys } from '../vault/Keys';
import { Reveal } from '../vault/Reveal';
import { Sealed } from '../vault/Sealed';
import { SecretList } from '../vault/SecretList';
import { SecretPage } from '../vault/SecretPage';
import { StartJob, type Draft } from '../vault/StartJob';
import { HandOver, Take } from '../vault/Wrapping';

const PARTS = ['', 'audit', 'keys', 'jobs'];

type Dialog = 'create' | 'reveal' | 'handOver' | 'take' | 'newValue' | 'password' | 'renew' | 'delete';

/** `part` is what stands after `/vault/`. */
export function VaultPage({ part }: { part: string }) {
  const me = useMe();
  const manages = mayAdminister(me);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const status = useQuery({ queryKey: [...keys.vault, 'status'], queryFn: vault.status, enabled: manages, retry: false });
  const sealed = status.data?.sealed ?? false;
  const inside = PARTS.includes(part) ? part : '';
  const trail = [{ label: text.nav.vault, to: '/vault' }];
  if (inside !== '') trail.push({ label: words.parts[inside] ?? inside, to: `/vault/${inside}` });
  const online = useReach() === 'online';
  return (
    <>
      {!online && <div className="notice">{words.offline}</div>}
      <div className="page vault">
        <Crumbs trail={trail} />
        <div className="page-head">
          <div>
            <Title order={1} size="h3">
              {text.nav.vault}
            </Title>
            <Text size="sm" c="dimmed">
              {manages ? words.about : words.aboutReader}
            </Text>
          </div>
          <Head edits={mayEdit(me)} manages={manages} sealed={sealed} open={setDialog} />
        </div>
        {status.data?.sealed && <Sealed status={status.data} />}
        {manages ? (
          <Parts part={part} inside={inside} status={status} sealed={sealed} create={() => setDialog('create')} />
        ) : (
          <Empty icon={<Lock size={28} />} title={text.errors.forbidden} body={words.adminsOnly} />
        )}
        <Dialogs dialog={dialog} close={() => setDialog(null)} />
      </div>
    </>
  );
}

function Dialogs({ dialog, close }: { dialog: Dialog | null; close: () => void }) {
  const changed = () => void refreshVault();
  const shared = { close, changed };
  return (
    <>
      {dialog === 'create' && <CreateSecret close={close} made={changed} />}
      {dialog === 'reveal' && <Reveal close={close} used={changed} />}
      {dialog === 'handOver' && <HandOver close={close} made={changed} />}
      {dialog === 'take' && <Take close={close} used={changed} />}
      {dialog === 'newValue' && <NewValue {...shared} />}
      {dialog === 'password' && <OtherPassword {...shared} />}
      {dialog === 'renew' && <RenewByToken {...shared} />}
      {dialog === 'delete' && <DeleteByToken {...shared} />}
    </>
  );
}

interface HeadProps {
  edits: boolean;
  manages: boolean;
  sealed: boolean;
  open: (dialog: Dialog) => void;
}

function Head({ edits, manages, sealed, open }: HeadProps) {
  const [question, setQuestion] = useState<Question | null>(null);
  const sweep = () =>
    setQuestion({
      title: words.sweepTitle,
      body: words.sweepBody,
      confirm: words.delete,
      danger: true,
      run: async () => {
        const { deleted } = await vault.sweep(false);
        await refreshVault();
        show(words.swept(deleted));
      },
    });
  const item = (icon: ReactNode, label: string, run: () => void) => (
    <Menu.Item leftSection={icon} disabled={sealed} onClick={run}>
      {label}
    </Menu.Item>
  );
  return (
    <Group gap="xs">
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={30} aria-label={words.more} title={words.more}>
            <MoreHorizontal size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {item(<Gift size={14} />, words.take, () => open('take'))}
          {edits && (
            <>
              {item(<Share2 size={14} />, words.handOver, () => open('handOver'))}
              <Menu.Divider />
              {item(<Pencil size={14} />, words.byToken.newValue, () => open('newValue'))}
              {item(<Lock size={14} />, words.byToken.password, () => open('password'))}
              {item(<CalendarClock size={14} />, words.byToken.renew, () => open('renew'))}
              {item(<Trash2 size={14} />, words.byToken.delete, () => open('delete'))}
            </>
          )}
          {manages && (
            <>
              <Menu.Divider />
              {item(<Timer size={14} />, words.sweep, sweep)}
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      <Button variant="default" leftSection={<Eye size={14} />} disabled={sealed} onClick={() => open('reveal')}>
        {words.read}
      </Button>
      {edits && (
        <Button leftSection={<Plus size={14} />} disabled={sealed} onClick={() => open('create')}>
          {words.new}
        </Button>
      )}
      <Confirm question={question} close={() => setQuestion(null)} />
    </Group>
  );
}

interface PartsProps {
  part: string;
  inside: string;
  status: { data?: VaultStatus; isPending: boolean; isError: boolean; error: unknown; refetch: () => unknown };
  sealed: boolean;
  create: () => void;
}

function Parts({ part, inside, status, sealed, create }: PartsProps) {
  const [filter, setFilter] = useState<Filter>(ALL);
  const [starting, setStarting] = useState<{ draft?: Draft } | null>(null);
  const secret = /^s\/([^/]+)$/.exec(part)?.[1];
  if (!PARTS.includes(part) && secret === undefined) {
    return <Empty icon={<Compass size={28} />} title={text.errors.noPage} body={text.errors.noPageBody} />;
  }
  return (
    <>
      <nav className="parts" aria-label={words.partsLabel}>
        {PARTS.map((one) => (
          <Link key={one} to={one === '' ? '/vault' : `/vault/${one}`} aria-current={one === inside ? 'page' : undefined}>
            {words.parts[one]}
          </Link>
        ))}
      </nav>
      {part === '' && <SecretList filter={filter} setFilter={setFilter} create={create} sealed={sealed} />}
      {secret !== undefined && <SecretPage key={secret} id={decodeURIComponent(secret)} sealed={sealed} />}
      {part === 'audit' && <Audit sealed={sealed} />}
      {part === 'keys' && status.isPending && <Loading rows={3} />}
      {part === 'keys' && status.isError && <Failure error={status.error} retry={() => void status.refetch()} />}
      {part === 'keys' && status.data && (
        <Keys status={status.data} rotate={() => setStarting({ draft: { kind: 'rotateKey', dryRun: true } })} />
      )}
      {part === 'jobs' && <Jobs sealed={sealed} start={(draft) => setStarting({ draft })} />}
      {starting && <StartJob draft={starting.draft} close={() => setStarting(null)} />}
    </>
  );
}
