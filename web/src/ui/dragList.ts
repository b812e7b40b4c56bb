// Reordering a list by dragging a grip. The buttons beside it do the same for keyboards.
import { useState, type DragEvent } from 'react';

export function moved<T>(list: T[], from: number, to: number): T[] {
  const next = [...list];
  const [one] = next.splice(from, 1);
  if (one !== undefined) next.splice(to, 0, one);
  return next;
}

export function useDragList(move: (from: number, to: number) => void) {
  const [from, setFrom] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const end = () => {
    setFrom(null);
    setOver(null);
  };
  return {
    grip: (i: number) => ({
      draggable: true,
      onDragStart: (event: DragEvent) => {
        event.dataTransfer.effectAllowed = 'move';
        event.dataTransfer.setData('text/plain', String(i));
        setFrom(i);
      },
      onDragEnd: end,
    }),
    item: (i: number) => ({
      'data-over': from !== null && over === i && from !== i ? (i > from ? 'after' : 'before') : undefined,
      'data-dragged': from === i || undefined,
      onDragOver: (event: DragEvent) => {
        if (from === null) return;
        event.preventDefault();
        setOver(i);
      },
      onDrop: (event: DragEvent) => {
        event.preventDefault();
        if (from !== null && from !== i) move(from, i);
        end();
      },
    }),
  };
}
