// Filters as a tree, and which operators want which kind of value. Pure.
import type { Column, FieldType, FilterGroup, FilterNode, FilterRule } from '../api/wire';
import { namesFiles } from '../files/facts';
import { text } from '../text/en';

export const DEPTH_MAX = 3;
export const SORT_KEYS_MAX = 5;

export type Arity = 'none' | 'one' | 'two' | 'many' | 'days';

const ARITY: Record<string, Arity> = {
  isEmpty: 'none', isNotEmpty: 'none', isToday: 'none', isYesterday: 'none', isThisWeek: 'none',
  isThisMonth: 'none', isThisYear: 'none', between: 'two', in: 'many', notIn: 'many',
  containsAll: 'many', containsAny: 'many', hasAny: 'many', hasAll: 'many', inLastDays: 'days', inNextDays: 'days',
};

export function arityOf(operator: string): Arity {
  return ARITY[operator] ?? 'one';
}

export const isGroup = (node: FilterNode): node is FilterGroup => 'filters' in node;

export interface Filterable {
  slug: string;
  name: string;
  fieldType: string;
  column?: Column;
}

const RELATED = new Set(['lookup', 'rollup', 'button']);

/** Whether what a column shows is worked out when records are read, so that the store cannot find or order by it. */
export function isRelated(column: Pick<Column, 'fieldType' | 'config'>): boolean {
  return RELATED.has(column.fieldType) || (column.fieldType === 'relation' && column.config?.reverseOf !== undefined);
}

/** Columns, and what every record has besides. */
export function filterable(columns: Column[]): Filterable[] {
  return [
    ...columns.filter((column) => !isRelated(column)).map((column) => ({ slug: column.slug, name: column.name, fieldType: column.fieldType, column })),
    { slug: 'createdAt', name: text.system.createdAt, fieldType: 'createdTime' },
    { slug: 'updatedAt', name: text.system.updatedAt, fieldType: 'updatedTime' },
  ];
}

const PRESENCE = ['isEmpty', 'isNotEmpty'];

/** What the store answers of a field: of an encrypted one only what needs no value opened. */
export function operatorsOf(types: FieldType[] | undefined, { fieldType, column }: Filterable): string[] {
  // Which file it is has no name that could be typed: only whether there is one is asked.
  if (namesFiles({ fieldType })) return PRESENCE;
  if (column?.encrypted) return column.encrypted.indexed ? ['eq', 'neq', 'in', 'notIn', ...PRESENCE] : PRESENCE;
  // Of a relation to several, what is asked of any list.
  const like = column?.fieldType === 'relation' && column.config?.relationType === 'manyToMany' ? 'users' : fieldType;
  return types?.find((type) => type.id === like)?.operators ?? ['eq', 'neq', ...PRESENCE];
}

const PREFERRED: Record<string, string> = { text: 'contains', longText: 'contains', boolean: 'eq', url: 'contains', email: 'contains' };

export function newRule(field: Filterable, operators: string[]): FilterRule {
  const wanted = PREFERRED[field.fieldType] ?? 'eq';
  const operator = operators.includes(wanted) ? wanted : (operators[0] ?? 'eq');
  const yes = field.fieldType === 'boolean' && operator === 'eq';
  return { column: field.slug, operator, value: yes ? true : undefined };
}

const filled = (value: unknown) => value !== undefined && value !== null && value !== '';

/** A rule without its value yet asks for nothing. */
export function complete(node: FilterNode): boolean {
  if (isGroup(node)) return node.filters.some(complete);
  switch (arityOf(node.operator)) {
    case 'none':
      return true;
    case 'two':
      return Array.isArray(node.value) && filled(node.value[0]) && filled(node.value[1]);
    case 'many':
      return Array.isArray(node.value) && node.value.length > 0;
    default:
      return filled(node.value);
  }
}

/** Whether a rule waits for its value: what is sent would leave it out. */
export function unfinished(node: FilterNode): boolean {
  return isGroup(node) ? node.filters.length === 0 || node.filters.some(unfinished) : !complete(node);
}

/** What is sent: unfinished rules and empty groups left out. */
export function effective(node: FilterNode | undefined): FilterNode | undefined {
  if (!node) return undefined;
  if (!isGroup(node)) {
    if (!complete(node)) return undefined;
    return arityOf(node.operator) === 'none' ? { column: node.column, operator: node.operator } : node;
  }
  const filters = node.filters.map(effective).filter((one) => one !== undefined);
  return filters.length > 0 ? { operator: node.operator, filters } : undefined;
}

export function ruleCount(node: FilterNode | undefined): number {
  if (!node) return 0;
  return isGroup(node) ? node.filters.reduce((sum, one) => sum + ruleCount(one), 0) : complete(node) ? 1 : 0;
}

export const emptyFilter = (): FilterGroup => ({ operator: 'and', filters: [] });
