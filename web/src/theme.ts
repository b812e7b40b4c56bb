// Colours and defaults of the component kit. Contrast is chosen for WCAG AA in both schemes.
import {
  createTheme,
  localStorageColorSchemeManager,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core';
import { text } from './text/en';

const ink: MantineColorsTuple = [
  '#edf7f6', '#d8ebea', '#b0d8d6', '#83c3c1', '#5fb2b0',
  '#3f9c9b', '#1f7c7d', '#1a6a6c', '#145a5d', '#0d474a',
];

const dark: MantineColorsTuple = [
  '#dfe2e6', '#bcc1c8', '#a3a9b2', '#7d848e', '#3a4048',
  '#2d3238', '#24282d', '#1a1d21', '#141619', '#0e1012',
];

const red: MantineColorsTuple = [
  '#fdeceb', '#fbd5d2', '#f8b4ad', '#ff9a8f', '#f58478',
  '#d9483d', '#b42318', '#a31f15', '#9c1f15', '#7c170f',
];

const closeButtonProps = { 'aria-label': text.common.close };

/** The kit takes a disabled entry of a menu for the first one, and then leaves the focus outside. */
const firstEntry = (menu: HTMLElement | null) => menu?.querySelector('[role^=menuitem]:not(:disabled)')?.setAttribute('data-autofocus', '');

export const theme = createTheme({
  primaryColor: 'ink',
  primaryShade: { light: 8, dark: 6 },
  autoContrast: true,
  colors: { ink, dark, red },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, monospace',
  headings: { fontWeight: '600' },
  defaultRadius: 'sm',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  cursorType: 'pointer',
  components: {
    Button: { defaultProps: { size: 'xs' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Tooltip: { defaultProps: { openDelay: 400, withArrow: true, fz: 'xs' } },
    Menu: { defaultProps: { shadow: 'md', position: 'bottom-start', withInitialFocusPlaceholder: false } },
    MenuDropdown: { defaultProps: { ref: firstEntry } },
    PasswordInput: { defaultProps: { visibilityToggleFocusable: true } },
    Modal: { defaultProps: { centered: true, closeButtonProps } },
    Drawer: { defaultProps: { closeButtonProps } },
  },
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-text': '#1d2126',
    '--mantine-color-dimmed': '#5b626b',
    '--mantine-color-placeholder': '#6a717a',
    '--mantine-color-error': '#b42318',
    '--mantine-color-default-border': '#d5d9de',
    '--mantine-color-anchor': '#145a5d',
  },
  dark: {
    '--mantine-color-dimmed': '#a3a9b2',
    '--mantine-color-placeholder': '#8f969f',
    '--mantine-color-error': '#ff9a8f',
    '--mantine-color-anchor': '#83c3c1',
  },
});

export const colorSchemeManager = localStorageColorSchemeManager({ key: 'chancery-theme' });

/** The nonce the server put into the page, for the style tags the kit makes. */
export function styleNonce(): string {
  return document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? '';
}
