// The frame of the two pages seen without a session.
import type { ReactNode } from 'react';
import { Paper, Title, Text } from '@mantine/core';
import { Logo } from '../shell/Logo';
import { text } from '../text/en';

export function Gate(props: { title: string; body?: string; children: ReactNode }) {
  return (
    <main className="gate">
      <div className="gate-box">
        <div className="gate-brand">
          <Logo size={40} />
          <span>{text.product}</span>
        </div>
        <Paper withBorder p="xl" radius="md" className="gate-card">
          <Title order={1} size="h3">
            {props.title}
          </Title>
          {props.body && (
            <Text c="dimmed" size="sm" mt={4}>
              {props.body}
            </Text>
          )}
          {props.children}
        </Paper>
        <Text c="dimmed" size="xs" ta="center">
          {text.tagline}
        </Text>
      </div>
    </main>
  );
}
