// The keys of the vault: how much each data key locks, and which root keys lock it all. No key is ever here.
import { Button, Code, Group, Text, Title } from '@mantine/core';
import { KeyRound, Shuffle } from 'lucide-react';
import { useState } from 'react';
import { vault } from '../api/vault';
import type { VaultStatus } from '../api/wire';
import { words } from '../text/vault';
import { Confirm, type Question } from '../ui/confirm';
import { Heads } from '../ui/tables';
import { ago, count, when } from '../ui/time';
import { show } from '../ui/toast';
import { refreshVault } from './acts';
import { Sheet } from '../ui/Sheet';

const COLORS: Record<string, string> = { active: 'green', opens: 'blue', retired: 'gray' };

export function Keys({ status, rotate }: { status: VaultStatus; rotate: () => void }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const make = () =>
    setQuestion({
      title: words.keys.makeTitle,
      body: words.keys.makeBody,
      confirm: words.keys.make,
      run: async () => {
        const { kid } = await vault.newKey();
        await refreshVault();
        show(words.keys.made(kid));
      },
    });
  const retire = (kid: number) =>
    setQuestion({
      title: words.keys.retireTitle(kid),
      body: words.keys.retireBody,
      confirm: words.keys.retire,
      danger: true,
      run: async () => {
        await vault.retireKey(kid);
        await refreshVault();
        show(words.keys.retired(kid));
      },
    });
  return (
    <>
      <section>
        <Group justify="space-between" mb="xs" gap="xs">
          <div>
            <Title order={2} size="h5">
              {words.keys.data}
            </Title>
            <Text size="sm" c="dimmed">
              {words.keys.dataAbout}
            </Text>
          </div>
          <Group gap="xs">
            <Button variant="default" leftSection={<KeyRound size={14} />} disabled={status.sealed} onClick={make}>
              {words.keys.make}
            </Button>
            <Button variant="default" leftSection={<Shuffle size={14} />} disabled={status.sealed} onClick={rotate}>
              {words.keys.rotate}
            </Button>
          </Group>
        </Group>
        {status.sealed ? (
          <Text size="sm">{words.keys.noneSealed}</Text>
        ) : (
          <Sheet label={words.keys.data}>
            <table className="plain data-keys">
              <Heads
                names={[words.keys.number, words.keys.state, words.keys.holds, words.keys.created]}
                num={words.keys.holds}
                actions
              />
              <tbody>
                {status.keys.map((key) => (
                  <tr key={key.kid} data-kid={key.kid}>
                    <td>{key.kid}</td>
                    <td>
                      <span className="pill" data-color={COLORS[key.state]}>
                        {words.keys.states[key.state] ?? key.state}
                      </span>
                    </td>
                    <td className="num">{count(key.versions)}</td>
                    <td className="time" title={when(key.createdAt)}>
                      {ago(key.createdAt)}
                    </td>
                    <td className="end">
                      {key.state === 'opens' && key.versions === 0 && (
                        <Button size="compact-xs" variant="subtle" color="red" aria-label={words.keys.retireLabel(key.kid)} onClick={() => retire(key.kid)}>
                          {words.keys.retire}
                        </Button>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Sheet>
        )}
      </section>
      <Roots status={status} />
      <Confirm question={question} close={() => setQuestion(null)} />
    </>
  );
}

function Roots({ status }: { status: VaultStatus }) {
  return (
    <section className="vault-section">
      <Title order={2} size="h5">
        {words.keys.roots}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {words.keys.rootsAbout}
      </Text>
      <Sheet label={words.keys.roots}>
        <table className="plain roots">
          <Heads names={[words.keys.fingerprint, words.keys.opens, words.keys.added, words.keys.removed]} />
          <tbody>
            {status.roots.map((root) => (
              <tr key={root.fingerprint}>
                <td>
                  <Code className="wrap-anywhere">{root.fingerprint}</Code>
                </td>
                <td>{root.opens ? words.keys.yes : words.keys.no}</td>
                <td className="time" title={when(root.addedAt)}>
                  {ago(root.addedAt)}
                </td>
                <td className="time" title={when(root.removedAt)}>
                  {ago(root.removedAt)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Sheet>
      <Text size="sm" mt="sm" mb={4}>
        {words.keys.change}
      </Text>
      {words.keys.commands.map((command) => (
        <Code key={command} block mb={4}>
          {command}
        </Code>
      ))}
    </section>
  );
}
