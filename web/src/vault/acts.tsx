// What whoever manages the vault does with secrets by their id, one or many: renew, delete, restore, delete for good.
import { Stack, Text } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { keys, queryClient } from '../api/queries';
import { vault } from '../api/vault';
import { words } from '../text/vault';
import { Confirm, type Question } from '../ui/confirm';
import { messageOf } from '../ui/states';
import { showError } from '../ui/toast';
import { useWork } from '../ui/work';
import { Dialog } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal } from '../ui/form';
import { expiryOf, ExpiryInput, type Expiry } from './inputs';
import { each } from './many';
import { HANDLE_CHARS, nameOf, type Chosen } from './names';

export interface Acts {
  renew: (secrets: Chosen) => void;
  remove: (secrets: Chosen) => void;
  purge: (secrets: Chosen) => void;
  restore: (secrets: Chosen) => Promise<void>;
  dialogs: ReactNode;
}

export function refreshVault(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: keys.vault });
}

/** By then a dialog that asked is gone. */
const CLOSED_AFTER_MS = 400;

/** Where the button was that asked there may be none any more: then the focus goes to the page, not to nowhere. */
function keepFocus(): void {
  if (document.activeElement === document.body) document.getElementById('main')?.focus();
}

/** What the chosen ones are called together. */
function called(secrets: Chosen): string {
  const [first] = secrets;
  return secrets.length === 1 && first ? nameOf(first) : words.secrets(secrets.length);
}

/** What has to be typed: of one secret the end of its id, since its name may be anything. */
function typedFor(secrets: Chosen): string {
  const [first] = secrets;
  return secrets.length === 1 && first ? first.id.slice(-HANDLE_CHARS) : words.secrets(secrets.length);
}

/** `after` is called when something was done, with what. */
export function useActs(after: (what: 'changed' | 'purged') => void): Acts {
  const [question, setQuestion] = useState<Question | null>(null);
  const [renewing, setRenewing] = useState<Chosen | null>(null);
  const run = async (what: 'changed' | 'purged', job: Promise<void>) => {
    await job;
    after(what);
    await refreshVault();
    setTimeout(keepFocus, CLOSED_AFTER_MS);
  };
  return {
    renew: setRenewing,
    remove: (secrets) =>
      setQuestion({
        title: words.removing.title(called(secrets)),
        body: words.removing.body,
        confirm: words.delete,
        danger: true,
        run: () => run('changed', each(secrets, (one) => vault.remove(one.id, false), words.removing.done)),
      }),
    purge: (secrets) =>
      setQuestion({
        title: words.removing.purgeTitle(called(secrets)),
        body: words.removing.purgeBody,
        confirm: words.purge,
        typed: typedFor(secrets),
        danger: true,
        run: () => run('purged', each(secrets, (one) => vault.remove(one.id, true), words.removing.purged)),
      }),
    restore: async (secrets) => {
      try {
        await run('changed', each(secrets, (one) => vault.restore(one.id), words.removing.restored));
      } catch (error) {
        showError(messageOf(error));
      }
    },
    dialogs: (
      <>
        {renewing && (
          <Renew
            secrets={renewing}
            close={() => setRenewing(null)}
            run={(over) =>
              run('changed', each(renewing, (one) => vault.patch(one, { expiresAt: over }), words.renewing.done))
            }
          />
        )}
        <Confirm question={question} close={() => setQuestion(null)} />
      </>
    ),
  };
}

function Renew(props: { secrets: Chosen; close: () => void; run: (over: string | null) => Promise<void> }) {
  const [expiry, setExpiry] = useState<Expiry>({ choice: '2592000', exact: '' });
  const { busy, error, work } = useWork();
  return (
    <Dialog onClose={props.close} title={words.renewing.title(called(props.secrets))}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void work(async () => {
            await props.run(expiryOf(expiry));
            props.close();
          });
        }}
      >
        <Stack gap="sm">
          <Text size="sm">{words.renewing.body}</Text>
          <ExpiryInput value={expiry} onChange={setExpiry} error={issuesAt(error, ['expiresAt']).expiresAt} />
          <Refusal error={error} fields={['expiresAt']} />
          <FormFoot close={props.close} run={words.renewing.run} busy={busy} />
        </Stack>
      </form>
    </Dialog>
  );
}
