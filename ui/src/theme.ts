// How it looks: Mantine with our own colours, each of which is readable (AA) on what it stands on.

import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

const day: MantineColorsTuple = [
  '#effcf9',
  '#d5f5ee',
  '#aee8dc',
  '#7dd5c6',
  '#46b9a9',
  '#259b8d',
  '#168074',
  '#0f6b62',
  '#0d564f',
  '#0a4540',
]
const alarm: MantineColorsTuple = [
  '#fef2f1',
  '#fde1df',
  '#fac5c1',
  '#f59d97',
  '#ec6a61',
  '#dc4339',
  '#c5291f',
  '#a92018',
  '#8b1d17',
  '#741d18',
]

// What Mantine fills inputs and menus with in the dark: greys of our own ground, from text to it.
const dark: MantineColorsTuple = [
  '#dfe6ec',
  '#b6c1cc',
  '#9ba8b6',
  '#6b7886',
  '#35404c',
  '#2a343f',
  '#1b232c',
  '#12181f',
  '#0f151b',
  '#0d1217',
]

/** What says to a screen reader what the sign on it says to others. */
const CLOSE = { 'aria-label': 'close' }

export const theme = createTheme({
  primaryColor: 'day',
  primaryShade: { light: 7, dark: 7 },
  colors: { day, alarm, dark },
  defaultRadius: 'sm',
  fontFamily: 'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  headings: {
    fontWeight: '620',
    sizes: { h1: { fontSize: '1.25rem' }, h2: { fontSize: '0.9375rem' }, h3: { fontSize: '0.875rem' } },
  },
  components: {
    Button: { defaultProps: { size: 'xs' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Textarea: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm' } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.4 }, closeButtonProps: CLOSE } },
    Drawer: { defaultProps: { closeButtonProps: CLOSE } },
    Notification: { defaultProps: { closeButtonProps: CLOSE } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250 } },
  },
})

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#566270',
    '--mantine-color-placeholder': '#66717e',
    '--mantine-color-error': '#a92018',
    '--mantine-color-anchor': '#0f6b62',
    '--mantine-color-text': '#16202b',
    '--mantine-color-body': '#ffffff',
  },
  dark: {
    '--mantine-color-dimmed': '#9ba8b6',
    '--mantine-color-placeholder': '#8c98a5',
    '--mantine-color-error': '#f59d97',
    '--mantine-color-anchor': '#7dd5c6',
    '--mantine-color-text': '#dfe6ec',
    '--mantine-color-body': '#12181f',
    '--mantine-color-default': '#1b232c',
    '--mantine-color-default-border': '#35404c',
  },
})
