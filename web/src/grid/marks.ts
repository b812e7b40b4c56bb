// Which records are ticked: everything but some, or only some. Costs the same at a thousand and a million rows.
export interface Marks {
  readonly all: boolean;
  readonly except: ReadonlySet<string>;
}

export const NO_MARKS: Marks = { all: false, except: new Set() };
export const ALL_MARKED: Marks = { all: true, except: new Set() };

export function isMarked(marks: Marks, id: string): boolean {
  return marks.all !== marks.except.has(id);
}

export function markMany(marks: Marks, ids: string[], on: boolean): Marks {
  const except = new Set(marks.except);
  for (const id of ids) {
    if (on === marks.all) except.delete(id);
    else except.add(id);
  }
  return { all: marks.all, except };
}

export function markedCount(marks: Marks, rows: number): number {
  return marks.all ? Math.max(0, rows - marks.except.size) : marks.except.size;
}
