// One webhook: whether it is on, what is wrong with it, its delivery log, and sending messages again.
import { ActionIcon, Button, Group, Menu, NumberInput, Stack, Switch, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ArrowLeft, Ellipsis, Pencil, RotateCcw, Send, Trash2, TriangleAlert } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { Link, useLocation } from 'wouter';
import { newestSeen } from '../api/http';
import { keys, queryClient } from '../api/queries';
import { webhooks as api } from '../api/webhooks';
import type { Delivery, Webhook } from '../api/wire';
import { useReach } from '../shell/Connection';
import { words } from '../text/admin';
import { Confirm, type Question } from '../ui/confirm';
import { Dialog } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { Empty, Failure, Loading, messageOf } from '../ui/states';
import { Sheet } from '../ui/Sheet';
import { Heads } from '../ui/tables';
import { ago, count, when } from '../ui/time';
import { show, showError } from '../ui/toast';
import { useWork } from '../ui/work';
import { Events, WebhookState } from './signs';
import { WebhookForm } from './WebhookForm';

const ASK_AGAIN_MS = 3_000;

const oneKey = (id: string) => [...keys.webhooks, id] as const;
const logKey = (id: string) => [...keys.webhooks, id, 'deliveries'] as const;
const refresh = () => queryClient.invalidateQueries({ queryKey: keys.webhooks });

export function OneWebhook({ id }: { id: string }) {
  const found = useQuery({ queryKey: oneKey(id), queryFn: () => api.one(id), refetchOnMount: 'always', refetchInterval: ASK_AGAIN_MS });
  return (
    <>
      <Link to="/webhooks" className="back">
        <ArrowLeft size={14} aria-hidden /> {words.webhooks.all}
      </Link>
      {found.isPending && <Loading />}
      {found.isError && !found.data && <Failure alone error={found.error} retry={() => void found.refetch()} />}
      {found.data && (
        <>
          <Facts webhook={found.data} />
          <Log webhook={found.data} />
        </>
      )}
    </>
  );
}

function Facts({ webhook }: { webhook: Webhook }) {
  const [asked, setAsked] = useState<'edit' | 'replay' | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const [, navigate] = useLocation();
  const { busy, work } = useWork();
  const online = useReach() === 'online';
  const turn = (active: boolean) =>
    void work(async () => {
      try {
        await api.update(webhook.id, { active });
        show(active ? words.webhooks.switchedOn : words.webhooks.switchedOff);
      } catch (error) {
        showError(messageOf(error));
      }
      await refresh();
    });
  const remove = () =>
    setQuestion({
      title: words.webhooks.removeTitle,
      body: words.webhooks.removeBody,
      confirm: words.webhooks.remove,
      danger: true,
      run: async () => {
        await api.remove(webhook.id);
        navigate('/webhooks');
        queryClient.removeQueries({ queryKey: oneKey(webhook.id) });
        await refresh();
        show(words.webhooks.removed);
      },
    });
  const trouble = !webhook.active && webhook.offBecause
    ? words.webhooks.wasSwitchedOff(webhook.offBecause)
    : webhook.failingSince
      ? words.webhooks.failingSince(when(webhook.failingSince))
      : null;
  return (
    <>
      <div className="page-head">
        <div className="webhook-title">
          <Title order={1} size="h3" className="wrap-anywhere">
            {webhook.url}
          </Title>
          <WebhookState webhook={webhook} />
        </div>
        <Group gap="xs">
          <Switch
            label={words.webhooks.active}
            checked={webhook.active}
            disabled={busy || !online}
            onChange={(event) => turn(event.currentTarget.checked)}
          />
          <Button variant="default" leftSection={<Send size={14} />} disabled={!webhook.active || !online} onClick={() => setAsked('replay')}>
            {words.webhooks.replay}
          </Button>
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="default" size={30} aria-label={words.webhooks.more} title={words.webhooks.more}>
                <Ellipsis size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<Pencil size={14} />} onClick={() => setAsked('edit')}>
                {words.webhooks.edit}
              </Menu.Item>
              <Menu.Item className="danger" leftSection={<Trash2 size={14} />} onClick={remove}>
                {words.webhooks.remove}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </div>
      {trouble && (
        <div className="warning" role="status">
          <TriangleAlert size={16} aria-hidden /> {trouble}
        </div>
      )}
      <dl className="facts">
        <div>
          <dt>{words.webhooks.events}</dt>
          <dd>
            <Events topics={webhook.topics} />
          </dd>
        </div>
        <div>
          <dt>{words.webhooks.created}</dt>
          <dd>{when(webhook.createdAt)}</dd>
        </div>
        <div>
          <dt>{words.webhooks.id}</dt>
          <dd>{webhook.id}</dd>
        </div>
      </dl>
      {asked === 'edit' && <WebhookForm webhook={webhook} close={() => setAsked(null)} />}
      {asked === 'replay' && <Replay webhook={webhook} close={() => setAsked(null)} />}
      <Confirm question={question} close={() => setQuestion(null)} />
    </>
  );
}

function Replay({ webhook, close }: { webhook: Webhook; close: () => void }) {
  const newest = newestSeen();
  const [since, setSince] = useState<number | ''>(Math.max(0, newest - 1));
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void work(async () => {
      await api.replay(webhook.id, Number(since));
      await refresh();
      show(words.webhooks.replayed);
      close();
    });
  };
  return (
    <Dialog onClose={close} title={words.webhooks.replayTitle}>
      <form ref={form} onSubmit={submit}>
        <Stack gap="sm">
          <Text size="sm">{words.webhooks.replayBody}</Text>
          <NumberInput
            label={words.webhooks.since}
            description={words.webhooks.newest(newest)}
            data-autofocus
            min={0}
            allowDecimal={false}
            hideControls
            value={since}
            error={issuesAt(error, ['since']).since}
            onChange={(value) => setSince(value === '' ? '' : Number(value))}
          />
          <Refusal error={error} fields={['since']} />
          <FormFoot close={close} run={words.webhooks.replayRun} busy={busy} disabled={since === ''} />
        </Stack>
      </form>
    </Dialog>
  );
}

function Log({ webhook }: { webhook: Webhook }) {
  const { id } = webhook;
  const found = useQuery({ queryKey: logKey(id), queryFn: () => api.deliveries(id), refetchOnMount: 'always', refetchInterval: ASK_AGAIN_MS });
  const [sending, setSending] = useState<string | null>(null);
  const again = async (delivery: Delivery) => {
    setSending(delivery.id);
    try {
      const end = await api.again(id, delivery.id);
      if (end.delivered) show(words.webhooks.arrived(end.status));
      else showError(words.webhooks.notArrived(end.error ?? String(end.status ?? words.webhooks.noAnswer)));
    } catch (error) {
      showError(messageOf(error));
    }
    setSending(null);
    await queryClient.invalidateQueries({ queryKey: logKey(id) });
  };
  const all = found.data ?? [];
  const { when: at, event, number, answer, attempts, took } = words.webhooks;
  return (
    <section className="vault-section">
      <Title order={2} size="h4">
        {words.webhooks.log}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {words.webhooks.logAbout}
      </Text>
      {found.isPending && <Loading rows={4} />}
      {found.isError && !found.data && <Failure error={found.error} retry={() => void found.refetch()} />}
      {found.data && all.length === 0 && <Empty icon={<Send size={28} />} title={words.webhooks.logEmpty} body={words.webhooks.logEmptyBody} />}
      {all.length > 0 && (
        <Sheet label={words.webhooks.log}>
          <table className="plain deliveries">
            <Heads names={[at, event, number, answer, attempts, took]} actions />
            <tbody>
              {all.map((one) => (
                <tr key={one.id} data-delivered={one.delivered}>
                  <td className="time" title={when(one.at)}>
                    {ago(one.at)}
                  </td>
                  <td className="mono">{one.topic}</td>
                  <td>{count(one.number)}</td>
                  <td>
                    <span className="pill" data-color={one.delivered ? 'green' : 'red'}>
                      {one.status ?? words.webhooks.noAnswer}
                    </span>
                    {one.error && <div className="delivery-error">{one.error}</div>}
                  </td>
                  <td>{count(one.attempts)}</td>
                  <td className="time">{words.webhooks.ms(one.tookMs)}</td>
                  <td className="end">
                    <Button
                      size="compact-xs"
                      variant="default"
                      leftSection={<RotateCcw size={12} />}
                      loading={sending === one.id}
                      disabled={sending !== null && sending !== one.id}
                      aria-label={words.webhooks.againLabel(one.topic, one.number)}
                      onClick={() => void again(one)}
                    >
                      {words.webhooks.again}
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Sheet>
      )}
    </section>
  );
}
