// Asks before something that cannot be taken back. Not for what Undo covers.
import { Button, Group, Modal, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { text } from '../text/en';
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
  const [typed, setTyped] = useState('');
  const { busy, error, work, forget } = useWork();
  const done = () => {
    setTyped('');
    forget();
    close();
  };
  const run = async () => {
    await question?.run();
    done();
  };
  return (
    <Modal
      opened={question !== null}
      onClose={done}
      title={question?.title}
    >
      <Text size="sm">{question?.body}</Text>
      {question?.typed && (
        <TextInput
          mt="sm"
          label={text.common.typeToConfirm(question.typed)}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      )}
      <Problem error={error} />
      <Group justify="flex-end" mt="md" gap="xs">
        <Button variant="default" onClick={done}>
          {text.common.cancel}
        </Button>
        <Button
          color={question?.danger ? 'red' : undefined}
          loading={busy}
          disabled={question?.typed !== undefined && typed !== question.typed}
          onClick={() => void work(run)}
        >
          {question?.confirm}
        </Button>
      </Group>
    </Modal>
  );
}
