// Why nothing in the vault can be opened, and what to do about it.
import { Code, Text, Title } from '@mantine/core';
import { Lock } from 'lucide-react';
import type { VaultStatus } from '../api/wire';
import { words } from '../text/vault';

export function Sealed({ status }: { status: VaultStatus }) {
  const wanted = status.roots.filter((root) => root.opens);
  const absent = wanted.length === 0;
  const { title, body } = absent ? words.absent : words.sealed;
  return (
    <section className="sealed" aria-labelledby="sealed-title">
      <Lock size={20} aria-hidden />
      <div>
        <Title order={2} size="h5" id="sealed-title">
          {title}
        </Title>
        <Text size="sm">{body}</Text>
        {absent ? (
          <>
            {words.absent.commands.map((command) => (
              <Code key={command} block mt="xs">
                {command}
              </Code>
            ))}
            <Text size="sm" mt="xs">
              {words.absent.note}
            </Text>
          </>
        ) : (
          <>
            <Text size="sm" mt="xs">
              {words.sealed.wants}{' '}
              {wanted.map((root) => (
                <Code key={root.fingerprint} className="wrap-anywhere">
                  {root.fingerprint}
                </Code>
              ))}
            </Text>
            <Text size="sm" mt="xs">
              {words.sealed.how}
            </Text>
            <dl>
              {words.sealed.ways.map(([name, what]) => (
                <div key={name}>
                  <dt>
                    <Code>{name}</Code>
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </>
        )}
        <Text size="sm" mt="xs">
          <Code>{words.sealed.status}</Code> {words.sealed.statusHint}{' '}
          <a href="/api/docs#error-vaultSealed" target="_blank" rel="noopener">
            {words.sealed.reference}
          </a>
          .
        </Text>
      </div>
    </section>
  );
}
