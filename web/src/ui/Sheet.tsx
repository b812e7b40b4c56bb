// A table that scrolls sideways, or up and down, on its own; also by keyboard.
import type { ReactNode } from 'react';

export function Sheet({ label, short, children }: { label: string; short?: boolean; children: ReactNode }) {
  return (
    <div className={short ? 'sheet short' : 'sheet'} role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
