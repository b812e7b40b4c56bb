// What the rest of the page must know of files: whether some are dragged over it, and whether one is shown above it. Loads with it.

/** What was dropped: a folder comes as a file that cannot be read. */
export interface Dropped {
  files: File[];
  folders: ReadonlySet<File>;
}

export function dropped(data: DataTransfer): Dropped {
  const folders = new Set<File>();
  const files: File[] = [];
  for (const item of data.items) {
    const file = item.kind === 'file' ? item.getAsFile() : null;
    if (!file) continue;
    files.push(file);
    if (item.webkitGetAsEntry()?.isDirectory) folders.add(file);
  }
  return { files, folders };
}

/** Whether files, and not a text or a column, are dragged. */
export const dragsFiles = (data: DataTransfer): boolean => data.types.includes('Files');

/** Whether a file is shown above what asks: an Escape is its own then. */
export const isPreviewing = (): boolean => document.querySelector('.preview') !== null;
