// Undo and redo: each step knows how to be taken back and done again. Kept in memory, per table and tab.
export interface Step {
  label: string;
  undo: () => Promise<void>;
  redo: () => Promise<void>;
}

const STEPS_KEPT = 100;

export class History {
  private done: Step[] = [];
  private undone: Step[] = [];
  private busy = false;

  push(step: Step): void {
    this.done.push(step);
    if (this.done.length > STEPS_KEPT) this.done.shift();
    this.undone = [];
  }

  /** Forgets all steps: what they would write is no longer what it was. */
  clear(): void {
    this.done = [];
    this.undone = [];
  }

  /** What would be taken back or done again next. */
  next(way: 'undo' | 'redo'): string | undefined {
    return (way === 'undo' ? this.done : this.undone).at(-1)?.label;
  }

  async undo(): Promise<string | null> {
    return this.move(this.done, this.undone, (step) => step.undo());
  }

  async redo(): Promise<string | null> {
    return this.move(this.undone, this.done, (step) => step.redo());
  }

  /** A step that fails is dropped: it can no longer be taken back as it was. */
  private async move(from: Step[], to: Step[], run: (step: Step) => Promise<void>) {
    if (this.busy) return null;
    const step = from.pop();
    if (!step) return null;
    this.busy = true;
    try {
      await run(step);
      to.push(step);
      return step.label;
    } finally {
      this.busy = false;
    }
  }
}
