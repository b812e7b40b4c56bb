// A table's small coloured sign, in lists and in the navigation.
import {
  Bird, BookOpen, Box, Building2, Calendar, CheckSquare, Contact, CreditCard, FileText, Folder,
  MapPin, Package, Plane, ShoppingCart, Table2, Tag, Users, type LucideIcon,
} from 'lucide-react';
import type { Table } from '../api/wire';

export const TABLE_ICONS: Record<string, LucideIcon> = {
  table: Table2, users: Users, contact: Contact, building: Building2, package: Package, box: Box,
  cart: ShoppingCart, card: CreditCard, check: CheckSquare, calendar: Calendar, file: FileText,
  folder: Folder, tag: Tag, map: MapPin, plane: Plane, bird: Bird, book: BookOpen,
};

export const COLORS = [
  'gray', 'red', 'orange', 'yellow', 'green', 'teal', 'blue', 'indigo', 'violet', 'pink',
] as const;

/** The nearest of the palette's names for whatever colour a table or an option carries. */
export function paletteColor(color: string | null | undefined): string {
  const name = (color ?? '').toLowerCase();
  if ((COLORS as readonly string[]).includes(name)) return name;
  const hex = /^#([0-9a-f]{6})$/.exec(name)?.[1];
  if (!hex) return 'gray';
  const [r, g, b] = [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)) as [number, number, number];
  const max = Math.max(r, g, b);
  const span = max - Math.min(r, g, b);
  if (span < 32) return 'gray';
  const hue =
    max === r ? ((g - b) / span + 6) % 6 : max === g ? (b - r) / span + 2 : (r - g) / span + 4;
  const degrees = hue * 60;
  const stops: [number, string][] = [
    [15, 'red'], [40, 'orange'], [65, 'yellow'], [150, 'green'], [190, 'teal'], [225, 'blue'],
    [250, 'indigo'], [290, 'violet'], [345, 'pink'], [361, 'red'],
  ];
  return stops.find(([limit]) => degrees < limit)?.[1] ?? 'gray';
}

export function TableMark({ table, size = 18 }: { table: Pick<Table, 'icon' | 'color'>; size?: number }) {
  const Icon = TABLE_ICONS[table.icon ?? ''] ?? Table2;
  return (
    <span className="table-mark" data-color={paletteColor(table.color ?? 'teal')} aria-hidden>
      <Icon size={size} />
    </span>
  );
}
