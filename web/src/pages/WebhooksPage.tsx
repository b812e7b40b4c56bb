// Webhooks: which there are, and of one what became of its messages.
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Plus, Webhook as WebhookIcon } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { useWorkspace } from '../api/places';
import { keys, mayAdminister } from '../api/queries';
import { webhooks as api } from '../api/webhooks';
import { useReach } from '../shell/Connection';
import { Crumbs, useMe } from '../shell/Shell';
import { words } from '../text/admin';
import { text } from '../text/en';
import { AdminOnly, OfflineNotice, PageHead } from '../ui/AdminOnly';
import { Empty, Failure, Loading } from '../ui/states';
import { Sheet } from '../ui/Sheet';
import { Heads } from '../ui/tables';
import { ago, when } from '../ui/time';
import { OneWebhook } from '../webhooks/OneWebhook';
import { Events, WebhookState } from '../webhooks/signs';
import { WebhookForm } from '../webhooks/WebhookForm';

const ASK_AGAIN_MS = 10_000;

/** The list, or the webhook with an id. */
export function WebhooksPage({ id }: { id?: string }) {
  const admin = mayAdminister(useMe());
  const online = useReach() === 'online';
  const [adding, setAdding] = useState(false);
  const add = admin && (
    <Button disabled={!online} leftSection={<Plus size={14} />} onClick={() => setAdding(true)}>
      {words.webhooks.add}
    </Button>
  );
  return (
    <>
      <OfflineNotice />
      <div className="page">
        <Crumbs trail={[{ label: text.nav.webhooks, to: '/webhooks' }, ...(id && admin ? [{ label: words.webhooks.log }] : [])]} />
        {id && admin ? (
          <OneWebhook key={id} id={id} />
        ) : (
          <>
            <PageHead within title={text.nav.webhooks} about={words.webhooks.about}>
              {add}
            </PageHead>
            <AdminOnly why={words.webhooks.adminsOnly}>
              <List add={add} />
            </AdminOnly>
          </>
        )}
        {adding && <WebhookForm close={() => setAdding(false)} />}
      </div>
    </>
  );
}

function List({ add }: { add: React.ReactNode }) {
  const workspace = useWorkspace();
  const found = useQuery({ queryKey: [...keys.webhooks, 'list', workspace], queryFn: () => api.list(workspace), refetchOnMount: 'always', refetchInterval: ASK_AGAIN_MS });
  if (found.isPending) return <Loading />;
  if (found.isError && !found.data) return <Failure error={found.error} retry={() => void found.refetch()} />;
  const all = found.data ?? [];
  if (all.length === 0) {
    return (
      <Empty icon={<WebhookIcon size={28} />} title={words.webhooks.empty} body={words.webhooks.emptyBody}>
        {add}
      </Empty>
    );
  }
  const { url, events, state, created } = words.webhooks;
  return (
    <Sheet label={text.nav.webhooks}>
      <table className="plain webhooks">
        <Heads names={[url, events, state, created]} />
        <tbody>
          {all.map((webhook) => (
            <tr key={webhook.id}>
              <td className="wrap-anywhere">
                <Link className="row-link" to={`/webhooks/${webhook.id}`}>
                  {webhook.url}
                </Link>
              </td>
              <td>
                <Events topics={webhook.topics} />
              </td>
              <td>
                <WebhookState webhook={webhook} />
              </td>
              <td className="time" title={when(webhook.createdAt)}>
                {ago(webhook.createdAt)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Sheet>
  );
}
