// A chosen file and what the server made of it; asked again when it is to be read differently.
import { useCallback, useRef, useState } from 'react';
import { imports } from '../api/endpoints';
import type { Analysis } from '../api/wire';
import type { ReadOptions } from './FileOptions';

export function useAnalysis(table?: string) {
  const [file, setFile] = useState<File | null>(null);
  const [options, setOptions] = useState<ReadOptions>({});
  const [analysis, setAnalysis] = useState<Analysis | null>(null);
  const [progress, setProgress] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const asked = useRef(0);
  const analyse = useCallback(async (next: File, how: ReadOptions) => {
    const turn = ++asked.current;
    setFile(next);
    setOptions(how);
    setError(null);
    setProgress(0);
    try {
      const found = await imports.analyse(next, { ...how }, (done) => {
        if (turn === asked.current) setProgress(done);
      }, table);
      if (turn === asked.current) setAnalysis(found);
    } catch (cause) {
      if (turn === asked.current) setError(cause);
    }
    if (turn === asked.current) setProgress(null);
  }, [table]);
  const reset = () => {
    asked.current++;
    setFile(null);
    setAnalysis(null);
    setError(null);
    setProgress(null);
    setOptions({});
  };
  return { file, options, analysis, progress, error, analyse, reset };
}
