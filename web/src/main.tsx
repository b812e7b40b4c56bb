// Starts the page: kit and styles. Everything else begins in app.tsx, or for strangers with a form in forms/PublicPage.tsx.
import { MantineProvider } from '@mantine/core';
import { setNonce } from 'get-nonce';
import { lazy, StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import './styles/kit.css';
import './styles/app.css';
import { colorSchemeManager, cssVariables, styleNonce, theme } from './theme';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

// A form is for people who know nothing of the application: they are not made to load it.
const Page = location.pathname.startsWith('/f/') ? lazy(() => import('./forms/PublicPage')) : lazy(() => import('./app'));

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
      <Suspense fallback={null}>
        <Page />
      </Suspense>
    </MantineProvider>
  </StrictMode>,
);
