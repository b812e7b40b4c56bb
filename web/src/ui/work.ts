// Work that a person asked for in a form or dialog: whether it goes on, and why the last one failed.
import { useState } from 'react';

export function useWork() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const work = async (job: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await job();
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, work, forget: () => setError(null) };
}
