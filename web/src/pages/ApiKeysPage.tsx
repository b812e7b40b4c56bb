// API keys: make one (its secret is shown once), see when it was last used, revoke it.
import { Badge, Button, Code, Group, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { KeyRound, Lock, Plus } from 'lucide-react';
import { useState } from 'react';
import { GrantsEditor } from '../access/GrantsEditor';
import { GrantsShort } from '../access/GrantsShort';
import { grantsOf, waits, type Place } from '../access/places';
import { apiKeys as api } from '../api/endpoints';
import { keys, mayAdminister, queryClient, useApiKeys } from '../api/queries';
import type { ApiKey, ApiKeyCreate, ApiKeyCreated } from '../api/wire';
import { Crumbs, useMe } from '../shell/Shell';
import { text } from '../text/en';
import { Confirm, type Question } from '../ui/confirm';
import { Dialog, HELD } from '../ui/Dialog';
import { SecretOnce } from '../ui/SecretOnce';
import { Refusal } from '../ui/form';
import { Empty, Failure, Loading } from '../ui/states';
import { Heads } from '../ui/tables';
import { ago, when } from '../ui/time';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';

/** What the server may refuse where it stands. */
const FIELDS = ['grants'] as const;
const DAY_MS = 86_400_000;

export function ApiKeysPage() {
  const admin = mayAdminister(useMe());
  return (
    <div className="page">
      <Crumbs trail={[{ label: text.nav.apiKeys }]} />
      {admin ? (
        <Keys />
      ) : (
        <>
          <Title order={1} size="h3">
            {text.nav.apiKeys}
          </Title>
          <Empty icon={<Lock size={28} />} title={text.errors.forbidden} body={text.keys.adminsOnly} />
        </>
      )}
    </div>
  );
}

function Keys() {
  const query = useApiKeys();
  const [making, setMaking] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const refresh = () => queryClient.invalidateQueries({ queryKey: keys.apiKeys });
  const revoke = (key: ApiKey) =>
    setQuestion({
      title: text.keys.revokeTitle(key.name),
      body: text.keys.revokeBody,
      confirm: text.keys.revoke,
      danger: true,
      run: async () => {
        await api.revoke(key.id);
        await refresh();
        show(text.keys.revoked(key.name));
      },
    });
  return (
    <>
      <div className="page-head">
        <div>
          <Title order={1} size="h3">
            {text.nav.apiKeys}
          </Title>
          <Text size="sm" c="dimmed">
            {text.keys.about}
          </Text>
        </div>
        <Button leftSection={<Plus size={14} />} onClick={() => setMaking(true)}>
          {text.keys.create}
        </Button>
      </div>
      {query.isPending && <Loading />}
      {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.data?.length === 0 && (
        <Empty icon={<KeyRound size={28} />} title={text.keys.empty} body={text.keys.emptyBody}>
          <Button leftSection={<Plus size={14} />} onClick={() => setMaking(true)}>
            {text.keys.create}
          </Button>
        </Empty>
      )}
      {query.data && query.data.length > 0 && (
        <div className="sheet">
          <table className="plain">
            <Heads
              names={[text.keys.name, text.keys.prefix, text.keys.scope, text.keys.created, text.keys.lastUsed, text.keys.expires]}
              actions
            />
            <tbody>
              {query.data.map((key) => (
                <tr key={key.id}>
                  <td>{key.name}</td>
                  <td>
                    <Code>{key.prefix ?? ''}…</Code>
                  </td>
                  <td>
                    <Badge variant="default">{text.keys.scopes[key.scope] ?? key.scope}</Badge>
                    <GrantsShort grants={key.grants} />
                  </td>
                  <td className="time" title={when(key.createdAt)}>{ago(key.createdAt)}</td>
                  <td className="time" title={when(key.lastUsedAt)}>{key.lastUsedAt ? ago(key.lastUsedAt) : text.keys.never}</td>
                  <td className="time" title={when(key.expiresAt)}>{key.expiresAt ? ago(key.expiresAt) : text.keys.never}</td>
                  <td className="end">
                    <Button variant="subtle" color="red" aria-label={text.keys.revokeLabel(key.name)} onClick={() => revoke(key)}>
                      {text.keys.revoke}
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {making && <Create close={() => setMaking(false)} made={() => void refresh()} />}
      <Confirm question={question} close={() => setQuestion(null)} />
    </>
  );
}

function Create({ close, made }: { close: () => void; made: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState<ApiKeyCreate['scope']>('read');
  const [places, setPlaces] = useState<Place[]>([]);
  const [days, setDays] = useState('90');
  const { busy, error, work } = useWork();
  const [key, setKey] = useState<ApiKeyCreated | null>(null);
  const create = async () => {
    const expiresAt = days === '' ? undefined : new Date(Date.now() + Number(days) * DAY_MS).toISOString();
    const grants = scope === 'admin' ? [] : grantsOf(places).grants;
    setKey(await api.create({ name: name.trim(), scope, grants, ...(expiresAt ? { expiresAt } : {}) }));
    made();
  };
  if (key) {
    return (
      <Dialog onClose={close} {...HELD} size="lg" title={text.keys.madeTitle}>
        <SecretOnce secret={key.key} body={text.keys.madeBody} close={close}>
          <Text size="sm">{text.keys.tryIt}</Text>
          <Code block className="secret" tabIndex={0}>
            {`curl -H "Authorization: Bearer $KEY" ${location.origin}/api/tables`}
          </Code>
        </SecretOnce>
      </Dialog>
    );
  }
  return (
    <Dialog onClose={close} title={text.keys.create} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void work(create);
        }}
      >
        <Stack gap="sm">
          <TextInput
            label={text.keys.name}
            description={text.keys.nameHint}
            required
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Select
            label={text.keys.scope}
            allowDeselect={false}
            data={['none', 'read', 'write', 'admin'].map((one) => ({ value: one, label: text.keys.scopeHints[one] ?? one }))}
            value={scope}
            onChange={(value) => setScope((value ?? 'read') as ApiKeyCreate['scope'])}
          />
          <Select
            label={text.keys.expires}
            allowDeselect={false}
            data={text.keys.expiryChoices.map(([value, label]) => ({ value, label }))}
            value={days}
            onChange={(value) => setDays(value ?? '')}
          />
          {scope !== 'admin' && <GrantsEditor ofKey closed={scope === 'none'} places={places} change={setPlaces} error={error} />}
          <Refusal error={error} fields={FIELDS} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {text.common.cancel}
            </Button>
            <Button type="submit" loading={busy} disabled={name.trim() === '' || (scope !== 'admin' && places.some(waits))}>
              {text.keys.create}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
