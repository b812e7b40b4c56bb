// What a webhook hears of and how it stands, in a few words.
import { useTableNamed } from '../api/queries';
import type { Webhook } from '../api/wire';
import { words } from '../text/admin';
import { choiceOf } from './topics';

/** Which events, in words where they are a choice of tables and kinds. */
export function Events({ topics }: { topics: string[] }) {
  const tableNamed = useTableNamed();
  const choice = choiceOf(topics);
  if (!choice) return <code className="wrap-anywhere">{topics.join(' ')}</code>;
  const { tables, kinds } = choice;
  if (tables.length + kinds.length === 0) return <>{words.webhooks.everything}</>;
  const of = tables.length === 0 ? words.webhooks.allTables : tables.map((slug) => tableNamed(slug)?.name ?? slug).join(', ');
  const which = kinds.length === 0 ? words.webhooks.allKinds.toLowerCase() : kinds.map((kind) => words.webhooks.kindNames[kind] ?? kind).join(', ');
  return (
    <>
      {of}: {which}
    </>
  );
}

export function WebhookState({ webhook }: { webhook: Webhook }) {
  const [color, label] = !webhook.active
    ? webhook.offBecause
      ? ['red', words.webhooks.offBecause]
      : ['gray', words.webhooks.off]
    : webhook.failingSince
      ? ['orange', words.webhooks.failing]
      : ['green', words.webhooks.on];
  return (
    <span className="pill" data-color={color} title={webhook.offBecause ?? undefined}>
      {label}
    </span>
  );
}
