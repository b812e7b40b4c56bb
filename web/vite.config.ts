// The build: stable file names and no source maps, so that the committed dist is the same on every machine.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = process.env.CHANCERY_URL ?? 'http://127.0.0.1:7373';

export default defineConfig({
  plugins: [react()],
  server: {
    proxy: { '/api': { target: server, ws: true }, '/healthz': server },
    fs: { allow: ['.', '../clients/typescript/src'] },
  },
  build: {
    target: 'es2022',
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      output: {
        entryFileNames: 'assets/[name].js',
        chunkFileNames: 'assets/[name].js',
        assetFileNames: 'assets/[name][extname]',
      },
    },
  },
});
