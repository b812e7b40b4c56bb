// An import at work: how far it is, how fast, how long still; it rests, goes on and stops. It goes on without this page.
import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { Pause, Play, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useImports } from '../api/queries';
import type { ImportStatus } from '../api/wire';
import { words } from '../text/imports';
import { Confirm } from '../ui/confirm';
import { Problem } from '../ui/states';
import type { Import } from './useImport';

const { run: say } = words;
/** How often at most somebody who listens is told how far it is. */
const SAID_EVERY_MS = 5_000;

interface RunningProps {
  one: ImportStatus;
  job: Import;
  /** Whether nothing is written: then there is nothing to ask before it is stopped. */
  trial: boolean;
}

export function Running({ one, job, trial }: RunningProps) {
  const [asking, setAsking] = useState(false);
  const imports = useImports();
  const { progress } = one;
  const rests = one.state === 'paused';
  const share = progress && progress.bytesTotal > 0 ? Math.min(100, (progress.bytes / progress.bytesTotal) * 100) : 0;
  const phase = rests ? (say.phases.paused ?? '') : trial ? words.check.running : (say.phases[progress?.phase ?? 'checking'] ?? '');
  const known = one.draft?.analysis.rows ?? null;
  const line = [
    say.rows(progress?.rows ?? 0, progress?.phase === 'takingBack' ? null : known),
    !rests && progress && progress.rate > 0 ? say.rate(progress.rate) : '',
    !rests && progress?.leftMs != null ? say.left(progress.leftMs) : '',
  ].filter(Boolean);
  const turn = (how: 'pause' | 'resume') =>
    void job.act(() => imports[how](one.importId));
  const stop = async () => {
    await imports.cancel(one.importId);
    await job.query.refetch();
  };
  return (
    <Stack gap="md">
      <div className="busy">
        <Text size="sm" fw={600}>
          {phase}
        </Text>
        <Progress value={share} animated={!rests} aria-label={say.progress} color={rests ? 'yellow' : undefined} />
        <Text size="sm" className="job-line">
          {line.join(' · ')}
        </Text>
        <Group gap="xs">
          {!trial && progress?.phase !== 'takingBack' && (
            <Button variant="default" leftSection={rests ? <Play size={14} /> : <Pause size={14} />} onClick={() => turn(rests ? 'resume' : 'pause')}>
              {rests ? say.resume : say.pause}
            </Button>
          )}
          {progress?.phase !== 'takingBack' && (
            <Button variant="default" leftSection={<X size={14} />} onClick={() => (trial ? void stop() : setAsking(true))}>
              {trial ? say.stop : say.cancel}
            </Button>
          )}
        </Group>
      </div>
      {!trial && (
        <Text size="sm" c="dimmed">
          {rests ? say.rests : say.goesOn}
        </Text>
      )}
      <Said phase={phase} share={share} />
      <Problem error={job.error} />
      <Confirm
        question={asking ? { title: say.cancelTitle, body: say.cancelBody, confirm: say.cancelRun, danger: true, run: stop } : null}
        close={() => setAsking(false)}
      />
    </Stack>
  );
}

/** Tells who listens: each phase at once, within one only now and then. */
function Said({ phase, share }: { phase: string; share: number }) {
  const [said, setSaid] = useState('');
  const latest = useRef({ phase, share });
  latest.current = { phase, share };
  useEffect(() => {
    const say = () => setSaid(words.run.said(latest.current.phase, Math.round(latest.current.share)));
    say();
    const timer = setInterval(say, SAID_EVERY_MS);
    return () => clearInterval(timer);
  }, [phase]);
  return (
    <div role="status" className="visually-hidden">
      {said}
    </div>
  );
}
