// The form of a webhook: where to, and which events. A new one shows its secret once.
import { MultiSelect, Stack, TagsInput, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { useWorkspace } from '../api/places';
import { keys, queryClient, useTables } from '../api/queries';
import { webhooks as api } from '../api/webhooks';
import type { Webhook } from '../api/wire';
import { words } from '../text/admin';
import { text } from '../text/en';
import { Dialog, HELD } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { SecretOnce } from '../ui/SecretOnce';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import { choiceOf, KINDS, topicsOf } from './topics';

const FIELDS = ['url', 'topics'] as const;

export function WebhookForm({ webhook, close }: { webhook?: Webhook; close: () => void }) {
  const [url, setUrl] = useState(webhook?.url ?? 'https://');
  const [topics, setTopics] = useState(webhook?.topics ?? []);
  const [made, setMade] = useState<Webhook | null>(null);
  const { busy, error, work } = useWork();
  const workspace = useWorkspace();
  const form = useFocusRefused(error);
  const at = issuesAt(error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void work(async () => {
      const body = { url: url.trim(), topics };
      const saved = webhook ? await api.update(webhook.id, body) : await api.create(workspace, body);
      await queryClient.invalidateQueries({ queryKey: keys.webhooks });
      if (!webhook && saved.secret) return setMade(saved);
      show(words.webhooks.saved);
      close();
    });
  };
  if (made?.secret) {
    return (
      <Dialog onClose={close} {...HELD} title={words.webhooks.madeTitle}>
        <SecretOnce secret={made.secret} body={words.webhooks.madeBody} close={close} />
      </Dialog>
    );
  }
  return (
    <Dialog onClose={close} size="lg" title={webhook ? words.webhooks.editTitle : words.webhooks.add}>
      <form ref={form} onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label={words.webhooks.url}
            description={words.webhooks.urlHint}
            inputMode="url"
            required
            data-autofocus
            spellCheck={false}
            value={url}
            error={at.url}
            onChange={(event) => setUrl(event.currentTarget.value)}
          />
          <TopicsInput topics={topics} onChange={setTopics} error={at.topics} />
          <Refusal error={error} fields={FIELDS} />
          <FormFoot close={close} run={webhook ? text.common.save : words.webhooks.add} busy={busy} disabled={url.trim().length < 10} />
        </Stack>
      </form>
    </Dialog>
  );
}

/** Tables and kinds to choose from; topics that are no such choice stay as they were written. */
function TopicsInput({ topics, onChange, error }: { topics: string[]; onChange: (topics: string[]) => void; error?: string }) {
  const tables = useTables().data ?? [];
  const choice = choiceOf(topics);
  if (!choice) {
    return <TagsInput label={words.webhooks.topicsExact} description={words.webhooks.topicsHint} value={topics} error={error} onChange={onChange} />;
  }
  return (
    <>
      <MultiSelect
        label={words.webhooks.tables}
        placeholder={choice.tables.length === 0 ? words.webhooks.allTables : undefined}
        searchable
        clearable
        clearButtonProps={{ 'aria-label': text.common.clear }}
        data={tables.map((one) => ({ value: one.slug, label: one.name }))}
        value={choice.tables}
        error={error}
        onChange={(next) => onChange(topicsOf({ ...choice, tables: next }))}
      />
      <MultiSelect
        label={words.webhooks.kinds}
        placeholder={choice.kinds.length === 0 ? words.webhooks.allKinds : undefined}
        clearable
        clearButtonProps={{ 'aria-label': text.common.clear }}
        data={KINDS.map((one) => ({ value: one, label: words.webhooks.kindNames[one] ?? one }))}
        value={choice.kinds}
        onChange={(next) => onChange(topicsOf({ ...choice, kinds: next }))}
      />
    </>
  );
}
