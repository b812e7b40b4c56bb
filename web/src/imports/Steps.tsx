// The frame of an import: which step it is, the ways to the others, what is wrong with the import as a whole. Knows no step from inside.
import { Button, Group, Stack, Title } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import { Link } from 'wouter';
import { useWorkspace } from '../api/places';
import { words } from '../text/imports';
import { Problem } from '../ui/states';
import { pathOf, STEPS, type Step } from './wizard';

/** The steps in a line; those that can be gone to are links. */
export function Steps({ step, id, open }: { step: Step; id?: string; open: readonly Step[] }) {
  const workspace = useWorkspace();
  const here = STEPS.indexOf(step);
  return (
    <nav className="import-steps" aria-label={words.stepsLabel}>
      <ol>
        {STEPS.map((one, i) => (
          <li key={one} data-done={i < here || undefined} aria-current={one === step ? 'step' : undefined}>
            {id && one !== step && open.includes(one) ? <Link to={pathOf(workspace, id, one)}>{words.names[one]}</Link> : <span>{words.names[one]}</span>}
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** The heading of a step: it has the focus when the step was just come to. */
export function StepHead({ step, come }: { step: Step; come: boolean }) {
  const head = useRef<HTMLHeadingElement>(null);
  const focus = useRef(come);
  focus.current = come;
  useEffect(() => {
    if (focus.current) head.current?.focus();
  }, [step]);
  return (
    <Title order={2} size="h4" ref={head} tabIndex={-1} className="step-head-title">
      <span className="visually-hidden">{words.step(STEPS.indexOf(step) + 1, STEPS.length)}</span>
      {words.heads[step]}
    </Title>
  );
}

/** The buttons below a step, with what was refused above them. */
export function StepFoot({ error, back, children }: { error?: unknown; back?: ReactNode; children: ReactNode }) {
  return (
    <Stack gap="sm">
      <Problem error={error} />
      <Group justify="space-between" gap="xs">
        <Group gap="xs">{back}</Group>
        <Group gap="xs">{children}</Group>
      </Group>
    </Stack>
  );
}

export function BackTo({ id, step }: { id: string; step: Step }) {
  return (
    <Button component={Link} to={pathOf(useWorkspace(), id, step)} variant="default">
      {words.back}
    </Button>
  );
}
