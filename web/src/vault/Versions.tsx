// The versions of a secret: make an older one the newest, or destroy one. Their values are read through the token.
import { Button, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../api/queries';
import { vault } from '../api/vault';
import type { SecretInfo, SecretVersion } from '../api/wire';
import { words } from '../text/vault';
import { Confirm, type Question } from '../ui/confirm';
import { Failure, Loading } from '../ui/states';
import { Heads } from '../ui/tables';
import { ago, when } from '../ui/time';
import { show } from '../ui/toast';
import { refreshVault } from './acts';
import { Sheet } from '../ui/Sheet';

export function Versions({ secret, sealed }: { secret: SecretInfo; sealed: boolean }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const enabled = secret.status !== 'deleted';
  const found = useQuery({
    queryKey: [...keys.vault, 'versions', secret.id, secret.rowVersion],
    queryFn: () => vault.versions(secret.id),
    enabled,
  });
  const rollBack = (version: SecretVersion) =>
    setQuestion({
      title: words.versions.rollTitle(version.number),
      body: words.versions.rollBody,
      confirm: words.versions.rollBack,
      run: async () => {
        const made = await vault.rollBack(secret.id, version.number);
        await refreshVault();
        show(words.versions.rolled(made.version));
      },
    });
  const destroy = (version: SecretVersion) =>
    setQuestion({
      title: words.versions.destroyTitle(version.number),
      body: words.versions.destroyBody,
      confirm: words.versions.destroy,
      typed: String(version.number),
      danger: true,
      run: async () => {
        await vault.destroyVersion(secret.id, version.number);
        await refreshVault();
        show(words.versions.destroyed1(version.number));
      },
    });
  return (
    <section className="vault-section">
      <Title order={3} size="h5" mb={6}>
        {words.versions.title}
      </Title>
      {!enabled && (
        <Text size="sm" c="dimmed">
          {words.versions.afterRestore}
        </Text>
      )}
      {enabled && found.isPending && <Loading rows={2} />}
      {found.isError && <Failure error={found.error} retry={() => void found.refetch()} />}
      {enabled && found.data && (
        <Sheet label={words.versions.title} short>
          <table className="plain versions">
            <Heads
              names={[words.versions.number, words.versions.state, words.versions.size, words.list.password, words.versions.created]}
              num={words.versions.size}
              actions
            />
            <tbody>
              {found.data.map((version) => (
                <tr key={version.number} data-version={version.number}>
                  <td>{version.number}</td>
                  <td>{stateOf(version, secret)}</td>
                  <td className="num">{version.state === 'live' ? words.versions.bytes(version.bytes) : ''}</td>
                  <td>{version.hasPassword ? words.list.yes : words.list.no}</td>
                  <td className="time" title={when(version.createdAt)}>
                    {ago(version.createdAt)}
                  </td>
                  <td className="end">
                    {version.state === 'live' && version.number !== secret.version && (
                      <>
                        <Button
                          size="compact-xs"
                          variant="subtle"
                          disabled={sealed || secret.status !== 'live'}
                          aria-label={words.versions.rollBackLabel(version.number)}
                          onClick={() => rollBack(version)}
                        >
                          {words.versions.rollBack}
                        </Button>
                        <Button
                          size="compact-xs"
                          variant="subtle"
                          color="red"
                          aria-label={words.versions.destroyLabel(version.number)}
                          onClick={() => destroy(version)}
                        >
                          {words.versions.destroy}
                        </Button>
                      </>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Sheet>
      )}
      <Confirm question={question} close={() => setQuestion(null)} />
    </section>
  );
}

function stateOf(version: SecretVersion, secret: SecretInfo): string {
  if (version.number === secret.version) return words.versions.newest;
  return version.state === 'live' ? words.versions.live : words.versions.destroyed;
}
