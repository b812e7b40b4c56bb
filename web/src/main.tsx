// Starts the page: kit, query cache, styles. Everything else begins in app.tsx.
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient } from './api/queries';
import { App } from './app';
import './styles/kit.css';
import './styles/app.css';
import './styles/grid.css';
import { colorSchemeManager, cssVariables, styleNonce, theme } from './theme';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

setNonce(styleNonce());
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={colorSchemeManager}
      defaultColorScheme="auto"
      getStyleNonce={styleNonce}
    >
      <QueryClientProvider client={queryClient}>
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
