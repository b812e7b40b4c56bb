// A file that was dropped beside the place that takes it, on its way there. One at a time; nothing is read of it here.
import { useEffect, useRef } from 'react';

type Take = (file: File) => void;

let waiting: File | null = null;
let taker: Take | null = null;

/** Gives a file to whoever takes files on this page; says whether there is somebody. */
export function hand(file: File): boolean {
  taker?.(file);
  return taker !== null;
}

/** Keeps a file for the page that is gone to. */
export function keep(file: File): void {
  waiting = file;
}

/** Takes what is handed over, as long as it is ready to. */
export function useHanded(take: Take, ready: boolean): void {
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    if (!ready) return;
    const mine: Take = (file) => latest.current(file);
    taker = mine;
    if (waiting) mine(waiting);
    waiting = null;
    return () => {
      if (taker === mine) taker = null;
    };
  }, [ready]);
}
