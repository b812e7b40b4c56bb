// Asks before something that cannot be taken back. Not for what Undo covers.
import { Button, Group, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { text } from '../text/en';
import { Dialog } from './Dialog';
import { Problem } from './states';
import { useWork } from './work';

export interface Question {
  title: string;
  body: string;
  confirm: string;
  /** The person has to type this before the button works. */
  typed?: string;
  danger?: boolean;
  run: () => Promise<void> | void;
}

export function Confirm({ question, close }: { question: Question | null; close: () => void }) {
  return question && <Ask question={question} close={close} />;
}

function Ask({ question, close }: { question: Question; close: () => void }) {
  const [typed, setTyped] = useState('');
  const { busy, error, work } = useWork();
  const run = async () => {
    await question.run();
    close();
  };
  return (
    <Dialog onClose={close} title={question.title}>
      <Text size="sm">{question.body}</Text>
      {question.typed && (
        <TextInput
          mt="sm"
          label={text.common.typeToConfirm(question.typed)}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      )}
      <Problem error={error} />
      <Group justify="flex-end" mt="md" gap="xs">
        <Button variant="default" onClick={close}>
          {text.common.cancel}
        </Button>
        <Button
          color={question.danger ? 'red' : undefined}
          loading={busy}
          disabled={question.typed !== undefined && typed !== question.typed}
          onClick={() => void work(run)}
        >
          {question.confirm}
        </Button>
      </Group>
    </Dialog>
  );
}
