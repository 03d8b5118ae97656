import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const OUT = '../src/daypass/api/built'
const PACKED_FROM_BYTES = 1024

// Packed once here, so that the gateway never has to.
function packed(): Plugin {
  return {
    name: 'packed',
    apply: 'build',
    closeBundle() {
      const folder = join(import.meta.dirname, OUT, 'assets')
      for (const name of readdirSync(folder)) {
        const path = join(folder, name)
        if (/\.(js|css|svg|wasm)$/.test(name) && statSync(path).size >= PACKED_FROM_BYTES) {
          writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }))
        }
      }
    },
  }
}

export default defineConfig({
  plugins: [react(), packed()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    // Says which files a page consists of: the gateway names them together with the page (api/ahead.py).
    manifest: 'manifest.json',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    reportCompressedSize: false,
    // What every page needs comes in one file: each one more costs the browser and the gateway a question.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } } },
  },
  server: { proxy: { '/api': 'http://localhost:8420', '/ledger': 'http://localhost:8420' } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
